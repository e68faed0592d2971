#include "testing/world.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "testing/golden.h"

namespace cardea::testing {
namespace {

using namespace std::chrono_literals;
using net::Stream;
using net::Task;

Task<void> serve_echo(std::unique_ptr<Stream> stream) {
  std::array<char, 100> space;
  for (;;) {
    Result<std::size_t> got = co_await stream->read_some(space, 10s);
    if (!got || *got == 0) break;
    iovec pieces[2] = {net::piece({space.data(), *got / 2}), net::piece({space.data() + *got / 2, *got - *got / 2})};
    Status sent = co_await stream->write_all(pieces, 10s);
    if (!sent) break;
  }
  stream->shutdown_write();
}

struct Talk {
  std::string message;
  std::string answer;
  std::string error;
  bool ended = false;
};

Task<void> send_message(Stream& stream, const std::string& message) {
  iovec pieces[1] = {net::piece(message)};
  Status sent = co_await stream.write_all(pieces, 10s);
  if (sent) stream.shutdown_write();
}

Task<Status> read_answer(Stream& stream, Talk& talk) {
  std::array<char, 333> space;
  for (;;) {
    Result<std::size_t> got = co_await stream.read_some(space, 10s);
    if (!got) co_return fail_with(got);
    if (*got == 0) co_return Status{};
    talk.answer.append(space.data(), *got);
  }
}

Task<void> talk_to_echo(net::Dialer& dialer, Talk& talk) {
  net::Origin origin{.host = "echo", .port = 7};
  net::DialOptions options{.connect_timeout = 1s};
  Result<std::unique_ptr<Stream>> stream = co_await dialer.dial(origin, options);
  if (!stream) {
    talk.error = stream.error().message();
    talk.ended = true;
    co_return;
  }
  net::Scope& scope = co_await net::current_scope();
  net::Scope both{scope};
  both.spawn(send_message(**stream, talk.message));
  Status received = co_await read_answer(**stream, talk);
  if (!received) talk.error = received.error().message();
  co_await both.join();
  talk.ended = true;
}

/// Three clients and a server in one world.
struct EchoWorld {
  explicit EchoWorld(std::uint64_t seed, const Faults& faults) : world{seed, faults} {
    world.network().listen("echo:7",
                           [this](std::unique_ptr<Stream> stream) { world.scope().spawn(serve_echo(std::move(stream))); });
    for (auto& talk : talks) {
      world.random().append_id(talk.message, 1 + world.random().below(3000));
      world.scope().spawn(talk_to_echo(world.network().dialer(), talk));
    }
    report = world.run();
  }
  World world;
  Talk talks[3];
  std::string report;
};

Faults rough(std::uint64_t seed) {
  return {.split_max = 1 + seed % 50, .capacity = 10 + seed % 1000, .delay_max = std::chrono::milliseconds{seed % 3 * 20}};
}

TEST(World, EverySeedDeliversAllBytes) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const EchoWorld run{seed, rough(seed)};
    ASSERT_EQ(run.report, "") << "seed " << seed;
    ASSERT_EQ(run.world.leaks(), "") << "seed " << seed;
    for (const auto& talk : run.talks) {
      ASSERT_EQ(talk.error, "") << "seed " << seed;
      ASSERT_TRUE(talk.answer == talk.message) << "seed " << seed;
    }
  }
}

TEST(World, SameSeedSameTraceOtherSeedOtherTrace) {
  const Faults faults{.split_max = 9, .delay_max = 30ms, .reset = 5, .cut = 5};
  EchoWorld first{42, faults};
  EchoWorld second{42, faults};
  EchoWorld other{43, faults};
  EXPECT_EQ(first.world.trace().lines(), second.world.trace().lines());
  EXPECT_EQ(first.world.trace().hash(), second.world.trace().hash());
  EXPECT_NE(first.world.trace().hash(), other.world.trace().hash());
  EXPECT_GT(first.world.trace().lines().size(), 100U);
}

TEST(World, FaultsAreSeenAndEveryTalkEnds) {
  int broken = 0;
  int cut = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Faults faults = rough(seed);
    faults.refuse = 50;
    faults.reset = 10;
    faults.cut = 10;
    faults.black_hole = 50;
    const EchoWorld run{seed, faults};
    ASSERT_EQ(run.report, "") << "seed " << seed;
    ASSERT_EQ(run.world.leaks(), "") << "seed " << seed;
    for (const auto& talk : run.talks) {
      ASSERT_TRUE(talk.ended);
      // Whatever happens, what arrives is a prefix: no byte is changed, doubled or from another connection.
      ASSERT_TRUE(talk.message.starts_with(talk.answer)) << "seed " << seed;
      if (!talk.error.empty()) ++broken;
      if (talk.error.empty() && talk.answer.size() < talk.message.size()) ++cut;
    }
  }
  EXPECT_GT(broken, 50);
  EXPECT_GT(cut, 10);
  EXPECT_LT(broken + cut, 600);
}

TEST(World, TheNthOperationFailsUntilTheRunCompletes) {
  std::uint64_t n = 1;
  for (;; ++n) {
    const EchoWorld run{5, {.split_max = 400, .fail_operation = n}};
    ASSERT_EQ(run.report, "") << "operation " << n;
    ASSERT_EQ(run.world.leaks(), "");
    const bool all =
        std::ranges::all_of(run.talks, [](const Talk& talk) { return talk.error.empty() && talk.answer == talk.message; });
    if (const_cast<World&>(run.world).network().operations() < n) {
      EXPECT_TRUE(all);
      break;
    }
    ASSERT_FALSE(all) << "operation " << n;
  }
  EXPECT_GT(n, 20U);
}

Task<void> wait_for_ever(net::Event& event, Kind& kind) {
  Status waited = co_await event.wait();
  kind = waited ? Kind::last_ : waited.error().kind();
}

TEST(World, DeadlocksAreFoundAndUnwound) {
  World world{1};
  net::Event never{world.loop()};
  Kind kind = Kind::last_;
  world.scope().spawn(wait_for_ever(never, kind));
  EXPECT_TRUE(world.run().starts_with("deadlock"));
  EXPECT_EQ(kind, Kind::cancelled);
}

Task<void> spin(net::Loop& loop) {
  for (;;) {
    Status slept = co_await net::sleep_for(loop, 1ms);
    if (!slept) co_return;
  }
}

TEST(World, EndlessWorkIsFoundAndUnwound) {
  World world{1};
  world.scope().spawn(spin(world.loop()));
  EXPECT_TRUE(world.run().starts_with("endless"));
}

Task<void> dial_and_note(net::Dialer& dialer, std::string host, Error& error) {
  net::Origin origin{.host = host, .port = 1};
  net::DialOptions options{.connect_timeout = 700ms};
  Result<std::unique_ptr<Stream>> stream = co_await dialer.dial(origin, options);
  if (!stream) error = std::move(stream.error());
}

TEST(World, UnknownNamesRefuseAndBlackHolesTimeOutInVirtualTime) {
  World world{1};
  world.network().black_hole("hole:1");
  Error refused{Kind::last_};
  Error late{Kind::last_};
  world.scope().spawn(dial_and_note(world.network().dialer(), "nobody", refused));
  EXPECT_EQ(world.run(), "");
  EXPECT_LT(world.elapsed(), 10ms);
  world.scope().spawn(dial_and_note(world.network().dialer(), "hole", late));
  EXPECT_EQ(world.run(), "");
  EXPECT_EQ(refused.kind(), Kind::upstream_unreachable);
  EXPECT_EQ(late.kind(), Kind::upstream_connect_timeout);
  EXPECT_GE(world.elapsed(), 700ms);
  EXPECT_LT(world.elapsed(), 720ms);
}

Task<void> refuse_unread(std::unique_ptr<Stream> stream) {
  Status arrived = co_await stream->readable(10s);
  EXPECT_TRUE(arrived);
  iovec pieces[1] = {net::piece("no")};
  Status sent = co_await stream->write_all(pieces, 10s);
  EXPECT_TRUE(sent);
}

TEST(World, ClosingWithUnreadDataResetsBehindWhatWasSent) {
  World world{1, {.delay_max = 20ms}};
  world.network().listen("echo:7",
                         [&](std::unique_ptr<Stream> stream) { world.scope().spawn(refuse_unread(std::move(stream))); });
  Talk talk{.message = "a request that nobody reads"};
  world.scope().spawn(talk_to_echo(world.network().dialer(), talk));
  EXPECT_EQ(world.run(), "");
  EXPECT_EQ(talk.answer, "no");
  EXPECT_EQ(talk.error, "io");
  EXPECT_EQ(world.leaks(), "");
}

TEST(World, LeakedStreamsAreNamed) {
  World world{1};
  std::unique_ptr<Stream> kept;
  world.network().listen("keep:1", [&kept](std::unique_ptr<Stream> stream) { kept = std::move(stream); });
  Error error{Kind::last_};
  world.scope().spawn(dial_and_note(world.network().dialer(), "keep", error));
  EXPECT_EQ(world.run(), "");
  EXPECT_EQ(world.leaks(), "c1 server keep:1");
  kept.reset();
  EXPECT_EQ(world.leaks(), "");
}

TEST(Golden, ComparesNamesTheLineAndRewritesOnRequest) {
  const std::string path = cat("build/golden-test-", getpid(), "/case-b/file.txt");
  const std::string folder = std::filesystem::path{path}.parent_path().parent_path().string();
  unsetenv("CARDEA_UPDATE_GOLDEN");
  EXPECT_NE(golden(path, "x").find("does not exist"), std::string::npos);
  setenv("CARDEA_UPDATE_GOLDEN", "1", 1);
  EXPECT_EQ(golden(path, "one\ntwo\nthree\n"), "");
  unsetenv("CARDEA_UPDATE_GOLDEN");
  EXPECT_EQ(golden(path, "one\ntwo\nthree\n"), "");
  const std::string report = golden(path, "one\ntwi\nthree\n");
  EXPECT_NE(report.find("file.txt:2 differs"), std::string::npos) << report;
  EXPECT_NE(report.find("expected: two\n  actual:   twi\n"), std::string::npos) << report;
  EXPECT_NE(golden(path, "one\ntwo\n"), "");
  std::filesystem::create_directories(source_path(cat(folder, "/case-a")));
  EXPECT_EQ(cases(folder), (std::vector<std::string>{"case-a", "case-b"}));
  EXPECT_EQ(read_testdata(path), "one\ntwo\nthree\n");
  EXPECT_THROW((void)read_testdata("build/absent"), std::runtime_error);
  EXPECT_TRUE(cases("build/absent").empty());
  std::filesystem::remove_all(source_path(folder));
}

}  // namespace
}  // namespace cardea::testing
