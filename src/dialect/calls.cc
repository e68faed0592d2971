// Calls and their results find each other by id. Where a dialect has none (Gemini, OpenAI's legacy functions), they pair by name
// and order, and the gateway makes ids that stay the same from turn to turn.

#include <algorithm>
#include <deque>

#include "base/text.h"
#include "dialect/passes.h"

namespace cardea::dialect {

using model::ToolCall;
using model::ToolResult;
namespace event = model::event;

namespace {

struct OpenCall {
  std::string id;
  std::string name;
};

/// The call that a result answers: by id, else the first of its name, else the first.
std::deque<OpenCall>::iterator answered(std::deque<OpenCall>& open, const ToolResult& result) {
  if (result.call_id) return std::ranges::find(open, *result.call_id, &OpenCall::id);
  if (result.name) {
    const auto named = std::ranges::find(open, *result.name, &OpenCall::name);
    if (named != open.end()) return named;
  }
  return open.begin();
}

}  // namespace

void pair_calls(model::Chat& chat) {
  std::deque<OpenCall> open;
  for (std::size_t m = 0; m < chat.messages.size(); ++m) {
    auto& parts = chat.messages[m].parts;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      if (auto* call = std::get_if<ToolCall>(&parts[p].value)) {
        if (!call->id) call->id = cat("call_", m, '_', p);
        open.push_back({*call->id, call->name});
      }
      auto* result = std::get_if<ToolResult>(&parts[p].value);
      if (result == nullptr) continue;
      const auto call = answered(open, *result);
      if (call == open.end()) continue;  // an orphan: the upstream may say so
      result->call_id = call->id;
      if (!result->name) result->name = call->name;
      open.erase(call);
    }
  }
}

std::string AnswerPasses::new_call_id() {
  const auto dash = seed_.find_first_of("-_");
  return cat("call_", std::string_view{seed_}.substr(dash == std::string::npos ? 0 : dash + 1), '_', calls_++);
}

void AnswerPasses::name_calls(model::Answer& answer) {
  for (auto& choice : answer.choices) {
    for (auto& part : choice.parts) {
      auto* call = std::get_if<ToolCall>(&part.value);
      if (call != nullptr && !call->id) call->id = new_call_id();
    }
  }
}

void AnswerPasses::name_calls(std::vector<model::ChatEvent>& events) {
  for (auto& said : events) {
    auto* start = std::get_if<event::PartStart>(&said);
    auto* call = start != nullptr ? std::get_if<ToolCall>(&start->value.value) : nullptr;
    if (call != nullptr && !call->id) call->id = new_call_id();
  }
}

}  // namespace cardea::dialect
