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
    std::uint64_t call = 0;
    bool legacy = false;
    bool custom = false;
  };

  void on(const event::Start& start);
  void on(const event::PartStart& start);
  void on(const event::Delta& delta);
  void on(const event::CitationDelta& delta);
  void on(const event::SignatureDelta&) { lose("thinking.signature"); }
  void on(const event::AudioDelta& delta);
  void on(const event::Logprobs& logprobs) {
    chunk(logprobs.choice, [](Writer&) {}, {}, logprobs.value.text);
  }
  void on(const event::PartStop&) {}
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
  void begin_choice(std::uint64_t choice);
  void text(const OpenPart& part, std::string_view text);
  OpenPart* find(std::uint64_t choice, std::uint64_t part);
  void start_call(OpenPart& part, const model::ToolCall& call);
  void lose(std::string field) { losses_.detail(std::move(field)); }

  AnswerContext context_;
  bool include_usage_;
  Losses losses_;
  std::string* out_ = nullptr;  ///< during encode()
  std::string json_;            ///< the chunk being written
  event::Start start_;
  std::vector<std::uint64_t> begun_;  ///< choices whose role was sent
  std::vector<OpenPart> parts_;
  std::optional<model::Usage> usage_;
};

void Encoder::head(Writer& w) {
  w.begin_object().key("id").string(start_.id.value_or(context_.id)).key("object").string("chat.completion.chunk");
  w.key("created").number(start_.created.value_or(context_.created)).key("model").string(start_.model.value_or(context_.model));
  write(w, "service_tier", start_.service_tier);
  write(w, "system_fingerprint", start_.system_fingerprint);
}

template <class WriteDelta>
void Encoder::chunk(std::uint64_t choice, const WriteDelta& write_delta, std::string_view finish, std::string_view logprobs) {
  begin_choice(choice);
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
void Encoder::begin_choice(std::uint64_t choice) {
  if (std::ranges::find(begun_, choice) != begun_.end()) return;
  begun_.push_back(choice);
  chunk(choice, [](Writer& w) { w.key("role").string("assistant").key("content").string("").key("refusal").null(); });
}

Encoder::OpenPart* Encoder::find(std::uint64_t choice, std::uint64_t part) {
  for (auto& open : parts_) {
    if (open.choice == choice && open.part == part) return &open;
  }
  return nullptr;
}

void Encoder::on(const event::Start& start) { start_ = start; }

void Encoder::start_call(OpenPart& part, const model::ToolCall& call) {
  part.legacy = !call.id.has_value();
  part.custom = call.kind == model::ToolKind::custom;
  part.call = static_cast<std::uint64_t>(std::ranges::count_if(
      parts_, [&](const OpenPart& other) { return other.choice == part.choice && other.kind == part.kind; }));
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
    w.end_object().end_array();
  });
}

void Encoder::on(const event::PartStart& start) {
  OpenPart part{.choice = start.choice, .part = start.part, .kind = start.value.value.index()};
  const auto& value = start.value.value;
  if (const auto* call = std::get_if<model::ToolCall>(&value)) {
    start_call(part, *call);
  } else if (const auto* told = std::get_if<model::Text>(&value)) {
    text(part, told->text);
  } else if (const auto* refusal = std::get_if<model::Refusal>(&value)) {
    text(part, refusal->text);
  } else if (const auto* thinking = std::get_if<model::Thinking>(&value)) {
    text(part, thinking->text);
    if (thinking->signature || thinking->redacted || thinking->encrypted) lose("thinking");
  } else if (!std::holds_alternative<model::Audio>(value)) {
    lose("content");
  }
  parts_.push_back(part);
}

void Encoder::text(const OpenPart& part, std::string_view text) {
  if (text.empty()) return;
  const std::string_view key = part.kind == kind_of<model::Text>      ? "content"
                               : part.kind == kind_of<model::Refusal> ? "refusal"
                                                                      : "reasoning_content";
  chunk(part.choice, [&](Writer& w) { w.key(key).string(text); });
}

void Encoder::on(const event::Delta& delta) {
  const auto* part = find(delta.choice, delta.part);
  if (part == nullptr) return;
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
  chunk(delta.choice, [&](Writer& w) {
    w.key("annotations").begin_array();
    encode_citation(w, delta.citation, 0);
    w.end_array();
  });
}

void Encoder::on(const event::AudioDelta& delta) {
  chunk(delta.choice, [&](Writer& w) {
    w.key("audio").begin_object();
    write(w, "id", delta.audio.media.id);
    write(w, "data", delta.audio.media.base64);
    write(w, "transcript", delta.audio.transcript);
    write(w, "expires_at", delta.audio.expires_at);
    w.end_object();
  });
}

void Encoder::on(const event::ChoiceFinish& finish) {
  if (loses_finish(finish.finish)) lose("finish_reason");
  chunk(finish.choice, [](Writer&) {}, word_of(finish.finish));
}

void Encoder::on(const event::End&) {
  if (include_usage_ && usage_) {
    json_.clear();
    Writer w{json_};
    head(w);
    w.key("choices").begin_array().end_array().key("usage");
    encode_usage(w, *usage_);
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
