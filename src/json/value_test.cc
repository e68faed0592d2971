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
