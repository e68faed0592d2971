// Model events become the events of a client's stream, each a GenerateContentResponse: texts and thoughts as they come, calls
// and media whole, why and at what cost it ended in the last.

#include <algorithm>
#include <deque>

#include "dialect/gemini/gemini.h"

namespace cardea::dialect::google {

using json::Writer;
using model::ChatEvent;
using model::Part;
namespace event = model::event;

namespace {

/// A part on its way. Only the first of a choice is said as it comes; those behind it wait, since parts have no index that would
/// tell them apart.
struct OpenPart {
  std::uint64_t part = 0;
  Part value;  ///< with what is not said yet
  bool stopped = false;
  bool begun = false;  ///< its place in the choice's text is noted
  bool said = false;   ///< some of its text
};
struct TextPart {
  std::uint64_t part = 0;
  std::size_t from = 0;
  std::size_t to = 0;
};
struct PartCitation {
  std::uint64_t part = 0;
  model::Citation citation;
};
struct ChoiceState {
  std::uint64_t index = 0;
  std::deque<OpenPart> open;
  std::string text;  ///< all of it, for citations' offsets
  std::vector<TextPart> texts;
  std::vector<PartCitation> citations;
  std::vector<model::Json> logprobs;
  std::optional<event::ChoiceFinish> finish;
  bool thought_open = false;  ///< the last event is a thought that a signature behind it would complete
};

std::string* text_of(Part& part) {
  if (auto* text = std::get_if<model::Text>(&part.value)) return &text->text;
  if (auto* refusal = std::get_if<model::Refusal>(&part.value)) return &refusal->text;
  if (auto* thinking = std::get_if<model::Thinking>(&part.value)) return &thinking->text;
  return nullptr;
}

class Encoder final : public StreamEncoder {
 public:
  explicit Encoder(AnswerContext context) : context_{std::move(context)} {}

  void encode(const ChatEvent& event, std::string& out) override {
    out_ = &out;
    std::visit([this](const auto& value) { on(value); }, event);
  }
  [[nodiscard]] const Losses& losses() const noexcept override { return losses_; }

 private:
  void on(const event::Start& start);
  void on(const event::PartStart& start);
  void on(const event::Delta& delta);
  void on(const event::CitationDelta& delta) { state_of(delta.choice).citations.push_back({delta.part, delta.citation}); }
  void on(const event::SignatureDelta& delta);
  void on(const event::AudioDelta& delta);
  void on(const event::Logprobs& logprobs) { state_of(logprobs.choice).logprobs.push_back(logprobs.value); }
  void on(const event::PartStop& stop);
  void on(const event::ChoiceFinish& finish);
  void on(const event::UsageReport& report) { usage_ = report.usage; }
  void on(const event::Ping&);
  void on(const event::Failure&) {}
  void on(const event::End&);

  ChoiceState& state_of(std::uint64_t choice);
  OpenPart* find(ChoiceState& state, std::uint64_t part);
  void advance(ChoiceState& state);
  void say_text(ChoiceState& state, OpenPart& part);
  void say_rest(ChoiceState& state, OpenPart& part);
  void say_audio(ChoiceState& state, model::Audio& audio);
  void write_parts(ChoiceState& state, const Part& part);
  void chunk(ChoiceState& state, std::string_view part);
  void say_signature(ChoiceState& state, const OpenPart& part, const std::string& signature);
  void write_last(Writer& w, const ChoiceState& state);
  void write_grounding(Writer& w, const ChoiceState& state);
  void tail(Writer& w);
  void emit();

  AnswerContext context_;
  Losses losses_;
  Encoding encoding_{.losses = losses_, .own = false, .answer = true};
  std::string* out_ = nullptr;  ///< during encode()
  std::string json_;            ///< the event being written
  event::Start start_;
  std::deque<ChoiceState> choices_;
  std::optional<model::Usage> usage_;
  Place place_ = Place::first;
};

ChoiceState& Encoder::state_of(std::uint64_t choice) {
  const auto found = std::ranges::find(choices_, choice, &ChoiceState::index);
  if (found != choices_.end()) return *found;
  auto& state = choices_.emplace_back();
  state.index = choice;
  return state;
}

OpenPart* Encoder::find(ChoiceState& state, std::uint64_t part) {
  const auto found = std::ranges::find(state.open, part, &OpenPart::part);
  return found != state.open.end() ? &*found : nullptr;
}

void Encoder::emit() { append_frame(*out_, context_.framing, {}, json_, std::exchange(place_, Place::later)); }

/// What every event repeats.
void Encoder::tail(Writer& w) {
  write_or(w, "modelVersion", start_.model, context_.model);
  if (start_.created) w.key("createTime").string(time_text(*start_.created));
  write_or(w, "responseId", start_.id, context_.id);
  w.end_object();
}

void Encoder::chunk(ChoiceState& state, std::string_view part) {
  state.thought_open = false;
  json_.clear();
  Writer w{json_};
  w.begin_object().key("candidates").begin_array().begin_object().key("content").begin_object();
  w.key("parts").begin_array().raw(part).end_array().key("role").string("model").end_object();
  w.key("index").number(state.index).end_object().end_array();
  tail(w);
  emit();
}

void Encoder::write_parts(ChoiceState& state, const Part& part) {
  std::vector<std::string> parts;
  PartsWriter writer{parts, encoding_};
  writer.write(part, cat("choices[", state.index, "].content"));
  writer.finish();
  for (const auto& one : parts) chunk(state, one);
}

void Encoder::on(const event::Start& start) {
  start_ = start;
  if (start.service_tier) losses_.detail("service_tier", Encoding::no_such_field);
  if (start.system_fingerprint) losses_.detail("system_fingerprint", Encoding::no_such_field);
}

void Encoder::on(const event::PartStart& start) {
  auto& state = state_of(start.choice);
  auto& part = state.open.emplace_back();
  part.part = start.part;
  part.value = start.value;
  if (auto* text = std::get_if<model::Text>(&part.value.value)) {
    for (auto& citation : text->citations) state.citations.push_back({start.part, std::move(citation)});
    text->citations.clear();
  }
  advance(state);
}

void Encoder::on(const event::Delta& delta) {
  auto& state = state_of(delta.choice);
  auto* part = find(state, delta.part);
  if (part == nullptr) return;
  if (auto* call = std::get_if<model::ToolCall>(&part->value.value)) {
    call->arguments += delta.text;
  } else if (auto* text = text_of(part->value)) {
    *text += delta.text;
    advance(state);
  }
}

void Encoder::on(const event::SignatureDelta& delta) {
  auto* part = find(state_of(delta.choice), delta.part);
  if (part == nullptr) return;
  std::optional<std::string>* signature = nullptr;
  if (auto* thinking = std::get_if<model::Thinking>(&part->value.value)) signature = &thinking->signature;
  if (auto* call = std::get_if<model::ToolCall>(&part->value.value)) signature = &call->signature;
  if (signature != nullptr) *signature = signature->value_or("") + delta.signature;
}

void Encoder::on(const event::AudioDelta& delta) {
  auto& state = state_of(delta.choice);
  auto* part = find(state, delta.part);
  auto* audio = part != nullptr ? std::get_if<model::Audio>(&part->value.value) : nullptr;
  if (audio == nullptr) return;
  const auto more = [](std::optional<std::string>& to, const std::optional<std::string>& from) {
    if (from) to = to.value_or("") + *from;
  };
  // The first piece may be all that is told of the kind.
  if (!audio->format) audio->format = delta.audio.format;
  if (!audio->media.media_type) audio->media.media_type = delta.audio.media.media_type;
  more(audio->media.base64, delta.audio.media.base64);
  more(audio->transcript, delta.audio.transcript);
  if (part == &state.open.front()) say_audio(state, *audio);
}

void Encoder::on(const event::PartStop& stop) {
  auto& state = state_of(stop.choice);
  if (auto* part = find(state, stop.part)) part->stopped = true;
  advance(state);
}

/// Says what may be said now: of the first part what came, and of those that have stopped all.
void Encoder::advance(ChoiceState& state) {
  while (!state.open.empty()) {
    auto& front = state.open.front();
    say_text(state, front);
    if (!front.stopped) return;
    say_rest(state, front);
    state.open.pop_front();
  }
}

void Encoder::say_text(ChoiceState& state, OpenPart& part) {
  auto* text = text_of(part.value);
  if (text == nullptr) return;
  const bool thinks = std::holds_alternative<model::Thinking>(part.value.value);
  if (!thinks && !part.begun) state.texts.push_back({part.part, state.text.size(), state.text.size()});
  part.begun = true;
  if (text->empty()) return;
  if (!thinks) {
    state.text += *text;
    state.texts.back().to = state.text.size();
  }
  if (std::holds_alternative<model::Refusal>(part.value.value)) losses_.detail("refusal", "said as text");
  std::string json;
  Writer w{json};
  w.begin_object().key("text").string(*text);
  if (thinks) w.key("thought").boolean(true);
  w.end_object();
  text->clear();
  chunk(state, json);
  part.said = true;
  state.thought_open = thinks;
}

/// It completes the thought that was said, or is a thought without words; which must not seem to complete the one before.
void Encoder::say_signature(ChoiceState& state, const OpenPart& part, const std::string& signature) {
  std::string json;
  Writer w{json};
  w.begin_object().key("text").string("");
  if (part.said || !state.thought_open) w.key("thought").boolean(true);
  w.key("thoughtSignature").string(signature).end_object();
  chunk(state, json);
}

void Encoder::say_audio(ChoiceState& state, model::Audio& audio) {
  if (!audio.media.base64 && !audio.transcript) return;
  if (!audio.format && !audio.media.media_type) audio.format = "pcm16";  // the only format that vendors stream
  Part said{.value = audio};
  auto& copy = std::get<model::Audio>(said.value);
  copy.media.id.reset();
  if (!copy.media.base64) {
    said.value = model::Text{.text = *copy.transcript};
  }
  write_parts(state, said);
  audio.media.base64.reset();
  audio.transcript.reset();
}

/// What a part says only when it is whole.
void Encoder::say_rest(ChoiceState& state, OpenPart& part) {
  if (auto* audio = std::get_if<model::Audio>(&part.value.value)) {
    say_audio(state, *audio);
    if (audio->media.url) write_parts(state, part.value);
    return;
  }
  const auto* thinking = std::get_if<model::Thinking>(&part.value.value);
  if (thinking != nullptr && thinking->signature) say_signature(state, part, *thinking->signature);
  const bool sealed = thinking != nullptr && (thinking->redacted || thinking->encrypted);
  if (sealed) losses_.detail("thinking", "sealed by another vendor");
  if (text_of(part.value) == nullptr) write_parts(state, part.value);
}

void Encoder::on(const event::ChoiceFinish& finish) {
  auto& state = state_of(finish.choice);
  for (auto& part : state.open) part.stopped = true;
  advance(state);
  state.finish = finish;
}

void Encoder::on(const event::Ping&) {
  if (context_.framing == Framing::sse) {
    *out_ += "\n\n";  // an empty event: Google's Python client takes a comment for a JSON document, and fails
  } else if (place_ == Place::later) {
    *out_ += "\r\n";  // white space between the elements
  }
}

void Encoder::write_grounding(Writer& w, const ChoiceState& state) {
  GroundingWriter grounding;
  for (const auto& [part, citation] : state.citations) {
    const auto found = std::ranges::find(state.texts, part, &TextPart::part);
    // Some vendors cite behind the text: then the offsets are the whole's.
    const bool known = found != state.texts.end() && found->to > found->from;
    const std::string_view whole = state.text;
    const CitedText text{.offset = known ? found->from : 0,
                         .text = known ? whole.substr(found->from, found->to - found->from) : whole};
    grounding.add(text, citation, GroundingWriter::Count::whole);
    if (citation.document) losses_.detail("citations.document", "gemini does not number them");
  }
  if (grounding.empty()) return;
  w.key("groundingMetadata");
  grounding.write(w);
}

void Encoder::write_last(Writer& w, const ChoiceState& state) {
  // SDKs take a turn without parts for a broken one and leave it out of the history.
  w.begin_object().key("content").begin_object().key("parts").begin_array();
  w.begin_object().key("text").string("").end_object().end_array().key("role").string("model").end_object();
  if (state.finish) {
    const auto word = word_of(state.finish->finish);
    w.key("finishReason").string(word.word);
    if (!word.message.empty()) w.key("finishMessage").string(word.message);
    if (!word.exact) losses_.detail("finish_reason", "gemini has no such word");
    if (state.finish->stop_sequence) losses_.detail("stop_sequence", Encoding::no_such_field);
  }
  w.key("index").number(state.index);
  write_grounding(w, state);
  if (!state.logprobs.empty()) {
    w.key("logprobsResult");
    write_logprobs(w, state.logprobs);
  }
  w.end_object();
}

void Encoder::on(const event::End&) {
  json_.clear();
  Writer w{json_};
  w.begin_object();
  if (!choices_.empty()) {
    w.key("candidates").begin_array();
    std::ranges::sort(choices_, {}, &ChoiceState::index);
    for (const auto& state : choices_) write_last(w, state);
    w.end_array();
  }
  if (usage_) {
    w.key("usageMetadata");
    write_usage(w, *usage_);
    if (usage_->cache_write.value_or(0) != 0) losses_.detail("usage.cache_write", "counted as prompt tokens");
  }
  tail(w);
  emit();
  *out_ += stream_end(context_.framing, place_);
}

}  // namespace

std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context) {
  return std::make_unique<Encoder>(std::move(context));
}

}  // namespace cardea::dialect::google
