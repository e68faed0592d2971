#include <gtest/gtest.h>

#include "base/text.h"
#include "dialect/dialect.h"
#include "json/value.h"

namespace cardea::dialect {
namespace {

const Dialect& chat = openai_chat();

TEST(Inspect, FindsWhatRoutingNeeds) {
  const std::string body =
      R"({"stream":true,"messages":[{"role":"developer","content":"x"},{"content":[],"role":"user"}],"mod\u0065l":"a\/b","stream_options":{"include_usage":true}})";
  auto view = chat.inspect(body, {});
  ASSERT_TRUE(view) << view.error().message();
  EXPECT_EQ(view->model, "a/b");
  EXPECT_EQ(view->members.raw(view->model_span), R"("a\/b")");
  EXPECT_TRUE(view->stream);
  EXPECT_TRUE(view->asked_usage);
  auto plain = chat.inspect(R"({"model":"m","messages":[{"role":"user"}],"stream":null,"stream_options":null})", {});
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_FALSE(plain->stream);
  EXPECT_FALSE(plain->asked_usage);
}

struct BadCase {
  std::string_view body;
  std::string_view param;
  std::string_view message;
};

TEST(Inspect, NamesTheFieldAtFault) {
  const BadCase cases[] = {
      {R"({"messages":[{"role":"user"}]})", "model", "'model' is missing"},
      {R"({"model":null,"messages":[{"role":"user"}]})", "model", "'model' must be a string, not null"},
      {R"({"model":7,"messages":[{"role":"user"}]})", "model", "'model' must be a string, not a number"},
      {R"({"model":"","messages":[{"role":"user"}]})", "model", "'model' is empty"},
      {R"({"model":"a","model":"b","messages":[{"role":"user"}]})", "model", "'model' is given twice"},
      {R"({"model":"a","mode\u006c":"b","messages":[{"role":"user"}]})", "model", "'model' is given twice"},
      {R"({"model":"a","stream":"yes","messages":[{"role":"user"}]})", "stream", "'stream' must be a boolean, not a string"},
      {R"({"model":"a","stream":true,"stream":false,"messages":[{"role":"user"}]})", "stream", "given twice"},
      {R"({"model":"a","stream_options":[],"messages":[{"role":"user"}]})", "stream_options", "must be an object, not an array"},
      {R"({"model":"a","stream_options":{"include_usage":1},"messages":[{"role":"user"}]})", "stream_options.include_usage",
       "must be a boolean"},
      {R"({"model":"a","stream_options":{"include_usage":true,"include_usage":false},"messages":[{"role":"user"}]})",
       "include_usage", "given twice"},
      {R"({"model":"a"})", "messages", "'messages' is missing"},
      {R"({"model":"a","messages":[]})", "messages", "'messages' is empty"},
      {R"({"model":"a","messages":{}})", "messages", "'messages' must be an array, not an object"},
      {R"({"model":"a","messages":[{"role":"user"}],"messages":[]})", "messages", "given twice"},
      {R"({"model":"a","messages":["hi"]})", "messages[0]", "'messages[0]' must be an object, not a string"},
      {R"({"model":"a","messages":[{"role":"user"},{"content":"x"}]})", "messages[1].role", "'messages[1].role' is missing"},
      {R"({"model":"a","messages":[{"role":7}]})", "messages[0].role", "must be a string, not a number"},
      {R"({"model":"a","messages":[{"role":"user"},{},{"role":"x"}]})", "messages[1].role", "is missing"},
      {R"({"model":"a","messages":[{"role":"wizard"}]})", "messages[0].role", "is 'wizard'; it must be one of 'system'"},
      {R"({"model":"a","messages":[{"role":"user","role":"system"}]})", "messages[0].role", "given twice"},
      {R"({"model":"a","messages":[{"role":"user"}})", "", "is not valid JSON"},
      {R"([])", "", "must be a JSON object"},
      {"", "", "is empty"},
  };
  for (const auto& [body, param, message] : cases) {
    auto view = chat.inspect(body, {});
    ASSERT_FALSE(view) << body;
    EXPECT_EQ(view.error().kind(), Kind::bad_request) << body;
    EXPECT_EQ(view.error().detail().param, param) << body;
    EXPECT_NE(view.error().message().find(message), std::string_view::npos) << body << " → " << view.error().message();
  }
}

struct EditCase {
  std::string_view what;
  std::string_view body;
  ForwardOptions options;
  std::string_view expected;
};

void expect_edits(std::span<const EditCase> cases) {
  for (const auto& [what, body, options, expected] : cases) {
    auto view = chat.inspect(body, {});
    ASSERT_TRUE(view) << what << view.error().message();
    auto edits = chat.forward_edits(*view, options);
    ASSERT_TRUE(edits) << what << ": " << edits.error().message();
    EXPECT_EQ(edits->apply(body), expected) << what;
    EXPECT_TRUE(json::parse(edits->apply(body))) << what;
  }
}

TEST(ForwardEdits, RulesDropAndSetFields) {
  const std::vector<FieldRule> elsewhere{{"model"}, {.from = "version", .value = R"("v1")"}};
  const EditCase cases[] = {
      {"a model that is dropped is not rewritten, a field is added",
       R"({"model":"m","messages":[{"role":"user"}]})",
       {.model = "x", .rules = elsewhere},
       R"({"version":"v1","messages":[{"role":"user"}]})"},
      {"a field is set",
       R"({"messages":[{"role":"user"}],"version":{"a":1},"model":"m"})",
       {.rules = elsewhere},
       R"({"messages":[{"role":"user"}],"version":"v1"})"},
  };
  expect_edits(cases);
}

TEST(ForwardEdits, ChangeOnlyWhatMustChange) {
  const std::vector<FieldRule> rename{{"max_completion_tokens", "max_tokens"}};
  const std::vector<FieldRule> drop{{"store", ""}, {"stream_options", ""}};
  const EditCase cases[] = {
      {"nothing", R"({"model":"m", "messages":[{"role":"user"}] })", {}, R"({"model":"m", "messages":[{"role":"user"}] })"},
      {"the same model",
       R"({"model":"m","messages":[{"role":"user"}]})",
       {.model = "m"},
       R"({"model":"m","messages":[{"role":"user"}]})"},
      {"model",
       R"({"seed":18446744073709551616, "model" : "a\"" ,"messages":[{"role":"user"}]})",
       {.model = "x/\"y"},
       R"({"seed":18446744073709551616, "model" : "x/\"y" ,"messages":[{"role":"user"}]})"},
      {"no usage without a stream",
       R"({"model":"m","messages":[{"role":"user"}]})",
       {.inject_usage = true},
       R"({"model":"m","messages":[{"role":"user"}]})"},
      {"usage",
       R"({"model":"m","stream":true,"messages":[{"role":"user"}]})",
       {.inject_usage = true},
       R"({"stream_options":{"include_usage":true},"model":"m","stream":true,"messages":[{"role":"user"}]})"},
      {"usage asked",
       R"({"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user"}]})",
       {.inject_usage = true},
       R"({"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user"}]})"},
      {"usage refused",
       R"({"model":"m","stream":true,"stream_options":{"x":1,"include_usage":false},"messages":[{"role":"user"}]})",
       {.inject_usage = true},
       R"({"model":"m","stream":true,"stream_options":{"x":1,"include_usage":true},"messages":[{"role":"user"}]})"},
      {"other options",
       R"({"model":"m","stream":true,"stream_options":{"x":1},"messages":[{"role":"user"}]})",
       {.inject_usage = true},
       R"({"model":"m","stream":true,"stream_options":{"include_usage":true,"x":1},"messages":[{"role":"user"}]})"},
      {"empty options",
       R"({"model":"m","stream":true,"stream_options":{ },"messages":[{"role":"user"}]})",
       {.inject_usage = true},
       R"({"model":"m","stream":true,"stream_options":{"include_usage":true },"messages":[{"role":"user"}]})"},
      {"null options",
       R"({"model":"m","stream":true,"stream_options":null,"messages":[{"role":"user"}]})",
       {.inject_usage = true},
       R"({"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user"}]})"},
      {"rename",
       R"({"model":"m","max_completion_tokens": 5,"messages":[{"role":"user"}]})",
       {.rules = rename},
       R"({"model":"m","max_tokens": 5,"messages":[{"role":"user"}]})"},
      {"rename what is there",
       R"({"max_completion_tokens": 5,"model":"m","max_tokens":6,"messages":[{"role":"user"}]})",
       {.rules = rename},
       R"({"model":"m","max_tokens":6,"messages":[{"role":"user"}]})"},
      {"drop",
       R"({"model":"m","messages":[{"role":"user"}],"stream":true,"stream_options":{"a":1}, "store":true})",
       {.model = "n", .inject_usage = true, .rules = drop},
       R"({"model":"n","messages":[{"role":"user"}],"stream":true})"},
  };
  expect_edits(cases);
}

TEST(InspectResponse, ReadsUsageModelAndFinish) {
  const std::string body = R"({"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-2024","choices":[
    {"index":0,"message":{"role":"assistant","content":"hi \ud83d"},"finish_reason":"stop"},
    {"index":1,"message":{"role":"assistant","content":"ho"},"finish_reason":"length"}],
    "usage":{"prompt_tokens":20,"completion_tokens":9,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":5,"audio_tokens":null},
    "completion_tokens_details":{"reasoning_tokens":4,"audio_tokens":0}}})";
  auto view = chat.inspect_response(body, {});
  ASSERT_TRUE(view) << view.error().message();
  EXPECT_EQ(view->id, "chatcmpl-1");
  EXPECT_EQ(view->model, "gpt-4o-2024");
  EXPECT_EQ(view->choices, 2u);
  EXPECT_EQ(view->finishes[0], model::Finish::stop);
  EXPECT_EQ(view->finishes[1], model::Finish::length);
  EXPECT_EQ(view->usage, (model::Usage{.input = 15, .cache_read = 5, .output = 9, .reasoning = 4, .output_audio = 0}));
}

TEST(InspectResponse, AbsentUsageStaysAbsent) {
  const auto* const no_usage = R"({"choices":[{"message":{}}]})";
  EXPECT_EQ(chat.inspect_response(no_usage, {})->usage, std::nullopt);
  EXPECT_EQ(chat.inspect_response(R"({"choices":[{}],"usage":null})", {})->usage, std::nullopt);
  EXPECT_EQ(chat.inspect_response(R"({"choices":[{}],"usage":{"prompt_tokens":3}})", {})->usage, (model::Usage{.input = 3}));
  EXPECT_EQ(chat.inspect_response(R"({"choices":[{}],"usage":{"prompt_tokens":3,"prompt_cache_hit_tokens":2}})", {})->usage,
            (model::Usage{.input = 1, .cache_read = 2}));
}

struct FailedCase {
  std::string_view body;
  Kind kind;
  std::string_view message;
};

TEST(InspectResponse, WhatIsNoAnswerIsAnError) {
  const FailedCase cases[] = {
      {"", Kind::upstream_protocol, "empty"},
      {"<html>", Kind::upstream_protocol, "is not valid JSON"},
      {"[]", Kind::upstream_protocol, "must be a JSON object"},
      {R"({"choices":[{}])", Kind::upstream_protocol, "is not valid JSON"},
      {R"({"id":"x"})", Kind::upstream_failed, "without choices"},
      {R"({"choices":[]})", Kind::upstream_failed, "without choices"},
      {R"({"choices":null})", Kind::upstream_failed, "without choices"},
      {R"({"choices":[1]})", Kind::upstream_protocol, "no object"},
      {R"({"error":{"message":"boom sk-secret-12345","code":"x"}})", Kind::upstream_failed, "upstream error: boom ***"},
      {R"({"error":{"message":"slow down","code":429},"choices":[{}]})", Kind::rate_limited, "slow down"},
      {R"({"error":{"message":"bad key sk-sec","code":401}})", Kind::upstream_auth, "reported an error"},
      {R"({"error":"text"})", Kind::upstream_failed, "upstream error: text"},
      {R"({"error":true})", Kind::upstream_failed, "reported an error"},
  };
  for (const auto& [body, kind, message] : cases) {
    auto view = chat.inspect_response(body, Secret{"sk-secret-12345"});
    ASSERT_FALSE(view) << body;
    EXPECT_EQ(view.error().kind(), kind) << body << view.error().message();
    EXPECT_NE(view.error().message().find(message), std::string_view::npos) << body << " → " << view.error().message();
    EXPECT_EQ(view.error().message().find("sk-sec"), std::string_view::npos);
  }
  EXPECT_TRUE(chat.inspect_response(R"({"error":null,"choices":[{}]})", {}));
}

}  // namespace
}  // namespace cardea::dialect
