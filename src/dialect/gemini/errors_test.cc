#include <gtest/gtest.h>

#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/gemini/models.h"
#include "json/value.h"

namespace cardea::dialect {
namespace {

const Dialect& dut = gemini();

TEST(GeminiErrors, HaveGooglesShape) {
  EXPECT_EQ(
      dut.error_body(Error{Kind::bad_request, "bad", "contents[0].role"}, "id"),
      R"({"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT","details":[)"
      R"({"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"contents[0].role","description":"bad"}]}]}})");
  EXPECT_EQ(dut.error_body(Error{Kind::rate_limited, Error::Detail{.message = "slow", .retry_after = "7"}}, "id"),
            R"({"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED","details":[)"
            R"({"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"7s"}]}})");
  struct Row {
    Kind kind;
    std::string_view status;
  };
  for (const auto& [kind, status] : {Row{Kind::unauthenticated, "UNAUTHENTICATED"}, Row{Kind::forbidden, "PERMISSION_DENIED"},
                                     Row{Kind::not_found, "NOT_FOUND"}, Row{Kind::internal, "INTERNAL"},
                                     Row{Kind::unavailable, "UNAVAILABLE"}, Row{Kind::upstream_timeout, "DEADLINE_EXCEEDED"},
                                     Row{Kind::too_large, "INVALID_ARGUMENT"}, Row{Kind::not_implemented, "UNIMPLEMENTED"}}) {
    EXPECT_NE(dut.error_body(Error{kind}, "").find(cat("\"status\":\"", status, '"')), std::string::npos) << status;
  }
}

TEST(GeminiErrors, InStreams) {
  const Error error{Kind::unavailable, "gone"};
  const std::string body = R"({"error":{"code":503,"message":"gone","status":"UNAVAILABLE"}})";
  EXPECT_EQ(dut.stream_error(error, "id", Framing::sse), cat("data: ", body, "\n\n"));
  EXPECT_EQ(dut.stream_error(error, "id", Framing::json_array), cat(",\r\n", body, ']'));
}

Error upstream(int status, std::string_view body, std::string_view retry_after = {}) {
  return dut.upstream_error({.status = status, .body = body, .content_type = "application/json", .retry_after = retry_after},
                            Secret{"sk-secret"});
}

TEST(GeminiErrors, OfUpstreamsKeepTheirClass) {
  const auto limited = upstream(
      429,
      R"([{"error":{"code":429,"message":"quota sk-secret","status":"RESOURCE_EXHAUSTED","details":[{"@type":"x","retryDelay":"34.07s"}]}}])");
  EXPECT_EQ(limited.kind(), Kind::rate_limited);
  EXPECT_EQ(limited.detail().retry_after, "35");
  EXPECT_EQ(limited.message().find("sk-secret"), std::string_view::npos);
  EXPECT_EQ(limited.detail().body.find("sk-secret"), std::string_view::npos);
  EXPECT_TRUE(limited.detail().body.starts_with(R"({"error":{"code":429)")) << limited.detail().body;
  EXPECT_EQ(limited.detail().code, "RESOURCE_EXHAUSTED");

  EXPECT_EQ(upstream(404, R"({"error":{"code":404,"message":"no such model","status":"NOT_FOUND"}})").http_status(), 404);
  EXPECT_EQ(upstream(429, R"({"error":{"code":429,"message":"m"}})", "9").detail().retry_after, "9");
  // A wrong key of the gateway's is not the client's fault, whatever the status.
  const auto key = upstream(400, R"({"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[
    {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}})");
  EXPECT_EQ(key.kind(), Kind::upstream_auth);
  EXPECT_EQ(key.message().find("API key"), std::string_view::npos);
  EXPECT_EQ(upstream(403, "{}").kind(), Kind::upstream_auth);
  EXPECT_EQ(upstream(503, "<html>").kind(), Kind::upstream_failed);
  EXPECT_EQ(upstream(500, "[]").kind(), Kind::upstream_failed);
}

TEST(GeminiModels, AreListedInPages) {
  const google::ListedModel models[] = {{.id = "a", .input_token_limit = 5, .output_token_limit = 6, .thinking = true},
                                        {.id = "b/c", .display_name = "B", .description = "d", .version = "2"},
                                        {.id = "e", .chat = false, .embeddings = true}};
  EXPECT_EQ(google::model_body(models[0]),
            R"({"name":"models/a","baseModelId":"a","version":"001","displayName":"a","inputTokenLimit":5,"outputTokenLimit":6,)"
            R"("supportedGenerationMethods":["generateContent","streamGenerateContent","countTokens"],"thinking":true})");
  std::vector<std::string> names;
  std::string token;
  do {
    auto body = google::models_body(models, "2", token);
    ASSERT_TRUE(body);
    auto value = json::parse(*body);
    for (const auto& model : value->find("models")->elements()) names.push_back(*model.find("name")->as_string());
    const auto* next = value->find("nextPageToken");
    token = next != nullptr ? *next->as_string() : "";
  } while (!token.empty());
  EXPECT_EQ(names, (std::vector<std::string>{"models/a", "models/b/c", "models/e"}));
  EXPECT_EQ(*google::models_body({}, "", ""), R"({"models":[]})");
  EXPECT_EQ(google::models_body(models, "x", "").error().detail().param, "pageSize");
  EXPECT_EQ(google::models_body(models, "", "models/z").error().detail().param, "pageToken");
  EXPECT_NE(google::models_body(models, "0", "")->find("models/e"), std::string::npos);
}

TEST(GeminiModels, CountTokens) {
  EXPECT_EQ(google::count_tokens_body(31), R"({"totalTokens":31})");
  EXPECT_EQ(google::count_tokens_body(31, 4), R"({"totalTokens":31,"cachedContentTokenCount":4})");
  EXPECT_EQ(dut.count_body(31), R"({"totalTokens":31})");
  EXPECT_EQ(dut.count_target("models/x"), "/models/x:countTokens");
  EXPECT_EQ(*google::read_count_tokens(R"({"totalTokens":31,"promptTokensDetails":[]})"), 31u);
  EXPECT_FALSE(google::read_count_tokens("{}"));
  EXPECT_FALSE(google::read_count_tokens(R"({"totalTokens":"x"})"));
  const Asked asked{.model = "m", .stream = false};
  const std::string_view body = R"({"generateContentRequest":{"model":"models/m","contents":[{"parts":[{"text":"hi"}]}]}})";
  auto chat = dut.decode_request(body, asked);
  ASSERT_TRUE(chat);
  EXPECT_EQ(chat->messages.size(), 1u);
  auto view = dut.inspect(body, asked);
  ASSERT_TRUE(view);
  EXPECT_EQ(dut.forward_edits(*view, {})->apply(body), body);
  EXPECT_EQ(dut.forward_edits(*view, {.model = "x"})->apply(body),
            R"({"generateContentRequest":{"model":"models/x","contents":[{"parts":[{"text":"hi"}]}]}})");
}

}  // namespace
}  // namespace cardea::dialect
