// Streams, both directions: chunks that hold a piece of text for each choice.

#include <algorithm>

#include "dialect/openai_completions/openai_completions.h"
#include "wire/sse.h"

namespace cardea::dialect::completions {

using json::Type;
using json::Value;
using json::Writer;
using model::ChatEvent;
namespace event = model::event;

namespace {

// --- from an upstream -------------------------------------------------------------------------------------------------------

class Decoder final : public StreamDecoder {
 public:
  Status event(std::string_view type, std::string_view data, std::vector<ChatEvent>& out) override;
  Status end(std::vector<ChatEvent>& /*out*/) override {
    if (done_) return {};
    return fail(Kind::upstream_reset, "the upstream ended the stream before its end");
  }

 private:
  enum class State : std::uint8_t { unborn, open, finished };
  void chunk(const Value& value);
  void choice(const Value& value);
  Status done();
  void failure(const Value& error);
  void put(ChatEvent event) { out_->push_back(std::move(event)); }

  std::vector<ChatEvent>* out_ = nullptr;  ///< during event()
  std::vector<std::pair<std::uint64_t, State>> choices_;
  bool started_ = false;
  bool done_ = false;
};

std::optional<std::string> text_of(const Value& object, std::string_view key) {
  const auto* text = text_at(object, key);
  return text != nullptr ? std::optional{*text} : std::nullopt;
}

void Decoder::choice(const Value& value) {
  const auto* number = value.find("index");
  const auto index = number != nullptr ? number->as_u64().value_or(0) : 0;
  auto found = std::ranges::find(choices_, index, &std::pair<std::uint64_t, State>::first);
  if (found == choices_.end()) found = choices_.insert(choices_.end(), {index, State::unborn});
  auto& state = found->second;
  if (state == State::finished) return;
  const auto text = text_of(value, "text").value_or("");
  if (!text.empty() && state == State::unborn) {
    state = State::open;
    put(event::PartStart{index, 0, {.value = model::Text{}}});
  }
  if (!text.empty()) put(event::Delta{index, 0, text});
  const auto* logprobs = given(value, "logprobs");
  auto told = logprobs != nullptr ? decode_logprobs(*logprobs) : std::nullopt;
  if (told) put(event::Logprobs{index, std::move(*told)});
  const auto word = text_of(value, "finish_reason");
  if (!word) return;
  if (state == State::open) put(event::PartStop{index, 0});
  state = State::finished;
  const auto finish = openai::finish_of(*word);
  put(event::ChoiceFinish{
      .choice = index, .finish = finish, .raw = finish == model::Finish::unknown ? word : std::nullopt, .stop_sequence = {}});
}

void Decoder::failure(const Value& error) {
  const auto told = openai::tell(error);
  done_ = true;
  put(event::Failure{.message = told.message.empty() ? "the upstream reported an error in its stream" : told.message,
                     .type = text_of(error, "type").value_or(""),
                     .code = told.code,
                     .status = static_cast<std::uint16_t>(told.status)});
}

void Decoder::chunk(const Value& value) {
  if (!started_) {
    started_ = true;
    const auto* created = value.find("created");
    put(event::Start{.id = text_of(value, "id"),
                     .model = text_of(value, "model"),
                     .created = created != nullptr ? created->as_u64() : std::nullopt,
                     .service_tier = {},
                     .system_fingerprint = text_of(value, "system_fingerprint")});
  }
  if (const auto* choices = given(value, "choices")) {
    for (const auto& one : choices->elements()) choice(one);
  }
  if (const auto* usage = given(value, "usage")) put(event::UsageReport{openai::decode_usage(*usage)});
}

/// A stream without an answer in it is none.
Status Decoder::done() {
  if (choices_.empty()) return fail(Kind::upstream_failed, "the upstream's stream holds no answer");
  for (auto& [index, state] : choices_) {
    if (state == State::open) put(event::PartStop{index, 0});
    state = State::finished;
  }
  done_ = true;
  put(event::End{});
  return {};
}

Status Decoder::event(std::string_view type, std::string_view data, std::vector<ChatEvent>& out) {
  out_ = &out;
  data = trim(data);
  const bool known = type.empty() || type == "message" || type == "error";
  if (!known || data.empty() || done_) return {};
  if (data == "[DONE]") return done();
  auto value = json::parse(data, upstream_scan());
  if (!value) return fail_with(value);
  if (!value->is(Type::object)) return fail(Kind::upstream_protocol, "the upstream's stream has an event that is no JSON object");
  const auto* error = given(*value, "error");
  if (error != nullptr || type == "error") {
    failure(error != nullptr ? *error : *value);
  } else {
    chunk(*value);
  }
  return {};
}

// --- to a client ------------------------------------------------------------------------------------------------------------

class Encoder final : public StreamEncoder {
 public:
  explicit Encoder(AnswerContext context)
      : context_{std::move(context)},
        echo_{echo_of(context_.request)},
        include_usage_{context_.request.include_usage.value_or(false)} {}

  void encode(const ChatEvent& event, std::string& out) override {
    out_ = &out;
    if (!std::holds_alternative<event::Logprobs>(event)) release();
    std::visit([this](const auto& value) { on(value); }, event);
    out_ = nullptr;
  }
  [[nodiscard]] const Losses& losses() const noexcept override { return losses_; }

 private:
  struct Said {
    std::uint64_t choice = 0;
    std::uint64_t offset = 0;  ///< characters before the next token
  };
  struct Held {
    std::uint64_t choice = 0;
    std::string text;
  };

  void on(const event::Start& start) { start_ = start; }
  void on(const event::PartStart& start);
  void on(const event::Delta& delta);
  void on(const event::CitationDelta& delta) { lose(delta, ".citations"); }
  void on(const event::SignatureDelta& delta) { lose(delta, ".signature"); }
  void on(const event::AudioDelta&) {}  // named with its part
  void on(const event::Logprobs& logprobs);
  void on(const event::PartStop&) {}
  void on(const event::ChoiceFinish& finish);
  void on(const event::UsageReport& report) { usage_ = report.usage; }
  void on(const event::Ping&) { wire::append_comment(*out_, "ping"); }
  void on(const event::Failure&) {}
  void on(const event::End&);

  template <class Event>
  void lose(const Event& event, std::string_view what) {
    losses_.detail(cat("choices[", event.choice, "].content[", event.part, ']', what), "a completion is text alone");
  }
  void release();
  Said& said(std::uint64_t choice);
  void head(Writer& w);
  void emit();
  void chunk(std::uint64_t choice, std::string_view text, std::string_view logprobs, std::string_view finish);

  AnswerContext context_;
  std::string echo_;
  bool include_usage_;
  Losses losses_;
  std::string* out_ = nullptr;  ///< during encode()
  std::string json_;            ///< the chunk being written
  event::Start start_;
  std::vector<Said> said_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> texts_;  ///< choice and part
  std::optional<Held> held_;                                    ///< a piece of text that waits for its logprobs
  std::optional<model::Usage> usage_;
};

void Encoder::head(Writer& w) {
  w.begin_object().key("id").string(start_.id.value_or(context_.id)).key("object").string("text_completion");
  w.key("created").number(start_.created.value_or(context_.created)).key("model").string(start_.model.value_or(context_.model));
  write(w, "system_fingerprint", start_.system_fingerprint);
}

void Encoder::emit() { wire::append_event(*out_, {}, json_); }

void Encoder::chunk(std::uint64_t choice, std::string_view text, std::string_view logprobs, std::string_view finish) {
  json_.clear();
  Writer w{json_};
  head(w);
  w.key("choices").begin_array().begin_object().key("index").number(choice).key("text").string(text);
  w.key("logprobs").raw(logprobs).key("finish_reason");
  if (finish.empty()) {
    w.null();
  } else {
    w.string(finish);
  }
  w.end_object().end_array();
  if (include_usage_) w.key("usage").null();  // as OpenAI has it in all chunks but the last
  w.end_object();
  emit();
}

/// The prompt comes before all else of a choice when its echo was asked for.
Encoder::Said& Encoder::said(std::uint64_t choice) {
  const auto found = std::ranges::find(said_, choice, &Said::choice);
  if (found != said_.end()) return *found;
  if (!echo_.empty()) chunk(choice, echo_, "null", {});
  return said_.emplace_back(Said{choice, openai::characters(echo_)});
}

void Encoder::on(const event::PartStart& start) {
  const auto& value = start.value.value;
  const auto* text = std::get_if<model::Text>(&value);
  const auto* refusal = std::get_if<model::Refusal>(&value);
  if (text == nullptr && refusal == nullptr) return lose(start, cat('.', openai::kind_name(start.value)));
  texts_.emplace_back(start.choice, start.part);
  if (text != nullptr && !text->citations.empty()) lose(start, ".citations");
  on(event::Delta{start.choice, start.part, text != nullptr ? text->text : refusal->text});
}

void Encoder::on(const event::Delta& delta) {
  if (delta.text.empty() || std::ranges::find(texts_, std::pair{delta.choice, delta.part}) == texts_.end()) return;
  said(delta.choice);
  // Chat Completions tells a text's logprobs beside it, which comes here as the next event.
  if (context_.request.logprobs.value_or(false)) {
    held_ = Held{delta.choice, delta.text};
  } else {
    chunk(delta.choice, delta.text, "null", {});
  }
}

void Encoder::release() {
  if (!held_) return;
  const Held held = std::move(*std::exchange(held_, std::nullopt));
  chunk(held.choice, held.text, "null", {});
}

void Encoder::on(const event::Logprobs& logprobs) {
  const bool beside = held_ && held_->choice == logprobs.choice;
  if (held_ && !beside) release();
  const auto held = std::exchange(held_, std::nullopt);
  const auto told = encode_logprobs(logprobs.value, said(logprobs.choice).offset);
  if (!told) losses_.detail(cat("choices[", logprobs.choice, "].logprobs"), "in a form of another vendor");
  chunk(logprobs.choice, held ? held->text : std::string{}, told.value_or("null"), {});
}

void Encoder::on(const event::ChoiceFinish& finish) {
  said(finish.choice);
  if (loses_finish(finish.finish)) {
    losses_.detail(cat("choices[", finish.choice, "].finish_reason"), "no word for it");
  }
  if (finish.stop_sequence) losses_.detail(cat("choices[", finish.choice, "].stop_sequence"), openai::no_such_field);
  chunk(finish.choice, {}, "null", word_of(finish.finish));
}

void Encoder::on(const event::End&) {
  if (include_usage_ && usage_) {
    json_.clear();
    Writer w{json_};
    head(w);
    w.key("choices").begin_array().end_array().key("usage");
    openai::encode_usage(w, *usage_, Origin::other);
    w.end_object();
    emit();
  }
  wire::append_event(*out_, {}, "[DONE]");
}

}  // namespace

std::unique_ptr<StreamDecoder> make_stream_decoder() { return std::make_unique<Decoder>(); }
std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context) {
  return std::make_unique<Encoder>(std::move(context));
}

}  // namespace cardea::dialect::completions
