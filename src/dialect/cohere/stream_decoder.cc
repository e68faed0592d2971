// Events of an upstream's stream become model events.

#include <algorithm>
#include <array>

#include "dialect/cohere/cohere.h"
#include "dialect/plain.h"

namespace cardea::dialect::cohere_v2 {

using json::Type;
using json::Value;
using model::ChatEvent;
namespace event = model::event;

namespace {

/// `object.a.b…` or nullptr.
template <class... Keys>
const Value* inside(const Value& object, Keys... keys) {
  const Value* at = &object;
  ((at = at != nullptr ? given(*at, keys) : nullptr), ...);
  return at;
}

class Decoder final : public StreamDecoder {
 public:
  Status event(std::string_view type, std::string_view data, std::vector<ChatEvent>& out) override;
  Status end(std::vector<ChatEvent>& out) override;

 private:
  /// A content block, the plan, or a call.
  struct Block {
    enum class Kind : std::uint8_t { content, plan, call } kind = Kind::content;
    std::uint64_t index = 0;
    std::uint64_t part = 0;
    bool thinking = false;
    bool open = true;
    bool ending = false;  ///< told to end, but citations for it may follow
  };
  using Kind_of = Block::Kind;
  using Step = void (Decoder::*)(const Value&);
  struct Row {
    std::string_view type;
    Step step;
  };

  void dispatch(std::string_view type, const Value& value);
  void message_start(const Value& value);
  void content_start(const Value& value);
  void content_delta(const Value& value);
  void content_end(const Value& value);
  void plan_delta(const Value& value);
  void call_start(const Value& value);
  void call_delta(const Value& value);
  void call_end(const Value& value);
  void citation(const Value& value);
  void message_end(const Value& value);
  void failure(std::string message, std::string code);

  Block* find(Kind_of kind, std::uint64_t index);
  Block& begin(Block block, model::Part part);
  Block& content_block(std::uint64_t index, bool thinking);
  void text(const Block& block, const Value* value);
  void close(Block& block);
  /// Ends what waited for citations, and the plan: something else begins.
  void settle();
  void put(ChatEvent event) { out_->push_back(std::move(event)); }
  static std::uint64_t index_of(const Value& value) {
    const auto* index = given(value, "index");
    return index != nullptr ? index->as_u64().value_or(0) : 0;
  }

  std::vector<ChatEvent>* out_ = nullptr;  ///< during event()
  std::vector<Block> blocks_;
  bool started_ = false;
  bool done_ = false;
};

Decoder::Block* Decoder::find(Kind_of kind, std::uint64_t index) {
  for (auto& block : blocks_) {
    if (block.kind == kind && block.index == index && block.open) return &block;
  }
  return nullptr;
}

Decoder::Block& Decoder::begin(Block block, model::Part part) {
  block.part = blocks_.size();
  put(event::PartStart{0, block.part, std::move(part)});
  return blocks_.emplace_back(block);
}

void Decoder::close(Block& block) {
  if (block.open) put(event::PartStop{0, block.part});
  block.open = false;
}

void Decoder::settle() {
  for (auto& block : blocks_) {
    if (block.ending || block.kind == Kind_of::plan) close(block);
  }
}

void Decoder::text(const Block& block, const Value* value) {
  const auto* text = value != nullptr ? value->as_string() : nullptr;
  if (text != nullptr && !text->empty()) put(event::Delta{0, block.part, *text});
}

void Decoder::message_start(const Value& value) {
  started_ = true;
  const auto* id = text_at(value, "id");
  put(event::Start{.id = id != nullptr ? std::optional{*id} : std::nullopt});
}

Decoder::Block& Decoder::content_block(std::uint64_t index, bool thinking) {
  auto* block = find(Kind_of::content, index);
  if (block != nullptr && block->thinking == thinking && !block->ending) return *block;
  if (block != nullptr) close(*block);
  settle();
  model::Part part{.value = model::Text{}};
  if (thinking) part.value = model::Thinking{};
  return begin({.kind = Kind_of::content, .index = index, .thinking = thinking}, std::move(part));
}

void Decoder::content_start(const Value& value) {
  const auto* content = inside(value, "delta", "message", "content");
  if (content == nullptr) return;
  const auto* type = text_at(*content, "type");
  const bool thinking = type != nullptr ? *type == "thinking" : content->find("thinking") != nullptr;
  const auto& block = content_block(index_of(value), thinking);
  text(block, content->find(thinking ? "thinking" : "text"));
}

void Decoder::content_delta(const Value& value) {
  const auto* content = inside(value, "delta", "message", "content");
  if (content == nullptr) return;
  const bool thinking = text_at(*content, "thinking") != nullptr;
  const auto& block = content_block(index_of(value), thinking);
  text(block, content->find(thinking ? "thinking" : "text"));
  if (const auto* signature = thinking ? text_at(*content, "signature") : nullptr) {
    put(event::SignatureDelta{0, block.part, *signature});
  }
  if (const auto* logprobs = given(value, "logprobs")) {
    const bool list = logprobs->is(Type::array);
    put(event::Logprobs{0, decode_logprobs(list ? std::span{logprobs->elements()} : std::span{logprobs, 1})});
  }
}

void Decoder::content_end(const Value& value) {
  auto* block = find(Kind_of::content, index_of(value));
  if (block == nullptr) return;
  block->ending = true;
  if (block->thinking) close(*block);
}

void Decoder::plan_delta(const Value& value) {
  const auto* plan = inside(value, "delta", "message", "tool_plan");
  if (plan == nullptr || plan->as_string() == nullptr || plan->as_string()->empty()) return;
  const auto* block = find(Kind_of::plan, 0);
  if (block == nullptr) {
    settle();
    block = &begin({.kind = Kind_of::plan}, {.value = model::Text{}});
  }
  text(*block, plan);
}

void Decoder::call_start(const Value& value) {
  const auto* call = inside(value, "delta", "message", "tool_calls");
  if (call != nullptr && !call->elements().empty()) call = &call->elements().front();
  if (call == nullptr) return;
  settle();
  model::ToolCall part;
  if (const auto* id = text_at(*call, "id")) part.id = *id;
  if (const auto* signature = text_at(*call, "signature")) part.signature = *signature;
  const auto* function = given(*call, "function");
  const auto* name = function != nullptr ? text_at(*function, "name") : nullptr;
  if (name != nullptr) part.name = *name;
  const auto& block = begin({.kind = Kind_of::call, .index = index_of(value)}, {.value = std::move(part)});
  if (function != nullptr) text(block, function->find("arguments"));
}

void Decoder::call_delta(const Value& value) {
  const auto* block = find(Kind_of::call, index_of(value));
  const auto* call = inside(value, "delta", "message", "tool_calls");
  if (call != nullptr && !call->elements().empty()) call = &call->elements().front();
  if (block != nullptr && call != nullptr) text(*block, inside(*call, "function", "arguments"));
}

void Decoder::call_end(const Value& value) {
  if (auto* block = find(Kind_of::call, index_of(value))) close(*block);
}

void Decoder::citation(const Value& value) {
  const auto* said = inside(value, "delta", "message", "citations");
  if (said == nullptr) return;
  const auto all = said->is(Type::array) ? std::span{said->elements()} : std::span{said, 1};
  for (const auto& one : all) {
    const auto* type = text_at(one, "type");
    const bool plan = type != nullptr && *type == "PLAN";
    const auto* index = given(one, "content_index");
    const auto* block = find(plan ? Kind_of::plan : Kind_of::content, index != nullptr ? index->as_u64().value_or(0) : 0);
    // Without an index, or with a wrong one: the text that is open.
    if (block == nullptr || block->thinking) {
      const auto open = std::ranges::find_if(blocks_.rbegin(), blocks_.rend(), [](const Block& other) {
        return other.open && !other.thinking && other.kind != Kind_of::call;
      });
      block = open != blocks_.rend() ? &*open : nullptr;
    }
    if (block == nullptr) continue;
    std::vector<model::Citation> citations;
    decode_citation(one, citations);
    for (auto& citation : citations) put(event::CitationDelta{0, block->part, std::move(citation)});
  }
}

void Decoder::failure(std::string message, std::string code) {
  event::Failure out;
  out.message = message.empty() ? "the upstream reported an error in its stream" : std::move(message);
  out.code = std::move(code);
  out.status = class_in(out.message);
  done_ = true;
  put(std::move(out));
}

void Decoder::message_end(const Value& value) {
  const auto* delta = given(value, "delta");
  const auto* error = delta != nullptr ? text_at(*delta, "error") : nullptr;
  if (error != nullptr && !error->empty()) return failure(*error, {});
  for (auto& block : blocks_) close(block);
  if (const auto* word = delta != nullptr ? text_at(*delta, "finish_reason") : nullptr) {
    put(event::ChoiceFinish{.choice = 0,
                            .finish = finish_of(*word),
                            .raw = keeps_word(*word) ? std::optional{*word} : std::nullopt,
                            .stop_sequence = {}});
  }
  if (const auto* usage = delta != nullptr ? given(*delta, "usage") : nullptr) put(event::UsageReport{decode_usage(*usage)});
  done_ = true;
  put(event::End{});
}

void Decoder::dispatch(std::string_view type, const Value& value) {
  static constexpr std::array<Row, 10> rows{{{"content-delta", &Decoder::content_delta},
                                             {"content-start", &Decoder::content_start},
                                             {"content-end", &Decoder::content_end},
                                             {"tool-plan-delta", &Decoder::plan_delta},
                                             {"tool-call-start", &Decoder::call_start},
                                             {"tool-call-delta", &Decoder::call_delta},
                                             {"tool-call-end", &Decoder::call_end},
                                             {"citation-start", &Decoder::citation},
                                             {"message-start", &Decoder::message_start},
                                             {"message-end", &Decoder::message_end}}};
  const auto* row = std::ranges::find(rows, type, &Row::type);
  if (row == rows.end()) return;
  const bool starts = type == "message-start";
  if (starts && started_) return;
  if (!starts && !started_) {
    started_ = true;
    put(event::Start{});
  }
  (this->*row->step)(value);
}

Status Decoder::event(std::string_view type, std::string_view data, std::vector<ChatEvent>& out) {
  out_ = &out;
  data = trim(data);
  if (done_ || data.empty()) return {};
  if (data == "[DONE]") return fail(Kind::upstream_reset, "the upstream ended the stream before its end");
  auto value = json::parse(data, upstream_scan());
  if (!value) return fail_with(value);
  if (!value->is(Type::object)) return fail(Kind::upstream_protocol, "the upstream's stream has an event that is no JSON object");
  const auto* own_type = text_at(*value, "type");
  const std::string_view name = own_type != nullptr ? std::string_view{*own_type} : type;
  // Errors outside the reference: a whole error body, or an event of that name.
  const auto* message = text_at(*value, "message");
  const auto* error = given(*value, "error");
  if (message != nullptr || error != nullptr || name == "error") {
    const auto* nested = error != nullptr ? text_at(*error, "message") : nullptr;
    if (nested == nullptr && error != nullptr) nested = error->as_string();
    failure(message != nullptr ? *message : nested != nullptr ? *nested : "", {});
    return {};
  }
  dispatch(name, *value);
  return {};
}

Status Decoder::end(std::vector<ChatEvent>& /*out*/) {
  if (done_) return {};
  return fail(Kind::upstream_reset, "the upstream ended the stream before its end");
}

}  // namespace

std::unique_ptr<StreamDecoder> make_stream_decoder() { return std::make_unique<Decoder>(); }

}  // namespace cardea::dialect::cohere_v2
