#include "twin/forms/steps.h"

#include <algorithm>

#include "twin/tokens.h"

namespace cardea::twin {

std::size_t fragment_end(std::string_view text, std::size_t at) {
  constexpr std::size_t fragment_bytes = 8;
  std::size_t end = std::min(text.size(), at + fragment_bytes);
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
  return end;
}

std::vector<Section> sections_of(const Choice& choice, Cut cut) {
  std::vector<Section> all;
  const std::string_view text = choice.text;
  if (!choice.reasoning.empty()) all.push_back({Section::Kind::thought, choice.reasoning, nullptr, {}});
  if (cut.searches && choice.searched) all.push_back({Section::Kind::search, {}, nullptr, choice.citations});
  if (cut.text == Cut::Text::whole || choice.citations.empty()) {
    if (!text.empty()) all.push_back({Section::Kind::text, text, nullptr, choice.citations});
  } else {
    std::size_t at = 0;
    for (const auto& citation : choice.citations) {
      if (at < citation.start) all.push_back({Section::Kind::text, text.substr(at, citation.start - at), nullptr, {}});
      all.push_back({Section::Kind::text, text.substr(citation.start, citation.end - citation.start), nullptr, {&citation, 1}});
      at = citation.end;
    }
    if (at < text.size()) all.push_back({Section::Kind::text, text.substr(at), nullptr, {}});
  }
  if (!choice.refusal.empty()) all.push_back({Section::Kind::refusal, choice.refusal, nullptr, {}});
  for (const auto& call : choice.calls) all.push_back({Section::Kind::call, call.arguments, &call, {}});
  return all;
}

void Steps::enter_choice() {
  if (choice_ < answer_.choices.size()) sections_ = sections_of(answer_.choices[choice_], cut_);
  section_ = 0;
  at_ = 0;
}

bool Steps::next(Step& out) {
  using Kind = Step::Kind;
  out = {};
  if (!begun_) {
    begun_ = true;
    enter_choice();
    out.kind = last_ = Kind::begin;
    return true;
  }
  if (last_ == Kind::end) return false;
  out.choice = choice_;
  out.section = section_;
  if (choice_ == answer_.choices.size()) {
    out.kind = last_ = Kind::end;
    return true;
  }
  if (section_ == sections_.size()) {
    ++choice_;
    enter_choice();
    out.kind = last_ = Kind::finish;
    return true;
  }
  const auto& section = sections_[section_];
  out.what = &section;
  if (last_ != Kind::open && last_ != Kind::piece) {
    out.kind = last_ = Kind::open;
  } else if (at_ < section.text.size()) {
    const bool call = section.kind == Section::Kind::call;
    const std::size_t end = call ? fragment_end(section.text, at_) : token_end(section.text, at_);
    out.text = section.text.substr(at_, end - at_);
    at_ = end;
    out.kind = last_ = Kind::piece;
  } else {
    ++section_;
    at_ = 0;
    out.kind = last_ = Kind::close;
  }
  return true;
}

bool StepSource::next(Event& out) {
  while (waiting_.empty()) {
    Step step;
    if (!steps_.next(step)) return false;
    write(step);
  }
  out = std::move(waiting_.front());
  waiting_.pop_front();
  return true;
}

Event& StepSource::emit(std::string_view type, Made made) {
  return waiting_.emplace_back(Event{.data = {}, .type = std::string{type}, .token = made == Made::token});
}

}  // namespace cardea::twin
