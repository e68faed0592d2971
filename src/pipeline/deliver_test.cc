// The way back: answers, streams, errors inside them, and clients that leave or dawdle.

#include <gtest/gtest.h>

#include "testing/gateway/chat.h"
#include "testing/gateway/test_server.h"

namespace cardea::pipeline {
namespace {

using namespace testing;  // NOLINT: a test of conversations
using namespace std::chrono_literals;

std::string last_record(TestServer& server, std::string_view field) {
  const auto records = server.records();
  return records.empty() ? "" : Answer::text_at(records.back().dump(), field);
}

// ---- Streams ---------------------------------------------------------------------------------------------------------------

TEST(Deliver, PassesEventsOnAsTheyCome) {
  TestServer server;
  auto client = server.connect();
  client.ask(ask("vendor/small", "hi", streamed));
  Asked asked = server.upstream().expect_request();
  asked.answer(stream_head());
  server.run_for(40ms);
  EXPECT_EQ(client.peer().inbox(), "");  // no head before there is something to say: it may still become an error
  for (const auto& event : healthy_events()) {
    asked.answer(chunk(event));
    if (event != usage_event) client.expect_heard(event);
    server.run_for(40ms);
    if (event == usage_event) EXPECT_EQ(client.peer().inbox().find("\"usage\""), std::string::npos);
  }
  asked.answer(chunk(""));
  client.answer()
      .expect_status(200)
      .expect_header("content-type", "text/event-stream")
      .expect_header("cache-control", "no-cache")
      .expect_header("x-accel-buffering", "no")
      .expect_body(cat(role_event, token_event("Hel"), token_event("lo"), finish_event, done_event));
  EXPECT_EQ(last_record(server, "stream"), "true");
  EXPECT_EQ(last_record(server, "input_tokens"), "3");
  EXPECT_EQ(last_record(server, "output_tokens"), "2");
  EXPECT_EQ(last_record(server, "response_model"), "small-2026");
  EXPECT_NEAR(std::stod(last_record(server, "first_token_ms")), 80, 10);
}

TEST(Deliver, PassesOnTheVendorsLimitsAndItsIdOfTheRequest) {
  constexpr std::string_view lines =
      "X-RateLimit-Limit-Requests: 100\r\nx-ratelimit-reset-tokens: 6m0s\r\nanthropic-ratelimit-tokens-remaining: 5\r\n"
      "Retry-After-Ms: 20\r\nx-should-retry: false\r\nX-Request-Id: up-1\r\nrequest-id: up-2\r\nx-ratelimit-odd: \xC3\xA9\r\n"
      "openai-processing-ms: 7\r\nset-cookie: a=b\r\nx-ratelimit-: 1\r\n";
  const auto expect_lines = [](const Answer& answer) {
    answer.expect_header("x-ratelimit-limit-requests", "100")
        .expect_header("x-ratelimit-reset-tokens", "6m0s")
        .expect_header("anthropic-ratelimit-tokens-remaining", "5")
        .expect_header("retry-after-ms", "20")
        .expect_header("x-should-retry", "false")
        .expect_header("x-cardea-upstream-request-id", "up-1")
        .expect_no_header("request-id")
        .expect_no_header("x-ratelimit-odd")
        .expect_no_header("x-ratelimit-")
        .expect_no_header("openai-processing-ms")
        .expect_no_header("set-cookie");
    EXPECT_NE(answer.header("x-request-id"), "up-1");
  };
  TestServer server;
  auto client = server.connect();
  client.ask(ask());
  server.upstream().expect_request().answer(response(200, completion(), lines));
  expect_lines(client.answer().expect_status(200));
  client.ask(ask());
  server.upstream().expect_request().answer(
      response(429, R"({"error":{"message":"slow","type":"t","param":null,"code":null}})", lines));
  expect_lines(client.answer().expect_status(429));
  client.ask(ask("vendor/small", "hi", streamed));
  std::string stream = stream_of(healthy_events());
  stream.insert(stream.find("\r\n") + 2, lines);
  server.upstream().expect_request().answer(stream);
  expect_lines(client.answer().expect_status(200));

  client.ask(ask());
  server.upstream().expect_request().answer(response(
      200, completion(), cat("x-ratelimit-a: ", std::string(3000, 'a'), "\r\nx-request-id: ", std::string(200, 'b'), "\r\n")));
  client.answer().expect_status(200).expect_no_header("x-ratelimit-a").expect_no_header("x-cardea-upstream-request-id");
}

TEST(Deliver, AsksForUsageAndWithholdsItUnlessTheClientAsked) {
  TestServer server;
  auto client = server.connect();
  client.ask(ask("vendor/small", "hi", streamed));
  server.upstream()
      .expect_request()
      .expect_body(R"({"stream_options":{"include_usage":true},)" + ask("small", "hi", streamed).substr(1))
      .answer(stream_of(healthy_events()));
  EXPECT_EQ(client.answer().body.find("usage"), std::string::npos);

  client.ask(ask("vendor/small", "hi", streamed_with_usage));
  server.upstream().expect_request().expect_body(ask("small", "hi", streamed_with_usage)).answer(stream_of(healthy_events()));
  client.answer().expect_body(joined(healthy_events()));

  client.ask(ask("vendor/small", "hi", R"(,"stream":true,"stream_options":{"include_usage":false,"x":1})"));
  server.upstream()
      .expect_request()
      .expect_body(ask("small", "hi", R"(,"stream":true,"stream_options":{"include_usage":true,"x":1})"))
      .answer(stream_of(healthy_events()));
  EXPECT_EQ(client.answer().body.find("usage"), std::string::npos);
  for (const auto& record : server.records()) EXPECT_EQ(Answer::text_at(record.dump(), "output_tokens"), "2");
}

TEST(Deliver, EndsTheStreamOfAnOldClientByClosing) {
  TestServer server;
  auto client = server.connect();
  const std::string body = ask("vendor/small", "hi", streamed);
  client.send(cat("POST /v1/chat/completions HTTP/1.0\r\nHost: localhost\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
  server.upstream().expect_request().answer(stream_of(healthy_events()));
  client.answer().expect_status(200).expect_no_header("transfer-encoding").expect_header("connection", "close");
  client.expect_closed();
}

TEST(Deliver, KeepsBothConnectionsForTheNextRequest) {
  TestServer server;
  auto client = server.connect();
  for (int i = 0; i < 5; ++i) {
    client.ask(ask("vendor/small", "hi", i % 2 == 0 ? streamed : ""));
    server.upstream().expect_request().answer(i % 2 == 0 ? stream_of(healthy_events()) : response(200, completion()));
    client.answer().expect_status(200);
  }
  EXPECT_EQ(server.upstream().connections().size(), 1U);
  EXPECT_EQ(server.gauge(record::Gauge::upstream_connections_idle), 1);
  EXPECT_EQ(server.gauge(record::Gauge::upstream_connections_active), 0);
  EXPECT_EQ(server.gauge(record::Gauge::client_connections), 1);
}

// The last bytes of an answered stream may come late: the client does not wait for them, the connection is used again all the
// same.
TEST(Deliver, DoesNotWaitForTheEndBehindDone) {
  TestServer server;
  auto client = server.connect();
  client.ask(ask("vendor/small", "hi", streamed));
  Asked asked = server.upstream().expect_request();
  asked.answer(stream_head() + chunk(joined(healthy_events())));
  client.answer().expect_status(200);
  asked.answer(chunk(""));
  server.run_for(100ms);
  client.ask(ask());
  server.upstream().expect_request().answer(response(200, completion()));
  client.answer().expect_status(200);
  EXPECT_EQ(server.upstream().connections().size(), 1U);
}

TEST(Deliver, GivesUpOnAnEndThatNeverComes) {
  TestServer server;
  auto client = server.connect();
  client.ask(ask("vendor/small", "hi", streamed));
  server.upstream().expect_request().answer(stream_head() + chunk(joined(healthy_events())));
  client.answer().expect_status(200);
  server.run_for(2s);
  EXPECT_EQ(server.upstream().open(), 0U);
}

// ---- Clients that leave ----------------------------------------------------------------------------------------------------

enum class Leave : std::uint8_t { close, reset };
struct Phase {
  std::string_view name;
  bool streams;
  std::vector<std::string> said;  ///< by the upstream before the client leaves
};

TEST(Deliver, AClientThatLeavesCancelsItsUpstreamAtOnce) {
  const auto events = healthy_events();
  const Phase phases[] = {{"before the head", false, {}},
                          {"inside the head", false, {"HTTP/1.1 200 OK\r\ncontent-"}},
                          {"inside the body", false, {"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"}},
                          {"before a stream", true, {}},
                          {"behind its head", true, {stream_head()}},
                          {"behind a comment", true, {stream_head(), chunk(": ping\n\n")}},
                          {"behind the role", true, {stream_head(), chunk(events[0])}},
                          {"inside it", true, {stream_head(), chunk(events[0]), chunk(events[1])}},
                          {"inside an event", true, {stream_head(), chunk(events[0]), chunk(events[1].substr(0, 20))}}};
  for (const Phase& phase : phases) {
    for (const auto leave : {Leave::close, Leave::reset}) {
      SCOPED_TRACE(phase.name);
      TestServer server;
      auto client = server.connect();
      client.ask(ask("vendor/small", "hi", phase.streams ? streamed : ""));
      Asked asked = server.upstream().expect_request();
      for (const auto& words : phase.said) asked.answer(words);
      server.run_for(50ms);
      const auto left_at = server.world().loop().now();
      if (leave == Leave::close) client.peer().close();
      if (leave == Leave::reset) client.peer().reset();
      server.expect_until([&] { return asked.peer.ended(); }, 10s, "the end of the upstream's connection");
      EXPECT_LE(asked.peer.ended_at() - left_at, 1s);
      server.run_for(2s);
      EXPECT_EQ(server.records().size(), 1U);
      EXPECT_EQ(last_record(server, "error"), "client_closed");
      EXPECT_EQ(server.gauge(record::Gauge::in_flight_requests), 0);
      EXPECT_EQ(server.gauge(record::Gauge::client_connections), 0);
    }
  }
}

TEST(Deliver, AClientThatLeavesInsideItsBodyIsRecorded) {
  TestServer server;
  server.upstream();
  auto client = server.connect();
  const std::string whole = chat_request(ask());
  client.send(whole.substr(0, whole.size() - 5));
  server.run_for(100ms);
  client.peer().reset();
  server.run_for(1s);
  EXPECT_EQ(last_record(server, "error"), "client_closed");
  EXPECT_TRUE(server.upstream().connections().empty());
}

// A program that says all it has and closes its side may still be listening, for a moment.
TEST(Deliver, AHalfClosedClientStillHearsASwiftAnswer) {
  TestServer server;
  auto client = server.connect();
  client.ask(ask()).peer().shut_down();
  server.upstream().expect_request().answer(response(200, completion()));
  client.answer().expect_status(200);
}

// ---- Clients that dawdle ---------------------------------------------------------------------------------------------------

TEST(Deliver, ASlowReaderSlowsItsOwnUpstream) {
  TestServer server{{.faults = {.capacity = 16 * 1024}}};
  auto slow = server.connect();
  slow.peer().stop_reading();
  slow.ask(ask("vendor/small", "hi", streamed));
  Asked asked = server.upstream().expect_request();
  asked.answer(stream_head());
  constexpr int events = 2000;
  std::string all;
  for (int i = 0; i < events; ++i) {
    const std::string event = token_event(std::string(1000, static_cast<char>('a' + i % 26)));
    all += event;
    asked.answer(chunk(event));
  }
  server.run_for(30s);
  // 2.3 MB were said; what both windows hold and one read at a time is all that has left the upstream.
  EXPECT_GE(asked.peer.unsent(), all.size() - 100'000);
  slow.peer().go_on();
  asked.answer(chunk(std::string{done_event}) + chunk(""));
  EXPECT_EQ(slow.answer().body, all + std::string{done_event});
}

TEST(Deliver, AReaderThatTakesNothingIsGivenUp) {
  TestServer server{{.faults = {.capacity = 4 * 1024}}};
  auto client = server.connect();
  client.peer().stop_reading();
  client.ask(ask());
  server.upstream().expect_request().answer(response(200, completion(std::string(50'000, 'x'))));
  server.run_for(65s);
  EXPECT_EQ(last_record(server, "error"), "client_closed");
  EXPECT_EQ(server.gauge(record::Gauge::client_connections), 0);
}

// ---- Time ------------------------------------------------------------------------------------------------------------------

constexpr std::string_view hurried = R"(
timeouts: {total: 10s, inter_chunk: 8s, first_byte: 60s}
)";

struct Hurried : TestServer {
  Hurried() : TestServer{Setup{.config = cat(default_config, hurried)}} {}
};

TEST(Deliver, TheWholeRequestHasATimeOfItsOwn) {
  Hurried server;
  auto client = server.connect();
  client.ask(ask());
  Asked asked = server.upstream().expect_request();
  client.answer().expect_error(504, "server_error", "upstream_timeout");
  EXPECT_NEAR(std::stod(last_record(server, "duration_ms")), 10'000, 20);
  EXPECT_EQ(last_record(server, "error"), "upstream_timeout");
  server.run_for(10ms);
  EXPECT_TRUE(asked.peer.ended());
  client.get("/livez").answer().expect_status(200);  // the connection is not to blame
}

TEST(Deliver, AStreamThatTakesTooLongEndsInAnError) {
  Hurried server;
  auto client = server.connect();
  client.ask(ask("vendor/small", "hi", streamed));
  Asked asked = server.upstream().expect_request();
  asked.answer(stream_head());
  for (int i = 0; i < 4; ++i) {
    asked.answer(chunk(token_event("a")));
    server.run_for(3s);
  }
  client.answer().expect_error_event("upstream_timeout");
  EXPECT_NEAR(std::stod(last_record(server, "duration_ms")), 10'000, 20);
}

TEST(Deliver, ADialThatTakesTooLongIsTheUpstreamsFault) {
  TestServer server{{.config = cat(TestServer::default_config, "timeouts: {total: 2s, connect: 5s}\n")}};
  server.upstream().vanish();
  auto client = server.connect();
  client.ask(ask()).answer().expect_error(504, "server_error", "upstream_timeout");
}

TEST(Deliver, ABodyThatTakesTooLongIsTheClientsFault) {
  Hurried server;
  auto client = server.connect();
  client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{");
  client.answer().expect_error(408, "invalid_request_error", "");
  client.expect_closed();
  EXPECT_NEAR(std::stod(last_record(server, "duration_ms")), 10'000, 20);
}

}  // namespace
}  // namespace cardea::pipeline
