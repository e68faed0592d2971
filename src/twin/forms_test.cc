#include <array>

#include "base/random.h"
#include "twin/twin_test_util.h"
#include "wire/aws_events.h"

// What every dialect has in common: faults, and that no request, however broken, breaks the twin.

namespace cardea::twin {
namespace {

struct Dialect {
  std::string_view name;
  std::string_view path;    ///< of a plain answer
  std::string_view stream;  ///< of a streamed one
  std::string_view plain;   ///< asks `echo` to say: a b c
  std::string_view streamed;
};

constexpr std::string_view gemini = R"({"contents":[{"role":"user","parts":[{"text":"a b c"}]}]})";
constexpr std::string_view bedrock = R"({"messages":[{"role":"user","content":[{"text":"a b c"}]}]})";
constexpr Dialect dialects[] = {
    {"openai_chat", "/v1/chat/completions", "/v1/chat/completions",
     R"({"model":"echo","messages":[{"role":"user","content":"a b c"}]})",
     R"({"model":"echo","stream":true,"messages":[{"role":"user","content":"a b c"}]})"},
    {"responses", "/v1/responses", "/v1/responses", R"({"model":"echo","input":"a b c"})",
     R"({"model":"echo","stream":true,"input":"a b c"})"},
    {"completions", "/v1/completions", "/v1/completions", R"({"model":"echo","prompt":"a b c"})",
     R"({"model":"echo","stream":true,"prompt":"a b c"})"},
    {"anthropic", "/v1/messages", "/v1/messages",
     R"({"model":"echo","max_tokens":9,"messages":[{"role":"user","content":"a b c"}]})",
     R"({"model":"echo","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"a b c"}]})"},
    {"gemini", "/v1beta/models/echo:generateContent", "/v1beta/models/echo:streamGenerateContent?alt=sse", gemini, gemini},
    {"gemini array", "/v1beta/models/echo:generateContent", "/v1beta/models/echo:streamGenerateContent", gemini, gemini},
    {"bedrock", "/model/echo/converse", "/model/echo/converse-stream", bedrock, bedrock},
    {"cohere", "/v2/chat", "/v2/chat", R"({"model":"echo","messages":[{"role":"user","content":"a b c"}]})",
     R"({"model":"echo","stream":true,"messages":[{"role":"user","content":"a b c"}]})"},
    {"ollama", "/api/chat", "/api/chat", R"({"model":"echo","stream":false,"messages":[{"role":"user","content":"a b c"}]})",
     R"({"model":"echo","messages":[{"role":"user","content":"a b c"}]})"},
};

class Forms : public TwinTest, public ::testing::WithParamInterface<Dialect> {
 protected:
  Forms() : TwinTest{fixed()} {}
  static constexpr std::string_view version = "anthropic-version: 2023-06-01\r\n";

  Heard plain(std::string_view headers = "") { return talk(message(GetParam().plain, cat(version, headers), GetParam().path)); }
  Heard streamed(std::string_view headers = "") {
    return talk(message(GetParam().streamed, cat(version, headers), GetParam().stream));
  }

  /// How many events a body holds, whatever frames them.
  static std::size_t count(std::string_view body) {
    const auto name = GetParam().name;
    std::size_t found = 0;
    if (name == "bedrock") {
      while (!body.empty()) {
        auto frame = wire::parse_aws_message(body, body.size());
        if (!frame || !*frame) break;
        body.remove_prefix((*frame)->bytes);
        ++found;
      }
      return found;
    }
    if (name == "ollama") return static_cast<std::size_t>(std::ranges::count(body, '\n'));
    if (name != "gemini array") return events(body).size();
    for (std::size_t at = 0; (at = body.find(R"("candidates":)", at)) != std::string_view::npos; ++at) ++found;
    return found;
  }
};

TEST_P(Forms, EndsEarlyAsAsked) {
  const std::size_t all = count(read(streamed()).body);
  EXPECT_GE(all, 4U);
  const Heard cut = streamed("x-twin-cut-after-events: 2\r\n");
  EXPECT_EQ(cut.end, Heard::End::reset);
  EXPECT_EQ(count(read(cut).body), 2U);
  const Heard closed = streamed("x-twin-close-after-events: 2\r\n");
  EXPECT_EQ(closed.end, Heard::End::closed);
  EXPECT_FALSE(read(closed).whole);
  const Reply ended = read(streamed("x-twin-end-after-events: 2\r\n"));
  EXPECT_EQ(count(ended.body), 2U);
  EXPECT_TRUE(ended.whole);
  EXPECT_EQ(streamed("x-twin-hang: after-events=2\r\n").end, Heard::End::silence);
  EXPECT_EQ(plain("x-twin-cut-after-events: 0\r\n").end, Heard::End::reset);
}

TEST_P(Forms, SameBytesHoweverSplit) {
  const std::string whole = read(streamed()).body;
  for (const std::string_view headers :
       {"x-twin-split: 1\r\n", "x-twin-split: 7\r\n", "x-twin-write-each: 1\r\n", "x-twin-latency-ms: 50\r\n",
        "x-twin-first-token-ms: 50\r\nx-twin-inter-token-ms: 10\r\n"}) {
    EXPECT_EQ(read(streamed(headers)).body, whole) << headers;
  }
  EXPECT_EQ(read(plain("x-twin-split: 3\r\n")).body, read(plain()).body);
}

TEST_P(Forms, PacesTokensOnly) {
  const auto start = world_.elapsed();
  const Heard heard = streamed("x-twin-first-token-ms: 500\r\nx-twin-inter-token-ms: 100\r\n");
  ASSERT_FALSE(heard.arrivals.empty());
  const auto took = heard.arrivals.back().first - start;
  EXPECT_GE(took, std::chrono::milliseconds{700});  // a, b, c: two pauses
  EXPECT_LE(took, std::chrono::milliseconds{750});
}

TEST_P(Forms, MalformedAsAsked) {
  EXPECT_FALSE(json::parse(read(plain("x-twin-malformed: json\r\n")).body));
  wire::ResponseHead head;
  const std::string bad_head = streamed("x-twin-malformed: head\r\n").bytes;
  EXPECT_FALSE(wire::parse_response_head(bad_head, {}, wire::Method::post, head));
  EXPECT_FALSE(read(streamed("x-twin-malformed: length\r\n")).whole);
  EXPECT_FALSE(read(streamed("x-twin-malformed: chunk\r\n")).whole);
  EXPECT_NE(read(streamed("x-twin-malformed: json\r\n")).body, read(streamed()).body);
}

TEST_P(Forms, StatusesRedirectsAndErrorsIn200) {
  for (const unsigned status : {400U, 401U, 403U, 404U, 413U, 429U, 500U, 503U, 529U}) {
    const Reply reply = read(plain(cat("x-twin-status: ", status, "\r\nx-twin-retry-after: 7\r\n")));
    EXPECT_EQ(reply.status, status);
    EXPECT_NE(reply.headers.find("retry-after: 7\r\n"), std::string::npos);
    EXPECT_TRUE(json::parse(reply.body)) << reply.body;
    EXPECT_EQ(read(streamed(cat("x-twin-status: ", status, "\r\n"))).status, status);
  }
  EXPECT_EQ(read(plain("x-twin-redirect: http://evil.example/\r\n")).status, 307U);
  const Reply failed = read(plain("x-twin-error-in-200: 1\r\n"));
  EXPECT_EQ(failed.status, 200U);
  EXPECT_NE(failed.body, read(plain()).body);
  EXPECT_TRUE(json::parse(failed.body));
  const Reply broken = read(streamed("x-twin-error-in-200: 1\r\n"));
  EXPECT_EQ(broken.status, 200U);
  EXPECT_NE(broken.body.find("The twin was asked to fail here."), std::string::npos);
}

TEST_P(Forms, HugeEmptyAndLongAnswers) {
  EXPECT_GE(read(streamed("x-twin-huge-event-bytes: 300000\r\n")).body.size(), 300'000U);
  EXPECT_TRUE(read(streamed("x-twin-empty-choices: 1\r\n")).whole);
  EXPECT_EQ(read(plain("x-twin-empty-choices: 1\r\n")).status, 200U);
  const std::size_t few = count(read(streamed("x-twin-tokens: 5\r\n")).body);
  EXPECT_LE(few, count(read(streamed("x-twin-tokens: 9\r\n")).body));
  const Reply zipped = read(plain("x-twin-gzip: 1\r\n"));
  EXPECT_NE(zipped.headers.find("content-encoding: gzip\r\n"), std::string::npos);
}

std::string name_of(const ::testing::TestParamInfo<Dialect>& info) {
  std::string name{info.param.name};
  std::ranges::replace(name, ' ', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(All, Forms, ::testing::ValuesIn(dialects), name_of);

// ---- Broken requests -------------------------------------------------------------------------------------------------------

struct Sample {
  std::string_view path;
  std::string_view body;
};
// Everything that each dialect can say.
constexpr Sample samples[] =
    {
        {"/v1/chat/completions",
         R"({"model":"inspect","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string"}}},"strict":false}}],"tool_choice":{"type":"function","function":{"name":"f"}},"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}},"stop":["x"],"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,YWJj","detail":"low"}},{"type":"input_audio","input_audio":{"data":"YWJj","format":"wav"}},{"type":"file","file":{"filename":"f","file_data":"data:application/pdf;base64,YWJj"}}]},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"r"}]}]})"},
        {"/v1/responses",
         R"({"model":"inspect","instructions":"i","tools":[{"type":"function","name":"f","parameters":{"type":"object"},"strict":false},{"type":"web_search"},{"type":"custom","name":"g"}],"tool_choice":{"type":"function","name":"f"},"text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"}},"verbosity":"low"},"reasoning":{"effort":"low","summary":"auto"},"include":["reasoning.encrypted_content"],"input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"data:image/png;base64,YWJj"},{"type":"input_file","file_id":"f"}]},{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"t"}],"encrypted_content":"YWJj"},{"type":"function_call","id":"fc_1","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"r"}]},{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"x","annotations":[]},{"type":"refusal","refusal":"n"}]}]})"},
        {"/v1/completions", R"({"model":"inspect","prompt":["a","b"],"stop":["x"],"logprobs":2,"echo":true,"n":2})"},
        {"/v1/messages",
         R"({"model":"inspect","max_tokens":2000,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral","ttl":"1h"}}],"thinking":{"type":"enabled","budget_tokens":1024},"tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{"a":{"type":"string"}}}},{"type":"web_search_20250305","name":"web_search"}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true},"output_config":{"effort":"low","format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false}}},"metadata":{"user_id":"u"},"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"YWJj"}},{"type":"document","title":"t","source":{"type":"base64","media_type":"application/pdf","data":"YWJj"}},{"type":"document","source":{"type":"content","content":[{"type":"text","text":"x"}]}}]},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"redacted_thinking","data":"YWJj"},{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","is_error":true,"content":[{"type":"text","text":"r"},{"type":"image","source":{"type":"url","url":"https://x/"}}]}]}]})"},
        {"/v1beta/models/inspect:generateContent",
         R"({"systemInstruction":{"parts":[{"text":"s"}]},"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","nullable":true,"properties":{"a":{"type":"ARRAY","items":{"type":"STRING","enum":["x"],"format":"enum"},"maxItems":"3"}},"required":["a"],"anyOf":[{"type":"NUMBER","minimum":1}]}},{"name":"g","parametersJsonSchema":{}}]},{"googleSearch":{}}],"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}},"safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}],"generationConfig":{"temperature":1,"responseMimeType":"application/json","responseSchema":{"type":"STRING"},"thinkingConfig":{"includeThoughts":true,"thinkingBudget":100},"stopSequences":["x"],"seed":5},"contents":[{"role":"user","parts":[{"text":"a"},{"inlineData":{"mimeType":"image/png","data":"YWJj"}},{"fileData":{"fileUri":"https://x/","mimeType":"video/mp4"}}]},{"role":"model","parts":[{"text":"t","thought":true},{"functionCall":{"name":"f","args":{"a":1},"id":"1"},"thoughtSignature":"YWJj"},{"functionCall":{"name":"g"}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","id":"1","response":{"output":"r"},"parts":[{"inlineData":{"mimeType":"image/png","data":"YWJj"}}]}},{"functionResponse":{"name":"g","response":{"error":"e"}}}]}]})"},
        {"/model/inspect/converse",
         R"({"system":[{"text":"s"},{"cachePoint":{"type":"default"}}],"inferenceConfig":{"maxTokens":2000,"temperature":0.5,"topP":0.5,"stopSequences":["x"]},"toolConfig":{"tools":[{"toolSpec":{"name":"f","description":"d","inputSchema":{"json":{"type":"object"}}}},{"cachePoint":{"type":"default","ttl":"1h"}}],"toolChoice":{"tool":{"name":"f"}}},"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1024},"top_k":5,"x":1},"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{}","name":"n"}}}},"requestMetadata":{"a":"b"},"messages":[{"role":"user","content":[{"text":"a"},{"image":{"format":"png","source":{"bytes":"YWJj"}}},{"document":{"format":"pdf","name":"n","source":{"text":"x"}}},{"cachePoint":{"type":"default"}}]},{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"t","signature":"s"}}},{"reasoningContent":{"redactedContent":"YWJj"}},{"citationsContent":{"content":[{"text":"c"}],"citations":[]}},{"toolUse":{"toolUseId":"t","name":"f","input":{}}}]},{"role":"user","content":[{"toolResult":{"toolUseId":"t","status":"error","content":[{"text":"r"},{"json":{}},{"image":{"format":"png","source":{"s3Location":{"uri":"s3://x"}}}}]}}]}]})"},
        {"/v2/chat",
         R"({"model":"inspect","tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],"tool_choice":"REQUIRED","documents":["d",{"id":"x","data":{"a":"b"}}],"citation_options":{"mode":"FAST"},"thinking":{"type":"enabled","token_budget":5},"stop_sequences":["x"],"temperature":0.5,"k":5,"p":0.5,"seed":1,"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,YWJj","detail":"low"}}]},{"role":"assistant","content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"x"}],"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":[{"type":"document","document":{"data":{"a":1},"id":"d"}}]}]})"},
        {"/api/chat",
         R"({"model":"inspect","stream":false,"format":{"type":"object"},"think":"low","keep_alive":"5m","options":{"num_predict":5,"temperature":0.5,"stop":["x"],"seed":1,"num_ctx":4096},"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],"messages":[{"role":"system","content":"s"},{"role":"user","content":"a","images":["YWJj"]},{"role":"assistant","content":"","thinking":"t","tool_calls":[{"id":"c","function":{"index":0,"name":"f","arguments":{}}}]},{"role":"tool","tool_name":"f","tool_call_id":"c","content":"r"}]})"},
        {"/api/generate",
         R"({"model":"inspect","stream":false,"prompt":"a","system":"s","images":["YWJj"],"format":"json","options":{"num_predict":5},"think":true})"},
};

class Broken : public TwinTest {
 protected:
  Broken() : TwinTest{fixed()} {}
  static constexpr std::string_view version = "anthropic-version: 2023-06-01\r\n";
};

TEST_F(Broken, SamplesAreWhole) {
  for (const auto& sample : samples) {
    const Reply reply = post(sample.path, sample.body, version);
    EXPECT_EQ(reply.status, 200U) << sample.path << "\n" << reply.body;
  }
}

/// Puts something else where a random value of the tree was.
void disturb(json::Value& value, Random& random) {
  const json::Value others[] = {json::Value{},
                                json::Value::boolean(true),
                                json::Value::integer(-1),
                                json::Value::number("1e400"),
                                json::Value::string(""),
                                json::Value::string("x y\n"),
                                json::Value::array(),
                                json::Value::object(),
                                json::Value::array({json::Value::integer(5)}),
                                json::Value::object({{"type", json::Value::string("text")}})};
  const std::size_t children = value.elements().size() + value.members().size();
  if (children == 0 || random.below(6) == 0) {
    value = others[random.below(std::size(others))];
    return;
  }
  const auto chosen = random.below(children);
  if (!value.elements().empty()) {
    if (random.below(12) == 0) {
      value.edit_elements().push_back(value.elements()[chosen]);
    } else {
      disturb(value.each_element()[chosen], random);
    }
    return;
  }
  auto& member = value.each_member()[chosen];
  switch (random.below(10)) {
    case 0: value.edit_members().erase(value.members().begin() + static_cast<std::ptrdiff_t>(chosen)); break;
    case 1: value.edit_members().push_back({member.first, others[random.below(std::size(others))]}); break;
    default: disturb(member.second, random); break;
  }
}

TEST_F(Broken, EveryAnswerIsOneOfTheVendors) {
  constexpr std::uint64_t seeds = 300;
  std::size_t refused = 0;
  for (const auto& sample : samples) {
    auto whole = json::parse(sample.body);
    ASSERT_TRUE(whole);
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      Random random{seed};
      json::Value body = *whole;
      for (std::uint64_t i = random.below(3); i != ~std::uint64_t{0}; --i) disturb(body, random);
      const std::string text = body.dump();
      const Reply reply = post(sample.path, text, version);
      EXPECT_TRUE(reply.status == 200 || reply.status == 400 || reply.status == 404) << reply.status << " " << text;
      refused += reply.status != 200 ? 1U : 0U;
    }
  }
  EXPECT_GT(refused, seeds * std::size(samples) / 2);
}

TEST_F(Broken, TruncatedRequestsAreRefused) {
  for (const auto& sample : samples) {
    for (std::size_t bytes = 0; bytes < sample.body.size(); bytes += 17) {
      const Reply reply = post(sample.path, sample.body.substr(0, bytes), version);
      EXPECT_EQ(reply.status, 400U) << sample.path;
      EXPECT_TRUE(json::parse(reply.body)) << reply.body;
    }
  }
}

}  // namespace
}  // namespace cardea::twin
