// Model events become the AWS events of a client's stream. Blocks follow one another: what comes for a later part while an
// earlier one is open waits until that has stopped, or until it is a call whose arguments are whole.

#include <algorithm>
#include <deque>

#include "dialect/bedrock/bedrock.h"
#include "dialect/wholeness.h"
#include "wire/aws_events.h"

namespace cardea::dialect::converse {

using json::Writer;
using model::ChatEvent;
namespace event = model::event;

namespace {

class Encoder final : public StreamEncoder {
 public:
  explicit Encoder(AnswerContext context) : context_{std::move(context)} {}

  void encode(const ChatEvent& event, std::string& out) override {
    out_ = &out;
    std::visit([this](const auto& value) { on(value); }, event);
  }
  [[nodiscard]] const Losses& losses() const noexcept override { return losses_; }

 private:
  struct Block {
    std::uint64_t part = 0;
    std::size_t kind = 0;                ///< index in Part's variant
    std::optional<std::uint64_t> index;  ///< in the stream, once something of it was written
    bool said = false;                   ///< of a call: arguments were written
    bool stopped = false;
    bool json = true;  ///< of a call: its arguments are an object
    Wholeness arguments;
    std::vector<ChatEvent> waiting;  ///< while another block is open
  };

  void on(const event::Start&) { begin(); }
  void on(const event::PartStart& start);
  void on(const event::Delta& delta) { forward(delta.choice, delta.part, delta); }
  void on(const event::CitationDelta& delta) { forward(delta.choice, delta.part, delta); }
  void on(const event::SignatureDelta& delta) { forward(delta.choice, delta.part, delta); }
  void on(const event::AudioDelta& delta) { forward(delta.choice, delta.part, delta); }
  void on(const event::Logprobs&) { losses_.detail("choices[0].logprobs"); }
  void on(const event::PartStop& stop) { forward(stop.choice, stop.part, stop); }
  void on(const event::ChoiceFinish& finish);
  void on(const event::UsageReport& report) { usage_ = report.usage; }
  void on(const event::Ping&) {}  // the format has nothing that says nothing
  void on(const event::Failure&) {}
  void on(const event::End&);

  void begin();
  void forward(std::uint64_t choice, std::uint64_t part, const ChatEvent& event);
  void play(Block& block, const ChatEvent& event);
  void advance();
  void flush();
  void say(Block& block, const event::PartStart& start);
  void say(Block& block, const event::Delta& delta) { text(block, delta.text); }
  void say(Block& block, const event::CitationDelta& delta);
  void say(Block& block, const event::SignatureDelta& delta);
  void say(Block& block, const event::AudioDelta& delta);
  void say(Block& block, const event::PartStop&) { stop(block); }
  template <class Other>
  void say(Block&, const Other&) {}
  void text(Block& block, std::string_view text);
  void call(Block& block, const model::ToolCall& call);
  void opaque(Block& block, const model::Opaque& opaque);
  void image(Block& block, const model::Image& image);
  void stop(Block& block);
  /// Writes an event; the first of a block gives it its number.
  template <class WriteInner>
  void emit(Block& block, std::string_view type, const WriteInner& write_inner);
  template <class WriteDelta>
  void delta(Block& block, const WriteDelta& write_delta) {
    emit(block, "contentBlockDelta", [&](Writer& w) {
      w.key("delta").begin_object();
      write_delta(w);
      w.end_object();
    });
  }
  void lose_meaning(std::string_view what) { losses_.meaning(cat("choices[0].message.", what)); }

  AnswerContext context_;
  Losses losses_;
  std::string* out_ = nullptr;  ///< during encode()
  std::string json_;            ///< the payload being written
  std::deque<Block> blocks_;    ///< the front one is open, the others wait
  std::uint64_t next_index_ = 0;
  std::optional<model::Usage> usage_;
  bool begun_ = false;
  bool finished_ = false;
};

void Encoder::begin() {
  if (!std::exchange(begun_, true)) wire::append_aws_event(*out_, "messageStart", R"({"role":"assistant"})");
}

template <class WriteInner>
void Encoder::emit(Block& block, std::string_view type, const WriteInner& write_inner) {
  begin();
  if (!block.index) block.index = next_index_++;
  json_.clear();
  Writer w{json_};
  w.begin_object();
  write_inner(w);
  w.key("contentBlockIndex").number(*block.index).end_object();
  wire::append_aws_event(*out_, type, json_);
}

// --- order ------------------------------------------------------------------------------------------------------------------

void Encoder::on(const event::PartStart& start) {
  if (start.choice != 0) return losses_.meaning(cat("choices[", start.choice, ']'), "one answer a request");
  if (finished_) return;
  blocks_.push_back({.part = start.part,
                     .kind = start.value.value.index(),
                     .index = {},
                     .said = false,
                     .stopped = false,
                     .arguments = {},
                     .waiting = {}});
  forward(start.choice, start.part, start);
}

void Encoder::forward(std::uint64_t choice, std::uint64_t part, const ChatEvent& event) {
  const auto found = choice == 0 ? std::ranges::find(blocks_, part, &Block::part) : blocks_.end();
  if (found == blocks_.end()) return;
  if (found != blocks_.begin()) {
    found->waiting.push_back(event);
    return advance();
  }
  play(*found, event);
  advance();
}

void Encoder::play(Block& block, const ChatEvent& event) {
  std::visit([&](const auto& value) { say(block, value); }, event);
}

/// Ends what need not be waited for, and says what waited behind it.
void Encoder::advance() {
  while (!blocks_.empty()) {
    const bool whole = blocks_.front().arguments.whole() && blocks_.size() > 1;
    if (!blocks_.front().stopped && !whole) return;
    stop(blocks_.front());
    blocks_.pop_front();
    if (blocks_.empty()) return;
    auto& next = blocks_.front();
    for (const auto& waited : std::exchange(next.waiting, {})) play(next, waited);
  }
}

void Encoder::flush() {
  while (!blocks_.empty()) {
    stop(blocks_.front());
    advance();
  }
}

// --- blocks -----------------------------------------------------------------------------------------------------------------

void Encoder::say(Block& block, const event::PartStart& start) {
  const auto& value = start.value.value;
  if (const auto* told = std::get_if<model::Text>(&value)) {
    text(block, told->text);
    for (const auto& citation : told->citations) say(block, event::CitationDelta{0, block.part, citation});
  } else if (const auto* refusal = std::get_if<model::Refusal>(&value)) {
    text(block, refusal->text);
  } else if (const auto* thinking = std::get_if<model::Thinking>(&value)) {
    text(block, thinking->text);
    if (thinking->signature) say(block, event::SignatureDelta{0, block.part, *thinking->signature});
    if (thinking->redacted) {
      delta(block, [&](Writer& w) {
        w.key("reasoningContent").begin_object().key("redactedContent").string(*thinking->redacted).end_object();
      });
    }
    if (thinking->encrypted) losses_.detail("choices[0].message.thinking.encrypted");
  } else if (const auto* called = std::get_if<model::ToolCall>(&value)) {
    call(block, *called);
  } else if (const auto* picture = std::get_if<model::Image>(&value)) {
    image(block, *picture);
  } else if (const auto* sound = std::get_if<model::Audio>(&value)) {
    say(block, event::AudioDelta{0, block.part, *sound});
  } else if (const auto* own = std::get_if<model::Opaque>(&value)) {
    opaque(block, *own);
  } else {
    lose_meaning(std::holds_alternative<model::File>(value) ? "file" : "tool_result");
  }
}

void Encoder::call(Block& block, const model::ToolCall& call) {
  block.json = call.kind == model::ToolKind::function;
  emit(block, "contentBlockStart", [&](Writer& w) {
    w.key("start").begin_object().key("toolUse").begin_object();
    write_or(w, "toolUseId", call.id, "");
    w.key("name").string(call.name).end_object().end_object();
  });
  if (call.signature) losses_.detail("choices[0].message.tool_call.signature");
  text(block, call.arguments);
}

void Encoder::text(Block& block, std::string_view text) {
  if (text.empty()) return;
  if (block.kind == kind_of<model::ToolCall>) {
    block.said = true;
    if (block.json) block.arguments.add(text);
    delta(block, [&](Writer& w) { w.key("toolUse").begin_object().key("input").string(text).end_object(); });
  } else if (block.kind == kind_of<model::Thinking>) {
    delta(block, [&](Writer& w) { w.key("reasoningContent").begin_object().key("text").string(text).end_object(); });
  } else if (block.kind == kind_of<model::Text> || block.kind == kind_of<model::Refusal> || block.kind == kind_of<model::Audio>) {
    delta(block, [&](Writer& w) { w.key("text").string(text); });
  }
}

void Encoder::say(Block& block, const event::CitationDelta& cited) {
  delta(block, [&](Writer& w) {
    // Whose raw form it is nobody says here: Bedrock's has one of these members.
    bool own = cited.citation.raw.has_value();
    if (own) {
      const auto raw = json::parse(cited.citation.raw->text);
      own = raw && raw->find("type") == nullptr &&
            (raw->find("location") != nullptr || raw->find("source") != nullptr || raw->find("sourceContent") != nullptr ||
             raw->find("title") != nullptr);
    }
    const Encoding encoding{.losses = losses_, .own = own, .dialect = {}, .model = {}, .answer = true};
    w.key("citation");
    encode_citation(w, cited.citation, "choices[0].message", encoding);
  });
}

void Encoder::say(Block& block, const event::SignatureDelta& signature) {
  if (block.kind != kind_of<model::Thinking>) return losses_.detail("choices[0].message.signature");
  delta(block,
        [&](Writer& w) { w.key("reasoningContent").begin_object().key("signature").string(signature.signature).end_object(); });
}

/// There is no block for generated speech in a stream: its words are told.
void Encoder::say(Block& block, const event::AudioDelta& sound) {
  if (sound.audio.media.base64) lose_meaning("audio");
  text(block, sound.audio.transcript.value_or(""));
}

void Encoder::image(Block& block, const model::Image& image) {
  const auto format = image_format(image);
  if (format.empty() || !image.media.base64) return lose_meaning("image");
  emit(block, "contentBlockStart", [&](Writer& w) {
    w.key("start").begin_object().key("image").begin_object().key("format").string(format).end_object().end_object();
  });
  delta(block, [&](Writer& w) {
    w.key("image").begin_object().key("source").begin_object().key("bytes").string(*image.media.base64);
    w.end_object().end_object();
  });
}

/// A tool that Bedrock itself ran, and its result.
void Encoder::opaque(Block& block, const model::Opaque& opaque) {
  const auto value = json::parse(opaque.dialect == dialect_name ? std::string_view{opaque.value.text} : std::string_view{});
  const auto* use = value ? value->find("toolUse") : nullptr;
  const auto* result = value ? value->find("toolResult") : nullptr;
  const auto* inner = use != nullptr ? use : result;
  if (inner == nullptr) return lose_meaning("opaque");
  const std::string_view rest = use != nullptr ? "input" : "content";
  emit(block, "contentBlockStart", [&](Writer& w) {
    w.key("start").begin_object().key(use != nullptr ? "toolUse" : "toolResult").begin_object();
    for (const auto& [key, member] : inner->members()) {
      if (key != rest) w.key(key).raw(member.dump());
    }
    w.end_object().end_object();
  });
  const auto* said = inner->find(rest);
  if (said == nullptr) return;
  delta(block, [&](Writer& w) {
    if (use != nullptr) {
      w.key("toolUse").begin_object().key("input").string(said->dump()).end_object();
    } else {
      w.key("toolResult").raw(said->dump());
    }
  });
}

void Encoder::stop(Block& block) {
  if (std::exchange(block.stopped, true)) return;
  // What the arguments of a call add up to must be JSON.
  if (block.kind == kind_of<model::ToolCall> && block.index && !block.said) text(block, "{}");
  if (block.index) emit(block, "contentBlockStop", [](Writer&) {});
}

// --- the end ----------------------------------------------------------------------------------------------------------------

/// Did the client ask to be told which stop sequence ended the answer?
bool asked_stop(const model::Chat& request) {
  const auto paths = std::ranges::find(request.extras, std::string_view{"additionalModelResponseFieldPaths"}, &model::Extra::key);
  return paths != request.extras.end() && paths->value.text.find("\"/stop_sequence\"") != std::string::npos;
}

void Encoder::on(const event::ChoiceFinish& finish) {
  if (finish.choice != 0 || finished_) return;
  flush();
  begin();
  finished_ = true;
  // A word of Bedrock's own comes from its own decoder; what others call so is none.
  const bool own = finish.raw && finish_of(*finish.raw) == finish.finish && finish.finish != model::Finish::unknown;
  if (!own && loses_finish(finish.finish)) losses_.detail("choices[0].finish_reason", "told as the nearest");
  json_.clear();
  Writer w{json_};
  w.begin_object().key("stopReason").string(own ? std::string_view{*finish.raw} : word_of(finish.finish));
  if (finish.stop_sequence && asked_stop(context_.request)) {
    w.key("additionalModelResponseFields").begin_object().key("stop_sequence").string(*finish.stop_sequence).end_object();
  }
  w.end_object();
  wire::append_aws_event(*out_, "messageStop", json_);
}

void Encoder::on(const event::End&) {
  if (!finished_) on(event::ChoiceFinish{.choice = 0, .finish = model::Finish::unknown, .raw = {}, .stop_sequence = {}});
  json_.clear();
  Writer w{json_};
  w.begin_object().key("usage");
  encode_usage(w, usage_.value_or(model::Usage{}), losses_);
  w.key("metrics").begin_object().key("latencyMs").number(0).end_object().end_object();
  wire::append_aws_event(*out_, "metadata", json_);
}

}  // namespace

std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context) {
  return std::make_unique<Encoder>(std::move(context));
}

}  // namespace cardea::dialect::converse
