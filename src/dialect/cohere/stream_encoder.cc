// Model events become the events of a client's stream.

#include <algorithm>

#include "dialect/cohere/cohere.h"
#include "dialect/turns.h"
#include "wire/sse.h"

namespace cardea::dialect::cohere_v2 {

using json::Writer;
using model::ChatEvent;
namespace event = model::event;

namespace {

/// A text streams as content: whether calls will follow, so that it would be a plan, is not known yet.
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
    enum class Kind : std::uint8_t { text, thinking, call, none } kind = Kind::none;
    std::uint64_t index = 0;  ///< among the content blocks, or among the calls
    bool begun = false;
    bool open = true;
    std::string said;  ///< of a text: citations quote it
  };
  using Kind_of = Block::Kind;

  void on(const event::Start& start);
  void on(const event::PartStart& start);
  void on(const event::Delta& delta);
  void on(const event::CitationDelta& delta);
  void on(const event::SignatureDelta& delta);
  void on(const event::AudioDelta& delta) {
    if (ours(delta.choice)) losses_.detail("choices[0].message.audio");
  }
  void on(const event::Logprobs& logprobs);
  void on(const event::PartStop& stop);
  void on(const event::ChoiceFinish& finish);
  void on(const event::UsageReport& report) { usage_ = report.usage; }
  void on(const event::Ping&) { wire::append_comment(*out_, "ping"); }
  void on(const event::Failure&) {}
  void on(const event::End&);

  /// {"type":…,"index":…,"delta":{"message":{…}}}; `inner` writes the message's member.
  template <class Inner>
  void emit(std::string_view type, std::optional<std::uint64_t> index, const Inner& inner, const model::Json* logprobs = nullptr);
  void emit_bare(std::string_view type, std::uint64_t index);
  void say(Block& block, std::string_view text, const model::Json* logprobs = nullptr);
  void begin(Block& block);
  void begin_call(Block& block, const model::ToolCall& call);
  void close(Block& block);
  void start_message(const std::optional<std::string>& id);
  Block* find(std::uint64_t choice, std::uint64_t part);
  bool ours(std::uint64_t choice) {
    if (choice != 0) losses_.detail(cat("choices[", choice, ']'), "one answer only");
    return choice == 0;
  }

  AnswerContext context_;
  Losses losses_;
  std::string* out_ = nullptr;  ///< during encode()
  std::string json_;            ///< the event being written
  bool started_ = false;
  std::vector<Block> blocks_;
  std::uint64_t contents_ = 0;
  std::uint64_t calls_ = 0;
  std::uint64_t citations_ = 0;
  std::optional<event::ChoiceFinish> finish_;
  std::optional<model::Usage> usage_;
};

template <class Inner>
void Encoder::emit(std::string_view type, std::optional<std::uint64_t> index, const Inner& inner, const model::Json* logprobs) {
  json_.clear();
  Writer w{json_};
  w.begin_object().key("type").string(type);
  write(w, "index", index);
  w.key("delta").begin_object().key("message").begin_object();
  inner(w);
  w.end_object().end_object();
  if (logprobs != nullptr) {
    w.key("logprobs");
    encode_logprobs_item(w, *logprobs, losses_);
  }
  w.end_object();
  wire::append_event(*out_, type, json_);
}

void Encoder::emit_bare(std::string_view type, std::uint64_t index) {
  json_.clear();
  Writer w{json_};
  w.begin_object().key("type").string(type).key("index").number(index).end_object();
  wire::append_event(*out_, type, json_);
}

Encoder::Block* Encoder::find(std::uint64_t choice, std::uint64_t part) {
  if (choice != 0) return nullptr;
  const auto found = std::ranges::find_if(blocks_, [&](const Block& block) { return block.part == part && block.open; });
  return found != blocks_.end() ? &*found : nullptr;
}

void Encoder::start_message(const std::optional<std::string>& id) {
  if (started_) return;
  started_ = true;
  json_.clear();
  Writer w{json_};
  w.begin_object();
  write_or(w, "id", id, context_.id);
  w.key("type").string("message-start").key("delta").begin_object().key("message").begin_object();
  w.key("role").string("assistant").key("content").begin_array().end_array().key("tool_plan").string("");
  w.key("tool_calls").begin_array().end_array().key("citations").begin_array().end_array();
  w.end_object().end_object().end_object();
  wire::append_event(*out_, "message-start", json_);
}

void Encoder::on(const event::Start& start) {
  if (start.service_tier) losses_.detail("service_tier");
  start_message(start.id);
}

/// A block that never says anything never begins.
void Encoder::begin(Block& block) {
  if (block.begun) return;
  block.begun = true;
  block.index = contents_++;
  const std::string_view kind = block.kind == Kind_of::thinking ? "thinking" : "text";
  emit("content-start", block.index,
       [&](Writer& w) { w.key("content").begin_object().key("type").string(kind).key(kind).string("").end_object(); });
}

void Encoder::begin_call(Block& block, const model::ToolCall& call) {
  block.begun = true;
  block.index = calls_++;
  emit("tool-call-start", block.index, [&](Writer& w) {
    w.key("tool_calls").begin_object();
    write(w, "id", call.id);
    w.key("type").string("function").key("function").begin_object().key("name").string(call.name);
    w.key("arguments").string("").end_object();
    write(w, "signature", call.signature);
    w.end_object();
  });
}

void Encoder::say(Block& block, std::string_view text, const model::Json* logprobs) {
  if (text.empty() && logprobs == nullptr) return;
  if (block.kind == Kind_of::call) {
    emit("tool-call-delta", block.index, [&](Writer& w) {
      w.key("tool_calls").begin_object().key("function").begin_object().key("arguments").string(text).end_object().end_object();
    });
    return;
  }
  begin(block);
  if (block.kind == Kind_of::text) block.said += text;
  const std::string_view kind = block.kind == Kind_of::thinking ? "thinking" : "text";
  emit(
      "content-delta", block.index, [&](Writer& w) { w.key("content").begin_object().key(kind).string(text).end_object(); },
      logprobs);
}

void Encoder::on(const event::PartStart& start) {
  if (!ours(start.choice)) return;
  start_message({});
  const auto& value = start.value.value;
  auto& block = blocks_.emplace_back(Block{.part = start.part});
  if (const auto* call = std::get_if<model::ToolCall>(&value)) {
    block.kind = Kind_of::call;
    begin_call(block, *call);
    say(block, call->arguments);
  } else if (const auto* thinking = std::get_if<model::Thinking>(&value)) {
    block.kind = Kind_of::thinking;
    say(block, thinking->text);
    if (thinking->signature) on(event::SignatureDelta{start.choice, start.part, *thinking->signature});
  } else if (const auto text = text_of(start.value)) {
    block.kind = Kind_of::text;
    say(block, *text);
    const auto* cited = std::get_if<model::Text>(&value);
    if (cited == nullptr) return;
    for (const auto& citation : cited->citations) on(event::CitationDelta{start.choice, start.part, citation});
  } else {
    lose_answer_part(start.value, losses_);
  }
}

void Encoder::on(const event::Delta& delta) {
  auto* block = find(delta.choice, delta.part);
  if (block != nullptr && block->kind != Kind_of::none) say(*block, delta.text);
}

void Encoder::on(const event::CitationDelta& delta) {
  auto* block = find(delta.choice, delta.part);
  if (block == nullptr || block->kind != Kind_of::text) return;
  begin(*block);
  emit("citation-start", citations_, [&](Writer& w) {
    w.key("citations");
    encode_citation(w, delta.citation, {.type = "TEXT_CONTENT", .content_index = block->index, .text = block->said});
  });
  emit_bare("citation-end", citations_++);
}

void Encoder::on(const event::SignatureDelta& delta) {
  auto* block = find(delta.choice, delta.part);
  if (block == nullptr || block->kind != Kind_of::thinking) return;
  begin(*block);
  emit("content-delta", block->index, [&](Writer& w) {
    w.key("content").begin_object().key("thinking").string("").key("signature").string(delta.signature).end_object();
  });
}

void Encoder::on(const event::Logprobs& logprobs) {
  if (!ours(logprobs.choice)) return;
  const auto block = std::ranges::find_if(blocks_.rbegin(), blocks_.rend(),
                                          [](const Block& other) { return other.open && other.kind == Kind_of::text; });
  if (block == blocks_.rend()) return losses_.detail("choices[0].logprobs");
  say(*block, {}, &logprobs.value);
}

void Encoder::close(Block& block) {
  if (block.begun && block.open) emit_bare(block.kind == Kind_of::call ? "tool-call-end" : "content-end", block.index);
  block.open = false;
}

void Encoder::on(const event::PartStop& stop) {
  if (auto* block = find(stop.choice, stop.part)) close(*block);
}

void Encoder::on(const event::ChoiceFinish& finish) {
  if (!ours(finish.choice)) return;
  finish_ = finish;
  const bool known =
      finish.raw && keeps_word(*finish.raw) && finish_of(*finish.raw) == finish.finish && finish.finish != model::Finish::unknown;
  if (!known) finish_->raw.reset();
  if (!known && loses_finish(finish.finish)) losses_.detail("choices[0].finish_reason");
  if (finish.stop_sequence) losses_.detail("choices[0].stop_sequence");
}

void Encoder::on(const event::End&) {
  start_message({});
  for (auto& block : blocks_) close(block);
  json_.clear();
  Writer w{json_};
  w.begin_object().key("type").string("message-end").key("delta").begin_object();
  if (finish_) w.key("finish_reason").string(finish_->raw ? std::string_view{*finish_->raw} : word_of(finish_->finish));
  if (usage_) {
    w.key("usage");
    encode_usage(w, *usage_, losses_);
  }
  w.end_object().end_object();
  wire::append_event(*out_, "message-end", json_);
}

}  // namespace

std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context) {
  return std::make_unique<Encoder>(std::move(context));
}

}  // namespace cardea::dialect::cohere_v2
