#include "twin/instance.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

std::string made(std::string_view schema) {
  auto parsed = json::parse(schema);
  EXPECT_TRUE(parsed) << schema;
  return parsed ? instance(*parsed).dump() : "";
}

TEST(Instance, FitsTheSchema) {
  struct Case {
    std::string_view schema;
    std::string_view instance;
  };
  constexpr Case cases[] = {
      {R"({"const":7})", "7"},
      {R"({"enum":["b","a"]})", R"("b")"},
      {R"({"type":"string","default":"d"})", R"("d")"},
      {R"({"type":"string","examples":["e"]})", R"("e")"},
      {R"({"type":"string","format":"uuid"})", R"("00000000-0000-4000-8000-000000000000")"},
      {R"({"type":"string","maxLength":3})", R"("exa")"},
      {R"({"type":"string","minLength":15})", R"("example value..")"},
      {R"({"type":["null","boolean"]})", "true"},
      {R"({"type":"null"})", "null"},
      {R"({"type":"integer"})", "1"},
      {R"({"type":"integer","minimum":4.5})", "5"},
      {R"({"type":"integer","exclusiveMinimum":4})", "5"},
      {R"({"type":"integer","maximum":-3})", "-3"},
      {R"({"type":"integer","exclusiveMaximum":0})", "-1"},
      {R"({"type":"integer","minimum":10,"multipleOf":7})", "14"},
      {R"({"type":"number","minimum":1.25})", "1.25"},
      {R"({"type":"array","items":{"type":"integer"}})", "[1]"},
      {R"({"type":"array","items":{"type":"integer"},"minItems":3})", "[1,1,1]"},
      {R"({"type":"array","items":{"type":"integer"},"maxItems":0})", "[]"},
      {R"({"type":"array","prefixItems":[{"type":"boolean"},{"type":"null"}],"items":false})", "[true,null]"},
      {R"({"type":"object"})", "{}"},
      {R"({"properties":{"a":{"type":"integer"},"b":{"type":"integer"}}})", R"({"a":1,"b":1})"},
      {R"({"properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["b"]})", R"({"b":1})"},
      {R"({"anyOf":[{"type":"integer"},{"type":"string"}]})", "1"},
      {R"({"$defs":{"p":{"type":"object","properties":{"city":{"type":"string"}}}},"type":"object","properties":{"at":{"$ref":"#/$defs/p"}}})",
       R"({"at":{"city":"Paris"}})"},
      {R"({"allOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{"type":"boolean"}},"required":["b"]}]})",
       R"({"a":1,"b":true})"},
      {R"({"$ref":"#/nowhere"})", "null"},
      {R"({"type":"object","properties":{"email":{"type":"string","format":"email"}}})", R"({"email":"twin@example.com"})"},
  };
  for (const auto& one : cases) EXPECT_EQ(made(one.schema), one.instance) << one.schema;
}

TEST(Instance, EndsOnSchemasWithoutEnd) {
  EXPECT_NE(made(R"({"type":"object","properties":{"next":{"$ref":"#"}},"required":["next"]})"), "");
  // Doubles at each level.
  EXPECT_LT(made(R"({"type":"object","properties":{"a":{"$ref":"#"},"b":{"$ref":"#"}}})").size(), 200'000U);
  EXPECT_LT(
      made(R"({"type":"array","minItems":1000000,"items":{"type":"array","minItems":1000000,"items":{"$ref":"#"}}})").size(),
      200'000U);
  EXPECT_EQ(made(R"({"allOf":[{"$ref":"#"}]})").empty(), false);
}

TEST(Tokens, CountedAndCutAlike) {
  for (const std::string_view text : {"", " ", "a", "a b", " a  b ", "a,b", R"({"a": [1, 2]})", "h\u00e9llo",
                                      "\u4f60\u597d\uff01", "x\n\ny\t", "...", "a\u00a0b"}) {
    std::uint64_t tokens = 0;
    for (std::size_t at = 0; at < text.size(); ++tokens) {
      const auto end = token_end(text, at);
      ASSERT_GT(end, at);
      at = end;
    }
    EXPECT_EQ(count_tokens(text), tokens) << text;
    EXPECT_EQ(first_tokens(text, tokens), text);
    if (tokens > 0) EXPECT_EQ(count_tokens(first_tokens(text, tokens - 1)), tokens - 1) << text;
  }
  EXPECT_EQ(count_tokens("\u4f60\u597d"), 2U);
  EXPECT_EQ(count_tokens(std::string(1000, 'a')), 1U);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "ab ";
  EXPECT_EQ(count_tokens(many), 1000U);
  EXPECT_EQ(count_tokens(lorem(77, 5)), 77U);
  EXPECT_EQ(lorem(77, 5), lorem(77, 5));
}

TEST(Tokens, FingerprintDependsOnEveryByte) {
  std::string text(70, 'a');
  const auto before = fingerprint(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    text[i] = 'b';
    EXPECT_NE(fingerprint(text), before) << i;
    text[i] = 'a';
  }
  EXPECT_NE(fingerprint(""), fingerprint("", 1));
}

}  // namespace
}  // namespace cardea::twin
