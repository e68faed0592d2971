// Every way an upstream can fail, and exactly what its client is told.

#include <gtest/gtest.h>

#include "testing/gateway/chat.h"
#include "testing/gateway/test_server.h"

namespace cardea::execute {
namespace {

using namespace testing;  // NOLINT: a test of conversations
using namespace std::chrono_literals;

std::string last_record(TestServer& server, std::string_view field) {
  const auto records = server.records();
  return records.empty() ? "" : Answer::text_at(records.back().dump(), field);
}
double last_ms(TestServer& server) { return std::stod(last_record(server, "duration_ms")); }

/// What the upstream does with its connection behind its words.
enum class Then : std::uint8_t { hold, close, reset };

void act(Asked& asked, Then then, TestServer& server) {
  if (then == Then::hold) return;
  server.run_for(20ms);  // the words arrive
  if (then == Then::close) asked.peer.close();
  if (then == Then::reset) asked.peer.reset();
}

// ---- Before an answer ------------------------------------------------------------------------------------------------------

struct Case {
  std::string_view name;
  std::string says;
  Then then = Then::hold;
  unsigned status = 502;
  std::string_view code = "upstream_protocol";  ///< also the record's kind, unless `kind` says otherwise
  std::string_view kind = "";
  std::string_view type = "server_error";
};

const std::string json_type = "content-type: application/json\r\n";
const std::string ok_head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

/// Neither a whole answer nor the first event of a stream: an error with a status of its own.
std::vector<Case> broken_answers() {
  return {
      {"closes", "", Then::close, 502, "upstream_reset"},
      {"resets", "", Then::reset, 502, "upstream_reset"},
      {"closes inside the head", "HTTP/1.1 200 OK\r\ncontent-", Then::close, 502, "upstream_reset"},
      {"resets inside the head", "HTTP/1.1 200 OK\r\ncontent-", Then::reset, 502, "upstream_reset"},
      {"closes behind a 100", "HTTP/1.1 100 Continue\r\n\r\n", Then::close, 502, "upstream_reset"},
      {"is no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"},
      {"has a folded header", "HTTP/1.1 200 OK\r\na: b\r\n c\r\ncontent-length: 0\r\n\r\n"},
      {"has two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}"},
      {"has a length and chunks", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"switches protocols", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"},
      {"redirects", response(307, "", "location: http://evil.example/\r\n"), Then::hold, 502, "upstream_error",
       "upstream_failed"},
      {"moved", response(301, "{}", "location: https://upstream:8000/\r\n"), Then::hold, 502, "upstream_error",
       "upstream_failed"},
      {"compresses", response(200, "\x1f\x8b", json_type + "content-encoding: gzip\r\n")},
  };
}

/// Not streamed only.
std::vector<Case> broken_bodies() {
  const std::string body = completion();
  return {
      {"cuts the body", ok_head + "content-length: 900\r\n\r\n{\"choices\"", Then::close, 502, "upstream_reset"},
      {"resets inside the body", ok_head + "content-length: 900\r\n\r\n{\"choices\"", Then::reset, 502, "upstream_reset"},
      {"cuts between chunks", ok_head + "transfer-encoding: chunked\r\n\r\n" + chunk(body), Then::close, 502, "upstream_reset"},
      {"breaks a chunk", ok_head + "transfer-encoding: chunked\r\n\r\nzz\r\n"},
      {"is cut and has no length", ok_head + "\r\n" + body.substr(0, 50), Then::close},
      {"is empty", response(200, "")},
      {"has no content", "HTTP/1.1 204 No Content\r\n\r\n"},
      {"is no JSON", response(200, "<html>it works</html>", "content-type: text/html\r\n")},
      {"is half JSON", response(200, body.substr(0, 60))},
      {"is an array", response(200, "[]")},
      {"is bad UTF-8", response(200, "{\"choices\":[{\"message\":{\"content\":\"\xff\"}}]}")},
      {"has no choices", response(200, R"({"choices":[]})"), Then::hold, 502, "upstream_error", "upstream_failed"},
      {"says nothing of choices", response(200, R"({"id":"x"})"), Then::hold, 502, "upstream_error", "upstream_failed"},
      {"is an error", response(200, R"({"error":{"message":"boom","code":null}})"), Then::hold, 502, "upstream_error",
       "upstream_failed"},
      {"is a limit", response(200, R"({"error":{"message":"slow down","code":429}})"), Then::hold, 429, "rate_limit_exceeded",
       "rate_limited", "rate_limit_error"},
      {"is a stream", stream_of(healthy_events())},
  };
}

void check(const Case& one, std::string_view more) {
  SCOPED_TRACE(one.name);
  TestServer server;
  auto client = server.connect();
  client.ask(ask("vendor/small", "hi", more));
  Asked asked = server.upstream().expect_request();
  asked.answer(one.says);
  act(asked, one.then, server);
  client.answer().expect_error(one.status, one.type, one.code).expect_header("content-type", "application/json");
  EXPECT_EQ(last_record(server, "error"), one.kind.empty() ? one.code : one.kind);
  EXPECT_EQ(last_record(server, "status"), cat(one.status));
  EXPECT_EQ(last_record(server, "attempts"), "1");
  // The connection is not used again, and its leavings reach nobody.
  client.ask(ask("vendor/small", "next", more));
  server.upstream().expect_request().answer(more.empty() ? response(200, completion()) : stream_of(healthy_events()));
  client.answer().expect_status(200);
  EXPECT_EQ(server.records().size(), 2U);
}

TEST(Fault, ABrokenAnswerBecomesAnErrorOfItsOwn) {
  for (const auto& one : broken_answers()) {
    check(one, "");
    check(one, streamed);
  }
  for (const auto& one : broken_bodies()) check(one, "");
}

TEST(Fault, ABrokenAnswerDoesNotHoldItsConnectionOpen) {
  TestServer server;
  auto client = server.connect();
  client.ask(ask());
  server.upstream().expect_request().answer("SSH-2.0-OpenSSH_9.2\r\n\r\n");
  client.answer().expect_status(502);
  server.run_for(10ms);
  EXPECT_EQ(server.upstream().open(), 0U);
  EXPECT_EQ(server.gauge(record::Gauge::upstream_connections_active), 0);
}

TEST(Fault, ARefusedConnectionIsToldAtOnce) {
  TestServer server;
  server.upstream().refuse();
  auto client = server.connect();
  const Answer answer = client.ask(ask()).answer();
  answer.expect_error(502, "server_error", "upstream_unreachable");
  EXPECT_LT(last_ms(server), 50);
  EXPECT_EQ(answer.body.find("8000"), std::string::npos) << "an address of the inside";
  ASSERT_EQ(server.failures().size(), 1U);
  EXPECT_NE(server.failures()[0].find("Connection refused"), std::string::npos);  // but the log has it
}

TEST(Fault, AnAnswerThatIsTooLargeIsCutOff) {
  TestServer server{{.config = cat(TestServer::default_config, "limits: {response_bytes: 4KiB}\n")}};
  for (const bool sized : {true, false}) {
    auto client = server.connect();
    client.ask(ask());
    const std::string body = completion(std::string(5000, 'x'));
    server.upstream().expect_request().answer(sized ? response(200, body) : ok_head + "\r\n" + body);
    client.answer().expect_error(502, "server_error", "upstream_protocol");
  }
}

// ---- Error answers ---------------------------------------------------------------------------------------------------------

TEST(Fault, ErrorAnswersComeInTheClientsDialect) {
  const std::string own = R"({"error":{"message":"no such thing","type":"invalid_request_error","param":"top_p","code":"c7"}})";
  struct ErrorCase {
    unsigned upstream;
    std::string body;
    unsigned status;
    std::string_view kind;
    std::string_view message;  ///< part of it
  };
  const ErrorCase all[] = {
      {400, own, 400, "upstream_rejected", "no such thing"},
      {404, own, 404, "upstream_rejected", "no such thing"},
      {422, R"({"detail":"bad field"})", 422, "upstream_rejected", "bad field"},
      {429, own, 429, "rate_limited", "no such thing"},
      {401, own, 502, "upstream_auth", "check this provider's key"},
      {403, own, 502, "upstream_auth", "check this provider's key"},
      {500, "<html>oops</html>", 502, "upstream_failed", "HTTP 500"},
      {500, own, 502, "upstream_failed", "no such thing"},
      {502, "", 502, "upstream_failed", "HTTP 502"},
      {503, "come back later", 503, "upstream_failed", "come back later"},
      {529, own, 503, "upstream_failed", "no such thing"},
      {504, "", 504, "upstream_failed", "HTTP 504"},
      {408, "", 504, "upstream_timeout", ""},
  };
  for (const auto& one : all) {
    for (const auto more : {std::string_view{}, streamed}) {
      SCOPED_TRACE(cat(one.upstream, " ", one.body));
      TestServer server;
      auto client = server.connect();
      client.ask(ask("vendor/small", "hi", more));
      server.upstream().expect_request().answer(response(one.upstream, one.body, "retry-after: 17\r\n"));
      const Answer answer = client.answer();
      answer.expect_status(one.status).expect_header("retry-after", "17").expect_header("content-type", "application/json");
      EXPECT_NE(answer.at("error.message").find(one.message), std::string::npos) << answer.body;
      EXPECT_EQ(last_record(server, "error"), one.kind);
      EXPECT_EQ(last_record(server, "status"), cat(one.status));
      const bool kept = one.body == own && one.upstream != 401 && one.upstream != 403;
      if (kept) EXPECT_EQ(answer.body, own);
      // An answer is an answer: its connection is kept.
      EXPECT_EQ(server.gauge(record::Gauge::upstream_connections_idle), 1);
    }
  }
}

TEST(Fault, AKeyThatIsQuotedIsScrubbedEverywhere) {
  const std::string key{TestServer::upstream_key};
  const std::string quoting = cat(R"({"error":{"message":"Incorrect API key provided: )", key, R"(.","code":")", key, R"("}})");
  std::string escaped = key;
  escaped.replace(3, 1, "\\u0075");
  const std::string sly = cat(R"({"error":{"message":"key )", escaped, R"( is bad"}})");
  const std::string answers[] = {
      response(401, quoting), response(400, quoting), response(400, sly),           response(500, cat("bad key ", key)),
      response(200, quoting), response(200, sly),     response(429, cat("k ", key))};
  for (const auto& one : answers) {
    TestServer server;
    auto client = server.connect();
    client.ask(ask());
    server.upstream().expect_request().answer(one);
    const Answer answer = client.answer();
    EXPECT_NE(answer.status, 200U);
    EXPECT_EQ((answer.head + answer.body).find("0123456789abcdef"), std::string::npos) << answer.body;
    EXPECT_EQ(server.log_text().find("0123456789abcdef"), std::string::npos);
    for (const auto& failure : server.failures()) EXPECT_EQ(failure.find("0123456789abcdef"), std::string::npos) << failure;
  }
  TestServer server;
  auto client = server.connect();
  client.ask(ask("vendor/small", "hi", streamed));
  server.upstream().expect_request().answer(
      stream_of({std::string{role_event}, token_event("a"), cat("data: ", quoting, "\n\n")}));
  const Answer answer = client.answer();
  EXPECT_EQ(answer.body.find("0123456789abcdef"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("Incorrect API key provided"), std::string::npos);
}

TEST(Fault, AnEarlyErrorIsHeardWhileTheRequestIsStillSent) {
  TestServer server{{.faults = {.capacity = 8 * 1024}}};
  server.upstream();
  auto client = server.connect();
  client.ask(ask("vendor/small", std::string(200'000, 'x')));
  server.expect_until([&] { return !server.upstream().connections().empty(); }, 10s, "a connection");
  Peer& peer = server.upstream().connections()[0];
  peer.stop_reading();
  peer.send(response(413, R"({"error":{"message":"too long for me"}})"));
  const Answer answer = client.answer();
  answer.expect_status(413);
  EXPECT_EQ(answer.at("error.message"), "too long for me");
  server.run_for(10ms);
  EXPECT_EQ(server.gauge(record::Gauge::upstream_connections_idle), 0);
}

// ---- Inside a stream -------------------------------------------------------------------------------------------------------

TEST(Fault, AStreamThatBreaksEndsInOneErrorEvent) {
  const auto healthy = healthy_events();
  struct Break {
    std::string_view name;
    std::string words;  ///< behind the events, raw
    Then then = Then::hold;
    std::string_view code = "upstream_protocol";
    std::string_view kind = "";
  };
  const Break breaks[] = {
      {"cut", "", Then::close, "upstream_reset"},
      {"reset", "", Then::reset, "upstream_reset"},
      {"cut inside a chunk", "ff\r\ndata: {", Then::close, "upstream_reset"},
      {"a broken chunk", "zz\r\n"},
      {"an end without [DONE]", chunk(""), Then::hold, "upstream_reset"},
      {"broken JSON", chunk("data: {\"choices\":[{\n\n")},
      {"an error event", chunk("data: {\"error\":{\"message\":\"boom\"}}\n\n"), Then::hold, "upstream_error", "upstream_failed"},
      {"a named error event", chunk("event: error\ndata: oops\n\n"), Then::hold, "upstream_error", "upstream_failed"},
      {"an overloaded vendor", chunk("data: {\"error\":{\"message\":\"busy\",\"code\":429}}\n\n"), Then::hold,
       "rate_limit_exceeded", "rate_limited"},
      {"an endless event", chunk("data: {\"x\":\"" + std::string(9000, 'x'))},
  };
  for (const auto& one : breaks) {
    for (std::size_t events = 1; events <= 4; ++events) {
      SCOPED_TRACE(cat(one.name, " behind ", events));
      TestServer server{{.config = cat(TestServer::default_config, "limits: {sse_event_bytes: 8KiB}\n")}};
      auto client = server.connect();
      client.ask(ask("vendor/small", "hi", streamed));
      Asked asked = server.upstream().expect_request();
      asked.answer(stream_head());
      std::string delivered;
      for (std::size_t i = 0; i < events; ++i) {
        asked.answer(chunk(healthy[i]));
        delivered += healthy[i];
      }
      server.run_for(20ms);
      asked.answer(one.words);
      act(asked, one.then, server);
      const Answer answer = client.answer();
      answer.expect_error_event(one.code);
      // All that came is delivered, then one event, then nothing.
      EXPECT_TRUE(answer.body.starts_with(delivered)) << answer.body;
      EXPECT_EQ(answer.events().size(), events + 1) << answer.body;
      EXPECT_EQ(last_record(server, "error"), one.kind.empty() ? one.code : one.kind);
      EXPECT_EQ(last_record(server, "status"), "200");
      client.get("/livez").answer().expect_status(200);
    }
  }
}

TEST(Fault, AnErrorInPlaceOfTheFirstEventHasAStatusOfItsOwn) {
  for (const auto* first :
       {"data: {\"error\":{\"message\":\"boom\"}}\n\n", "event: error\ndata: {\"error\":{\"message\":\"boom\"}}\n\n"}) {
    TestServer server;
    auto client = server.connect();
    client.ask(ask("vendor/small", "hi", streamed));
    server.upstream().expect_request().answer(stream_of({first}));
    client.answer().expect_error(502, "server_error", "upstream_error");
  }
  TestServer server;
  auto client = server.connect();
  client.ask(ask("vendor/small", "hi", streamed));
  server.upstream().expect_request().answer(stream_of({}));
  client.answer().expect_error(502, "server_error", "upstream_reset");
}

// ---- Time ------------------------------------------------------------------------------------------------------------------

constexpr std::string_view hurried = "timeouts: {connect: 2s, first_byte: 10s, inter_chunk: 4s, body: 6s}\n";
struct Hurried : TestServer {
  explicit Hurried(Faults faults = {}) : TestServer{Setup{.faults = faults, .config = cat(default_config, hurried)}} {}
};

TEST(Fault, EveryWaitHasItsTimeAndItsKind) {
  struct Wait {
    std::string_view name;
    std::string_view more;
    std::string says;
    double ms;
  };
  const Wait waits[] = {
      {"no head", "", "", 10'000},
      {"no head of a stream", streamed, "", 10'000},
      {"half a head", "", "HTTP/1.1 200 OK\r\n", 10'000},
      {"interim answers only", "", "HTTP/1.1 100 Continue\r\n\r\n", 10'000},
      {"no body", "", ok_head + "content-length: 10\r\n\r\n", 4'000},
      {"half a body", "", ok_head + "content-length: 10\r\n\r\n{", 4'000},
      {"half an error", "", "HTTP/1.1 500 Oops\r\ncontent-length: 10\r\n\r\n{", 4'000},
      {"no event", streamed, stream_head(), 4'000},
      {"half an event", streamed, stream_head() + chunk("data: {"), 4'000},
  };
  for (const auto& one : waits) {
    SCOPED_TRACE(one.name);
    Hurried server;
    auto client = server.connect();
    client.ask(ask("vendor/small", "hi", one.more));
    Asked asked = server.upstream().expect_request();
    asked.answer(one.says);
    const Answer answer = client.answer();
    if (one.name == "half an error") {
      answer.expect_error(502, "server_error", "upstream_error");  // that much was said
    } else {
      answer.expect_error(504, "server_error", "upstream_timeout");
      EXPECT_EQ(last_record(server, "error"), "upstream_timeout");
    }
    EXPECT_NEAR(last_ms(server), one.ms, one.ms / 10);
    server.run_for(10ms);
    EXPECT_TRUE(asked.peer.ended());
  }
}

TEST(Fault, AnUnreachableUpstreamIsGivenUpInTime) {
  Hurried server;
  server.upstream().vanish();
  auto client = server.connect();
  client.ask(ask()).answer().expect_error(504, "server_error", "upstream_timeout");
  EXPECT_NEAR(last_ms(server), 2'000, 200);
  EXPECT_EQ(last_record(server, "error"), "upstream_connect_timeout");
}

TEST(Fault, AnUpstreamThatTakesNothingIsGivenUpInTime) {
  Hurried server{{.capacity = 8 * 1024}};
  server.upstream();
  auto client = server.connect();
  client.ask(ask("vendor/small", std::string(200'000, 'x')));
  server.expect_until([&] { return !server.upstream().connections().empty(); }, 10s, "a connection");
  server.upstream().connections()[0].stop_reading();
  client.answer().expect_error(504, "server_error", "upstream_timeout");
  EXPECT_NEAR(last_ms(server), 6'000, 600);
}

TEST(Fault, ASilentStreamEndsInTime) {
  Hurried server;
  auto client = server.connect();
  client.ask(ask("vendor/small", "hi", streamed));
  Asked asked = server.upstream().expect_request();
  asked.answer(stream_head());
  for (int i = 0; i < 5; ++i) {  // slower than first_byte in all, but never silent
    asked.answer(chunk(token_event("a")));
    server.run_for(3s);
  }
  client.answer().expect_error_event("upstream_timeout");
  EXPECT_NEAR(last_ms(server), 16'000, 400);
  EXPECT_TRUE(asked.peer.ended());
}

// Comments keep a connection alive, not an answer.
TEST(Fault, CommentsAreNoTokens) {
  for (const bool spoke : {false, true}) {
    Hurried server;
    auto client = server.connect();
    client.ask(ask("vendor/small", "hi", streamed));
    Asked asked = server.upstream().expect_request();
    asked.answer(stream_head());
    if (spoke) asked.answer(chunk(std::string{role_event}) + chunk(token_event("a")));
    for (int i = 0; i < 30 && !asked.peer.ended(); ++i) {
      asked.answer(chunk(": keep-alive\n\n"));
      server.run_for(1s);
    }
    client.answer().expect_error_event("upstream_timeout");
    EXPECT_NEAR(last_ms(server), spoke ? 5'000 : 11'000, 1'000);
  }
}

TEST(Fault, CommentsBeforeALateAnswerDoNoHarm) {
  Hurried server;
  auto client = server.connect();
  client.ask(ask("vendor/small", "hi", streamed));
  Asked asked = server.upstream().expect_request();
  asked.answer(stream_head());
  for (int i = 0; i < 8; ++i) {
    asked.answer(chunk(": OPENROUTER PROCESSING\n\n"));
    server.run_for(1s);
  }
  for (const auto& event : healthy_events()) asked.answer(chunk(event));
  asked.answer(chunk(""));
  EXPECT_EQ(client.answer().expect_status(200).events().size(), 5U);
}

// A long event that arrives slowly is not silence.
TEST(Fault, ALongEventMayTakeItsTime) {
  Hurried server;
  auto client = server.connect();
  client.ask(ask("vendor/small", "hi", streamed));
  Asked asked = server.upstream().expect_request();
  asked.answer(stream_head());
  const std::string event = token_event(std::string(30, 'x'));
  for (std::size_t at = 0; at < event.size(); at += 10) {
    asked.answer(chunk(event.substr(at, 10)));
    server.run_for(3s);
  }
  asked.answer(chunk(std::string{done_event}) + chunk(""));
  client.answer().expect_status(200).expect_body(event + std::string{done_event});
}

// ---- Connections -----------------------------------------------------------------------------------------------------------

TEST(Fault, AStaleConnectionIsReplacedUnnoticed) {
  for (const auto then : {Then::close, Then::reset}) {
    TestServer server{{.faults = {.delay_max = 1ms}}};
    auto client = server.connect();
    client.ask(ask());
    Asked first = server.upstream().expect_request();
    first.answer(response(200, completion()));
    client.answer().expect_status(200);
    // Ends just as the next request is on its way.
    client.ask(ask("vendor/small", "again"));
    if (then == Then::close) first.peer.close();
    if (then == Then::reset) first.peer.reset();
    Asked second = server.upstream().expect_request();
    second.expect_body(ask("small", "again")).answer(response(200, completion("2")));
    client.answer().expect_status(200).expect_body(completion("2"));
    EXPECT_EQ(server.records().size(), 2U);
  }
}

TEST(Fault, AnAnswerNobodyAskedForReachesNobody) {
  TestServer server;
  auto client = server.connect();
  client.ask(ask());
  Asked asked = server.upstream().expect_request();
  asked.answer(response(200, completion("1")) + response(200, completion("stolen")));
  client.answer().expect_body(completion("1"));
  client.ask(ask());
  server.upstream().expect_request().answer(response(200, completion("2")));
  client.answer().expect_body(completion("2"));
  asked.answer(response(200, completion("stolen")));
  server.run_for(10ms);
  client.ask(ask());
  server.upstream().expect_request().answer(response(200, completion("3")));
  client.answer().expect_body(completion("3"));
}

TEST(Fault, IdleConnectionsAreClosedInTime) {
  TestServer server;
  auto client = server.connect();
  client.ask(ask());
  server.upstream().expect_request().answer(response(200, completion()));
  client.answer().expect_status(200);
  server.run_for(54s);
  EXPECT_EQ(server.upstream().open(), 1U);
  server.run_for(2s);
  EXPECT_EQ(server.upstream().open(), 0U);
  EXPECT_EQ(server.gauge(record::Gauge::upstream_connections_idle), 0);
}

}  // namespace
}  // namespace cardea::execute
