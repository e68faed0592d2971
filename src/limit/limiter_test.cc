#include "limit/limiter.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "base/text.h"

namespace cardea::limit {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint start{hours{100}};

struct World {
  Random random{1};
  Limiter limiter{random};
  TimePoint now = start;
  [[nodiscard]] Verdict ask(std::vector<Level> levels, std::uint64_t tokens = 0) {
    return limiter.admit(levels, {.tokens = tokens, .now = now});
  }
};

Level level(Scope scope, std::string_view id, config::Rates rates, std::uint32_t burst = 0) {
  return {.scope = scope, .id = id, .rates = rates, .burst = burst};
}

TEST(Limiter, WithoutRatesAllGo) {
  World world;
  const Verdict verdict = world.ask({level(Scope::key, "k", {})}, 1'000'000'000);
  EXPECT_TRUE(verdict.admission);
  EXPECT_FALSE(verdict.windows.requests);
  EXPECT_FALSE(verdict.windows.tokens);
}

TEST(Limiter, ARefusalSaysWhichRateAndWhen) {
  World world;
  const Level team = level(Scope::team, "research", {.requests_per_minute = 2});
  EXPECT_TRUE(world.ask({team}).admission);
  const Verdict second = world.ask({team});
  EXPECT_EQ(second.windows.requests->limit, 2U);
  EXPECT_EQ(second.windows.requests->remaining, 0U);
  EXPECT_EQ(second.windows.requests->reset, seconds{60});
  const Verdict third = world.ask({team});
  ASSERT_FALSE(third.admission);
  EXPECT_EQ(third.wait, seconds{30});
  EXPECT_TRUE(third.admission.error().is(Kind::rate_limited));
  EXPECT_EQ(third.admission.error().detail().retry_after, "30");
  EXPECT_EQ(third.admission.error().message(),
            "rate limit reached for team 'research': 2 requests per minute; try again in 30 s");
  world.now += seconds{30};
  EXPECT_TRUE(world.ask({team}).admission);
}

TEST(Limiter, AllLevelsOrNone) {
  World world;
  const Level key = level(Scope::key, "k", {.requests_per_day = 2, .tokens_per_minute = 1000});
  const Level team = level(Scope::team, "t", {.requests_per_second = 1});
  EXPECT_TRUE(world.ask({team}).admission);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(world.ask({key, team}, 500).admission);
  world.now += seconds{1};
  const Verdict verdict = world.ask({key, team}, 500);
  ASSERT_TRUE(verdict.admission) << "what the team refused did not count for the key";
  EXPECT_EQ(verdict.windows.tokens->remaining, 500U);
  EXPECT_EQ(verdict.windows.requests->remaining, 0U) << "the least of both";
}

TEST(Limiter, TheSameNameInAnotherScopeIsAnother) {
  World world;
  EXPECT_TRUE(world.ask({level(Scope::key, "x", {.requests_per_minute = 1})}).admission);
  EXPECT_TRUE(world.ask({level(Scope::team, "x", {.requests_per_minute = 1})}).admission);
  EXPECT_FALSE(world.ask({level(Scope::key, "x", {.requests_per_minute = 1})}).admission);
}

TEST(Limiter, BurstIsOfTheSecond) {
  World world;
  const Level model = level(Scope::model, "gpt", {.requests_per_second = 10}, 3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(world.ask({model}).admission);
  EXPECT_EQ(world.ask({model}).wait, milliseconds{100});
}

TEST(Limiter, TokensAreSettledAndGivenBack) {
  World world;
  const Level key = level(Scope::key, "k", {.tokens_per_minute = 1000});
  const auto left = [&] { return world.ask({key}, 0).windows.tokens->remaining; };
  {
    Verdict verdict = world.ask({key}, 400);
    EXPECT_EQ(left(), 600U);
    verdict.admission->settle(100);
    EXPECT_EQ(left(), 900U);
    verdict.admission->settle(900);
    EXPECT_EQ(left(), 900U) << "once";
  }
  EXPECT_EQ(left(), 900U);
  {
    const Verdict verdict = world.ask({key}, 400);
  }
  EXPECT_EQ(left(), 900U) << "nothing was known of it";
  Verdict verdict = world.ask({key}, 100);
  Admission moved = std::move(*verdict.admission);
  moved.settle(1900);
  EXPECT_EQ(left(), 0U);
  const Verdict later = world.ask({key}, 1);
  EXPECT_FALSE(later.admission) << "a debt of 1000, and the minute was used up";
  EXPECT_EQ(later.wait, milliseconds{60'060});
}

TEST(Limiter, AClockThatGoesBackLocksNobodyOut) {
  World world;
  const Level key = level(Scope::key, "k", {.requests_per_minute = 60});
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(world.ask({key}).admission);
  world.now -= hours{1};
  EXPECT_EQ(world.ask({key}).wait, seconds{1});
  world.now += seconds{1};
  EXPECT_TRUE(world.ask({key}).admission);
  EXPECT_FALSE(world.ask({key}).admission);
  world.now += hours{2};
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(world.ask({key}).admission);
  EXPECT_FALSE(world.ask({key}).admission);
}

TEST(Limiter, ExactOverThreads) {
  World world;
  const Level key = level(Scope::key, "k", {.requests_per_minute = 500, .tokens_per_day = 100'000});
  const Level team = level(Scope::team, "t", {.requests_per_minute = 800});
  std::atomic<int> admitted = 0;
  {
    std::vector<std::jthread> all;
    for (int i = 0; i < 4; ++i) {
      all.emplace_back([&] {
        const std::array levels{key, team};
        for (int n = 0; n < 1000; ++n) {
          Verdict verdict = world.limiter.admit(levels, {.tokens = 300, .now = start});
          if (!verdict.admission) continue;
          ++admitted;
          verdict.admission->settle(150);
        }
      });
    }
  }
  EXPECT_EQ(admitted, 500);
  const Verdict after =
      world.ask({level(Scope::team, "t", {.requests_per_minute = 800}), level(Scope::key, "k", {.tokens_per_day = 100'000})});
  EXPECT_EQ(after.windows.requests->remaining, 299U);
  EXPECT_EQ(after.windows.tokens->remaining, 25'000U);
}

TEST(Limiter, AFloodOfStrangersPushesOutNoKey) {
  World world;
  const Level key = level(Scope::key, "k", {.requests_per_day = 1});
  EXPECT_TRUE(world.ask({key}).admission);
  for (int i = 0; i < 70'000; ++i) {
    static_cast<void>(world.ask({level(Scope::end_user, cat("u", i), {.requests_per_day = 1})}));
  }
  EXPECT_FALSE(world.ask({key}).admission);
}

TEST(AddressId, OfIpv6TheFirst64Bits) {
  AddressSpace space{};
  EXPECT_EQ(address_id("10.1.2.3", space), "10.1.2.3");
  EXPECT_EQ(address_id("2001:db8:1:2:3:4:5:6", space), "20010db800010002/64");
  EXPECT_EQ(address_id("2001:db8:1:2::9", space), "20010db800010002/64");
  EXPECT_EQ(address_id("::ffff:10.1.2.3", space), "10.1.2.3");
  EXPECT_EQ(address_id("unix", space), "unix");
}

}  // namespace
}  // namespace cardea::limit
