// A schema for the answer, said to a dialect that has none: as the one tool that must be called. Its call becomes the answer's
// text again.

#include <algorithm>

#include "dialect/passes.h"

namespace cardea::dialect {

using model::Finish;
using model::Text;
using model::Tool;
using model::ToolCall;
using model::ToolChoice;
namespace event = model::event;

namespace {

constexpr std::string_view default_name = "json_answer";

bool is_named(const std::vector<Tool>& tools, std::string_view name) {
  return std::ranges::find(tools, name, &Tool::name) != tools.end();
}

}  // namespace

std::string force_tool(model::Chat& chat, const Dialect& upstream) {
  using Form = model::ResponseFormat::Kind;
  const bool wanted = chat.response_format &&
                      (chat.response_format->kind == Form::json_schema || chat.response_format->kind == Form::json_object);
  if (!wanted || upstream.schema_of(chat) == Traits::Schema::native) return {};
  auto& tools = chat.tools ? *chat.tools : chat.tools.emplace();
  const bool alone = tools.empty() || (chat.tool_choice && chat.tool_choice->mode == ToolChoice::Mode::none);
  auto& format = *chat.response_format;
  Tool tool{.name = format.name.value_or(std::string{default_name})};
  while (is_named(tools, tool.name)) tool.name += '_';
  tool.description = format.description.value_or("Give your final answer by calling this tool.");
  tool.parameters = format.schema.value_or(model::Json{R"({"type":"object"})"});
  tool.strict = format.strict;
  const std::string name = tool.name;
  if (alone) tools.clear();
  tools.push_back(std::move(tool));
  const bool other_named = !alone && chat.tool_choice && chat.tool_choice->mode == ToolChoice::Mode::named;
  if (!other_named) {
    chat.tool_choice =
        ToolChoice{.mode = alone ? ToolChoice::Mode::named : ToolChoice::Mode::required, .name = alone ? name : ""};
  }
  chat.response_format.reset();
  return name;
}

void AnswerPasses::unforce(model::Answer& answer) const {
  if (request_.forced_tool.empty()) return;
  for (auto& choice : answer.choices) {
    bool others = false;
    for (auto& part : choice.parts) {
      auto* call = std::get_if<ToolCall>(&part.value);
      if (call == nullptr) continue;
      if (call->name == request_.forced_tool) {
        part.value = Text{.text = std::move(call->arguments)};
      } else {
        others = true;
      }
    }
    if (choice.finish == Finish::tool_calls && !others) choice.finish = Finish::stop;
  }
}

void AnswerPasses::unforce(std::vector<model::ChatEvent>& events) {
  if (request_.forced_tool.empty()) return;
  for (auto& said : events) {
    if (auto* start = std::get_if<event::PartStart>(&said)) {
      auto* call = std::get_if<ToolCall>(&start->value.value);
      if (call == nullptr) continue;
      if (call->name == request_.forced_tool) {
        start->value.value = Text{.text = std::move(call->arguments)};
      } else {
        called_.insert(start->choice);
      }
    }
    auto* finish = std::get_if<event::ChoiceFinish>(&said);
    if (finish != nullptr && finish->finish == Finish::tool_calls && !called_.contains(finish->choice))
      finish->finish = Finish::stop;
  }
}

}  // namespace cardea::dialect
