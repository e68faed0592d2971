#include <algorithm>

#include "base/text.h"
#include "twin/forms/openai_chat.h"

namespace cardea::twin {
namespace {

using json::Member;
using json::Type;

constexpr std::uint64_t choices_max = 128;
constexpr std::size_t stops_max = 4;

struct Reader {
  ChatRequest& request;
  bool strict;
  std::string_view raw(const Member& m) const { return request.members.raw(m); }
};

/// A whole number within bounds.
Status take_integer(Reader in, const Member& m, std::uint64_t min, std::uint64_t max, std::uint64_t& out) {
  const auto text = in.raw(m);
  const auto value = json::to_u64(text);
  if (!value && text.find_first_of(".eE") != std::string_view::npos) return wrong_type(m.key, "an integer", "a decimal number");
  if (!value || *value < min) {
    return refuse_request(
        cat("Invalid '", m.key, "': integer below minimum value. Expected a value >= ", min, ", but got ", text, " instead."),
        m.key, "integer_below_min_value");
  }
  if (*value > max) {
    return refuse_request(
        cat("Invalid '", m.key, "': integer above maximum value. Expected a value <= ", max, ", but got ", text, " instead."),
        m.key, "integer_above_max_value");
  }
  out = *value;
  return {};
}

// ---- One function for each field that means something to the twin ----------------------------------------------------------

Status read_n(Reader in, const Member& m) { return take_integer(in, m, 1, choices_max, in.request.n); }
Status read_top_logprobs(Reader in, const Member& m) { return take_integer(in, m, 0, 20, in.request.top_logprobs); }

Status read_max_tokens(Reader in, const Member& m) {
  return take_integer(in, m, 1, ~std::uint64_t{0}, in.request.max_tokens.emplace());
}

Status read_stream(Reader in, const Member& m) {
  in.request.stream = in.request.members.boolean(m);
  return {};
}
Status read_logprobs(Reader in, const Member& m) {
  in.request.logprobs = in.request.members.boolean(m);
  return {};
}
Status read_parallel(Reader in, const Member& m) {
  in.request.parallel_tool_calls = in.request.members.boolean(m);
  return {};
}

/// Numbers with bounds that change nothing in the answer. Keys are views into the body or into `members`, which stay.
template <int Min, int Max>
Status check_decimal(Reader in, const Member& m) {
  const auto value = json::Value::number(std::string{in.raw(m)}).as_double();
  const bool below = !value || *value < Min;
  if (!below && *value <= Max) {
    in.request.sampling.emplace_back(m.key, in.raw(m));
    return {};
  }
  const auto bound =
      below ? cat("below minimum value. Expected a value >= ", Min) : cat("above maximum value. Expected a value <= ", Max);
  return refuse_request(cat("Invalid '", m.key, "': decimal ", bound, ", but got ", in.raw(m), " instead."), m.key,
                        below ? "decimal_below_min_value" : "decimal_above_max_value");
}

Status check_seed(Reader in, const Member& m) {
  if (in.raw(m).find_first_of(".eE") != std::string_view::npos) return wrong_type(m.key, "an integer", "a decimal number");
  in.request.sampling.emplace_back(m.key, in.raw(m));
  return {};
}

Status read_stop(Reader in, const Member& m) {
  if (m.type == Type::string) {
    in.request.stop.emplace_back(in.request.members.string(m));
    return {};
  }
  auto list = json::parse(in.raw(m));
  if (!list) return fail_with(list);
  if (list->elements().size() > stops_max) {
    return refuse_request(cat("Invalid 'stop': array too long. Expected an array with maximum length ", stops_max, ", but got ",
                              list->elements().size(), " elements."),
                          "stop", "array_above_max_length");
  }
  for (const auto& one : list->elements()) {
    if (one.as_string() == nullptr) return wrong_type("stop", "a string", json::describe(one.type()));
    in.request.stop.push_back(*one.as_string());
  }
  return {};
}

Status read_effort(Reader in, const Member& m) {
  const auto word = in.request.members.string(m);
  const auto tokens = tokens_of_effort(word);
  if (!tokens) return wrong_value(m.key, word, effort_words);
  in.request.effort = word;
  in.request.reasoning_tokens = *tokens;
  return {};
}

/// What only who inspects wants to know.
Status note(Reader in, const Member& m) {
  in.request.notes.emplace_back(m.key, in.raw(m));
  return {};
}

Status read_stream_options(Reader in, const Member& m) {
  const auto& members = in.request.members;
  const Member* usage = members.find(m, "include_usage");
  if (usage == nullptr || usage->type == Type::null) return {};
  if (usage->type != Type::boolean) return wrong_type("stream_options.include_usage", "a boolean", json::describe(usage->type));
  in.request.include_usage = members.boolean(*usage);
  return {};
}

// ---- Tools, through a tree -------------------------------------------------------------------------------------------------

Status read_parameters(const At& at, Tool& tool) {
  tool.parameters = at.value();
  return {};
}
Status read_strict(const At& at, Tool& tool) {
  tool.strict = *at.value().as_bool();
  return {};
}

Status read_function(const At& at, Tool& tool) {
  constexpr Row<Tool> rows[] = {{"name", is_text, take_text<&Tool::name>, true},
                                {"description", is_text, take_text<&Tool::description>},
                                {"parameters", is_object, read_parameters},
                                {"strict", is_bool, read_strict}};
  Status status = read_members(at, rows, tool);
  if (!status || !tool.strict.value_or(false) || !tool.parameters) return status;
  const auto wrong = against_strict_schema(*tool.parameters);
  if (wrong.empty()) return {};
  return refuse_request(cat("Invalid schema for function '", tool.name, "': ", wrong), cat(at.path(), ".parameters"),
                        "invalid_function_parameters");
}

Status read_custom(const At& at, Tool& tool) {
  tool.custom = true;
  constexpr Row<Tool> rows[] = {{"name", is_text, take_text<&Tool::name>, true},
                                {"description", is_text, take_text<&Tool::description>},
                                {"format", is_object}};
  return read_members(at, rows, tool);
}

Status read_function_tool(const At& at, Tool& tool) {
  constexpr Row<Tool> rows[] = {{"type", is_text}, {"function", is_object, read_function, true}};
  return read_members(at, rows, tool);
}
Status read_custom_tool(const At& at, Tool& tool) {
  constexpr Row<Tool> rows[] = {{"type", is_text}, {"custom", is_object, read_custom, true}};
  return read_members(at, rows, tool);
}

Status read_tools(Reader in, const Member& m) {
  auto list = json::parse(in.raw(m));
  if (!list) return fail_with(list);
  Reading reading{.request = in.request, .words = openai_words, .strict = in.strict};
  return At{reading, *list, "tools"}.each(is_object, [](const At& at) {
    constexpr Variant<Tool> kinds[] = {{"function", read_function_tool}, {"custom", read_custom_tool}};
    return read_variant(at, "type", kinds, at.request().tools.emplace_back());
  });
}

Status read_tool_choice(Reader in, const Member& m) {
  auto& request = in.request;
  if (m.type == Type::string) {
    const auto name = request.members.string(m);
    if (name != "none" && name != "auto" && name != "required") return wrong_value(m.key, name, "'none', 'auto', and 'required'");
    request.tool_choice = name == "none" ? ToolChoice::none : name == "auto" ? ToolChoice::automatic : ToolChoice::required;
    return {};
  }
  auto choice = json::parse(in.raw(m));
  if (!choice) return fail_with(choice);
  const auto* type = choice->find("type");
  if (type == nullptr || type->as_string() == nullptr) return missing("tool_choice.type");
  const auto* body = choice->find(*type->as_string());
  const auto* name = body != nullptr ? body->find("name") : nullptr;
  if (name == nullptr || name->as_string() == nullptr) return missing(cat("tool_choice.", *type->as_string(), ".name"));
  request.tool_choice = ToolChoice::named;
  request.tool_named = *name->as_string();
  return {};
}

Status read_format(Reader in, const Member& m) {
  auto format = json::parse(in.raw(m));
  if (!format) return fail_with(format);
  const auto* type = format->find("type");
  if (type == nullptr) return missing("response_format.type");
  const auto name = type->as_string() != nullptr ? *type->as_string() : type->dump();
  if (name == "text") return {};
  if (name == "json_object") {
    in.request.format = Format::json_object;
    return {};
  }
  if (name != "json_schema") return wrong_value("response_format.type", name, "'json_object', 'json_schema', and 'text'");
  const auto* wrapped = format->find("json_schema");
  if (wrapped == nullptr) return missing("response_format.json_schema");
  if (wrapped->find("name") == nullptr) return missing("response_format.json_schema.name");
  const auto* schema = wrapped->find("schema");
  if (schema == nullptr) return missing("response_format.json_schema.schema");
  if (!schema->is(Type::object))
    return wrong_type("response_format.json_schema.schema", "an object", json::describe(schema->type()));
  in.request.format = Format::json_schema;
  in.request.schema = *schema;
  if (const auto* label = wrapped->find("name")->as_string()) in.request.format_name = *label;
  if (const auto* strict = wrapped->find("strict")) in.request.format_strict = strict->as_bool();
  if (!in.request.format_strict.value_or(false)) return {};
  const auto wrong = against_strict_schema(*schema);
  if (wrong.empty()) return {};
  return refuse_request(cat("Invalid schema for response_format '", in.request.format_name, "': ", wrong), "response_format", "");
}

// ---- The table of fields ---------------------------------------------------------------------------------------------------

constexpr unsigned text_only = bit(Type::string);
constexpr unsigned numeric = bit(Type::number);
constexpr unsigned boolean = bit(Type::boolean);
constexpr unsigned list = bit(Type::array);
constexpr unsigned object = bit(Type::object);

struct FieldRow {
  std::string_view name;
  unsigned types;
  std::string_view expected;
  Status (*read)(Reader, const Member&);  ///< null: the type is all there is to check
};
// Sorted by name. `messages` and `model` are read by themselves; unknown fields are ignored, as most vendors of this dialect do.
constexpr FieldRow fields[] = {
    {"audio", object, "an object", note},
    {"frequency_penalty", numeric, "a decimal", check_decimal<-2, 2>},
    {"function_call", text_only | object, "one of an object or a string", nullptr},
    {"functions", list, "an array", nullptr},
    {"logit_bias", object, "an object", note},
    {"logprobs", boolean, "a boolean", read_logprobs},
    {"max_completion_tokens", numeric, "an integer", read_max_tokens},
    {"max_tokens", numeric, "an integer", read_max_tokens},
    {"metadata", object, "an object", note},
    {"modalities", list, "an array", note},
    {"moderation", object, "an object", note},
    {"n", numeric, "an integer", read_n},
    {"parallel_tool_calls", boolean, "a boolean", read_parallel},
    {"prediction", object, "an object", note},
    {"presence_penalty", numeric, "a decimal", check_decimal<-2, 2>},
    {"prompt_cache_key", text_only, "a string", note},
    {"prompt_cache_options", object, "an object", note},
    {"prompt_cache_retention", text_only, "a string", note},
    {"reasoning_effort", text_only, "a string", read_effort},
    {"response_format", object, "an object", read_format},
    {"safety_identifier", text_only, "a string", note},
    {"seed", numeric, "an integer", check_seed},
    {"service_tier", text_only, "a string", note},
    {"stop", text_only | list, "one of an array of strings or a string", read_stop},
    {"store", boolean, "a boolean", note},
    {"stream", boolean, "a boolean", read_stream},
    {"stream_options", object, "an object", read_stream_options},
    {"temperature", numeric, "a decimal", check_decimal<0, 2>},
    {"tool_choice", text_only | object, "one of an object or a string", read_tool_choice},
    {"tools", list, "an array of objects", read_tools},
    {"top_logprobs", numeric, "an integer", read_top_logprobs},
    {"top_p", numeric, "a decimal", check_decimal<0, 1>},
    {"user", text_only, "a string", note},
    {"verbosity", text_only, "a string", note},
    {"web_search_options", object, "an object", note},
};
static_assert(std::ranges::is_sorted(fields, {}, &FieldRow::name));

Status read_field(Reader in, const Member& m) {
  const auto* row = std::ranges::lower_bound(fields, m.key, {}, &FieldRow::name);
  if (row == std::end(fields) || row->name != m.key) {
    const bool known = !in.strict || m.key == "messages" || m.key == "model";
    return known ? Status{} : unknown_parameter(m.key);
  }
  if (m.type == Type::null) return {};
  if ((row->types & bit(m.type)) == 0) return wrong_type(m.key, row->expected, json::describe(m.type));
  return row->read != nullptr ? row->read(in, m) : Status{};
}

/// What only makes sense together.
Status check_together(const ChatRequest& request) {
  const auto given = [&](std::string_view name) {
    const Member* m = request.members.find(name);
    return m != nullptr && m->type != Type::null;
  };
  if (!request.stream && given("stream_options")) {
    return refuse_request("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options", "");
  }
  if (request.top_logprobs > 0 && !request.logprobs) {
    return refuse_request("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", "top_logprobs", "");
  }
  const bool choice = request.tool_choice == ToolChoice::required || request.tool_choice == ToolChoice::named;
  if (choice && request.tools.empty()) {
    return refuse_request("Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
                          "tool_choice", "");
  }
  if (request.tool_choice == ToolChoice::named &&
      std::ranges::find(request.tools, request.tool_named, &Tool::name) == request.tools.end()) {
    return refuse_request(cat("Tool choice '", request.tool_named, "' not found in 'tools' parameter."), "tool_choice", "");
  }
  return {};
}

Result<const Member*> required(const ChatRequest& request, std::string_view name, Type type, std::string_view expected) {
  Result<const Member*> found = request.members.unique(name);
  if (!found) return found;
  const Member* member = *found;
  Status status;
  if (member == nullptr) {
    status = missing(name);
  } else if (member->type != type) {
    status = wrong_type(name, expected, json::describe(member->type));
  }
  if (!status) return fail_with(status);
  return member;
}

/// The models that look at more than the last message.
constexpr std::string_view inspecting = "inspect";
constexpr std::string_view obeying = "obeys";

bool wants_turns(const ChatRequest& request, bool strict, bool media) {
  return strict || media || request.model.ends_with(inspecting) || request.model.ends_with(obeying) || asks_for_system(request);
}

}  // namespace

Status read_openai_chat(const Ask& ask, ChatRequest& out) {
  constexpr std::string_view outlined[] = {"messages", "stream_options"};
  const json::ScanOptions options{.outline = outlined};
  Status scanned = json::scan(ask.body, options, out.members);
  if (!scanned) {
    return refuse_request(cat("We could not parse the JSON body of your request. (", scanned.error().message(), ")"), "", "");
  }
  const bool strict = ask.strict.value_or(false);
  Result<const Member*> model = required(out, "model", Type::string, "a string");
  if (!model) return fail_with(model);
  out.model = out.members.string(**model);
  if (out.model.empty()) return missing("model");
  Result<const Member*> messages = required(out, "messages", Type::array, "an array of objects");
  if (!messages) return fail_with(messages);
  out.messages = out.members.raw(**messages);
  bool media = false;
  Status read = read_messages(**messages, out, media);
  if (!read) return read;
  for (const auto& member : out.members.all()) {
    Status field = read_field({out, strict}, member);
    if (!field) return field;
  }
  Status together = check_together(out);
  if (!together || !wants_turns(out, strict, media)) return together;
  return read_turns(strict ? UnknownFields::refused : UnknownFields::ignored, out);
}

const Form openai_chat_form{.name = "openai_chat",
                            .ids = {"chatcmpl-twin-", "call_"},
                            .read = read_openai_chat,
                            .document = openai_chat_document,
                            .events = openai_chat_events,
                            .count = nullptr,
                            .failure = openai_failure,
                            .failure_event = openai_failure_event,
                            .framing = Framing::sse,
                            .done = "[DONE]",
                            .id_line = "openai-version: 2020-10-01\r\nx-request-id: req_"};

}  // namespace cardea::twin
