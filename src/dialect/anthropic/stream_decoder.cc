// Events of an upstream's stream become model events ("Streaming Messages" of Anthropic's documentation).

#include <algorithm>
#include <array>

#include "dialect/anthropic/anthropic.h"
#include "dialect/plain.h"

namespace cardea::dialect::claude {

using json::Type;
using json::Value;
using model::ChatEvent;
namespace event = model::event;

namespace {

/// A content block that has begun.
struct Open {
  std::uint64_t index = 0;
  std::uint64_t part = 0;
  std::uint64_t characters = 0;  ///< of its text so far
  std::optional<Value> held;     ///< a block of its own kind: told when it is whole
  std::string input;             ///< of that block, as it comes
  bool text = false;
  bool unsaid_call = false;  ///< a call whose arguments did not come yet
};

class Decoder final : public StreamDecoder {
 public:
  Status event(std::string_view type, std::string_view data, std::vector<ChatEvent>& out) override;
  Status end(std::vector<ChatEvent>& out) override;

 private:
  using Handler = void (Decoder::*)(const Value& value);
  static Handler handler_of(std::string_view type);

  void message_start(const Value& value);
  void block_start(const Value& value);
  void block_delta(const Value& value);
  void block_stop(const Value& value);
  void message_delta(const Value& value);
  void message_stop(const Value& value);
  void ping(const Value& /*value*/) { put(event::Ping{}); }
  void error(const Value& value);

  void begin();
  void close(Open& open);
  void close_all();
  void usage(const Value& value);
  Open* find(const Value& value);
  void put(ChatEvent event) { out_->push_back(std::move(event)); }

  std::vector<ChatEvent>* out_ = nullptr;  ///< during event()
  std::vector<Open> open_;
  std::uint64_t parts_ = 0;
  model::Usage usage_;
  Status status_;
  bool started_ = false;
  bool finished_ = false;
  bool done_ = false;
};

std::optional<std::string> text_of(const Value& object, std::string_view key) {
  const auto* text = text_at(object, key);
  return text != nullptr ? std::optional{*text} : std::nullopt;
}

Decoder::Handler Decoder::handler_of(std::string_view type) {
  struct Row {
    std::string_view type;
    Handler handler;
  };
  static constexpr std::array<Row, 8> rows{{
      {"content_block_delta", &Decoder::block_delta},
      {"content_block_start", &Decoder::block_start},
      {"content_block_stop", &Decoder::block_stop},
      {"message_start", &Decoder::message_start},
      {"message_delta", &Decoder::message_delta},
      {"message_stop", &Decoder::message_stop},
      {"ping", &Decoder::ping},
      {"error", &Decoder::error},
  }};
  const auto* found = std::ranges::find(rows, type, &Row::type);
  return found != rows.end() ? found->handler : nullptr;
}

Status Decoder::event(std::string_view type, std::string_view data, std::vector<ChatEvent>& out) {
  out_ = &out;
  data = trim(data);
  // Some servers that imitate Anthropic's end as OpenAI does.
  if (done_ || data.empty() || data == "[DONE]") return {};
  auto value = json::parse(data, upstream_scan());
  if (!value) return fail_with(value);
  if (!value->is(Type::object)) return fail(Kind::upstream_protocol, "the upstream's stream has an event that is no JSON object");
  const auto* told = text_at(*value, "type");
  const Handler handler = handler_of(told != nullptr ? std::string_view{*told} : type);
  if (handler == nullptr) return {};
  status_ = {};
  (this->*handler)(*value);
  return std::move(status_);
}

Status Decoder::end(std::vector<ChatEvent>& /*out*/) {
  if (done_) return {};
  return fail(Kind::upstream_reset, "the upstream ended the stream before its end");
}

void Decoder::usage(const Value& value) {
  const auto* usage = given(value, "usage");
  if (usage == nullptr) return;
  decode_usage(*usage, usage_);
  put(event::UsageReport{usage_});
}

void Decoder::begin() {
  if (!started_) put(event::Start{});
  started_ = true;
}

void Decoder::message_start(const Value& value) {
  const auto* message = given(value, "message");
  if (started_ || message == nullptr) return;
  started_ = true;
  event::Start start;
  start.id = text_of(*message, "id");
  start.model = text_of(*message, "model");
  const auto* usage_now = given(*message, "usage");
  if (const auto* tier = usage_now != nullptr ? text_at(*usage_now, "service_tier") : nullptr)
    start.service_tier = tier_of(*tier);
  put(std::move(start));
  usage(*message);
}

Open* Decoder::find(const Value& value) {
  const auto* index = value.find("index");
  const auto found = std::ranges::find(open_, index != nullptr ? index->as_u64().value_or(0) : 0, &Open::index);
  return found != open_.end() ? &*found : nullptr;
}

void Decoder::block_start(const Value& value) {
  begin();
  close_all();  // blocks never nest; a server that forgot to stop one is forgiven
  const auto* block = given(value, "content_block");
  if (block == nullptr) return;
  const auto* index = value.find("index");
  Open open{.index = index != nullptr ? index->as_u64().value_or(0) : 0, .part = parts_++, .held = {}, .input = {}};
  model::Part part;
  status_ = decode_block(*block, "content_block", part);
  if (!status_) {
    status_ = fail(Kind::upstream_protocol, cat("the upstream's stream: ", status_.error().message()));
    return;
  }
  if (const auto* call = std::get_if<model::ToolCall>(&part.value); call != nullptr && call->arguments == "{}") {
    std::get<model::ToolCall>(part.value).arguments.clear();  // they follow
    open.unsaid_call = true;
  }
  if (const auto* text = std::get_if<model::Text>(&part.value)) {
    open.text = true;
    open.characters = characters(text->text);
  }
  if (std::holds_alternative<model::Opaque>(part.value)) {
    open.held = *block;
  } else {
    put(event::PartStart{0, open.part, std::move(part)});
  }
  open_.push_back(std::move(open));
}

void Decoder::block_delta(const Value& value) {
  auto* open = find(value);
  const auto* delta = given(value, "delta");
  const auto* type = delta != nullptr ? text_at(*delta, "type") : nullptr;
  if (open == nullptr || type == nullptr) return;
  const auto say = [&](std::string_view key) {
    const auto* text = text_at(*delta, key);
    if (text == nullptr || text->empty()) return;
    if (open->held) {
      open->input += *text;
      return;
    }
    open->unsaid_call = false;
    if (open->text) open->characters += characters(*text);
    put(event::Delta{0, open->part, *text});
  };
  if (*type == "text_delta") say("text");
  if (*type == "thinking_delta") say("thinking");
  if (*type == "input_json_delta") say("partial_json");
  const auto* signature = text_at(*delta, "signature");
  if (*type == "signature_delta" && signature != nullptr && !open->held) put(event::SignatureDelta{0, open->part, *signature});
  const auto* citation = given(*delta, "citation");
  if (*type == "citations_delta" && citation != nullptr && open->text) {
    put(event::CitationDelta{0, open->part, decode_citation(*citation, open->characters)});
  }
}

void Decoder::close(Open& open) {
  if (open.held) {
    if (!open.input.empty()) {
      auto input = json::parse(open.input, upstream_scan());
      open.held->set("input", input ? std::move(*input) : Value::string(open.input));
    }
    model::Opaque opaque{.dialect = std::string{dialect_name}, .value = {open.held->dump()}};
    put(event::PartStart{0, open.part, {.value = std::move(opaque), .cache = {}, .extras = {}}});
  }
  // None follow for a tool without parameters: what stood at its start was all.
  if (open.unsaid_call) put(event::Delta{0, open.part, "{}"});
  put(event::PartStop{0, open.part});
}

void Decoder::close_all() {
  for (auto& open : open_) close(open);
  open_.clear();
}

void Decoder::block_stop(const Value& value) {
  auto* open = find(value);
  if (open == nullptr) return;
  close(*open);
  open_.erase(open_.begin() + (open - open_.data()));
}

void Decoder::message_delta(const Value& value) {
  begin();
  const auto* delta = given(value, "delta");
  const auto word = delta != nullptr ? text_of(*delta, "stop_reason") : std::nullopt;
  if (word && !finished_) {
    close_all();
    finished_ = true;
    event::ChoiceFinish finish{.choice = 0, .finish = finish_of(*word), .raw = {}, .stop_sequence = {}};
    if (finish.finish == model::Finish::unknown) finish.raw = word;
    finish.stop_sequence = text_of(*delta, "stop_sequence");
    put(std::move(finish));
  }
  usage(value);
}

void Decoder::message_stop(const Value& /*value*/) {
  begin();
  close_all();
  done_ = true;
  put(event::End{});
}

void Decoder::error(const Value& value) {
  const auto* inner = given(value, "error");
  const auto& error = inner != nullptr ? *inner : value;
  event::Failure failure;
  failure.message = text_of(error, "message").value_or("the upstream reported an error in its stream");
  failure.type = text_of(error, "type").value_or("");
  failure.status = static_cast<std::uint16_t>(status_of(failure.type));
  done_ = true;
  put(std::move(failure));
}

}  // namespace

std::unique_ptr<StreamDecoder> make_stream_decoder() { return std::make_unique<Decoder>(); }

}  // namespace cardea::dialect::claude
