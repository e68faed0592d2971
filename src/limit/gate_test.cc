#include "limit/gate.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/poller.h"
#include "testing/world.h"

namespace cardea::limit {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::World;

Waiter waiter(std::uint64_t tenant, Priority priority = Priority::normal) { return {.tenant = tenant, .priority = priority}; }

TEST(FairQueue, TenantsShareAndPrioritiesAreStrict) {
  FairQueue queue{16};
  std::vector<Waiter> all;
  all.reserve(8);
  for (const std::uint64_t tenant : {1, 1, 1, 2, 1, 3}) all.push_back(waiter(tenant));
  all.push_back(waiter(4, Priority::low));
  all.push_back(waiter(4, Priority::high));
  for (Waiter& each : all) EXPECT_EQ(queue.push(each), nullptr);
  EXPECT_EQ(queue.ahead_of(waiter(9)), 4U) << "the high one, and one of each tenant";
  EXPECT_EQ(queue.ahead_of(waiter(2)), 5U) << "its own, and two of the first: the third has one only";
  std::string order;
  while (const Waiter* next = queue.pop()) order += std::to_string(next - all.data());
  EXPECT_EQ(order, "70351246");
}

TEST(FairQueue, WhoHadNothingLatelyIsNext) {
  FairQueue queue{16};
  std::vector<Waiter> all(6, waiter(1));
  Waiter modest = waiter(2), again = waiter(2);
  for (Waiter& each : all) EXPECT_EQ(queue.push(each), nullptr);
  EXPECT_EQ(queue.pop(), &all[0]);
  EXPECT_EQ(queue.pop(), &all[1]);
  EXPECT_EQ(queue.push(modest), nullptr);
  EXPECT_EQ(queue.pop(), &modest);
  EXPECT_EQ(queue.push(again), nullptr);
  EXPECT_EQ(queue.pop(), &all[2]) << "it had its share just now";
  EXPECT_EQ(queue.pop(), &again);
}

TEST(FairQueue, WhenItIsFullTheLongestLineOfTheLowestPriorityLosesItsLast) {
  FairQueue queue{3};
  Waiter a{waiter(1)}, b{waiter(1)}, c{waiter(2)}, d{waiter(3)}, e{waiter(1)}, low{waiter(2, Priority::low)};
  for (Waiter* each : {&a, &b, &c}) EXPECT_EQ(queue.push(*each), nullptr);
  EXPECT_EQ(queue.push(d), &b);
  EXPECT_EQ(queue.push(e), &e) << "its own line is the longest";
  EXPECT_EQ(queue.push(low), &low);
  EXPECT_TRUE(queue.remove(c));
  EXPECT_FALSE(queue.remove(c));
  EXPECT_EQ(queue.size(), 2U);
}

/// Enters, stays, leaves; notes its name when it is in, or why not.
net::Task<void> visitor(World& world, Gate& gate, Gate::Caller caller, net::Duration stay, std::string name, std::string& log) {
  Result<Place> place = co_await gate.enter(world.loop(), caller);
  if (!place) {
    log += name + (place.error().is(Kind::rate_limited) ? "- " : "! ");
    co_return;
  }
  log += name + " ";
  [[maybe_unused]] Status slept = co_await net::sleep_for(world.loop(), stay);
}

TEST(Gate, LetsInAsOthersLeave) {
  World world{1};
  Gate gate{{.name = "model 'm'", .limit = 2}};
  std::string log;
  for (const char* name : {"a", "b", "c", "d"}) world.scope().spawn(visitor(world, gate, {.tenant = 1}, seconds{1}, name, log));
  EXPECT_EQ(world.run(), "");
  EXPECT_EQ(world.elapsed() / seconds{1}, 2);
  EXPECT_EQ(log.size(), 8U);
  EXPECT_EQ(gate.in_flight(), 0U);
  EXPECT_EQ(gate.waiting(), 0U);
}

TEST(Gate, WhoWaitsTooLongOrCouldNotBeInTimeIsRefused) {
  World world{1};
  Gate gate{{.name = "key 'k'", .limit = 1, .waiting_max = 8, .wait_max = seconds{2}}};
  std::string log;
  world.scope().spawn(visitor(world, gate, {}, seconds{5}, "a", log));
  EXPECT_EQ(world.run_until([&] { return log == "a "; }), "");
  world.scope().spawn(visitor(world, gate, {}, seconds{1}, "b", log));
  EXPECT_EQ(world.run(), "");
  EXPECT_EQ(log, "a b- ");
  // Now a stay is known to take five seconds: who finds one waiting before it does not wait at all.
  log.clear();
  const net::Duration before = world.elapsed();
  world.scope().spawn(visitor(world, gate, {}, milliseconds{1500}, "c", log));
  EXPECT_EQ(world.run_until([&] { return log == "c "; }), "");
  world.scope().spawn(visitor(world, gate, {}, seconds{0}, "d", log));
  EXPECT_EQ(world.run_until([&] { return gate.waiting() == 1; }), "");
  world.scope().spawn(visitor(world, gate, {}, seconds{0}, "e", log));
  EXPECT_EQ(world.run_until([&] { return log == "c e- "; }), "");
  EXPECT_LT(world.elapsed() - before, seconds{1});
  EXPECT_EQ(world.run(), "");
  EXPECT_EQ(log, "c e- d ");
}

TEST(Gate, ADeadlineThatHasPassedDoesNotWait) {
  World world{1};
  Gate gate{{.name = "key 'k'", .limit = 1}};
  std::string log;
  const auto place = gate.try_enter(world.loop());
  world.scope().spawn(visitor(world, gate, {.deadline = world.loop().now() + milliseconds{100}}, seconds{1}, "a", log));
  EXPECT_EQ(world.run(), "");
  EXPECT_EQ(log, "a- ");
  EXPECT_LT(world.elapsed(), milliseconds{200});
}

TEST(Gate, WhoIsCancelledLeavesAtOnceAndLosesNoPlace) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    World world{seed};
    Gate gate{{.name = "key 'k'", .limit = 1}};
    std::string log;
    net::Scope doomed{world.loop()};
    std::optional<Place> place = gate.try_enter(world.loop());
    for (int i = 0; i < 3; ++i) doomed.spawn(visitor(world, gate, {}, seconds{1}, "x", log));
    world.scope().spawn(visitor(world, gate, {.tenant = 2}, seconds{1}, "y", log));
    EXPECT_EQ(world.run_until([&] { return gate.waiting() == 4; }), "");
    // At the same moment one of them may be let in.
    place.reset();
    doomed.cancel();
    // Nobody that is cancelled gets in, whatever was granted at that moment.
    EXPECT_EQ(world.run(), "");
    EXPECT_EQ(world.run_until([&] { return doomed.children() == 0; }), "");
    EXPECT_EQ(log.size(), 11U) << seed << ": " << log;
    EXPECT_NE(log.find("y "), std::string::npos) << seed << ": " << log;
    EXPECT_EQ(gate.in_flight(), 0U);
    EXPECT_EQ(gate.waiting(), 0U);
  }
}

TEST(Gate, AHigherLimitLetsThoseInWhoWait) {
  World world{1};
  Gate gate{{.name = "key 'k'", .limit = 1}};
  std::string log;
  const auto place = gate.try_enter(world.loop());
  for (const char* name : {"a", "b"}) world.scope().spawn(visitor(world, gate, {}, seconds{0}, name, log));
  EXPECT_EQ(world.run_until([&] { return gate.waiting() == 2; }), "");
  EXPECT_FALSE(gate.try_enter(world.loop()));
  gate.set_limit(3);
  EXPECT_EQ(world.run(), "");
  EXPECT_EQ(log.size(), 4U);
}

/// Two tenants before one gate, for a minute: 32 requests a second go through.
struct Crowd {
  World world{7};
  Gate gate{{.name = "model 'm'", .limit = 16}};
  std::vector<net::Duration> modest;  ///< from asking to the end

  static constexpr std::uint64_t modest_tenant = 2;
};

net::Task<void> one_request(Crowd& crowd, std::uint64_t tenant) {
  net::Loop& loop = crowd.world.loop();
  const net::TimePoint begin = loop.now();
  const Gate::Caller caller{.tenant = tenant};
  Result<Place> place = co_await crowd.gate.enter(loop, caller);
  if (place) {
    const milliseconds stay{400 + crowd.world.random().below(200)};
    [[maybe_unused]] Status slept = co_await net::sleep_for(loop, stay);
  }
  if (tenant == Crowd::modest_tenant) crowd.modest.push_back(place ? loop.now() - begin : seconds{1000});
}

net::Task<void> arrivals(Crowd& crowd, std::uint64_t tenant, int per_second) {
  const net::Duration gap = net::Duration{seconds{1}} / per_second;
  for (int i = 0; i < per_second * 60; ++i) {
    crowd.world.scope().spawn(one_request(crowd, tenant));
    [[maybe_unused]] Status slept = co_await net::sleep_for(crowd.world.loop(), gap);
  }
}

net::Duration p99_of_the_modest(int greedy_per_second) {
  Crowd crowd;
  crowd.world.scope().spawn(arrivals(crowd, Crowd::modest_tenant, 8));
  crowd.world.scope().spawn(arrivals(crowd, 1, greedy_per_second));
  EXPECT_EQ(crowd.world.run(), "");
  std::ranges::sort(crowd.modest);
  return crowd.modest[crowd.modest.size() * 99 / 100];
}

// A tenant at ten times its share does not make another wait longer than for the next free place.
TEST(Gate, AGreedyTenantHoldsOnlyItselfUp) {
  const net::Duration fair = p99_of_the_modest(16), crowded = p99_of_the_modest(160);
  EXPECT_LE(crowded, fair * 12 / 10) << crowded / milliseconds{1} << " ms, before " << fair / milliseconds{1} << " ms";
}

// Two workers, real loops: what one leaves lets the other's in, and nobody is lost.
TEST(Gate, WorkersShareACap) {
  Gate gate{{.name = "model 'm'", .limit = 3, .waiting_max = 1000}};
  std::atomic<int> inside = 0, most = 0, done = 0;
  const auto one = [](net::Loop& loop, Gate& the_gate, std::atomic<int>& in, std::atomic<int>& top,
                      std::atomic<int>& ended) -> net::Task<void> {
    const Gate::Caller caller{.tenant = 1};
    for (int i = 0; i < 20; ++i) {
      Result<Place> place = co_await the_gate.enter(loop, caller);
      if (!place) std::abort();
      const int now = ++in;
      for (int seen = top; now > seen && !top.compare_exchange_weak(seen, now);) {
      }
      [[maybe_unused]] Status yielded = co_await net::yield(loop);
      --in;
    }
    ++ended;
  };
  {
    std::vector<std::jthread> workers;
    for (int worker = 0; worker < 2; ++worker) {
      workers.emplace_back([&] {
        net::Loop loop{std::make_unique<net::Poller>()};
        net::Scope scope{loop};
        for (int i = 0; i < 4; ++i) scope.spawn(one(loop, gate, inside, most, done));
        loop.run_until([&] { return scope.children() == 0; });
      });
    }
  }
  EXPECT_EQ(done, 8);
  EXPECT_EQ(most, 3);
  EXPECT_EQ(gate.in_flight(), 0U);
  EXPECT_EQ(gate.waiting(), 0U);
}

}  // namespace
}  // namespace cardea::limit
