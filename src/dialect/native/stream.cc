// Streams, both directions: one event of the model is one event of the stream, of the same name.

#include "dialect/native/codec.h"
#include "dialect/native/native.h"

namespace cardea::dialect::native_format {

using model::ChatEvent;
namespace event = model::event;

namespace {

class Decoder final : public StreamDecoder {
 public:
  Status event(std::string_view /*type*/, std::string_view data, std::vector<ChatEvent>& out) override {
    if (done_ || trim(data).empty()) return {};
    auto value = json::parse(data, upstream_scan());
    if (!value) return fail_with(value);
    Said said;
    const Status status = read_value(*value, "event", said);
    if (!status) return fail(Kind::upstream_protocol, cat("the upstream's stream: ", status.error().message()));
    if (const auto* failure = std::get_if<Failure>(&said)) {
      done_ = true;
      out.push_back(failure_of(failure->error));
      return {};
    }
    const bool starts = std::holds_alternative<event::Start>(said);
    if (starts == started_) {
      return fail(Kind::upstream_protocol,
                  starts ? "the upstream's stream began twice" : "the upstream's stream has no beginning");
    }
    started_ = true;
    done_ = std::holds_alternative<event::End>(said);
    std::visit(
        [&]<class E>(E& one) {
          if constexpr (!std::is_same_v<E, Failure>) out.emplace_back(std::move(one));
        },
        said);
    return {};
  }
  Status end(std::vector<ChatEvent>& /*out*/) override {
    if (done_) return {};
    return fail(Kind::upstream_reset, "the upstream ended the stream before its end");
  }

 private:
  bool started_ = false;
  bool done_ = false;
};

class Encoder final : public StreamEncoder {
 public:
  Encoder(const AnswerContext& context, Form form)
      : id_{context.id},
        model_{context.model},
        created_{context.created},
        tells_usage_{context.request.include_usage.value_or(true)},
        form_{form} {}

  void encode(const ChatEvent& said, std::string& out) override {
    if (const auto* start = std::get_if<event::Start>(&said)) return begin(*start, out);
    if (std::holds_alternative<event::Failure>(said)) return;  // Dialect::stream_error()'s
    if (!tells_usage_ && std::holds_alternative<event::UsageReport>(said)) return;
    if (!started_) begin({}, out);
    std::visit(
        [&]<class E>(const E& one) {
          if constexpr (!std::is_same_v<E, event::Failure>) append_event(out, Said{one}, form_);
        },
        said);
  }
  [[nodiscard]] const Losses& losses() const noexcept override { return losses_; }

 private:
  void begin(event::Start start, std::string& out) {
    started_ = true;
    if (!start.id && !id_.empty()) start.id = id_;
    if (!start.model && !model_.empty()) start.model = model_;
    if (!start.created && created_ != 0) start.created = created_;
    append_event(out, Said{std::move(start)}, form_);
  }

  std::string id_, model_;
  std::uint64_t created_;
  bool tells_usage_;
  Form form_;
  bool started_ = false;
  Losses losses_;
};

}  // namespace

std::unique_ptr<StreamDecoder> make_stream_decoder() { return std::make_unique<Decoder>(); }
std::unique_ptr<StreamEncoder> make_stream_encoder(const AnswerContext& context, Form form) {
  return std::make_unique<Encoder>(context, form);
}

}  // namespace cardea::dialect::native_format
