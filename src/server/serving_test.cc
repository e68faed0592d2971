// A worker's life around its requests: reload, drain, limits of connections.

#include "server/serving.h"

#include <gtest/gtest.h>

#include "testing/gateway/chat.h"
#include "testing/gateway/test_server.h"

namespace cardea::server {
namespace {

using namespace testing;  // NOLINT: a test of conversations
using namespace std::chrono_literals;

constexpr std::string_view before = R"(
discovery: off
keys: [{name: old, key: gw-old-0123456789}, {name: both, key: gw-both-0123456789}]
providers:
  vendor: {base_url: http://upstream:8000/v1, api_key: sk-upstream-0123456789abcdef, models: [{id: small}]}
)";
constexpr std::string_view after = R"(
discovery: off
keys: [{name: new, key: gw-new-0123456789}, {name: both, key: gw-both-0123456789}]
limits: {body_bytes: 2KiB}
timeouts: {first_byte: 1s}
providers:
  vendor: {base_url: http://elsewhere:9000/v1, api_key: sk-upstream-0123456789abcdef, models: [{id: small}]}
)";
constexpr std::string_view old_key = "x-api-key: gw-old-0123456789\r\n";
constexpr std::string_view new_key = "x-api-key: gw-new-0123456789\r\n";
constexpr std::string_view both_key = "x-api-key: gw-both-0123456789\r\n";

std::string record_of(TestServer& server, std::size_t number, std::string_view field) {
  const auto records = server.records();
  return number < records.size() ? Answer::text_at(records[number].dump(), field) : "(no record)";
}

// ---- Reload ----------------------------------------------------------------------------------------------------------------

TEST(Serving, ARequestKeepsTheConfigurationItBeganWith) {
  TestServer server{{.config = std::string{before}}};
  server.upstream("elsewhere:9000");
  auto waiting = server.connect();
  waiting.ask(ask(), both_key);
  Asked first = server.upstream().expect_request();
  auto streaming = server.connect();
  streaming.ask(ask("vendor/small", "hi", streamed), both_key);
  Asked second = server.upstream().expect_request();
  second.answer(stream_head() + chunk(joined({std::string{role_event}, token_event("Hel")})));
  streaming.expect_heard("Hel");

  ASSERT_TRUE(server.reload(after));
  server.run_for(5s);  // longer than the new first_byte
  first.answer(response(200, completion()));
  waiting.answer().expect_status(200);
  second.answer(chunk(token_event("lo")) + chunk(cat(finish_event, done_event)) + chunk(""));
  EXPECT_EQ(streaming.answer().expect_status(200).events().size(), 5U);
  EXPECT_EQ(record_of(server, 0, "principal"), "both");

  // The next ones on the same connections see the new one.
  waiting.ask(ask(), old_key).answer().expect_status(401);
  streaming.ask(ask(), both_key);
  server.upstream("elsewhere:9000").expect_request().answer(response(200, completion()));
  streaming.answer().expect_status(200);
  streaming.ask(ask("vendor/small", std::string(4000, 'x')), new_key).answer().expect_status(413);
}

TEST(Serving, ARequestEndsWithTheKeyThatItCameWith) {
  TestServer server{{.config = std::string{before}}};
  auto waiting = server.connect();
  waiting.ask(ask(), old_key);
  Asked first = server.upstream().expect_request();
  auto streaming = server.connect();
  streaming.ask(ask("vendor/small", "hi", streamed), old_key);
  Asked second = server.upstream().expect_request();
  second.answer(stream_head() + chunk(joined({std::string{role_event}, token_event("Hel")})));
  streaming.expect_heard("Hel");

  ASSERT_TRUE(server.reload(after));
  waiting.answer().expect_error(401, "authentication_error", "invalid_api_key");
  const auto events = streaming.answer().expect_status(200).events();
  ASSERT_EQ(events.size(), 3U) << "what came, and one error";
  EXPECT_NE(events.back().find("The API key was revoked."), std::string::npos) << events.back();
}

TEST(Serving, ARequestForWhatItsKeyMayGoesOn) {
  constexpr std::string_view narrow = R"(
discovery: off
keys: [{name: narrow, key: gw-narrow-0123456789, models: [vendor/unlisted]}]
aliases: {fast: vendor/unlisted}
providers:
  vendor: {base_url: http://upstream:8000/v1, api_key: sk-upstream-0123456789abcdef, models: [{id: small}]}
)";
  TestServer server{{.config = std::string{narrow}}};
  auto client = server.connect();
  client.ask(ask("fast"), "x-api-key: gw-narrow-0123456789\r\n");
  Asked asked = server.upstream().expect_request();
  server.run_for(2s);  // callers are looked over meanwhile
  ASSERT_TRUE(server.reload(narrow));
  asked.answer(response(200, completion()));
  client.answer().expect_status(200);
}

TEST(Serving, ARequestOfWhichOnlyAPartIsThereBeginsWithTheOldOne) {
  TestServer server{{.config = std::string{before}}};
  auto client = server.connect();
  const std::string message = chat_request(ask(), both_key);
  client.send(message.substr(0, message.size() - 10));  // its head is there: it has begun
  server.run_for(10ms);
  ASSERT_TRUE(server.reload(after));
  client.send(message.substr(message.size() - 10));
  server.upstream().expect_request().answer(response(200, completion()));
  client.answer().expect_status(200);

  auto late = server.connect();
  late.send("GET /v1/models HTTP/1.1\r\n");
  server.run_for(10ms);
  ASSERT_TRUE(server.reload(before));
  late.send(cat("Host: h\r\n", old_key, "\r\n"));
  late.answer().expect_status(200);
}

TEST(Serving, ABadReloadChangesNothing) {
  TestServer server{{.config = std::string{before}}};
  auto client = server.connect();
  for (const auto* bad :
       {"listen: [nonsense", "limits: {body_bytes: -1}", "providers: {vendor: {base_url: \"ftp://x\"}}", "unknown: 1"}) {
    EXPECT_FALSE(server.reload(bad)) << bad;
    client.get("/v1/models", old_key).answer().expect_status(200);
    client.get("/v1/models").answer().expect_status(401);
  }
}

TEST(Serving, ReloadsUnderLoadLoseNothing) {
  TestServer server{{.faults = {.split_max = 500, .delay_max = 5ms}, .config = std::string{before}}};
  const auto slowly = [](Asked&) { return response(200, completion()); };
  server.upstream().answer_all(slowly);
  server.upstream("elsewhere:9000").answer_all(slowly);
  std::vector<Client> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(server.connect());
  for (int round = 0; round < 20; ++round) {
    for (auto& client : clients) client.ask(ask(), both_key);
    server.run_for(std::chrono::milliseconds{round});
    ASSERT_TRUE(server.reload(round % 2 == 0 ? after : before));
    for (auto& client : clients) client.answer().expect_status(200).expect_body(completion());
  }
  EXPECT_EQ(server.records().size(), 200U);
}

// ---- Drain -----------------------------------------------------------------------------------------------------------------

TEST(Serving, ADrainLetsWhatIsUnderWayFinish) {
  TestServer server;
  auto waiting = server.connect();
  waiting.ask(ask());
  Asked first = server.upstream().expect_request();
  auto streaming = server.connect();
  streaming.ask(ask("vendor/small", "hi", streamed));
  Asked second = server.upstream().expect_request();
  second.answer(stream_head() + chunk(cat(role_event, token_event("Hel"))));
  streaming.expect_heard("Hel");
  auto idle = server.connect();
  idle.get("/readyz").answer().expect_status(200).expect_no_header("connection");

  server.drain(30s);
  auto newcomer = server.connect();
  newcomer.get("/livez");
  EXPECT_EQ(newcomer.answer().status, 0U);
  EXPECT_EQ(newcomer.peer().ending(), Peer::Ending::refused);
  // A client that was just sending is not cut off, and learns that it is the last time.
  idle.get("/readyz").answer().expect_status(503).expect_header("connection", "close");
  idle.expect_closed();

  server.run_for(20s);
  EXPECT_FALSE(server.drained());
  first.answer(response(200, completion()));
  waiting.answer().expect_status(200).expect_header("connection", "close");
  second.answer(chunk(cat(token_event("lo"), finish_event, done_event)) + chunk(""));
  EXPECT_EQ(streaming.answer().expect_status(200).events().back(), "[DONE]");
  server.expect_until([&] { return server.drained(); }, 3s, "the end of the drain");
}

TEST(Serving, ADrainClosesIdleConnectionsAfterAMoment) {
  TestServer server;
  auto fresh = server.connect();
  auto used = server.connect();
  used.get("/livez").answer().expect_status(200);
  server.run_for(10ms);
  server.drain(30s);
  server.run_for(500ms);
  EXPECT_FALSE(fresh.peer().ended());
  server.run_for(600ms);
  EXPECT_EQ(fresh.peer().ending(), Peer::Ending::orderly);
  EXPECT_EQ(used.peer().ending(), Peer::Ending::orderly);
  EXPECT_TRUE(server.drained());
}

TEST(Serving, ADrainEndsWhatDoesNotFinish) {
  TestServer server;
  auto waiting = server.connect();
  waiting.ask(ask());
  Asked first = server.upstream().expect_request();
  auto streaming = server.connect();
  streaming.ask(ask("vendor/small", "hi", streamed));
  Asked second = server.upstream().expect_request();
  second.answer(stream_head() + chunk(cat(role_event, token_event("Hel"))));
  streaming.expect_heard("Hel");
  auto sending = server.connect();
  sending.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
  server.run_for(10ms);

  server.drain(5s);
  server.run_for(4900ms);
  EXPECT_FALSE(waiting.peer().ended());
  server.run_for(200ms);
  waiting.answer().expect_error(503, "server_error", "").expect_header("retry-after", "1").expect_header("connection", "close");
  streaming.answer().expect_error_event("null");
  sending.answer().expect_error(503, "server_error", "");
  EXPECT_TRUE(first.peer.ended());
  EXPECT_TRUE(second.peer.ended());
  server.run_for(3s);
  EXPECT_TRUE(server.drained());
  ASSERT_EQ(server.records().size(), 3U);
  for (const auto& record : server.records()) EXPECT_EQ(Answer::text_at(record.dump(), "error"), "unavailable");
}

TEST(Serving, ASecondDrainHurriesTheFirst) {
  TestServer server;
  auto client = server.connect();
  client.ask(ask());
  Asked asked = server.upstream().expect_request();
  server.drain(1h);
  server.run_for(1min);
  EXPECT_FALSE(client.peer().ended());
  server.drain(net::Duration::zero());
  client.answer().expect_error(503, "server_error", "");
  server.run_for(3s);
  EXPECT_TRUE(server.drained());
}

TEST(Serving, RetiringEndsTheTwinsConnectionsToo) {
  TestServer server;
  auto client = server.connect();
  client.ask(ask("twin/echo")).answer().expect_status(200);
  EXPECT_EQ(server.gauge(record::Gauge::upstream_connections_idle), 1);
  EXPECT_FALSE(server.serving().retired());
  EXPECT_EQ(server.end(), "");
  EXPECT_TRUE(server.serving().retired());
}

// ---- Connections -----------------------------------------------------------------------------------------------------------

TEST(Serving, AFullHouseRefusesUntilSomebodyLeaves) {
  TestServer server{{.connections_max = 2}};
  auto first = server.connect();
  auto second = server.connect();
  first.get("/livez").answer().expect_status(200);
  second.get("/livez").answer().expect_status(200);
  auto third = server.connect();
  EXPECT_EQ(third.get("/livez").answer().status, 0U);
  first.get("/livez").answer().expect_status(200);
  first.peer().close();
  server.run_for(10ms);
  auto fourth = server.connect();
  fourth.get("/livez").answer().expect_status(200);
  EXPECT_EQ(server.gauge(record::Gauge::client_connections), 2);
}

TEST(Serving, IdleAndDawdlingClientsAreSentAway) {
  TestServer server{{.config = cat(TestServer::default_config, "timeouts: {idle: 20s, header: 3s, body: 5s}\n")}};
  auto idle = server.connect();
  idle.get("/livez").answer().expect_status(200);
  auto slow_head = server.connect();
  slow_head.send("GET /livez HT");
  auto slow_body = server.connect();
  slow_body.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
  slow_head.answer().expect_error(408, "invalid_request_error", "");
  EXPECT_NEAR(std::chrono::duration<double>(server.world().elapsed()).count(), 3, 0.1);
  slow_body.answer().expect_error(408, "invalid_request_error", "");
  EXPECT_NEAR(std::chrono::duration<double>(server.world().elapsed()).count(), 5, 0.1);
  idle.expect_closed();
  EXPECT_NEAR(std::chrono::duration<double>(server.world().elapsed()).count(), 20, 0.1);
}

// Every operation of a whole conversation fails once: nothing hangs, nothing is left, whatever is answered is right.
TEST(Serving, TheNthFailureIsSurvivedForEveryN) {
  for (const auto more : {std::string_view{}, streamed}) {
    std::uint64_t operations = 1;
    for (std::uint64_t n = 1; n <= operations; ++n) {
      SCOPED_TRACE(n);
      TestServer server{{.faults = {.split_max = 300, .fail_operation = n}}};
      server.upstream().answer_all(more.empty() ? response(200, completion()) : stream_of(healthy_events()));
      for (int i = 0; i < 2; ++i) {
        auto client = server.connect();
        const Answer answer = client.ask(ask("vendor/small", "hi", more)).answer();
        if (answer.whole && answer.status == 200 && more.empty()) answer.expect_body(completion());
        const auto events = answer.events();
        if (answer.whole && answer.status == 200 && !more.empty() && events.back() != "[DONE]")
          answer.expect_error_event("upstream_reset");
        client.peer().close();
      }
      operations = server.world().network().operations();
      EXPECT_EQ(server.end(), "");
      ASSERT_FALSE(::testing::Test::HasFailure());
    }
    EXPECT_GT(operations, 10U);
  }
}

}  // namespace
}  // namespace cardea::server
