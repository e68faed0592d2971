#pragma once
// Small text tools: concatenation, ASCII comparison, numbers. Locale-free; no allocation unless a std::string is returned.

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cardea {

/// Appends an integer in decimal.
template <std::integral T>
  requires(!std::same_as<T, char> && !std::same_as<T, bool>)
void append(std::string& out, T value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}
inline void append(std::string& out, std::string_view text) { out.append(text); }
inline void append(std::string& out, char c) { out.push_back(c); }

/// One string of all arguments (texts, characters, integers).
template <class... Args>
[[nodiscard]] std::string cat(const Args&... args) {
  std::string out;
  (append(out, args), ...);
  return out;
}

[[nodiscard]] constexpr char ascii_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
/// ASCII case-insensitive equality (header names, schemes).
[[nodiscard]] bool iequals(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] std::string to_lower(std::string_view text);
/// Strips spaces and tabs (OWS of RFC 9110 §5.6.3) at both ends.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;
/// Calls `visit(part)` for each part of a comma-separated list, trimmed; empty parts are skipped.
template <class Visit>
void for_each_in_list(std::string_view list, Visit&& visit) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto part = trim(list.substr(0, comma));
    if (!part.empty()) visit(part);
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  }
}
/// The whole text as a decimal number of T's range; no sign, space or suffix. std::nullopt otherwise.
template <std::unsigned_integral T>
[[nodiscard]] std::optional<T> parse_number(std::string_view text) noexcept {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}
/// Lower-case hexadecimal of bytes.
[[nodiscard]] std::string to_hex(std::string_view bytes);
/// The byte that `text` begins with as '%' and two hexadecimal digits (RFC 3986 §2.1), or -1.
[[nodiscard]] int percent_escape(std::string_view text) noexcept;
/// Each such escape undone; `+` stays `+`, as in a URI. std::nullopt: a '%' begins none.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);
/// The candidate nearest to `word` (edit distance ≤ 1/3 of its length), for "did you mean"; empty when none is near.
[[nodiscard]] std::string_view nearest(std::string_view word, const std::string_view* candidates, std::size_t count);

}  // namespace cardea
