// What an answer tells beside its parts: token counts, log probabilities, its time.

#include <algorithm>
#include <array>

#include "dialect/gemini/gemini.h"

namespace cardea::dialect::google {

using json::Value;
using json::Writer;
using model::Usage;

namespace {

Usage::Count count_at(const Value& object, std::string_view name) {
  const auto found = field(object, name);
  return found ? count_of(*found.value) : std::nullopt;
}

/// Of a list of {"modality","tokenCount"}: the tokens of audio.
Usage::Count audio_of(const Value& usage, std::string_view name) {
  const auto list = field(usage, name);
  if (!list) return std::nullopt;
  for (const auto& entry : list.value->elements()) {
    const auto* modality = entry.find("modality");
    if (modality != nullptr && modality->as_string() != nullptr && *modality->as_string() == "AUDIO") {
      return count_at(entry, "tokenCount");
    }
  }
  return std::nullopt;
}

void write_audio(Writer& w, std::string_view name, const Usage::Count& tokens) {
  if (tokens.value_or(0) == 0) return;  // modalities that were not used are not listed
  w.key(name).begin_array().begin_object().key("modality").string("AUDIO").key("tokenCount").number(*tokens);
  w.end_object().end_array();
}

std::uint64_t less(std::uint64_t whole, std::uint64_t part) { return whole > part ? whole - part : 0; }

}  // namespace

/// promptTokenCount contains what was cached; tools' results come on top of it; candidatesTokenCount does not contain thoughts.
Usage decode_usage(const Value& usage) {
  Usage out;
  const auto prompt = count_at(usage, "promptTokenCount");
  const auto tools = count_at(usage, "toolUsePromptTokenCount");
  const auto said = count_at(usage, "candidatesTokenCount");
  out.cache_read = count_at(usage, "cachedContentTokenCount");
  out.reasoning = count_at(usage, "thoughtsTokenCount");
  if (prompt || tools) out.input = less(prompt.value_or(0), out.cache_read.value_or(0)) + tools.value_or(0);
  if (said || out.reasoning) out.output = said.value_or(0) + out.reasoning.value_or(0);
  out.input_audio = audio_of(usage, "promptTokensDetails");
  out.output_audio = audio_of(usage, "candidatesTokensDetails");
  return out;
}

void write_usage(Writer& w, const Usage& usage) {
  w.begin_object();
  if (usage.input || usage.cache_read || usage.cache_write) w.key("promptTokenCount").number(usage.input_total());
  write(w, "cachedContentTokenCount", usage.cache_read);
  if (usage.output) w.key("candidatesTokenCount").number(less(*usage.output, usage.reasoning.value_or(0)));
  write(w, "thoughtsTokenCount", usage.reasoning);
  w.key("totalTokenCount").number(usage.total());
  write_audio(w, "promptTokensDetails", usage.input_audio);
  write_audio(w, "candidatesTokensDetails", usage.output_audio);
  w.end_object();
}

// --- log probabilities
// ----------------------------------------------------------------------------------------------------------

namespace {

/// {"token","logProbability"} as OpenAI's {"token","logprob","bytes"}, left open.
void begin_token(Writer& w, const Value& candidate) {
  const auto token = field(candidate, "token");
  const auto number = field(candidate, "logProbability");
  w.begin_object().key("token").string(token && token.value->as_string() != nullptr ? *token.value->as_string() : "");
  w.key("logprob").raw(number && number.value->as_number() != nullptr ? *number.value->as_number() : "0");
  w.key("bytes").null();
}

void write_candidate(Writer& w, const Value& token) {
  const auto* text = token.find("token");
  const auto* number = token.find("logprob");
  w.begin_object().key("token").string(text != nullptr && text->as_string() != nullptr ? *text->as_string() : "");
  w.key("logProbability").raw(number != nullptr && number->as_number() != nullptr ? *number->as_number() : "0");
  w.end_object();
}

}  // namespace

model::Json decode_logprobs(const Value& result) {
  model::Json out;
  Writer w{out.text};
  const auto chosen = field(result, "chosenCandidates");
  const auto top = field(result, "topCandidates");
  w.begin_object().key("content").begin_array();
  const std::size_t count = chosen ? chosen.value->elements().size() : 0;
  for (std::size_t i = 0; i < count; ++i) {
    begin_token(w, chosen.value->elements()[i]);
    w.key("top_logprobs").begin_array();
    if (top && i < top.value->elements().size()) {
      const auto list = field(top.value->elements()[i], "candidates");
      const std::size_t others = list ? list.value->elements().size() : 0;
      for (std::size_t k = 0; k < others; ++k) {
        begin_token(w, list.value->elements()[k]);
        w.end_object();
      }
    }
    w.end_array().end_object();
  }
  w.end_array().key("refusal").null().end_object();
  return out;
}

void write_logprobs(Writer& w, std::span<const model::Json> pieces) {
  std::vector<Value> tokens;
  for (const auto& piece : pieces) {
    auto value = json::parse(piece.text);
    auto* content = value ? value->find("content") : nullptr;
    if (content != nullptr) std::ranges::move(content->each_element(), std::back_inserter(tokens));
  }
  w.begin_object().key("chosenCandidates").begin_array();
  for (const auto& token : tokens) write_candidate(w, token);
  w.end_array().key("topCandidates").begin_array();
  for (const auto& token : tokens) {
    w.begin_object().key("candidates").begin_array();
    if (const auto* top = token.find("top_logprobs")) {
      for (const auto& other : top->elements()) write_candidate(w, other);
    }
    w.end_array().end_object();
  }
  w.end_array().end_object();
}

// --- time ---------------------------------------------------------------------------------------------------------------------

namespace {

/// Days from 1970-01-01 to a date of the Gregorian calendar (Howard Hinnant's days_from_civil).
std::int64_t days_of(std::int64_t year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = year / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<std::int64_t>(day_of_era) - 719'468;
}

std::optional<unsigned> digits(std::string_view text, std::size_t at, std::size_t length) {
  return text.size() >= at + length ? parse_number<unsigned>(text.substr(at, length)) : std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> time_of(std::string_view text) noexcept {
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  const bool whole = year && month && day && hour && minute && second && text.size() > 19;
  if (!whole || !text.ends_with('Z') || *year < 1970 || *month < 1 || *month > 12 || *day < 1 || *day > 31) return std::nullopt;
  const auto days = days_of(*year, *month, *day);
  return static_cast<std::uint64_t>(days) * 86'400 + *hour * 3600 + *minute * 60 + *second;
}

std::string time_text(std::uint64_t seconds) {
  // The inverse of days_of (civil_from_days).
  const std::uint64_t days = seconds / 86'400 + 719'468;
  const std::uint64_t era = days / 146'097;
  const std::uint64_t day_of_era = days % 146'097;
  const std::uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint64_t shifted = (5 * day_of_year + 2) / 153;
  const std::uint64_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
  const std::uint64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const std::uint64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  const auto two = [](std::uint64_t number) { return cat(number < 10 ? "0" : "", number); };
  const std::uint64_t rest = seconds % 86'400;
  return cat(year, '-', two(month), '-', two(day), 'T', two(rest / 3600), ':', two(rest / 60 % 60), ':', two(rest % 60), 'Z');
}

}  // namespace cardea::dialect::google
