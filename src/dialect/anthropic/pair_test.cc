// Anthropic's dialect as one end of whole translations, OpenAI's as the other: what comes out is what its own reference demands.
#include <gtest/gtest.h>

#include <array>

#include "base/text.h"
#include "dialect/translate.h"
#include "json/value.h"

namespace cardea::dialect {
namespace {

const Pair to_claude{.client = openai_chat(), .upstream = anthropic(), .model = "claude-sonnet-4-5", .deployment = "a"};
const Pair from_claude{.client = anthropic(), .upstream = openai_chat(), .model = "gpt", .deployment = "o"};

Translated ask(const Pair& pair, std::string_view body, Allow allow = Allow::any_loss) {
  auto out = translate_request(pair, body, {}, allow);
  EXPECT_TRUE(out) << out.error().message();
  return out ? std::move(*out) : Translated{};
}

std::string answer(const Pair& pair, const Translated& request, std::string_view body) {
  const std::array bodies{body};
  auto out = translate_response(pair, &request, bodies, {.request = request.chat, .id = "made-1", .model = "asked", .created = 7},
                                Secret{});
  EXPECT_TRUE(out) << out.error().message();
  return out ? out->body : "";
}

/// A stream as the client sees it, however it was cut.
std::string stream(const Pair& pair, const Translated& request, std::string_view bytes) {
  std::string first;
  for (const std::size_t piece : {bytes.size(), std::size_t{1}}) {
    auto relay = translating_relay(pair, request, {.request = request.chat, .id = "made-1", .model = "asked", .created = 7}, {});
    std::string out;
    std::string pending;
    for (std::size_t i = 0; i < bytes.size(); i += piece) {
      pending += bytes.substr(i, piece);
      std::vector<std::string_view> pieces;
      auto step = relay->feed(pending, pieces);
      EXPECT_TRUE(step) << step.error().message();
      if (!step) return out;
      for (const auto part : pieces) out += part;
      pending.erase(0, step->consumed);
    }
    EXPECT_TRUE(relay->seen().done);
    if (first.empty()) first = out;
    EXPECT_EQ(out, first);
  }
  return first;
}

std::string at(std::string_view body, std::initializer_list<std::string_view> keys) {
  auto whole = json::parse(body);
  EXPECT_TRUE(whole) << body;
  if (!whole) return {};
  const json::Value* value = &*whole;
  for (const auto key : keys) {
    const auto index = parse_number<std::size_t>(key);
    if (value != nullptr) value = index ? &value->elements().at(*index) : value->find(key);
  }
  return value != nullptr ? value->dump() : "";
}

constexpr std::string_view question =
    R"({"model":"x","max_completion_tokens":500,"stop":"END","temperature":0.5,"user":"u","stream":false,
  "messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"What is it?"},
    {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO"}}]},
    {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
      {"id":"c2","type":"function","function":{"name":"f","arguments":"{}"}}]},
    {"role":"tool","tool_call_id":"c2","content":"two"},{"role":"tool","tool_call_id":"c1","content":"one"}],
  "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"a":{"type":"integer"}}}}}],
  "tool_choice":"auto","parallel_tool_calls":true})";

TEST(AnthropicPair, OpenAisQuestion) {
  const auto asked = ask(to_claude, question, Allow::no_change_of_meaning);
  EXPECT_EQ(
      asked.body,
      R"({"model":"claude-sonnet-4-5","max_tokens":500,"system":"Be brief.","messages":[{"role":"user","content":[{"type":"text","text":"What is it?"},)"
      R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBO"}}]},)"
      R"({"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"f","input":{"a":1}},{"type":"tool_use","id":"c2","name":"f","input":{}}]},)"
      R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"c2","content":"two"},{"type":"tool_result","tool_use_id":"c1","content":"one"}]}],)"
      R"("tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{"a":{"type":"integer"}}}}],"tool_choice":{"type":"auto"},)"
      R"("temperature":0.5,"stop_sequences":["END"],"metadata":{"user_id":"u"},"stream":false})");
  EXPECT_TRUE(asked.losses.empty()) << asked.losses.all().front().field;
}

constexpr std::string_view claudes_answer =
    R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929",
  "content":[{"type":"thinking","thinking":"hm","signature":"SIG"},{"type":"text","text":"The grass "},
    {"type":"text","text":"is green","citations":[{"type":"web_search_result_location","cited_text":"Green.","encrypted_index":"E","title":"T","url":"https://e.org"}]},
    {"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1},"caller":{"type":"direct"}}],
  "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":20,
    "cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":7,"service_tier":"standard"}})";

TEST(AnthropicPair, ClaudesAnswerToOpenAisQuestion) {
  const auto asked = ask(to_claude, question);
  const auto body = answer(to_claude, asked, claudes_answer);
  EXPECT_EQ(at(body, {"id"}), "\"msg_1\"");
  EXPECT_EQ(at(body, {"model"}), "\"claude-sonnet-4-5-20250929\"");
  EXPECT_EQ(at(body, {"choices", "0", "message", "content"}), "\"The grass is green\"");
  EXPECT_EQ(at(body, {"choices", "0", "message", "reasoning_content"}), "\"hm\"");
  EXPECT_EQ(at(body, {"choices", "0", "finish_reason"}), "\"tool_calls\"");
  EXPECT_EQ(at(body, {"choices", "0", "message", "tool_calls"}),
            R"([{"id":"toolu_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}])");
  const auto citation = at(body, {"choices", "0", "message", "annotations", "0", "url_citation"});
  EXPECT_EQ(at(citation, {"url"}), "\"https://e.org\"");
  EXPECT_EQ(at(citation, {"start_index"}), "10");
  EXPECT_EQ(at(citation, {"end_index"}), "18");
  EXPECT_EQ(at(body, {"usage", "prompt_tokens"}), "33");
  EXPECT_EQ(at(body, {"usage", "prompt_tokens_details", "cached_tokens"}), "20");
  EXPECT_EQ(at(body, {"usage", "completion_tokens"}), "7");
}

/// Signatures survive two turns, and reach their issuer alone.
TEST(AnthropicPair, ThinkingComesBackSigned) {
  const auto asked = ask(to_claude, question);
  const auto body = answer(to_claude, asked, claudes_answer);
  const auto next = cat(R"({"model":"x","reasoning_effort":"low","messages":[{"role":"user","content":"q"},)",
                        at(body, {"choices", "0", "message"}), R"(,{"role":"tool","tool_call_id":"toolu_1","content":"42"}]})");
  const auto again = ask(to_claude, next);
  EXPECT_EQ(at(again.body, {"messages", "1", "content", "0"}), R"({"type":"thinking","thinking":"hm","signature":"SIG"})");
  EXPECT_EQ(at(again.body, {"thinking"}), R"({"type":"enabled","budget_tokens":1024})");
  // Another account never sees it, and cannot think on from unsigned thoughts.
  auto other = to_claude;
  other.deployment = "b";
  const auto elsewhere = ask(other, next);
  EXPECT_EQ(elsewhere.body.find("SIG"), std::string::npos);
  EXPECT_EQ(elsewhere.body.find("hm"), std::string::npos);
  EXPECT_EQ(at(elsewhere.body, {"thinking"}), "");
}

TEST(AnthropicPair, SchemasAreSaidAsTheModelTakesThem) {
  const auto question_with = [](std::string_view schema) {
    return cat(
        R"({"model":"x","messages":[{"role":"user","content":"q"}],"response_format":{"type":"json_schema","json_schema":)",
        R"({"name":"n","strict":true,"schema":)", schema, "}}}");
  };
  constexpr std::string_view closed =
      R"({"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false})";
  const auto native = ask(to_claude, question_with(closed), Allow::no_change_of_meaning);
  EXPECT_EQ(at(native.body, {"output_config", "format"}), cat(R"({"type":"json_schema","schema":)", closed, '}'));
  EXPECT_EQ(native.forced_tool, "");

  // Objects of any keys: a tool takes them.
  const auto open =
      ask(to_claude, question_with(R"({"type":"object","additionalProperties":{"type":"string"}})"), Allow::no_change_of_meaning);
  EXPECT_EQ(at(open.body, {"tool_choice"}), R"({"type":"tool","name":"n"})");
  EXPECT_EQ(at(open.body, {"tools", "0", "input_schema"}), R"({"type":"object","additionalProperties":{"type":"string"}})");
  EXPECT_EQ(at(open.body, {"output_config"}), "");
  const auto body =
      answer(to_claude, open,
             R"({"id":"msg_1","type":"message","content":[{"type":"tool_use","id":"t","name":"n","input":{"k":"v"}}],)"
             R"("stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":1}})");
  EXPECT_EQ(at(body, {"choices", "0", "message", "content"}), R"("{\"k\":\"v\"}")");
  EXPECT_EQ(at(body, {"choices", "0", "finish_reason"}), "\"stop\"");

  // Models from before structured outputs, and others' models.
  for (const std::string_view model : {"claude-opus-4-1", "kimi-k2"}) {
    auto older = to_claude;
    older.model = model;
    EXPECT_EQ(ask(older, question_with(closed), Allow::no_change_of_meaning).forced_tool, "n") << model;
  }
}

TEST(AnthropicPair, WebSearchIsAnthropicsOwn) {
  const auto asked = ask(to_claude, R"({"model":"x","messages":[{"role":"user","content":"q"}],"web_search_options":
    {"search_context_size":"low","user_location":{"type":"approximate","approximate":{"country":"GB","city":"London"}}}})",
                         Allow::no_change_of_meaning);
  EXPECT_EQ(
      at(asked.body, {"tools"}),
      R"([{"type":"web_search_20250305","name":"web_search","user_location":{"type":"approximate","city":"London","country":"GB"}}])");
  EXPECT_EQ(asked.losses.fields(), (std::vector<std::string>{"web_search_options.search_context_size", "web_search_options"}));
}

// As OpenAI streams parallel calls, with the counts in the last chunk.
constexpr std::string_view openais_stream =
    R"(data: {"id":"chatcmpl-1","created":9,"model":"gpt-1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}

data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}}]}

data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":1}"}}]}}]}

data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]}}]}

data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: {"id":"chatcmpl-1","choices":[],"usage":{"prompt_tokens":30,"completion_tokens":5,"total_tokens":35,"prompt_tokens_details":{"cached_tokens":12}}}

data: [DONE]

)";

TEST(AnthropicPair, OpenAisStreamForClaudesClient) {
  const auto asked = ask(from_claude, R"({"model":"x","max_tokens":50,"stream":true,"messages":[{"role":"user","content":"q"}],
    "tools":[{"name":"f","input_schema":{"type":"object"}},{"name":"g","input_schema":{"type":"object"}}]})");
  EXPECT_EQ(stream(from_claude, asked, openais_stream),
            R"(event: message_start
data: {"type":"message_start","message":{"id":"chatcmpl-1","type":"message","role":"assistant","model":"gpt-1","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"output_tokens":0}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"x\":1}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"b","name":"g","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":18,"cache_read_input_tokens":12,"output_tokens":5}}

event: message_stop
data: {"type":"message_stop"}

)");
}

TEST(AnthropicPair, OpenAisAnswerForClaudesClient) {
  const auto asked = ask(from_claude, R"({"model":"x","max_tokens":50,"messages":[{"role":"user","content":"q"}]})");
  EXPECT_EQ(
      answer(
          from_claude, asked,
          R"({"id":"chatcmpl-1","created":9,"model":"gpt-1","choices":[{"index":0,"message":{"role":"assistant","content":"Hi","refusal":null},)"
          R"("finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}})"),
      R"({"id":"chatcmpl-1","type":"message","role":"assistant","model":"gpt-1","content":[{"type":"text","text":"Hi"}],)"
      R"("stop_reason":"max_tokens","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":5}})");
}

}  // namespace
}  // namespace cardea::dialect
