#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/ollama/ollama.h"
#include "dialect/turns.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& chat = ollama();
const Dialect& generate = ollama_generate();

std::string encode(const Dialect& dialect, const Answer& answer, Losses& losses) {
  const Chat asked;
  return dialect.encode_response(answer, {.request = asked, .id = "made", .model = "asked", .created = 7}, losses);
}

Answer make(std::uint64_t seed, bool prompt_only) {
  Random random{seed};
  const auto maybe = [&] { return random.below(2) == 0; };
  const auto text = [&] { return cat("x\"é\n", random.below(100)); };
  Answer out{.dialect = prompt_only ? "ollama_generate" : "ollama", .model = text(), .created = random.below(4'000'000'000)};
  auto& choice = out.choices.emplace_back();
  if (maybe()) choice.parts.push_back({.value = Thinking{.text = text()}});
  if (maybe()) choice.parts.push_back({.value = Text{.text = text()}});
  constexpr Finish finishes[] = {Finish::stop, Finish::length, Finish::content_filter, Finish::failed};
  choice.finish = finishes[random.below(4)];
  if (maybe()) {
    choice.finish = Finish::unknown;
    choice.finish_raw = "load";
  }
  if (!prompt_only && maybe()) {
    for (auto n = 1 + random.below(3); n > 0; --n) {
      choice.parts.push_back({.value = ToolCall{.id = cat("c", n), .name = "f", .arguments = R"({"a":1.50})"}});
    }
    choice.finish = Finish::tool_calls;
    choice.finish_raw.reset();
  }
  if (maybe()) {
    choice.logprobs = logprobs_of(std::vector<TokenLogprob>{
        {.token = "é", .logprob = "-0.10", .top = {{.token = "e", .logprob = "-2", .top = {}}}}, {"b", "-2e-3", {}}});
  }
  if (maybe()) out.usage = Usage{.input = 5, .output = 3};
  if (maybe()) out.usage = Usage{.output = 3};
  if (maybe()) out.extras.push_back({"total_duration", {"5191566416"}});
  if (!prompt_only && maybe()) choice.message_extras.push_back({"vendor", {"[1]"}});
  return out;
}

TEST(OllamaAnswer, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const bool prompt_only = seed % 3 == 0;
    const auto& dialect = prompt_only ? generate : chat;
    const auto made = make(seed, prompt_only);
    Losses losses;
    const auto body = encode(dialect, made, losses);
    EXPECT_TRUE(losses.empty()) << seed << losses.all().front().field;
    auto back = dialect.decode_response(body);
    ASSERT_TRUE(back) << seed << back.error().message();
    ASSERT_EQ(*back, made) << seed << "\n" << body;
    EXPECT_TRUE(dialect.inspect_response(body, {}));
  }
}

// docs/api.md: "Chat request (No streaming, with tools)" and "Generate a completion".
TEST(OllamaAnswer, ReadsTheReferencesForms) {
  auto got = chat.decode_response(R"({"model":"llama3.2","created_at":"2025-07-07T20:32:53.844124Z","message":{"role":"assistant",
    "content":"","images":null,"tool_calls":[{"function":{"name":"get_weather","arguments":{"city":"Tokyo"}}}]},
    "done_reason":"stop","done":true,"total_duration":3244883583,"prompt_eval_count":169,"eval_count":18})");
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->model, "llama3.2");
  EXPECT_EQ(got->created, 1751920373u);
  EXPECT_EQ(std::get<ToolCall>(got->choices[0].parts.at(0).value),
            (ToolCall{.name = "get_weather", .arguments = R"({"city":"Tokyo"})"}));
  EXPECT_EQ(got->choices[0].finish, Finish::tool_calls);
  EXPECT_EQ(got->usage, (Usage{.input = 169, .output = 18}));
  EXPECT_EQ(got->extras, (Extras{{"total_duration", {"3244883583"}}}));

  got = generate.decode_response(R"({"model":"llama3.2","created_at":"2023-08-04T19:22:45.499127-07:00","response":"Blue.",
    "done":true,"context":[1,2,3],"eval_count":290})");
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->created, 1691202165u);
  EXPECT_EQ(std::get<Text>(got->choices[0].parts.at(0).value).text, "Blue.");
  EXPECT_EQ(got->choices[0].finish, Finish::stop);
}

TEST(OllamaAnswer, WritesTheReferencesForm) {
  Answer answer{.dialect = "anthropic", .id = "msg_1"};
  auto& choice = answer.choices.emplace_back();
  choice.parts = {{.value = Thinking{.text = "hm", .signature = "sig"}},
                  {.value = Text{.text = "A", .citations = {{.url = "u"}}}},
                  {.value = Text{.text = "B"}},
                  {.value = ToolCall{.id = "c", .name = "f", .arguments = ""}},
                  {.value = Audio{}}};
  choice.finish = Finish::refusal;
  choice.stop_sequence = "x";
  answer.usage = Usage{.input = 3, .cache_read = 2, .cache_write = 1, .output = 9};
  answer.choices.push_back({.index = 1});
  Losses losses;
  EXPECT_EQ(
      encode(chat, answer, losses),
      R"({"model":"asked","created_at":"1970-01-01T00:00:07.000000000Z","message":{"role":"assistant","content":"AB","thinking":"hm",)"
      R"("thinking_signature":"sig","tool_calls":[{"id":"c","function":{"index":0,"name":"f","arguments":{}}}]},"done":true,)"
      R"("done_reason":"content_filter","prompt_eval_count":6,"eval_count":9})");
  const std::vector<std::string> expected{"choices[1]",
                                          "choices[0].message.citations",
                                          "choices[0].message.audio",
                                          "choices[0].finish_reason",
                                          "choices[0].stop_sequence",
                                          "usage.cache_write",
                                          "usage.cache_read"};
  EXPECT_EQ(losses.fields(), expected);
  Losses generated;
  EXPECT_EQ(encode(generate, answer, generated),
            R"({"model":"asked","created_at":"1970-01-01T00:00:07.000000000Z","response":"AB","thinking":"hm",)"
            R"("tool_calls":[{"id":"c","function":{"index":0,"name":"f","arguments":{}}}],"done":true,)"
            R"("done_reason":"content_filter","prompt_eval_count":6,"eval_count":9})");
}

TEST(OllamaAnswer, WhatIsNoAnswerIsAnError) {
  struct Case {
    std::string_view body;
    Kind kind;
  };
  const Case cases[] = {{R"({"error":"model 'x' not found"})", Kind::upstream_failed},
                        {R"({"model":"x","done":true})", Kind::upstream_failed},
                        {R"({"message":7})", Kind::upstream_protocol},
                        {R"({"message":{"content":7}})", Kind::upstream_protocol},
                        {R"({"message":{"tool_calls":[{}]}})", Kind::upstream_protocol},
                        {R"([])", Kind::upstream_protocol},
                        {R"({"message":)", Kind::upstream_protocol}};
  for (const auto& one : cases) {
    auto got = chat.decode_response(one.body);
    ASSERT_FALSE(got) << one.body;
    EXPECT_EQ(got.error().kind(), one.kind) << one.body;
  }
}

TEST(OllamaAnswer, Times) {
  using ollama_native::time_of;
  using ollama_native::time_text;
  EXPECT_EQ(time_text(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(time_text(1'709'210'096), "2024-02-29T12:34:56.000000000Z");
  EXPECT_EQ(time_text(~0ULL), "9999-12-31T23:59:59.000000000Z");
  EXPECT_EQ(time_of("2024-02-29T12:34:56Z"), 1'709'210'096u);
  EXPECT_EQ(time_of("2024-02-29T12:34:56.123456789+02:00"), 1'709'202'896u);
  EXPECT_EQ(time_of("2024-02-29 12:34:56.1-00:30"), 1'709'211'896u);
  for (const auto text : {"", "x", "2024-02-30T00:00:00Z", "2024-02-29T24:00:00Z", "2024-02-29T12:34:56", "2024-02-29T12:34:56+2",
                          "2024-02-29T12:34:56+99:00", "1969-12-31T23:59:59Z", "2024/02/29T12:34:56Z"}) {
    EXPECT_EQ(time_of(text), std::nullopt) << text;
  }
}

TEST(OllamaAnswer, Errors) {
  EXPECT_EQ(chat.error_body(Error{Kind::bad_request, "no \"x\""}, "r1"), R"({"error":"no \"x\""})");
  EXPECT_EQ(chat.stream_error(Error{Kind::upstream_reset, "cut"}, "r1", Framing::lines), "{\"error\":\"cut\"}\n");
  const Secret secret{"sk-secret-key-1"};
  // In place of an answer.
  auto reported = chat.inspect_response(R"({"error":"bad sk-secret-key-1"})", secret);
  ASSERT_FALSE(reported);
  EXPECT_NE(reported.error().message().find("bad "), std::string_view::npos);
  EXPECT_EQ(reported.error().message().find("sk-secret-key-1"), std::string_view::npos);
  auto error = chat.upstream_error({.status = 404, .body = R"({"error":"model 'x' not found sk-secret-key-1"})"}, secret);
  EXPECT_EQ(error.http_status(), 404);
  EXPECT_EQ(error.message().find("sk-secret-key-1"), std::string_view::npos);
  EXPECT_NE(error.message().find("not found"), std::string_view::npos);
  EXPECT_EQ(chat.error_body(error, "r"), error.detail().body);
  EXPECT_NE(chat.upstream_error({.status = 400, .body = R"({"error":{"message":"deep"}})"}, secret).message().find("deep"),
            std::string_view::npos);
}

}  // namespace
}  // namespace cardea::dialect
