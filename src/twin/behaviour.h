#pragma once
// How a simulated provider is to behave for one request: its pace and its faults.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "wire/http1.h"

namespace cardea::twin {

enum class Hang : std::uint8_t { no, before_head, after_head, after_events };
enum class Malformed : std::uint8_t { no, json, sse, chunk, head, length, framing };
enum class LineEnding : std::uint8_t { lf, cr, crlf };

/// Pace and faults of one answer. The default is a healthy provider that answers at once. "Events" are those of a stream that
/// carry data, the role chunk being the first; an answer that is not streamed is broken off in the middle instead.
struct Behaviour {
  std::uint64_t latency_ms = 0;      ///< before the head
  std::uint64_t first_token_ms = 0;  ///< from the head to the first event
  std::uint64_t inter_token_ms = 0;  ///< between two tokens
  std::optional<std::uint64_t> tokens;

  std::uint64_t status = 0;  ///< 0: what the request deserves
  std::string retry_after;
  std::string redirect;
  bool early = false;
  bool quote_credential = false;
  bool empty_choices = false;
  bool error_in_200 = false;

  std::optional<std::uint64_t> cut_after_events;
  std::optional<std::uint64_t> close_after_events;
  std::optional<std::uint64_t> end_after_events;
  std::optional<std::uint64_t> error_event_after;
  Hang hang = Hang::no;
  std::uint64_t hang_after = 0;  ///< events, for Hang::after_events
  Malformed malformed = Malformed::no;
  std::uint64_t trailing_bytes = 0;

  std::uint64_t split = 0;  ///< bytes of one write; 0: as it comes
  bool write_each = false;
  LineEnding line_ending = LineEnding::lf;
  bool no_space = false;
  std::uint64_t comments = 0;
  std::uint64_t huge_event_bytes = 0;
  bool gzip = false;

  std::string expect_body_sha256;
  std::vector<std::pair<std::string, std::string>> expect_headers;  ///< name, value
  std::vector<std::string> expect_absent;                           ///< names
  bool echo_headers = false;

  std::uint64_t cached_tokens = 0;       ///< of the prompt, read from a cache
  std::uint64_t cache_write_tokens = 0;  ///< of the prompt, written to a cache
  std::string issuer;                    ///< who signs thoughts, and whose signatures are taken
  std::optional<bool> strict;            ///< refuse unknown fields? Not said: as the vendor does

  /// Anything but the plain answer at once.
  bool special = false;
};

/// One thing that can be asked for: header `x-twin-NAME: VALUE`, or `NAME=VALUE` in a script.
struct Option {
  std::string_view name;
  std::string_view values;  ///< for help: what VALUE may be
  std::string_view help;
  Status (*set)(Behaviour& behaviour, std::string_view value);
};
[[nodiscard]] std::span<const Option> options();

inline constexpr std::string_view header_prefix = "x-twin-";

/// Sets one option. Kind::bad_request names the option, the values it takes, or the option that was probably meant.
[[nodiscard]] Status set_option(Behaviour& behaviour, std::string_view name, std::string_view value);
/// Takes every x-twin-… header. `param` of an error is the header's name.
[[nodiscard]] Status read_headers(const wire::HeaderTable& headers, Behaviour& behaviour);

}  // namespace cardea::twin
