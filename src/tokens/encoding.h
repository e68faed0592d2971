#pragma once
// Which tokenizer a model has.

#include <cstdint>
#include <string_view>

namespace cardea::tokens {

/// Public tokenizers, by OpenAI's names.
enum class Encoding : std::uint8_t { cl100k_base, o200k_base };

/// How a model's tokens are counted: with its own tokenizer, or with the nearest public one and a factor.
struct Measure {
  Encoding encoding = Encoding::o200k_base;
  std::uint32_t per_cent = 100;
  enum class Kind : std::uint8_t { exact, estimate } kind = Kind::estimate;

  [[nodiscard]] constexpr std::uint64_t scaled(std::uint64_t tokens) const noexcept { return (tokens * per_cent + 99) / 100; }
  bool operator==(const Measure&) const = default;
};

/// By the vendor's own name of the model ("gpt-4o-2024-08-06"; `vendor/` and Bedrock's `vendor.` before it are passed over).
/// Never fails: what is not known is estimated. How far off the estimates are says this room's README. Source: tiktoken's
/// model.py; names that it does not know yet go by their family (gpt-5.5 as gpt-5).
[[nodiscard]] Measure measure_of(std::string_view model) noexcept;

/// Is `model` this one, or with a '-', '.' or ':' behind it one of its family?
[[nodiscard]] bool is_of_family(std::string_view model, std::string_view family) noexcept;
/// The name without what stands before it: "anthropic/claude-3" and "us.anthropic.claude-3" → "claude-3", "ft:gpt-4o" → "gpt-4o".
[[nodiscard]] std::string_view bare_model(std::string_view model) noexcept;

}  // namespace cardea::tokens
