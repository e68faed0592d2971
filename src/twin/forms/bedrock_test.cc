#include "twin/twin_test_util.h"
#include "wire/aws_events.h"

namespace cardea::twin {
namespace {

class Bedrock : public TwinTest {
 protected:
  Bedrock() : TwinTest{fixed()} {}

  json::Value say(std::string_view model, std::string_view body, std::string_view headers = "") {
    return post_json(cat("/model/", model, "/converse"), body, headers);
  }
  std::string refusal(std::string_view body) {
    const Reply reply = post("/model/echo/converse", body);
    EXPECT_EQ(reply.status, 400U) << body << "\n" << reply.body;
    EXPECT_NE(reply.headers.find("x-amzn-errortype: "), std::string::npos);
    auto error = json::parse(reply.body);
    EXPECT_TRUE(error);
    return error ? text_at(*error, "message") : "";
  }
  /// The frames of a stream; exceptions too.
  static std::vector<Named> frames(std::string_view bytes) {
    std::vector<Named> all;
    while (!bytes.empty()) {
      auto message = wire::parse_aws_message(bytes, bytes.size());
      EXPECT_TRUE(message);
      if (!message || !*message) break;
      auto data = json::parse((*message)->payload);
      EXPECT_TRUE(data) << (*message)->payload;
      const bool exception = (*message)->message_type == "exception";
      all.emplace_back(std::string{exception ? (*message)->exception_type : (*message)->event_type},
                       data ? std::move(*data) : json::Value{});
      bytes.remove_prefix((*message)->bytes);
    }
    return all;
  }
  std::vector<Named> stream(std::string_view model, std::string_view body, std::string_view headers = "") {
    return frames(post(cat("/model/", model, "/converse-stream"), body, headers).body);
  }
  /// What the blocks of a stream add up to, as the document has them.
  static json::Value joined(const std::vector<Named>& events) {
    struct Block {
      std::string text, thought, signature, input;
      json::Value start;
      json::Value citations = json::Value::array();
    };
    std::vector<Block> blocks;
    for (const auto& event : events) {
      const auto index = at(event.data, "contentBlockIndex").as_u64();
      if (!index) continue;
      while (blocks.size() <= *index) blocks.emplace_back();
      auto& block = blocks[*index];
      const auto add = [&](std::string_view path, std::string& to) {
        if (at(event.data, path).as_string() != nullptr) to += *at(event.data, path).as_string();
      };
      add("delta.text", block.text);
      add("delta.reasoningContent.text", block.thought);
      add("delta.reasoningContent.signature", block.signature);
      add("delta.toolUse.input", block.input);
      if (at(event.data, "start.toolUse").is(json::Type::object)) block.start = at(event.data, "start.toolUse");
      if (at(event.data, "delta.citation").is(json::Type::object))
        block.citations.edit_elements().push_back(at(event.data, "delta.citation"));
    }
    std::string out;
    for (const auto& block : blocks) {
      const std::string_view comma = out.empty() ? "" : ",";
      if (!block.thought.empty()) {
        append(out, cat(comma, R"({"reasoningContent":{"reasoningText":{"text":)", json::Value::string(block.thought).dump(),
                        R"(,"signature":)", json::Value::string(block.signature).dump(), "}}}"));
      } else if (block.start.is(json::Type::object)) {
        append(out, cat(comma, R"({"toolUse":{"toolUseId":)", at(block.start, "toolUseId").dump(), R"(,"name":)",
                        at(block.start, "name").dump(), R"(,"input":)", block.input, "}}"));
      } else if (!block.citations.elements().empty()) {
        append(out, cat(comma, R"({"citationsContent":{"content":[{"text":)", json::Value::string(block.text).dump(),
                        R"(}],"citations":)", block.citations.dump(), "}}"));
      } else {
        append(out, cat(comma, R"({"text":)", json::Value::string(block.text).dump(), "}"));
      }
    }
    auto value = json::parse(cat("[", out, "]"));
    EXPECT_TRUE(value) << out;
    return value ? std::move(*value) : json::Value{};
  }
};

// API_runtime_Converse, "Examples".
TEST_F(Bedrock, AnswersAMessage) {
  const auto answer =
      say("echo", R"({"messages":[{"role":"user","content":[{"text":"a b"}]}],"inferenceConfig":{"maxTokens":512}})");
  EXPECT_EQ(at(answer, "output.message").dump(), R"({"content":[{"text":"a b"}],"role":"assistant"})");
  EXPECT_EQ(text_at(answer, "stopReason"), "end_turn");
  EXPECT_EQ(at(answer, "usage").dump(), R"({"inputTokens":8,"outputTokens":2,"totalTokens":10})");
  EXPECT_TRUE(at(answer, "metrics.latencyMs").as_u64());
  EXPECT_EQ(post("/model/twin%2Fecho/converse", R"({"messages":[{"role":"user","content":[{"text":"a b"}]}]})").status, 200U);
}

TEST_F(Bedrock, StreamsFrames) {
  const Reply reply = post("/model/echo/converse-stream", R"({"messages":[{"role":"user","content":[{"text":"a b c"}]}]})");
  EXPECT_NE(reply.headers.find("content-type: application/vnd.amazon.eventstream"), std::string::npos);
  const auto all = frames(reply.body);
  EXPECT_EQ(outline(all), "messageStart contentBlockDelta contentBlockStop messageStop metadata");
  EXPECT_EQ(text_at(all[0].data, "role"), "assistant");
  EXPECT_EQ(text_at(all[1].data, "delta.text"), "a");
  EXPECT_EQ(text_at(all[5].data, "stopReason"), "end_turn");
  EXPECT_EQ(at(all[6].data, "usage.outputTokens").as_u64(), 3U);
}

constexpr std::string_view tools =
    R"("toolConfig":{"tools":[{"toolSpec":{"name":"get_weather","description":"d","inputSchema":{"json":{"type":"object",)"
    R"("properties":{"city":{"type":"string"}},"required":["city"]}}}},{"toolSpec":{"name":"get_time","inputSchema":{"json":{"type":"object"}}}}])";

TEST_F(Bedrock, SaysTheSameStreamedOrNot) {
  for (const std::string_view model : {"twin-1", "lorem", "reasoner", "cites", "refuse", "narrates", "filter"}) {
    const auto body = cat("{", tools, R"(},"messages":[{"role":"user","content":[{"text":"h\u00e9llo"}]}]})");
    const auto whole = say(model, body);
    const auto all = stream(model, body);
    EXPECT_EQ(joined(all), at(whole, "output.message.content")) << model;
    EXPECT_EQ(text_at(all[all.size() - 2].data, "stopReason"), text_at(whole, "stopReason")) << model;
    EXPECT_EQ(at(all.back().data, "usage"), at(whole, "usage")) << model;
  }
}

TEST_F(Bedrock, StopReasonsAndUsage) {
  const auto stop = [&](std::string_view model, std::string_view config) {
    return say(model, cat(R"({"messages":[{"role":"user","content":[{"text":"a b c d"}]}],"inferenceConfig":)", config, "}"));
  };
  EXPECT_EQ(text_at(stop("echo", R"({"maxTokens":2})"), "stopReason"), "max_tokens");
  EXPECT_EQ(text_at(stop("echo", R"({"stopSequences":[" c"]})"), "stopReason"), "stop_sequence");
  EXPECT_EQ(text_at(stop("refuse", "{}"), "stopReason"), "content_filtered");
  EXPECT_EQ(text_at(stop("filter", "{}"), "stopReason"), "guardrail_intervened");
  const auto cached = say("echo", R"({"messages":[{"role":"user","content":[{"text":"a b"}]}]})",
                          "x-twin-cached-tokens: 3\r\nx-twin-cache-write-tokens: 1\r\n");
  EXPECT_EQ(at(cached, "usage").dump(),
            R"({"inputTokens":4,"outputTokens":2,"totalTokens":10,"cacheReadInputTokens":3,"cacheWriteInputTokens":1})");
}

TEST_F(Bedrock, CallsAndResults) {
  const auto called =
      say("twin-1", cat("{", tools, R"(},"messages":[{"role":"user","content":[{"text":"get weather and get time"}]}]})"));
  EXPECT_EQ(text_at(called, "stopReason"), "tool_use");
  const auto& content = at(called, "output.message.content");
  ASSERT_EQ(content.elements().size(), 2U);
  EXPECT_EQ(at(content, "0.toolUse.input").dump(), R"({"city":"Paris"})");
  const auto answered =
      say("twin-1", cat("{", tools, R"(},"messages":[{"role":"user","content":[{"text":"x"}]},{"role":"assistant","content":)",
                        content.dump(), R"(},{"role":"user","content":[{"toolResult":{"toolUseId":")",
                        text_at(content, "1.toolUse.toolUseId"), R"(","content":[{"text":""}]}},{"toolResult":{"toolUseId":")",
                        text_at(content, "0.toolUse.toolUseId"), R"(","content":[{"json":{"t":20}}],"status":"error"}}]}]})"));
  EXPECT_EQ(text_at(answered, "output.message.content.0.text"), R"(The tools answered: ; {"t":20})");
  const auto forced = say(
      "twin-1",
      cat("{", tools, R"(,"toolChoice":{"tool":{"name":"get_time"}}},"messages":[{"role":"user","content":[{"text":"x"}]}]})"));
  EXPECT_EQ(text_at(forced, "output.message.content.0.toolUse.name"), "get_time");
  const auto any =
      say("twin-1", cat("{", tools, R"(,"toolChoice":{"any":{}}},"messages":[{"role":"user","content":[{"text":"x"}]}]})"));
  EXPECT_EQ(text_at(any, "stopReason"), "tool_use");
}

TEST_F(Bedrock, ReasoningIsSignedAndVerified) {
  constexpr std::string_view thinking = R"("additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1024}},)";
  const auto first = say("twin-1", cat("{", thinking, R"("messages":[{"role":"user","content":[{"text":"x"}]}]})"));
  const auto& content = at(first, "output.message.content");
  EXPECT_NE(text_at(content, "0.reasoningContent.reasoningText.signature"), "null");
  const auto next = [&](std::string_view blocks) {
    return cat(R"({"messages":[{"role":"user","content":[{"text":"x"}]},{"role":"assistant","content":)", blocks,
               R"(},{"role":"user","content":[{"text":"y"}]}]})");
  };
  EXPECT_EQ(post("/model/echo/converse", next(content.dump())).status, 200U);
  EXPECT_EQ(post("/model/echo/converse", next(content.dump()), "x-twin-issuer: another\r\n").status, 400U);
  EXPECT_EQ(refusal(next(R"([{"reasoningContent":{"reasoningText":{"text":"a","signature":"b"}}},{"text":"c"}])")),
            "The model returned the following errors: messages.1.content.0: Invalid `signature` in `thinking` block");
  const auto redacted =
      say("twin-1", cat("{", thinking, R"("messages":[{"role":"user","content":[{"text":"TRIGGER_REDACTED_THINKING"}]}]})"));
  EXPECT_EQ(post("/model/echo/converse", next(at(redacted, "output.message.content").dump())).status, 200U);
}

TEST_F(Bedrock, SeesMediaAndSchemas) {
  const auto answer =
      say("twin-1", R"({"messages":[{"role":"user","content":[{"text":"x"},{"image":{"format":"png","source":{"bytes":"YWJj"}}},)"
                    R"({"document":{"format":"pdf","name":"my doc-1","source":{"bytes":"YWJj"}}}]}]})");
  const auto text = text_at(answer, "output.message.content.0.text");
  EXPECT_NE(text.find(" I see 1 image (image/png, 3 bytes, sha256 ba7816bf"), std::string::npos) << text;
  EXPECT_NE(text.find(" I see 1 file (application/pdf, 3 bytes, sha256 ba7816bf"), std::string::npos) << text;
  const auto filled =
      say("twin-1",
          R"({"messages":[{"role":"user","content":[{"text":"x"}]}],"outputConfig":{"textFormat":{"type":"json_schema",)"
          R"("structure":{"jsonSchema":{"schema":"{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}"}}}}})");
  EXPECT_EQ(text_at(filled, "output.message.content.0.text"), R"({"city":"Paris"})");
}

TEST_F(Bedrock, RefusesAsAwsDoes) {
  struct Case {
    std::string_view body;
    std::string_view message;
  };
  constexpr Case cases[] = {
      {R"({})", "1 validation error detected: Value null at 'messages' failed to satisfy constraint: Member must not be null"},
      {R"({"messages":[{"role":"user","content":[{"text":"a"}]}],"foo":1})",
       "Malformed input request: extraneous key [foo] is not permitted"},
      {R"({"messages":[{"role":"user","content":"a"}]})", "STRING_VALUE can not be converted to a List"},
      {R"({"messages":[{"role":"user","content":[]}]})",
       "The content field in the Message object at messages.0 is empty. Add a ContentBlock object to the content field and try "
       "again."},
      {R"({"messages":[{"role":"user","content":[{"text":" "}]}]})",
       "The text field in the ContentBlock object at messages.0.content.0 is blank. Add text to the text field, and try again."},
      {R"({"messages":[{"role":"user","content":[{"text":"a","image":{}}]}]})",
       "The ContentBlock object at messages.0.content.0 must set one of the following keys"},
      {R"({"messages":[{"role":"assistant","content":[{"text":"a"}]}]})", "A conversation must start with a user message."},
      {R"({"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"user","content":[{"text":"b"}]}]})",
       "A conversation must alternate between user and assistant roles."},
      {R"({"messages":[{"role":"user","content":[{"text":"a"}]}],"inferenceConfig":{"temperature":1.5}})",
       "1 validation error detected: Value '1.5' at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have "
       "value "
       "less than or equal to 1"},
      {R"({"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"t","name":"f","input":{}}}]},{"role":"user","content":[{"text":"b"}]}]})",
       "Expected toolResult blocks at messages.2.content for the following Ids: t"},
      {R"({"messages":[{"role":"user","content":[{"toolResult":{"toolUseId":"t","content":[]}}]}]})",
       "The number of toolResult blocks at messages.0.content exceeds the number of toolUse blocks of previous turn."},
      {R"({"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"t","name":"f","input":{}}}]},{"role":"user","content":[{"toolResult":{"toolUseId":"t","content":[{"text":"x"}]}}]}]})",
       "The toolConfig field must be defined when using toolUse and toolResult content blocks."},
      {R"({"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"t","name":"f","input":"x"}}]}]})",
       "The format of the value at messages.1.content.0.toolUse.input is invalid. Provide a json object for the field and try "
       "again."},
      {R"({"messages":[{"role":"user","content":[{"text":"a"},{"document":{"format":"pdf","name":"a.pdf","source":{"bytes":"YWJj"}}}]}]})",
       "The document file name can only contain alphanumeric characters"},
      {R"({"messages":[{"role":"user","content":[{"text":"a"}]}],"toolConfig":{"tools":[]}})",
       "1 validation error detected: Value []"},
      {R"({"messages":[{"role":"user","content":[{"text":"a"}]}],"toolConfig":{"tools":[{"toolSpec":{"name":"f g","inputSchema":{"json":{"type":"object"}}}}]}})",
       "1 validation error detected: Value 'f g' at 'toolConfig.tools.0.toolSpec.name' failed to satisfy constraint: Member must "
       "satisfy regular expression pattern: [a-zA-Z0-9_-]+"},
  };
  for (const auto& one : cases) EXPECT_EQ(refusal(one.body).substr(0, one.message.size()), one.message) << one.body;
}

TEST_F(Bedrock, FailsInItsOwnWords) {
  constexpr std::string_view body = R"({"messages":[{"role":"user","content":[{"text":"a b c"}]}]})";
  const Reply busy = post("/model/echo/converse", body, "x-twin-status: 429\r\n");
  EXPECT_NE(busy.headers.find("x-amzn-errortype: ThrottlingException\r\n"), std::string::npos);
  EXPECT_EQ(post("/model/none/converse", body).status, 404U);
  const auto broken = stream("echo", body, "x-twin-error-event-after: 2\r\n");
  ASSERT_EQ(broken.size(), 3U);
  EXPECT_EQ(broken[2].type, "internalServerException");
  EXPECT_EQ(stream("echo", body, "x-twin-end-after-events: 3\r\n").size(), 3U);
  const auto plain = outline(stream("echo", body));
  EXPECT_EQ(outline(stream("echo", body, "x-twin-split: 1\r\n")), plain);
  EXPECT_EQ(stream("echo", body, "x-twin-malformed: sse\r\n").front().type, "nonsense");
  auto list = json::parse(get("/foundation-models").body);
  ASSERT_TRUE(list);
  EXPECT_EQ(text_at(*list, "modelSummaries.0.modelId"), "twin-1");
}

}  // namespace
}  // namespace cardea::twin
