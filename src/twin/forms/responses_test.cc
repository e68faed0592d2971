#include "twin/twin_test_util.h"

namespace cardea::twin {
namespace {

constexpr std::string_view path = "/v1/responses";

class Responses : public TwinTest {
 protected:
  Responses() : TwinTest{fixed()} {}

  json::Value say(std::string_view body, std::string_view headers = "") { return post_json(path, body, headers); }
  std::vector<Named> stream(std::string_view body, std::string_view headers = "") {
    return named_events(post(path, body, headers).body);
  }
};

// platform.openai.com/docs/api-reference/responses/create, first example.
TEST_F(Responses, AnswersWithAResponse) {
  const auto answer = say(R"({"model":"echo","input":"Tell me a three sentence bedtime story"})");
  EXPECT_TRUE(text_at(answer, "id").starts_with("resp_"));
  EXPECT_EQ(text_at(answer, "object"), "response");
  EXPECT_EQ(text_at(answer, "status"), "completed");
  EXPECT_EQ(at(answer, "created_at").as_u64(), 1'700'000'000U);
  ASSERT_EQ(at(answer, "output").elements().size(), 1U);
  EXPECT_TRUE(text_at(answer, "output.0.id").starts_with("msg_"));
  EXPECT_EQ(text_at(answer, "output.0.role"), "assistant");
  EXPECT_EQ(at(answer, "output.0.content").dump(),
            R"([{"type":"output_text","annotations":[],"logprobs":[],"text":"Tell me a three sentence bedtime story"}])");
  for (const std::string_view null :
       {"error", "incomplete_details", "instructions", "max_output_tokens", "previous_response_id"}) {
    ASSERT_NE(answer.find(null), nullptr) << null;
    EXPECT_TRUE(at(answer, null).is(json::Type::null)) << null;
  }
  EXPECT_EQ(at(answer, "text").dump(), R"({"format":{"type":"text"},"verbosity":"medium"})");
  EXPECT_EQ(at(answer, "usage.input_tokens").as_u64(), 13U);
  EXPECT_EQ(at(answer, "usage.output_tokens").as_u64(), 7U);
  EXPECT_EQ(at(answer, "usage.total_tokens").as_u64(), 20U);
}

TEST_F(Responses, StreamsItsEventsInOrder) {
  const auto all = stream(R"({"model":"echo","input":"a b c","stream":true})");
  EXPECT_EQ(
      outline(all),
      "response.created response.in_progress response.output_item.added response.content_part.added response.output_text.delta "
      "response.output_text.done response.content_part.done response.output_item.done response.completed");
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(at(all[i].data, "sequence_number").as_u64(), i);
    EXPECT_EQ(text_at(all[i].data, "type"), all[i].type);
  }
  EXPECT_EQ(text_at(all[0].data, "response.status"), "in_progress");
  EXPECT_EQ(text_at(all[0].data, "response.usage"), "null");
  EXPECT_EQ(at(all.back().data, "response"), say(R"({"model":"echo","input":"a b c"})"));
}

TEST_F(Responses, SaysTheSameStreamedOrNot) {
  for (const std::string_view model : {"twin-1", "lorem", "reasoner", "cites", "refuse", "narrates", "filter"}) {
    const auto body = [&](std::string_view more) {
      return cat(
          R"({"model":")", model, R"(","reasoning":{"summary":"auto"},"include":["reasoning.encrypted_content"],)",
          R"("tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{"city":{"type":"string"}}},"strict":false}],)",
          R"("input":[{"role":"user","content":"h\u00e9llo"}])", more, "}");
    };
    const auto whole = say(body(""));
    const auto all = stream(body(R"(,"stream":true)"));
    EXPECT_EQ(at(all.back().data, "response"), whole) << model;
    json::Value output = json::Value::array();
    std::string text;
    for (const auto& event : all) {
      if (event.type == "response.output_item.done") output.edit_elements().push_back(at(event.data, "item"));
      if (event.type == "response.output_text.delta") text += text_at(event.data, "delta");
      if (event.type == "response.output_text.done") EXPECT_EQ(text_at(event.data, "text"), text);
    }
    EXPECT_EQ(output, at(whole, "output")) << model;
  }
}

TEST_F(Responses, IncompleteRefusedAndCited) {
  const auto cut = say(R"({"model":"lorem","input":"x","max_output_tokens":16})");
  EXPECT_EQ(text_at(cut, "status"), "incomplete");
  EXPECT_EQ(text_at(cut, "incomplete_details.reason"), "max_output_tokens");
  EXPECT_EQ(text_at(cut, "output.0.status"), "incomplete");
  EXPECT_EQ(stream(R"({"model":"lorem","input":"x","max_output_tokens":16,"stream":true})").back().type, "response.incomplete");
  EXPECT_EQ(text_at(say(R"({"model":"filter","input":"x"})"), "incomplete_details.reason"), "content_filter");
  EXPECT_EQ(text_at(say(R"({"model":"refuse","input":"x"})"), "output.0.content.0.type"), "refusal");
  const auto searched = stream(R"({"model":"cites","input":"x","tools":[{"type":"web_search"}],"stream":true})");
  EXPECT_EQ(outline(searched).substr(0, 233),
            "response.created response.in_progress response.output_item.added response.web_search_call.in_progress "
            "response.web_search_call.searching response.web_search_call.completed response.output_item.done "
            "response.output_item.added response");
  EXPECT_EQ(text_at(searched.back().data, "response.output.0.type"), "web_search_call");
  const auto cited = say(R"({"model":"cites","input":"x"})");
  EXPECT_EQ(at(cited, "output.0.content.0.annotations.1").dump(),
            R"({"type":"url_citation","start_index":40,"end_index":69,"title":"Dialects","url":"https://example.com/dialects"})");
}

TEST_F(Responses, UsageWithCacheAndReasoning) {
  const auto answer = say(R"({"model":"echo","input":"a b","reasoning":{"effort":"low"}})",
                          "x-twin-cached-tokens: 3\r\nx-twin-cache-write-tokens: 2\r\n");
  EXPECT_EQ(at(answer, "usage").dump(),
            R"({"input_tokens":8,"input_tokens_details":{"cached_tokens":3,"cache_write_tokens":2},"output_tokens":18,)"
            R"("output_tokens_details":{"reasoning_tokens":16},"total_tokens":26})");
}

// ---- Tools and reasoning ---------------------------------------------------------------------------------------------------

constexpr std::string_view tools =
    R"("tools":[{"type":"function","name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}},)"
    R"("required":["city"],"additionalProperties":false},"strict":true},{"type":"function","name":"get_time"}])";

TEST_F(Responses, CallsAreItems) {
  const auto body = cat(R"({"model":"twin-1",)", tools, R"(,"input":"get weather and get time")");
  const auto called = say(cat(body, "}"));
  ASSERT_EQ(at(called, "output").elements().size(), 2U);
  EXPECT_EQ(text_at(called, "output.0.type"), "function_call");
  EXPECT_TRUE(text_at(called, "output.0.id").starts_with("fc_"));
  EXPECT_EQ(text_at(called, "output.0.arguments"), R"({"city":"Paris"})");
  const auto all = stream(cat(body, R"(,"stream":true})"));
  EXPECT_EQ(outline(all),
            "response.created response.in_progress response.output_item.added response.function_call_arguments.delta "
            "response.function_call_arguments.done response.output_item.done response.output_item.added "
            "response.function_call_arguments.delta response.function_call_arguments.done response.output_item.done "
            "response.completed");
  std::string input = R"([{"role":"user","content":"x"})";
  for (const auto& item : at(called, "output").elements()) {
    append(input, cat(",", item.dump(), R"(,{"type":"function_call_output","call_id":")", text_at(item, "call_id"),
                      R"(","output":"ok"})"));
  }
  const auto answered = say(cat(R"({"model":"twin-1",)", tools, R"(,"input":)", input, "]}"));
  // The last item is a result, the call before it is another turn.
  EXPECT_EQ(text_at(answered, "output.0.content.0.text"), "The tool answered: ok");
  const auto named = say(cat(body, R"(,"tool_choice":{"type":"function","name":"get_time"}})"));
  EXPECT_EQ(text_at(named, "output.0.name"), "get_time");
}

TEST_F(Responses, ReasoningIsSummedUpAndSealed) {
  const auto plain = say(R"({"model":"reasoner","input":"x"})");
  EXPECT_EQ(at(plain, "output.0.summary").dump(), "[]");
  EXPECT_EQ(at(plain, "output.0").find("encrypted_content"), nullptr);
  const auto full = say(
      R"({"model":"reasoner","input":"x","store":false,"reasoning":{"summary":"auto"},"include":["reasoning.encrypted_content"]})");
  EXPECT_EQ(text_at(full, "output.0.type"), "reasoning");
  EXPECT_EQ(text_at(full, "output.0.summary.0.type"), "summary_text");
  const auto next = [&](const json::Value& item) {
    return cat(R"({"model":"reasoner","store":false,"input":[{"role":"user","content":"x"},)", item.dump(), ",",
               at(full, "output.1").dump(), R"(,{"role":"user","content":"y"}]})");
  };
  json::Value item = at(full, "output.0");
  EXPECT_EQ(post(path, next(item)).status, 200U);
  EXPECT_EQ(post(path, next(item), "x-twin-issuer: another\r\n").status, 400U);
  item.set("encrypted_content", json::Value::string("Z2FyYmFnZQ=="));
  EXPECT_EQ(text_at(post_json(path, next(item)), "error.code"), "invalid_encrypted_content");
}

TEST_F(Responses, StructuredOutputAndMedia) {
  const auto answer = say(
      R"({"model":"twin-1","input":"x","text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object","properties":{"city":{"type":"string"}}}}}})");
  EXPECT_EQ(text_at(answer, "output.0.content.0.text"), R"({"city":"Paris"})");
  const auto seen = say(
      R"({"model":"twin-1","input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,YWJj"},)"
      R"({"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,YWJj"},{"type":"input_text","text":"x"}]}]})");
  const auto text = text_at(seen, "output.0.content.0.text");
  EXPECT_NE(text.find(" I see 1 image (image/png, 3 bytes, sha256 ba7816bf"), std::string::npos) << text;
  EXPECT_NE(text.find(" I see 1 file (application/pdf, 3 bytes, sha256 ba7816bf"), std::string::npos) << text;
}

// ---- Strictness ------------------------------------------------------------------------------------------------------------

TEST_F(Responses, RefusesAsOpenAiDoes) {
  struct Case {
    std::string_view body;
    std::string_view param;
    std::string_view code;
  };
  constexpr Case cases[] = {
      {R"({"model":"echo"})", "input", "missing_required_parameter"},
      {R"({"input":"x"})", "model", "missing_required_parameter"},
      {R"({"model":"echo","input":"x","stop":["a"]})", "stop", "unknown_parameter"},
      {R"({"model":"echo","input":"x","max_output_tokens":5})", "max_output_tokens", "integer_below_min_value"},
      {R"({"model":"echo","input":5})", "input", "invalid_type"},
      {R"({"model":"echo","input":[{"role":"user","content":[{"type":"output_text","text":"x"}]}]})", "input[0].content[0].type",
       "invalid_value"},
      {R"({"model":"echo","input":[{"role":"assistant","content":[{"type":"input_text","text":"x"}]}]})",
       "input[0].content[0].type", "invalid_value"},
      {R"({"model":"echo","input":[{"type":"message","id":"x","role":"assistant","content":[]}]})", "input[0].id",
       "invalid_value"},
      {R"({"model":"echo","input":[{"type":"function_call_output","call_id":"c","output":"x"}]})", "input", "null"},
      {R"({"model":"echo","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}]})", "input", "null"},
      {R"({"model":"echo","input":[{"type":"function_call","call_id":"c","name":"f","arguments":{}}]})", "input[0].arguments",
       "invalid_type"},
      {R"({"model":"echo","input":[{"type":"function_call","call_id":"c","name":"f.g","arguments":"{}"}]})", "input[0].name",
       "invalid_value"},
      {R"({"model":"echo","input":"x","tools":[{"type":"function","function":{"name":"f"}}]})", "tools[0].function",
       "unknown_parameter"},
      {R"({"model":"echo","input":"x","tools":[{"type":"function","name":"f","strict":true,"parameters":{"type":"object","properties":{}}}]})",
       "tools[0].parameters", "invalid_function_parameters"},
      {R"({"model":"echo","input":"x","previous_response_id":"resp_1"})", "previous_response_id", "previous_response_not_found"},
      {R"({"model":"echo","input":"x","tool_choice":"required"})", "tool_choice", "null"},
      {R"({"model":"echo","input":"x","reasoning":{"effort":"lots"}})", "reasoning.effort", "invalid_value"},
      {R"({"model":"echo","input":"x","include":["all"]})", "include[0]", "invalid_value"},
  };
  for (const auto& one : cases) {
    const Reply reply = post(path, one.body);
    EXPECT_EQ(reply.status, 400U) << one.body;
    auto error = json::parse(reply.body);
    ASSERT_TRUE(error) << reply.body;
    EXPECT_EQ(text_at(*error, "error.param"), one.param) << reply.body;
    EXPECT_EQ(text_at(*error, "error.code"), one.code) << reply.body;
  }
}

TEST_F(Responses, FailsInItsOwnWordsAndCounts) {
  constexpr std::string_view streamed = R"({"model":"echo","input":"a b c","stream":true})";
  const auto broken = stream(streamed, "x-twin-error-event-after: 5\r\n");
  ASSERT_EQ(broken.size(), 6U);
  EXPECT_EQ(broken[5].type, "error");
  EXPECT_EQ(at(broken[5].data, "sequence_number").as_u64(), 5U);
  EXPECT_EQ(text_at(broken[5].data, "code"), "server_error");
  EXPECT_EQ(text_at(say(streamed, "x-twin-status: 429\r\n"), "error.code"), "rate_limit_exceeded");
  EXPECT_EQ(stream(streamed, "x-twin-huge-event-bytes: 300000\r\n").size(), 9U);
  EXPECT_EQ(post_json("/v1/responses/input_tokens", R"({"model":"echo","input":"a b c"})").dump(),
            R"({"object":"response.input_tokens","input_tokens":9})");
}

}  // namespace
}  // namespace cardea::twin
