// Whole answers, both directions, with usage and logprobs.

#include <algorithm>
#include <array>
#include <cstdlib>

#include "dialect/cohere/cohere.h"
#include "dialect/plain.h"
#include "dialect/turns.h"

namespace cardea::dialect::cohere_v2 {

using json::Type;
using json::Value;
using json::Writer;
using model::Answer;
using model::Choice;

namespace {

Status decode_answer(const Value& value, Answer& out) {
  constexpr std::array<std::string_view, 5> known{"id", "finish_reason", "message", "usage", "logprobs"};
  const auto* message = given(value, "message");
  if (message != nullptr && message->is(Type::string))
    return fail(Kind::upstream_failed, "the upstream reported an error in place of an answer");
  if (message == nullptr) return fail(Kind::upstream_failed, "the upstream answered without a message");
  if (!message->is(Type::object)) return wrong_type("message", "an object", message->type());
  auto& choice = out.choices.emplace_back();
  auto status = decode_assistant(*message, "message", choice.parts, choice.message_extras);
  if (!status) return status;
  collect_extras(*message, assistant_fields(), choice.message_extras);
  if (const auto* word = text_at(value, "finish_reason")) {
    choice.finish = finish_of(*word);
    if (keeps_word(*word)) choice.finish_raw = *word;
  }
  if (const auto* logprobs = given(value, "logprobs")) choice.logprobs = decode_logprobs(logprobs->elements());
  if (const auto* usage = given(value, "usage")) out.usage = decode_usage(*usage);
  if (const auto* id = text_at(value, "id")) out.id = *id;
  out.dialect = dialect_name;
  collect_extras(value, known, out.extras);
  return {};
}

/// An answer's message. Text beside calls is the plan, as in requests.
class MessageWriter {
 public:
  MessageWriter(Writer& w, const Choice& choice, bool own, Losses& losses) : w_{w}, choice_{choice}, own_{own}, losses_{losses} {}

  void write_all() {
    const auto is_call = [](const model::Part& part) { return std::holds_alternative<model::ToolCall>(part.value); };
    const bool calls = std::ranges::any_of(choice_.parts, is_call);
    for (const auto& part : choice_.parts) {
      if (is_call(part)) {
        calls_.push_back(&part);
      } else if (sayable(part)) {
        (calls && text_of(part) ? plan_ : said_).push_back(&part);
      }
    }
    w_.begin_object().key("role").string("assistant");
    if (!said_.empty() || calls_.empty()) content();
    if (!calls_.empty()) plan_and_calls();
    citations();
    if (own_) write_extras(w_, choice_.message_extras, std::array<std::string_view, 1>{"citations"});
    w_.end_object();
  }

 private:
  using Parts = std::vector<const model::Part*>;

  bool sayable(const model::Part& part) {
    if (const auto* thinking = std::get_if<model::Thinking>(&part.value)) return !thinking->text.empty() || thinking->signature;
    const auto* opaque = std::get_if<model::Opaque>(&part.value);
    const bool said = opaque != nullptr ? own_ && opaque->dialect == dialect_name : text_of(part).has_value();
    if (!said) lose_answer_part(part, losses_);
    return said;
  }
  void content() {
    w_.key("content").begin_array();
    for (const auto* part : said_) {
      if (const auto* opaque = std::get_if<model::Opaque>(&part->value)) {
        w_.raw(opaque->value.text);
        continue;
      }
      w_.begin_object();
      if (const auto* thinking = std::get_if<model::Thinking>(&part->value)) {
        w_.key("type").string("thinking").key("thinking").string(thinking->text);
        write(w_, "signature", thinking->signature);
      } else {
        w_.key("type").string("text").key("text").string(*text_of(*part));
      }
      if (own_) write_extras(w_, part->extras, {});
      w_.end_object();
    }
    w_.end_array();
  }
  void plan_and_calls() {
    std::string plan;
    for (const auto* part : plan_) plan += *text_of(*part);
    if (!plan.empty()) w_.key("tool_plan").string(plan);
    w_.key("tool_calls").begin_array();
    for (const auto* part : calls_) encode_call(w_, *part, own_ ? Whose::own : Whose::foreign);
    w_.end_array();
  }
  void citations() {
    std::vector<std::string> said;
    const auto gather = [&](const model::Part& part, std::string_view type, std::optional<std::uint64_t> index) {
      const auto* text = std::get_if<model::Text>(&part.value);
      if (text == nullptr) return;
      for (const auto& citation : text->citations) {
        Writer w{said.emplace_back()};
        encode_citation(w, citation, {.type = type, .content_index = index, .text = text->text});
      }
    };
    for (std::size_t i = 0; i < said_.size(); ++i) gather(*said_[i], "TEXT_CONTENT", i);
    for (const auto* part : plan_) gather(*part, "PLAN", std::nullopt);
    const auto stray =
        own_ ? std::ranges::find(choice_.message_extras, "citations", &model::Extra::key) : choice_.message_extras.end();
    auto others = Value::array();
    if (stray != choice_.message_extras.end()) others = json::parse(stray->value.text).value_or(Value::array());
    if (said.empty() && others.elements().empty()) return;
    w_.key("citations").begin_array();
    for (const auto& one : said) w_.raw(one);
    for (const auto& other : others.elements()) w_.raw(other.dump());
    w_.end_array();
  }

  Writer& w_;
  const Choice& choice_;
  bool own_;
  Losses& losses_;
  Parts said_;
  Parts plan_;
  Parts calls_;
};

}  // namespace

// --- usage ------------------------------------------------------------------------------------------------------------------

/// `tokens` is what was processed; `billed_units` leaves out what the vendor adds to the prompt, and is read where a server says
/// nothing else. `cached_tokens` are among the input tokens.
model::Usage decode_usage(const Value& usage) {
  model::Usage out;
  for (const auto key : {"tokens", "billed_units"}) {
    const auto* counts = given(usage, key);
    if (counts == nullptr) continue;
    const auto count = [&](std::string_view name) {
      const auto* value = counts->find(name);
      if (value == nullptr) return std::optional<std::uint64_t>{};
      // Some servers write 12.0.
      const auto real = value->as_double();
      return value->as_u64() || !real || *real < 0 || *real > 1e15 ? value->as_u64()
                                                                   : std::optional{static_cast<std::uint64_t>(*real)};
    };
    if (!out.input) out.input = count("input_tokens");
    if (!out.output) out.output = count("output_tokens");
  }
  const auto* cached = given(usage, "cached_tokens");
  if (cached != nullptr) out.cache_read = cached->as_u64();
  if (out.cache_read && out.input) out.input = *out.input - std::min(*out.input, *out.cache_read);
  return out;
}

void encode_usage(Writer& w, const model::Usage& usage, Losses& losses) {
  lose_counts(usage, losses);
  const auto counts = [&](std::string_view key) {
    w.key(key).begin_object();
    if (usage.input || usage.cache_read || usage.cache_write) w.key("input_tokens").number(usage.input_total());
    write(w, "output_tokens", usage.output);
    w.end_object();
  };
  w.begin_object();
  counts("billed_units");
  counts("tokens");
  write(w, "cached_tokens", usage.cache_read);
  w.end_object();
}

// --- logprobs ---------------------------------------------------------------------------------------------------------------

namespace {

TokenLogprob decode_item(const Value& item) {
  TokenLogprob out{.token = {}, .logprob = "0", .top = {}};
  if (const auto* text = text_at(item, "text")) out.token = *text;
  const auto* numbers = given(item, "logprobs");
  if (numbers == nullptr || numbers->elements().empty()) return out;
  const auto& all = numbers->elements();
  if (all.size() == 1) {
    if (const auto* number = all[0].as_number()) out.logprob = *number;
    return out;
  }
  // A chunk of several tokens is as likely as all of them together.
  double sum = 0;
  for (const auto& number : all) sum += number.as_double().value_or(0);
  out.logprob.clear();
  Writer{out.logprob}.number(sum);
  return out;
}

void encode_item(Writer& w, std::span<const TokenLogprob> tokens) {
  std::string text;
  for (const auto& token : tokens) text += token.token;
  w.begin_object().key("text").string(text).key("token_ids").begin_array().end_array().key("logprobs").begin_array();
  for (const auto& token : tokens) w.raw(token.logprob);
  w.end_array().end_object();
}

}  // namespace

model::Json decode_logprobs(std::span<const Value> items) {
  std::vector<TokenLogprob> tokens;
  for (const auto& item : items) tokens.push_back(decode_item(item));
  return logprobs_of(tokens);
}

namespace {

void lose_alternatives(std::span<const TokenLogprob> tokens, Losses& losses) {
  const bool some = std::ranges::any_of(tokens, [](const TokenLogprob& token) { return !token.top.empty(); });
  if (some) losses.detail("choices[0].logprobs.top_logprobs", "of the chosen tokens alone");
}

}  // namespace

void encode_logprobs(Writer& w, const model::Json& logprobs, Losses& losses) {
  const auto tokens = tokens_of(logprobs);
  lose_alternatives(tokens, losses);
  w.begin_array();
  for (const auto& token : tokens) encode_item(w, {&token, 1});
  w.end_array();
}

void encode_logprobs_item(Writer& w, const model::Json& logprobs, Losses& losses) {
  const auto tokens = tokens_of(logprobs);
  lose_alternatives(tokens, losses);
  encode_item(w, tokens);
}

// --- answers ----------------------------------------------------------------------------------------------------------------

Result<Answer> Cohere::decode_response(std::string_view body) const {
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

std::string Cohere::encode_response(const Answer& answer, const AnswerContext& context, Losses& losses) const {
  const bool own = answer.dialect == dialect_name;
  const auto* choice = only_choice(answer, losses);
  static const Choice none;
  if (choice == nullptr) choice = &none;
  std::string out;
  Writer w{out};
  w.begin_object();
  write_or(w, "id", answer.id, context.id);
  if (choice->finish) {
    const bool raw = own && choice->finish_raw;
    w.key("finish_reason").string(raw ? std::string_view{*choice->finish_raw} : word_of(*choice->finish));
    if (!raw && loses_finish(*choice->finish)) losses.detail("choices[0].finish_reason");
  }
  if (choice->stop_sequence) losses.detail("choices[0].stop_sequence");
  w.key("message");
  MessageWriter{w, *choice, own, losses}.write_all();
  if (answer.usage) {
    w.key("usage");
    encode_usage(w, *answer.usage, losses);
  }
  if (choice->logprobs) {
    w.key("logprobs");
    encode_logprobs(w, *choice->logprobs, losses);
  }
  if (own) write_extras(w, answer.extras, {});
  if (!own) lose_around_answer(answer, *choice, losses);
  w.end_object();
  return out;
}

}  // namespace cardea::dialect::cohere_v2
