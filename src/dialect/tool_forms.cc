// Tools in forms that the upstream takes: names of other letters, functions without groups, and tools of free text where it has
// functions alone. The answer's calls become the client's again.

#include <algorithm>

#include "base/text.h"
#include "dialect/passes.h"
#include "dialect/plain.h"
#include "json/value.h"
#include "json/writer.h"

namespace cardea::dialect {

using model::Tool;
using model::ToolCall;
using model::ToolKind;
using model::ToolResult;
namespace event = model::event;

namespace {

constexpr std::string_view one_text = R"({"type":"object","properties":{"input":{"type":"string"}},"required":["input"]})";

std::string wrapped(std::string_view text) { return cat(R"({"input":)", json::quote(text), '}'); }

/// What the model wrote amiss is passed on as it is.
std::string unwrapped(std::string_view arguments) {
  const auto value = json::parse(arguments);
  const auto* input = value ? value->find("input") : nullptr;
  const auto* text = input != nullptr ? input->as_string() : nullptr;
  return text != nullptr && value->members().size() == 1 ? *text : std::string{arguments};
}

/// All places where a tool of the client's is named.
template <class Visit>
void visit_names(model::Chat& chat, Visit visit) {
  if (chat.tools) {
    for (auto& tool : *chat.tools) {
      if (tool.kind != Tool::Kind::built_in) visit(tool.name);
    }
  }
  if (chat.tool_choice) visit(chat.tool_choice->name);
  for (auto& message : chat.messages) {
    for (auto& part : message.parts) {
      if (auto* call = std::get_if<ToolCall>(&part.value)) visit(call->name);
      auto* result = std::get_if<ToolResult>(&part.value);
      if (result != nullptr && result->name) visit(*result->name);
    }
  }
}

/// Gives names that the upstream takes, each client's name the same one everywhere.
class Names {
 public:
  explicit Names(const Traits::ToolNames& rule) : rule_{rule} {}

  [[nodiscard]] bool fits(std::string_view name) const {
    if (rule_.bytes_max == 0 || name.empty()) return true;
    return name.size() <= rule_.bytes_max && begins_well(name.front()) &&
           std::ranges::all_of(name, [&](char c) { return allowed(c); });
  }
  /// A name that is not to be given to another.
  void note(const std::string& name) {
    if (fits(name)) taken_.insert(name);
  }
  void fit(std::string& name) {
    if (fits(name)) return;
    auto [known, added] = fitted_.try_emplace(name);
    if (added) known->second = made_of(name);
    name = known->second;
  }
  [[nodiscard]] std::map<std::string, std::string, std::less<>> renamed() const {
    std::map<std::string, std::string, std::less<>> out;
    for (const auto& [theirs, ours] : fitted_) out.emplace(ours, theirs);
    return out;
  }

 private:
  [[nodiscard]] bool allowed(char c) const {
    const char lower = ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || rule_.marks.find(c) != std::string_view::npos;
  }
  [[nodiscard]] bool begins_well(char c) const {
    return rule_.digit_first || c == '_' || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
  }
  std::string made_of(std::string_view name) {
    std::string out;
    for (const char c : name) out.push_back(allowed(c) ? c : '_');
    if (!begins_well(out.front())) out.insert(out.begin(), '_');
    out.resize(std::min(out.size(), rule_.bytes_max));
    const std::string front = out;
    for (std::size_t n = 2; !taken_.insert(out).second; ++n) {
      const auto mark = cat('_', n);
      out = front.substr(0, rule_.bytes_max - mark.size()) + mark;
    }
    return out;
  }

  const Traits::ToolNames& rule_;
  std::set<std::string, std::less<>> taken_;
  std::map<std::string, std::string> fitted_;  ///< the client's name → the upstream's
};

/// A text of any form is what a function of one text takes; a grammar is lost.
void say_as_functions(model::Chat& chat, std::set<std::string, std::less<>>& free_text, Losses& losses) {
  for (std::size_t i = 0; chat.tools && i < chat.tools->size(); ++i) {
    auto& tool = (*chat.tools)[i];
    if (tool.kind != Tool::Kind::custom) continue;
    tool.kind = Tool::Kind::function;
    tool.parameters = model::Json{std::string{one_text}};
    const auto format = std::exchange(tool.format, std::nullopt);
    const bool any_text = !format || format->text == R"({"type":"text"})";
    if (!any_text) losses.detail(cat("tools[", i, "].format"), "the text is of any form");
    free_text.insert(tool.name);
  }
  if (chat.tool_choice) chat.tool_choice->kind = ToolKind::function;
  for (auto& message : chat.messages) {
    for (auto& part : message.parts) {
      auto* call = std::get_if<ToolCall>(&part.value);
      if (call == nullptr || call->kind != ToolKind::custom) continue;
      call->kind = ToolKind::function;
      call->arguments = wrapped(call->arguments);
    }
  }
}

// --- groups -----------------------------------------------------------------------------------------------------------------
// OpenAI's {"type":"namespace","name","description","tools":[…]} and "namespace" of a call.

constexpr std::string_view group_key = "namespace";

std::string joined_name(std::string_view group, std::string_view function) { return cat(group, "__", function); }

/// The group that a built-in tool is, if all in it can stand by itself.
std::optional<json::Value> group_of(const Tool& tool) {
  if (tool.kind != Tool::Kind::built_in || !tool.builtin || tool.name != group_key) return std::nullopt;
  auto value = json::parse(tool.builtin->text);
  const auto* tools = value ? value->find("tools") : nullptr;
  if (tools == nullptr || tools->elements().empty() || text_at(*value, "name") == nullptr) return std::nullopt;
  const bool whole = std::ranges::all_of(tools->elements(), [](const json::Value& one) {
    const auto* type = text_at(one, "type");
    return type != nullptr && (*type == "function" || *type == "custom") && text_at(one, "name") != nullptr;
  });
  return whole ? std::optional{std::move(*value)} : std::nullopt;
}

Tool function_of(const json::Value& said, std::string_view group, std::string_view path, Losses& losses) {
  Tool out{.kind = *text_at(said, "type") == "custom" ? Tool::Kind::custom : Tool::Kind::function,
           .name = joined_name(group, *text_at(said, "name"))};
  for (const auto& [key, value] : said.members()) {
    if (key == "type" || key == "name" || value.is(json::Type::null)) continue;
    if (key == "description" && value.as_string() != nullptr) {
      out.description = *value.as_string();
    } else if (key == "parameters") {
      out.parameters = model::Json{value.dump()};
    } else if (key == "format") {
      out.format = model::Json{value.dump()};
    } else if (key == "strict" && value.as_bool()) {
      out.strict = value.as_bool();
    } else {
      losses.detail(cat(path, '.', key));
    }
  }
  return out;
}

/// The group's first function takes its place and the others stand behind all tools, so that every other keeps its number.
void spread_tools(std::vector<Tool>& tools, ToolForms& out, Losses& losses) {
  const auto count = tools.size();
  for (std::size_t i = 0; i < count; ++i) {
    const auto group = group_of(tools[i]);
    if (!group) continue;
    const auto& name = *text_at(*group, "name");
    losses.detail(cat("tools[", i, "].", group_key), "its functions stand by themselves");
    const auto& functions = group->find("tools")->elements();
    for (std::size_t j = 0; j < functions.size(); ++j) {
      auto tool = function_of(functions[j], name, cat("tools[", i, "].tools[", j, ']'), losses);
      out.grouped.emplace(tool.name, std::pair{name, *text_at(functions[j], "name")});
      if (j == 0) {
        tools[i] = std::move(tool);
      } else {
        tools.push_back(std::move(tool));
      }
    }
  }
}

/// The group that a call or result names, taken out of its extras.
std::optional<std::string> take_group(model::Extras& extras) {
  const auto found = std::ranges::find(extras, group_key, &model::Extra::key);
  const auto value = found != extras.end() ? json::parse(found->value.text) : Result<json::Value>{json::Value{}};
  if (!value || value->as_string() == nullptr) return std::nullopt;
  extras.erase(found);
  return *value->as_string();
}

void spread_groups(model::Chat& chat, ToolForms& out, Losses& losses) {
  if (chat.tools) spread_tools(*chat.tools, out, losses);
  std::map<std::string, std::string> called;  // by id
  for (auto& message : chat.messages) {
    for (auto& part : message.parts) {
      auto* call = std::get_if<ToolCall>(&part.value);
      auto* result = std::get_if<ToolResult>(&part.value);
      if (call == nullptr && result == nullptr) continue;
      const auto group = take_group(part.extras);
      if (call != nullptr && group) {
        call->name = joined_name(*group, call->name);
        if (call->id) called.emplace(*call->id, call->name);
      }
      const auto known = result != nullptr && result->call_id ? called.find(*result->call_id) : called.end();
      if (known != called.end() && result->name) result->name = known->second;
    }
  }
}

}  // namespace

ToolForms fit_tools(model::Chat& chat, const Dialect& upstream, Losses& losses) {
  ToolForms out;
  if (!upstream.traits().tool_groups) spread_groups(chat, out, losses);
  Names names{upstream.traits().tool_names};
  bool all_fit = true;
  visit_names(chat, [&](const std::string& name) { all_fit = all_fit && names.fits(name); });
  if (!all_fit) {
    visit_names(chat, [&](const std::string& name) { names.note(name); });
    visit_names(chat, [&](std::string& name) { names.fit(name); });
    out.renamed = names.renamed();
  }
  if (!upstream.traits().custom_tools) say_as_functions(chat, out.free_text, losses);
  return out;
}

namespace {

/// The client's words for a call; true: it takes free text.
bool take_back(ToolCall& call, model::Extras& extras, const ToolForms& forms) {
  const bool free_text = forms.free_text.contains(call.name);
  if (free_text) call.kind = ToolKind::custom;
  if (const auto name = forms.renamed.find(call.name); name != forms.renamed.end()) call.name = name->second;
  if (const auto group = forms.grouped.find(call.name); group != forms.grouped.end()) {
    extras.push_back({std::string{group_key}, {json::quote(group->second.first)}});
    call.name = group->second.second;
  }
  return free_text;
}

}  // namespace

void AnswerPasses::refit(model::Answer& answer) const {
  for (auto& choice : answer.choices) {
    for (auto& part : choice.parts) {
      auto* call = std::get_if<ToolCall>(&part.value);
      if (call != nullptr && take_back(*call, part.extras, request_.tools)) call->arguments = unwrapped(call->arguments);
    }
  }
}

/// A free text is known once its JSON is whole.
void AnswerPasses::refit(Events& events) {
  if (request_.tools.free_text.empty() && request_.tools.renamed.empty() && request_.tools.grouped.empty()) return;
  Events out;
  for (auto& said : events) {
    if (auto* start = std::get_if<event::PartStart>(&said)) {
      auto* call = std::get_if<ToolCall>(&start->value.value);
      if (call != nullptr && take_back(*call, start->value.extras, request_.tools))
        free_texts_[{start->choice, start->part}] = std::exchange(call->arguments, {});
    } else if (const auto* delta = std::get_if<event::Delta>(&said)) {
      const auto open = free_texts_.find({delta->choice, delta->part});
      if (open != free_texts_.end()) {
        open->second += delta->text;
        continue;
      }
    } else if (const auto* stop = std::get_if<event::PartStop>(&said)) {
      const auto open = free_texts_.extract({stop->choice, stop->part});
      if (!open.empty()) out.push_back(event::Delta{stop->choice, stop->part, unwrapped(open.mapped())});
    }
    out.push_back(std::move(said));
  }
  events = std::move(out);
}

}  // namespace cardea::dialect
