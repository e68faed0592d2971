#include "dialect/translate.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/fields.h"
#include "dialect/passes.h"
#include "dialect/plain.h"

namespace cardea::dialect {

void count_as_client(const model::Chat& chat, std::string& field) {
  constexpr std::string_view messages = "messages[";
  constexpr std::string_view content = ".content[";
  const auto number = [](std::string_view text) { return parse_number<std::size_t>(text.substr(0, text.find(']'))); };
  const std::string_view all = field;
  const auto end = all.find(']');
  const auto index = all.starts_with(messages) ? number(all.substr(messages.size())) : std::nullopt;
  if (!index || *index >= chat.messages.size() || chat.messages[*index].place.path.empty()) return;
  const auto& place = chat.messages[*index].place;
  auto rest = all.substr(end + 1);
  std::string part;
  const auto part_index = rest.starts_with(content) ? number(rest.substr(content.size())) : std::nullopt;
  if (part_index) {
    part = cat(content, *part_index + place.first_part);
    rest.remove_prefix(rest.find(']'));
  }
  field = cat(place.path, part, rest);
}

namespace {

/// An error for the first loss that changes the meaning, unless `allow` gives it away. The losses are by `chat`'s indices.
Status keeps_meaning(const Dialect& client, std::string_view body, const model::Chat& chat, const Losses& losses, Allow allow) {
  const Loss* gravest = losses.gravest();
  if (gravest == nullptr || allow == Allow::any_loss) return {};
  auto field = in_callers_words(client, body, chat, gravest->field);
  if (field == gravest->field) count_as_client(chat, field);
  auto message =
      cat("'", field, "' cannot be said to this model (", gravest->reason,
          "), and leaving it out would change the answer; leave it out yourself, choose another model, or send the header "
          "x-cardea-allow-loss: true");
  return fail(Kind::bad_request, std::move(message), std::move(field));
}

/// What only the client's dialect has is named here, with its weight; every encoder names what else is left, as a detail.
void lose_own_members(model::Chat& chat, const Pair& pair, Losses& losses) {
  if (&pair.client == &pair.upstream) return;
  for (const OwnMember& own : pair.client.traits().own_members) {
    const auto found = std::ranges::find(chat.extras, own.name, &model::Extra::key);
    if (found == chat.extras.end()) continue;
    if (found->value.text != own.harmless) losses.add(std::string{own.name}, own.reason, own.weight);
    chat.extras.erase(found);
  }
}

}  // namespace

Result<Translated> translate_request(const Pair& pair, std::string_view body, const Asked& asked, Allow allow) {
  Result<model::Chat> chat = pair.client.decode_request(body, asked);
  if (!chat) return fail_with(chat);
  return translate_chat(pair, body, std::move(*chat), allow);
}

Result<Translated> translate_chat(const Pair& pair, std::string_view body, model::Chat chat, Allow allow) {
  Translated out{.chat = std::move(chat), .body = {}, .losses = {}, .forced_tool = {}, .tools = {}};
  model::Chat wanted = out.chat;
  wanted.model = pair.model;
  // The gateway counts, whether or not the client wants to see the counts.
  if (wanted.stream.value_or(false)) wanted.include_usage = true;
  if (&pair.client != &pair.upstream) {
    const auto fulfilled = pair.client.traits().fulfilled;
    std::erase_if(wanted.extras,
                  [&](const model::Extra& extra) { return std::ranges::find(fulfilled, extra.key) != fulfilled.end(); });
  }
  Losses unfit;
  fit_abilities(wanted, pair.abilities, unfit);
  if (auto kept = keeps_meaning(pair.client, body, out.chat, unfit, allow); !kept) return fail_with(kept);
  open_opaque(wanted, pair, out.losses);
  pair_calls(wanted);
  if (wanted.n.value_or(1) > 1 && !pair.upstream.traits().several_choices) {
    out.copies = *std::exchange(wanted.n, std::nullopt);
    if (out.copies > copies_max)
      return bad_field("n", cat("must be at most ", copies_max, " for this model, which gives one choice at a time"));
  }
  lose_own_members(wanted, pair, out.losses);
  out.tools = fit_tools(wanted, pair.upstream, out.losses);
  out.forced_tool = force_tool(wanted, pair.upstream);
  out.body = pair.upstream.encode_request(wanted, out.losses);
  if (auto kept = keeps_meaning(pair.client, body, wanted, out.losses, allow); !kept) return fail_with(kept);
  unfit.rename_fields([&](std::string& field) { count_as_client(out.chat, field); });
  out.losses.rename_fields([&](std::string& field) { count_as_client(wanted, field); });
  if (!unfit.empty()) {
    unfit.add(out.losses);
    out.losses = std::move(unfit);
  }
  auto extras = check_foreign_extras(wanted, pair, out.body);
  if (!extras) return fail_with(extras);
  return out;
}

namespace {

void add(std::optional<std::uint64_t>& sum, const std::optional<std::uint64_t>& more) {
  if (more) sum = sum.value_or(0) + *more;
}

void add(std::optional<model::Usage>& sum, const model::Usage& more) {
  auto& usage = sum ? *sum : sum.emplace();
  constexpr std::optional<std::uint64_t> model::Usage::* counts[] = {
      &model::Usage::input,        &model::Usage::cache_read,          &model::Usage::cache_write,
      &model::Usage::output,       &model::Usage::reasoning,           &model::Usage::input_audio,
      &model::Usage::output_audio, &model::Usage::accepted_prediction, &model::Usage::rejected_prediction};
  for (const auto count : counts) add(usage.*count, more.*count);
}

/// A failure is told by the way that also finds the error in place of an answer, and scrubs it.
Result<model::Answer> decode_answer(const Dialect& upstream, std::string_view body, const Secret& secret) {
  Result<model::Answer> answer = upstream.decode_response(body);
  Status holds;
  if (answer) holds = expect_answer(*answer);
  if (answer && holds) return answer;
  Result<ResponseView> view = upstream.inspect_response(body, secret);
  if (!view) return fail_with(view);
  if (!answer) return answer;
  return fail_with(holds);
}

}  // namespace

Result<TranslatedAnswer> translate_response(const Pair& pair, const Translated* request, std::span<const std::string_view> bodies,
                                            const AnswerContext& context, const Secret& secret) {
  model::Answer whole;
  std::optional<model::Usage> usage;
  for (const auto body : bodies) {
    Result<model::Answer> answer = decode_answer(pair.upstream, body, secret);
    if (!answer) return fail_with(answer);
    if (request != nullptr) AnswerPasses{pair, *request, cat(context.id, whole.choices.size())}.apply(*answer);
    if (answer->usage) add(usage, *answer->usage);
    if (whole.choices.empty()) {
      whole = std::move(*answer);
      continue;
    }
    for (auto& choice : answer->choices) {
      choice.index = whole.choices.size();
      whole.choices.push_back(std::move(choice));
    }
  }
  whole.usage = usage;
  TranslatedAnswer out;
  out.usage = usage;
  out.id = whole.id.value_or("");
  out.model = whole.model.value_or("");
  if (!context.request.stream.value_or(false)) {
    out.body = pair.client.encode_response(whole, context, out.losses);
    return out;
  }
  const auto encoder = pair.client.stream_encoder(context);
  for (const auto& event : events_of(whole)) encoder->encode(event, out.body);
  out.losses.add(encoder->losses());
  return out;
}

namespace {

class TranslatingRelay final : public Relay {
 public:
  TranslatingRelay(const Pair& pair, const Translated& request, AnswerContext context, RelayOptions options)
      : pair_{pair},
        request_{request},
        options_{std::move(options)},
        seed_{context.id},
        encoder_{pair.client.stream_encoder(std::move(context))} {
    begin_copy();
  }

  Result<Step> feed(std::string_view pending, std::vector<std::string_view>& pieces) override {
    out_.clear();
    Step step;
    Status status;
    while (!copy_done_) {
      auto frame = reader_->next(pending.substr(step.consumed));
      if (!frame) status = fail_with(frame);
      if (!frame || !*frame) break;
      status = translate(**frame);
      if (!status) break;
      step.consumed += (*frame)->bytes;
    }
    if (!out_.empty()) pieces.push_back(out_);
    if (!status) return fail_with(status);
    if (copy_done_) step.consumed = pending.size();
    return step;
  }

  Status end(std::string_view pending, std::vector<std::string_view>& pieces) override {
    out_.clear();
    if (copy_done_) return {};
    auto frame = reader_->last(pending);
    if (!frame) return fail_with(frame);
    Status status;
    if (*frame) status = translate(**frame);
    if (status && !copy_done_) {
      events_.clear();
      status = decoder_->end(events_);
      if (status) status = say();
    }
    if (status && !copy_done_) finish_copy();
    if (!out_.empty()) pieces.push_back(out_);
    return status;
  }

  [[nodiscard]] const Seen& seen() const noexcept override { return watch_.seen(); }

  [[nodiscard]] bool again() override {
    if (!copy_done_ || watch_.seen().done) return false;
    begin_copy();
    return true;
  }

 private:
  void begin_copy() {
    reader_.emplace(pair_.upstream.traits().framing, options_.event_bytes_max);
    decoder_ = pair_.upstream.stream_decoder();
    passes_.emplace(pair_, request_, copy_ == 0 ? seed_ : cat(seed_, copy_));
    copy_done_ = false;
  }
  void finish_copy() {
    copy_done_ = true;
    if (watch_.seen().usage) add(usage_, *std::exchange(watch_.seen().usage, std::nullopt));
    if (++copy_ < request_.copies) return;
    watch_.seen().done = true;
    watch_.seen().usage = usage_;
    if (request_.copies > 1 && usage_) encoder_->encode(model::event::UsageReport{*usage_}, out_);
    encoder_->encode(model::event::End{}, out_);
  }
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
    watch_.seen().done = false;  // finish_copy() says when
    passes_->apply(events_);
    for (auto& said : events_) {
      if (std::holds_alternative<model::event::Failure>(said)) break;
      if (std::holds_alternative<model::event::End>(said)) {
        if (status) finish_copy();
        break;
      }
      say_one(said);
    }
    return status;
  }
  /// One copy has one choice, 0.
  void say_one(model::ChatEvent& said) {
    const bool framing =
        std::holds_alternative<model::event::Start>(said) || std::holds_alternative<model::event::UsageReport>(said);
    if (request_.copies > 1) {
      if (std::holds_alternative<model::event::UsageReport>(said) || (framing && copy_ != 0)) return;
      std::visit(
          [this](auto& event) {
            if constexpr (requires { event.choice; }) event.choice += copy_;
          },
          said);
    }
    encoder_->encode(said, out_);
  }

  Pair pair_;
  const Translated& request_;
  RelayOptions options_;
  std::string seed_;
  std::optional<FrameReader> reader_;
  std::unique_ptr<StreamDecoder> decoder_;
  std::optional<AnswerPasses> passes_;
  std::unique_ptr<StreamEncoder> encoder_;
  Watch watch_;
  std::vector<model::ChatEvent> events_;
  std::string out_;
  std::uint64_t copy_ = 0;             ///< the stream that is read now
  bool copy_done_ = false;             ///< it has ended properly
  std::optional<model::Usage> usage_;  ///< of the streams that have ended
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
  if (effort == "max") return efforts.back().budget;  // Anthropic's word beyond the scale
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
