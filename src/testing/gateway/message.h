#pragma once
// HTTP messages as tests write and read them.

#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "wire/http1.h"

namespace cardea::testing {

/// `NAME: VALUE` lines, each ended by CRLF, or none.
using Lines = std::string_view;

/// A whole request with a Host and, for a body, its length.
[[nodiscard]] std::string request(std::string_view method, std::string_view target, Lines headers = "",
                                  std::string_view body = "");
/// POST /v1/chat/completions.
[[nodiscard]] std::string chat_request(std::string_view body, Lines headers = "");
/// A whole answer with its length.
[[nodiscard]] std::string response(unsigned status, std::string_view body, Lines headers = "content-type: application/json\r\n");
/// The head of a chunked event stream.
[[nodiscard]] std::string stream_head();
/// One chunk; the last one for an empty text.
[[nodiscard]] std::string chunk(std::string_view data);

/// What a client was told, or as much of it as came. The expect_… report a failed test where they were called, and go on.
class Answer {
 public:
  using Where = std::source_location;

  unsigned status = 0;  ///< 0: no head came
  std::string head;     ///< with the empty line
  std::string body;     ///< decoded
  bool whole = false;   ///< to its proper end

  /// The answer at the front of `bytes`, which loses it; nullopt while it may still grow (`ended`: it will not).
  enum class Source : std::uint8_t { open, ended };
  [[nodiscard]] static std::optional<Answer> take(std::string& bytes, wire::Method method, Source source);

  /// Value of a header; nullopt: absent.
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
  [[nodiscard]] json::Value json() const;
  /// A text or a number of a JSON body, e.g. "error.message"; "(none)" when absent.
  [[nodiscard]] std::string at(std::string_view path) const { return text_at(body, path); }
  [[nodiscard]] static std::string text_at(std::string_view json, std::string_view path);
  /// The data of each event of a stream.
  [[nodiscard]] std::vector<std::string> events() const;

  const Answer& expect_status(unsigned wanted, Where where = Where::current()) const;
  const Answer& expect_header(std::string_view name, std::string_view value, Where where = Where::current()) const;
  const Answer& expect_no_header(std::string_view name, Where where = Where::current()) const;
  const Answer& expect_body(std::string_view wanted, Where where = Where::current()) const;
  /// A whole error in OpenAI's shape.
  const Answer& expect_error(unsigned wanted, std::string_view type, std::string_view code, Where where = Where::current()) const;
  /// A stream whose last event is a well-formed error with this code; no `[DONE]`, and the body ends properly.
  const Answer& expect_error_event(std::string_view code, Where where = Where::current()) const;
};

}  // namespace cardea::testing
