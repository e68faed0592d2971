#include "tokens/estimate.h"

namespace cardea::tokens {

std::uint64_t estimate(std::string_view text) noexcept {
  std::uint64_t quarters = 3;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // No branches, so that compilers take many bytes at once.
    quarters += (byte < 0x80 ? 1U : 0U) + (byte >= 0xC0 ? 2U : 0U) + (byte >= 0xE0 ? 2U : 0U);
  }
  return quarters / 4;
}

}  // namespace cardea::tokens
