#include "wire/canonical.h"

#include <gtest/gtest.h>

namespace cardea::wire {
namespace {

// AWS's own vectors are with who signs (execute/sigv4_test.cc) and who verifies (access/signature_test.cc).

TEST(Canonical, LiteralKeepsWhatWasSent) {
  const HeaderToSign headers[] = {{"X-Cardea-Date", "20260101T000000Z"}, {"Host", "  a.example "}, {"x-b", "1  2\t3"}};
  const RequestToSign request{.method = "GET", .target = "/v1//a%2fb?b=2&a=%41&a=1&c", .headers = headers, .body_hash = "00"};
  EXPECT_EQ(canonical_request(request, Canonical::literal),
            "GET\n/v1//a%2fb\na=%41&a=1&b=2&c\nhost:a.example\nx-b:1 2 3\nx-cardea-date:20260101T000000Z\n\n"
            "host;x-b;x-cardea-date\n00");
}

TEST(Canonical, TheOrderOfOneNameMeansSomething) {
  const auto of = [](std::string_view target) {
    return canonical_request({.target = target, .headers = {}, .body_hash = {}}, Canonical::literal);
  };
  EXPECT_EQ(of("/?b=1&a=1"), of("/?a=1&b=1"));
  EXPECT_NE(of("/?a=1&a=2"), of("/?a=2&a=1"));
  EXPECT_NE(of("/?a=%41"), of("/?a=A"));
  EXPECT_NE(of("/a"), of("/a/"));
}

TEST(Canonical, TimesBack) {
  EXPECT_EQ(parse_aws_time("20150830T123600Z"), 1'440'938'160);
  EXPECT_EQ(parse_aws_time("19700101T000000Z"), 0);
  EXPECT_EQ(parse_aws_time(aws_time(1'709'251'199)), 1'709'251'199);
  for (const std::string_view bad :
       {"", "20150830T123600", "20150830t123600Z", "20150230T123600Z", "20151330T123600Z", "20150830T243600Z", "20150830T126000Z",
        "2015083 T123600Z", "20150830T1236000Z", "+0150830T123600Z"}) {
    EXPECT_FALSE(parse_aws_time(bad)) << bad;
  }
}

}  // namespace
}  // namespace cardea::wire
