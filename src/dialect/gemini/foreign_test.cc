// What requests of other dialects become.

#include <gtest/gtest.h>

#include "base/text.h"
#include "dialect/dialect.h"
#include "json/value.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& dut = gemini();

Chat foreign_chat() {
  Chat out;
  out.model = "gemini-2.5-flash";
  out.dialect = "anthropic";
  out.messages.push_back({.role = Role::system, .parts = {{.value = Text{.text = "Be brief."}, .cache = CacheHint{}}}});
  out.messages.push_back({.role = Role::user,
                          .name = "ann",
                          .parts = {{.value = Text{.text = "What?"}},
                                    {.value = Image{.media = {.url = "https://e.org/a.png"}, .detail = "auto"}},
                                    {.value = Image{.media = {.id = "file-1"}}},
                                    {.value = Audio{.media = {.base64 = "UklG"}, .format = "wav"}},
                                    {.value = File{.media = {.base64 = "JVBERi0x"}, .name = "a"}}}});
  out.messages.push_back({.role = Role::developer, .parts = {{.value = Text{.text = "Use tools."}}}});
  out.messages.push_back({.role = Role::assistant,
                          .parts = {{.value = Thinking{.text = "hm"}},
                                    {.value = Text{.text = ""}},
                                    {.value = ToolCall{.id = "c1", .name = "f", .arguments = R"({"a": 1})"}},
                                    {.value = ToolCall{.id = "c2", .name = "g", .arguments = "[1]"}},
                                    {.value = Opaque{.dialect = "anthropic", .value = {"{}"}}}}});
  ToolResult second{.call_id = "c2", .is_error = true, .parts = {{.value = Text{.text = "no"}}}};
  ToolResult first{.call_id = "c1",
                   .parts = {{.value = Text{.text = R"({"t": 21.50})"}}, {.value = Image{.media = {.base64 = "aGk="}}}}};
  out.messages.push_back({.role = Role::tool, .parts = {{.value = second}}});
  out.messages.push_back({.role = Role::tool, .parts = {{.value = first}}});
  out.messages.push_back({.role = Role::user, .parts = {{.value = Text{.text = "and?"}}}});
  return out;
}

TEST(GeminiForeign, SaysAForeignConversation) {
  Losses losses;
  const auto body = dut.encode_request(foreign_chat(), losses);
  EXPECT_EQ(
      body,
      R"({"contents":[{"role":"user","parts":[{"text":"What?"},{"fileData":{"mimeType":"image/png","fileUri":"https://e.org/a.png"}},)"
      R"({"inlineData":{"mimeType":"audio/wav","data":"UklG"}},{"inlineData":{"mimeType":"application/pdf","data":"JVBERi0x"}}]},)"
      R"({"role":"model","parts":[{"text":"hm","thought":true},{"functionCall":{"id":"c1","name":"f","args":{"a":1}}},)"
      R"({"functionCall":{"id":"c2","name":"g","args":{"input":"[1]"}}}]},)"
      R"({"role":"user","parts":[{"functionResponse":{"id":"c1","name":"f","response":{"t":21.50}}},)"
      R"({"functionResponse":{"id":"c2","name":"g","response":{"error":"no"}}},)"
      R"({"inlineData":{"mimeType":"image/jpeg","data":"aGk="}},{"text":"and?"}]}],)"
      R"("systemInstruction":{"parts":[{"text":"Be brief."},{"text":"Use tools."}]}})");
  const std::vector<std::string> expected{"messages[0].content[0].cache",
                                          "messages[1].name",
                                          "messages[2].role",
                                          "messages[1].content[2].image",
                                          "messages[1].content[4].file.name",
                                          "messages[3].content[3].arguments",
                                          "messages[3].content[4].opaque",
                                          "messages[5].content[0].tool_result.content[1]"};
  EXPECT_EQ(losses.fields(), expected);
  ASSERT_NE(losses.gravest(), nullptr);
  EXPECT_EQ(losses.gravest()->field, "messages[1].content[2].image");
}

TEST(GeminiForeign, SaysForeignSettings) {
  Chat chat;
  chat.model = "gemini-2.5-pro";
  chat.dialect = "openai_chat";
  chat.messages.push_back({.role = Role::user, .parts = {{.value = Text{.text = "hi"}}}});
  chat.tools = std::vector<Tool>{
      {.name = "f",
       .parameters = Json{R"({"type":"object","properties":{"a":{"type":"string"}},"required":["a"]})"},
       .strict = true},
      {.name = "none", .parameters = Json{R"({"type":"object","properties":{},"additionalProperties":false})"}},
      {.name = "wide", .parameters = Json{R"({"type":"object","properties":{"a":{"type":"string","format":"email"}}})"}},
      {.kind = Tool::Kind::built_in, .name = "web_search", .builtin = Json{"{}"}}};
  chat.tool_choice = ToolChoice{
      .mode = ToolChoice::Mode::raw,
      .raw = Json{
          R"({"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}})"}};
  chat.parallel_tool_calls = false;
  chat.response_format =
      ResponseFormat{.kind = ResponseFormat::Kind::json_schema,
                     .name = "n",
                     .schema = Json{R"({"type":"object","properties":{"b":{"type":"integer"},"a":{"type":"null"}}})"},
                     .strict = true};
  chat.sampling = {.temperature = Number{"2.5"}, .top_k = Number{"-1"}, .min_p = Number{"1"}, .seed = Number{"4294967297"}};
  chat.limits.max_tokens = 9;
  chat.stop = std::vector<std::string>{"1", "2", "3", "4", "5", "6"};
  chat.reasoning = Reasoning{.effort = "none"};
  chat.service_tier = "default";
  chat.user = "u";
  chat.extras = {{"vendor", {"1"}}};
  Losses losses;
  const auto body = dut.encode_request(chat, losses);
  EXPECT_EQ(
      body,
      R"({"contents":[{"role":"user","parts":[{"text":"hi"}]}],"tools":[{"functionDeclarations":[)"
      R"({"name":"f","parameters":{"type":"OBJECT","properties":{"a":{"type":"STRING"}},"required":["a"]}},{"name":"none"},)"
      R"({"name":"wide","parametersJsonSchema":{"type":"object","properties":{"a":{"type":"string","format":"email"}}}}]}],)"
      R"("toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}},)"
      R"("generationConfig":{"temperature":2,"seed":1,"maxOutputTokens":9,"stopSequences":["1","2","3","4","5"],)"
      R"("responseMimeType":"application/json","responseSchema":{"type":"OBJECT","properties":{"b":{"type":"INTEGER"},"a":{"type":"NULL"}},)"
      R"("propertyOrdering":["b","a"]},"thinkingConfig":{"thinkingBudget":128}},"serviceTier":"standard"})");
  const std::vector<std::string> expected{"tools[0].strict",
                                          "tools[3].web_search",
                                          "parallel_tool_calls",
                                          "temperature",
                                          "top_k",
                                          "seed",
                                          "stop",
                                          "response_format.name",
                                          "reasoning",
                                          "min_p",
                                          "user",
                                          "vendor"};
  EXPECT_EQ(losses.fields(), expected);
}

struct ThinkingCase {
  std::string_view model;
  Reasoning asked;
  std::string_view said;
};

TEST(GeminiForeign, SaysReasoningInTheModelsWords) {
  const ThinkingCase cases[] = {
      {"gemini-2.5-flash", {.effort = "high"}, R"({"thinkingBudget":24576,"includeThoughts":true})"},
      {"gemini-2.5-flash", {.effort = "xhigh"}, R"({"thinkingBudget":24576,"includeThoughts":true})"},
      {"gemini-2.5-flash", {.effort = "none"}, R"({"thinkingBudget":0})"},
      {"gemini-2.5-flash-lite", {.budget_tokens = 100}, R"({"thinkingBudget":512,"includeThoughts":true})"},
      {"gemini-2.5-pro", {.budget_tokens = 4000, .mode = "enabled"}, R"({"thinkingBudget":4000,"includeThoughts":true})"},
      {"gemini-2.5-pro", {.mode = "adaptive"}, R"({"thinkingBudget":-1,"includeThoughts":true})"},
      {"gemini-3-pro-preview", {.effort = "low"}, R"({"thinkingLevel":"LOW","includeThoughts":true})"},
      {"models/gemini-3.1-pro", {.budget_tokens = 30'000}, R"({"thinkingLevel":"HIGH","includeThoughts":true})"},
      {"gemini-3-flash", {.mode = "disabled"}, R"({"thinkingLevel":"MINIMAL"})"},
      {"gemini-3-flash", {.mode = "adaptive", .include = false}, R"({"includeThoughts":false})"},
      {"other", {.effort = "medium", .include = false}, R"({"thinkingBudget":8192,"includeThoughts":false})"},
      {"gemini-2.0-flash", {.effort = "medium"}, ""},
  };
  for (const auto& [model, wanted, said] : cases) {
    Chat chat;
    chat.model = model;
    chat.dialect = "openai_chat";
    chat.messages.push_back({.role = Role::user, .parts = {{.value = Text{.text = "hi"}}}});
    chat.reasoning = wanted;
    Losses losses;
    const auto body = json::parse(dut.encode_request(chat, losses));
    const auto* config = body->find("generationConfig");
    const auto* thinking = config != nullptr ? config->find("thinkingConfig") : nullptr;
    EXPECT_EQ(thinking != nullptr ? thinking->dump() : "", said) << model;
  }
}

TEST(GeminiForeign, MediaOfResultsGoWithThemWhereTheModelTakesThem) {
  auto chat = foreign_chat();
  chat.model = "gemini-3-pro-preview";
  Losses losses;
  const auto body = dut.encode_request(chat, losses);
  EXPECT_NE(
      body.find(
          R"({"functionResponse":{"id":"c1","name":"f","response":{"t":21.50},"parts":[{"inlineData":{"mimeType":"image/jpeg","data":"aGk="}}]}},)"),
      std::string::npos)
      << body;
}

TEST(GeminiForeign, CallsThatGemini3DidNotMakeAreMarked) {
  auto chat = foreign_chat();
  chat.model = "gemini-3-pro-preview";
  Losses losses;
  const std::string first = R"({"functionCall":{"id":"c1","name":"f","args":{"a":1}})";
  const std::string second = R"(,{"functionCall":{"id":"c2","name":"g","args":{"input":"[1]"}}})";
  EXPECT_NE(
      dut.encode_request(chat, losses).find(cat(first, R"(,"thoughtSignature":"skip_thought_signature_validator"})", second)),
      std::string::npos);
  std::get<ToolCall>(chat.messages[3].parts[2].value).signature = "c2ln";
  EXPECT_NE(dut.encode_request(chat, losses).find(cat(first, R"(,"thoughtSignature":"c2ln"})", second)), std::string::npos);
}

TEST(GeminiForeign, SearchIsSearch) {
  Chat chat;
  chat.dialect = "anthropic";
  chat.model = "m";
  chat.messages.push_back({.role = Role::user, .parts = {{.value = Text{.text = "a"}}}});
  chat.tools = std::vector<Tool>{{.kind = Tool::Kind::built_in,
                                  .name = "web_search",
                                  .builtin = Json{R"({"type":"web_search_20250305","name":"web_search","max_uses":3})"}}};
  chat.web_search = Json{"{}"};
  Losses losses;
  const std::string_view said = R"({"contents":[{"role":"user","parts":[{"text":"a"}]}],"tools":[{"googleSearch":{}}]})";
  EXPECT_EQ(dut.encode_request(chat, losses), said);
  EXPECT_EQ(losses.fields(), std::vector<std::string>{"tools[0].web_search.max_uses"});
  chat.tools.reset();
  EXPECT_EQ(dut.encode_request(chat, losses), said);
  EXPECT_EQ(losses.gravest(), nullptr);
  chat.tools = std::vector<Tool>{{.name = "f"}};
  EXPECT_EQ(dut.encode_request(chat, losses).find("googleSearch"), std::string::npos);
  EXPECT_EQ(losses.gravest()->field, "web_search_options");
}

TEST(GeminiForeign, LeavesNothingEmptyBehind) {
  Chat chat;
  chat.dialect = "openai_chat";
  chat.model = "m";
  chat.messages.push_back({.role = Role::user, .parts = {{.value = Text{.text = "a"}}}});
  chat.messages.push_back({.role = Role::assistant, .parts = {{.value = Text{.text = ""}}}});
  chat.messages.push_back({.role = Role::user, .parts = {{.value = Text{.text = "b"}}}});
  chat.tools = std::vector<Tool>{{.kind = Tool::Kind::built_in, .name = "x"}};
  chat.stop = std::vector<std::string>{};
  Losses losses;
  EXPECT_EQ(dut.encode_request(chat, losses), R"({"contents":[{"role":"user","parts":[{"text":"a"},{"text":"b"}]}]})");
  // Where only the system speaks, the last that it says is asked.
  chat.messages = {{.role = Role::system, .parts = {{.value = Text{.text = "a"}}, {.value = Text{.text = "b"}}}}};
  EXPECT_EQ(dut.encode_request(chat, losses),
            R"({"contents":[{"role":"user","parts":[{"text":"b"}]}],"systemInstruction":{"parts":[{"text":"a"}]}})");
}

TEST(GeminiForeign, OneDetailOfAllImagesIsSaid) {
  Chat chat;
  chat.dialect = "openai_chat";
  chat.model = "m";
  const Part low{.value = Image{.media = {.base64 = "iVBORw0KGgo"}, .detail = "low"}};
  const Part high{.value = Image{.media = {.base64 = "iVBORw0KGgo"}, .detail = "high"}};
  chat.messages = {{.role = Role::user, .parts = {low, low}}};
  Losses losses;
  EXPECT_NE(dut.encode_request(chat, losses).find(R"("generationConfig":{"mediaResolution":"MEDIA_RESOLUTION_LOW"})"),
            std::string::npos);
  EXPECT_TRUE(losses.empty());
  chat.messages[0].parts[1] = high;
  EXPECT_EQ(dut.encode_request(chat, losses).find("mediaResolution"), std::string::npos);
  EXPECT_EQ(losses.fields(),
            (std::vector<std::string>{"messages[0].content[0].image.detail", "messages[0].content[1].image.detail"}));
}

}  // namespace
}  // namespace cardea::dialect
