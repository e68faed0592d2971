#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/text.h"
#include "dialect/explain.h"
#include "dialect/translate.h"
#include "json/value.h"

namespace cardea::dialect {
namespace {

constexpr Abilities text_only{.images = false, .audio = false, .files = false, .tools = false, .reasoning = false};
constexpr std::string_view png = "iVBORw0KGgo=";

/// Every dialect but the client's own, as upstream of a model that takes text alone.
std::vector<const Dialect*> upstreams_of(const Dialect& client) {
  std::vector<const Dialect*> out;
  for (const auto* one : all()) {
    if (one != &client && one != &openai_completions() && one != &ollama_generate()) out.push_back(one);
  }
  return out;
}

struct Case {
  const Dialect* client;
  std::string body;
  std::string param;  ///< where the caller said it
};

std::string spell(std::string_view text) {
  std::string out{text};
  for (auto at = out.find("$PNG"); at != std::string::npos; at = out.find("$PNG")) out.replace(at, 4, png);
  return out;
}

Asked asked_of(const Dialect& client) {
  return {.model = client.traits().model_in_path ? std::string_view{"m"} : std::string_view{}};
}

void expect_refused(const Case& one, std::string_view why) {
  const auto body = spell(one.body);
  for (const auto* upstream : upstreams_of(*one.client)) {
    SCOPED_TRACE(cat(one.client->name(), " to ", upstream->name(), ": ", body));
    const Pair pair{*one.client, *upstream, "m", "d", text_only};
    const auto refused = translate_request(pair, body, asked_of(*one.client), Allow::no_change_of_meaning);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), Kind::bad_request);
    EXPECT_EQ(refused.error().detail().param, one.param);
    EXPECT_NE(refused.error().message().find(cat("'", one.param, "'")), std::string_view::npos) << refused.error().message();
    EXPECT_NE(refused.error().message().find(why), std::string_view::npos) << refused.error().message();
    const auto allowed = translate_request(pair, body, asked_of(*one.client), Allow::any_loss);
    ASSERT_TRUE(allowed) << allowed.error().message();
    EXPECT_EQ(allowed->body.find(png), std::string::npos) << allowed->body;
    EXPECT_NE(allowed->body.find("Look"), std::string::npos) << allowed->body;
    EXPECT_NE(allowed->losses.gravest(), nullptr);
  }
}

TEST(Abilities, AnImageToAModelThatSeesNoneIsRefusedWhereTheCallerSaidIt) {
  const Case cases[] = {
      {&openai_chat(),
       R"({"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"Look"},)"
       R"({"type":"image_url","image_url":{"url":"data:image/png;base64,$PNG"}}]}]})",
       "messages[1].content[1]"},
      {&openai_responses(),
       R"({"model":"m","store":false,"instructions":"s","input":[{"role":"user","content":"Hi"},{"role":"user","content":[)"
       R"({"type":"input_text","text":"Look"},{"type":"input_image","detail":"auto","image_url":"data:image/png;base64,$PNG"}]}]})",
       "input[1].content[1]"},
      {&anthropic(),
       R"({"model":"m","max_tokens":9,"system":"s","messages":[{"role":"user","content":[{"type":"image",)"
       R"("source":{"type":"base64","media_type":"image/png","data":"$PNG"}},{"type":"text","text":"Look"}]}]})",
       "messages[0].content[0]"},
      {&gemini(),
       R"({"systemInstruction":{"parts":[{"text":"s"}]},"contents":[{"role":"user","parts":[{"text":"Look"},)"
       R"({"inlineData":{"mimeType":"image/png","data":"$PNG"}}]}]})",
       "contents[0].parts[1]"},
      {&bedrock(),
       R"({"messages":[{"role":"user","content":[{"text":"Look"},{"image":{"format":"png","source":{"bytes":"$PNG"}}}]}]})",
       "messages[0].content[1]"},
      {&cohere(),
       R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"Look"},)"
       R"({"type":"image_url","image_url":{"url":"data:image/png;base64,$PNG"}}]}]})",
       "messages[0].content[1]"},
      {&ollama(), R"({"model":"m","messages":[{"role":"user","content":"Look","images":["$PNG"]}]})", "messages[0].images[0]"},
  };
  for (const auto& one : cases) expect_refused(one, "sees no images");
}

TEST(Abilities, SoundsAndFilesToo) {
  const Case sounds[] = {
      {&openai_chat(),
       R"({"model":"m","messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"$PNG","format":"wav"}},)"
       R"({"type":"text","text":"Look"}]}]})",
       "messages[0].content[0]"},
      {&gemini(), R"({"contents":[{"parts":[{"text":"Look"},{"inlineData":{"mimeType":"audio/wav","data":"$PNG"}}]}]})",
       "contents[0].parts[1]"},
  };
  for (const auto& one : sounds) expect_refused(one, "hears no audio");
  const Case files[] = {
      {&openai_chat(),
       R"({"model":"m","messages":[{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf",)"
       R"("file_data":"data:application/pdf;base64,$PNG"}},{"type":"text","text":"Look"}]}]})",
       "messages[0].content[0]"},
      {&anthropic(),
       R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64",)"
       R"("media_type":"application/pdf","data":"$PNG"}},{"type":"text","text":"Look"}]}]})",
       "messages[0].content[0]"},
      {&openai_responses(),
       R"({"model":"m","store":false,"input":[{"role":"user","content":[{"type":"input_file","filename":"a.pdf",)"
       R"("file_data":"data:application/pdf;base64,$PNG"},{"type":"input_text","text":"Look"}]}]})",
       "input[0].content[0]"},
      {&gemini(), R"({"contents":[{"parts":[{"text":"Look"},{"inlineData":{"mimeType":"application/pdf","data":"$PNG"}}]}]})",
       "contents[0].parts[1]"},
      {&bedrock(),
       R"({"messages":[{"role":"user","content":[{"text":"Look"},{"document":{"format":"pdf","name":"a",)"
       R"("source":{"bytes":"$PNG"}}}]}]})",
       "messages[0].content[1]"},
  };
  for (const auto& one : files) expect_refused(one, "reads no files");
}

TEST(Abilities, ImagesInsideResultsOfTools) {
  const Case one{&anthropic(),
                 R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Look"},)"
                 R"({"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},)"
                 R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"seen"},)"
                 R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"$PNG"}}]}]}]})",
                 "messages[2].content[0].content[1]"};
  expect_refused(one, "sees no images");
}

TEST(Abilities, TextFilesAreTextToEveryModel) {
  const auto body = R"({"model":"m","messages":[{"role":"user","content":[{"type":"file","file":{"filename":"a.txt",)"
                    R"("file_data":"data:text/plain;base64,SGVsbG8="}}]}]})";
  const Pair pair{openai_chat(), ollama(), "m", "d", text_only};
  const auto done = translate_request(pair, body, {}, Allow::no_change_of_meaning);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_NE(done->body.find("Hello"), std::string::npos) << done->body;
}

TEST(Abilities, AMessageOfNothingElseLeavesNoEmptyTurn) {
  const auto body = cat(R"({"model":"m","messages":[{"role":"user","content":"Look"},{"role":"assistant","content":"at what?"},)"
                        R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,)",
                        png, R"("}}]}]})");
  for (const auto* upstream : upstreams_of(openai_chat())) {
    const Pair pair{openai_chat(), *upstream, "m", "d", text_only};
    const auto done = translate_request(pair, body, {}, Allow::any_loss);
    ASSERT_TRUE(done) << done.error().message();
    const auto read = upstream->decode_request(done->body, asked_of(*upstream));
    ASSERT_TRUE(read) << upstream->name() << ": " << done->body;
    EXPECT_EQ(read->messages.size(), 2U) << upstream->name() << ": " << done->body;
  }
}

TEST(Abilities, ToolsToAModelThatCallsNone) {
  const Case cases[] = {
      {&openai_chat(),
       R"({"model":"m","messages":[{"role":"user","content":"Look"}],"tools":[{"type":"function","function":{"name":"f"}}],)"
       R"("tool_choice":"auto","parallel_tool_calls":false})",
       "tools"},
      {&bedrock(),
       R"({"messages":[{"role":"user","content":[{"text":"Look"}]}],"toolConfig":{"tools":[{"toolSpec":{"name":"f",)"
       R"("inputSchema":{"json":{"type":"object"}}}}]}})",
       "toolConfig.tools"},
      {&gemini(), R"({"contents":[{"parts":[{"text":"Look"}]}],"tools":[{"functionDeclarations":[{"name":"f"}]}]})", "tools"},
  };
  for (const auto& one : cases) expect_refused(one, "calls no tools");
  const auto unused =
      R"({"model":"m","messages":[{"role":"user","content":"Look"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"none"})";
  const Pair pair{openai_chat(), anthropic(), "m", "d", text_only};
  const auto done = translate_request(pair, unused, {}, Allow::no_change_of_meaning);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->losses.fields(), std::vector<std::string>{"tools"});
  EXPECT_EQ(done->body.find("tool"), std::string::npos) << done->body;
}

TEST(Abilities, ThinkingIsLeftOutAndNamedUnlessItWasOffAnyway) {
  const auto lost = [](std::string_view effort) {
    const auto body = cat(R"({"model":"m","messages":[{"role":"user","content":"Look"}],"reasoning_effort":")", effort, "\"}");
    const Pair pair{openai_chat(), anthropic(), "m", "d", text_only};
    const auto done = translate_request(pair, body, {}, Allow::no_change_of_meaning);
    EXPECT_TRUE(done);
    EXPECT_EQ(done->body.find("thinking"), std::string::npos) << done->body;
    return done->losses.fields();
  };
  EXPECT_EQ(lost("high"), std::vector<std::string>{"reasoning"});
  EXPECT_EQ(lost("none"), std::vector<std::string>{});
}

TEST(Abilities, WhatNobodyKnowsIsNotJudged) {
  const auto body =
      cat(R"({"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,)",
          png, R"("}}]}],"tools":[{"type":"function","function":{"name":"f"}}],"reasoning_effort":"high"})");
  const auto done = translate_request({openai_chat(), anthropic(), "m", "d"}, body, {}, Allow::no_change_of_meaning);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_NE(done->body.find(png), std::string::npos);
}

TEST(Abilities, AnExplanationShowsThem) {
  const auto body = cat(R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"Look"},{"type":"image_url",)"
                        R"("image_url":{"url":"data:image/png;base64,)",
                        png, R"("}}]}]})");
  const auto told = explain({openai_chat(), anthropic(), "m", "d", text_only}, body, {});
  ASSERT_TRUE(told) << told.error().message();
  const auto* loss = told->losses.gravest();
  ASSERT_NE(loss, nullptr);
  EXPECT_EQ(loss->field, "messages[0].content[1].image");
  EXPECT_EQ(loss->reason, "this model sees no images");
  EXPECT_TRUE(told->moved.empty());
}

/// Other refusals use the caller's names as well.
TEST(Abilities, OtherRefusalsSpeakTheCallersLanguage) {
  const auto param = [](const Dialect& client, const Dialect& upstream, std::string_view body) {
    const auto done = translate_request({client, upstream, "m", "d"}, body, asked_of(client), Allow::no_change_of_meaning);
    return done ? std::string{"not refused"} : std::string{done.error().detail().param};
  };
  EXPECT_EQ(param(gemini(), anthropic(),
                  R"({"contents":[{"parts":[{"text":"x"},{"inlineData":{"mimeType":"audio/wav","data":"AAAA"}}]}]})"),
            "contents[0].parts[1]");
  EXPECT_EQ(param(gemini(), cohere(),
                  R"({"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"stopSequences":["1","2","3","4","5","6"]}})"),
            "generationConfig.stopSequences[5]");
}

}  // namespace
}  // namespace cardea::dialect
