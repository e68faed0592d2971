#pragma once
// The randomness seam: production draws from the kernel, tests from a seed.

#include <cstdint>
#include <span>
#include <string>

namespace cardea {

/// xoshiro256++ stream. Not for key material. One per worker; a value, no thread affinity.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept;
  /// Seeded from the kernel.
  [[nodiscard]] static Random from_system();
  [[nodiscard]] std::uint64_t next() noexcept;
  /// Uniform in [0, bound); bound > 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept;
  /// Fills `out` with characters of a-z, 2-9: ids such as x-request-id.
  void fill_id(std::span<char> out) noexcept;
  void append_id(std::string& out, std::size_t length);

 private:
  std::uint64_t state_[4];
};

}  // namespace cardea
