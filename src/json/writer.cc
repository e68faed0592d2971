#include "json/writer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "json/utf8.h"

namespace cardea::json {
namespace {

/// What follows the backslash of a short escape; 'u' for control characters without one; 0 for what passes.
constexpr auto escapes = [] {
  std::array<char, 256> table{};
  for (std::size_t i = 0; i < 0x20; ++i) table[i] = 'u';
  table['"'] = '"';
  table['\\'] = '\\';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  return table;
}();

[[maybe_unused]] constexpr std::uint32_t depth_limit = 64;

#if defined(__SSE2__)
/// One bit for each of 16 bytes that does not stand for itself.
unsigned not_plain(const char* p) noexcept {
  const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));  // NOLINT
  const auto ends = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
  // As signed numbers, what is not ASCII lies below the space too.
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(ends, _mm_cmplt_epi8(bytes, _mm_set1_epi8(' ')))));
}
#endif

/// Do eight bytes stand for themselves, each? (Sean Anderson, "Bit Twiddling Hacks": a zero byte in a word.)
[[maybe_unused]] bool eight_plain(const char* bytes) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t highs = ones * 0x80;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  const auto has = [](std::uint64_t differences) { return (differences - ones) & ~differences; };
  const std::uint64_t below_space = (word - ones * ' ') & ~word;
  return ((word | below_space | has(word ^ ones * '"') | has(word ^ ones * '\\')) & highs) == 0;
}

/// The first byte from `at` on that does not stand for itself: a quote, a backslash, a control character, or not ASCII. What is
/// left of whole steps is read once more together with what lies before it.
std::size_t plain_end(std::string_view text, std::size_t at) noexcept {
  const char* const begin = text.data();
  const std::size_t size = text.size();
#if defined(__SSE2__)
  for (; at + 16 <= size; at += 16) {
    const unsigned mask = not_plain(begin + at);
    if (mask != 0) return at + static_cast<unsigned>(__builtin_ctz(mask));
  }
  if (at != size && size >= 16) {
    const unsigned mask = not_plain(begin + size - 16) >> (16 - (size - at));
    return mask != 0 ? at + static_cast<unsigned>(__builtin_ctz(mask)) : size;
  }
#endif
  while (size - at > 16 && eight_plain(begin + at)) at += 8;
  if (size - at >= 8 && size - at <= 16 && eight_plain(begin + at) && eight_plain(begin + size - 8)) return size;
  while (at < size && static_cast<unsigned char>(begin[at]) < 0x80 && escapes[static_cast<unsigned char>(begin[at])] == 0) ++at;
  return at;
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  std::size_t at = plain_end(text, 0);
  if (at == text.size()) {
    // Mostly nothing needs an escape: one growth, one copy.
    const std::size_t begin = out.size();
    const std::size_t end = begin + text.size() + 2;
    // libstdc++ 12 hands over the capacity for the size.
    out.resize_and_overwrite(end, [&](char* bytes, std::size_t /*size*/) {
      bytes[begin] = '"';
      std::ranges::copy(text, bytes + begin + 1);
      bytes[end - 1] = '"';
      return end;
    });
    return;
  }
  constexpr std::string_view digits = "0123456789abcdef";
  out.push_back('"');
  std::size_t from = 0;
  const auto flush = [&] { out.append(text.substr(from, at - from)); };
  while ((at = plain_end(text, at)) < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x80) {
      const auto length = utf8_length(text.substr(at));
      if (length != 0) {
        at += length;
        continue;
      }
      flush();
      append_utf8(out, 0xFFFD);
    } else {
      const char escape = escapes[byte];
      flush();
      out.push_back('\\');
      out.push_back(escape);
      if (escape == 'u') {
        out.append("00");
        out.push_back(digits[byte >> 4]);
        out.push_back(digits[byte & 15]);
      }
    }
    from = ++at;
  }
  flush();
  out.push_back('"');
}

bool is_plain(std::string_view text) noexcept { return plain_end(text, 0) == text.size(); }

std::string quote(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_string(out, text);
  return out;
}

void Writer::before_value() {
  if (depth_ == 0) return;
  const auto bit = std::uint64_t{1} << (depth_ - 1);
  if ((arrays_ & bit) == 0) {
    assert(expects_value_ && "a member needs a key");
    expects_value_ = false;
    return;
  }
  if ((nonempty_ & bit) != 0) out_.push_back(',');
  nonempty_ |= bit;
}

Writer& Writer::key(std::string_view name) {
  if (!begin_member()) out_.push_back(',');
  append_string(out_, name);
  out_.push_back(':');
  return *this;
}

Writer& Writer::string(std::string_view text) {
  before_value();
  append_string(out_, text);
  return *this;
}

Writer& Writer::raw(std::string_view json) {
  assert(!json.empty());
  before_value();
  out_.append(json);
  return *this;
}

Writer& Writer::number(double value) {
  if (!std::isfinite(value)) return null();
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return raw({digits.data(), end});
}

Writer& Writer::open(char bracket) {
  // What begins empty is a whole document: it need not grow from nothing.
  constexpr std::size_t document_bytes_mostly = 512;
  if (out_.empty()) out_.reserve(document_bytes_mostly);
  before_value();
  assert(depth_ < depth_limit && "too deep for the writer");
  const auto bit = std::uint64_t{1} << depth_++;
  arrays_ = bracket == '[' ? arrays_ | bit : arrays_ & ~bit;
  nonempty_ &= ~bit;
  out_.push_back(bracket);
  return *this;
}

Writer& Writer::close(char bracket) {
  assert(depth_ != 0 && !expects_value_);
  --depth_;
  assert(((arrays_ >> depth_ & 1) != 0) == (bracket == ']') && "closed as what it is not");
  out_.push_back(bracket);
  return *this;
}

}  // namespace cardea::json
