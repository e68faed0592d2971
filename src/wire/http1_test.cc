#include "wire/http1.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace cardea::wire {
namespace {

constexpr std::string_view good =
    "POST /v1/chat/completions?beta=1 HTTP/1.1\r\n"
    "Host: api.example.com:8080\r\n"
    "Authorization: Bearer sk-1\r\n"
    "Content-Type:application/json\r\n"
    "X-Empty:\r\n"
    "X-Padded: \t a  b \t\r\n"
    "Content-Length: 42\r\n\r\n";

/// The caller keeps `bytes` as long as it reads `out`.
Result<std::size_t> parse(std::string_view bytes, RequestHead& out, const HeadLimits& limits = {}) {
  return parse_request_head(bytes, limits, out);
}

/// Feeds `bytes` in pieces of the sizes that `piece` gives; the first verdict.
template <class Piece>
Result<std::size_t> parse_in_pieces(std::string_view bytes, RequestHead& out, const HeadLimits& limits, Piece piece) {
  std::string so_far;  // moves as it grows, as a connection's buffer does
  while (so_far.size() < bytes.size()) {
    so_far.append(bytes.substr(so_far.size(), piece()));
    auto result = parse_request_head(so_far, limits, out);
    if (!result) return result;
    if (*result != 0) {
      out.rebase(bytes.data());
      return result;
    }
  }
  return std::size_t{0};
}

/// What a head means, as text, to compare two parses.
std::string meaning(const RequestHead& h) {
  auto out = cat(h.method_text(), '|', h.target(), '|', h.path(), '|', h.query(), '|', h.host(), '|', h.minor_version(), '|',
                 static_cast<int>(h.framing()), '|', h.content_length(), '|', h.keep_alive() ? "keep" : "close", '|',
                 h.expect_continue() ? "expect" : "", '|', h.upgrade(), '\n');
  for (const auto header : h.headers()) out += cat(header.name, '=', header.value, '\n');
  return out;
}

TEST(RequestHead, ReadsEverything) {
  RequestHead head;
  const auto bytes = cat(good, "{\"body\"");
  const auto size = parse(bytes, head);
  ASSERT_TRUE(size.has_value()) << size.error().message();
  EXPECT_EQ(*size, good.size());
  EXPECT_EQ(head.method(), Method::post);
  EXPECT_EQ(head.method_text(), "POST");
  EXPECT_EQ(head.target(), "/v1/chat/completions?beta=1");
  EXPECT_EQ(head.path(), "/v1/chat/completions");
  EXPECT_EQ(head.query(), "beta=1");
  EXPECT_EQ(head.host(), "api.example.com:8080");
  EXPECT_EQ(head.hostname(), "api.example.com");
  EXPECT_EQ(head.minor_version(), 1U);
  EXPECT_EQ(head.framing(), Framing::length);
  EXPECT_EQ(head.content_length(), 42U);
  EXPECT_TRUE(head.has_body());
  EXPECT_TRUE(head.keep_alive());
  EXPECT_FALSE(head.expect_continue());
  EXPECT_EQ(head.headers().size(), 6U);
  EXPECT_EQ(head.find("AUTHORIZATION"), "Bearer sk-1");
  EXPECT_EQ(head.find(Field::content_type), "application/json");
  EXPECT_EQ(head.find("x-empty"), "");
  EXPECT_EQ(head.find("x-padded"), "a  b");
  EXPECT_EQ(head.find("x-absent"), std::nullopt);
  EXPECT_EQ(head.find(Field::origin), std::nullopt);
  EXPECT_EQ(head.find(""), std::nullopt);
}

TEST(RequestHead, FollowsMovedBytes) {
  RequestHead head;
  std::string bytes{good};
  ASSERT_TRUE(parse(bytes, head).has_value());
  const std::string moved = bytes;
  bytes.assign(bytes.size(), '#');
  head.rebase(moved.data());
  RequestHead fresh;
  ASSERT_TRUE(parse(moved, fresh).has_value());
  EXPECT_EQ(meaning(head), meaning(fresh));
  const RequestHead copy = head;
  EXPECT_EQ(meaning(copy), meaning(fresh));
}

TEST(RequestHead, TruncationAnywhereIsIncomplete) {
  for (std::size_t size = 0; size < good.size(); ++size) {
    RequestHead head;
    const auto result = parse(good.substr(0, size), head);
    ASSERT_TRUE(result.has_value()) << size << ": " << result.error().message();
    EXPECT_EQ(*result, 0U) << size;
  }
}

struct Accepted {
  std::string_view bytes;
  std::string_view meaning;  ///< first line of meaning()
};
const Accepted accepted[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET|/|/||a|1|0|0|keep||"},
    {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET|/|/||a|1|0|0|keep||"},
    {"GET / HTTP/1.0\r\n\r\n", "GET|/|/|||0|0|0|close||"},
    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET|/|/|||0|0|0|keep||"},
    {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "GET|/|/|||0|0|0|close||"},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: CLOSE\r\n\r\n", "GET|/|/||a|1|0|0|close||"},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: te\r\nConnection: x,close\r\n\r\n", "GET|/|/||a|1|0|0|close||"},
    {"FOO! /x HTTP/1.1\r\nHost: a\r\n\r\n", "FOO!|/x|/x||a|1|0|0|keep||"},
    {"get /x HTTP/1.1\r\nHost: a\r\n\r\n", "get|/x|/x||a|1|0|0|keep||"},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS|*|*||a|1|0|0|keep||"},
    {"GET http://b:81/p?q HTTP/1.1\r\nHost: a\r\n\r\n", "GET|http://b:81/p?q|/p|q|b:81|1|0|0|keep||"},
    {"GET HTTPS://b HTTP/1.1\r\nHost: a\r\n\r\n", "GET|HTTPS://b|/||b|1|0|0|keep||"},
    {"GET http://b?q HTTP/1.1\r\nHost: a\r\n\r\n", "GET|http://b?q|/|q|b|1|0|0|keep||"},
    {"GET /? HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "GET|/?|/||[::1]:8080|1|0|0|keep||"},
    {"GET /a%2Fb/..c/.../x.y?{\\}../%zz HTTP/1.1\r\nHost: a_b-c.d\r\n\r\n",
     "GET|/a%2Fb/..c/.../x.y?{\\}../%zz|/a%2Fb/..c/.../x.y|{\\}../%zz|a_b-c.d|1|0|0|keep||"},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", "POST|/|/||a|1|2|0|keep||"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST|/|/||a|1|1|0|keep||"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\t9223372036854775807\t\r\n\r\n",
     "POST|/|/||a|1|1|9223372036854775807|keep||"},
    {"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n", "POST|/|/||a|1|1|1|keep|expect|"},
    {"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", "POST|/|/|||0|1|1|close||"},
    {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n",
     "GET|/|/||a|1|0|0|keep||websocket"},
    {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", "GET|/|/||a|1|0|0|keep||"},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: caf\xc3\xa9\r\n\r\n", "GET|/|/||a|1|0|0|keep||"},
};

TEST(RequestHead, Accepts) {
  for (const auto& item : accepted) {
    RequestHead head;
    const auto result = parse(item.bytes, head);
    ASSERT_TRUE(result.has_value()) << item.bytes << result.error().message();
    EXPECT_EQ(*result, item.bytes.size());
    const auto all = meaning(head);
    EXPECT_EQ(all.substr(0, all.find('\n')), item.meaning);
  }
}

struct Refused {
  std::string bytes;
  Kind kind;
  std::string_view message;  ///< part of it
};

std::string with(std::string_view lines) { return cat("POST / HTTP/1.1\r\nHost: a\r\n", lines, "\r\n"); }
std::string get(std::string_view target) { return cat("GET ", target, " HTTP/1.1\r\nHost: a\r\n\r\n"); }
std::string host(std::string_view value) { return cat("GET / HTTP/1.1\r\nHost: ", value, "\r\n\r\n"); }

std::vector<Refused> refused_framing() {
  constexpr auto bad = Kind::bad_request;
  return {
      {with("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), bad, "together"},
      {with("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"), bad, "together"},
      {with("Content-Length: 1\r\nContent-Length: 1\r\n"), bad, "more than one Content-Length"},
      {with("Content-Length: 1\r\ncontent-length: 2\r\n"), bad, "more than one Content-Length"},
      {with("Content-Length: 1, 1\r\n"), bad, "not one decimal"},
      {with("Content-Length: +1\r\n"), bad, "not one decimal"},
      {with("Content-Length: -1\r\n"), bad, "not one decimal"},
      {with("Content-Length: 0x10\r\n"), bad, "not one decimal"},
      {with("Content-Length: 1 2\r\n"), bad, "not one decimal"},
      {with("Content-Length: 1.0\r\n"), bad, "not one decimal"},
      {with("Content-Length:\r\n"), bad, "not one decimal"},
      {with("Content-Length: \xd9\xa1\r\n"), bad, "not one decimal"},
      {with("Content-Length: 9223372036854775808\r\n"), bad, "too large"},
      {with("Content-Length: 18446744073709551617\r\n"), bad, "too large"},
      {with("Transfer-Encoding: chunked, chunked\r\n"), bad, "twice"},
      {with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), bad, "twice"},
      {with("Transfer-Encoding: chunked, gzip\r\n"), bad, "not last"},
      {with("Transfer-Encoding: chunked,\r\n"), bad, "empty element"},
      {with("Transfer-Encoding: , chunked\r\n"), bad, "empty element"},
      {with("Transfer-Encoding:\r\n"), bad, "empty element"},
      {with("Transfer-Encoding: gzip, chunked\r\n"), Kind::not_implemented, "only 'chunked'"},
      {with("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), Kind::not_implemented, "only 'chunked'"},
      {with("Transfer-Encoding: identity\r\n"), Kind::not_implemented, "only 'chunked'"},
      {with("Transfer-Encoding: xchunked\r\n"), Kind::not_implemented, "only 'chunked'"},
      {with("Transfer-Encoding: \"chunked\"\r\n"), Kind::not_implemented, "only 'chunked'"},
      {with("Transfer-Encoding: chunked;q=1\r\n"), Kind::not_implemented, "only 'chunked'"},
      {with("Transfer-Encoding: \x0b"
            "chunked\r\n"),
       bad, "0x0b"},
      {with("Transfer-Encoding : chunked\r\n"), bad, "before the colon"},
      {with("Transfer-Encoding\t: chunked\r\n"), bad, "before the colon"},
      {with(" Transfer-Encoding: chunked\r\n"), bad, "obs-fold"},
      {with("X: y\r\n Transfer-Encoding: chunked\r\n"), bad, "obs-fold"},
      {with("X: y\r\n\tz\r\n"), bad, "obs-fold"},
      {with("Transfer_Encoding: chunked\r\n"), bad, "underscore"},
      {with("Content_Length: 1\r\n"), bad, "underscore"},
      {with("X: y\nTransfer-Encoding: chunked\r\n"), bad, "bare LF"},
      {with("X: y\rTransfer-Encoding: chunked\r\n"), bad, "bare CR"},
      {with("X: y\r\r\n"), bad, "bare CR"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", bad, "HTTP/1.0"},
      {with("Expect: 200-ok\r\n"), Kind::expectation_failed, "100-continue"},
  };
}

std::vector<Refused> refused_lines() {
  constexpr auto bad = Kind::bad_request;
  using namespace std::string_literals;
  return {
      {"GET / HTTP/1.1\nHost: a\n\n", bad, "bare LF"},
      {"GET / HTTP/1.1\r\nHost: a\n\r\n", bad, "bare LF"},
      {"GET / HTTP/1.1\r\nHost: a\r\n\n", bad, "bare LF"},
      {"GET / HTTP/1.1\rHost: a\r\n\r\n", bad, "bare CR"},
      {"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", bad, "no target"},
      {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", bad, "no target"},
      {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", bad, "begins with a space"},
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", bad, "empty"},
      {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", bad, "tab in the method"},
      {"GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", bad, "tab in the request target"},
      {"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", bad, "does not end in"},
      {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", bad, "unexpected space"},
      {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", bad, "does not end in"},
      {"GET /\r\n\r\n", bad, "no HTTP version"},
      {"GET\r\n\r\n", bad, "no target"},
      {"G{T / HTTP/1.1\r\nHost: a\r\n\r\n", bad, "'{' in the method"},
      {"GET / http/1.1\r\nHost: a\r\n\r\n", bad, "does not end in"},
      {"GET / HTTP/1.1x\r\nHost: a\r\n\r\n", bad, "unexpected 'x'"},
      {"GET / HTTP/11\r\n\r\n", bad, "does not end in"},
      {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", Kind::http_version, "HTTP/1.2"},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", Kind::http_version, "HTTP/2.0"},
      {"GET / HTTP/0.9\r\n\r\n", Kind::http_version, "HTTP/0.9"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Kind::http_version, "preface"},
      {"\x16\x03\x01\x02\x00\x01"s, bad, "TLS"},
      {"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", Kind::method_not_allowed, "CONNECT"},
      {cat(std::string(33, 'G'), " / HTTP/1.1\r\nHost: a\r\n\r\n"), Kind::not_implemented, "method longer"},
      {with(": x\r\n"), bad, "empty name"},
      {with("novalue\r\n"), bad, "no colon"},
      {with("a b: c\r\n"), bad, "before the colon"},
      {with("a(b): c\r\n"), bad, "'(' is not allowed"},
      {with("\xc3\xa9: c\r\n"), bad, "0xc3"},
      {with("X: a\x01"
            "b\r\n"),
       bad, "0x01"},
      {with("X: a\x7f"
            "b\r\n"),
       bad, "0x7f"},
      {with("X: a\0b\r\n"s), bad, "NUL"},
      {with("X\0: b\r\n"s), bad, "NUL is not allowed"},
      {with(cat(std::string(257, 'n'), ": c\r\n")), Kind::header_too_large, "name longer"},
  };
}

std::vector<Refused> refused_targets() {
  constexpr auto bad = Kind::bad_request;
  using namespace std::string_literals;
  return {
      {get("*"), bad, "OPTIONS only"},
      {get("v1"), bad, "neither"},
      {get("ftp://a/"), bad, "neither"},
      {get("http:/a"), bad, "neither"},
      {get("http://"), bad, "authority"},
      {get("http:///x"), bad, "authority"},
      {get("http://u@a/"), bad, "authority"},
      {get("http://a:b/"), bad, "authority"},
      {get("http://a:65536/"), bad, "authority"},
      {get("a:443"), bad, "neither"},
      {get("?q"), bad, "neither"},
      {get("/a#b"), bad, "fragment"},
      {get("/a\xc3\xa9"), bad, "percent-encoded"},
      {get("/a\x7f"), bad, "percent-encoded"},
      {get("/a\0"s), bad, "NUL"},
      {get("/a\\b"), bad, "percent-encoded"},
      {get("/a\"b"), bad, "percent-encoded"},
      {get("/a{b}"), bad, "percent-encoded"},
      {get("/a/../b"), bad, "dot segments"},
      {get("/.."), bad, "dot segments"},
      {get("/."), bad, "dot segments"},
      {get("/a/./b?q"), bad, "dot segments"},
      {get("/a/%2e%2E/b"), bad, "dot segments"},
      {get("/a/.%2e"), bad, "dot segments"},
      {get("/%"), bad, "hexadecimal"},
      {get("/%4"), bad, "hexadecimal"},
      {get("/%4g"), bad, "hexadecimal"},
      {get("/%00"), bad, "control"},
      {get("/a%0d%0ab"), bad, "control"},
      {get("/a%7f"), bad, "control"},
      {host(""), bad, "Host is not"},
      {host("a b"), bad, "Host is not"},
      {host("a,b"), bad, "Host is not"},
      {host("a/b"), bad, "Host is not"},
      {host("a@b"), bad, "Host is not"},
      {host("a:"), bad, "Host is not"},
      {host("a:x"), bad, "Host is not"},
      {host("a:1:2"), bad, "Host is not"},
      {host("a:000080"), bad, "Host is not"},
      {host("a?b"), bad, "Host is not"},
      {host("a#b"), bad, "Host is not"},
      {host("a%20"), bad, "Host is not"},
      {host("::1"), bad, "Host is not"},
      {host("[::1"), bad, "Host is not"},
      {host("[::1]x"), bad, "Host is not"},
      {host("[]"), bad, "Host is not"},
      {host("[1.2.3.4]"), bad, "Host is not"},
      {host("[fe80::1%25eth0]"), bad, "Host is not"},
      {host("\xc3\xa9"), bad, "Host is not"},
      {host(std::string(256, 'a')), bad, "Host is not"},
      {"GET / HTTP/1.1\r\n\r\n", bad, "Host header is missing"},
      {"GET http://a/ HTTP/1.1\r\n\r\n", bad, "Host header is missing"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", bad, "more than one Host"},
      {"GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", bad, "more than one Host"},
      {"GET http://b/ HTTP/1.1\r\nHost: a b\r\n\r\n", bad, "Host is not"},
  };
}

std::vector<Refused> all_refused() {
  auto all = refused_framing();
  for (auto& item : refused_lines()) all.push_back(std::move(item));
  for (auto& item : refused_targets()) all.push_back(std::move(item));
  return all;
}

TEST(RequestHead, RefusesAndSaysWhy) {
  for (const auto& item : all_refused()) {
    RequestHead head;
    const auto result = parse(item.bytes, head);
    ASSERT_FALSE(result.has_value()) << item.bytes << "\nconsumed " << *result;
    EXPECT_EQ(result.error().kind(), item.kind) << item.bytes << result.error().message();
    EXPECT_THAT(std::string{result.error().message()}, testing::HasSubstr(std::string{item.message})) << item.bytes;
  }
}

TEST(RequestHead, SplitsChangeNothing) {
  Random random{7};
  std::vector<std::string> all{std::string{good}};
  for (const auto& item : accepted) all.emplace_back(item.bytes);
  for (auto& item : all_refused()) all.push_back(std::move(item.bytes));
  for (const auto& bytes : all) {
    RequestHead whole;
    const auto expected = parse(bytes, whole);
    const auto check = [&](auto piece) {
      RequestHead head;
      const auto result = parse_in_pieces(bytes, head, {}, piece);
      ASSERT_EQ(result.has_value(), expected.has_value()) << bytes;
      if (expected) {
        EXPECT_EQ(*result, *expected);
        EXPECT_EQ(meaning(head), meaning(whole));
      } else {
        EXPECT_EQ(result.error().kind(), expected.error().kind()) << bytes;
        EXPECT_EQ(result.error().message(), expected.error().message()) << bytes;
      }
    };
    check([] { return 1U; });
    for (int round = 0; round < 5; ++round) check([&random] { return 1 + random.below(20); });
  }
}

TEST(RequestHead, AnIncompleteHeadsErrorIsToldInTheEnd) {
  // Wrong from the 10th byte on; told at once when seen at once, else when the bytes have doubled.
  const std::string bytes = "GET / HTTQ/1.1 and no line end for a while yet";
  RequestHead whole;
  const auto expected = parse(bytes, whole);
  ASSERT_FALSE(expected.has_value());
  RequestHead slow;
  const auto told = parse_in_pieces(bytes, slow, {}, [] { return 1U; });
  ASSERT_FALSE(told.has_value());
  EXPECT_EQ(told.error().message(), expected.error().message());
}

TEST(RequestHead, PipelinedHeadsOneAfterTheOther) {
  const auto bytes = cat(accepted[0].bytes, good);
  RequestHead head;
  const auto first = parse(bytes, head);
  ASSERT_EQ(first.value_or(0), accepted[0].bytes.size());
  const auto second = parse(std::string_view{bytes}.substr(*first), head);
  ASSERT_EQ(second.value_or(0), good.size());
  EXPECT_EQ(head.query(), "beta=1");
}

TEST(RequestHead, ClearAbandonsAnIncompleteHead) {
  RequestHead head;
  ASSERT_EQ(parse(cat(std::string_view{"GET /"}, std::string(500, 'x')), head).value(), 0U);
  head.clear();
  ASSERT_EQ(parse(good, head).value(), good.size());
}

TEST(RequestHead, HeadSizeLimit) {
  for (const int slack : {-1, 0, 1}) {
    const HeadLimits limits{.head_bytes = good.size() + static_cast<std::size_t>(slack)};
    for (const auto& bytes : {std::string{good}, cat(good, "body")}) {
      RequestHead head;
      const auto whole = parse(bytes, head, limits);
      RequestHead slow;
      const auto pieces = parse_in_pieces(bytes, slow, limits, [] { return 1U; });
      if (slack < 0) {
        ASSERT_FALSE(whole.has_value());
        ASSERT_FALSE(pieces.has_value());
        EXPECT_EQ(whole.error().kind(), Kind::header_too_large);
        EXPECT_EQ(pieces.error().kind(), Kind::header_too_large);
      } else {
        EXPECT_EQ(whole.value_or(0), good.size());
        EXPECT_EQ(pieces.value_or(0), good.size());
      }
    }
  }
}

TEST(RequestHead, HeaderCountLimit) {
  const auto head_of = [](std::size_t headers) {
    std::string lines;
    for (std::size_t i = 1; i < headers; ++i) lines += "A: b\r\n";
    return with(lines);
  };
  for (const std::size_t limit : {std::size_t{1}, std::size_t{100}, HeaderTable::max_headers}) {
    RequestHead head;
    EXPECT_TRUE(parse(head_of(limit), head, {.headers = limit}).has_value());
    EXPECT_EQ(head.headers().size(), limit);
    const auto over = parse(head_of(limit + 1), head, {.headers = limit});
    ASSERT_FALSE(over.has_value());
    EXPECT_EQ(over.error().kind(), Kind::header_too_large);
  }
  RequestHead head;
  EXPECT_FALSE(parse(head_of(HeaderTable::max_headers + 1), head, {.headers = 1000}).has_value());
}

TEST(RequestHead, TargetLimit) {
  for (const std::size_t size : {99U, 100U, 101U}) {
    RequestHead head;
    const auto result = parse(get(cat('/', std::string(size - 1, 'p'))), head, {.target_bytes = 100});
    ASSERT_EQ(result.has_value(), size <= 100) << size;
    if (!result) EXPECT_EQ(result.error().kind(), Kind::uri_too_long);
  }
}

TEST(RequestHead, UnderscoresOnRequest) {
  RequestHead head;
  const auto bytes = with("a_b: c\r\n");
  EXPECT_TRUE(parse(bytes, head, {.underscore_names = true}).has_value());
  EXPECT_EQ(head.find("A_B"), "c");
}

TEST(RequestHead, ByteByByteIsLinear) {
  // 30 KiB in single bytes: a quadratic parser would touch 450 MB; the work is counted, not timed.
  std::string bytes = cat("GET / HTTP/1.1\r\nHost: a\r\nX: ", std::string(30'000, 'x'), "\r\n\r\n");
  HeadProgress progress;
  std::size_t parsed_bytes = 0;
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    if (progress.worth_parsing({.bytes = std::string_view{bytes}.substr(0, size), .full = false})) parsed_bytes += size;
  }
  EXPECT_LT(parsed_bytes, 4 * bytes.size());
}

TEST(Fields, KnownNamesAreFoundInAnyCase) {
  for (std::size_t i = 1; i <= static_cast<std::size_t>(Field::last_); ++i) {
    const auto field = static_cast<Field>(i);
    std::string name{name_of(field)};
    ASSERT_FALSE(name.empty());
    EXPECT_EQ(field_of(name), field);
    for (auto& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c;
    EXPECT_EQ(field_of(name), field) << name;
    // In a head another, faster comparison is taken. 1.0, so that "1" suits every field but the transfer coding.
    if (field == Field::transfer_encoding) continue;
    RequestHead head;
    const auto bytes = cat("GET / HTTP/1.0\r\ny", name, ": 2\r\n", name, "y: 2\r\n", name, ": 1\r\n\r\n");
    const auto result = parse(bytes, head);
    ASSERT_TRUE(result.has_value()) << name;
    EXPECT_EQ(head.find(field), "1") << name;
    EXPECT_EQ(head.headers().field(0), Field::other);
  }
  EXPECT_EQ(field_of("x-unknown"), Field::other);
  EXPECT_EQ(field_of("\x0dpi-key"), Field::other);
}

TEST(Fields, HopByHop) {
  for (const auto* name : {"Connection", "keep-alive", "TE", "trailer", "Transfer-Encoding", "upgrade", "proxy-connection"}) {
    EXPECT_TRUE(is_hop_by_hop(name)) << name;
  }
  for (const auto* name : {"content-length", "authorization", "x-custom", ""}) EXPECT_FALSE(is_hop_by_hop(name)) << name;

  RequestHead head;
  const auto bytes = with(
      "Connection: X-Mine , authorization, host\r\nconnection: other\r\nx-mine: 1\r\nAuthorization: b\r\n"
      "OTHER: 2\r\nx-kept: 3\r\nTE: trailers\r\n");
  ASSERT_TRUE(parse(bytes, head).has_value());
  std::string hops;
  for (std::size_t i = 0; i < head.headers().size(); ++i) {
    if (head.headers().is_hop_by_hop(i)) hops += cat(head.headers()[i].name, ' ');
  }
  EXPECT_EQ(hops, "Connection connection x-mine OTHER TE ");
  EXPECT_EQ(head.headers().count("CONNECTION"), 2U);
}

}  // namespace
}  // namespace cardea::wire
