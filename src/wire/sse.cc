#include "wire/sse.h"

#include "base/text.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace cardea::wire {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// Offset of the first CR or LF at or behind `at`, or npos.
std::size_t find_line_end(std::string_view text, std::size_t at) noexcept {
#if defined(__SSE2__)
  const auto line_ends = [](const char* p) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));  // NOLINT
    return static_cast<unsigned>(
        _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\r')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\n')))));
  };
  for (; at + 16 <= text.size(); at += 16) {
    const unsigned mask = line_ends(text.data() + at);
    if (mask != 0) return at + static_cast<std::size_t>(__builtin_ctz(mask));
  }
  if (at < text.size() && text.size() >= 16) {  // the rest, read together with what lies before it
    const unsigned mask = line_ends(text.data() + text.size() - 16) >> (16 - (text.size() - at));
    return mask != 0 ? at + static_cast<std::size_t>(__builtin_ctz(mask)) : std::string_view::npos;
  }
#endif
  for (; at < text.size(); ++at) {
    if (text[at] == '\n' || text[at] == '\r') return at;
  }
  return std::string_view::npos;
}

/// Cuts the first line, without its end, off the front of `text`.
std::string_view take_line(std::string_view& text) noexcept {
  const auto end = find_line_end(text, 0);
  if (end == std::string_view::npos) {
    const auto line = text;
    text = {};
    return line;
  }
  const auto line = text.substr(0, end);
  const bool crlf = text.substr(end).starts_with("\r\n");
  text.remove_prefix(end + (crlf ? 2 : 1));
  return line;
}

}  // namespace

Result<std::size_t> EventCutter::next(std::string_view bytes) {
  while (true) {
    const auto end = find_line_end(bytes, scanned_);
    const bool waits = end != std::string_view::npos && bytes[end] == '\r' && end + 1 == bytes.size();
    if (end == std::string_view::npos || waits) {
      scanned_ = waits ? end : bytes.size();
      if (bytes.size() > event_bytes_max_) break;
      return std::size_t{0};
    }
    const std::size_t behind = end + (bytes[end] == '\r' && bytes[end + 1] == '\n' ? 2 : 1);
    const bool only_mark = first_ && end == byte_order_mark.size() && bytes.starts_with(byte_order_mark);
    if (end != line_start_ && !only_mark) {
      scanned_ = line_start_ = behind;
      continue;
    }
    if (behind > event_bytes_max_) break;
    scanned_ = line_start_ = 0;
    first_ = false;
    return behind;
  }
  return fail(Kind::upstream_protocol, cat("a server-sent event is larger than ", event_bytes_max_, " bytes"));
}

std::size_t EventCutter::finish(std::string_view bytes) const noexcept {
  const bool complete = !bytes.empty() && bytes.back() == '\r' && line_start_ + 1 == bytes.size() && scanned_ == line_start_;
  return complete ? bytes.size() : 0;
}

Event parse_event(std::string_view raw, std::string& scratch) {
  Event event;
  bool comments = false;
  bool fields = false;
  bool joined = false;
  if (raw.starts_with(byte_order_mark)) raw.remove_prefix(byte_order_mark.size());
  while (!raw.empty()) {
    const auto line = take_line(raw);
    if (line.empty()) continue;
    const auto colon = line.find(':');
    if (colon == 0) {
      comments = true;
      continue;
    }
    fields = true;
    const auto name = line.substr(0, colon);
    auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "data") {
      if (event.has_data) {
        if (!joined) scratch.assign(event.data);
        joined = true;
        scratch.append("\n").append(value);
      } else {
        event.data = value;
        event.has_data = true;
      }
    } else if (name == "event") {
      event.name = value;
    } else if (name == "id") {
      if (value.find('\0') == std::string_view::npos) event.id = value;
    } else if (name == "retry") {
      if (const auto number = parse_number<std::uint64_t>(value)) event.retry_ms = number;
    }
  }
  if (joined) event.data = scratch;
  event.comment_only = comments && !fields;
  return event;
}

void append_event(std::string& out, std::string_view name, std::string_view data) {
  if (!name.empty()) out.append("event: ").append(take_line(name)).append("\n");
  if (find_line_end(data, 0) == std::string_view::npos) {
    out.append("data: ").append(data).append("\n\n");
    return;
  }
  do {
    const bool last = find_line_end(data, 0) == std::string_view::npos;
    out.append("data: ").append(take_line(data)).append("\n");
    if (last) break;
  } while (true);
  out.append("\n");
}

void append_comment(std::string& out, std::string_view text) {
  do {
    const auto line = take_line(text);
    out.append(": ").append(line).append("\n");
  } while (!text.empty());
  out.append("\n");
}

}  // namespace cardea::wire
