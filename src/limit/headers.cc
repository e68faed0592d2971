#include "limit/headers.h"

#include <algorithm>

#include "base/text.h"
#include "base/time.h"

namespace cardea::limit {

namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::int64_t ns_per_second = 1'000 * ns_per_ms;
constexpr std::int64_t longest = 86'400 * ns_per_second;
/// The SDKs wait at most a minute for `retry-after`; beyond it they follow a backoff of their own.
constexpr std::int64_t patience_ms = 60'000;

std::int64_t rounded_up(Nanoseconds time, std::int64_t unit) { return time.count() / unit + (time.count() % unit != 0 ? 1 : 0); }

/// As Go writes durations, which is how OpenAI's resets look: "12ms", "7.66s", "6m0s", "1h0m30s".
void append_duration(std::string& out, Nanoseconds time) {
  const std::int64_t ms = rounded_up(time, ns_per_ms);
  if (ms < 1000) {
    out += ms == 0 ? "0s" : cat(ms, "ms");
    return;
  }
  const std::int64_t seconds = ms / 1000;
  if (seconds >= 3600) out += cat(seconds / 3600, 'h');
  if (seconds >= 60) out += cat(seconds / 60 % 60, 'm');
  out += cat(seconds % 60);
  if (ms % 1000 != 0) {
    std::string fraction = cat(1000 + ms % 1000).replace(0, 1, ".");
    fraction.erase(fraction.find_last_not_of('0') + 1);
    out += fraction;
  }
  out += 's';
}

void append_openai(std::string& lines, std::string_view unit, const Window& window) {
  lines += cat("x-ratelimit-limit-", unit, ": ", window.limit, "\r\nx-ratelimit-remaining-", unit, ": ", window.remaining,
               "\r\nx-ratelimit-reset-", unit, ": ");
  append_duration(lines, window.reset);
  lines += "\r\n";
}

void append_anthropic(std::string& lines, std::string_view unit, const Window& window, std::int64_t now_ms) {
  const std::int64_t at_ms = now_ms + rounded_up(window.reset, ns_per_ms);
  lines += cat("anthropic-ratelimit-", unit, "-limit: ", window.limit, "\r\nanthropic-ratelimit-", unit,
               "-remaining: ", window.remaining, "\r\nanthropic-ratelimit-", unit,
               "-reset: ", show_time(at_ms / 1000 + (at_ms % 1000 != 0 ? 1 : 0)), "\r\n");
}

/// A decimal number at the beginning of `text`, in billionths; removes it. std::nullopt: there is none, or it is too large.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t value = 0;
  std::size_t at = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    value = value * 10 + (text[at] - '0');
    if (value > 9'000'000'000) return std::nullopt;
  }
  if (at == 0) return std::nullopt;
  value *= ns_per_second;
  if (at < text.size() && text[at] == '.') {
    std::int64_t place = ns_per_second / 10;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, place /= 10) value += place * (text[at] - '0');
  }
  text.remove_prefix(at);
  return value;
}

struct DurationUnit {
  std::string_view name;
  std::int64_t per_second_num, per_second_den;
};
constexpr std::array<DurationUnit, 6> duration_units{
    {{"ms", 1, 1000}, {"us", 1, 1'000'000}, {"ns", 1, ns_per_second}, {"s", 1, 1}, {"m", 60, 1}, {"h", 3600, 1}}};

/// "1m30.5s". Parts of over a day are cut to a day, which is all that counts.
std::optional<std::int64_t> duration_of(std::string_view text) {
  std::int64_t sum = 0;
  while (!text.empty()) {
    const std::optional<std::int64_t> number = take_number(text);
    if (!number) return std::nullopt;
    const auto* const unit = std::ranges::find_if(duration_units, [&](const auto& each) { return text.starts_with(each.name); });
    if (unit == duration_units.end()) return std::nullopt;
    text.remove_prefix(unit->name.size());
    const std::int64_t whole = std::min(*number / unit->per_second_den, longest);
    sum = std::min(sum + whole * unit->per_second_num, longest);
  }
  return sum;
}

Nanoseconds until(std::int64_t at_ms, std::int64_t now_ms) {
  return Nanoseconds{std::clamp<std::int64_t>(at_ms - now_ms, 0, longest / ns_per_ms) * ns_per_ms};
}

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7) as Unix seconds; its older forms are not read.
std::optional<std::int64_t> http_date(std::string_view text) {
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
  const auto month = months.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  const std::string number = cat(101 + month / 3);
  return parse_time(
      cat(text.substr(12, 4), '-', std::string_view{number}.substr(1), '-', text.substr(5, 2), 'T', text.substr(17, 8), 'Z'));
}

std::optional<Nanoseconds> reset_of(std::string_view text, std::int64_t now_ms) {
  std::string_view rest = text;
  const std::optional<std::int64_t> number = take_number(rest);
  if (!number) {
    // Too large for seconds: milliseconds since 1970.
    const auto at_ms = parse_number<std::uint64_t>(text);
    if (at_ms && *at_ms < std::uint64_t{1} << 53) return until(static_cast<std::int64_t>(*at_ms), now_ms);
    return std::nullopt;
  }
  if (rest.empty()) {
    // A Unix time, or a number of seconds.
    if (*number >= 1'000'000'000 * ns_per_second) return until(*number / ns_per_ms, now_ms);
    return Nanoseconds{std::min(*number, longest)};
  }
  if (const auto at = parse_time(text)) return until(*at * 1000, now_ms);
  if (const auto time = duration_of(text)) return Nanoseconds{*time};
  return std::nullopt;
}

constexpr std::array<std::string_view, 3> parts{"limit", "remaining", "reset"};
constexpr std::array<std::string_view, 4> units{"requests", "tokens", "input-tokens", "output-tokens"};
constexpr std::array<std::string_view, 7> periods{"second", "minute", "hour", "day", "week", "month", "year"};
constexpr std::size_t first_long_period = 2;

void put(Told& told, std::size_t part, std::string_view value, std::int64_t now_ms) {
  if (part == 0) told.limit = parse_number<std::uint64_t>(value);
  if (part == 1) told.remaining = parse_number<std::uint64_t>(value);
  if (part == 2) told.reset = reset_of(value, now_ms);
}

/// Which of `names` `text` begins with as a whole word, the longest; removes it and the '-' behind it. names.size(): none.
template <std::size_t N>
std::size_t take_word(std::string_view& text, const std::array<std::string_view, N>& names) {
  for (std::size_t i = 0; i < N; ++i) {
    if (!text.starts_with(names[i])) continue;
    const std::string_view rest = text.substr(names[i].size());
    if (!rest.empty() && rest.front() != '-') continue;
    text = rest.empty() ? rest : rest.substr(1);
    return i;
  }
  return N;
}

}  // namespace

void append_limit_headers(std::string& lines, HeaderShape shape, const Windows& windows, std::int64_t now_ms) {
  const auto one = [&](std::string_view unit, const std::optional<Window>& window) {
    if (!window) return;
    if (shape == HeaderShape::openai) return append_openai(lines, unit, *window);
    append_anthropic(lines, unit, *window, now_ms);
  };
  one("requests", windows.requests);
  one("tokens", windows.tokens);
}

void append_retry_headers(std::string& lines, Nanoseconds wait) {
  const std::int64_t ms = rounded_up(wait, ns_per_ms);
  lines += cat("retry-after-ms: ", ms, "\r\nx-should-retry: ", ms <= patience_ms ? "true" : "false", "\r\n");
}

void VendorLimits::read(std::string_view name, std::string_view value, std::int64_t now_ms) {
  constexpr std::string_view openai = "x-ratelimit-", anthropic = "anthropic-ratelimit-";
  const std::string lower = to_lower(name);
  std::string_view rest{lower};
  value = trim(value);
  if (rest == "retry-after-ms") {
    if (const auto ms = parse_number<std::uint32_t>(value)) {
      retry_after_ = Nanoseconds{std::min(std::int64_t{*ms} * ns_per_ms, longest)};
      retry_in_ms_ = true;
    }
  } else if (rest == "retry-after") {
    if (retry_in_ms_) return;
    if (const auto at = http_date(value)) {
      retry_after_ = until(*at * 1000, now_ms);
    } else if (std::string_view text = value; const auto seconds = take_number(text)) {
      if (text.empty()) retry_after_ = Nanoseconds{std::min(*seconds, longest)};
    }
  } else if (rest == "x-should-retry") {
    if (iequals(value, "true") || iequals(value, "false")) should_retry_ = iequals(value, "true");
  } else if (rest.starts_with(openai)) {
    rest.remove_prefix(openai.size());
    const std::size_t part = take_word(rest, parts);
    std::size_t unit = take_word(rest, units);
    const std::size_t period = take_word(rest, periods);
    if (part == parts.size() || !rest.empty()) return;
    if (unit == units.size()) unit = 0;
    const bool is_long = period >= first_long_period && period != periods.size();
    put(told_[unit][is_long ? 1 : 0], part, value, now_ms);
  } else if (rest.starts_with(anthropic)) {
    rest.remove_prefix(anthropic.size());
    const std::size_t unit = take_word(rest, units);
    const std::size_t part = take_word(rest, parts);
    if (unit != units.size() && part != parts.size() && rest.empty()) put(told_[unit][0], part, value, now_ms);
  }
}

std::optional<Nanoseconds> VendorLimits::exhausted_for() const noexcept {
  std::optional<Nanoseconds> out;
  for (const auto& unit : told_) {
    for (const Told& told : unit) {
      if (told.remaining != 0U || !told.reset) continue;
      if (!out || *out < *told.reset) out = told.reset;
    }
  }
  return out;
}

}  // namespace cardea::limit
