// A client's request becomes a model::Chat.

#include <algorithm>
#include <array>

#include "dialect/anthropic/anthropic.h"
#include "dialect/plain.h"

namespace cardea::dialect::claude {

using json::Type;
using json::Value;
using model::Chat;
using model::Message;
using model::Part;
using model::Role;

namespace {

Status decode_system(const Value& value, std::string_view path, Chat& chat) {
  Message message{.role = Role::system, .name = {}, .parts = {}, .extras = {}};
  message.place.path = path;
  auto status = decode_content(value, path, message.parts);
  if (status && !message.parts.empty()) chat.messages.insert(chat.messages.begin(), std::move(message));
  return status;
}

/// A block that holds instructions from here on becomes the message that it stands for.
Status split_system(const Value& block, std::string_view path, std::vector<Message>& out) {
  Message message{.role = Role::system, .name = {}, .parts = {}, .extras = {}};
  const auto* content = given(block, "content");
  if (content == nullptr) return bad_field(cat(path, ".content"), "is missing");
  auto status = decode_content(*content, cat(path, ".content"), message.parts);
  if (status && !message.parts.empty()) out.push_back(std::move(message));
  return status;
}

/// A user's turn holds results and what the user says; to all others these are messages of their own, one for each result.
Status decode_user(const Value& content, std::string_view path, Chat& chat) {
  std::vector<Message> systems;
  std::vector<Part> parts;
  if (content.is(Type::array)) {
    for (std::size_t i = 0; i < content.elements().size(); ++i) {
      const auto& block = content.elements()[i];
      const auto block_path = cat(path, '[', i, ']');
      const auto* type = text_at(block, "type");
      const bool system = type != nullptr && *type == "mid_conv_system";
      auto status = system ? split_system(block, block_path, systems) : decode_block(block, block_path, parts.emplace_back());
      if (!status) return status;
    }
  } else if (auto status = decode_content(content, path, parts); !status) {
    return status;
  }
  bool results = false;
  Message user{.role = Role::user, .name = {}, .parts = {}, .extras = {}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto& part = parts[i];
    if (std::holds_alternative<model::ToolResult>(part.value)) {
      results = true;
      auto& message = chat.messages.emplace_back(Message{.role = Role::tool, .name = {}, .parts = {}, .extras = {}});
      message.place.first_part = i;
      message.parts.push_back(std::move(part));
    } else {
      if (user.parts.empty()) user.place.first_part = i;
      user.parts.push_back(std::move(part));
    }
  }
  if (!user.parts.empty() || (!results && systems.empty())) chat.messages.push_back(std::move(user));
  std::ranges::move(systems, std::back_inserter(chat.messages));
  return {};
}

Status decode_message(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto role = required_string(value, "role", path);
  if (!role) return fail_with(role);
  const auto* content = given(value, "content");
  const auto content_path = cat(path, ".content");
  if (content == nullptr) return bad_field(content_path, "is missing");
  Status status;
  if (*role == "user") {
    status = decode_user(*content, content_path, chat);
  } else if (*role == "assistant" || *role == "system") {
    auto& message = chat.messages.emplace_back();
    message.role = *role == "system" ? Role::system : Role::assistant;
    status = decode_content(*content, content_path, message.parts);
  } else {
    return bad_field(cat(path, ".role"), cat("is '", *role, "'; it must be 'user' or 'assistant'"));
  }
  if (status) collect_extras(value, std::array<std::string_view, 2>{"role", "content"}, chat.messages.back().extras);
  return status;
}

Status decode_messages(const Value& request, Chat& chat) {
  const auto* messages = given(request, "messages");
  if (messages == nullptr) return bad_field("messages", "is missing; give at least one message");
  if (!messages->is(Type::array)) return wrong_type("messages", "an array", messages->type());
  if (messages->elements().empty()) return bad_field("messages", "is empty; give at least one message");
  for (std::size_t i = 0; i < messages->elements().size(); ++i) {
    const auto path = cat("messages[", i, ']');
    const auto before = chat.messages.size();
    auto status = decode_message(messages->elements()[i], path, chat);
    if (!status) return status;
    for (auto m = before; m < chat.messages.size(); ++m) chat.messages[m].place.path = path;
  }
  return {};
}

Status decode_tool(const Value& value, std::string_view path, model::Tool& out) {
  constexpr std::array<std::string_view, 6> known{"type", "name", "description", "input_schema", "strict", "cache_control"};
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  const auto* type = text_at(value, "type");
  if (type != nullptr && *type != "custom") {
    const auto* name = text_at(value, "name");
    out.kind = model::Tool::Kind::built_in;
    out.name = name != nullptr ? *name : *type;
    out.builtin = model::Json{value.dump()};
    return {};
  }
  auto name = required_string(value, "name", path);
  if (!name) return fail_with(name);
  out.name = std::move(*name);
  auto schema = required_object(value, "input_schema", path);
  if (!schema) return fail_with(schema);
  out.parameters = model::Json{(*schema)->dump()};
  auto status = read_member(value, "description", path, out.description);
  if (status) status = read_member(value, "strict", path, out.strict);
  if (status) status = decode_cache(value, path, out.cache);
  collect_extras(value, known, out.extras);
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

Status decode_tool_choice(const Value& value, std::string_view path, Chat& chat) {
  using Mode = model::ToolChoice::Mode;
  constexpr std::array<std::string_view, 3> known{"type", "name", "disable_parallel_tool_use"};
  struct Word {
    std::string_view word;
    Mode mode;
  };
  constexpr std::array<Word, 4> words{
      {{"auto", Mode::automatic}, {"any", Mode::required}, {"tool", Mode::named}, {"none", Mode::none}}};
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto type = required_string(value, "type", path);
  if (!type) return fail_with(type);
  const auto* found = std::ranges::find(words, std::string_view{*type}, &Word::word);
  if (found == words.end()) {
    return bad_field(cat(path, ".type"), cat("is '", *type, "'; it must be 'auto', 'any', 'tool' or 'none'"));
  }
  auto& out = chat.tool_choice.emplace();
  out.mode = found->mode;
  if (out.mode == Mode::named) {
    auto name = required_string(value, "name", path);
    if (!name) return fail_with(name);
    out.name = std::move(*name);
  }
  std::optional<bool> single;
  auto status = read_member(value, "disable_parallel_tool_use", path, single);
  if (single) chat.parallel_tool_calls = !*single;
  collect_inner(value, "tool_choice", known, chat.extras);
  return status;
}

Status decode_format(const Value& value, std::string_view path, Chat& chat) {
  using Form = model::ResponseFormat::Kind;
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto type = required_string(value, "type", path);
  if (!type) return fail_with(type);
  auto& out = chat.response_format.emplace();
  const bool schema = *type == "json_schema" && value.members().size() == 2 && given(value, "schema") != nullptr;
  out.kind = schema ? Form::json_schema : Form::raw;
  if (schema) {
    out.schema = model::Json{value.find("schema")->dump()};
  } else {
    out.raw = model::Json{value.dump()};
  }
  return {};
}

Status decode_thinking(const Value& value, std::string_view path, Chat& chat) {
  constexpr std::array<std::string_view, 3> known{"type", "budget_tokens", "display"};
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto type = required_string(value, "type", path);
  if (!type) return fail_with(type);
  auto& out = chat.reasoning ? *chat.reasoning : chat.reasoning.emplace();
  out.mode = std::move(*type);
  auto status = read_member(value, "budget_tokens", path, out.budget_tokens);
  std::optional<std::string> display;
  if (status) status = read_member(value, "display", path, display);
  if (display) out.include = *display != "omitted";
  collect_inner(value, "thinking", known, chat.extras);
  return status;
}

Status decode_output_config(const Value& value, std::string_view path, Chat& chat) {
  constexpr std::array<std::string_view, 2> known{"effort", "format"};
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  collect_inner(value, "output_config", known, chat.extras);
  if (const auto* format = given(value, "format")) {
    auto status = decode_format(*format, cat(path, ".format"), chat);
    if (!status) return status;
  }
  if (given(value, "effort") == nullptr) return {};
  return read_member(value, "effort", path, (chat.reasoning ? *chat.reasoning : chat.reasoning.emplace()).effort);
}

/// The form of the beta; the present one comes first.
Status decode_older_format(const Value& value, std::string_view path, Chat& chat) {
  return chat.response_format ? Status{} : decode_format(value, path, chat);
}

Status decode_metadata(const Value& value, std::string_view path, Chat& chat) {
  constexpr std::array<std::string_view, 1> known{"user_id"};
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  collect_inner(value, "metadata", known, chat.extras);
  return read_member(value, "user_id", path, chat.user);
}

/// To all others the word is OpenAI's.
Status decode_tier(const Value& value, std::string_view path, Chat& chat) {
  auto status = read(value, path, chat.service_tier);
  if (status && chat.service_tier == "standard_only") chat.service_tier = "default";
  return status;
}

template <auto Slot>
Status plain(const Value& value, std::string_view path, Chat& chat) {
  return read(value, path, Slot(chat));
}

struct Field {
  std::string_view key;
  Status (*decode)(const Value& value, std::string_view path, Chat& chat);
};
constexpr std::array<Field, 14> fields{{
    {"max_tokens", plain<[](auto& c) -> auto& { return c.limits.max_tokens; }>},
    {"system", decode_system},
    {"temperature", plain<[](auto& c) -> auto& { return c.sampling.temperature; }>},
    {"top_p", plain<[](auto& c) -> auto& { return c.sampling.top_p; }>},
    {"top_k", plain<[](auto& c) -> auto& { return c.sampling.top_k; }>},
    {"stop_sequences", plain<[](auto& c) -> auto& { return c.stop; }>},
    {"stream", plain<[](auto& c) -> auto& { return c.stream; }>},
    {"tools", decode_tools},
    {"tool_choice", decode_tool_choice},
    {"thinking", decode_thinking},
    {"output_config", decode_output_config},
    {"output_format", decode_older_format},
    {"metadata", decode_metadata},
    {"service_tier", decode_tier},
}};

Status decode_fields(const Value& request, Chat& chat) {
  std::vector<std::string_view> known{"model", "messages"};
  for (const auto& field : fields) {
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

/// `max_tokens` may be absent, so that the same reading serves count_tokens.
Result<Chat> Anthropic::decode_request(std::string_view body, const Asked& asked) const {
  auto request = json::parse(body);
  if (!request) return fail_with(request);
  if (!request->is(Type::object))
    return fail(Kind::bad_request, cat("the request body must be a JSON object, not ", describe(request->type())));
  Chat chat;
  chat.dialect = dialect_name;
  chat.model = asked.model;
  if (const auto* model = given(*request, "model"); chat.model.empty()) {
    if (model == nullptr) return bad_field("model", "is missing; name the model to use");
    if (!model->is(Type::string)) return wrong_type("model", "a string", model->type());
    chat.model = *model->as_string();
  }
  auto status = decode_messages(*request, chat);
  if (status) status = decode_fields(*request, chat);
  if (!status) return fail_with(status);
  if (asked.stream) chat.stream = asked.stream;
  return chat;
}

}  // namespace cardea::dialect::claude
