#include "dialect/anthropic/schema.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "dialect/anthropic/anthropic.h"

namespace cardea::dialect::claude {
namespace {

struct Converted {
  std::string schema;  ///< empty: refused
  std::vector<std::string> losses;
  std::string problem;
};

Converted convert(std::string_view text) {
  auto schema = json::parse(text);
  EXPECT_TRUE(schema) << text;
  Losses losses;
  Converted out;
  const auto subset = to_subset(*schema, "s", losses, out.problem);
  if (subset) out.schema = subset->dump();
  out.losses = losses.fields();
  return out;
}

TEST(AnthropicSchema, StrictSchemasPassAsTheyAre) {
  const std::string_view schemas[] = {
      R"({"type":"object","properties":{"a":{"type":"string","description":"d","enum":["x",1,null]},"b":{"type":["number","null"]}},"required":["a","b"],"additionalProperties":false})",
      R"({"type":"array","items":{"anyOf":[{"type":"string","format":"date-time"},{"const":7}]},"minItems":1})",
      R"({"type":"object","properties":{"r":{"$ref":"#/$defs/x"},"s":{"$ref":"#/$defs/x"}},"$defs":{"x":{"type":"string","pattern":"^[a-z]+$","default":"q"}},"additionalProperties":false})",
      R"({"type":"object","additionalProperties":false})",
      R"({"type":"string"})",
      "true",
  };
  for (const auto schema : schemas) {
    const auto got = convert(schema);
    EXPECT_EQ(got.schema, schema);
    EXPECT_TRUE(got.losses.empty()) << schema;
  }
}

TEST(AnthropicSchema, WhatIsNotCheckedIsDescribed) {
  struct Case {
    std::string_view schema;
    std::string_view expected;
    std::vector<std::string> losses;
  };
  const Case cases[] = {
      // The example of Anthropic's own SDK.
      {R"({"type":"integer","minimum":1,"maximum":10,"description":"A number"})",
       R"({"type":"integer","description":"A number\n\n{minimum: 1, maximum: 10}"})",
       {"s.minimum", "s.maximum"}},
      {R"({"type":"array","items":{"type":"string","minLength":2},"minItems":2})",
       R"({"type":"array","items":{"type":"string","description":"{minLength: 2}"},"description":"{minItems: 2}"})",
       {"s.items.minLength", "s.minItems"}},
      {R"({"$schema":"x","type":"object","properties":{"a":{"type":"string","format":"phone"}}})",
       R"({"type":"object","properties":{"a":{"type":"string","description":"{format: \"phone\"}"}},"additionalProperties":false})",
       {"s.properties.a.format"}},
      {R"({"type":"object","properties":{"a;b\n":{"type":"string","pattern":"(?i)x"}},
             "additionalProperties" : true
})",
       R"({"type":"object","properties":{"a;b\n":{"type":"string","description":"{pattern: \"(?i)x\"}"}},"additionalProperties":false})",
       {"s.properties.*.pattern", "s.additionalProperties"}},
      {R"({"oneOf":[{"type":"string"},{"enum":[{"a":1}]}]})",
       R"({"anyOf":[{"type":"string"},{"description":"{enum: [{\"a\":1}]}"}]})",
       {"s.oneOf", "s.oneOf[1].enum"}},
      {R"({"$ref":"#/$defs/x","description":"d","$defs":{"x":{"type":"object","properties":{"y":{"type":"null"}}}}})",
       R"({"$ref":"#/$defs/x","$defs":{"x":{"type":"object","properties":{"y":{"type":"null"}},"additionalProperties":false}}})",
       {"s.description"}},
  };
  for (const auto& [schema, expected, losses] : cases) {
    const auto got = convert(schema);
    EXPECT_EQ(got.schema, expected);
    EXPECT_EQ(got.losses, losses) << schema;
  }
}

TEST(AnthropicSchema, WhatCannotBeSaidIsRefused) {
  struct Case {
    std::string_view schema;
    std::string_view problem;
  };
  const Case cases[] = {
      {R"({"type":"object"})", "s: an object of any keys"},
      {R"({"type":"object","properties":{"m":{"type":"object","additionalProperties":{"type":"string"}}}})",
       "s.properties.m: an object of any keys"},
      {R"({"type":"object","properties":{"next":{"$ref":"#"}}})", "s: a schema that contains itself"},
      {R"({"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"n":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}}}}})",
       "s: a schema that contains itself"},
      {R"({"$ref":"https://e.org/s.json"})", "s: a reference to another document"},
  };
  for (const auto& [schema, problem] : cases) {
    const auto got = convert(schema);
    EXPECT_EQ(got.schema, "") << schema;
    EXPECT_EQ(got.problem, problem);
    EXPECT_TRUE(got.losses.empty());
  }
}

TEST(AnthropicSchema, ReferencesWithoutEndAreCut) {
  // Each definition names the next one twice: followed naively, 2^60 ways.
  std::string schema = R"({"$ref":"#/$defs/d0","$defs":{)";
  for (int i = 0; i < 60; ++i) {
    schema += cat("\"d", i, R"(":{"anyOf":[{"$ref":"#/$defs/d)", i + 1, R"("},{"$ref":"#/$defs/d)", i + 1, "\"}]},");
  }
  schema += R"("d60":{"type":"string"}}})";
  EXPECT_NE(convert(schema).schema, "");
}

TEST(AnthropicRules, AreThoseOfTheModelsAge) {
  using enum Rules::Thinking;
  struct Case {
    std::string_view model;
    Rules::Thinking thinking;
    std::uint64_t max_tokens;
    bool fixed;
  };
  const Case cases[] = {
      {"claude-3-haiku-20240307", budget, 4096, false},
      {"claude-3-5-sonnet-20241022", budget, 8192, false},
      {"claude-3-7-sonnet-latest", budget, 32'000, false},
      {"claude-opus-4-20250514", budget, 32'000, false},
      {"claude-sonnet-4-5-20250929", budget, 32'000, false},
      {"claude-opus-4-6", either, 32'000, false},
      {"us.anthropic.claude-sonnet-4-6-v1:0", either, 32'000, false},
      {"anthropic/claude-opus-4.7", adaptive, 32'000, true},
      {"claude-opus-4-8@20260528", adaptive, 32'000, true},
      {"claude-sonnet-5", adaptive, 32'000, true},
      {"claude-opus-4-10", adaptive, 32'000, true},
      {"claude-fable-5", adaptive, 32'000, true},
      {"claude-mythos-preview", adaptive, 32'000, true},
      {"claude", budget, 8192, false},
      {"claude-latest", budget, 8192, false},
      {"deepseek-chat", budget, 8192, false},
      {"", budget, 8192, false},
  };
  for (const auto& [model, thinking, max_tokens, fixed] : cases) {
    const auto rules = rules_of(model);
    EXPECT_EQ(rules.thinking, thinking) << model;
    EXPECT_EQ(rules.max_tokens, max_tokens) << model;
    EXPECT_EQ(rules.fixed_sampling, fixed) << model;
  }
  EXPECT_FALSE(rules_of("claude-opus-4-20250514").one_of_two_samplings);
  EXPECT_TRUE(rules_of("claude-opus-4-1-20250805").one_of_two_samplings);
}

}  // namespace
}  // namespace cardea::dialect::claude
