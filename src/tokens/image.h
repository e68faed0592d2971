#pragma once
// Private: what an image costs in tokens, by the vendors' published formulas.

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/chat.h"

namespace cardea::tokens {

struct Pixels {
  std::uint32_t width, height;
  bool operator==(const Pixels&) const = default;
};

/// The size that a PNG, GIF, JPEG or WebP says it has at its beginning. std::nullopt: another form, or not there.
[[nodiscard]] std::optional<Pixels> size_of_image(std::string_view bytes) noexcept;

/// Tokens of an image to a model (its bare name). An image whose size is not known is taken as one of 1,024 × 1,024.
[[nodiscard]] std::uint64_t image_tokens(std::string_view bare_model, const model::Image& image);

}  // namespace cardea::tokens
