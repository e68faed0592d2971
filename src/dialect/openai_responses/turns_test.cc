// Reasoning over two turns: what one side issued comes back to it unchanged, whoever stood between, in a document or a stream.

#include <gtest/gtest.h>

#include <array>

#include "base/text.h"
#include "dialect/openai_spec.h"
#include "dialect/translate.h"

namespace cardea::dialect {
namespace {

using json::Value;

enum class Form : std::uint8_t { document, stream };

/// One client, one upstream, and what they say to each other.
class Conversation {
 public:
  Conversation(const Dialect& client, const Dialect& upstream)
      : pair_{.client = client, .upstream = upstream, .model = "up", .deployment = "here"} {}

  /// The request for the upstream.
  Value ask(const Value& request) {
    auto got = translate_request(pair_, request.dump(), {}, Allow::any_loss);
    EXPECT_TRUE(got) << got.error().message();
    asked_ = std::move(*got);
    return *json::parse(asked_.body);
  }
  /// The answer for the client.
  std::string answer(std::string_view body, Form form) {
    const AnswerContext context{.request = asked_.chat, .id = "own_1", .model = "asked", .created = 5};
    if (form == Form::document) {
      const std::array bodies{body};
      auto got = translate_response(pair_, &asked_, bodies, context, {});
      EXPECT_TRUE(got) << got.error().message();
      return got->body;
    }
    auto relay = translating_relay(pair_, asked_, context, {});
    std::vector<std::string_view> pieces;
    auto step = relay->feed(body, pieces);
    EXPECT_TRUE(step) << step.error().message();
    std::string out;
    for (const auto piece : pieces) out += piece;
    pieces.clear();
    EXPECT_TRUE(relay->end({}, pieces));
    for (const auto piece : pieces) out += piece;
    return out;
  }

 private:
  Pair pair_;
  Translated asked_;
};

std::vector<Value> events_in(std::string_view stream) {
  std::vector<Value> out;
  FrameReader reader{Framing::sse, 1 << 24};
  while (true) {
    auto frame = reader.next(stream);
    if (!frame || !*frame) return out;
    if ((*frame)->has_data) out.push_back(json::parse((*frame)->data).value_or(Value{}));
    stream.remove_prefix((*frame)->bytes);
  }
}

Value value(std::string_view text) {
  auto out = json::parse(text);
  EXPECT_TRUE(out) << text;
  return out.value_or(Value{});
}

// --- a client of this dialect -----------------------------------------------------------------------------------------------

Value first_request(Form form) {
  auto out = value(R"({"model":"m","input":[{"role":"user","content":"Weather?"}],"reasoning":{"effort":"low","summary":"auto"},
    "include":["reasoning.encrypted_content"],"store":false,"tools":[{"type":"function","name":"f","parameters":{"type":"object"}}]})");
  if (form == Form::stream) out.set("stream", Value::boolean(true));
  return out;
}

/// The same conversation with the answer's output and the results of its calls behind it.
Value second_request(Value request, const std::string& answer, Form form) {
  const auto whole = form == Form::document ? value(answer) : *events_in(answer).back().find("response");
  const auto& spec = testing::OpenAiSpec::shared();
  if (spec.there()) EXPECT_EQ(spec.problem("Response", whole.dump()), "");
  auto& input = request.find("input")->edit_elements();
  for (const auto& item : whole.find("output")->elements()) input.push_back(item);
  for (const auto& item : whole.find("output")->elements()) {
    if (*item.find("type")->as_string() != "function_call") continue;
    input.push_back(Value::object({{"type", Value::string("function_call_output")},
                                   {"call_id", *item.find("call_id")},
                                   {"output", Value::string("sunny")}}));
  }
  return request;
}

constexpr std::string_view anthropic_document =
    R"({"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"thinking","thinking":"hm","signature":"SIG"},)"
    R"({"type":"redacted_thinking","data":"RED"},{"type":"text","text":"Let me see."},{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}},)"
    R"({"type":"tool_use","id":"toolu_2","name":"f","input":{}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":4}})";
constexpr std::string_view anthropic_stream =
    R"(data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"usage":{"input_tokens":3,"output_tokens":1}}}

data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"SIG"}}

data: {"type":"content_block_stop","index":0}

data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"RED"}}

data: {"type":"content_block_stop","index":1}

data: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}

data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Let me see."}}

data: {"type":"content_block_stop","index":2}

data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}}

data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}

data: {"type":"content_block_stop","index":3}

data: {"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_2","name":"f","input":{}}}

data: {"type":"content_block_stop","index":4}

data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":4}}

data: {"type":"message_stop"}

)";

TEST(ResponsesTurns, AnthropicsThinkingComesBack) {
  for (const auto form : {Form::document, Form::stream}) {
    Conversation talk{openai_responses(), anthropic()};
    const auto first = first_request(form);
    talk.ask(first);
    const auto answer = talk.answer(form == Form::document ? anthropic_document : anthropic_stream, form);
    const auto second = talk.ask(second_request(first, answer, form));
    const auto& messages = second.find("messages")->elements();
    ASSERT_EQ(messages.size(), 3u);
    EXPECT_EQ(messages[1].find("content")->dump(),
              R"([{"type":"thinking","thinking":"hm","signature":"SIG"},{"type":"redacted_thinking","data":"RED"},)"
              R"({"type":"text","text":"Let me see."},{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}},)"
              R"({"type":"tool_use","id":"toolu_2","name":"f","input":{}}])");
    EXPECT_EQ(messages[2].find("content")->elements().size(), 2u);
  }
}

constexpr std::string_view gemini_document =
    R"({"responseId":"g1","modelVersion":"gem","candidates":[{"index":0,"finishReason":"STOP","content":{"role":"model","parts":[)"
    R"({"text":"hm","thought":true},{"functionCall":{"id":"g_1","name":"f","args":{"a":1}},"thoughtSignature":"U0lH"},)"
    R"({"functionCall":{"id":"g_2","name":"f","args":{}}}]}}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4,"totalTokenCount":7}})";

TEST(ResponsesTurns, GeminisSignatureOfACallComesBack) {
  for (const auto form : {Form::document, Form::stream}) {
    Conversation talk{openai_responses(), gemini()};
    const auto first = first_request(form);
    talk.ask(first);
    const auto stream = cat("data: ", gemini_document, "\n\n");
    const auto answer = talk.answer(form == Form::document ? gemini_document : std::string_view{stream}, form);
    const auto second = talk.ask(second_request(first, answer, form));
    const auto dumped = second.find("contents")->elements().at(1).dump();
    EXPECT_NE(dumped.find(R"("thoughtSignature":"U0lH")"), std::string::npos) << dumped;
    EXPECT_LT(dumped.find("U0lH"), dumped.find("g_2")) << dumped;
  }
}

// --- an upstream of this dialect --------------------------------------------------------------------------------------------

constexpr std::string_view output =
    R"([{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"gAAA"},)"
    R"({"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Let me see.","annotations":[],"logprobs":[]}]},)"
    R"({"id":"fc_1","type":"function_call","status":"completed","call_id":"call_1","name":"f","arguments":"{\"a\":1}"},)"
    R"({"id":"fc_2","type":"function_call","status":"completed","call_id":"call_2","name":"f","arguments":"{}"}])";

std::string responses_document() {
  return cat(R"({"id":"resp_1","object":"response","created_at":7,"status":"completed","model":"gpt","output":)", output,
             R"(,"usage":{"input_tokens":3,"output_tokens":4}})");
}
/// The reasoning item is complete only at its end.
std::string responses_stream() {
  return cat(R"(data: {"type":"response.created","response":{"id":"resp_1","created_at":7,"model":"gpt","output":[]}}

data: {"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"part"}}

data: {"type":"response.reasoning_summary_part.added","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}

data: {"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"hm"}

data: {"type":"response.completed","response":)",
             responses_document(), "}\n\n");
}

/// What must be said to the upstream in the second turn.
void expect_given_back(const Value& second) {
  const auto& input = second.find("input")->elements();
  ASSERT_EQ(input.size(), 7u) << second.dump();
  EXPECT_EQ(input[1].dump(),
            R"({"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"gAAA"})");
  EXPECT_EQ(input[2].dump(), R"({"type":"message","role":"assistant","content":"Let me see."})");
  EXPECT_EQ(input[3].dump(), R"({"type":"function_call","call_id":"call_1","name":"f","arguments":"{\"a\":1}"})");
  EXPECT_EQ(input[4].dump(), R"({"type":"function_call","call_id":"call_2","name":"f","arguments":"{}"})");
  EXPECT_EQ(input[5].dump(), R"({"type":"function_call_output","call_id":"call_1","output":"sunny"})");
  EXPECT_EQ(*input[6].find("call_id")->as_string(), "call_2");
  EXPECT_EQ(second.find("include")->dump(), R"(["reasoning.encrypted_content"])");
  const auto& spec = testing::OpenAiSpec::shared();
  if (spec.there()) EXPECT_EQ(spec.problem("CreateResponse", second.dump()), "");
}

TEST(ResponsesTurns, EncryptedReasoningComesBackFromChat) {
  Conversation talk{openai_chat(), openai_responses()};
  auto request = value(R"({"model":"m","reasoning_effort":"low","messages":[{"role":"user","content":"Weather?"}],
    "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]})");
  EXPECT_NE(talk.ask(request).find("include"), nullptr);
  const auto answer = value(talk.answer(responses_document(), Form::document));
  auto& messages = request.find("messages")->edit_elements();
  messages.push_back(*answer.find("choices")->elements().at(0).find("message"));
  for (const auto* id : {"call_1", "call_2"}) {
    messages.push_back(value(cat(R"({"role":"tool","tool_call_id":")", id, R"(","content":"sunny"})")));
  }
  expect_given_back(talk.ask(request));
}

/// An Anthropic client's message, put together from its stream.
Value message_of(std::string_view stream) {
  auto content = Value::array();
  std::string json;
  for (const auto& said : events_in(stream)) {
    const auto* type = said.find("type");
    if (type == nullptr) continue;
    if (*type->as_string() == "content_block_start") content.edit_elements().push_back(*said.find("content_block"));
    const auto* delta = *type->as_string() == "content_block_delta" ? said.find("delta") : nullptr;
    for (const auto* key : {"text", "thinking", "signature"}) {
      const auto* more = delta != nullptr ? delta->find(key) : nullptr;
      auto* block = content.elements().empty() ? nullptr : &content.edit_elements().back();
      if (more == nullptr) continue;
      const auto* before = block->find(key);
      block->set(key, Value::string(cat(before != nullptr ? *before->as_string() : "", *more->as_string())));
    }
    if (delta != nullptr && delta->find("partial_json") != nullptr) json += *delta->find("partial_json")->as_string();
    if (*type->as_string() != "content_block_stop" || content.elements().back().find("input") == nullptr) continue;
    if (!json.empty()) content.edit_elements().back().set("input", value(json));
    json.clear();
  }
  return Value::object({{"role", Value::string("assistant")}, {"content", std::move(content)}});
}

TEST(ResponsesTurns, EncryptedReasoningComesBackFromAnthropic) {
  for (const auto form : {Form::document, Form::stream}) {
    Conversation talk{anthropic(), openai_responses()};
    auto request = value(R"({"model":"m","max_tokens":4096,"thinking":{"type":"enabled","budget_tokens":1024},
      "messages":[{"role":"user","content":"Weather?"}],"tools":[{"name":"f","input_schema":{"type":"object"}}]})");
    if (form == Form::stream) request.set("stream", Value::boolean(true));
    talk.ask(request);
    const auto answer = talk.answer(form == Form::document ? responses_document() : responses_stream(), form);
    auto message = form == Form::stream
                       ? message_of(answer)
                       : Value::object({{"role", Value::string("assistant")}, {"content", *value(answer).find("content")}});
    auto& messages = request.find("messages")->edit_elements();
    messages.push_back(std::move(message));
    messages.push_back(value(R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":"sunny"},
      {"type":"tool_result","tool_use_id":"call_2","content":"sunny"}]})"));
    expect_given_back(talk.ask(request));
  }
}

}  // namespace
}  // namespace cardea::dialect
