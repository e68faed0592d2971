#include "net/resolver.h"

#include <sys/epoll.h>

#include <map>

#include "base/text.h"
#include "net/test_dns.h"
#include "net/test_support.h"

namespace cardea::net {
namespace {

using namespace std::chrono_literals;
using test::Bench;
using test::DnsServer;

struct ResolverBench : Bench {
  explicit ResolverBench(const std::function<void(Resolver::Options&)>& change = [](Resolver::Options&) {}) {
    Resolver::Options options{.servers = {dns.address()}, .try_timeout = 60ms, .tries = 1};
    change(options);
    resolver = std::make_unique<Resolver>(loop, options);
  }
  static Task<void> ask(Resolver& resolver, std::string host, std::string& answer) {
    Result<std::vector<Address>> resolved = co_await resolver.resolve(host, 443);
    if (!resolved) {
      answer = resolved.error().is(Kind::upstream_unreachable) ? std::string{resolved.error().message()} : "called off";
      co_return;
    }
    for (const auto& address : *resolved) answer += cat(answer.empty() ? "" : " ", address.text());
  }
  std::string ask(std::string_view host) {
    std::string answer;
    clients.spawn(ask(*resolver, std::string{host}, answer));
    run_clients();
    return answer;
  }
  static Task<void> nap(Loop& loop, Duration time) { [[maybe_unused]] Status slept = co_await sleep_for(loop, time); }
  /// Lets the loop run for `time`.
  void pass(Duration time) {
    clients.spawn(nap(loop, time));
    run_clients();
  }
  DnsServer dns{loop};
  std::unique_ptr<Resolver> resolver;
};

TEST(Resolver, LiteralsAndOddFormsAskNobody) {
  ResolverBench bench;
  EXPECT_EQ(bench.ask("192.0.2.7"), "192.0.2.7:443");
  EXPECT_EQ(bench.ask("::1"), "[::1]:443");
  for (const auto* odd : {"0x7f.1", "2130706433", "127.1", "0x7f000001", "a.0x1"}) {
    EXPECT_NE(bench.ask(odd).find("usual form"), std::string::npos) << odd;
  }
  for (const auto* bad : {"", "a b", "m\xc3\xbcnchen.de", "a/b", "a@b", "[::1]"}) {
    EXPECT_NE(bench.ask(bad).find("not a host name"), std::string::npos) << bad;
  }
  EXPECT_EQ(bench.dns.asked, 0);
}

TEST(Resolver, FamiliesAlternateAndAnswersAreCached) {
  ResolverBench bench;
  bench.dns.records["two.test"] = {.v4 = {"192.0.2.1", "192.0.2.2"}, .v6 = {"2001:db8::1"}};
  const std::string answer = bench.ask("TWO.test");
  std::vector<std::string> found;
  for (std::size_t at = 0; at < answer.size();) {
    const auto space = std::min(answer.find(' ', at), answer.size());
    found.push_back(answer.substr(at, space - at));
    at = space + 1;
  }
  ASSERT_EQ(found.size(), 3U) << answer;
  EXPECT_NE(found[0].front() == '[', found[1].front() == '[') << answer;
  EXPECT_EQ(bench.ask("two.test"), answer);
  EXPECT_EQ(bench.resolver->queries(), 1U);
}

TEST(Resolver, HostsFileIsRead) {
  ResolverBench bench;
  EXPECT_NE(bench.ask("localhost").find("127.0.0.1:443"), std::string::npos);
  EXPECT_EQ(bench.dns.asked, 0);
}

TEST(Resolver, MissingNamesAreRememberedBriefly) {
  ResolverBench bench{[](Resolver::Options& options) { options.negative_ttl = 30ms; }};
  EXPECT_NE(bench.ask("absent.test").find("does not exist"), std::string::npos);
  const int asked = bench.dns.asked;
  EXPECT_NE(bench.ask("absent.test").find("does not exist"), std::string::npos);
  EXPECT_EQ(bench.dns.asked, asked);
  // Once the negative answer is too old, the name may have appeared.
  bench.dns.records["absent.test"] = {.v4 = {"192.0.2.9"}};
  bench.pass(50ms);
  EXPECT_EQ(bench.ask("absent.test"), "192.0.2.9:443");
}

TEST(Resolver, CallersShareOneQueryAndOneMayLeave) {
  ResolverBench bench;
  bench.dns.records["shared.test"] = {.v4 = {"192.0.2.3"}};
  bench.dns.hold = true;
  std::string answers[3];
  Scope leaving{bench.clients};
  bench.clients.spawn(ResolverBench::ask(*bench.resolver, "shared.test", answers[0]));
  leaving.spawn(ResolverBench::ask(*bench.resolver, "shared.test", answers[1]));
  bench.clients.spawn(ResolverBench::ask(*bench.resolver, "shared.test", answers[2]));
  bench.loop.run_until([&] { return bench.dns.asked == 2; });  // A and AAAA
  leaving.cancel();
  bench.loop.run_until([&] { return leaving.children() == 0; });
  EXPECT_EQ(answers[1], "called off");
  bench.dns.release();
  bench.run_clients();
  EXPECT_EQ(answers[0], "192.0.2.3:443");
  EXPECT_EQ(answers[2], answers[0]);
  EXPECT_EQ(bench.dns.asked, 2);
  EXPECT_EQ(bench.resolver->queries(), 1U);
}

TEST(Resolver, LastGoodAnswerServesWhileDnsFails) {
  ResolverBench bench{[](Resolver::Options& options) { options.ttl_min = options.ttl_max = options.negative_ttl = 0ms; }};
  bench.dns.records["flaky.test"] = {.v4 = {"192.0.2.4"}};
  EXPECT_EQ(bench.ask("flaky.test"), "192.0.2.4:443");
  bench.dns.silent = true;
  EXPECT_EQ(bench.ask("flaky.test"), "192.0.2.4:443");
  EXPECT_EQ(bench.resolver->queries(), 2U);
  // Known to be failing: the answer comes without waiting for DNS, and the question goes on.
  const int asked = bench.dns.asked;
  EXPECT_EQ(bench.ask("flaky.test"), "192.0.2.4:443");
  EXPECT_EQ(bench.resolver->queries(), 3U);
  EXPECT_LE(bench.dns.asked, asked + 2);
  EXPECT_NE(bench.ask("never.test").find("could not be resolved"), std::string::npos);
  // Back again, and gone for good: that is an answer.
  bench.dns.silent = false;
  bench.dns.records.erase("flaky.test");
  std::string answer;
  for (int i = 0; i < 200 && answer.find("does not exist") == std::string::npos; ++i) {
    bench.pass(10ms);
    answer = bench.ask("flaky.test");
  }
  EXPECT_NE(answer.find("does not exist"), std::string::npos) << answer;
}

TEST(Resolver, StaleAnswersHaveAnEnd) {
  ResolverBench bench{
      [](Resolver::Options& options) { options.ttl_min = options.ttl_max = options.negative_ttl = options.stale_max = 0ms; }};
  bench.dns.records["old.test"] = {.v4 = {"192.0.2.5"}};
  EXPECT_EQ(bench.ask("old.test"), "192.0.2.5:443");
  bench.dns.silent = true;
  EXPECT_NE(bench.ask("old.test").find("could not be resolved"), std::string::npos);
}

TEST(Resolver, TruncatedAnswersAreFetchedOverTcp) {
  ResolverBench bench{[](Resolver::Options& options) { options.try_timeout = 2s; }};
  auto& record = bench.dns.records["large.test"];
  for (int i = 1; i <= 100; ++i) record.v4.push_back(cat("192.0.2.", i));
  bench.dns.truncate = true;
  const auto tcp = bench.listen(
      [&bench](int fd, const Address& peer) {
        bench.servers.spawn(bench.dns.serve_tcp(SocketStream::adopt(bench.loop, fd, peer)));
      },
      bench.dns.address().text());
  const std::string answer = bench.ask("large.test");
  EXPECT_EQ(std::ranges::count(answer, ' '), 99) << answer;
}

TEST(Resolver, TheCacheIsBounded) {
  ResolverBench bench{[](Resolver::Options& options) { options.entries_max = 10; }};
  for (int i = 0; i < 40; ++i) {
    const std::string name = cat("n", i, ".test");
    bench.dns.records[name] = {.v4 = {"192.0.2.6"}};
    EXPECT_EQ(bench.ask(name), "192.0.2.6:443");
  }
  EXPECT_EQ(bench.resolver->queries(), 40U);
  EXPECT_LE(bench.resolver->cached(), 10U);
}

TEST(Resolver, MayDieWithAQuestionUnderWay) {
  ResolverBench bench;
  bench.dns.silent = true;
  std::string answer;
  bench.clients.spawn(ResolverBench::ask(*bench.resolver, "late.test", answer));
  bench.loop.run_until([&] { return bench.dns.asked > 0; });
  bench.resolver.reset();
  bench.run_clients();
  EXPECT_EQ(answer, "resolving was called off");
}

}  // namespace
}  // namespace cardea::net
