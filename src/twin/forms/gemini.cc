#include "twin/forms/gemini.h"

#include "base/text.h"

namespace cardea::twin {
namespace {

using json::Type;

// ---- Words, which are those of Google's API front end ----------------------------------------------------------------------

/// Members may be written in either spelling; errors name them as the protocol buffers do.
std::string to_camel(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool joint = name[i] == '_' && i != 0 && i + 1 < name.size() && name[i + 1] >= 'a' && name[i + 1] <= 'z';
    out += joint ? static_cast<char>(name[++i] - 'a' + 'A') : name[i];
  }
  return out;
}
std::string to_snake(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') out += '_';
    out += ascii_lower(c);
  }
  return out;
}

std::string name_member(std::string_view parent, std::string_view name) {
  return parent.empty() ? to_snake(name) : cat(parent, ".", to_snake(name));
}
std::string name_element(std::string_view parent, std::size_t index) { return cat(parent, "[", index, "]"); }

Status refuse_at(std::string_view path, std::string_view message) {
  return fail(Kind::bad_request,
              path.empty() ? std::string{message} : cat("* GenerateContentRequest.", path, ": ", message, "\n"));
}
Status missing_at(std::string_view path) {
  const auto name = path.substr(path.rfind('.') == std::string_view::npos ? 0 : path.rfind('.') + 1);
  return refuse_at(path, cat(name, " is not specified"));
}
Status unknown_at(std::string_view parent, std::string_view name) {
  return fail(Kind::bad_request, cat("Invalid JSON payload received. Unknown name \"", name, "\"",
                                     parent.empty() ? std::string{} : cat(" at '", parent, "'"), ": Cannot find field."));
}

Status wrong_type_at(std::string_view path, unsigned expected, const json::Value& got) {
  if (got.is(Type::array)) {
    return fail(Kind::bad_request, cat("Invalid JSON payload received. Unknown name \"", path,
                                       "\": Proto field is not repeating, cannot start list."));
  }
  const auto has = [&](unsigned type) { return (expected & type) != 0; };
  std::string_view type = "TYPE_MESSAGE";
  if (has(is_text)) type = "TYPE_STRING";
  if (has(is_number)) type = "TYPE_FLOAT";
  if ((expected & is_whole) == is_whole) type = "TYPE_INT32";
  if (has(is_bool)) type = "TYPE_BOOL";
  return fail(Kind::bad_request, cat("Invalid value at '", path, "' (", type, "), ", got.dump()));
}

Status wrong_value_at(std::string_view path, std::string_view got, std::string_view supported) {
  return fail(Kind::bad_request, cat("Invalid value at '", path, "' (one of ", supported, "), \"", got, "\""));
}

Status out_of_range(std::string_view path, const OutOfRange& range) {
  return refuse_at(path, cat("must be ", range.below ? "at least " : "at most ", range.bound, ", got ", range.got));
}

// ---- Tools -----------------------------------------------------------------------------------------------------------------

Status take_name(const At& at, Tool& tool) {
  tool.name = at.text();
  const auto first = tool.name.empty() ? '0' : ascii_lower(tool.name.front());
  const auto other = [](char c) { return c == '.' || c == ':' ? '_' : c; };
  std::string plain = tool.name;
  std::ranges::transform(plain, plain.begin(), other);
  if (((first >= 'a' && first <= 'z') || first == '_') && is_plain_name(plain, 128)) return {};
  return at.refuse(
      "[FUNCTION_NAME] Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), "
      "underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.");
}

Status read_declaration(const At& at) {
  auto& tool = at.request().tools.emplace_back();
  constexpr Row<Tool> rows[] = {
      {"name", is_text, take_name, true},
      {"description", is_text, take_text<&Tool::description>},
      {"parameters", is_object,
       [](const At& inner, Tool& into) { return read_gemini_schema(inner, into.parameters.emplace(json::Value{})); }},
      {"parametersJsonSchema", is_object,
       [](const At& inner, Tool& into) {
         if (into.parameters) return inner.refuse("parameters and parameters_json_schema are mutually exclusive");
         into.parameters = inner.value();
         return Status{};
       }},
      {"response", is_object},
      {"responseJsonSchema", is_object},
      {"behavior", is_text}};
  return read_members(at, rows, tool);
}

Status take_built_in(const At& at, ChatRequest& request) {
  auto& tool = request.tools.emplace_back();
  tool.built_in = at.path().substr(at.path().rfind('.') + 1);
  tool.name = tool.built_in;
  return {};
}

Status read_tool(const At& at) {
  constexpr Row<ChatRequest> rows[] = {
      {"functionDeclarations", is_list, [](const At& list, ChatRequest&) { return list.each(is_object, read_declaration); }},
      {"googleSearch", is_object, take_built_in},
      {"googleSearchRetrieval", is_object, take_built_in},
      {"googleMaps", is_object, take_built_in},
      {"codeExecution", is_object, take_built_in},
      {"urlContext", is_object, take_built_in},
      {"computerUse", is_object, take_built_in},
      {"fileSearch", is_object, take_built_in},
      {"mcpServers", is_list},
      {"retrieval", is_object},
      {"enterpriseWebSearch", is_object, take_built_in}};
  return read_members(at, rows, at.request());
}

struct Calling {
  std::string mode = "AUTO";
  std::vector<std::string> names;
};
Status take_mode(const At& at, Calling& calling) {
  calling.mode = at.text();
  constexpr std::string_view modes[] = {"MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"};
  return one_of(at, modes);
}
Status take_names(const At& at, Calling& calling) {
  return at.each(is_text, [&](const At& one) -> Status {
    calling.names.push_back(one.text());
    return {};
  });
}

Status read_calling(const At& at, ChatRequest& request) {
  Calling calling;
  constexpr Row<Calling> rows[] = {{"mode", is_text, take_mode}, {"allowedFunctionNames", is_list, take_names}};
  Status status = read_members(at, rows, calling);
  if (!status) return status;
  if (!calling.names.empty() && calling.mode != "ANY" && calling.mode != "VALIDATED") {
    return at.refuse("allowed_function_names should only be set when the mode is ANY or VALIDATED.");
  }
  if (calling.mode == "NONE") request.tool_choice = ToolChoice::none;
  if (calling.mode == "ANY") request.tool_choice = ToolChoice::required;
  if (calling.mode == "ANY" && calling.names.size() == 1) {
    request.tool_choice = ToolChoice::named;
    request.tool_named = calling.names.front();
  }
  if (calling.names.size() > 1) request.notes.emplace_back("allowed_function_names", at.value().dump());
  return {};
}

Status read_tool_config(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"functionCallingConfig", is_object, read_calling},
                                       {"retrievalConfig", is_object},
                                       {"includeServerSideToolInvocations", is_bool}};
  return read_members(at, rows, request);
}

// ---- Generation ------------------------------------------------------------------------------------------------------------

Status take_budget(const At& at, ChatRequest& request) {
  const auto budget = at.value().as_i64();
  if (!budget) return at.wrong_type(is_whole);
  constexpr std::int64_t most = 32'768;
  if (*budget < -1 || *budget > most)
    return at.refuse(cat("The thinking budget ", *budget, " is invalid. Please choose a value between -1 and ", most, "."));
  if (*budget >= 0) request.budget = static_cast<std::uint64_t>(*budget);
  return {};
}
Status take_level(const At& at, ChatRequest& request) {
  request.effort = to_lower(at.text());
  constexpr std::string_view levels[] = {"minimal", "low", "medium", "high"};
  return std::ranges::find(levels, request.effort) != std::end(levels) ? Status{}
                                                                       : at.wrong_value("'MINIMAL', 'LOW', 'MEDIUM', 'HIGH'");
}
Status take_include(const At& at, ChatRequest& request) {
  request.thoughts = at.value().as_bool();
  return {};
}
Status read_thinking(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"includeThoughts", is_bool, take_include},
                                       {"thinkingBudget", is_number, take_budget},
                                       {"thinkingLevel", is_text, take_level}};
  Status status = read_members(at, rows, request);
  if (!status || !request.budget || request.effort.empty()) return status;
  return fail(Kind::bad_request, "You can only set only one of thinking budget and thinking level.");
}

Status take_json_schema(const At& at, ChatRequest& request) {
  request.format = Format::json_schema;
  request.schema = at.value();
  return {};
}
Status take_schema(const At& at, ChatRequest& request) {
  request.format = Format::json_schema;
  return read_gemini_schema(at, request.schema);
}
Status take_type(const At& at, ChatRequest& request) {
  constexpr std::string_view types[] = {"text/plain", "application/json", "text/x.enum"};
  if (std::ranges::find(types, at.text()) == std::end(types)) {
    return at.refuse(
        "allowed mimetypes are `text/plain`, `application/json`, `application/xml`, `application/yaml` and `text/x.enum`.");
  }
  if (at.text() == "application/json" && request.format == Format::text) request.format = Format::json_object;
  return {};
}

/// Protocol buffers' int32.
Status take_int32(const At& at, ChatRequest& request) {
  const auto value = at.value().as_i64();
  if (!value || *value < INT32_MIN || *value > INT32_MAX) return at.wrong_type(is_whole);
  request.sampling.emplace_back("seed", *at.value().as_number());
  return {};
}

template <char Which>
Status take_number(const At& at, ChatRequest&) {
  switch (Which) {
    case 't': return take_sampling(at, "temperature", 0, 2);
    case 'p': return take_sampling(at, "top_p", 0, 1);
    case 'k': return take_sampling(at, "top_k", 1, 1e9);
    case 'f': return take_sampling(at, "frequency_penalty", -2, 2);
    default: return take_sampling(at, "presence_penalty", -2, 2);
  }
}

Status take_modalities(const At& at, ChatRequest& request) {
  request.outputs = {.text = at.value().elements().empty()};
  Status status = at.each(is_text, [&](const At& one) {
    request.outputs.text = request.outputs.text || one.text() == "TEXT";
    request.outputs.image = request.outputs.image || one.text() == "IMAGE";
    request.outputs.audio = request.outputs.audio || one.text() == "AUDIO";
    constexpr std::string_view modalities[] = {"MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO"};
    return one_of(one, modalities);
  });
  return status ? take_note(at, "modalities") : std::move(status);
}

struct Ratio {
  std::string_view name;
  std::uint32_t width;
  std::uint32_t height;
};
constexpr Ratio image_ratios[] = {{"1:1", 1024, 1024}, {"2:3", 832, 1248}, {"3:2", 1248, 832}, {"3:4", 864, 1184},
                                  {"4:3", 1184, 864},  {"4:5", 896, 1152}, {"5:4", 1152, 896}, {"9:16", 768, 1344},
                                  {"16:9", 1344, 768}, {"21:9", 1536, 672}};
Status take_ratio(const At& at, ChatRequest&) {
  std::string_view names[std::size(image_ratios)];
  std::ranges::transform(image_ratios, names, &Ratio::name);
  return one_of(at, names);
}
Status read_image_config(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"aspectRatio", is_text, take_ratio},
                                       {"imageSize", is_text},
                                       {"imageOutputOptions", is_object},
                                       {"personGeneration", is_text},
                                       {"prominentPeople", is_text}};
  Status status = read_members(at, rows, request);
  if (!status) return status;
  auto name = text_member(at.value(), "aspectRatio");
  if (name.empty()) name = text_member(at.value(), "aspect_ratio");
  if (const auto* ratio = std::ranges::find(image_ratios, name, &Ratio::name); ratio != std::end(image_ratios)) {
    request.outputs.width = ratio->width;
    request.outputs.height = ratio->height;
  }
  return {};
}

constexpr Row<ChatRequest> generation_rows[] = {
    {"temperature", is_number, take_number<'t'>},
    {"topP", is_number, take_number<'p'>},
    {"topK", is_number, take_number<'k'>},
    {"frequencyPenalty", is_number, take_number<'f'>},
    {"presencePenalty", is_number, take_number<'r'>},
    {"seed", is_number, take_int32},
    {"candidateCount", is_whole, take_whole<&ChatRequest::n, 1, 8>},
    {"maxOutputTokens", is_whole, take_whole<&ChatRequest::max_tokens, 1, INT32_MAX>},
    {"stopSequences", is_list, [](const At& at, ChatRequest&) { return take_stops(at, 5); }},
    {"responseMimeType", is_text, take_type},
    {"responseSchema", is_object, take_schema},
    {"responseJsonSchema", is_object, take_json_schema},
    {"_responseJsonSchema", is_object, take_json_schema},
    {"responseLogprobs", is_bool, take_bool<&ChatRequest::logprobs>},
    {"logprobs", is_whole, take_whole<&ChatRequest::top_logprobs, 0, 20>},
    {"thinkingConfig", is_object, read_thinking},
    {"responseModalities", is_list, take_modalities},
    {"speechConfig", is_object},
    {"mediaResolution", is_text},
    {"imageConfig", is_object, read_image_config},
    {"audioTimestamp", is_bool},
    {"audioTranscriptionConfig", is_object},
    {"enableEnhancedCivicAnswers", is_bool},
    {"routingConfig", is_object},
    {"modelSelectionConfig", is_object},
};

Status read_generation(const At& at, ChatRequest& request) {
  Status status = read_members(at, generation_rows, request);
  if (!status || request.format != Format::json_schema) return status;
  auto type = text_member(at.value(), "responseMimeType");
  if (type.empty()) type = text_member(at.value(), "response_mime_type");
  if (type == "application/json" || type == "text/x.enum") return {};
  return refuse_at("generation_config.response_schema", "only allowed when response_mime_type is 'application/json'");
}

Status read_safety(const At& at) {
  struct Setting {
  } setting;
  constexpr Row<Setting> rows[] = {{"category", is_text,
                                    [](const At& category, Setting&) {
                                      return category.text().starts_with("HARM_CATEGORY_") ? Status{}
                                                                                           : category.wrong_value("HarmCategory");
                                    },
                                    true},
                                   {"threshold", is_text,
                                    [](const At& threshold, Setting&) {
                                      constexpr std::string_view words[] = {"HARM_BLOCK_THRESHOLD_UNSPECIFIED",
                                                                            "BLOCK_LOW_AND_ABOVE",
                                                                            "BLOCK_MEDIUM_AND_ABOVE",
                                                                            "BLOCK_ONLY_HIGH",
                                                                            "BLOCK_NONE",
                                                                            "OFF"};
                                      return one_of(threshold, words);
                                    }},
                                   {"method", is_text}};
  return read_members(at, rows, setting);
}

// ---- The request -----------------------------------------------------------------------------------------------------------

Status take_contents(const At& at, ChatRequest& request) {
  request.messages = keep(request, at.value().dump());
  return read_gemini_contents(at);
}

constexpr Row<ChatRequest> request_rows[] = {
    {"contents", is_list, take_contents},
    {"systemInstruction", is_object, read_gemini_system},
    {"tools", is_list, [](const At& at, ChatRequest&) { return at.each(is_object, read_tool); }},
    {"toolConfig", is_object, read_tool_config},
    {"generationConfig", is_object, read_generation},
    {"safetySettings", is_list,
     [](const At& at, ChatRequest&) {
       Status status = at.each(is_object, read_safety);
       return status ? take_note(at, "safety_settings") : std::move(status);
     }},
    {"cachedContent", is_text, [](const At& at, ChatRequest&) { return take_note(at, "cached_content"); }},
    {"labels", is_object, [](const At& at, ChatRequest&) { return take_note(at, "labels"); }},
    {"serviceTier", is_text, [](const At& at, ChatRequest&) { return take_note(at, "service_tier"); }},
    {"store", is_bool},
    {"continuationToken", is_text},
    {"model", is_text},
};

Status check_together(const ChatRequest& request) {
  if (request.turns.empty() || (request.turns.size() == 1 && request.turns.front().role == Role::system))
    return missing_at("contents");
  const auto callable = [](const Tool& tool) { return tool.built_in.empty(); };
  const bool forced = request.tool_choice == ToolChoice::required || request.tool_choice == ToolChoice::named;
  if (forced && std::ranges::none_of(request.tools, callable)) {
    return fail(Kind::bad_request, "Function calling config is set without function_declarations.");
  }
  if (request.tool_choice == ToolChoice::named &&
      std::ranges::find(request.tools, request.tool_named, &Tool::name) == request.tools.end()) {
    return refuse_at("tool_config.function_calling_config.allowed_function_names",
                     cat("function '", request.tool_named, "' is not declared"));
  }
  return {};
}

std::string count_document(const ChatRequest& request) {
  return cat(R"({"totalTokens":)", request.prompt_tokens, R"(,"promptTokensDetails":[{"modality":"TEXT","tokenCount":)",
             request.prompt_tokens, "}]}");
}

}  // namespace

const Words gemini_words{.member = name_member,
                         .element = name_element,
                         .refuse = refuse_at,
                         .missing = missing_at,
                         .wrong_type = wrong_type_at,
                         .wrong_value = wrong_value_at,
                         .out_of_range = out_of_range,
                         .unknown = unknown_at,
                         .spelling = to_camel};

Status read_gemini(const Ask& ask, ChatRequest& out) {
  out.model = ask.model;
  Status parsed = parse_document(ask, out);
  if (!parsed) return fail(Kind::bad_request, cat("Invalid JSON payload received. ", parsed.error().message()));
  Reading reading{
      .request = out, .words = gemini_words, .strict = ask.strict.value_or(true), .issuer = {gemini_form.name, ask.issuer}};
  const json::Value* whole = &out.document;
  if (ask.operation == Operation::count_tokens) {
    if (const auto* inner = whole->find("generateContentRequest"); inner != nullptr && inner->is(Type::object)) whole = inner;
  }
  Status status = read_members(At{reading, *whole, ""}, request_rows, out);
  if (!status) return status;
  settle(out);
  out.stream = ask.stream;
  const ModelRow* model = find_model(out.model);
  const bool thinks = model != nullptr && model->thinks;
  Status signatures = check_gemini_signatures(reading, thinks ? Signatures::required : Signatures::optional);
  return signatures ? check_together(out) : std::move(signatures);
}

const Form gemini_form{.name = "gemini",
                       .ids = {"", ""},
                       .read = read_gemini,
                       .document = gemini_document,
                       .events = gemini_events,
                       .count = count_document,
                       .failure = gemini_failure,
                       .failure_event = gemini_failure_event,
                       .framing = Framing::sse,
                       .done = {},
                       .id_line = {}};

const Form gemini_array_form{.name = "gemini",
                             .ids = {"", ""},
                             .read = read_gemini,
                             .document = gemini_document,
                             .events = gemini_events,
                             .count = count_document,
                             .failure = gemini_array_failure,
                             .failure_event = gemini_failure_event,
                             .framing = Framing::json_array,
                             .done = {},
                             .id_line = {}};

}  // namespace cardea::twin
