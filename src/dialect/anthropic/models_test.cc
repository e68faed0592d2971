#include "dialect/anthropic/models.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "json/value.h"

namespace cardea::dialect::claude {
namespace {

TEST(AnthropicModels, OneHasTheReferencesShape) {
  EXPECT_EQ(
      model_body({.id = "claude-sonnet-4-5", .display_name = "Claude Sonnet 4.5", .created_at = 1'759'104'000}),
      R"({"type":"model","id":"claude-sonnet-4-5","display_name":"Claude Sonnet 4.5","created_at":"2025-09-29T00:00:00Z"})");
  EXPECT_EQ(model_body({.id = "x"}), R"({"type":"model","id":"x","display_name":"x","created_at":"1970-01-01T00:00:00Z"})");
  EXPECT_NE(model_body({.id = "x", .created_at = 1'709'251'199}).find("2024-02-29T23:59:59Z"), std::string::npos);
}

struct PageCase {
  std::string_view query;
  std::string_view ids;
  bool more;
};

TEST(AnthropicModels, ArePaged) {
  std::vector<ModelEntry> models;
  for (const char c : std::string_view{"abcdefg"}) models.push_back({.id = std::string{c}});
  const PageCase cases[] = {
      {"", "abcdefg", false},
      {"limit=7", "abcdefg", false},
      {"limit=3", "abc", true},
      {"limit=3&after_id=c", "def", true},
      {"after_id=f&limit=3", "g", false},
      {"after_id=g", "", false},
      {"before_id=d", "abc", false},
      {"before_id=d&limit=2", "bc", true},
      {"before_id=a", "", false},
      {"after_id=b&before_id=f&limit=2", "cd", true},
      {"beta=true&limit=2&x", "ab", true},
  };
  for (const auto& [query, ids, more] : cases) {
    auto page = parse_models_query(query);
    ASSERT_TRUE(page) << query;
    auto body = models_body(models, *page);
    ASSERT_TRUE(body) << query;
    auto value = json::parse(*body);
    ASSERT_TRUE(value) << *body;
    std::string said;
    for (const auto& model : value->find("data")->elements()) said += *model.find("id")->as_string();
    EXPECT_EQ(said, ids) << query;
    EXPECT_EQ(value->find("has_more")->as_bool(), more) << query;
    if (ids.empty()) {
      EXPECT_TRUE(value->find("first_id")->is(json::Type::null));
      EXPECT_TRUE(value->find("last_id")->is(json::Type::null));
    } else {
      EXPECT_EQ(*value->find("first_id")->as_string(), ids.substr(0, 1));
      EXPECT_EQ(*value->find("last_id")->as_string(), ids.substr(ids.size() - 1));
    }
  }
}

TEST(AnthropicModels, BadPagesAreRefused) {
  for (const std::string_view query : {"limit=0", "limit=1001", "limit=x", "limit="}) {
    auto page = parse_models_query(query);
    ASSERT_FALSE(page) << query;
    EXPECT_EQ(page.error().detail().param, "limit");
  }
  auto page = parse_models_query("after_id=a%2Fb+c");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->after_id, "a/b c");
  auto body = models_body({}, *page);
  ASSERT_FALSE(body);
  EXPECT_EQ(body.error().kind(), Kind::bad_request);
}

}  // namespace
}  // namespace cardea::dialect::claude
