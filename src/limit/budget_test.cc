#include "limit/budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "base/text.h"
#include "base/time.h"

namespace cardea::limit {
namespace {

using config::Period;

constexpr std::int64_t day = 86'400;

Budget::Options options(std::int64_t amount, Period per = Period::total, std::string id = "b") {
  return {.id = std::move(id), .amount = amount, .per = per};
}
Result<Booking> reserve(Budget& budget, std::int64_t amount, std::int64_t now) {
  Budget* const all[] = {&budget};
  return Booking::reserve(all, amount, now);
}

TEST(Budget, ReservesSettlesAndGivesBack) {
  Budget budget{options(100), {}, 0};
  auto first = reserve(budget, 60, 0);
  ASSERT_TRUE(first);
  EXPECT_EQ(budget.standing(0).left(), 40);
  const auto refused = reserve(budget, 41, 0);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(Kind::rate_limited));
  EXPECT_EQ(refused.error().message(), "the budget 'b' (per total) has no room for this request");
  {
    EXPECT_TRUE(reserve(budget, 40, 0));
  }  // given back at once
  first->settle(10);
  first->settle(10);
  EXPECT_EQ(budget.standing(0).spent, 10);
  EXPECT_EQ(budget.standing(0).reserved, 0);
  EXPECT_TRUE(reserve(budget, 90, 0));
}

TEST(Budget, AllLevelsOrNone) {
  Budget wide{options(100), {}, 0}, narrow{options(10), {}, 0};
  Budget* const both[] = {&wide, &narrow};
  EXPECT_FALSE(Booking::reserve(both, 11, 0));
  EXPECT_EQ(wide.standing(0).reserved, 0);
  auto booking = Booking::reserve(both, 10, 0);
  ASSERT_TRUE(booking);
  EXPECT_EQ(booking->holds(), (std::vector<store::Hold>{{"b", 0}, {"b", 0}}));
  Booking moved = std::move(*booking);
  EXPECT_EQ(wide.standing(0).reserved, 10);
}

TEST(Budget, GraceAndAlerts) {
  Budget::Options asked = options(100);
  asked.grace = 20;
  asked.alerts = {50, 100};
  Budget budget{asked, {}, 0};
  auto first = reserve(budget, 100, 0);
  ASSERT_TRUE(first);
  const auto alerts = first->settle(50);
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0].percent, 50);
  auto second = reserve(budget, 70, 0);
  ASSERT_TRUE(second) << "into the grace";
  EXPECT_EQ(second->settle(70).size(), 1U);
  EXPECT_FALSE(reserve(budget, 1, 0));
  EXPECT_TRUE(reserve(budget, 0, 0)) << "what costs nothing";
  EXPECT_EQ(budget.standing(0).left(), 0);
}

TEST(Budget, ARequestCountsWhereItBegan) {
  Budget budget{options(100, Period::day), {}, 5};
  auto late = reserve(budget, 100, day - 1);
  ASSERT_TRUE(late);
  EXPECT_FALSE(reserve(budget, 1, day - 1));
  auto next = reserve(budget, 100, day);
  ASSERT_TRUE(next) << "a new day";
  late->settle(80);
  EXPECT_EQ(budget.standing(day).spent, 0);
  EXPECT_EQ(budget.standing(day).reserved, 100);
  EXPECT_EQ(next->holds(), (std::vector<store::Hold>{{"b", day}}));
}

TEST(Budget, AClockThatGoesBackGivesNothingTwice) {
  Budget budget{options(100, Period::hour), {}, 0};
  reserve(budget, 100, 10)->settle(100);
  reserve(budget, 100, 3600)->settle(100);
  EXPECT_FALSE(reserve(budget, 1, 3599)) << "an hour back";
  EXPECT_FALSE(reserve(budget, 1, 10));
  EXPECT_TRUE(reserve(budget, 100, 7200));
}

TEST(Budget, GoesOnWhereAnEarlierRunEnded) {
  const store::Balance kept{.hold = {"b", day}, .spent = {70}, .reserved = {}};
  EXPECT_EQ((Budget{options(100, Period::day), kept, day + 5}.standing(day + 5).left()), 30);
  EXPECT_EQ((Budget{options(100, Period::day), kept, 2 * day}.standing(2 * day).left()), 100) << "it was yesterday";
  Budget back{options(100, Period::day), kept, 5};
  EXPECT_EQ(back.standing(5).left(), 30) << "the clock went back while it was down";
}

/// Many threads over a tight budget and many windows: at no time more is taken than there is, and nothing is left over.
TEST(Budget, IsNeverExceeded) {
  constexpr int threads = 8, requests = 4'000;
  Budget wide{options(1'000'000'000), {}, 0}, tight{options(1000, Period::hour), {}, 0};
  std::atomic<std::int64_t> clock = 0, spent = 0;
  std::atomic<int> over = 0;
  {
    std::vector<std::jthread> running;
    for (int thread = 0; thread < threads; ++thread) {
      running.emplace_back([&, thread] {
        Budget* const both[] = {&wide, &tight};
        for (int i = 0; i < requests; ++i) {
          const std::int64_t now = clock.fetch_add(3);
          auto booking = Booking::reserve(both, 90 + thread, now);
          const Budget::Standing seen = tight.standing(now);
          if (seen.spent > 1000) ++over;
          if (!booking || i % 3 == 0) continue;
          const std::int64_t cost = i % 90;
          booking->settle(cost);
          spent += cost;
        }
      });
    }
  }
  EXPECT_EQ(over, 0);
  EXPECT_EQ(wide.standing(clock).spent, spent);
  EXPECT_EQ(wide.standing(clock).reserved, 0);
  EXPECT_EQ(tight.standing(clock).reserved, 0);
}

/// 1,000 at once against room for ten: ten pass.
TEST(Budget, AThousandAtOnce) {
  Budget budget{options(1000), {}, 0};
  std::atomic<int> passed = 0;
  {
    std::vector<std::jthread> running;
    for (int i = 0; i < 1000; ++i) {
      running.emplace_back([&] {
        auto booking = reserve(budget, 100, 0);
        if (!booking) return;
        ++passed;
        booking->settle(100);
      });
    }
  }
  EXPECT_EQ(passed, 10);
  EXPECT_EQ(budget.standing(0).spent, 1000);
}

}  // namespace
}  // namespace cardea::limit
