#include "tokens/image.h"

#include <algorithm>
#include <cmath>

#include "base/base64.h"
#include "tokens/encoding.h"

namespace cardea::tokens {
namespace {

std::uint32_t byte_at(std::string_view bytes, std::size_t at) noexcept { return static_cast<unsigned char>(bytes[at]); }
std::uint32_t big16(std::string_view bytes, std::size_t at) noexcept { return byte_at(bytes, at) << 8 | byte_at(bytes, at + 1); }
std::uint32_t little16(std::string_view bytes, std::size_t at) noexcept {
  return byte_at(bytes, at + 1) << 8 | byte_at(bytes, at);
}
std::uint32_t little24(std::string_view bytes, std::size_t at) noexcept {
  return byte_at(bytes, at + 2) << 16 | little16(bytes, at);
}

/// ITU T.81 §B.2: segments up to a frame's header, which has the size.
std::optional<Pixels> size_of_jpeg(std::string_view bytes) noexcept {
  for (std::size_t at = 2; at + 9 <= bytes.size() && byte_at(bytes, at) == 0xFF;) {
    const std::uint32_t marker = byte_at(bytes, at + 1);
    const bool frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (frame) return Pixels{big16(bytes, at + 7), big16(bytes, at + 5)};
    at += 2 + big16(bytes, at + 2);
  }
  return std::nullopt;
}

/// RFC 9649 §2: a chunk of one of three kinds, each with the size in its own place.
std::optional<Pixels> size_of_webp(std::string_view bytes) noexcept {
  const std::string_view kind = bytes.substr(12, 4);
  if (kind == "VP8X") return Pixels{little24(bytes, 24) + 1, little24(bytes, 27) + 1};
  if (kind == "VP8 ") return Pixels{little16(bytes, 26) & 0x3FFF, little16(bytes, 28) & 0x3FFF};
  if (kind != "VP8L") return std::nullopt;
  const std::uint32_t bits = little24(bytes, 21) | byte_at(bytes, 24) << 24;
  return Pixels{(bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1};
}

// --- formulas ---------------------------------------------------------------------------------------------------------------

std::uint64_t parts(double length, double of) noexcept {
  return static_cast<std::uint64_t>(std::ceil(std::max(length, 1.0) / of));
}

/// OpenAI: fitted into 2,048 pixels each way, then the shorter side to 768; a base, and so much for each 512 × 512.
std::uint64_t by_tiles(Pixels size, std::uint32_t base, std::uint32_t tile) noexcept {
  const double width = size.width;
  const double height = size.height;
  const double fit = std::min(1.0, 2048 / std::max(width, height));
  const double shrink = fit * std::min(1.0, 768 / (std::min(width, height) * fit));
  return base + tile * parts(std::round(width * shrink), 512) * parts(std::round(height * shrink), 512);
}

/// OpenAI: patches of 32 × 32, at most 1,536 of them after shrinking, times a factor of the model.
std::uint64_t by_patches(Pixels size, std::uint32_t per_cent) noexcept {
  constexpr double patch = 32;
  constexpr std::uint64_t most = 1536;
  double width = size.width;
  double height = size.height;
  if (parts(width, patch) * parts(height, patch) > most) {
    const double shrink = std::sqrt(patch * patch * double{most} / (width * height));
    const double across = width * shrink / patch;
    const double down = height * shrink / patch;
    const double whole = shrink * std::min(std::floor(across) / across, std::floor(down) / down);
    width = std::round(width * whole);
    height = std::round(height * whole);
  }
  const std::uint64_t patches = std::min(most, parts(width, patch) * parts(height, patch));
  return (patches * per_cent + 99) / 100;
}

/// Anthropic: shrunk to 1,568 pixels at the longer side; a token for 750 pixels, about 1,600 at most.
std::uint64_t by_area(Pixels size) noexcept {
  const double shrink = std::min(1.0, 1568.0 / std::max(size.width, size.height));
  return std::min<std::uint64_t>(1600, parts(size.width * shrink * size.height * shrink, 750));
}

/// Google: 258 up to 384 × 384, else 258 for each tile of 768 × 768.
std::uint64_t by_crops(Pixels size) noexcept {
  if (size.width <= 384 && size.height <= 384) return 258;
  return 258 * parts(size.width, 768) * parts(size.height, 768);
}

struct Formula {
  std::string_view family;
  enum class Kind : std::uint8_t { tiles, patches, area, crops } kind;
  std::uint32_t base = 0, tile = 0;  ///< of tiles
  std::uint32_t per_cent = 0;        ///< of patches
};
using enum Formula::Kind;
// The first that fits. Source: platform.openai.com/docs/guides/images-vision,
// docs.anthropic.com/en/docs/build-with-claude/vision, ai.google.dev/gemini-api/docs/tokens; 2026-07.
constexpr Formula formulas[] = {
    {"gpt-5-mini", patches, 0, 0, 162},
    {"gpt-5-nano", patches, 0, 0, 246},
    {"gpt-4.1-mini", patches, 0, 0, 162},
    {"gpt-4.1-nano", patches, 0, 0, 246},
    {"o4-mini", patches, 0, 0, 172},
    {"gpt-4o-mini", tiles, 2833, 5667},
    {"gpt-5", tiles, 70, 140},
    {"o1", tiles, 75, 150},
    {"o3", tiles, 75, 150},
    {"computer-use-preview", tiles, 65, 129},
    {"claude", area},
    {"gemini", crops},
};
constexpr Formula others{"", tiles, 85, 170};  // gpt-4o and its like

}  // namespace

std::optional<Pixels> size_of_image(std::string_view bytes) noexcept {
  if (bytes.size() < 30) return std::nullopt;
  if (bytes.starts_with("\x89PNG\r\n\x1A\n"))
    return Pixels{big16(bytes, 16) << 16 | big16(bytes, 18), big16(bytes, 20) << 16 | big16(bytes, 22)};
  if (bytes.starts_with("GIF8")) return Pixels{little16(bytes, 6), little16(bytes, 8)};
  if (bytes.starts_with("\xFF\xD8")) return size_of_jpeg(bytes);
  if (bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP") return size_of_webp(bytes);
  return std::nullopt;
}

std::uint64_t image_tokens(std::string_view bare_model, const model::Image& image) {
  const auto* const formula =
      std::ranges::find_if(formulas, [&](const Formula& each) { return is_of_family(bare_model, each.family); });
  const Formula& found = formula == std::end(formulas) ? others : *formula;
  Pixels size{1024, 1024};
  if (image.media.base64) {
    constexpr std::size_t looked_at = 64 * 1024;  // a whole number of groups of four
    const auto bytes = from_base64(std::string_view{*image.media.base64}.substr(0, looked_at));
    if (const auto said = size_of_image(bytes.value_or("")); said && said->width > 0 && said->height > 0) size = *said;
  }
  switch (found.kind) {
    case tiles: return image.detail == "low" ? found.base : by_tiles(size, found.base, found.tile);
    case patches: return by_patches(size, found.per_cent);
    case area: return by_area(size);
    case crops: return by_crops(size);
  }
  return 0;
}

}  // namespace cardea::tokens
