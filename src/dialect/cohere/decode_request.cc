// A client's request becomes a model::Chat.

#include <algorithm>
#include <array>

#include "dialect/cohere/cohere.h"
#include "dialect/turns.h"

namespace cardea::dialect::cohere_v2 {

using json::Type;
using json::Value;
using model::Chat;
using model::Role;

namespace {

std::optional<Role> role_of(std::string_view word) {
  struct Row {
    std::string_view word;
    Role role;
  };
  constexpr std::array<Row, 5> rows{{{"user", Role::user},
                                     {"assistant", Role::assistant},
                                     {"system", Role::system},
                                     {"tool", Role::tool},
                                     {"developer", Role::developer}}};
  const auto* row = std::ranges::find(rows, word, &Row::word);
  return row != rows.end() ? std::optional{row->role} : std::nullopt;
}

Status decode_tool_message(const Value& value, std::string_view path, model::Message& out) {
  model::ToolResult result;
  auto id = required_string(value, "tool_call_id", path);
  if (!id) return fail_with(id);
  result.call_id = std::move(*id);
  Status status;
  if (const auto* content = value.find("content")) {
    status = decode_content(*content, cat(path, ".content"), Place::result, result.parts);
  }
  out.parts.push_back({.value = std::move(result)});
  collect_extras(value, std::array<std::string_view, 3>{"role", "tool_call_id", "content"}, out.extras);
  return status;
}

Status decode_message(const Value& value, std::string_view path, model::Message& out) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto word = required_string(value, "role", path);
  if (!word) return fail_with(word);
  const auto role = role_of(*word);
  if (!role) return bad_field(cat(path, ".role"), cat("is '", *word, "', which is no role"));
  out.role = *role;
  if (*role == Role::tool) return decode_tool_message(value, path, out);
  if (*role == Role::assistant) {
    auto status = decode_assistant(value, path, out.parts, out.extras);
    collect_extras(value, assistant_fields(), out.extras);
    return status;
  }
  Status status;
  if (const auto* content = value.find("content")) {
    status = decode_content(*content, cat(path, ".content"), Place::message, out.parts);
  }
  collect_extras(value, std::array<std::string_view, 2>{"role", "content"}, out.extras);
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

Status decode_tools(const Value& value, std::string_view path, Chat& chat) {
  return decode_function_tools(value, path, chat.tools);
}

Status decode_strict(const Value& value, std::string_view path, Chat& chat) {
  std::optional<bool> strict;
  auto status = read(value, path, strict);
  bool said = false;
  if (chat.tools) {
    for (auto& tool : *chat.tools) {
      if (tool.kind != model::Tool::Kind::function) continue;
      tool.strict = strict;
      said = true;
    }
  }
  if (status && !said) chat.extras.push_back({std::string{path}, {value.dump()}});
  return status;
}

Status decode_tool_choice(const Value& value, std::string_view path, Chat& chat) {
  using Mode = model::ToolChoice::Mode;
  std::optional<std::string> word;
  auto status = read(value, path, word);
  if (!status) return status;
  if (*word != "REQUIRED" && *word != "NONE") return bad_field(path, cat("is '", *word, "'; it must be 'REQUIRED' or 'NONE'"));
  chat.tool_choice = model::ToolChoice{.mode = *word == "NONE" ? Mode::none : Mode::required};
  return {};
}

/// Top-level documents become texts at the front of the last user message, which they are there to answer.
Status decode_documents(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::array)) return wrong_type(path, "an array", value.type());
  std::vector<model::Part> parts;
  for (std::size_t i = 0; i < value.elements().size(); ++i) {
    auto status = decode_document(value.elements()[i], cat(path, '[', i, ']'), parts);
    if (!status) return status;
  }
  if (parts.empty()) {
    chat.extras.push_back({std::string{path}, {value.dump()}});
    return {};
  }
  const auto last = std::ranges::find(chat.messages.rbegin(), chat.messages.rend(), Role::user, &model::Message::role);
  auto& message = last != chat.messages.rend() ? *last : chat.messages.emplace_back();
  message.parts.insert(message.parts.begin(), std::move_iterator{parts.begin()}, std::move_iterator{parts.end()});
  return {};
}

Status decode_response_format(const Value& value, std::string_view path, Chat& chat) {
  using Form = model::ResponseFormat::Kind;
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto type = required_string(value, "type", path);
  if (!type) return fail_with(type);
  auto& out = chat.response_format.emplace();
  if (*type == "text") return {};
  if (*type != "json_object") {
    out.kind = Form::raw;
    out.raw = model::Json{value.dump()};
    return {};
  }
  auto status = read_member(value, "json_schema", path, out.schema);
  // The older name.
  if (status && !out.schema) status = read_member(value, "schema", path, out.schema);
  out.kind = out.schema ? Form::json_schema : Form::json_object;
  return status;
}

Status decode_thinking(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto type = required_string(value, "type", path);
  if (!type) return fail_with(type);
  if (*type != "enabled" && *type != "disabled") {
    return bad_field(cat(path, ".type"), cat("is '", *type, "'; it must be 'enabled' or 'disabled'"));
  }
  auto& out = chat.reasoning.emplace();
  out.mode = std::move(*type);
  collect_inner(value, path, std::array<std::string_view, 2>{"type", "token_budget"}, chat.extras);
  return read_member(value, "token_budget", path, out.budget_tokens);
}

template <auto Slot>
Status plain(const Value& value, std::string_view path, Chat& chat) {
  return read(value, path, Slot(chat));
}

struct RequestField {
  std::string_view key;
  Status (*decode)(const Value& value, std::string_view path, Chat& chat);
};
// In this order: strict_tools speaks of the tools.
constexpr std::array<RequestField, 16> request_fields{{
    {"tools", decode_tools},
    {"strict_tools", decode_strict},
    {"tool_choice", decode_tool_choice},
    {"documents", decode_documents},
    {"response_format", decode_response_format},
    {"max_tokens", plain<[](auto& c) -> auto& { return c.limits.max_tokens; }>},
    {"stop_sequences", plain<[](auto& c) -> auto& { return c.stop; }>},
    {"temperature", plain<[](auto& c) -> auto& { return c.sampling.temperature; }>},
    {"seed", plain<[](auto& c) -> auto& { return c.sampling.seed; }>},
    {"frequency_penalty", plain<[](auto& c) -> auto& { return c.sampling.frequency_penalty; }>},
    {"presence_penalty", plain<[](auto& c) -> auto& { return c.sampling.presence_penalty; }>},
    {"k", plain<[](auto& c) -> auto& { return c.sampling.top_k; }>},
    {"p", plain<[](auto& c) -> auto& { return c.sampling.top_p; }>},
    {"logprobs", plain<[](auto& c) -> auto& { return c.logprobs; }>},
    {"thinking", decode_thinking},
    {"stream", plain<[](auto& c) -> auto& { return c.stream; }>},
}};

}  // namespace

Result<Chat> Cohere::decode_request(std::string_view body, const Asked& asked) const {
  auto request = json::parse(body);
  if (!request) return fail_with(request);
  if (!request->is(Type::object))
    return fail(Kind::bad_request, cat("the request body must be a JSON object, not ", describe(request->type())));
  Chat chat;
  chat.dialect = dialect_name;
  chat.model = asked.model;
  const auto* model = given(*request, "model");
  if (asked.model.empty()) {
    if (model == nullptr) return bad_field("model", "is missing; name the model to use");
    if (!model->is(Type::string)) return wrong_type("model", "a string", model->type());
    chat.model = *model->as_string();
  }
  auto status = decode_messages(*request, chat);
  std::vector<std::string_view> known{"model", "messages"};
  for (const auto& field : request_fields) {
    known.push_back(field.key);
    const auto* value = given(*request, field.key);
    if (status && value != nullptr) status = field.decode(*value, field.key, chat);
  }
  if (!status) return fail_with(status);
  collect_extras(*request, known, chat.extras);
  if (asked.stream) chat.stream = asked.stream;
  return chat;
}

}  // namespace cardea::dialect::cohere_v2
