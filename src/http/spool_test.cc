#include "http/spool.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>

namespace cardea::http {
namespace {

std::string directory() { return ::testing::TempDir(); }

std::string pattern(std::size_t size, std::size_t from = 0) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>((from + i) * 131 % 251);
  return out;
}

std::string all_of(Body::Reader reader, std::size_t step) {
  std::string out;
  std::vector<char> space(step);
  for (;;) {
    const auto got = reader.read(space);
    EXPECT_TRUE(got) << got.error().message();
    if (!got || *got == 0) break;
    out.append(space.data(), *got);
  }
  EXPECT_TRUE(reader.at_end());
  return out;
}

TEST(Spool, KeepsBytesInMemoryOrInAFileWithoutAName) {
  const std::string place = directory() + "spool";
  std::filesystem::create_directory(place);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1000}, Spool::memory_bytes_max, Spool::memory_bytes_max + 1, std::size_t{3'000'000}}) {
    Spool spool{place};
    const std::string bytes = pattern(size);
    for (std::size_t at = 0; at < size; at += 70'001) ASSERT_TRUE(spool.take(std::string_view{bytes}.substr(at, 70'001)));
    EXPECT_EQ(spool.size(), size);
    EXPECT_EQ(spool.in_memory(), size <= Spool::memory_bytes_max);
    EXPECT_TRUE(std::filesystem::is_empty(place)) << "a crash would leave it behind";
    std::array<char, 100> some{};
    const auto got = spool.read(size - std::min<std::size_t>(size, 50), some);
    ASSERT_TRUE(got);
    EXPECT_EQ(std::string_view(some.data(), *got), std::string_view{bytes}.substr(size - std::min<std::size_t>(size, 50)));
    EXPECT_EQ(*spool.read(size, some), 0U);
  }
}

TEST(Spool, SaysThatThereIsNoPlace) {
  Spool spool{directory() + "is/not/there"};
  ASSERT_TRUE(spool.take(pattern(1000)));
  const auto kept = spool.take(pattern(Spool::memory_bytes_max));
  ASSERT_FALSE(kept);
  EXPECT_TRUE(kept.error().is(Kind::unavailable));
}

TEST(Body, ReadsItsPiecesInOrderAndFromTheBeginningAgain) {
  Spool small{directory()};
  Spool large{directory()};
  const std::string bytes = pattern(500'000);
  ASSERT_TRUE(small.take(bytes.substr(0, 5000)));
  ASSERT_TRUE(large.take(bytes));
  Body body;
  body.add("head");
  body.add("");
  body.add(large, 10, 300'000);
  body.add("model");
  body.add(small, 4990, 10);
  body.add(large, 400'000, 0);
  body.add(large, 400'000, 100'000);
  const std::string whole = "head" + bytes.substr(10, 300'000) + "model" + bytes.substr(4990, 10) + bytes.substr(400'000);
  EXPECT_EQ(body.size(), whole.size());
  for (const std::size_t step : {7U, 4096U, 1U << 20}) EXPECT_EQ(all_of(Body::Reader{body}, step), whole);
  EXPECT_TRUE(Body::Reader{}.at_end());
}

}  // namespace
}  // namespace cardea::http
