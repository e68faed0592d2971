#include <gtest/gtest.h>

#include "dialect/bedrock/bedrock.h"
#include "dialect/dialect.h"
#include "json/value.h"
#include "wire/aws_events.h"

namespace cardea::dialect {
namespace {

const Dialect& chat = bedrock();
const Secret secret{"aws-secret-12345"};

TEST(BedrockError, HasAwsShape) {
  EXPECT_EQ(chat.error_body(Error{Kind::bad_request, "'messages' is missing", "messages"}, "r1"),
            R"({"message":"'messages' is missing"})");
  for (int kind = 0; kind <= static_cast<int>(Kind::last_); ++kind) {
    const Error error{static_cast<Kind>(kind)};
    auto value = json::parse(chat.error_body(error, ""));
    ASSERT_TRUE(value);
    EXPECT_FALSE(value->find("message")->as_string()->empty());
    EXPECT_TRUE(converse::error_type(error).ends_with("Exception"));
  }
}

struct TypeCase {
  Kind kind;
  std::uint16_t status;  ///< 0: the kind's own
  std::string_view type;
  std::string_view event;
};

TEST(BedrockError, ClassesForSdks) {
  const TypeCase cases[] = {
      {Kind::bad_request, 0, "ValidationException", "validationException"},
      {Kind::unprocessable, 0, "ValidationException", "validationException"},
      {Kind::too_large, 0, "ValidationException", "validationException"},
      {Kind::unauthenticated, 0, "AccessDeniedException", "validationException"},
      {Kind::forbidden, 0, "AccessDeniedException", "validationException"},
      {Kind::model_not_found, 0, "ResourceNotFoundException", "validationException"},
      {Kind::rate_limited, 0, "ThrottlingException", "throttlingException"},
      {Kind::internal, 0, "InternalServerException", "internalServerException"},
      {Kind::unavailable, 0, "ServiceUnavailableException", "serviceUnavailableException"},
      {Kind::upstream_failed, 0, "ModelErrorException", "modelStreamErrorException"},
      {Kind::upstream_failed, 503, "ServiceUnavailableException", "serviceUnavailableException"},
      {Kind::upstream_rejected, 424, "ModelErrorException", "modelStreamErrorException"},
      {Kind::upstream_timeout, 0, "ModelTimeoutException", "modelStreamErrorException"},
      {Kind::upstream_reset, 0, "ModelErrorException", "modelStreamErrorException"},
  };
  for (const auto& [kind, status, type, event] : cases) {
    const Error error{kind, Error::Detail{.message = "m", .status = status}};
    EXPECT_EQ(converse::error_type(error), type) << info(kind).label;
    EXPECT_EQ(chat.error_headers(error), cat("x-amzn-errortype: ", type, "\r\n"));
    const auto bytes = chat.stream_error(error, "r", Framing::aws_events);
    auto message = wire::parse_aws_message(bytes, 1 << 20);
    ASSERT_TRUE(message && *message);
    EXPECT_EQ((*message)->bytes, bytes.size());
    EXPECT_EQ((*message)->message_type, "exception");
    EXPECT_EQ((*message)->exception_type, event) << info(kind).label;
    EXPECT_NE((*message)->payload.find(R"("message":"m")"), std::string_view::npos);
  }
}

TEST(BedrockError, UpstreamsKeepTheirClass) {
  const std::string body = R"({"message":"Too many tokens"})";
  auto error = chat.upstream_error({.status = 429, .body = body, .retry_after = "7"}, secret);
  EXPECT_EQ(error.kind(), Kind::rate_limited);
  EXPECT_EQ(error.detail().retry_after, "7");
  EXPECT_EQ(chat.error_body(error, ""), body);
  EXPECT_EQ(converse::error_type(error), "ThrottlingException");
  error = chat.upstream_error(
      {.status = 429, .body = R"({"__type":"com.amazon.coral.service#ModelNotReadyException:http://x","Message":"wait"})"},
      secret);
  EXPECT_EQ(converse::error_type(error), "ModelNotReadyException");
  EXPECT_EQ(error.message(), "upstream error (HTTP 429): wait");
  EXPECT_EQ(error.detail().body, "");
  EXPECT_EQ(chat.upstream_error({.status = 404, .body = body}, secret).http_status(), 404);
  EXPECT_EQ(chat.upstream_error({.status = 400, .body = body}, secret).http_status(), 400);
  EXPECT_EQ(chat.upstream_error({.status = 403, .body = body}, secret).kind(), Kind::upstream_auth);
}

TEST(BedrockError, NeverShowsTheKey) {
  for (const std::string_view body :
       {R"({"message":"key aws-secret-12345 is bad"})", R"({"message":"key aws\u002dsecret-12345"})",
        R"({"Message":"aws-secret-12345"})", "aws-secret-12345"}) {
    for (const int status : {400, 403, 429, 500}) {
      const auto error = chat.upstream_error({.status = status, .body = body}, secret);
      for (const auto& text :
           {std::string{error.message()}, chat.error_body(error, ""), chat.stream_error(error, "", Framing::aws_events)}) {
        EXPECT_EQ(text.find("secret-12345"), std::string::npos) << text;
      }
    }
  }
}

}  // namespace
}  // namespace cardea::dialect
