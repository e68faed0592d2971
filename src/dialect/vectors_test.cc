#include "dialect/vectors.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>

#include "base/random.h"

namespace cardea::dialect {
namespace {

TEST(Vectors, FloatsBecomeLittleEndianBase64) {
  EXPECT_EQ(base64_of_floats("[0.5,-0.25,1]"), "AAAAPwAAgL4AAIA/");
  EXPECT_EQ(floats_of_base64("AAAAPwAAgL4AAIA/"), "[0.5,-0.25,1]");
  EXPECT_EQ(base64_of_floats("[]"), "");
  EXPECT_EQ(floats_of_base64(""), "[]");
}

TEST(Vectors, EveryFloatComesBackAsItWas) {
  Random random{7};
  std::string array{"["};
  std::string bytes;
  for (int i = 0; i < 20'000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random.next()));
    if (!std::isfinite(value)) continue;
    if (array.size() > 1) array.push_back(',');
    // As a vendor may spell it: exactly, as a double, with more digits than needed.
    char text[64];
    const auto end = i % 2 == 0 ? std::to_chars(text, text + sizeof text, static_cast<double>(value)).ptr
                                : std::to_chars(text, text + sizeof text, value).ptr;
    array.append(text, end);
  }
  array.push_back(']');
  const auto base64 = base64_of_floats(array);
  ASSERT_TRUE(base64);
  const auto again = floats_of_base64(*base64);
  ASSERT_TRUE(again);
  EXPECT_EQ(base64_of_floats(*again), *base64);
}

TEST(Vectors, WhatIsNoFloatIsRefused) {
  EXPECT_FALSE(base64_of_floats("[1e39]"));
  EXPECT_FALSE(base64_of_floats("[1e400]"));
  EXPECT_EQ(base64_of_floats("[1e-60]"), "AAAAAA==");
  EXPECT_EQ(base64_of_floats("[1e-400]"), "AAAAAA==");
  EXPECT_FALSE(floats_of_base64("AAAA"));      // three bytes
  EXPECT_FALSE(floats_of_base64("AADAfw=="));  // NaN
  EXPECT_FALSE(floats_of_base64("?"));
}

model::Embed two(std::optional<std::vector<std::string>> encodings) {
  model::Embed out;
  out.inputs = {{"a", {}}, {"b", {}}};
  out.encodings = std::move(encodings);
  return out;
}
model::Embedded answer_of(std::vector<model::Vector> vectors) {
  model::Embedded out;
  out.vectors = std::move(vectors);
  return out;
}

TEST(Vectors, EachInputHasOneInOrderAndInItsEncoding) {
  auto answer = answer_of({{1, "float", {"[1]"}}, {0, "base64", {"\"AAAAPw==\""}}});
  Losses losses;
  ASSERT_TRUE(fit_vectors(two({}), answer, losses));
  EXPECT_EQ(answer.vectors, (std::vector<model::Vector>{{0, "float", {"[0.5]"}}, {1, "float", {"[1]"}}}));
  ASSERT_TRUE(fit_vectors(two(std::vector<std::string>{"base64", "float"}), answer, losses));
  EXPECT_EQ(answer.vectors.size(), 4U);
  EXPECT_EQ(answer.vectors[2], (model::Vector{1, "base64", {"\"AACAPw==\""}}));
  EXPECT_TRUE(losses.empty());
}

TEST(Vectors, AnAnswerThatDoesNotFitIsTheUpstreamsFault) {
  const std::vector<std::vector<model::Vector>> wrong{
      {{0, "float", {"[1]"}}},
      {{0, "float", {"[1]"}}, {0, "float", {"[1]"}}},
      {{0, "float", {"[1]"}}, {1, "float", {"[1]"}}, {2, "float", {"[1]"}}},
      {{0, "float", {"[1]"}}, {1, "base64", {"\"????\""}}},
      {},
  };
  for (const auto& vectors : wrong) {
    auto answer = answer_of(vectors);
    Losses losses;
    const auto fits = fit_vectors(two({}), answer, losses);
    ASSERT_FALSE(fits.has_value());
    EXPECT_EQ(fits.error().kind(), Kind::upstream_protocol);
  }
}

TEST(Raw, WalksThroughAnyText) {
  const auto raw = Raw::checked(" {\"a\" : [1 , \"x,]}\\\"\" ,{\"b\":null}] , \"\\u0061\":2, \"n\" : null } ");
  ASSERT_TRUE(raw.has_value());
  EXPECT_EQ(raw->compact().text, R"({"a":[1,"x,]}\"",{"b":null}],"\u0061":2,"n":null})");
  EXPECT_EQ(raw->find("a")->text(), "2");  // the last of a name counts
  EXPECT_FALSE(raw->find("n"));
  std::vector<std::string> seen;
  raw->each_member([&](const Raw& key, const Raw& value) { seen.push_back(cat(key.string(), '=', value.text())); });
  EXPECT_EQ(seen, (std::vector<std::string>{"a=[1 , \"x,]}\\\"\" ,{\"b\":null}]", "a=2", "n=null"}));
  EXPECT_TRUE(Raw::checked("[ ]")->empty_list());
  EXPECT_FALSE(Raw::checked("[1,").has_value());
}

}  // namespace
}  // namespace cardea::dialect
