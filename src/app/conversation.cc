#include "app/conversation.h"

#include "base/text.h"

namespace cardea::app {
namespace {

model::Message message(model::Role role, std::string_view text) {
  model::Message out;
  out.role = role;
  model::Part part;
  part.value = model::Text{.text = std::string{text}};
  out.parts.push_back(std::move(part));
  return out;
}

}  // namespace

void Conversation::set_instructions(std::string_view text) { system_ = text; }

void Conversation::add(model::Role role, std::string_view text) { chat_.messages.push_back(message(role, text)); }

void Conversation::forget_last() {
  if (!chat_.messages.empty()) chat_.messages.pop_back();
}

std::string Conversation::request() const {
  model::Chat chat = chat_;
  if (!system_.empty()) chat.messages.insert(chat.messages.begin(), message(model::Role::system, system_));
  chat.stream = true;
  chat.include_usage = true;
  dialect::Losses losses;  // plain texts: nothing to lose
  return dialect::openai_chat().encode_request(chat, losses);
}

void AnswerReader::say(Piece piece, std::string_view text) {
  if (text.empty()) return;
  if (piece == Piece::text) text_ += text;
  show_(piece, text);
}

void AnswerReader::begin(const model::event::PartStart& start) {
  if (const auto* text = std::get_if<model::Text>(&start.value.value)) {
    parts_[start.part] = Piece::text;
    say(Piece::text, text->text);
  } else if (const auto* refusal = std::get_if<model::Refusal>(&start.value.value)) {
    parts_[start.part] = Piece::text;
    say(Piece::text, refusal->text);
  } else if (const auto* thinking = std::get_if<model::Thinking>(&start.value.value)) {
    parts_[start.part] = Piece::thinking;
    say(Piece::thinking, thinking->text);
  }
}

void AnswerReader::take(const model::ChatEvent& event) {
  if (const auto* start = std::get_if<model::event::PartStart>(&event)) {
    if (start->choice == 0) begin(*start);
  } else if (const auto* delta = std::get_if<model::event::Delta>(&event)) {
    const auto part = parts_.find(delta->part);
    if (delta->choice == 0 && part != parts_.end()) say(part->second, delta->text);
  } else if (const auto* finish = std::get_if<model::event::ChoiceFinish>(&event)) {
    if (finish->finish != model::Finish::stop) unusual_end_ = model::name(finish->finish);
  } else if (const auto* report = std::get_if<model::event::UsageReport>(&event)) {
    usage_ = report->usage;
  } else if (const auto* failure = std::get_if<model::event::Failure>(&event)) {
    error_.emplace(Kind::upstream_failed, failure->message);
  }
}

void AnswerReader::feed(std::string_view bytes) {
  pending_ += bytes;
  std::vector<model::ChatEvent> events;
  std::string scratch;
  std::size_t used = 0;
  while (!error_) {
    const std::string_view rest = std::string_view{pending_}.substr(used);
    Result<std::size_t> size = cutter_.next(rest);
    if (!size) {
      error_ = std::move(size.error());
      break;
    }
    if (*size == 0) break;
    const wire::Event event = wire::parse_event(rest.substr(0, *size), scratch);
    Status decoded = event.has_data ? decoder_->event(event.name, event.data, events) : Status{};
    if (!decoded) error_ = std::move(decoded.error());
    used += *size;
  }
  pending_.erase(0, used);
  for (const auto& event : events) take(event);
}

Status AnswerReader::finish() {
  if (!error_) {
    std::vector<model::ChatEvent> events;
    Status ended = decoder_->end(events);
    for (const auto& event : events) take(event);
    if (!ended) error_ = std::move(ended.error());
  }
  if (error_) return std::unexpected{error_->clone()};
  return {};
}

}  // namespace cardea::app
