#include "dialect/gemini/schema.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace cardea::dialect::google {
namespace {

std::string to_gemini(std::string_view schema, SchemaUse use = {}) {
  const auto out = to_gemini_schema(*json::parse(schema), use);
  return out ? out->dump() : "";
}
std::string from_gemini(std::string_view schema) { return from_gemini_schema(*json::parse(schema)).dump(); }

struct Case {
  std::string_view json;
  std::string_view gemini;
};

TEST(GeminiSchema, BothWays) {
  const Case cases[] = {
      {R"({"type":"string","description":"d","pattern":"^a$","minLength":1,"maxLength":9})",
       R"({"type":"STRING","description":"d","pattern":"^a$","minLength":1,"maxLength":9})"},
      {R"({"type":["integer","null"],"minimum":-1,"maximum":2.50,"format":"int64"})",
       R"({"type":"INTEGER","nullable":true,"minimum":-1,"maximum":2.50,"format":"int64"})"},
      {R"({"type":"array","items":{"type":"boolean"},"minItems":1})",
       R"({"type":"ARRAY","items":{"type":"BOOLEAN"},"minItems":1})"},
      {R"({"type":"object","properties":{"b":{"type":"number"},"a":{"type":"null"}},"required":["b"],"minProperties":1})",
       R"({"type":"OBJECT","properties":{"b":{"type":"NUMBER"},"a":{"type":"NULL"}},"required":["b"],"minProperties":1})"},
      {R"({"type":["string","null"],"enum":["a","b",null]})", R"({"type":"STRING","nullable":true,"enum":["a","b"]})"},
      {R"({"anyOf":[{"type":"string"},{"type":"integer"}]})", R"({"anyOf":[{"type":"STRING"},{"type":"INTEGER"}]})"},
      {R"({"type":"string","format":"date-time","title":"t","default":"x","examples":["y"]})",
       R"({"type":"STRING","format":"date-time","title":"t","default":"x","example":"y"})"},
  };
  for (const auto& [json, gemini] : cases) {
    EXPECT_EQ(to_gemini(json), gemini);
    EXPECT_EQ(from_gemini(gemini), json);
  }
}

TEST(GeminiSchema, KeepsTheMeaningOfWhatItHasNoWordFor) {
  const Case cases[] = {
      {R"({"const":"a"})", R"({"type":"STRING","enum":["a"]})"},
      {R"({"enum":["a"]})", R"({"type":"STRING","enum":["a"]})"},
      {R"({"oneOf":[{"type":"string"},{"type":"number"}]})", R"({"anyOf":[{"type":"STRING"},{"type":"NUMBER"}]})"},
      // What pydantic and zod make of optional fields.
      {R"({"anyOf":[{"type":"string"},{"type":"null"}],"default":null,"title":"T"})",
       R"({"type":"STRING","nullable":true,"default":null,"title":"T"})"},
      {R"({"anyOf":[{"type":"string"},{"type":"integer"},{"type":"null"}]})",
       R"({"anyOf":[{"type":"STRING","nullable":true},{"type":"INTEGER"}]})"},
      {R"({"type":["string","integer"]})", R"({"anyOf":[{"type":"STRING"},{"type":"INTEGER"}]})"},
      {R"({"properties":{"a":{"items":{"type":"string"}}},"additionalProperties":false,"$schema":"s","required":[]})",
       R"({"type":"OBJECT","properties":{"a":{"type":"ARRAY","items":{"type":"STRING"}}}})"},
      {R"({"type":"object","properties":{"a":{"$ref":"#/$defs/A~1B","description":"d"}},"$defs":{"A/B":{"type":"string","description":"x"}}})",
       R"({"type":"OBJECT","properties":{"a":{"type":"STRING","description":"d"}}})"},
      {R"({"type":"object","properties":{"a":{"allOf":[{"$ref":"#/definitions/A"}],"default":1}},"definitions":{"A":{"type":"integer"}}})",
       R"({"type":"OBJECT","properties":{"a":{"type":"INTEGER","default":1}}})"},
  };
  for (const auto& [json, gemini] : cases) EXPECT_EQ(to_gemini(json), gemini) << json;
}

TEST(GeminiSchema, SaysWhatIsOutsideOfTheSubset) {
  const std::string_view cases[] = {
      "true",
      "{}",
      R"({"type":"thing"})",
      R"({"type":"object"})",
      R"({"type":"object","properties":{}})",
      R"({"type":"array"})",
      R"({"type":"integer","enum":[1,2]})",
      R"({"const":1})",
      R"({"type":"string","enum":["a",null]})",
      R"({"type":"string","enum":["a",""]})",
      R"({"type":["object","string"]})",
      R"({"type":"string","format":"uuid"})",
      R"({"type":"integer","multipleOf":2})",
      R"({"type":"array","items":[{"type":"string"}]})",
      R"({"type":"array","prefixItems":[],"items":{"type":"string"}})",
      R"({"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":{"type":"string"}})",
      R"({"type":"object","properties":{"a":{"type":"string"}},"required":["b"]})",
      R"({"type":"object","properties":{"a":{"type":"string"}},"anyOf":[{"required":["a"]}]})",
      R"({"anyOf":[{"type":"string"},{"type":"number"}],"description":"d"})",
      R"({"allOf":[{"type":"string"},{"type":"string"}]})",
      R"({"not":{"type":"string"}})",
      R"({"$ref":"#"})",
      R"({"$ref":"#/$defs/none"})",
      R"({"$ref":"http://e.org/s"})",
      R"({"type":"object","properties":{"n":{"$ref":"#/$defs/N"}},"$defs":{"N":{"type":"object","properties":{"n":{"$ref":"#/$defs/N"}}}}})",
  };
  for (const auto schema : cases) EXPECT_EQ(to_gemini(schema), "") << schema;
  EXPECT_EQ(to_gemini(R"({"type":"object","properties":{}})", {.function = true}), R"({"type":"OBJECT","properties":{}})");
}

TEST(GeminiSchema, ReferencesCannotGrowWithoutEnd) {
  std::string defs;
  for (int i = 0; i < 40; ++i) {
    defs += cat(i == 0 ? "" : ",", "\"d", i, R"(":{"type":"object","properties":{"a":{"$ref":"#/$defs/d)", i + 1,
                R"("},"b":{"$ref":"#/$defs/d)", i + 1, R"("}}})");
  }
  defs += R"(,"d40":{"type":"string"})";
  EXPECT_EQ(to_gemini(cat(R"({"$ref":"#/$defs/d0","$defs":{)", defs, "}}")), "");
}

TEST(GeminiSchema, OrderOfProperties) {
  EXPECT_EQ(from_gemini(R"({"type":"OBJECT","properties":{"a":{"type":"STRING"},"b":{"type":"STRING"},"c":{"type":"STRING"}},)"
                        R"("property_ordering":["c","a","x"]})"),
            R"({"type":"object","properties":{"c":{"type":"string"},"a":{"type":"string"},"b":{"type":"string"}}})");
  EXPECT_EQ(to_gemini(R"({"type":"object","properties":{"b":{"type":"string"},"a":{"type":"string"}}})", {.ordering = true}),
            R"({"type":"OBJECT","properties":{"b":{"type":"STRING"},"a":{"type":"STRING"}},"propertyOrdering":["b","a"]})");
}

TEST(GeminiSchema, ReadsProtobufsSpellings) {
  EXPECT_EQ(
      from_gemini(
          R"({"any_of":[{"type":"STRING","max_length":"9"},{"type":"integer","enum":["1","2"],"format":"enum"}],"nullable":true})"),
      R"({"anyOf":[{"type":"string","maxLength":9},{"type":"integer","enum":[1,2]},{"type":"null"}]})");
  EXPECT_EQ(from_gemini(R"({"type":"TYPE_UNSPECIFIED","example":1})"), R"({"examples":[1]})");
}

}  // namespace
}  // namespace cardea::dialect::google
