#pragma once
// Answers as OpenAI writes them: one document, or a stream of chunks.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "twin/answer.h"

namespace cardea::twin {

/// What of the request shows in the form of the answer. The views must outlive what is made with it.
struct Form {
  std::string_view model;
  std::uint64_t created = 0;  ///< Unix seconds
  bool logprobs = false;
  std::uint64_t top_logprobs = 0;
  bool include_usage = false;
};

/// A chat.completion object.
[[nodiscard]] std::string completion(const Answer& answer, const Form& form);
/// OpenAI's error object. An empty `param` or `code` is null.
[[nodiscard]] std::string error_object(std::string_view message, std::string_view type, std::string_view param,
                                       std::string_view code);

/// The chat.completion.chunk objects of one stream, one at a time: role, then text token by token or calls in fragments, finish,
/// and usage when asked for. Several choices take turns. Refers to `answer`, which must outlive it.
class ChunkSource {
 public:
  ChunkSource(const Answer& answer, const Form& form);
  /// Appends the next object to `out`. False: there is none (what comes next is [DONE]).
  [[nodiscard]] bool next(std::string& out);
  /// Was the last object made of a token, or else of frame: role, finish, usage?
  [[nodiscard]] bool was_token() const noexcept { return was_token_; }

 private:
  enum class Phase : std::uint8_t { role, reasoning, refusal, text, calls, finish, over };
  struct Cursor {
    Phase phase = Phase::role;
    std::size_t at = 0;  ///< in the text or the arguments of the phase
    std::size_t call = 0;
    bool named = false;  ///< the call has been introduced
  };
  void chunk(std::size_t index, std::string& out);
  void skip_empty(const Choice& choice, Cursor& cursor) const;
  void token(std::string_view key, std::string_view text, Cursor& cursor, std::string& out);
  void call_fragment(const Choice& choice, Cursor& cursor, std::string& out);
  void usage(std::string& out);

  const Answer& answer_;
  Form form_;
  std::string prefix_;
  std::string suffix_;
  std::vector<Cursor> cursors_;
  std::size_t turn_ = 0;
  std::size_t left_;
  bool usage_said_ = false;
  bool was_token_ = false;
};

}  // namespace cardea::twin
