#include "twin/twin.h"

#include "twin/twin_test_util.h"

namespace cardea::twin {
namespace {

class Twin1 : public TwinTest {
 protected:
  Twin1() : TwinTest{fixed()} {}

  /// What a stream's deltas add up to, for one choice.
  struct Joined {
    std::string text;
    std::string finish;
    std::string name;
    std::string arguments;
    std::size_t chunks = 0;
    bool done = false;
  };
  static Joined join(std::string_view body, std::uint64_t index = 0) {
    Joined joined;
    for (const auto& data : events(body)) {
      if (data == "[DONE]") {
        joined.done = true;
        continue;
      }
      EXPECT_FALSE(joined.done);
      auto chunk = json::parse(data);
      EXPECT_TRUE(chunk) << data;
      if (!chunk || at(*chunk, "choices.0.index").as_u64() != index) continue;
      ++joined.chunks;
      const auto add = [&](std::string_view path, std::string& to) {
        const auto& value = at(*chunk, path);
        if (value.as_string() != nullptr) to += *value.as_string();
      };
      add("choices.0.delta.content", joined.text);
      add("choices.0.finish_reason", joined.finish);
      add("choices.0.delta.tool_calls.0.function.name", joined.name);
      add("choices.0.delta.tool_calls.0.function.arguments", joined.arguments);
    }
    return joined;
  }
};

TEST_F(Twin1, EchoAnswersWithTheLastUserMessage) {
  const auto answer =
      ask_json(R"({"model":"echo","messages":[{"role":"user","content":"one"},{"role":"assistant","content":"x"},)"
               R"({"role":"user","content":[{"type":"text","text":"two"},{"type":"text","text":"thr\u00e9e"}]}]})");
  EXPECT_EQ(text_at(answer, "choices.0.message.content"), "two\nthr\u00e9e");
  EXPECT_EQ(text_at(answer, "choices.0.message.role"), "assistant");
  EXPECT_EQ(text_at(answer, "choices.0.finish_reason"), "stop");
  EXPECT_EQ(text_at(answer, "object"), "chat.completion");
  EXPECT_EQ(text_at(answer, "model"), "echo");
  EXPECT_EQ(at(answer, "created").as_u64(), 1'700'000'000U);
  EXPECT_TRUE(text_at(answer, "id").starts_with("chatcmpl-twin-"));
  // 1 + 1 + 3 tokens of text (the é begins one), 3 for each of three messages, 3 for the answer.
  EXPECT_EQ(at(answer, "usage.prompt_tokens").as_u64(), 5U + 9U + 3U);
  EXPECT_EQ(at(answer, "usage.completion_tokens").as_u64(), 3U);
  EXPECT_EQ(at(answer, "usage.total_tokens").as_u64(), 20U);
}

TEST_F(Twin1, SaysTheSameTwiceAndStreamedOrNot) {
  for (const std::string_view model : {"twin-1", "echo", "lorem", "reasoner"}) {
    const auto plain =
        cat(R"({"model":")", model,
            R"(","messages":[{"role":"user","content":"h\u00e9llo, w\u00f6rld \"quoted\"\n{x: [1]} \ud83d\ude00"}])");
    const Reply first = ask(cat(plain, "}"));
    EXPECT_EQ(first.body, ask(cat(plain, "}")).body);
    const Reply streamed = ask(cat(plain, R"(,"stream":true})"));
    const auto joined = join(streamed.body);
    auto answer = json::parse(first.body);
    ASSERT_TRUE(answer);
    EXPECT_EQ(joined.text, text_at(*answer, "choices.0.message.content")) << model;
    EXPECT_EQ(joined.finish, "stop");
    EXPECT_TRUE(joined.done);
    EXPECT_EQ(streamed.body.find("usage"), std::string::npos);
    auto chunk = json::parse(events(streamed.body).front());
    ASSERT_TRUE(chunk);
    EXPECT_EQ(text_at(*chunk, "id"), text_at(*answer, "id"));
    EXPECT_EQ(text_at(*chunk, "choices.0.delta.role"), "assistant");
  }
}

TEST_F(Twin1, LoremDependsOnThePromptOnly) {
  const auto one =
      text_at(ask_json(R"({"model":"lorem","messages":[{"role":"user","content":"a"}]})"), "choices.0.message.content");
  const auto other =
      text_at(ask_json(R"({"model":"lorem","messages":[{"role":"user","content":"b"}]})"), "choices.0.message.content");
  const auto hot = text_at(ask_json(R"({"model":"lorem","temperature":2,"messages":[{"role":"user","content":"a"}]})"),
                           "choices.0.message.content");
  EXPECT_NE(one, other);
  EXPECT_EQ(one, hot);
}

TEST_F(Twin1, UsageComesLastAndOnlyWhenAskedFor) {
  const Reply reply = ask(
      R"({"model":"echo","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"a b c"}]})");
  const auto all = events(reply.body);
  ASSERT_EQ(all.size(), 7U);  // role, three tokens, finish, usage, [DONE]
  auto before = json::parse(all[4]);
  auto usage = json::parse(all[5]);
  ASSERT_TRUE(before && usage);
  EXPECT_EQ(text_at(*before, "usage"), "null");
  EXPECT_EQ(at(*usage, "usage.completion_tokens").as_u64(), 3U);
  EXPECT_TRUE(at(*usage, "choices").elements().empty());
  EXPECT_TRUE(at(*usage, "choices").is(json::Type::array));
}

TEST_F(Twin1, MaxTokensAndStopCut) {
  const auto cut = ask_json(R"({"model":"echo","max_completion_tokens":2,"messages":[{"role":"user","content":"a b c"}]})");
  EXPECT_EQ(text_at(cut, "choices.0.message.content"), "a b");
  EXPECT_EQ(text_at(cut, "choices.0.finish_reason"), "length");
  EXPECT_EQ(at(cut, "usage.completion_tokens").as_u64(), 2U);
  const auto stopped = ask_json(R"({"model":"echo","stop":["zz"," c"],"messages":[{"role":"user","content":"a b c d"}]})");
  EXPECT_EQ(text_at(stopped, "choices.0.message.content"), "a b");
  EXPECT_EQ(text_at(stopped, "choices.0.finish_reason"), "stop");
}

TEST_F(Twin1, ReasoningTokensCount) {
  const auto answer = ask_json(R"({"model":"echo","reasoning_effort":"low","messages":[{"role":"user","content":"a b"}]})");
  EXPECT_EQ(at(answer, "usage.completion_tokens_details.reasoning_tokens").as_u64(), 16U);
  EXPECT_EQ(at(answer, "usage.completion_tokens").as_u64(), 18U);
  const auto starved =
      ask_json(R"({"model":"echo","reasoning_effort":"high","max_tokens":10,"messages":[{"role":"user","content":"a b"}]})");
  EXPECT_EQ(text_at(starved, "choices.0.message.content"), "");
  EXPECT_EQ(text_at(starved, "choices.0.finish_reason"), "length");
  EXPECT_EQ(at(starved, "usage.completion_tokens").as_u64(), 10U);
}

TEST_F(Twin1, SeveralChoicesTakeTurns) {
  const Reply reply = ask(R"({"model":"lorem","n":3,"stream":true,"messages":[{"role":"user","content":"a"}]})");
  const auto whole = ask_json(R"({"model":"lorem","n":3,"messages":[{"role":"user","content":"a"}]})");
  ASSERT_EQ(at(whole, "choices").elements().size(), 3U);
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(join(reply.body, i).text, text_at(whole, cat("choices.", i, ".message.content")));
    EXPECT_EQ(join(reply.body, i).finish, "stop");
  }
  EXPECT_NE(join(reply.body, 0).text, join(reply.body, 1).text);
}

TEST_F(Twin1, LogprobsNameEveryToken) {
  const auto answer =
      ask_json(R"({"model":"echo","logprobs":true,"top_logprobs":2,"messages":[{"role":"user","content":"ab cd"}]})");
  const auto& tokens = at(answer, "choices.0.logprobs.content").elements();
  ASSERT_EQ(tokens.size(), 2U);
  EXPECT_EQ(text_at(tokens[1], "token"), " cd");
  EXPECT_LE(at(tokens[1], "logprob").as_double(), 0.0);
  EXPECT_EQ(at(tokens[1], "bytes").elements().size(), 3U);
  EXPECT_EQ(at(tokens[1], "top_logprobs").elements().size(), 2U);
}

// ---- Tools and forms -------------------------------------------------------------------------------------------------------

constexpr std::string_view weather =
    R"({"type":"function","function":{"name":"get_weather","parameters":{"type":"object",)"
    R"("properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":3}},"required":["city","days"]}}})";
constexpr std::string_view clock_tool = R"({"type":"function","function":{"name":"get_time"}})";

TEST_F(Twin1, CallsAToolThatIsDemandedOrSpokenOf) {
  const auto body = [](std::string_view prompt, std::string_view more) {
    return cat(R"({"model":"twin-1","tools":[)", weather, ",", clock_tool, R"(],"messages":[{"role":"user","content":")", prompt,
               "\"}]", more, "}");
  };
  EXPECT_TRUE(at(ask_json(body("hi", "")), "choices.0.message.tool_calls").is(json::Type::null));
  const auto demanded = ask_json(body("hi", R"(,"tool_choice":"required")"));
  EXPECT_EQ(text_at(demanded, "choices.0.finish_reason"), "tool_calls");
  EXPECT_EQ(text_at(demanded, "choices.0.message.content"), "null");
  EXPECT_EQ(text_at(demanded, "choices.0.message.tool_calls.0.function.arguments"), R"({"city":"Paris","days":3})");
  const auto named = ask_json(body("get weather", R"(,"tool_choice":{"type":"function","function":{"name":"get_time"}})"));
  EXPECT_EQ(text_at(named, "choices.0.message.tool_calls.0.function.name"), "get_time");
  const auto both = ask_json(body("please get weather and get_time", ""));
  EXPECT_EQ(at(both, "choices.0.message.tool_calls").elements().size(), 2U);
  EXPECT_NE(text_at(both, "choices.0.message.tool_calls.0.id"), text_at(both, "choices.0.message.tool_calls.1.id"));
  const auto single = ask_json(body("please get weather and get_time", R"(,"parallel_tool_calls":false)"));
  EXPECT_EQ(at(single, "choices.0.message.tool_calls").elements().size(), 1U);
  EXPECT_TRUE(at(ask_json(body("get weather", R"(,"tool_choice":"none")")), "choices.0.message.tool_calls").is(json::Type::null));
}

TEST_F(Twin1, StreamsACallInFragments) {
  const auto body =
      cat(R"({"model":"tools","stream":true,"tools":[)", weather, R"(],"messages":[{"role":"user","content":"x"}]})");
  const auto joined = join(ask(body).body);
  EXPECT_EQ(joined.name, "get_weather");
  EXPECT_EQ(joined.arguments, R"({"city":"Paris","days":3})");
  EXPECT_EQ(joined.finish, "tool_calls");
  EXPECT_GE(joined.chunks, 6U);
}

TEST_F(Twin1, AnswersAfterAToolResult) {
  const auto body = [](std::string_view more) {
    return cat(R"({"model":"twin-1","tools":[)", weather, R"(],"messages":[{"role":"user","content":"get weather"},)",
               R"({"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",)",
               R"("function":{"name":"get_weather","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"sunny"})",
               more, "]}");
  };
  EXPECT_EQ(text_at(ask_json(body("")), "choices.0.message.content"), "The tool answered: sunny");
  const auto later = ask_json(body(R"(,{"role":"assistant","content":"sunny"},{"role":"user","content":"thanks"})"));
  EXPECT_TRUE(text_at(later, "choices.0.message.content").ends_with("You said: thanks"));
}

TEST_F(Twin1, FillsInASchema) {
  const auto answer = ask_json(
      R"({"model":"twin-1","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema",)"
      R"("json_schema":{"name":"s","schema":{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}}}})");
  EXPECT_EQ(text_at(answer, "choices.0.message.content"), R"({"ok":true})");
  const auto object =
      ask_json(R"({"model":"echo","messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_object"}})");
  EXPECT_EQ(text_at(object, "choices.0.message.content"), R"({"answer":"hi"})");
}

// ---- Refusals --------------------------------------------------------------------------------------------------------------

TEST_F(Twin1, RefusesWhatOpenAiRefuses) {
  struct Case {
    std::string_view body;
    unsigned status;
    std::string_view param;
    std::string_view code;
  };
  constexpr Case cases[] = {
      {"{", 400, "null", "null"},
      {"[]", 400, "null", "null"},
      {R"({"messages":[{"role":"user","content":"a"}]})", 400, "model", "missing_required_parameter"},
      {R"({"model":"echo"})", 400, "messages", "missing_required_parameter"},
      {R"({"model":1,"messages":[]})", 400, "model", "invalid_type"},
      {R"({"model":"echo","messages":"a"})", 400, "messages", "invalid_type"},
      {R"({"model":"echo","messages":[]})", 400, "messages", "empty_array"},
      {R"({"model":"echo","messages":[1]})", 400, "messages[0]", "invalid_type"},
      {R"({"model":"echo","messages":[{"content":"a"}]})", 400, "messages[0].role", "missing_required_parameter"},
      {R"({"model":"echo","messages":[{"role":"boss","content":"a"}]})", 400, "messages[0].role", "invalid_value"},
      {R"({"model":"echo","messages":[{"role":"user"}]})", 400, "messages[0].content", "missing_required_parameter"},
      {R"({"model":"echo","messages":[{"role":"user","content":1}]})", 400, "messages[0].content", "invalid_type"},
      {R"({"model":"echo","messages":[{"role":"user","content":[{"type":"x"}]}]})", 400, "messages[0].content[0].type",
       "invalid_value"},
      {R"({"model":"echo","messages":[{"role":"tool","tool_call_id":"c","content":"a"}]})", 400, "messages[0].role", "null"},
      {R"({"model":"echo","temperature":"a","messages":[{"role":"user","content":"a"}]})", 400, "temperature", "invalid_type"},
      {R"({"model":"echo","temperature":2.5,"messages":[{"role":"user","content":"a"}]})", 400, "temperature",
       "decimal_above_max_value"},
      {R"({"model":"echo","n":0,"messages":[{"role":"user","content":"a"}]})", 400, "n", "integer_below_min_value"},
      {R"({"model":"echo","max_tokens":1.5,"messages":[{"role":"user","content":"a"}]})", 400, "max_tokens", "invalid_type"},
      {R"({"model":"echo","stream":"yes","messages":[{"role":"user","content":"a"}]})", 400, "stream", "invalid_type"},
      {R"({"model":"echo","stop":["a","b","c","d","e"],"messages":[{"role":"user","content":"a"}]})", 400, "stop",
       "array_above_max_length"},
      {R"({"model":"echo","stream_options":{},"messages":[{"role":"user","content":"a"}]})", 400, "stream_options", "null"},
      {R"({"model":"echo","tool_choice":"required","messages":[{"role":"user","content":"a"}]})", 400, "tool_choice", "null"},
      {R"({"model":"echo","tools":[{}],"messages":[{"role":"user","content":"a"}]})", 400, "tools[0].type",
       "missing_required_parameter"},
      {R"({"model":"echo","reasoning_effort":"lots","messages":[{"role":"user","content":"a"}]})", 400, "reasoning_effort",
       "invalid_value"},
      {R"({"model":"gpt-9","messages":[{"role":"user","content":"a"}]})", 404, "model", "model_not_found"},
      {R"({"model":"echo","model":"lorem","messages":[{"role":"user","content":"a"}]})", 400, "model", "null"},
  };
  for (const auto& one : cases) {
    const Reply reply = ask(one.body);
    EXPECT_EQ(reply.status, one.status) << one.body;
    auto error = json::parse(reply.body);
    ASSERT_TRUE(error) << reply.body;
    EXPECT_EQ(text_at(*error, "error.param"), one.param) << reply.body;
    EXPECT_EQ(text_at(*error, "error.code"), one.code) << reply.body;
    EXPECT_EQ(text_at(*error, "error.type"), "invalid_request_error");
  }
}

TEST_F(Twin1, TakesWhatOpenAiTakes) {
  EXPECT_EQ(
      ask(R"({"model":"echo","seed":18446744073709551616,"unknown":{"a":1},"stop":null,"messages":[{"role":"user","content":"a"}]})")
          .status,
      200U);
  EXPECT_EQ(ask(R"({"model":"twin/echo","metadata":{},"messages":[{"role":"system","content":"a"}]})").status, 200U);
}

TEST_F(Twin1, ListsItsModelsAndKnowsItsPaths) {
  const auto get = [&](std::string_view line) {
    return read(talk(cat(line, " HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")));
  };
  const Reply list = get("GET /v1/models");
  EXPECT_EQ(list.status, 200U);
  auto parsed = json::parse(list.body);
  ASSERT_TRUE(parsed);
  ASSERT_EQ(at(*parsed, "data").elements().size(), models().size());
  for (const auto& model : models()) EXPECT_EQ(get(cat("GET /models/", model.name)).status, 200U);
  EXPECT_EQ(get("GET /v1/models/none").status, 404U);
  EXPECT_EQ(get("GET /v1/chat/completions").status, 405U);
  EXPECT_EQ(get("GET /else").status, 404U);
  EXPECT_EQ(
      read(talk(message(R"({"model":"echo","messages":[{"role":"user","content":"a"}]})", "", "/any/prefix/chat/completions")))
          .status,
      200U);
}

TEST_F(Twin1, KeepsTheConnection) {
  const std::string body = R"({"model":"echo","messages":[{"role":"user","content":"a"}]})";
  const auto one = cat("POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\nContent-Length: ", body.size(), "\r\n\r\n", body);
  const Heard heard = talk(cat(one, one, one));
  std::size_t answers = 0;
  for (std::size_t from = 0; (from = heard.bytes.find("HTTP/1.1 200", from)) != std::string::npos; ++from) ++answers;
  EXPECT_EQ(answers, 3U);
}

class AnyTwin : public TwinTest {
 protected:
  AnyTwin() : TwinTest{{.names = TwinOptions::Names::any}} {}
};
TEST_F(AnyTwin, PlaysAnyModel) {
  const auto answer = ask_json(R"({"model":"gpt-9","messages":[{"role":"user","content":"hello"}]})");
  EXPECT_EQ(text_at(answer, "model"), "gpt-9");
  EXPECT_NE(text_at(answer, "choices.0.message.content").find("hello"), std::string::npos);
}

}  // namespace
}  // namespace cardea::twin
