// A client's request becomes a model::Chat.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"
#include "dialect/openai_chat/request_fields.h"

namespace cardea::dialect::openai {

using json::Type;
using json::Value;
using model::Chat;

namespace {

Status decode_tool_message(const Value& value, std::string_view path, std::string_view role, model::Message& out) {
  model::ToolResult result;
  auto status = read_member(value, "tool_call_id", path, result.call_id);
  if (!status) return status;
  if (role == "tool" && !result.call_id)
    return bad_field(cat(path, ".tool_call_id"), "is missing; name the call that this answers");
  status = read_member(value, "name", path, result.name);
  if (!status) return status;
  if (const auto* content = value.find("content")) status = decode_content(*content, cat(path, ".content"), result.parts);
  if (!status) return status;
  out.parts.push_back({.value = std::move(result)});
  collect_extras(value, std::array<std::string_view, 4>{"role", "tool_call_id", "name", "content"}, out.extras);
  return {};
}

Status decode_message(const Value& value, std::string_view path, model::Message& out) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto word = required_string(value, "role", path);
  if (!word) return fail_with(word);
  const auto role = role_of(*word);
  if (!role) return bad_field(cat(path, ".role"), cat("is '", *word, "', which is no role"));
  out.role = *role;
  if (*role == model::Role::tool) return decode_tool_message(value, path, *word, out);
  auto status = read_member(value, "name", path, out.name);
  if (!status) return status;
  std::vector<std::string_view> known{"role", "name", "content"};
  if (*role == model::Role::assistant) {
    status = decode_assistant(value, path, out.parts);
    known.insert(known.end(), assistant_fields().begin(), assistant_fields().end());
  } else if (const auto* content = value.find("content")) {
    status = decode_content(*content, cat(path, ".content"), out.parts);
  }
  collect_extras(value, known, out.extras);
  return status;
}

Status decode_messages(const Value& request, Chat& chat) {
  const auto* messages = given(request, "messages");
  if (messages == nullptr) return bad_field("messages", "is missing; give at least one message");
  if (!messages->is(Type::array)) return wrong_type("messages", "an array", messages->type());
  if (messages->elements().empty()) return bad_field("messages", "is empty; give at least one message");
  for (std::size_t i = 0; i < messages->elements().size(); ++i) {
    auto status = decode_message(messages->elements()[i], cat("messages[", i, ']'), chat.messages.emplace_back());
    if (!status) return status;
  }
  return {};
}

/// `inner`: the object with name, description and so on; of the tool itself, or a legacy function.
Status decode_function(const Value& inner, std::string_view path, model::Tool& out) {
  auto name = required_string(inner, "name", path);
  if (!name) return fail_with(name);
  out.name = std::move(*name);
  auto status = read_member(inner, "description", path, out.description);
  if (status) status = read_member(inner, "parameters", path, out.parameters);
  if (status) status = read_member(inner, "strict", path, out.strict);
  if (status) status = read_member(inner, "format", path, out.format);
  return status;
}

Status decode_tool(const Value& value, std::string_view path, model::Tool& out) {
  constexpr std::array<std::string_view, 5> known{"type", "function", "custom", "cache_control", "prompt_cache_breakpoint"};
  constexpr std::array<std::string_view, 5> known_inner{"name", "description", "parameters", "strict", "format"};
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto type = required_string(value, "type", path);
  if (!type) return fail_with(type);
  if (*type != "function" && *type != "custom") {
    out.kind = model::Tool::Kind::built_in;
    out.name = *type;
    out.builtin = model::Json{value.dump()};
    return {};
  }
  out.kind = *type == "custom" ? model::Tool::Kind::custom : model::Tool::Kind::function;
  auto inner = required_object(value, *type, path);
  if (!inner) return fail_with(inner);
  auto status = decode_function(**inner, cat(path, '.', *type), out);
  if (!status) return status;
  status = decode_cache(value, path, out.cache);
  collect_extras(value, known, out.extras);
  collect_inner(**inner, *type, known_inner, out.extras);
  return status;
}

Status decode_tools(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::array)) return wrong_type(path, "an array", value.type());
  chat.tools.emplace();
  for (std::size_t i = 0; i < value.elements().size(); ++i) {
    auto status = decode_tool(value.elements()[i], cat(path, '[', i, ']'), chat.tools->emplace_back());
    if (!status) return status;
  }
  return {};
}

/// The legacy `functions`: tools without a wrapper.
Status decode_functions(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::array)) return wrong_type(path, "an array", value.type());
  if (!chat.tools) chat.tools.emplace();
  for (std::size_t i = 0; i < value.elements().size(); ++i) {
    auto status = decode_function(value.elements()[i], cat(path, '[', i, ']'), chat.tools->emplace_back());
    if (!status) return status;
  }
  return {};
}

Status decode_tool_choice(const Value& value, std::string_view path, Chat& chat) {
  using Mode = model::ToolChoice::Mode;
  struct Word {
    std::string_view word;
    Mode mode;
  };
  constexpr std::array<Word, 3> words{{{"none", Mode::none}, {"auto", Mode::automatic}, {"required", Mode::required}}};
  auto& out = chat.tool_choice.emplace();
  if (const auto* text = value.as_string()) {
    const auto* found = std::ranges::find(words, std::string_view{*text}, &Word::word);
    if (found == words.end()) return bad_field(path, cat("is '", *text, "'; it must be 'none', 'auto', 'required' or a tool"));
    out.mode = found->mode;
    return {};
  }
  if (!value.is(Type::object)) return wrong_type(path, "a string or an object", value.type());
  for (const auto form : {"function", "custom"}) {
    const auto* type = value.find("type");
    if (type == nullptr || type->as_string() == nullptr || *type->as_string() != form) continue;
    auto inner = required_object(value, form, path);
    if (!inner) return fail_with(inner);
    auto name = required_string(**inner, "name", cat(path, '.', form));
    if (!name) return fail_with(name);
    out.mode = Mode::named;
    out.name = std::move(*name);
    out.kind = std::string_view{form} == "custom" ? model::ToolKind::custom : model::ToolKind::function;
    return {};
  }
  out.mode = Mode::raw;
  out.raw = model::Json{value.dump()};
  return {};
}

/// The legacy `function_call`: "none", "auto" or {"name"}.
Status decode_function_choice(const Value& value, std::string_view path, Chat& chat) {
  if (chat.tool_choice) return {};
  if (!value.is(Type::object)) return decode_tool_choice(value, path, chat);
  auto name = required_string(value, "name", path);
  if (!name) return fail_with(name);
  chat.tool_choice = model::ToolChoice{.mode = model::ToolChoice::Mode::named, .name = std::move(*name)};
  return {};
}

Status decode_response_format(const Value& value, std::string_view path, Chat& chat) {
  using Form = model::ResponseFormat::Kind;
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto type = required_string(value, "type", path);
  if (!type) return fail_with(type);
  auto& out = chat.response_format.emplace();
  if (*type == "text") return {};
  if (*type == "json_object") {
    out.kind = Form::json_object;
    return {};
  }
  if (*type != "json_schema") {
    out.kind = Form::raw;
    out.raw = model::Json{value.dump()};
    return {};
  }
  out.kind = Form::json_schema;
  auto inner = required_object(value, "json_schema", path);
  if (!inner) return fail_with(inner);
  const auto inner_path = cat(path, ".json_schema");
  auto status = read_member(**inner, "name", inner_path, out.name);
  if (status) status = read_member(**inner, "description", inner_path, out.description);
  if (status) status = read_member(**inner, "schema", inner_path, out.schema);
  if (status) status = read_member(**inner, "strict", inner_path, out.strict);
  return status;
}

Status decode_tier(const Value& value, std::string_view path, Chat& chat) { return read(value, path, chat.service_tier); }
Status decode_parallel(const Value& value, std::string_view path, Chat& chat) {
  return read(value, path, chat.parallel_tool_calls);
}

Status decode_stop(const Value& value, std::string_view path, Chat& chat) {
  if (const auto* text = value.as_string()) {
    chat.stop = std::vector<std::string>{*text};
    return {};
  }
  return read(value, path, chat.stop);
}

Status decode_metadata(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  chat.metadata.emplace();
  for (const auto& [key, member] : value.members()) {
    const auto* text = member.as_string();
    if (text == nullptr) return wrong_type(cat(path, '.', key), "a string", member.type());
    chat.metadata->push_back({key, *text});
  }
  return {};
}

Status decode_audio_output(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto& out = chat.audio.emplace();
  auto status = read_member(value, "voice", path, out.voice);
  if (status) status = read_member(value, "format", path, out.format);
  return status;
}

Status decode_stream_options(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  collect_inner(value, "stream_options", std::array<std::string_view, 1>{"include_usage"}, chat.extras);
  return read_member(value, "include_usage", path, chat.include_usage);
}

model::Reasoning& reasoning_of(Chat& chat) { return chat.reasoning ? *chat.reasoning : chat.reasoning.emplace(); }

Status decode_effort(const Value& value, std::string_view path, Chat& chat) {
  return read(value, path, reasoning_of(chat).effort);
}

/// OpenRouter's object ("Reasoning tokens").
Status decode_reasoning(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto& out = reasoning_of(chat);
  std::optional<bool> enabled;
  std::optional<bool> exclude;
  std::optional<std::string> effort;
  auto status = read_member(value, "effort", path, effort);
  if (status) status = read_member(value, "max_tokens", path, out.budget_tokens);
  if (status) status = read_member(value, "summary", path, out.summary);
  if (status) status = read_member(value, "enabled", path, enabled);
  if (status) status = read_member(value, "exclude", path, exclude);
  if (!out.effort) out.effort = std::move(effort);
  if (enabled) out.mode = *enabled ? "enabled" : "disabled";
  if (exclude) out.include = !*exclude;
  collect_inner(value, "reasoning", std::array<std::string_view, 5>{"effort", "max_tokens", "summary", "enabled", "exclude"},
                chat.extras);
  return status;
}

/// Anthropic's object, as LiteLLM's clients and some vendors' (GLM, Kimi, DeepSeek) say it here.
Status decode_thinking_mode(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto& out = reasoning_of(chat);
  auto status = read_member(value, "type", path, out.mode);
  if (status) status = read_member(value, "budget_tokens", path, out.budget_tokens);
  collect_inner(value, "thinking", std::array<std::string_view, 2>{"type", "budget_tokens"}, chat.extras);
  return status;
}

struct SpecialField {
  std::string_view key;
  Status (*decode)(const Value& value, std::string_view path, Chat& chat);
};
// In this order: the legacy forms give way to the present ones.
constexpr std::array<SpecialField, 14> special_fields{{
    {"tools", decode_tools},
    {"functions", decode_functions},
    {"tool_choice", decode_tool_choice},
    {"function_call", decode_function_choice},
    {"response_format", decode_response_format},
    {"stop", decode_stop},
    {"metadata", decode_metadata},
    {"audio", decode_audio_output},
    {"stream_options", decode_stream_options},
    {"reasoning_effort", decode_effort},
    {"reasoning", decode_reasoning},
    {"thinking", decode_thinking_mode},
    {"service_tier", decode_tier},
    {"parallel_tool_calls", decode_parallel},
}};

Status decode_fields(const Value& request, Chat& chat) {
  std::vector<std::string_view> known{"model", "messages"};
  for (const auto& field : request_fields()) {
    known.push_back(field.key);
    const auto* value = given(request, field.key);
    if (value == nullptr) continue;
    auto status = field.read(*value, field.key, chat);
    if (!status) return status;
  }
  for (const auto& field : special_fields) {
    known.push_back(field.key);
    const auto* value = given(request, field.key);
    if (value == nullptr) continue;
    auto status = field.decode(*value, field.key, chat);
    if (!status) return status;
  }
  collect_extras(request, known, chat.extras);
  return {};
}

}  // namespace

Result<Chat> OpenAiChat::decode_request(std::string_view body, const Asked& /*asked*/) const {
  auto request = json::parse(body);
  if (!request) return fail_with(request);
  if (!request->is(Type::object))
    return fail(Kind::bad_request, cat("the request body must be a JSON object, not ", describe(request->type())));
  Chat chat;
  chat.dialect = dialect_name;
  const auto* model = given(*request, "model");
  if (model == nullptr) return bad_field("model", "is missing; name the model to use");
  if (!model->is(Type::string)) return wrong_type("model", "a string", model->type());
  chat.model = *model->as_string();
  auto status = decode_messages(*request, chat);
  if (status) status = decode_fields(*request, chat);
  if (!status) return fail_with(status);
  return chat;
}

}  // namespace cardea::dialect::openai
