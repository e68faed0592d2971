#include "twin/twin_test_util.h"

#include "net/crypto.h"

namespace cardea::twin {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view whole = R"({"model":"echo","messages":[{"role":"user","content":"a b c d"}]})";
constexpr std::string_view streamed = R"({"model":"echo","stream":true,"messages":[{"role":"user","content":"a b c d"}]})";
// role, a, b, c, d, finish, [DONE]
constexpr std::size_t all_events = 7;

class Fault : public TwinTest {
 protected:
  Fault() : TwinTest{fixed()} {}
  net::Duration time_of(std::string_view body, std::string_view headers) {
    const auto start = world_.elapsed();
    const Heard heard = talk(message(body, headers));
    EXPECT_FALSE(heard.arrivals.empty());
    return heard.arrivals.back().first - start;
  }
};

TEST_F(Fault, StatusWithRetryAfter) {
  const Reply reply = ask(whole, "x-twin-status: 429\r\nx-twin-retry-after: 7\r\n");
  EXPECT_EQ(reply.status, 429U);
  EXPECT_NE(reply.headers.find("retry-after: 7\r\n"), std::string::npos);
  EXPECT_NE(reply.body.find("rate_limit_exceeded"), std::string::npos);
  EXPECT_EQ(ask(R"({"model":"error","messages":[{"role":"user","content":"a"}]})").status, 500U);
  EXPECT_EQ(ask(R"({"model":"error-503","messages":[{"role":"user","content":"a"}]})").status, 503U);
  EXPECT_EQ(ask(R"({"model":"error-xyz","messages":[{"role":"user","content":"a"}]})").status, 404U);
}

TEST_F(Fault, StatusBeforeTheBodyCame) {
  const Heard heard = talk(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\nContent-Length: 100000000\r\nx-twin-status: 413\r\nx-twin-early: "
      "1\r\n\r\n");
  EXPECT_EQ(read(heard).status, 413U);
}

TEST_F(Fault, Informational) { EXPECT_TRUE(talk(message(whole, "x-twin-status: 101\r\n")).bytes.starts_with("HTTP/1.1 101 ")); }

TEST_F(Fault, ErrorTextQuotesTheKey) {
  const auto headers = "Authorization: Bearer sk-secret-123\r\nx-twin-status: 401\r\nx-twin-quote-credential: 1\r\n";
  EXPECT_NE(ask(whole, headers).body.find("sk-secret-123"), std::string::npos);
}

TEST_F(Fault, Redirect) {
  const Reply reply = ask(whole, "x-twin-redirect: http://evil.example/\r\n");
  EXPECT_EQ(reply.status, 307U);
  EXPECT_NE(reply.headers.find("location: http://evil.example/\r\n"), std::string::npos);
}

TEST_F(Fault, CutResetsAfterSoManyEvents) {
  const Heard heard = talk(message(streamed, "x-twin-cut-after-events: 3\r\n"));
  EXPECT_EQ(heard.end, Heard::End::reset);
  const Reply reply = read(heard);
  EXPECT_EQ(events(reply.body).size(), 3U);
  EXPECT_FALSE(reply.whole);
  const Heard half = talk(message(whole, "x-twin-cut-after-events: 0\r\n"));
  EXPECT_EQ(half.end, Heard::End::reset);
  EXPECT_FALSE(json::parse(read(half).body));
}

TEST_F(Fault, CloseEndsInOrderWithoutEndingTheBody) {
  const Heard heard = talk(message(streamed, "x-twin-close-after-events: 2\r\n"));
  EXPECT_EQ(heard.end, Heard::End::closed);
  EXPECT_EQ(events(read(heard).body).size(), 2U);
  EXPECT_FALSE(read(heard).whole);
}

TEST_F(Fault, EndWithoutDone) {
  const Reply reply = ask(streamed, "x-twin-end-after-events: 2\r\n");
  EXPECT_EQ(events(reply.body).size(), 2U);
  EXPECT_TRUE(reply.whole);
}

TEST_F(Fault, ErrorEventInTheStream) {
  const auto all = events(ask(streamed, "x-twin-error-event-after: 2\r\n").body);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_TRUE(all[2].starts_with(R"({"error":{)"));
}

TEST_F(Fault, ErrorIn200) {
  const Reply reply = ask(whole, "x-twin-error-in-200: 1\r\n");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_TRUE(reply.body.starts_with(R"({"error":{)"));
  const auto all = events(ask(streamed, "x-twin-error-in-200: 1\r\n").body);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].starts_with(R"({"error":{)"));
}

TEST_F(Fault, EmptyChoices) {
  EXPECT_TRUE(at(ask_json(whole, "x-twin-empty-choices: 1\r\n"), "choices").elements().empty());
  EXPECT_EQ(events(ask(streamed, "x-twin-empty-choices: 1\r\n").body), std::vector<std::string>{"[DONE]"});
}

TEST_F(Fault, Hang) {
  const Heard before = talk(message(streamed, "x-twin-hang: before-head\r\n"));
  EXPECT_EQ(before.end, Heard::End::silence);
  EXPECT_EQ(before.bytes, "");
  for (const auto body : {whole, streamed}) {
    const Heard after = talk(message(body, "x-twin-hang: after-head\r\n"));
    EXPECT_EQ(after.end, Heard::End::silence);
    EXPECT_TRUE(after.bytes.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(after.bytes.ends_with("\r\n\r\n"));
    EXPECT_EQ(read(after).body, "");
  }
  const Heard later = talk(message(streamed, "x-twin-hang: after-events=4\r\n"));
  EXPECT_EQ(later.end, Heard::End::silence);
  EXPECT_EQ(events(read(later).body).size(), 4U);
}

TEST_F(Fault, MalformedBodies) {
  EXPECT_FALSE(json::parse(ask(whole, "x-twin-malformed: json\r\n").body));
  const auto all = events(ask(streamed, "x-twin-malformed: json\r\n").body);
  ASSERT_EQ(all.size(), all_events);
  EXPECT_TRUE(json::parse(all[0]));
  EXPECT_FALSE(json::parse(all[1]));
  // Odd, but every reader must get through it.
  EXPECT_EQ(events(ask(streamed, "x-twin-malformed: sse\r\n").body), events(ask(streamed).body));
}

TEST_F(Fault, MalformedFraming) {
  for (const auto body : {whole, streamed}) {
    wire::ResponseHead head;
    const Heard bad_head = talk(message(body, "x-twin-malformed: head\r\n"));
    EXPECT_FALSE(wire::parse_response_head(bad_head.bytes, {}, wire::Method::post, head));
    const Heard both = talk(message(body, "x-twin-malformed: framing\r\n"));
    EXPECT_FALSE(wire::parse_response_head(both.bytes, {}, wire::Method::post, head));
    const Heard shorter = talk(message(body, "x-twin-malformed: length\r\n"));
    EXPECT_EQ(shorter.end, Heard::End::closed);
    EXPECT_EQ(read(shorter).status, 200U);
    EXPECT_FALSE(read(shorter).whole);
    const Heard chunk = talk(message(body, "x-twin-malformed: chunk\r\n"));
    EXPECT_EQ(read(chunk).status, 200U);
    EXPECT_FALSE(read(chunk).whole);
    EXPECT_NE(chunk.bytes.find("\r\nzz\r\n"), std::string::npos);
  }
}

TEST_F(Fault, BytesNobodyAskedFor) {
  const auto request = message(whole, "x-twin-trailing-bytes: 40\r\n");
  const Heard heard = talk(request);
  EXPECT_EQ(heard.end, Heard::End::silence);
  EXPECT_EQ(heard.bytes.size() - heard.bytes.rfind("HTTP/1.1 200 OK"), 40U);
}

TEST_F(Fault, SplitLineEndingsNoSpaceAndComments) {
  const auto plain = events(ask(streamed).body);
  ASSERT_EQ(plain.size(), all_events);
  for (const std::string_view headers :
       {"x-twin-split: 1\r\n", "x-twin-line-ending: cr\r\n", "x-twin-line-ending: crlf\r\n", "x-twin-no-space: 1\r\n",
        "x-twin-comments: 5\r\n", "x-twin-write-each: 1\r\n",
        "x-twin-split: 7\r\nx-twin-line-ending: crlf\r\nx-twin-no-space: 1\r\nx-twin-comments: 2\r\n"}) {
    EXPECT_EQ(events(ask(streamed, headers).body), plain) << headers;
  }
  EXPECT_EQ(ask(whole, "x-twin-split: 3\r\n").body, ask(whole).body);
  EXPECT_EQ(ask(streamed, "x-twin-line-ending: cr\r\n").body.find('\n'), std::string::npos);
  EXPECT_NE(ask(streamed, "x-twin-no-space: 1\r\n").body.find("data:{"), std::string::npos);
  EXPECT_TRUE(ask(streamed, "x-twin-comments: 2\r\n").body.starts_with(": "));
}

TEST_F(Fault, HugeEvent) {
  const Reply reply = ask(streamed, "x-twin-huge-event-bytes: 3000000\r\n");
  const auto all = events(reply.body);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_GE(all[1].size(), 3'000'000U);
  EXPECT_TRUE(reply.whole);
}

TEST_F(Fault, Tokens) {
  const auto answer = ask_json(whole, "x-twin-tokens: 123\r\n");
  EXPECT_EQ(at(answer, "usage.completion_tokens").as_u64(), 123U);
  EXPECT_EQ(events(ask(streamed, "x-twin-tokens: 123\r\n").body).size(), 123U + 3U);
}

TEST_F(Fault, Gzip) {
  const Reply reply = ask(whole, "x-twin-gzip: 1\r\n");
  EXPECT_NE(reply.headers.find("content-encoding: gzip\r\n"), std::string::npos);
  EXPECT_TRUE(reply.body.starts_with("\x1f\x8b\x08"));
  const std::string plain = ask(whole).body;
  EXPECT_EQ(reply.body.substr(15, plain.size()), plain);
  EXPECT_EQ(reply.body.size(), plain.size() + 23);
}

TEST_F(Fault, Expectations) {
  const net::Digest digest = net::sha256(whole);
  const auto hash = to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
  EXPECT_EQ(ask(whole, cat("x-twin-expect-body-sha256: ", hash, "\r\n")).status, 200U);
  EXPECT_EQ(ask(cat(whole, " "), cat("x-twin-expect-body-sha256: ", hash, "\r\n")).status, 422U);
  EXPECT_EQ(ask(whole, "X-A: 1\r\nx-twin-expect-header: x-a: 1\r\n").status, 200U);
  EXPECT_EQ(ask(whole, "X-A: 2\r\nx-twin-expect-header: x-a: 1\r\n").status, 422U);
  EXPECT_EQ(ask(whole, "x-twin-expect-header: x-a: 1\r\n").status, 422U);
  EXPECT_EQ(ask(whole, "x-twin-expect-no-header: x-a\r\n").status, 200U);
  EXPECT_EQ(ask(whole, "X-A: 2\r\nx-twin-expect-no-header: x-a\r\n").status, 422U);
}

TEST_F(Fault, EchoesHeadersButNoSecrets) {
  const auto headers = ask(whole, "X-A: 1\r\nAuthorization: Bearer sk-secret-123\r\nX-Twin-Echo-Headers: 1\r\n").headers;
  EXPECT_NE(headers.find("X-A=1; Authorization=***"), std::string::npos);
  EXPECT_EQ(headers.find("sk-secret-123"), std::string::npos);
}

TEST_F(Fault, UnknownOptionOrValueIsSaid) {
  const Reply typo = ask(whole, "x-twin-statis: 429\r\n");
  EXPECT_EQ(typo.status, 400U);
  EXPECT_NE(typo.body.find("did you mean 'status'"), std::string::npos);
  EXPECT_NE(ask(whole, "x-twin-status: 99\r\n").body.find("100 \u2026 599"), std::string::npos);
  EXPECT_EQ(ask(whole, "x-twin-latency-ms: 600001\r\n").status, 400U);
}

// ---- Time ------------------------------------------------------------------------------------------------------------------

TEST_F(Fault, Pace) {
  const auto near = [](net::Duration got, net::Duration wanted) { return got >= wanted && got <= wanted + 50ms; };
  EXPECT_TRUE(near(time_of(whole, "x-twin-latency-ms: 700\r\n"), 700ms));
  EXPECT_TRUE(near(time_of(whole, "x-twin-first-token-ms: 500\r\nx-twin-inter-token-ms: 100\r\n"), 800ms));
  const auto headers = "x-twin-latency-ms: 1000\r\nx-twin-first-token-ms: 500\r\nx-twin-inter-token-ms: 100\r\n";
  const auto start = world_.elapsed();
  const Heard heard = talk(message(streamed, headers));
  ASSERT_GE(heard.arrivals.size(), 5U);
  EXPECT_TRUE(near(heard.arrivals.front().first - start, 1000ms));  // the head
  EXPECT_TRUE(near(heard.arrivals[1].first - start, 1500ms));       // role and first token
  EXPECT_TRUE(near(heard.arrivals.back().first - start, 1800ms));   // three pauses
}

TEST_F(Fault, CommentsFillTheWait) {
  const Heard heard = talk(message(streamed, "x-twin-first-token-ms: 3000\r\nx-twin-comments: 2\r\n"));
  ASSERT_GE(heard.arrivals.size(), 4U);
  EXPECT_GE(heard.arrivals[1].first - heard.arrivals[0].first, 1s);
  EXPECT_LE(heard.arrivals[1].first - heard.arrivals[0].first, 1050ms);
  EXPECT_GE(heard.arrivals[3].first - heard.arrivals[0].first, 3s);
}

// ---- Script ----------------------------------------------------------------------------------------------------------------

class Scripted : public TwinTest {
 protected:
  static TwinOptions options() {
    auto script = Script::parse(
        "# first refuse\ntimes=2 status=429 retry-after=1\nok\nmodel=lorem status=503\ntimes=* model=echo tokens=5\n");
    EXPECT_TRUE(script);
    return {.script = std::move(*script)};
  }
  Scripted() : TwinTest{options()} {}
};

TEST_F(Scripted, StepsComeInOrderAndByModel) {
  EXPECT_EQ(ask(whole).status, 429U);
  EXPECT_EQ(ask(whole).status, 429U);
  EXPECT_EQ(ask(whole).status, 200U);
  EXPECT_EQ(at(ask_json(whole), "usage.completion_tokens").as_u64(), 5U);
  EXPECT_EQ(ask(R"({"model":"lorem","messages":[{"role":"user","content":"a"}]})").status, 503U);
  EXPECT_EQ(ask(R"({"model":"lorem","messages":[{"role":"user","content":"a"}]})").status, 200U);
  EXPECT_EQ(at(ask_json(whole, "x-twin-tokens: 6\r\n"), "usage.completion_tokens").as_u64(), 6U);
}

TEST(Script, EveryWrongLineIsNamed) {
  auto script = Script::parse("status=429\nstatis=1\n\ntimes=0\nretry-after=\"open\nearly=1\nstatus=1000\n");
  ASSERT_FALSE(script);
  const std::string message{script.error().message()};
  for (const std::string_view part : {"line 2: ", "did you mean 'status'", "line 4: ", "line 5: ", "line 6: ", "line 7: "}) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " in " << message;
  }
  EXPECT_EQ(message.find("line 1"), std::string::npos);
}

}  // namespace
}  // namespace cardea::twin
