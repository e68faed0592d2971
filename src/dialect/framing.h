#pragma once
// How the events of a streamed answer stand in its bytes, and a reader that cuts them out, whichever way it is.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "wire/sse.h"

namespace cardea::dialect {

enum class Framing : std::uint8_t {
  sse,         ///< server-sent events
  lines,       ///< one JSON document a line (Ollama)
  json_array,  ///< the elements of one JSON array (Gemini without alt=sse)
  aws_events,  ///< application/vnd.amazon.eventstream (Bedrock)
};

/// "text/event-stream", …
[[nodiscard]] std::string_view content_type(Framing framing) noexcept;
/// Does a Content-Type say that a body is framed like that?
[[nodiscard]] bool is_framed(Framing framing, std::string_view content_type) noexcept;

/// One event cut out of a stream. Views into the bytes given to the reader, or into the reader; they die with its next call.
struct Frame {
  std::size_t bytes = 0;  ///< raw size at the front of what was given
  /// SSE: the event's name. AWS: `:event-type`, or of an exception its `:exception-type`.
  std::string_view type;
  std::string_view data;
  bool has_data = false;  ///< false: comments, separators
};

/// Cuts a byte stream into frames. One per stream. Any split of the bytes gives the same frames.
class FrameReader {
 public:
  FrameReader(Framing framing, std::size_t frame_bytes_max)
      : framing_{framing}, frame_bytes_max_{frame_bytes_max}, events_{frame_bytes_max} {}

  /// The first frame of `pending`, which begins behind the frame before; nothing while it is incomplete: then call again with
  /// the same bytes and more behind them. Error upstream_protocol: too long, or not framed as it should be.
  [[nodiscard]] Result<std::optional<Frame>> next(std::string_view pending);
  /// The upstream closed behind `pending`: a last frame that only waited for its end, if there is one. An SSE event without its
  /// blank line is none (WHATWG), a last line without its line feed is one.
  [[nodiscard]] Result<std::optional<Frame>> last(std::string_view pending);

 private:
  [[nodiscard]] Result<std::optional<Frame>> next_line(std::string_view pending);
  [[nodiscard]] Result<std::optional<Frame>> next_element(std::string_view pending);
  [[nodiscard]] Result<std::optional<Frame>> next_aws(std::string_view pending);
  [[nodiscard]] Frame event(std::string_view raw);

  Framing framing_;
  std::size_t frame_bytes_max_;
  wire::EventCutter events_;
  std::size_t scanned_ = 0;  ///< lines, elements: bytes of `pending` that need not be looked at again
  std::uint32_t depth_ = 0;  ///< elements: open brackets
  bool in_string_ = false;   ///< elements
  bool escaped_ = false;     ///< elements
  std::string scratch_;
  std::string type_;
};

/// Appends one event to a stream that is framed like that. `first`: of a JSON array, its opening bracket is written too.
enum class Place : std::uint8_t { first, later };
void append_frame(std::string& out, Framing framing, std::string_view type, std::string_view data, Place place = Place::later);
/// What ends a stream properly (the closing bracket of an array); most need nothing.
[[nodiscard]] std::string_view stream_end(Framing framing, Place place) noexcept;

}  // namespace cardea::dialect
