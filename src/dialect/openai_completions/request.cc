// Requests, both directions.

#include <algorithm>
#include <array>

#include "dialect/openai_completions/openai_completions.h"

namespace cardea::dialect::completions {

using json::Type;
using json::Value;
using json::Writer;
using model::Chat;

namespace {

/// A field that is one optional of the model.
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
constexpr std::array fields{
    field<[](auto& c) -> auto& { return c.sampling.temperature; }>("temperature"),
    field<[](auto& c) -> auto& { return c.sampling.top_p; }>("top_p"),
    field<[](auto& c) -> auto& { return c.sampling.frequency_penalty; }>("frequency_penalty"),
    field<[](auto& c) -> auto& { return c.sampling.presence_penalty; }>("presence_penalty"),
    field<[](auto& c) -> auto& { return c.sampling.seed; }>("seed"),
    field<[](auto& c) -> auto& { return c.sampling.logit_bias; }>("logit_bias"),
    field<[](auto& c) -> auto& { return c.n; }>("n"),
    field<[](auto& c) -> auto& { return c.user; }>("user"),
    field<[](auto& c) -> auto& { return c.stream; }>("stream"),
};
// Of compatible servers (vLLM, llama.cpp), whose clients say them; OpenAI refuses them.
constexpr std::array own_fields{
    field<[](auto& c) -> auto& { return c.sampling.top_k; }>("top_k"),
    field<[](auto& c) -> auto& { return c.sampling.min_p; }>("min_p"),
    field<[](auto& c) -> auto& { return c.sampling.repetition_penalty; }>("repetition_penalty"),
};

Status decode_prompt(const Value& request, Chat& chat) {
  const auto* prompt = given(request, "prompt");
  if (prompt == nullptr) return bad_field("prompt", "is missing");
  if (prompt->is(Type::array)) {
    if (prompt->elements().empty()) return bad_field("prompt", "is empty");
    const auto& first = prompt->elements().front();
    const bool tokens = first.is(Type::number) || first.is(Type::array);
    if (tokens) return bad_field("prompt", "holds numbers of tokens, which mean nothing to this model; send text");
    if (prompt->elements().size() > 1) return bad_field("prompt", "holds several prompts; this model takes one a request");
    if (!first.is(Type::string)) return wrong_type("prompt[0]", "a string", first.type());
    prompt = &first;
  }
  if (!prompt->is(Type::string)) return wrong_type("prompt", "a string", prompt->type());
  auto& message = chat.messages.emplace_back();
  message.parts.push_back({.value = model::Text{.text = *prompt->as_string()}});
  std::optional<std::string> suffix;
  if (const auto* value = given(request, "suffix")) {
    auto status = read(*value, "suffix", suffix);
    if (!status) return status;
  }
  if (suffix && !suffix->empty()) message.parts.push_back(suffix_part(*suffix));
  return {};
}

/// How many of the likeliest tokens; 0 asks for the chosen ones alone.
Status decode_logprobs_field(const Value& value, std::string_view path, Chat& chat) {
  auto status = read(value, path, chat.top_logprobs);
  if (status) chat.logprobs = true;
  return status;
}

Status decode_stop(const Value& value, std::string_view path, Chat& chat) {
  if (const auto* text = value.as_string()) {
    chat.stop = std::vector<std::string>{*text};
    return {};
  }
  return read(value, path, chat.stop);
}

Status decode_stream_options(const Value& value, std::string_view path, Chat& chat) {
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  collect_inner(value, path, std::array<std::string_view, 1>{"include_usage"}, chat.extras);
  return read_member(value, "include_usage", path, chat.include_usage);
}

Status decode_limit(const Value& value, std::string_view path, Chat& chat) { return read(value, path, chat.limits.max_tokens); }

Status decode_echo(const Value& value, std::string_view path, Chat& chat) {
  std::optional<bool> echo;
  auto status = read(value, path, echo);
  if (echo.value_or(false)) chat.extras.push_back({std::string{path}, {"true"}});
  return status;
}

struct SpecialField {
  std::string_view key;
  Status (*decode)(const Value& value, std::string_view path, Chat& chat);
};
constexpr std::array<SpecialField, 5> special_fields{{{"max_tokens", decode_limit},
                                                      {"stop", decode_stop},
                                                      {"logprobs", decode_logprobs_field},
                                                      {"stream_options", decode_stream_options},
                                                      {"echo", decode_echo}}};

Status decode_fields(const Value& request, Chat& chat) {
  std::vector<std::string_view> known{"model", "prompt", "suffix"};
  const auto plain = [&](std::span<const Field> list) -> Status {
    for (const auto& one : list) {
      known.push_back(one.key);
      const auto* value = given(request, one.key);
      if (value == nullptr) continue;
      auto status = one.read(*value, one.key, chat);
      if (!status) return status;
    }
    return {};
  };
  auto status = plain(fields);
  if (status) status = plain(own_fields);
  if (!status) return status;
  for (const auto& special : special_fields) {
    known.push_back(special.key);
    const auto* value = given(request, special.key);
    if (value == nullptr) continue;
    status = special.decode(*value, special.key, chat);
    if (!status) return status;
  }
  collect_extras(request, known, chat.extras);
  return {};
}

// --- to an upstream ---------------------------------------------------------------------------------------------------------

constexpr std::string_view no_such_field = "openai_completions has no such field";

void encode_logprobs_field(Writer& w, const Chat& chat, const Encoding& encoding) {
  constexpr std::uint64_t most = 5;
  if (!chat.logprobs.value_or(false)) return;
  const auto asked = chat.top_logprobs.value_or(0);
  const bool cut = !encoding.own() && asked > most;
  if (cut) encoding.lose("top_logprobs", "OpenAI gives five at most");
  w.key("logprobs").number(cut ? most : asked);
}

void encode_stop(Writer& w, const Chat& chat, const Encoding& encoding) {
  constexpr std::size_t most = 4;
  if (!chat.stop || (chat.stop->empty() && !encoding.own())) return;
  const auto count = encoding.own() ? chat.stop->size() : std::min(chat.stop->size(), most);
  w.key("stop").begin_array();
  for (std::size_t i = 0; i < count; ++i) w.string((*chat.stop)[i]);
  w.end_array();
  if (count != chat.stop->size()) encoding.lose_meaning("stop", "OpenAI takes four at most");
}

void encode_stream_options(Writer& w, const Chat& chat, const Encoding& encoding) {
  const bool more = encoding.own() && std::ranges::find(chat.extras, "stream_options", &model::Extra::key) != chat.extras.end();
  if (!chat.include_usage && !more) return;
  w.key("stream_options").begin_object();
  write(w, "include_usage", chat.include_usage);
  if (encoding.own()) write_inner(w, chat.extras, "stream_options");
  w.end_object();
}

/// All that a prompt cannot say. What asks for another form of answer changes the meaning.
void lose_settings(const Chat& chat, const Encoding& encoding) {
  using Mode = model::ToolChoice::Mode;
  using Form = model::ResponseFormat::Kind;
  const auto meaning = [&](bool there, std::string name) {
    if (there) encoding.lose_meaning(std::move(name), no_such_field);
  };
  const auto detail = [&](bool there, std::string name) {
    if (there) encoding.lose(std::move(name), no_such_field);
  };
  const bool speaks = chat.modalities && std::ranges::any_of(*chat.modalities, [](const auto& word) { return word != "text"; });
  const bool none = chat.tool_choice && chat.tool_choice->mode == Mode::none;
  meaning(chat.tools && !chat.tools->empty() && !none, "tools");
  meaning(chat.response_format && chat.response_format->kind != Form::text, "response_format");
  meaning(speaks, "modalities");
  meaning(chat.web_search.has_value(), "web_search_options");
  detail(chat.parallel_tool_calls == false, "parallel_tool_calls");
  detail(chat.audio.has_value(), "audio");
  detail(chat.reasoning.has_value(), "reasoning");
  detail(chat.verbosity.has_value(), "verbosity");
  detail(chat.service_tier.has_value(), "service_tier");
  detail(chat.safety_identifier.has_value(), "safety_identifier");
  detail(chat.prompt_cache_key.has_value(), "prompt_cache_key");
  detail(chat.prompt_cache_retention.has_value(), "prompt_cache_retention");
  detail(chat.metadata.has_value(), "metadata");
  detail(chat.store.value_or(false), "store");
  detail(chat.prediction.has_value(), "prediction");
  detail(chat.safety.has_value(), "safety");
  detail(chat.sampling.top_k.has_value(), "top_k");
  detail(chat.sampling.min_p.has_value(), "min_p");
  detail(chat.sampling.repetition_penalty.has_value(), "repetition_penalty");
  encoding.lose_extras(chat.extras, {});
}

}  // namespace

Result<Chat> OpenAiCompletions::decode_request(std::string_view body, const Asked& /*asked: all of it is in the body*/) const {
  auto request = json::parse(body);
  if (!request) return fail_with(request);
  if (!request->is(Type::object))
    return fail(Kind::bad_request, cat("the request body must be a JSON object, not ", describe(request->type())));
  Chat chat;
  chat.dialect = dialect_name;
  const auto* model = given(*request, "model");
  if (model == nullptr) return bad_field("model", "is missing; name the model to use");
  if (!model->is(Type::string)) return wrong_type("model", "a string", model->type());
  chat.model = *model->as_string();
  auto status = decode_prompt(*request, chat);
  if (status) status = decode_fields(*request, chat);
  if (!status) return fail_with(status);
  return chat;
}

std::string OpenAiCompletions::encode_request(const Chat& chat, Losses& losses) const {
  const Encoding encoding{losses, origin_of(chat.dialect)};
  std::string out;
  Writer w{out};
  w.begin_object().key("model").string(chat.model).key("prompt").string(render_prompt(chat, encoding));
  for (const auto& message : chat.messages) {
    for (const auto& part : message.parts) write(w, "suffix", suffix_of(part));
  }
  for (const auto& one : fields) one.write(w, one.key, chat);
  write(w, "max_tokens", chat.limits.max_output_tokens ? chat.limits.max_output_tokens : chat.limits.max_tokens);
  encode_logprobs_field(w, chat, encoding);
  encode_stop(w, chat, encoding);
  encode_stream_options(w, chat, encoding);
  if (encoding.own()) {
    for (const auto& one : own_fields) one.write(w, one.key, chat);
    write_extras(w, chat.extras, std::array<std::string_view, 1>{"stream_options"});
  } else {
    lose_settings(chat, encoding);
  }
  w.end_object();
  return out;
}

}  // namespace cardea::dialect::completions
