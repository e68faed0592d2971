// A client's request becomes a model::Chat.

#include <algorithm>
#include <array>

#include "dialect/bedrock/bedrock.h"

namespace cardea::dialect::converse {

using json::Type;
using json::Value;
using model::Chat;

namespace {

Status decode_message(const Value& value, std::string_view path, model::Message& out) {
  constexpr std::array<std::string_view, 2> known{"role", "content"};
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto role = required_string(value, "role", path);
  if (!role) return fail_with(role);
  if (*role == "assistant") {
    out.role = model::Role::assistant;
  } else if (*role == "system") {
    out.role = model::Role::system;
  } else if (*role != "user") {
    return bad_field(cat(path, ".role"), cat("is '", *role, "'; it must be 'user', 'assistant' or 'system'"));
  }
  const auto* content = given(value, "content");
  if (content == nullptr) return bad_field(cat(path, ".content"), "is missing");
  collect_extras(value, known, out.extras);
  return decode_content(*content, cat(path, ".content"), out.parts);
}

Status decode_messages(const Value& messages, std::string_view path, Chat& chat) {
  if (!messages.is(Type::array)) return wrong_type(path, "an array", messages.type());
  for (std::size_t i = 0; i < messages.elements().size(); ++i) {
    const auto message_path = cat(path, '[', i, ']');
    auto& message = chat.messages.emplace_back();
    message.place.path = message_path;
    auto status = decode_message(messages.elements()[i], message_path, message);
    if (!status) return status;
  }
  return {};
}

Status decode_system_prompt(const Value& system, std::string_view path, Chat& chat) {
  model::Message message{.role = model::Role::system, .place = {.path = std::string{path}}};
  auto status = decode_system(system, path, message.parts);
  if (status && !message.parts.empty()) chat.messages.push_back(std::move(message));
  return status;
}

Status decode_inference(const Value& config, std::string_view path, Chat& chat) {
  constexpr std::array<std::string_view, 4> known{"maxTokens", "temperature", "topP", "stopSequences"};
  if (!config.is(Type::object)) return wrong_type(path, "an object", config.type());
  auto status = read_member(config, "maxTokens", path, chat.limits.max_tokens);
  if (status) status = read_member(config, "temperature", path, chat.sampling.temperature);
  if (status) status = read_member(config, "topP", path, chat.sampling.top_p);
  if (status) status = read_member(config, "stopSequences", path, chat.stop);
  collect_inner(config, path, known, chat.extras);
  return status;
}

// --- tools ------------------------------------------------------------------------------------------------------------------

Status decode_tool_spec(const Value& spec, std::string_view path, model::Tool& out) {
  constexpr std::array<std::string_view, 4> known{"name", "description", "inputSchema", "strict"};
  if (!spec.is(Type::object)) return wrong_type(path, "an object", spec.type());
  auto name = required_string(spec, "name", path);
  if (!name) return fail_with(name);
  out.name = std::move(*name);
  auto status = read_member(spec, "description", path, out.description);
  if (status) status = read_member(spec, "strict", path, out.strict);
  if (!status) return status;
  auto schema = required_object(spec, "inputSchema", path);
  if (!schema) return fail_with(schema);
  status = read_member(**schema, "json", cat(path, ".inputSchema"), out.parameters);
  collect_extras(spec, known, out.extras);
  return status;
}

Status decode_tool(const Value& value, std::string_view path, std::vector<model::Tool>& tools) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  if (const auto* spec = given(value, "toolSpec")) return decode_tool_spec(*spec, cat(path, ".toolSpec"), tools.emplace_back());
  const auto* point = given(value, "cachePoint");
  if (point != nullptr && !tools.empty() && !tools.back().cache) {
    tools.back().cache = decode_cache_point(*point);
    if (tools.back().cache) return {};
  }
  model::Tool tool{.kind = model::Tool::Kind::built_in, .builtin = model::Json{value.dump()}};
  const auto* system = given(value, "systemTool");
  const auto* name = system != nullptr ? system->find("name") : nullptr;
  if (name != nullptr && name->as_string() != nullptr) {
    tool.name = *name->as_string();
  } else if (!value.members().empty()) {
    tool.name = value.members().front().first;
  }
  tools.push_back(std::move(tool));
  return {};
}

Status decode_tool_choice(const Value& value, std::string_view path, Chat& chat) {
  using Mode = model::ToolChoice::Mode;
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto& out = chat.tool_choice.emplace();
  const bool plain = value.members().size() == 1;
  const auto* tool = given(value, "tool");
  if (plain && given(value, "auto") != nullptr) {
    out.mode = Mode::automatic;
  } else if (plain && given(value, "any") != nullptr) {
    out.mode = Mode::required;
  } else if (plain && tool != nullptr) {
    auto name = required_string(*tool, "name", cat(path, ".tool"));
    if (!name) return fail_with(name);
    out.mode = Mode::named;
    out.name = std::move(*name);
  } else {
    out.mode = Mode::raw;
    out.raw = model::Json{value.dump()};
  }
  return {};
}

Status decode_tool_config(const Value& config, std::string_view path, Chat& chat) {
  constexpr std::array<std::string_view, 2> known{"tools", "toolChoice"};
  if (!config.is(Type::object)) return wrong_type(path, "an object", config.type());
  Status status;
  if (const auto* tools = given(config, "tools")) {
    const auto tools_path = cat(path, ".tools");
    if (!tools->is(Type::array)) return wrong_type(tools_path, "an array", tools->type());
    chat.tools.emplace();
    for (std::size_t i = 0; status && i < tools->elements().size(); ++i) {
      status = decode_tool(tools->elements()[i], cat(tools_path, '[', i, ']'), *chat.tools);
    }
  }
  if (!status) return status;
  collect_inner(config, path, known, chat.extras);
  const auto* choice = given(config, "toolChoice");
  return choice != nullptr ? decode_tool_choice(*choice, cat(path, ".toolChoice"), chat) : Status{};
}

// --- the rest ---------------------------------------------------------------------------------------------------------------

Status decode_text_format(const Value& value, std::string_view path, Chat& chat) {
  using Form = model::ResponseFormat::Kind;
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto& out = chat.response_format.emplace();
  const auto* type = value.find("type");
  const auto* structure = given(value, "structure");
  const auto* schema = structure != nullptr ? given(*structure, "jsonSchema") : nullptr;
  const bool known = type != nullptr && type->as_string() != nullptr && *type->as_string() == "json_schema";
  if (!known || schema == nullptr) {
    out.kind = Form::raw;
    out.raw = model::Json{value.dump()};
    return {};
  }
  out.kind = Form::json_schema;
  const auto inner_path = cat(path, ".structure.jsonSchema");
  auto status = read_member(*schema, "name", inner_path, out.name);
  if (status) status = read_member(*schema, "description", inner_path, out.description);
  if (!status) return status;
  auto text = required_string(*schema, "schema", inner_path);
  if (!text) return fail_with(text);
  auto parsed = json::parse(*text);
  if (!parsed) return bad_field(cat(inner_path, ".schema"), "must be a JSON schema as a string");
  out.schema = model::Json{parsed->dump()};
  return {};
}

Status decode_output_config(const Value& config, std::string_view path, Chat& chat) {
  constexpr std::array<std::string_view, 2> known{"textFormat", "effort"};
  if (!config.is(Type::object)) return wrong_type(path, "an object", config.type());
  std::optional<std::string> effort;
  auto status = read_member(config, "effort", path, effort);
  if (!status) return status;
  if (effort) {
    if (!chat.reasoning) chat.reasoning.emplace();
    chat.reasoning->effort = std::move(effort);
  }
  collect_inner(config, path, known, chat.extras);
  const auto* format = given(config, "textFormat");
  return format != nullptr ? decode_text_format(*format, cat(path, ".textFormat"), chat) : Status{};
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

Status decode_tier(const Value& value, std::string_view path, Chat& chat) {
  constexpr std::array<std::string_view, 1> known{"type"};
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  collect_inner(value, path, known, chat.extras);
  return read_member(value, "type", path, chat.service_tier);
}

struct Field {
  std::string_view key;
  Status (*decode)(const Value& value, std::string_view path, Chat& chat);
};
// In this order: the system prompt stands first; what Converse itself says of tools and effort goes before a model's own words.
constexpr std::array<Field, 8> fields{{{"system", decode_system_prompt},
                                       {"messages", decode_messages},
                                       {"inferenceConfig", decode_inference},
                                       {"toolConfig", decode_tool_config},
                                       {"additionalModelRequestFields", decode_additional},
                                       {"outputConfig", decode_output_config},
                                       {"requestMetadata", decode_metadata},
                                       {"serviceTier", decode_tier}}};

/// The path names the model; a body that names it all the same (a client's own habit) is read when the path does not.
Status decode_model(const Value& request, const Asked& asked, Chat& chat) {
  std::optional<std::string> model;
  auto status = read_member(request, "modelId", "", model);
  if (status && !model) status = read_member(request, "model", "", model);
  if (!asked.model.empty()) {
    chat.model = asked.model;
    return {};
  }
  if (!status || !model || model->empty())
    return bad_field("modelId", "is missing; name the model in the path: /model/ID/converse");
  chat.model = std::move(*model);
  return {};
}

}  // namespace

Result<Chat> Bedrock::decode_request(std::string_view body, const Asked& asked) const {
  auto request = json::parse(body);
  if (!request) return fail_with(request);
  if (!request->is(Type::object)) {
    return fail(Kind::bad_request, cat("the request body must be a JSON object, not ", describe(request->type())));
  }
  Chat chat;
  chat.dialect = dialect_name;
  chat.stream = asked.stream;
  auto status = decode_model(*request, asked, chat);
  std::vector<std::string_view> known{"modelId", "model"};
  for (const auto& field : fields) {
    known.push_back(field.key);
    const auto* value = given(*request, field.key);
    if (status && value != nullptr) status = field.decode(*value, field.key, chat);
  }
  if (!status) return fail_with(status);
  collect_extras(*request, known, chat.extras);
  return chat;
}

}  // namespace cardea::dialect::converse
