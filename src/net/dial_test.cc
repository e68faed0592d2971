#include "net/dial.h"

#include <map>

#include "net/test_dns.h"
#include "net/test_support.h"

namespace cardea::net {
namespace {

using namespace std::chrono_literals;
using test::Authority;
using test::Bench;
using test::DnsServer;

TEST(Egress, OnlyGloballyRoutableAddressesArePublic) {
  for (const auto* text : {"1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.0.1.1",
                           "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
                           "2002:808:808::1", "2606:4700::5efe:808:808"}) {
    EXPECT_TRUE(is_public(*Address::ip(text, 443))) << text;
  }
  for (const auto* text : {"0.0.0.0",
                           "0.1.2.3",
                           "10.0.0.1",
                           "100.64.0.1",
                           "100.100.100.200",
                           "127.0.0.1",
                           "127.255.255.255",
                           "168.63.129.16",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.0.0.192",
                           "192.168.1.1",
                           "198.18.0.1",
                           "198.19.255.255",
                           "203.0.113.5",
                           "224.0.0.1",
                           "239.255.255.255",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::127.0.0.1",
                           "::ffff:127.0.0.1",
                           "::ffff:169.254.169.254",
                           "::ffff:a00:1",
                           "64:ff9b::a00:1",
                           "64:ff9b:1::808:808",
                           "2002:a00:1::1",
                           "2002:7f00:1::",
                           "2001:0:808:808::1",
                           "2001:db8::1",
                           "fc00::1",
                           "fd00:ec2::254",
                           "fe80::1",
                           "fec0::1",
                           "ff02::1",
                           "3fff::1",
                           "4000::1",
                           "100::1",
                           "2606:4700::5efe:a00:1",
                           "2606:4700::200:5efe:7f00:1"}) {
    EXPECT_FALSE(is_public(*Address::ip(text, 443))) << text;
    EXPECT_TRUE(check_egress(*Address::ip(text, 443), Egress::anywhere));
    const Status refused = check_egress(*Address::ip(text, 443), Egress::public_only);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(Kind::forbidden));
  }
  EXPECT_FALSE(is_public(*Address::parse("unix:/tmp/x")));
}

ProxySettings settings(const std::map<std::string, std::string>& environment) {
  auto made = ProxySettings::from_environment([&](const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string{} : found->second;
  });
  EXPECT_TRUE(made) << (made ? "" : made.error().message());
  return std::move(*made);
}

TEST(Proxy, EnvironmentIsReadAsElsewhere) {
  using Target = ProxySettings::Target;
  const auto both = settings({{"HTTPS_PROXY", "http://us%40er:p%3Aw@Proxy.test:3128/"}, {"http_proxy", "10.0.0.1"}});
  const Proxy* secure = both.proxy_for(Target::https, "api.test", 443);
  ASSERT_NE(secure, nullptr);
  EXPECT_EQ(secure->host, "proxy.test");
  EXPECT_EQ(secure->port, 3128);
  EXPECT_EQ(secure->authorization.reveal(), "Basic dXNAZXI6cDp3");
  const Proxy* plain = both.proxy_for(Target::http, "api.test", 80);
  ASSERT_NE(plain, nullptr);
  EXPECT_EQ(plain->host, "10.0.0.1");
  EXPECT_EQ(plain->port, 80);
  EXPECT_TRUE(plain->authorization.empty());
  for (const auto* local : {"localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.8.8.8", "::1"}) {
    EXPECT_EQ(both.proxy_for(Target::https, local, 443), nullptr) << local;
  }
  EXPECT_EQ(settings({}).proxy_for(Target::https, "api.test", 443), nullptr);
  EXPECT_EQ(settings({{"all_proxy", "http://[2001:db8::1]:81"}}).proxy_for(Target::http, "api.test", 80)->host, "2001:db8::1");
  EXPECT_EQ(settings({{"https_proxy", "low:1"}, {"HTTPS_PROXY", "up:1"}}).proxy_for(Target::https, "a.test", 1)->host, "low");
}

TEST(Proxy, BadUrlsAreNamedWithoutTheirPasswords) {
  for (const auto* url :
       {"socks5://user:hunter2@host:1", "https://user:hunter2@host", "http://user:hunter2@host:x", "http://user:hunter2@host:0",
        "http://user:hunter2@", "http://us%zzer:hunter2@host", "http://user:hunter2%4@host"}) {
    const auto made = ProxySettings::from_environment(
        [&](const char* name) { return std::string{std::string_view{name} == "https_proxy" ? url : ""}; });
    ASSERT_FALSE(made) << url;
    EXPECT_TRUE(made.error().is(Kind::config));
    EXPECT_TRUE(made.error().message().starts_with("https_proxy: ")) << made.error().message();
    EXPECT_EQ(made.error().message().find("hunter2"), std::string_view::npos) << made.error().message();
  }
}

TEST(Proxy, NoProxyRules) {
  const auto direct = [](std::string_view rules, std::string_view host, std::uint16_t port = 443) {
    return settings({{"https_proxy", "p:1"}, {"no_proxy", std::string{rules}}})
               .proxy_for(ProxySettings::Target::https, host, port) == nullptr;
  };
  EXPECT_TRUE(direct("*", "any.test"));
  EXPECT_TRUE(direct("a.test, b.test", "b.test"));
  EXPECT_TRUE(direct("b.test", "x.y.b.test"));
  EXPECT_TRUE(direct(".b.test", "x.b.test"));
  EXPECT_TRUE(direct(".b.test", "b.test"));
  EXPECT_TRUE(direct("*.b.test", "x.b.test"));
  EXPECT_TRUE(direct("B.Test", "x.b.tesT"));
  EXPECT_FALSE(direct("b.test", "xb.test"));
  EXPECT_FALSE(direct("b.test", "b.test.evil"));
  EXPECT_TRUE(direct("b.test:443", "b.test"));
  EXPECT_FALSE(direct("b.test:8443", "b.test"));
  EXPECT_TRUE(direct("10.1.2.3", "10.1.2.3"));
  EXPECT_TRUE(direct("10.0.0.0/8", "10.200.3.4"));
  EXPECT_FALSE(direct("10.0.0.0/9", "10.200.3.4"));
  EXPECT_TRUE(direct("0.0.0.0/0", "9.9.9.9"));
  EXPECT_TRUE(direct("fd00::/8", "fd12::1"));
  EXPECT_TRUE(direct("[fd12::1]:443", "fd12:0::1"));
  EXPECT_FALSE(direct("10.0.0.0/8", "ten.test"));
  EXPECT_FALSE(direct("10.0.0.0/99", "10.0.0.1"));
  EXPECT_FALSE(direct(", .,", "b.test"));
}

/// A proxy that knows CONNECT: answers what it is told to, then carries bytes to `target`.
Task<void> pump(Stream& from, Stream& to) {
  std::array<char, 4096> space;
  for (;;) {
    Result<std::size_t> got = co_await from.read_some(space, forever);
    if (!got || *got == 0) break;
    iovec pieces[1] = {piece({space.data(), *got})};
    Status sent = co_await to.write_all(pieces, forever);
    if (!sent) break;
  }
  to.shutdown_write();
}

struct DialBench : Bench {
  explicit DialBench(ProxySettings proxies = {})
      : server{std::move(*TlsServerContext::load(authority.issue("leaf", "DNS:good.test,DNS:both.test")))},
        trusting{std::move(*TlsClientContext::make({.ca_file = authority.ca_file()}))},
        secure{listen([this](int fd, const Address& peer) { servers.spawn(test::echo_tls(loop, fd, peer, *server, failure)); })},
        plain{listen([this](int fd, const Address& peer) { servers.spawn(test::echo(SocketStream::adopt(loop, fd, peer))); })},
        proxy{listen(
            [this](int fd, const Address& peer) { servers.spawn(serve_proxy(*this, SocketStream::adopt(loop, fd, peer))); })} {
    dns.records["good.test"] = {.v4 = {"127.0.0.1"}};
    SystemDialer::Options options{
        .resolver = {.servers = {dns.address()}, .try_timeout = 5s}, .proxies = std::move(proxies), .tls = trusting};
    dialer = std::make_unique<SystemDialer>(loop, std::move(options));
  }

  static Task<void> serve_proxy(DialBench& bench, std::unique_ptr<Stream> client) {
    std::array<char, 4096> space;
    while (bench.connect_head.find("\r\n\r\n") == std::string::npos) {
      Result<std::size_t> got = co_await client->read_some(space, 1s);
      if (!got || *got == 0) co_return;
      bench.connect_head.append(space.data(), *got);
    }
    iovec pieces[1] = {piece(bench.connect_answer)};
    Status sent = co_await client->write_all(pieces, 1s);
    if (!sent || bench.connect_answer.find(" 200 ") == std::string::npos) co_return;
    Result<std::unique_ptr<Stream>> onward = co_await connect(bench.loop, bench.secure->address(), 1s);
    if (!onward) co_return;
    Scope& scope = co_await current_scope();
    Scope both{scope};
    both.spawn(pump(*client, **onward));
    both.spawn(pump(**onward, *client));
    co_await both.join();
  }

  struct Outcome {
    std::string answer;
    std::string error;
    Kind kind = Kind::last_;
  };
  static Task<void> talk(Dialer& dialer, Origin origin, DialOptions options, Outcome& outcome) {
    const auto note = [&outcome](const Error& error) {
      outcome.error = error.message();
      outcome.kind = error.kind();
    };
    Scope& scope = co_await current_scope();
    Status fresh = co_await yield(scope.loop());  // the loop's clock stood still while the bench was built
    EXPECT_TRUE(fresh);
    Result<std::unique_ptr<Stream>> stream = co_await dialer.dial(origin, options);
    if (!stream) {
      note(stream.error());
      co_return;
    }
    Status done = co_await test::exchange(**stream, "hello over there", outcome.answer);
    if (!done) note(done.error());
  }
  Outcome talk(Origin::Scheme scheme, std::string host, std::uint16_t port, Egress egress = Egress::anywhere,
               Duration timeout = 5s) {
    Outcome outcome;
    clients.spawn(talk(*dialer, {scheme, std::move(host), port}, {.connect_timeout = timeout, .egress = egress}, outcome));
    run_clients();
    return outcome;
  }
  [[nodiscard]] std::uint16_t secure_port() const { return secure->address().port(); }
  [[nodiscard]] std::uint16_t plain_port() const { return plain->address().port(); }

  Authority authority;
  std::unique_ptr<TlsServerContext> server;
  std::shared_ptr<TlsClientContext> trusting;
  std::unique_ptr<Listener> secure;
  std::unique_ptr<Listener> plain;
  std::unique_ptr<Listener> proxy;
  DnsServer dns{loop};
  std::unique_ptr<SystemDialer> dialer;
  std::string failure;
  std::string connect_head;
  std::string connect_answer = "HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n";
};

using Scheme = Origin::Scheme;

TEST(Dial, ReachesPlainTlsAndUnixOrigins) {
  DialBench bench;
  EXPECT_EQ(bench.talk(Scheme::plain, "127.0.0.1", bench.plain_port()).answer, "hello over there");
  EXPECT_EQ(bench.talk(Scheme::plain, "good.test", bench.plain_port()).answer, "hello over there");
  const auto secure = bench.talk(Scheme::tls, "good.test", bench.secure_port());
  EXPECT_EQ(secure.error, "");
  EXPECT_EQ(secure.answer, "hello over there");
  const std::string path = bench.authority.path("socket");
  const auto local = bench.listen(
      [&](int fd, const Address& peer) { bench.servers.spawn(test::echo(SocketStream::adopt(bench.loop, fd, peer))); },
      cat("unix:", path));
  EXPECT_EQ(bench.talk(Scheme::unix, path, 0).answer, "hello over there");
  EXPECT_EQ(bench.talk(Scheme::memory, "twin", 0).kind, Kind::upstream_unreachable);
}

TEST(Dial, FailuresNameTheOriginAndNothingOfTheInside) {
  DialBench bench;
  bench.dns.records["inside.test"] = {.v4 = {"127.0.0.1"}};
  const std::uint16_t gone = bench.plain_port();
  bench.plain.reset();
  bench.loop.run_until([] { return true; });
  const auto refused = bench.talk(Scheme::plain, "inside.test", gone);
  EXPECT_EQ(refused.kind, Kind::upstream_unreachable);
  EXPECT_EQ(refused.error, cat("cannot connect to inside.test:", gone, ": Connection refused"));
  const auto guarded = bench.talk(Scheme::tls, "inside.test", bench.secure_port(), Egress::public_only);
  EXPECT_EQ(guarded.kind, Kind::forbidden);
  EXPECT_EQ(guarded.error.find("127.0.0.1"), std::string::npos) << guarded.error;
  const auto missing = bench.talk(Scheme::tls, "absent.test", 443);
  EXPECT_EQ(missing.kind, Kind::upstream_unreachable);
  EXPECT_EQ(missing.error, "cannot connect to absent.test:443: its name does not exist in DNS");
  const auto other = bench.talk(Scheme::tls, "inside.test", bench.secure_port());
  EXPECT_EQ(other.kind, Kind::upstream_tls);
  EXPECT_NE(other.error.find("another host"), std::string::npos) << other.error;
}

TEST(Dial, TriesTheOtherFamilyWhenOneFails) {
  DialBench bench;
  bench.dns.records["both.test"] = {.v4 = {"127.0.0.1"}, .v6 = {"::1"}};
  const auto outcome = bench.talk(Scheme::tls, "both.test", bench.secure_port());
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.answer, "hello over there");
}

/// Accepts nothing: a SYN into its full backlog is dropped.
struct Hole {
  Hole() : listener{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    const Address any = *Address::parse("127.0.0.1:0");
    EXPECT_EQ(::bind(listener, any.data(), any.length()), 0);
    EXPECT_EQ(::listen(listener, 0), 0);
    sockaddr_storage bound{};
    socklen_t length = sizeof bound;
    getsockname(listener, reinterpret_cast<sockaddr*>(&bound), &length);
    address = Address::from(reinterpret_cast<sockaddr*>(&bound), length);
    for (int& filler : fillers) {
      filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      [[maybe_unused]] const int pending = ::connect(filler, address.data(), address.length());
    }
  }
  ~Hole() {
    for (const int filler : fillers) close(filler);
    close(listener);
  }
  Hole(const Hole&) = delete;
  Hole& operator=(const Hole&) = delete;
  int listener;
  std::array<int, 3> fillers;
  Address address;
};

TEST(Dial, TheTimeoutCoversResolvingConnectingAndTls) {
  DialBench bench;
  bench.dns.silent = true;
  const auto began = bench.loop.read_clock();
  const auto unresolved = bench.talk(Scheme::tls, "good.test", 443, Egress::anywhere, 60ms);
  EXPECT_EQ(unresolved.kind, Kind::upstream_connect_timeout);
  EXPECT_EQ(unresolved.error, "no connection to good.test:443 within 60 ms");
  const Hole hole;
  const auto lost = bench.talk(Scheme::plain, "127.0.0.1", hole.address.port(), Egress::anywhere, 60ms);
  EXPECT_EQ(lost.kind, Kind::upstream_connect_timeout);
  // A server that accepts and says nothing.
  std::unique_ptr<Stream> silent;
  const auto mute = bench.listen([&](int fd, const Address& peer) { silent = SocketStream::adopt(bench.loop, fd, peer); });
  const auto unanswered = bench.talk(Scheme::tls, "127.0.0.1", mute->address().port(), Egress::anywhere, 60ms);
  EXPECT_EQ(unanswered.kind, Kind::upstream_connect_timeout);
  EXPECT_LT(bench.loop.read_clock() - began, 3s);
}

TEST(Dial, ABlackHoleLeavesTimeForTheNextAddress) {
  DialBench bench;
  const Hole hole;
  bench.dns.records["two.test"] = {.v4 = {"127.0.0.1", "127.0.0.2"}};
  const auto second = bench.listen(
      [&](int fd, const Address& peer) { bench.servers.spawn(test::echo(SocketStream::adopt(bench.loop, fd, peer))); },
      cat("127.0.0.2:", hole.address.port()));
  const auto began = bench.loop.read_clock();
  const auto outcome = bench.talk(Scheme::plain, "two.test", hole.address.port(), Egress::anywhere, 300ms);
  EXPECT_EQ(outcome.answer, "hello over there") << outcome.error;
  EXPECT_GE(bench.loop.read_clock() - began, 140ms);  // the hole was tried first
}

ProxySettings through(const Listener& proxy) {
  return settings({{"all_proxy", cat("http://user:hunter2@", proxy.address().text())}});
}

/// The proxy's port is known only once the bench stands.
struct ProxyBench : DialBench {
  ProxyBench() {
    SystemDialer::Options options{.resolver = {.servers = {dns.address()}}, .proxies = through(*proxy), .tls = trusting};
    dialer = std::make_unique<SystemDialer>(loop, std::move(options));
  }
};

TEST(Dial, TunnelsThroughAProxyThatResolvesTheName) {
  ProxyBench bench;
  bench.dns.records.clear();
  const auto outcome = bench.talk(Scheme::tls, "good.test", 443);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.answer, "hello over there");
  EXPECT_EQ(bench.connect_head,
            "CONNECT good.test:443 HTTP/1.1\r\nHost: good.test:443\r\nProxy-Authorization: Basic dXNlcjpodW50ZXIy\r\n\r\n");
  EXPECT_EQ(bench.dns.asked, 0);
  // Loopback is never proxied.
  bench.connect_head.clear();
  EXPECT_EQ(bench.talk(Scheme::plain, "127.0.0.1", bench.plain_port()).answer, "hello over there");
  EXPECT_EQ(bench.connect_head, "");
}

// A name that somebody else chose may mean to the proxy what it must not mean: it is told the address that the guard has seen.
TEST(Dial, OfOthersTargetsAProxyIsToldTheAddress) {
  ProxyBench bench;
  bench.dns.records["good.test"] = {.v4 = {"93.184.216.34"}, .v6 = {}};
  bench.dns.records["inside.test"] = {.v4 = {"10.0.0.1"}, .v6 = {}};
  EXPECT_EQ(bench.talk(Scheme::tls, "good.test", 443, Egress::public_only).answer, "hello over there");
  EXPECT_TRUE(bench.connect_head.starts_with("CONNECT 93.184.216.34:443 HTTP/1.1\r\nHost: 93.184.216.34:443\r\n"));
  bench.connect_head.clear();
  EXPECT_EQ(bench.talk(Scheme::tls, "inside.test", 443, Egress::public_only).kind, Kind::forbidden);
  EXPECT_EQ(bench.connect_head, "");
}

TEST(Dial, ProxyRefusalsAreErrorsWithoutSecrets) {
  const struct {
    const char* answer;
    const char* expected;
  } cases[] = {
      {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy refused with status 407"},
      {"HTTP/1.0 503 No\r\n\r\n", "the proxy refused with status 503"},
      {"SSH-2.0-OpenSSH\r\n\r\n", "does not speak HTTP/1.1"},
      {"HTTP/1.1 200 OK\r\n\r\nsurprise", "nobody asked for"},
      {"HTTP/1.1 502 Bad\r\n", "the proxy closed the connection"},
  };
  for (const auto& one : cases) {
    ProxyBench bench;
    bench.connect_answer = one.answer;
    const auto outcome = bench.talk(Scheme::tls, "good.test", 443);
    EXPECT_EQ(outcome.kind, Kind::upstream_unreachable) << one.answer;
    EXPECT_TRUE(outcome.error.starts_with("cannot connect to good.test:443: ")) << outcome.error;
    EXPECT_NE(outcome.error.find(one.expected), std::string::npos) << outcome.error;
    EXPECT_EQ(outcome.error.find("hunter2"), std::string::npos);
  }
  ProxyBench bench;
  EXPECT_EQ(bench.talk(Scheme::tls, "169.254.169.254", 80, Egress::public_only).kind, Kind::forbidden);
  EXPECT_EQ(bench.connect_head, "");
  bench.proxy.reset();
  bench.loop.run_until([] { return true; });
  EXPECT_NE(bench.talk(Scheme::tls, "good.test", 443).error.find("the proxy cannot be reached: Connection refused"),
            std::string::npos);
}

Task<void> dial_into(Dialer& dialer, Origin origin, Kind& kind) {
  DialOptions options{.connect_timeout = 5s, .egress = Egress::anywhere};
  Result<std::unique_ptr<Stream>> stream = co_await dialer.dial(origin, options);
  kind = stream ? Kind::last_ : stream.error().kind();
}

TEST(Dial, CancellingUnwindsAtOnce) {
  DialBench bench;
  bench.dns.silent = true;
  Kind kind = Kind::last_;
  bench.clients.spawn(dial_into(*bench.dialer, {Scheme::tls, "good.test", 443}, kind));
  bench.loop.run_until([&] { return bench.dns.asked > 0; });
  bench.clients.cancel(Kind::client_closed);
  bench.run_clients();
  EXPECT_EQ(kind, Kind::client_closed);
}

TEST(Origin, TextAndEquality) {
  EXPECT_EQ((Origin{Scheme::tls, "::1", 443}).text(), "[::1]:443");
  EXPECT_EQ((Origin{Scheme::unix, "/run/x", 0}).text(), "unix:/run/x");
  EXPECT_EQ((Origin{Scheme::memory, "twin", 0}).text(), "memory:twin");
  const Origin a{Scheme::tls, "a.test", 443};
  EXPECT_EQ(a, (Origin{Scheme::tls, "a.test", 443}));
  EXPECT_NE(a, (Origin{Scheme::plain, "a.test", 443}));
  EXPECT_NE(std::hash<Origin>{}(a), std::hash<Origin>{}(Origin{Scheme::plain, "a.test", 443}));
}

}  // namespace
}  // namespace cardea::net
