// Whole answers, both directions.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"
#include "dialect/plain.h"

namespace cardea::dialect::openai {

using json::Type;
using json::Value;
using json::Writer;
using model::Answer;
using model::Choice;
using model::Part;

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
    const auto* refusal = text_at(**message, "refusal");
    const bool empty = refusal == nullptr || refusal->empty();
    out.finish = finish_of(*finish, refusal == nullptr ? Refused::no : empty ? Refused::empty : Refused::text);
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

/// An answer's message: one text, one refusal, one reasoning, images, audio, calls.
class MessageWriter {
 public:
  MessageWriter(Writer& w, const Choice& choice, std::string path, const AnswerContext& context, const Encoding& encoding)
      : w_{w}, choice_{choice}, path_{std::move(path)}, context_{context}, encoding_{encoding} {}

  void write_all() {
    for (std::size_t i = 0; i < choice_.parts.size(); ++i) {
      const auto& part = choice_.parts[i];
      std::visit([&](const auto& value) { gather(value, part, i); }, part.value);
      if (!encoding_.own()) encoding_.lose_extras(part.extras, cat(path_, ".content[", i, ']'));
    }
    const bool untold = choice_.finish == model::Finish::refusal && !has_refusal_;
    w_.begin_object().key("role").string("assistant").key("content");
    text_or_null(text_, has_text_);
    w_.key("refusal");
    text_or_null(refusal_, has_refusal_ || untold);
    encode_thinking(w_, thinking_);
    write_images();
    if (audio_ != nullptr) write_audio();
    write_calls();
    if (has_citations_) write_citations();
    if (encoding_.own()) {
      write_extras(w_, choice_.message_extras, std::array<std::string_view, 1>{"audio"});
    } else {
      encoding_.lose_extras(choice_.message_extras, path_);
    }
    w_.end_object();
  }
  [[nodiscard]] Ending ending() const {
    return {.finish = choice_.finish.value_or(model::Finish::unknown),
            .refused = has_refusal_,
            .called = !calls_.empty() && !encoding_.own()};
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
  void gather(const model::Text& text, const Part&, std::size_t) {
    has_text_ = true;
    text_ += text.text;
    has_citations_ = has_citations_ || !text.citations.empty();
  }
  void gather(const model::Refusal& refusal, const Part&, std::size_t) {
    has_refusal_ = true;
    refusal_ += refusal.text;
  }
  void gather(const model::Thinking& thinking, const Part&, std::size_t) { thinking_.push_back(&thinking); }
  void gather(const model::ToolCall& call, const Part&, std::size_t index) {
    if (call.id) {
      calls_.push_back(index);
    } else {
      legacy_ = &call;
    }
  }
  void gather(const model::Image& image, const Part& part, std::size_t index) {
    if (image.media.base64 || image.media.url) {
      images_.push_back(index);
    } else {
      lose(part, index);
    }
  }
  void gather(const model::Audio& audio, const Part& part, std::size_t) {
    audio_ = &audio;
    audio_part_ = &part;
  }
  template <class Other>
  void gather(const Other&, const Part& part, std::size_t index) {
    lose(part, index);
  }
  void lose(const Part& part, std::size_t index) {
    encoding_.lose(cat(path_, ".content[", index, "].", kind_name(part)), no_such_field);
  }
  void write_calls() {
    if (!calls_.empty()) {
      w_.key("tool_calls").begin_array();
      for (const auto index : calls_) {
        encode_tool_call(w_, choice_.parts[index], cat(path_, ".content[", index, "].tool_call"), encoding_);
      }
      w_.end_array();
    }
    if (legacy_ == nullptr) return;
    w_.key("function_call").begin_object().key("name").string(legacy_->name).key("arguments").string(legacy_->arguments);
    w_.end_object();
  }
  void write_images() {
    if (images_.empty()) return;
    w_.key("images").begin_array();
    for (const auto index : images_) encode_part(w_, choice_.parts[index], cat(path_, ".images"), encoding_);
    w_.end_array();
  }
  /// The reference demands all four members; the gateway keeps no audio, so one that has no id ends with its answer.
  void write_audio() {
    w_.key("audio").begin_object();
    write_or(w_, "id", audio_->media.id, encoding_.own() ? std::string{} : cat("audio_", context_.id));
    write(w_, "data", audio_->media.base64);
    if (audio_->expires_at || !encoding_.own()) w_.key("expires_at").number(audio_->expires_at.value_or(context_.created));
    if (audio_->transcript || !encoding_.own()) w_.key("transcript").string(audio_->transcript.value_or(""));
    if (encoding_.own()) write_inner(w_, audio_part_->extras, "audio");
    w_.end_object();
  }
  void write_citations() {
    Stretch stretch;
    w_.key("annotations").begin_array();
    for (std::size_t i = 0; i < choice_.parts.size(); ++i) {
      const auto* text = std::get_if<model::Text>(&choice_.parts[i].value);
      if (text == nullptr) continue;
      stretch.length = characters(text->text);
      for (const auto& citation : text->citations) {
        encode_citation(w_, citation, stretch, encoding_.origin);
        if (citation.raw && !encoding_.own()) {
          encoding_.lose(cat(path_, ".content[", i, "].citations"), "OpenAI's citations hold less");
        }
      }
      stretch.offset += stretch.length;
    }
    w_.end_array();
  }

  Writer& w_;
  const Choice& choice_;
  std::string path_;
  const AnswerContext& context_;
  const Encoding& encoding_;
  std::string text_;
  std::string refusal_;
  std::vector<const model::Thinking*> thinking_;
  std::vector<std::size_t> calls_;
  std::vector<std::size_t> images_;
  const model::ToolCall* legacy_ = nullptr;
  const model::Audio* audio_ = nullptr;
  const Part* audio_part_ = nullptr;
  bool has_text_ = false;
  bool has_refusal_ = false;
  bool has_citations_ = false;
};

void encode_finish(Writer& w, const Choice& choice, const Ending& ending, std::string_view path, const Encoding& encoding) {
  w.key("finish_reason");
  if (encoding.own() && !choice.finish) {
    w.null();
    return;
  }
  if (encoding.own() && choice.finish_raw) {
    w.string(*choice.finish_raw);
    return;
  }
  w.string(word_of(ending));
  if (loses_finish(ending.finish)) {
    encoding.lose(cat(path, ".finish_reason"), cat("OpenAI has no word for ", name(ending.finish)));
  }
  if (choice.stop_sequence) encoding.lose(cat(path, ".stop_sequence"), no_such_field);
}

void encode_choice(Writer& w, const Choice& choice, std::string_view path, const AnswerContext& context,
                   const Encoding& encoding) {
  w.begin_object().key("index").number(choice.index).key("message");
  MessageWriter message{w, choice, cat(path, ".message"), context, encoding};
  message.write_all();
  w.key("logprobs");
  const auto logprobs = !choice.logprobs || encoding.own() ? std::nullopt : complete_logprobs(*choice.logprobs);
  if (choice.logprobs && encoding.own()) {
    w.raw(choice.logprobs->text);
  } else if (logprobs) {
    w.raw(*logprobs);
  } else {
    w.null();
    if (choice.logprobs) encoding.lose(cat(path, ".logprobs"), "in a form of another vendor's own");
  }
  encode_finish(w, choice, message.ending(), path, encoding);
  if (encoding.own()) {
    write_extras(w, choice.extras, {});
  } else {
    encoding.lose_extras(choice.extras, path);
  }
  w.end_object();
}

}  // namespace

namespace {

/// Demanded of every token: its bytes, and of those of the text what else was likely.
void complete_token(Value& token) {
  if (!token.is(Type::object)) return;
  if (token.find("bytes") == nullptr) token.set("bytes", {});
  if (token.find("top_logprobs") == nullptr) token.set("top_logprobs", Value::array());
  for (auto& other : token.find("top_logprobs")->each_element()) {
    if (other.is(Type::object) && other.find("bytes") == nullptr) other.set("bytes", {});
  }
}

}  // namespace

std::optional<std::string> complete_logprobs(const model::Json& logprobs) {
  auto value = json::parse(logprobs.text);
  if (!value || (given(*value, "content") == nullptr && given(*value, "refusal") == nullptr)) return std::nullopt;
  for (const std::string_view key : {"content", "refusal"}) {
    if (value->find(key) == nullptr) value->set(key, {});
    for (auto& token : value->find(key)->each_element()) complete_token(token);
  }
  return value->dump();
}

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
  const Encoding encoding{losses, answer.dialect == dialect_name ? Origin::own : Origin::other};
  std::string out;
  Writer w{out};
  w.begin_object();
  write_or(w, "id", answer.id, context.id);
  w.key("object").string("chat.completion");
  write(w, "created", answer.created ? answer.created : instead(context.created));
  write_or(w, "model", answer.model, context.model);
  w.key("choices").begin_array();
  for (std::size_t i = 0; i < answer.choices.size(); ++i)
    encode_choice(w, answer.choices[i], cat("choices[", i, ']'), context, encoding);
  w.end_array();
  if (answer.usage) {
    w.key("usage");
    encode_usage(w, *answer.usage, encoding.origin);
  }
  if (answer.service_tier) {
    const std::string_view tier = encoding.own() ? std::string_view{*answer.service_tier} : tier_word(*answer.service_tier);
    if (encoding.own() || !tier.empty()) {
      w.key("service_tier").string(tier);
    } else {
      encoding.lose("service_tier", "OpenAI has no such tier");
    }
  }
  write(w, "system_fingerprint", answer.system_fingerprint);
  if (encoding.own()) {
    write_extras(w, answer.extras, {});
  } else {
    encoding.lose_extras(answer.extras, {});
  }
  w.end_object();
  return out;
}

}  // namespace cardea::dialect::openai
