#include "execute/sigv4.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace cardea::execute {
namespace {

// The keys and the time of AWS's Signature Version 4 Test Suite (Copyright Amazon.com, Inc., Apache License 2.0).
constexpr std::string_view suite_time = "20150830T123600Z";

catalog::SigV4 keys(std::string region = "us-east-1", std::string service = "service", std::string token = {}) {
  return {.access_key = "AKIDEXAMPLE",
          .secret_key = Secret{"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
          .session_token = Secret{std::move(token)},
          .region = std::move(region),
          .service = std::move(service)};
}

std::string hash_of(std::string_view body) {
  const net::Digest digest = net::sha256(body);
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

struct Vector {
  std::string_view name;
  std::string_view method;
  std::string_view target;
  std::vector<HeaderToSign> headers;  ///< beside host and date
  std::string_view body;
  std::string_view canonical;  ///< its first lines
  std::string_view signature;
};

const std::vector<Vector> vectors{
    {"get-vanilla", "GET", "/", {}, "", "GET\n/\n\n", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/?Param2=value2&Param1=value1",
     {},
     "",
     "GET\n/\nParam1=value1&Param2=value2\n",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-order-value",
     "GET",
     "/?Param1=value2&Param1=value1",
     {},
     "",
     "GET\n/\nParam1=value1&Param1=value2\n",
     "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
    {"get-vanilla-query-order-encoded",
     "GET",
     "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
     {},
     "",
     "GET\n/\n%E1%88%B4=Value1&Param=Value2&Param-3=Value3\n",
     "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
    {"get-vanilla-utf8-query",
     "GET",
     "/?\u1234=bar",
     {},
     "",
     "GET\n/\n%E1%88%B4=bar\n",
     "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"get-utf8",
     "GET",
     "/\u1234",
     {},
     "",
     "GET\n/%E1%88%B4\n\n",
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-slashes",
     "GET",
     "//example//",
     {},
     "",
     "GET\n/example/\n\n",
     "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    {"get-relative-relative",
     "GET",
     "/example1/example2/../..",
     {},
     "",
     "GET\n/\n\n",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-space",
     "GET",
     "/example space/",
     {},
     "",
     "GET\n/example%20space/\n\n",
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"get-unreserved",
     "GET",
     "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     {},
     "",
     "GET\n/-._~0123456789",
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-header-key-duplicate",
     "GET",
     "/",
     {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
     "",
     "GET\n/\n\nhost:example.amazonaws.com\nmy-header1:value2,value2,value1\n",
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-trim",
     "GET",
     "/",
     {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
     "",
     "GET\n/\n\nhost:example.amazonaws.com\nmy-header1:value1\nmy-header2:\"a b c\"\n",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"post-x-www-form-urlencoded",
     "POST",
     "/",
     {{"Content-Type", "application/x-www-form-urlencoded"}},
     "Param1=value1",
     "POST\n/\n\ncontent-type:",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    {"post-sts-header-before",
     "POST",
     "/",
     {{"X-Amz-Security-Token",
       "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/"
       "qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+"
       "xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="}},
     "",
     "POST\n/\n\nhost:",
     "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
};

TEST(SigV4, AwsTestSuite) {
  for (const auto& vector : vectors) {
    std::vector<HeaderToSign> headers{{"Host", "example.amazonaws.com"}};
    headers.insert(headers.end(), vector.headers.begin(), vector.headers.end());
    headers.push_back({"X-Amz-Date", suite_time});
    const RequestToSign request{
        .method = vector.method, .target = vector.target, .headers = headers, .body_hash = hash_of(vector.body)};
    EXPECT_TRUE(wire::canonical_request(request, wire::Canonical::aws).starts_with(vector.canonical))
        << vector.name << wire::canonical_request(request, wire::Canonical::aws);
    const auto authorization = aws_authorization(keys(), request, suite_time);
    EXPECT_TRUE(authorization.starts_with(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders="))
        << authorization;
    EXPECT_TRUE(authorization.ends_with(cat(", Signature=", vector.signature))) << vector.name << authorization;
  }
}

// "Create a signed AWS API request": IAM's ListUsers.
TEST(SigV4, TheDocumentationsExample) {
  const HeaderToSign headers[] = {{"host", "iam.amazonaws.com"},
                                  {"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
                                  {"x-amz-date", suite_time}};
  const RequestToSign request{
      .method = "GET", .target = "/?Action=ListUsers&Version=2010-05-08", .headers = headers, .body_hash = hash_of("")};
  EXPECT_EQ(aws_authorization(keys("us-east-1", "iam"), request, suite_time),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, "
            "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

TEST(SigV4, Time) {
  EXPECT_EQ(wire::aws_time(0), "19700101T000000Z");
  EXPECT_EQ(wire::aws_time(1'440'938'160), suite_time);
  EXPECT_EQ(wire::aws_time(1'709'251'199), "20240229T235959Z");
}

// The model's id is encoded in the path, and once more in what is signed. The signatures were made by botocore 1.43.
TEST(SigV4, ARequestToBedrock) {
  const HeaderToSign headers[] = {{"host", "bedrock-runtime.us-east-1.amazonaws.com"}, {"content-type", "application/json"}};
  const RequestToSign request{.target = "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse",
                              .headers = headers,
                              .body_hash = hash_of(R"({"messages":[]})")};
  EXPECT_TRUE(wire::canonical_request(request, wire::Canonical::aws)
                  .starts_with("POST\n/model/anthropic.claude-3-haiku-20240307-v1%253A0/converse\n\n"));
  constexpr std::uint64_t now = 1'735'787'045;  // 2025-01-02T03:04:05Z
  const std::string hash = "x-amz-content-sha256: 5e4ce7b36ba37b78a5d5f9fd08e6b7b54ba6879d651aa46ec9e1d6fa24ebe30a\r\n";
  const std::string who = "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20250102/us-east-1/bedrock/aws4_request, ";
  EXPECT_EQ(sigv4_lines(keys("us-east-1", "bedrock"), request, now),
            "x-amz-date: 20250102T030405Z\r\n" + hash + who +
                "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, "
                "Signature=2fb0f641e8276ceaec2f50d8dc997dbac2eba9ebbc5e760d5b6e6ba5697de0ed\r\n");
  EXPECT_EQ(sigv4_lines(keys("us-east-1", "bedrock", "TOKEN//x=="), request, now),
            "x-amz-date: 20250102T030405Z\r\n" + hash + "x-amz-security-token: TOKEN//x==\r\n" + who +
                "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token, "
                "Signature=893f7832a4b415a28571d57bec84222940042d54c86d61e1448ae4eb7ef9bc3e\r\n");
}

}  // namespace
}  // namespace cardea::execute
