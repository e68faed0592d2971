// Whole answers, both directions.

#include <algorithm>
#include <array>

#include "dialect/gemini/gemini.h"
#include "dialect/plain.h"

namespace cardea::dialect::google {

using json::Type;
using json::Value;
using json::Writer;
using model::Answer;
using model::Choice;

namespace {

/// Which text each element of `parts` became.
using Texts = std::vector<std::optional<std::size_t>>;

Status decode_content(const Value& content, std::string_view path, Choice& out, Texts& texts) {
  constexpr std::array<std::string_view, 2> known{"role", "parts"};
  if (!content.is(Type::object)) return wrong_type(path, "an object", content.type());
  const auto parts = field(content, "parts");
  auto status = expect(parts, Type::array, path);
  const std::size_t count = status && parts ? parts.value->elements().size() : 0;
  for (std::size_t i = 0; status && i < count; ++i) {
    status = decode_part(parts.value->elements()[i], cat(path, ".parts[", i, ']'), out.parts);
    const bool text = !out.parts.empty() && std::holds_alternative<model::Text>(out.parts.back().value);
    texts.push_back(text ? std::optional{out.parts.size() - 1} : std::nullopt);
  }
  collect_rest(content, known, out.message_extras);
  return status;
}

/// Offsets in the candidate's whole text: the part in which the citation begins.
void place_in_whole(Cited& cited, Choice& choice) {
  std::uint64_t offset = 0;
  for (auto& part : choice.parts) {
    auto* text = std::get_if<model::Text>(&part.value);
    if (text == nullptr) continue;
    const auto size = text->text.size();
    if (!cited.placed || cited.start_byte < offset + size) {
      if (cited.placed) {
        cited.citation.start = characters_before(text->text, cited.start_byte - offset);
        cited.citation.end = characters_before(text->text, cited.end_byte - offset);
      }
      text->citations.push_back(std::move(cited.citation));
      return;
    }
    offset += size;
  }
}

void place(Cited cited, const Texts& texts, Choice& choice) {
  const bool there = cited.placed && cited.part < texts.size() && texts[cited.part];
  if (!there) {
    place_in_whole(cited, choice);
    return;
  }
  auto& text = std::get<model::Text>(choice.parts[*texts[cited.part]].value);
  cited.citation.start = characters_before(text.text, cited.start_byte);
  cited.citation.end = characters_before(text.text, cited.end_byte);
  text.citations.push_back(std::move(cited.citation));
}

Calls calls_of(const Choice& choice) {
  const bool some = std::ranges::any_of(
      choice.parts, [](const model::Part& part) { return std::holds_alternative<model::ToolCall>(part.value); });
  return some ? Calls::some : Calls::none;
}

Status decode_candidate(const Value& value, std::size_t position, Choice& out) {
  constexpr std::array<std::string_view, 4> known{"content", "finishReason", "index", "logprobsResult"};
  const auto path = cat("candidates[", position, ']');
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  Texts texts;
  Status status;
  if (const auto content = field(value, "content")) {
    status = decode_content(*content.value, below(path, content.key), out, texts);
  }
  std::optional<std::string> finish;
  if (status) status = read_field(value, "finishReason", path, finish);
  if (!status) return status;
  const auto index = field(value, "index");
  out.index = index ? count_of(*index.value).value_or(position) : position;
  if (finish && !finish->empty()) out.finish = finish_of(*finish, calls_of(out), out.finish_raw);
  if (const auto logprobs = field(value, "logprobsResult")) out.logprobs = decode_logprobs(*logprobs.value);
  for (auto& cited : citations_of(value)) place(std::move(cited), texts, out);
  collect_rest(value, known, out.extras);
  return {};
}

/// "If set, the prompt was blocked and no candidates are returned."
bool is_blocked(const Value& feedback) {
  const auto reason = field(feedback, "blockReason");
  return reason && reason.value->as_string() != nullptr;
}

Status decode_answer(const Value& value, Answer& out) {
  constexpr std::array<std::string_view, 5> known{"candidates", "usageMetadata", "modelVersion", "responseId", "createTime"};
  const auto text = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = field(value, name);
    return found && found.value->as_string() != nullptr ? std::optional{*found.value->as_string()} : std::nullopt;
  };
  const auto candidates = field(value, "candidates");
  const std::size_t count = candidates ? candidates.value->elements().size() : 0;
  for (std::size_t i = 0; i < count; ++i) {
    auto status = decode_candidate(candidates.value->elements()[i], i, out.choices.emplace_back());
    if (!status) return status;
  }
  if (out.choices.empty()) {
    const auto feedback = field(value, "promptFeedback");
    if (!feedback || !is_blocked(*feedback.value)) return fail(Kind::upstream_failed, "the upstream answered without candidates");
    out.choices.push_back({.index = 0, .parts = {}, .finish = model::Finish::content_filter});
  }
  out.dialect = dialect_name;
  out.id = text("responseId");
  out.model = text("modelVersion");
  if (const auto time = text("createTime")) out.created = time_of(*time);
  if (const auto usage = field(value, "usageMetadata")) out.usage = decode_usage(*usage.value);
  collect_rest(value, known, out.extras);
  return {};
}

bool has_extra(const model::Extras& extras, std::string_view key) {
  return std::ranges::any_of(extras, [&](const model::Extra& extra) { return same_name(extra.key, key); });
}

/// An answer in which no candidate was: the prompt was blocked.
bool was_blocked(const Answer& answer) {
  return answer.choices.size() == 1 && answer.choices.front().parts.empty() && has_extra(answer.extras, "promptFeedback");
}

void write_finish(Writer& w, const Choice& choice, std::string_view path, const Encoding& encoding) {
  if (!choice.finish) return;
  if (encoding.own && choice.finish_raw) {
    w.key("finishReason").string(*choice.finish_raw);
    return;
  }
  const auto word = word_of(*choice.finish);
  w.key("finishReason").string(word.word);
  if (!word.message.empty() && !has_extra(choice.extras, "finishMessage")) w.key("finishMessage").string(word.message);
  if (!word.exact) encoding.lose(cat(path, ".finish_reason"), "gemini has no such word");
  if (choice.stop_sequence) encoding.lose(cat(path, ".stop_sequence"));
}

void encode_candidate(Writer& w, const Choice& choice, std::size_t position, const Encoding& encoding) {
  const auto path = cat("choices[", position, ']');
  const bool grounded =
      encoding.own && (has_extra(choice.extras, "groundingMetadata") || has_extra(choice.extras, "citationMetadata"));
  std::vector<std::string> parts;
  PartsWriter writer{parts, encoding};
  GroundingWriter grounding;
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < choice.parts.size(); ++i) {
    writer.write(choice.parts[i], cat(path, ".content[", i, ']'));
    const auto* text = std::get_if<model::Text>(&choice.parts[i].value);
    if (text == nullptr) continue;
    const CitedText cited{.part = parts.empty() ? 0 : parts.size() - 1, .offset = offset, .text = text->text};
    for (const auto& citation : text->citations) {
      if (grounded) continue;
      grounding.add(cited, citation, GroundingWriter::Count::part);
      if (citation.document) encoding.lose(cat(path, ".content[", i, "].citations.document"), "gemini does not number them");
    }
    offset += text->text.size();
  }
  writer.finish();
  w.begin_object().key("content").begin_object();
  if (!parts.empty()) {
    w.key("parts").begin_array();
    for (const auto& part : parts) w.raw(part);
    w.end_array();
  }
  w.key("role").string("model");
  if (encoding.own) write_extras(w, choice.message_extras, {});
  w.end_object();
  write_finish(w, choice, path, encoding);
  w.key("index").number(choice.index);
  if (!grounding.empty()) {
    w.key("groundingMetadata");
    grounding.write(w);
  }
  if (choice.logprobs) {
    w.key("logprobsResult");
    write_logprobs(w, {&*choice.logprobs, 1});
  }
  if (encoding.own) {
    write_extras(w, choice.extras, {});
  } else {
    for (const auto& extra : choice.extras) encoding.lose(cat(path, '.', extra.key));
    for (const auto& extra : choice.message_extras) encoding.lose(cat(path, ".message.", extra.key));
  }
  w.end_object();
}

}  // namespace

Result<Answer> Gemini::decode_response(std::string_view body) const {
  auto value = json::parse(body, upstream_scan());
  if (!value) return fail_with(value);
  if (const auto* error = error_in(*value)) return std::unexpected{reported_error(*error, {})};
  if (!value->is(Type::object)) return fail(Kind::upstream_protocol, "the upstream's answer must be a JSON object");
  Answer answer;
  auto status = decode_answer(*value, answer);
  if (status) return answer;
  // The readers know a client's faults only; here the upstream is at fault.
  if (status.error().is(Kind::bad_request))
    return fail(Kind::upstream_protocol, cat("the upstream's answer: ", status.error().message()));
  return fail_with(status);
}

std::string Gemini::encode_response(const Answer& answer, const AnswerContext& context, Losses& losses) const {
  const Encoding encoding{.losses = losses, .own = answer.dialect == dialect_name, .answer = true};
  std::string out;
  Writer w{out};
  w.begin_object();
  if (!encoding.own || !was_blocked(answer)) {
    w.key("candidates").begin_array();
    for (std::size_t i = 0; i < answer.choices.size(); ++i) encode_candidate(w, answer.choices[i], i, encoding);
    w.end_array();
  }
  if (answer.usage) {
    w.key("usageMetadata");
    write_usage(w, *answer.usage);
    if (answer.usage->cache_write.value_or(0) != 0) encoding.lose("usage.cache_write", "counted as prompt tokens");
  }
  write_or(w, "modelVersion", answer.model, context.model);
  if (answer.created) w.key("createTime").string(time_text(*answer.created));
  write_or(w, "responseId", answer.id, context.id);
  if (answer.service_tier) encoding.lose("service_tier");
  if (answer.system_fingerprint) encoding.lose("system_fingerprint");
  if (encoding.own) {
    write_extras(w, answer.extras, {});
  } else {
    for (const auto& extra : answer.extras) encoding.lose(extra.key);
  }
  w.end_object();
  return out;
}

}  // namespace cardea::dialect::google
