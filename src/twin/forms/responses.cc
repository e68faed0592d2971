#include "twin/forms/responses.h"

#include "base/text.h"

namespace cardea::twin {
namespace {

using json::Type;

// ---- Tools -----------------------------------------------------------------------------------------------------------------

Status take_parameters(const At& at, Tool& tool) {
  tool.parameters = at.value();
  return {};
}
Status take_strict(const At& at, Tool& tool) {
  tool.strict = at.value().as_bool();
  return {};
}
Status take_name(const At& at, Tool& tool) {
  tool.name = at.text();
  if (is_plain_name(tool.name, 128)) return {};
  return refuse_request(cat("Invalid '", at.path(),
                            "': string does not match pattern. Expected a string that matches the pattern "
                            "'^[a-zA-Z0-9_-]+$'."),
                        at.path(), "invalid_value");
}

Status read_function(const At& at, Tool& tool) {
  constexpr Row<Tool> rows[] = {{"type", is_text},
                                {"name", is_text, take_name, true},
                                {"description", is_text, take_text<&Tool::description>},
                                {"parameters", is_object, take_parameters},
                                {"strict", is_bool, take_strict},
                                {"output_schema", is_object},
                                {"defer_loading", is_bool},
                                {"allowed_callers", is_list}};
  Status status = read_members(at, rows, tool);
  if (!status || !tool.strict.value_or(false) || !tool.parameters) return status;
  const auto wrong = against_strict_schema(*tool.parameters);
  if (wrong.empty()) return {};
  return refuse_request(cat("Invalid schema for function '", tool.name, "': ", wrong), cat(at.path(), ".parameters"),
                        "invalid_function_parameters");
}
Status read_custom(const At& at, Tool& tool) {
  tool.custom = true;
  constexpr Row<Tool> rows[] = {
      {"type", is_text},     {"name", is_text, take_name, true}, {"description", is_text, take_text<&Tool::description>},
      {"format", is_object}, {"defer_loading", is_bool},         {"allowed_callers", is_list}};
  return read_members(at, rows, tool);
}
Status read_built_in(const At& at, Tool& tool) {
  tool.built_in = text_member(at.value(), "type");
  tool.name = tool.built_in;
  return {};
}

constexpr Variant<Tool> tool_kinds[] = {{"function", read_function},         {"custom", read_custom},
                                        {"web_search", read_built_in},       {"web_search_preview", read_built_in},
                                        {"file_search", read_built_in},      {"code_interpreter", read_built_in},
                                        {"image_generation", read_built_in}, {"computer_use_preview", read_built_in},
                                        {"computer", read_built_in},         {"mcp", read_built_in},
                                        {"local_shell", read_built_in},      {"shell", read_built_in},
                                        {"apply_patch", read_built_in},      {"tool_search", read_built_in},
                                        {"namespace", read_built_in}};

// ---- Output ----------------------------------------------------------------------------------------------------------------

Status take_schema(const At& at, ChatRequest& request) {
  request.schema = at.value();
  return {};
}
Status take_schema_strict(const At& at, ChatRequest& request) {
  request.format_strict = at.value().as_bool();
  return {};
}
Status read_schema_format(const At& at, ChatRequest& request) {
  request.format = Format::json_schema;
  constexpr Row<ChatRequest> rows[] = {{"type", is_text},
                                       {"name", is_text, take_text<&ChatRequest::format_name>, true},
                                       {"schema", is_object, take_schema, true},
                                       {"description", is_text},
                                       {"strict", is_bool, take_schema_strict}};
  Status status = read_members(at, rows, request);
  if (!status || !request.format_strict.value_or(false)) return status;
  const auto wrong = against_strict_schema(request.schema);
  if (wrong.empty()) return {};
  return refuse_request(cat("Invalid schema for response_format '", request.format_name, "': ", wrong), cat(at.path(), ".schema"),
                        "invalid_json_schema");
}
Status read_object_format(const At& at, ChatRequest& request) {
  request.format = Format::json_object;
  constexpr Row<ChatRequest> rows[] = {{"type", is_text}};
  return read_members(at, rows, request);
}
Status read_text_format(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"type", is_text}};
  return read_members(at, rows, request);
}
Status read_text(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {
      {"format", is_object,
       [](const At& format, ChatRequest& into) {
         constexpr Variant<ChatRequest> kinds[] = {
             {"json_object", read_object_format}, {"json_schema", read_schema_format}, {"text", read_text_format}};
         return read_variant(format, "type", kinds, into);
       }},
      {"verbosity", is_text, [](const At& verbosity, ChatRequest&) { return take_note(verbosity, "verbosity"); }}};
  return read_members(at, rows, request);
}

Status take_effort(const At& at, ChatRequest& request) {
  const auto tokens = tokens_of_effort(at.text());
  if (!tokens) return at.wrong_value(effort_words);
  request.effort = at.text();
  request.reasoning_tokens = *tokens;
  return {};
}
Status take_summary(const At& at, ChatRequest& request) {
  request.thoughts = true;
  constexpr std::string_view words[] = {"auto", "concise", "detailed"};
  return one_of(at, words);
}
Status read_reasoning(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"effort", is_text, take_effort},
                                       {"summary", is_text, take_summary},
                                       {"generate_summary", is_text, take_summary},
                                       {"mode", is_text},
                                       {"context", is_text}};
  return read_members(at, rows, request);
}

// ---- The request -----------------------------------------------------------------------------------------------------------

Status take_instructions(const At& at, ChatRequest& request) {
  request.turns.insert(request.turns.begin(), Turn{Role::system, {{.text = at.text()}}});
  return {};
}
Status refuse_previous(const At& at, ChatRequest&) {
  return refuse_request(cat("Previous response with id '", at.text(), "' not found."), "previous_response_id",
                        "previous_response_not_found");
}
Status refuse_conversation(const At& at, ChatRequest&) {
  return fail(Kind::not_found, Error::Detail{.message = cat("Conversation with id ", at.value().dump(), " not found."),
                                             .param = "conversation",
                                             .code = {}});
}
Status check_include(const At& at, ChatRequest&) {
  return at.each(is_text, [](const At& one) {
    constexpr std::string_view words[] = {"file_search_call.results",
                                          "web_search_call.results",
                                          "web_search_call.action.sources",
                                          "message.input_image.image_url",
                                          "computer_call_output.output.image_url",
                                          "code_interpreter_call.outputs",
                                          "reasoning.encrypted_content",
                                          "message.output_text.logprobs"};
    return one_of(one, words);
  });
}
Status read_stream_options(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"include_obfuscation", is_bool}};
  return read_members(at, rows, request);
}
Status take_metadata(const At& at, ChatRequest&) {
  for (const auto& [key, value] : at.value().members()) {
    if (value.as_string() == nullptr) return at.member(key, value).wrong_type(is_text);
  }
  return take_note(at, "metadata");
}
template <char Which>
Status take_number(const At& at, ChatRequest&) {
  return Which == 't' ? take_sampling(at, "temperature", 0, 2) : take_sampling(at, "top_p", 0, 1);
}
Status note(const At& at, ChatRequest&) { return take_note(at, at.path()); }

constexpr Row<ChatRequest> rows[] = {
    {"model", is_text, nullptr, true},
    {"input", is_text | is_list, read_responses_input, true},
    {"instructions", is_text, take_instructions},
    {"tools", is_list, read_responses_tools},
    {"tool_choice", is_text | is_object, read_responses_choice},
    {"parallel_tool_calls", is_bool, take_bool<&ChatRequest::parallel_tool_calls>},
    // OpenAI takes no less than 16.
    {"max_output_tokens", is_whole, take_whole<&ChatRequest::max_tokens, 16>},
    {"max_tool_calls", is_number},
    {"temperature", is_number, take_number<'t'>},
    {"top_p", is_number, take_number<'p'>},
    {"top_logprobs", is_whole, take_whole<&ChatRequest::top_logprobs, 0, 20>},
    {"text", is_object, read_text},
    {"reasoning", is_object, read_reasoning},
    {"include", is_list, check_include},
    {"stream", is_bool, take_bool<&ChatRequest::stream>},
    {"stream_options", is_object, read_stream_options},
    {"metadata", is_object, take_metadata},
    {"client_metadata", is_object, note},  // of Codex; in no reference
    {"store", is_bool, note},
    {"user", is_text, note},
    {"safety_identifier", is_text, note},
    {"prompt_cache_key", is_text, note},
    {"prompt_cache_retention", is_text, note},
    {"prompt_cache_options", is_object, note},
    {"service_tier", is_text, note},
    {"truncation", is_text},
    {"background", is_bool},
    {"previous_response_id", is_text, refuse_previous},
    {"conversation", is_text | is_object, refuse_conversation},
    {"prompt", is_object},
    {"moderation", is_object},
    {"context_management", is_list},
};

Status check_together(const ChatRequest& request) {
  const auto* options = request.document.find("stream_options");
  if (!request.stream && options != nullptr && !options->is(Type::null)) {
    return refuse_request("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options", "");
  }
  const bool forced = request.tool_choice == ToolChoice::required || request.tool_choice == ToolChoice::named;
  if (forced && request.tools.empty()) {
    return refuse_request("Tool choices other than 'auto' and 'none' require 'tools' to be specified.", "tool_choice", "");
  }
  if (request.tool_choice == ToolChoice::named &&
      std::ranges::find(request.tools, request.tool_named, &Tool::name) == request.tools.end()) {
    return refuse_request(cat("Tool choice '", request.tool_named, "' not found in 'tools' parameter."), "tool_choice", "");
  }
  return {};
}

std::string count_document(const ChatRequest& request) {
  return cat(R"({"object":"response.input_tokens","input_tokens":)", request.prompt_tokens, "}");
}

}  // namespace

bool includes(const ChatRequest& request, std::string_view what) {
  const auto* list = request.document.find("include");
  const auto is_it = [&](const json::Value& one) { return one.as_string() != nullptr && *one.as_string() == what; };
  return list != nullptr && std::ranges::any_of(list->elements(), is_it);
}

Status read_responses_tools(const At& at, ChatRequest& request) {
  return at.each(is_object, [&](const At& one) { return read_variant(one, "type", tool_kinds, request.tools.emplace_back()); });
}

Status read_responses_choice(const At& at, ChatRequest& request) {
  if (at.value().is(Type::string)) {
    constexpr std::string_view words[] = {"none", "auto", "required"};
    const auto& word = at.text();
    request.tool_choice = word == "none" ? ToolChoice::none : word == "required" ? ToolChoice::required : ToolChoice::automatic;
    return one_of(at, words);
  }
  const auto* type = at.value().find("type");
  if (type == nullptr || type->as_string() == nullptr) return at.missing("type");
  const auto& kind = *type->as_string();
  if (kind == "allowed_tools") {
    const auto* mode = at.value().find("mode");
    const bool required = mode != nullptr && mode->as_string() != nullptr && *mode->as_string() == "required";
    if (required) request.tool_choice = ToolChoice::required;
    request.notes.emplace_back("allowed_tools", at.value().dump());
    return {};
  }
  request.tool_choice = ToolChoice::named;
  request.tool_named = kind;
  if (kind != "function" && kind != "custom") return {};
  const auto* name = at.value().find("name");
  if (name == nullptr || name->as_string() == nullptr) return at.missing("name");
  request.tool_named = *name->as_string();
  return {};
}

Status read_responses(const Ask& ask, ChatRequest& out) {
  Status parsed = parse_document(ask, out);
  if (!parsed) {
    return refuse_request(cat("We could not parse the JSON body of your request. (", parsed.error().message(), ")"), "", "");
  }
  const auto* model = out.document.find("model");
  if (model != nullptr && model->as_string() != nullptr) out.model = *model->as_string();
  Reading reading{
      .request = out, .words = openai_words, .strict = ask.strict.value_or(true), .issuer = {responses_form.name, ask.issuer}};
  Status status = read_members(At{reading, out.document, ""}, rows, out);
  if (!status) return status;
  out.logprobs = includes(out, "message.output_text.logprobs");
  settle(out);
  return check_together(out);
}

const Form responses_form{.name = "openai_responses",
                          .ids = {"resp_", "call_"},
                          .read = read_responses,
                          .document = responses_document,
                          .events = responses_events,
                          .count = count_document,
                          .failure = openai_failure,
                          .failure_event = responses_failure_event,
                          .framing = Framing::sse,
                          .done = {},
                          .id_line = "openai-version: 2020-10-01\r\nx-request-id: req_"};

}  // namespace cardea::twin
