// Requests of other dialects, in Converse's words.

#include <gtest/gtest.h>

#include "base/text.h"
#include "dialect/dialect.h"
#include "json/value.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& converse_dialect = bedrock();

struct Said {
  std::string body;
  std::vector<std::string> details;
  std::vector<std::string> meanings;
};

Said say(const Chat& chat) {
  Losses losses;
  Said out{.body = converse_dialect.encode_request(chat, losses), .details = {}, .meanings = {}};
  for (const auto& loss : losses.all()) {
    (loss.weight == Loss::Weight::meaning ? out.meanings : out.details).push_back(loss.field);
    EXPECT_EQ(loss.reason.find_first_of(";,"), std::string::npos) << loss.reason;
  }
  EXPECT_TRUE(json::parse(out.body)) << out.body;
  return out;
}

Chat chat_of(std::vector<Message> messages, std::string model = "anthropic.claude-sonnet-4-5-20250929-v1:0") {
  Chat out;
  out.dialect = "openai_chat";
  out.model = std::move(model);
  out.messages = std::move(messages);
  return out;
}
Part text(std::string said) { return {.value = Text{.text = std::move(said)}}; }
Message user(std::string said) { return {.role = Role::user, .parts = {text(std::move(said))}}; }
using Fields = std::vector<std::string>;

/// A conversation with every kind of part.
Chat whole_conversation() {
  return chat_of({
      {.role = Role::system, .parts = {text("Be brief.")}},
      {.role = Role::developer, .parts = {{.value = Text{.text = "And kind."}, .cache = CacheHint{}}}},
      {.role = Role::user,
       .name = "ann",
       .parts = {text("What is it?"),
                 {.value = Image{.media = {.base64 = "iVBORw0KGgoA"}, .detail = "low"}},
                 {.value = Image{.media = {.url = "https://e.org/x.png"}}},
                 {.value = Audio{.media = {.base64 = "UklG"}, .format = "wav"}},
                 {.value = File{.media = {.base64 = "JVBERi0x", .media_type = "application/pdf"}, .name = "my report.pdf"}},
                 {.value = File{.media = {.base64 = "aGk=", .media_type = "text/plain; charset=utf-8"}, .name = "a_b.txt"}},
                 {.value = File{.media = {.base64 = "e30=", .media_type = "application/json"}, .name = "a_b.json"}},
                 {.value = File{.media = {.id = "file-1"}}},
                 {.value = File{.media = {.base64 = "UEs=", .media_type = "application/zip"}}},
                 {.value = File{.media = {.base64 = "AAAA", .media_type = "video/mp4"}}}}},
      {.role = Role::assistant,
       .parts = {{.value = Thinking{.text = "hm"}},
                 text(""),
                 {.value = Refusal{"Not that."}},
                 {.value = ToolCall{.id = "call_1", .name = "f", .arguments = R"({"a": 1})"}},
                 {.value = ToolCall{.id = "call 2!", .name = "g", .arguments = ""}},
                 {.value = ToolCall{.id = "call_3", .name = "h", .arguments = "{broken"}}}},
      {.role = Role::tool, .parts = {{.value = ToolResult{.call_id = "call_1", .name = "f", .parts = {text("42")}}}}},
      {.role = Role::tool,
       .parts = {{.value = ToolResult{.call_id = "call 2!",
                                      .is_error = true,
                                      .parts = {text("no"),
                                                {.value = Image{.media = {.base64 = "/9j/", .media_type = "image/jpg"}}},
                                                {.value = Audio{.media = {.base64 = "AAAB"}, .format = "mp3"}}}}}}},
      {.role = Role::tool, .parts = {{.value = ToolResult{.call_id = "call_3", .parts = {text("")}}}}},
      {.role = Role::user, .parts = {text(" "), text("Go on.")}},
      {.role = Role::user, .parts = {text("Now.")}},
  });
}

/// Everything that can be asked beside it.
void ask_everything(Chat& chat) {
  chat.tools =
      std::vector<Tool>{{.name = "f",
                         .description = "",
                         .parameters = Json{R"({"type":"object"})"},
                         .strict = true,
                         .cache = CacheHint{.ttl = "1h"}},
                        {.kind = Tool::Kind::built_in, .name = "web_search", .builtin = Json{R"({"type":"web_search"})"}},
                        {.kind = Tool::Kind::custom, .name = "free"},
                        {.name = "g"}};
  chat.tool_choice = ToolChoice{.mode = ToolChoice::Mode::required, .name = {}};
  chat.parallel_tool_calls = false;
  chat.response_format = ResponseFormat{.kind = ResponseFormat::Kind::json_schema,
                                        .name = "n",
                                        .schema = Json{R"({"type":"object","properties":{},"additionalProperties":false})"}};
  chat.sampling = {.temperature = Number{"1.7"},
                   .top_p = Number{"0.90"},
                   .top_k = Number{"40"},
                   .min_p = Number{"0.1"},
                   .frequency_penalty = Number{"0.5"},
                   .presence_penalty = Number{"0.5"},
                   .repetition_penalty = Number{"1.1"},
                   .seed = Number{"7"},
                   .logit_bias = Json{"{}"}};
  chat.limits = {.max_output_tokens = 300};
  chat.stop = std::vector<std::string>{"END", ""};
  chat.n = 2;
  chat.logprobs = true;
  chat.reasoning = Reasoning{.effort = "low"};
  chat.verbosity = "low";
  chat.service_tier = "flex";
  chat.user = "u";
  chat.metadata = std::vector<Metadata>{{"team", "a b"}, {"näme", "x"}};
  chat.store = true;
  chat.modalities = std::vector<std::string>{"text", "audio"};
  chat.web_search = Json{"{}"};
  chat.stream = true;
  chat.include_usage = true;
  chat.extras = {{"vendor_thing", {"1"}}};
}

TEST(BedrockForeign, EverythingIsSaidOrLost) {
  auto chat = whole_conversation();
  ask_everything(chat);
  const auto said = say(chat);
  EXPECT_EQ(
      said.body,
      R"({"messages":[{"role":"user","content":[{"text":"What is it?"},{"image":{"format":"png","source":{"bytes":"iVBORw0KGgoA"}}},)"
      R"({"audio":{"format":"wav","source":{"bytes":"UklG"}}},)"
      R"({"document":{"format":"pdf","name":"my report","source":{"bytes":"JVBERi0x"}}},)"
      R"({"document":{"format":"txt","name":"a-b","source":{"bytes":"aGk="}}},)"
      R"({"document":{"format":"txt","name":"a-b-json","source":{"bytes":"e30="}}},)"
      R"({"video":{"format":"mp4","source":{"bytes":"AAAA"}}}]},)"
      R"({"role":"assistant","content":[{"text":"Not that."},{"toolUse":{"toolUseId":"call_1","name":"f","input":{"a":1}}},)"
      R"({"toolUse":{"toolUseId":"call_af1d6799e93adb8e","name":"g","input":{}}},)"
      R"({"toolUse":{"toolUseId":"call_3","name":"h","input":{"raw_arguments":"{broken"}}}]},)"
      R"({"role":"user","content":[{"toolResult":{"toolUseId":"call_1","content":[{"text":"42"}]}},)"
      R"({"toolResult":{"toolUseId":"call_af1d6799e93adb8e","content":[{"text":"no"},{"image":{"format":"jpeg","source":{"bytes":"/9j/"}}}],"status":"error"}},)"
      R"({"toolResult":{"toolUseId":"call_3","content":[]}},{"audio":{"format":"mp3","source":{"bytes":"AAAB"}}},)"
      R"({"text":"Go on."},{"text":"Now."}]}],"system":[{"text":"Be brief."},{"text":"And kind."},{"cachePoint":{"type":"default"}}],)"
      R"("inferenceConfig":{"maxTokens":300,"temperature":1,"stopSequences":["END"]},)"
      R"("toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"type":"object"}}}},)"
      R"({"cachePoint":{"type":"default","ttl":"1h"}},{"toolSpec":{"name":"free","inputSchema":)"
      R"({"json":{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}}}},{"toolSpec":{"name":"g","inputSchema":{"json":{"type":"object","properties":{}}}}}],)"
      R"("toolChoice":{"any":{}}},)"
      R"("outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":)"
      R"("{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}","name":"n"}}}},)"
      R"("requestMetadata":{"team":"a b"},"additionalModelRequestFields":{"top_k":40,)"
      R"("tool_choice":{"type":"any","disable_parallel_tool_use":true}},"serviceTier":{"type":"flex"}})");
  EXPECT_EQ(said.meanings, (Fields{"messages[2].content[2].image", "messages[2].content[7].file", "messages[2].content[8].file",
                                   "tools[1].web_search", "tools[2].custom", "n", "logprobs", "web_search", "modalities"}));
  EXPECT_EQ(said.details, (Fields{"reasoning.effort",
                                  "seed",
                                  "frequency_penalty",
                                  "presence_penalty",
                                  "min_p",
                                  "repetition_penalty",
                                  "logit_bias",
                                  "messages[2].content[1].image.detail",
                                  "messages[2].content[5].file.name",
                                  "messages[2].content[6].file.name",
                                  "messages[2].name",
                                  "messages[3].content[0].thinking",
                                  "messages[3].content[5].tool_call.arguments",
                                  "temperature",
                                  "top_p",
                                  "tools[0].strict",
                                  "metadata.näme",
                                  "verbosity",
                                  "user",
                                  "store",
                                  "vendor_thing"}));
}

TEST(BedrockForeign, TurnsAlternate) {
  const auto said = say(chat_of({{.role = Role::user, .parts = {text("a")}},
                                 {.role = Role::assistant, .parts = {text("")}},
                                 {.role = Role::user, .parts = {text("b")}},
                                 {.role = Role::system, .parts = {text("late")}},
                                 {.role = Role::assistant, .parts = {text("c")}},
                                 {.role = Role::assistant, .parts = {text("d")}}}));
  EXPECT_EQ(said.body, R"({"messages":[{"role":"user","content":[{"text":"a"},{"text":"b"}]},)"
                       R"({"role":"assistant","content":[{"text":"c"},{"text":"d"}]}],"system":[{"text":"late"}]})");
  EXPECT_EQ(said.details, (Fields{"messages[3]"}));
  EXPECT_EQ(say(chat_of({{.role = Role::system, .parts = {text("alone")}}})).body,
            R"({"messages":[{"role":"user","content":[{"text":"alone"}]}]})");
}

TEST(BedrockForeign, ToolsOfTheConversationAreDeclared) {
  const std::vector<Message> history{
      user("q"),
      {.role = Role::assistant, .parts = {{.value = ToolCall{.id = "c", .name = "f", .arguments = "{}"}}}},
      {.role = Role::tool,
       .parts = {{.value = ToolResult{.call_id = "c", .name = "f", .is_error = true, .parts = {text("no")}}}}}};
  const std::string start =
      R"({"messages":[{"role":"user","content":[{"text":"q"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"c","name":"f","input":{}}}]},)";
  const std::string declared =
      R"("toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"type":"object","properties":{}}}}}]})";
  auto said = say(chat_of(history));
  EXPECT_EQ(said.body,
            start +
                R"({"role":"user","content":[{"toolResult":{"toolUseId":"c","content":[{"text":"no"}],"status":"error"}}]}],)" +
                declared + R"(,"additionalModelRequestFields":{"tool_choice":{"type":"none"}}})");
  EXPECT_EQ(said.details, Fields{});
  // A model that knows neither the flag nor the choice.
  said = say(chat_of(history, "meta.llama3-1-8b-instruct-v1:0"));
  EXPECT_EQ(said.body, start +
                           R"({"role":"user","content":[{"toolResult":{"toolUseId":"c","content":[{"text":"Error: no"}]}}]}],)" +
                           declared + "}");
  EXPECT_EQ(said.details, (Fields{"messages[2].content[0].tool_result.is_error", "tools"}));
}

TEST(BedrockForeign, NoneHidesTheTools) {
  auto chat = chat_of({user("q")}, "meta.llama3-1-8b-instruct-v1:0");
  chat.tools = std::vector<Tool>{{.name = "f"}};
  chat.tool_choice = ToolChoice{.mode = ToolChoice::Mode::none, .name = {}};
  auto said = say(chat);
  EXPECT_EQ(said.body, R"({"messages":[{"role":"user","content":[{"text":"q"}]}]})");
  EXPECT_EQ(said.meanings, Fields{});
  chat.messages.push_back({.role = Role::assistant, .parts = {{.value = ToolCall{.id = "c", .name = "f", .arguments = "{}"}}}});
  EXPECT_EQ(say(chat).meanings, (Fields{"tool_choice"}));
  chat.model = "anthropic.claude-3-haiku-20240307-v1:0";
  said = say(chat);
  EXPECT_EQ(said.meanings, Fields{});
  EXPECT_NE(said.body.find(R"("additionalModelRequestFields":{"tool_choice":{"type":"none"}})"), std::string::npos) << said.body;
  EXPECT_EQ(said.body.find("toolChoice"), std::string::npos);
}

TEST(BedrockForeign, ToolChoices) {
  auto chat = chat_of({user("q")});
  chat.tools = std::vector<Tool>{{.name = "f"}};
  const auto choice = [&](ToolChoice wanted) {
    chat.tool_choice = std::move(wanted);
    const auto body = say(chat).body;
    const auto at = body.find("\"toolChoice\"");
    return at == std::string::npos ? "" : body.substr(at, body.find("}}", at) - at + 2);
  };
  EXPECT_EQ(choice({.mode = ToolChoice::Mode::automatic, .name = {}}), R"("toolChoice":{"auto":{}})");
  EXPECT_EQ(choice({.mode = ToolChoice::Mode::required, .name = {}}), R"("toolChoice":{"any":{}})");
  EXPECT_EQ(choice({.mode = ToolChoice::Mode::named, .name = "f"}), R"("toolChoice":{"tool":{"name":"f"}})");
  chat.model = "anthropic.claude-sonnet-4-5-20250929-v1:0";
  chat.parallel_tool_calls = false;
  EXPECT_NE(say(chat).body.find(R"("tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true})"),
            std::string::npos);
}

struct ReasoningCase {
  std::string_view model;
  Reasoning wish;
  std::string_view said;  ///< from additionalModelRequestFields or outputConfig on, "" for nothing
  Fields details;
};

TEST(BedrockForeign, ReasoningInEachVendorsWords) {
  const ReasoningCase cases[] = {
      {"anthropic.claude-3-7-sonnet-20250219-v1:0",
       {.effort = "low"},
       R"("thinking":{"type":"enabled","budget_tokens":1024})",
       {}},
      {"us.anthropic.claude-sonnet-4-20250514-v1:0",
       {.effort = "minimal"},
       R"("thinking":{"type":"enabled","budget_tokens":1024})",
       {}},
      {"anthropic.claude-3-7-sonnet-20250219-v1:0",
       {.budget_tokens = 5000, .mode = "enabled"},
       R"("thinking":{"type":"enabled","budget_tokens":5000})",
       {}},
      {"anthropic.claude-3-7-sonnet-20250219-v1:0", {.effort = "none"}, R"("thinking":{"type":"disabled"})", {}},
      {"anthropic.claude-3-5-sonnet-20240620-v1:0", {.effort = "none"}, "", {}},
      {"anthropic.claude-3-5-sonnet-20240620-v1:0", {.effort = "high"}, "", {"reasoning.effort"}},
      {"global.anthropic.claude-opus-4-6-v1",
       {.effort = "high"},
       R"("outputConfig":{"effort":"high"},"additionalModelRequestFields":{"thinking":{"type":"adaptive"}})",
       {}},
      {"global.anthropic.claude-opus-4-6-v1",
       {.effort = "xhigh"},
       R"("outputConfig":{"effort":"high"},"additionalModelRequestFields":{"thinking":{"type":"adaptive"}})",
       {"reasoning.effort"}},
      {"anthropic.claude-opus-4-7",
       {.budget_tokens = 9000, .mode = "enabled"},
       R"("outputConfig":{"effort":"medium"},"additionalModelRequestFields":{"thinking":{"type":"adaptive"}})",
       {"reasoning.budget_tokens"}},
      {"anthropic.claude-opus-4-7",
       {.effort = "low", .summary = "auto"},
       R"("outputConfig":{"effort":"low"},"additionalModelRequestFields":{"thinking":{"type":"adaptive","display":"summarized"}})",
       {}},
      {"us.amazon.nova-2-lite-v1:0",
       {.effort = "high"},
       R"("reasoningConfig":{"type":"enabled","maxReasoningEffort":"high"})",
       {}},
      {"us.amazon.nova-pro-v1:0", {.effort = "high"}, "", {"reasoning.effort"}},
      {"openai.gpt-oss-120b-1:0", {.effort = "minimal"}, R"("reasoning_effort":"low")", {"reasoning.effort"}},
      {"openai.gpt-oss-120b-1:0", {.budget_tokens = 30000}, R"("reasoning_effort":"high")", {"reasoning.budget_tokens"}},
      {"meta.llama3-1-8b-instruct-v1:0", {.effort = "high"}, "", {"reasoning.effort"}},
      {"meta.llama3-1-8b-instruct-v1:0", {.effort = "none"}, "", {}},
      {"arn:aws:bedrock:us-east-1:1:application-inference-profile/abc",
       {.effort = "high"},
       R"("outputConfig":{"effort":"high"})",
       {}},
  };
  for (const auto& [model, wish, expected, details] : cases) {
    auto chat = chat_of({user("q")}, std::string{model});
    chat.reasoning = wish;
    const auto said = say(chat);
    if (expected.empty()) {
      EXPECT_EQ(said.body.find("additional"), std::string::npos) << said.body;
      EXPECT_EQ(said.body.find("outputConfig"), std::string::npos) << said.body;
    } else {
      EXPECT_NE(said.body.find(expected), std::string::npos) << model << said.body;
    }
    EXPECT_EQ(said.details, details) << model;
  }
}

TEST(BedrockForeign, ThinkingExcludesWhatClaudeRefusesBesideIt) {
  auto chat = chat_of({user("q")}, "anthropic.claude-sonnet-4-20250514-v1:0");
  chat.reasoning = Reasoning{.effort = "high"};
  chat.limits.max_output_tokens = 4000;
  chat.sampling = {.temperature = Number{"0.2"}, .top_p = Number{"0.9"}, .top_k = Number{"5"}};
  auto said = say(chat);
  EXPECT_EQ(said.body, R"({"messages":[{"role":"user","content":[{"text":"q"}]}],"inferenceConfig":{"maxTokens":4000},)"
                       R"("additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":3000}}})");
  EXPECT_EQ(said.details, (Fields{"top_k", "temperature", "top_p"}));
  // The tool that must be called means more than the thinking.
  chat.sampling = {};
  chat.tools = std::vector<Tool>{{.name = "f"}};
  chat.tool_choice = ToolChoice{.mode = ToolChoice::Mode::required, .name = {}};
  said = say(chat);
  EXPECT_EQ(said.details, (Fields{"reasoning.effort"}));
  EXPECT_EQ(said.body.find("thinking"), std::string::npos);
  // So does a small limit.
  chat.tool_choice.reset();
  chat.limits.max_output_tokens = 100;
  EXPECT_EQ(say(chat).details, (Fields{"reasoning.effort"}));
  // Calls that were made without thinking.
  chat.limits.max_output_tokens.reset();
  chat.messages.push_back({.role = Role::assistant, .parts = {{.value = ToolCall{.id = "c", .name = "f", .arguments = "{}"}}}});
  chat.messages.push_back({.role = Role::tool, .parts = {{.value = ToolResult{.call_id = "c", .parts = {text("1")}}}}});
  EXPECT_EQ(say(chat).details, (Fields{"reasoning.effort"}));
  std::get<ToolCall>(chat.messages[1].parts[0].value);
  chat.messages[1].parts.insert(chat.messages[1].parts.begin(), Part{.value = Thinking{.text = "t", .signature = "s"}});
  said = say(chat);
  EXPECT_EQ(said.details, Fields{});
  EXPECT_NE(said.body.find(R"({"reasoningContent":{"reasoningText":{"text":"t","signature":"s"}}},{"toolUse")"),
            std::string::npos);
}

TEST(BedrockForeign, VendorsOwnSampling) {
  auto chat = chat_of({user("q")}, "amazon.nova-lite-v1:0");
  chat.sampling.top_k = Number{"5"};
  EXPECT_NE(say(chat).body.find(R"("additionalModelRequestFields":{"inferenceConfig":{"topK":5}})"), std::string::npos);
  chat.model = "cohere.command-r-v1:0";
  chat.sampling.seed = Number{"18446744073709551616"};
  chat.sampling.frequency_penalty = Number{"0.10"};
  const auto said = say(chat);
  EXPECT_NE(said.body.find(R"({"k":5,"seed":18446744073709551616,"frequency_penalty":0.10})"), std::string::npos) << said.body;
  EXPECT_EQ(said.details, Fields{});
}

TEST(BedrockForeign, CacheMarks) {
  const Part marked{.value = Text{.text = "long"}, .cache = CacheHint{.ttl = "1h"}};
  ToolResult result{.call_id = "c", .parts = {marked}};
  auto chat = chat_of({{.role = Role::user, .parts = {marked, {.value = result}}}});
  EXPECT_NE(say(chat).body.find(
                R"([{"toolResult":{"toolUseId":"c","content":[{"text":"long"}]}},{"cachePoint":{"type":"default","ttl":"1h"}},)"
                R"({"text":"long"},{"cachePoint":{"type":"default","ttl":"1h"}}])"),
            std::string::npos)
      << say(chat).body;
  chat.model = "meta.llama3-1-8b-instruct-v1:0";
  EXPECT_EQ(say(chat).details, (Fields{"messages[0].content[0].cache", "messages[0].content[1].cache", "tools"}));
}

TEST(BedrockForeign, DocumentNamesArePlainAndUnique) {
  const auto file = [](std::string name) {
    return Part{.value = File{.media = {.base64 = "aGk=", .media_type = "text/plain"}, .name = std::move(name)}};
  };
  Part unnamed = file("");
  std::get<File>(unnamed.value).name.reset();
  const auto said =
      say(chat_of({{.role = Role::user, .parts = {file("a.txt"), file("a.txt"), unnamed, file("Über (1) [x].md")}}}));
  for (const auto name : {"\"name\":\"a\"", "\"name\":\"a (2)\"", "\"name\":\"document\"", "\"name\":\"-ber (1) [x]-md\""}) {
    EXPECT_NE(said.body.find(name), std::string::npos) << name << said.body;
  }
  EXPECT_EQ(said.details, (Fields{"messages[0].content[3].file.name", "messages"}));
}

TEST(BedrockForeign, AnthropicsStopSequencesAndDocuments) {
  auto chat = chat_of({{.role = Role::user,
                        .parts = {{.value = File{.media = {.base64 = "aGk=", .media_type = "text/plain"}},
                                   .extras = {{"citations", {R"({"enabled":true})"}}, {"x", {"1"}}}}}}});
  chat.dialect = "anthropic";
  chat.stop = std::vector<std::string>{"END"};
  const auto said = say(chat);
  EXPECT_EQ(
      said.body,
      R"({"messages":[{"role":"user","content":[{"document":{"format":"txt","name":"document",)"
      R"("source":{"bytes":"aGk="},"citations":{"enabled":true}}},{"text":"."}]}],"inferenceConfig":{"stopSequences":["END"]},)"
      R"("additionalModelResponseFieldPaths":["/stop_sequence"]})");
  EXPECT_EQ(said.details, (Fields{"messages[0].content[0].x", "messages"}));
}

struct SchemaCase {
  std::string_view model;
  std::string_view schema;
  Traits::Schema way;
};

TEST(BedrockForeign, SchemasByModel) {
  using enum Traits::Schema;
  const std::string_view closed = R"({"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false})";
  const std::string_view open = R"({"type":"object","additionalProperties":{"type":"string"}})";
  const SchemaCase cases[] = {
      {"us.anthropic.claude-sonnet-4-5-20250929-v1:0", closed, native},
      {"us.anthropic.claude-sonnet-4-5-20250929-v1:0", open, forced_tool},  // Claude's subset has only closed objects
      {"anthropic.claude-3-5-sonnet-20240620-v1:0", closed, forced_tool},
      {"us.amazon.nova-2-lite-v1:0", closed, forced_tool},
      {"qwen.qwen3-32b-v1:0", open, native},
      {"arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", closed, native},
  };
  for (const auto& [model, schema, way] : cases) {
    auto chat = chat_of({user("q")}, std::string{model});
    chat.response_format = ResponseFormat{.kind = ResponseFormat::Kind::json_schema, .schema = Json{std::string{schema}}};
    EXPECT_EQ(converse_dialect.schema_of(chat), way) << model << schema;
    const auto said = say(chat);
    EXPECT_EQ(said.body.find("textFormat") != std::string::npos, way == native) << said.body;
    EXPECT_EQ(said.meanings, way == native ? Fields{} : Fields{"response_format.schema"});
  }
}

TEST(BedrockForeign, StrictToolsWhereTheyAreKnown) {
  auto chat = chat_of({user("q")});
  chat.tools =
      std::vector<Tool>{{.name = "f",
                         .parameters = Json{R"({"type":"object","properties":{"a":{"type":"string"}},"required":["a"]})"},
                         .strict = true}};
  auto said = say(chat);
  EXPECT_NE(said.body.find(R"("additionalProperties":false)"), std::string::npos) << said.body;
  EXPECT_NE(said.body.find(R"("strict":true)"), std::string::npos);
  chat.model = "anthropic.claude-3-haiku-20240307-v1:0";
  said = say(chat);
  EXPECT_EQ(said.body.find("strict"), std::string::npos);
  EXPECT_EQ(said.details, (Fields{"tools[0].strict"}));
}

TEST(BedrockForeign, JsonWithoutASchemaIsAnInstruction) {
  auto chat = chat_of({user("q")});
  chat.response_format = ResponseFormat{.kind = ResponseFormat::Kind::json_object};
  const auto said = say(chat);
  EXPECT_EQ(said.body, R"({"messages":[{"role":"user","content":[{"text":"q"}]}],)"
                       R"("system":[{"text":"Answer with one valid JSON object and nothing else."}]})");
  EXPECT_EQ(said.details, (Fields{"response_format"}));
  EXPECT_EQ(said.meanings, Fields{});
  chat.response_format = ResponseFormat{};
  EXPECT_EQ(say(chat).body, R"({"messages":[{"role":"user","content":[{"text":"q"}]}]})");
}

TEST(BedrockForeign, AnAssistantsBeginning) {
  const auto said = say(chat_of({{.role = Role::assistant, .parts = {text("Once upon ")}}}));
  EXPECT_EQ(said.body, R"({"messages":[{"role":"user","content":[{"text":"."}]},)"
                       R"({"role":"assistant","content":[{"text":"Once upon"}]}]})");
  EXPECT_EQ(said.details, (Fields{"messages[0].content[0]", "messages[0]"}));
}

TEST(BedrockForeign, ResultsStandFirst) {
  const auto said =
      say(chat_of({user("q"),
                   {.role = Role::assistant, .parts = {{.value = ToolCall{.id = "c", .name = "f", .arguments = "{}"}}}},
                   {.role = Role::user, .parts = {text("and"), {.value = ToolResult{.call_id = "c", .parts = {text("1")}}}}}}));
  EXPECT_NE(said.body.find(R"([{"toolResult":{"toolUseId":"c","content":[{"text":"1"}]}},{"text":"and"}])"), std::string::npos);
}

TEST(BedrockForeign, NovaSearches) {
  auto chat = chat_of({user("q")}, "us.amazon.nova-2-lite-v1:0");
  chat.tools = std::vector<Tool>{{.kind = Tool::Kind::built_in, .name = "web_search_20250305"}};
  const auto said = say(chat);
  EXPECT_NE(said.body.find(R"("toolConfig":{"tools":[{"systemTool":{"name":"nova_grounding"}}]})"), std::string::npos);
  EXPECT_EQ(said.meanings, Fields{});
  EXPECT_EQ(said.details, (Fields{"tools[0].web_search_20250305"}));
}

TEST(BedrockForeign, SamplingThatNewerClaudesTake) {
  auto chat = chat_of({user("q")}, "anthropic.claude-opus-4-1-20250805-v1:0");
  chat.sampling = {.temperature = Number{"0.2"}, .top_p = Number{"0.9"}, .top_k = Number{"5"}};
  EXPECT_EQ(say(chat).details, (Fields{"top_p"}));
  chat.model = "global.anthropic.claude-fable-5";
  EXPECT_EQ(say(chat).details, (Fields{"top_k", "temperature", "top_p"}));
  chat.sampling = {.temperature = Number{"1"}};
  EXPECT_EQ(say(chat).body, R"({"messages":[{"role":"user","content":[{"text":"q"}]}]})");
}

}  // namespace
}  // namespace cardea::dialect
