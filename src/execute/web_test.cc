// Fetching what others named: real sockets on loopback, which the guard refuses unless the test allows it, and a name server of
// the test's own.

#include "execute/web.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>

#include "base/base64.h"
#include "base/text.h"
#include "execute/web_cache.h"
#include "net/poller.h"
#include "net/test_dns.h"

namespace cardea::execute {
namespace {

using namespace std::chrono_literals;

const std::string png = cat("\x89PNG\r\n\x1a\n", std::string(100, 'p'));

std::string answer(std::string_view body, std::string_view lines = "") {
  return cat("HTTP/1.1 200 OK\r\n", lines, "content-length: ", body.size(), "\r\n\r\n", body);
}
std::string redirect(std::string_view to) { return cat("HTTP/1.1 302 Found\r\nlocation: ", to, "\r\ncontent-length: 0\r\n\r\n"); }

/// A web server on 127.0.0.1 that answers by target, a DNS of which it is `site.test`, and a fetcher.
struct Web {
  net::Loop loop{std::make_unique<net::Poller>()};
  net::Scope servers{loop};
  net::Scope clients{loop};
  net::test::DnsServer dns{loop};
  net::SystemDialer dialer{loop, {.resolver = {.servers = {dns.address()}, .ttl_min = 0s}}};
  std::vector<std::string> failures;
  WebFetcher fetcher{loop, dialer, [this](std::string_view, const Error& error) { failures.emplace_back(error.message()); }};
  std::map<std::string, std::string> pages;
  std::vector<std::string> requests;
  net::Duration drip{};  ///< between the bytes of an answer
  std::unique_ptr<net::Listener> listener = *net::Listener::bind(
      loop, *net::Address::parse("127.0.0.1:0"), {},
      [this](int fd, const net::Address& peer) { servers.spawn(serve(*this, net::SocketStream::adopt(loop, fd, peer))); });
  WebLimits limits;

  Web() {
    dns.records["site.test"] = {.v4 = {"127.0.0.1"}, .v6 = {}, .ttl = 0};
    allow({"site.test"});
  }
  ~Web() {
    servers.cancel();
    loop.run_until([this] { return servers.children() == 0 && clients.children() == 0; });
  }

  void allow(const std::vector<std::string>& targets) {
    limits.exceptions = std::make_shared<net::EgressExceptions>(*net::EgressExceptions::parse(targets));
  }
  [[nodiscard]] std::uint16_t port() const { return listener->address().port(); }
  [[nodiscard]] std::string at(std::string_view target, std::string_view host = "site.test") const {
    return cat("http://", host, ':', port(), target);
  }

  Result<WebFile> get(std::string_view url) {
    Result<WebFile> out = fail(Kind::internal);
    clients.spawn(run(*this, url, out));
    loop.run_until([this] { return clients.children() == 0; });
    return out;
  }
  /// The message of the failure, or the type of the file.
  std::string outcome(std::string_view url) {
    const auto got = get(url);
    return got ? cat("a file: ", got->type) : std::string{got.error().message()};
  }

  static net::Task<void> run(Web& web, std::string_view url, Result<WebFile>& out) {
    out = co_await web.fetcher.get(url, web.limits);
  }
  static net::Task<void> serve(Web& web, std::unique_ptr<net::Stream> stream) {
    std::string in;
    std::array<char, 4096> space;
    while (in.find("\r\n\r\n") == std::string::npos) {
      Result<std::size_t> got = co_await stream->read_some(space, net::forever);
      if (!got || *got == 0) co_return;
      in.append(space.data(), *got);
      if (in.starts_with('\x16')) co_return;  // it speaks no TLS
    }
    web.requests.push_back(in);
    const auto from = in.find(' ') + 1;
    const auto page = web.pages.find(in.substr(from, in.find(' ', from) - from));
    const std::string out = page != web.pages.end() ? page->second : "HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n";
    const std::size_t step = web.drip.count() == 0 ? out.size() : 1;
    for (std::size_t i = 0; i < out.size(); i += step) {
      std::array<iovec, 1> pieces{net::piece(std::string_view{out}.substr(i, step))};
      Status sent = co_await stream->write_all(pieces, net::forever);
      if (!sent) co_return;
      if (web.drip.count() == 0) continue;
      Status slept = co_await net::sleep_for(web.loop, web.drip);
      if (!slept) co_return;
    }
  }
};

TEST(Web, FetchesAFileAndSaysWhatItIs) {
  Web web;
  web.pages["/a%20b.jpg?x=%C3%A9"] = answer(png, "content-type: text/html\r\n");
  const auto got = web.get(web.at("/a b.jpg?x=\xc3\xa9#part", "SITE.test."));
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(*got->bytes, png);
  EXPECT_EQ(got->type, "image/png");
  EXPECT_EQ(got->sha256, net::sha256(png));
  EXPECT_EQ(web.requests.at(0),
            cat("GET /a%20b.jpg?x=%C3%A9 HTTP/1.1\r\nhost: site.test:", web.port(),
                "\r\nuser-agent: cardea\r\naccept: */*\r\naccept-encoding: identity\r\nconnection: close\r\n\r\n"));
  web.pages["/text"] = answer("Hello\nw\xc3\xb6rld");
  web.pages["/bytes"] = answer("\x01\x02");
  EXPECT_EQ(web.outcome(web.at("/text")), "a file: text/plain");
  EXPECT_EQ(web.outcome(web.at("/bytes")), "a file: ");
  EXPECT_TRUE(web.failures.empty());
}

// What is not public is neither connected to, nor told apart from what is not there.
TEST(Web, RefusesWhatIsNotPublic) {
  Web web;
  web.allow({});
  web.pages["/"] = answer(png);
  constexpr std::string_view refused = "it cannot be reached at a public address";
  for (const std::string_view host :
       {"site.test", "127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "10.0.0.1",
        "169.254.169.254", "100.100.100.200", "192.168.0.1", "[fd00:ec2::254]", "[fe80::1]", "0.0.0.0", "[::]", "no-such.test"}) {
    EXPECT_EQ(web.outcome(web.at("/", host)), refused) << host;
  }
  EXPECT_TRUE(web.requests.empty());
  EXPECT_NE(web.failures.at(0).find("its address is not public"), std::string::npos) << web.failures.at(0);
  // One address of several is enough to be reached, but only that one.
  web.allow({"127.0.0.0/8"});
  EXPECT_EQ(web.outcome(web.at("/", "127.0.0.1")), "a file: image/png");
  EXPECT_EQ(web.outcome(web.at("/")), "a file: image/png");
  EXPECT_EQ(web.outcome(web.at("/", "[::ffff:127.0.0.1]")), refused);
  web.fetcher.forget();
  web.allow({cat("site.test:", web.port() + 1), cat("127.0.0.1:", web.port() + 1)});
  EXPECT_EQ(web.outcome(web.at("/")), refused);
  web.allow({cat("site.test:", web.port())});
  EXPECT_EQ(web.outcome(web.at("/")), "a file: image/png");
}

TEST(Web, FollowsRedirectsAndJudgesEachAnew) {
  Web web;
  web.pages["/deep/a"] = redirect("../b?c");
  web.pages["/b?c"] = redirect(cat("//site.test:", web.port(), "/d"));
  web.pages["/d"] = redirect(web.at("/e"));
  web.pages["/e"] = answer(png);
  EXPECT_EQ(web.outcome(web.at("/deep/a")), "a file: image/png");
  web.pages["/e"] = redirect("/f");
  web.pages["/f"] = answer(png);
  web.fetcher.forget();
  EXPECT_EQ(web.outcome(web.at("/deep/a")), "it redirects more than 3 times");
  web.requests.clear();
  for (const std::string_view target : {"http://127.0.0.1:%/f", "http://localhost:%/f", "http://169.254.169.254/latest"}) {
    std::string to{target};
    if (const auto mark = to.find('%'); mark != std::string::npos) to.replace(mark, 1, cat(web.port()));
    web.pages["/in"] = redirect(to);
    EXPECT_EQ(web.outcome(web.at("/in")), "it cannot be reached at a public address") << to;
  }
  EXPECT_EQ(web.requests.size(), 3U);
  web.pages["/in"] = redirect("file:///etc/passwd");
  EXPECT_EQ(web.outcome(web.at("/in")), "only http and https addresses are fetched");
}

// The name was public when it was looked at, and is private when it is used: the address that is connected to decides.
TEST(Web, DnsThatChangesDoesNotHelp) {
  Web web;
  web.pages["/"] = answer(png, "cache-control: no-store\r\n");
  web.allow({"127.0.0.1"});
  EXPECT_EQ(web.outcome(web.at("/")), "a file: image/png");
  web.dns.records["site.test"] = {.v4 = {"127.0.0.2"}, .v6 = {"::1"}, .ttl = 0};
  EXPECT_EQ(web.outcome(web.at("/")), "it cannot be reached at a public address");
  EXPECT_EQ(web.requests.size(), 1U);
}

TEST(Web, IsBoundedInSizeAndTime) {
  Web web;
  web.limits.bytes = 200;
  web.limits.time = 100ms;
  web.pages["/fits"] = answer(std::string(200, 'x'));
  web.pages["/said"] = "HTTP/1.1 200 OK\r\ncontent-length: 201\r\n\r\n";
  web.pages["/chunks"] =
      cat("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nc9\r\n", std::string(201, 'x'), "\r\n0\r\n\r\n");
  web.pages["/close"] = cat("HTTP/1.1 200 OK\r\n\r\n", std::string(5000, 'x'));
  EXPECT_EQ(web.outcome(web.at("/fits")), "a file: text/plain");
  for (const std::string_view page : {"/said", "/chunks", "/close"})
    EXPECT_EQ(web.outcome(web.at(page)), "it is larger than 200 bytes") << page;
  // Never silent for long, and never done.
  web.drip = 3ms;
  EXPECT_EQ(web.outcome(web.at("/fits")), "it did not come within 100 ms");
}

TEST(Web, TakesNothingButAWholeGoodAnswer) {
  Web web;
  web.pages["/cut"] = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
  web.pages["/gzip"] = answer("\x1f\x8b", "content-encoding: gzip\r\n");
  web.pages["/part"] = "HTTP/1.1 206 Partial\r\ncontent-length: 1\r\n\r\nx";
  web.pages["/junk"] = "SSH-2.0-OpenSSH\r\n\r\n";
  web.pages["/unasked"] = "HTTP/1.1 304 Not Modified\r\n\r\n";
  EXPECT_EQ(web.outcome(web.at("/none")), "it answers with status 404");
  EXPECT_EQ(web.outcome(web.at("/cut")), "its server's answer was broken");
  EXPECT_EQ(web.outcome(web.at("/gzip")), "it comes compressed though nobody asked");
  EXPECT_EQ(web.outcome(web.at("/part")), "it answers with status 206");
  EXPECT_EQ(web.outcome(web.at("/junk")), "its server's answer was broken");
  EXPECT_EQ(web.outcome(web.at("/unasked")), "it answers with status 304");
  EXPECT_EQ(web.outcome(cat("https://site.test:", web.port(), "/")), "its server has no valid certificate");
  web.limits.on = false;
  EXPECT_NE(web.outcome(web.at("/none")).find("fetch.urls"), std::string::npos);
}

TEST(Web, KeepsWhatItsServerAllows) {
  Web web;
  web.pages["/fresh"] = answer(png, "cache-control: public, max-age=60\r\n");
  web.pages["/aged"] = answer(png, "cache-control: max-age=60\r\nage: 60\r\n");
  web.pages["/secret"] = answer(png, "cache-control: private, max-age=60\r\netag: \"s\"\r\n");
  web.pages["/tagged"] = answer("one", "etag: \"v1\"\r\n");
  for (const std::string_view page : {"/fresh", "/fresh", "/aged", "/aged", "/secret", "/secret"}) {
    EXPECT_EQ(web.outcome(web.at(page)), "a file: image/png");
  }
  EXPECT_EQ(web.requests.size(), 5U);
  EXPECT_EQ(web.fetcher.cache().size(), 1U);
  ASSERT_EQ(web.outcome(web.at("/tagged")), "a file: text/plain");
  web.pages["/tagged"] = "HTTP/1.1 304 Not Modified\r\ncache-control: max-age=60\r\n\r\n";
  const auto again = web.get(web.at("/tagged"));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again->bytes, "one");
  EXPECT_NE(web.requests.back().find("if-none-match: \"v1\"\r\n"), std::string::npos);
  const auto asked = web.requests.size();
  EXPECT_TRUE(web.get(web.at("/tagged")));  // fresh since
  EXPECT_EQ(web.requests.size(), asked);
  // The same content under another address is held once.
  const auto bytes = web.fetcher.cache().bytes();
  web.pages["/copy"] = answer(png, "cache-control: max-age=60\r\n");
  const auto first = web.get(web.at("/fresh"));
  const auto copy = web.get(web.at("/copy"));
  EXPECT_EQ(first->bytes, copy->bytes);
  EXPECT_EQ(web.fetcher.cache().bytes(), bytes);
  web.fetcher.forget();
  EXPECT_EQ(web.fetcher.cache().bytes(), 0U);
}

TEST(Web, CacheIsBounded) {
  WebCache cache;
  for (int i = 0; i < 10; ++i) {
    const std::string content(100, static_cast<char>('a' + i));
    WebCache::Entry entry;
    entry.file = {.bytes = std::make_shared<const std::string>(content), .type = {}, .sha256 = net::sha256(content)};
    cache.store(cat("http://a/", i), std::move(entry), 350);
  }
  EXPECT_EQ(cache.bytes(), 300U);
  EXPECT_EQ(cache.find("http://a/6"), nullptr);
  EXPECT_NE(cache.find("http://a/7"), nullptr);
}

TEST(Web, AddressesAreReadStrictly) {
  for (const std::string_view url : {"http://0x7f000001/",
                                     "http://2130706433/",
                                     "http://0177.0.0.1/",
                                     "http://127.1/",
                                     "http://127.0.0.0x1/",
                                     "http://1.2.3.4.5/",
                                     "http://user@site.test/",
                                     "http://user:pass@127.0.0.1/",
                                     "http://site.test\\@evil.test/",
                                     "ftp://site.test/",
                                     "//site.test/",
                                     "site.test",
                                     "http://",
                                     "http:///x",
                                     "http://a..b/",
                                     "http://site.test:0/",
                                     "http://site.test:99999/",
                                     "http://site.test:80:80/",
                                     "http://%31%32%37.0.0.1/",
                                     "http://\xe2\x91\xa0.test/",
                                     "http://[::1%25lo]/",
                                     "http://[127.0.0.1]/",
                                     "http://[::1/",
                                     "http://site.test/a\r\nx: y",
                                     "http://a b/",
                                     "javascript:alert(1)",
                                     "file:///etc/passwd",
                                     ""}) {
    EXPECT_FALSE(http::parse_web_address(url)) << url;
  }
  const auto good = http::parse_web_address(" HTTPS://Site.Test:443?q#f ");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->text(), "https://site.test/?q");
  EXPECT_EQ(http::parse_web_address("http://[2001:DB8:0::1]:81/x")->authority(), "[2001:db8::1]:81");
  const auto from = *http::parse_web_address("https://site.test/a/b/c?d");
  for (const auto& [location, to] : std::map<std::string, std::string>{{"x", "/a/b/x"},
                                                                       {"../x/./y/..", "/a/x/"},
                                                                       {"../../../../x", "/x"},
                                                                       {"?q", "/a/b/c?q"},
                                                                       {"/z?u=http://o/..", "/z?u=http://o/.."},
                                                                       {"//o.test", "/"}}) {
    const auto next = http::follow(from, location);
    ASSERT_TRUE(next) << location;
    EXPECT_EQ(next->target, to) << location;
  }
  EXPECT_FALSE(http::follow(from, "http://site.test/"));
}

TEST(Web, ReadsDataUrls) {
  Web web;
  const std::string url = cat("data:image/jpeg;base64,", to_base64(png));
  EXPECT_EQ(web.outcome(url), "a file: image/png");
  EXPECT_EQ(*web.get("data:,a%20b%25")->bytes, "a b%");
  EXPECT_EQ(web.outcome("data:text/plain;base64,****"), "it is a data URL whose content is no base64");
  EXPECT_EQ(web.outcome("data:nothing"), "it is a data URL without a ','");
  EXPECT_EQ(web.outcome("data:,%g1"), "it is a data URL whose content is no percent encoding");
  web.limits.bytes = 50;
  EXPECT_EQ(web.outcome(url), "it is larger than 50 bytes");
  web.limits.on = false;  // nothing leaves the house for them
  EXPECT_EQ(web.outcome("data:,x"), "a file: text/plain");
}

TEST(Web, ExceptionsSayWhatIsWrongWithThem) {
  for (const char* text : {"", "a b", "10.0.0.0/33", "10.0.0.0/x", "host:", "host:0", "http://host", "[::1]x", "*.internal"}) {
    const auto made = net::EgressExceptions::parse(std::vector<std::string>{text});
    ASSERT_FALSE(made) << text;
    EXPECT_NE(made.error().message().find("; write a host name"), std::string::npos);
  }
  const auto made =
      *net::EgressExceptions::parse(std::vector<std::string>{"10.1.0.0/15", "fd00::/9", "[::1]:80", "Files.Internal"});
  EXPECT_TRUE(made.hold(*net::Address::ip("10.0.9.9", 1)));
  EXPECT_FALSE(made.hold(*net::Address::ip("10.2.0.0", 1)));
  EXPECT_TRUE(made.hold(*net::Address::ip("fd7f::1", 1)));
  EXPECT_FALSE(made.hold(*net::Address::ip("fd80::1", 1)));
  EXPECT_TRUE(made.hold(*net::Address::ip("::1", 80)));
  EXPECT_FALSE(made.hold(*net::Address::ip("::1", 81)));
  EXPECT_TRUE(made.hold("files.internal", 9));
}

}  // namespace
}  // namespace cardea::execute
