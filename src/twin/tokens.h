#pragma once
// The twin's tokens: made of words, so that everybody can count them by hand.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cardea::twin {

/// A token begins at every word behind white space, at every non-ASCII character, and at each of `" , : { } [ ]`; white space
/// belongs to the token behind it. Any text but the empty one has at least one.
[[nodiscard]] std::uint64_t count_tokens(std::string_view text) noexcept;
/// Where the token that begins at `at` ends.
[[nodiscard]] std::size_t token_end(std::string_view text, std::size_t at) noexcept;
/// `text` without what follows its first `tokens` tokens.
[[nodiscard]] std::string_view first_tokens(std::string_view text, std::uint64_t tokens) noexcept;

/// Unicode code points of UTF-8.
[[nodiscard]] std::uint64_t count_characters(std::string_view text) noexcept;

/// 64 bits that depend on every byte; the same on every machine. Not for secrets.
[[nodiscard]] std::uint64_t fingerprint(std::string_view text, std::uint64_t seed = 0) noexcept;

/// Latin without meaning: exactly `tokens` tokens, chosen by `seed`.
[[nodiscard]] std::string lorem(std::uint64_t tokens, std::uint64_t seed);

}  // namespace cardea::twin
