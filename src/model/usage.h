#pragma once
// What an answer cost in tokens: one neutral record from which every dialect's own sums are rebuilt.

#include <cstdint>
#include <optional>

namespace cardea::model {

/// Tokens. Absent means "the upstream did not say", which differs from 0. The input parts do not overlap: OpenAI's prompt_tokens
/// is input + cache_read + cache_write, Anthropic's input_tokens is input alone.
struct Usage {
  using Count = std::optional<std::uint64_t>;

  Count input;                ///< neither read from nor written to a prompt cache
  Count cache_read;           ///< input served from a prompt cache
  Count cache_write;          ///< input stored in a prompt cache
  Count output;               ///< everything generated, reasoning included
  Count reasoning;            ///< of `output`
  Count input_audio;          ///< of the input
  Count output_audio;         ///< of `output`
  Count accepted_prediction;  ///< of `output`: predicted and used
  Count rejected_prediction;  ///< of `output`: predicted, not used, billed

  bool operator==(const Usage&) const = default;

  [[nodiscard]] std::uint64_t input_total() const noexcept {
    return input.value_or(0) + cache_read.value_or(0) + cache_write.value_or(0);
  }
  [[nodiscard]] std::uint64_t total() const noexcept { return input_total() + output.value_or(0); }
};

}  // namespace cardea::model
