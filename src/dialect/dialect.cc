#include "dialect/dialect.h"

#include <algorithm>
#include <array>

namespace cardea::dialect {

std::span<const Dialect* const> all() {
  static const std::array dialects{
      &openai_chat(),        &anthropic(), &bedrock(), &gemini(),          &openai_responses(),
      &openai_completions(), &cohere(),    &ollama(),  &ollama_generate(), &native(),
  };
  return dialects;
}

const Dialect* find(std::string_view name) noexcept {
  const auto found = std::ranges::find_if(all(), [&](const Dialect* dialect) {
    const Traits& traits = dialect->traits();
    return traits.name == name || std::ranges::find(traits.aliases, name) != traits.aliases.end();
  });
  return found == all().end() ? nullptr : *found;
}

}  // namespace cardea::dialect
