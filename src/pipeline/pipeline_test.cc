// The way of a request, as clients see it.

#include "pipeline/pipeline.h"

#include <gtest/gtest.h>

#include "testing/gateway/chat.h"
#include "testing/gateway/test_server.h"

namespace cardea::pipeline {
namespace {

using namespace testing;  // NOLINT: a test of conversations
using namespace std::chrono_literals;

constexpr std::string_view with_keys = R"(
discovery: off
keys: [{name: laptop, key: gw-key-0123456789}]
limits: {body_bytes: 2KiB}
providers:
  vendor: {base_url: http://upstream:8000/v1, api_key: sk-upstream-0123456789abcdef, models: [{id: small}, {id: team/big}]}
)";
constexpr std::string_view bearer = "Authorization: Bearer gw-key-0123456789\r\n";

struct Guarded : TestServer {
  Guarded() : TestServer{Setup{.config = std::string{with_keys}}} {}
};

std::string record_of(TestServer& server, std::string_view field) {
  const auto records = server.records();
  EXPECT_EQ(records.size(), 1U) << server.log_text();
  return records.empty() ? "" : Answer::text_at(records.back().dump(), field);
}

// ---- Who may ask -----------------------------------------------------------------------------------------------------------

TEST(Pipeline, RefusesStrangersOnTheHeadAlone) {
  Guarded server;
  server.upstream();
  auto client = server.connect();
  client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nContent-Length: 1000\r\n\r\n");  // and no body ever
  client.answer().expect_error(401, "authentication_error", "invalid_api_key").expect_header("www-authenticate", "Bearer");
  EXPECT_EQ(record_of(server, "error"), "unauthenticated");
  EXPECT_EQ(record_of(server, "status"), "401");
  EXPECT_EQ(record_of(server, "principal"), "(none)");
  EXPECT_TRUE(server.upstream().connections().empty());
}

TEST(Pipeline, DoesNotInviteAStrangersBody) {
  Guarded server;
  auto stranger = server.connect();
  stranger.send("POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n");
  stranger.expect_heard("\r\n\r\n");
  EXPECT_TRUE(stranger.peer().inbox().starts_with("HTTP/1.1 401 ")) << stranger.peer().inbox();
  stranger.answer().expect_status(401);
  stranger.expect_closed();

  auto known = server.connect();
  const std::string body = ask();
  known.send(cat("POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nExpect: 100-continue\r\n", bearer,
                 "Content-Length: ", body.size(), "\r\n\r\n"));
  known.expect_heard("HTTP/1.1 100 Continue\r\n\r\n");
  known.send(body);
  server.upstream().expect_request().answer(response(200, completion()));
  known.answer().expect_status(200);
}

TEST(Pipeline, TakesAKeyFromEveryCarrier) {
  Guarded server;
  auto client = server.connect();
  for (const auto* line :
       {"Authorization: Bearer gw-key-0123456789\r\n", "authorization: bearer gw-key-0123456789\r\n",
        "x-api-key: gw-key-0123456789\r\n", "API-Key:\tgw-key-0123456789\r\n", "x-goog-api-key: gw-key-0123456789\r\n"}) {
    client.get("/v1/models", line).answer().expect_status(200);
  }
  client.get("/v1/models?key=gw-key-0123456789").answer().expect_status(200);
  client
      .get("/v1/models",
           "Authorization: AWS4-HMAC-SHA256 Credential=gw-key-0123456789/20261122/us-east-1/bedrock/aws4_request, "
           "SignedHeaders=host;x-amz-date, Signature=00\r\nX-Amz-Date: 20261122T120000Z\r\n")
      .answer()
      .expect_status(200);
  client.get("/v1/models", "Authorization: Bearer gw-key-012345678\r\n")
      .answer()
      .expect_error(401, "authentication_error", "invalid_api_key");
  client.get("/v1/models?key=wrong", bearer).answer().expect_status(401);  // a bad credential never becomes "no credential"
  EXPECT_EQ(Answer::text_at(server.records().front().dump(), "principal"), "laptop");
  EXPECT_EQ(server.log_text().find("gw-key"), std::string::npos);
}

TEST(Pipeline, WithoutKeysServesThisMachineOnly) {
  TestServer server;
  auto client = server.connect();
  client.get("/v1/models").answer().expect_status(200);
  client.get("/v1/models", "Origin: http://localhost:3000\r\n")
      .answer()
      .expect_status(200)
      .expect_header("access-control-allow-origin", "http://localhost:3000");
  client.get("/v1/models", "Origin: https://evil.example\r\n")
      .answer()
      .expect_error(403, "permission_error", "")
      .expect_no_header("access-control-allow-origin");
  client.send("GET /v1/models HTTP/1.1\r\nHost: rebound.example\r\n\r\n").answer().expect_error(403, "permission_error", "");
}

// ---- What the model can take -----------------------------------------------------------------------------------------------

TEST(Pipeline, RefusesWhatTheModelIsKnownNotToTake) {
  TestServer server{{.config = R"(
discovery: off
providers:
  vendor:
    base_url: http://upstream:8000/v1
    dialect: anthropic
    api_key: sk-upstream-0123456789abcdef
    models: [{id: blind, capabilities: [tools]}, {id: unknown}]
)"}};
  constexpr std::string_view image =
      R"("messages":[{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]})";
  constexpr std::string_view answer =
      R"({"id":"m1","type":"message","role":"assistant","model":"blind","content":[{"type":"text","text":"ok"}],)"
      R"("stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}})";
  auto client = server.connect();
  const auto refused = client.ask(cat(R"({"model":"vendor/blind",)", image)).answer();
  refused.expect_error(400, "invalid_request_error", "");
  EXPECT_NE(refused.body.find("'messages[0].content[1]' cannot be said to this model (this model sees no images)"),
            std::string::npos)
      << refused.body;
  EXPECT_EQ(server.upstream().requests(), 0U);

  client.ask(cat(R"({"model":"vendor/blind",)", image), "X-Cardea-Allow-Loss: true\r\n");
  Asked allowed = server.upstream().expect_request();
  EXPECT_EQ(allowed.body.find("AAAA"), std::string::npos) << allowed.body;
  allowed.answer(response(200, answer, "content-type: application/json\r\n"));
  const auto lost = client.answer();
  lost.expect_status(200);
  EXPECT_TRUE(lost.header("x-cardea-loss").value_or("").starts_with("messages[0].content[1].image;this model sees no images"))
      << lost.head;

  client.ask(cat(R"({"model":"vendor/unknown",)", image));
  Asked unjudged = server.upstream().expect_request();
  EXPECT_NE(unjudged.body.find("AAAA"), std::string::npos) << unjudged.body;
  unjudged.answer(response(200, answer, "content-type: application/json\r\n"));
  client.answer().expect_status(200).expect_no_header("x-cardea-loss");
}

// ---- What is asked ---------------------------------------------------------------------------------------------------------

TEST(Pipeline, AnswersEverySpellingOfAPath) {
  TestServer server;
  server.upstream().answer_all(response(200, completion()));
  auto client = server.connect();
  for (const auto* path :
       {"/v1/chat/completions", "/chat/completions", "/openai/v1/chat/completions", "/openai/chat/completions"}) {
    client.send(request("POST", path, "", ask())).answer().expect_status(200);
  }
  for (const auto* path : {"/v1/models", "/models", "/openai/v1/models", "/openai/models", "/v1/models?x=1"}) {
    client.get(path).answer().expect_status(200);
  }
  for (const auto* path : {"/v1", "/v1/", "/v1/modelsx", "/v1/v1/models", "/openai", "/v2/models", "/V1/models", "/v1//models"}) {
    client.get(path).answer().expect_error(404, "invalid_request_error", "");
  }
}

TEST(Pipeline, SaysWhichMethodsAPathTakes) {
  TestServer server;
  auto client = server.connect();
  client.get("/v1/chat/completions").answer().expect_error(405, "invalid_request_error", "").expect_header("allow", "POST");
  client.send(request("DELETE", "/v1/models"))
      .answer()
      .expect_error(405, "invalid_request_error", "")
      .expect_header("allow", "GET, HEAD");
  client.send(request("BREW", "/livez")).answer().expect_status(405).expect_header("allow", "GET, HEAD");
  for (const auto& record : server.records()) EXPECT_EQ(Answer::text_at(record.dump(), "error"), "method_not_allowed");
}

TEST(Pipeline, NamesTheFieldAtFault) {
  struct Case {
    std::string body;
    unsigned status;
    std::string param;
    std::string code = "null";
  };
  const Case cases[] = {
      {"", 400, "null"},
      {"{", 400, "null"},
      {"[]", 400, "null"},
      {R"({"messages":[{"role":"user","content":"x"}]})", 400, "model"},
      {R"({"model":7,"messages":[{"role":"user","content":"x"}]})", 400, "model"},
      {R"({"model":"a","model":"vendor/small","messages":[{"role":"user","content":"x"}]})", 400, "model"},
      {R"({"model":"vendor/small"})", 400, "messages"},
      {R"({"model":"vendor/small","messages":[]})", 400, "messages"},
      {R"({"model":"vendor/small","messages":[{"role":"ghost","content":"x"}]})", 400, "messages[0].role"},
      {ask("vendor/small", "hi", R"(,"stream":"yes")"), 400, "stream"},
      {ask("nobody-knows-it"), 404, "model", "model_not_found"},
  };
  TestServer server;
  server.upstream();
  auto client = server.connect();
  for (const auto& one : cases) {
    const Answer answer = client.ask(one.body).answer();
    answer.expect_status(one.status);
    EXPECT_EQ(answer.at("error.param"), one.param) << one.body;
    EXPECT_EQ(answer.at("error.code"), one.code) << one.body;
    EXPECT_EQ(answer.at("error.type"), "invalid_request_error");
  }
  EXPECT_EQ(server.records().size(), std::size(cases));
  EXPECT_TRUE(server.upstream().connections().empty());
}

TEST(Pipeline, RefusesWhatIsTooLarge) {
  Guarded server;
  auto sized = server.connect();
  sized.ask(ask("vendor/small", std::string(4000, 'x')), bearer);
  sized.answer().expect_error(413, "invalid_request_error", "");
  auto chunked = server.connect();
  chunked.send(cat("POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\n", bearer, "Transfer-Encoding: chunked\r\n\r\n"));
  for (int i = 0; i < 5; ++i) chunked.send(chunk(std::string(1000, ' ')));
  chunked.answer().expect_error(413, "invalid_request_error", "");
  chunked.expect_closed();
  for (const auto& record : server.records()) EXPECT_EQ(Answer::text_at(record.dump(), "error"), "too_large");
}

TEST(Pipeline, TakesAChunkedBody) {
  TestServer server;
  auto client = server.connect();
  const std::string body = ask();
  client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const char c : body) client.send(chunk({&c, 1}));
  client.send(chunk(""));
  server.upstream().expect_request().expect_body(ask("small")).answer(response(200, completion()));
  client.answer().expect_status(200);
}

TEST(Pipeline, AnswersMalformedHttpOnceAndCloses) {
  for (const auto* bad :
       {"GET / HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n", "POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
    TestServer server;
    auto client = server.connect();
    client.send(bad).get("/livez");
    client.answer().expect_error(400, "invalid_request_error", "").expect_header("connection", "close");
    client.expect_closed();
    EXPECT_EQ(client.peer().inbox(), "");
    EXPECT_EQ(record_of(server, "route"), "malformed");
    EXPECT_EQ(record_of(server, "status"), "400");
  }
}

TEST(Pipeline, LogsAnEndlessMethodLikeOtherNonsense) {
  TestServer server;
  auto client = server.connect();
  client.send(cat(std::string(100, 'A'), " / HTTP/1.1\r\nHost: h\r\n\r\n")).answer().expect_status(501);
  EXPECT_EQ(record_of(server, "route"), "malformed");
  EXPECT_EQ(record_of(server, "level"), "info");
}

TEST(Pipeline, AnswersPipelinedRequestsInOrder) {
  TestServer server;
  auto client = server.connect();
  client.ask(ask("vendor/small", "first")).get("/livez").ask(ask("vendor/small", "second"));
  server.upstream().expect_request().expect_body(ask("small", "first")).answer(response(200, completion("1")));
  server.upstream().expect_request().expect_body(ask("small", "second")).answer(response(200, completion("2")));
  client.answer().expect_body(completion("1"));
  client.answer().expect_body(R"({"status":"ok"})");
  client.answer().expect_body(completion("2"));
}

// ---- Pages -----------------------------------------------------------------------------------------------------------------

TEST(Pipeline, ListsAndShowsModels) {
  Guarded server;
  auto client = server.connect();
  const Answer list = client.get("/v1/models", bearer).answer();
  list.expect_status(200).expect_header("content-type", "application/json");
  EXPECT_EQ(list.at("object"), "list");
  EXPECT_NE(list.body.find(R"("id":"vendor/small")"), std::string::npos);
  EXPECT_NE(list.body.find(R"("id":"twin/twin-1")"), std::string::npos);
  for (const auto* path : {"/v1/models/vendor/small", "/v1/models/vendor%2Fsmall", "/openai/models/vendor%2fsmall"}) {
    const Answer shown = client.get(path, bearer).answer();
    shown.expect_status(200);
    EXPECT_EQ(shown.at("id"), "vendor/small") << path;
    EXPECT_EQ(shown.at("object"), "model");
  }
  EXPECT_EQ(client.get("/v1/models/vendor/team%2Fbig", bearer).answer().at("id"), "vendor/team/big");
  client.get("/v1/models/nobody", bearer).answer().expect_error(404, "invalid_request_error", "model_not_found");
  client.get("/v1/models/vendor%2", bearer).answer().expect_error(400, "invalid_request_error", "");
}

TEST(Pipeline, ServesHeadAsGetWithoutBody) {
  TestServer server;
  auto client = server.connect();
  const Answer get = client.get("/v1/models").answer();
  const Answer head = client.send(request("HEAD", "/v1/models")).answer(wire::Method::head);
  head.expect_status(200).expect_header("content-length", cat(get.body.size())).expect_body("");
  client.send(request("HEAD", "/v1/chat/completions")).answer(wire::Method::head).expect_status(405).expect_body("");
  client.get("/livez").answer().expect_status(200);  // nothing was left in the way
}

TEST(Pipeline, PagesAboutTheGatewayAskForNoKeyButMetricsDo) {
  Guarded server;
  auto client = server.connect();
  for (const auto* path : {"/livez", "/readyz", "/health", "/status", "/health/liveliness", "/health/readiness"}) {
    client.get(path).answer().expect_status(200);
  }
  client.get("/metrics").answer().expect_error(401, "authentication_error", "invalid_api_key");
  const Answer metrics = client.get("/metrics", bearer).answer();
  metrics.expect_status(200).expect_header("content-type", record::exposition_type);
  EXPECT_NE(metrics.body.find("cardea_requests_total"), std::string::npos);
}

TEST(Pipeline, MetricsFollowTheirSettings) {
  TestServer open{{.config = cat(TestServer::default_config, "keys: [gw-key-0123456789]\nmetrics: {auth: open}\n")}};
  auto client = open.connect();
  client.get("/metrics").answer().expect_status(200);
  ASSERT_TRUE(open.reload(cat(TestServer::default_config, "metrics: {enabled: off}\n")));
  client.get("/metrics").answer().expect_error(404, "invalid_request_error", "");
  ASSERT_TRUE(open.reload(cat(TestServer::default_config, "metrics: {auth: key}\n")));
  client.get("/metrics").answer().expect_status(200);  // no key exists: this machine may
}

// ---- Browsers --------------------------------------------------------------------------------------------------------------

TEST(Pipeline, AnswersPreflights) {
  TestServer server{{.config = cat(with_keys, "allowed_origins: [\"https://app.example\"]\n")}};
  auto client = server.connect();
  const auto preflight = [&](std::string_view origin) {
    return client.send(request("OPTIONS", "/v1/chat/completions",
                               cat("Origin: ", origin, "\r\nAccess-Control-Request-Method: POST\r\n",
                                   "Access-Control-Request-Headers: authorization,content-type\r\n")));
  };
  preflight("https://app.example")
      .answer()
      .expect_status(204)
      .expect_header("access-control-allow-origin", "https://app.example")
      .expect_header("access-control-allow-methods", "GET, POST, DELETE")
      .expect_header("access-control-allow-headers", "authorization,content-type")
      .expect_no_header("content-length");
  preflight("https://evil.example")
      .answer()
      .expect_error(403, "permission_error", "")
      .expect_no_header("access-control-allow-origin");
  // A refusal must be readable by the page it is for.
  client.get("/v1/models", "Origin: https://app.example\r\n")
      .answer()
      .expect_status(401)
      .expect_header("vary", "origin")
      .expect_header("access-control-allow-origin", "https://app.example");
  client.send(request("OPTIONS", "/v1/models")).answer().expect_status(405);
}

// ---- What goes on and what does not ----------------------------------------------------------------------------------------

TEST(Pipeline, NamesEachRequest) {
  TestServer server;
  auto client = server.connect();
  client.ask(ask(), "X-Request-Id: mine-1.a_B\r\n");
  server.upstream()
      .expect_request()
      .expect_header("x-request-id", "mine-1.a_B")
      .answer(response(200, completion(), "x-request-id: theirs\r\n"));
  client.answer().expect_header("x-request-id", "mine-1.a_B");
  std::string last;
  for (const auto* given : {"", "X-Request-Id: has space\r\n", "X-Request-Id: \"quoted\"\r\n"}) {
    const Answer answer = client.get("/livez", given).answer();
    const std::string id = answer.header("x-request-id").value_or("");
    EXPECT_TRUE(id.starts_with("req_")) << id;
    EXPECT_NE(id, last);
    last = id;
  }
  const std::string endless(65, 'a');
  EXPECT_NE(client.get("/livez", cat("X-Request-Id: ", endless, "\r\n")).answer().header("x-request-id"), endless);
  EXPECT_EQ(Answer::text_at(server.records()[0].dump(), "request_id"), "mine-1.a_B");
}

TEST(Pipeline, ForwardsTracingAndNothingElseOfTheClients) {
  Guarded server;
  auto client = server.connect();
  client.ask(ask(), cat(bearer, "X-Api-Key: another-0123456789\r\n"));
  client.answer().expect_status(401);  // which one is meant?
  client.ask(ask(),
             cat(bearer,
                 "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nTracestate: a=b\r\nBaggage: k=v\r\n"
                 "OpenAI-Organization: org-1\r\nOpenAI-Project: p-1\r\nOpenAI-Beta: x=v2\r\nCookie: session=1\r\n"
                 "X-Forwarded-For: 1.2.3.4\r\nX-Twin-Status: 500\r\nUser-Agent: sdk/1\r\nAccept-Encoding: gzip\r\n"));
  Asked asked = server.upstream().expect_request();
  asked.expect_header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
      .expect_header("tracestate", "a=b")
      .expect_header("baggage", "k=v")
      .expect_header("openai-organization", "org-1")
      .expect_header("openai-project", "p-1")
      .expect_header("openai-beta", "x=v2")
      .expect_header("authorization", cat("Bearer ", TestServer::upstream_key))
      .expect_header("host", "upstream:8000")
      .expect_header("user-agent", "cardea")
      .expect_header("accept-encoding", "identity")
      .expect_header("content-type", "application/json")
      .expect_no_header("cookie")
      .expect_no_header("x-forwarded-for")
      .expect_no_header("x-twin-status");
  EXPECT_TRUE(asked.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n")) << asked.head;
  EXPECT_EQ(asked.head.find("gw-key"), std::string::npos);
  asked.answer(response(200, completion(), "content-type: application/json\r\nset-cookie: a=b\r\nserver: vendor\r\n"));
  client.answer().expect_status(200).expect_no_header("set-cookie").expect_no_header("server");
}

TEST(Pipeline, LeavesOneRecordPerRequest) {
  TestServer server;
  auto client = server.connect();
  client.ask(ask());
  Asked asked = server.upstream().expect_request();
  server.run_for(250ms);
  asked.answer(response(200, completion()));
  client.answer().expect_status(200);
  const auto records = server.records();
  ASSERT_EQ(records.size(), 1U);
  const std::string record = records[0].dump();
  const std::pair<std::string_view, std::string_view> wanted[] = {{"status", "200"},           {"route", "/v1/chat/completions"},
                                                                  {"dialect", "openai_chat"},  {"operation", "chat"},
                                                                  {"model", "vendor/small"},   {"provider", "vendor"},
                                                                  {"upstream_model", "small"}, {"response_model", "small-2026"},
                                                                  {"attempts", "1"},           {"input_tokens", "3"},
                                                                  {"output_tokens", "2"},      {"principal", "local"},
                                                                  {"error", "(none)"}};
  for (const auto& [field, value] : wanted) EXPECT_EQ(Answer::text_at(record, field), value) << field;
  EXPECT_EQ(Answer::text_at(record, "bytes_in"), cat(ask().size()));
  EXPECT_NEAR(std::stod(Answer::text_at(record, "duration_ms")), 250, 10);
  EXPECT_NEAR(std::stod(Answer::text_at(record, "overhead_ms")), 0, 1);
  EXPECT_EQ(server.gauge(record::Gauge::in_flight_requests), 0);
}

}  // namespace
}  // namespace cardea::pipeline
