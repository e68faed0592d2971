#pragma once
// How many tokens of input a chat is.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/chat.h"
#include "tokens/counter.h"

namespace cardea::tokens {

/// So many bytes of a chat's texts are counted, 3 to 60 ms; what is beyond is taken to be of the same kind.
inline constexpr std::size_t counted_bytes_max = 256 * 1024;

/// The input tokens of `chat` to `model`. To OpenAI's models: texts exactly, what stands around messages, names and tools by
/// OpenAI's cookbook (How to count tokens with tiktoken), images by the published formulas. To others: the same, times the factor
/// of measure_of(). A file or a sound is 1,500, since what is in it is not looked at.
[[nodiscard]] std::uint64_t count_chat(Counter& counter, const model::Chat& chat, std::string_view model);

}  // namespace cardea::tokens
