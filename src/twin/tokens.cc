#include "twin/tokens.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/random.h"

namespace cardea::twin {
namespace {

// Arithmetic on bytes instead of branches, so that the compiler counts sixteen at a time.
using Byte = std::uint8_t;
constexpr Byte flag(bool condition) noexcept { return static_cast<Byte>(condition); }
constexpr Byte is_blank(Byte c) noexcept {
  return static_cast<Byte>(flag(c == ' ') | flag(static_cast<Byte>(c - '\t') <= '\r' - '\t'));
}
constexpr Byte is_mark(Byte c) noexcept {
  const auto folded = static_cast<Byte>(c | 0x20);  // [ and { are one, ] and } too
  return static_cast<Byte>(flag(c == '"') | flag(c == ',') | flag(c == ':') | flag(folded == '{') | flag(folded == '}'));
}
constexpr Byte begins(Byte before, Byte c) noexcept {
  return static_cast<Byte>((is_blank(c) ^ 1) & (is_blank(before) | is_mark(c) | flag(c >= 0xc0)));
}

constexpr std::string_view words[] = {
    "lorem",   "ipsum",     "dolor", "sit",      "amet",      "consectetur", "adipiscing", "elit",      "sed",  "do",
    "eiusmod", "tempor",    "ut",    "labore",   "et",        "dolore",      "magna",      "aliqua",    "enim", "ad",
    "minim",   "veniam",    "quis",  "nostrud",  "ullamco",   "laboris",     "nisi",       "aliquip",   "ex",   "ea",
    "commodo", "consequat", "duis",  "aute",     "irure",     "in",          "voluptate",  "velit",     "esse", "cillum",
    "eu",      "fugiat",    "nulla", "pariatur", "excepteur", "sint",        "occaecat",   "cupidatat", "non",  "proident",
    "sunt",    "culpa",     "qui",   "officia",  "deserunt",  "mollit",      "anim",       "id",        "est",  "laborum"};

std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t load(const char* from, std::size_t bytes) noexcept {
  std::uint64_t value = 0;
  if (bytes != 0) std::memcpy(&value, from, bytes);
  return value;
}

}  // namespace

std::uint64_t count_tokens(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const auto* bytes = reinterpret_cast<const Byte*>(text.data());  // NOLINT
  std::uint64_t count = is_blank(bytes[0]) ^ 1U;
  constexpr std::size_t block = 240;  // a byte counts that far, and it is a multiple of every vector
  for (std::size_t at = 1; at < text.size(); at += block) {
    const std::size_t end = std::min(text.size(), at + block);
    std::uint8_t some = 0;
    for (std::size_t i = at; i < end; ++i) some = static_cast<std::uint8_t>(some + begins(bytes[i - 1], bytes[i]));
    count += some;
  }
  return std::max<std::uint64_t>(count, 1);
}

std::size_t token_end(std::string_view text, std::size_t at) noexcept {
  std::size_t end = at;
  while (end < text.size() && is_blank(static_cast<unsigned char>(text[end])) != 0) ++end;
  if (end < text.size()) ++end;
  while (end < text.size() && is_blank(static_cast<unsigned char>(text[end])) == 0 &&
         begins(static_cast<unsigned char>(text[end - 1]), static_cast<unsigned char>(text[end])) == 0) {
    ++end;
  }
  // White space at the very end has no token behind it.
  return text.find_first_not_of(" \t\n\v\f\r", end) == std::string_view::npos ? text.size() : end;
}

std::string_view first_tokens(std::string_view text, std::uint64_t tokens) noexcept {
  std::size_t end = 0;
  for (; tokens > 0 && end < text.size(); --tokens) end = token_end(text, end);
  return text.substr(0, end);
}

std::uint64_t count_characters(std::string_view text) noexcept {
  const auto begins_one = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  return static_cast<std::uint64_t>(std::ranges::count_if(text, begins_one));
}

std::uint64_t fingerprint(std::string_view text, std::uint64_t seed) noexcept {
  constexpr std::uint64_t odd1 = 0x9e3779b97f4a7c15;
  constexpr std::uint64_t odd2 = 0xd6e8feb86659fd93;
  std::uint64_t state = mix(seed ^ odd1, text.size() ^ odd2);
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left > 16; at += 16, left -= 16) state = mix(load(at, 8) ^ odd1 ^ state, load(at + 8, 8) ^ odd2);
  const std::size_t front = std::min<std::size_t>(left, 8);
  return mix(mix(load(at, front) ^ odd1 ^ state, load(at + front, left - front) ^ odd2), odd1);
}

std::string lorem(std::uint64_t tokens, std::uint64_t seed) {
  Random random{seed};
  std::string text;
  text.reserve(tokens * 7);
  for (std::uint64_t i = 0; i < tokens; ++i) {
    if (i != 0) text += ' ';
    const bool capital = i == 0 || text[text.size() - 2] == '.';
    const auto begin = text.size();
    text += words[random.below(std::size(words))];
    if (capital) text[begin] = static_cast<char>(text[begin] & ~0x20);
    if (i + 1 == tokens || random.below(9) == 0) text += '.';
  }
  return text;
}

}  // namespace cardea::twin
