#include "limit/windows.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "base/time.h"

namespace cardea::limit {
namespace {

using config::Period;

Zone zone(const std::string& name) {
  Result<Zone> loaded = Zone::load(name);
  EXPECT_TRUE(loaded) << name;
  return loaded ? *loaded : Zone::utc();
}
std::string show(const Zone& where, Period period, const char* now) {
  const WindowSpan span = window_at(where, period, *parse_time(now));
  return cat(show_time(span.from), " ", show_time(span.to));
}

TEST(Windows, OfUtc) {
  const Zone utc = Zone::utc();
  EXPECT_EQ(show(utc, Period::hour, "2026-11-23T04:59:59Z"), "2026-11-23T04:00:00Z 2026-11-23T05:00:00Z");
  EXPECT_EQ(show(utc, Period::day, "2026-11-23T23:59:59Z"), "2026-11-23T00:00:00Z 2026-11-24T00:00:00Z");
  EXPECT_EQ(show(utc, Period::week, "2026-11-22T12:00:00Z"), "2026-11-16T00:00:00Z 2026-11-23T00:00:00Z");
  EXPECT_EQ(show(utc, Period::week, "2026-11-23T00:00:00Z"), "2026-11-23T00:00:00Z 2026-11-30T00:00:00Z");
  EXPECT_EQ(show(utc, Period::month, "2024-02-29T12:00:00Z"), "2024-02-01T00:00:00Z 2024-03-01T00:00:00Z");
  EXPECT_EQ(window_at(utc, Period::total, 5), (WindowSpan{0, INT64_MAX}));
}

TEST(Windows, WhenClocksChange) {
  const Zone berlin = zone("Europe/Berlin");
  EXPECT_EQ(show(berlin, Period::day, "2026-03-29T12:00:00Z"), "2026-03-28T23:00:00Z 2026-03-29T22:00:00Z") << "23 hours";
  EXPECT_EQ(show(berlin, Period::day, "2026-10-25T12:00:00Z"), "2026-10-24T22:00:00Z 2026-10-25T23:00:00Z") << "25 hours";
  EXPECT_EQ(show(berlin, Period::month, "2026-10-31T23:30:00Z"), "2026-10-31T23:00:00Z 2026-11-30T23:00:00Z");
  EXPECT_EQ(show(berlin, Period::hour, "2026-10-25T00:30:00Z"), "2026-10-25T00:00:00Z 2026-10-25T01:00:00Z") << "2 o'clock";
  EXPECT_EQ(show(berlin, Period::hour, "2026-10-25T01:30:00Z"), "2026-10-25T01:00:00Z 2026-10-25T02:00:00Z") << "again";
  // Sao Paulo's summer began at midnight: that day has none.
  EXPECT_EQ(show(zone("America/Sao_Paulo"), Period::day, "2018-11-04T12:00:00Z"), "2018-11-04T03:00:00Z 2018-11-05T02:00:00Z");
  EXPECT_EQ(show(zone("Asia/Kolkata"), Period::hour, "2026-11-23T04:10:00Z"), "2026-11-23T03:30:00Z 2026-11-23T04:30:00Z");
}

/// Whatever the clocks of a place do: every instant is in its window, and windows follow on each other.
TEST(Windows, LeaveNoGap) {
  for (const char* const name : {"Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "America/Havana",
                                 "America/St_Johns", "Pacific/Apia", "Africa/Casablanca"}) {
    const Zone where = zone(name);
    for (const Period period : {Period::day, Period::week, Period::month}) {
      WindowSpan last = window_at(where, period, *parse_time("2010-01-01"));
      for (std::int64_t now = *parse_time("2010-01-01"); now < *parse_time("2013-01-01"); now += 7200) {
        const WindowSpan span = window_at(where, period, now);
        ASSERT_LE(span.from, now) << name;
        ASSERT_GT(span.to, now) << name << " " << show_time(now);
        if (span != last) ASSERT_EQ(span.from, last.to) << name << " " << show_time(now);
        last = span;
      }
    }
  }
}

TEST(Windows, AnUnknownPlaceIsRefused) {
  const auto loaded = Zone::load("Europe/Atlantis");
  ASSERT_FALSE(loaded);
  EXPECT_TRUE(loaded.error().is(Kind::config));
}

}  // namespace
}  // namespace cardea::limit
