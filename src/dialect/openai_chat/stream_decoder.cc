// Chunks of an upstream's stream become model events.

#include <algorithm>

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"

namespace cardea::dialect::openai {

using json::Type;
using json::Value;
using model::ChatEvent;
namespace event = model::event;

namespace {

/// What is open in one choice. Calls stay open until the finish: their fragments may interleave.
struct ChoiceState {
  struct Call {
    std::uint64_t index = 0;
    std::uint64_t part = 0;
    std::optional<std::string> id;
  };
  std::uint64_t index = 0;
  std::uint64_t parts = 0;
  std::optional<std::uint64_t> open;  ///< the part of text, thinking, refusal or audio that deltas go to
  std::size_t open_kind = 0;          ///< index in Part's variant
  std::vector<Call> calls;
};

class Decoder final : public StreamDecoder {
 public:
  Status event(std::string_view type, std::string_view data, std::vector<ChatEvent>& out) override;
  Status end(std::vector<ChatEvent>& out) override;

 private:
  void start(const Value& chunk);
  void choice(const Value& value);
  void delta(ChoiceState& state, const Value& delta);
  template <class Kind>
  std::uint64_t open_part(ChoiceState& state, Kind kind);
  template <class Kind>
  void text(ChoiceState& state, const Value* value);
  void call(ChoiceState& state, const Value& value, std::uint64_t position);
  void legacy_call(ChoiceState& state, const Value& value);
  void audio(ChoiceState& state, const Value& value);
  void close(ChoiceState& state);
  void finish(ChoiceState& state, const std::string& word);
  void failure(const Value& error);
  ChoiceState& state_of(std::uint64_t index);
  void put(ChatEvent event) { out_->push_back(std::move(event)); }

  std::vector<ChatEvent>* out_ = nullptr;  ///< during event()
  std::vector<ChoiceState> choices_;
  bool started_ = false;
  bool done_ = false;
};

std::optional<std::string> text_of(const Value& object, std::string_view key) {
  const auto* value = object.find(key);
  return value != nullptr && value->as_string() != nullptr ? std::optional{*value->as_string()} : std::nullopt;
}
std::optional<std::uint64_t> number_of(const Value& object, std::string_view key) {
  const auto* value = object.find(key);
  return value != nullptr ? value->as_u64() : std::nullopt;
}

ChoiceState& Decoder::state_of(std::uint64_t index) {
  const auto found = std::ranges::find(choices_, index, &ChoiceState::index);
  return found != choices_.end() ? *found : choices_.emplace_back(ChoiceState{.index = index});
}

void Decoder::start(const Value& chunk) {
  started_ = true;
  put(event::Start{.id = text_of(chunk, "id"),
                   .model = text_of(chunk, "model"),
                   .created = number_of(chunk, "created"),
                   .service_tier = text_of(chunk, "service_tier"),
                   .system_fingerprint = text_of(chunk, "system_fingerprint")});
}

void Decoder::close(ChoiceState& state) {
  if (state.open) put(event::PartStop{state.index, *state.open});
  state.open.reset();
}

template <class Kind>
std::uint64_t Decoder::open_part(ChoiceState& state, Kind kind) {
  model::Part part{.value = std::move(kind)};
  if (state.open && state.open_kind == part.value.index()) return *state.open;
  close(state);
  state.open = state.parts++;
  state.open_kind = part.value.index();
  put(event::PartStart{state.index, *state.open, std::move(part)});
  return *state.open;
}

template <class Kind>
void Decoder::text(ChoiceState& state, const Value* value) {
  const auto* text = value != nullptr ? value->as_string() : nullptr;
  if (text == nullptr || text->empty()) return;
  const auto part = open_part(state, Kind{});
  put(event::Delta{state.index, part, *text});
}

void Decoder::call(ChoiceState& state, const Value& value, std::uint64_t position) {
  const auto index = number_of(value, "index").value_or(position);
  auto id = text_of(value, "id");
  if (id && id->empty()) id.reset();
  const bool custom = value.find("custom") != nullptr;
  const auto* inner = value.find(custom ? "custom" : "function");
  auto found = std::ranges::find(state.calls.rbegin(), state.calls.rend(), index, &ChoiceState::Call::index);
  // A new id under a known index is a new call: some vendors number every call 0.
  if (found == state.calls.rend() || (id && found->id && *found->id != *id)) {
    close(state);
    model::ToolCall call{.id = id, .kind = custom ? model::ToolKind::custom : model::ToolKind::function};
    if (inner != nullptr) call.name = text_of(*inner, "name").value_or("");
    state.calls.push_back({index, state.parts++, id});
    found = state.calls.rbegin();
    put(event::PartStart{state.index, found->part, {.value = std::move(call)}});
  }
  const auto arguments = inner != nullptr ? text_of(*inner, custom ? "input" : "arguments") : std::nullopt;
  if (arguments && !arguments->empty()) put(event::Delta{state.index, found->part, *arguments});
}

void Decoder::legacy_call(ChoiceState& state, const Value& value) {
  constexpr auto legacy = ~std::uint64_t{0};
  auto found = std::ranges::find(state.calls, legacy, &ChoiceState::Call::index);
  if (found == state.calls.end()) {
    close(state);
    state.calls.push_back({legacy, state.parts++, std::nullopt});
    found = state.calls.end() - 1;
    put(event::PartStart{state.index, found->part, {.value = model::ToolCall{.name = text_of(value, "name").value_or("")}}});
  }
  const auto arguments = text_of(value, "arguments");
  if (arguments && !arguments->empty()) put(event::Delta{state.index, found->part, *arguments});
}

void Decoder::audio(ChoiceState& state, const Value& value) {
  const auto part = open_part(state, model::Audio{});
  model::Audio audio{.transcript = text_of(value, "transcript"), .expires_at = number_of(value, "expires_at")};
  audio.media.id = text_of(value, "id");
  audio.media.base64 = text_of(value, "data");
  put(event::AudioDelta{state.index, part, std::move(audio)});
}

void Decoder::delta(ChoiceState& state, const Value& delta) {
  const auto* reasoning = delta.find("reasoning_content");
  text<model::Thinking>(state, reasoning != nullptr ? reasoning : delta.find("reasoning"));
  text<model::Text>(state, delta.find("content"));
  text<model::Refusal>(state, delta.find("refusal"));
  if (const auto* value = given(delta, "audio")) audio(state, *value);
  if (const auto* annotations = given(delta, "annotations")) {
    for (const auto& annotation : annotations->elements()) {
      const auto part = open_part(state, model::Text{});
      put(event::CitationDelta{state.index, part, decode_citation(annotation)});
    }
  }
  if (const auto* calls = given(delta, "tool_calls")) {
    std::uint64_t position = 0;
    for (const auto& value : calls->elements()) call(state, value, position++);
  }
  if (const auto* value = given(delta, "function_call")) legacy_call(state, *value);
}

void Decoder::finish(ChoiceState& state, const std::string& word) {
  close(state);
  for (const auto& call : state.calls) put(event::PartStop{state.index, call.part});
  state.calls.clear();
  const auto finish = finish_of(word);
  put(event::ChoiceFinish{.choice = state.index,
                          .finish = finish,
                          .raw = finish == model::Finish::unknown ? std::optional{word} : std::nullopt,
                          .stop_sequence = {}});
}

void Decoder::choice(const Value& value) {
  auto& state = state_of(number_of(value, "index").value_or(0));
  if (const auto* changes = given(value, "delta")) delta(state, *changes);
  if (const auto* logprobs = given(value, "logprobs")) put(event::Logprobs{state.index, {logprobs->dump()}});
  if (const auto word = text_of(value, "finish_reason")) finish(state, *word);
}

void Decoder::failure(const Value& error) {
  event::Failure out;
  out.message = error.as_string() != nullptr ? *error.as_string() : text_of(error, "message").value_or("");
  if (out.message.empty()) out.message = "the upstream reported an error in its stream";
  out.type = text_of(error, "type").value_or("");
  out.code = text_of(error, "code").value_or("");
  done_ = true;
  put(std::move(out));
}

Status Decoder::event(std::string_view type, std::string_view data, std::vector<ChatEvent>& out) {
  out_ = &out;
  data = trim(data);
  const bool known = type.empty() || type == "message" || type == "error";
  if (!known || data.empty() || done_) return {};
  if (data == "[DONE]") {
    done_ = true;
    put(event::End{});
    return {};
  }
  auto chunk = json::parse(data, upstream_scan({}));
  if (!chunk) return fail_with(chunk);
  if (!chunk->is(Type::object)) return fail(Kind::upstream_protocol, "the upstream's stream has an event that is no JSON object");
  const auto* error = given(*chunk, "error");
  if (error != nullptr || type == "error") {
    failure(error != nullptr ? *error : *chunk);
    return {};
  }
  if (!started_) start(*chunk);
  if (const auto* choices = given(*chunk, "choices")) {
    for (const auto& value : choices->elements()) choice(value);
  }
  if (const auto* usage = given(*chunk, "usage")) put(event::UsageReport{decode_usage(*usage)});
  return {};
}

Status Decoder::end(std::vector<ChatEvent>& /*out*/) {
  if (done_) return {};
  return fail(Kind::upstream_reset, "the upstream ended the stream before its end");
}

}  // namespace

std::unique_ptr<StreamDecoder> make_stream_decoder() { return std::make_unique<Decoder>(); }

}  // namespace cardea::dialect::openai
