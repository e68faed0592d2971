#include "tokens/counter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/text.h"
#include "tokens/estimate.h"

namespace cardea::tokens {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string joined(const std::vector<std::uint32_t>& tokens) {
  std::string out = "[";
  for (const std::uint32_t token : tokens) out += cat(out.size() > 1 ? ", " : "", token);
  return out + "]";
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}

/// The texts of Microsoft's Tokenizer library with their tokens, as gpt-tokenizer carries them: EncodingName, Sample (several
/// lines), Encoded.
TEST(Counter, agrees_with_the_reference_on_its_own_texts) {
  std::ifstream in{CARDEA_RANKS_DIR "/TestPlans.txt"};
  Counter counter;
  std::string encoding;
  std::string sample;
  int compared = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("EncodingName: ")) {
      encoding = line.substr(14);
    } else if (line.starts_with("Sample: ")) {
      sample = line.substr(8);
    } else if (line.starts_with("Encoded: ")) {
      const bool known = encoding == "cl100k_base" || encoding == "o200k_base";
      if (!known) continue;
      const auto which = encoding == "cl100k_base" ? Encoding::cl100k_base : Encoding::o200k_base;
      const auto tokens = counter.encode(which, sample);
      EXPECT_EQ(joined(tokens), line.substr(9)) << encoding << ": " << sample;
      EXPECT_EQ(counter.count(which, sample), tokens.size());
      ++compared;
    } else {
      sample += '\n' + line;
    }
  }
  EXPECT_EQ(compared, 64 + 57);
}

/// What tiktoken 0.14.0 says: a fold of 's', a character that is no space to Unicode any more, spaces at the end.
TEST(Counter, agrees_at_the_edges_of_the_patterns) {
  constexpr std::string_view text = "hello world it'\u017F \u180E x \n \n  ";
  Counter counter;
  EXPECT_THAT(counter.encode(Encoding::cl100k_base, text),
              ElementsAre(15339, 1917, 433, 6, 129, 123, 87189, 254, 236, 865, 33006, 256));
  EXPECT_THAT(counter.encode(Encoding::o200k_base, text),
              ElementsAre(24912, 2375, 480, 6, 70067, 220, 157, 254, 236, 1215, 56319, 256));
}

TEST(Counter, takes_special_tokens_as_text) {
  Counter counter;
  EXPECT_THAT(counter.encode(Encoding::o200k_base, "<|endoftext|>"), testing::Not(testing::Contains(199999)));
  EXPECT_GT(counter.count(Encoding::cl100k_base, "<|im_start|>"), 1U);
}

TEST(Counter, nothing_is_no_token) {
  Counter counter;
  EXPECT_THAT(counter.encode(Encoding::o200k_base, ""), IsEmpty());
  EXPECT_EQ(counter.count(Encoding::cl100k_base, ""), 0U);
}

TEST(Counter, takes_a_byte_that_is_no_utf8_as_a_token) {
  Counter counter;
  for (const auto encoding : {Encoding::cl100k_base, Encoding::o200k_base}) {
    EXPECT_EQ(counter.count(encoding, "\xFF"), 1U);
    EXPECT_EQ(counter.count(encoding, "hello\xC3 world\x80\x80"), 5U);
    EXPECT_EQ(counter.count(encoding, repeated("\xE2", 20'000)), 20'000U);
  }
}

/// Each of these takes some tokenizers quadratic time: the test would not end.
TEST(Counter, is_linear_for_hostile_texts) {
  Counter counter;
  for (const auto encoding : {Encoding::cl100k_base, Encoding::o200k_base}) {
    for (const std::string_view unit : {"a", "A", " ", "\n", "0", "^", "\u30AA", "aA", "Aa ", " \n", "\u0301", "\u30AAA"})
      EXPECT_GT(counter.count(encoding, repeated(unit, 20'000 / unit.size())), 150U) << unit;
  }
}

/// Long words are merged otherwise than short ones. What tiktoken says where the ways meet, and far beyond.
TEST(Counter, merges_long_words_as_short_ones) {
  Counter counter;
  const auto count = [&](std::string_view unit, std::size_t times) {
    return counter.count(Encoding::o200k_base, repeated(unit, times));
  };
  EXPECT_EQ(count("qzj", 21), 43U);
  EXPECT_EQ(count("qzj", 22), 45U);
  EXPECT_EQ(count("a", 64), 8U);
  EXPECT_EQ(count("a", 65), 9U);
  EXPECT_EQ(count("a", 10'000), 1250U);
}

TEST(Measure, knows_the_models_of_public_tokenizers) {
  constexpr Measure o200k{Encoding::o200k_base, 100, Measure::Kind::exact};
  constexpr Measure cl100k{Encoding::cl100k_base, 100, Measure::Kind::exact};
  for (const std::string_view model :
       {"gpt-4o-2024-08-06", "openai/gpt-5.5-pro", "o3", "openai/gpt-oss-120b", "ft:gpt-4o:acme::x", "gpt-4.1-mini"})
    EXPECT_EQ(measure_of(model), o200k) << model;
  for (const std::string_view model : {"ft:gpt-3.5-turbo-0125:acme", "gpt-4-turbo", "gpt-4", "text-embedding-3-small"})
    EXPECT_EQ(measure_of(model), cl100k) << model;
  for (const std::string_view model : {"claude-sonnet-4-5", "us.anthropic.claude-3-haiku", "gpt-6", "o10", "gpt-4oo", "gpt", ""})
    EXPECT_EQ(measure_of(model).kind, Measure::Kind::estimate) << model;
  EXPECT_EQ(measure_of("us.anthropic.claude-3-haiku"), measure_of("claude-sonnet-4-5"));
}

TEST(Estimate, follows_the_script) {
  EXPECT_EQ(estimate(""), 0U);
  EXPECT_EQ(estimate("a"), 1U);
  EXPECT_EQ(estimate(repeated("a", 400)), 100U);
  EXPECT_EQ(estimate(repeated("\u00E9", 100)), 50U);
  EXPECT_EQ(estimate(repeated("\u4E16", 100)), 100U);
  EXPECT_EQ(estimate(repeated("\U0001F30D", 100)), 100U);
  EXPECT_EQ(estimate(repeated("\x80", 100)), 0U);
  EXPECT_EQ(estimate(repeated("a\u4E16", 16)), 20U) << "blocks and what is left over";
}

}  // namespace
}  // namespace cardea::tokens
