#include <gtest/gtest.h>

#include "base/text.h"
#include "dialect/dialect.h"
#include "json/value.h"
#include "wire/sse.h"

namespace cardea::dialect {
namespace {

const Dialect& chat = openai_chat();
const Secret secret{"sk-secret-12345"};

TEST(ErrorBody, HasOpenAisShape) {
  EXPECT_EQ(chat.error_body(Error{Kind::bad_request, "'stream' must be a boolean", "stream"}, "r1"),
            R"({"error":{"message":"'stream' must be a boolean","type":"invalid_request_error","param":"stream","code":null}})");
  EXPECT_EQ(chat.error_body(Error{Kind::model_not_found, "no \"x\""}, "r1"),
            R"({"error":{"message":"no \"x\"","type":"invalid_request_error","param":null,"code":"model_not_found"}})");
}

TEST(ErrorBody, EveryKindGivesValidJson) {
  for (int kind = 0; kind <= static_cast<int>(Kind::last_); ++kind) {
    auto value = json::parse(chat.error_body(Error{static_cast<Kind>(kind)}, ""));
    ASSERT_TRUE(value);
    const auto* error = value->find("error");
    ASSERT_NE(error, nullptr);
    EXPECT_FALSE(error->find("message")->as_string()->empty());
    EXPECT_FALSE(error->find("type")->as_string()->empty());
  }
}

TEST(StreamError, IsOneEvent) {
  const auto text = chat.stream_error(Error{Kind::upstream_reset, "cut"}, "r1", Framing::sse);
  wire::EventCutter cutter;
  auto size = cutter.next(text);
  ASSERT_TRUE(size);
  EXPECT_EQ(*size, text.size());
  std::string scratch;
  const auto event = wire::parse_event(text, scratch);
  auto value = json::parse(event.data);
  ASSERT_TRUE(value);
  EXPECT_EQ(*value->find("error")->find("message")->as_string(), "cut");
  EXPECT_EQ(text.find("[DONE]"), std::string::npos);
}

struct StatusCase {
  int status;
  Kind kind;
  int seen;
  bool keeps_body;
};

TEST(UpstreamError, KeepsTheClass) {
  const std::string body = R"({"error":{"message":"said","type":"t","param":"p","code":"c"}})";
  const StatusCase cases[] = {
      {400, Kind::upstream_rejected, 400, true},  {401, Kind::upstream_auth, 502, false},
      {402, Kind::upstream_rejected, 402, true},  {403, Kind::upstream_auth, 502, false},
      {404, Kind::upstream_rejected, 404, true},  {408, Kind::upstream_timeout, 504, true},
      {409, Kind::upstream_rejected, 409, true},  {413, Kind::upstream_rejected, 413, true},
      {422, Kind::upstream_rejected, 422, true},  {429, Kind::rate_limited, 429, true},
      {500, Kind::upstream_failed, 502, true},    {502, Kind::upstream_failed, 502, true},
      {503, Kind::upstream_failed, 503, true},    {504, Kind::upstream_failed, 504, true},
      {529, Kind::upstream_failed, 503, true},    {302, Kind::upstream_protocol, 502, false},
      {101, Kind::upstream_protocol, 502, false},
  };
  for (const auto& [status, kind, seen, keeps_body] : cases) {
    const auto error = chat.upstream_error({.status = status, .body = body, .retry_after = "7"}, secret);
    EXPECT_EQ(error.kind(), kind) << status;
    EXPECT_EQ(error.http_status(), seen) << status;
    EXPECT_EQ(error.detail().retry_after, "7") << status;
    EXPECT_EQ(error.detail().body, keeps_body ? body : "") << status;
    if (keeps_body) EXPECT_EQ(chat.error_body(error, ""), body);
  }
}

TEST(UpstreamError, NeverShowsTheKey) {
  const std::string bodies[] = {
      R"({"error":{"message":"Incorrect API key provided: sk-secret-12345."}})",
      R"({"error":{"message":"escaped: \u0073k-secret-12345."}})",
      R"({"error":"sk-secret-12345"})",
      R"({"message":"sk-secret-12345"})",
      "plain sk-secret-12345",
      std::string(490, 'x') + "sk-secret-12345",
      "<html>sk-secret-12345</html>",
  };
  for (const auto& body : bodies) {
    for (const int status : {400, 401, 403, 429, 500}) {
      const auto error = chat.upstream_error({.status = status, .body = body}, secret);
      for (const auto& text :
           {std::string{error.message()}, chat.error_body(error, ""), chat.stream_error(error, "", Framing::sse)}) {
        EXPECT_EQ(text.find("sk-se"), std::string::npos) << text;
        EXPECT_EQ(text.find("secret-12345"), std::string::npos) << text;
      }
    }
  }
}

TEST(UpstreamError, ForeignBodiesAreWrapped) {
  const auto message = [](std::string_view body) {
    const auto error = chat.upstream_error({.status = 400, .body = body}, secret);
    auto value = json::parse(chat.error_body(error, ""));
    return *value->find("error")->find("message")->as_string();
  };
  EXPECT_EQ(message(R"({"error":"no such model"})"), "upstream error (HTTP 400): no such model");
  EXPECT_EQ(message(R"({"detail":"bad"})"), "upstream error (HTTP 400): bad");
  EXPECT_EQ(message("  plain text\n "), "upstream error (HTTP 400): plain text");
  EXPECT_EQ(message("<html>long page</html>"), "upstream error (HTTP 400)");
  EXPECT_EQ(message(""), "upstream error (HTTP 400)");
  EXPECT_EQ(message("\xff\xfe"), "upstream error (HTTP 400): \xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace cardea::dialect
