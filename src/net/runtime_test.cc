#include <gtest/gtest.h>

#include <unistd.h>

#include <thread>

#include "base/random.h"
#include "base/text.h"
#include "net/handover.h"
#include "net/memory.h"
#include "net/poller.h"
#include "net/tcp.h"

namespace cardea::net {
namespace {

using namespace std::chrono_literals;

/// Time stands still but for jumps to the next deadline; no events.
class FakeDriver final : public Driver {
 public:
  TimePoint now() override { return time; }
  void wait(std::optional<TimePoint> deadline) override {
    if (deadline && *deadline > time) time = *deadline;
  }
  void wake() override {}
  TimePoint time{1h};
};

struct World {
  Loop loop{std::make_unique<FakeDriver>()};
  Scope scope{loop};
  void run() {
    loop.run_until([this] { return scope.children() == 0; });
  }
};

TEST(TimerWheel, NeverEarlyAtMostOneTickLate) {
  struct Shot final : Timer {
    void on_timer() override { fired = true; }
    bool fired = false;
  };
  Random random{1};
  const TimePoint start{5h};
  TimerWheel wheel{start};
  TimePoint now = start;
  for (int round = 0; round < 3000; ++round) {
    Shot shot;
    const auto wait = Duration{static_cast<std::int64_t>(random.below(std::uint64_t{1} << random.below(48)))};
    const TimePoint deadline = now + wait;
    wheel.arm(shot, deadline);
    while (!shot.fired) {
      const auto due = wheel.next_due();
      ASSERT_TRUE(due);
      ASSERT_LE(*due, deadline + TimerWheel::tick);
      now = std::max(now, *due);
      wheel.advance(now);
    }
    ASSERT_GE(now, deadline);
    ASSERT_LE(now - deadline, 2 * TimerWheel::tick);
  }
  EXPECT_FALSE(wheel.next_due());
}

TEST(TimerWheel, CancelledTimersDoNotFireAndJumpsFireAll) {
  struct Shot final : Timer {
    void on_timer() override { ++*count; }
    int* count = nullptr;
  };
  int count = 0;
  TimerWheel wheel{TimePoint{}};
  std::vector<std::unique_ptr<Shot>> shots;
  for (int i = 0; i < 1000; ++i) {
    shots.push_back(std::make_unique<Shot>());
    shots.back()->count = &count;
    wheel.arm(*shots.back(), TimePoint{} + i * 100ms);
  }
  for (int i = 0; i < 1000; i += 2) shots[static_cast<std::size_t>(i)]->cancel();
  wheel.advance(TimePoint{} + 2h);
  EXPECT_EQ(count, 500);
}

Task<Status> nap(Loop& loop, Duration time) {
  Status slept = co_await sleep_for(loop, time);
  co_return slept;
}

Task<void> nap_and_note(Loop& loop, Duration time, std::vector<Kind>& notes) {
  Status slept = co_await nap(loop, time);
  notes.push_back(slept ? Kind::last_ : slept.error().kind());
}

TEST(Scope, CancelResumesPendingAndRefusesFurtherAwaits) {
  World world;
  std::vector<Kind> notes;
  Scope inner{world.scope};
  inner.spawn(nap_and_note(world.loop, 1h, notes));
  inner.spawn(nap_and_note(world.loop, 1ms, notes));
  world.loop.run_until([&] { return notes.size() == 1; });
  EXPECT_EQ(notes[0], Kind::last_);
  world.scope.cancel(Kind::unavailable);
  world.loop.run_until([&] { return inner.children() == 0; });
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_EQ(notes[1], Kind::unavailable);
  Scope late{inner};
  EXPECT_TRUE(late.cancelled());
  late.spawn(nap_and_note(world.loop, 1h, notes));
  world.loop.run_until([&] { return late.children() == 0; });
  EXPECT_EQ(notes.back(), Kind::unavailable);
}

Task<void> run_with_deadline(Scope& parent, Kind& outcome) {
  Scope limited{parent};
  limited.set_deadline(parent.loop().now() + 100ms, Kind::timed_out);
  const Task<Status> work = nap(parent.loop(), 1h);
  Status done = co_await work.in(limited);
  outcome = done ? Kind::last_ : done.error().kind();
}

TEST(Scope, DeadlineCancelsWhatRunsInIt) {
  World world;
  Kind outcome = Kind::last_;
  world.scope.spawn(run_with_deadline(world.scope, outcome));
  world.run();
  EXPECT_EQ(outcome, Kind::timed_out);
  EXPECT_FALSE(world.scope.cancelled());
}

Task<void> wait_event(Event& event, Duration timeout, std::vector<Kind>& notes) {
  Status got = co_await event.wait(timeout);
  notes.push_back(got ? Kind::last_ : got.error().kind());
}

TEST(Event, WakesAllTimesOutAndStaysSet) {
  World world;
  Event event{world.loop};
  std::vector<Kind> notes;
  world.scope.spawn(wait_event(event, 10ms, notes));
  world.scope.spawn(wait_event(event, forever, notes));
  world.loop.run_until([&] { return notes.size() == 1; });
  EXPECT_EQ(notes[0], Kind::timed_out);
  event.set();
  world.run();
  world.scope.spawn(wait_event(event, forever, notes));
  world.run();
  EXPECT_EQ(notes, (std::vector<Kind>{Kind::timed_out, Kind::last_, Kind::last_}));
}

Task<void> send(Stream& stream, std::string bytes, Status& outcome) {
  iovec pieces[2] = {piece(std::string_view{bytes}.substr(0, bytes.size() / 2)),
                     piece(std::string_view{bytes}.substr(bytes.size() / 2))};
  outcome = co_await stream.write_all(pieces, forever);
  stream.shutdown_write();
}

Task<void> receive(Stream& stream, std::string& into, Status& outcome) {
  std::array<char, 1000> space;
  for (;;) {
    Result<std::size_t> got = co_await stream.read_some(space, 5s);
    if (!got) {
      outcome = fail_with(got);
      co_return;
    }
    if (*got == 0) co_return;
    into.append(space.data(), *got);
  }
}

TEST(MemoryStream, CarriesAllBytesThroughASmallPipe) {
  World world;
  auto [left, right] = memory_pair(world.loop, 777);
  std::string sent;
  Random random{3};
  random.append_id(sent, 100'000);
  std::string received;
  Status sending;
  Status receiving;
  world.scope.spawn(send(*left, sent, sending));
  world.scope.spawn(receive(*right, received, receiving));
  world.run();
  EXPECT_TRUE(sending);
  EXPECT_TRUE(receiving);
  EXPECT_EQ(received, sent);
}

TEST(MemoryStream, StallsTimeOutAndLostPeersFail) {
  World world;
  auto [left, right] = memory_pair(world.loop, 10);
  std::string received;
  Status receiving;
  world.scope.spawn(receive(*right, received, receiving));
  world.run();
  ASSERT_FALSE(receiving);
  EXPECT_TRUE(receiving.error().is(Kind::timed_out));
  right.reset();
  Status sending;
  world.scope.spawn(send(*left, "hello", sending));
  world.run();
  ASSERT_FALSE(sending);
  EXPECT_TRUE(sending.error().is(Kind::io));
}

struct Echo {
  Loop loop{std::make_unique<Poller>()};
  Scope scope{loop};
  std::vector<std::unique_ptr<Stream>> streams;
  std::unique_ptr<Listener> listener;

  explicit Echo(std::string_view address) {
    auto bound = Listener::bind(loop, *Address::parse(address), {}, [this](int fd, const Address& peer) {
      streams.push_back(SocketStream::adopt(loop, fd, peer));
      scope.spawn(serve(*streams.back()));
    });
    EXPECT_TRUE(bound) << (bound ? "" : bound.error().message());
    listener = std::move(*bound);
  }
  static Task<void> serve(Stream& stream) {
    std::array<char, 4096> space;
    for (;;) {
      Result<std::size_t> got = co_await stream.read_some(space, 5s);
      if (!got || *got == 0) break;
      iovec pieces[1] = {piece({space.data(), *got})};
      Status sent = co_await stream.write_all(pieces, 5s);
      if (!sent) break;
    }
    stream.shutdown_write();
  }
};

Task<void> talk(Loop& loop, Scope& scope, Address address, std::string message, std::string& answer, Status& outcome) {
  Result<std::unique_ptr<Stream>> stream = co_await connect(loop, address, 1s);
  if (!stream) {
    outcome = fail_with(stream);
    co_return;
  }
  Status sending;
  Scope both{scope};
  both.spawn(send(**stream, message, sending));
  co_await receive(**stream, answer, outcome);
  co_await both.join();
  if (!sending) outcome = fail_with(sending);
}

TEST(Tcp, EchoesMegabytesBothWaysAndReportsRefusal) {
  Echo echo{"127.0.0.1:0"};
  std::string message;
  Random random{5};
  random.append_id(message, 3'000'000);
  std::string answers[3];
  Status outcomes[3];
  Scope clients{echo.loop};
  for (int i = 0; i < 3; ++i) {
    clients.spawn(talk(echo.loop, clients, echo.listener->address(), message, answers[i], outcomes[i]));
  }
  echo.loop.run_until([&] { return clients.children() == 0; });
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(outcomes[i]);
    EXPECT_EQ(answers[i], message);
  }
  const Address gone = echo.listener->address();
  echo.listener.reset();
  echo.loop.run_until([] { return true; });
  clients.spawn(talk(echo.loop, clients, gone, "x", answers[0], outcomes[0]));
  echo.loop.run_until([&] { return clients.children() == 0 && echo.scope.children() == 0; });
  ASSERT_FALSE(outcomes[0]);
  EXPECT_NE(outcomes[0].error().message().find("refused"), std::string_view::npos);
}

TEST(Tcp, UnixSocketsReplaceStaleFilesOnly) {
  const std::string path = cat("unix:/tmp/cardea-net-test-", getpid());
  {
    Echo echo{path};
    auto second = Listener::bind(echo.loop, *Address::parse(path), {}, [](int, const Address&) {});
    EXPECT_FALSE(second);
    std::string answer;
    Status outcome;
    Scope clients{echo.loop};
    clients.spawn(talk(echo.loop, clients, echo.listener->address(), "over unix", answer, outcome));
    echo.loop.run_until([&] { return clients.children() == 0 && echo.scope.children() == 0; });
    EXPECT_EQ(answer, "over unix");
  }
  EXPECT_NE(access(path.c_str() + 5, F_OK), 0);
}

TEST(Loop, PostsArriveFromOtherThreads) {
  Loop loop{std::make_unique<Poller>()};
  int seen = 0;
  std::thread other{[&] {
    for (int i = 0; i < 1000; ++i) loop.post([&seen] { ++seen; });
    loop.post([&loop] { loop.stop(); });
  }};
  loop.run();
  other.join();
  EXPECT_EQ(seen, 1000);
}

Task<void> wait_for(Handover<Result<int>>& handover, Duration patience, std::string& outcome) {
  Result<int> got = co_await handover.receive(patience);
  outcome = got ? cat(*got) : std::string{info(got.error().kind()).label};
}

TEST(Handover, CarriesAnAnswerFromAnotherThread) {
  Loop loop{std::make_unique<Poller>()};
  Scope scope{loop};
  Handover<Result<int>> handover{loop};
  std::string outcome;
  scope.spawn(wait_for(handover, 10s, outcome));
  std::thread other{[sender = handover.sender()]() mutable { sender(42); }};
  loop.run_until([&] { return scope.children() == 0; });
  other.join();
  EXPECT_EQ(outcome, "42");
}

TEST(Handover, TheWaiterMayBeGone) {
  std::move_only_function<void(Result<int>)> late, later;
  {
    World world;
    std::string outcome;
    {
      Handover<Result<int>> cancelled{world.loop};
      Handover<Result<int>> tired{world.loop};
      late = cancelled.sender();
      later = tired.sender();
      world.scope.spawn(wait_for(tired, 5s, outcome));
      world.run();
      EXPECT_EQ(outcome, "timed_out");
      world.scope.spawn(wait_for(cancelled, forever, outcome));
      world.scope.cancel(Kind::client_closed);
      world.run();
      EXPECT_EQ(outcome, "client_closed");
    }
    late(1);  // nobody waits any more
    world.loop.run_until([] { return true; });
  }
  later(2);  // even the loop is gone
}

TEST(Handover, AnAnswerMayComeBeforeTheQuestionIsOver) {
  World world;
  Handover<Result<int>> handover{world.loop};
  handover.sender()(fail(Kind::conflict));
  std::string outcome;
  world.scope.spawn(wait_for(handover, forever, outcome));
  world.run();
  EXPECT_EQ(outcome, "conflict");
}

TEST(Address, ParsesAndRefuses) {
  EXPECT_EQ(Address::parse("localhost:8080")->text(), "127.0.0.1:8080");
  EXPECT_EQ(Address::parse("[::1]:80")->text(), "[::1]:80");
  EXPECT_EQ(Address::parse(":80")->text(), "0.0.0.0:80");
  EXPECT_TRUE(Address::parse("127.9.9.9:1")->is_loopback());
  EXPECT_FALSE(Address::parse("0.0.0.0:1")->is_loopback());
  EXPECT_FALSE(Address::parse("127.0.0.1"));
  EXPECT_FALSE(Address::parse("127.0.0.1:70000"));
  EXPECT_FALSE(Address::parse("example:80"));
}

}  // namespace
}  // namespace cardea::net
