#include <algorithm>

#include "base/text.h"
#include "twin/forms/openai_chat.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

using json::Member;
using json::Type;

constexpr std::string_view roles[] = {"system", "developer", "user", "assistant", "tool", "function"};
constexpr std::string_view media_parts[] = {"image_url", "input_audio", "file"};

/// Reads one message after the other.
class MessageReader {
 public:
  MessageReader(ChatRequest& request, bool& media) : request_{request}, media_{media} {}
  [[nodiscard]] Status read(const Member& message, std::size_t index);
  /// Every call must have been answered before anything else is said.
  [[nodiscard]] Status check_answered() const;

 private:
  [[nodiscard]] Status read_content(const Member* content, std::string_view role, bool has_calls, std::string_view& text);
  [[nodiscard]] Status read_part(const json::Value& part, std::string_view at, std::string& text);
  [[nodiscard]] Status read_calls(const Member& calls);
  [[nodiscard]] Status check_tool_message(const Member& message);
  [[nodiscard]] std::string at(std::string_view field) const { return cat("messages[", index_, "].", field); }

  ChatRequest& request_;
  bool& media_;
  std::size_t index_ = 0;
  std::vector<std::string> open_calls_;     ///< ids that a tool message may answer
  std::vector<std::string> pending_calls_;  ///< ids that a tool message must answer
};

Status MessageReader::read_part(const json::Value& part, std::string_view where, std::string& text) {
  if (!part.is(Type::object)) return wrong_type(where, "an object", json::describe(part.type()));
  const auto* type = part.find("type");
  if (type == nullptr) return missing(cat(where, ".type"));
  const auto name = type->as_string() != nullptr ? *type->as_string() : type->dump();
  if (std::ranges::find(media_parts, name) != std::end(media_parts)) {
    if (part.find(name) == nullptr) return missing(cat(where, ".", name));
    request_.prompt_tokens += tokens_per_medium;
    media_ = true;
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
    pending_calls_.push_back(*id->as_string());
  }
  return {};
}

Status MessageReader::check_tool_message(const Member& message) {
  const Member* id = request_.members.find(message, "tool_call_id");
  if (id == nullptr) return missing(at("tool_call_id"));
  if (id->type != Type::string) return wrong_type(at("tool_call_id"), "a string", json::describe(id->type));
  const auto called = request_.members.string(*id);
  std::erase(pending_calls_, called);
  if (std::ranges::find(open_calls_, called) != open_calls_.end()) return {};
  return refuse_request(
      "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.", at("role"),
      "");
}

Status MessageReader::check_answered() const {
  if (pending_calls_.empty()) return {};
  std::string message =
      "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following "
      "tool_call_ids did not have response messages: ";
  for (const auto& id : pending_calls_) append(message, cat(&id == pending_calls_.data() ? "" : ", ", id));
  return refuse_request(std::move(message), "messages", "");
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
  if (role != "tool") {
    Status answered = check_answered();
    if (!answered) return answered;
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

Status read_messages(const Member& messages, ChatRequest& out, bool& media) {
  const auto all = out.members.inside(messages);
  if (all.empty()) {
    return refuse_request(
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.", "messages",
        "empty_array");
  }
  MessageReader reader{out, media};
  std::size_t index = 0;
  for (const auto& message : all) {
    Status read = reader.read(message, index++);
    if (!read) return read;
  }
  out.prompt_tokens += tokens_of_answer_start;
  return reader.check_answered();
}

}  // namespace cardea::twin
