#pragma once
// What every fuzz target needs: its input as text, a check that no build type switches off, and seeded splits.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "base/random.h"

namespace cardea::fuzz {

inline void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "invariant broken: %s\n", what);
  __builtin_trap();
}

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};  // NOLINT
}

/// Splits chosen by the input itself, so that a finding reproduces.
inline Random random_of(std::string_view input) {
  std::uint64_t seed = 0xcbf29ce484222325U;
  for (const char c : input) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return Random{seed};
}

}  // namespace cardea::fuzz
