#include "twin/forms/bedrock.h"

#include "base/text.h"

namespace cardea::twin {
namespace {

using json::Type;

// ---- Words -----------------------------------------------------------------------------------------------------------------

std::string name_member(std::string_view parent, std::string_view name) {
  return parent.empty() ? std::string{name} : cat(parent, ".", name);
}
std::string name_element(std::string_view parent, std::size_t index) { return cat(parent, ".", index); }

Status refuse_at(std::string_view, std::string_view message) { return fail(Kind::bad_request, std::string{message}); }

Status constraint(std::string_view path, std::string_view value, std::string_view rule) {
  return fail(Kind::bad_request,
              cat("1 validation error detected: Value ", value, " at '", path, "' failed to satisfy constraint: ", rule));
}
Status missing_at(std::string_view path) { return constraint(path, "null", "Member must not be null"); }

std::string_view name_of(Type type) {
  constexpr std::string_view names[] = {"NULL_VALUE", "TRUE_VALUE", "NUMBER_VALUE", "STRING_VALUE", "LIST_VALUE", "STRUCT_VALUE"};
  return names[static_cast<std::size_t>(type)];
}
Status wrong_type_at(std::string_view, unsigned expected, const json::Value& got) {
  const auto has = [&](unsigned type) { return (expected & type) != 0; };
  std::string_view wanted = "Structure";
  if (has(is_text)) wanted = "String";
  if (has(is_number)) wanted = "Float";
  if ((expected & is_whole) == is_whole) wanted = "Integer";
  if (has(is_bool)) wanted = "Boolean";
  if (has(is_list)) wanted = "List";
  return fail(Kind::bad_request, Error::Detail{.message = cat(name_of(got.type()), " can not be converted to a ", wanted),
                                               .param = {},
                                               .code = "SerializationException"});
}
Status wrong_value_at(std::string_view path, std::string_view got, std::string_view supported) {
  return constraint(path, cat("'", got, "'"), cat("Member must satisfy enum value set: [", supported, "]"));
}
Status out_of_range(std::string_view path, const OutOfRange& range) {
  return constraint(path, cat("'", range.got, "'"),
                    cat("Member must have value ", range.below ? "greater" : "less", " than or equal to ", range.bound));
}
/// The service's SDKs send none, and the models behind it refuse them.
Status unknown_at(std::string_view parent, std::string_view name) {
  return fail(Kind::bad_request,
              cat("Malformed input request: extraneous key [", name, "] is not permitted",
                  parent.empty() ? std::string{} : cat(" at ", parent), ", please reformat your input and try again."));
}

// ---- Tools -----------------------------------------------------------------------------------------------------------------

Status take_name(const At& at, Tool& tool) {
  tool.name = at.text();
  if (is_plain_name(tool.name, 64)) return {};
  return constraint(at.path(), cat("'", tool.name, "'"), "Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+");
}
Status take_description(const At& at, Tool& tool) {
  tool.description = at.text();
  return tool.description.empty() ? constraint(at.path(), "''", "Member must have length greater than or equal to 1") : Status{};
}
Status take_input_schema(const At& at, Tool& tool) {
  constexpr Row<Tool> rows[] = {{"json", is_object,
                                 [](const At& schema, Tool& into) {
                                   into.parameters = schema.value();
                                   const auto* type = schema.value().find("type");
                                   if (type != nullptr && type->as_string() != nullptr && *type->as_string() == "object")
                                     return Status{};
                                   return schema.refuse(
                                       cat("The value at ", schema.path(), ".type must be one of the following: object."));
                                 },
                                 true}};
  return read_members(at, rows, tool);
}
Status take_strict(const At& at, Tool& tool) {
  tool.strict = at.value().as_bool();
  return {};
}
Status read_spec(const At& at, ChatRequest& request) {
  constexpr Row<Tool> rows[] = {{"name", is_text, take_name, true},
                                {"description", is_text, take_description},
                                {"inputSchema", is_object, take_input_schema, true},
                                {"strict", is_bool, take_strict}};
  return read_members(at, rows, request.tools.emplace_back());
}
Status read_system_tool(const At& at, ChatRequest& request) {
  constexpr Row<Tool> rows[] = {{"name", is_text, take_text<&Tool::built_in>, true}};
  return read_members(at, rows, request.tools.emplace_back());
}
Status mark_tool(const At& at, ChatRequest& request) {
  if (request.tools.empty()) return at.refuse("A cache point must follow a tool.");
  return take_cache_point(at, request.tools.back().cache);
}

Status read_tools(const At& at, ChatRequest& request) {
  if (at.value().elements().empty()) return constraint(at.path(), "[]", "Member must have length greater than or equal to 1");
  return at.each(is_object, [&](const At& one) {
    constexpr Row<ChatRequest> rows[] = {
        {"toolSpec", is_object, read_spec}, {"systemTool", is_object, read_system_tool}, {"cachePoint", is_object, mark_tool}};
    Status status = check_union(one, "Tool");
    return status ? read_members(one, rows, request) : std::move(status);
  });
}

Status take_auto(const At&, ChatRequest&) { return {}; }
Status take_any(const At&, ChatRequest& request) {
  request.tool_choice = ToolChoice::required;
  return {};
}
Status take_tool(const At& at, ChatRequest& request) {
  request.tool_choice = ToolChoice::named;
  constexpr Row<ChatRequest> rows[] = {{"name", is_text, take_text<&ChatRequest::tool_named>, true}};
  return read_members(at, rows, request);
}
Status read_choice(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {
      {"auto", is_object, take_auto}, {"any", is_object, take_any}, {"tool", is_object, take_tool}};
  Status status = check_union(at, "ToolChoice");
  return status ? read_members(at, rows, request) : std::move(status);
}

Status read_tool_config(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"tools", is_list, read_tools, true}, {"toolChoice", is_object, read_choice}};
  return read_members(at, rows, request);
}

// ---- Inference -------------------------------------------------------------------------------------------------------------

template <char Which>
Status take_number(const At& at, ChatRequest&) {
  return Which == 't' ? take_sampling(at, "temperature", 0, 1) : take_sampling(at, "top_p", 0, 1);
}
Status read_inference(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {
      {"maxTokens", is_whole, take_whole<&ChatRequest::max_tokens, 1>},
      {"temperature", is_number, take_number<'t'>},
      {"topP", is_number, take_number<'p'>},
      {"stopSequences", is_list, [](const At& list, ChatRequest&) { return take_stops(list, 2500); }}};
  return read_members(at, rows, request);
}

Status read_budget(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"type", is_text,
                                        [](const At& type, ChatRequest& into) {
                                          into.thoughts = type.text() != "disabled";
                                          constexpr std::string_view words[] = {"enabled", "disabled", "adaptive"};
                                          return one_of(type, words);
                                        },
                                        true},
                                       {"display", is_text},
                                       {"budget_tokens", is_whole, take_whole<&ChatRequest::budget, 1024>}};
  return read_members(at, rows, request);
}
Status read_output_effort(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"effort", is_text, take_text<&ChatRequest::effort>}, {"format", is_object}};
  return read_members(at, rows, request);
}

/// What the models take beyond Converse: Anthropic's and OpenAI's own fields are understood, others told to who inspects.
Status read_additional(const At& at, ChatRequest& request) {
  for (const auto& [key, value] : at.value().members()) {
    const At inner = at.member(key, value);
    Status status;
    if (key == "thinking" || key == "reasoning_config") {
      status = read_budget(inner, request);
    } else if (key == "output_config") {
      status = read_output_effort(inner, request);
    } else if (key == "top_k" || key == "topK") {
      status = value.as_u64() ? take_sampling(inner, "top_k", 0, 1e9) : inner.wrong_type(is_whole);
    } else if (key == "reasoning_effort" && value.as_string() != nullptr) {
      request.effort = inner.text();
    } else {
      status = take_note(inner, key);
    }
    if (!status) return status;
  }
  return {};
}

// ---- Output ----------------------------------------------------------------------------------------------------------------

Status take_schema(const At& at, ChatRequest& request) {
  auto schema = json::parse(at.text());
  if (!schema || !schema->is(Type::object)) return at.refuse(cat("The value at ", at.path(), " is not a valid JSON schema."));
  request.format = Format::json_schema;
  request.schema = std::move(*schema);
  return {};
}
Status read_json_schema(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {
      {"schema", is_text, take_schema, true}, {"name", is_text, take_text<&ChatRequest::format_name>}, {"description", is_text}};
  return read_members(at, rows, request);
}
Status read_structure(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"jsonSchema", is_object, read_json_schema, true}};
  return read_members(at, rows, request);
}
Status read_text_format(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"type", is_text,
                                        [](const At& type, ChatRequest&) {
                                          constexpr std::string_view words[] = {"json_schema"};
                                          return one_of(type, words);
                                        },
                                        true},
                                       {"structure", is_object, read_structure, true}};
  return read_members(at, rows, request);
}
Status read_output_config(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"textFormat", is_object, read_text_format},
                                       {"effort", is_text, take_text<&ChatRequest::effort>}};
  return read_members(at, rows, request);
}

// ---- The request -----------------------------------------------------------------------------------------------------------

Status take_messages(const At& at, ChatRequest& request) {
  request.messages = keep(request, at.value().dump());
  return read_bedrock_messages(at);
}
Status note(const At& at, ChatRequest&) { return take_note(at, at.path()); }

constexpr Row<ChatRequest> rows[] = {
    {"messages", is_list, take_messages, true},
    {"system", is_list, read_bedrock_system},
    {"inferenceConfig", is_object, read_inference},
    {"toolConfig", is_object, read_tool_config},
    {"guardrailConfig", is_object, note},
    {"additionalModelRequestFields", is_object, read_additional},
    {"promptVariables", is_object},
    {"additionalModelResponseFieldPaths", is_list},
    {"requestMetadata", is_object, note},
    {"performanceConfig", is_object},
    {"serviceTier", is_object, note},
    {"outputConfig", is_object, read_output_config},
};

Status check_together(const ChatRequest& request) {
  const auto of_tools = [](const Part& part) { return part.kind == Part::Kind::call || part.kind == Part::Kind::result; };
  for (const auto& turn : request.turns) {
    if (request.tools.empty() && std::ranges::any_of(turn.parts, of_tools)) {
      return fail(Kind::bad_request, "The toolConfig field must be defined when using toolUse and toolResult content blocks.");
    }
  }
  if (request.tool_choice == ToolChoice::named &&
      std::ranges::find(request.tools, request.tool_named, &Tool::name) == request.tools.end()) {
    return fail(Kind::bad_request, cat("The tool '", request.tool_named, "' in toolChoice is not defined in toolConfig."));
  }
  if (request.thoughts.value_or(false) && request.budget && request.max_tokens && *request.budget >= *request.max_tokens) {
    return fail(Kind::bad_request,
                "The model returned the following errors: `max_tokens` must be greater than `thinking.budget_tokens`.");
  }
  return {};
}

}  // namespace

const Words bedrock_words{.member = name_member,
                          .element = name_element,
                          .refuse = refuse_at,
                          .missing = missing_at,
                          .wrong_type = wrong_type_at,
                          .wrong_value = wrong_value_at,
                          .out_of_range = out_of_range,
                          .unknown = unknown_at};

Status check_union(const At& at, std::string_view name) {
  std::size_t set = 0;
  for (const auto& [key, value] : at.value().members()) set += value.is(Type::null) ? 0U : 1U;
  if (set == 1) return {};
  return at.refuse(
      cat("The ", name, " object at ", at.path(), " must set one of the following keys, and no other; it sets ", set, "."));
}

Status take_cache_point(const At& at, std::string& cache) {
  struct Point {
    std::string ttl = "default";
  } point;
  constexpr Row<Point> point_rows[] = {{"type", is_text,
                                        [](const At& type, Point&) {
                                          constexpr std::string_view words[] = {"default"};
                                          return one_of(type, words);
                                        },
                                        true},
                                       {"ttl", is_text, [](const At& ttl, Point& into) {
                                          into.ttl = ttl.text();
                                          constexpr std::string_view words[] = {"5m", "1h"};
                                          return one_of(ttl, words);
                                        }}};
  Status status = read_members(at, point_rows, point);
  cache = point.ttl;
  return status;
}

Status read_bedrock(const Ask& ask, ChatRequest& out) {
  out.model = ask.model;
  Status parsed = parse_document(ask, out);
  if (!parsed) {
    return fail(Kind::bad_request,
                Error::Detail{.message = std::string{parsed.error().message()}, .param = {}, .code = "SerializationException"});
  }
  Reading reading{
      .request = out, .words = bedrock_words, .strict = ask.strict.value_or(true), .issuer = {bedrock_form.name, ask.issuer}};
  Status status = read_members(At{reading, out.document, ""}, rows, out);
  if (!status) return status;
  settle(out);
  out.stream = ask.stream;
  return check_together(out);
}

const Form bedrock_form{.name = "bedrock",
                        .ids = {"", "tooluse_"},
                        .read = read_bedrock,
                        .document = bedrock_document,
                        .events = bedrock_events,
                        .count = nullptr,
                        .failure = bedrock_failure,
                        .failure_event = bedrock_failure_event,
                        .framing = Framing::aws,
                        .done = {},
                        .id_line = "x-amzn-requestid: twin-",
                        .failure_headers = bedrock_failure_headers};

}  // namespace cardea::twin
