// A model::Chat becomes a request to an upstream.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"
#include "dialect/openai_chat/request_fields.h"
#include "dialect/translate.h"

namespace cardea::dialect::openai {

using json::Writer;
using model::Chat;

namespace {

/// False when nothing of it can be said.
bool sayable(const model::Tool& tool, std::size_t index, const Encoding& encoding) {
  if (tool.kind != model::Tool::Kind::built_in || (encoding.own() && tool.builtin)) return true;
  encoding.lose_meaning(cat("tools[", index, "].", tool.name), "a tool of another vendor's own");
  return false;
}

/// A grammar: Responses has its syntax and definition beside the type, Chat in an object of their own.
std::string chat_format(const model::Json& format) {
  const auto value = json::parse(format.text);
  const auto* type = value ? value->find("type") : nullptr;
  const bool flat =
      type != nullptr && type->as_string() != nullptr && *type->as_string() == "grammar" && value->find("grammar") == nullptr;
  if (!flat) return format.text;
  auto inner = *value;
  inner.erase("type");
  return json::Value::object({{"type", *type}, {"grammar", std::move(inner)}}).dump();
}

void encode_tool(Writer& w, const model::Tool& tool, std::size_t index, const Encoding& encoding) {
  using Form = model::Tool::Kind;
  constexpr std::array<std::string_view, 2> inner{"function", "custom"};
  if (tool.kind == Form::built_in) {
    w.raw(tool.builtin->text);
    return;
  }
  const std::string_view form = tool.kind == Form::custom ? "custom" : "function";
  const auto path = cat("tools[", index, ']');
  w.begin_object().key("type").string(form).key(form).begin_object().key("name").string(tool.name);
  write(w, "description", tool.description);
  write(w, "parameters", tool.parameters);
  write(w, "strict", tool.strict);
  if (tool.format) w.key("format").raw(encoding.own() ? tool.format->text : chat_format(*tool.format));
  if (encoding.own()) write_inner(w, tool.extras, form);
  w.end_object();
  encode_cache(w, tool.cache, path, encoding);
  if (encoding.own()) {
    write_extras(w, tool.extras, inner);
  } else {
    encoding.lose_extras(tool.extras, path);
  }
  w.end_object();
}

/// False when there is none: OpenAI refuses an empty list, and a choice without tools.
bool encode_tools(Writer& w, const Chat& chat, const Encoding& encoding) {
  if (!chat.tools) return false;
  bool open = encoding.own();
  if (open) w.key("tools").begin_array();
  for (std::size_t i = 0; i < chat.tools->size(); ++i) {
    const auto& tool = (*chat.tools)[i];
    if (!sayable(tool, i, encoding)) continue;
    if (!std::exchange(open, true)) w.key("tools").begin_array();
    encode_tool(w, tool, i, encoding);
  }
  if (open) w.end_array();
  return open;
}

/// What Responses calls {"type":"allowed_tools","mode","tools":[{"type","name"}]} stands in Chat in an object of its own, and the
/// names of its tools too. Empty: something else.
std::string allowed_tools(const model::Json& raw) {
  auto value = json::parse(raw.text);
  const auto* type = value ? value->find("type") : nullptr;
  auto* tools = value ? value->find("tools") : nullptr;
  const bool known = type != nullptr && type->as_string() != nullptr && *type->as_string() == "allowed_tools";
  if (!known || tools == nullptr) return {};
  for (auto& tool : tools->each_element()) {
    const auto* form = tool.find("type");
    const auto* called = tool.find("name");
    if (form == nullptr || called == nullptr || form->as_string() == nullptr) return {};
    const std::string key = *form->as_string();
    tool = json::Value::object({{"type", *form}, {key, json::Value::object({{"name", *called}})}});
  }
  auto inner = *value;
  inner.erase("type");
  return json::Value::object({{"type", *type}, {"allowed_tools", std::move(inner)}}).dump();
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
      if (encoding.own()) {
        write(w, "tool_choice", choice.raw);
      } else if (const auto allowed = choice.raw ? allowed_tools(*choice.raw) : std::string{}; !allowed.empty()) {
        w.key("tool_choice").raw(allowed);
      } else {
        encoding.lose_meaning("tool_choice", "OpenAI has no such choice");
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
      if (!format.name && !encoding.own()) w.key("name").string("answer");  // demanded
      write(w, "description", format.description);
      write(w, "schema", format.schema);
      write(w, "strict", format.strict);
      w.end_object().end_object();
      break;
    case Form::raw:
      if (encoding.own()) {
        write(w, "response_format", format.raw);
      } else {
        encoding.lose_meaning("response_format", "OpenAI has no such format");
      }
  }
}

/// What only OpenRouter's `reasoning` can say, to servers whose clients said it.
void encode_own_reasoning(Writer& w, const Chat& chat) {
  const auto& reasoning = *chat.reasoning;
  write(w, "reasoning_effort", reasoning.effort);
  const bool more = std::ranges::find(chat.extras, "reasoning", &model::Extra::key) != chat.extras.end();
  if (!more && !reasoning.budget_tokens && !reasoning.mode && !reasoning.summary && !reasoning.include) return;
  w.key("reasoning").begin_object();
  write(w, "max_tokens", reasoning.budget_tokens);
  if (reasoning.mode) w.key("enabled").boolean(*reasoning.mode != "disabled");
  write(w, "summary", reasoning.summary);
  if (reasoning.include) w.key("exclude").boolean(!*reasoning.include);
  write_inner(w, chat.extras, "reasoning");
  w.end_object();
}

/// A budget is said as the effort it reaches. Thinking that is off, or as the model likes, is left to the model: "none" and the
/// like are refused by all models that do not reason, and by some that do.
void encode_reasoning(Writer& w, const model::Reasoning& reasoning, const Encoding& encoding) {
  constexpr std::string_view left = "left to the model";
  const bool off = reasoning.mode == "disabled" || (reasoning.budget_tokens == 0U && !reasoning.effort);
  if (reasoning.effort && !off) {
    w.key("reasoning_effort").string(*reasoning.effort);
    if (reasoning.budget_tokens) encoding.lose("reasoning.budget_tokens", "said as an effort");
  } else if (reasoning.budget_tokens && !off) {
    const auto effort = effort_of(*reasoning.budget_tokens);
    w.key("reasoning_effort").string(effort);
    if (budget_of(effort) != *reasoning.budget_tokens) {
      encoding.lose("reasoning.budget_tokens", cat("said as the effort ", effort));
    }
  } else if (reasoning.budget_tokens || reasoning.effort) {
    encoding.lose(reasoning.effort ? "reasoning.effort" : "reasoning.budget_tokens", left);
  }
  const bool said = !off && (reasoning.effort || reasoning.budget_tokens);
  if (reasoning.mode && !(said && reasoning.mode == "enabled")) encoding.lose("reasoning.mode", left);
  if (reasoning.summary) encoding.lose("reasoning.summary", "not in chat completions");
  if (reasoning.include) encoding.lose("reasoning.include", left);
}

void encode_metadata(Writer& w, const std::vector<model::Metadata>& metadata) {
  w.key("metadata").begin_object();
  for (const auto& entry : metadata) w.key(entry.key).string(entry.value);
  w.end_object();
}

void encode_stream_options(Writer& w, const Chat& chat, const Encoding& encoding) {
  bool more = false;
  for (const auto& extra : chat.extras) more = more || (encoding.own() && extra.key == "stream_options");
  if (!chat.include_usage && !more) return;
  w.key("stream_options").begin_object();
  write(w, "include_usage", chat.include_usage);
  if (encoding.own()) write_inner(w, chat.extras, "stream_options");
  w.end_object();
}

/// OpenAI takes four at most, and no empty list.
void encode_stop(Writer& w, const std::vector<std::string>& stop, const Encoding& encoding) {
  constexpr std::size_t stops_max = 4;
  if (stop.empty() && !encoding.own()) return;
  const auto count = encoding.own() ? stop.size() : std::min(stop.size(), stops_max);
  w.key("stop").begin_array();
  for (std::size_t i = 0; i < count; ++i) w.string(stop[i]);
  w.end_array();
  if (count != stop.size()) encoding.lose_meaning("stop", "OpenAI takes four at most");
}

void encode_plain_fields(Writer& w, const Chat& chat, const Encoding& encoding) {
  for (const auto& field : request_fields()) {
    if (encoding.own() || field.standing == RequestField::Standing::reference) {
      field.write(w, field.key, chat, encoding);
    } else if (field.is_said(chat)) {
      encoding.lose(std::string{field.key}, no_such_field);
    }
  }
}

void encode_rest(Writer& w, const Chat& chat, bool tools, const Encoding& encoding) {
  encode_plain_fields(w, chat, encoding);
  if (chat.service_tier) {
    const std::string_view word = encoding.own() ? std::string_view{*chat.service_tier} : tier_word(*chat.service_tier);
    if (word.empty() && !encoding.own()) {
      encoding.lose("service_tier", "OpenAI has no such tier");
    } else {
      w.key("service_tier").string(word);
    }
  }
  if (chat.stop) encode_stop(w, *chat.stop, encoding);
  if (tools || encoding.own()) {
    write(w, "parallel_tool_calls", chat.parallel_tool_calls);
    if (chat.tool_choice) encode_tool_choice(w, *chat.tool_choice, encoding);
  } else if (chat.tool_choice || chat.parallel_tool_calls) {
    encoding.lose("tool_choice", "there are no tools");
  }
  if (chat.response_format) encode_response_format(w, *chat.response_format, encoding);
  if (chat.reasoning && encoding.own()) encode_own_reasoning(w, chat);
  if (chat.reasoning && !encoding.own()) encode_reasoning(w, *chat.reasoning, encoding);
  if (chat.metadata) encode_metadata(w, *chat.metadata);
  if (chat.audio) {
    w.key("audio").begin_object();
    write(w, "voice", chat.audio->voice);
    write(w, "format", chat.audio->format);
    w.end_object();
  }
  encode_stream_options(w, chat, encoding);
  if (chat.safety) encoding.lose("safety", no_such_field);
  if (encoding.own()) {
    write_extras(w, chat.extras, std::array<std::string_view, 2>{"stream_options", "reasoning"});
  } else {
    encoding.lose_extras(chat.extras, {});
  }
}

}  // namespace

std::string OpenAiChat::encode_request(const Chat& chat, Losses& losses) const {
  const Encoding encoding{losses, chat.dialect == dialect_name ? Origin::own : Origin::other};
  std::string out;
  Writer w{out};
  w.begin_object().key("model").string(chat.model).key("messages").begin_array();
  encode_messages(w, chat, encoding);
  w.end_array();
  const bool tools = encode_tools(w, chat, encoding);
  encode_rest(w, chat, tools, encoding);
  w.end_object();
  return out;
}

}  // namespace cardea::dialect::openai
