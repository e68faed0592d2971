// Whole answers of both forms, both directions, with usage and logprobs.

#include <algorithm>
#include <array>

#include "dialect/ollama/ollama.h"
#include "dialect/plain.h"
#include "dialect/turns.h"

namespace cardea::dialect::ollama_native {

using json::Type;
using json::Value;
using json::Writer;
using model::Answer;
using model::Choice;

namespace {

/// `value`: the message of a chat's answer, or all of a generated one; `key`: where its text is.
Status decode_said(const Value& value, std::string_view key, std::string_view path, Choice& out) {
  const auto at = [&](std::string_view name) { return path.empty() ? std::string{name} : cat(path, '.', name); };
  std::optional<std::string> text;
  std::optional<std::string> thought;
  model::Thinking thinking;
  const auto read_text = [&](std::string_view name, std::optional<std::string>& to) {
    const auto* member = given(value, name);
    return member != nullptr ? read(*member, at(name), to) : Status{};
  };
  auto status = read_text(key, text);
  if (status) status = read_text("thinking", thought);
  if (status) status = read_text("thinking_signature", thinking.signature);
  if (!status) return status;
  thinking.text = std::move(thought).value_or("");
  if (!thinking.text.empty() || thinking.signature) out.parts.push_back({.value = std::move(thinking)});
  if (text && !text->empty()) out.parts.push_back({.value = model::Text{.text = std::move(*text)}});
  if (const auto* images = given(value, "images")) status = decode_images(*images, at("images"), out.parts);
  const auto* calls = given(value, "tool_calls");
  if (status && calls != nullptr) status = decode_calls(*calls, at("tool_calls"), out.parts);
  return status;
}

Status decode_answer(const Value& value, Answer& out) {
  constexpr std::array<std::string_view, 13> known{
      "model", "created_at",  "message",  "response", "thinking",          "thinking_signature", "tool_calls",
      "done",  "done_reason", "logprobs", "images",   "prompt_eval_count", "eval_count"};
  if (given(value, "error") != nullptr)
    return fail(Kind::upstream_failed, "the upstream reported an error in place of an answer");
  const auto* message = given(value, "message");
  if (message == nullptr && given(value, "response") == nullptr)
    return fail(Kind::upstream_failed, "the upstream answered without a message");
  auto& choice = out.choices.emplace_back();
  Status status;
  if (message != nullptr) {
    if (!message->is(Type::object)) return wrong_type("message", "an object", message->type());
    status = decode_said(*message, "content", "message", choice);
    collect_extras(*message,
                   std::array<std::string_view, 6>{"role", "content", "thinking", "thinking_signature", "images", "tool_calls"},
                   choice.message_extras);
  } else {
    status = decode_said(value, "response", {}, choice);
  }
  if (!status) return status;
  if (const auto* word = text_at(value, "done_reason")) {
    choice.finish = finish_of(*word);
    if (*choice.finish == model::Finish::unknown) choice.finish_raw = *word;
    const bool calls = std::ranges::any_of(
        choice.parts, [](const model::Part& part) { return std::holds_alternative<model::ToolCall>(part.value); });
    if (calls && *choice.finish == model::Finish::stop) choice.finish = model::Finish::tool_calls;
  } else if (const auto* done = given(value, "done"); done != nullptr && done->as_bool().value_or(false)) {
    choice.finish = model::Finish::stop;  // older servers give no reason
  }
  if (const auto* logprobs = given(value, "logprobs")) choice.logprobs = decode_logprobs(*logprobs);
  if (const auto* name = text_at(value, "model")) out.model = *name;
  if (const auto* created = text_at(value, "created_at")) out.created = time_of(*created);
  out.usage = decode_usage(value);
  out.dialect = name_of(Form::chat);
  collect_extras(value, known, out.extras);
  return {};
}

TokenLogprob read_token(const Value& value) {
  TokenLogprob out{.token = {}, .logprob = "0", .top = {}};
  if (const auto* token = text_at(value, "token")) out.token = *token;
  if (const auto* number = given(value, "logprob"); number != nullptr && number->as_number() != nullptr) {
    out.logprob = *number->as_number();
  }
  if (const auto* top = given(value, "top_logprobs")) {
    for (const auto& other : top->elements()) out.top.push_back(read_token(other));
  }
  return out;
}

void write_token(Writer& w, const TokenLogprob& token) {
  w.begin_object().key("token").string(token.token).key("logprob").raw(token.logprob).key("bytes").begin_array();
  for (const char byte : token.token) w.number(static_cast<unsigned>(static_cast<unsigned char>(byte)));
  w.end_array();
  if (!token.top.empty()) {
    w.key("top_logprobs").begin_array();
    for (const auto& other : token.top) write_token(w, other);
    w.end_array();
  }
  w.end_object();
}

}  // namespace

std::optional<model::Usage> decode_usage(const Value& answer) {
  const auto count = [&](std::string_view key) {
    const auto* value = given(answer, key);
    return value != nullptr ? value->as_u64() : std::nullopt;
  };
  const model::Usage out{.input = count("prompt_eval_count"), .output = count("eval_count")};
  return out.input || out.output ? std::optional{out} : std::nullopt;
}

void encode_usage(Writer& w, const model::Usage& usage, Losses& losses) {
  lose_counts(usage, losses);
  if (usage.cache_read.value_or(0) != 0) losses.detail("usage.cache_read");
  if (usage.input || usage.cache_read || usage.cache_write) w.key("prompt_eval_count").number(usage.input_total());
  write(w, "eval_count", usage.output);
}

model::Json decode_logprobs(const Value& tokens) {
  std::vector<TokenLogprob> out;
  for (const auto& token : tokens.elements()) out.push_back(read_token(token));
  return logprobs_of(out);
}

void encode_logprobs(Writer& w, const model::Json& logprobs) {
  w.begin_array();
  for (const auto& token : tokens_of(logprobs)) write_token(w, token);
  w.end_array();
}

void encode_call(Writer& w, const model::ToolCall& call, std::uint64_t index, const model::Extras& extras, Whose whose) {
  const bool own = whose == Whose::own;
  w.begin_object();
  write(w, "id", call.id);
  w.key("function").begin_object().key("index").number(index).key("name").string(call.name);
  w.key("arguments").raw(arguments_object(call.arguments));
  if (own) write_inner(w, extras, "function");
  w.end_object();
  write(w, "signature", call.signature);
  if (own) write_extras(w, extras, std::array<std::string_view, 1>{"function"});
  w.end_object();
}

void encode_beside_text(Writer& w, const Said& said, Whose whose) {
  if (!said.thinking.empty()) w.key("thinking").string(said.thinking);
  write(w, "thinking_signature", said.signature);
  if (!said.images.empty()) {
    w.key("images").begin_array();
    for (const auto* part : said.images) w.string(*std::get<model::Image>(part->value).media.base64);
    w.end_array();
  }
  if (said.calls.empty()) return;
  w.key("tool_calls").begin_array();
  for (std::size_t i = 0; i < said.calls.size(); ++i) {
    encode_call(w, std::get<model::ToolCall>(said.calls[i]->value), i, said.calls[i]->extras, whose);
  }
  w.end_array();
}

Said gather_answer(const Choice& choice, Losses& losses) {
  Said out;
  std::size_t thoughts = 0;
  for (const auto& part : choice.parts) {
    if (const auto text = text_of(part)) {
      out.text += *text;
      const auto* cited = std::get_if<model::Text>(&part.value);
      if (cited != nullptr && !cited->citations.empty()) losses.detail("choices[0].message.citations");
    } else if (const auto* thinking = std::get_if<model::Thinking>(&part.value)) {
      if (!out.thinking.empty() && !thinking->text.empty()) out.thinking += "\n\n";
      out.thinking += thinking->text;
      const auto before = std::exchange(out.signature, thinking->signature);
      if (++thoughts == 1) continue;
      // A signature is of one text alone.
      if (before || out.signature) losses.detail("choices[0].message.thinking.signature");
      out.signature.reset();
    } else if (std::holds_alternative<model::ToolCall>(part.value)) {
      out.calls.push_back(&part);
    } else if (const auto* image = std::get_if<model::Image>(&part.value); image != nullptr && image->media.base64) {
      out.images.push_back(&part);
    } else {
      lose_answer_part(part, losses);
    }
  }
  return out;
}

Result<Answer> Ollama::decode_response(std::string_view body) const {
  auto value = json::parse(body, upstream_scan());
  if (!value) return fail_with(value);
  if (!value->is(Type::object)) return fail(Kind::upstream_protocol, "the upstream's answer must be a JSON object");
  Answer answer;
  auto status = decode_answer(*value, answer);
  answer.dialect = name_of(form_);
  if (status) return answer;
  // The readers know a client's faults only; here the upstream is at fault.
  if (status.error().is(Kind::bad_request))
    return fail(Kind::upstream_protocol, cat("the upstream's answer: ", status.error().message()));
  return fail_with(status);
}

std::string Ollama::encode_response(const Answer& answer, const AnswerContext& context, Losses& losses) const {
  const bool own = is_own(answer.dialect);
  static const Choice none;
  const auto* choice = only_choice(answer, losses);
  if (choice == nullptr) choice = &none;
  auto said = gather_answer(*choice, losses);
  if (form_ == Form::generate && said.signature) {
    losses.detail("choices[0].message.thinking.signature");
    said.signature.reset();
  }
  std::string out;
  Writer w{out};
  w.begin_object();
  write_or(w, "model", answer.model, context.model);
  if (const auto created = answer.created ? answer.created : instead(context.created)) {
    w.key("created_at").string(time_text(*created));
  }
  if (form_ == Form::chat) {
    w.key("message").begin_object().key("role").string("assistant").key("content").string(said.text);
    encode_beside_text(w, said, own ? Whose::own : Whose::foreign);
    if (own) write_extras(w, choice->message_extras, {});
    w.end_object();
  } else {
    w.key("response").string(said.text);
    encode_beside_text(w, said, own ? Whose::own : Whose::foreign);
  }
  w.key("done").boolean(true);
  if (choice->finish) {
    const bool raw = own && choice->finish_raw;
    w.key("done_reason").string(raw ? std::string_view{*choice->finish_raw} : word_of(*choice->finish));
    if (!raw && loses_finish(*choice->finish)) losses.detail("choices[0].finish_reason");
  }
  if (choice->stop_sequence) losses.detail("choices[0].stop_sequence");
  if (answer.usage) encode_usage(w, *answer.usage, losses);
  if (choice->logprobs) {
    w.key("logprobs");
    encode_logprobs(w, *choice->logprobs);
  }
  if (own) {
    write_extras(w, answer.extras, {});
  } else {
    lose_around_answer(answer, *choice, losses);
  }
  w.end_object();
  return out;
}

}  // namespace cardea::dialect::ollama_native
