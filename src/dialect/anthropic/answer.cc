// Whole answers, both directions.

#include <algorithm>
#include <array>

#include "dialect/anthropic/anthropic.h"
#include "dialect/plain.h"

namespace cardea::dialect::claude {

using json::Type;
using json::Value;
using json::Writer;
using model::Answer;
using model::Choice;

namespace {

std::optional<std::string> text_of(const Value& object, std::string_view key) {
  const auto* text = text_at(object, key);
  return text != nullptr ? std::optional{*text} : std::nullopt;
}

/// Zeros and "not known" say nothing, and every answer has them.
bool says_nothing(const Value& value) {
  if (value.is(Type::object)) return std::ranges::all_of(value.members(), [](const auto& m) { return says_nothing(m.second); });
  const auto* text = value.as_string();
  return value.as_u64() == 0u || value.is(Type::null) || (text != nullptr && (*text == "not_available" || *text == "global"));
}

/// The counts that the model holds no place for stay together: {"usage", {…}}.
void usage_extras(const Value& usage, model::Extras& out) {
  constexpr std::array<std::string_view, 6> known{"input_tokens",  "cache_creation_input_tokens", "cache_read_input_tokens",
                                                  "output_tokens", "output_tokens_details",       "service_tier"};
  auto rest = Value::object();
  for (const auto& [key, value] : usage.members()) {
    if (!says_nothing(value)) rest.edit_members().emplace_back(key, value);
  }
  collect_inner(rest, "usage", known, out);
}

Status decode_message(const Value& value, Answer& out) {
  constexpr std::array<std::string_view, 8> known{"id",      "type",        "role",          "model",
                                                  "content", "stop_reason", "stop_sequence", "usage"};
  const auto* content = given(value, "content");
  if (content == nullptr || !content->is(Type::array)) {
    return fail(Kind::upstream_failed, "the upstream answered without content");
  }
  out.dialect = dialect_name;
  out.id = text_of(value, "id");
  out.model = text_of(value, "model");
  auto& choice = out.choices.emplace_back();
  auto status = decode_content(*content, "content", choice.parts);
  if (!status) return status;
  if (auto word = text_of(value, "stop_reason")) {
    choice.finish = finish_of(*word);
    if (*choice.finish == model::Finish::unknown) choice.finish_raw = std::move(word);
  }
  choice.stop_sequence = text_of(value, "stop_sequence");
  if (const auto* usage = given(value, "usage")) {
    decode_usage(*usage, out.usage.emplace());
    if (const auto* tier = text_at(*usage, "service_tier")) out.service_tier = tier_of(*tier);
    usage_extras(*usage, out.extras);
  }
  collect_extras(value, known, out.extras);
  return {};
}

bool is_error(const Value& value) {
  const auto* type = text_at(value, "type");
  return (type != nullptr && *type == "error") || given(value, "error") != nullptr;
}

/// Writes one block; false when there is nothing to say.
struct AnswerBlock {
  Writer& w;
  const model::Part& part;
  std::string_view path;
  bool own;
  Losses& losses;

  bool lose(std::string_view what, std::string_view why) const {
    losses.meaning(cat(path, '.', what), why);
    return false;
  }
  void finish() const {
    if (own) {
      write_extras(w, part.extras, {});
    } else {
      for (const auto& extra : part.extras) losses.detail(cat(path, '.', extra.key), "another vendor's field");
    }
    w.end_object();
  }
  [[nodiscard]] bool text(std::string_view text, std::span<const model::Citation> citations) const {
    if (text.empty() && citations.empty()) return false;
    w.begin_object().key("type").string("text").key("text").string(text);
    if (!citations.empty()) {
      w.key("citations").begin_array();
      for (const auto& citation : citations) encode_citation(w, citation);
      w.end_array();
    }
    finish();
    return true;
  }
  bool operator()(const model::Text& value) const { return text(value.text, value.citations); }
  bool operator()(const model::Refusal& value) const { return text(value.text, {}); }
  bool operator()(const model::Thinking& value) const {
    if (value.redacted) {
      w.begin_object().key("type").string("redacted_thinking").key("data").string(*value.redacted);
    } else if (value.text.empty() && !value.signature) {
      return false;
    } else {
      w.begin_object().key("type").string("thinking").key("thinking").string(value.text);
      w.key("signature").string(value.signature.value_or(""));  // must be there
    }
    if (value.encrypted) losses.detail(cat(path, ".thinking.encrypted"), "not sealed for this client");
    finish();
    return true;
  }
  bool operator()(const model::ToolCall& value) const {
    w.begin_object().key("type").string("tool_use").key("id").string(value.id.value_or(""));
    w.key("name").string(value.name).key("input");
    if (!encode_input(w, value.arguments, value.kind)) {
      losses.detail(cat(path, ".tool_call.arguments"), "wrapped as they are no JSON object");
    }
    finish();
    return true;
  }
  bool operator()(const model::Opaque& value) const {
    if (value.dialect == dialect_name) {
      w.raw(value.value.text);
      return true;
    }
    losses.detail(cat(path, ".opaque"), "another vendor's item");
    return false;
  }
  bool operator()(const model::Audio& audio) const {
    const bool said = audio.transcript && text(*audio.transcript, {});
    if (!said) return lose("audio", "anthropic answers in text");
    losses.detail(cat(path, ".audio"), "its transcript is said");
    return true;
  }
  bool operator()(const model::Image&) const { return lose("image", "anthropic answers in text"); }
  bool operator()(const model::File&) const { return lose("file", "anthropic answers in text"); }
  bool operator()(const model::ToolResult&) const { return lose("tool_result", "no part of an answer"); }
};

/// Writes an answer; what Anthropic's has no place for is named.
class AnswerWriter {
 public:
  AnswerWriter(Writer& w, const Answer& answer, const AnswerContext& context, Losses& losses)
      : w_{w}, answer_{answer}, context_{context}, losses_{losses}, own_{answer.dialect == dialect_name} {}

  void write_all() {
    w_.begin_object();
    write_or(w_, "id", answer_.id, context_.id);
    w_.key("type").string("message").key("role").string("assistant");
    write_or(w_, "model", answer_.model, context_.model);
    content();
    stop();
    w_.key("usage");
    encode_usage(w_, answer_.usage.value_or(model::Usage{}), tier(), own_ ? &answer_.extras : nullptr);
    lose_counts();
    if (own_) {
      write_extras(w_, answer_.extras, std::array<std::string_view, 1>{"usage"});
    } else {
      for (const auto& extra : answer_.extras) losses_.detail(extra.key, "another vendor's field");
    }
    w_.end_object();
  }

 private:
  [[nodiscard]] const Choice& choice() const {
    static const Choice none{};
    return answer_.choices.empty() ? none : answer_.choices.front();
  }

  void content() {
    w_.key("content").begin_array();
    for (std::size_t i = 0; i < choice().parts.size(); ++i) {
      const auto& part = choice().parts[i];
      const auto path = cat("choices[0].content[", i, ']');
      if (!std::visit(AnswerBlock{w_, part, path, own_, losses_}, part.value)) continue;
      held_.calls = held_.calls || std::holds_alternative<model::ToolCall>(part.value);
      held_.refusal = held_.refusal || std::holds_alternative<model::Refusal>(part.value);
    }
    w_.end_array();
    for (std::size_t i = 1; i < answer_.choices.size(); ++i) {
      losses_.meaning(cat("choices[", i, ']'), "anthropic gives one answer");
    }
    if (choice().logprobs) losses_.detail("choices[0].logprobs", "anthropic tells none");
    if (own_) return;
    for (const auto& extra : choice().extras) losses_.detail(cat("choices[0].", extra.key), "another vendor's field");
    for (const auto& extra : choice().message_extras) losses_.detail(cat("choices[0].", extra.key), "another vendor's field");
  }

  void stop() {
    w_.key("stop_reason");
    if (own_ && !choice().finish) {
      w_.null();
    } else if (own_ && choice().finish_raw) {
      w_.string(*choice().finish_raw);
    } else {
      const auto finish = own_ ? *choice().finish : told_finish(choice().finish, held_);
      w_.string(word_of(finish));
      if (loses_finish(finish)) losses_.detail("choices[0].finish_reason", "the nearest word is said");
    }
    w_.key("stop_sequence");
    if (choice().stop_sequence) {
      w_.string(*choice().stop_sequence);
    } else {
      w_.null();
    }
  }

  std::string_view tier() {
    if (!answer_.service_tier) return {};
    const auto word = tier_word_of(*answer_.service_tier);
    if (!word.empty()) return word;
    if (own_) return *answer_.service_tier;
    losses_.detail("service_tier", "anthropic has no such tier");
    return {};
  }

  void lose_counts() {
    if (answer_.system_fingerprint) losses_.detail("system_fingerprint", "anthropic has none");
    if (!answer_.usage) return;
    const auto& usage = *answer_.usage;
    const auto lose = [&](std::string_view field, const model::Usage::Count& count) {
      if (count.value_or(0) != 0) losses_.detail(cat("usage.", field), "anthropic does not count it apart");
    };
    lose("input_audio", usage.input_audio);
    lose("output_audio", usage.output_audio);
    lose("accepted_prediction", usage.accepted_prediction);
    lose("rejected_prediction", usage.rejected_prediction);
  }

  Writer& w_;
  const Answer& answer_;
  const AnswerContext& context_;
  Losses& losses_;
  bool own_;
  Held held_;
};

}  // namespace

Result<Answer> Anthropic::decode_response(std::string_view body) const {
  auto value = json::parse(body, upstream_scan());
  if (!value) return fail_with(value);
  if (!value->is(Type::object)) return fail(Kind::upstream_protocol, "the upstream's answer must be a JSON object");
  if (is_error(*value)) return fail(Kind::upstream_failed, "the upstream reported an error in place of an answer");
  Answer answer;
  auto status = decode_message(*value, answer);
  if (status) return answer;
  // The readers know a client's faults only; here the upstream is at fault.
  if (status.error().is(Kind::bad_request))
    return fail(Kind::upstream_protocol, cat("the upstream's answer: ", status.error().message()));
  return fail_with(status);
}

std::string Anthropic::encode_response(const Answer& answer, const AnswerContext& context, Losses& losses) const {
  std::string out;
  Writer w{out};
  AnswerWriter{w, answer, context, losses}.write_all();
  return out;
}

}  // namespace cardea::dialect::claude
