#include "twin/forms/anthropic.h"

#include "base/text.h"

namespace cardea::twin {
namespace {

using json::Type;

// ---- Words, which are those of pydantic ------------------------------------------------------------------------------------

std::string name_member(std::string_view parent, std::string_view name) {
  return parent.empty() ? std::string{name} : cat(parent, ".", name);
}
std::string name_element(std::string_view parent, std::size_t index) { return cat(parent, ".", index); }

Status refuse_at(std::string_view path, std::string_view message) {
  return fail(Kind::bad_request, path.empty() ? std::string{message} : cat(path, ": ", message));
}
Status missing_at(std::string_view path) { return refuse_at(path, "Field required"); }
Status unknown_at(std::string_view parent, std::string_view name) {
  return refuse_at(name_member(parent, name), "Extra inputs are not permitted");
}

Status wrong_type_at(std::string_view path, unsigned expected, const json::Value&) {
  const auto has = [&](unsigned type) { return (expected & type) != 0; };
  std::string_view wanted = "valid dictionary";
  if (has(is_text)) wanted = "valid string";
  if (has(is_number)) wanted = "valid number";
  if ((expected & is_whole) == is_whole) wanted = "valid integer";
  if (has(is_bool)) wanted = "valid boolean";
  if (has(is_list) && !has(is_text)) wanted = "valid list";
  return refuse_at(path, cat("Input should be a ", wanted));
}

Status wrong_value_at(std::string_view path, std::string_view got, std::string_view supported) {
  if (!path.ends_with(".type")) return refuse_at(path, cat("Input should be ", supported));
  path.remove_suffix(5);
  return refuse_at(path, cat("Input tag '", got, "' found using 'type' does not match any of the expected tags: ", supported));
}

Status out_of_range(std::string_view path, const OutOfRange& range) {
  return refuse_at(path, cat("Input should be ", range.below ? "greater" : "less", " than or equal to ", range.bound));
}

// ---- Schemas ---------------------------------------------------------------------------------------------------------------

constexpr int schema_depth_max = 32;

/// What structured outputs refuse (docs.anthropic.com, "Structured outputs: JSON Schema limitations"); empty: nothing.
std::string against_schema(const json::Value& schema, int depth) {
  if (!schema.is(Type::object) || depth > schema_depth_max) return {};
  const auto* type = schema.find("type");
  const std::string kind = type != nullptr && type->as_string() != nullptr ? *type->as_string() : "";
  constexpr std::string_view refused[] = {"minimum",   "maximum",   "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
                                          "minLength", "maxLength", "maxItems",         "patternProperties"};
  for (const auto keyword : refused) {
    if (schema.find(keyword) != nullptr) return cat("For '", kind, "' type, property '", keyword, "' is not supported");
  }
  if (kind == "object") {
    const auto* additional = schema.find("additionalProperties");
    if (additional == nullptr || additional->as_bool() != false) {
      return "For 'object' type, 'additionalProperties' must be explicitly set to false";
    }
  }
  const auto look_into = [&](const json::Value* values) -> std::string {
    if (values == nullptr) return {};
    for (const auto& one : values->elements()) {
      if (auto wrong = against_schema(one, depth + 1); !wrong.empty()) return wrong;
    }
    for (const auto& [name, one] : values->members()) {
      if (auto wrong = against_schema(one, depth + 1); !wrong.empty()) return wrong;
    }
    return {};
  };
  if (const auto* items = schema.find("items")) {
    if (auto wrong = against_schema(*items, depth + 1); !wrong.empty()) return wrong;
  }
  for (const std::string_view key : {"properties", "$defs", "definitions", "anyOf", "allOf"}) {
    if (auto wrong = look_into(schema.find(key)); !wrong.empty()) return wrong;
  }
  return {};
}

// ---- Tools -----------------------------------------------------------------------------------------------------------------

Status take_input_schema(const At& at, Tool& tool) {
  tool.parameters = at.value();
  const auto* type = at.value().find("type");
  if (type == nullptr) return at.missing("type");
  if (type->as_string() == nullptr || *type->as_string() != "object") {
    return at.words().refuse(at.words().member(at.path(), "type"), "Input should be 'object'");
  }
  for (const std::string_view key : {"oneOf", "allOf", "anyOf"}) {
    if (at.value().find(key) != nullptr) {
      return at.refuse("input_schema does not support oneOf, allOf, or anyOf at the top level");
    }
  }
  return {};
}

Status take_tool_name(const At& at, Tool& tool) {
  tool.name = at.text();
  return is_plain_name(tool.name, 128) ? Status{} : at.refuse("String should match pattern '^[a-zA-Z0-9_-]{1,128}$'");
}

Status take_tool_strict(const At& at, Tool& tool) {
  tool.strict = *at.value().as_bool();
  return {};
}

Status read_own_tool(const At& at, Tool& tool) {
  constexpr Row<Tool> rows[] = {{"type", is_text},
                                {"name", is_text, take_tool_name, true},
                                {"description", is_text, take_text<&Tool::description>},
                                {"input_schema", is_object, take_input_schema, true},
                                {"cache_control", is_object, take_cache<Tool>},
                                {"strict", is_bool, take_tool_strict},
                                {"allowed_callers", is_list},
                                {"defer_loading", is_bool},
                                {"eager_input_streaming", is_bool},
                                {"input_examples", is_list}};
  Status status = read_members(at, rows, tool);
  if (!status || !tool.strict.value_or(false)) return status;
  const auto wrong = against_schema(*tool.parameters, 0);
  return wrong.empty() ? Status{} : at.refuse(cat("input_schema: ", wrong));
}

/// A tool with a version in its type is Anthropic's own: its members are as many as its versions.
Status read_tool(const At& at) {
  auto& tool = at.request().tools.emplace_back();
  const auto* type = at.value().find("type");
  const auto kind = text_member(at.value(), "type");
  if (type == nullptr || type->is(Type::null) || kind == "custom") return read_own_tool(at.member("custom", at.value()), tool);
  if (type->as_string() == nullptr) return at.member("type", *type).wrong_type(is_text);
  constexpr std::string_view own[] = {"web_search_", "web_fetch_", "code_execution_", "bash_",       "text_editor_",
                                      "computer_",   "memory_",    "tool_search_",    "mcp_toolset", "browser_"};
  const auto known = [&](std::string_view prefix) { return kind.starts_with(prefix); };
  if (std::ranges::none_of(own, known)) return at.member("type", *type).wrong_value("'custom', 'web_search_20250305', …");
  tool.built_in = kind;
  tool.name = text_member(at.value(), "name");
  return {};
}

Status read_tools(const At& at, ChatRequest& request) {
  Status status = at.each(is_object, read_tool);
  if (!status) return status;
  for (std::size_t i = 1; i < request.tools.size(); ++i) {
    const auto before = std::span{request.tools}.first(i);
    if (std::ranges::find(before, request.tools[i].name, &Tool::name) != before.end())
      return at.refuse("Tool names must be unique.");
  }
  return {};
}

struct Choosing {
  ChatRequest& request;
  ToolChoice choice;
  bool named = false;
};
Status take_single(const At& at, Choosing& into) {
  into.request.parallel_tool_calls = !*at.value().as_bool();
  return {};
}
Status take_chosen(const At& at, Choosing& into) {
  into.request.tool_named = at.text();
  into.named = true;
  return {};
}

template <ToolChoice Choice>
Status read_choice(const At& at, ChatRequest& request) {
  Choosing into{request, Choice};
  Status status;
  if constexpr (Choice == ToolChoice::named) {
    constexpr Row<Choosing> rows[] = {
        {"type", is_text}, {"name", is_text, take_chosen, true}, {"disable_parallel_tool_use", is_bool, take_single}};
    status = read_members(at, rows, into);
  } else if constexpr (Choice == ToolChoice::none) {
    constexpr Row<Choosing> rows[] = {{"type", is_text}};
    status = read_members(at, rows, into);
  } else {
    constexpr Row<Choosing> rows[] = {{"type", is_text}, {"disable_parallel_tool_use", is_bool, take_single}};
    status = read_members(at, rows, into);
  }
  request.tool_choice = Choice;
  return status;
}

Status read_tool_choice(const At& at, ChatRequest& request) {
  constexpr Variant<ChatRequest> kinds[] = {{"any", read_choice<ToolChoice::required>},
                                            {"auto", read_choice<ToolChoice::automatic>},
                                            {"none", read_choice<ToolChoice::none>},
                                            {"tool", read_choice<ToolChoice::named>}};
  return read_variant(at, "type", kinds, request);
}

// ---- Thinking and output ---------------------------------------------------------------------------------------------------

constexpr Row<ChatRequest> display_row = {"display", is_text, [](const At& at, ChatRequest&) {
                                            constexpr std::string_view words[] = {"summarized", "omitted"};
                                            return one_of(at, words);
                                          }};

Status read_enabled(const At& at, ChatRequest& request) {
  request.thoughts = true;
  constexpr Row<ChatRequest> rows[] = {
      {"type", is_text}, {"budget_tokens", is_whole, take_whole<&ChatRequest::budget, 1024>, true}, display_row};
  return read_members(at, rows, request);
}
Status read_adaptive(const At& at, ChatRequest& request) {
  request.thoughts = true;
  constexpr Row<ChatRequest> rows[] = {{"type", is_text}, display_row};
  return read_members(at, rows, request);
}
Status read_disabled(const At& at, ChatRequest& request) {
  request.thoughts = false;
  constexpr Row<ChatRequest> rows[] = {{"type", is_text}};
  return read_members(at, rows, request);
}
Status read_thinking(const At& at, ChatRequest& request) {
  constexpr Variant<ChatRequest> kinds[] = {{"adaptive", read_adaptive}, {"disabled", read_disabled}, {"enabled", read_enabled}};
  return read_variant(at, "type", kinds, request);
}

Status take_schema(const At& at, ChatRequest& request) {
  request.format = Format::json_schema;
  request.schema = at.value();
  const auto wrong = against_schema(at.value(), 0);
  return wrong.empty() ? Status{} : at.refuse(wrong);
}
Status read_format(const At& at, ChatRequest& request) {
  constexpr Variant<ChatRequest> kinds[] = {{"json_schema", [](const At& inner, ChatRequest& into) {
                                               constexpr Row<ChatRequest> rows[] = {{"type", is_text},
                                                                                    {"schema", is_object, take_schema, true}};
                                               return read_members(inner, rows, into);
                                             }}};
  return read_variant(at, "type", kinds, request);
}
Status take_effort(const At& at, ChatRequest& request) {
  request.effort = at.text();
  constexpr std::string_view words[] = {"low", "medium", "high", "xhigh", "max"};
  return one_of(at, words);
}
Status read_output_config(const At& at, ChatRequest& request) {
  constexpr Row<ChatRequest> rows[] = {{"effort", is_text, take_effort}, {"format", is_object, read_format}};
  return read_members(at, rows, request);
}

// ---- The request -----------------------------------------------------------------------------------------------------------

Status read_system(const At& at, ChatRequest& request) {
  // Before all messages, wherever it stands in the body.
  auto& turn = *request.turns.insert(request.turns.begin(), Turn{Role::system, {}});
  if (at.value().is(Type::string)) {
    turn.parts.push_back({.text = at.text()});
    return {};
  }
  return at.each(is_object, [&](const At& one) {
    constexpr Variant<Part> kinds[] = {{"text", read_anthropic_text}};
    return read_variant(one, "type", kinds, turn.parts.emplace_back());
  });
}

Status take_stop_sequences(const At& at, ChatRequest& request) {
  Status status = take_stops(at, 8191);
  const auto blank = [](const std::string& stop) { return stop.find_first_not_of(" \t\r\n") == std::string::npos; };
  if (!status || std::ranges::none_of(request.stop, blank)) return status;
  return at.refuse("each stop sequence must contain non-whitespace");
}

Status take_messages(const At& at, ChatRequest& request) {
  request.messages = keep(request, at.value().dump());
  return read_anthropic_messages(at);
}

constexpr Row<ChatRequest> rows[] = {
    {"model", is_text},
    {"messages", is_list, take_messages, true},
    {"max_tokens", is_whole, take_whole<&ChatRequest::max_tokens, 1>},
    {"system", is_text | is_list, read_system},
    {"stream", is_bool, take_bool<&ChatRequest::stream>},
    {"stop_sequences", is_list, take_stop_sequences},
    {"temperature", is_number, [](const At& at, ChatRequest&) { return take_sampling(at, "temperature", 0, 1); }},
    {"top_p", is_number, [](const At& at, ChatRequest&) { return take_sampling(at, "top_p", 0, 1); }},
    {"top_k", is_number, [](const At& at, ChatRequest&) { return take_sampling(at, "top_k", 0, 1e9); }},
    {"tools", is_list, read_tools},
    {"tool_choice", is_object, read_tool_choice},
    {"thinking", is_object, read_thinking},
    {"output_config", is_object, read_output_config},
    {"output_format", is_object, read_format},
    {"metadata", is_object,
     [](const At& at, ChatRequest& request) {
       constexpr Row<ChatRequest> inner[] = {
           {"user_id", is_text, [](const At& id, ChatRequest&) { return take_note(id, "user"); }}};
       return read_members(at, inner, request);
     }},
    {"service_tier", is_text,
     [](const At& at, ChatRequest&) {
       constexpr std::string_view tiers[] = {"auto", "standard_only"};
       Status status = one_of(at, tiers);
       return status ? take_note(at, "service_tier") : std::move(status);
     }},
    {"cache_control", is_object,
     [](const At& at, ChatRequest&) {
       std::string cache;
       Status status = take_cache_control(at, cache);
       return status ? take_note(at, "cache_control") : std::move(status);
     }},
    {"container", is_text | is_object},
    {"context_management", is_object},
    {"diagnostics", is_object},
    {"inference_geo", is_text},
    {"mcp_servers", is_list},
    {"speed", is_text},
    {"user_profile_id", is_text},
    {"workspace_id", is_text},
    {"anthropic_version", is_text},
};

const json::Value* sampled(const ChatRequest& request, std::string_view name) { return request.document.find(name); }

/// What thinking rules out (docs.anthropic.com, "Extended thinking: feature compatibility").
Status check_thinking(const ChatRequest& request) {
  if (!request.thoughts.value_or(false)) return {};
  if (request.budget && request.max_tokens && *request.budget >= *request.max_tokens) {
    return refuse_at("max_tokens", "must be greater than `thinking.budget_tokens`");
  }
  const auto* temperature = sampled(request, "temperature");
  if (temperature != nullptr && temperature->as_double() != 1.0) {
    return refuse_at("temperature", "may only be set to 1 when thinking is enabled");
  }
  const auto* top_p = sampled(request, "top_p");
  if (top_p != nullptr && top_p->as_double() < 0.95) {
    return refuse_at("top_p", "must be greater than or equal to 0.95 or unset when thinking is enabled");
  }
  if (sampled(request, "top_k") != nullptr) return refuse_at("top_k", "must be unset when thinking is enabled");
  if (request.tool_choice == ToolChoice::required || request.tool_choice == ToolChoice::named) {
    return refuse_at("", "Thinking may not be enabled when tool_choice forces tool use.");
  }
  if (!request.budget) return {};  // adaptive thinking asks nothing of the turns before
  for (std::size_t i = request.turns.size(); i-- > 0;) {
    const auto& turn = request.turns[i];
    if (turn.role == Role::user) return {};  // the loop of calls and results begins behind it
    if (turn.role != Role::assistant || turn.parts.front().kind == Part::Kind::thought) continue;
    const auto calls = [](const Part& part) { return part.kind == Part::Kind::call; };
    if (std::ranges::none_of(turn.parts, calls)) continue;
    return refuse_at(cat(turn.parts.front().wire_path, ".type"),
                     "Expected `thinking` or `redacted_thinking`, but found another block. When `thinking` is enabled, a final "
                     "`assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and "
                     "`tool_result` blocks).");
  }
  return {};
}

/// At most four (docs.anthropic.com, "Prompt caching: limitations").
Status check_cache_marks(const ChatRequest& request) {
  constexpr std::size_t most = 4;
  std::size_t marks = request.document.find("cache_control") != nullptr ? 1 : 0;
  const auto count = [&](const auto& list) {
    for (const auto& one : list) marks += one.cache.empty() ? 0U : 1U;
  };
  count(request.tools);
  for (const auto& turn : request.turns) {
    count(turn.parts);
    for (const auto& part : turn.parts) count(part.parts);
  }
  if (marks <= most) return {};
  return refuse_at("", cat("A maximum of ", most, " blocks with cache_control may be provided. Found ", marks, "."));
}

Status check_together(const Ask& ask, const ChatRequest& request) {
  const bool counting = ask.operation == Operation::count_tokens;
  const bool vertex = !ask.model.empty();
  const auto given = [&](std::string_view name) { return request.document.find(name) != nullptr; };
  if (!counting && !request.max_tokens) return missing_at("max_tokens");
  if (counting && given("max_tokens")) return unknown_at("", "max_tokens");
  if (vertex && !given("anthropic_version")) return missing_at("anthropic_version");
  if (vertex == given("model")) return vertex ? unknown_at("", "model") : missing_at("model");
  if (!vertex && given("anthropic_version")) return unknown_at("", "anthropic_version");
  if (given("tool_choice") && request.tools.empty()) {
    return refuse_at("tool_choice", "tool_choice may only be specified while providing tools.");
  }
  if (request.tool_choice == ToolChoice::named &&
      std::ranges::find(request.tools, request.tool_named, &Tool::name) == request.tools.end()) {
    return refuse_at("tool_choice", cat("Tool '", request.tool_named, "' not found in provided tools"));
  }
  Status marks = check_cache_marks(request);
  return marks ? check_thinking(request) : std::move(marks);
}

std::string count_document(const ChatRequest& request) { return cat(R"({"input_tokens":)", request.prompt_tokens, "}"); }

Status check_head(const wire::RequestHead& head, const Ask& ask) {
  if (!ask.model.empty() || head.find("anthropic-version")) return {};
  return refuse_at("anthropic-version", "header is required");
}

}  // namespace

const Words anthropic_words{.member = name_member,
                            .element = name_element,
                            .refuse = refuse_at,
                            .missing = missing_at,
                            .wrong_type = wrong_type_at,
                            .wrong_value = wrong_value_at,
                            .out_of_range = out_of_range,
                            .unknown = unknown_at};

Status read_anthropic(const Ask& ask, ChatRequest& out) {
  Status parsed = parse_document(ask, out);
  if (!parsed) return parsed;
  const auto* model = out.document.find("model");
  if (model != nullptr && model->as_string() != nullptr) out.model = *model->as_string();
  if (!ask.model.empty()) out.model = ask.model;
  Reading reading{
      .request = out, .words = anthropic_words, .strict = ask.strict.value_or(true), .issuer = {anthropic_form.name, ask.issuer}};
  Status status = read_members(At{reading, out.document, ""}, rows, out);
  if (!status) return status;
  settle(out);
  out.stream |= ask.stream;
  return check_together(ask, out);
}

const Form anthropic_form{.name = "anthropic",
                          .ids = {"msg_", "toolu_"},
                          .read = read_anthropic,
                          .document = anthropic_document,
                          .events = anthropic_events,
                          .count = count_document,
                          .failure = anthropic_failure,
                          .failure_event = anthropic_failure_event,
                          .framing = Framing::sse,
                          .done = {},
                          .id_line = "request-id: req_",
                          .check_head = check_head};

}  // namespace cardea::twin
