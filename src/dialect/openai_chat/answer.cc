// Whole answers, both directions.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"

namespace cardea::dialect::openai {

using json::Type;
using json::Value;
using json::Writer;
using model::Answer;
using model::Choice;

namespace {

Status decode_choice(const Value& value, std::string_view path, Choice& out) {
  constexpr std::array<std::string_view, 4> known{"index", "message", "finish_reason", "logprobs"};
  if (!value.is(Type::object)) return wrong_type(path, "an object", value.type());
  auto message = required_object(value, "message", path);
  if (!message) return fail_with(message);
  std::optional<std::uint64_t> index;
  std::optional<std::string> finish;
  auto status = read_member(value, "index", path, index);
  if (status) status = read_member(value, "finish_reason", path, finish);
  if (status) status = read_member(value, "logprobs", path, out.logprobs);
  if (status) status = decode_assistant(**message, cat(path, ".message"), out.parts);
  if (!status) return status;
  if (index) out.index = *index;
  if (finish) {
    out.finish = finish_of(*finish);
    if (*out.finish == model::Finish::unknown) out.finish_raw = std::move(finish);
  }
  collect_extras(value, known, out.extras);
  std::vector<std::string_view> known_message{"role"};
  known_message.insert(known_message.end(), assistant_fields().begin(), assistant_fields().end());
  collect_extras(**message, known_message, out.message_extras);
  return {};
}

Status decode_answer(const Value& value, Answer& out) {
  constexpr std::array<std::string_view, 8> known{"id",      "object", "created",      "model",
                                                  "choices", "usage",  "service_tier", "system_fingerprint"};
  const auto text = [&](std::string_view key) -> std::optional<std::string> {
    const auto* member = given(value, key);
    return member != nullptr && member->as_string() != nullptr ? std::optional{*member->as_string()} : std::nullopt;
  };
  if (given(value, "error") != nullptr)
    return fail(Kind::upstream_failed, "the upstream reported an error in place of an answer");
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
  out.service_tier = text("service_tier");
  out.system_fingerprint = text("system_fingerprint");
  if (const auto* created = given(value, "created")) out.created = created->as_u64();
  if (const auto* usage = given(value, "usage")) out.usage = decode_usage(*usage);
  collect_extras(value, known, out.extras);
  return {};
}

/// Characters (code points), in which OpenAI counts its citations' offsets.
std::uint64_t characters(std::string_view text) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// An answer's message: one text, one refusal, one reasoning text, audio, calls.
class MessageWriter {
 public:
  MessageWriter(Writer& w, const Choice& choice, std::string path, const Encoding& encoding)
      : w_{w}, choice_{choice}, path_{std::move(path)}, encoding_{encoding} {}

  void write_all() {
    for (const auto& part : choice_.parts) std::visit([&](const auto& value) { gather(value, part); }, part.value);
    w_.begin_object().key("role").string("assistant").key("content");
    text_or_null(text_, has_text_);
    w_.key("refusal");
    text_or_null(refusal_, has_refusal_);
    if (!thinking_.empty()) w_.key("reasoning_content").string(thinking_);
    if (audio_ != nullptr) write_audio();
    if (!calls_.empty()) {
      w_.key("tool_calls").begin_array();
      for (const auto* part : calls_) encode_tool_call(w_, *part, encoding_);
      w_.end_array();
    }
    if (legacy_ != nullptr) {
      w_.key("function_call").begin_object().key("name").string(legacy_->name).key("arguments").string(legacy_->arguments);
      w_.end_object();
    }
    if (has_citations_) write_citations();
    if (encoding_.own) write_extras(w_, choice_.message_extras, std::array<std::string_view, 1>{"audio"});
    w_.end_object();
  }

 private:
  void text_or_null(std::string_view text, bool there) {
    // The reference demands both members, null when there is nothing to say.
    if (there) {
      w_.string(text);
    } else {
      w_.null();
    }
  }
  void gather(const model::Text& text, const model::Part&) {
    has_text_ = true;
    text_ += text.text;
    has_citations_ = has_citations_ || !text.citations.empty();
  }
  void gather(const model::Refusal& refusal, const model::Part&) {
    has_refusal_ = true;
    refusal_ += refusal.text;
  }
  void gather(const model::Thinking& thinking, const model::Part&) {
    thinking_ += thinking.text;
    if (thinking.signature || thinking.redacted || thinking.encrypted) encoding_.lose(cat(path_, ".thinking"));
  }
  void gather(const model::ToolCall& call, const model::Part& part) {
    if (call.id) {
      calls_.push_back(&part);
    } else {
      legacy_ = &call;
    }
  }
  void gather(const model::Audio& audio, const model::Part& part) {
    audio_ = &audio;
    audio_part_ = &part;
  }
  template <class Other>
  void gather(const Other&, const model::Part& part) {
    constexpr std::array<std::string_view, 9> names{"text",     "image",     "audio",       "file",  "refusal",
                                                    "thinking", "tool_call", "tool_result", "opaque"};
    encoding_.lose(cat(path_, '.', names[part.value.index()]));
  }
  void write_audio() {
    w_.key("audio").begin_object();
    write(w_, "id", audio_->media.id);
    write(w_, "data", audio_->media.base64);
    write(w_, "expires_at", audio_->expires_at);
    write(w_, "transcript", audio_->transcript);
    if (encoding_.own) write_inner(w_, audio_part_->extras, "audio");
    w_.end_object();
  }
  void write_citations() {
    std::uint64_t shift = 0;
    w_.key("annotations").begin_array();
    for (const auto& part : choice_.parts) {
      const auto* text = std::get_if<model::Text>(&part.value);
      if (text == nullptr) continue;
      for (const auto& citation : text->citations) encode_citation(w_, citation, shift);
      shift += characters(text->text);
    }
    w_.end_array();
  }

  Writer& w_;
  const Choice& choice_;
  std::string path_;
  const Encoding& encoding_;
  std::string text_;
  std::string refusal_;
  std::string thinking_;
  std::vector<const model::Part*> calls_;
  const model::ToolCall* legacy_ = nullptr;
  const model::Audio* audio_ = nullptr;
  const model::Part* audio_part_ = nullptr;
  bool has_text_ = false;
  bool has_refusal_ = false;
  bool has_citations_ = false;
};

void encode_choice(Writer& w, const Choice& choice, std::string_view path, const Encoding& encoding) {
  w.begin_object().key("index").number(choice.index).key("message");
  MessageWriter{w, choice, cat(path, ".message"), encoding}.write_all();
  w.key("logprobs").raw(choice.logprobs ? choice.logprobs->text : "null").key("finish_reason");
  if (!choice.finish) {
    w.null();
  } else if (encoding.own && choice.finish_raw) {
    w.string(*choice.finish_raw);
  } else {
    w.string(word_of(*choice.finish));
    if (loses_finish(*choice.finish)) encoding.lose(cat(path, ".finish_reason"));
  }
  if (encoding.own) write_extras(w, choice.extras, {});
  w.end_object();
}

}  // namespace

Result<Answer> OpenAiChat::decode_response(std::string_view body) const {
  auto value = json::parse(body, upstream_scan({}));
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

std::string OpenAiChat::encode_response(const Answer& answer, const AnswerContext& context, Losses& losses) const {
  const Encoding encoding{losses, answer.dialect == dialect_name};
  std::string out;
  Writer w{out};
  w.begin_object();
  write_or(w, "id", answer.id, context.id);
  w.key("object").string("chat.completion");
  write(w, "created", answer.created ? answer.created : instead(context.created));
  write_or(w, "model", answer.model, context.model);
  w.key("choices").begin_array();
  for (std::size_t i = 0; i < answer.choices.size(); ++i) encode_choice(w, answer.choices[i], cat("choices[", i, ']'), encoding);
  w.end_array();
  if (answer.usage) {
    w.key("usage");
    encode_usage(w, *answer.usage);
  }
  write(w, "service_tier", answer.service_tier);
  write(w, "system_fingerprint", answer.system_fingerprint);
  if (encoding.own) {
    write_extras(w, answer.extras, {});
  } else {
    for (const auto& extra : answer.extras) encoding.lose(extra.key);
  }
  w.end_object();
  return out;
}

}  // namespace cardea::dialect::openai
