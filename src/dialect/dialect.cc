#include "dialect/dialect.h"

#include <algorithm>
#include <array>

namespace cardea::dialect {

std::span<const Dialect* const> all() {
  static const std::array<const Dialect*, 1> dialects{&openai_chat()};
  return dialects;
}

const Dialect* find(std::string_view name) noexcept {
  if (name == "openai") name = "openai_chat";
  const auto found = std::ranges::find(all(), name, &Dialect::name);
  return found == all().end() ? nullptr : *found;
}

}  // namespace cardea::dialect
