#pragma once
// Private to the room: what the formats of pictures share.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dialect/draw.h"
#include "dialect/raw.h"
#include "dialect/task.h"

namespace cardea::dialect {

// Wishes that a format has a word for, or deals with itself; see lose_wishes().
namespace wish {
inline constexpr unsigned negative_prompt = 1U << 0;
inline constexpr unsigned mask = 1U << 1;
inline constexpr unsigned count = 1U << 2;
inline constexpr unsigned quality = 1U << 3;
inline constexpr unsigned style = 1U << 4;
inline constexpr unsigned background = 1U << 5;
inline constexpr unsigned moderation = 1U << 6;
inline constexpr unsigned fidelity = 1U << 7;
inline constexpr unsigned file_type = 1U << 8;
inline constexpr unsigned compression = 1U << 9;
inline constexpr unsigned seed = 1U << 10;
inline constexpr unsigned steps = 1U << 11;
inline constexpr unsigned guidance = 1U << 12;
inline constexpr unsigned strength = 1U << 13;
inline constexpr unsigned user = 1U << 14;
}  // namespace wish

/// Names what was asked for and is not among `said`; extras too. What any model does anyway ("auto", one picture, PNG, opaque) is
/// nothing to lose. Size and ratio are the encoder's.
void lose_wishes(const model::Draw& draw, unsigned said, Losses& losses);

/// A ratio that a vendor draws, and the picture's size then.
struct Ratio {
  std::string_view name;
  std::uint32_t width;
  std::uint32_t height;
};
/// What a vendor that knows only ratios is asked for: the nearest. Empty: nothing was said. A picture that will not be of the
/// size asked for is a loss.
[[nodiscard]] std::string_view ratio_of(const model::Draw& draw, std::span<const Ratio> ratios, Losses& losses);
/// For vendors that know only sizes: a ratio alone says too little.
void lose_ratio(const model::Draw& draw, Losses& losses);

/// Errors for what cannot be left out.
[[nodiscard]] std::unexpected<Error> no_pictures_taken();
/// `most`: images that it takes; what is more changes the result, and is named.
[[nodiscard]] Status expect_bytes(const model::Draw& draw, std::size_t most, Losses& losses);
[[nodiscard]] std::unexpected<Error> no_variations();
/// A drawing that was held back by the vendor's own judgement: 400 as OpenAI says it (moderation_blocked).
[[nodiscard]] std::unexpected<Error> held_back(std::string_view why);
/// It answered, but not with a picture.
[[nodiscard]] std::unexpected<Error> drew_nothing(std::string_view why = {});

/// A picture as a member of an answer says it: base64, perhaps as a `data:` URL.
[[nodiscard]] Result<model::Picture> answered_base64(std::string text, std::string_view path);
/// By an address in an answer: http(s) or `data:`.
[[nodiscard]] Result<model::Picture> answered_address(std::string text, std::string_view path);
/// "data:image/png;base64,…", or the address that it has.
[[nodiscard]] std::string address_of(const model::Picture& picture);
/// The type by the bytes; "image/png" when they do not say.
[[nodiscard]] std::string type_of(const model::Picture& picture);

/// No more pictures than asked for; fewer are named. What type they are is told by them where nobody says it.
void fit_pictures(const model::Draw& asked, model::Drawn& answer, Losses& losses);

}  // namespace cardea::dialect
