#include "twin/twin_test_util.h"

namespace cardea::twin {
namespace {

class Gemini : public TwinTest {
 protected:
  Gemini() : TwinTest{fixed()} {}

  static std::string path(std::string_view model, std::string_view verb = "generateContent") {
    return cat("/v1beta/models/", model, ":", verb);
  }
  json::Value say(std::string_view model, std::string_view body, std::string_view headers = "") {
    return post_json(path(model), body, headers);
  }
  std::string refusal(std::string_view body, std::string_view model = "echo") {
    const Reply reply = post(path(model), body);
    EXPECT_EQ(reply.status, 400U) << body << "\n" << reply.body;
    auto error = json::parse(reply.body);
    EXPECT_TRUE(error);
    if (!error) return {};
    EXPECT_EQ(at(*error, "error.code").as_u64(), 400U);
    EXPECT_EQ(text_at(*error, "error.status"), "INVALID_ARGUMENT");
    return text_at(*error, "error.message");
  }
  /// The chunks of a stream, and what the texts of their parts add up to.
  std::vector<json::Value> chunks(std::string_view model, std::string_view body, std::string_view headers = "") {
    std::vector<json::Value> all;
    for (auto& event : named_events(post(cat(path(model, "streamGenerateContent"), "?alt=sse"), body, headers).body)) {
      all.push_back(std::move(event.data));
    }
    return all;
  }
  static std::string texts(const std::vector<json::Value>& chunks, bool thoughts = false) {
    std::string text;
    for (const auto& chunk : chunks) {
      for (const auto& part : at(chunk, "candidates.0.content.parts").elements()) {
        const bool thought = at(part, "thought").as_bool().value_or(false);
        if (thought == thoughts && part.find("text") != nullptr) text += *part.find("text")->as_string();
      }
    }
    return text;
  }
};

// ai.google.dev/api/generate-content, "Text".
TEST_F(Gemini, AnswersWithACandidate) {
  const auto answer = say("echo", R"({"contents":[{"parts":[{"text":"a b"}]}]})");
  EXPECT_EQ(at(answer, "candidates.0.content").dump(), R"({"parts":[{"text":"a b"}],"role":"model"})");
  EXPECT_EQ(text_at(answer, "candidates.0.finishReason"), "STOP");
  EXPECT_EQ(at(answer, "candidates.0.index").as_u64(), 0U);
  EXPECT_EQ(at(answer, "usageMetadata.promptTokenCount").as_u64(), 8U);
  EXPECT_EQ(at(answer, "usageMetadata.candidatesTokenCount").as_u64(), 2U);
  EXPECT_EQ(at(answer, "usageMetadata.totalTokenCount").as_u64(), 10U);
  EXPECT_EQ(text_at(answer, "modelVersion"), "echo");
  EXPECT_EQ(say("twin%2Fecho", R"({"contents":[{"parts":[{"text":"a"}]}]})").find("error"), nullptr);
}

TEST_F(Gemini, StreamsEventsOrOneArray) {
  constexpr std::string_view body = R"({"contents":[{"role":"user","parts":[{"text":"a b c"}]}]})";
  const auto events = chunks("echo", body);
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(texts(events), "a b c");
  EXPECT_EQ(at(events[0], "candidates.0.finishReason").dump(), "null");
  EXPECT_EQ(text_at(events[3], "candidates.0.finishReason"), "STOP");
  EXPECT_EQ(at(events[3], "usageMetadata.candidatesTokenCount").as_u64(), 3U);
  const Reply array = post(path("echo", "streamGenerateContent"), body);
  EXPECT_NE(array.headers.find("content-type: application/json"), std::string::npos);
  auto list = json::parse(array.body);
  ASSERT_TRUE(list) << array.body;
  EXPECT_EQ(list->elements(), events);
}

TEST_F(Gemini, SaysTheSameStreamedOrNot) {
  for (const std::string_view model : {"twin-1", "lorem", "reasoner", "cites", "refuse", "filter"}) {
    constexpr std::string_view body =
        R"({"contents":[{"parts":[{"text":"h\u00e9llo"}]}],"generationConfig":{"thinkingConfig":{"includeThoughts":true}}})";
    const auto whole = say(model, body);
    const auto events = chunks(model, body);
    EXPECT_EQ(texts(events), texts({whole})) << model;
    EXPECT_EQ(texts(events, true), texts({whole}, true)) << model;
    EXPECT_EQ(at(events.back(), "candidates.0.finishReason"), at(whole, "candidates.0.finishReason"));
    EXPECT_EQ(at(events.back(), "candidates.0.groundingMetadata"), at(whole, "candidates.0.groundingMetadata"));
    EXPECT_EQ(at(events.back(), "usageMetadata"), at(whole, "usageMetadata"));
  }
}

TEST_F(Gemini, FinishReasonsAndCandidates) {
  const auto finish = [&](std::string_view model, std::string_view config) {
    return say(model, cat(R"({"contents":[{"parts":[{"text":"a b c d"}]}],"generationConfig":)", config, "}"));
  };
  EXPECT_EQ(text_at(finish("echo", R"({"maxOutputTokens":2})"), "candidates.0.finishReason"), "MAX_TOKENS");
  const auto stopped = finish("echo", R"({"stop_sequences":[" c"]})");
  EXPECT_EQ(text_at(stopped, "candidates.0.content.parts.0.text"), "a b");
  EXPECT_EQ(text_at(stopped, "candidates.0.finishReason"), "STOP");
  const auto refused = finish("refuse", "{}");
  EXPECT_EQ(text_at(refused, "candidates.0.finishReason"), "SAFETY");
  EXPECT_EQ(at(refused, "candidates.0.content").dump(), "null");
  EXPECT_EQ(text_at(refused, "candidates.0.safetyRatings.0.blocked"), "true");
  EXPECT_EQ(at(finish("lorem", R"({"candidateCount":3})"), "candidates").elements().size(), 3U);
}

TEST_F(Gemini, UsageWithCacheAndThoughts) {
  const auto answer = say("reasoner", R"({"contents":[{"parts":[{"text":"a b"}]}]})", "x-twin-cached-tokens: 5\r\n");
  EXPECT_EQ(at(answer, "usageMetadata.cachedContentTokenCount").as_u64(), 5U);
  const auto thoughts = at(answer, "usageMetadata.thoughtsTokenCount").as_u64().value_or(0);
  EXPECT_GT(thoughts, 0U);
  EXPECT_EQ(*at(answer, "usageMetadata.totalTokenCount").as_u64(),
            thoughts + *at(answer, "usageMetadata.promptTokenCount").as_u64() +
                *at(answer, "usageMetadata.candidatesTokenCount").as_u64());
}

// ---- Tools -----------------------------------------------------------------------------------------------------------------

constexpr std::string_view tools =
    R"("tools":[{"functionDeclarations":[{"name":"get_weather","parameters":{"type":"OBJECT","properties":{"city":{"type":"STRING"}},)"
    R"("required":["city"]}},{"name":"get_time"}]}])";

TEST_F(Gemini, CallsAndResponses) {
  const auto body = cat("{", tools, R"(,"contents":[{"role":"user","parts":[{"text":"get weather and get time"}]}]})");
  const auto called = say("twin-1", body);
  ASSERT_EQ(at(called, "candidates.0.content.parts").elements().size(), 2U);
  EXPECT_EQ(at(called, "candidates.0.content.parts.0.functionCall").dump(), R"({"name":"get_weather","args":{"city":"Paris"}})");
  EXPECT_EQ(text_at(called, "candidates.0.finishReason"), "STOP");
  const auto events = chunks("twin-1", body);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(at(events[0], "candidates.0.content.parts.0"), at(called, "candidates.0.content.parts.0"));
  const auto answered =
      say("twin-1",
          cat("{", tools, R"(,"contents":[{"role":"user","parts":[{"text":"x"}]},)", at(called, "candidates.0.content").dump(),
              R"(,{"role":"user","parts":[{"functionResponse":{"name":"get_time","response":{"output":"noon"}}},)",
              R"({"functionResponse":{"name":"get_weather","response":{"t":20}}}]}]})"));
  EXPECT_EQ(text_at(answered, "candidates.0.content.parts.0.text"), R"(The tools answered: noon; {"t":20})");
  const auto forced = say(
      "twin-1", cat("{", tools, R"(,"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["get_time"]}},)",
                    R"("contents":[{"parts":[{"text":"x"}]}]})"));
  EXPECT_EQ(text_at(forced, "candidates.0.content.parts.0.functionCall.name"), "get_time");
}

// ai.google.dev/gemini-api/docs/thought-signatures
TEST_F(Gemini, SignaturesAreRequiredAndVerified) {
  const auto called =
      say("reasoner", cat("{", tools, R"(,"contents":[{"role":"user","parts":[{"text":"get weather and get time"}]}]})"));
  const auto& parts = at(called, "candidates.0.content.parts");
  ASSERT_EQ(parts.elements().size(), 2U);
  const auto signature = text_at(parts, "0.thoughtSignature");
  EXPECT_NE(signature, "null");
  EXPECT_EQ(text_at(parts, "1.thoughtSignature"), "null");
  EXPECT_NE(text_at(parts, "0.functionCall.id"), "null");
  const auto next = [&](std::string_view first) {
    return cat(
        "{", tools,
        R"(,"contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[{"functionCall":{"name":"get_weather","args":{}})",
        first,
        R"(},{"functionCall":{"name":"get_time"}}]},{"role":"user","parts":[{"functionResponse":{"name":"get_weather","response":{}}},)",
        R"({"functionResponse":{"name":"get_time","response":{}}}]}]})");
  };
  EXPECT_EQ(post(path("reasoner"), next(cat(R"(,"thoughtSignature":")", signature, "\""))).status, 200U);
  EXPECT_EQ(post(path("reasoner"), next(R"(,"thought_signature":"skip_thought_signature_validator")")).status, 200U);
  EXPECT_TRUE(refusal(next(""), "reasoner").starts_with("Function call is missing a thought_signature in functionCall parts."));
  EXPECT_EQ(refusal(next(R"(,"thoughtSignature":"AAAA")"), "reasoner"), "Corrupted thought signature.");
  EXPECT_EQ(post(path("reasoner"), next(cat(R"(,"thoughtSignature":")", signature, "\"")), "x-twin-issuer: another\r\n").status,
            400U);
  EXPECT_EQ(post(path("twin-1"), next("")).status, 200U);
}

TEST_F(Gemini, ThoughtsAreShownToThoseWhoAsk) {
  const auto shown = say(
      "reasoner", R"({"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"thinkingConfig":{"includeThoughts":true}}})");
  EXPECT_EQ(text_at(shown, "candidates.0.content.parts.0.thought"), "true");
  EXPECT_NE(text_at(shown, "candidates.0.content.parts.1.thoughtSignature"), "null");
  const auto hidden = say("reasoner", R"({"contents":[{"parts":[{"text":"x"}]}]})");
  EXPECT_EQ(at(hidden, "candidates.0.content.parts").elements().size(), 1U);
  const auto events = chunks("reasoner", R"({"contents":[{"parts":[{"text":"x"}]}]})");
  EXPECT_NE(text_at(events.back(), "candidates.0.content.parts.0.thoughtSignature"), "null");
}

TEST_F(Gemini, StructuredOutputBothWays) {
  for (const std::string_view schema : {R"("responseSchema":{"type":"OBJECT","properties":{"city":{"type":"STRING"}}})",
                                        R"("responseJsonSchema":{"type":"object","properties":{"city":{"type":"string"}}})"}) {
    const auto answer =
        say("twin-1", cat(R"({"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"responseMimeType":"application/json",)",
                          schema, "}}"));
    EXPECT_EQ(text_at(answer, "candidates.0.content.parts.0.text"), R"({"city":"Paris"})");
  }
}

TEST_F(Gemini, SeesMedia) {
  const auto answer =
      say("twin-1", R"({"contents":[{"parts":[{"inlineData":{"mimeType":"audio/mp3","data":"YWJj"}},{"text":"x"},)"
                    R"({"fileData":{"mimeType":"video/mp4","fileUri":"https://example.com/v.mp4"}}]}]})");
  const auto text = text_at(answer, "candidates.0.content.parts.0.text");
  EXPECT_NE(text.find(" I see 1 audio (audio/mpeg, 3 bytes, sha256 ba7816bf"), std::string::npos) << text;
  EXPECT_NE(text.find(" I see 1 video (https://example.com/v.mp4)."), std::string::npos) << text;
}

TEST_F(Gemini, GroundsWhatItCites) {
  const auto answer = say("cites", R"({"contents":[{"parts":[{"text":"x"}]}],"tools":[{"google_search":{}}]})");
  const auto& grounding = at(answer, "candidates.0.groundingMetadata");
  EXPECT_EQ(text_at(grounding, "groundingChunks.0.web.uri"), "https://example.com/twin");
  EXPECT_EQ(at(grounding, "groundingSupports.0.segment").dump(),
            R"({"endIndex":39,"text":"The twin simulates providers of models."})");
  EXPECT_EQ(at(grounding, "groundingSupports.1.groundingChunkIndices").dump(), "[1]");
}

// ---- Strictness ------------------------------------------------------------------------------------------------------------

TEST_F(Gemini, RefusesAsGoogleDoes) {
  struct Case {
    std::string_view body;
    std::string_view message;
  };
  constexpr Case cases[] = {
      {R"({})", "* GenerateContentRequest.contents: contents is not specified\n"},
      {R"({"contents":[]})", "* GenerateContentRequest.contents: contents is not specified\n"},
      {R"({"contents":[{"parts":[{"text":"a"}]}],"foo":1})",
       "Invalid JSON payload received. Unknown name \"foo\": Cannot find field."},
      {R"({"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"foo":1}})",
       "Invalid JSON payload received. Unknown name \"foo\" at 'generation_config': Cannot find field."},
      {R"({"contents":[{"parts":[{"text":5}]}]})", "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 5"},
      {R"({"contents":[{"parts":[]}]})", "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.\n"},
      {R"({"contents":[{"parts":[{}]}]})",
       "* GenerateContentRequest.contents[0].parts[0].data: required oneof field 'data' must have one initialized field\n"},
      {R"({"contents":[{"role":"assistant","parts":[{"text":"a"}]}]})", "Please use a valid role: user, model."},
      {R"({"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"temperature":3}})",
       "* GenerateContentRequest.generation_config.temperature: must be at most 2, got 3\n"},
      {R"({"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"seed":18446744073709551615}})",
       "Invalid value at 'generation_config.seed' (TYPE_INT32), 18446744073709551615"},
      {R"({"contents":[{"parts":[{"text":"a"}]}],"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","additionalProperties":false}}]}]})",
       "Invalid JSON payload received. Unknown name \"additionalProperties\" at 'tools[0].function_declarations[0].parameters': "
       "Cannot "
       "find field."},
      {R"({"contents":[{"parts":[{"text":"a"}]}],"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":["OBJECT","NULL"]}}]}]})",
       "Invalid JSON payload received. Unknown name \"tools[0].function_declarations[0].parameters.type\": Proto field is not "
       "repeating, cannot start list."},
      {R"({"contents":[{"parts":[{"text":"a"}]}],"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","properties":{"a":{"type":"ARRAY"}}}}]}]})",
       "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties[a].items: missing field.\n"},
      {R"({"contents":[{"parts":[{"text":"a"}]}],"tools":[{"functionDeclarations":[{"name":"1f"}]}]})",
       "* GenerateContentRequest.tools[0].function_declarations[0].name: [FUNCTION_NAME] Invalid function name."},
      {R"({"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"%%%"}}]}]})",
       "Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES), Base64 decoding failed for \"%%%\""},
      {R"({"contents":[{"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}}]}]})",
       "Please ensure that function response turn comes immediately after a function call turn."},
      {R"({"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"role":"user","parts":[{"text":"b"}]}]})",
       "Please ensure that the number of function response parts is equal to the number of function call parts of the function "
       "call "
       "turn."},
      {R"({"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":"x"}}]}]})",
       "Invalid value at 'contents[2].parts[0].function_response.response' (TYPE_MESSAGE), \"x\""},
  };
  for (const auto& one : cases) EXPECT_EQ(refusal(one.body).substr(0, one.message.size()), one.message) << one.body;
}

TEST_F(Gemini, TakesBothSpellings) {
  const Reply reply =
      post(path("echo"),
           R"({"contents":[{"role":"user","parts":[{"inline_data":{"mime_type":"image/png","data":"-_-_"}},{"text":"a"}]}],)"
           R"("system_instruction":{"parts":{"text":"s"}},"generation_config":{"max_output_tokens":5}})");
  EXPECT_EQ(reply.status, 400U);  // parts is a list
  EXPECT_EQ(
      post(path("echo"),
           R"({"contents":[{"role":"user","parts":[{"inline_data":{"mime_type":"image/png","data":"-_-_"}},{"text":"a"}]}],)"
           R"("system_instruction":{"parts":[{"text":"s"}]},"generation_config":{"max_output_tokens":5}})")
          .status,
      200U);
}

// ---- Faults, counting, models ----------------------------------------------------------------------------------------------

TEST_F(Gemini, FailsInItsOwnWords) {
  constexpr std::string_view body = R"({"contents":[{"parts":[{"text":"a b c"}]}]})";
  EXPECT_EQ(text_at(say("echo", body, "x-twin-status: 503\r\n"), "error.status"), "UNAVAILABLE");
  EXPECT_EQ(text_at(say("gemini-9", body), "error.status"), "NOT_FOUND");
  const auto broken = chunks("echo", body, "x-twin-error-event-after: 2\r\n");
  ASSERT_EQ(broken.size(), 3U);
  EXPECT_EQ(text_at(broken[2], "error.status"), "INTERNAL");
  auto array = json::parse(post(path("echo", "streamGenerateContent"), body, "x-twin-error-event-after: 2\r\n").body);
  ASSERT_TRUE(array);
  EXPECT_EQ(text_at(*array, "2.error.status"), "INTERNAL");
  auto refused = json::parse(post(path("echo", "streamGenerateContent"), body, "x-twin-status: 429\r\n").body);
  ASSERT_TRUE(refused);
  EXPECT_EQ(text_at(*refused, "0.error.status"), "RESOURCE_EXHAUSTED");
  EXPECT_FALSE(json::parse(post(path("echo", "streamGenerateContent"), body, "x-twin-end-after-events: 2\r\n").body));
  EXPECT_EQ(post(path("echo", "streamGenerateContent"), body, "x-twin-empty-choices: 1\r\n").status, 200U);
  EXPECT_EQ(post(path("echo", "streamGenerateContent"), body, "x-twin-split: 1\r\n").body,
            post(path("echo", "streamGenerateContent"), body).body);
}

TEST_F(Gemini, CountsTokensAndListsModels) {
  constexpr std::string_view body = R"({"contents":[{"parts":[{"text":"a b"}]}]})";
  EXPECT_EQ(at(post_json(path("echo", "countTokens"), body), "totalTokens").as_u64(), 8U);
  EXPECT_EQ(at(post_json(path("echo", "countTokens"),
                         cat(R"({"generateContentRequest":)", R"({"model":"models/echo",)", body.substr(1), "}")),
               "totalTokens")
                .as_u64(),
            8U);
  auto list = json::parse(get("/v1beta/models?pageSize=50").body);
  ASSERT_TRUE(list);
  EXPECT_EQ(text_at(*list, "models.0.name"), "models/twin-1");
  EXPECT_EQ(get("/v1beta/models/echo").status, 200U);
  EXPECT_EQ(get("/v1beta/models/none").status, 404U);
}

}  // namespace
}  // namespace cardea::twin
