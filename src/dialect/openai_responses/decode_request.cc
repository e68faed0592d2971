// A client's request becomes a model::Chat.

#include <algorithm>
#include <array>
#include <set>

#include "dialect/openai_responses/openai_responses.h"

namespace cardea::dialect::responses {

using json::Type;
using json::Value;
using model::Chat;
using model::Message;
using model::Role;

namespace {

struct RoleRow {
  std::string_view word;
  Role role;
};
constexpr std::array<RoleRow, 4> roles{
    {{"user", Role::user}, {"assistant", Role::assistant}, {"system", Role::system}, {"developer", Role::developer}}};

/// Reads the flat list of items; what one turn of the model said is gathered in one message again.
class InputReader {
 public:
  explicit InputReader(Chat& chat) : chat_{chat} {}

  Status item(const Value& value, std::string_view path) {
    if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
    std::optional<std::string> type;
    auto status = read_member(value, "type", path, type);
    if (!status) return status;
    if (!type && value.find("role") != nullptr) type = "message";
    if (!type && value.find("id") == nullptr) return bad_field(cat(path, ".type"), "is missing");
    if (type == "message") return message(value, path);
    if (type == "function_call_output" || type == "custom_tool_call_output") return result(value, *type, path);
    return output(value, type.value_or("item_reference"), path);
  }

 private:
  Status message(const Value& value, std::string_view path) {
    auto word = required_string(value, "role", path);
    if (!word) return fail_with(word);
    const auto* row = std::ranges::find(roles, std::string_view{*word}, &RoleRow::word);
    if (row == roles.end()) return bad_field(cat(path, ".role"), cat("is '", *word, "', which is no role"));
    if (row->role == Role::assistant) {
      // After a text a further message is a turn of its own, unless calls wait for their results: these must follow at once.
      if (spoken_ && !called_) close();
      spoken_ = true;
      return decode_message_item(value, path, turn().parts);
    }
    close();
    auto& out = chat_.messages.emplace_back(Message{.role = row->role});
    const auto* content = given(value, "content");
    if (content == nullptr) return bad_field(cat(path, ".content"), "is missing");
    collect_extras(value, std::array<std::string_view, 5>{"type", "id", "status", "role", "content"}, out.extras);
    return decode_content(*content, cat(path, ".content"), out.parts);
  }

  Status result(const Value& value, std::string_view type, std::string_view path) {
    constexpr std::array<std::string_view, 7> known{"type", "id", "status", "created_by", "call_id", "name", "output"};
    close();
    auto& out = chat_.messages.emplace_back(Message{.role = Role::tool});
    model::ToolResult result;
    auto status = read_member(value, "call_id", path, result.call_id);
    if (status) status = read_member(value, "name", path, result.name);
    if (!status) return status;
    const auto* output = given(value, "output");
    if (output == nullptr) return bad_field(cat(path, ".output"), "is missing");
    if (!result.call_id && !result.name) return bad_field(cat(path, ".call_id"), "is missing; name the call that this answers");
    status = decode_content(*output, cat(path, ".output"), result.parts);
    if (!status) return status;
    const bool custom = type == "custom_tool_call_output";
    const bool known_call = result.call_id && custom_.contains(*result.call_id);
    auto& part = out.parts.emplace_back(model::Part{.value = std::move(result)});
    // Which kind of call it answers is seen at the call, unless that is not here (but stored at the vendor).
    if (custom && !known_call) part.extras.push_back({"type", {json::quote(type)}});
    collect_extras(value, known, part.extras);
    return {};
  }

  Status output(const Value& value, std::string_view type, std::string_view path) {
    if (type == "reasoning" && spoken_ && !called_) close();
    auto& parts = turn().parts;
    auto known = decode_output_item(value, type, path, parts);
    if (!known) return fail_with(known);
    if (!*known) parts.push_back(opaque_item(value));
    if (const auto* call = std::get_if<model::ToolCall>(&parts.back().value)) {
      called_ = true;
      if (call->kind == model::ToolKind::custom) custom_.insert(*call->id);
    }
    return {};
  }

  Message& turn() {
    if (!open_) chat_.messages.push_back({.role = Role::assistant});
    open_ = true;
    return chat_.messages.back();
  }
  void close() { open_ = spoken_ = called_ = false; }

  Chat& chat_;
  bool open_ = false;    ///< the last message is a turn of the model's
  bool spoken_ = false;  ///< … with a message item in it
  bool called_ = false;  ///< … with a call in it
  std::set<std::string> custom_;
};

Status decode_input(const Value& request, Chat& chat) {
  const auto* input = given(request, "input");
  if (input == nullptr) {
    for (const auto key : {"previous_response_id", "conversation", "prompt"}) {
      if (given(request, key) != nullptr) return {};
    }
    return bad_field("input", "is missing; give a text or at least one item");
  }
  if (const auto* text = input->as_string()) {
    chat.messages.push_back({.role = Role::user, .parts = {{.value = model::Text{.text = *text}}}, .place = {.path = "input"}});
    return {};
  }
  if (!input->is(Type::array)) return wrong_type("input", "a string or an array of items", input->type());
  InputReader reader{chat};
  for (std::size_t i = 0; i < input->elements().size(); ++i) {
    const auto path = cat("input[", i, ']');
    const auto before = chat.messages.size();
    auto status = reader.item(input->elements()[i], path);
    if (!status) return status;
    for (auto m = before; m < chat.messages.size(); ++m) chat.messages[m].place.path = path;
  }
  return {};
}

}  // namespace

Result<Chat> OpenAiResponses::decode_request(std::string_view body, const Asked& /*asked: all of it is in the body*/) const {
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
  if (const auto* instructions = given(*request, "instructions")) {
    if (!instructions->is(Type::string)) return wrong_type("instructions", "a string", instructions->type());
    chat.messages.push_back({.role = Role::system,
                             .parts = {{.value = model::Text{.text = *instructions->as_string()}}},
                             .place = {.path = "instructions"}});
  }
  auto status = decode_input(*request, chat);
  if (status) status = decode_settings(*request, chat);
  if (!status) return fail_with(status);
  return chat;
}

}  // namespace cardea::dialect::responses
