// Requests of other dialects: what Anthropic is told of them, and what is named as lost.
#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "json/value.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& claude_dialect = anthropic();

Part say(std::string text) { return {.value = Text{.text = std::move(text)}}; }
Message user(std::string text) { return {.role = Role::user, .parts = {say(std::move(text))}}; }
Chat asking(std::string text) {
  Chat out;
  out.dialect = "openai_chat";
  out.model = "m";
  out.messages = {user(std::move(text))};
  return out;
}

struct Said {
  json::Value body;
  std::string text;
  Losses losses;

  /// The value at a path of keys, "" when it is not there.
  [[nodiscard]] std::string at(std::initializer_list<std::string_view> keys) const {
    const json::Value* value = &body;
    for (const auto key : keys) {
      if (value != nullptr) value = value->find(key);
    }
    return value != nullptr ? value->dump() : "";
  }
};

Said encode(const Chat& chat) {
  Said out;
  out.text = claude_dialect.encode_request(chat, out.losses);
  auto value = json::parse(out.text);
  EXPECT_TRUE(value) << out.text;
  if (value) out.body = std::move(*value);
  // Whatever it came from, it is a request that Anthropic's own reading takes.
  EXPECT_TRUE(claude_dialect.decode_request(out.text, {})) << out.text;
  return out;
}

using Fields = std::vector<std::string>;

TEST(AnthropicForeign, MessagesTakeAnthropicsOrder) {
  Chat chat = asking("What is it?");
  chat.messages = {
      {.role = Role::system, .parts = {say("Be brief.")}},
      {.role = Role::developer, .name = "dev", .parts = {say("Be kind.")}},
      user("one"),
      {.role = Role::user, .name = "ann", .parts = {say(""), say("two"), say(" \n")}},
      {.role = Role::assistant,
       .parts = {{.value = Thinking{.text = "unsigned"}},
                 say("Let me look."),
                 {.value = ToolCall{.id = "functions.f:0", .name = "f", .arguments = R"({"a":1})"}},
                 {.value = ToolCall{.id = "call_2", .name = "g", .arguments = ""}}}},
      {.role = Role::tool, .parts = {{.value = ToolResult{.call_id = "functions.f:0", .parts = {say("42")}}}}},
      {.role = Role::system, .parts = {say("Now be funny.")}},
      {.role = Role::tool, .parts = {{.value = ToolResult{.call_id = "call_2", .is_error = true}}}},
      user("and?"),
      {.role = Role::assistant, .parts = {say("")}},
      user("still there?"),
      {.role = Role::assistant, .parts = {say("The answer is ( \n")}},
  };
  const auto said = encode(chat);
  EXPECT_EQ(said.at({"system"}),
            R"([{"type":"text","text":"Be brief."},{"type":"text","text":"Be kind."},{"type":"text","text":"Now be funny."}])");
  EXPECT_EQ(
      said.at({"messages"}),
      R"([{"role":"user","content":[{"type":"text","text":"one"},{"type":"text","text":"two"}]},)"
      R"({"role":"assistant","content":[{"type":"text","text":"Let me look."},)"
      R"({"type":"tool_use","id":"functions_f_0_0","name":"f","input":{"a":1}},{"type":"tool_use","id":"call_2","name":"g","input":{}}]},)"
      R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"functions_f_0_0","content":"42"},)"
      R"({"type":"tool_result","tool_use_id":"call_2","is_error":true},{"type":"text","text":"and?"},{"type":"text","text":"still there?"}]},)"
      R"({"role":"assistant","content":[{"type":"text","text":"The answer is ("}]}])");
  EXPECT_EQ(said.losses.fields(), (Fields{"messages[1].name", "messages[3].name", "messages[4].content[0].thinking",
                                          "messages[6].role", "messages[11].content[0]"}));
  EXPECT_EQ(said.losses.gravest(), nullptr);
}

TEST(AnthropicForeign, ConversationsBeginWithTheUser) {
  Chat chat = asking("");
  chat.messages = {{.role = Role::system, .parts = {say("Say hello.")}}};
  auto said = encode(chat);
  EXPECT_EQ(said.at({"system"}), "");
  EXPECT_EQ(said.at({"messages"}), R"([{"role":"user","content":"Say hello."}])");
  EXPECT_EQ(said.losses.fields(), Fields{"messages[0].role"});

  chat.messages = {{.role = Role::assistant, .parts = {say("Hello!")}}, user("Hi")};
  said = encode(chat);
  EXPECT_EQ(said.at({"messages"}),
            R"([{"role":"user","content":"."},{"role":"assistant","content":"Hello!"},{"role":"user","content":"Hi"}])");
  EXPECT_EQ(said.losses.fields(), Fields{"messages[0]"});
}

TEST(AnthropicForeign, MediaAreSaidAsTheyCan) {
  Chat chat = asking("");
  chat.messages = {
      {.role = Role::user,
       .parts = {{.value = Image{.media = {.base64 = "iVBORw0KGgoAAA"}, .detail = "low"}},
                 {.value = Image{.media = {.base64 = "AAAA", .media_type = "image/jpg"}}},
                 {.value = Image{.media = {.url = "https://e.org/a.png"}}},
                 {.value = Image{.media = {.id = "file-1"}}},
                 {.value = File{.media = {.base64 = "JVBERi0x", .media_type = "application/pdf"}, .name = "a.pdf"}},
                 {.value = File{.media = {.base64 = "JVBERi0x"}}},
                 {.value = File{.media = {.base64 = to_base64("a,b"), .media_type = "text/csv"}, .name = "t.csv"}},
                 {.value = File{.media = {.base64 = "iVBORw0KGgo", .media_type = "image/png"}}},
                 {.value = File{.media = {.url = "https://e.org/a.pdf"}}},
                 {.value = File{.media = {.base64 = "UEsD", .media_type = "application/zip"}}},
                 {.value = File{.media = {.id = "file-2"}}},
                 {.value = Audio{.media = {.base64 = "UklG"}, .format = "wav"}},
                 {.value = Opaque{.dialect = "openai_chat", .value = {R"({"type":"video_url"})"}}}}},
      {.role = Role::assistant,
       .parts = {{.value = Audio{.media = {.id = "audio_1"}, .transcript = "Spoken."}},
                 {.value = Image{.media = {.url = "u"}}},
                 {.value = Opaque{.dialect = "openai_responses", .value = {R"({"type":"web_search_call"})"}}},
                 {.value = Refusal{"I cannot."}}}},
      {.role = Role::tool,
       .parts = {{.value = ToolResult{.call_id = "c",
                                      .parts = {say("see"),
                                                {.value = Image{.media = {.url = "https://e.org/r.png"}}},
                                                {.value = Audio{.media = {.url = "u"}}}}}}}},
      {.role = Role::user, .parts = {{.value = Audio{.media = {.url = "u"}}}}},
  };
  const auto said = encode(chat);
  EXPECT_EQ(said.at({"messages"}),
            R"([{"role":"user","content":[)"
            R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgoAAA"}},)"
            R"({"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"AAAA"}},)"
            R"({"type":"image","source":{"type":"url","url":"https://e.org/a.png"}},)"
            R"({"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0x"},"title":"a.pdf"},)"
            R"({"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0x"}},)"
            R"({"type":"document","source":{"type":"text","media_type":"text/plain","data":"a,b"},"title":"t.csv"},)"
            R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo"}},)"
            R"({"type":"document","source":{"type":"url","url":"https://e.org/a.pdf"}}]},)"
            R"({"role":"assistant","content":[{"type":"text","text":"Spoken."},{"type":"text","text":"I cannot."}]},)"
            R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":[{"type":"text","text":"see"},)"
            R"({"type":"image","source":{"type":"url","url":"https://e.org/r.png"}}]}]}])");
  EXPECT_EQ(said.losses.fields(),
            (Fields{"messages[0].content[0].image.detail", "messages[0].content[3].image", "messages[0].content[9].file",
                    "messages[0].content[10].file", "messages[0].content[11].audio", "messages[0].content[12].opaque",
                    "messages[1].content[0].audio", "messages[1].content[1].image", "messages[1].content[2].opaque",
                    "messages[3].content[0].audio", "messages[2].content[0].content[2].audio"}));
}

TEST(AnthropicForeign, ThinkingThatCameBackIsSaid) {
  Chat chat = asking("q");
  chat.messages.push_back({.role = Role::assistant,
                           .parts = {{.value = Thinking{.text = "hm", .signature = "sig"}},
                                     {.value = Thinking{.text = {}, .redacted = "red"}, .cache = CacheHint{}},
                                     say("a")}});
  chat.messages.push_back(user("b"));
  const auto said = encode(chat);
  EXPECT_NE(
      said.text.find(R"([{"type":"thinking","thinking":"hm","signature":"sig"},{"type":"redacted_thinking","data":"red"},)"),
      std::string::npos)
      << said.text;
  EXPECT_EQ(said.losses.fields(), Fields{"messages[1].content[1].cache_control"});
}

TEST(AnthropicForeign, ToolsAndChoices) {
  Chat chat = asking("x");
  chat.tools = std::vector<Tool>{
      {.name = "f",
       .description = "d",
       .parameters = Json{R"({"type":"object","properties":{"a":{"type":"integer","minimum":1}},"additionalProperties":false})"},
       .strict = true,
       .cache = CacheHint{}},
      {.name = "g"},
      {.name = "h", .parameters = Json{R"({"properties":{"a":{}}})"}, .strict = false},
      {.name = "r", .parameters = Json{R"({"type":"object"})"}, .strict = true, .extras = {{"vendor", {"1"}}}},
      {.kind = Tool::Kind::custom, .name = "c", .format = Json{R"({"type":"text"})"}},
      {.kind = Tool::Kind::built_in, .name = "web_search", .builtin = Json{R"({"type":"web_search"})"}}};
  chat.tool_choice = ToolChoice{.mode = ToolChoice::Mode::required};
  chat.parallel_tool_calls = false;
  const auto said = encode(chat);
  EXPECT_EQ(
      said.at({"tools"}),
      R"([{"name":"f","description":"d","input_schema":{"type":"object","properties":{"a":{"type":"integer","description":"{minimum: 1}"}},"additionalProperties":false},"strict":true,"cache_control":{"type":"ephemeral"}},)"
      R"({"name":"g","input_schema":{"type":"object","properties":{}}},)"
      R"({"name":"h","input_schema":{"type":"object","properties":{"a":{}}},"strict":false},)"
      R"({"name":"r","input_schema":{"type":"object"}},)"
      R"({"name":"c","input_schema":{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}}])");
  EXPECT_EQ(said.at({"tool_choice"}), R"({"type":"any","disable_parallel_tool_use":true})");
  EXPECT_EQ(said.losses.fields(), (Fields{"tools[0].parameters.properties.a.minimum", "tools[3].strict", "tools[3].vendor",
                                          "tools[4].custom", "tools[5].web_search"}));
  EXPECT_EQ(said.losses.gravest()->field, "tools[4].custom");
}

struct ChoiceCase {
  std::optional<ToolChoice> choice;
  std::optional<bool> parallel;
  bool tools;
  std::string_view said;
  Fields lost;
};

TEST(AnthropicForeign, ToolChoices) {
  using Mode = ToolChoice::Mode;
  const ChoiceCase cases[] = {
      {ToolChoice{.mode = Mode::automatic}, std::nullopt, true, R"({"type":"auto"})", {}},
      {ToolChoice{.mode = Mode::none}, false, true, R"({"type":"none"})", {}},
      {ToolChoice{.mode = Mode::required}, true, true, R"({"type":"any"})", {}},
      {ToolChoice{.mode = Mode::named, .name = "f"},
       false,
       true,
       R"({"type":"tool","name":"f","disable_parallel_tool_use":true})",
       {}},
      {std::nullopt, false, true, R"({"type":"auto","disable_parallel_tool_use":true})", {}},
      {std::nullopt, true, true, "", {}},
      {ToolChoice{.mode = Mode::raw, .raw = Json{"{}"}}, std::nullopt, true, "", {"tool_choice"}},
      {ToolChoice{.mode = Mode::none}, false, false, "", {}},
      {ToolChoice{.mode = Mode::required}, false, false, "", {"tool_choice"}},
  };
  for (const auto& [choice, parallel, tools, expected, lost] : cases) {
    Chat chat = asking("x");
    if (tools) chat.tools = std::vector<Tool>{{.name = "f"}};
    chat.tool_choice = choice;
    chat.parallel_tool_calls = parallel;
    const auto said = encode(chat);
    EXPECT_EQ(said.at({"tool_choice"}), expected);
    EXPECT_EQ(said.losses.fields(), lost) << expected;
  }
}

TEST(AnthropicForeign, SomeOfTheTools) {
  const std::string_view raws[] = {
      R"({"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"g"}},{"type":"function","function":{"name":"h"}}]}})",
      R"({"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"g"},{"type":"function","name":"h"}]})",
      R"({"mode":"ANY","allowedFunctionNames":["g","h"]})",
  };
  for (const auto raw : raws) {
    Chat chat = asking("x");
    chat.tools = std::vector<Tool>{{.name = "f"}, {.name = "g"}, {.name = "h"}};
    chat.tool_choice = ToolChoice{.mode = ToolChoice::Mode::raw, .raw = Json{std::string{raw}}};
    chat.reasoning = Reasoning{.effort = "low"};
    const auto said = encode(chat);
    EXPECT_EQ(
        said.at({"tools"}),
        R"([{"name":"g","input_schema":{"type":"object","properties":{}}},{"name":"h","input_schema":{"type":"object","properties":{}}}])");
    EXPECT_EQ(said.at({"tool_choice"}), R"({"type":"any"})");
    EXPECT_EQ(said.losses.fields(), (Fields{"reasoning", "tool_choice"}));
    EXPECT_EQ(said.losses.gravest(), nullptr);
  }
}

TEST(AnthropicForeign, EverythingElseIsSaidOrNamed) {
  Chat chat = asking("x");
  chat.sampling = {.temperature = Number{"1.70"},
                   .top_p = Number{"0.90"},
                   .top_k = Number{"40"},
                   .min_p = Number{"0.1"},
                   .frequency_penalty = Number{"0.5"},
                   .presence_penalty = Number{"0"},
                   .repetition_penalty = Number{"1.1"},
                   .seed = Number{"18446744073709551616"},
                   .logit_bias = Json{R"({"50256":-100})"}};
  chat.limits = {.max_output_tokens = 300, .max_tokens = 200};
  chat.stop = std::vector<std::string>{"END", "\n"};
  chat.n = 2;
  chat.logprobs = true;
  chat.top_logprobs = 3;
  chat.verbosity = "low";
  chat.service_tier = "priority";
  chat.user = "u";
  chat.safety_identifier = "s";
  chat.prompt_cache_key = "k";
  chat.prompt_cache_retention = "24h";
  chat.metadata = std::vector<Metadata>{{"a", "b"}};
  chat.store = true;
  chat.modalities = std::vector<std::string>{"text", "audio"};
  chat.audio = AudioOutput{.voice = Json{"\"alloy\""}, .format = "wav"};
  chat.prediction = Json{"{}"};
  chat.web_search = Json{"{}"};
  chat.safety = std::vector<SafetySetting>{{"a", "b"}};
  chat.stream = true;
  chat.include_usage = true;
  chat.extras = {{"vendor", {"1"}}};
  const auto said = encode(chat);
  EXPECT_EQ(said.text,
            R"({"model":"m","max_tokens":300,"messages":[{"role":"user","content":"x"}],"temperature":1,"top_p":0.90,"top_k":40,)"
            R"("stop_sequences":["END"],"metadata":{"user_id":"s"},"service_tier":"auto","stream":true})");
  EXPECT_EQ(said.losses.fields(), (Fields{"max_tokens",
                                          "web_search_options",
                                          "temperature",
                                          "min_p",
                                          "frequency_penalty",
                                          "repetition_penalty",
                                          "seed",
                                          "logit_bias",
                                          "stop[1]",
                                          "user",
                                          "metadata",
                                          "service_tier",
                                          "n",
                                          "logprobs",
                                          "top_logprobs",
                                          "verbosity",
                                          "prompt_cache_key",
                                          "prompt_cache_retention",
                                          "store",
                                          "prediction",
                                          "safety",
                                          "modalities",
                                          "audio",
                                          "vendor"}));
  Fields grave;
  for (const auto& loss : said.losses.all()) {
    if (loss.weight == Loss::Weight::meaning) grave.push_back(loss.field);
    EXPECT_EQ(loss.reason.find_first_of(";,"), std::string::npos) << loss.reason;
  }
  EXPECT_EQ(grave, (Fields{"web_search_options", "stop[1]", "n", "logprobs", "modalities", "audio"}));
}

TEST(AnthropicForeign, WhatSaysNothingIsNoLoss) {
  Chat chat = asking("x");
  chat.sampling = {.frequency_penalty = Number{"0.0"}, .presence_penalty = Number{"0"}, .logit_bias = Json{"{}"}};
  chat.n = 1;
  chat.logprobs = false;
  chat.store = false;
  chat.modalities = std::vector<std::string>{"text"};
  chat.parallel_tool_calls = true;
  chat.tools.emplace();
  chat.response_format = ResponseFormat{};
  chat.include_usage = true;
  const auto said = encode(chat);
  EXPECT_EQ(said.text, R"({"model":"m","max_tokens":8192,"messages":[{"role":"user","content":"x"}]})");
  EXPECT_TRUE(said.losses.empty());
}

TEST(AnthropicForeign, AnswerFormats) {
  using Form = ResponseFormat::Kind;
  Chat chat = asking("x");
  chat.response_format = ResponseFormat{
      .kind = Form::json_schema,
      .name = "n",
      .schema = Json{R"({"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false})"},
      .strict = true};
  auto said = encode(chat);
  EXPECT_EQ(
      said.at({"output_config"}),
      R"({"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}}})");
  EXPECT_EQ(said.losses.fields(), Fields{"response_format.name"});
  EXPECT_EQ(said.losses.gravest(), nullptr);

  chat.response_format->schema = Json{R"({"type":"object"})"};
  said = encode(chat);
  EXPECT_EQ(said.at({"output_config"}), "");
  EXPECT_EQ(said.losses.gravest()->field, "response_format.schema");

  chat.response_format = ResponseFormat{.kind = Form::json_object};
  said = encode(chat);
  EXPECT_NE(said.at({"system"}).find("JSON"), std::string::npos);
  EXPECT_EQ(said.losses.fields(), Fields{"response_format"});
  EXPECT_EQ(said.losses.gravest(), nullptr);

  chat.response_format = ResponseFormat{.kind = Form::raw, .raw = Json{"{}"}};
  EXPECT_EQ(encode(chat).losses.gravest()->field, "response_format");
}

struct ThinkCase {
  std::string_view model;
  Reasoning reasoning;
  std::optional<std::uint64_t> limit;
  std::string_view thinking;
  std::string_view effort;
  std::string_view max_tokens;
  Fields lost;
};

TEST(AnthropicForeign, EffortsAndBudgets) {
  constexpr std::string_view older = "claude-sonnet-4-5";
  constexpr std::string_view both = "claude-opus-4-6";
  constexpr std::string_view newer = "claude-opus-4-7";
  const ThinkCase cases[] = {
      {older, {.effort = "low"}, {}, R"({"type":"enabled","budget_tokens":1024})", "", "32000", {}},
      {older, {.effort = "high"}, {}, R"({"type":"enabled","budget_tokens":24000})", "", "32000", {}},
      {older, {.effort = "medium"}, 4000, R"({"type":"enabled","budget_tokens":3000})", "", "4000", {}},
      {older, {.effort = "minimal"}, 4000, R"({"type":"enabled","budget_tokens":1024})", "", "4000", {"reasoning.effort"}},
      {older, {.effort = "none"}, {}, R"({"type":"disabled"})", "", "32000", {}},
      {older, {.effort = "low"}, 1000, "", "", "1000", {"reasoning"}},
      {older, {.budget_tokens = 5000}, {}, R"({"type":"enabled","budget_tokens":5000})", "", "32000", {}},
      {older, {.budget_tokens = 40'000}, {}, R"({"type":"enabled","budget_tokens":40000})", "", "44096", {}},
      {older,
       {.budget_tokens = 5000},
       5000,
       R"({"type":"enabled","budget_tokens":4999})",
       "",
       "5000",
       {"reasoning.budget_tokens"}},
      {older, {.budget_tokens = 100}, {}, R"({"type":"enabled","budget_tokens":1024})", "", "32000", {"reasoning.budget_tokens"}},
      {older, {.budget_tokens = 0}, {}, R"({"type":"disabled"})", "", "32000", {}},
      {older,
       {.budget_tokens = 2000, .include = true},
       {},
       R"({"type":"enabled","budget_tokens":2000,"display":"summarized"})",
       "",
       "32000",
       {}},
      {older, {.include = false}, {}, "", "", "32000", {}},
      {older,
       {.effort = "low", .summary = "auto"},
       {},
       R"({"type":"enabled","budget_tokens":1024,"display":"summarized"})",
       "",
       "32000",
       {}},
      {"m", {.effort = "high"}, {}, R"({"type":"enabled","budget_tokens":24576})", "", "28672", {}},
      {both, {.effort = "high"}, 2000, R"({"type":"adaptive"})", R"("high")", "2000", {}},
      {both, {.effort = "xhigh"}, {}, R"({"type":"adaptive"})", R"("high")", "32000", {"reasoning.effort"}},
      {both, {.budget_tokens = 5000}, {}, R"({"type":"enabled","budget_tokens":5000})", "", "32000", {}},
      {newer, {.effort = "xhigh"}, {}, R"({"type":"adaptive"})", R"("xhigh")", "32000", {}},
      {newer, {.effort = "minimal"}, {}, R"({"type":"adaptive"})", R"("low")", "32000", {"reasoning.effort"}},
      {newer, {.budget_tokens = 30'000}, {}, R"({"type":"adaptive"})", R"("high")", "32000", {"reasoning.budget_tokens"}},
      {newer, {.mode = "adaptive"}, {}, R"({"type":"adaptive"})", "", "32000", {}},
      {newer, {.effort = "low", .include = false}, {}, R"({"type":"adaptive","display":"omitted"})", R"("low")", "32000", {}},
  };
  for (const auto& row : cases) {
    Chat chat = asking("x");
    chat.model = row.model;
    chat.reasoning = row.reasoning;
    chat.limits.max_output_tokens = row.limit;
    const auto said = encode(chat);
    EXPECT_EQ(said.at({"thinking"}), row.thinking);
    EXPECT_EQ(said.at({"output_config", "effort"}), row.effort) << row.thinking;
    EXPECT_EQ(said.at({"max_tokens"}), row.max_tokens) << row.thinking;
    EXPECT_EQ(said.losses.fields(), row.lost) << row.thinking;
  }
}

TEST(AnthropicForeign, ThinkingGivesWayOrTakes) {
  Chat chat = asking("x");
  chat.model = "claude-sonnet-4-5";
  chat.reasoning = Reasoning{.effort = "low"};
  chat.sampling = {.temperature = Number{"0.2"}, .top_p = Number{"1"}, .top_k = Number{"5"}};
  auto said = encode(chat);
  EXPECT_EQ(said.at({"temperature"}) + said.at({"top_p"}) + said.at({"top_k"}), "");
  EXPECT_EQ(said.losses.fields(), (Fields{"temperature", "top_k"}));

  // A forced tool changes the answer more than thinking does.
  chat.sampling = {};
  chat.tools = std::vector<Tool>{{.name = "f"}};
  chat.tool_choice = ToolChoice{.mode = ToolChoice::Mode::named, .name = "f"};
  said = encode(chat);
  EXPECT_EQ(said.at({"thinking"}), "");
  EXPECT_EQ(said.at({"tool_choice"}), R"({"type":"tool","name":"f"})");
  EXPECT_EQ(said.losses.fields(), Fields{"reasoning"});

  // Calls that came without signed thoughts cannot be gone on from with a budget; without one they can.
  chat.tool_choice.reset();
  chat.messages.push_back({.role = Role::assistant, .parts = {{.value = ToolCall{.id = "c", .name = "f", .arguments = "{}"}}}});
  chat.messages.push_back({.role = Role::tool, .parts = {{.value = ToolResult{.call_id = "c", .parts = {say("1")}}}}});
  EXPECT_EQ(encode(chat).at({"thinking"}), "");
  auto signed_chat = chat;
  auto& parts = signed_chat.messages[1].parts;
  parts.insert(parts.begin(), {.value = Thinking{.text = "hm", .signature = "sig"}});
  EXPECT_EQ(encode(signed_chat).at({"thinking"}), R"({"type":"enabled","budget_tokens":1024})");
  chat.model = "claude-opus-4-6";
  EXPECT_EQ(encode(chat).at({"thinking"}), R"({"type":"adaptive"})");

  chat.messages = {user("x"), {.role = Role::assistant, .parts = {say("The answer is")}}};
  said = encode(chat);
  EXPECT_EQ(said.at({"thinking"}), "");
  EXPECT_EQ(said.losses.fields(), Fields{"reasoning"});
}

/// A client of Anthropic's whose earlier turn another vendor's model answered: the gateway has taken its signature out.
TEST(AnthropicForeign, ThoughtsOfOthersDoNotReachClaude) {
  Chat chat = asking("x");
  chat.dialect = "anthropic";
  chat.limits.max_tokens = 5000;
  chat.reasoning = Reasoning{.budget_tokens = 2000, .mode = "enabled"};
  chat.messages.push_back(
      {.role = Role::assistant,
       .parts = {{.value = Thinking{.text = "hm"}}, {.value = ToolCall{.id = "c", .name = "f", .arguments = "{}"}}}});
  chat.messages.push_back({.role = Role::tool, .parts = {{.value = ToolResult{.call_id = "c"}}}});
  auto said = encode(chat);
  EXPECT_NE(said.text.find(R"({"type":"thinking","thinking":"hm"})"), std::string::npos);  // a vendor that need not sign
  EXPECT_EQ(said.at({"thinking"}), R"({"type":"enabled","budget_tokens":2000})");
  chat.model = "claude-sonnet-4-5";
  said = encode(chat);
  EXPECT_EQ(said.text.find("hm"), std::string::npos);
  EXPECT_EQ(said.at({"thinking"}), "");
  EXPECT_EQ(said.losses.fields(), (Fields{"messages[1].content[0].thinking", "reasoning"}));
}

TEST(AnthropicForeign, SamplingTheModelRefuses) {
  Chat chat = asking("x");
  chat.model = "claude-opus-4-8";
  chat.sampling = {.temperature = Number{"0.7"}, .top_p = Number{"1"}};
  auto said = encode(chat);
  EXPECT_EQ(said.at({"temperature"}), "");
  EXPECT_EQ(said.losses.fields(), Fields{"temperature"});
  chat.model = "claude-sonnet-4-5";
  said = encode(chat);
  EXPECT_EQ(said.at({"temperature"}), "0.7");
  EXPECT_EQ(said.at({"top_p"}), "");  // 1 says nothing, and both are refused
  EXPECT_TRUE(said.losses.empty());
}

}  // namespace
}  // namespace cardea::dialect
