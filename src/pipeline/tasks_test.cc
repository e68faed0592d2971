// Embeddings, ranks, moderations and tokens as clients meet them, whole conversations in process.

#include <gtest/gtest.h>

#include "testing/gateway/chat.h"
#include "testing/gateway/test_server.h"

namespace cardea::pipeline {
namespace {

using namespace testing;  // NOLINT: a test of conversations

TestServer::Setup setup() {
  return {.config = R"(
discovery: off
providers:
  vendor:
    base_url: http://upstream:8000/v1
    api_key: sk-upstream-0123456789abcdef
    models: [{id: small}, {id: vectors, type: embedding}, {id: painter, type: image}, {id: dear, price: {input: 1, output: 2}, as_of: "2026-01-01", source: "https://example.com"}]
  google:
    dialect: gemini
    base_url: http://google:8000/v1beta
    api_key: sk-google-0123456789abcdef
    models: [{id: g}]
  co:
    dialect: cohere
    base_url: http://cohere:8000/v2
    api_key: sk-cohere-0123456789abcdef
    models: [{id: c}]
  local:
    dialect: ollama
    base_url: http://ollama:8000
    models: [{id: o}]
  tei:
    base_url: http://tei:8000
    tasks: {embeddings: tei, rerank: tei}
    models: [{id: t}]
  ann:
    dialect: anthropic
    base_url: http://ann:8000/v1
    api_key: sk-ann-0123456789abcdef
    models: [{id: a}]
)"};
}

void post(Client& client, std::string_view path, std::string_view body, Lines lines = "") {
  client.send(request("POST", path, lines, body));
}

constexpr std::string_view vector_answer =
    R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5, -0.25]}],"model":"v-2","usage":{"prompt_tokens":3,"total_tokens":3}, "x":1.50})";

TEST(Tasks, TheSameFormatPassesToTheByte) {
  TestServer server{setup()};
  auto client = server.connect();
  post(client, "/v1/embeddings",
       R"({ "model": "vendor/vectors", "input":["\u00e9"],"encoding_format":"float", "own":{"a":[1.0]} })");
  auto asked = server.upstream().expect_request();
  EXPECT_TRUE(asked.head.starts_with("POST /v1/embeddings HTTP/1.1\r\n")) << asked.head;
  asked.expect_header("authorization", "Bearer sk-upstream-0123456789abcdef")
      .expect_body(R"({ "model": "vectors", "input":["\u00e9"],"encoding_format":"float", "own":{"a":[1.0]} })")
      .answer(response(200, vector_answer, "content-type: application/json\r\nx-ratelimit-remaining-requests: 7\r\n"));
  client.answer()
      .expect_status(200)
      .expect_body(vector_answer)
      .expect_no_header("x-cardea-loss")
      .expect_header("x-ratelimit-remaining-requests", "7");
  const auto record = server.records().back().dump();
  EXPECT_EQ(Answer::text_at(record, "operation"), "embeddings") << record;
  EXPECT_EQ(Answer::text_at(record, "provider"), "vendor");
  EXPECT_NE(record.find("\"v-2\""), std::string::npos) << record;
  EXPECT_NE(record.find(":3"), std::string::npos) << record;
}

TEST(Tasks, EveryVendorIsAskedInItsOwnWords) {
  struct Case {
    std::string_view model, upstream, line, asked, told;
  };
  constexpr std::string_view numbers = "[0.5,-0.25]";
  const Case cases[] = {
      {"google/g", "google:8000", "POST /v1beta/models/g:batchEmbedContents ",
       R"({"requests":[{"model":"models/g","content":{"parts":[{"text":"hi"}]}}]})",
       R"({"embeddings":[{"values":[0.5, -0.25]}]})"},
      {"co/c", "cohere:8000", "POST /v2/embed ",
       R"({"model":"c","texts":["hi"],"input_type":"search_document","embedding_types":["float"]})",
       R"({"id":"1","embeddings":{"float":[[0.5,-0.25]]},"texts":["hi"],"meta":{"billed_units":{"input_tokens":2}}})"},
      {"local/o", "ollama:8000", "POST /api/embed ", R"({"model":"o","input":["hi"]})",
       R"({"model":"o","embeddings":[[0.5,-0.25]],"prompt_eval_count":2})"},
      {"tei/t", "tei:8000", "POST /embed ", R"({"inputs":["hi"]})", "[[0.5,-0.25]]"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.model);
    TestServer server{setup()};
    auto client = server.connect();
    for (const bool base64 : {false, true}) {
      post(client, "/v1/embeddings",
           cat(R"({"model":")", one.model, R"(","input":"hi")", base64 ? R"(,"encoding_format":"base64"})" : "}"));
      auto asked = server.upstream(std::string{one.upstream}).expect_request();
      EXPECT_TRUE(asked.head.starts_with(one.line)) << asked.head;
      asked.expect_body(one.asked).answer(response(200, one.told));
      const auto answer = client.answer();
      answer.expect_status(200);
      const auto wanted = base64 ? std::string{R"("AAAAPwAAgL4=")"} : std::string{numbers};
      EXPECT_NE(answer.body.find(cat(R"("embedding":)", wanted, '}')), std::string::npos) << answer.body;
      EXPECT_EQ(Answer::text_at(answer.body, "object"), "list");
    }
  }
}

TEST(Tasks, EveryClientHearsItsOwnWords) {
  struct Case {
    std::string_view path, asked, told;
  };
  const Case cases[] = {
      {"/v1beta/models/vendor%2Fvectors:embedContent", R"({"content":{"parts":[{"text":"hi"}]}})",
       R"({"embedding":{"values":[0.5,-0.25]},"usageMetadata":{"promptTokenCount":3}})"},
      {"/v1beta/models/vendor%2Fvectors:batchEmbedContents",
       R"({"requests":[{"model":"models/x","content":{"parts":[{"text":"hi"}]}}]})",
       R"({"embeddings":[{"values":[0.5,-0.25]}],"usageMetadata":{"promptTokenCount":3}})"},
      {"/api/embed", R"({"model":"vendor/vectors","input":"hi"})",
       R"({"model":"v-2","embeddings":[[0.5,-0.25]],"prompt_eval_count":3})"},
      {"/api/embeddings", R"({"model":"vendor/vectors","prompt":"hi"})", R"({"embedding":[0.5,-0.25]})"},
      {"/embed", R"({"model":"vendor/vectors","inputs":"hi"})", "[[0.5,-0.25]]"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.path);
    TestServer server{setup()};
    auto client = server.connect();
    post(client, one.path, one.asked);
    server.upstream().expect_request().expect_body(R"({"model":"vectors","input":["hi"]})").answer(response(200, vector_answer));
    client.answer().expect_status(200).expect_body(one.told);
  }
}

TEST(Tasks, CoheresClientHearsWhatWasLost) {
  TestServer server{setup()};
  auto client = server.connect();
  constexpr std::string_view body =
      R"({"model":"vendor/vectors","texts":["hi"],"input_type":"search_query","embedding_types":["int8"]})";
  post(client, "/v2/embed", body);
  const auto refused = client.answer();
  refused.expect_status(400);
  EXPECT_NE(refused.at("message").find("'embedding_types'"), std::string::npos) << refused.body;
  post(client, "/v2/embed", body, "x-cardea-allow-loss: true\r\n");
  server.upstream().expect_request().answer(response(200, vector_answer));
  const auto answer = client.answer();
  answer.expect_status(200);
  const auto lost = answer.header("x-cardea-loss").value_or("");
  EXPECT_NE(lost.find("embedding_types;"), std::string::npos) << lost;
  EXPECT_NE(lost.find("input_type;"), std::string::npos) << lost;
  EXPECT_NE(answer.body.find(R"("embeddings":{"float":[[0.5,-0.25]]})"), std::string::npos) << answer.body;
}

TEST(Tasks, Ranks) {
  TestServer server{setup()};
  auto client = server.connect();
  // Cohere's client, TEI's server: the best are cut out here.
  post(client, "/v2/rerank", R"({"model":"tei/t","query":"q","documents":["a","b","c"],"top_n":2})");
  server.upstream("tei:8000")
      .expect_request()
      .expect_body(R"({"query":"q","texts":["a","b","c"]})")
      .answer(response(200, R"([{"index":0,"score":0.1},{"index":2,"score":0.9},{"index":1,"score":0.5}])"));
  const auto best = client.answer();
  best.expect_status(200);
  EXPECT_NE(best.body.find(R"("results":[{"index":2,"relevance_score":0.9},{"index":1,"relevance_score":0.5}])"),
            std::string::npos)
      << best.body;
  // Jina's client, Cohere's server: the documents are the client's own.
  post(client, "/v1/rerank", R"({"model":"co/c","query":"q","documents":["a","b"]})");
  server.upstream("cohere:8000")
      .expect_request()
      .expect_body(R"({"model":"c","query":"q","documents":["a","b"]})")
      .answer(response(200, R"({"id":"r","results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.1}],)"
                            R"("meta":{"billed_units":{"search_units":1}}})"));
  client.answer().expect_status(200).expect_body(
      R"({"id":"r","model":"co/c","results":[{"index":1,"document":{"text":"b"},"relevance_score":0.9},)"
      R"({"index":0,"document":{"text":"a"},"relevance_score":0.1}],"meta":{"billed_units":{"search_units":1}}})");
  // TEI's own words at a path that it shares.
  post(client, "/rerank", R"({"model":"tei/t","query":"q","texts":["a"]})");
  server.upstream("tei:8000")
      .expect_request()
      .expect_body(R"({"query":"q","texts":["a"]})")
      .answer(response(200, R"([{"index":0,"score":1}])"));
  client.answer().expect_status(200).expect_body(R"([{"index":0,"score":1}])");
}

TEST(Tasks, TokensAreAskedForAtTheRoot) {
  TestServer server{setup()};
  auto client = server.connect();
  post(client, "/tokenize", R"({"model":"vendor/small","prompt":"hi"})");
  auto asked = server.upstream().expect_request();
  EXPECT_TRUE(asked.head.starts_with("POST /tokenize HTTP/1.1\r\n")) << asked.head;
  asked.answer(response(200, R"({"count":1,"max_model_len":8,"tokens":[7]})"));
  client.answer().expect_status(200).expect_body(R"({"count":1,"max_model_len":8,"tokens":[7]})");
}

TEST(Tasks, ModerationsNeedNoModel) {
  TestServer server{{.config = R"(
discovery: off
providers:
  vendor: {base_url: "http://upstream:8000/v1", api_key: sk-upstream-0123456789abcdef, models: [{id: mod, type: moderation}]}
aliases: {omni-moderation-latest: vendor/mod}
)"}};
  auto client = server.connect();
  post(client, "/v1/moderations", R"({"input":"x"})");
  server.upstream()
      .expect_request()
      .expect_body(R"({"model":"mod","input":"x"})")
      .answer(response(
          200,
          R"({"id":"m","model":"mod","results":[{"flagged":false,"categories":{"violence":false},"category_scores":{"violence":0.1}}]})"));
  client.answer().expect_status(200);
  EXPECT_EQ(Answer::text_at(server.records().back().dump(), "operation"), "moderation");
}

/// Anthropic's clients send their header everywhere; it names no other path where Anthropic has none.
TEST(Tasks, AnotherVendorsHeaderChangesNothing) {
  TestServer server{setup()};
  auto client = server.connect();
  post(client, "/v1/embeddings", R"({"model":"vendor/vectors","input":"hi"})", "anthropic-version: 2023-06-01\r\n");
  server.upstream().expect_request().answer(response(200, vector_answer));
  client.answer().expect_status(200).expect_body(vector_answer);
}

TEST(Tasks, AModelOfAnotherKindIsNamed) {
  TestServer server{setup()};
  auto client = server.connect();
  for (const auto& [model, why] : {std::pair{"vendor/painter", "an image model"}, std::pair{"vendor/dear", "a chat model"},
                                   std::pair{"ann/a", "has no embeddings"}}) {
    post(client, "/v1/embeddings", cat(R"({"model":")", model, R"(","input":"x"})"));
    const auto answer = client.answer();
    answer.expect_status(400);
    EXPECT_EQ(answer.at("error.param"), "model");
    EXPECT_NE(answer.at("error.message").find(why), std::string::npos) << answer.body;
  }
}

TEST(Tasks, ErrorsSpeakTheClientsDialect) {
  TestServer server{setup()};
  auto client = server.connect();
  // The upstream's own, in the same words and in others.
  constexpr std::string_view theirs =
      R"({"error":{"message":"too many tokens","type":"invalid_request_error","param":"input","code":null}})";
  post(client, "/v1/embeddings", R"({"model":"vendor/vectors","input":"x"})");
  server.upstream().expect_request().answer(response(400, theirs));
  client.answer().expect_status(400).expect_body(theirs);
  post(client, "/v2/embed", R"({"model":"vendor/vectors","texts":["x"],"input_type":"search_document"})");
  server.upstream().expect_request().answer(response(429, theirs, "content-type: application/json\r\nretry-after: 3\r\n"));
  const auto limited = client.answer();
  limited.expect_status(429).expect_header("retry-after", "3");
  EXPECT_NE(limited.at("message").find("too many tokens"), std::string::npos) << limited.body;
  // What is no answer.
  for (const std::string_view told :
       {"<html>", R"({"data":[]})", R"({"data":[{"index":5,"embedding":[1]}]})", R"({"ok":true})"}) {
    post(client, "/api/embed", R"({"model":"vendor/vectors","input":"x"})");
    server.upstream().expect_request().answer(response(200, told));
    const auto broken = client.answer();
    broken.expect_status(502);
    EXPECT_NE(broken.at("error"), "(none)") << broken.body;
  }
  // The client's own.
  post(client, "/v1beta/models/vendor%2Fvectors:embedContent", R"({"content":{}})");
  const auto wrong = client.answer();
  wrong.expect_status(400);
  EXPECT_EQ(wrong.at("error.status"), "INVALID_ARGUMENT") << wrong.body;
  post(client, "/v1/embeddings", R"({"model":"nobody/x","input":"x"})");
  client.answer().expect_status(404);
}

TEST(Tasks, AnUnknownFormIsAnErrorOfTheConfiguration) {
  const auto load = [](std::string_view tasks) {
    return TestServer{{.config = cat("discovery: off\nproviders:\n  v: {base_url: \"http://upstream:8000/v1\", tasks: ", tasks,
                                     ", models: [{id: m}]}\n")}};
  };
  EXPECT_THROW(load("{rerank: nonsense}"), std::runtime_error);
  EXPECT_THROW(load("{dancing: tei}"), std::runtime_error);
}

}  // namespace
}  // namespace cardea::pipeline
