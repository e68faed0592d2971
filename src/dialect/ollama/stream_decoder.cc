// Lines of an upstream's stream, of either form, become model events.

#include "dialect/ollama/ollama.h"
#include "dialect/plain.h"

namespace cardea::dialect::ollama_native {

using json::Type;
using json::Value;
using model::ChatEvent;
namespace event = model::event;

namespace {

class Decoder final : public StreamDecoder {
 public:
  Status event(std::string_view type, std::string_view data, std::vector<ChatEvent>& out) override;
  Status end(std::vector<ChatEvent>& out) override;

 private:
  Status line(const Value& value);
  void start(const Value& value);
  void failure(const Value& error);
  void finish(const Value& value);
  /// More of a text or a thought.
  template <class Kind>
  void more(const std::string& text);
  Status whole(const Value& said);
  void close() {
    if (open_) put(event::PartStop{0, *open_});
    open_.reset();
  }
  void put(ChatEvent event) { out_->push_back(std::move(event)); }

  std::vector<ChatEvent>* out_ = nullptr;  ///< during event()
  std::uint64_t parts_ = 0;
  std::optional<std::uint64_t> open_;
  std::size_t open_kind_ = 0;  ///< index in Part's variant
  bool started_ = false;
  bool called_ = false;
  bool done_ = false;
};

void Decoder::start(const Value& value) {
  if (started_) return;
  started_ = true;
  event::Start start;
  if (const auto* name = text_at(value, "model")) start.model = *name;
  if (const auto* created = text_at(value, "created_at")) start.created = time_of(*created);
  put(std::move(start));
}

template <class Kind>
void Decoder::more(const std::string& text) {
  if (!open_ || open_kind_ != kind_of<Kind>) {
    close();
    open_ = parts_++;
    open_kind_ = kind_of<Kind>;
    put(event::PartStart{0, *open_, {.value = Kind{}}});
  }
  if (!text.empty()) put(event::Delta{0, *open_, text});
}

/// Images and calls come whole.
Status Decoder::whole(const Value& said) {
  std::vector<model::Part> parts;
  Status status;
  if (const auto* images = given(said, "images")) status = decode_images(*images, "images", parts);
  const auto* calls = given(said, "tool_calls");
  if (status && calls != nullptr) status = decode_calls(*calls, "tool_calls", parts);
  for (auto& part : parts) {
    close();
    std::string arguments;
    if (auto* call = std::get_if<model::ToolCall>(&part.value)) arguments = std::exchange(call->arguments, {});
    called_ = called_ || std::holds_alternative<model::ToolCall>(part.value);
    const auto number = parts_++;
    put(event::PartStart{0, number, std::move(part)});
    if (!arguments.empty()) put(event::Delta{0, number, std::move(arguments)});
    put(event::PartStop{0, number});
  }
  return status;
}

void Decoder::failure(const Value& error) {
  event::Failure out;
  if (const auto* text = error.as_string()) out.message = *text;
  if (const auto* text = text_at(error, "message")) out.message = *text;
  if (out.message.empty()) out.message = "the upstream reported an error in its stream";
  out.status = class_in(out.message);
  done_ = true;
  put(std::move(out));
}

void Decoder::finish(const Value& value) {
  close();
  event::ChoiceFinish finish{.choice = 0, .finish = model::Finish::stop};
  if (const auto* word = text_at(value, "done_reason")) {
    finish.finish = finish_of(*word);
    if (finish.finish == model::Finish::unknown) finish.raw = *word;
  }
  if (called_ && finish.finish == model::Finish::stop) finish.finish = model::Finish::tool_calls;
  put(std::move(finish));
  if (const auto usage = decode_usage(value)) put(event::UsageReport{*usage});
  done_ = true;
  put(event::End{});
}

Status Decoder::line(const Value& value) {
  start(value);
  const auto* message = given(value, "message");
  const auto& said = message != nullptr ? *message : value;
  if (const auto* thought = text_at(said, "thinking"); thought != nullptr && !thought->empty()) more<model::Thinking>(*thought);
  if (const auto* signature = text_at(said, "thinking_signature")) {
    more<model::Thinking>({});
    put(event::SignatureDelta{0, *open_, *signature});
  }
  const auto* text = text_at(said, message != nullptr ? "content" : "response");
  if (text != nullptr && !text->empty()) more<model::Text>(*text);
  auto status = whole(said);
  if (!status) return status;
  if (const auto* logprobs = given(value, "logprobs")) put(event::Logprobs{0, decode_logprobs(*logprobs)});
  const auto* done = given(value, "done");
  if (done != nullptr && done->as_bool().value_or(false)) finish(value);
  return {};
}

Status Decoder::event(std::string_view /*type: lines have none*/, std::string_view data, std::vector<ChatEvent>& out) {
  out_ = &out;
  data = trim(data);
  if (done_ || data.empty()) return {};
  auto value = json::parse(data, upstream_scan());
  if (!value) return fail_with(value);
  if (!value->is(Type::object)) return fail(Kind::upstream_protocol, "the upstream's stream has a line that is no JSON object");
  if (const auto* error = given(*value, "error")) {
    failure(*error);
    return {};
  }
  auto status = line(*value);
  // The readers know a client's faults only; here the upstream is at fault.
  if (!status) return fail(Kind::upstream_protocol, cat("the upstream's stream: ", status.error().message()));
  return {};
}

Status Decoder::end(std::vector<ChatEvent>& /*out*/) {
  if (done_) return {};
  return fail(Kind::upstream_reset, "the upstream ended the stream before its end");
}

}  // namespace

std::unique_ptr<StreamDecoder> make_stream_decoder() { return std::make_unique<Decoder>(); }

}  // namespace cardea::dialect::ollama_native
