#pragma once
// How many tokens a chat is, when nobody who knows can be asked.

#include <cstdint>

#include "model/chat.h"

namespace cardea::dialect {

/// An estimate, usually within a fifth of what the vendors' tokenizers say of prose and code: a token for each 4 bytes of ASCII,
/// one for each character beyond Latin, one for 2 bytes of the rest; 4 for a message, 8 for a tool beside its schema; 1,000 for
/// an image, 1,500 for a file or a sound.
[[nodiscard]] std::uint64_t estimate_tokens(const model::Chat& chat);

}  // namespace cardea::dialect
