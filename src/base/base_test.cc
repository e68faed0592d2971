#include <gtest/gtest.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/time.h"

namespace cardea {
namespace {

TEST(Error, EveryKindHasOneRow) {
  for (int i = 0; i <= static_cast<int>(Kind::last_); ++i) {
    const auto& row = info(static_cast<Kind>(i));
    EXPECT_FALSE(row.label.empty());
    EXPECT_GE(row.http_status, 400);
    EXPECT_LT(row.http_status, 600);
    EXPECT_LE(row.grpc_code, 16);
  }
}

TEST(Error, BareAndDetailedAnswerAlike) {
  Error bare{Kind::too_large};
  EXPECT_EQ(bare.message(), "too_large");
  EXPECT_EQ(bare.http_status(), 413);
  bare.edit().message = "the body is larger than 32 MiB";
  EXPECT_EQ(bare.kind(), Kind::too_large);
  const Error copy = bare.clone();
  EXPECT_EQ(copy.message(), "the body is larger than 32 MiB");
  Error rejected{Kind::upstream_rejected, Error::Detail{.message = "no", .status = 422}};
  EXPECT_EQ(rejected.http_status(), 422);
  rejected = Error{Kind::cancelled};
  EXPECT_TRUE(rejected.is(Kind::cancelled));
}

TEST(Text, ListsNumbersAndNames) {
  EXPECT_EQ(cat("a", 1, 'b', std::string{"c"}, -7), "a1bc-7");
  EXPECT_TRUE(iequals("Content-LENGTH", "content-length"));
  EXPECT_FALSE(iequals("a", "ab"));
  EXPECT_EQ(trim("\t x y  "), "x y");
  std::string seen;
  for_each_in_list(" a, ,b ,c", [&](std::string_view part) { seen += cat(part, ';'); });
  EXPECT_EQ(seen, "a;b;c;");
  EXPECT_EQ(parse_number<std::uint8_t>("255"), 255);
  EXPECT_FALSE(parse_number<std::uint8_t>("256"));
  EXPECT_FALSE(parse_number<std::uint32_t>("+1"));
  EXPECT_FALSE(parse_number<std::uint32_t>(""));
  const std::string_view names[] = {"listen", "workers", "data"};
  EXPECT_EQ(nearest("lisen", names, 3), "listen");
  EXPECT_EQ(nearest("zzz", names, 3), "");
}

TEST(Text, EscapesAreUndone) {
  EXPECT_EQ(percent_decoded("a%2Fb%2fc+%00"), (std::string{"a/b/c+\0", 7}));
  EXPECT_EQ(percent_decoded(""), "");
  for (const auto* bad : {"%", "%2", "%g0", "%0g", "a%"}) EXPECT_EQ(percent_decoded(bad), std::nullopt) << bad;
  EXPECT_EQ(percent_escape("%fF0"), 255);
  EXPECT_EQ(percent_escape("aff"), -1);
}

// A short text lives inside the object, so its bytes can be looked for there.
TEST(Secret, LeavesNothingBehind) {
  constexpr std::string_view text = "hunter2hunter2";
  const auto holds = [&](const void* at) {
    return std::string_view{static_cast<const char*>(at), sizeof(Secret)}.find(text) != std::string_view::npos;
  };
  alignas(Secret) std::byte place[sizeof(Secret)];
  auto* secret = new (place) Secret{std::string{text}};
  EXPECT_TRUE(holds(place));
  Secret taken{std::move(*secret)};
  EXPECT_FALSE(holds(place));
  *secret = std::move(taken);
  EXPECT_TRUE(holds(place));
  EXPECT_FALSE(holds(&taken));
  *secret = Secret{"x"};
  EXPECT_EQ(secret->reveal(), "x");
  EXPECT_FALSE(holds(place));
  secret->~Secret();
  EXPECT_FALSE(holds(place));

  std::string long_once(100, 's');
  long_once.resize(3);
  wipe(long_once);
  EXPECT_TRUE(long_once.empty());
  long_once.resize(long_once.capacity(), 'a');  // the same memory: nothing of it may be left
  EXPECT_EQ(long_once.find('s'), std::string::npos);
}

TEST(Secret, ScrubsAndCompares) {
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("abc", "abcd"));
  EXPECT_EQ(scrub("key sk-12345678 and sk-12345678", "sk-12345678"), "key *** and ***");
  EXPECT_EQ(scrub("a short secret stays", "short"), "a short secret stays");
  std::string text = "sk-12345678, sk-1234567 and sk-12345678";
  scrub_in_place(text, "sk-12345678");
  EXPECT_EQ(text, "***********, sk-1234567 and ***********");
  scrub_in_place(text, "and");
  EXPECT_EQ(text, "***********, sk-1234567 and ***********");
}

TEST(Buffer, GrowsConsumesAndKeepsContent) {
  Buffer buffer;
  std::string expected;
  Random random{7};
  for (int i = 0; i < 2000; ++i) {
    std::string piece;
    random.append_id(piece, random.below(100));
    buffer.append(piece);
    expected += piece;
    const auto take = random.below(buffer.size() + 1);
    buffer.consume(take);
    expected.erase(0, take);
    ASSERT_EQ(buffer.view(), expected);
  }
  buffer.append("0123456789");
  expected += "0123456789";
  buffer.erase(buffer.size() - 7, 4);
  expected.erase(expected.size() - 7, 4);
  ASSERT_EQ(buffer.view(), expected);
  Buffer moved{std::move(buffer)};
  EXPECT_EQ(moved.view(), expected);
}

TEST(Pool, RecyclesByClass) {
  void* first = pool_allocate(100);
  pool_free(first, 100);
  EXPECT_EQ(pool_capacity(100), 128U);
  EXPECT_EQ(pool_capacity(65), 128U);
  EXPECT_EQ(pool_capacity(1 << 20), std::size_t{1} << 20);
  void* large = pool_allocate(1 << 20);
  pool_free(large, 1 << 20);
}

}  // namespace
TEST(Time, IsReadAndShownAsRfc3339) {
  EXPECT_EQ(parse_time("1970-01-01"), 0);
  EXPECT_EQ(parse_time("2027-01-01T00:00:00Z"), 1'798'761'600);
  EXPECT_EQ(parse_time("2027-01-01t01:30:00.25+01:30"), 1'798'761'600);
  EXPECT_EQ(parse_time("2026-12-31 22:00:00-02:00"), 1'798'761'600);
  EXPECT_EQ(parse_time("2016-12-31T23:59:60Z"), parse_time("2016-12-31T23:59:59Z"));
  for (const auto* bad : {"", "2027", "2027-13-01", "2027-02-29", "2027-01-01T", "2027-01-01T24:00:00Z", "2027-01-01T00:00:00",
                          "2027-01-01T00:00:00.Z", "2027-01-01T00:00:00+1:00", "2027-01-01T00:00:00Zz", "+027-01-01"}) {
    EXPECT_EQ(parse_time(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(show_time(1'798'761'600), "2027-01-01T00:00:00Z");
  EXPECT_EQ(show_time(-1), "1969-12-31T23:59:59Z");
}

}  // namespace cardea
