// Whole answers, both directions.

#include <array>

#include "dialect/openai_completions/openai_completions.h"

namespace cardea::dialect::completions {

using json::Type;
using json::Value;
using json::Writer;
using model::Answer;
using model::Choice;

namespace {

Status decode_choice(const Value& value, std::string_view path, Choice& out) {
  constexpr std::array<std::string_view, 4> known{"index", "text", "finish_reason", "logprobs"};
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto text = required_string(value, "text", path);
  if (!text) return fail_with(text);
  std::optional<std::uint64_t> index;
  std::optional<std::string> finish;
  auto status = read_member(value, "index", path, index);
  if (status) status = read_member(value, "finish_reason", path, finish);
  if (!status) return status;
  out.index = index.value_or(0);
  out.parts.push_back({.value = model::Text{.text = std::move(*text)}});
  if (finish) {
    out.finish = openai::finish_of(*finish);
    if (*out.finish == model::Finish::unknown) out.finish_raw = std::move(finish);
  }
  if (const auto* logprobs = given(value, "logprobs")) out.logprobs = decode_logprobs(*logprobs);
  collect_extras(value, known, out.extras);
  return {};
}

Status decode_answer(const Value& value, Answer& out) {
  constexpr std::array<std::string_view, 7> known{"id", "object", "created", "model", "choices", "usage", "system_fingerprint"};
  const auto text = [&](std::string_view key) -> std::optional<std::string> {
    const auto* found = text_at(value, key);
    return found != nullptr ? std::optional{*found} : std::nullopt;
  };
  if (const auto* error = given(value, "error")) return std::unexpected{reported_error_of(openai::tell(*error), {})};
  const auto* choices = given(value, "choices");
  if (choices == nullptr || choices->elements().empty()) {
    return fail(Kind::upstream_failed, "the upstream answered without choices");
  }
  for (std::size_t i = 0; i < choices->elements().size(); ++i) {
    auto status = decode_choice(choices->elements()[i], cat("choices[", i, ']'), out.choices.emplace_back());
    if (!status) return status;
  }
  out.dialect = dialect_name;
  out.id = text("id");
  out.model = text("model");
  out.system_fingerprint = text("system_fingerprint");
  if (const auto* created = given(value, "created")) out.created = created->as_u64();
  if (const auto* usage = given(value, "usage")) out.usage = openai::decode_usage(*usage);
  collect_extras(value, known, out.extras);
  return {};
}

/// All that is text; what is not is named.
std::string text_of(const Choice& choice, std::string_view path, const Encoding& encoding) {
  std::string out;
  for (std::size_t i = 0; i < choice.parts.size(); ++i) {
    const auto& part = choice.parts[i];
    const auto part_path = cat(path, ".content[", i, ']');
    if (const auto* text = std::get_if<model::Text>(&part.value)) {
      out += text->text;
      if (!text->citations.empty()) encoding.lose(cat(part_path, ".citations"), openai::no_such_field);
    } else if (const auto* refusal = std::get_if<model::Refusal>(&part.value)) {
      out += refusal->text;
    } else {
      encoding.lose(cat(part_path, '.', openai::kind_name(part)), "a completion is text alone");
    }
  }
  return out;
}

void encode_choice(Writer& w, const Choice& choice, const AnswerContext& context, const Encoding& encoding) {
  const auto path = cat("choices[", choice.index, ']');
  // An answer of this dialect brings its echo itself.
  const auto echo = encoding.own() ? std::string{} : echo_of(context.request);
  w.begin_object().key("index").number(choice.index).key("text").string(echo + text_of(choice, path, encoding));
  auto offset = encoding.own() ? 0 : openai::characters(echo);
  const auto logprobs = choice.logprobs ? encode_logprobs(*choice.logprobs, offset) : std::nullopt;
  w.key("logprobs").raw(logprobs.value_or("null")).key("finish_reason");
  if (choice.logprobs && !logprobs) encoding.lose(cat(path, ".logprobs"), "in a form of another vendor");
  if (!choice.finish) {
    w.null();
  } else if (encoding.own() && choice.finish_raw) {
    w.string(*choice.finish_raw);
  } else {
    w.string(word_of(*choice.finish));
    if (loses_finish(*choice.finish)) encoding.lose(cat(path, ".finish_reason"), "no word for it");
  }
  if (choice.stop_sequence) encoding.lose(cat(path, ".stop_sequence"), openai::no_such_field);
  if (encoding.own()) {
    write_extras(w, choice.extras, {});
  } else {
    encoding.lose_extras(choice.extras, path);
    encoding.lose_extras(choice.message_extras, cat(path, ".message"));
  }
  w.end_object();
}

}  // namespace

namespace {

bool is_call(model::Finish finish) { return finish == model::Finish::tool_calls || finish == model::Finish::function_call; }

}  // namespace

std::string_view word_of(model::Finish finish) noexcept { return is_call(finish) ? "stop" : openai::word_of({.finish = finish}); }
bool loses_finish(model::Finish finish) noexcept {
  return is_call(finish) || finish == model::Finish::refusal || openai::loses_finish(finish);
}

Result<Answer> OpenAiCompletions::decode_response(std::string_view body) const {
  auto value = json::parse(body, upstream_scan());
  if (!value) return fail_with(value);
  if (!value->is(Type::object)) return fail(Kind::upstream_protocol, "the upstream's answer must be a JSON object");
  Answer answer;
  auto status = decode_answer(*value, answer);
  if (status) return answer;
  // The readers know a client's faults only; here the upstream is at fault.
  if (status.error().is(Kind::bad_request))
    return fail(Kind::upstream_protocol, cat("the upstream's answer: ", status.error().message()));
  return fail_with(status);
}

std::string OpenAiCompletions::encode_response(const Answer& answer, const AnswerContext& context, Losses& losses) const {
  const Encoding encoding{losses, origin_of(answer.dialect)};
  std::string out;
  Writer w{out};
  w.begin_object();
  write_or(w, "id", answer.id, context.id);
  w.key("object").string("text_completion").key("created").number(answer.created.value_or(context.created));
  w.key("model").string(answer.model.value_or(context.model)).key("choices").begin_array();
  for (const auto& choice : answer.choices) encode_choice(w, choice, context, encoding);
  w.end_array();
  if (answer.usage) {
    w.key("usage");
    openai::encode_usage(w, *answer.usage, encoding.origin);
  }
  write(w, "system_fingerprint", answer.system_fingerprint);
  if (answer.service_tier) encoding.lose("service_tier", openai::no_such_field);
  if (encoding.own()) {
    write_extras(w, answer.extras, {});
  } else {
    encoding.lose_extras(answer.extras, {});
  }
  w.end_object();
  return out;
}

}  // namespace cardea::dialect::completions
