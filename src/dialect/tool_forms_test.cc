#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dialect/passes.h"
#include "dialect/translate.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is read here
namespace event = model::event;

Pair pair_of(const Dialect& client, const Dialect& upstream) {
  return {.client = client, .upstream = upstream, .model = "up-1", .deployment = "d"};
}
Translated translated(const Dialect& upstream, std::string_view body) {
  auto out = translate_request(pair_of(openai_chat(), upstream), body, {}, Allow::no_change_of_meaning);
  EXPECT_TRUE(out) << out.error().message();
  return out ? std::move(*out) : Translated{};
}
AnswerContext context_of(const Translated& request) {
  return {.request = request.chat, .id = "chatcmpl-1", .model = "m", .created = 1};
}

constexpr std::string_view free_text = R"({"model":"m","messages":[{"role":"user","content":"List"},
  {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"custom","custom":{"name":"shell","input":"ls \"x\""}}]},
  {"role":"tool","tool_call_id":"c1","content":"a"}],
  "tools":[{"type":"custom","custom":{"name":"shell","description":"Runs it"}}],
  "tool_choice":{"type":"custom","custom":{"name":"shell"}}})";

TEST(ToolForms, FreeTextIsAFunctionOfOneText) {
  const auto request = translated(anthropic(), free_text);
  for (
      const std::string_view said :
      {R"({"name":"shell","description":"Runs it","input_schema":{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}})",
       R"("input":{"input":"ls \"x\""})", R"("tool_choice":{"type":"tool","name":"shell"})"}) {
    EXPECT_NE(request.body.find(said), std::string::npos) << said << "\n" << request.body;
  }
  EXPECT_EQ(request.losses.gravest(), nullptr);
  const std::string_view answer = R"({"id":"msg_1","type":"message","role":"assistant","model":"up-1","content":[
    {"type":"tool_use","id":"t1","name":"shell","input":{"input":"rm \"y\"\n"}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":1}})";
  const auto got = translate_response(pair_of(openai_chat(), anthropic()), &request, std::array{answer}, context_of(request), {});
  ASSERT_TRUE(got);
  EXPECT_NE(got->body.find(R"({"id":"t1","type":"custom","custom":{"name":"shell","input":"rm \"y\"\n"}})"), std::string::npos)
      << got->body;
}

TEST(ToolForms, FreeTextComesHomeInStreams) {
  const auto request = translated(anthropic(), free_text);
  AnswerPasses passes{pair_of(openai_chat(), anthropic()), request, "s"};
  std::vector<ChatEvent> said;
  const auto tell = [&](ChatEvent one) {
    std::vector<ChatEvent> events{std::move(one)};
    passes.apply(events);
    said.insert(said.end(), events.begin(), events.end());
  };
  tell(event::PartStart{0, 0, {.value = ToolCall{.id = "t", .name = "shell"}}});
  for (const char c : std::string_view{R"({"input":"a\nb"})"}) tell(event::Delta{0, 0, std::string{c}});
  tell(event::PartStop{0, 0});
  tell(event::PartStart{0, 1, {.value = ToolCall{.id = "u", .name = "other"}}});
  tell(event::Delta{0, 1, "{}"});
  tell(event::PartStop{0, 1});
  const std::vector<ChatEvent> expected{
      event::PartStart{0, 0, {.value = ToolCall{.id = "t", .name = "shell", .kind = ToolKind::custom}}},
      event::Delta{0, 0, "a\nb"},
      event::PartStop{0, 0},
      event::PartStart{0, 1, {.value = ToolCall{.id = "u", .name = "other"}}},
      event::Delta{0, 1, "{}"},
      event::PartStop{0, 1}};
  EXPECT_EQ(said, expected);
}

TEST(ToolForms, AGrammarIsNamed) {
  const auto request = translated(
      gemini(),
      R"({"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"custom","custom":{"name":"f","format":{"type":"grammar","grammar":{"syntax":"regex","definition":"a+"}}}}]})");
  EXPECT_EQ(request.losses.fields(), std::vector<std::string>{"tools[0].format"});
}

TEST(ToolForms, WhereFreeTextIsKnownItStays) {
  const auto request = translated(openai_responses(), free_text);
  EXPECT_NE(request.body.find(R"("type":"custom_tool_call")"), std::string::npos) << request.body;
  EXPECT_TRUE(request.tools.free_text.empty());
}

TEST(ToolForms, NamesAreMadeToFit) {
  const std::string longest(80, 'a');
  Chat chat{.dialect = "openai_chat", .model = "m"};
  chat.tools = std::vector<Tool>{{.name = "files/read.v1"}, {.name = "files_read_v1"}, {.name = longest}, {.name = "7up"}};
  chat.tool_choice = ToolChoice{.mode = ToolChoice::Mode::named, .name = "files/read.v1"};
  chat.messages.push_back({.role = Role::assistant, .parts = {{.value = ToolCall{.id = "c", .name = "files/read.v1"}}}});
  chat.messages.push_back({.role = Role::tool, .parts = {{.value = ToolResult{.call_id = "c", .name = "files/read.v1"}}}});
  Chat same = chat;
  Losses losses;
  EXPECT_TRUE(fit_tools(same, ollama(), losses).renamed.empty());
  EXPECT_EQ(same, chat);
  auto forms = fit_tools(same, bedrock(), losses);
  const std::string cut(64, 'a');
  const std::map<std::string, std::string, std::less<>> renamed{{"files_read_v1_2", "files/read.v1"}, {cut, longest}};
  EXPECT_EQ(forms.renamed, renamed);
  EXPECT_EQ(same.tool_choice->name, "files_read_v1_2");
  EXPECT_EQ(std::get<ToolCall>(same.messages[0].parts[0].value).name, "files_read_v1_2");
  EXPECT_EQ(std::get<ToolResult>(same.messages[1].parts[0].value).name, "files_read_v1_2");
  same = chat;
  forms = fit_tools(same, gemini(), losses);
  EXPECT_EQ(same.tools->at(0).name, "files_read.v1");
  EXPECT_EQ(same.tools->at(3).name, "_7up");
  Translated request{.tools = forms};
  AnswerPasses passes{pair_of(openai_chat(), gemini()), request, "s"};
  Answer answer{.choices = {{.parts = {{.value = ToolCall{.id = "x", .name = "_7up", .arguments = "{}"}}}}}};
  passes.apply(answer);
  EXPECT_EQ(std::get<ToolCall>(answer.choices[0].parts[0].value).name, "7up");
  EXPECT_TRUE(losses.empty());
}

constexpr std::string_view grouped = R"({"model":"m","input":[{"role":"user","content":"Help"},
  {"type":"function_call","call_id":"c1","namespace":"agents","name":"spawn","arguments":"{}"},
  {"type":"function_call_output","call_id":"c1","output":"ok"}],
  "tools":[{"type":"namespace","name":"agents","description":"Helpers","tools":[
    {"type":"function","name":"spawn","description":"Makes one","parameters":{"type":"object"},"strict":false},
    {"type":"function","name":"wait","parameters":{"type":"object"},"defer_loading":true}]},
   {"type":"function","name":"run","parameters":{"type":"object"}}]})";

TEST(ToolForms, FunctionsOfAGroupStandByThemselves) {
  const auto pair = pair_of(openai_responses(), anthropic());
  auto request = translate_request(pair, grouped, {}, Allow::no_change_of_meaning);
  ASSERT_TRUE(request) << request.error().message();
  const auto& body = request->body;
  const auto spawn = body.find(R"({"name":"agents__spawn","description":"Makes one","input_schema")");
  const auto run = body.find(R"({"name":"run")");
  const auto wait = body.find(R"({"name":"agents__wait")");
  EXPECT_TRUE(spawn < run && run < wait && wait != std::string::npos) << body;
  EXPECT_NE(body.find(R"("type":"tool_use","id":"c1","name":"agents__spawn")"), std::string::npos) << body;
  const auto fields = request->losses.fields();
  for (const std::string_view field : {"tools[0].namespace", "tools[0].tools[1].defer_loading"})
    EXPECT_NE(std::ranges::find(fields, field), fields.end()) << field;

  const std::string_view answer = R"({"id":"msg_1","type":"message","role":"assistant","model":"up-1","content":[
    {"type":"tool_use","id":"t1","name":"agents__wait","input":{}},{"type":"tool_use","id":"t2","name":"run","input":{}}],
    "stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":1}})";
  for (const bool stream : {false, true}) {
    request->chat.stream = stream;
    const auto got = translate_response(pair, &*request, std::array{answer}, context_of(*request), {});
    ASSERT_TRUE(got);
    EXPECT_NE(got->body.find(R"("name":"wait","arguments":"{}","namespace":"agents"})"), std::string::npos) << got->body;
    EXPECT_NE(got->body.find(R"("name":"run","arguments":"{}"})"), std::string::npos) << got->body;
  }
}

TEST(ToolForms, GroupsStayWhereTheyAreKnown) {
  const auto own = translate_request(pair_of(openai_responses(), openai_responses()), grouped, {}, Allow::no_change_of_meaning);
  ASSERT_TRUE(own);
  EXPECT_NE(own->body.find(R"({"type":"namespace","name":"agents")"), std::string::npos) << own->body;
  EXPECT_NE(own->body.find(R"("namespace":"agents")"), std::string::npos) << own->body;
}

}  // namespace
}  // namespace cardea::dialect
