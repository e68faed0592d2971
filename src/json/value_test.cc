#include "json/value.h"

#include <gtest/gtest.h>

namespace cardea::json {
namespace {

TEST(Value, KeepsOrderSpellingAndText) {
  const std::string text = R"({"z":18446744073709551616,"a":[1.50,-0,true,false,null,"x\ny"],"e":{},"l":[]})";
  auto value = parse(text);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->dump(), text);
  EXPECT_EQ(*value->find("z")->as_number(), "18446744073709551616");
  EXPECT_EQ(value->find("z")->as_u64(), std::nullopt);
  EXPECT_EQ(value->find("a")->elements()[0].as_double(), 1.5);
  EXPECT_EQ(value->find("a")->elements()[2].as_bool(), true);
  EXPECT_EQ(*value->find("a")->elements()[5].as_string(), "x\ny");
  EXPECT_EQ(value->find("nope"), nullptr);
  EXPECT_EQ(value->find("a")->find("x"), nullptr);
  EXPECT_EQ(value->find("a")->as_string(), nullptr);
}

TEST(Value, AnyTopLevelAndSpaces) {
  EXPECT_EQ(parse(" \"x\" ")->dump(), "\"x\"");
  EXPECT_EQ(parse("42")->as_i64(), 42);
  EXPECT_EQ(parse("-7")->as_i64(), -7);
  EXPECT_EQ(parse("null")->type(), Type::null);
  EXPECT_EQ(parse(" [ 1 , { \"a\" : [ ] } ] ")->dump(), "[1,{\"a\":[]}]");
  EXPECT_FALSE(parse("{\"a\":}"));
  EXPECT_FALSE(parse(""));
}

TEST(Value, LastDuplicateIsFound) { EXPECT_EQ(parse(R"({"a":1,"a":2})")->find("a")->as_u64(), 2u); }

TEST(Value, DeepWideAndEscapedTreesReadBack) {
  // Deeper than any outline, more members than fit inline, keys and scalars that need unescaping, all kinds of emptiness.
  std::string text = R"({"k\u0065y":"a\nb","none":null,"e":{},"l":[],"many":[)";
  for (int i = 0; i < 500; ++i) {
    text += std::string{i != 0 ? "," : ""} + R"({"a":[)" + std::to_string(i) + R"(,[[-1.5e3,"é"]]],"b":false})";
  }
  text += "]}";
  const auto tree = parse(text);
  ASSERT_TRUE(tree) << tree.error().message();
  EXPECT_EQ(*tree->find("key")->as_string(), "a\nb");
  ASSERT_EQ(tree->find("many")->elements().size(), 500u);
  EXPECT_EQ(tree->find("many")->elements()[499].find("a")->elements()[0].as_u64(), 499u);
  EXPECT_TRUE(tree->find("e")->is(Type::object));
  EXPECT_TRUE(tree->find("l")->is(Type::array));
  const auto again = parse(tree->dump());
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *tree);
  EXPECT_EQ(*parse(" \n\"a\\u0041\" ")->as_string(), "aA");
  EXPECT_EQ(*parse("-12.50 ")->as_number(), "-12.50");
  std::string deepest = std::string(128, '[') + std::string(128, ']');
  EXPECT_TRUE(parse(deepest));
  EXPECT_FALSE(parse("[" + deepest + "]"));
}

TEST(Value, SetEraseCompare) {
  auto value = Value::object();
  value.set("a", Value::integer(-1));
  value.set("b", Value::array({Value::boolean(false), {}}));
  value.set("a", Value::string("s"));
  EXPECT_EQ(value.dump(), R"({"a":"s","b":[false,null]})");
  EXPECT_EQ(value, *parse(value.dump()));
  EXPECT_TRUE(value.erase("a"));
  EXPECT_FALSE(value.erase("a"));
  EXPECT_EQ(value.dump(), R"({"b":[false,null]})");
}

}  // namespace
}  // namespace cardea::json
