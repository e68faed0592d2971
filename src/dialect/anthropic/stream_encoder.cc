// Model events become the events of a client's stream. Blocks stand one behind the other: of parts that come at once (parallel
// calls of OpenAI's) the first is written as it comes, the others wait until it is whole.

#include <algorithm>
#include <deque>

#include "dialect/anthropic/anthropic.h"
#include "wire/sse.h"

namespace cardea::dialect::claude {

using json::Writer;
using model::ChatEvent;
namespace event = model::event;

namespace {

/// Follows a call's arguments: after the bracket that closes the first one nothing can follow.
class Wholeness {
 public:
  void add(std::string_view text) {
    for (const char c : text) {
      if (escaped_) {
        escaped_ = false;
      } else if (in_string_) {
        escaped_ = c == '\\';
        in_string_ = c != '"';
      } else if (c == '"') {
        in_string_ = true;
      } else if (c == '{' || c == '[') {
        ++depth_;
      } else if ((c == '}' || c == ']') && depth_ != 0 && --depth_ == 0) {
        whole_ = true;
      }
    }
  }
  [[nodiscard]] bool whole() const noexcept { return whole_; }

 private:
  std::uint64_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool whole_ = false;
};

/// A part on its way to be a block.
struct Pending {
  enum class Kind : std::uint8_t { text, thinking, call, raw, nothing };
  std::uint64_t part = 0;
  Kind kind = Kind::nothing;
  model::Part value;                       ///< what it began with
  std::string waiting;                     ///< text that was not yet written
  std::vector<model::Citation> citations;  ///< likewise
  std::string signature;                   ///< written at the end
  Wholeness arguments;
  bool begun = false;  ///< content_block_start was written
  bool stopped = false;
};

class Encoder final : public StreamEncoder {
 public:
  explicit Encoder(AnswerContext context) : context_{std::move(context)} {}

  void encode(const ChatEvent& event, std::string& out) override {
    out_ = &out;
    std::visit([this](const auto& value) { on(value); }, event);
  }
  [[nodiscard]] const Losses& losses() const noexcept override { return losses_; }

 private:
  void on(const event::Start& start) { start_ = start; }
  void on(const event::PartStart& start);
  void on(const event::Delta& delta);
  void on(const event::CitationDelta& delta);
  void on(const event::SignatureDelta& delta);
  void on(const event::AudioDelta& delta);
  void on(const event::Logprobs&) { losses_.detail("choices[0].logprobs", "anthropic tells none"); }
  void on(const event::PartStop& stop);
  void on(const event::ChoiceFinish& finish);
  void on(const event::UsageReport& report) { usage_ = report.usage; }
  void on(const event::Ping&);
  void on(const event::Failure&) {}
  void on(const event::End&);

  template <class WriteMembers>
  void emit(std::string_view type, const WriteMembers& write_members);
  template <class WriteMembers>
  void emit_delta(std::string_view type, const WriteMembers& write_members);
  void message_start();
  Pending* find(std::uint64_t choice, std::uint64_t part);
  [[nodiscard]] bool is_current(const Pending& pending) const { return &pending == &queue_.front(); }
  void advance();
  void flush(Pending& pending);
  void begin_block(Pending& pending);
  void end_block(Pending& pending);
  void whole_call(Pending& pending);
  [[nodiscard]] std::string_view tier();
  [[nodiscard]] std::string field(std::string_view what) const { return cat("choices[0].content[", blocks_, "].", what); }

  AnswerContext context_;
  Losses losses_;
  std::string* out_ = nullptr;  ///< during encode()
  std::string json_;            ///< the event being written
  event::Start start_;
  std::deque<Pending> queue_;  ///< the first is being written
  std::optional<event::ChoiceFinish> finish_;
  std::optional<model::Usage> usage_;
  std::uint64_t blocks_ = 0;
  bool started_ = false;
  bool ended_ = false;
  Held held_;
};

template <class WriteMembers>
void Encoder::emit(std::string_view type, const WriteMembers& write_members) {
  json_.clear();
  Writer w{json_};
  w.begin_object().key("type").string(type);
  write_members(w);
  w.end_object();
  wire::append_event(*out_, type, json_);
}

template <class WriteMembers>
void Encoder::emit_delta(std::string_view type, const WriteMembers& write_members) {
  emit("content_block_delta", [&](Writer& w) {
    w.key("index").number(blocks_).key("delta").begin_object().key("type").string(type);
    write_members(w);
    w.end_object();
  });
}

std::string_view Encoder::tier() {
  if (!start_.service_tier) return {};
  const auto word = tier_word_of(*start_.service_tier);
  if (word.empty()) losses_.detail("service_tier", "anthropic has no such tier");
  return word;
}

/// As late as possible, so that it has the counts that came at once.
void Encoder::message_start() {
  if (started_) return;
  started_ = true;
  if (start_.system_fingerprint) losses_.detail("system_fingerprint", "anthropic has none");
  emit("message_start", [&](Writer& w) {
    w.key("message").begin_object();
    write_or(w, "id", start_.id, context_.id);
    w.key("type").string("message").key("role").string("assistant");
    write_or(w, "model", start_.model, context_.model);
    w.key("content").begin_array().end_array().key("stop_reason").null().key("stop_sequence").null().key("usage");
    encode_usage(w, usage_.value_or(model::Usage{}), tier(), nullptr);
    w.end_object();
  });
}

Pending* Encoder::find(std::uint64_t choice, std::uint64_t part) {
  if (choice != 0) return nullptr;
  const auto found = std::ranges::find(queue_, part, &Pending::part);
  return found != queue_.end() ? &*found : nullptr;
}

Pending::Kind kind_of_part(const model::Part& part) {
  using Kind = Pending::Kind;
  const auto& value = part.value;
  if (std::holds_alternative<model::Text>(value) || std::holds_alternative<model::Refusal>(value)) return Kind::text;
  if (std::holds_alternative<model::Thinking>(value)) return Kind::thinking;
  if (std::holds_alternative<model::ToolCall>(value)) return Kind::call;
  if (std::holds_alternative<model::Audio>(value)) return Kind::text;  // of its transcript
  const auto* opaque = std::get_if<model::Opaque>(&value);
  return opaque != nullptr && opaque->dialect == dialect_name ? Kind::raw : Kind::nothing;
}

void Encoder::on(const event::PartStart& start) {
  if (start.choice != 0) {
    losses_.meaning(cat("choices[", start.choice, ']'), "anthropic gives one answer");
    return;
  }
  message_start();
  Pending pending{.part = start.part,
                  .kind = kind_of_part(start.value),
                  .value = start.value,
                  .waiting = {},
                  .citations = {},
                  .signature = {},
                  .arguments = {}};
  auto& value = pending.value.value;
  if (auto* text = std::get_if<model::Text>(&value)) {
    pending.waiting = std::move(text->text);
    pending.citations = std::move(text->citations);
  } else if (auto* refusal = std::get_if<model::Refusal>(&value)) {
    pending.waiting = std::move(refusal->text);
    held_.refusal = true;
  } else if (auto* thinking = std::get_if<model::Thinking>(&value)) {
    pending.waiting = std::move(thinking->text);
    pending.signature = thinking->signature.value_or("");
    if (thinking->encrypted) losses_.detail(field("thinking.encrypted"), "not sealed for this client");
  } else if (auto* call = std::get_if<model::ToolCall>(&value)) {
    held_.calls = true;
    pending.waiting = std::move(call->arguments);
    pending.arguments.add(pending.waiting);
  } else if (auto* audio = std::get_if<model::Audio>(&value)) {
    pending.waiting = audio->transcript.value_or("");
    losses_.meaning(field("audio"), "anthropic answers in text");
  } else if (std::holds_alternative<model::Opaque>(value)) {
    if (pending.kind == Pending::Kind::nothing) losses_.detail(field("opaque"), "another vendor's item");
  } else {
    losses_.meaning(field(std::holds_alternative<model::Image>(value) ? "image" : "file"), "anthropic answers in text");
  }
  queue_.push_back(std::move(pending));
  advance();
}

/// Writes what need not wait: the first part as far as it came, and those behind it when it is whole. A call whose arguments are
/// whole is not waited for.
void Encoder::advance() {
  while (!queue_.empty()) {
    auto& first = queue_.front();
    flush(first);
    const bool whole = first.kind == Pending::Kind::call && first.arguments.whole() && queue_.size() > 1;
    if (!first.stopped && !whole) return;
    end_block(first);
    queue_.pop_front();
  }
}

bool is_custom(const Pending& pending) {
  const auto* call = std::get_if<model::ToolCall>(&pending.value.value);
  return call != nullptr && call->kind == model::ToolKind::custom;
}

void Encoder::begin_block(Pending& pending) {
  if (std::exchange(pending.begun, true)) return;
  emit("content_block_start", [&](Writer& w) {
    w.key("index").number(blocks_).key("content_block");
    const auto& value = pending.value.value;
    if (const auto* opaque = std::get_if<model::Opaque>(&value)) {
      w.raw(opaque->value.text);
      return;
    }
    w.begin_object();
    if (const auto* call = std::get_if<model::ToolCall>(&value)) {
      const auto stem = std::string_view{context_.id}.substr(std::min(context_.id.find('_') + 1, context_.id.size()));
      w.key("type").string("tool_use").key("id").string(call->id ? *call->id : cat("toolu_", stem, blocks_));
      w.key("name").string(call->name).key("input").begin_object().end_object();
    } else if (const auto* thinking = std::get_if<model::Thinking>(&value)) {
      if (thinking->redacted) {
        w.key("type").string("redacted_thinking").key("data").string(*thinking->redacted);
      } else {
        w.key("type").string("thinking").key("thinking").string("").key("signature").string("");
      }
    } else {
      w.key("type").string("text").key("text").string("");
    }
    w.end_object();
  });
}

/// A block begins with its first content, so that an empty part leaves none; a call begins at once.
void Encoder::flush(Pending& pending) {
  using Kind = Pending::Kind;
  if (pending.kind == Kind::nothing) return;
  const auto* thinking = std::get_if<model::Thinking>(&pending.value.value);
  const bool redacted = thinking != nullptr && thinking->redacted;
  if (pending.kind == Kind::call || pending.kind == Kind::raw || redacted) begin_block(pending);
  // A custom tool's text is JSON only as a whole.
  const bool writes = !pending.waiting.empty() && !redacted && !is_custom(pending);
  if (writes) {
    begin_block(pending);
    const std::string_view type = pending.kind == Kind::call   ? "input_json_delta"
                                  : pending.kind == Kind::text ? "text_delta"
                                                               : "thinking_delta";
    const std::string_view key = pending.kind == Kind::call ? "partial_json" : pending.kind == Kind::text ? "text" : "thinking";
    emit_delta(type, [&](Writer& w) { w.key(key).string(pending.waiting); });
    pending.waiting.clear();
  }
  for (const auto& citation : pending.citations) {
    begin_block(pending);
    emit_delta("citations_delta", [&](Writer& w) {
      w.key("citation");
      encode_citation(w, citation);
    });
  }
  pending.citations.clear();
}

void Encoder::whole_call(Pending& pending) {
  std::string input;
  Writer w{input};
  encode_input(w, pending.waiting, model::ToolKind::custom);
  emit_delta("input_json_delta", [&](Writer& delta) { delta.key("partial_json").string(input); });
}

void Encoder::end_block(Pending& pending) {
  if (is_custom(pending)) whole_call(pending);
  if (!pending.signature.empty()) {
    begin_block(pending);
    emit_delta("signature_delta", [&](Writer& w) { w.key("signature").string(pending.signature); });
  }
  if (!pending.begun) return;
  emit("content_block_stop", [&](Writer& w) { w.key("index").number(blocks_); });
  ++blocks_;
}

void Encoder::on(const event::Delta& delta) {
  auto* pending = find(delta.choice, delta.part);
  if (pending == nullptr || pending->kind == Pending::Kind::nothing) return;
  if (pending->kind == Pending::Kind::call) pending->arguments.add(delta.text);
  pending->waiting += delta.text;
  if (is_current(*pending)) advance();
}

void Encoder::on(const event::CitationDelta& delta) {
  auto* pending = find(delta.choice, delta.part);
  if (pending == nullptr || pending->kind != Pending::Kind::text) return;
  pending->citations.push_back(delta.citation);
  if (is_current(*pending)) flush(*pending);
}

void Encoder::on(const event::SignatureDelta& delta) {
  auto* pending = find(delta.choice, delta.part);
  if (pending != nullptr && pending->kind == Pending::Kind::thinking) pending->signature += delta.signature;
}

void Encoder::on(const event::AudioDelta& delta) {
  if (delta.audio.transcript) on(event::Delta{delta.choice, delta.part, *delta.audio.transcript});
}

void Encoder::on(const event::PartStop& stop) {
  auto* pending = find(stop.choice, stop.part);
  if (pending == nullptr) return;
  pending->stopped = true;
  advance();
}

void Encoder::on(const event::ChoiceFinish& finish) {
  if (finish.choice != 0) return;
  for (auto& pending : queue_) pending.stopped = true;
  message_start();
  advance();
  finish_ = finish;
}

void Encoder::on(const event::Ping&) {
  message_start();
  emit("ping", [](Writer&) {});
}

void Encoder::on(const event::End&) {
  if (std::exchange(ended_, true)) return;
  message_start();
  for (auto& pending : queue_) pending.stopped = true;
  advance();
  const auto finish = told_finish(finish_ ? std::optional{finish_->finish} : std::nullopt, held_);
  if (loses_finish(finish)) losses_.detail("choices[0].finish_reason", "the nearest word is said");
  emit("message_delta", [&](Writer& w) {
    w.key("delta").begin_object().key("stop_reason").string(word_of(finish)).key("stop_sequence");
    if (finish_ && finish_->stop_sequence) {
      w.string(*finish_->stop_sequence);
    } else {
      w.null();
    }
    w.end_object().key("usage");
    encode_usage(w, usage_.value_or(model::Usage{}), {}, nullptr);
  });
  emit("message_stop", [](Writer&) {});
}

}  // namespace

std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context) {
  return std::make_unique<Encoder>(std::move(context));
}

}  // namespace cardea::dialect::claude
