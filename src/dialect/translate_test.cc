#include "dialect/translate.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "dialect/plain.h"

namespace cardea::dialect {
namespace {

std::vector<std::string> losses_of(const Dialect& client, const Dialect& upstream, std::string_view body,
                                   std::string* said = nullptr) {
  const Pair pair{.client = client, .upstream = upstream, .model = "up-1", .deployment = "d"};
  const auto out = translate_request(pair, body, {}, Allow::any_loss);
  EXPECT_TRUE(out) << out.error().message();
  if (!out) return {};
  if (said != nullptr) *said = out->body;
  return out->losses.fields();
}

TEST(Translate, LossesCountAsTheClientDoes) {
  using Fields = std::vector<std::string>;
  // Instructions stand apart, and a turn of results is several messages to others.
  EXPECT_EQ(losses_of(anthropic(), openai_completions(), R"({"model":"m","max_tokens":9,"system":"Be brief.","messages":[
    {"role":"user","content":[{"type":"text","text":"a"},{"type":"image","source":{"type":"url","url":"https://e.org/a.png"}}]},
    {"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},
    {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"x"},{"type":"text","text":"b"},
      {"type":"image","source":{"type":"url","url":"https://e.org/a.png"}}]}]})"),
            (Fields{"messages[0].content[1].image", "messages[1].content[0].tool_call", "messages[2].content[0].tool_result",
                    "messages[2].content[2].image"}));
  EXPECT_EQ(losses_of(openai_responses(), openai_completions(), R"({"model":"m","instructions":"Be brief.","input":[
    {"role":"user","content":[{"type":"input_image","image_url":"https://e.org/a.png"}]}]})"),
            (Fields{"input[0].content[0].image"}));
  EXPECT_EQ(losses_of(openai_chat(), openai_completions(), R"({"model":"m","messages":[{"role":"system","content":"x"},
    {"role":"user","content":[{"type":"image_url","image_url":{"url":"https://e.org/a.png"}}]}]})"),
            (Fields{"messages[1].content[0].image"}));
}

TEST(Translate, WhatTheClientsOwnFormFulfilsIsNotLost) {
  constexpr std::string_view body = R"({"model":"m","prompt":"Once","echo":true})";
  std::string said;
  EXPECT_TRUE(losses_of(openai_completions(), openai_chat(), body, &said).empty());
  EXPECT_EQ(said.find("echo"), std::string::npos);
  EXPECT_TRUE(losses_of(openai_completions(), openai_completions(), body, &said).empty());
  EXPECT_NE(said.find(R"("echo":true)"), std::string::npos);
}

TEST(Translate, OpaqueItemsOfTheSameDialectPass) {
  constexpr std::string_view body = R"({"model":"m","input":[{"role":"user","content":"a"},
    {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"ENC"},{"type":"message","role":"assistant","content":"b"},
    {"role":"user","content":"c"}]})";
  std::string said;
  EXPECT_TRUE(losses_of(openai_responses(), openai_responses(), body, &said).empty());
  EXPECT_NE(said.find(R"("encrypted_content":"ENC")"), std::string::npos) << said;
  EXPECT_EQ(losses_of(openai_responses(), anthropic(), body, &said), std::vector<std::string>{"input[1].thinking.signature"});
  EXPECT_EQ(said.find("ENC"), std::string::npos);
}

TEST(Translate, ALeadingSystemItemIsNoInstruction) {
  const auto instructions = [](std::string_view body) {
    const auto chat = openai_responses().decode_request(body, {});
    Losses losses;
    const model::Answer answer{.choices = {{.parts = {{.value = model::Text{.text = "x"}}}}}};
    return openai_responses().encode_response(answer, {.request = *chat, .id = "resp_1", .model = "m", .created = 1}, losses);
  };
  EXPECT_NE(instructions(R"({"model":"m","instructions":"A","input":"b"})").find(R"("instructions":"A")"), std::string::npos);
  EXPECT_NE(instructions(R"({"model":"m","input":[{"role":"system","content":"A"},{"role":"user","content":"b"}]})")
                .find(R"("instructions":null)"),
            std::string::npos);
}

// A 200 that is also an error is none, whatever else it holds: translating finds what forwarding finds.
TEST(Translate, AnErrorBesideAnAnswerIsFound) {
  const model::Chat asked{.model = "m"};
  model::Answer answer;
  answer.choices.emplace_back().parts.push_back({.value = model::Text{.text = "hi"}});
  answer.choices.back().finish = model::Finish::stop;
  for (const Dialect* const dialect : all()) {
    const AnswerContext context{.request = asked, .id = "id", .model = "m", .created = 1};
    Losses losses;
    std::string body = dialect->encode_response(answer, context, losses);
    const Pair pair{.client = openai_chat(), .upstream = *dialect, .model = "m", .deployment = "d"};
    const auto translate = [&] {
      const std::string_view bodies[] = {body};
      return translate_response(pair, nullptr, bodies, context, Secret{"sk-secret"});
    };
    ASSERT_TRUE(translate()) << dialect->name() << ' ' << body;
    body.insert(body.find('{') + 1, R"("error":{"message":"sk-secret is over","code":500},)");
    const auto forwarded = dialect->inspect_response(body, Secret{"sk-secret"});
    const auto translated = translate();
    ASSERT_EQ(forwarded.has_value(), translated.has_value()) << dialect->name();
    if (translated) continue;
    EXPECT_EQ(forwarded.error().message(), translated.error().message()) << dialect->name();
    EXPECT_EQ(translated.error().message().find("sk-secret"), std::string::npos) << dialect->name();
  }
}

TEST(Translate, WordsTellAnErrorsClass) {
  const Error limited{Kind::rate_limited, "slow down"};
  EXPECT_EQ(words_with_class(limited), "HTTP 429: slow down");
  EXPECT_EQ(class_in(words_with_class(limited)), 429);
  EXPECT_EQ(words_with_class(Error{Kind::rate_limited, "Rate limit reached"}), "Rate limit reached");
  EXPECT_EQ(words_with_class(Error{Kind::upstream_reset, "cut"}), "cut");
  EXPECT_EQ(class_in("the model is Overloaded"), 503);
  EXPECT_EQ(class_in("HTTP 200: fine"), 0);
  EXPECT_EQ(class_in("it said HTTP 404"), 0);
  // In a stream, and back.
  for (const auto* dialect : {&cohere(), &ollama()}) {
    const auto bytes = dialect->stream_error(limited, "r", dialect->traits().framing);
    FrameReader reader{dialect->traits().framing, 1 << 20};
    const auto frame = reader.next(bytes);
    ASSERT_TRUE(frame && *frame);
    std::vector<model::ChatEvent> events;
    ASSERT_TRUE(dialect->stream_decoder()->event((*frame)->type, (*frame)->data, events));
    EXPECT_EQ(std::get<model::event::Failure>(events.back()).status, 429);
  }
}

}  // namespace
}  // namespace cardea::dialect
