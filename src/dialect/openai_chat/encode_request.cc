// A model::Chat becomes a request to an upstream.

#include <array>

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"
#include "dialect/openai_chat/request_fields.h"

namespace cardea::dialect::openai {

using json::Writer;
using model::Chat;
using model::Message;
using model::Part;
using model::Role;

namespace {

using Parts = std::vector<const Part*>;

template <class T>
Parts parts_of(const Message& message) {
  Parts out;
  for (const auto& part : message.parts) {
    if (std::holds_alternative<T>(part.value)) out.push_back(&part);
  }
  return out;
}

void encode_result(Writer& w, const model::ToolResult& result, const Message& message, std::string_view path,
                   const Encoding& encoding) {
  w.begin_object().key("role").string(result.call_id ? "tool" : "function");
  write(w, "tool_call_id", result.call_id);
  write(w, "name", result.name);
  Parts parts;
  for (std::size_t i = 0; i < result.parts.size(); ++i) {
    const auto& part = result.parts[i];
    const bool text = std::holds_alternative<model::Text>(part.value);
    const bool own = encoding.own && std::holds_alternative<model::Opaque>(part.value);
    // A tool message of OpenAI's holds text only.
    if (text || own) {
      parts.push_back(&part);
    } else {
      encoding.lose(cat(path, ".tool_result.content[", i, ']'));
    }
  }
  if (parts.empty()) {
    w.key("content").string("");
  } else {
    w.key("content");
    encode_content(w, parts, cat(path, ".content"), encoding);
  }
  if (result.is_error.value_or(false)) encoding.lose(cat(path, ".tool_result.is_error"));
  if (message.role == Role::tool && encoding.own) write_extras(w, message.extras, {});
  w.end_object();
}

void lose_thinking(const model::Thinking& thinking, std::string_view path, const Encoding& encoding) {
  const auto lose = [&](bool lost, std::string_view field) {
    if (lost) encoding.lose(cat(path, ".thinking.", field));
  };
  lose(thinking.signature.has_value(), "signature");
  lose(thinking.redacted.has_value(), "redacted");
  lose(thinking.encrypted.has_value(), "encrypted");
  lose(!thinking.summary.empty(), "summary");
}

void encode_thinking(Writer& w, const Message& message, std::string_view path, const Encoding& encoding) {
  std::string text;
  for (const auto* part : parts_of<model::Thinking>(message)) {
    const auto& thinking = std::get<model::Thinking>(part->value);
    text += thinking.text;
    lose_thinking(thinking, path, encoding);
  }
  if (!text.empty()) w.key("reasoning_content").string(text);
}

void encode_calls(Writer& w, const Message& message, const Encoding& encoding) {
  Parts calls;
  const model::ToolCall* legacy = nullptr;
  for (const auto* part : parts_of<model::ToolCall>(message)) {
    const auto& call = std::get<model::ToolCall>(part->value);
    if (call.id) {
      calls.push_back(part);
    } else {
      legacy = &call;
    }
  }
  if (!calls.empty()) {
    w.key("tool_calls").begin_array();
    for (const auto* part : calls) encode_tool_call(w, *part, encoding);
    w.end_array();
  }
  if (legacy != nullptr) {
    w.key("function_call")
        .begin_object()
        .key("name")
        .string(legacy->name)
        .key("arguments")
        .string(legacy->arguments)
        .end_object();
  }
}

/// An audio part that is named by id stands beside an assistant's content, not in it.
bool generated_audio(const Part& part) {
  const auto* audio = std::get_if<model::Audio>(&part.value);
  return audio != nullptr && audio->media.id.has_value();
}

bool in_content(const Message& message, const Part& part) {
  if (std::holds_alternative<model::ToolResult>(part.value)) return false;
  if (message.role != Role::assistant) return true;
  return !std::holds_alternative<model::Thinking>(part.value) && !std::holds_alternative<model::ToolCall>(part.value) &&
         !generated_audio(part);
}

/// A turn without its tool results.
void encode_turn(Writer& w, const Message& message, const Parts& content, std::string_view path, const Encoding& encoding) {
  w.begin_object().key("role").string(name(message.role));
  write(w, "name", message.name);
  if (!content.empty()) {
    w.key("content");
    encode_content(w, content, cat(path, ".content"), encoding);
  }
  if (message.role == Role::assistant) {
    encode_thinking(w, message, path, encoding);
    for (const auto& part : message.parts) {
      if (!generated_audio(part)) continue;
      w.key("audio").begin_object().key("id").string(*std::get<model::Audio>(part.value).media.id).end_object();
      break;
    }
    encode_calls(w, message, encoding);
  }
  if (encoding.own) {
    write_extras(w, message.extras, {});
  } else {
    for (const auto& extra : message.extras) encoding.lose(cat(path, '.', extra.key));
  }
  w.end_object();
}

/// Tool results become messages of their own, before the rest of the turn. A turn of which nothing can be said is left out.
void encode_message(Writer& w, const Message& message, std::string_view path, const Encoding& encoding) {
  Parts content;
  std::size_t said = 0;
  for (const auto& part : message.parts) {
    if (const auto* result = std::get_if<model::ToolResult>(&part.value)) {
      encode_result(w, *result, message, path, encoding);
    } else if (!in_content(message, part)) {
      ++said;
    } else if (sayable(part, cat(path, ".content[", &part - message.parts.data(), ']'), encoding)) {
      content.push_back(&part);
      ++said;
    }
  }
  if (said != 0 || message.parts.empty()) encode_turn(w, message, content, path, encoding);
}

void encode_tool(Writer& w, const model::Tool& tool, std::size_t index, const Encoding& encoding) {
  using Form = model::Tool::Kind;
  constexpr std::array<std::string_view, 2> inner{"function", "custom"};
  if (tool.kind == Form::built_in) {
    if (encoding.own && tool.builtin) {
      w.raw(tool.builtin->text);
    } else {
      encoding.lose(cat("tools[", index, "].", tool.name));
    }
    return;
  }
  const std::string_view form = tool.kind == Form::custom ? "custom" : "function";
  w.begin_object().key("type").string(form).key(form).begin_object().key("name").string(tool.name);
  write(w, "description", tool.description);
  write(w, "parameters", tool.parameters);
  write(w, "strict", tool.strict);
  write(w, "format", tool.format);
  if (encoding.own) write_inner(w, tool.extras, form);
  w.end_object();
  if (tool.cache) {
    w.key("cache_control").begin_object().key("type").string(tool.cache->type);
    write(w, "ttl", tool.cache->ttl);
    w.end_object();
  }
  if (encoding.own) write_extras(w, tool.extras, inner);
  w.end_object();
}

void encode_tool_choice(Writer& w, const model::ToolChoice& choice, const Encoding& encoding) {
  using Mode = model::ToolChoice::Mode;
  switch (choice.mode) {
    case Mode::none: w.key("tool_choice").string("none"); break;
    case Mode::automatic: w.key("tool_choice").string("auto"); break;
    case Mode::required: w.key("tool_choice").string("required"); break;
    case Mode::named: {
      const std::string_view form = choice.kind == model::ToolKind::custom ? "custom" : "function";
      w.key("tool_choice").begin_object().key("type").string(form);
      w.key(form).begin_object().key("name").string(choice.name).end_object().end_object();
      break;
    }
    case Mode::raw:
      if (encoding.own) {
        write(w, "tool_choice", choice.raw);
      } else {
        encoding.lose("tool_choice");
      }
  }
}

void encode_response_format(Writer& w, const model::ResponseFormat& format, const Encoding& encoding) {
  using Form = model::ResponseFormat::Kind;
  switch (format.kind) {
    case Form::text: w.key("response_format").begin_object().key("type").string("text").end_object(); break;
    case Form::json_object: w.key("response_format").begin_object().key("type").string("json_object").end_object(); break;
    case Form::json_schema:
      w.key("response_format").begin_object().key("type").string("json_schema").key("json_schema").begin_object();
      write(w, "name", format.name);
      write(w, "description", format.description);
      write(w, "schema", format.schema);
      write(w, "strict", format.strict);
      w.end_object().end_object();
      break;
    case Form::raw:
      if (encoding.own) {
        write(w, "response_format", format.raw);
      } else {
        encoding.lose("response_format");
      }
  }
}

void encode_reasoning(Writer& w, const model::Reasoning& reasoning, const Encoding& encoding) {
  write(w, "reasoning_effort", reasoning.effort);
  if (reasoning.budget_tokens) encoding.lose("reasoning.budget_tokens");
  if (reasoning.mode) encoding.lose("reasoning.mode");
  if (reasoning.summary) encoding.lose("reasoning.summary");
  if (reasoning.include) encoding.lose("reasoning.include");
}

void encode_metadata(Writer& w, const std::vector<model::Metadata>& metadata) {
  w.key("metadata").begin_object();
  for (const auto& entry : metadata) w.key(entry.key).string(entry.value);
  w.end_object();
}

void encode_stream_options(Writer& w, const Chat& chat, const Encoding& encoding) {
  bool more = false;
  for (const auto& extra : chat.extras) more = more || (encoding.own && extra.key == "stream_options");
  if (!chat.include_usage && !more) return;
  w.key("stream_options").begin_object();
  write(w, "include_usage", chat.include_usage);
  if (encoding.own) write_inner(w, chat.extras, "stream_options");
  w.end_object();
}

void encode_rest(Writer& w, const Chat& chat, const Encoding& encoding) {
  for (const auto& field : request_fields()) field.write(w, field.key, chat);
  write(w, "stop", chat.stop);
  if (chat.tool_choice) encode_tool_choice(w, *chat.tool_choice, encoding);
  if (chat.response_format) encode_response_format(w, *chat.response_format, encoding);
  if (chat.reasoning) encode_reasoning(w, *chat.reasoning, encoding);
  if (chat.metadata) encode_metadata(w, *chat.metadata);
  if (chat.audio) {
    w.key("audio").begin_object();
    write(w, "voice", chat.audio->voice);
    write(w, "format", chat.audio->format);
    w.end_object();
  }
  encode_stream_options(w, chat, encoding);
  if (chat.safety) encoding.lose("safety");
  if (encoding.own) {
    write_extras(w, chat.extras, std::array<std::string_view, 1>{"stream_options"});
  } else {
    for (const auto& extra : chat.extras) encoding.lose(extra.key);
  }
}

}  // namespace

std::string OpenAiChat::encode_request(const Chat& chat, Losses& losses) const {
  const Encoding encoding{losses, chat.dialect == dialect_name};
  std::string out;
  Writer w{out};
  w.begin_object().key("model").string(chat.model).key("messages").begin_array();
  for (std::size_t i = 0; i < chat.messages.size(); ++i) encode_message(w, chat.messages[i], cat("messages[", i, ']'), encoding);
  w.end_array();
  if (chat.tools) {
    w.key("tools").begin_array();
    for (std::size_t i = 0; i < chat.tools->size(); ++i) encode_tool(w, (*chat.tools)[i], i, encoding);
    w.end_array();
  }
  encode_rest(w, chat, encoding);
  w.end_object();
  return out;
}

}  // namespace cardea::dialect::openai
