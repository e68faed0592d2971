#include "twin/twin_test_util.h"

namespace cardea::twin {
namespace {

constexpr std::string_view path = "/v1/completions";

class Completions : public TwinTest {
 protected:
  Completions() : TwinTest{fixed()} {}
  json::Value say(std::string_view body) { return post_json(path, body); }
};

// platform.openai.com/docs/api-reference/completions/create, first example.
TEST_F(Completions, AnswersWithText) {
  const auto answer = say(R"({"model":"echo","prompt":"Say this is a test","max_tokens":7,"temperature":0})");
  EXPECT_TRUE(text_at(answer, "id").starts_with("cmpl-"));
  EXPECT_EQ(text_at(answer, "object"), "text_completion");
  EXPECT_EQ(at(answer, "choices").dump(), R"([{"text":"Say this is a test","index":0,"logprobs":null,"finish_reason":"stop"}])");
  EXPECT_EQ(at(answer, "usage.completion_tokens").as_u64(), 5U);
}

TEST_F(Completions, SixteenTokensUnlessAskedForMore) {
  const auto answer = say(R"({"model":"lorem","prompt":"x"})");
  EXPECT_EQ(text_at(answer, "choices.0.finish_reason"), "length");
  EXPECT_EQ(at(answer, "usage.completion_tokens").as_u64(), 16U);
}

TEST_F(Completions, EveryPromptIsAnswered) {
  const auto answer = say(R"({"model":"echo","prompt":["a","b"],"n":2,"echo":true})");
  ASSERT_EQ(at(answer, "choices").elements().size(), 4U);
  EXPECT_EQ(text_at(answer, "choices.0.text"), "aa");
  EXPECT_EQ(text_at(answer, "choices.1.text"), "aa");
  EXPECT_EQ(text_at(answer, "choices.2.text"), "bb");
  EXPECT_EQ(at(answer, "choices.3.index").as_u64(), 3U);
}

TEST_F(Completions, Streams) {
  const auto all =
      events(post(path, R"({"model":"echo","prompt":["a b","c"],"stream":true,"stream_options":{"include_usage":true}})").body);
  ASSERT_EQ(all.size(), 7U);  // a, b, end, c, end, usage, [DONE]
  EXPECT_EQ(all.back(), "[DONE]");
  auto first = json::parse(all[0]);
  auto end = json::parse(all[2]);
  auto usage = json::parse(all[5]);
  ASSERT_TRUE(first && end && usage);
  EXPECT_EQ(text_at(*first, "choices.0.text"), "a");
  EXPECT_EQ(text_at(*first, "choices.0.finish_reason"), "null");
  EXPECT_EQ(text_at(*end, "choices.0.finish_reason"), "stop");
  EXPECT_EQ(at(*usage, "usage.completion_tokens").as_u64(), 3U);
}

TEST_F(Completions, OldLogprobs) {
  const auto answer = say(R"({"model":"echo","prompt":"ab cd","logprobs":1})");
  EXPECT_EQ(at(answer, "choices.0.logprobs.tokens").dump(), R"(["ab"," cd"])");
  EXPECT_EQ(at(answer, "choices.0.logprobs.text_offset").dump(), "[0,2]");
  EXPECT_EQ(at(answer, "choices.0.logprobs.token_logprobs").elements().size(), 2U);
}

TEST_F(Completions, RefusesAsOpenAiDoes) {
  EXPECT_EQ(text_at(say(R"({"model":"echo"})"), "error.param"), "prompt");
  EXPECT_EQ(text_at(say(R"({"model":"echo","prompt":"a","temperature":3})"), "error.code"), "decimal_above_max_value");
  EXPECT_EQ(text_at(say(R"({"model":"none","prompt":"a"})"), "error.code"), "model_not_found");
  EXPECT_TRUE(events(post(path, R"({"model":"echo","prompt":"a b","stream":true})", "x-twin-error-event-after: 1\r\n").body)[1]
                  .starts_with(R"({"error":{)"));
}

}  // namespace
}  // namespace cardea::twin
