#include "twin/request.h"

#include <algorithm>

#include "base/text.h"
#include "twin/messages.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

using json::Member;
using json::Type;

constexpr std::uint64_t choices_max = 128;
constexpr std::size_t stops_max = 4;

struct Reader {
  ChatRequest& request;
  std::string_view raw(const Member& m) const { return request.members.raw(m); }
};

Status wrong_value(std::string_view name, std::string_view value, std::string_view supported) {
  return refuse_request(cat("Invalid value: '", value, "'. Supported values are: ", supported, "."), name, "invalid_value");
}

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

/// Numbers with bounds that change nothing in the answer.
template <int Min, int Max>
Status check_decimal(Reader in, const Member& m) {
  const auto value = json::Value::number(std::string{in.raw(m)}).as_double();
  const bool below = !value || *value < Min;
  if (!below && *value <= Max) return {};
  const auto bound =
      below ? cat("below minimum value. Expected a value >= ", Min) : cat("above maximum value. Expected a value <= ", Max);
  return refuse_request(cat("Invalid '", m.key, "': decimal ", bound, ", but got ", in.raw(m), " instead."), m.key,
                        below ? "decimal_below_min_value" : "decimal_above_max_value");
}

Status check_seed(Reader in, const Member& m) {
  if (in.raw(m).find_first_of(".eE") == std::string_view::npos) return {};
  return wrong_type(m.key, "an integer", "a decimal number");
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
  struct Effort {
    std::string_view name;
    std::uint64_t tokens;
  };
  constexpr Effort efforts[] = {{"none", 0}, {"minimal", 8}, {"low", 16}, {"medium", 64}, {"high", 256}, {"xhigh", 512}};
  const auto name = in.request.members.string(m);
  const auto* found = std::ranges::find(efforts, name, &Effort::name);
  if (found == std::end(efforts)) return wrong_value(m.key, name, "'none', 'minimal', 'low', 'medium', 'high', and 'xhigh'");
  in.request.reasoning_tokens = found->tokens;
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

Status read_tools(Reader in, const Member& m) {
  auto list = json::parse(in.raw(m));
  if (!list) return fail_with(list);
  for (std::size_t i = 0; i < list->elements().size(); ++i) {
    const auto& one = list->elements()[i];
    const auto at = cat("tools[", i, "]");
    if (!one.is(Type::object)) return wrong_type(at, "an object", json::describe(one.type()));
    const auto* type = one.find("type");
    if (type == nullptr) return missing(cat(at, ".type"));
    const auto kind = type->as_string() != nullptr ? *type->as_string() : type->dump();
    if (kind != "function" && kind != "custom") return wrong_value(cat(at, ".type"), kind, "'function' and 'custom'");
    const auto* body = one.find(kind);
    if (body == nullptr) return missing(cat(at, ".", kind));
    const auto* name = body->find("name");
    if (name == nullptr) return missing(cat(at, ".", kind, ".name"));
    if (name->as_string() == nullptr) return wrong_type(cat(at, ".", kind, ".name"), "a string", json::describe(name->type()));
    auto& tool = in.request.tools.emplace_back(*name->as_string(), std::nullopt, kind == "custom");
    const auto* parameters = body->find("parameters");
    if (parameters == nullptr || parameters->is(Type::null)) continue;
    if (!parameters->is(Type::object))
      return wrong_type(cat(at, ".function.parameters"), "an object", json::describe(parameters->type()));
    tool.parameters = *parameters;
  }
  return {};
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
  return {};
}

// ---- The table of fields ---------------------------------------------------------------------------------------------------

constexpr unsigned bit(Type type) { return 1U << static_cast<unsigned>(type); }
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
// Sorted by name. `messages` and `model` are read by themselves; unknown fields are ignored, as most vendors do.
constexpr FieldRow fields[] = {
    {"audio", object, "an object", nullptr},
    {"frequency_penalty", numeric, "a decimal", check_decimal<-2, 2>},
    {"function_call", text_only | object, "one of an object or a string", nullptr},
    {"functions", list, "an array", nullptr},
    {"logit_bias", object, "an object", nullptr},
    {"logprobs", boolean, "a boolean", read_logprobs},
    {"max_completion_tokens", numeric, "an integer", read_max_tokens},
    {"max_tokens", numeric, "an integer", read_max_tokens},
    {"metadata", object, "an object", nullptr},
    {"modalities", list, "an array", nullptr},
    {"n", numeric, "an integer", read_n},
    {"parallel_tool_calls", boolean, "a boolean", read_parallel},
    {"prediction", object, "an object", nullptr},
    {"presence_penalty", numeric, "a decimal", check_decimal<-2, 2>},
    {"prompt_cache_key", text_only, "a string", nullptr},
    {"reasoning_effort", text_only, "a string", read_effort},
    {"response_format", object, "an object", read_format},
    {"safety_identifier", text_only, "a string", nullptr},
    {"seed", numeric, "an integer", check_seed},
    {"service_tier", text_only, "a string", nullptr},
    {"stop", text_only | list, "one of an array of strings or a string", read_stop},
    {"store", boolean, "a boolean", nullptr},
    {"stream", boolean, "a boolean", read_stream},
    {"stream_options", object, "an object", read_stream_options},
    {"temperature", numeric, "a decimal", check_decimal<0, 2>},
    {"tool_choice", text_only | object, "one of an object or a string", read_tool_choice},
    {"tools", list, "an array of objects", read_tools},
    {"top_logprobs", numeric, "an integer", read_top_logprobs},
    {"top_p", numeric, "a decimal", check_decimal<0, 1>},
    {"user", text_only, "a string", nullptr},
    {"verbosity", text_only, "a string", nullptr},
    {"web_search_options", object, "an object", nullptr},
};
static_assert(std::ranges::is_sorted(fields, {}, &FieldRow::name));

Status read_field(Reader in, const Member& m) {
  const auto* row = std::ranges::lower_bound(fields, m.key, {}, &FieldRow::name);
  if (row == std::end(fields) || row->name != m.key || m.type == Type::null) return {};
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

}  // namespace

Status read_request(std::string_view body, ChatRequest& out) {
  constexpr std::string_view outlined[] = {"messages", "stream_options"};
  const json::ScanOptions options{.outline = outlined};
  Status scanned = json::scan(body, options, out.members);
  if (!scanned) {
    return refuse_request(cat("We could not parse the JSON body of your request. (", scanned.error().message(), ")"), "", "");
  }
  Result<const Member*> model = required(out, "model", Type::string, "a string");
  if (!model) return fail_with(model);
  out.model = out.members.string(**model);
  if (out.model.empty()) return missing("model");
  Result<const Member*> messages = required(out, "messages", Type::array, "an array of objects");
  if (!messages) return fail_with(messages);
  out.messages = out.members.raw(**messages);
  Status read = read_messages(**messages, out);
  if (!read) return read;
  for (const auto& member : out.members.all()) {
    Status field = read_field({out}, member);
    if (!field) return field;
  }
  return check_together(out);
}

}  // namespace cardea::twin
