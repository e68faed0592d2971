#pragma once
// Private to the room: finding the end of a JSON string and checking what is inside, by the widest vectors that the CPU has.

#include <span>
#include <string_view>

#include "json/scan.h"

namespace cardea::json {

/// What a kernel found behind an opening quote. Non-ASCII is noted, not checked: that is simdjson's job.
struct StringEnd {
  const char* close = nullptr;       ///< the closing quote; nullptr: not a valid string, read_carefully() knows why
  const char* wide_first = nullptr;  ///< the first byte beyond ASCII; nullptr: there is none
  const char* wide_last = nullptr;   ///< the last byte beyond ASCII
  bool escaped = false;              ///< a backslash is inside
};

/// One implementation. All give the same StringEnd for every text.
struct StringKernel {
  std::string_view name;
  /// Can this CPU run it?
  bool (*usable)() noexcept;
  /// `begin`: behind the opening quote, or behind a part of the string that holds no backslash, control character or non-ASCII.
  /// Reads nothing beyond `end`.
  StringEnd (*skip)(const char* begin, const char* end, ScanOptions::LoneSurrogate policy) noexcept;
};

/// All of them, the fastest first; the last runs everywhere.
[[nodiscard]] std::span<const StringKernel> string_kernels() noexcept;
/// The fastest that this CPU can run.
[[nodiscard]] const StringKernel& best_string_kernel() noexcept;

/// The first problem of a string, with its place.
struct StringFault {
  const char* at = nullptr;
  std::string_view problem;  ///< empty: none
};
/// Byte by byte, for the messages and for CPUs without a kernel. `quote`: the opening quote.
StringFault read_carefully(const char* quote, const char* end, ScanOptions::LoneSurrogate policy, StringEnd& out) noexcept;

constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
/// The code unit of four hexadecimal digits, or -1.
constexpr int hex4(const char* p) noexcept {
  const int a = hex_value(p[0]);
  const int b = hex_value(p[1]);
  const int c = hex_value(p[2]);
  const int d = hex_value(p[3]);
  return (a | b | c | d) < 0 ? -1 : a << 12 | b << 8 | c << 4 | d;
}
constexpr bool is_high_surrogate(int unit) noexcept { return unit >= 0xD800 && unit <= 0xDBFF; }
constexpr bool is_low_surrogate(int unit) noexcept { return unit >= 0xDC00 && unit <= 0xDFFF; }

}  // namespace cardea::json
