// Chunks of an upstream's stream become model events.

#include <algorithm>

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"
#include "dialect/plain.h"

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
    std::optional<std::uint64_t> part;  ///< absent: nothing was told of it yet, since its name is missing
    model::ToolCall said;               ///< until it is told
  };
  std::uint64_t index = 0;
  std::uint64_t parts = 0;
  std::optional<std::uint64_t> open;    ///< the part of text, thinking, refusal or audio that deltas go to
  std::size_t open_kind = 0;            ///< index in Part's variant
  std::uint64_t characters = 0;         ///< of text so far; annotations count from its beginning
  std::uint64_t offset = 0;             ///< of the open text
  std::optional<std::uint64_t> detail;  ///< number of the reasoning detail that the open thinking part is of
  bool signed_ = false;                 ///< the open thinking part has its signature
  bool reasons = false;                 ///< reasoning came as plain text: details only repeat it
  bool finished = false;
  Refused refused = Refused::no;
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
  void reasoning(ChoiceState& state, const Value& delta);
  void detail(ChoiceState& state, const Value& detail);
  std::uint64_t open_thinking(ChoiceState& state, model::Thinking thinking);
  template <class Kind>
  std::uint64_t open_part(ChoiceState& state, Kind kind);
  template <class Kind>
  void text(ChoiceState& state, const Value* value);
  void call(ChoiceState& state, const Value& value, std::uint64_t position);
  void call_arguments(ChoiceState& state, ChoiceState::Call& call, std::string arguments);
  void tell_call(ChoiceState& state, ChoiceState::Call& call);
  void legacy_call(ChoiceState& state, const Value& value);
  void audio(ChoiceState& state, const Value& value);
  void citation(ChoiceState& state, const Value& annotation);
  void image(ChoiceState& state, const Value& value);
  void close(ChoiceState& state);
  void close_all(ChoiceState& state);
  void finish(ChoiceState& state, const std::string& word);
  Status done();
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
  state.detail.reset();
  state.signed_ = false;
}

template <class Kind>
std::uint64_t Decoder::open_part(ChoiceState& state, Kind kind) {
  if (state.open && state.open_kind == kind_of<Kind>) return *state.open;
  model::Part part{.value = std::move(kind)};
  close(state);
  state.open = state.parts++;
  state.open_kind = kind_of<Kind>;
  state.offset = state.characters;
  put(event::PartStart{state.index, *state.open, std::move(part)});
  return *state.open;
}

template <class Kind>
void Decoder::text(ChoiceState& state, const Value* value) {
  const auto* text = value != nullptr ? value->as_string() : nullptr;
  if (text == nullptr || text->empty()) return;
  const auto part = open_part(state, Kind{});
  if (state.open_kind == kind_of<model::Text>) state.characters += characters(*text);
  put(event::Delta{state.index, part, *text});
}

/// A thinking part that has its signature is complete: what follows is another.
std::uint64_t Decoder::open_thinking(ChoiceState& state, model::Thinking thinking) {
  if (state.open && state.open_kind == kind_of<model::Thinking> && state.signed_) close(state);
  return open_part(state, std::move(thinking));
}

/// Opaque parts of the reasoning; its text too, when it is said in no plainer way.
void Decoder::detail(ChoiceState& state, const Value& detail) {
  auto said = decode_detail(detail);
  const auto index = number_of(detail, "index");
  const bool thinking = state.open && state.open_kind == kind_of<model::Thinking>;
  if (said.redacted || said.encrypted) {
    close(state);
    said.text.clear();
    said.summary.clear();
    open_part(state, std::move(said));
    close(state);
    return;
  }
  if (thinking && state.detail && index && *state.detail != *index) close(state);
  if (!said.text.empty() && !state.reasons) {
    const auto part = open_thinking(state, model::Thinking{});
    put(event::Delta{state.index, part, said.text});
  }
  if (state.open && state.open_kind == kind_of<model::Thinking> && index) state.detail = index;
  if (!said.signature || said.signature->empty()) return;
  const auto part = open_part(state, model::Thinking{});
  put(event::SignatureDelta{state.index, part, *said.signature});
  state.signed_ = true;
}

void Decoder::reasoning(ChoiceState& state, const Value& delta) {
  const auto* details = given(delta, "reasoning_details");
  if (details == nullptr) details = given(delta, "thinking_blocks");
  const auto* first = details != nullptr && !details->elements().empty() ? &details->elements().front() : nullptr;
  const auto index = first != nullptr ? number_of(*first, "index") : std::nullopt;
  if (state.detail && index && *state.detail != *index && state.open_kind == kind_of<model::Thinking>) close(state);
  if (const auto* plain = reasoning_text(delta)) {
    state.reasons = true;
    const auto part = open_thinking(state, model::Thinking{});
    put(event::Delta{state.index, part, *plain});
  }
  if (details == nullptr) return;
  for (const auto& one : details->elements()) detail(state, one);
}

void Decoder::tell_call(ChoiceState& state, ChoiceState::Call& call) {
  close(state);
  call.part = state.parts++;
  auto arguments = std::exchange(call.said.arguments, {});
  put(event::PartStart{state.index, *call.part, {.value = call.said}});
  if (!arguments.empty()) put(event::Delta{state.index, *call.part, std::move(arguments)});
}

void Decoder::call_arguments(ChoiceState& state, ChoiceState::Call& call, std::string arguments) {
  if (arguments.empty()) return;
  if (call.part) {
    put(event::Delta{state.index, *call.part, std::move(arguments)});
  } else {
    call.said.arguments += arguments;
  }
}

void Decoder::call(ChoiceState& state, const Value& value, std::uint64_t position) {
  const auto index = number_of(value, "index").value_or(position);
  auto id = text_of(value, "id");
  if (id && id->empty()) id.reset();
  const bool custom = value.find("custom") != nullptr;
  const auto* inner = value.find(custom ? "custom" : "function");
  auto found = std::ranges::find(state.calls.rbegin(), state.calls.rend(), index, &ChoiceState::Call::index);
  // A new id under a known index is a new call: some vendors number every call 0.
  if (found == state.calls.rend() || (id && found->said.id && *found->said.id != *id)) {
    state.calls.push_back({.index = index, .part = {}, .said = {}});
    found = state.calls.rbegin();
    found->said.kind = custom ? model::ToolKind::custom : model::ToolKind::function;
  }
  if (id) found->said.id = id;
  const auto* signature = call_signature(value);
  if (signature != nullptr && !found->part) found->said.signature = *signature;
  if (inner != nullptr && !found->part) {
    found->said.name = text_of(*inner, "name").value_or("");
    if (!found->said.name.empty()) tell_call(state, *found);
  }
  if (const auto* arguments = inner != nullptr ? given(*inner, custom ? "input" : "arguments") : nullptr) {
    // Some vendors send an object where the reference has a string.
    call_arguments(state, *found, arguments->as_string() != nullptr ? *arguments->as_string() : arguments->dump());
  }
  if (signature != nullptr && found->part && found->said.signature != *signature) {
    found->said.signature = *signature;
    put(event::SignatureDelta{state.index, *found->part, *signature});
  }
}

void Decoder::legacy_call(ChoiceState& state, const Value& value) {
  constexpr auto legacy = ~std::uint64_t{0};
  auto found = std::ranges::find(state.calls, legacy, &ChoiceState::Call::index);
  if (found == state.calls.end()) {
    state.calls.push_back({.index = legacy, .part = {}, .said = {.name = text_of(value, "name").value_or("")}});
    found = state.calls.end() - 1;
    tell_call(state, *found);
  }
  call_arguments(state, *found, text_of(value, "arguments").value_or(""));
}

void Decoder::image(ChoiceState& state, const Value& value) {
  std::vector<model::Part> parts;
  if (!decode_content(Value::array({value}), "images", parts)) return;
  close(state);
  for (auto& part : parts) {
    const auto number = state.parts++;
    put(event::PartStart{state.index, number, std::move(part)});
    put(event::PartStop{state.index, number});
  }
}

void Decoder::audio(ChoiceState& state, const Value& value) {
  const auto part = open_part(state, model::Audio{});
  model::Audio audio{.transcript = text_of(value, "transcript"), .expires_at = number_of(value, "expires_at")};
  audio.media.id = text_of(value, "id");
  audio.media.base64 = text_of(value, "data");
  put(event::AudioDelta{state.index, part, std::move(audio)});
}

void Decoder::citation(ChoiceState& state, const Value& annotation) {
  const auto part = open_part(state, model::Text{});
  auto said = decode_citation(annotation);
  const bool within = said.start && said.end && *said.start >= state.offset && *said.end >= state.offset;
  if (within) {
    said.start = *said.start - state.offset;
    said.end = *said.end - state.offset;
  }
  put(event::CitationDelta{state.index, part, std::move(said)});
}

void Decoder::delta(ChoiceState& state, const Value& delta) {
  reasoning(state, delta);
  text<model::Text>(state, delta.find("content"));
  text<model::Refusal>(state, delta.find("refusal"));
  if (const auto* refusal = text_at(delta, "refusal")) {
    state.refused = refusal->empty() ? std::max(state.refused, Refused::empty) : Refused::text;
  }
  if (const auto* images = given(delta, "images")) {
    for (const auto& value : images->elements()) image(state, value);
  }
  if (const auto* value = given(delta, "audio")) audio(state, *value);
  if (const auto* annotations = given(delta, "annotations")) {
    for (const auto& annotation : annotations->elements()) citation(state, annotation);
  }
  if (const auto* calls = given(delta, "tool_calls")) {
    std::uint64_t position = 0;
    for (const auto& value : calls->elements()) call(state, value, position++);
  }
  if (const auto* value = given(delta, "function_call")) legacy_call(state, *value);
}

void Decoder::close_all(ChoiceState& state) {
  close(state);
  for (auto& call : state.calls) {
    if (!call.part) tell_call(state, call);
    put(event::PartStop{state.index, *call.part});
  }
  state.calls.clear();
}

void Decoder::finish(ChoiceState& state, const std::string& word) {
  close_all(state);
  if (std::exchange(state.finished, true)) return;  // said twice by some
  const auto finish = finish_of(word, state.refused);
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

/// The end that the upstream says. A choice that was never finished is left so, but its parts are closed.
Status Decoder::done() {
  if (choices_.empty()) return fail(Kind::upstream_failed, "the upstream's stream holds no answer");
  for (auto& state : choices_) {
    close_all(state);
    if (!state.finished) put(event::ChoiceFinish{.choice = state.index, .finish = model::Finish::unknown});
  }
  done_ = true;
  put(event::End{});
  return {};
}

void Decoder::failure(const Value& error) {
  const auto told = tell(error);
  event::Failure out{.message = told.message,
                     .type = text_of(error, "type").value_or(""),
                     .code = told.code,
                     .status = static_cast<std::uint16_t>(told.status)};
  if (out.message.empty()) out.message = "the upstream reported an error in its stream";
  done_ = true;
  put(std::move(out));
}

Status Decoder::event(std::string_view type, std::string_view data, std::vector<ChatEvent>& out) {
  out_ = &out;
  data = trim(data);
  const bool known = type.empty() || type == "message" || type == "error";
  if (!known || data.empty() || done_) return {};
  if (data == "[DONE]") return done();
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
