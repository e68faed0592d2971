#include "twin/inspect.h"

#include "twin/twin_test_util.h"

namespace cardea::twin {
namespace {

/// The same conversation in every dialect: what the model `inspect` says of it must be the same.
class Inspect : public TwinTest {
 protected:
  Inspect() : TwinTest{fixed()} {}

  struct Dialect {
    std::string_view name;
    std::string_view path;
    std::string_view text;  ///< where the answer's text is
  };
  static constexpr std::string_view version = "anthropic-version: 2023-06-01\r\n";

  json::Value inspect(const Dialect& dialect, std::string_view body) {
    const auto answer = post_json(dialect.path, body, version);
    const auto& text = at(answer, dialect.text);
    EXPECT_NE(text.as_string(), nullptr) << dialect.name << ": " << answer.dump();
    if (text.as_string() == nullptr) return {};
    auto summary = json::parse(*text.as_string());
    EXPECT_TRUE(summary) << *text.as_string();
    if (!summary) return {};
    for (const std::string_view own : {"call_ids", "notes", "schema_name"}) summary->erase(own);
    return std::move(*summary);
  }

  /// Ollama does not say what an image is; these bytes do not tell.
  static std::string without_type(std::string text) {
    constexpr std::string_view type = R"("type":"image/png",)";
    return text.erase(text.find(type), type.size());
  }

  static constexpr Dialect openai{"openai_chat", "/v1/chat/completions", "choices.0.message.content"};
  static constexpr Dialect responses{"responses", "/v1/responses", "output.0.content.0.text"};
  static constexpr Dialect anthropic{"anthropic", "/v1/messages", "content.0.text"};
  static constexpr Dialect bedrock{"bedrock", "/model/inspect/converse", "output.message.content.0.text"};
  static constexpr Dialect cohere{"cohere", "/v2/chat", "message.content.0.text"};
  static constexpr Dialect ollama{"ollama", "/api/chat", "message.content"};
  static constexpr Dialect gemini{"gemini", "/v1beta/models/inspect:generateContent", "candidates.0.content.parts.0.text"};
};

// One conversation in every dialect.
constexpr std::string_view in_openai =
    R"({"model":"inspect","max_tokens":500,"temperature":0.70,"stop":["END"],"tool_choice":{"type":"function","function":{"name":"get_weather"}},)"
    R"("tools":[{"type":"function","function":{"name":"get_weather","description":"d","parameters":{"type":"object","properties":{"z":{"type":"string","description":"x"},"a":{"type":"integer"}},"required":["z"]}}}],)"
    R"("messages":[{"role":"system","content":"be nice"},{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,YWJj"}}]},)"
    R"({"role":"assistant","content":"hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"get_weather","arguments":"{\"z\": \"Paris\"}"}},{"id":"c2","type":"function","function":{"name":"get_weather","arguments":"{}"}}]},)"
    R"({"role":"tool","tool_call_id":"c2","content":"{\"t\": 20}"},{"role":"tool","tool_call_id":"c1","content":"rain"},{"role":"user","content":"so?"}]})";
constexpr std::string_view in_anthropic =
    R"({"model":"inspect","max_tokens":500,"temperature":0.7,"stop_sequences":["END"],"tool_choice":{"type":"tool","name":"get_weather"},"system":"be nice",)"
    R"("tools":[{"name":"get_weather","description":"d","input_schema":{"required":["z"],"type":"object","properties":{"z":{"type":"string","description":"x"},"a":{"type":"integer"}}}}],)"
    R"("messages":[{"role":"user","content":[{"type":"text","text":"look"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"YWJj"}}]},)"
    R"({"role":"assistant","content":[{"type":"text","text":"hm"},{"type":"tool_use","id":"t1","name":"get_weather","input":{"z":"Paris"}},{"type":"tool_use","id":"t2","name":"get_weather","input":{}}]},)"
    R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"t2","content":"{\"t\":20}"},{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"rain"}]},{"type":"text","text":"so?"}]}]})";
constexpr std::string_view in_gemini =
    R"({"generationConfig":{"maxOutputTokens":500,"temperature":0.7,"stopSequences":["END"]},"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["get_weather"]}},)"
    R"("systemInstruction":{"parts":[{"text":"be nice"}]},)"
    R"("tools":[{"functionDeclarations":[{"name":"get_weather","description":"d","parameters":{"type":"OBJECT","properties":{"z":{"type":"STRING","description":"x"},"a":{"type":"INTEGER"}},"required":["z"]}}]}],)"
    R"("contents":[{"role":"user","parts":[{"text":"look"},{"inlineData":{"mimeType":"image/png","data":"YWJj"}}]},)"
    R"({"role":"model","parts":[{"text":"hm"},{"functionCall":{"name":"get_weather","args":{"z":"Paris"},"id":"1"}},{"functionCall":{"name":"get_weather","args":{},"id":"2"}}]},)"
    R"({"role":"user","parts":[{"functionResponse":{"name":"get_weather","id":"2","response":{"t":20}}},{"functionResponse":{"name":"get_weather","id":"1","response":{"output":"rain"}}},{"text":"so?"}]}]})";
constexpr std::string_view in_bedrock =
    R"({"inferenceConfig":{"maxTokens":500,"temperature":0.7,"stopSequences":["END"]},"system":[{"text":"be nice"}],)"
    R"("toolConfig":{"toolChoice":{"tool":{"name":"get_weather"}},"tools":[{"toolSpec":{"name":"get_weather","description":"d","inputSchema":{"json":{"type":"object","properties":{"z":{"type":"string","description":"x"},"a":{"type":"integer"}},"required":["z"]}}}}]},)"
    R"("messages":[{"role":"user","content":[{"text":"look"},{"image":{"format":"png","source":{"bytes":"YWJj"}}}]},)"
    R"({"role":"assistant","content":[{"text":"hm"},{"toolUse":{"toolUseId":"t1","name":"get_weather","input":{"z":"Paris"}}},{"toolUse":{"toolUseId":"t2","name":"get_weather","input":{}}}]},)"
    R"({"role":"user","content":[{"toolResult":{"toolUseId":"t2","content":[{"json":{"t":20}}]}},{"toolResult":{"toolUseId":"t1","content":[{"text":"rain"}]}},{"text":"so?"}]}]})";
constexpr std::string_view in_cohere =
    R"({"model":"inspect","max_tokens":500,"temperature":0.7,"stop_sequences":["END"],"tool_choice":"REQUIRED",)"
    R"("tools":[{"type":"function","function":{"name":"get_weather","description":"d","parameters":{"type":"object","properties":{"z":{"type":"string","description":"x"},"a":{"type":"integer"}},"required":["z"]}}}],)"
    R"("messages":[{"role":"system","content":"be nice"},{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,YWJj"}}]},)"
    R"({"role":"assistant","tool_plan":"hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"get_weather","arguments":"{\"z\": \"Paris\"}"}},{"id":"c2","type":"function","function":{"name":"get_weather","arguments":"{}"}}]},)"
    R"({"role":"tool","tool_call_id":"c2","content":"{\"t\":20}"},{"role":"tool","tool_call_id":"c1","content":[{"type":"document","document":{"data":"rain"}}]},{"role":"user","content":"so?"}]})";
constexpr std::string_view in_ollama =
    R"({"model":"inspect","stream":false,"options":{"num_predict":500,"temperature":0.7,"stop":["END"]},)"
    R"("tools":[{"type":"function","function":{"name":"get_weather","description":"d","parameters":{"type":"object","properties":{"z":{"type":"string","description":"x"},"a":{"type":"integer"}},"required":["z"]}}}],)"
    R"("messages":[{"role":"system","content":"be nice"},{"role":"user","content":"look","images":["YWJj"]},)"
    R"({"role":"assistant","content":"hm","tool_calls":[{"id":"1","function":{"name":"get_weather","arguments":{"z":"Paris"}}},{"id":"2","function":{"name":"get_weather","arguments":{}}}]},)"
    R"({"role":"tool","tool_call_id":"2","content":"{\"t\":20}"},{"role":"tool","tool_call_id":"1","content":"rain"},{"role":"user","content":"so?"}]})";
constexpr std::string_view in_responses =
    R"({"model":"inspect","max_output_tokens":500,"temperature":0.7,"tool_choice":{"type":"function","name":"get_weather"},"instructions":"be nice",)"
    R"("tools":[{"type":"function","name":"get_weather","description":"d","parameters":{"type":"object","properties":{"z":{"type":"string","description":"x"},"a":{"type":"integer"}},"required":["z"]}}],)"
    R"("input":[{"role":"user","content":[{"type":"input_text","text":"look"},{"type":"input_image","image_url":"data:image/png;base64,YWJj"}]},{"role":"assistant","content":"hm"},)"
    R"({"type":"function_call","call_id":"c1","name":"get_weather","arguments":"{\"z\":\"Paris\"}"},{"type":"function_call","call_id":"c2","name":"get_weather","arguments":"{}"},)"
    R"({"type":"function_call_output","call_id":"c2","output":"{\"t\":20}"},{"type":"function_call_output","call_id":"c1","output":"rain"},{"role":"user","content":"so?"}]})";
constexpr std::string_view meaning =
    R"({"system":["be nice"],"turns":[{"user":["look",{"image":{"type":"image/png","bytes":3,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}}]},)"
    R"({"assistant":["hm",{"call":{"nr":1,"name":"get_weather","arguments":{"z":"Paris"}}},{"call":{"nr":2,"name":"get_weather","arguments":{}}}]},)"
    R"({"tool":[{"result":{"nr":2,"name":"get_weather","content":[{"json":{"t":20}}]}},{"result":{"nr":1,"name":"get_weather","content":["rain"]}}]},{"user":["so?"]}],)"
    R"("tools":[{"name":"get_weather","description":"d","parameters":{"properties":{"z":{"description":"x","type":"string"},"a":{"type":"integer"}},"required":["z"],"type":"object"}}],)"
    R"("tool_choice":{"name":"get_weather"},"max_tokens":500,"stop":["END"],"sampling":{"temperature":0.7}})";

TEST_F(Inspect, ToolsAndImagesMeanTheSame) {
  const auto chat = inspect(openai, in_openai);
  EXPECT_EQ(chat.dump(), meaning);
  EXPECT_EQ(inspect(anthropic, in_anthropic).dump(), meaning);
  EXPECT_EQ(inspect(gemini, in_gemini).dump(), meaning);
  EXPECT_EQ(inspect(bedrock, in_bedrock).dump(), meaning);
  auto required = chat;  // what cannot name a tool
  required.set("tool_choice", json::Value::string("required"));
  EXPECT_EQ(inspect(cohere, in_cohere).dump(), required.dump());
  auto automatic = chat;  // what cannot choose
  automatic.erase("tool_choice");
  EXPECT_EQ(inspect(ollama, in_ollama).dump(), without_type(automatic.dump()));
  auto without_stop = chat;  // what has no stop sequences
  without_stop.erase("stop");
  EXPECT_EQ(inspect(responses, in_responses).dump(), without_stop.dump());
}

TEST_F(Inspect, SchemasMeanTheSame) {
  const auto chat = inspect(
      openai,
      R"({"model":"inspect","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"a":{"type":["string","null"]}},"required":["a"]}}}})");
  EXPECT_EQ(
      chat.dump(),
      R"({"turns":[{"user":["x"]}],"schema":{"properties":{"a":{"type":["string","null"]}},"required":["a"],"type":"object"}})");
  EXPECT_EQ(
      inspect(
          gemini,
          R"({"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true}},"required":["a"],"propertyOrdering":["a"]}}})")
          .dump(),
      chat.dump());
}

TEST_F(Inspect, IsNotCutAndNotForced) {
  const auto summary = inspect(
      openai,
      R"({"model":"inspect","max_tokens":1,"stop":["user"],"n":2,"tool_choice":"required","tools":[{"type":"function","function":{"name":"f"}}],)"
      R"("seed":18446744073709551616,"messages":[{"role":"user","content":"call f"}]})");
  EXPECT_EQ(
      summary.dump(),
      R"({"turns":[{"user":["call f"]}],"tools":[{"name":"f"}],"tool_choice":"required","max_tokens":1,"n":2,"stop":["user"],"sampling":{"seed":18446744073709551616}})");
}

TEST(NormalSchema, SortsKeywordsButNoProperties) {
  auto schema = json::parse(
      R"({"type":"object","$schema":"s","properties":{"type":{"minimum":1.0,"default":{"b":1,"a":2}},"$schema":{}},"additionalProperties":false})");
  ASSERT_TRUE(schema);
  EXPECT_EQ(
      normal_schema(*schema).dump(),
      R"({"additionalProperties":false,"properties":{"type":{"default":{"a":2,"b":1},"minimum":1},"$schema":{}},"type":"object"})");
}

}  // namespace
}  // namespace cardea::twin
