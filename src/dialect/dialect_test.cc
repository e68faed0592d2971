#include "dialect/dialect.h"

#include <gtest/gtest.h>

namespace cardea::dialect {
namespace {

TEST(Dialects, AreFoundByName) {
  EXPECT_EQ(find("openai_chat"), &openai_chat());
  EXPECT_EQ(find("openai"), &openai_chat());
  EXPECT_EQ(find("morse"), nullptr);
  for (const auto* dialect : all()) EXPECT_EQ(find(dialect->name()), dialect);
}

}  // namespace
}  // namespace cardea::dialect
