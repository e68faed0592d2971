// Model events become the lines of a client's stream, in either form.

#include <algorithm>

#include "dialect/ollama/ollama.h"
#include "dialect/turns.h"

namespace cardea::dialect::ollama_native {

using json::Writer;
using model::ChatEvent;
namespace event = model::event;

namespace {

/// Calls wait until they are whole: a line holds one with its arguments as an object.
class Encoder final : public StreamEncoder {
 public:
  Encoder(AnswerContext context, Form form) : context_{std::move(context)}, form_{form} {}

  void encode(const ChatEvent& event, std::string& out) override {
    out_ = &out;
    std::visit([this](const auto& value) { on(value); }, event);
  }
  [[nodiscard]] const Losses& losses() const noexcept override { return losses_; }

 private:
  struct OpenPart {
    std::uint64_t part = 0;
    model::Part value;  ///< of a call the whole of it, with the arguments so far
    bool open = true;
    bool told = false;  ///< of a call
  };

  void on(const event::Start& start) {
    if (start.service_tier) losses_.detail("service_tier");
    start_ = start;
  }
  void on(const event::PartStart& start);
  void on(const event::Delta& delta);
  void on(const event::CitationDelta& delta) {
    if (ours(delta.choice)) losses_.detail("choices[0].message.citations");
  }
  void on(const event::SignatureDelta& delta);
  void on(const event::AudioDelta& delta) {
    if (ours(delta.choice)) losses_.detail("choices[0].message.audio");
  }
  void on(const event::Logprobs& logprobs);
  void on(const event::PartStop& stop);
  void on(const event::ChoiceFinish& finish);
  void on(const event::UsageReport& report) { usage_ = report.usage; }
  void on(const event::Ping&) {}  // a blank line is no JSON to its clients
  void on(const event::Failure&) {}
  void on(const event::End&);

  /// One line: what is said, and `rest` of the top level.
  template <class Rest>
  void line(const Said& said, const Rest& rest);
  void line(const Said& said) {
    line(said, [](Writer& w) { w.key("done").boolean(false); });
  }
  void lose_signature(std::optional<std::string>& signature) {
    if (std::exchange(signature, std::nullopt)) losses_.detail("choices[0].message.thinking.signature");
  }
  void tell_calls();
  void flush_signature() {
    if (const auto signature = std::exchange(signature_, std::nullopt)) line({.signature = *signature});
  }
  OpenPart* find(std::uint64_t choice, std::uint64_t part);
  bool ours(std::uint64_t choice) {
    if (choice != 0) losses_.detail(cat("choices[", choice, ']'), "one answer only");
    return choice == 0;
  }

  AnswerContext context_;
  Form form_;
  Losses losses_;
  std::string* out_ = nullptr;  ///< during encode()
  event::Start start_;
  std::vector<OpenPart> parts_;
  std::uint64_t calls_ = 0;
  std::uint64_t thoughts_ = 0;
  bool thought_ = false;                  ///< in words
  std::optional<std::string> signature_;  ///< of the first thought: waits until it is known to be the only one
  std::optional<event::ChoiceFinish> finish_;
  std::optional<model::Usage> usage_;
};

template <class Rest>
void Encoder::line(const Said& said, const Rest& rest) {
  Writer w{*out_};
  w.begin_object();
  write_or(w, "model", start_.model, context_.model);
  const auto created = start_.created ? start_.created : instead(context_.created);
  if (created) w.key("created_at").string(time_text(*created));
  const auto beside = [&] {
    if (!said.thinking.empty()) w.key("thinking").string(said.thinking);
    write(w, "thinking_signature", said.signature);
    for (const auto* image : said.images) {
      w.key("images").begin_array().string(*std::get<model::Image>(image->value).media.base64).end_array();
    }
    for (const auto* call : said.calls) {
      w.key("tool_calls").begin_array();
      encode_call(w, std::get<model::ToolCall>(call->value), calls_++, {}, Whose::foreign);
      w.end_array();
    }
  };
  if (form_ == Form::chat) {
    w.key("message").begin_object().key("role").string("assistant").key("content").string(said.text);
    beside();
    w.end_object();
  } else {
    w.key("response").string(said.text);
    beside();
  }
  rest(w);
  w.end_object();
  *out_ += '\n';
}

Encoder::OpenPart* Encoder::find(std::uint64_t choice, std::uint64_t part) {
  if (choice != 0) return nullptr;
  const auto found = std::ranges::find_if(parts_, [&](const OpenPart& open) { return open.part == part && open.open; });
  return found != parts_.end() ? &*found : nullptr;
}

void Encoder::on(const event::PartStart& start) {
  if (!ours(start.choice)) return;
  const auto& value = start.value.value;
  if (!std::holds_alternative<model::Thinking>(value)) flush_signature();
  auto& part = parts_.emplace_back(OpenPart{.part = start.part, .value = {}});
  if (std::holds_alternative<model::ToolCall>(value)) {
    part.value = start.value;
  } else if (const auto* thinking = std::get_if<model::Thinking>(&value)) {
    part.value.value = model::Thinking{};
    // All thoughts are one text to the client, and a signature is of one alone.
    if (++thoughts_ > 1) lose_signature(signature_);
    if (!thinking->text.empty()) on(event::Delta{start.choice, start.part, thinking->text});
    if (thinking->signature) on(event::SignatureDelta{start.choice, start.part, *thinking->signature});
  } else if (const auto text = text_of(start.value)) {
    if (!text->empty()) on(event::Delta{start.choice, start.part, *text});
    const auto* cited = std::get_if<model::Text>(&value);
    if (cited != nullptr && !cited->citations.empty()) losses_.detail("choices[0].message.citations");
  } else if (const auto* image = std::get_if<model::Image>(&value); image != nullptr && image->media.base64) {
    part.open = false;
    line({.images = {&start.value}});
  } else {
    part.open = false;
    lose_answer_part(start.value, losses_);
  }
}

void Encoder::on(const event::Delta& delta) {
  auto* part = find(delta.choice, delta.part);
  if (part == nullptr) return;
  if (auto* call = std::get_if<model::ToolCall>(&part->value.value)) {
    call->arguments += delta.text;
  } else if (delta.text.empty()) {
    return;
  } else if (auto* thinking = std::get_if<model::Thinking>(&part->value.value)) {
    const bool begins = std::exchange(thinking->text, ".").empty();
    const bool further = begins && std::exchange(thought_, true);
    line({.thinking = further ? cat("\n\n", delta.text) : delta.text});
  } else {
    line({.text = delta.text});
  }
}

void Encoder::on(const event::SignatureDelta& delta) {
  const auto* part = find(delta.choice, delta.part);
  if (part == nullptr || !std::holds_alternative<model::Thinking>(part->value.value)) return;
  std::optional<std::string> signature{delta.signature};
  if (form_ != Form::chat || thoughts_ > 1) return lose_signature(signature);
  signature_ = signature_.value_or("") + *signature;
}

void Encoder::on(const event::Logprobs& logprobs) {
  if (!ours(logprobs.choice)) return;
  line({}, [&](Writer& w) {
    w.key("done").boolean(false).key("logprobs");
    encode_logprobs(w, logprobs.value);
  });
}

/// In the order in which they began: a call that is whole waits for one before it that is not.
void Encoder::tell_calls() {
  for (auto& part : parts_) {
    if (part.told || !std::holds_alternative<model::ToolCall>(part.value.value)) continue;
    if (part.open) return;
    part.told = true;
    line({.calls = {&part.value}});
  }
}

void Encoder::on(const event::PartStop& stop) {
  auto* part = find(stop.choice, stop.part);
  if (part == nullptr) return;
  part->open = false;
  tell_calls();
}

void Encoder::on(const event::ChoiceFinish& finish) {
  if (!ours(finish.choice)) return;
  finish_ = finish;
  if (loses_finish(finish.finish)) losses_.detail("choices[0].finish_reason");
  if (finish.stop_sequence) losses_.detail("choices[0].stop_sequence");
}

void Encoder::on(const event::End&) {
  flush_signature();
  for (auto& part : parts_) part.open = false;
  tell_calls();
  line({}, [&](Writer& w) {
    w.key("done").boolean(true);
    if (finish_) w.key("done_reason").string(word_of(finish_->finish));
    if (usage_) encode_usage(w, *usage_, losses_);
  });
}

}  // namespace

std::unique_ptr<StreamEncoder> make_stream_encoder(AnswerContext context, Form form) {
  return std::make_unique<Encoder>(std::move(context), form);
}

}  // namespace cardea::dialect::ollama_native
