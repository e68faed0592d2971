#include "twin/forms/cohere.h"

#include "base/text.h"

namespace cardea::twin {
namespace {

using json::Type;

// ---- Words -----------------------------------------------------------------------------------------------------------------

std::string name_member(std::string_view parent, std::string_view name) {
  return parent.empty() ? std::string{name} : cat(parent, ".", name);
}
std::string name_element(std::string_view parent, std::size_t index) { return cat(parent, "[", index, "]"); }

Status refuse_at(std::string_view, std::string_view message) {
  return fail(Kind::bad_request, cat("invalid request: ", message));
}
Status missing_at(std::string_view path) {
  return refuse_at(path, cat("missing required field: parameter ", path, " is required"));
}

std::string_view name_of(Type type) {
  constexpr std::string_view names[] = {"null", "boolean", "number", "string", "array", "object"};
  return names[static_cast<std::size_t>(type)];
}
Status wrong_type_at(std::string_view path, unsigned expected, const json::Value& got) {
  const auto has = [&](unsigned type) { return (expected & type) != 0; };
  std::string_view wanted = "object";
  if (has(is_list)) wanted = "array";
  if (has(is_text)) wanted = "string";
  if (has(is_number)) wanted = "number";
  if ((expected & is_whole) == is_whole) wanted = "integer";
  if (has(is_bool)) wanted = "boolean";
  return fail(Kind::bad_request,
              cat("invalid type: parameter ", path, " is of type ", name_of(got.type()), " but should be of type ", wanted, "."));
}
Status wrong_value_at(std::string_view path, std::string_view got, std::string_view supported) {
  return refuse_at(path, cat("'", got, "' is not a valid value for ", path, ", which must be one of ", supported));
}
Status out_of_range(std::string_view path, const OutOfRange& range) {
  return refuse_at(path, cat(path, " must be ", range.below ? "at least " : "at most ", range.bound, ", got ", range.got));
}
Status unknown_at(std::string_view parent, std::string_view name) {
  return fail(Kind::bad_request, cat("unknown field: parameter ", name_member(parent, name), " is not a valid field"));
}

constexpr Words words{.member = name_member,
                      .element = name_element,
                      .refuse = refuse_at,
                      .missing = missing_at,
                      .wrong_type = wrong_type_at,
                      .wrong_value = wrong_value_at,
                      .out_of_range = out_of_range,
                      .unknown = unknown_at};

// ---- Tools -----------------------------------------------------------------------------------------------------------------

Status take_parameters(const At& at, Tool& tool) {
  tool.parameters = at.value();
  return {};
}
Status take_name(const At& at, Tool& tool) {
  tool.name = at.text();
  return is_plain_name(tool.name, 256) ? Status{}
                                       : at.refuse(cat("tool name '", tool.name, "' has characters that are not allowed"));
}
Status read_function(const At& at, Tool& tool) {
  constexpr Row<Tool> rows[] = {{"name", is_text, take_name, true},
                                {"description", is_text, take_text<&Tool::description>},
                                {"parameters", is_object, take_parameters, true}};
  return read_members(at, rows, tool);
}
Status read_tool(const At& at) {
  constexpr Variant<Tool> kinds[] = {{"function", [](const At& inner, Tool& tool) {
                                        constexpr Row<Tool> rows[] = {{"type", is_text},
                                                                      {"function", is_object, read_function, true}};
                                        return read_members(inner, rows, tool);
                                      }}};
  return read_variant(at, "type", kinds, at.request().tools.emplace_back());
}

Status take_choice(const At& at, ChatRequest& request) {
  request.tool_choice = at.text() == "NONE" ? ToolChoice::none : ToolChoice::required;
  constexpr std::string_view choices[] = {"REQUIRED", "NONE"};
  return one_of(at, choices);
}

// ---- Output and thinking ---------------------------------------------------------------------------------------------------

Status take_schema(const At& at, ChatRequest& request) {
  request.format = Format::json_schema;
  request.schema = at.value();
  const auto* type = at.value().find("type");
  if (type != nullptr && type->as_string() != nullptr && *type->as_string() == "object") return {};
  return at.refuse("the json schema must have type 'object' at its top level");
}
Status read_json_format(const At& at, ChatRequest& request) {
  request.format = Format::json_object;
  constexpr Row<ChatRequest> rows[] = {
      {"type", is_text}, {"json_schema", is_object, take_schema}, {"schema", is_object, take_schema}};
  return read_members(at, rows, request);
}
Status read_text_format(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"type", is_text}};
  return read_members(at, rows, request);
}
Status read_format(const At& at, ChatRequest& request) {
  constexpr Variant<ChatRequest> kinds[] = {{"json_object", read_json_format}, {"text", read_text_format}};
  return read_variant(at, "type", kinds, request);
}

Status read_thinking(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"type", is_text,
                                        [](const At& type, ChatRequest& into) {
                                          into.thoughts = type.text() == "enabled";
                                          constexpr std::string_view types[] = {"enabled", "disabled"};
                                          return one_of(type, types);
                                        },
                                        true},
                                       {"token_budget", is_whole, take_whole<&ChatRequest::budget>}};
  return read_members(at, rows, request);
}

Status read_documents(const At& at, ChatRequest&) {
  return at.each(is_text | is_object, [](const At& one) -> Status {
    if (one.value().is(Type::string)) return {};
    struct Document {
    } document;
    constexpr Row<Document> rows[] = {{"data", is_object | is_text, nullptr, true}, {"id", is_text}};
    return read_members(one, rows, document);
  });
}
Status read_citing(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"mode", is_text, [](const At& mode, ChatRequest&) {
                                          constexpr std::string_view modes[] = {"ENABLED", "DISABLED", "FAST", "ACCURATE", "OFF"};
                                          return one_of(mode, modes);
                                        }}};
  Status status = read_members(at, rows, request);
  return status ? take_note(at, "citation_options") : std::move(status);
}

// ---- The request -----------------------------------------------------------------------------------------------------------

Status take_messages(const At& at, ChatRequest& request) {
  request.messages = keep(request, at.value().dump());
  return read_cohere_messages(at);
}
template <char Which>
Status take_number(const At& at, ChatRequest&) {
  switch (Which) {
    case 't': return take_sampling(at, "temperature", 0, 1);
    case 'p': return take_sampling(at, "top_p", 0.01, 0.99);
    case 'k': return take_sampling(at, "top_k", 0, 500);
    case 'f': return take_sampling(at, "frequency_penalty", 0, 1);
    default: return take_sampling(at, "presence_penalty", 0, 1);
  }
}
Status note(const At& at, ChatRequest&) { return take_note(at, at.path()); }

constexpr Row<ChatRequest> rows[] = {
    {"model", is_text, nullptr, true},
    {"messages", is_list, take_messages, true},
    {"stream", is_bool, take_bool<&ChatRequest::stream>},
    {"tools", is_list, [](const At& at, ChatRequest&) { return at.each(is_object, read_tool); }},
    {"strict_tools", is_bool, note},
    {"tool_choice", is_text, take_choice},
    {"documents", is_list, read_documents},
    {"citation_options", is_object, read_citing},
    {"response_format", is_object, read_format},
    {"safety_mode", is_text,
     [](const At& at, ChatRequest&) {
       constexpr std::string_view modes[] = {"CONTEXTUAL", "STRICT", "OFF", "NONE"};
       Status status = one_of(at, modes);
       return status ? take_note(at, "safety_mode") : std::move(status);
     }},
    {"max_tokens", is_whole, take_whole<&ChatRequest::max_tokens, 1>},
    {"stop_sequences", is_list, [](const At& at, ChatRequest&) { return take_stops(at, 5); }},
    {"temperature", is_number, take_number<'t'>},
    {"seed", is_whole, [](const At& at, ChatRequest&) { return take_seed(at, "seed"); }},
    {"frequency_penalty", is_number, take_number<'f'>},
    {"presence_penalty", is_number, take_number<'r'>},
    {"k", is_number, take_number<'k'>},
    {"p", is_number, take_number<'p'>},
    {"logprobs", is_bool, take_bool<&ChatRequest::logprobs>},
    {"thinking", is_object, read_thinking},
    {"priority", is_whole, note},
    {"raw_prompting", is_bool},
};

Status check_together(const ChatRequest& request) {
  const bool documents = request.document.find("documents") != nullptr;
  if (request.document.find("tool_choice") != nullptr && request.tools.empty()) {
    return refuse_at("", "tool_choice is only supported with tools");
  }
  if (request.format != Format::text && (documents || !request.tools.empty())) {
    return refuse_at("", "response_format is not supported with documents or tools");
  }
  return {};
}

}  // namespace

const Words cohere_words = words;

Status read_cohere(const Ask& ask, ChatRequest& out) {
  Status parsed = parse_document(ask, out);
  if (!parsed) return refuse_at("", parsed.error().message());
  const auto* model = out.document.find("model");
  if (model != nullptr && model->as_string() != nullptr) out.model = *model->as_string();
  Reading reading{.request = out, .words = words, .strict = ask.strict.value_or(true)};
  Status status = read_members(At{reading, out.document, ""}, rows, out);
  if (!status) return status;
  settle(out);
  return check_together(out);
}

const Form cohere_form{.name = "cohere",
                       .ids = {"", ""},
                       .read = read_cohere,
                       .document = cohere_document,
                       .events = cohere_events,
                       .count = nullptr,
                       .failure = cohere_failure,
                       .failure_event = cohere_failure_event,
                       .framing = Framing::sse,
                       .done = {},
                       .id_line = {}};

}  // namespace cardea::twin
