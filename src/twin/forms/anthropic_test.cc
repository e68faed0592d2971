#include "twin/twin_test_util.h"

namespace cardea::twin {
namespace {

constexpr std::string_view path = "/v1/messages";
constexpr std::string_view version = "anthropic-version: 2023-06-01\r\n";
// A PNG of one pixel.
constexpr std::string_view png =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

class Anthropic : public TwinTest {
 protected:
  Anthropic() : TwinTest{fixed()} {}

  json::Value say(std::string_view body, std::string_view headers = "") { return post_json(path, body, cat(version, headers)); }
  Reply send(std::string_view body, std::string_view headers = "") { return post(path, body, cat(version, headers)); }
  std::string refusal(std::string_view body) {
    const Reply reply = send(body);
    EXPECT_EQ(reply.status, 400U) << body << "\n" << reply.body;
    auto error = json::parse(reply.body);
    EXPECT_TRUE(error);
    if (!error) return {};
    EXPECT_EQ(text_at(*error, "type"), "error");
    EXPECT_EQ(text_at(*error, "error.type"), "invalid_request_error");
    return text_at(*error, "error.message");
  }

  /// What the blocks of a stream add up to, as the document has them.
  static json::Value joined(const std::vector<Named>& events) {
    json::Value content = json::Value::array();
    std::string input;
    for (const auto& event : events) {
      if (event.type == "content_block_start") {
        EXPECT_EQ(at(event.data, "index").as_u64(), content.elements().size());
        content.edit_elements().push_back(at(event.data, "content_block"));
        input.clear();
      }
      if (event.type == "content_block_delta") {
        auto& block = content.edit_elements().back();
        const auto add = [&](std::string_view key) {
          const auto& more = at(event.data, cat("delta.", key));
          if (more.as_string() != nullptr) block.set(key, json::Value::string(*block.find(key)->as_string() + *more.as_string()));
        };
        add("text");
        add("thinking");
        add("signature");
        const auto& partial = at(event.data, "delta.partial_json");
        if (partial.as_string() != nullptr) input += *partial.as_string();
        const auto& citation = at(event.data, "delta.citation");
        if (citation.is(json::Type::object)) block.find("citations")->edit_elements().push_back(citation);
      }
      if (event.type == "content_block_stop" && !input.empty()) {
        auto parsed = json::parse(input);
        EXPECT_TRUE(parsed) << input;
        if (parsed) content.edit_elements().back().set("input", std::move(*parsed));
        input.clear();
      }
    }
    return content;
  }
};

// docs.anthropic.com/en/api/messages, first example.
TEST_F(Anthropic, AnswersAsAMessage) {
  const auto answer = say(R"({"model":"echo","max_tokens":1024,"messages":[{"role":"user","content":"Hello, Claude"}]})");
  EXPECT_TRUE(text_at(answer, "id").starts_with("msg_"));
  EXPECT_EQ(text_at(answer, "type"), "message");
  EXPECT_EQ(text_at(answer, "role"), "assistant");
  EXPECT_EQ(text_at(answer, "model"), "echo");
  EXPECT_EQ(at(answer, "content").dump(), R"([{"type":"text","text":"Hello, Claude"}])");
  EXPECT_EQ(text_at(answer, "stop_reason"), "end_turn");
  EXPECT_EQ(text_at(answer, "stop_sequence"), "null");
  EXPECT_EQ(at(answer, "usage.input_tokens").as_u64(), 9U);  // Hello · , · Claude, 3 for the message, 3 for the answer
  EXPECT_EQ(at(answer, "usage.output_tokens").as_u64(), 3U);
}

// docs.anthropic.com/en/docs/build-with-claude/streaming
TEST_F(Anthropic, StreamsItsEventsInOrder) {
  const auto all =
      named_events(send(R"({"model":"echo","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"a b c"}]})").body);
  EXPECT_EQ(outline(all),
            "message_start content_block_start ping content_block_delta content_block_stop message_delta message_stop");
  EXPECT_EQ(text_at(all[0].data, "message.usage.output_tokens"), "1");
  EXPECT_TRUE(at(all[0].data, "message.content").elements().empty());
  EXPECT_EQ(text_at(all[0].data, "message.stop_reason"), "null");
  EXPECT_EQ(all[3].data.dump(), R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}})");
  const auto& delta = all[all.size() - 2].data;
  EXPECT_EQ(text_at(delta, "delta.stop_reason"), "end_turn");
  EXPECT_EQ(at(delta, "usage.output_tokens").as_u64(), 3U);
}

TEST_F(Anthropic, SaysTheSameStreamedOrNot) {
  for (const std::string_view model : {"twin-1", "lorem", "reasoner", "refuse", "cites", "narrates", "filter"}) {
    const auto body = [&](std::string_view more) {
      return cat(
          R"({"model":")", model,
          R"(","max_tokens":1000,"tools":[{"name":"f","input_schema":{"type":"object","properties":{"city":{"type":"string"}}}}],)",
          R"("messages":[{"role":"user","content":"h\u00e9llo"}])", more, "}");
    };
    const auto whole = say(body(""));
    const auto all = named_events(send(body(R"(,"stream":true)")).body);
    EXPECT_EQ(joined(all), at(whole, "content")) << model;
    EXPECT_EQ(text_at(all[all.size() - 2].data, "delta.stop_reason"), text_at(whole, "stop_reason")) << model;
    EXPECT_EQ(text_at(all[0].data, "message.id"), text_at(whole, "id"));
  }
}

TEST_F(Anthropic, StopReasons) {
  const auto stop = [&](std::string_view more) {
    return say(cat(R"({"messages":[{"role":"user","content":"a b c d"}],)", more, "}"));
  };
  EXPECT_EQ(text_at(stop(R"("model":"echo","max_tokens":2)"), "stop_reason"), "max_tokens");
  const auto sequence = stop(R"("model":"echo","max_tokens":9,"stop_sequences":["x"," c"])");
  EXPECT_EQ(text_at(sequence, "stop_reason"), "stop_sequence");
  EXPECT_EQ(text_at(sequence, "stop_sequence"), " c");
  EXPECT_EQ(text_at(sequence, "content.0.text"), "a b");
  const auto refused = stop(R"("model":"refuse","max_tokens":99)");
  EXPECT_EQ(text_at(refused, "stop_reason"), "refusal");
  EXPECT_EQ(text_at(refused, "stop_details.type"), "refusal");
}

TEST_F(Anthropic, UsageDoesNotCountCachedTokensTwice) {
  const auto answer = say(R"({"model":"echo","max_tokens":9,"messages":[{"role":"user","content":"a b c d"}]})",
                          "x-twin-cached-tokens: 4\r\nx-twin-cache-write-tokens: 2\r\n");
  EXPECT_EQ(at(answer, "usage.input_tokens").as_u64(), 4U);
  EXPECT_EQ(at(answer, "usage.cache_read_input_tokens").as_u64(), 4U);
  EXPECT_EQ(at(answer, "usage.cache_creation_input_tokens").as_u64(), 2U);
}

// ---- Tools -----------------------------------------------------------------------------------------------------------------

constexpr std::string_view tools =
    R"("tools":[{"name":"get_weather","description":"d","input_schema":{"type":"object","properties":{"city":{"type":"string"}},)"
    R"("required":["city"]}},{"name":"get_time","input_schema":{"type":"object"}}])";

TEST_F(Anthropic, CallsSeveralToolsAndTakesTheirResults) {
  const auto called = say(cat(R"({"model":"twin-1","max_tokens":99,)", tools,
                              R"(,"messages":[{"role":"user","content":"get weather and get time"}]})"));
  EXPECT_EQ(text_at(called, "stop_reason"), "tool_use");
  ASSERT_EQ(at(called, "content").elements().size(), 2U);
  EXPECT_EQ(text_at(called, "content.0.type"), "tool_use");
  EXPECT_EQ(text_at(called, "content.0.name"), "get_weather");
  EXPECT_EQ(text_at(called, "content.0.input.city"), "Paris");
  const auto a = text_at(called, "content.0.id");
  const auto b = text_at(called, "content.1.id");
  EXPECT_TRUE(a.starts_with("toolu_"));
  EXPECT_NE(a, b);
  const auto answered = say(
      cat(R"({"model":"twin-1","max_tokens":99,)", tools, R"(,"messages":[{"role":"user","content":"get weather and get time"},)",
          R"({"role":"assistant","content":)", at(called, "content").dump(), R"(},{"role":"user","content":[)",
          R"({"type":"tool_result","tool_use_id":")", b, R"(","content":[{"type":"text","text":"noon"}]},)",
          R"({"type":"tool_result","tool_use_id":")", a, R"(","content":"sunny","is_error":true}]}]})"));
  EXPECT_EQ(text_at(answered, "content.0.text"), "The tools answered: noon; sunny");
}

TEST_F(Anthropic, ToolChoice) {
  const auto ask_for = [&](std::string_view choice) {
    return say(cat(R"({"model":"twin-1","max_tokens":99,)", tools,
                   R"(,"messages":[{"role":"user","content":"get weather and get time"}],)", R"("tool_choice":)", choice, "}"));
  };
  EXPECT_EQ(text_at(ask_for(R"({"type":"none"})"), "stop_reason"), "end_turn");
  EXPECT_EQ(at(ask_for(R"({"type":"auto","disable_parallel_tool_use":true})"), "content").elements().size(), 1U);
  EXPECT_EQ(text_at(ask_for(R"({"type":"tool","name":"get_time"})"), "content.0.name"), "get_time");
  EXPECT_EQ(text_at(ask_for(R"({"type":"any"})"), "content.0.name"), "get_weather");
}

TEST_F(Anthropic, StructuredOutput) {
  const auto answer = say(
      R"({"model":"twin-1","max_tokens":99,"messages":[{"role":"user","content":"x"}],"output_config":{"format":{"type":"json_schema",)"
      R"("schema":{"type":"object","properties":{"city":{"type":"string"}},"additionalProperties":false}}}})");
  EXPECT_EQ(text_at(answer, "content.0.text"), R"({"city":"Paris"})");
}

TEST_F(Anthropic, SeesImagesAndDocuments) {
  const auto answer = say(cat(
      R"({"model":"twin-1","max_tokens":999,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":)",
      R"("image/png","data":")", png,
      R"("}},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"abc"}},)",
      R"({"type":"image","source":{"type":"url","url":"https://example.com/x.png"}},{"type":"text","text":"look"}]}]})"));
  EXPECT_NE(
      text_at(answer, "content.0.text")
          .find(" I see 2 images (image/png, 70 bytes, sha256 6b7fa434f92a8b80aab02d9bf1a12e49ffcae424e4013a1c4f68b67e3d2bbcd0; "
                "https://example.com/x.png)."),
      std::string::npos);
  EXPECT_NE(
      text_at(answer, "content.0.text")
          .find(" I see 1 file (text/plain, 3 bytes, sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad)."),
      std::string::npos);
}

// ---- Thinking --------------------------------------------------------------------------------------------------------------

constexpr std::string_view thinking = R"("thinking":{"type":"enabled","budget_tokens":1024},)";

TEST_F(Anthropic, ThoughtsAreSignedAndVerified) {
  const auto first = say(cat(R"({"model":"reasoner","max_tokens":2000,)", thinking, tools,
                             R"(,"messages":[{"role":"user","content":"get weather"}]})"));
  EXPECT_EQ(text_at(first, "content.0.type"), "thinking");
  EXPECT_EQ(text_at(first, "content.1.type"), "tool_use");
  EXPECT_NE(text_at(first, "content.0.signature"), "");
  EXPECT_NE(text_at(first, "usage.output_tokens_details.thinking_tokens"), "0");
  const auto next = [&](const json::Value& content) {
    return cat(R"({"model":"reasoner","max_tokens":2000,)", thinking, tools,
               R"(,"messages":[{"role":"user","content":"get weather"},)", R"({"role":"assistant","content":)", content.dump(),
               R"(},{"role":"user","content":[{"type":"tool_result","tool_use_id":")", text_at(first, "content.1.id"),
               R"(","content":"sunny"}]}]})");
  };
  json::Value content = at(first, "content");
  EXPECT_EQ(send(next(content)).status, 200U);
  EXPECT_EQ(send(next(content), "x-twin-issuer: another\r\n").status, 400U);
  json::Value changed = content;
  changed.edit_elements()[0].set("thinking", json::Value::string("other thoughts"));
  EXPECT_EQ(refusal(next(changed)), "messages.1.content.0: Invalid `signature` in `thinking` block");
  json::Value without = content;
  without.edit_elements().erase(without.elements().begin());
  EXPECT_TRUE(refusal(next(without)).starts_with("messages.1.content.0.type: Expected `thinking` or `redacted_thinking`"));
}

TEST_F(Anthropic, ThoughtsMayBeRedactedOrOmitted) {
  const auto redacted = say(cat(R"({"model":"twin-1","max_tokens":2000,)", thinking,
                                R"("messages":[{"role":"user","content":"MAGIC_STRING_TRIGGER_REDACTED_THINKING"}]})"));
  EXPECT_EQ(text_at(redacted, "content.0.type"), "redacted_thinking");
  const auto again = [&](std::string_view data) {
    return send(
               cat(R"({"model":"twin-1","max_tokens":2000,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":)",
                   R"([{"type":"redacted_thinking","data":")", data,
                   R"("},{"type":"text","text":"y"}]},{"role":"user","content":"z"}]})"))
        .status;
  };
  EXPECT_EQ(again(text_at(redacted, "content.0.data")), 200U);
  EXPECT_EQ(again("AAAA"), 400U);
  const auto omitted = say(
      R"({"model":"twin-1","max_tokens":2000,"thinking":{"type":"adaptive","display":"omitted"},"messages":[{"role":"user","content":"x"}]})");
  EXPECT_EQ(text_at(omitted, "content.0.thinking"), "");
  EXPECT_EQ(
      text_at(
          say(R"({"model":"reasoner","max_tokens":99,"thinking":{"type":"disabled"},"messages":[{"role":"user","content":"x"}]})"),
          "content.0.type"),
      "text");
}

TEST_F(Anthropic, CitesWhatItSearched) {
  const auto answer = say(
      R"({"model":"cites","max_tokens":99,"tools":[{"type":"web_search_20250305","name":"web_search"}],"messages":[{"role":"user","content":"x"}]})");
  EXPECT_EQ(text_at(answer, "content.0.type"), "server_tool_use");
  EXPECT_EQ(text_at(answer, "content.1.type"), "web_search_tool_result");
  EXPECT_EQ(text_at(answer, "content.2.text"), "The twin simulates providers of models.");
  EXPECT_EQ(text_at(answer, "content.2.citations.0.type"), "web_search_result_location");
  EXPECT_EQ(text_at(answer, "content.2.citations.0.url"), "https://example.com/twin");
  EXPECT_EQ(text_at(answer, "content.4.citations.0.title"), "Dialects");
}

// ---- Strictness ------------------------------------------------------------------------------------------------------------

TEST_F(Anthropic, RefusesAsAnthropicDoes) {
  struct Case {
    std::string_view body;
    std::string_view message;
  };
  constexpr Case cases[] = {
      {R"({"model":"echo","messages":[{"role":"user","content":"a"}]})", "max_tokens: Field required"},
      {R"({"max_tokens":9,"messages":[{"role":"user","content":"a"}]})", "model: Field required"},
      {R"({"model":"echo","max_tokens":9})", "messages: Field required"},
      {R"({"model":"echo","max_tokens":9,"messages":[]})", "messages: at least one message is required"},
      {R"({"model":"echo","max_tokens":9,"foo":1,"messages":[{"role":"user","content":"a"}]})",
       "foo: Extra inputs are not permitted"},
      {R"({"model":"echo","max_tokens":9,"messages":[{"role":"user","content":"a","name":"x"}]})",
       "messages.0.name: Extra inputs are not permitted"},
      {R"({"model":"echo","max_tokens":"9","messages":[{"role":"user","content":"a"}]})",
       "max_tokens: Input should be a valid integer"},
      {R"({"model":"echo","max_tokens":0,"messages":[{"role":"user","content":"a"}]})",
       "max_tokens: Input should be greater than or equal to 1"},
      {R"({"model":"echo","max_tokens":9,"temperature":1.5,"messages":[{"role":"user","content":"a"}]})",
       "temperature: Input should be less than or equal to 1"},
      {R"({"model":"echo","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":""}]}]})",
       "messages: text content blocks must be non-empty"},
      {R"({"model":"echo","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":" \n"}]}]})",
       "messages: text content blocks must contain non-whitespace text"},
      {R"({"model":"echo","max_tokens":9,"messages":[{"role":"user","content":""}]})",
       "messages.0: all messages must have non-empty content except for the optional final assistant message"},
      {R"({"model":"echo","max_tokens":9,"messages":[{"role":"assistant","content":"a"}]})",
       "messages: first message must use the \"user\" role"},
      {R"({"model":"echo","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b "}]})",
       "messages: final assistant content cannot end with trailing whitespace"},
      {R"({"model":"echo","max_tokens":9,"messages":[{"role":"tool","content":"a"}]})",
       "messages.0.role: Input should be 'user', 'assistant', and 'system'"},
      {R"({"model":"echo","max_tokens":9,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"a"}]}]})",
       "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: t. Each `tool_result` block must have a "
       "corresponding `tool_use` block in the previous message."},
      {R"({"model":"echo","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":"b"}]})",
       "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t. Each `tool_use` block must have "
       "a "
       "corresponding `tool_result` block in the next message."},
      {R"({"model":"echo","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":"x"}]}]})",
       "messages.1.content.0.input: Input should be a valid dictionary"},
      {R"({"model":"echo","max_tokens":9,"tool_choice":{"type":"any"},"messages":[{"role":"user","content":"a"}]})",
       "tool_choice: tool_choice may only be specified while providing tools."},
      {R"({"model":"echo","max_tokens":9,"tools":[{"name":"f","input_schema":{"properties":{}}}],"messages":[{"role":"user","content":"a"}]})",
       "tools.0.custom.input_schema.type: Field required"},
      {R"({"model":"echo","max_tokens":9,"tools":[{"name":"f g","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"a"}]})",
       "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"},
      {R"({"model":"echo","max_tokens":9,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"a"}]})",
       "max_tokens: must be greater than `thinking.budget_tokens`"},
      {R"({"model":"echo","max_tokens":2000,"temperature":0.5,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"a"}]})",
       "temperature: may only be set to 1 when thinking is enabled"},
      {R"({"model":"echo","max_tokens":9,"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{}}}},"messages":[{"role":"user","content":"a"}]})",
       "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"},
      {R"({"model":"echo","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/bmp","data":""}}]}]})",
       "messages.0.content.0.source.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif', and 'image/webp'"},
      {R"({"model":"echo","max_tokens":9,"stop_sequences":["\n"],"messages":[{"role":"user","content":"a"}]})",
       "stop_sequences: each stop sequence must contain non-whitespace"},
      {R"({"model":"echo","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]})",
       "A maximum of 4 blocks with cache_control may be provided. Found 5."},
      {R"({"model":"echo","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"","is_error":true}]}]})",
       "messages.2.content.0: content cannot be empty if `is_error` is true"},
      {R"({"model":"echo","max_tokens":9,"messages":[{"role":"user","content":[{"type":"video"}]}]})",
       "messages.0.content.0: Input tag"},
  };
  for (const auto& one : cases) EXPECT_EQ(refusal(one.body).substr(0, one.message.size()), one.message) << one.body;
}

TEST_F(Anthropic, MayBeLenientButNotAboutTheVersion) {
  EXPECT_EQ(send(R"({"model":"echo","max_tokens":9,"foo":1,"messages":[{"role":"user","content":"a"}]})", "x-twin-strict: 0\r\n")
                .status,
            200U);
  EXPECT_NE(
      post(path, R"({"model":"echo","max_tokens":9,"messages":[{"role":"user","content":"a"}]})").body.find("anthropic-version"),
      std::string::npos);
}

TEST_F(Anthropic, TakesWhatAnthropicTakes) {
  for (
      const std::string_view body :
      {R"({"model":"echo","max_tokens":9,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral","ttl":"1h"}}],"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"},{"role":"assistant","content":"c"},{"role":"assistant","content":"d"}]})",
       R"({"model":"echo","max_tokens":9,"top_k":5,"metadata":{"user_id":"u"},"service_tier":"auto","messages":[{"role":"user","content":"a"}]})"}) {
    const Reply reply = send(body);
    EXPECT_EQ(reply.status, 200U) << reply.body;
  }
}

// ---- Faults, counting, models ----------------------------------------------------------------------------------------------

TEST_F(Anthropic, FailsInItsOwnWords) {
  constexpr std::string_view streamed =
      R"({"model":"echo","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"a b c"}]})";
  const Reply busy = send(streamed, "x-twin-status: 529\r\n");
  EXPECT_EQ(busy.status, 529U);
  EXPECT_NE(busy.body.find(R"({"type":"error","error":{"type":"overloaded_error")"), std::string::npos);
  EXPECT_EQ(text_at(post_json(path, R"({"model":"gpt-9","max_tokens":9,"messages":[{"role":"user","content":"a"}]})", version),
                    "error.type"),
            "not_found_error");
  const auto broken = named_events(send(streamed, "x-twin-error-event-after: 4\r\n").body);
  ASSERT_EQ(broken.size(), 5U);
  EXPECT_EQ(broken[4].type, "error");
  EXPECT_EQ(text_at(broken[4].data, "error.type"), "api_error");
  EXPECT_EQ(named_events(send(streamed, "x-twin-end-after-events: 2\r\n").body).size(), 2U);
  EXPECT_EQ(talk(message(streamed, cat(version, "x-twin-cut-after-events: 2\r\n"), path)).end, Heard::End::reset);
  const auto plain = outline(named_events(send(streamed).body));
  for (const std::string_view fault : {"x-twin-split: 1\r\n", "x-twin-line-ending: crlf\r\n", "x-twin-no-space: 1\r\n",
                                       "x-twin-malformed: sse\r\n", "x-twin-comments: 3\r\n"}) {
    EXPECT_EQ(outline(named_events(send(streamed, fault).body)), plain) << fault;
  }
  EXPECT_EQ(text_at(named_events(send(streamed, "x-twin-empty-choices: 1\r\n").body)[1].data, "delta.stop_reason"), "null");
}

TEST_F(Anthropic, CountsTokens) {
  const auto counted =
      post_json("/v1/messages/count_tokens", R"({"model":"echo","messages":[{"role":"user","content":"a b c"}]})", version);
  EXPECT_EQ(counted.dump(), R"({"input_tokens":9})");
}

TEST_F(Anthropic, ListsModelsInItsShape) {
  auto list = json::parse(get("/v1/models", version).body);
  ASSERT_TRUE(list);
  EXPECT_EQ(at(*list, "data").elements().size(), models().size());
  EXPECT_EQ(text_at(*list, "data.0.type"), "model");
  EXPECT_EQ(text_at(*list, "first_id"), "twin-1");
  EXPECT_EQ(text_at(*list, "has_more"), "false");
  EXPECT_EQ(get("/v1/models/none", version).status, 404U);
}

// cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude
TEST_F(Anthropic, SpeaksAsOnVertex) {
  constexpr std::string_view vertex = "/v1/projects/p/locations/l/publishers/anthropic/models/echo:streamRawPredict";
  const Reply reply =
      post(vertex, R"({"anthropic_version":"vertex-2023-10-16","max_tokens":9,"messages":[{"role":"user","content":"a b"}]})");
  EXPECT_EQ(outline(named_events(reply.body)).substr(0, 13), "message_start");
  EXPECT_EQ(post(vertex, R"({"max_tokens":9,"messages":[{"role":"user","content":"a b"}]})").status, 400U);
}

}  // namespace
}  // namespace cardea::twin
