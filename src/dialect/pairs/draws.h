#pragma once
// Tests only: the part of the matrix that is about pictures.

#include <string>

namespace cardea::dialect::pairs {

/// Its chapter of docs/losses-tasks.md.
[[nodiscard]] std::string documented_draws();

}  // namespace cardea::dialect::pairs
