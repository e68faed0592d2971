// What an upstream is sent: the client's own bytes, and the edits that are declared.

#include <gtest/gtest.h>

#include "execute/upstream.h"
#include "testing/gateway/chat.h"
#include "testing/gateway/test_server.h"
#include "testing/golden.h"

namespace cardea::execute {
namespace {

using namespace testing;  // NOLINT: a test of conversations
using namespace std::chrono_literals;

constexpr std::string_view config = R"(
discovery: off
providers:
  vendor: {base_url: http://upstream:8000/v1, api_key: sk-upstream-0123456789abcdef, models: [{id: small}]}
  quirky:
    base_url: http://upstream:8000/api/v3
    api_key: sk-upstream-0123456789abcdef
    auth: {type: header, header: x-quirky-key}
    headers: {x-version: "7"}
    quirks: {max_tokens_field: max_tokens, stream_options: off, drop_fields: [logit_bias, user], rename_fields: {seed: random_seed}}
    models: [{id: q1}]
models:
  - {name: alias-model, endpoint: "http://upstream:8000/v1", upstream_model: "Org/Real Name", api_key: sk-upstream-0123456789abcdef}
aliases: {fast: vendor/small}
)";

/// Every case: src/execute/testdata/CASE/{request.json, upstream_request.txt}.
TEST(Forward, SendsTheClientsBytesAndTheEdits) {
  const auto all = cases("src/execute/testdata");
  ASSERT_GE(all.size(), 8U);
  TestServer server{{.config = std::string{config}}};
  server.upstream();
  for (const auto& name : all) {
    SCOPED_TRACE(name);
    const std::string folder = cat("src/execute/testdata/", name);
    auto client = server.connect();
    client.ask(read_testdata(cat(folder, "/request.json")), "x-request-id: golden\r\n");
    Asked asked = server.upstream().expect_request();
    EXPECT_EQ(golden(cat(folder, "/upstream_request.txt"), asked.head + asked.body), "");
    asked.peer.close();
    static_cast<void>(client.answer());
  }
}

// Nothing is lost between the cases: every byte outside the edits is the client's, however long the body and however it arrives.
TEST(Forward, LeavesALongBodyAsItIs) {
  TestServer server{{.faults = {.split_max = 3000, .capacity = 8 * 1024}, .config = std::string{config}}};
  std::string text;
  Random random{4};
  for (int i = 0; i < 30'000; ++i) text += cat(i, i % 3 == 0 ? "\\u00e9" : i % 5 == 0 ? "\xF0\x9F\x98\x80" : "\\n");
  auto client = server.connect();
  client.ask(ask("vendor/small", text, R"(,"unknown":{"deep":[1e400,-0.0,18446744073709551616]})"));
  server.upstream()
      .expect_request()
      .expect_body(ask("small", text, R"(,"unknown":{"deep":[1e400,-0.0,18446744073709551616]})"))
      .answer(response(200, completion()));
  client.answer().expect_status(200);
}

// A provider whose chats are elsewhere and whose body deviates, as Anthropic's on Vertex: on the way through and translated.
TEST(Forward, KeepsTheProvidersRulesInBodiesMadeForIt) {
  TestServer server{{.config = R"(
discovery: off
providers:
  far:
    base_url: http://upstream:8000/v1/projects/p?tier=1
    dialect: bedrock
    chat_path: /models/{model}:predict
    stream_path: /models/{model}:streamPredict
    quirks: {drop_fields: [inferenceConfig], rename_fields: {system: instructions}, set_fields: {api_version: 'v"1'}}
  near:
    base_url: http://upstream:8000/v1
    quirks: {drop_fields: [model, seed], set_fields: {api_version: v1}}
)"}};
  auto client = server.connect();
  client.ask(
      R"({"model":"far/some@1","max_tokens":5,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]})");
  auto translated = server.upstream().expect_request();
  EXPECT_EQ(translated.head.substr(0, translated.head.find("\r\n")), "POST /v1/projects/p/models/some@1:predict?tier=1 HTTP/1.1");
  EXPECT_EQ(
      translated.body,
      R"({"api_version":"v\"1","messages":[{"role":"user","content":[{"text":"Hi"}]}],"instructions":[{"text":"Be brief."}]})");
  translated.peer.close();
  static_cast<void>(client.answer());
  client.ask(R"({"model":"near/x","seed":1,"messages":[{"role":"user","content":"Hi"}]})");
  auto forwarded = server.upstream().expect_request();
  EXPECT_EQ(forwarded.body, R"({"api_version":"v1","messages":[{"role":"user","content":"Hi"}]})");
  forwarded.peer.close();
  static_cast<void>(client.answer());
}

TEST(Forward, BringsTheAnswerBackAsItIs) {
  TestServer server;
  auto client = server.connect();
  const std::string odd =
      " \r\n{\"choices\" : [ {\"message\":{\"content\":\"\\u0041\xF0\x9F\x98\x80\"},\"x_new\":18446744073709551616} ] "
      ",\t\"vendor\":null }\n";
  client.ask(ask());
  server.upstream().expect_request().answer(response(200, odd, "Content-Type: application/json; charset=utf-8\r\n"));
  client.answer().expect_status(200).expect_body(odd);
}

TEST(Forward, LeadsModelsOfOneOriginOverOneConnection) {
  TestServer server{{.config = std::string{config}}};
  server.upstream().answer_all(response(200, completion()));
  auto client = server.connect();
  for (const auto* model : {"vendor/small", "quirky/q1", "alias-model", "fast"})
    client.ask(ask(model)).answer().expect_status(200);
  EXPECT_EQ(server.upstream().connections().size(), 1U);
  EXPECT_EQ(server.upstream().requests(), 4U);
}

TEST(Forward, KnowsWhereEachSchemeLeads) {
  using Scheme = net::Origin::Scheme;
  EXPECT_EQ(origin_of({catalog::Scheme::https, "api.example", 443}), (net::Origin{Scheme::tls, "api.example", 443}));
  EXPECT_EQ(origin_of({catalog::Scheme::http, "h", 80}), (net::Origin{Scheme::plain, "h", 80}));
  EXPECT_EQ(origin_of({catalog::Scheme::unix_socket, "/run/x", 0}), (net::Origin{Scheme::unix, "/run/x", 0}));
  EXPECT_EQ(origin_of({catalog::Scheme::twin, "", 0}), (net::Origin{Scheme::memory, "twin", 0}));
}

}  // namespace
}  // namespace cardea::execute
