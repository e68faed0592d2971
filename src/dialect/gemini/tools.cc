// Tools and the choice among them.

#include <algorithm>
#include <array>

#include "dialect/gemini/gemini.h"
#include "dialect/gemini/schema.h"

namespace cardea::dialect::google {

using json::Type;
using json::Value;
using json::Writer;
using model::Chat;
using model::Tool;
using model::ToolChoice;

namespace {

Status decode_function(const Value& value, std::string_view path, Tool& out) {
  constexpr std::array<std::string_view, 4> known{"name", "description", "parameters", "parametersJsonSchema"};
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto name = required_string(value, "name", path);
  if (!name) return fail_with(name);
  out.name = std::move(*name);
  auto status = read_field(value, "description", path, out.description);
  if (!status) return status;
  const auto parameters = field(value, "parameters");
  const auto schema = field(value, "parametersJsonSchema");
  status = expect(parameters, Type::object, path);
  if (!status) return status;
  if (schema) {
    out.parameters = model::Json{schema.value->dump()};
  } else if (parameters) {
    out.parameters = model::Json{from_gemini_schema(*parameters.value).dump()};
  }
  collect_rest(value, known, out.extras);
  return {};
}

/// The reference's spelling of a built-in's key: "google_search" is googleSearch.
std::string camel(std::string_view key) {
  std::string out;
  bool capital = false;
  for (const char c : key) {
    if (c == '_') {
      capital = !out.empty();
      continue;
    }
    out.push_back(capital && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    capital = false;
  }
  return out;
}

/// One element of `tools` declares functions, and switches on what is built in, all at once.
Status decode_tool(const Value& value, std::string_view path, std::vector<Tool>& out) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  for (const auto& [key, member] : value.members()) {
    if (member.is(Type::null)) continue;
    if (!same_name(key, "functionDeclarations")) {
      auto& tool = out.emplace_back();
      tool.kind = Tool::Kind::built_in;
      tool.name = camel(key);
      tool.builtin = model::Json{Value::object({{tool.name, member}}).dump()};
      continue;
    }
    const auto list = cat(path, '.', key);
    if (!member.is(Type::array)) return wrong_type(list, "an array", member.type());
    for (std::size_t i = 0; i < member.elements().size(); ++i) {
      auto status = decode_function(member.elements()[i], cat(list, '[', i, ']'), out.emplace_back());
      if (!status) return status;
    }
  }
  return {};
}

Status decode_choice(const Value& config, std::string_view path, Chat& chat) {
  using Mode = ToolChoice::Mode;
  std::optional<std::string> mode;
  std::optional<std::vector<std::string>> names;
  auto status = read_field(config, "mode", path, mode);
  if (status) status = read_field(config, "allowedFunctionNames", path, names);
  if (!status) return status;
  const bool named = names && !names->empty();
  const auto is = [&](std::string_view word) { return mode && iequals(*mode, word); };
  std::array<std::string_view, 2> known{"mode", "allowedFunctionNames"};
  if (is("NONE") && !named) {
    chat.tool_choice = ToolChoice{.mode = Mode::none};
  } else if (is("AUTO") && !named) {
    chat.tool_choice = ToolChoice{.mode = Mode::automatic};
  } else if (is("VALIDATED") && !named) {
    // As AUTO, with calls that are sure to follow their schemas; the word itself is kept for Gemini.
    chat.tool_choice = ToolChoice{.mode = Mode::automatic};
    known = {"allowedFunctionNames", {}};
  } else if (is("ANY") && !named) {
    chat.tool_choice = ToolChoice{.mode = Mode::required};
  } else if (is("ANY") && names->size() == 1) {
    chat.tool_choice = ToolChoice{.mode = Mode::named, .name = names->front()};
  } else if (mode || named) {
    chat.tool_choice = ToolChoice{.mode = Mode::raw, .name = {}, .raw = model::Json{config.dump()}};
    return {};
  }
  collect_inner_rest(config, "functionCallingConfig", known, chat.extras);
  return {};
}

Status decode_tool_config(const Field& config, Chat& chat) {
  constexpr std::array<std::string_view, 1> known{"functionCallingConfig"};
  auto status = expect(config, Type::object, {});
  if (!status) return status;
  const auto calling = field(*config.value, "functionCallingConfig");
  status = expect(calling, Type::object, config.key);
  if (status && calling) status = decode_choice(*calling.value, below(config.key, calling.key), chat);
  collect_inner_rest(*config.value, "toolConfig", known, chat.extras);
  return status;
}

}  // namespace

Status decode_tools(const Value& request, Chat& chat) {
  const auto tools = field(request, "tools");
  auto status = expect(tools, Type::array, {});
  if (!status) return status;
  if (tools) {
    chat.tools.emplace();
    for (std::size_t i = 0; i < tools.value->elements().size(); ++i) {
      status = decode_tool(tools.value->elements()[i], cat(tools.key, '[', i, ']'), *chat.tools);
      if (!status) return status;
    }
  }
  const auto config = field(request, "toolConfig");
  return config ? decode_tool_config(config, chat) : Status{};
}

// --- writing ------------------------------------------------------------------------------------------------------------------

namespace {

/// Nothing is asked of the arguments: "for function with no parameters, this can be left unset", and an object without
/// properties is refused.
bool has_no_parameters(const Value& schema) {
  const auto* properties = schema.find("properties");
  const bool none = properties == nullptr || properties->members().empty();
  const bool open = schema.find("additionalProperties") != nullptr && schema.find("additionalProperties")->is(Type::object);
  return none && !open && std::ranges::all_of(schema.members(), [](const auto& member) {
           constexpr std::array<std::string_view, 9> harmless{"type",       "properties",  "required", "additionalProperties",
                                                              "title",      "description", "$schema",  "$defs",
                                                              "definitions"};
           return std::ranges::find(harmless, member.first) != harmless.end();
         });
}

void write_parameters(Writer& w, const model::Json& parameters, const Encoding& encoding) {
  const auto schema = json::parse(parameters.text);
  if (!schema) return;
  if (!encoding.own && schema->is(Type::object) && has_no_parameters(*schema)) return;
  const auto subset = to_gemini_schema(*schema, {.function = true});
  const auto* type = subset ? subset->find("type") : nullptr;
  const bool object = type != nullptr && *type->as_string() == "OBJECT";
  // What came as JSON Schema goes as it, unless Gemini's own form says exactly the same.
  if (object && (!encoding.own || from_gemini_schema(*subset) == *schema)) {
    w.key("parameters").raw(subset->dump());
  } else {
    w.key("parametersJsonSchema").raw(parameters.text);
  }
}

void write_function(Writer& w, const Tool& tool, std::string_view path, const Encoding& encoding) {
  w.begin_object().key("name").string(tool.name);
  if (tool.kind == Tool::Kind::custom) {
    encoding.lose_meaning(cat(path, ".custom"), "said as a function of one text");
    write(w, "description", tool.description);
    w.key("parameters").raw(R"({"type":"OBJECT","properties":{"input":{"type":"STRING"}},"required":["input"]})");
  } else {
    write(w, "description", tool.description);
    if (tool.parameters) write_parameters(w, *tool.parameters, encoding);
    if (tool.strict.value_or(false)) encoding.lose(cat(path, ".strict"));
  }
  if (tool.cache) encoding.lose(cat(path, ".cache"));
  if (encoding.own) {
    write_extras(w, tool.extras, {});
  } else {
    for (const auto& extra : tool.extras) encoding.lose(cat(path, '.', extra.key));
  }
  w.end_object();
}

/// The one built-in tool that several vendors have alike: OpenAI's web_search and web_search_preview, Anthropic's
/// web_search_20250305.
std::optional<Value> search_options(const model::Json& tool) {
  auto value = json::parse(tool.text);
  const auto* type = value ? value->find("type") : nullptr;
  const bool search = type != nullptr && type->as_string() != nullptr && type->as_string()->starts_with("web_search");
  return search ? std::optional{std::move(*value)} : std::nullopt;
}

/// Says it as Google's search, once. Models before Gemini 3 refuse it beside functions, and those need more than this to mix
/// them.
class Search {
 public:
  Search(const Chat& chat, const Encoding& encoding) : encoding_{encoding} {
    functions_ =
        chat.tools && std::ranges::any_of(*chat.tools, [](const Tool& tool) { return tool.kind != Tool::Kind::built_in; });
  }
  void write(Writer& w, const Value& options, std::string_view path) {
    if (functions_) {
      encoding_.lose_meaning(std::string{path}, "gemini does not search beside functions");
      return;
    }
    constexpr std::array<std::string_view, 2> said{"type", "name"};
    for (const auto& [key, value] : options.members()) {
      const bool known = std::ranges::find(said, key) != said.end() || value.is(Type::null);
      if (!known) encoding_.lose(cat(path, '.', key), "google's search has none");
    }
    if (!std::exchange(searches_, true)) w.begin_object().key("googleSearch").begin_object().end_object().end_object();
  }

 private:
  const Encoding& encoding_;
  bool functions_ = false;
  bool searches_ = false;
};

/// Functions in a row are declared together; what is built in has an element of its own.
void write_tool_list(Writer& w, const std::vector<Tool>& tools, Search& search, const Encoding& encoding) {
  bool open = false;
  const auto close = [&] {
    if (open) w.end_array().end_object();
    open = false;
  };
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const auto& tool = tools[i];
    const auto path = cat("tools[", i, ']');
    if (tool.kind != Tool::Kind::built_in) {
      if (!open) w.begin_object().key("functionDeclarations").begin_array();
      open = true;
      write_function(w, tool, path, encoding);
    } else if (encoding.own && tool.builtin) {
      close();
      w.raw(tool.builtin->text);
    } else if (const auto options = tool.builtin ? search_options(*tool.builtin) : std::nullopt) {
      close();
      search.write(w, *options, cat(path, '.', tool.name));
    } else {
      encoding.lose_meaning(cat(path, '.', tool.name), "built in at another vendor");
    }
  }
  close();
}

struct Calling {
  std::string_view mode;
  std::vector<std::string> names;
};

/// OpenAI's allowed_tools, of Chat and of Responses: a choice among some of the tools.
std::optional<Calling> allowed_tools(const model::Json& raw) {
  const auto value = json::parse(raw.text);
  const auto* type = value ? value->find("type") : nullptr;
  if (type == nullptr || type->as_string() == nullptr || *type->as_string() != "allowed_tools") return std::nullopt;
  const auto* inner = value->find("allowed_tools");
  const auto& list = inner != nullptr ? *inner : *value;
  const auto* mode = list.find("mode");
  const auto* tools = list.find("tools");
  if (tools == nullptr || tools->elements().empty()) return std::nullopt;
  const bool required = mode != nullptr && mode->as_string() != nullptr && *mode->as_string() == "required";
  Calling out{.mode = required ? "ANY" : "VALIDATED", .names = {}};
  for (const auto& tool : tools->elements()) {
    const auto* function = tool.find("function");
    const auto* name = (function != nullptr ? *function : tool).find("name");
    if (name == nullptr || name->as_string() == nullptr) return std::nullopt;
    out.names.push_back(*name->as_string());
  }
  return out;
}

std::optional<Calling> calling_of(const ToolChoice& choice) {
  using Mode = ToolChoice::Mode;
  switch (choice.mode) {
    case Mode::none: return Calling{.mode = "NONE", .names = {}};
    case Mode::automatic: return Calling{.mode = "AUTO", .names = {}};
    case Mode::required: return Calling{.mode = "ANY", .names = {}};
    case Mode::named: return Calling{.mode = "ANY", .names = {choice.name}};
    case Mode::raw: break;
  }
  return choice.raw ? allowed_tools(*choice.raw) : std::nullopt;
}

bool has_extra(const Chat& chat, std::string_view key) {
  return std::ranges::find(chat.extras, key, &model::Extra::key) != chat.extras.end();
}
/// Does the extra of that name say that field?
bool extra_says(const Chat& chat, std::string_view key, std::string_view name) {
  const auto found = std::ranges::find(chat.extras, key, &model::Extra::key);
  const auto value = found != chat.extras.end() ? json::parse(found->value.text) : Result<Value>{Value{}};
  return value && field(*value, name);
}

void write_calling(Writer& w, const Chat& chat, const Encoding& encoding) {
  const bool own_raw = encoding.own && chat.tool_choice && chat.tool_choice->mode == ToolChoice::Mode::raw;
  if (own_raw) {
    write(w, "functionCallingConfig", chat.tool_choice->raw);
    return;
  }
  const auto calling = chat.tool_choice ? calling_of(*chat.tool_choice) : std::nullopt;
  const bool more = encoding.own && has_extra(chat, "functionCallingConfig");
  if (chat.tool_choice && !calling) encoding.lose_meaning("tool_choice");
  if (!calling && !more) return;
  w.key("functionCallingConfig").begin_object();
  if (calling && !(more && extra_says(chat, "functionCallingConfig", "mode"))) w.key("mode").string(calling->mode);
  if (calling && !calling->names.empty()) write(w, "allowedFunctionNames", std::optional{calling->names});
  if (more) write_inner(w, chat.extras, "functionCallingConfig");
  w.end_object();
}

}  // namespace

void write_tools(Writer& w, const Chat& chat, const Encoding& encoding) {
  if (chat.tools || chat.web_search) {
    Search search{chat, encoding};
    std::string list;
    Writer inner{list};
    inner.begin_array();
    if (chat.tools) write_tool_list(inner, *chat.tools, search, encoding);
    const auto options = chat.web_search ? json::parse(chat.web_search->text) : Result<Value>{Value{}};
    if (chat.web_search && options) search.write(inner, *options, "web_search_options");
    inner.end_array();
    if (encoding.own || list != "[]") w.key("tools").raw(list);
  }
  std::string config;
  Writer inner{config};
  inner.begin_object();
  write_calling(inner, chat, encoding);
  if (encoding.own) write_inner(inner, chat.extras, "toolConfig");
  inner.end_object();
  if (config != "{}") w.key("toolConfig").raw(config);
  if (!chat.parallel_tool_calls.value_or(true)) encoding.lose("parallel_tool_calls", "calls may come in parallel");
}

}  // namespace cardea::dialect::google
