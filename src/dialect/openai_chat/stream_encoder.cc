// Model events become the chunks of a client's stream.

#include <algorithm>

#include "base/text.h"
#include "dialect/openai_chat/openai_chat.h"
#include "wire/sse.h"

namespace cardea::dialect::openai {

using json::Writer;
using model::ChatEvent;
namespace event = model::event;

namespace {

class Encoder final : public StreamEncoder {
 public:
  explicit Encoder(AnswerContext context)
      : context_{std::move(context)}, include_usage_{context_.request.include_usage.value_or(false)} {}

  void encode(const ChatEvent& event, std::string& out) override {
    out_ = &out;
    std::visit([this](const auto& value) { on(value); }, event);
  }
  [[nodiscard]] const Losses& losses() const noexcept override { return losses_; }

 private:
  struct OpenPart {
    std::uint64_t choice = 0;
    std::uint64_t part = 0;
    std::size_t kind = 0;  ///< index in Part's variant
    bool closed = false;
    std::uint64_t call = 0;
    bool legacy = false;
    bool custom = false;
    std::uint64_t offset = 0;                ///< of a text, in characters
    std::uint64_t length = 0;                ///< of a text, in characters
    std::vector<model::Citation> citations;  ///< of a text: placed when it is whole
    model::Thinking thinking;                ///< what was said, for its details when it is whole
  };
  struct ChoiceState {
    std::uint64_t index = 0;
    std::uint64_t characters = 0;  ///< of text so far
    std::uint64_t calls = 0;
    std::uint64_t details = 0;
    bool refused = false;
  };

  void on(const event::Start& start) { start_ = start; }
  void on(const event::PartStart& start);
  void on(const event::Delta& delta);
  void on(const event::CitationDelta& delta);
  void on(const event::SignatureDelta& delta);
  void on(const event::AudioDelta& delta);
  void on(const event::Logprobs& logprobs);
  void on(const event::PartStop& stop);
  void on(const event::ChoiceFinish& finish);
  void on(const event::UsageReport& report) { usage_ = report.usage; }
  void on(const event::Ping&) { wire::append_comment(*out_, "ping"); }
  void on(const event::Failure&) {}
  void on(const event::End&);

  template <class WriteDelta>
  void chunk(std::uint64_t choice, const WriteDelta& write_delta, std::string_view finish = {},
             std::string_view logprobs = "null");
  void head(Writer& w);
  void emit() { wire::append_event(*out_, {}, json_); }
  ChoiceState& state_of(std::uint64_t choice);
  OpenPart* find(std::uint64_t choice, std::uint64_t part);
  void text(OpenPart& part, std::string_view text);
  void start_call(OpenPart& part, const model::ToolCall& call);
  void image(const OpenPart& part, const model::Part& value);
  void audio(std::uint64_t choice, const model::Audio& audio);
  void close(OpenPart& part);
  void lose(std::uint64_t choice, std::string_view field, std::string_view reason) {
    losses_.detail(cat("choices[", choice, "].", field), reason);
  }

  AnswerContext context_;
  bool include_usage_;
  Losses losses_;
  std::string* out_ = nullptr;  ///< during encode()
  std::string json_;            ///< the chunk being written
  event::Start start_;
  std::vector<ChoiceState> choices_;  ///< those whose role was sent
  std::vector<OpenPart> parts_;
  std::optional<model::Usage> usage_;
};

void Encoder::head(Writer& w) {
  w.begin_object().key("id").string(start_.id.value_or(context_.id)).key("object").string("chat.completion.chunk");
  w.key("created").number(start_.created.value_or(context_.created)).key("model").string(start_.model.value_or(context_.model));
  if (start_.service_tier) {
    const auto tier = tier_word(*start_.service_tier);
    if (!tier.empty()) w.key("service_tier").string(tier);
    if (tier.empty()) losses_.detail("service_tier", "OpenAI has no such tier");
  }
  write(w, "system_fingerprint", start_.system_fingerprint);
}

template <class WriteDelta>
void Encoder::chunk(std::uint64_t choice, const WriteDelta& write_delta, std::string_view finish, std::string_view logprobs) {
  static_cast<void>(state_of(choice));
  json_.clear();
  Writer w{json_};
  head(w);
  w.key("choices").begin_array().begin_object().key("index").number(choice).key("delta").begin_object();
  write_delta(w);
  w.end_object().key("logprobs").raw(logprobs).key("finish_reason");
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

/// The first chunk of a choice says the role alone, as OpenAI's does.
Encoder::ChoiceState& Encoder::state_of(std::uint64_t choice) {
  const auto found = std::ranges::find(choices_, choice, &ChoiceState::index);
  if (found != choices_.end()) return *found;
  choices_.push_back({.index = choice});
  chunk(choice, [](Writer& w) { w.key("role").string("assistant").key("content").string("").key("refusal").null(); });
  return *std::ranges::find(choices_, choice, &ChoiceState::index);
}

Encoder::OpenPart* Encoder::find(std::uint64_t choice, std::uint64_t part) {
  for (auto& open : parts_) {
    if (open.choice == choice && open.part == part && !open.closed) return &open;
  }
  return nullptr;
}

void Encoder::start_call(OpenPart& part, const model::ToolCall& call) {
  part.legacy = !call.id.has_value();
  part.custom = call.kind == model::ToolKind::custom;
  part.call = part.legacy ? 0 : state_of(part.choice).calls++;
  chunk(part.choice, [&](Writer& w) {
    const auto inner = [&](std::string_view key) {
      w.key(key).begin_object().key("name").string(call.name);
      w.key(part.custom ? "input" : "arguments").string(call.arguments).end_object();
    };
    if (part.legacy) {
      inner("function_call");
      return;
    }
    const std::string_view form = part.custom ? "custom" : "function";
    w.key("tool_calls").begin_array().begin_object().key("index").number(part.call).key("id").string(*call.id);
    w.key("type").string(form);
    inner(form);
    if (call.signature) encode_call_signature(w, *call.signature);
    w.end_object().end_array();
  });
}

void Encoder::image(const OpenPart& part, const model::Part& value) {
  const auto reason = obstacle(value, model::Role::user, Origin::other);
  if (!reason.empty()) {
    lose(part.choice, "message.image", reason);
    return;
  }
  const Encoding encoding{losses_, Origin::other};
  chunk(part.choice, [&](Writer& w) {
    w.key("images").begin_array();
    encode_part(w, value, cat("choices[", part.choice, "].message.images"), encoding);
    w.end_array();
  });
}

void Encoder::on(const event::PartStart& start) {
  OpenPart part{.choice = start.choice, .part = start.part, .kind = start.value.value.index()};
  part.offset = state_of(start.choice).characters;
  const auto& value = start.value.value;
  if (const auto* call = std::get_if<model::ToolCall>(&value)) {
    start_call(part, *call);
  } else if (const auto* told = std::get_if<model::Text>(&value)) {
    text(part, told->text);
    part.citations = told->citations;
  } else if (const auto* refusal = std::get_if<model::Refusal>(&value)) {
    text(part, refusal->text);
  } else if (const auto* thinking = std::get_if<model::Thinking>(&value)) {
    text(part, thinking->text);
    part.thinking = *thinking;
  } else if (const auto* sound = std::get_if<model::Audio>(&value)) {
    if (sound->media.base64 || sound->transcript || sound->media.id) audio(part.choice, *sound);
  } else if (std::holds_alternative<model::Image>(value)) {
    image(part, start.value);
  } else {
    lose(part.choice, cat("message.", kind_name(start.value)), no_such_field);
  }
  parts_.push_back(std::move(part));
}

void Encoder::text(OpenPart& part, std::string_view text) {
  if (text.empty()) return;
  std::string_view key = "reasoning_content";
  if (part.kind == kind_of<model::Text>) {
    key = "content";
    const auto length = characters(text);
    part.length += length;
    state_of(part.choice).characters += length;
  } else if (part.kind == kind_of<model::Refusal>) {
    key = "refusal";
    state_of(part.choice).refused = true;
  }
  chunk(part.choice, [&](Writer& w) { w.key(key).string(text); });
}

void Encoder::on(const event::Delta& delta) {
  auto* part = find(delta.choice, delta.part);
  if (part == nullptr) return;
  if (part->kind == kind_of<model::Thinking>) part->thinking.text += delta.text;
  if (part->kind != kind_of<model::ToolCall>) {
    text(*part, delta.text);
    return;
  }
  chunk(part->choice, [&](Writer& w) {
    if (part->legacy) {
      w.key("function_call").begin_object().key("arguments").string(delta.text).end_object();
      return;
    }
    w.key("tool_calls").begin_array().begin_object().key("index").number(part->call);
    w.key(part->custom ? "custom" : "function").begin_object();
    w.key(part->custom ? "input" : "arguments").string(delta.text).end_object().end_object().end_array();
  });
}

void Encoder::on(const event::CitationDelta& delta) {
  if (auto* part = find(delta.choice, delta.part)) part->citations.push_back(delta.citation);
}

void Encoder::on(const event::SignatureDelta& delta) {
  auto* part = find(delta.choice, delta.part);
  if (part == nullptr) return;
  if (part->kind == kind_of<model::Thinking>) {
    part->thinking.signature = part->thinking.signature.value_or("") + delta.signature;
    return;
  }
  if (part->kind != kind_of<model::ToolCall> || part->legacy) return lose(part->choice, "signature", no_such_field);
  chunk(part->choice, [&](Writer& w) {
    w.key("tool_calls").begin_array().begin_object().key("index").number(part->call);
    encode_call_signature(w, delta.signature);
    w.end_object().end_array();
  });
}

void Encoder::audio(std::uint64_t choice, const model::Audio& audio) {
  chunk(choice, [&](Writer& w) {
    w.key("audio").begin_object();
    write(w, "id", audio.media.id);
    write(w, "data", audio.media.base64);
    write(w, "transcript", audio.transcript);
    write(w, "expires_at", audio.expires_at);
    w.end_object();
  });
}

void Encoder::on(const event::AudioDelta& delta) { audio(delta.choice, delta.audio); }

void Encoder::on(const event::Logprobs& logprobs) {
  const auto complete = complete_logprobs(logprobs.value);
  if (!complete) return lose(logprobs.choice, "logprobs", "in a form of another vendor's own");
  chunk(logprobs.choice, [](Writer&) {}, {}, *complete);
}

/// What can be said of a whole part only: the places of citations, and the reasoning details in one piece, so that a client that
/// collects them has what it must send back whichever way it joins them.
void Encoder::close(OpenPart& part) {
  if (std::exchange(part.closed, true)) return;
  if (!part.citations.empty()) {
    chunk(part.choice, [&](Writer& w) {
      w.key("annotations").begin_array();
      for (const auto& citation : part.citations) {
        encode_citation(w, citation, {.offset = part.offset, .length = part.length}, Origin::other);
        if (citation.raw) lose(part.choice, "message.citations", "OpenAI's citations hold less");
      }
      w.end_array();
    });
  }
  if (part.kind != kind_of<model::Thinking> || !has_details(part.thinking)) return;
  auto& index = state_of(part.choice).details;
  chunk(part.choice, [&](Writer& w) {
    w.key("reasoning_details").begin_array();
    encode_details(w, part.thinking, index);
    w.end_array();
  });
}

void Encoder::on(const event::PartStop& stop) {
  if (auto* part = find(stop.choice, stop.part)) close(*part);
}

void Encoder::on(const event::ChoiceFinish& finish) {
  for (auto& part : parts_) {
    if (part.choice == finish.choice) close(part);
  }
  const auto& state = state_of(finish.choice);
  if (loses_finish(finish.finish)) {
    lose(finish.choice, "finish_reason", cat("OpenAI has no word for ", name(finish.finish)));
  }
  if (finish.stop_sequence) lose(finish.choice, "stop_sequence", no_such_field);
  const Ending ending{.finish = finish.finish, .refused = state.refused, .called = state.calls != 0};
  const bool untold = finish.finish == model::Finish::refusal && !state.refused;
  chunk(
      finish.choice,
      [&](Writer& w) {
        if (untold) w.key("refusal").string("");
      },
      word_of(ending));
}

void Encoder::on(const event::End&) {
  if (include_usage_ && usage_) {
    json_.clear();
    Writer w{json_};
    head(w);
    w.key("choices").begin_array().end_array().key("usage");
    encode_usage(w, *usage_, Origin::other);
    w.end_object();
    emit();
  }
  wire::append_event(*out_, {}, "[DONE]");
}

}  // namespace

std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context) {
  return std::make_unique<Encoder>(std::move(context));
}

}  // namespace cardea::dialect::openai
