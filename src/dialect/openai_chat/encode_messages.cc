// The conversation of a model::Chat becomes the messages of a request.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"

namespace cardea::dialect::openai {

using json::Writer;
using model::Chat;
using model::Message;
using model::Part;
using model::Role;

namespace {

using Parts = std::vector<const Part*>;

/// An audio part that is named by id stands beside an assistant's content, not in it.
bool generated_audio(const Part& part) {
  const auto* audio = std::get_if<model::Audio>(&part.value);
  return audio != nullptr && audio->media.id.has_value();
}

bool in_content(Role role, const Part& part, bool own) {
  if (std::holds_alternative<model::ToolResult>(part.value)) return false;
  if (role != Role::assistant) return true;
  return !std::holds_alternative<model::Thinking>(part.value) && !std::holds_alternative<model::ToolCall>(part.value) &&
         !(own && generated_audio(part));
}

bool has_results(const Message& message) {
  return std::ranges::any_of(message.parts,
                             [](const Part& part) { return std::holds_alternative<model::ToolResult>(part.value); });
}

bool has_calls(const Message& message) {
  return std::ranges::any_of(message.parts, [](const Part& part) { return std::holds_alternative<model::ToolCall>(part.value); });
}

class Conversation {
 public:
  Conversation(Writer& w, const Chat& chat, const Encoding& encoding) : w_{w}, chat_{chat}, encoding_{encoding} {}

  /// Tool messages must directly follow the calls, all of them before anything else.
  void write_all() {
    const auto& messages = chat_.messages;
    for (std::size_t i = 0; i < messages.size();) {
      if (messages[i].role == Role::assistant) note_calls(messages[i]);
      std::size_t end = i;
      while (end < messages.size() && has_results(messages[end])) ++end;
      if (end != i) write_results(i, end);
      end = std::max(end, i + 1);
      for (; i < end; ++i) write_turn(messages[i], cat("messages[", i, ']'));
      if (!moved_.empty()) write_moved();
    }
  }

 private:
  struct Answered {
    const Part* part;
    const Message* message;
    std::string path;
    std::size_t call;      ///< place of the call that it answers
    std::size_t position;  ///< its own place
  };

  void note_calls(const Message& message);
  void write_results(std::size_t begin, std::size_t end);
  void write_result(const Answered& answered);
  Parts result_content(const Answered& answered, Part& prefixed);
  void write_turn(const Message& message, std::string_view path);
  void write_moved();
  void open_message(const Message& message, Role role);
  void write_assistant(const Message& message, std::string_view path);
  void write_calls(const Message& message, std::string_view path);
  void write_citations(const Message& message, std::string_view path);

  Writer& w_;
  const Chat& chat_;
  const Encoding& encoding_;
  std::vector<std::string> calls_;  ///< ids of the last assistant's calls, in order
  Parts moved_;                     ///< out of tool results, into the user's next words
};

void Conversation::note_calls(const Message& message) {
  calls_.clear();
  for (const auto& part : message.parts) {
    const auto* call = std::get_if<model::ToolCall>(&part.value);
    if (call != nullptr) calls_.push_back(call->id.value_or(""));
  }
}

void Conversation::write_results(std::size_t begin, std::size_t end) {
  std::vector<Answered> results;
  for (std::size_t i = begin; i < end; ++i) {
    const auto& message = chat_.messages[i];
    for (std::size_t p = 0; p < message.parts.size(); ++p) {
      const auto* result = std::get_if<model::ToolResult>(&message.parts[p].value);
      if (result == nullptr) continue;
      const auto call = std::ranges::find(calls_, result->call_id.value_or("")) - calls_.begin();
      results.push_back({.part = &message.parts[p],
                         .message = &message,
                         .path = cat("messages[", i, "].content[", p, "].tool_result"),
                         .call = encoding_.own() ? 0 : static_cast<std::size_t>(call),
                         .position = results.size()});
    }
  }
  std::ranges::sort(results, {}, [](const Answered& answered) { return std::pair{answered.call, answered.position}; });
  for (const auto& result : results) write_result(result);
}

/// What a tool message can hold; the rest waits for the user's words behind all results.
Parts Conversation::result_content(const Answered& answered, Part& prefixed) {
  constexpr std::string_view mark = "Error: ";
  const auto& result = std::get<model::ToolResult>(answered.part->value);
  Parts out;
  for (std::size_t i = 0; i < result.parts.size(); ++i) {
    const auto& part = result.parts[i];
    const auto path = cat(answered.path, ".content[", i, ']');
    const auto reason = obstacle(part, Role::user, encoding_.origin);
    if (!reason.empty()) {
      lose_part(part, Role::user, path, reason, encoding_);
    } else if (encoding_.own() || std::holds_alternative<model::Text>(part.value)) {
      out.push_back(&part);
    } else {
      encoding_.lose(cat(path, '.', kind_name(part)), "stands in a user message behind the results");
      moved_.push_back(&part);
    }
  }
  if (!result.is_error.value_or(false)) return out;
  encoding_.lose(cat(answered.path, ".is_error"), "said as the prefix \"Error: \" of the text");
  if (out.empty()) {
    prefixed = {.value = model::Text{.text = "Error"}};
    return {&prefixed};
  }
  const auto* first = std::get_if<model::Text>(&out.front()->value);
  if (first == nullptr || first->text.starts_with("Error:")) return out;
  prefixed = *out.front();
  std::get<model::Text>(prefixed.value).text.insert(0, mark);
  out.front() = &prefixed;
  return out;
}

void Conversation::write_result(const Answered& answered) {
  const auto& result = std::get<model::ToolResult>(answered.part->value);
  const auto& message = *answered.message;
  Part prefixed;
  const auto content = result_content(answered, prefixed);
  const bool tool = result.call_id.has_value();
  w_.begin_object().key("role").string(tool ? "tool" : "function");
  write(w_, "tool_call_id", result.call_id);
  // The reference has no name beside the id.
  if (encoding_.own() || !tool) write(w_, "name", result.name);
  w_.key("content");
  if (content.empty()) {
    w_.string("");
  } else {
    encode_content(w_, content, cat(answered.path, ".content"), encoding_);
  }
  if (encoding_.own()) {
    if (message.role == Role::tool) write_extras(w_, message.extras, {});
  } else {
    if (message.role == Role::tool) encoding_.lose_extras(message.extras, answered.path);
    encoding_.lose_extras(answered.part->extras, answered.path);
    encode_cache(w_, answered.part->cache, answered.path, encoding_);
  }
  w_.end_object();
}

void Conversation::open_message(const Message& message, Role role) {
  w_.begin_object().key("role").string(name(role));
  write(w_, "name", message.name);
}

void Conversation::write_moved() {
  w_.begin_object().key("role").string("user").key("content");
  encode_content(w_, std::exchange(moved_, {}), "messages", encoding_);
  w_.end_object();
}

/// A turn without its tool results. One of which nothing can be said is left out.
void Conversation::write_turn(const Message& message, std::string_view path) {
  const bool answers = has_results(message);
  const Role role = message.role == Role::tool ? Role::user : message.role;
  Parts content;
  if (role == Role::user) content = std::exchange(moved_, {});
  std::size_t said = content.size();
  for (std::size_t p = 0; p < message.parts.size(); ++p) {
    const auto& part = message.parts[p];
    if (std::holds_alternative<model::ToolResult>(part.value)) continue;
    if (!in_content(role, part, encoding_.own())) {
      ++said;
      continue;
    }
    const auto where = cat(path, ".content[", p, ']');
    const auto reason = obstacle(part, role, encoding_.origin);
    if (reason.empty()) {
      content.push_back(&part);
      ++said;
    } else {
      lose_part(part, role, where, reason, encoding_);
    }
  }
  if (said == 0 && (answers || !message.parts.empty())) return;
  open_message(message, role);
  if (!content.empty()) {
    w_.key("content");
    encode_content(w_, content, cat(path, ".content"), encoding_);
  } else if (!encoding_.own() && (role != Role::assistant || !has_calls(message))) {
    w_.key("content").string("");  // demanded
  }
  if (role == Role::assistant) write_assistant(message, path);
  if (encoding_.own()) {
    if (!answers) write_extras(w_, message.extras, {});
  } else {
    encoding_.lose_extras(message.extras, path);
  }
  w_.end_object();
}

void Conversation::write_assistant(const Message& message, std::string_view path) {
  std::vector<const model::Thinking*> thinking;
  for (const auto& part : message.parts) {
    if (const auto* one = std::get_if<model::Thinking>(&part.value)) thinking.push_back(one);
    if (!encoding_.own() && std::holds_alternative<model::Thinking>(part.value)) encoding_.lose_extras(part.extras, path);
  }
  encode_thinking(w_, thinking);
  for (const auto& part : message.parts) {
    if (!encoding_.own() || !generated_audio(part)) continue;
    w_.key("audio").begin_object().key("id").string(*std::get<model::Audio>(part.value).media.id).end_object();
    break;
  }
  write_calls(message, path);
  write_citations(message, path);
}

void Conversation::write_calls(const Message& message, std::string_view path) {
  const model::ToolCall* legacy = nullptr;
  bool open = false;
  for (std::size_t p = 0; p < message.parts.size(); ++p) {
    const auto* call = std::get_if<model::ToolCall>(&message.parts[p].value);
    if (call == nullptr) continue;
    if (!call->id) {
      legacy = call;
      continue;
    }
    if (!std::exchange(open, true)) w_.key("tool_calls").begin_array();
    encode_tool_call(w_, message.parts[p], cat(path, ".content[", p, "].tool_call"), encoding_);
  }
  if (open) w_.end_array();
  if (legacy == nullptr) return;
  w_.key("function_call").begin_object().key("name").string(legacy->name).key("arguments").string(legacy->arguments);
  w_.end_object();
}

/// SDKs send an answer's annotations back within its message, and OpenAI takes them; those without an address it never gave.
void Conversation::write_citations(const Message& message, std::string_view path) {
  bool open = false;
  Stretch stretch;
  for (std::size_t p = 0; p < message.parts.size(); ++p) {
    const auto* text = std::get_if<model::Text>(&message.parts[p].value);
    if (text == nullptr) continue;
    stretch.length = characters(text->text);
    for (const auto& citation : text->citations) {
      const bool sayable = encoding_.own() || citation.url.has_value();
      if (!sayable || (!encoding_.own() && citation.raw)) {
        encoding_.lose(cat(path, ".content[", p, "].citations"), "OpenAI cites addresses only");
      }
      if (!sayable) continue;
      if (!std::exchange(open, true)) w_.key("annotations").begin_array();
      encode_citation(w_, citation, stretch, encoding_.origin);
    }
    stretch.offset += stretch.length;
  }
  if (open) w_.end_array();
}

}  // namespace

void encode_messages(Writer& w, const Chat& chat, const Encoding& encoding) { Conversation{w, chat, encoding}.write_all(); }

}  // namespace cardea::dialect::openai
