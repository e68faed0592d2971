#include "twin/twin_test_util.h"

namespace cardea::twin {
namespace {

constexpr std::string_view path = "/v2/chat";

class Cohere : public TwinTest {
 protected:
  Cohere() : TwinTest{fixed()} {}

  json::Value say(std::string_view body, std::string_view headers = "") { return post_json(path, body, headers); }
  std::vector<Named> stream(std::string_view body, std::string_view headers = "") {
    return named_events(post(path, body, headers).body);
  }
  std::string refusal(std::string_view body) {
    const Reply reply = post(path, body);
    EXPECT_EQ(reply.status, 400U) << body << "\n" << reply.body;
    auto error = json::parse(reply.body);
    EXPECT_TRUE(error);
    return error ? text_at(*error, "message") : "";
  }
  static std::string joined(const std::vector<Named>& events, std::string_view where) {
    std::string text;
    for (const auto& event : events) {
      const auto& piece = at(event.data, where);
      if (piece.as_string() != nullptr) text += *piece.as_string();
    }
    return text;
  }
};

// docs.cohere.com/reference/chat, first example.
TEST_F(Cohere, AnswersWithAMessage) {
  const auto answer = say(R"({"model":"echo","messages":[{"role":"user","content":"a b"}]})");
  EXPECT_EQ(text_at(answer, "id").size(), 36U);
  EXPECT_EQ(text_at(answer, "finish_reason"), "COMPLETE");
  EXPECT_EQ(at(answer, "message").dump(), R"({"role":"assistant","content":[{"type":"text","text":"a b"}]})");
  EXPECT_EQ(at(answer, "usage").dump(),
            R"({"billed_units":{"input_tokens":8,"output_tokens":2},"tokens":{"input_tokens":8,"output_tokens":2}})");
}

// docs.cohere.com/docs/streaming
TEST_F(Cohere, StreamsItsEventsInOrder) {
  const auto all = stream(R"({"model":"echo","stream":true,"messages":[{"role":"user","content":"a b c"}]})");
  EXPECT_EQ(outline(all), "message-start content-start content-delta content-end message-end");
  for (const auto& event : all) EXPECT_EQ(text_at(event.data, "type"), event.type);
  EXPECT_EQ(text_at(all[0].data, "delta.message.role"), "assistant");
  EXPECT_EQ(all[2].data.dump(), R"({"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"a"}}}})");
  EXPECT_EQ(text_at(all.back().data, "delta.finish_reason"), "COMPLETE");
  EXPECT_EQ(at(all.back().data, "delta.usage.tokens.output_tokens").as_u64(), 3U);
}

constexpr std::string_view tools =
    R"("tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}},)"
    R"({"type":"function","function":{"name":"get_time","parameters":{"type":"object"}}}])";

TEST_F(Cohere, SaysTheSameStreamedOrNot) {
  for (const std::string_view model : {"twin-1", "lorem", "reasoner", "cites", "refuse", "narrates", "filter"}) {
    const auto body = [&](std::string_view more) {
      return cat(R"({"model":")", model, "\",", tools, R"(,"messages":[{"role":"user","content":"h\u00e9llo"}])", more, "}");
    };
    const auto whole = say(body(""));
    const auto all = stream(body(R"(,"stream":true)"));
    std::string text;
    std::string thoughts;
    for (const auto& part : at(whole, "message.content").elements()) {
      if (part.find("text") != nullptr) text += text_at(part, "text");
      if (part.find("thinking") != nullptr) thoughts += text_at(part, "thinking");
    }
    EXPECT_EQ(joined(all, "delta.message.content.text"), text) << model;
    EXPECT_EQ(joined(all, "delta.message.content.thinking"), thoughts) << model;
    const auto& plan = at(whole, "message.tool_plan");
    EXPECT_EQ(joined(all, "delta.message.tool_plan"), plan.as_string() != nullptr ? *plan.as_string() : "") << model;
    json::Value citations = json::Value::array();
    for (const auto& event : all) {
      if (event.type == "citation-start") citations.edit_elements().push_back(at(event.data, "delta.message.citations"));
    }
    if (!citations.elements().empty()) EXPECT_EQ(citations, at(whole, "message.citations")) << model;
    EXPECT_EQ(text_at(all.back().data, "delta.finish_reason"), text_at(whole, "finish_reason")) << model;
  }
}

TEST_F(Cohere, CallsAndResults) {
  const auto body = cat(R"({"model":"narrates",)", tools, R"(,"messages":[{"role":"user","content":"x"}])");
  const auto called = say(cat(body, "}"));
  EXPECT_EQ(text_at(called, "finish_reason"), "TOOL_CALL");
  EXPECT_EQ(text_at(called, "message.tool_plan"), "I will call get_weather.");
  EXPECT_EQ(at(called, "message").find("content"), nullptr);
  EXPECT_TRUE(text_at(called, "message.tool_calls.0.id").starts_with("get_weather_"));
  const auto all = stream(cat(body, R"(,"stream":true})"));
  EXPECT_EQ(outline(all), "message-start tool-plan-delta tool-call-start tool-call-delta tool-call-end message-end");
  EXPECT_EQ(joined(all, "delta.message.tool_calls.function.arguments"), R"({"city":"Paris"})");
  const auto answered =
      say(cat(R"({"model":"twin-1",)", tools, R"(,"messages":[{"role":"user","content":"x"},)", at(called, "message").dump(),
              R"(,{"role":"tool","tool_call_id":")", text_at(called, "message.tool_calls.0.id"),
              R"(","content":[{"type":"document","document":{"data":"{\"t\":20}"}}]}]})"));
  EXPECT_EQ(text_at(answered, "message.content.0.text"), R"(The tool answered: {"t":20})");
  EXPECT_EQ(text_at(say(cat(R"({"model":"twin-1","tool_choice":"REQUIRED",)", tools,
                            R"(,"messages":[{"role":"user","content":"x"}]})")),
                    "finish_reason"),
            "TOOL_CALL");
}

TEST_F(Cohere, FinishReasonsSchemasThoughtsAndImages) {
  const auto stop = [&](std::string_view more) {
    return say(cat(R"({"messages":[{"role":"user","content":"a b c d"}],)", more, "}"));
  };
  EXPECT_EQ(text_at(stop(R"("model":"echo","max_tokens":2)"), "finish_reason"), "MAX_TOKENS");
  EXPECT_EQ(text_at(stop(R"("model":"echo","stop_sequences":[" c"])"), "finish_reason"), "STOP_SEQUENCE");
  EXPECT_EQ(text_at(stop(R"("model":"filter")"), "finish_reason"), "ERROR");
  EXPECT_EQ(text_at(stop(R"("model":"twin-1","thinking":{"type":"enabled","token_budget":50})"), "message.content.0.type"),
            "thinking");
  EXPECT_EQ(
      text_at(
          stop(
              R"("model":"twin-1","response_format":{"type":"json_object","json_schema":{"type":"object","properties":{"city":{"type":"string"}}}})"),
          "message.content.0.text"),
      R"({"city":"Paris"})");
  const auto seen = say(
      R"({"model":"twin-1","messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"data:image/png;base64,YWJj"}}]}]})");
  EXPECT_NE(text_at(seen, "message.content.0.text").find(" I see 1 image (image/png, 3 bytes, sha256 ba7816bf"),
            std::string::npos);
}

TEST_F(Cohere, CitesTheDocumentsItGot) {
  const auto answer = say(
      R"({"model":"cites","documents":[{"id":"d7","data":{"title":"T"}},"plain"],"messages":[{"role":"user","content":"x"}]})");
  EXPECT_EQ(
      at(answer, "message.citations.0").dump(),
      R"({"start":0,"end":39,"text":"The twin simulates providers of models.","sources":[{"type":"document","id":"d7","document":{"id":"d7","title":"T"}}],"type":"TEXT_CONTENT"})");
  EXPECT_EQ(text_at(answer, "message.citations.1.sources.0.document.text"), "plain");
}

TEST_F(Cohere, RefusesAsCohereDoes) {
  struct Case {
    std::string_view body;
    std::string_view message;
  };
  constexpr Case cases[] = {
      {R"({"model":"echo"})", "invalid request: missing required field: parameter messages is required"},
      {R"({"model":"echo","foo":1,"messages":[{"role":"user","content":"a"}]})",
       "unknown field: parameter foo is not a valid field"},
      {R"({"model":"echo","max_tokens":"a","messages":[{"role":"user","content":"a"}]})",
       "invalid type: parameter max_tokens is of type string but should be of type integer."},
      {R"({"model":"echo","p":1,"messages":[{"role":"user","content":"a"}]})", "invalid request: p must be at most 0.99, got 1"},
      {R"({"model":"echo","messages":[{"role":"user","content":""}]})",
       "invalid request: the content of messages[0] must be at least 1 token long"},
      {R"({"model":"echo","messages":[{"role":"developer","content":"a"}]})",
       "invalid request: 'developer' is not a valid value for messages[0].role"},
      {R"({"model":"echo","messages":[{"role":"user","content":"a"},{"role":"tool","tool_call_id":"x","content":"a"}]})",
       "invalid request: tool_call_id 'x' of messages[1] does not match any tool call of the message before"},
      {R"({"model":"echo","tool_choice":"AUTO","messages":[{"role":"user","content":"a"}]})",
       "invalid request: 'AUTO' is not a valid value for tool_choice"},
      {R"({"model":"echo","response_format":{"type":"json_object"},"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],"messages":[{"role":"user","content":"a"}]})",
       "invalid request: response_format is not supported with documents or tools"},
  };
  for (const auto& one : cases) EXPECT_EQ(refusal(one.body).substr(0, one.message.size()), one.message) << one.body;
}

TEST_F(Cohere, FailsInItsOwnWords) {
  constexpr std::string_view streamed = R"({"model":"echo","stream":true,"messages":[{"role":"user","content":"a b c"}]})";
  EXPECT_NE(text_at(say(streamed, "x-twin-status: 429\r\n"), "message"), "null");
  const auto broken = stream(streamed, "x-twin-error-event-after: 3\r\n");
  ASSERT_EQ(broken.size(), 4U);
  EXPECT_EQ(broken[3].type, "message-end");
  EXPECT_EQ(text_at(broken[3].data, "delta.finish_reason"), "ERROR");
  EXPECT_EQ(stream(streamed, "x-twin-end-after-events: 2\r\n").size(), 2U);
  EXPECT_EQ(outline(stream(streamed, "x-twin-split: 3\r\nx-twin-line-ending: cr\r\n")), outline(stream(streamed)));
}

}  // namespace
}  // namespace cardea::twin
