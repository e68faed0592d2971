#pragma once
// Pictures: real ones, of the size that was asked for and of few bytes.

#include <cstdint>
#include <string>

namespace cardea::twin {

inline constexpr std::uint32_t picture_tiles = 4;  ///< in a row, and rows

/// A PNG (RFC 2083) of 4 × 4 tiles, whose colours `seed` decides. Rows of tiles from `painted` on are grey, as in a picture that
/// is not finished. About 6 KB at 1024 × 1024.
[[nodiscard]] std::string picture(std::uint64_t seed, std::uint32_t width, std::uint32_t height,
                                  std::uint32_t painted = picture_tiles);

}  // namespace cardea::twin
