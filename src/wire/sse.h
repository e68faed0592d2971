#pragma once
// Server-sent events (WHATWG HTML, "Server-sent events", event stream interpretation): cutting a byte stream into events, reading
// one event, writing events. No sockets, no copies unless an event's data has several lines.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace cardea::wire {

/// Finds where events end, so that a relay can forward the original bytes event by event. A plain value, one per stream.
class EventCutter {
 public:
  static constexpr std::size_t default_event_bytes = 16 * 1024 * 1024;
  explicit EventCutter(std::size_t event_bytes_max = default_event_bytes) noexcept : event_bytes_max_{event_bytes_max} {}

  /// `bytes`: everything since the end of the last event. Returns the size of the first event in it with the blank line that ends
  /// it, or 0 while it is incomplete; then call again with the same bytes and more behind them (they may have moved). Lines end
  /// in CR, LF or CRLF in any mix; a CR at the very end waits for the byte behind it. A stray blank line is an event of its own,
  /// without fields. Feeding byte by byte is linear and cuts at the same places as any other split.
  /// Error upstream_protocol: the event is larger than the limit.
  [[nodiscard]] Result<std::size_t> next(std::string_view bytes);
  /// The stream has ended behind `bytes`: the size of a last event that only waited for the byte behind its final CR, else 0 (an
  /// incomplete event is to be discarded).
  [[nodiscard]] std::size_t finish(std::string_view bytes) const noexcept;

 private:
  std::size_t event_bytes_max_;
  std::size_t scanned_ = 0;     ///< no line end before this offset is undecided
  std::size_t line_start_ = 0;  ///< of the line being scanned
  bool first_ = true;           ///< a byte order mark may lead
};

/// One event. Views point into the raw event or the scratch string it was parsed with.
struct Event {
  std::string_view name;  ///< of the last `event` line; empty means "message"
  std::string_view data;  ///< `data` lines joined with LF
  std::optional<std::string_view> id;
  std::optional<std::uint64_t> retry_ms;
  bool has_data = false;      ///< at least one `data` line: only then a client sees the event
  bool comment_only = false;  ///< nothing but comments (a keep-alive)
  bool operator==(const Event&) const = default;
};

/// Reads one event as cut by EventCutter; any bytes are accepted, as the standard demands: unknown fields are ignored. A leading
/// byte order mark is skipped. `scratch` is overwritten when the data has several lines; otherwise nothing is copied.
[[nodiscard]] Event parse_event(std::string_view raw, std::string& scratch);

/// Appends `event: NAME` (left out when empty; cut at its first line end), `data: …` for each line of `data`, and a blank line.
void append_event(std::string& out, std::string_view name, std::string_view data);
/// Appends a comment (one line each per line of `text`) and a blank line: a keep-alive that no client sees.
void append_comment(std::string& out, std::string_view text);

}  // namespace cardea::wire
