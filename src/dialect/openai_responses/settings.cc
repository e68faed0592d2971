// What stands beside model and input: plain fields, tools, formats, reasoning; and what an answer repeats of it.

#include <algorithm>
#include <array>

#include "dialect/openai_chat/openai_chat.h"
#include "dialect/openai_responses/openai_responses.h"
#include "dialect/translate.h"

namespace cardea::dialect::responses {

using json::Type;
using json::Value;
using json::Writer;
using model::Chat;

namespace {

// --- plain fields, declared once for both directions ------------------------------------------------------------------------

struct Field {
  std::string_view key;
  Status (*read)(const Value& value, std::string_view path, Chat& chat);
  void (*write)(Writer& w, std::string_view key, const Chat& chat);
};
template <auto Slot>
constexpr Field field(std::string_view key) {
  return {key, [](const Value& value, std::string_view path, Chat& chat) { return read(value, path, Slot(chat)); },
          [](Writer& w, std::string_view name, const Chat& chat) { write(w, name, Slot(chat)); }};
}
constexpr std::array plain_fields{
    field<[](auto& c) -> auto& { return c.sampling.temperature; }>("temperature"),
    field<[](auto& c) -> auto& { return c.sampling.top_p; }>("top_p"),
    field<[](auto& c) -> auto& { return c.limits.max_output_tokens; }>("max_output_tokens"),
    field<[](auto& c) -> auto& { return c.top_logprobs; }>("top_logprobs"),
    field<[](auto& c) -> auto& { return c.parallel_tool_calls; }>("parallel_tool_calls"),
    field<[](auto& c) -> auto& { return c.service_tier; }>("service_tier"),
    field<[](auto& c) -> auto& { return c.user; }>("user"),
    field<[](auto& c) -> auto& { return c.safety_identifier; }>("safety_identifier"),
    field<[](auto& c) -> auto& { return c.prompt_cache_key; }>("prompt_cache_key"),
    field<[](auto& c) -> auto& { return c.prompt_cache_retention; }>("prompt_cache_retention"),
    field<[](auto& c) -> auto& { return c.store; }>("store"),
    field<[](auto& c) -> auto& { return c.stream; }>("stream"),
};

constexpr std::string_view wants_logprobs = "message.output_text.logprobs";
constexpr std::string_view wants_reasoning = "reasoning.encrypted_content";

// --- text -------------------------------------------------------------------------------------------------------------------

using Form = model::ResponseFormat::Kind;

Status decode_format(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto type = required_string(value, "type", path);
  if (!type) return fail_with(type);
  auto& out = chat.response_format.emplace();
  if (*type == "text") return {};
  if (*type == "json_object") {
    out.kind = Form::json_object;
    return {};
  }
  if (*type != "json_schema") {
    out.kind = Form::raw;
    out.raw = model::Json{value.dump()};
    return {};
  }
  out.kind = Form::json_schema;
  auto status = read_member(value, "name", path, out.name);
  if (status) status = read_member(value, "description", path, out.description);
  if (status) status = read_member(value, "schema", path, out.schema);
  if (status) status = read_member(value, "strict", path, out.strict);
  if (status && !out.schema) return bad_field(cat(path, ".schema"), "is missing");
  return status;
}

Status decode_text(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  collect_inner(value, "text", std::array<std::string_view, 2>{"format", "verbosity"}, chat.extras);
  auto status = read_member(value, "verbosity", path, chat.verbosity);
  const auto* format = given(value, "format");
  if (status && format != nullptr) status = decode_format(*format, cat(path, ".format"), chat);
  return status;
}

void encode_format(Writer& w, const model::ResponseFormat& format, const Encoding& encoding) {
  switch (format.kind) {
    case Form::text: w.key("format").begin_object().key("type").string("text").end_object(); break;
    case Form::json_object: w.key("format").begin_object().key("type").string("json_object").end_object(); break;
    case Form::json_schema:
      w.key("format").begin_object().key("type").string("json_schema");
      // Name and schema are demanded; some dialects have no name.
      if (format.name || !encoding.own()) w.key("name").string(format.name.value_or("answer"));
      write(w, "description", format.description);
      w.key("schema").raw(format.schema ? format.schema->text : "{}");
      write(w, "strict", format.strict);
      w.end_object();
      break;
    case Form::raw:
      if (encoding.own() && format.raw) {
        w.key("format").raw(format.raw->text);
      } else {
        encoding.losses.meaning("response_format", "openai_responses has no such format");
      }
  }
}

bool has_extra(const Chat& chat, std::string_view key) {
  return std::ranges::find(chat.extras, key, &model::Extra::key) != chat.extras.end();
}

void encode_text(Writer& w, const Chat& chat, const Encoding& encoding) {
  const bool more = encoding.own() && has_extra(chat, "text");
  if (!chat.response_format && !chat.verbosity && !more) return;
  const bool sayable = !chat.response_format || chat.response_format->kind != Form::raw || encoding.own();
  if (!sayable) encode_format(w, *chat.response_format, encoding);  // names the loss, writes nothing
  if (!sayable && !chat.verbosity) return;
  w.key("text").begin_object();
  if (chat.response_format && sayable) encode_format(w, *chat.response_format, encoding);
  write(w, "verbosity", chat.verbosity);
  if (encoding.own()) write_inner(w, chat.extras, "text");
  w.end_object();
}

// --- reasoning --------------------------------------------------------------------------------------------------------------

Status decode_reasoning(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto& out = chat.reasoning ? *chat.reasoning : chat.reasoning.emplace();
  collect_inner(value, "reasoning", std::array<std::string_view, 2>{"effort", "summary"}, chat.extras);
  auto status = read_member(value, "effort", path, out.effort);
  if (status) status = read_member(value, "summary", path, out.summary);
  return status;
}

/// `include` asks for logprobs, which the model has a place for; for encrypted reasoning, which the gateway always asks for where
/// there is reasoning; and for the details of built-in tools.
Status decode_include(const Value& value, std::string_view path, Chat& chat) {
  std::optional<std::vector<std::string>> include;
  auto status = read(value, path, include);
  if (!status) return status;
  if (std::erase(*include, wants_logprobs) != 0) chat.logprobs = true;
  if (std::erase(*include, wants_reasoning) != 0 && !chat.reasoning) chat.reasoning.emplace();
  if (include->empty()) return {};
  auto rest = Value::array();
  for (auto& word : *include) rest.edit_elements().push_back(Value::string(std::move(word)));
  chat.extras.push_back({"include", {rest.dump()}});
  return {};
}

/// The effort as asked, or the budget in its words (docs/losses.md). Thinking that is off, or as the model likes, is left to the
/// model: "none" is refused by all models that do not reason, and by some that do.
std::optional<std::string> effort_of(const model::Reasoning& reasoning, const Encoding& encoding) {
  constexpr std::string_view left = "left to the model";
  if (encoding.own()) return reasoning.effort;
  if (reasoning.mode == "disabled") {
    encoding.losses.detail("reasoning.mode", left);
    return std::nullopt;
  }
  if (reasoning.effort) {
    if (reasoning.budget_tokens) encoding.losses.detail("reasoning.budget_tokens", "said as an effort");
    return reasoning.effort;
  }
  if (!reasoning.budget_tokens) return std::nullopt;
  const auto effort = dialect::effort_of(*reasoning.budget_tokens);
  if (effort == "none") {
    encoding.losses.detail("reasoning.budget_tokens", left);
    return std::nullopt;
  }
  if (budget_of(effort) != *reasoning.budget_tokens) {
    encoding.losses.detail("reasoning.budget_tokens", cat("said as the effort ", effort));
  }
  return std::string{effort};
}

/// A summary is the only view of the thoughts there is. Where others show them unless told otherwise, it is asked for.
std::optional<std::string> summary_of(const model::Reasoning& reasoning) {
  if (reasoning.summary) return reasoning.summary;
  const bool thinks = reasoning.mode == "enabled" || reasoning.mode == "adaptive";
  if (reasoning.mode == "disabled" || reasoning.effort == "none") return std::nullopt;
  return reasoning.include.value_or(thinks) ? std::optional<std::string>{"auto"} : std::nullopt;
}

bool encode_reasoning(Writer& w, const Chat& chat, const Encoding& encoding) {
  if (!chat.reasoning) return false;
  const auto effort = effort_of(*chat.reasoning, encoding);
  const auto summary = summary_of(*chat.reasoning);
  if (effort || summary || (encoding.own() && has_extra(chat, "reasoning"))) {
    w.key("reasoning").begin_object();
    write(w, "effort", effort);
    write(w, "summary", summary);
    if (encoding.own()) write_inner(w, chat.extras, "reasoning");
    w.end_object();
  }
  // A later turn needs the thoughts back, and only their encrypted form can be given back. Nothing was asked of thoughts when the
  // member is there but empty, unless by a client of this dialect.
  const bool asked = effort || summary || encoding.own();
  return asked && effort != "none";
}

void encode_include(Writer& w, const Chat& chat, const Encoding& encoding, bool reasons) {
  const auto more =
      encoding.own() ? std::ranges::find(chat.extras, std::string_view{"include"}, &model::Extra::key) : chat.extras.end();
  const bool logprobs = chat.logprobs.value_or(false);
  if (!logprobs && !reasons && more == chat.extras.end()) return;
  w.key("include").begin_array();
  if (logprobs) w.string(wants_logprobs);
  if (reasons) w.string(wants_reasoning);
  const auto rest = more != chat.extras.end() ? json::parse(more->value.text) : Result<Value>{Value{}};
  for (const auto& word : rest->elements()) w.raw(word.dump());
  w.end_array();
}

// --- the rest ---------------------------------------------------------------------------------------------------------------

Status decode_metadata(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  chat.metadata.emplace();
  for (const auto& [key, member] : value.members()) {
    const auto* text = member.as_string();
    if (text == nullptr) return wrong_type(cat(path, '.', key), "a string", member.type());
    chat.metadata->push_back({key, *text});
  }
  return {};
}

struct SpecialField {
  std::string_view key;
  Status (*decode)(const Value& value, std::string_view path, Chat& chat);
};
constexpr std::array<SpecialField, 6> special_fields{{
    {"tools", decode_tools},
    {"tool_choice", decode_tool_choice},
    {"text", decode_text},
    {"reasoning", decode_reasoning},
    {"include", decode_include},
    {"metadata", decode_metadata},
}};

void encode_metadata(Writer& w, const std::vector<model::Metadata>& metadata) {
  w.key("metadata").begin_object();
  for (const auto& entry : metadata) w.key(entry.key).string(entry.value);
  w.end_object();
}

bool is_zero(const std::optional<model::Number>& number) {
  const auto value = number ? json::parse(number->text) : Result<Value>{Value{}};
  return value && value->as_double() == 0.0;
}

/// What this dialect has no word for.
void lose_settings(const Chat& chat, Losses& losses) {
  constexpr std::string_view none = "openai_responses has no such field";
  const auto meaning = [&](bool there, std::string field) {
    if (there) losses.meaning(std::move(field), none);
  };
  const auto detail = [&](bool there, std::string field) {
    if (there) losses.detail(std::move(field), none);
  };
  const auto& sampling = chat.sampling;
  meaning(chat.stop && !chat.stop->empty(), "stop");
  meaning(chat.n.value_or(1) > 1, "n");
  const bool speaks = chat.modalities && std::ranges::any_of(*chat.modalities, [](const auto& word) { return word != "text"; });
  meaning(speaks, "modalities");
  detail(chat.audio.has_value(), "audio");
  detail(sampling.top_k.has_value(), "top_k");
  detail(sampling.min_p.has_value(), "min_p");
  detail(sampling.frequency_penalty && !is_zero(sampling.frequency_penalty), "frequency_penalty");
  detail(sampling.presence_penalty && !is_zero(sampling.presence_penalty), "presence_penalty");
  detail(sampling.repetition_penalty.has_value(), "repetition_penalty");
  detail(sampling.seed.has_value(), "seed");
  detail(sampling.logit_bias.has_value() && sampling.logit_bias->text != "{}", "logit_bias");
  detail(chat.prediction.has_value(), "prediction");
  detail(chat.safety.has_value(), "safety");
}

/// The reference's range; a number outside it would be refused.
void encode_bounded(Writer& w, std::string_view key, const std::optional<model::Number>& number, double most, Losses& losses) {
  if (!number) return;
  const auto value = json::parse(number->text);
  const auto asked = value ? value->as_double() : std::nullopt;
  if (!asked || (*asked >= 0 && *asked <= most)) return write(w, key, number);
  w.key(key).number(*asked < 0 ? 0.0 : most);
  losses.detail(std::string{key}, cat("brought into 0 to ", static_cast<int>(most)));
}

void encode_limit(Writer& w, const model::Limits& limits, const Encoding& encoding) {
  constexpr std::uint64_t least = 16;  // in the reference
  const auto asked = limits.max_output_tokens ? limits.max_output_tokens : limits.max_tokens;
  if (!asked) return;
  const bool raised = !encoding.own() && *asked < least;
  if (raised) encoding.losses.detail("max_output_tokens", "raised to 16 which is the least");
  w.key("max_output_tokens").number(raised ? least : *asked);
}

void encode_service_tier(Writer& w, const std::optional<std::string>& tier, const Encoding& encoding) {
  if (!tier) return;
  const std::string_view word = encoding.own() ? std::string_view{*tier} : openai::tier_word(*tier);
  if (word.empty() && !encoding.own()) {
    encoding.losses.detail("service_tier", "a word of another vendor");
  } else {
    w.key("service_tier").string(word);
  }
}

constexpr std::array<std::string_view, 3> inner_extras{"text", "reasoning", "include"};

void encode_extras(Writer& w, const Chat& chat, const Encoding& encoding) {
  if (!encoding.own()) {
    for (const auto& extra : chat.extras) encoding.losses.detail(extra.key);
    return;
  }
  write_extras(w, chat.extras, inner_extras);
}

}  // namespace

Status decode_settings(const Value& request, Chat& chat) {
  std::vector<std::string_view> known{"model", "input", "instructions"};
  for (const auto& plain : plain_fields) {
    known.push_back(plain.key);
    const auto* value = given(request, plain.key);
    if (value == nullptr) continue;
    auto status = plain.read(*value, plain.key, chat);
    if (!status) return status;
  }
  for (const auto& special : special_fields) {
    known.push_back(special.key);
    const auto* value = given(request, special.key);
    if (value == nullptr) continue;
    auto status = special.decode(*value, special.key, chat);
    if (!status) return status;
  }
  collect_extras(request, known, chat.extras);
  return {};
}

void encode_settings(Writer& w, const Chat& chat, const Encoding& encoding, Returns returns) {
  const bool tools = encode_tools(w, chat, encoding);
  // Without the tools that were left out there is nothing to choose from.
  if (chat.tool_choice && (tools || !chat.tools)) encode_tool_choice(w, *chat.tool_choice, encoding);
  encode_text(w, chat, encoding);
  const bool reasons = encode_reasoning(w, chat, encoding) || returns == Returns::reasoning;
  encode_include(w, chat, encoding, reasons);
  for (const auto& plain : plain_fields) {
    if (plain.key == "temperature" && !encoding.own()) {
      encode_bounded(w, plain.key, chat.sampling.temperature, 2, encoding.losses);
    } else if (plain.key == "top_p" && !encoding.own()) {
      encode_bounded(w, plain.key, chat.sampling.top_p, 1, encoding.losses);
    } else if (plain.key == "max_output_tokens") {
      encode_limit(w, chat.limits, encoding);
    } else if (plain.key == "service_tier") {
      encode_service_tier(w, chat.service_tier, encoding);
    } else {
      plain.write(w, plain.key, chat);
    }
  }
  if (chat.metadata) encode_metadata(w, *chat.metadata);
  encode_extras(w, chat, encoding);
  lose_settings(chat, encoding.losses);
}

const std::string* instructions_of(const Chat& chat) noexcept {
  if (chat.messages.size() < 2) return nullptr;  // an input must be left
  const auto& first = chat.messages.front();
  if (first.place.path.starts_with("input")) return nullptr;  // an item it was, and an item it stays
  const bool plain = first.role == model::Role::system && !first.name && first.extras.empty() && first.parts.size() == 1;
  if (!plain || !is_plain_text(first.parts.front(), origin_of(chat.dialect))) return nullptr;
  return &std::get<model::Text>(first.parts.front().value).text;
}

namespace {

/// Written when asked for, else `otherwise` (empty: nothing).
void echo_extra(Writer& w, const Chat& request, std::string_view key, std::string_view otherwise) {
  const auto found = std::ranges::find(request.extras, key, &model::Extra::key);
  const std::string_view value = found != request.extras.end() ? std::string_view{found->value.text} : otherwise;
  if (!value.empty()) w.key(key).raw(value);
}

template <class T>
void echo(Writer& w, std::string_view key, const std::optional<T>& value) {
  if (value) {
    write(w, key, value);
  } else {
    w.key(key).null();
  }
}

}  // namespace

void encode_echo(Writer& w, const Chat& request) {
  Losses unsaid;  // were named when the request was translated
  const Encoding encoding{.losses = unsaid, .origin = origin_of(request.dialect)};
  w.key("instructions");
  if (const auto* instructions = instructions_of(request)) {
    w.string(*instructions);
  } else {
    w.null();
  }
  echo(w, "max_output_tokens", request.limits.max_output_tokens ? request.limits.max_output_tokens : request.limits.max_tokens);
  w.key("parallel_tool_calls").boolean(request.parallel_tool_calls.value_or(true));
  echo_extra(w, request, "previous_response_id", "null");
  const auto reasoning = request.reasoning.value_or(model::Reasoning{});
  w.key("reasoning").begin_object();
  echo(w, "effort", reasoning.effort);
  echo(w, "summary", reasoning.summary);
  w.end_object();
  echo(w, "temperature", request.sampling.temperature);
  w.key("text").begin_object();
  encode_format(w, request.response_format.value_or(model::ResponseFormat{}), encoding);
  write(w, "verbosity", request.verbosity);
  w.end_object();
  encode_tool_choice(w, request.tool_choice.value_or(model::ToolChoice{}), encoding);
  if (!encode_tools(w, request, encoding)) w.key("tools").begin_array().end_array();
  echo(w, "top_p", request.sampling.top_p);
  echo_extra(w, request, "truncation", R"("disabled")");
  for (const auto key : {"background", "max_tool_calls", "prompt"}) echo_extra(w, request, key, {});
  write(w, "top_logprobs", request.top_logprobs);
  write(w, "store", request.store);
  write(w, "user", request.user);
  write(w, "safety_identifier", request.safety_identifier);
  write(w, "prompt_cache_key", request.prompt_cache_key);
  write(w, "prompt_cache_retention", request.prompt_cache_retention);
  encode_metadata(w, request.metadata.value_or(std::vector<model::Metadata>{}));
}

}  // namespace cardea::dialect::responses
