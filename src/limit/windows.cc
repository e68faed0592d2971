#include "limit/windows.h"

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <limits>

#include "base/text.h"

namespace cardea::limit {

struct Zone::Rules {
  absl::TimeZone zone;
};
struct ZoneAccess {
  static const absl::TimeZone& rules(const Zone& zone) { return zone.rules_->zone; }
};

namespace {

constexpr std::int64_t hour_s = 3600;

WindowSpan hour_at(const absl::TimeZone& zone, std::int64_t now) {
  const std::int64_t local = now + zone.At(absl::FromUnixSeconds(now)).offset;
  const std::int64_t into = (local % hour_s + hour_s) % hour_s;
  return {now - into, now - into + hour_s};
}

absl::CivilDay first_day(absl::CivilDay day, config::Period period) {
  if (period == config::Period::week) return absl::PrevWeekday(day + 1, absl::Weekday::monday);
  if (period == config::Period::month) return absl::CivilDay{absl::CivilMonth{day}};
  return day;
}
absl::CivilDay after(absl::CivilDay first, config::Period period) {
  if (period == config::Period::week) return first + 7;
  if (period == config::Period::month) return absl::CivilDay{absl::CivilMonth{first} + 1};
  return first + 1;
}

/// Of a midnight that the clocks jump over the first instant behind it; of one that they show twice the first.
std::int64_t midnight(const absl::TimeZone& zone, absl::CivilDay day) {
  return absl::ToUnixSeconds(absl::FromCivil(absl::CivilSecond{day}, zone));
}

}  // namespace

Zone Zone::utc() { return Zone{std::make_shared<const Rules>(Rules{absl::UTCTimeZone()})}; }

Result<Zone> Zone::load(const std::string& name) {
  Rules rules;
  if (!absl::LoadTimeZone(name, &rules.zone)) {
    return fail(Kind::config, cat("the system knows no time zone '", name, "'; name one like Europe/Berlin, or install tzdata"));
  }
  return Zone{std::make_shared<const Rules>(rules)};
}

WindowSpan window_at(const Zone& zone, config::Period period, std::int64_t now) {
  if (period == config::Period::total) return {0, std::numeric_limits<std::int64_t>::max()};
  const absl::TimeZone& rules = ZoneAccess::rules(zone);
  if (period == config::Period::hour) return hour_at(rules, now);
  absl::CivilDay first = first_day(absl::ToCivilDay(absl::FromUnixSeconds(now), rules), period);
  absl::CivilDay next = after(first, period);
  WindowSpan out{midnight(rules, first), midnight(rules, next)};
  // Clocks that go back over midnight show the day before once more: that belongs to the new day.
  while (now >= out.to) {
    next = after(next, period);
    out = {out.to, midnight(rules, next)};
  }
  return out;
}

}  // namespace cardea::limit
