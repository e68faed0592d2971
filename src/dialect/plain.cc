#include "dialect/plain.h"

#include <array>

#include "base/text.h"
#include "dialect/fields.h"
#include "dialect/issuers.h"

namespace cardea::dialect {

using json::Type;

namespace {

Status inspect_into(std::string_view body, const Asked& asked, std::string_view list, RequestView& view) {
  Status status = json::scan(body, {}, view.members);
  if (!status) return status;
  view.model = asked.model;
  if (view.model.empty()) {
    auto model = view.members.unique("model");
    if (!model) return fail_with(model);
    if (*model == nullptr) return bad_field("model", "is missing; name the model to use");
    if ((*model)->type != Type::string) return wrong_type("model", "a string", (*model)->type);
    view.model = view.members.string(**model);
    view.model_span = (*model)->value;
    if (view.model.empty()) return bad_field("model", "is empty; name the model to use");
  }
  auto stream = view.members.unique("stream");
  if (!stream) return fail_with(stream);
  if (asked.stream) {
    view.stream = *asked.stream;
  } else if (*stream != nullptr && (*stream)->type != Type::null) {
    if ((*stream)->type != Type::boolean) return wrong_type("stream", "a boolean", (*stream)->type);
    view.stream = view.members.boolean(**stream);
  }
  if (list.empty()) return {};
  auto turns = view.members.unique(list);
  if (!turns) return fail_with(turns);
  if (*turns == nullptr) return bad_field(list, "is missing");
  if ((*turns)->type != Type::array && (*turns)->type != Type::string) return wrong_type(list, "an array", (*turns)->type);
  const auto inside = trim(view.members.raw(**turns).substr(1, (*turns)->value.length - 2));
  if ((*turns)->type == Type::array && inside.empty()) return bad_field(list, "is empty; give at least one element");
  return {};
}

class FramedRelay final : public Relay {
 public:
  FramedRelay(std::unique_ptr<StreamDecoder> decoder, Framing upstream, RelayOptions options)
      : decoder_{std::move(decoder)},
        upstream_{upstream},
        options_{std::move(options)},
        reader_{upstream, options_.event_bytes_max} {}

  Result<Step> feed(std::string_view pending, std::vector<std::string_view>& pieces) override;
  Status end(std::string_view pending, std::vector<std::string_view>& pieces) override;
  [[nodiscard]] const Seen& seen() const noexcept override { return watch_.seen(); }

 private:
  Status judge(const Frame& frame);
  void forward(std::string_view raw, const Frame& frame, std::vector<std::string_view>& pieces);
  [[nodiscard]] bool reframes() const noexcept { return options_.framing != upstream_; }
  void close(std::vector<std::string_view>& pieces);

  std::unique_ptr<StreamDecoder> decoder_;
  Framing upstream_;
  RelayOptions options_;
  FrameReader reader_;
  Watch watch_;
  std::vector<model::ChatEvent> events_;
  std::string out_;  ///< events framed anew
  Place place_ = Place::first;
};

Status FramedRelay::judge(const Frame& frame) {
  if (!frame.has_data) return {};
  ++watch_.seen().events;
  events_.clear();
  Status status = decoder_->event(frame.type, frame.data, events_);
  if (status) status = watch_.note(events_, options_.secret);
  return status;
}

void FramedRelay::forward(std::string_view raw, const Frame& frame, std::vector<std::string_view>& pieces) {
  if (!reframes()) {
    const bool neighbour = !pieces.empty() && pieces.back().data() + pieces.back().size() == raw.data();
    if (neighbour) {
      pieces.back() = {pieces.back().data(), pieces.back().size() + raw.size()};
    } else {
      pieces.push_back(raw);
    }
    return;
  }
  if (!frame.has_data) return;
  append_frame(out_, options_.framing, frame.type, frame.data, std::exchange(place_, Place::later));
}

void FramedRelay::close(std::vector<std::string_view>& pieces) {
  if (!reframes()) return;
  if (watch_.seen().done) out_ += stream_end(options_.framing, place_);
  if (!out_.empty()) pieces.push_back(out_);
}

Result<Relay::Step> FramedRelay::feed(std::string_view pending, std::vector<std::string_view>& pieces) {
  out_.clear();
  Step step;
  Status status;
  while (!seen().done) {
    const std::string_view rest = pending.substr(step.consumed);
    auto frame = reader_.next(rest);
    if (!frame) status = fail_with(frame);
    if (!frame || !*frame) break;
    status = judge(**frame);
    if (!status) break;
    forward(rest.substr(0, (*frame)->bytes), **frame, pieces);
    step.consumed += (*frame)->bytes;
  }
  close(pieces);
  if (!status) return fail_with(status);
  if (seen().done) step.consumed = pending.size();
  return step;
}

Status FramedRelay::end(std::string_view pending, std::vector<std::string_view>& pieces) {
  out_.clear();
  if (seen().done) return {};
  auto frame = reader_.last(pending);
  if (!frame) return fail_with(frame);
  Status status;
  if (*frame) {
    status = judge(**frame);
    if (!status) return status;
    forward(pending.substr(0, (*frame)->bytes), **frame, pieces);
  }
  if (!seen().done) {
    events_.clear();
    status = decoder_->end(events_);
    if (status) status = watch_.note(events_, options_.secret);
  }
  if (status) watch_.seen().done = true;
  close(pieces);
  return status;
}

}  // namespace

void add_fingerprints(const model::Part& part, std::vector<std::uint64_t>& out) {
  const auto add = [&](const std::optional<std::string>& item) {
    if (item && !item->empty()) out.push_back(fingerprint(*item));
  };
  if (const auto* thinking = std::get_if<model::Thinking>(&part.value)) {
    for (const auto* item : {&thinking->signature, &thinking->redacted, &thinking->encrypted}) add(*item);
  } else if (const auto* call = std::get_if<model::ToolCall>(&part.value)) {
    add(call->signature);
  }
}

void Watch::note_opaque(const model::ChatEvent& said) {
  namespace event = model::event;
  if (const auto* start = std::get_if<event::PartStart>(&said)) {
    add_fingerprints(start->value, seen_.opaque);
  } else if (const auto* delta = std::get_if<event::SignatureDelta>(&said)) {
    // Mostly one piece is the whole item.
    seen_.opaque.push_back(fingerprint(delta->signature));
    const bool more = !signature_.empty();
    signature_ += delta->signature;
    if (more) seen_.opaque.push_back(fingerprint(signature_));
  } else if (std::holds_alternative<event::PartStop>(said)) {
    signature_.clear();
  }
}

Status expect_answer(const model::Answer& answer) {
  const bool says = std::ranges::any_of(answer.choices, [](const model::Choice& choice) {
    return !choice.parts.empty() || choice.finish.value_or(model::Finish::unknown) != model::Finish::unknown;
  });
  return says ? Status{} : fail(Kind::upstream_failed, "the upstream's answer holds no answer");
}

Status Watch::note(std::span<const model::ChatEvent> events, const Secret& secret) {
  namespace event = model::event;
  for (const auto& said : events) {
    if (const auto* failure = std::get_if<event::Failure>(&said)) return std::unexpected{failure_error(*failure, secret)};
    if (const auto* start = std::get_if<event::Start>(&said)) {
      seen_.model = start->model.value_or("");
      seen_.id = start->id.value_or("");
    }
    if (const auto* usage = std::get_if<event::UsageReport>(&said)) seen_.usage = usage->usage;
    const auto* finish = std::get_if<event::ChoiceFinish>(&said);
    if (finish != nullptr) seen_.finish = finish->finish;
    answered_ = answered_ || std::holds_alternative<event::PartStart>(said) ||
                (finish != nullptr && finish->finish != model::Finish::unknown);
    note_opaque(said);
    if (std::holds_alternative<event::End>(said)) {
      if (!answered_) return fail(Kind::upstream_failed, "the upstream's stream holds no answer");
      seen_.done = true;
    }
    const bool frame = std::holds_alternative<event::Start>(said) || std::holds_alternative<event::Ping>(said) ||
                       std::holds_alternative<event::UsageReport>(said);
    // A part that begins empty says nothing yet, a call that begins does.
    const auto* begun = std::get_if<event::PartStart>(&said);
    const bool says = begun != nullptr ? !std::holds_alternative<model::Text>(begun->value.value) &&
                                             !std::holds_alternative<model::Thinking>(begun->value.value)
                                       : !frame;
    seen_.content = seen_.content || says;
  }
  return {};
}

Result<RequestView> inspect_plain(std::string_view body, const Asked& asked, std::string_view list) {
  Result<RequestView> result{std::in_place};
  auto status = inspect_into(body, asked, list, *result);
  if (!status) result = fail_with(status);
  return result;
}

bool dropped(std::span<const FieldRule> rules, std::string_view key) {
  return std::ranges::any_of(rules,
                             [&](const FieldRule& rule) { return rule.from == key && rule.to.empty() && rule.value.empty(); });
}

void apply_rules(const json::Members& members, std::span<const FieldRule> rules, json::ObjectEdit& object) {
  for (const auto& rule : rules) {
    if (!rule.value.empty()) {
      const auto* member = members.find(rule.from);
      member == nullptr ? object.add(rule.from, rule.value) : object.set(*member, rule.value);
      continue;
    }
    const bool rename = !rule.to.empty() && members.find(rule.to) == nullptr;
    for (const auto& member : members.all()) {
      if (member.key != rule.from) continue;
      if (rename) {
        object.rename(member, rule.to);
      } else {
        object.remove(member);
      }
    }
  }
}

Result<json::Edits> forward_plain(const RequestView& view, const ForwardOptions& options) {
  Result<json::Edits> result{std::in_place};
  json::ObjectEdit object{view.members};
  Status status;
  const bool named_here = view.model_span.length != 0;
  if (named_here && !options.model.empty() && options.model != view.model && !dropped(options.rules, "model")) {
    status = result->replace(view.model_span, json::quote(options.model));
  }
  apply_rules(view.members, options.rules, object);
  if (status) status = object.commit(*result);
  if (!status) result = fail_with(status);
  return result;
}

Result<json::Edits> rule_edits(std::string_view body, std::span<const FieldRule> rules) {
  Result<json::Edits> result{std::in_place};
  if (rules.empty()) return result;
  auto members = json::scan(body);
  if (!members) return fail_with(members);
  json::ObjectEdit object{*members};
  apply_rules(*members, rules, object);
  auto status = object.commit(*result);
  if (!status) result = fail_with(status);
  return result;
}

Result<ResponseView> inspect_answer(const Dialect& dialect, std::string_view body, std::string_view model_key) {
  auto answer = dialect.decode_response(body);
  if (!answer) return fail_with(answer);
  Result<ResponseView> result{std::in_place};
  ResponseView& view = *result;
  auto status = json::scan(body, upstream_scan(), view.members);
  if (!status) return fail_with(status);
  const auto text = [&](std::string_view key) {
    const auto* member = key.empty() ? nullptr : view.members.find(key);
    return member != nullptr && member->type == Type::string ? view.members.string(*member) : std::string_view{};
  };
  view.id = text("id");
  view.model = text(model_key);
  view.usage = answer->usage;
  view.choices = static_cast<std::uint32_t>(answer->choices.size());
  for (const auto& choice : answer->choices) {
    for (const auto& part : choice.parts) add_fingerprints(part, view.opaque);
  }
  for (const auto& choice : answer->choices) view.finishes.push_back(choice.finish.value_or(model::Finish::unknown));
  return result;
}

std::unique_ptr<Relay> framed_relay(std::unique_ptr<StreamDecoder> decoder, Framing upstream, RelayOptions options) {
  return std::make_unique<FramedRelay>(std::move(decoder), upstream, std::move(options));
}

}  // namespace cardea::dialect
