#include "json/edit.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "json/value.h"

namespace cardea::json {
namespace {

TEST(Edits, SplicesReplacementsInOrder) {
  const std::string_view text = "0123456789";
  Edits edits;
  ASSERT_TRUE(edits.replace({5, 2}, "FIVESIX"));
  ASSERT_TRUE(edits.replace({0, 1}, "zero"));
  ASSERT_TRUE(edits.replace({9, 0}, "<"));
  ASSERT_TRUE(edits.replace({9, 0}, ">"));
  ASSERT_TRUE(edits.remove({2, 1}));
  EXPECT_EQ(edits.apply(text), "zero134FIVESIX78<>9");
  EXPECT_EQ(edits.size_after(text), edits.apply(text).size());
  std::vector<std::string_view> pieces;
  edits.append_pieces(text, pieces);
  std::string joined;
  for (const auto piece : pieces) {
    EXPECT_FALSE(piece.empty());
    joined += piece;
  }
  EXPECT_EQ(joined, "zero134FIVESIX78<>9");
}

TEST(Edits, NoEditIsTheTextItself) {
  const std::string_view text = "{}";
  std::vector<std::string_view> pieces;
  Edits{}.append_pieces(text, pieces);
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0].data(), text.data());
}

TEST(Edits, OverlapIsRefused) {
  Edits edits;
  ASSERT_TRUE(edits.replace({4, 4}, "x"));
  EXPECT_FALSE(edits.replace({4, 4}, "y"));
  EXPECT_FALSE(edits.replace({2, 3}, "y"));
  EXPECT_FALSE(edits.replace({7, 3}, "y"));
  EXPECT_FALSE(edits.replace({5, 0}, "y"));
  EXPECT_FALSE(edits.replace({0, 20}, "y"));
  EXPECT_TRUE(edits.replace({8, 1}, "after"));
  EXPECT_TRUE(edits.replace({3, 1}, "before"));
  EXPECT_TRUE(edits.replace({4, 0}, "at"));
  EXPECT_EQ(edits.apply("0123456789"), "012beforeatxafter9");
}

TEST(ObjectEdit, HandlesTheEmptyObject) {
  for (const std::string text : {"{}", " { } "}) {
    auto members = scan(text);
    ASSERT_TRUE(members);
    ObjectEdit object{*members};
    object.add("a", "1");
    object.add("b\n", "\"x\"");
    Edits edits;
    ASSERT_TRUE(object.commit(edits));
    EXPECT_EQ(parse(edits.apply(text))->dump(), R"({"a":1,"b\n":"x"})");
  }
}

TEST(ObjectEdit, KeepsAllOtherBytes) {
  const std::string text = R"({ "model" :"old",  "n": 18446744073709551616 , "x":[1, 2] })";
  auto members = scan(text);
  ASSERT_TRUE(members);
  ObjectEdit object{*members};
  object.set(*members->find("model"), "\"new\"");
  object.rename(*members->find("x"), "y");
  Edits edits;
  ASSERT_TRUE(object.commit(edits));
  EXPECT_EQ(edits.apply(text), R"({ "model" :"new",  "n": 18446744073709551616 , "y":[1, 2] })");
}

TEST(ObjectEdit, EditsANestedObject) {
  const std::string_view outline[] = {"o"};
  const std::string text = R"({"o":{"a":1},"p":{"a":1}})";
  auto members = scan(text, {.outline = outline});
  ASSERT_TRUE(members);
  ObjectEdit object{*members, *members->find("o")};
  object.add("b", "true");
  Edits edits;
  ASSERT_TRUE(object.commit(edits));
  EXPECT_EQ(edits.apply(text), R"({"o":{"b":true,"a":1},"p":{"a":1}})");
}

TEST(ObjectEdit, ManyRemovalsAreLinear) {
  // Quadratic work would take minutes here.
  std::string text = "{";
  for (int i = 0; i < 60'000; ++i) text += "\"x\":1,";
  text += "\"y\":2}";
  auto members = scan(text);
  ASSERT_TRUE(members);
  ObjectEdit object{*members};
  for (const auto& member : members->all()) {
    if (member.key == "x") object.remove(member);
  }
  Edits edits;
  ASSERT_TRUE(object.commit(edits));
  EXPECT_EQ(edits.apply(text), R"({"y":2})");
}

/// Any mix of changes gives valid JSON with exactly the members it should have.
TEST(ObjectEdit, RandomChangesEqualChangesOfTheTree) {
  Random random{11};
  for (int round = 0; round < 20'000; ++round) {
    std::string text = "{";
    const auto count = random.below(6);
    for (std::uint64_t i = 0; i < count; ++i) text += cat(i == 0 ? " " : " , ", "\"k", i, "\" : ", i, " ");
    text += '}';
    auto members = scan(text);
    ASSERT_TRUE(members);
    ObjectEdit object{*members};
    std::vector<Value::Member> expected;
    for (const auto& member : members->all()) {
      std::string key{member.key};
      Value value = *parse(members->raw(member));
      switch (random.below(5)) {
        case 0: object.remove(member); continue;
        case 1:
          object.set(member, "[0]");
          value = *parse("[0]");
          break;
        case 2:
          object.rename(member, "re" + key);
          key = "re" + key;
          break;
        case 3:
          object.rename(member, "re" + key);
          object.set(member, "{}");
          key = "re" + key;
          value = Value::object();
          break;
        default: break;
      }
      expected.emplace_back(key, value);
    }
    for (auto added = random.below(3); added > 0; --added) {
      object.add(cat("new", added), "\"n\"");
      expected.emplace_back(cat("new", added), Value::string("n"));
    }
    Edits edits;
    ASSERT_TRUE(object.commit(edits));
    const auto result = edits.apply(text);
    auto got = parse(result);
    ASSERT_TRUE(got) << text << " → " << result;
    ASSERT_EQ(got->members().size(), expected.size()) << result;
    for (const auto& [key, value] : expected) {
      ASSERT_NE(got->find(key), nullptr) << result;
      EXPECT_EQ(*got->find(key), value) << result;
    }
  }
}

}  // namespace
}  // namespace cardea::json
