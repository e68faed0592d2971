#include "twin/forms/ollama.h"

#include "twin/twin_test_util.h"

namespace cardea::twin {
namespace {

class Ollama : public TwinTest {
 protected:
  Ollama() : TwinTest{fixed()} {}

  json::Value say(std::string_view body, std::string_view headers = "") {
    return post_json("/api/chat", cat(body.substr(0, body.size() - 1), R"(,"stream":false})"), headers);
  }
  std::vector<json::Value> lines(std::string_view target, std::string_view body, std::string_view headers = "") {
    std::vector<json::Value> all;
    const Reply reply = post(target, body, headers);
    for (std::string_view rest = reply.body; !rest.empty();) {
      const auto end = std::min(rest.find('\n'), rest.size());
      auto line = json::parse(rest.substr(0, end));
      EXPECT_TRUE(line) << rest.substr(0, end);
      if (line) all.push_back(std::move(*line));
      rest.remove_prefix(std::min(rest.size(), end + 1));
    }
    return all;
  }
  static std::string joined(const std::vector<json::Value>& lines, std::string_view path) {
    std::string text;
    for (const auto& line : lines) {
      if (at(line, path).as_string() != nullptr) text += *at(line, path).as_string();
    }
    return text;
  }
};

// github.com/ollama/ollama, docs/api.md, "Generate a chat completion".
TEST_F(Ollama, AnswersWithAMessage) {
  const auto answer = say(R"({"model":"echo","messages":[{"role":"user","content":"a b"}]})");
  EXPECT_EQ(text_at(answer, "model"), "echo");
  EXPECT_EQ(text_at(answer, "created_at"), "2023-11-14T22:13:20Z");
  EXPECT_EQ(at(answer, "message").dump(), R"({"role":"assistant","content":"a b"})");
  EXPECT_EQ(text_at(answer, "done"), "true");
  EXPECT_EQ(text_at(answer, "done_reason"), "stop");
  EXPECT_EQ(at(answer, "prompt_eval_count").as_u64(), 8U);
  EXPECT_EQ(at(answer, "eval_count").as_u64(), 2U);
}

TEST_F(Ollama, StreamsLinesUnlessToldOtherwise) {
  const auto all = lines("/api/chat", R"({"model":"echo","messages":[{"role":"user","content":"a b c"}]})");
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(joined(all, "message.content"), "a b c");
  EXPECT_EQ(text_at(all[0], "done"), "false");
  EXPECT_EQ(text_at(all[3], "done"), "true");
  EXPECT_EQ(text_at(all[3], "message.content"), "");
  EXPECT_EQ(at(all[3], "eval_count").as_u64(), 3U);
}

TEST_F(Ollama, SaysTheSameStreamedOrNot) {
  for (const std::string_view model : {"twin-1", "lorem", "reasoner", "narrates", "refuse"}) {
    const auto body = cat(
        R"({"model":")", model,
        R"(","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}],)",
        R"("messages":[{"role":"user","content":"h\u00e9llo"}]})");
    const auto whole = say(body);
    const auto all = lines("/api/chat", body);
    EXPECT_EQ(joined(all, "message.content"), text_at(whole, "message.content")) << model;
    EXPECT_EQ(joined(all, "message.thinking"), model == "reasoner" ? text_at(whole, "message.thinking") : "") << model;
    json::Value calls;
    for (const auto& line : all) {
      if (at(line, "message.tool_calls").is(json::Type::array)) calls = at(line, "message.tool_calls");
    }
    EXPECT_EQ(calls, at(whole, "message.tool_calls")) << model;
  }
}

constexpr std::string_view tools =
    R"("tools":[{"type":"function","function":{"name":"get_weather","description":"d","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}},)"
    R"({"type":"function","function":{"name":"get_time"}}])";

TEST_F(Ollama, CallsAndResults) {
  const auto called =
      say(cat(R"({"model":"twin-1",)", tools, R"(,"messages":[{"role":"user","content":"get weather and get time"}]})"));
  EXPECT_EQ(text_at(called, "done_reason"), "stop");
  ASSERT_EQ(at(called, "message.tool_calls").elements().size(), 2U);
  EXPECT_EQ(at(called, "message.tool_calls.0.function").dump(),
            R"({"index":0,"name":"get_weather","arguments":{"city":"Paris"}})");
  const auto answered =
      say(cat(R"({"model":"twin-1",)", tools, R"(,"messages":[{"role":"user","content":"x"},)", at(called, "message").dump(),
              R"(,{"role":"tool","tool_name":"get_time","content":"noon"},{"role":"tool","content":"rain"}]})"));
  EXPECT_EQ(text_at(answered, "message.content"), "The tools answered: noon; rain");
}

TEST_F(Ollama, OptionsFormatThinkAndImages) {
  const auto with = [&](std::string_view more) {
    return say(cat(R"({"messages":[{"role":"user","content":"a b c d"}],)", more, "}"));
  };
  const auto cut = with(R"("model":"echo","options":{"num_predict":2,"num_ctx":4096})");
  EXPECT_EQ(text_at(cut, "message.content"), "a b");
  EXPECT_EQ(text_at(cut, "done_reason"), "length");
  EXPECT_EQ(text_at(with(R"("model":"echo","options":{"num_predict":-1,"stop":[" c"]})"), "message.content"), "a b");
  EXPECT_EQ(
      text_at(with(R"("model":"twin-1","format":{"type":"object","properties":{"city":{"type":"string"}}})"), "message.content"),
      R"({"city":"Paris"})");
  EXPECT_EQ(text_at(with(R"("model":"twin-1","format":"json")"), "message.content"), R"({"answer":"a b c d"})");
  EXPECT_NE(text_at(with(R"("model":"twin-1","think":"low")"), "message.thinking"), "null");
  EXPECT_EQ(text_at(with(R"("model":"reasoner","think":false)"), "message.thinking"), "null");
  const auto seen = say(R"({"model":"twin-1","messages":[{"role":"user","content":"x","images":["iVBORw0KGgoAAAA="]}]})");
  EXPECT_NE(text_at(seen, "message.content").find(" I see 1 image (image/png, 11 bytes, "), std::string::npos) << seen.dump();
}

TEST_F(Ollama, Generates) {
  const auto whole = post_json("/api/generate", R"({"model":"echo","prompt":"a b","system":"s","stream":false})");
  EXPECT_EQ(text_at(whole, "response"), "a b");
  EXPECT_TRUE(at(whole, "context").is(json::Type::array));
  const auto all = lines("/api/generate", R"({"model":"echo","prompt":"a b"})");
  EXPECT_EQ(joined(all, "response"), "a b");
  EXPECT_EQ(text_at(all.back(), "done"), "true");
}

TEST_F(Ollama, RefusesAsGoDoes) {
  struct Case {
    std::string_view body;
    std::string_view message;
  };
  constexpr Case cases[] = {
      {R"({"messages":[]})", "model is required"},
      {R"({"model":"echo","messages":[{"role":"user","content":5}]})",
       "json: cannot unmarshal number into Go struct field ChatRequest.messages.content of type string"},
      {R"({"model":"echo","messages":[{"role":"nobody","content":"a"}]})", "invalid role: nobody"},
      {R"({"model":"echo","messages":[{"role":"user","content":"a","images":["%"]}]})", "illegal base64 data at input byte 0"},
      {R"({"model":"echo","messages":[{"role":"user","content":"a"}],"options":{"temperature":"hot"}})",
       "option \"temperature\" must be of type float32"},
      {R"({"model":"echo","messages":[{"role":"user","content":"a"}],"format":"xml"})",
       "invalid format: \"xml\"; expected \"json\" or a valid JSON Schema object"},
  };
  for (const auto& one : cases) {
    const Reply reply = post("/api/chat", one.body);
    EXPECT_EQ(reply.status, 400U) << one.body;
    auto error = json::parse(reply.body);
    ASSERT_TRUE(error);
    EXPECT_EQ(text_at(*error, "error"), one.message);
  }
  EXPECT_EQ(say(R"({"model":"echo","foo":1,"messages":[{"role":"user","content":"a"}]})").find("error"), nullptr);
  EXPECT_NE(say(R"({"model":"echo","foo":1,"messages":[{"role":"user","content":"a"}]})", "x-twin-strict: 1\r\n").find("error"),
            nullptr);
}

TEST_F(Ollama, FailsInItsOwnWords) {
  constexpr std::string_view body = R"({"model":"echo","messages":[{"role":"user","content":"a b c"}]})";
  const auto broken = lines("/api/chat", body, "x-twin-error-event-after: 2\r\n");
  ASSERT_EQ(broken.size(), 3U);
  EXPECT_NE(text_at(broken[2], "error"), "null");
  EXPECT_EQ(post("/api/chat", R"({"model":"none","messages":[]})").status, 404U);
  EXPECT_EQ(lines("/api/chat", body, "x-twin-end-after-events: 2\r\n").size(), 2U);
  EXPECT_EQ(post("/api/chat", body, "x-twin-split: 1\r\n").body, post("/api/chat", body).body);
}

TEST_F(Ollama, ListsAndShowsModels) {
  auto tags = json::parse(get("/api/tags").body);
  ASSERT_TRUE(tags);
  EXPECT_EQ(text_at(*tags, "models.0.name"), "twin-1");
  EXPECT_EQ(get("/api/version").body, R"({"version":"0.12.0"})");
  EXPECT_EQ(get("/api/ps").body, R"({"models":[]})");
  EXPECT_EQ(text_at(post_json("/api/show", R"({"model":"reasoner"})"), "capabilities.3"), "thinking");
  EXPECT_EQ(post("/api/show", R"({"model":"none"})").status, 404U);
}

TEST(UtcTime, IsGregorian) {
  EXPECT_EQ(utc_time(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(utc_time(1'709'164'799), "2024-02-28T23:59:59Z");
  EXPECT_EQ(utc_time(1'709'164'800), "2024-02-29T00:00:00Z");
}

}  // namespace
}  // namespace cardea::twin
