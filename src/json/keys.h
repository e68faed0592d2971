#pragma once
// Private to the room: comparing keys without a call, because a scan and its readers do it some hundred times a message.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace cardea::json {

template <class Word>
[[nodiscard]] inline bool same_word(const char* a, const char* b) noexcept {
  Word x;
  Word y;
  std::memcpy(&x, a, sizeof x);
  std::memcpy(&y, b, sizeof y);
  return x == y;
}

/// a == b.
[[nodiscard]] inline bool same_key(std::string_view a, std::string_view b) noexcept {
  const std::size_t size = a.size();
  if (size != b.size()) return false;
  if (size < 4) {
    for (std::size_t i = 0; i < size; ++i) {
      if (a[i] != b[i]) return false;
    }
    return true;
  }
  // Words from the front, and a last one that overlaps.
  if (size < 8) {
    return same_word<std::uint32_t>(a.data(), b.data()) && same_word<std::uint32_t>(a.data() + size - 4, b.data() + size - 4);
  }
  for (std::size_t i = 0; i + 8 < size; i += 8) {
    if (!same_word<std::uint64_t>(a.data() + i, b.data() + i)) return false;
  }
  return same_word<std::uint64_t>(a.data() + size - 8, b.data() + size - 8);
}

}  // namespace cardea::json
