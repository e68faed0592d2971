// How events change the answer. What is written of it is in stream_encoder.cc.

#include "dialect/openai_responses/composer.h"

#include <algorithm>
#include <array>

#include "wire/sse.h"

namespace cardea::dialect::responses {

using json::Value;
using json::Writer;
using model::ChatEvent;
using model::Finish;
namespace event = model::event;

namespace {

/// The upstream's own id under this dialect's prefix, so that it can be found again in both logs.
std::string id_of(const std::optional<std::string>& upstream, const std::string& own) {
  constexpr std::array<std::string_view, 5> prefixes{Prefix::response, "chatcmpl-", "cmpl-", "msg_", "gen-"};
  std::string_view rest = upstream ? std::string_view{*upstream} : std::string_view{};
  if (rest.empty()) return own.empty() ? cat(Prefix::response, "0") : own;
  for (const auto prefix : prefixes) {
    if (!rest.starts_with(prefix)) continue;
    rest.remove_prefix(prefix.size());
    break;
  }
  return cat(Prefix::response, rest);
}

/// Chat Completions' tokens are the same here, but that their bytes and alternatives must be there.
void complete_token(Value& token) {
  if (!token.is(json::Type::object)) return;
  if (given(token, "bytes") == nullptr) {
    auto bytes = Value::array();
    const auto* text = token.find("token");
    if (text != nullptr && text->as_string() != nullptr) {
      for (const char c : *text->as_string()) bytes.edit_elements().push_back(Value::integer(static_cast<unsigned char>(c)));
    }
    token.set("bytes", std::move(bytes));
  }
}

std::string elements_of(const Value& tokens) {
  std::string out;
  for (auto token : tokens.elements()) {
    complete_token(token);
    auto* others = token.find("top_logprobs");
    if (others == nullptr && token.is(json::Type::object)) token.set("top_logprobs", Value::array());
    if (others != nullptr) {
      for (auto& other : others->each_element()) complete_token(other);
    }
    if (!out.empty()) out += ',';
    token.append_to(out);
  }
  return out;
}

}  // namespace

Composer::Composer(AnswerContext context, Origin origin) : context_{std::move(context)}, own_{origin == Origin::own} {}

void Composer::encode(const ChatEvent& event, std::string& out) {
  out_ = &out;
  dispatch(event);
  out_ = nullptr;
}
void Composer::take(const ChatEvent& event) { dispatch(event); }

void Composer::dispatch(const ChatEvent& event) {
  if (!std::holds_alternative<event::Logprobs>(event)) release();
  std::visit([this](const auto& value) { on(value); }, event);
}

void Composer::run() {
  if (phase_ != Phase::before) return;
  phase_ = Phase::running;
  id_ = context_.keep_id ? context_.id : id_of(start_.id, context_.id);
  suffix_ = id_.substr(id_.starts_with(Prefix::response) ? Prefix::response.size() : 0);
  response_event("response.created");
  response_event("response.in_progress");
}

std::string Composer::id_for(std::string_view prefix, std::size_t index) const { return cat(prefix, suffix_, '_', index); }

void Composer::on(const event::Start& start) {
  if (phase_ != Phase::before) return;
  start_ = start;
  if (start_.system_fingerprint) losses_.detail("system_fingerprint");
  run();
}

void Composer::on(const event::Ping&) {
  if (out_ != nullptr) wire::append_comment(*out_, "ping");
}

// --- parts ------------------------------------------------------------------------------------------------------------------

void Composer::on(const event::PartStart& start) {
  if (phase_ == Phase::finished) return;
  run();
  if (start.choice != 0) return losses_.meaning(cat("choices[", start.choice, ']'), "openai_responses has one answer");
  std::visit([&](const auto& value) { begin(value, start); }, start.value.value);
  if (own_) return;
  for (const auto& extra : start.value.extras) losses_.detail(cat("choices[0].content[", start.part, "].", extra.key));
}

void Composer::begin(const model::Text& text, const event::PartStart& start) {
  const auto place = open_content(Words::text, start.value);
  places_[{start.choice, start.part}] = place;
  grow(place, text.text);
  auto& content = items_[place.item].contents[place.content];
  content.citations = text.citations;
  announce(place, Text::growing);
}
void Composer::begin(const model::Refusal& refusal, const event::PartStart& start) {
  const auto place = open_content(Words::refusal, start.value);
  places_[{start.choice, start.part}] = place;
  grow(place, refusal.text);
}

/// Speech has no place here, but what it says has.
void Composer::begin(const model::Audio& audio, const event::PartStart& start) {
  losses_.detail(cat("choices[0].content[", start.part, "].audio"), "openai_responses answers in text");
  const auto place = open_content(Words::text, start.value);
  places_[{start.choice, start.part}] = place;
  grow(place, audio.transcript.value_or(""));
}

void Composer::begin(const model::Thinking& thinking, const event::PartStart& start) {
  settle();
  OutputItem item{.kind = Kind::reasoning, .id = thinking.id.value_or(id_for(Prefix::reasoning, items_.size()))};
  const auto& opaque = thinking.encrypted ? thinking.encrypted : thinking.signature;
  item.encrypted = opaque.value_or("");
  if (own_) item.extras = start.value.extras;
  // In full, in an answer of this dialect that has no summary; else what others show is what is called a summary here.
  const bool full = own_ && thinking.summary.empty();
  if (full) item.content = thinking.text;
  const Place place{open_item(std::move(item)), 0};
  places_[{start.choice, start.part}] = place;
  if (thinking.redacted) losses_.detail(cat("choices[0].content[", start.part, "].redacted"));
  if (full) return;
  if (thinking.summary.empty()) return grow(place, thinking.text);
  for (const auto& text : thinking.summary) {
    if (&text != thinking.summary.data()) close_summary(place);
    open_summary(place);
    grow(place, text);
  }
}

void Composer::begin(const model::ToolCall& call, const event::PartStart& start) {
  settle();
  const bool custom = call.kind == model::ToolKind::custom;
  const auto index = items_.size();
  OutputItem item{.kind = custom ? Kind::custom_call : Kind::function_call,
                  .id = id_for(custom ? Prefix::custom_call : Prefix::function_call, index),
                  .call_id = call.id ? *call.id : id_for("call_", index),
                  .name = call.name};
  // The group is the client's own word for it, whoever answers (tool_forms.cc).
  for (const auto& extra : start.value.extras) {
    if (own_ || extra.key == "namespace") item.extras.push_back(extra);
  }
  const Place place{open_item(std::move(item)), 0};
  places_[{start.choice, start.part}] = place;
  grow(place, call.arguments);
  if (call.signature) losses_.detail(cat("choices[0].content[", start.part, "].signature"));
}

void Composer::begin(const model::Image& image, const event::PartStart& start) {
  if (!image.media.base64) {
    losses_.meaning(cat("choices[0].content[", start.part, "].image"), "only the image itself can be said");
    return;
  }
  settle();
  if (own_ && !start.value.extras.empty()) {  // the item is known whole
    std::string text;
    Writer w{text};
    w.begin_object().key("type").string("image_generation_call").key("result").string(*image.media.base64);
    write_inner(w, start.value.extras, "image_generation_call");
    w.end_object();
    places_[{start.choice, start.part}] = {open_item({.kind = Kind::raw, .text = std::move(text)}), 0};
    return;
  }
  OutputItem item{.kind = Kind::image, .id = id_for(Prefix::image, items_.size()), .text = *image.media.base64};
  constexpr std::string_view prefix = "image/";
  if (image.media.media_type && image.media.media_type->starts_with(prefix))
    item.name = image.media.media_type->substr(prefix.size());
  places_[{start.choice, start.part}] = {open_item(std::move(item)), 0};
}

void Composer::begin(const model::Opaque& opaque, const event::PartStart& start) {
  if (opaque.dialect != dialect_name) {
    losses_.detail(cat("choices[0].content[", start.part, "].opaque"), "an item of another vendor");
    return;
  }
  settle();
  OutputItem item{.kind = Kind::raw, .text = opaque.value.text};
  places_[{start.choice, start.part}] = {open_item(std::move(item)), 0};
}

template <class Other>
void Composer::begin(const Other&, const event::PartStart& start) {
  losses_.meaning(cat("choices[0].content[", start.part, ']'), "openai_responses has no such part in an answer");
}

std::optional<Composer::Place> Composer::place_of(std::uint64_t choice, std::uint64_t part) const {
  const auto found = places_.find({choice, part});
  return found != places_.end() ? std::optional{found->second} : std::nullopt;
}

void Composer::on(const event::Delta& delta) {
  const auto place = place_of(delta.choice, delta.part);
  if (!place || phase_ == Phase::finished) return;
  const auto& item = items_[place->item];
  if (item.state != OutputItem::State::growing) return;
  // Chat Completions tells a text's logprobs beside it, which comes here as the next event.
  const bool waits = context_.request.logprobs.value_or(false) && out_ != nullptr && item.kind == Kind::message &&
                     !item.contents[place->content].refusal;
  if (waits) {
    held_ = Held{*place, delta.text};
  } else {
    grow(*place, delta.text);
  }
}

void Composer::release() {
  if (!held_) return;
  const Held held = std::move(*std::exchange(held_, std::nullopt));
  grow(held.place, held.text);
}

void Composer::on(const event::Logprobs& logprobs) {
  const auto value = json::parse(logprobs.value.text);
  const auto* tokens = value ? given(*value, "content") : nullptr;
  const std::string elements = tokens != nullptr ? elements_of(*tokens) : std::string{};
  const auto held = std::exchange(held_, std::nullopt);
  const bool ours = value && value->find("content") != nullptr;
  if (!ours) losses_.detail("choices[0].logprobs", "in a form of another vendor");
  if (held) return grow(held->place, held->text, elements);
  if (elements.empty() || logprobs.choice != 0) return;
  for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
    if (item->kind != Kind::message || item->contents.empty()) continue;
    auto& content = item->contents.front();
    content.logprobs += cat(content.logprobs.empty() ? "" : ",", elements);
    return;
  }
}

void Composer::on(const event::AudioDelta& delta) {
  if (delta.audio.transcript) on(event::Delta{delta.choice, delta.part, *delta.audio.transcript});
}

void Composer::on(const event::CitationDelta& delta) {
  const auto place = place_of(delta.choice, delta.part);
  if (!place || items_[place->item].kind != Kind::message) return;
  auto& content = items_[place->item].contents[place->content];
  if (!content.open) return;
  content.citations.push_back(delta.citation);
  announce(*place, Text::growing);
}

void Composer::on(const event::SignatureDelta& delta) {
  const auto place = place_of(delta.choice, delta.part);
  if (!place || items_[place->item].state == OutputItem::State::told) return;
  auto& item = items_[place->item];
  if (item.kind == Kind::reasoning) {
    item.encrypted += delta.signature;
  } else {
    losses_.detail(cat("choices[0].content[", delta.part, "].signature"));
  }
}

void Composer::on(const event::PartStop& stop) {
  const auto place = place_of(stop.choice, stop.part);
  if (place) close(*place);
}

// --- the end ----------------------------------------------------------------------------------------------------------------

void Composer::on(const event::ChoiceFinish& finish) {
  if (finish.choice != 0 || finish_) return;
  run();
  finish_ = finish.finish;
  if (own_) reason_ = finish.raw.value_or("");
  // A refusal without words stays distinguishable from a filter by an empty one.
  if (finish.finish == Finish::refusal && !refusal_) close(open_content(Words::refusal, {}));
  if (!own_ && !standing_of(finish.finish).exact) losses_.detail("choices[0].finish_reason", "no word for it");
  if (finish.stop_sequence) losses_.detail("choices[0].stop_sequence", "openai_responses does not say which");
}

void Composer::on(const event::End&) {
  if (phase_ == Phase::finished) return;
  run();
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const auto contents = std::max<std::size_t>(items_[i].contents.size(), 1);
    for (std::size_t c = 0; c < contents; ++c) close({i, c});
  }
  for (std::size_t i = 0; i < items_.size(); ++i) complete(i);
  settle();
  phase_ = Phase::finished;
  response_event(cat("response.", status()));
}

std::string_view Composer::final_status() const noexcept {
  if (!reason_.empty()) return "incomplete";
  if (own_ && finish_.value_or(Finish::unknown) == Finish::unknown) return "in_progress";
  if (!finish_) return "completed";
  if (*finish_ == Finish::refusal && refused_) return "completed";
  return standing_of(*finish_).status;
}
std::string_view Composer::status() const noexcept { return phase_ == Phase::finished ? final_status() : "in_progress"; }

}  // namespace cardea::dialect::responses
