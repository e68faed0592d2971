#pragma once
// What happened in a world, in order.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cardea::testing {

/// Keeps a hash of every line and the lines themselves up to a limit. Two runs of one seed must have equal hashes.
class Trace {
 public:
  void note(std::string_view line);
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  [[nodiscard]] const std::vector<std::string>& lines() const noexcept { return lines_; }

 private:
  static constexpr std::size_t lines_max = 100'000;
  std::uint64_t hash_ = 0xcbf29ce484222325;  // FNV-1a
  std::vector<std::string> lines_;
};

}  // namespace cardea::testing
