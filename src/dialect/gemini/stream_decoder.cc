// Events of an upstream's stream, each a GenerateContentResponse, become model events.

#include <algorithm>

#include "dialect/gemini/gemini.h"

namespace cardea::dialect::google {

using json::Type;
using json::Value;
using model::ChatEvent;
using model::Part;
namespace event = model::event;

namespace {

struct ChoiceState {
  std::uint64_t index = 0;
  std::uint64_t parts = 0;
  std::optional<std::uint64_t> open;  ///< a text or a thought that goes on
  bool thinks = false;                ///< the open part is a thought
  Calls calls = Calls::none;
  bool finished = false;
  std::string signature;                 ///< of a text: a thought of its own behind it, when it is known to have ended
  std::string text;                      ///< all of it, for citations' offsets
  std::size_t open_at = 0;               ///< where the open text begins in it
  std::vector<model::Citation> cited{};  ///< those said, since events repeat them
};

class Decoder final : public StreamDecoder {
 public:
  Status event(std::string_view type, std::string_view data, std::vector<ChatEvent>& out) override;
  Status end(std::vector<ChatEvent>& out) override;

 private:
  void start(const Value& chunk);
  Status candidate(const Value& value, std::size_t position);
  Status part(ChoiceState& state, const Value& value, std::string_view path);
  void text(ChoiceState& state, const Value& part, const std::string& text);
  void whole(ChoiceState& state, Part part);
  void cite(ChoiceState& state, Cited cited);
  void open_part(ChoiceState& state, bool thinks);
  void close(ChoiceState& state);
  void finish(ChoiceState& state, std::string_view word);
  void usage(const Value& value);
  void failure(const Value& error);
  ChoiceState& state_of(std::uint64_t index);
  void put(ChatEvent event) { out_->push_back(std::move(event)); }

  std::vector<ChatEvent>* out_ = nullptr;  ///< during event()
  std::vector<ChoiceState> choices_;
  std::optional<model::Usage> usage_;
  bool started_ = false;
  bool done_ = false;
};

std::string text_of(const Value& object, std::string_view name) {
  const auto found = field(object, name);
  return found && found.value->as_string() != nullptr ? *found.value->as_string() : std::string{};
}
std::optional<std::string> some(std::string text) { return text.empty() ? std::nullopt : std::optional{std::move(text)}; }

ChoiceState& Decoder::state_of(std::uint64_t index) {
  const auto found = std::ranges::find(choices_, index, &ChoiceState::index);
  if (found != choices_.end()) return *found;
  auto& state = choices_.emplace_back();
  state.index = index;
  return state;
}

void Decoder::start(const Value& chunk) {
  started_ = true;
  put(event::Start{.id = some(text_of(chunk, "responseId")),
                   .model = some(text_of(chunk, "modelVersion")),
                   .created = time_of(text_of(chunk, "createTime")),
                   .service_tier = {},
                   .system_fingerprint = {}});
}

void Decoder::close(ChoiceState& state) {
  if (state.open) put(event::PartStop{state.index, *state.open});
  state.open.reset();
  if (state.signature.empty()) return;
  const auto part = state.parts++;
  put(event::PartStart{state.index, part, {.value = model::Thinking{.text = {}}}});
  put(event::SignatureDelta{state.index, part, std::exchange(state.signature, {})});
  put(event::PartStop{state.index, part});
}

void Decoder::open_part(ChoiceState& state, bool thinks) {
  const bool goes_on = state.open && state.thinks == thinks && state.signature.empty();
  if (goes_on) return;
  close(state);
  state.open = state.parts++;
  state.thinks = thinks;
  state.open_at = state.text.size();
  Part part{.value = model::Text{}};
  if (thinks) part.value = model::Thinking{.text = {}};
  put(event::PartStart{state.index, *state.open, std::move(part)});
}

/// A signature completes the thought that it stands with. On any other text it is a thought of its own; behind the text, since
/// the pieces in which a text comes mean nothing.
void Decoder::text(ChoiceState& state, const Value& part, const std::string& text) {
  const auto thought = field(part, "thought");
  const bool thinks = thought && thought.value->as_bool().value_or(false);
  auto signature = text_of(part, "thoughtSignature");
  if (!text.empty()) {
    open_part(state, thinks);
    if (!thinks) state.text += text;
    put(event::Delta{state.index, *state.open, text});
  }
  if (signature.empty()) return;
  if (!thinks) {
    if (!state.signature.empty()) close(state);
    state.signature = std::move(signature);
    return;
  }
  open_part(state, true);
  put(event::SignatureDelta{state.index, *state.open, std::move(signature)});
  close(state);
}

/// A part that comes at once.
void Decoder::whole(ChoiceState& state, Part part) {
  close(state);
  const auto index = state.parts++;
  std::string delta;
  std::string signature;
  if (auto* call = std::get_if<model::ToolCall>(&part.value)) {
    state.calls = Calls::some;
    delta = std::exchange(call->arguments, {});
  }
  if (auto* thinking = std::get_if<model::Thinking>(&part.value)) {
    signature = std::exchange(thinking->signature, std::nullopt).value_or("");
  }
  put(event::PartStart{state.index, index, std::move(part)});
  if (!delta.empty()) put(event::Delta{state.index, index, std::move(delta)});
  if (!signature.empty()) put(event::SignatureDelta{state.index, index, std::move(signature)});
  put(event::PartStop{state.index, index});
}

Status Decoder::part(ChoiceState& state, const Value& value, std::string_view path) {
  const auto said = field(value, "text");
  if (said && said.value->as_string() != nullptr) {
    text(state, value, *said.value->as_string());
    return {};
  }
  // Vertex can stream a call's arguments in pieces, to those who ask for it in its own words; the pieces have no name.
  const auto call = field(value, "functionCall");
  if (call && text_of(*call.value, "name").empty()) return {};
  std::vector<Part> parts;
  auto status = decode_part(value, path, parts);
  if (!status) return fail(Kind::upstream_protocol, cat("the upstream's stream: ", status.error().message()));
  for (auto& one : parts) whole(state, std::move(one));
  return {};
}

void Decoder::cite(ChoiceState& state, Cited cited) {
  if (!state.open || state.thinks) open_part(state, false);
  const std::string_view open = std::string_view{state.text}.substr(state.open_at);
  if (cited.placed && cited.start_byte >= state.open_at) {
    cited.citation.start = characters_before(open, cited.start_byte - state.open_at);
    cited.citation.end = characters_before(open, cited.end_byte - state.open_at);
  }
  if (std::ranges::find(state.cited, cited.citation) != state.cited.end()) return;
  state.cited.push_back(cited.citation);
  put(event::CitationDelta{state.index, *state.open, std::move(cited.citation)});
}

void Decoder::finish(ChoiceState& state, std::string_view word) {
  close(state);
  if (state.finished) return;
  state.finished = true;
  event::ChoiceFinish out{.choice = state.index, .raw = {}, .stop_sequence = {}};
  out.finish = finish_of(word, state.calls, out.raw);
  put(std::move(out));
}

Status Decoder::candidate(const Value& value, std::size_t position) {
  const auto index = field(value, "index");
  auto& state = state_of(index ? count_of(*index.value).value_or(position) : position);
  const auto content = field(value, "content");
  const auto parts = content ? field(*content.value, "parts") : Field{};
  const std::size_t count = parts ? parts.value->elements().size() : 0;
  for (std::size_t i = 0; i < count; ++i) {
    auto status = part(state, parts.value->elements()[i], cat("candidates[", position, "].content.parts[", i, ']'));
    if (!status) return status;
  }
  for (auto& cited : citations_of(value)) cite(state, std::move(cited));
  if (const auto logprobs = field(value, "logprobsResult")) {
    put(event::Logprobs{state.index, decode_logprobs(*logprobs.value)});
  }
  const auto word = text_of(value, "finishReason");
  if (!word.empty()) finish(state, word);
  return {};
}

void Decoder::usage(const Value& value) {
  auto counts = decode_usage(value);
  const bool last = !choices_.empty() && std::ranges::all_of(choices_, &ChoiceState::finished);
  if (usage_ == counts && !last) return;
  usage_ = counts;
  put(event::UsageReport{counts});
}

void Decoder::failure(const Value& error) {
  event::Failure out;
  out.message = error.as_string() != nullptr ? *error.as_string() : text_of(error, "message");
  if (out.message.empty()) out.message = "the upstream reported an error in its stream";
  out.type = text_of(error, "status");
  out.code = out.type;
  const auto code = field(error, "code");
  const auto number = code ? code.value->as_u64() : std::nullopt;
  const bool http = number && *number >= 400 && *number < 600;
  out.status = static_cast<std::uint16_t>(http ? static_cast<int>(*number) : http_status_of(out.type));
  done_ = true;
  put(std::move(out));
}

Status Decoder::event(std::string_view /*type*/, std::string_view data, std::vector<ChatEvent>& out) {
  out_ = &out;
  data = trim(data);
  if (data.empty() || done_) return {};
  auto chunk = json::parse(data, upstream_scan());
  if (!chunk) return fail_with(chunk);
  // An error may come alone in an array.
  const Value* said = chunk->is(Type::array) && chunk->elements().size() == 1 ? &chunk->elements().front() : &*chunk;
  if (!said->is(Type::object)) return fail(Kind::upstream_protocol, "the upstream's stream has an event that is no JSON object");
  if (const auto* error = given(*said, "error")) {
    failure(*error);
    return {};
  }
  if (!started_) start(*said);
  // What the prompt cost comes first, what the answer cost last.
  const auto counts = field(*said, "usageMetadata");
  if (counts && !usage_ && !field(*counts.value, "candidatesTokenCount")) usage(*counts.value);
  const auto candidates = field(*said, "candidates");
  const std::size_t count = candidates ? candidates.value->elements().size() : 0;
  for (std::size_t i = 0; i < count; ++i) {
    auto status = candidate(candidates.value->elements()[i], i);
    if (!status) return status;
  }
  const auto feedback = field(*said, "promptFeedback");
  if (feedback && count == 0 && choices_.empty() && !text_of(*feedback.value, "blockReason").empty()) {
    auto& state = state_of(0);
    state.finished = true;
    put(event::ChoiceFinish{.choice = 0, .finish = model::Finish::content_filter, .raw = {}, .stop_sequence = {}});
  }
  if (counts) usage(*counts.value);
  return {};
}

/// There is no event that ends the stream: it has ended when every candidate has.
Status Decoder::end(std::vector<ChatEvent>& out) {
  if (done_) return {};
  const bool finished = !choices_.empty() && std::ranges::all_of(choices_, &ChoiceState::finished);
  if (!finished) return fail(Kind::upstream_reset, "the upstream ended the stream before its end");
  done_ = true;
  out.emplace_back(event::End{});
  return {};
}

}  // namespace

std::unique_ptr<StreamDecoder> make_stream_decoder() { return std::make_unique<Decoder>(); }

}  // namespace cardea::dialect::google
