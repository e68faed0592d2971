#include "model/chat.h"

#include <gtest/gtest.h>

namespace cardea::model {
namespace {

TEST(Chat, ComparesByContent) {
  Chat a;
  a.model = "m";
  a.messages.push_back(
      {.role = Role::tool, .parts = {{.value = ToolResult{.call_id = "c", .parts = {{.value = Text{.text = "hi"}}}}}}});
  Chat b = a;
  EXPECT_EQ(a, b);
  std::get<Text>(std::get<ToolResult>(b.messages[0].parts[0].value).parts[0].value).text = "ho";
  EXPECT_NE(a, b);
}

TEST(Chat, AbsentIsNotZero) {
  Chat a;
  Chat b;
  b.sampling.seed = Number{"0"};
  EXPECT_NE(a, b);
  Usage usage;
  EXPECT_NE(usage, Usage{.cache_read = 0});
  EXPECT_EQ(usage.total(), 0u);
}

TEST(Usage, SumsDoNotOverlap) {
  const Usage usage{.input = 10, .cache_read = 5, .cache_write = 2, .output = 7, .reasoning = 3};
  EXPECT_EQ(usage.input_total(), 17u);
  EXPECT_EQ(usage.total(), 24u);
}

TEST(Names, CoverTheEnums) {
  EXPECT_EQ(name(Role::tool), "tool");
  EXPECT_EQ(name(Finish::failed), "failed");
  EXPECT_EQ(name(Finish::unknown), "unknown");
}

}  // namespace
}  // namespace cardea::model
