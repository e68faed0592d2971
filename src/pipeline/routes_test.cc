#include "pipeline/routes.h"

#include <gtest/gtest.h>

#include "pipeline/pages.h"

namespace cardea::pipeline {
namespace {

using wire::Method;

TEST(Routes, FindByMethodAndPath) {
  struct Case {
    Method method;
    std::string_view path;
    Operation operation;
    std::string_view parameter = "";
  };
  const Case cases[] = {
      {Method::post, "/v1/chat/completions", Operation::chat},
      {Method::post, "/chat/completions", Operation::chat},
      {Method::post, "/openai/v1/chat/completions", Operation::chat},
      {Method::get, "/openai/models", Operation::list_models},
      {Method::head, "/v1/models", Operation::list_models},
      {Method::get, "/v1/models/a", Operation::show_model, "a"},
      {Method::get, "/v1/models/a/b%2Fc", Operation::show_model, "a/b%2Fc"},
      {Method::get, "/metrics", Operation::metrics},
      {Method::get, "/health/readiness", Operation::ready},
  };
  for (const auto& one : cases) {
    const auto found = match(one.method, one.path);
    ASSERT_TRUE(found) << one.path;
    EXPECT_EQ(found->route->operation, one.operation) << one.path;
    EXPECT_EQ(found->parameter, one.parameter) << one.path;
  }
}

TEST(Routes, TellsAWrongMethodFromAWrongPath) {
  EXPECT_EQ(match(Method::get, "/v1/chat/completions").error().kind(), Kind::method_not_allowed);
  EXPECT_EQ(match(Method::post, "/v1/models").error().kind(), Kind::method_not_allowed);
  EXPECT_EQ(match(Method::post, "/livez").error().kind(), Kind::method_not_allowed);
  for (const auto* path : {"/", "/v1", "/v1/", "/v1/models/", "/v1/openai/models", "/v1/metrics", "/livez/", "/chat"}) {
    const auto found = match(Method::get, path);
    ASSERT_FALSE(found) << path;
    EXPECT_EQ(found.error().kind(), Kind::not_found) << path;
  }
  EXPECT_EQ(allowed_methods("/v1/chat/completions"), "POST");
  EXPECT_EQ(allowed_methods("/openai/v1/models"), "GET, HEAD");
}

// What anybody may do, in full: a new route shows up here.
TEST(Routes, OnlyPagesWithoutWorthAreForEveryone) {
  for (const auto* path : {"/livez", "/readyz", "/health", "/status", "/health/liveliness", "/health/readiness"}) {
    EXPECT_EQ(match(Method::get, path)->route->policy, Policy::everyone) << path;
  }
  EXPECT_EQ(match(Method::get, "/metrics")->route->policy, Policy::scraper);
  EXPECT_EQ(match(Method::post, "/v1/chat/completions")->route->policy, Policy::caller);
  EXPECT_EQ(match(Method::get, "/v1/models")->route->policy, Policy::caller);
  EXPECT_EQ(match(Method::get, "/v1/models/x")->route->policy, Policy::caller);
}

TEST(Pages, DecodePercents) {
  EXPECT_EQ(percent_decoded("a%2Fb%2fc"), "a/b/c");
  EXPECT_EQ(percent_decoded(""), "");
  for (const auto* bad : {"%", "%2", "%g0", "%0g", "a%"}) EXPECT_EQ(percent_decoded(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace cardea::pipeline
