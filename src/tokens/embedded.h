#pragma once
// Private: the tables inside the binary.

#include "tokens/encoding.h"
#include "tokens/ranks.h"

namespace cardea::tokens {

[[nodiscard]] Ranks embedded(Encoding encoding) noexcept;

}  // namespace cardea::tokens
