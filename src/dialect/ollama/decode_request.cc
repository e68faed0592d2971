// A client's request, of either form, becomes a model::Chat.

#include <algorithm>
#include <array>

#include "dialect/ollama/ollama.h"
#include "dialect/turns.h"

namespace cardea::dialect::ollama_native {

using json::Type;
using json::Value;
using model::Chat;
using model::Part;
using model::Role;

namespace {

Part text_part(std::string text) { return {.value = model::Text{.text = std::move(text)}}; }

/// The server takes roles in any case.
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
  const auto lower = to_lower(word);
  const auto* row = std::ranges::find(rows, std::string_view{lower}, &Row::word);
  return row != rows.end() ? std::optional{row->role} : std::nullopt;
}

Status decode_tool_message(const Value& value, std::string_view path, std::string text, model::Message& out) {
  model::ToolResult result;
  auto status = read_member(value, "tool_name", path, result.name);
  if (status && !result.name) status = read_member(value, "name", path, result.name);  // the older spelling
  if (status) status = read_member(value, "tool_call_id", path, result.call_id);
  if (!text.empty()) result.parts.push_back(text_part(std::move(text)));
  if (const auto* images = given(value, "images"); status && images != nullptr) {
    status = decode_images(*images, cat(path, ".images"), result.parts);
  }
  out.parts.push_back({.value = std::move(result)});
  collect_extras(value, std::array<std::string_view, 6>{"role", "content", "images", "tool_name", "name", "tool_call_id"},
                 out.extras);
  return status;
}

Status decode_message(const Value& value, std::string_view path, model::Message& out) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto word = required_string(value, "role", path);
  if (!word) return fail_with(word);
  const auto role = role_of(*word);
  if (!role) return bad_field(cat(path, ".role"), cat("is '", *word, "', which is no role"));
  out.role = *role;
  std::optional<std::string> text;
  auto status = read_member(value, "content", path, text);
  if (!status) return status;
  if (*role == Role::tool) return decode_tool_message(value, path, std::move(text).value_or(""), out);
  model::Thinking thinking;
  std::optional<std::string> thought;
  status = read_member(value, "thinking", path, thought);
  if (status) status = read_member(value, "thinking_signature", path, thinking.signature);
  thinking.text = std::move(thought).value_or("");
  if (!thinking.text.empty() || thinking.signature) out.parts.push_back({.value = std::move(thinking)});
  if (text && !text->empty()) out.parts.push_back(text_part(std::move(*text)));
  if (const auto* images = given(value, "images"); status && images != nullptr) {
    status = decode_images(*images, cat(path, ".images"), out.parts);
  }
  if (const auto* calls = given(value, "tool_calls"); status && calls != nullptr) {
    status = decode_calls(*calls, cat(path, ".tool_calls"), out.parts);
  }
  collect_extras(value,
                 std::array<std::string_view, 6>{"role", "content", "thinking", "thinking_signature", "images", "tool_calls"},
                 out.extras);
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

/// /api/generate: a system prompt and one user message.
Status decode_prompt(const Value& request, Chat& chat) {
  std::optional<std::string> system;
  std::optional<std::string> prompt;
  auto read_text = [&](std::string_view key, std::optional<std::string>& out) {
    const auto* value = given(request, key);
    return value != nullptr ? read(*value, key, out) : Status{};
  };
  auto status = read_text("system", system);
  if (status) status = read_text("prompt", prompt);
  if (!status) return status;
  if (system && !system->empty()) chat.messages.push_back({.role = Role::system, .parts = {text_part(std::move(*system))}});
  auto& user = chat.messages.emplace_back();
  if (prompt && !prompt->empty()) user.parts.push_back(text_part(std::move(*prompt)));
  if (const auto* images = given(request, "images")) status = decode_images(*images, "images", user.parts);
  if (status && user.parts.empty()) return bad_field("prompt", "is missing; give a prompt or an image");
  return status;
}

Status decode_tools(const Value& value, std::string_view path, Chat& chat) {
  return decode_function_tools(value, path, chat.tools);
}

/// "json", or a schema; "" is what some clients send for nothing.
Status decode_format(const Value& value, std::string_view path, Chat& chat) {
  using Kind_of = model::ResponseFormat::Kind;
  const auto* word = value.as_string();
  if (word != nullptr && word->empty()) return {};
  if (word != nullptr && *word != "json") return bad_field(path, cat("is '", *word, "'; it must be 'json' or a JSON schema"));
  if (word == nullptr && !value.is(Type::object)) return wrong_type(path, "'json' or a JSON schema", value.type());
  auto& out = chat.response_format.emplace();
  out.kind = word != nullptr ? Kind_of::json_object : Kind_of::json_schema;
  if (word == nullptr) out.schema = model::Json{value.dump()};
  return {};
}

Status decode_think(const Value& value, std::string_view path, Chat& chat) {
  if (const auto on = value.as_bool()) {
    chat.reasoning = model::Reasoning{.mode = *on ? "enabled" : "disabled"};
    return {};
  }
  const auto* word = value.as_string();
  if (word == nullptr) return wrong_type(path, "a boolean or a level", value.type());
  constexpr std::array<std::string_view, 4> levels{"low", "medium", "high", "max"};
  if (std::ranges::find(levels, *word) == levels.end()) {
    return bad_field(path, cat("is '", *word, "'; it must be true, false, 'low', 'medium', 'high' or 'max'"));
  }
  chat.reasoning = model::Reasoning{.effort = *word == "max" ? "xhigh" : *word};
  return {};
}

Status decode_stop(const Value& value, std::string_view path, Chat& chat) {
  if (const auto* text = value.as_string()) {
    chat.stop = std::vector<std::string>{*text};
    return {};
  }
  return read(value, path, chat.stop);
}

template <auto Slot>
Status plain(const Value& value, std::string_view path, Chat& chat) {
  return read(value, path, Slot(chat));
}

struct Field {
  std::string_view key;
  Status (*decode)(const Value& value, std::string_view path, Chat& chat);
};
constexpr std::array<Field, 10> option_fields{{
    {"temperature", plain<[](auto& c) -> auto& { return c.sampling.temperature; }>},
    {"top_p", plain<[](auto& c) -> auto& { return c.sampling.top_p; }>},
    {"top_k", plain<[](auto& c) -> auto& { return c.sampling.top_k; }>},
    {"min_p", plain<[](auto& c) -> auto& { return c.sampling.min_p; }>},
    {"seed", plain<[](auto& c) -> auto& { return c.sampling.seed; }>},
    {"repeat_penalty", plain<[](auto& c) -> auto& { return c.sampling.repetition_penalty; }>},
    {"presence_penalty", plain<[](auto& c) -> auto& { return c.sampling.presence_penalty; }>},
    {"frequency_penalty", plain<[](auto& c) -> auto& { return c.sampling.frequency_penalty; }>},
    {"num_predict", plain<[](auto& c) -> auto& { return c.limits.max_tokens; }>},
    {"stop", decode_stop},
}};

Status decode_options(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  std::vector<std::string_view> known;
  for (const auto& field : option_fields) {
    const auto* option = given(value, field.key);
    // -1: without limit, which is what no limit means elsewhere; -2: until the context is full.
    const bool no_limit = option != nullptr && field.key == "num_predict" && option->as_i64().value_or(0) < 0;
    if (no_limit) continue;
    known.push_back(field.key);
    if (option == nullptr) continue;
    auto status = field.decode(*option, cat(path, '.', field.key), chat);
    if (!status) return status;
  }
  collect_inner(value, path, known, chat.extras);
  return {};
}

constexpr std::array<Field, 7> request_fields{{
    {"tools", decode_tools},
    {"format", decode_format},
    {"options", decode_options},
    {"think", decode_think},
    {"stream", plain<[](auto& c) -> auto& { return c.stream; }>},
    {"logprobs", plain<[](auto& c) -> auto& { return c.logprobs; }>},
    {"top_logprobs", plain<[](auto& c) -> auto& { return c.top_logprobs; }>},
}};

}  // namespace

Status decode_images(const Value& images, std::string_view path, std::vector<Part>& out) {
  if (!images.is(Type::array)) return wrong_type(path, "an array of base64 texts", images.type());
  for (std::size_t i = 0; i < images.elements().size(); ++i) {
    const auto& value = images.elements()[i];
    if (value.as_string() == nullptr) return wrong_type(cat(path, '[', i, ']'), "a base64 text", value.type());
    const std::string& text = *value.as_string();
    model::Image image;
    if (text.starts_with("data:") || text.starts_with("http://") || text.starts_with("https://")) {
      image.media = media_of_url(text);
    } else {
      image.media.base64 = text;
    }
    const auto type = image.media.base64 ? image_type_of(*image.media.base64) : std::string_view{};
    if (!image.media.media_type && !type.empty()) image.media.media_type = type;
    out.push_back({.value = std::move(image)});
  }
  return {};
}

Status decode_calls(const Value& calls, std::string_view path, std::vector<Part>& out) {
  constexpr std::array<std::string_view, 4> known{"id", "type", "function", "signature"};
  constexpr std::array<std::string_view, 3> known_inner{"index", "name", "arguments"};
  if (!calls.is(Type::array)) return wrong_type(path, "an array", calls.type());
  for (std::size_t i = 0; i < calls.elements().size(); ++i) {
    const auto& value = calls.elements()[i];
    const auto at = cat(path, '[', i, ']');
    if (!value.is(Type::object)) return wrong_type(at, "an object", value.type());
    auto function = required_object(value, "function", at);
    if (!function) return fail_with(function);
    auto name = required_string(**function, "name", cat(at, ".function"));
    if (!name) return fail_with(name);
    model::ToolCall call;
    call.name = std::move(*name);
    auto status = read_member(value, "id", at, call.id);
    if (status) status = read_member(value, "signature", at, call.signature);
    if (!status) return status;
    if (call.id && call.id->empty()) call.id.reset();
    const auto* arguments = given(**function, "arguments");
    // An object; some servers of that family have OpenAI's text.
    call.arguments = arguments == nullptr                ? "{}"
                     : arguments->as_string() != nullptr ? *arguments->as_string()
                                                         : arguments->dump();
    auto& part = out.emplace_back(Part{.value = std::move(call)});
    collect_extras(value, known, part.extras);
    collect_inner(**function, "function", known_inner, part.extras);
  }
  return {};
}

Result<Chat> Ollama::decode_request(std::string_view body, const Asked& asked) const {
  auto request = json::parse(body);
  if (!request) return fail_with(request);
  if (!request->is(Type::object))
    return fail(Kind::bad_request, cat("the request body must be a JSON object, not ", describe(request->type())));
  Chat chat;
  chat.dialect = name_of(form_);
  chat.model = asked.model;
  const auto* model = given(*request, "model");
  if (asked.model.empty()) {
    if (model == nullptr) return bad_field("model", "is missing; name the model to use");
    if (!model->is(Type::string)) return wrong_type("model", "a string", model->type());
    chat.model = *model->as_string();
  }
  chat.stream = true;  // unless the client says otherwise
  auto status = form_ == Form::chat ? decode_messages(*request, chat) : decode_prompt(*request, chat);
  std::vector<std::string_view> known{"model"};
  if (form_ == Form::chat) {
    known.push_back("messages");
  } else {
    known.insert(known.end(), {"prompt", "system", "images"});
  }
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

}  // namespace cardea::dialect::ollama_native
