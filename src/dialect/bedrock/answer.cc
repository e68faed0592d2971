// Whole answers, both directions.

#include <algorithm>
#include <array>

#include "dialect/bedrock/bedrock.h"
#include "dialect/plain.h"

namespace cardea::dialect::converse {

using json::Type;
using json::Value;
using json::Writer;
using model::Answer;
using model::Choice;

namespace {

constexpr std::string_view more_fields = "additionalModelResponseFields";

Status decode_message(const Value& output, Choice& choice) {
  constexpr std::array<std::string_view, 2> known{"role", "content"};
  const auto* message = given(output, "message");
  if (message == nullptr) return fail(Kind::upstream_failed, "the upstream answered without a message");
  if (!message->is(Type::object)) return wrong_type("output.message", "an object", message->type());
  collect_extras(*message, known, choice.message_extras);
  const auto* content = given(*message, "content");
  return content != nullptr ? decode_content(*content, "output.message.content", choice.parts) : Status{};
}

Status decode_answer(const Value& value, Answer& out) {
  constexpr std::array<std::string_view, 5> known{"output", "stopReason", "usage", "serviceTier", more_fields};
  constexpr std::array<std::string_view, 5> counts{"inputTokens", "outputTokens", "totalTokens", "cacheReadInputTokens",
                                                   "cacheWriteInputTokens"};
  constexpr std::array<std::string_view, 1> stop_sequence{"stop_sequence"};
  const auto* output = given(value, "output");
  if (output == nullptr) return fail(Kind::upstream_failed, "the upstream answered without an output");
  auto& choice = out.choices.emplace_back();
  auto status = decode_message(*output, choice);
  std::optional<std::string> finish;
  if (status) status = read_member(value, "stopReason", "", finish);
  if (!status) return status;
  if (finish) {
    choice.finish = finish_of(*finish);
    choice.finish_raw = raw_finish(*finish);
  }
  if (const auto* usage = given(value, "usage")) {
    out.usage = decode_usage(*usage);
    collect_inner(*usage, "usage", counts, out.extras);
  }
  if (const auto* tier = given(value, "serviceTier")) {
    const auto* type = text_at(*tier, "type");
    if (type != nullptr) out.service_tier = *type;
  }
  if (const auto* fields = given(value, more_fields)) {
    const auto* matched = text_at(*fields, "stop_sequence");
    if (matched != nullptr) choice.stop_sequence = *matched;
    collect_inner(*fields, more_fields, stop_sequence, out.extras);
  }
  out.dialect = dialect_name;
  collect_extras(value, known, out.extras);
  return {};
}

/// Did the client ask to be told which stop sequence ended the answer?
bool asked_stop(const model::Chat& request) {
  const auto paths = std::ranges::find(request.extras, std::string_view{"additionalModelResponseFieldPaths"}, &model::Extra::key);
  return paths != request.extras.end() && paths->value.text.find("\"/stop_sequence\"") != std::string::npos;
}

class AnswerEncoder {
 public:
  AnswerEncoder(const Answer& answer, const AnswerContext& context, Losses& losses)
      : answer_{answer},
        context_{context},
        encoding_{
            .losses = losses, .own = answer.dialect == dialect_name, .dialect = answer.dialect, .model = {}, .answer = true} {}

  std::string encode() {
    w_.begin_object();
    const Choice nothing;
    const Choice& choice = answer_.choices.empty() ? nothing : answer_.choices.front();
    message(choice);
    stop(choice);
    w_.key("usage");
    encode_usage_with_extras();
    if (!has("metrics")) w_.key("metrics").begin_object().key("latencyMs").number(0).end_object();
    fields(choice);
    tier();
    for (std::size_t i = 1; i < answer_.choices.size(); ++i)
      encoding_.lose_meaning(cat("choices[", i, ']'), "one answer a request");
    extras();
    w_.end_object();
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool has(std::string_view key) const {
    return encoding_.own && std::ranges::find(answer_.extras, key, &model::Extra::key) != answer_.extras.end();
  }
  void message(const Choice& choice) {
    std::vector<std::string> blocks;
    for (std::size_t i = 0; i < choice.parts.size(); ++i) {
      const auto path = cat("choices[0].message.content[", i, ']');
      encode_blocks(choice.parts[i], path, model::Role::assistant, encoding_, blocks, blocks);
    }
    w_.key("output").begin_object().key("message").begin_object().key("role").string("assistant").key("content").begin_array();
    for (const auto& block : blocks) w_.raw(block);
    w_.end_array();
    if (encoding_.own) {
      write_extras(w_, choice.message_extras, {});
    } else {
      for (const auto& extra : choice.message_extras) encoding_.lose(cat("choices[0].message.", extra.key));
    }
    for (const auto& extra : choice.extras) encoding_.lose(cat("choices[0].", extra.key));
    w_.end_object().end_object();
    if (choice.logprobs) encoding_.lose("choices[0].logprobs");
  }
  void stop(const Choice& choice) {
    if (!choice.finish) {
      if (encoding_.own) return;
      // The reference demands one.
      w_.key("stopReason").string(word_of(model::Finish::unknown));
      return encoding_.lose("choices[0].finish_reason", "not said by the upstream");
    }
    if (encoding_.own && choice.finish_raw) {
      w_.key("stopReason").string(*choice.finish_raw);
      return;
    }
    w_.key("stopReason").string(word_of(*choice.finish));
    if (loses_finish(*choice.finish)) encoding_.lose("choices[0].finish_reason", "told as the nearest");
  }
  void encode_usage_with_extras() {
    std::string usage;
    Writer w{usage};
    encode_usage(w, answer_.usage.value_or(model::Usage{}), encoding_.losses);
    if (has("usage")) {
      usage.pop_back();
      usage += ',';
      std::string more;
      Writer inner{more};
      inner.begin_object();
      write_inner(inner, answer_.extras, "usage");
      inner.end_object();
      usage += std::string_view{more}.substr(1);
    }
    w_.raw(usage);
  }
  void fields(const Choice& choice) {
    const bool stop = choice.stop_sequence && (encoding_.own || asked_stop(context_.request));
    if (!stop && !has(more_fields)) return;
    w_.key(more_fields).begin_object();
    if (stop) w_.key("stop_sequence").string(*choice.stop_sequence);
    if (encoding_.own) write_inner(w_, answer_.extras, more_fields);
    w_.end_object();
  }
  void tier() {
    if (!answer_.service_tier) return;
    const auto tier = encoding_.own ? std::string_view{*answer_.service_tier} : tier_of(*answer_.service_tier);
    if (tier.empty() || (tier == "auto" && !encoding_.own)) return encoding_.lose("service_tier");
    w_.key("serviceTier").begin_object().key("type").string(tier).end_object();
  }
  void extras() {
    constexpr std::array<std::string_view, 2> inside{"usage", more_fields};
    if (answer_.system_fingerprint) encoding_.lose("system_fingerprint");
    if (encoding_.own) return write_extras(w_, answer_.extras, inside);
    for (const auto& extra : answer_.extras) encoding_.lose(extra.key);
  }

  const Answer& answer_;
  const AnswerContext& context_;
  Encoding encoding_;
  std::string out_;
  Writer w_{out_};
};

}  // namespace

model::Usage decode_usage(const Value& usage) {
  const auto count = [&](std::string_view key) {
    const auto* value = usage.find(key);
    return value != nullptr ? value->as_u64() : std::nullopt;
  };
  // Bedrock's input tokens are those outside the cache ("Prompt caching", Bedrock's user guide).
  model::Usage out;
  out.input = count("inputTokens");
  out.cache_read = count("cacheReadInputTokens");
  out.cache_write = count("cacheWriteInputTokens");
  out.output = count("outputTokens");
  return out;
}

void encode_usage(Writer& w, const model::Usage& usage, Losses& losses) {
  w.begin_object().key("inputTokens").number(usage.input.value_or(0)).key("outputTokens").number(usage.output.value_or(0));
  w.key("totalTokens").number(usage.total());
  write(w, "cacheReadInputTokens", usage.cache_read);
  write(w, "cacheWriteInputTokens", usage.cache_write);
  w.end_object();
  const auto lose = [&](const model::Usage::Count& count, std::string_view name) {
    if (count.value_or(0) != 0) losses.detail(cat("usage.", name));
  };
  lose(usage.reasoning, "reasoning");
  lose(usage.input_audio, "input_audio");
  lose(usage.output_audio, "output_audio");
  lose(usage.accepted_prediction, "accepted_prediction");
  lose(usage.rejected_prediction, "rejected_prediction");
}

Result<Answer> Bedrock::decode_response(std::string_view body) const {
  auto value = json::parse(body, upstream_scan());
  if (!value) return fail_with(value);
  if (!value->is(Type::object)) return fail(Kind::upstream_protocol, "the upstream's answer must be a JSON object");
  Answer answer;
  auto status = decode_answer(*value, answer);
  if (status) return answer;
  // The readers know a client's faults only; here the upstream is at fault.
  if (status.error().is(Kind::bad_request)) {
    return fail(Kind::upstream_protocol, cat("the upstream's answer: ", status.error().message()));
  }
  return fail_with(status);
}

std::string Bedrock::encode_response(const Answer& answer, const AnswerContext& context, Losses& losses) const {
  return AnswerEncoder{answer, context, losses}.encode();
}

}  // namespace cardea::dialect::converse
