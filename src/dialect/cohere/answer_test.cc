#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/turns.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& chat = cohere();

std::string encode(const Answer& answer, Losses& losses) {
  const Chat asked;
  return chat.encode_response(answer, {.request = asked, .id = "made", .model = "asked", .created = 7}, losses);
}

Answer generate(std::uint64_t seed) {
  Random random{seed};
  const auto maybe = [&] { return random.below(2) == 0; };
  const auto text = [&] { return cat("x\"é\n", random.below(100)); };
  constexpr Finish finishes[] = {Finish::stop, Finish::stop_sequence, Finish::length, Finish::tool_calls, Finish::failed};
  Answer out{.dialect = "cohere", .id = text()};
  auto& choice = out.choices.emplace_back();
  if (maybe()) choice.parts.push_back({.value = Thinking{.text = text()}});
  Text said{.text = text()};
  if (maybe()) said.citations.push_back({.url = "u", .start = 0, .end = 2, .document = 1});
  if (maybe()) said.citations.push_back({.title = "t", .start = 1, .end = 2, .cited_text = "c"});
  if (maybe()) choice.parts.push_back({.value = said});
  for (auto n = random.below(3); n > 0; --n) {
    choice.parts.push_back({.value = ToolCall{.id = cat("c", n), .name = "f", .arguments = "{}"}});
  }
  choice.finish = finishes[random.below(5)];
  if (*choice.finish == Finish::failed && maybe()) choice.finish_raw = "TIMEOUT";
  if (maybe()) {
    choice.finish = Finish::unknown;
    choice.finish_raw = "NEW_WORD";
  }
  if (maybe()) choice.logprobs = logprobs_of(std::vector<TokenLogprob>{{.token = "é", .logprob = "-0.10"}, {"b", "-2e-3", {}}});
  if (maybe()) choice.message_extras.push_back({"vendor", {"[1]"}});
  if (maybe()) out.usage = Usage{.input = 5, .output = 3};
  if (maybe()) out.usage = Usage{.input = 5, .cache_read = 2, .output = 3};
  if (maybe()) out.extras.push_back({"generation", {"{}"}});
  return out;
}

TEST(CohereAnswer, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = generate(seed);
    Losses losses;
    const auto body = encode(made, losses);
    EXPECT_TRUE(losses.empty()) << seed << losses.all().front().field;
    auto back = chat.decode_response(body);
    ASSERT_TRUE(back) << seed << back.error().message();
    ASSERT_EQ(*back, made) << seed << "\n" << body;
    EXPECT_TRUE(chat.inspect_response(body, {}));
  }
}

// docs.cohere.com/reference/chat, answer of the example "Documents" (shortened), and of "Tools".
TEST(CohereAnswer, ReadsTheReferencesForms) {
  auto got = chat.decode_response(R"({"id":"c14c80c3","finish_reason":"COMPLETE","message":{"role":"assistant",
    "content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Both groups were huge."}],
    "citations":[{"start":5,"end":11,"text":"groups","sources":[{"type":"document","id":"doc:0","document":{"id":"doc:0","snippet":"s"}},
      {"type":"document","id":"mine","document":{"id":"mine","text":"t"}}],"content_index":1,"type":"TEXT_CONTENT"},
      {"start":0,"end":1,"type":"THINKING_CONTENT","content_index":0}]},
    "usage":{"billed_units":{"input_tokens":5,"output_tokens":418},"tokens":{"input_tokens":71,"output_tokens":420},"cached_tokens":10},
    "logprobs":[{"text":"Bo","token_ids":[1,2],"logprobs":[-0.25,-0.5]},{"text":"th","token_ids":[3],"logprobs":[-1.50]}]})");
  ASSERT_TRUE(got) << got.error().message();
  const auto& choice = got->choices.at(0);
  EXPECT_EQ(choice.finish, Finish::stop);
  const auto& text = std::get<Text>(choice.parts.at(1).value);
  ASSERT_EQ(text.citations.size(), 2u);
  EXPECT_EQ(text.citations[0], (Citation{.start = 5, .end = 11, .cited_text = "s", .document = 0}));
  EXPECT_EQ(text.citations[1], (Citation{.title = "mine", .start = 5, .end = 11, .cited_text = "t"}));
  EXPECT_EQ(choice.message_extras,
            (Extras{{"citations", {R"([{"start":0,"end":1,"type":"THINKING_CONTENT","content_index":0}])"}}}));
  EXPECT_EQ(got->usage, (Usage{.input = 61, .cache_read = 10, .output = 420}));
  EXPECT_EQ(choice.logprobs->text, R"({"content":[{"token":"Bo","logprob":-0.75,"bytes":[66,111],"top_logprobs":[]},)"
                                   R"({"token":"th","logprob":-1.50,"bytes":[116,104],"top_logprobs":[]}]})");

  got = chat.decode_response(R"({"id":"x","finish_reason":"TOOL_CALL","message":{"role":"assistant","tool_plan":"I will.",
    "tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}],"content":null},
    "usage":{"billed_units":{"input_tokens":5.0,"output_tokens":4}}})");
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(std::get<Text>(got->choices[0].parts.at(0).value).text, "I will.");
  EXPECT_EQ(std::get<ToolCall>(got->choices[0].parts.at(1).value).id, "a");
  EXPECT_EQ(got->choices[0].finish, Finish::tool_calls);
  EXPECT_EQ(got->usage, (Usage{.input = 5, .output = 4}));
}

TEST(CohereAnswer, WritesTheReferencesForm) {
  Answer answer{.dialect = "anthropic"};
  auto& choice = answer.choices.emplace_back();
  choice.parts = {{.value = Thinking{.text = "hm"}},
                  {.value = Text{.text = "é are big", .citations = {{.url = "u", .title = "T", .start = 0, .end = 1}}}},
                  {.value = ToolCall{.id = "c", .name = "f", .arguments = "{\"a\":1}"}},
                  {.value = Image{.media = {.url = "u"}}}};
  choice.finish = Finish::refusal;
  choice.stop_sequence = "x";
  answer.usage = Usage{.input = 3, .cache_read = 2, .cache_write = 1, .output = 9};
  answer.extras.push_back({"vendor", {"1"}});
  answer.choices.push_back({.index = 1});
  Losses losses;
  EXPECT_EQ(
      encode(answer, losses),
      R"({"id":"made","finish_reason":"ERROR_TOXIC","message":{"role":"assistant","content":[{"type":"thinking","thinking":"hm"}],)"
      R"("tool_plan":"é are big","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}],)"
      R"("citations":[{"start":0,"end":1,"text":"é","sources":[{"type":"document","id":"T","document":{"title":"T","url":"u"}}],"type":"PLAN"}]},)"
      R"("usage":{"billed_units":{"input_tokens":6,"output_tokens":9},"tokens":{"input_tokens":6,"output_tokens":9},"cached_tokens":2}})");
  const std::vector<std::string> expected{
      "choices[1]", "choices[0].finish_reason", "choices[0].stop_sequence", "choices[0].message.image", "usage.cache_write",
      "vendor"};
  EXPECT_EQ(losses.fields(), expected);
}

TEST(CohereAnswer, WhatIsNoAnswerIsAnError) {
  struct Case {
    std::string_view body;
    Kind kind;
  };
  const Case cases[] = {{R"({"message":"invalid api token"})", Kind::upstream_failed},
                        {R"({"id":"x"})", Kind::upstream_failed},
                        {R"({"message":7})", Kind::upstream_protocol},
                        {R"({"message":{"content":7}})", Kind::upstream_protocol},
                        {R"([])", Kind::upstream_protocol},
                        {R"({"message":)", Kind::upstream_protocol}};
  for (const auto& one : cases) {
    auto got = chat.decode_response(one.body);
    ASSERT_FALSE(got) << one.body;
    EXPECT_EQ(got.error().kind(), one.kind) << one.body;
  }
}

TEST(CohereAnswer, Errors) {
  EXPECT_EQ(chat.error_body(Error{Kind::bad_request, "no \"x\""}, "r1"), R"({"id":"r1","message":"no \"x\""})");
  EXPECT_EQ(chat.error_body(Error{Kind::bad_request, "m"}, ""), R"({"message":"m"})");
  EXPECT_EQ(chat.stream_error(Error{Kind::upstream_reset, "cut"}, "r1", Framing::sse),
            "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"error\":\"cut\",\"finish_reason\":\"ERROR\"}}\n\n");
  const Secret secret{"sk-secret-key-1"};
  // In place of an answer.
  auto reported = chat.inspect_response(R"({"message":"bad sk-secret-key-1"})", secret);
  ASSERT_FALSE(reported);
  EXPECT_NE(reported.error().message().find("bad "), std::string_view::npos);
  EXPECT_EQ(reported.error().message().find("sk-secret-key-1"), std::string_view::npos);
  auto error = chat.upstream_error(
      {.status = 429, .body = R"({"message":"slow down sk-secret-key-1","id":"z"})", .retry_after = "3"}, secret);
  EXPECT_EQ(error.kind(), Kind::rate_limited);
  EXPECT_EQ(error.detail().retry_after, "3");
  EXPECT_EQ(error.message().find("sk-secret-key-1"), std::string_view::npos);
  EXPECT_NE(error.message().find("slow down"), std::string_view::npos);
  EXPECT_FALSE(error.detail().body.empty());
  EXPECT_EQ(chat.error_body(error, "r"), error.detail().body);
  EXPECT_EQ(chat.upstream_error({.status = 401, .body = R"({"message":"invalid api token"})"}, secret).kind(),
            Kind::upstream_auth);
  EXPECT_TRUE(chat.upstream_error({.status = 500, .body = "<html>"}, secret).detail().body.empty());
}

}  // namespace
}  // namespace cardea::dialect
