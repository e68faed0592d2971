// Throttles against simulated upstreams whose limits nobody told them.
#include "limit/throttle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <thread>

#include "base/text.h"
#include "limit/rate.h"
#include "net/poller.h"
#include "testing/world.h"

namespace cardea::limit {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds refusal_takes{20};

/// An upstream with a limit. Refuses in 20 ms, answers in 150 to 250.
struct Upstream {
  std::uint32_t at_a_time = 1'000'000;
  std::uint32_t tokens_per_minute = 0;  ///< 0: no limit
  std::uint32_t burst = 0;
  std::uint32_t workers = 0;  ///< it queues what is more, instead of refusing it; 0: does not
  bool says_when = false;     ///< with retry-after, in whole seconds

  std::uint32_t busy = 0;
  std::int64_t full_at = 0;
  std::deque<std::int64_t> free_at{};
};

struct Simulation {
  explicit Simulation(std::uint64_t seed = 1) : world{seed} {}
  testing::World world;
  Upstream upstream;
  Throttle throttle{{.name = "model 'm'", .at_a_time = {}, .waiting_max = 64, .wait_max = seconds{2}}};
  net::Duration until = seconds{30};

  struct Count {
    int good = 0, refused = 0, turned_away = 0;
    std::int64_t tokens = 0;  ///< of the good
  };
  Count all, late;  ///< of the whole time, of the last ten seconds
  net::Duration slowest_late{};

  void note(int Count::* what, std::int64_t tokens = 0) {
    for (Count* count : {&all, &late}) {
      if (count == &late && (world.elapsed() < until - seconds{10} || world.elapsed() > until)) continue;
      ++(count->*what);
      count->tokens += tokens;
    }
  }
  [[nodiscard]] double refused_share() const {
    return static_cast<double>(all.refused) / static_cast<double>(std::max(all.refused + all.good, 1));
  }
};

std::int64_t ticks(net::TimePoint time) { return time.time_since_epoch().count(); }

/// Does it take the request? And how long does it take?
std::optional<net::Duration> try_upstream(Simulation& sim, std::uint64_t tokens) {
  Upstream& up = sim.upstream;
  const std::int64_t now = ticks(sim.world.loop().now());
  if (up.busy >= up.at_a_time) return std::nullopt;
  if (up.tokens_per_minute != 0) {
    const Rate rate{up.tokens_per_minute, seconds{60}, up.burst};
    if (take(FullAt{up.full_at}, rate.time_of(tokens), rate.room(), now).wait != 0) return std::nullopt;
  }
  net::Duration time = milliseconds{150 + sim.world.random().below(100)};
  if (up.workers != 0) {
    while (up.free_at.size() < up.workers) up.free_at.push_back(0);
    const auto soonest = std::ranges::min_element(up.free_at);
    const std::int64_t begin = std::max(*soonest, now);
    *soonest = begin + time.count();
    time = net::Duration{*soonest - now};
  }
  return time;
}

net::Task<void> request(Simulation& sim, std::uint64_t tenant) {
  net::Loop& loop = sim.world.loop();
  const std::uint64_t tokens = 500 + sim.world.random().below(1000);
  const Gate::Caller caller{.tenant = tenant};
  Result<Turn> turn = co_await sim.throttle.enter(loop, caller, tokens);
  if (!turn) {
    sim.note(&Simulation::Count::turned_away);
    co_return;
  }
  const net::TimePoint sent = loop.now();
  const std::optional<net::Duration> time = try_upstream(sim, tokens);
  if (!time) {
    [[maybe_unused]] Status slept = co_await net::sleep_for(loop, refusal_takes);
    sim.note(&Simulation::Count::refused);
    turn->ended({.outcome = Sample::Outcome::refused,
                 .latency = loop.now() - sent,
                 .come_back = sim.upstream.says_when ? std::optional{net::Duration{seconds{1}}} : std::nullopt});
    co_return;
  }
  ++sim.upstream.busy;
  [[maybe_unused]] Status slept = co_await net::sleep_for(loop, *time);
  --sim.upstream.busy;
  sim.note(&Simulation::Count::good, static_cast<std::int64_t>(tokens));
  if (sim.world.elapsed() > sim.until - seconds{10}) sim.slowest_late = std::max(sim.slowest_late, loop.now() - sent);
  turn->ended({.outcome = Sample::Outcome::good, .latency = loop.now() - sent, .tokens = tokens, .come_back = {}});
}

net::Task<void> offer(Simulation& sim, int per_second) {
  const net::Duration gap = net::Duration{seconds{1}} / per_second;
  const net::TimePoint begin = sim.world.loop().now();
  // By the schedule: the loop's ticks are coarser than the gaps.
  for (int i = 0; gap * i < sim.until; ++i) {
    [[maybe_unused]] Status slept = co_await net::sleep_until(sim.world.loop(), begin + gap * i);
    sim.world.scope().spawn(request(sim, 1));
  }
}

void run(Simulation& sim, int per_second) {
  sim.world.scope().spawn(offer(sim, per_second));
  EXPECT_EQ(sim.world.run(), "");
  EXPECT_EQ(sim.throttle.gate().in_flight(), 0U);
}

std::string shown(const Simulation& sim) {
  return cat("good ", sim.all.good, ", refused ", sim.all.refused, ", turned away ", sim.all.turned_away, "; late: good ",
             sim.late.good, ", refused ", sim.late.refused, ", tokens ", sim.late.tokens, "; limit ", sim.throttle.gate().limit(),
             ", pace ", sim.throttle.pace(), ", slowest ", sim.slowest_late / milliseconds{1}, " ms");
}

TEST(Throttle, FindsAHiddenLimitOfRequestsAtATime) {
  for (const std::uint32_t hidden : {2U, 20U, 50U}) {
    Simulation sim{hidden};
    sim.upstream.at_a_time = hidden;
    run(sim, static_cast<int>(hidden) * 15);  // three times what it can
    EXPECT_GE(sim.late.good, 0.9 * 10 * hidden / 0.2) << hidden << ": " << shown(sim);
    EXPECT_LE(sim.refused_share(), 0.02) << hidden << ": " << shown(sim);
  }
}

TEST(Throttle, FindsAHiddenLimitOfTokensPerMinute) {
  for (const std::uint32_t burst : {20'000U, 200'000U}) {
    for (const bool says_when : {false, true}) {
      Simulation sim{burst};
      sim.upstream.tokens_per_minute = 1'200'000;
      sim.upstream.burst = burst;
      sim.upstream.says_when = says_when;
      run(sim, 60);
      EXPECT_GE(sim.late.tokens, 0.9 * 10 * 20'000) << burst << says_when << ": " << shown(sim);
      EXPECT_LE(sim.refused_share(), 0.02) << burst << says_when << ": " << shown(sim);
    }
  }
}

TEST(Throttle, TenTimesTheLoadKeepsTheGoodput) {
  Simulation once, tenfold;
  for (Simulation* sim : {&once, &tenfold}) sim->upstream.at_a_time = 20;
  run(once, 100);
  run(tenfold, 1000);
  EXPECT_GE(tenfold.late.good, once.late.good * 9 / 10) << shown(once) << " / " << shown(tenfold);
}

TEST(Throttle, DoesNotFillTheQueueOfAnUpstreamThatRefusesNothing) {
  Simulation sim;
  sim.upstream.workers = 16;
  run(sim, 240);  // three times what it can
  EXPECT_GE(sim.late.good, 0.9 * 10 * 16 / 0.2) << shown(sim);
  EXPECT_LE(sim.slowest_late, milliseconds{700}) << shown(sim);
}

// An upstream's figures of its usage may be absurd; its retry-after too.
net::Task<void> absurd(Simulation& sim, Sample::Outcome outcome, std::uint64_t tokens) {
  const Gate::Caller caller{};
  Result<Turn> turn = co_await sim.throttle.enter(sim.world.loop(), caller, 100);
  if (!turn) co_return;
  [[maybe_unused]] Status slept = co_await net::sleep_for(sim.world.loop(), refusal_takes);
  turn->ended({.outcome = outcome, .latency = net::Duration{0}, .tokens = tokens, .come_back = std::chrono::hours{1'000'000}});
}

TEST(Throttle, BelievesNothingAbsurd) {
  Simulation sim;
  for (int i = 0; i < 20; ++i) {
    for (const auto outcome : {Sample::Outcome::good, Sample::Outcome::refused, Sample::Outcome::overloaded}) {
      sim.world.scope().spawn(absurd(sim, outcome, std::numeric_limits<std::uint64_t>::max()));
    }
    EXPECT_EQ(sim.world.run(), "");
  }
  EXPECT_GE(sim.throttle.gate().limit(), 1U);
  EXPECT_EQ(sim.throttle.gate().in_flight(), 0U);
}

// Two workers, real loops: what one learns counts for both, and nothing is lost.
net::Task<void> refused_once_in_ten(net::Loop& loop, Throttle& throttle, std::atomic<int>& done) {
  const Gate::Caller caller{.tenant = 1};
  for (int i = 0; i < 20; ++i) {
    Result<Turn> turn = co_await throttle.enter(loop, caller, 10);
    if (!turn) std::abort();
    [[maybe_unused]] Status yielded = co_await net::yield(loop);
    // 529: no hold, which would be a second of real time.
    const auto outcome = i % 10 == 9 ? Sample::Outcome::overloaded : Sample::Outcome::good;
    turn->ended({.outcome = outcome, .latency = milliseconds{1}, .tokens = 12, .come_back = {}});
    ++done;
  }
}

TEST(Throttle, WorkersLearnTogether) {
  Throttle throttle{{.name = "model 'm'", .at_a_time = {.start = 2, .least = 2, .most = 3}}};
  std::atomic<int> done = 0;
  {
    std::vector<std::jthread> workers;
    for (int worker = 0; worker < 2; ++worker) {
      workers.emplace_back([&] {
        net::Loop loop{std::make_unique<net::Poller>()};
        net::Scope scope{loop};
        for (int i = 0; i < 4; ++i) scope.spawn(refused_once_in_ten(loop, throttle, done));
        loop.run_until([&] { return scope.children() == 0; });
      });
    }
  }
  EXPECT_EQ(done, 160);
  EXPECT_EQ(throttle.gate().in_flight(), 0U);
  EXPECT_EQ(throttle.gate().waiting(), 0U);
}

}  // namespace
}  // namespace cardea::limit
