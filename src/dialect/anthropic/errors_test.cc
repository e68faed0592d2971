#include <gtest/gtest.h>

#include "base/text.h"
#include "dialect/dialect.h"
#include "json/value.h"
#include "wire/sse.h"

namespace cardea::dialect {
namespace {

const Dialect& claude_dialect = anthropic();
const Secret secret{"sk-secret-12345"};

std::string type_of(std::string_view body) {
  auto value = json::parse(body);
  const auto* error = value ? value->find("error") : nullptr;
  const auto* type = error != nullptr ? error->find("type") : nullptr;
  return type != nullptr ? *type->as_string() : "";
}

TEST(AnthropicErrors, HaveTheReferencesShape) {
  EXPECT_EQ(
      claude_dialect.error_body(Error{Kind::bad_request, "'stream' must be a boolean", "stream"}, "req_1"),
      R"({"type":"error","error":{"type":"invalid_request_error","message":"'stream' must be a boolean"},"request_id":"req_1"})");
  EXPECT_EQ(claude_dialect.error_body(Error{Kind::model_not_found, "no \"x\""}, ""),
            R"({"type":"error","error":{"type":"not_found_error","message":"no \"x\""}})");
}

TEST(AnthropicErrors, TypesFollowTheStatus) {
  struct Case {
    std::uint16_t status;
    std::string_view type;
  };
  const Case cases[] = {{400, "invalid_request_error"},
                        {401, "authentication_error"},
                        {402, "billing_error"},
                        {403, "permission_error"},
                        {404, "not_found_error"},
                        {408, "timeout_error"},
                        {409, "invalid_request_error"},
                        {413, "request_too_large"},
                        {415, "invalid_request_error"},
                        {422, "invalid_request_error"},
                        {429, "rate_limit_error"},
                        {500, "api_error"},
                        {502, "api_error"},
                        {503, "overloaded_error"},
                        {504, "timeout_error"},
                        {529, "overloaded_error"}};
  for (const auto& [status, type] : cases) {
    const Error error{Kind::upstream_failed, Error::Detail{.message = "m", .status = status}};
    EXPECT_EQ(type_of(claude_dialect.error_body(error, "")), type) << status;
  }
  for (int kind = 0; kind <= static_cast<int>(Kind::last_); ++kind) {
    EXPECT_FALSE(type_of(claude_dialect.error_body(Error{static_cast<Kind>(kind)}, "r")).empty()) << kind;
  }
}

TEST(AnthropicErrors, InAStreamIsOneEvent) {
  const auto text = claude_dialect.stream_error(Error{Kind::upstream_reset, "cut"}, "req_1", Framing::sse);
  EXPECT_EQ(text,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"cut\"},"
            "\"request_id\":\"req_1\"}\n\n");
}

TEST(AnthropicErrors, OfUpstreamsKeepTheirClass) {
  const std::string body = R"({"type":"error","error":{"type":"t","message":"said"},"request_id":"req_2"})";
  struct Case {
    int status;
    Kind kind;
    int seen;
    bool keeps_body;
  };
  const Case cases[] = {{400, Kind::upstream_rejected, 400, true}, {401, Kind::upstream_auth, 502, false},
                        {402, Kind::upstream_rejected, 402, true}, {403, Kind::upstream_auth, 502, false},
                        {404, Kind::upstream_rejected, 404, true}, {413, Kind::upstream_rejected, 413, true},
                        {429, Kind::rate_limited, 429, true},      {500, Kind::upstream_failed, 502, true},
                        {504, Kind::upstream_failed, 504, true},   {529, Kind::upstream_failed, 503, true},
                        {302, Kind::upstream_protocol, 502, false}};
  for (const auto& [status, kind, seen, keeps_body] : cases) {
    const auto error = claude_dialect.upstream_error({.status = status, .body = body, .retry_after = "7"}, secret);
    EXPECT_EQ(error.kind(), kind) << status;
    EXPECT_EQ(error.http_status(), seen) << status;
    EXPECT_EQ(error.detail().retry_after, "7") << status;
    EXPECT_EQ(error.detail().body, keeps_body ? body : "") << status;
    if (keeps_body) EXPECT_EQ(claude_dialect.error_body(error, ""), body);
    if (keeps_body) EXPECT_NE(error.message().find("said"), std::string_view::npos);
  }
  // Another vendor's error is told in Anthropic's shape.
  const auto foreign = claude_dialect.upstream_error({.status = 400, .body = R"({"error":{"message":"no such model"}})"}, secret);
  EXPECT_EQ(claude_dialect.error_body(foreign, ""),
            R"({"type":"error","error":{"type":"invalid_request_error","message":"upstream error (HTTP 400): no such model"}})");
}

TEST(AnthropicErrors, NeverShowTheKey) {
  const std::string bodies[] = {
      R"({"type":"error","error":{"type":"t","message":"invalid x-api-key sk-secret-12345"}})",
      R"({"type":"error","error":{"type":"t","message":"escaped \u0073k-secret-12345"}})",
      R"({"error":"sk-secret-12345"})",
      "plain sk-secret-12345",
  };
  for (const auto& body : bodies) {
    for (const int status : {400, 401, 403, 429, 500}) {
      const auto error = claude_dialect.upstream_error({.status = status, .body = body}, secret);
      for (const auto& text : {std::string{error.message()}, claude_dialect.error_body(error, "")}) {
        EXPECT_EQ(text.find("secret-12345"), std::string::npos) << text;
      }
    }
  }
}

}  // namespace
}  // namespace cardea::dialect
