#include "limit/headers.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace cardea::limit {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Unit = VendorLimits::Unit;
using Span = VendorLimits::Span;

constexpr std::int64_t now_ms = 1'764'000'000'000;  // 2025-11-24T16:00:00Z

TEST(LimitHeaders, OpenAi) {
  std::string lines;
  append_limit_headers(lines, HeaderShape::openai,
                       {.requests = Window{60, 59, seconds{1}}, .tokens = Window{1'000, 0, milliseconds{3'661'050}}}, now_ms);
  EXPECT_EQ(lines,
            "x-ratelimit-limit-requests: 60\r\nx-ratelimit-remaining-requests: 59\r\nx-ratelimit-reset-requests: 1s\r\n"
            "x-ratelimit-limit-tokens: 1000\r\nx-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 1h1m1.05s\r\n");
  const auto reset = [](Nanoseconds time) {
    std::string out;
    append_limit_headers(out, HeaderShape::openai, {.requests = Window{1, 1, time}, .tokens = {}}, now_ms);
    return out.substr(out.rfind(' ') + 1);
  };
  EXPECT_EQ(reset(seconds{0}), "0s\r\n");
  EXPECT_EQ(reset(Nanoseconds{1}), "1ms\r\n");
  EXPECT_EQ(reset(seconds{360}), "6m0s\r\n");
}

TEST(LimitHeaders, Anthropic) {
  std::string lines;
  append_limit_headers(lines, HeaderShape::anthropic, {.requests = {}, .tokens = Window{50, 49, milliseconds{1'200}}}, now_ms);
  EXPECT_EQ(lines,
            "anthropic-ratelimit-tokens-limit: 50\r\nanthropic-ratelimit-tokens-remaining: 49\r\n"
            "anthropic-ratelimit-tokens-reset: 2025-11-24T16:00:02Z\r\n");
}

TEST(LimitHeaders, Retry) {
  std::string lines;
  append_retry_headers(lines, Nanoseconds{1'500'001});
  EXPECT_EQ(lines, "retry-after-ms: 2\r\nx-should-retry: true\r\n");
  lines.clear();
  append_retry_headers(lines, hours{1});
  EXPECT_EQ(lines, "retry-after-ms: 3600000\r\nx-should-retry: false\r\n");
}

/// The reset that a text says, of whatever form.
std::optional<Nanoseconds> reset(std::string_view text) {
  VendorLimits limits;
  limits.read("x-ratelimit-reset-requests", text, now_ms);
  return limits.told(Unit::requests, Span::short_).reset;
}

TEST(VendorLimits, FormsOfResets) {
  EXPECT_EQ(reset("1s"), seconds{1});
  EXPECT_EQ(reset("6m0s"), seconds{360});
  EXPECT_EQ(reset("2m59.56s"), milliseconds{179'560});
  EXPECT_EQ(reset("12ms"), milliseconds{12});
  EXPECT_EQ(reset("33.5"), milliseconds{33'500});
  EXPECT_EQ(reset("1764000007"), seconds{7});
  EXPECT_EQ(reset("1764000007500"), milliseconds{7'500});
  EXPECT_EQ(reset("2025-11-24T16:01:00Z"), seconds{60});
  EXPECT_EQ(reset("2025-11-24T15:00:00Z"), seconds{0}) << "past";
  EXPECT_EQ(reset("9000h"), hours{24}) << "a day is all that counts";
  for (const std::string_view bad : {"", "-1", "soon", "1x", "m", "1s2", "99999999999999999999", "1..5s"}) {
    EXPECT_EQ(reset(bad), std::nullopt) << bad;
  }
}

TEST(VendorLimits, Names) {
  VendorLimits limits;
  limits.read("X-RateLimit-Limit-Tokens", " 150000 ", now_ms);
  limits.read("x-ratelimit-remaining-tokens", "0", now_ms);
  limits.read("x-ratelimit-remaining-requests-day", "3", now_ms);
  limits.read("x-ratelimit-remaining-tokens-minute", "-1", now_ms);
  limits.read("anthropic-ratelimit-input-tokens-remaining", "7", now_ms);
  limits.read("anthropic-ratelimit-priority-input-tokens-remaining", "8", now_ms);
  limits.read("x-ratelimit-over", "1", now_ms);
  limits.read("x-ratelimit-limit-of-something", "1", now_ms);
  EXPECT_EQ(limits.told(Unit::tokens, Span::short_).limit, 150'000U);
  EXPECT_EQ(limits.told(Unit::tokens, Span::short_).remaining, std::nullopt) << "a later one of the same kind counts";
  EXPECT_EQ(limits.told(Unit::requests, Span::long_).remaining, 3U);
  EXPECT_EQ(limits.told(Unit::requests, Span::short_).remaining, std::nullopt);
  EXPECT_EQ(limits.told(Unit::requests, Span::short_).limit, std::nullopt);
  EXPECT_EQ(limits.told(Unit::input_tokens, Span::short_).remaining, 7U);
  limits.read("X-RateLimit-Remaining", "9", now_ms);
  EXPECT_EQ(limits.told(Unit::requests, Span::short_).remaining, 9U);
}

TEST(VendorLimits, RetryAfter) {
  const auto told = [](std::string_view value) {
    VendorLimits limits;
    limits.read("Retry-After", value, now_ms);
    return limits.retry_after();
  };
  EXPECT_EQ(told("20"), seconds{20});
  EXPECT_EQ(told("0.5"), milliseconds{500});
  EXPECT_EQ(told("Mon, 24 Nov 2025 16:00:30 GMT"), seconds{30});
  EXPECT_EQ(told("999999999"), hours{24});
  for (const std::string_view bad : {"", "-5", "Mon, 24 Nox 2025 16:00:30 GMT", "5 s"}) EXPECT_EQ(told(bad), std::nullopt) << bad;
  VendorLimits both;
  both.read("retry-after-ms", "1234", now_ms);
  both.read("retry-after", "2", now_ms);
  both.read("x-should-retry", "false", now_ms);
  EXPECT_EQ(both.retry_after(), milliseconds{1234});
  EXPECT_EQ(both.should_retry(), false);
}

TEST(VendorLimits, WhatIsUsedUpIsTheLongest) {
  VendorLimits limits;
  EXPECT_EQ(limits.exhausted_for(), std::nullopt);
  limits.read("x-ratelimit-remaining-requests", "0", now_ms);
  limits.read("x-ratelimit-reset-requests", "2s", now_ms);
  limits.read("x-ratelimit-remaining-tokens", "0", now_ms);
  limits.read("x-ratelimit-reset-tokens", "7s", now_ms);
  limits.read("anthropic-ratelimit-output-tokens-remaining", "5", now_ms);
  limits.read("anthropic-ratelimit-output-tokens-reset", "2025-11-24T16:01:00Z", now_ms);
  EXPECT_EQ(limits.exhausted_for(), seconds{7});
}

// Whatever an upstream writes: no time is negative or beyond a day.
TEST(VendorLimits, AnyText) {
  Random random{5};
  constexpr std::string_view letters = "0123456789.:-TZhmsun +,GMTe";
  for (int i = 0; i < 5'000; ++i) {
    std::string text;
    for (std::uint64_t n = random.below(30); n > 0; --n) text += letters[random.below(letters.size())];
    VendorLimits limits;
    limits.read("retry-after", text, now_ms);
    const std::optional<Nanoseconds> both[] = {limits.retry_after(), reset(text)};
    for (const auto& time : both) {
      if (time) EXPECT_TRUE(*time >= seconds{0} && *time <= hours{24}) << text;
    }
  }
}

}  // namespace
}  // namespace cardea::limit
