#include "twin/script.h"

#include "base/text.h"

namespace cardea::twin {
namespace {

constexpr std::string_view blanks = " \t\r";

/// Takes the next word off `line`: up to a blank, quotes keep blanks inside and are dropped. False: an open quote.
bool next_word(std::string_view& line, std::string& word) {
  word.clear();
  const auto begin = line.find_first_not_of(blanks);
  line.remove_prefix(begin == std::string_view::npos ? line.size() : begin);
  bool quoted = false;
  while (!line.empty() && (quoted || blanks.find(line.front()) == std::string_view::npos)) {
    if (line.front() == '"') {
      quoted = !quoted;
    } else {
      word += line.front();
    }
    line.remove_prefix(1);
  }
  return !quoted;
}

}  // namespace

Status Script::parse_line(std::string_view line, Step& step) {
  std::string word;
  while (true) {
    if (!next_word(line, word)) return fail(Kind::config, "a quote is not closed");
    if (word.empty()) return {};
    if (word == "ok") continue;
    const auto equals = word.find('=');
    const std::string_view name = std::string_view{word}.substr(0, equals);
    const std::string_view value = equals == std::string::npos ? std::string_view{} : std::string_view{word}.substr(equals + 1);
    if (name == "model") {
      step.model = value;
    } else if (name == "times") {
      const auto times = value == "*" ? std::optional{for_ever} : parse_number<std::uint64_t>(value);
      if (!times || *times == 0) return fail(Kind::config, cat("times=", value, ": give a number from 1 or *"));
      step.times = *times;
    } else if (name == "early") {
      return fail(Kind::config, "'early' works as header only: a script's step is chosen by the body");
    } else {
      Status set = set_option(step.behaviour, name, value);
      if (!set) return set;
    }
  }
}

Result<Script> Script::parse(std::string_view text) {
  Script script;
  std::string problems;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const auto first = line.find_first_not_of(blanks);
    if (first == std::string_view::npos || line[first] == '#') continue;
    Step step;
    const Status parsed = parse_line(line, step);
    if (!parsed) append(problems, cat(problems.empty() ? "" : "\n", "line ", number, ": ", parsed.error().message()));
    script.steps_.push_back(std::move(step));
  }
  if (!problems.empty()) return fail(Kind::config, std::move(problems));
  return script;
}

const Behaviour* Script::take(std::string_view model) noexcept {
  for (auto& step : steps_) {
    if (step.times == 0 || (!step.model.empty() && step.model != model)) continue;
    if (step.times != for_ever) --step.times;
    return &step.behaviour;
  }
  return nullptr;
}

}  // namespace cardea::twin
