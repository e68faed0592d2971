#include "wire/http1_scan.h"

#include <algorithm>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace cardea::wire {
namespace {

bool blank(char c) noexcept { return c == ' ' || c == '\t'; }

/// Like for_each_in_list, but an empty element is an element: framing lists are judged as they stand.
template <class Visit>
void for_each_element(std::string_view list, Visit&& visit) {
  for (;;) {
    const auto comma = list.find(',');
    visit(trim(list.substr(0, comma)));
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

const char* find_control(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i space = _mm_set1_epi8(0x1f);
  const __m128i del = _mm_set1_epi8(0x7f);
  const __m128i tab = _mm_set1_epi8('\t');
  while (end - p >= 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));  // NOLINT
    const __m128i low = _mm_andnot_si128(_mm_cmpeq_epi8(v, tab), _mm_cmpeq_epi8(_mm_min_epu8(v, space), v));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(v, del))));
    if (mask != 0) return p + __builtin_ctz(mask);
    p += 16;
  }
#endif
  while (p != end && has_class(*p, text_char)) ++p;
  return p;
}

std::string show_byte(char c) {
  switch (c) {
    case ' ': return "space";
    case '\t': return "tab";
    case '\r': return "CR";
    case '\n': return "LF";
    case '\0': return "NUL";
    default: break;
  }
  if (c > 0x20 && c < 0x7f) return cat('\'', c, '\'');
  return cat("byte 0x", to_hex({&c, 1}));
}

HeadWindow head_window(std::string_view bytes, const HeadLimits& limits) noexcept {
  const auto most = std::min(limits.head_bytes, head_bytes_max);
  return {.bytes = bytes.substr(0, most), .full = bytes.size() >= most};
}

bool HeadProgress::worth_parsing(const HeadWindow& window) noexcept {
  const auto bytes = window.bytes;
  if (bytes.empty()) return false;
  bool worth = parsed_ == 0 || window.full || bytes.size() / 2 >= parsed_;
  for (auto at = std::min(scanned_, bytes.size()); !worth;) {
    at = bytes.find('\n', at);
    if (at == std::string_view::npos) break;
    // An empty line may complete the head, a bare LF is an error to be told at once.
    worth = at < 3 || bytes[at - 1] != '\r' || bytes[at - 2] == '\n';
    ++at;
  }
  scanned_ = bytes.size();
  if (worth) parsed_ = bytes.size();
  return worth;
}

HeadScan::HeadScan(std::string_view window, const HeadLimits& limits, unsigned name_classes, Kind blame,
                   HeaderTable& table) noexcept
    : begin_{window.data()},
      p_{window.data()},
      end_{window.data() + window.size()},
      limits_{limits},
      table_{table},
      headers_max_{std::min(limits.headers, HeaderTable::max_headers)},
      name_classes_{name_classes},
      blame_{blame} {
  table_.base_ = begin_;
  table_.count_ = 0;
  table_.first_.fill(0);
  table_.repeated_.fill(false);
}

Scan HeadScan::bad(Kind kind, std::string message) {
  error_ = Error{blame_ == Kind::bad_request ? kind : blame_, std::move(message)};
  return Scan::bad;
}

Scan HeadScan::line_end(std::string_view what) {
  if (p_ == end_) return Scan::more;
  if (*p_ == '\n') return bad(cat(what, " ends in a bare LF; lines end in CRLF"));
  if (*p_ != '\r') return bad(cat(what, ": unexpected ", show_byte(*p_), " at offset ", p_ - begin_));
  if (p_ + 1 == end_) return Scan::more;
  if (p_[1] != '\n') return bad(cat(what, ": bare CR at offset ", p_ - begin_, "; lines end in CRLF"));
  p_ += 2;
  return Scan::done;
}

Scan HeadScan::fields() {
  for (;;) {
    if (p_ == end_) return Scan::more;
    if (*p_ == '\r') return line_end("the empty line after the headers");
    if (const auto scan = field(); scan != Scan::done) return scan;
  }
}

Scan HeadScan::field() {
  if (table_.count_ == headers_max_) return bad(Kind::header_too_large, cat("more than ", headers_max_, " header lines"));
  const char* const name = p_;
  const char* c = name;
  while (c != end_ && has_class(*c, name_classes_)) ++c;
  if (static_cast<std::size_t>(c - name) > name_bytes_max) {
    return bad(Kind::header_too_large, cat("header ", table_.count_ + 1, ": name longer than ", name_bytes_max, " bytes"));
  }
  if (c == end_) return Scan::more;
  if (*c != ':' || c == name) return bad_name(c);
  const std::string_view name_view{name, static_cast<std::size_t>(c - name)};

  const char* value = c + 1;
  while (value != end_ && blank(*value)) ++value;
  p_ = find_control(value, end_);
  const char* value_end = p_;
  if (p_ == end_ || *p_ != '\r' || end_ - p_ < 2 || p_[1] != '\n') return line_end(cat("header ", name_view));
  p_ += 2;
  while (value_end != value && blank(value_end[-1])) --value_end;

  const auto field = field_of_token(name_view);
  table_.slots_[table_.count_] = {.name_at = span(name, c).at,
                                  .value_at = span(value, value_end).at,
                                  .value_size = span(value, value_end).size,
                                  .name_size = static_cast<std::uint16_t>(name_view.size()),
                                  .field = field};
  ++table_.count_;
  auto& first = table_.first_[static_cast<std::size_t>(field)];
  if (first == 0) {
    first = static_cast<std::uint8_t>(table_.count_);
  } else {
    table_.repeated_[static_cast<std::size_t>(field)] = true;
  }
  return Scan::done;
}

Scan HeadScan::bad_name(const char* at) {
  const std::string_view name{p_, static_cast<std::size_t>(at - p_)};
  const auto line = cat("header ", table_.count_ + 1);
  if (*at == '\n' && name.empty()) return bad(cat(line, " ends in a bare LF; lines end in CRLF"));
  if (blank(*at) && name.empty()) {
    return bad(table_.count_ == 0 ? cat(line, " begins with ", show_byte(*at))
                                  : cat(line, " begins with ", show_byte(*at), ": folded lines (obs-fold) are refused"));
  }
  if (*at == ':') return bad(cat(line, " has an empty name"));
  if (blank(*at)) return bad(cat("header ", name, ": white space before the colon"));
  if (*at == '\r' || *at == '\n') return bad(cat(line, " has no colon"));
  if (*at == '_') return bad(cat("header ", name, "_…: underscores in header names are refused; use '-'"));
  return bad(cat(line, ": ", show_byte(*at), " is not allowed in a header name"));
}

HeadSpan HeadScan::value_span(Field field) const noexcept {
  const auto& slot = table_.slots_[table_.first_[static_cast<std::size_t>(field)] - 1U];
  return {slot.value_at, slot.value_size};
}

Scan HeadScan::framing(Framing& framing, std::uint64_t& length, unsigned minor_version) {
  const bool has_coding = table_.find(Field::transfer_encoding).has_value();
  const bool has_length = table_.find(Field::content_length).has_value();
  if (!has_coding && !has_length) return Scan::done;
  if (has_coding && has_length) return bad("Content-Length together with Transfer-Encoding: the body's end is ambiguous");
  if (has_coding) return transfer_encoding(framing, minor_version);
  framing = Framing::length;
  return content_length(length);
}

Scan HeadScan::transfer_encoding(Framing& framing, unsigned minor_version) {
  if (minor_version == 0) return bad("Transfer-Encoding in an HTTP/1.0 message");
  bool chunked = false;
  std::string_view unknown;
  std::string_view wrong;
  for (std::size_t i = 0; i < table_.size(); ++i) {
    if (table_.field(i) != Field::transfer_encoding) continue;
    for_each_element(table_[i].value, [&](std::string_view coding) {
      if (!wrong.empty()) return;
      if (coding.empty()) {
        wrong = "Transfer-Encoding has an empty element";
      } else if (chunked) {
        wrong =
            iequals(coding, "chunked") ? "Transfer-Encoding: chunked applied twice" : "Transfer-Encoding: chunked is not last";
      } else if (iequals(coding, "chunked")) {
        chunked = true;
      } else if (unknown.empty()) {
        unknown = coding;
      }
    });
  }
  if (!wrong.empty()) return bad(std::string{wrong});
  if (!unknown.empty()) return bad(Kind::not_implemented, "Transfer-Encoding: only 'chunked' is supported");
  framing = Framing::chunked;
  return Scan::done;
}

Scan HeadScan::content_length(std::uint64_t& length) {
  if (repeated(Field::content_length)) return bad("more than one Content-Length header");
  const auto value = *table_.find(Field::content_length);
  const bool digits = !value.empty() && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return bad("Content-Length is not one decimal number");
  const auto number = parse_number<std::uint64_t>(value);
  if (!number || *number > static_cast<std::uint64_t>(INT64_MAX)) return bad("Content-Length is too large");
  length = *number;
  return Scan::done;
}

bool HeadScan::keep_alive(unsigned minor_version) const noexcept {
  if (!table_.find(Field::connection)) return minor_version == 1;
  if (table_.connection_has("close")) return false;
  return minor_version == 1 || table_.connection_has("keep-alive");
}

}  // namespace cardea::wire
