// Tools and the choice among them.

#include <algorithm>
#include <array>

#include "dialect/openai_responses/openai_responses.h"
#include "dialect/plain.h"

namespace cardea::dialect::responses {

using json::Type;
using json::Value;
using json::Writer;
using model::Chat;

namespace {

// --- tools ------------------------------------------------------------------------------------------------------------------
// A custom tool's grammar and the list of allowed tools are flat here and nested in Chat Completions; the model holds Chat's
// form.

std::string flat_format(const model::Json& format) {
  const auto value = json::parse(format.text);
  const auto* grammar = value ? given(*value, "grammar") : nullptr;
  if (grammar == nullptr) return format.text;
  auto flat = Value::object({{"type", Value::string("grammar")}});
  for (const auto& member : grammar->members()) flat.edit_members().push_back(member);
  return flat.dump();
}

Status decode_tool(const Value& value, std::string_view path, model::Tool& out) {
  constexpr std::array<std::string_view, 6> known{"type", "name", "description", "parameters", "strict", "format"};
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto type = required_string(value, "type", path);
  if (!type) return fail_with(type);
  if (*type != "function" && *type != "custom") {
    out.kind = model::Tool::Kind::built_in;
    out.name = *type;
    out.builtin = model::Json{value.dump()};
    return {};
  }
  out.kind = *type == "custom" ? model::Tool::Kind::custom : model::Tool::Kind::function;
  auto name = required_string(value, "name", path);
  if (!name) return fail_with(name);
  out.name = std::move(*name);
  auto status = read_member(value, "description", path, out.description);
  if (status) status = read_member(value, "parameters", path, out.parameters);
  if (status) status = read_member(value, "strict", path, out.strict);
  if (status) status = read_member(value, "format", path, out.format);
  collect_extras(value, known, out.extras);
  return status;
}

}  // namespace

Status decode_tools(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::array)) return wrong_type(path, "an array", value.type());
  chat.tools.emplace();
  for (std::size_t i = 0; i < value.elements().size(); ++i) {
    auto status = decode_tool(value.elements()[i], cat(path, '[', i, ']'), chat.tools->emplace_back());
    if (!status) return status;
  }
  return {};
}

namespace {

/// Chat Completions' web_search_options, as the built-in tool that does the same here.
bool encode_web_search(Writer& w, const model::Json& options) {
  const auto value = json::parse(options.text);
  if (!value || !value->is(Type::object)) return false;
  w.begin_object().key("type").string("web_search");
  for (const auto& [key, member] : value->members()) {
    const auto* approximate = key == "user_location" ? given(member, "approximate") : nullptr;
    if (approximate == nullptr) {
      w.key(key).raw(member.dump());
      continue;
    }
    w.key(key).begin_object().key("type").string("approximate");
    for (const auto& [inner, where] : approximate->members()) w.key(inner).raw(where.dump());
    w.end_object();
  }
  w.end_object();
  return true;
}

void encode_function(Writer& w, const model::Tool& tool, const Encoding& encoding) {
  // Both are demanded; where others leave `strict` out they mean false, while here its absence means strict where possible.
  w.key("parameters");
  if (tool.parameters) {
    w.raw(tool.parameters->text);
  } else if (encoding.own()) {
    w.null();
  } else {
    w.begin_object().key("type").string("object").key("properties").begin_object().end_object().end_object();
  }
  w.key("strict");
  if (tool.strict || !encoding.own()) {
    w.boolean(tool.strict.value_or(false));
  } else {
    w.null();
  }
}

void encode_tool(Writer& w, const model::Tool& tool, std::string_view path, const Encoding& encoding) {
  if (tool.kind == model::Tool::Kind::built_in) {
    w.raw(tool.builtin->text);
    return;
  }
  const bool custom = tool.kind == model::Tool::Kind::custom;
  w.begin_object().key("type").string(custom ? "custom" : "function").key("name").string(tool.name);
  write(w, "description", tool.description);
  if (!custom) encode_function(w, tool, encoding);
  if (custom && tool.format) w.key("format").raw(encoding.own() ? tool.format->text : flat_format(*tool.format));
  if (encoding.own()) {
    write_extras(w, tool.extras, {});
  } else {
    for (const auto& extra : tool.extras) encoding.losses.detail(cat(path, '.', extra.key));
  }
  if (tool.cache) encoding.losses.detail(cat(path, ".cache_control"), "OpenAI caches by itself");
  w.end_object();
}

bool is_foreign(const model::Tool& tool, const Encoding& encoding) {
  return tool.kind == model::Tool::Kind::built_in && (!encoding.own() || !tool.builtin);
}

/// Another vendor's search of the web (Anthropic's web_search_20250305, Gemini's googleSearch) as the one here; nothing when it
/// is another tool.
std::optional<std::string> search_of(const model::Tool& tool, std::string_view path, const Encoding& encoding) {
  const auto value = tool.builtin ? json::parse(tool.builtin->text) : Result<Value>{Value{}};
  if (!value || !value->is(Type::object)) return std::nullopt;
  const auto* type = text_at(*value, "type");
  const bool google = value->find("googleSearch") != nullptr || value->find("google_search") != nullptr;
  const bool alike = type != nullptr && type->starts_with("web_search");
  if (!google && !alike) return std::nullopt;
  std::string out;
  Writer w{out};
  w.begin_object().key("type").string("web_search");
  for (const auto& [key, member] : value->members()) {
    const bool named = key == "type" || key == "name" || google || member.is(Type::null);
    if (named) continue;
    if (key == "allowed_domains") {
      w.key("filters").begin_object().key(key).raw(member.dump()).end_object();
    } else if (key == "user_location") {
      w.key(key).raw(member.dump());
    } else {
      encoding.losses.detail(cat(path, '.', key), "OpenAI's search has none");
    }
  }
  w.end_object();
  return out;
}

}  // namespace

bool encode_tools(Writer& w, const Chat& chat, const Encoding& encoding) {
  std::string searching;
  Writer search{searching};
  if (chat.web_search && !encode_web_search(search, *chat.web_search)) encoding.losses.meaning("web_search_options");
  std::vector<std::size_t> said;
  for (std::size_t i = 0; chat.tools && i < chat.tools->size(); ++i) {
    const auto& tool = (*chat.tools)[i];
    const auto path = cat("tools[", i, "].", tool.name);
    const auto alike = is_foreign(tool, encoding) && searching.empty() ? search_of(tool, path, encoding) : std::nullopt;
    if (alike) {
      searching = *alike;
    } else if (is_foreign(tool, encoding)) {
      encoding.losses.meaning(path, "a built-in tool of another vendor");
    } else {
      said.push_back(i);
    }
  }
  const bool asked_none = chat.tools && chat.tools->empty();
  if (said.empty() && searching.empty() && !asked_none) return false;
  w.key("tools").begin_array();
  for (const auto i : said) encode_tool(w, (*chat.tools)[i], cat("tools[", i, ']'), encoding);
  if (!searching.empty()) w.raw(searching);
  w.end_array();
  return true;
}

// --- tool choice ------------------------------------------------------------------------------------------------------------

namespace {

using Mode = model::ToolChoice::Mode;
struct ModeRow {
  std::string_view word;
  Mode mode;
};
constexpr std::array<ModeRow, 3> modes{{{"none", Mode::none}, {"auto", Mode::automatic}, {"required", Mode::required}}};

/// {"type":"function","function":{"name"}} → {"type":"function","name"}
Value flat_tool(const Value& tool) {
  const auto* type = text_at(tool, "type");
  const auto* inner = type != nullptr ? tool.find(*type) : nullptr;
  const auto* name = inner != nullptr ? text_at(*inner, "name") : nullptr;
  if (name == nullptr) return tool;
  return Value::object({{"type", Value::string(*type)}, {"name", Value::string(*name)}});
}
constexpr std::string_view allowed_tools = "allowed_tools";

/// Nothing when the choice is of another form.
std::optional<std::string> flat_choice(const model::Json& raw) {
  const auto choice = json::parse(raw.text);
  const auto* inner = choice ? given(*choice, allowed_tools) : nullptr;
  if (inner == nullptr) return std::nullopt;
  auto out = Value::object({{"type", Value::string(std::string{allowed_tools})}});
  if (const auto* mode = inner->find("mode")) out.set("mode", *mode);
  auto tools = Value::array();
  if (const auto* list = inner->find("tools")) {
    for (const auto& tool : list->elements()) tools.edit_elements().push_back(flat_tool(tool));
  }
  out.set("tools", std::move(tools));
  return out.dump();
}

}  // namespace

Status decode_tool_choice(const Value& value, std::string_view path, Chat& chat) {
  auto& out = chat.tool_choice.emplace();
  if (const auto* text = value.as_string()) {
    const auto* found = std::ranges::find(modes, std::string_view{*text}, &ModeRow::word);
    if (found == modes.end()) return bad_field(path, cat("is '", *text, "'; it must be 'none', 'auto', 'required' or a tool"));
    out.mode = found->mode;
    return {};
  }
  if (!value.is(Type::object)) return wrong_type(path, "a string or an object", value.type());
  auto type = required_string(value, "type", path);
  if (!type) return fail_with(type);
  if (*type == "function" || *type == "custom") {
    auto name = required_string(value, "name", path);
    if (!name) return fail_with(name);
    out.mode = Mode::named;
    out.name = std::move(*name);
    out.kind = *type == "custom" ? model::ToolKind::custom : model::ToolKind::function;
    return {};
  }
  out.mode = Mode::raw;
  out.raw = model::Json{value.dump()};
  return {};
}

void encode_tool_choice(Writer& w, const model::ToolChoice& choice, const Encoding& encoding) {
  if (choice.mode == Mode::named) {
    w.key("tool_choice").begin_object();
    w.key("type").string(choice.kind == model::ToolKind::custom ? "custom" : "function").key("name").string(choice.name);
    w.end_object();
    return;
  }
  if (choice.mode == Mode::raw) {
    const auto flat = choice.raw && !encoding.own() ? flat_choice(*choice.raw) : std::nullopt;
    if (flat) {
      w.key("tool_choice").raw(*flat);
    } else if (encoding.own() && choice.raw) {
      w.key("tool_choice").raw(choice.raw->text);
    } else {
      encoding.losses.meaning("tool_choice", "a form of another vendor");
    }
    return;
  }
  w.key("tool_choice").string(std::ranges::find(modes, choice.mode, &ModeRow::mode)->word);
}

}  // namespace cardea::dialect::responses
