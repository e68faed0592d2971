#include "model/chat.h"

#include <array>

namespace cardea::model {

bool ToolResult::operator==(const ToolResult&) const = default;
bool Part::operator==(const Part&) const = default;

std::string_view name(Role role) noexcept {
  constexpr std::array<std::string_view, 5> names{"system", "developer", "user", "assistant", "tool"};
  return names[static_cast<std::size_t>(role)];
}

std::string_view name(Finish finish) noexcept {
  constexpr std::array<std::string_view, 12> names{"unknown",       "stop",           "length",         "tool_calls",
                                                   "function_call", "content_filter", "refusal",        "stop_sequence",
                                                   "paused",        "context_limit",  "malformed_call", "failed"};
  return names[static_cast<std::size_t>(finish)];
}

}  // namespace cardea::model
