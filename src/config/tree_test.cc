#include "config/tree.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace cardea::config {
namespace {

std::vector<std::string> problems_of(std::string_view yaml) {
  std::vector<Problem> problems;
  (void)parse_yaml(yaml, "f", problems);
  std::vector<std::string> out;
  for (const auto& problem : problems) out.push_back(to_text(problem));
  return out;
}

std::string tree_of(std::string_view yaml) {
  std::vector<Problem> problems;
  const auto node = parse_yaml(yaml, "f", problems);
  EXPECT_TRUE(problems.empty()) << to_text(problems.front());
  return to_json(node);
}

TEST(Tree, KeepsOrderTextAndNull) {
  EXPECT_EQ(tree_of("b: 1\na: [x, 'null', ~, 007]\nc: {d: no}\ne:\n"),
            R"({"b":"1","a":["x","null",null,"007"],"c":{"d":"no"},"e":null})");
  EXPECT_EQ(tree_of(""), "null");
  EXPECT_EQ(tree_of("# only a comment\n"), "null");
}

TEST(Tree, KnowsPlaces) {
  std::vector<Problem> problems;
  auto node = parse_yaml("a:\n  - b: 1\n", "f", problems);
  const auto& inner = node.map[0].value.list[0].map[0];
  EXPECT_EQ(inner.line, 2u);
  EXPECT_EQ(inner.column, 5u);
  EXPECT_EQ(inner.value.column, 8u);
}

TEST(Tree, ExpandsAliasesWithinLimits) {
  EXPECT_EQ(tree_of("a: &x {k: 1}\nb: *x\n"), R"({"a":{"k":"1"},"b":{"k":"1"}})");
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += cat("a", i, ": &a", i, " [");
    for (int j = 0; j < 10; ++j) bomb += cat(j == 0 ? "" : ", ", "*a", i - 1);
    bomb += "]\n";
  }
  const auto problems = problems_of(bomb);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].find("aliases counted"), std::string::npos) << problems[0];
}

TEST(Tree, AliasesCannotGoAroundTheDepthLimit) {
  std::string deep = "a0: &a0 " + std::string(20, '[') + std::string(20, ']') + "\n";
  deep += "a1: " + std::string(20, '[') + "*a0" + std::string(20, ']') + "\n";
  const auto problems = problems_of(deep);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].find("deeper than 32"), std::string::npos) << problems[0];
}

TEST(Tree, RefusesWhatCannotBeMeant) {
  EXPECT_EQ(problems_of("a: 1\nb: 2\na: 3\n"),
            std::vector<std::string>{"f:3:1: a: this key was already given on line 1 – keep one of the two"});
  EXPECT_EQ(problems_of("a: 1\n---\nb: 2\n"),
            std::vector<std::string>{
                "f:3:1: a second document begins (---) – one file holds one document; remove the '---' between them"});
  EXPECT_EQ(problems_of("<<: {a: 1}\n"),
            std::vector<std::string>{"f:1:1: merge keys (<<) are not supported – write the fields out"});
  EXPECT_EQ(problems_of("[a]: 1\n"),
            std::vector<std::string>{"f:1:1: a key must be plain text – quote it if it holds special characters"});
  EXPECT_EQ(problems_of("a: [1, 2\n").size(), 1u);
  EXPECT_EQ(problems_of("a: *nobody\n").size(), 1u);
  EXPECT_EQ(problems_of("a: &x [*x]\n").size(), 1u);
  EXPECT_EQ(problems_of(std::string(40, '[')).size(), 1u);
  EXPECT_EQ(problems_of(std::string(100'000, '[')).size(), 1u);
  EXPECT_EQ(problems_of(std::string(file_bytes_max + 1, ' ')),
            std::vector<std::string>{"f: the file is larger than 4 MiB – split it or remove what is not configuration"});
}

TEST(Tree, GoesThroughJsonUnchanged) {
  const std::string json = R"({"a":["x",null,{"b":"\"\n"}]})";
  const auto node = parse_json(json);
  ASSERT_TRUE(node);
  EXPECT_EQ(to_json(*node), json);
  EXPECT_FALSE(parse_json("{"));
}

struct Case {
  std::string_view text, expected;
};

TEST(Substitute, Table) {
  const Env env = [](std::string_view name) -> std::optional<std::string> {
    if (name == "A") return "one";
    if (name == "EMPTY") return "";
    if (name == "TRICK") return "${A}";
    return std::nullopt;
  };
  const Case cases[] = {
      {"${A}", "one"},
      {"x-${A}-${A}", "x-one-one"},
      {"${NONE:-two}", "two"},
      {"${EMPTY:-two}", "two"},
      {"${EMPTY}", ""},
      {"${NONE:-}", ""},
      {"${NONE:-${A}}", "one"},
      {"${NONE:-${NONE:-${A}}}/v1", "one/v1"},
      {"$${A}", "${A}"},
      {"$A", "$A"},
      {"100$", "100$"},
      {"os.environ/A", "one"},
      {"env.A", "one"},
      {"${env.A}", "one"},
      {"env.example.com", "env.example.com"},
      {"${TRICK}", "${A}"},
  };
  for (const auto& [text, expected] : cases) {
    Node node;
    node.kind = Node::Kind::scalar;
    node.text = text;
    std::vector<Problem> problems;
    substitute(node, env, Missing::is_problem, "f", problems);
    EXPECT_EQ(node.text, expected) << text;
    EXPECT_TRUE(problems.empty()) << text;
  }
  for (const std::string_view bad :
       {"${", "${A", "${A B}", "${}", "${NONE}", "env.NONE", "${1A}", "${A:-x${", "${N:-${N:-${N:-${N:-${N:-x}}}}}"}) {
    Node node;
    node.kind = Node::Kind::scalar;
    node.text = bad;
    std::vector<Problem> problems;
    substitute(node, env, Missing::is_problem, "f", problems);
    if (bad == "${A:-x${") continue;  // A is set: the default is not looked at
    EXPECT_EQ(problems.size(), 1u) << bad;
    EXPECT_TRUE(node.missing) << bad;
  }
}

}  // namespace
}  // namespace cardea::config
