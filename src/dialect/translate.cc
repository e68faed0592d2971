#include "dialect/translate.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/fields.h"
#include "dialect/passes.h"
#include "dialect/plain.h"

namespace cardea::dialect {

Result<Translated> translate_request(const Pair& pair, std::string_view body, const Asked& asked, Allow allow) {
  Result<model::Chat> chat = pair.client.decode_request(body, asked);
  if (!chat) return fail_with(chat);
  Translated out{.chat = std::move(*chat), .body = {}, .losses = {}, .forced_tool = {}};
  model::Chat wanted = out.chat;
  wanted.model = pair.model;
  // The gateway counts, whether or not the client wants to see the counts.
  if (wanted.stream.value_or(false)) wanted.include_usage = true;
  open_opaque(wanted, pair, out.losses);
  pair_calls(wanted);
  out.forced_tool = force_tool(wanted, pair.upstream.traits());
  out.body = pair.upstream.encode_request(wanted, out.losses);
  const Loss* gravest = out.losses.gravest();
  if (gravest != nullptr && allow == Allow::no_change_of_meaning) {
    return fail(
        Kind::bad_request,
        cat("'", gravest->field, "' cannot be said to this model (", gravest->reason,
            "), and leaving it out would change the answer; leave it out yourself, choose another model, or send the header "
            "x-cardea-allow-loss: true"),
        gravest->field);
  }
  return out;
}

Result<TranslatedAnswer> translate_response(const Pair& pair, const Translated* request, std::string_view body,
                                            const AnswerContext& context, const Secret& secret) {
  // Finds an error in place of an answer, and scrubs it.
  Result<ResponseView> view = pair.upstream.inspect_response(body, secret);
  if (!view) return fail_with(view);
  Result<model::Answer> answer = pair.upstream.decode_response(body);
  if (!answer) return fail_with(answer);
  TranslatedAnswer out;
  out.usage = answer->usage;
  out.model = answer->model.value_or("");
  if (request != nullptr) AnswerPasses{pair, *request, context.id}.apply(*answer);
  if (!context.request.stream.value_or(false)) {
    out.body = pair.client.encode_response(*answer, context, out.losses);
    return out;
  }
  const auto encoder = pair.client.stream_encoder(context);
  for (const auto& event : events_of(*answer)) encoder->encode(event, out.body);
  out.losses.add(encoder->losses());
  return out;
}

namespace {

class TranslatingRelay final : public Relay {
 public:
  TranslatingRelay(const Pair& pair, const Translated& request, AnswerContext context, RelayOptions options)
      : options_{std::move(options)},
        reader_{pair.upstream.traits().framing, options_.event_bytes_max},
        decoder_{pair.upstream.stream_decoder()},
        passes_{pair, request, context.id},
        encoder_{pair.client.stream_encoder(std::move(context))} {}

  Result<Step> feed(std::string_view pending, std::vector<std::string_view>& pieces) override {
    out_.clear();
    Step step;
    Status status;
    while (!seen().done) {
      auto frame = reader_.next(pending.substr(step.consumed));
      if (!frame) status = fail_with(frame);
      if (!frame || !*frame) break;
      status = translate(**frame);
      if (!status) break;
      step.consumed += (*frame)->bytes;
    }
    if (!out_.empty()) pieces.push_back(out_);
    if (!status) return fail_with(status);
    if (seen().done) step.consumed = pending.size();
    return step;
  }

  Status end(std::string_view pending, std::vector<std::string_view>& pieces) override {
    out_.clear();
    if (seen().done) return {};
    auto frame = reader_.last(pending);
    if (!frame) return fail_with(frame);
    Status status;
    if (*frame) status = translate(**frame);
    if (status && !seen().done) {
      events_.clear();
      status = decoder_->end(events_);
      if (status) status = say();
    }
    if (status) watch_.seen().done = true;
    if (!out_.empty()) pieces.push_back(out_);
    return status;
  }

  [[nodiscard]] const Seen& seen() const noexcept override { return watch_.seen(); }

 private:
  Status translate(const Frame& frame) {
    if (!frame.has_data) return {};
    ++watch_.seen().events;
    events_.clear();
    Status status = decoder_->event(frame.type, frame.data, events_);
    if (status) status = say();
    return status;
  }
  /// What came before a failure is said; the failure itself is the caller's to tell.
  Status say() {
    Status status = watch_.note(events_, options_.secret);
    passes_.apply(events_);
    for (const auto& event : events_) {
      if (std::holds_alternative<model::event::Failure>(event)) break;
      encoder_->encode(event, out_);
    }
    return status;
  }

  RelayOptions options_;
  FrameReader reader_;
  std::unique_ptr<StreamDecoder> decoder_;
  AnswerPasses passes_;
  std::unique_ptr<StreamEncoder> encoder_;
  Watch watch_;
  std::vector<model::ChatEvent> events_;
  std::string out_;
};

/// Rising budgets; an effort stands for its own, a budget for the highest effort it reaches.
struct EffortRow {
  std::string_view effort;
  std::uint64_t budget;
};
constexpr std::array<EffortRow, 6> efforts{
    {{"none", 0}, {"minimal", 512}, {"low", 1024}, {"medium", 8192}, {"high", 24'576}, {"xhigh", 32'768}}};

}  // namespace

std::uint64_t budget_of(std::string_view effort) noexcept {
  const auto row = std::ranges::find(efforts, effort, &EffortRow::effort);
  return row != efforts.end() ? row->budget : efforts[3].budget;
}

std::string_view effort_of(std::uint64_t budget_tokens) noexcept {
  const auto above = std::ranges::upper_bound(efforts, budget_tokens, {}, &EffortRow::budget);
  return above == efforts.begin() ? efforts.front().effort : std::prev(above)->effort;
}

std::vector<model::ChatEvent> events_of(const model::Answer& answer) {
  namespace event = model::event;
  std::vector<model::ChatEvent> out;
  out.push_back(event::Start{.id = answer.id,
                             .model = answer.model,
                             .created = answer.created,
                             .service_tier = answer.service_tier,
                             .system_fingerprint = answer.system_fingerprint});
  for (const auto& choice : answer.choices) {
    for (std::uint64_t i = 0; i < choice.parts.size(); ++i) {
      out.push_back(event::PartStart{choice.index, i, choice.parts[i]});
      out.push_back(event::PartStop{choice.index, i});
    }
    if (choice.logprobs) out.push_back(event::Logprobs{choice.index, *choice.logprobs});
    out.push_back(event::ChoiceFinish{.choice = choice.index,
                                      .finish = choice.finish.value_or(model::Finish::unknown),
                                      .raw = choice.finish_raw,
                                      .stop_sequence = choice.stop_sequence});
  }
  if (answer.usage) out.push_back(event::UsageReport{*answer.usage});
  out.push_back(event::End{});
  return out;
}

std::unique_ptr<Relay> translating_relay(const Pair& pair, const Translated& request, AnswerContext context,
                                         RelayOptions options) {
  return std::make_unique<TranslatingRelay>(pair, request, std::move(context), std::move(options));
}

}  // namespace cardea::dialect
