#pragma once
// Names as numbers that nobody outside can foretell.

#include <cstdint>
#include <string_view>

namespace cardea::limit {

/// SipHash-1-3 (Aumasson and Bernstein) under a key of this process: nobody outside finds two names with one tag. Never 0.
class Tagger {
 public:
  Tagger(std::uint64_t key0, std::uint64_t key1) noexcept : key0_{key0}, key1_{key1} {}
  /// `scope` goes in front of the name.
  [[nodiscard]] std::uint64_t operator()(std::uint8_t scope, std::string_view name) const noexcept;

 private:
  std::uint64_t key0_, key1_;
};

}  // namespace cardea::limit
