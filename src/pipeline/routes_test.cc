#include "pipeline/routes.h"

#include <gtest/gtest.h>

#include "pipeline/administration.h"
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
      {Method::post, "/v1/embeddings", Operation::embed},
      {Method::post, "/embed", Operation::embed},
      {Method::post, "/api/embeddings", Operation::embed},
      {Method::post, "/v1beta/models/a%2Fb:batchEmbedContents", Operation::embed, "a%2Fb"},
      {Method::post, "/v1/rerank", Operation::rerank},
      {Method::post, "/rerank", Operation::rerank},
      {Method::post, "/cohere/v2/rerank", Operation::rerank},
      {Method::post, "/openai/v1/moderations", Operation::moderate},
      {Method::post, "/tokenize", Operation::tokenize},
      {Method::post, "/detokenize", Operation::detokenize},
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

TEST(Routes, EveryDialectHasItsOwnPaths) {
  struct Case {
    Method method;
    std::string_view path;
    std::string_view dialect;
    Streams streams = Streams::as_the_body_says;
    std::string_view parameter = "";
  };
  const Case cases[] = {
      {Method::post, "/v1/responses", "openai_responses"},
      {Method::post, "/openai/responses", "openai_responses"},
      {Method::post, "/v1/completions", "openai_completions"},
      {Method::post, "/v1/messages", "anthropic"},
      {Method::post, "/anthropic/v1/messages", "anthropic"},
      {Method::get, "/anthropic/v1/models", "anthropic"},
      {Method::post, "/v1beta/models/gemini-2.5-pro:generateContent", "gemini", Streams::never, "gemini-2.5-pro"},
      {Method::post, "/v1/models/a/b:streamGenerateContent", "gemini", Streams::always, "a/b"},
      {Method::post, "/genai/v1beta/models/x:generateContent", "gemini", Streams::never, "x"},
      {Method::get, "/v1beta/models/x", "gemini", Streams::as_the_body_says, "x"},
      {Method::post, "/model/a%3A0/converse", "bedrock", Streams::never, "a%3A0"},
      {Method::post, "/bedrock/model/a/converse-stream", "bedrock", Streams::always, "a"},
      {Method::post, "/v2/chat", "cohere"},
      {Method::post, "/cohere/v2/chat", "cohere"},
      {Method::post, "/api/chat", "ollama"},
      {Method::post, "/api/generate", "ollama_generate"},
      {Method::post, "/cardea/v1/chat", "native"},
      {Method::post, "/cardea/v1/count_tokens", "native"},
      {Method::get, "/cardea/v1/models", "native"},
      {Method::get, "/cardea/v1/models/a/b", "native", Streams::as_the_body_says, "a/b"},
  };
  for (const auto& one : cases) {
    const auto found = match(one.method, one.path);
    ASSERT_TRUE(found) << one.path;
    EXPECT_EQ(found->route->dialect, one.dialect) << one.path;
    EXPECT_EQ(found->route->streams, one.streams) << one.path;
    EXPECT_EQ(found->parameter, one.parameter) << one.path;
  }
  EXPECT_EQ(match(Method::get, "/v1/models", "anthropic")->route->dialect, "anthropic");
  EXPECT_EQ(match(Method::get, "/v1/models")->route->dialect, "openai_chat");
  for (const auto* path : {"/anthropic/v1/chat/completions", "/gemini/v1/messages", "/v1beta/messages", "/v1/chat",
                           "/api/api/chat", "/cardea/chat", "/cardea/v1/messages"}) {
    EXPECT_FALSE(match(Method::post, path)) << path;
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

TEST(Routes, OfTheAdministrationSayWhatIsDoneAndByWhom) {
  struct Case {
    Method method;
    std::string_view path;
    std::string_view form;
    Policy policy;
    std::string_view parameter = "";
  };
  const Case cases[] = {
      {Method::get, "/admin/v1/keys", "keys.list", Policy::read},
      {Method::post, "/admin/v1/keys", "keys.create", Policy::manage},
      {Method::get, "/admin/v1/keys/a%2Fb", "keys.show", Policy::read, "a%2Fb"},
      {Method::patch, "/admin/v1/teams/t", "teams.update", Policy::manage, "t"},
      {Method::delete_, "/admin/v1/members/m", "members.remove", Policy::manage, "m"},
      {Method::post, "/admin/v1/keys/k/rotate", "keys.rotate", Policy::manage, "k"},
      {Method::post, "/admin/v1/keys/k/block", "keys.block", Policy::operate, "k"},
      {Method::put, "/admin/v1/providers/openai/key", "provider_key.set", Policy::operate, "openai"},
      {Method::get, "/v1/key", "key.own", Policy::known},
      {Method::post, "/key/generate", "litellm.key.generate", Policy::manage},
      {Method::post, "/key/sk-1/regenerate", "litellm.key.regenerate", Policy::manage, "sk-1"},
      {Method::get, "/key/info", "litellm.key.info", Policy::known},
  };
  for (const auto& one : cases) {
    const auto found = match(one.method, one.path);
    ASSERT_TRUE(found) << one.path;
    EXPECT_EQ(found->route->operation, Operation::administer) << one.path;
    EXPECT_EQ(found->route->form, one.form) << one.path;
    EXPECT_EQ(found->route->policy, one.policy) << one.path;
    EXPECT_EQ(found->parameter, one.parameter) << one.path;
  }
  EXPECT_EQ(allowed_methods("/admin/v1/keys"), "GET, HEAD, POST");
}

// What changes anything asks for more than a key.
TEST(Routes, OnlyRolesChangeAnything) {
  for (const auto table : {admin_routes(), litellm_routes()}) {
    for (const Route& route : table) {
      const bool changes = route.method != Method::get;
      EXPECT_EQ(changes, route.policy == Policy::manage || route.policy == Policy::operate) << route.label;
    }
  }
}

TEST(ProblemDetails, NameEveryFieldAtFault) {
  Error error{
      Kind::bad_request,
      Error::Detail{.message = "modls: unknown field – did you mean models?; expires: no time; not one – write 2027-01-01",
                    .param = "modls"}};
  EXPECT_EQ(problem_details(error, "req_1"),
            R"({"type":"about:blank","title":"bad_request","status":400,"detail":)"
            R"("modls: unknown field – did you mean models?; expires: no time; not one – write 2027-01-01","request_id":"req_1",)"
            R"("errors":[{"field":"modls","message":"unknown field","fix":"did you mean models?"},)"
            R"({"field":"expires","message":"no time; not one","fix":"write 2027-01-01"}]})");
  EXPECT_EQ(problem_details(Error{Kind::not_found, "There is none."}, ""),
            R"({"type":"about:blank","title":"not_found","status":404,"detail":"There is none."})");
}

}  // namespace
}  // namespace cardea::pipeline
