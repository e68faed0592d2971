// Which tools may or must be called. Others can name some of the tools (OpenAI's allowed_tools, Gemini's allowedFunctionNames):
// Anthropic is told no others then.

#include <algorithm>

#include "dialect/anthropic/anthropic.h"
#include "dialect/plain.h"

namespace cardea::dialect::claude {

using json::Value;
using Mode = model::ToolChoice::Mode;

namespace {

std::optional<ToolsChoice> of_gemini(const Value& raw) {
  const auto* names = given(raw, "allowedFunctionNames");
  const auto* mode = text_at(raw, "mode");
  if (names == nullptr || names->elements().empty()) return std::nullopt;
  ToolsChoice out{.mode = mode != nullptr && *mode == "ANY" ? Mode::required : Mode::automatic, .name = {}, .only = {}};
  for (const auto& name : names->elements()) out.only.push_back(name.as_string() != nullptr ? *name.as_string() : "");
  return out;
}

/// {"type":"allowed_tools","mode","tools"} of Responses; Chat has mode and tools in a member "allowed_tools".
std::optional<ToolsChoice> of_openai(const Value& raw) {
  const auto* inner = given(raw, "allowed_tools");
  const auto& list = inner != nullptr ? *inner : raw;
  const auto* tools = given(list, "tools");
  const auto* mode = text_at(list, "mode");
  if (tools == nullptr || tools->elements().empty()) return std::nullopt;
  ToolsChoice out{.mode = mode != nullptr && *mode == "required" ? Mode::required : Mode::automatic, .name = {}, .only = {}};
  for (const auto& tool : tools->elements()) {
    const auto* type = text_at(tool, "type");
    const auto* form = type != nullptr ? given(tool, *type) : nullptr;
    const auto* name = text_at(form != nullptr ? *form : tool, "name");
    // Built-in tools are named by their type.
    if (name == nullptr) name = type;
    if (name == nullptr) return std::nullopt;
    out.only.push_back(*name);
  }
  return out;
}

}  // namespace

bool ToolsChoice::allows(const model::Tool& tool) const {
  return only.empty() || std::ranges::find(only, tool.name) != only.end();
}

std::optional<ToolsChoice> choice_of(const model::Chat& chat) {
  if (!chat.tool_choice) return std::nullopt;
  const auto& choice = *chat.tool_choice;
  if (choice.mode != Mode::raw) return ToolsChoice{.mode = choice.mode, .name = choice.name, .only = {}};
  const auto raw = choice.raw ? json::parse(choice.raw->text) : Result<Value>{Value{}};
  if (!raw) return std::nullopt;
  auto narrowed = of_openai(*raw);
  return narrowed ? narrowed : of_gemini(*raw);
}

}  // namespace cardea::dialect::claude
