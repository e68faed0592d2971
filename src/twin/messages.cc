#include "twin/messages.h"

#include <algorithm>

#include "base/text.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

using json::Member;
using json::Type;

constexpr std::uint64_t tokens_per_message = 3;
constexpr std::uint64_t tokens_of_answer_start = 3;
constexpr std::uint64_t tokens_per_medium = 85;

constexpr std::string_view roles[] = {"system", "developer", "user", "assistant", "tool", "function"};
constexpr std::string_view media[] = {"image_url", "input_audio", "file"};

/// Reads one message after the other.
class MessageReader {
 public:
  explicit MessageReader(ChatRequest& request) : request_{request} {}
  [[nodiscard]] Status read(const Member& message, std::size_t index);

 private:
  [[nodiscard]] Status read_content(const Member* content, std::string_view role, bool has_calls, std::string_view& text);
  [[nodiscard]] Status read_part(const json::Value& part, std::string_view at, std::string& text);
  [[nodiscard]] Status read_calls(const Member& calls);
  [[nodiscard]] Status check_tool_message(const Member& message);
  [[nodiscard]] std::string at(std::string_view field) const { return cat("messages[", index_, "].", field); }

  ChatRequest& request_;
  std::size_t index_ = 0;
  std::vector<std::string> open_calls_;  ///< ids that a tool message may answer
};

Status MessageReader::read_part(const json::Value& part, std::string_view where, std::string& text) {
  if (!part.is(Type::object)) return wrong_type(where, "an object", json::describe(part.type()));
  const auto* type = part.find("type");
  if (type == nullptr) return missing(cat(where, ".type"));
  const auto name = type->as_string() != nullptr ? *type->as_string() : type->dump();
  if (std::ranges::find(media, name) != std::end(media)) {
    if (part.find(name) == nullptr) return missing(cat(where, ".", name));
    request_.prompt_tokens += tokens_per_medium;
    return {};
  }
  if (name != "text" && name != "refusal") {
    return refuse_request(
        cat("Invalid value: '", name, "'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', and 'file'."),
        cat(where, ".type"), "invalid_value");
  }
  const auto* value = part.find(name);
  if (value == nullptr) return missing(cat(where, ".", name));
  if (value->as_string() == nullptr) return wrong_type(cat(where, ".", name), "a string", json::describe(value->type()));
  if (!text.empty()) text += '\n';
  text += *value->as_string();
  return {};
}

Status MessageReader::read_content(const Member* content, std::string_view role, bool has_calls, std::string_view& text) {
  if (content == nullptr || content->type == Type::null) {
    if (role == "assistant" && (has_calls || content == nullptr)) return {};
    if (content == nullptr) return missing(at("content"));
    return refuse_request(cat("Invalid value for 'content': expected a string, got null."), at("content"), "");
  }
  if (content->type == Type::string) {
    text = request_.members.string(*content);
    return {};
  }
  if (content->type != Type::array) {
    return wrong_type(at("content"), "one of a string or array of objects", json::describe(content->type));
  }
  auto parts = json::parse(request_.members.raw(*content));
  if (!parts) return fail_with(parts);
  auto& whole = request_.texts.emplace_front();
  for (std::size_t i = 0; i < parts->elements().size(); ++i) {
    Status part = read_part(parts->elements()[i], cat(at("content"), "[", i, "]"), whole);
    if (!part) return part;
  }
  text = whole;
  return {};
}

Status MessageReader::read_calls(const Member& calls) {
  if (calls.type != Type::array) return wrong_type(at("tool_calls"), "an array of objects", json::describe(calls.type));
  auto list = json::parse(request_.members.raw(calls));
  if (!list) return fail_with(list);
  for (std::size_t i = 0; i < list->elements().size(); ++i) {
    const auto* id = list->elements()[i].find("id");
    if (id == nullptr || id->as_string() == nullptr) return missing(at(cat("tool_calls[", i, "].id")));
    open_calls_.push_back(*id->as_string());
  }
  return {};
}

Status MessageReader::check_tool_message(const Member& message) {
  const Member* id = request_.members.find(message, "tool_call_id");
  if (id == nullptr) return missing(at("tool_call_id"));
  if (id->type != Type::string) return wrong_type(at("tool_call_id"), "a string", json::describe(id->type));
  if (std::ranges::find(open_calls_, request_.members.string(*id)) != open_calls_.end()) return {};
  return refuse_request(
      "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.", at("role"),
      "");
}

Status MessageReader::read(const Member& message, std::size_t index) {
  index_ = index;
  if (message.type != Type::object) return wrong_type(cat("messages[", index, "]"), "an object", json::describe(message.type));
  const auto& members = request_.members;
  const Member* role_member = nullptr;
  const Member* content = nullptr;
  const Member* calls = nullptr;
  for (const auto& member : members.inside(message)) {
    if (member.key == "role") role_member = &member;
    if (member.key == "content") content = &member;
    if (member.key == "tool_calls" && member.type != Type::null) calls = &member;
  }
  if (role_member == nullptr) return missing(at("role"));
  if (role_member->type != Type::string) return wrong_type(at("role"), "a string", json::describe(role_member->type));
  const auto role = members.string(*role_member);
  if (std::ranges::find(roles, role) == std::end(roles)) {
    return refuse_request(cat("Invalid value: '", role,
                              "'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'."),
                          at("role"), "invalid_value");
  }
  std::string_view text;
  Status read = read_content(content, role, calls != nullptr, text);
  if (read && calls != nullptr) read = read_calls(*calls);
  if (read && role == "tool") read = check_tool_message(message);
  if (!read) return read;
  request_.prompt_tokens += count_tokens(text) + tokens_per_message;
  if (role == "user") request_.last_user = text;
  if (role == "tool" || role == "function") {
    request_.tool_results.push_back(text);
  } else {
    request_.tool_results.clear();
  }
  return {};
}

}  // namespace

Status refuse_request(std::string message, std::string_view param, std::string_view code) {
  return fail(Kind::bad_request,
              Error::Detail{.message = std::move(message), .param = std::string{param}, .code = std::string{code}});
}

Status missing(std::string_view param) {
  return refuse_request(cat("Missing required parameter: '", param, "'."), param, "missing_required_parameter");
}

Status wrong_type(std::string_view param, std::string_view expected, std::string_view got) {
  return refuse_request(cat("Invalid type for '", param, "': expected ", expected, ", but got ", got, " instead."), param,
                        "invalid_type");
}

Status read_messages(const Member& messages, ChatRequest& out) {
  const auto all = out.members.inside(messages);
  if (all.empty()) {
    return refuse_request(
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.", "messages",
        "empty_array");
  }
  MessageReader reader{out};
  std::size_t index = 0;
  for (const auto& message : all) {
    Status read = reader.read(message, index++);
    if (!read) return read;
  }
  out.prompt_tokens += tokens_of_answer_start;
  return {};
}

}  // namespace cardea::twin
