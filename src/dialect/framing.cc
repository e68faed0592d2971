#include "dialect/framing.h"

#include <array>

#include "base/text.h"
#include "wire/aws_events.h"

namespace cardea::dialect {
namespace {

constexpr std::array<std::string_view, 4> content_types{"text/event-stream", "application/x-ndjson", "application/json",
                                                        "application/vnd.amazon.eventstream"};

std::unexpected<Error> too_long(std::size_t limit) {
  return fail(Kind::upstream_protocol, cat("the upstream's stream has an event of more than ", limit, " bytes"));
}

}  // namespace

std::string_view content_type(Framing framing) noexcept { return content_types[static_cast<std::size_t>(framing)]; }

bool is_framed(Framing framing, std::string_view type) noexcept {
  const auto wanted = content_type(framing);
  const bool same = type.size() >= wanted.size() && iequals(type.substr(0, wanted.size()), wanted);
  // Servers of that family say either.
  return same || (framing == Framing::lines && iequals(type.substr(0, 18), "application/jsonl"));
}

Frame FrameReader::event(std::string_view raw) {
  const auto parsed = wire::parse_event(raw, scratch_);
  return {
      .bytes = raw.size(), .type = parsed.name, .data = parsed.data, .has_data = parsed.has_data && !trim(parsed.data).empty()};
}

Result<std::optional<Frame>> FrameReader::next(std::string_view pending) {
  switch (framing_) {
    case Framing::lines: return next_line(pending);
    case Framing::json_array: return next_element(pending);
    case Framing::aws_events: return next_aws(pending);
    case Framing::sse: break;
  }
  auto size = events_.next(pending);
  if (!size) return fail_with(size);
  if (*size == 0) return std::nullopt;
  return event(pending.substr(0, *size));
}

Result<std::optional<Frame>> FrameReader::last(std::string_view pending) {
  if (framing_ == Framing::sse) {
    const auto size = events_.finish(pending);
    if (size == 0) return std::nullopt;
    return event(pending.substr(0, size));
  }
  const bool line = framing_ == Framing::lines && !trim(pending).empty();
  if (line) return Frame{.bytes = pending.size(), .data = trim(pending), .has_data = true};
  if (framing_ == Framing::aws_events && !pending.empty()) {
    return fail(Kind::upstream_reset, "the upstream ended the stream within an event");
  }
  return std::nullopt;
}

Result<std::optional<Frame>> FrameReader::next_line(std::string_view pending) {
  const auto end = pending.find('\n', scanned_);
  if (end == std::string_view::npos) {
    scanned_ = pending.size();
    if (pending.size() > frame_bytes_max_) return too_long(frame_bytes_max_);
    return std::nullopt;
  }
  scanned_ = 0;
  const auto line = trim(pending.substr(0, end));
  return Frame{.bytes = end + 1, .data = line, .has_data = !line.empty()};
}

/// Brackets and commas between elements are frames without data, so that every byte belongs to one.
Result<std::optional<Frame>> FrameReader::next_element(std::string_view pending) {
  if (scanned_ == 0 && !pending.empty() && pending.front() != '{') {
    const auto start = pending.find_first_not_of("[], \t\r\n");
    if (start == std::string_view::npos) return Frame{.bytes = pending.size()};
    if (start != 0) return Frame{.bytes = start};
    return fail(Kind::upstream_protocol, "the upstream's stream is no array of objects");
  }
  for (; scanned_ < pending.size(); ++scanned_) {
    const char c = pending[scanned_];
    if (escaped_) {
      escaped_ = false;
    } else if (in_string_) {
      escaped_ = c == '\\';
      in_string_ = c != '"';
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if ((c == '}' || c == ']') && --depth_ == 0) {
      const auto bytes = std::exchange(scanned_, 0) + 1;
      return Frame{.bytes = bytes, .data = pending.substr(0, bytes), .has_data = true};
    }
  }
  if (pending.size() > frame_bytes_max_) return too_long(frame_bytes_max_);
  return std::nullopt;
}

Result<std::optional<Frame>> FrameReader::next_aws(std::string_view pending) {
  auto message = wire::parse_aws_message(pending, frame_bytes_max_);
  if (!message) return fail_with(message);
  if (!*message) return std::nullopt;
  const auto& said = **message;
  const bool failed = said.message_type == "exception" || said.message_type == "error";
  std::string_view payload = said.payload;
  if (said.message_type == "error") payload = said.error_message;
  return Frame{.bytes = said.bytes, .type = failed ? said.exception_type : said.event_type, .data = payload, .has_data = true};
}

void append_frame(std::string& out, Framing framing, std::string_view type, std::string_view data, Place place) {
  switch (framing) {
    case Framing::sse: wire::append_event(out, type, data); break;
    case Framing::lines: out += cat(data, '\n'); break;
    case Framing::json_array: out += cat(place == Place::first ? "[" : ",\r\n", data); break;
    case Framing::aws_events: wire::append_aws_event(out, type, data); break;
  }
}

std::string_view stream_end(Framing framing, Place place) noexcept {
  if (framing != Framing::json_array) return {};
  return place == Place::first ? "[]" : "]";
}

}  // namespace cardea::dialect
