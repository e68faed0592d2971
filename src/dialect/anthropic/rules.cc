// What a model takes, by its name. Sources: Anthropic's "Extended thinking", "Adaptive thinking", "Effort", "Models overview" and
// the migration guides to Claude 4.1, 4.6 and 4.7.

#include <array>

#include "dialect/anthropic/anthropic.h"

namespace cardea::dialect::claude {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Hundreds and units: 305 of "claude-3-5-haiku-20241022", 400 of "claude-opus-4-20250514", 406 of "claude-opus-4.6"; 0 when
/// the name has none. A date is no version.
unsigned version_of(std::string_view name) noexcept {
  const auto number_at = [&](std::size_t at) -> std::optional<unsigned> {
    const bool starts = at > 0 && at < name.size() && is_digit(name[at]) && (name[at - 1] == '-' || name[at - 1] == '.');
    if (!starts) return std::nullopt;
    std::size_t end = at;
    while (end < name.size() && is_digit(name[end])) ++end;
    return end - at <= 2 ? parse_number<unsigned>(name.substr(at, end - at)) : std::nullopt;
  };
  for (std::size_t i = 1; i < name.size(); ++i) {
    const auto major = number_at(i);
    if (!major) continue;
    const auto minor = number_at(i + (*major > 9 ? 3 : 2));
    return *major * 100 + minor.value_or(0);
  }
  return 0;
}

/// Rising; the last row whose version is not above the model's holds.
struct Row {
  unsigned version;
  Rules rules;
};
using enum Rules::Thinking;
constexpr std::array<Row, 7> rows{{
    {0, {.thinking = budget, .max_tokens = 8192}},
    {300, {.thinking = budget, .max_tokens = 4096, .claude = true}},
    {305, {.thinking = budget, .max_tokens = 8192, .claude = true}},
    {307, {.thinking = budget, .max_tokens = 32'000, .claude = true}},
    {405, {.thinking = budget, .max_tokens = 32'000, .claude = true, .schemas = true}},
    {406, {.thinking = either, .max_tokens = 32'000, .claude = true, .schemas = true}},
    {407, {.thinking = adaptive, .max_tokens = 32'000, .claude = true, .schemas = true, .fixed_sampling = true}},
}};
constexpr unsigned one_sampling_since = 401;

}  // namespace

Rules rules_of(std::string_view model) noexcept {
  const auto at = model.find("claude");
  if (at == std::string_view::npos) return rows.front().rules;
  const auto name = model.substr(at);
  // Families that are younger than all versions below.
  const bool young = name.find("mythos") != std::string_view::npos || name.find("fable") != std::string_view::npos;
  const unsigned version = young ? rows.back().version : version_of(name);
  Rules rules = rows.front().rules;
  for (const auto& row : rows) {
    if (row.version <= version) rules = row.rules;
  }
  rules.one_of_two_samplings = version >= one_sampling_since && !rules.fixed_sampling;
  return rules;
}

}  // namespace cardea::dialect::claude
