#include <gtest/gtest.h>

#include <array>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/translate.h"
#include "json/value.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& chat = ollama();
const Dialect& generate = ollama_generate();

/// Makes requests of everything that the dialect can say. One seed, one request.
class Generator {
 public:
  Generator(std::uint64_t seed, bool prompt_only) : random_{seed}, prompt_only_{prompt_only} {}

  Chat make() {
    Chat out;
    out.dialect = prompt_only_ ? "ollama_generate" : "ollama";
    out.model = text();
    if (prompt_only_) {
      if (maybe()) out.messages.push_back({.role = Role::system, .parts = {text_part()}});
      out.messages.push_back({.role = Role::user, .parts = {text_part()}});
      if (maybe()) out.messages.back().parts.push_back(image());
    } else {
      for (auto n = 1 + random_.below(5); n > 0; --n) out.messages.push_back(message());
      if (maybe()) out.tools = tools();
    }
    if (maybe()) out.response_format = ResponseFormat{.kind = ResponseFormat::Kind::json_object};
    if (maybe())
      out.response_format = ResponseFormat{.kind = ResponseFormat::Kind::json_schema, .schema = Json{R"({"type":"object"})"}};
    out.sampling = {.temperature = number(),
                    .top_p = number(),
                    .top_k = number(),
                    .min_p = number(),
                    .frequency_penalty = number(),
                    .presence_penalty = number(),
                    .repetition_penalty = number(),
                    .seed = number()};
    if (maybe()) out.limits.max_tokens = random_.next() >> (1 + random_.below(63));
    if (maybe()) out.stop = std::vector<std::string>{text(), text()};
    if (maybe()) out.extras.push_back({"options", {R"({"num_ctx":4096,"mirostat":0.50})"}});
    constexpr std::array<std::string_view, 4> efforts{"low", "medium", "high", "xhigh"};
    if (maybe()) out.reasoning = Reasoning{.mode = maybe() ? "enabled" : "disabled"};
    if (maybe()) out.reasoning = Reasoning{.effort = std::string{efforts[random_.below(4)]}};
    out.stream = maybe();
    if (maybe()) out.logprobs = maybe();
    if (maybe()) out.top_logprobs = random_.below(20);
    if (maybe()) out.extras.push_back({"keep_alive", {"\"5m\""}});
    if (prompt_only_ && maybe()) out.extras.push_back({"suffix", {"\"}\""}});
    return out;
  }

 private:
  bool maybe() { return random_.below(2) == 0; }
  std::string text() {
    static constexpr std::array<std::string_view, 8> pieces{"a", "Zz9", "\"", "\\", "\n\t", "é", "😀", "\xe2\x80\xa8"};
    std::string out{"t"};
    for (auto n = random_.below(5); n > 0; --n) out += pieces[random_.below(pieces.size())];
    return out;
  }
  std::optional<Number> number() {
    static constexpr std::array<std::string_view, 5> spellings{"0.70", "-1e-3", "18446744073709551616", "0", "1E+2"};
    return maybe() ? std::optional{Number{std::string{spellings[random_.below(spellings.size())]}}} : std::nullopt;
  }
  void extras(Extras& out) {
    for (auto n = random_.below(3); n > 0; --n) out.push_back({cat("vendor_", n), {"[1,2.50]"}});
  }
  Part text_part() { return {.value = Text{.text = text()}}; }
  Part image() {
    const bool known = maybe();
    Image out{.media = {.base64 = known ? "iVBORw0KGgoAAAA=" : "aGk="}};
    if (known) out.media.media_type = "image/png";
    return {.value = out};
  }
  Message message() {
    Message out;
    switch (random_.below(4)) {
      case 0:
        out.role = Role::assistant;
        if (maybe()) {
          out.parts.push_back({.value = Thinking{.text = text(), .signature = maybe() ? std::optional{text()} : std::nullopt}});
        }
        if (maybe()) out.parts.push_back(text_part());
        for (auto n = random_.below(3); n > 0; --n) {
          ToolCall call{.name = text(), .arguments = R"({"a":[1.50],"b":{}})"};
          if (maybe()) call.id = "call_" + text();
          if (maybe()) call.signature = text();
          Part part{.value = call};
          extras(part.extras);
          if (maybe()) part.extras.push_back({"function", {R"({"inner":true})"}});
          out.parts.push_back(std::move(part));
        }
        break;
      case 1: {
        out.role = Role::tool;
        ToolResult result;
        if (maybe()) result.name = text();
        if (maybe()) result.call_id = text();
        if (maybe()) result.parts.push_back(text_part());
        out.parts.push_back({.value = result});
        break;
      }
      case 2:
        out.role = Role::system;
        out.parts.push_back(text_part());
        break;
      default:
        if (maybe()) out.parts.push_back(text_part());
        for (auto n = random_.below(3); n > 0; --n) out.parts.push_back(image());
    }
    extras(out.extras);
    return out;
  }
  std::vector<Tool> tools() {
    std::vector<Tool> out;
    for (auto n = random_.below(4); n > 0; --n) {
      Tool tool{.name = text()};
      if (maybe()) tool.description = text();
      if (maybe()) tool.parameters = Json{R"({"type":"object"})"};
      extras(tool.extras);
      out.push_back(std::move(tool));
    }
    return out;
  }

  Random random_;
  bool prompt_only_;
};

TEST(OllamaRequest, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const bool prompt_only = seed % 4 == 0;
    const auto& dialect = prompt_only ? generate : chat;
    const auto made = Generator{seed, prompt_only}.make();
    Losses losses;
    const auto body = dialect.encode_request(made, losses);
    EXPECT_TRUE(losses.empty()) << seed << losses.all().front().field;
    auto back = dialect.decode_request(body, {});
    ASSERT_TRUE(back) << seed << ": " << back.error().message() << "\n" << body;
    ASSERT_EQ(*back, made) << seed << "\n" << body;
    auto view = dialect.inspect(body, {});
    ASSERT_TRUE(view) << body;
    EXPECT_EQ(view->stream, made.stream);
  }
}

// docs/api.md, "Generate a chat completion": history with tools, images, structured outputs.
TEST(OllamaRequest, ReadsTheReferencesForms) {
  auto got = chat.decode_request(R"({
    "model":"llama3.2","format":{"type":"object"},"think":"max","keep_alive":"5m","logprobs":true,"top_logprobs":2,
    "options":{"temperature":0.80,"top_k":20,"num_predict":100,"stop":["\n","user:"],"repeat_penalty":1.2,"num_ctx":1024,"seed":42},
    "tools":[{"type":"function","function":{"name":"get_weather","description":"d","parameters":{"type":"object"}}}],
    "messages":[
      {"role":"User","content":"what is in this image?","images":["iVBORw0KGgoAAAANSUhEUgAAAG0","/9j/4AAQ"]},
      {"role":"assistant","content":"","thinking":"hm","tool_calls":[{"function":{"name":"get_weather","arguments":{"city":"Toronto"}}},
        {"id":"call_1","type":"function","function":{"index":1,"name":"get_weather","arguments":{"city":"Paris"}}}]},
      {"role":"tool","content":"11 degrees celsius","tool_name":"get_weather"},
      {"role":"tool","content":"","name":"get_weather","tool_call_id":"call_1"}]})",
                                 {});
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->stream, true);  // as the server has it
  EXPECT_EQ(got->response_format->schema->text, R"({"type":"object"})");
  EXPECT_EQ(got->reasoning->effort, "xhigh");
  EXPECT_EQ(got->sampling.temperature->text, "0.80");
  EXPECT_EQ(got->sampling.repetition_penalty->text, "1.2");
  EXPECT_EQ(got->limits.max_tokens, 100u);
  EXPECT_EQ(got->stop, (std::vector<std::string>{"\n", "user:"}));
  EXPECT_EQ(got->extras, (Extras{{"options", {R"({"num_ctx":1024})"}}, {"keep_alive", {"\"5m\""}}}));
  ASSERT_EQ(got->messages.size(), 4u);
  EXPECT_EQ(std::get<Image>(got->messages[0].parts.at(1).value).media.media_type, "image/png");
  EXPECT_EQ(std::get<Image>(got->messages[0].parts.at(2).value).media.media_type, "image/jpeg");
  ASSERT_EQ(got->messages[1].parts.size(), 3u);
  EXPECT_EQ(std::get<ToolCall>(got->messages[1].parts[1].value),
            (ToolCall{.name = "get_weather", .arguments = R"({"city":"Toronto"})"}));
  EXPECT_EQ(std::get<ToolCall>(got->messages[1].parts[2].value).id, "call_1");
  EXPECT_EQ(std::get<ToolResult>(got->messages[2].parts[0].value).name, "get_weather");
  EXPECT_EQ(std::get<ToolResult>(got->messages[3].parts[0].value).call_id, "call_1");
}

// docs/api.md, "Generate a completion".
TEST(OllamaRequest, ReadsAPrompt) {
  auto got = generate.decode_request(
      R"({"model":"llava","prompt":"What is it?","system":"Be brief.","images":["iVBORw0KGgo"],"stream":false,"format":"json",
          "think":false,"suffix":"end","raw":true,"context":[1,2],"options":{"num_predict":-1}})",
      {});
  ASSERT_TRUE(got) << got.error().message();
  ASSERT_EQ(got->messages.size(), 2u);
  EXPECT_EQ(std::get<Text>(got->messages[0].parts[0].value).text, "Be brief.");
  EXPECT_EQ(std::get<Text>(got->messages[1].parts[0].value).text, "What is it?");
  EXPECT_EQ(got->response_format->kind, ResponseFormat::Kind::json_object);
  EXPECT_EQ(got->reasoning->mode, "disabled");
  EXPECT_EQ(got->limits.max_tokens, std::nullopt);
  EXPECT_EQ(got->stream, false);
  // To a chat its own vendor's fields pass, those that it alone has do not.
  Losses losses;
  EXPECT_EQ(
      chat.encode_request(*got, losses),
      R"({"model":"llava","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"What is it?","images":["iVBORw0KGgo"]}],)"
      R"("format":"json","options":{"num_predict":-1},"think":false,"stream":false})");
  const std::vector<std::string> expected{"suffix", "raw", "context"};
  EXPECT_EQ(losses.fields(), expected);
  ASSERT_NE(losses.gravest(), nullptr);
}

struct BadCase {
  std::string_view fields;
  std::string_view param;
};

TEST(OllamaRequest, NamesTheFieldAtFault) {
  const BadCase cases[] = {
      {R"("options":{"temperature":"hot"})", "options.temperature"},
      {R"("options":{"num_predict":1.5})", "options.num_predict"},
      {R"("options":{"stop":[1]})", "options.stop[0]"},
      {R"("options":7)", "options"},
      {R"("tools":{})", "tools"},
      {R"("tools":[{"type":"function"}])", "tools[0].function"},
      {R"("format":"xml")", "format"},
      {R"("format":7)", "format"},
      {R"("think":"perhaps")", "think"},
      {R"("think":1)", "think"},
      {R"("stream":"yes")", "stream"},
      {R"("messages":[])", "messages"},
      {R"("messages":{})", "messages"},
      {R"("messages":[7])", "messages[0]"},
      {R"("messages":[{"content":"x"}])", "messages[0].role"},
      {R"("messages":[{"role":"wizard"}])", "messages[0].role"},
      {R"("messages":[{"role":"user","content":[]}])", "messages[0].content"},
      {R"("messages":[{"role":"user","images":"x"}])", "messages[0].images"},
      {R"("messages":[{"role":"user","images":[7]}])", "messages[0].images[0]"},
      {R"("messages":[{"role":"assistant","tool_calls":[{}]}])", "messages[0].tool_calls[0].function"},
      {R"("messages":[{"role":"assistant","tool_calls":[{"function":{}}]}])", "messages[0].tool_calls[0].function.name"},
      {R"("messages":[{"role":"tool","tool_name":7}])", "messages[0].tool_name"},
  };
  for (const auto& [fields, param] : cases) {
    auto got = chat.decode_request(cat(R"({"model":"m","messages":[{"role":"user","content":"x"}],)", fields, '}'), {});
    ASSERT_FALSE(got) << fields;
    EXPECT_EQ(got.error().kind(), Kind::bad_request);
    EXPECT_EQ(got.error().detail().param, param) << got.error().message();
  }
  EXPECT_EQ(generate.decode_request(R"({"model":"m"})", {}).error().detail().param, "prompt");
  EXPECT_EQ(chat.decode_request(R"({"messages":[]})", {}).error().detail().param, "model");
}

/// What another dialect's client can say, all of it.
Chat foreign() {
  Chat out;
  out.dialect = "openai_chat";
  out.model = "llama";
  out.messages.push_back({.role = Role::developer, .name = "boss", .parts = {{.value = Text{.text = "Be brief."}}}});
  out.messages.push_back({.role = Role::user,
                          .parts = {{.value = Text{.text = "Look"}, .cache = CacheHint{}},
                                    {.value = Image{.media = {.base64 = "/9j/4A"}, .detail = "high"}},
                                    {.value = Audio{.media = {.base64 = "aGk="}}},
                                    {.value = Image{.media = {.url = "https://i"}}},
                                    {.value = File{.media = {.base64 = "aGVsbG8=", .media_type = "text/plain"}}}},
                          .extras = {{"vendor", {"1"}}}});
  out.messages.push_back(
      {.role = Role::assistant,
       .parts = {{.value = Thinking{.text = "hm"}},
                 {.value = Text{.text = "I will call. "}},
                 {.value = Text{.text = "Twice.", .citations = {{.url = "u"}}}},
                 {.value = ToolCall{.id = "c1", .name = "f", .arguments = "{ \"a\" : 1.50 }"}},
                 {.value = ToolCall{.id = "c2", .name = "g", .arguments = "free", .kind = ToolKind::custom}}}});
  ToolResult first{
      .call_id = "c1", .name = "f", .parts = {{.value = Text{.text = "42"}}, {.value = Image{.media = {.base64 = "aGk="}}}}};
  ToolResult second{.call_id = "c2", .name = "g", .is_error = true, .parts = {{.value = Text{.text = "no"}}}};
  out.messages.push_back({.role = Role::user, .parts = {{.value = first}, {.value = second}, {.value = Text{.text = "And?"}}}});
  out.messages.push_back({.role = Role::user, .parts = {{.value = Audio{.media = {.url = "u"}}}}});
  out.tools = std::vector<Tool>{{.name = "f", .strict = true},
                                {.kind = Tool::Kind::built_in, .name = "web_search", .builtin = Json{"{}"}}};
  out.tool_choice = ToolChoice{.mode = ToolChoice::Mode::required};
  out.parallel_tool_calls = false;
  out.response_format = ResponseFormat{
      .kind = ResponseFormat::Kind::json_schema, .name = "n", .schema = Json{R"({"type":"object"})"}, .strict = true};
  out.sampling = {.temperature = Number{"1.70"}, .top_p = Number{"1"}, .logit_bias = Json{"{}"}};
  out.limits = {.max_output_tokens = 100, .max_tokens = 50};
  out.stop = std::vector<std::string>{"END"};
  out.n = 1;
  out.logprobs = true;
  out.top_logprobs = 3;
  out.reasoning = Reasoning{.budget_tokens = 9000, .mode = "enabled"};
  out.user = "u";
  out.extras = {{"container", {"1"}}};
  return out;
}

TEST(OllamaRequest, SaysAForeignRequestAndNamesTheRest) {
  Losses losses;
  EXPECT_EQ(chat.encode_request(foreign(), losses),
            R"({"model":"llama","messages":[{"role":"system","content":"Be brief."},)"
            R"({"role":"user","content":"Look\n<document>\nhello\n</document>","images":["/9j/4A"]},)"
            R"({"role":"assistant","content":"I will call. Twice.","thinking":"hm","tool_calls":[)"
            R"({"id":"c1","function":{"index":0,"name":"f","arguments":{"a":1.50}}},)"
            R"({"id":"c2","function":{"index":1,"name":"g","arguments":{"input":"free"}}}]},)"
            R"({"role":"tool","content":"42","tool_name":"f","tool_call_id":"c1"},)"
            R"({"role":"tool","content":"Error: no","tool_name":"g","tool_call_id":"c2"},)"
            R"({"role":"user","content":"And?","images":["aGk="]}],)"
            R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}],)"
            R"("format":{"type":"object"},"options":{"temperature":1.70,"top_p":1,"num_predict":100,"stop":["END"]},)"
            R"("think":"medium","stream":false,"logprobs":true,"top_logprobs":3})");
  const std::vector<std::string> details{"messages[0].name",
                                         "messages[1].content[0].cache",
                                         "messages[1].content[1].image.detail",
                                         "messages[1].content[4].file",
                                         "messages[1].content",
                                         "messages[1].vendor",
                                         "messages[2].content[2].citations",
                                         "messages[2].content[4].custom",
                                         "messages[3].tool_result.is_error",
                                         "tools[0].strict",
                                         "response_format.name",
                                         "reasoning.budget_tokens",
                                         "logit_bias",
                                         "parallel_tool_calls",
                                         "user",
                                         "container"};
  const std::vector<std::string> meanings{"messages[1].content[2].audio", "messages[1].content[3].image",
                                          "messages[4].content[0].audio", "tool_choice", "tools[1].web_search"};
  std::vector<std::string> got_details;
  std::vector<std::string> got_meanings;
  for (const auto& loss : losses.all()) {
    (loss.weight == Loss::Weight::detail ? got_details : got_meanings).push_back(loss.field);
    EXPECT_EQ(loss.reason.find_first_of(";,"), std::string::npos) << loss.reason;
  }
  EXPECT_EQ(got_details, details);
  EXPECT_EQ(got_meanings, meanings);
}

TEST(OllamaRequest, ToolChoice) {
  Chat asked{.dialect = "x", .model = "m"};
  asked.tools = std::vector<Tool>{{.name = "f"}, {.name = "g"}};
  asked.tool_choice = ToolChoice{.mode = ToolChoice::Mode::none};
  Losses losses;
  EXPECT_EQ(chat.encode_request(asked, losses), R"({"model":"m","messages":[],"stream":false})");
  EXPECT_EQ(losses.fields(), std::vector<std::string>{"tool_choice"});
  EXPECT_EQ(losses.gravest(), nullptr);
  asked.tool_choice = ToolChoice{.mode = ToolChoice::Mode::named, .name = "g"};
  Losses named;
  EXPECT_EQ(
      chat.encode_request(asked, named),
      R"({"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"g","parameters":{"type":"object","properties":{}}}}],"stream":false})");
  ASSERT_NE(named.gravest(), nullptr);
}

TEST(OllamaRequest, ConvertsEffortAndBudget) {
  struct Case {
    Reasoning reasoning;
    std::string_view think;
  };
  const Case cases[] = {
      {{.effort = "none"}, "false"},
      {{.effort = "minimal"}, "\"low\""},
      {{.effort = "high"}, "\"high\""},
      {{.effort = "xhigh"}, "\"max\""},
      {{.budget_tokens = 1024}, "\"low\""},
      {{.budget_tokens = 0}, "false"},
      {{.mode = "adaptive"}, "true"},
      {{.mode = "disabled"}, "false"},
      {{.budget_tokens = 30000, .mode = "enabled"}, "\"high\""},
  };
  Chat asked{.dialect = "x", .model = "m"};
  for (const auto& one : cases) {
    asked.reasoning = one.reasoning;
    Losses losses;
    EXPECT_EQ(chat.encode_request(asked, losses),
              cat(R"({"model":"m","messages":[],"think":)", one.think, R"(,"stream":false})"));
  }
}

TEST(OllamaRequest, AThirdFormHasOnePrompt) {
  Chat asked{.dialect = "openai_chat", .model = "m"};
  asked.messages = {
      {.role = Role::system, .parts = {{.value = Text{.text = "S"}}}},
      {.role = Role::user, .parts = {{.value = Text{.text = "old"}}}},
      {.role = Role::assistant, .parts = {{.value = Text{.text = "A"}}}},
      {.role = Role::user, .parts = {{.value = Text{.text = "new"}}, {.value = Image{.media = {.base64 = "aGk="}}}}}};
  asked.tools = std::vector<Tool>{{.name = "f"}};
  Losses losses;
  EXPECT_EQ(generate.encode_request(asked, losses),
            R"({"model":"m","system":"S","prompt":"new","images":["aGk="],"stream":false})");
  const std::vector<std::string> expected{"messages[1]", "messages[2]", "tools"};
  EXPECT_EQ(losses.fields(), expected);
}

TEST(OllamaRequest, WayThrough) {
  const auto streams = [](std::string_view body) {
    auto view = chat.inspect(body, {});
    EXPECT_TRUE(view) << body;
    return view && view->stream;
  };
  EXPECT_TRUE(streams(R"({"model":"a","messages":[{"role":"user","content":"x"}]})"));
  EXPECT_TRUE(streams(R"({"model":"a","stream":null})"));  // loads the model
  EXPECT_FALSE(streams(R"({"model":"a","messages":[],"stream":false})"));
  EXPECT_FALSE(chat.inspect(R"({"messages":[]})", {}));
  EXPECT_FALSE(chat.inspect(R"({"model":"a","stream":1})", {}));
  const std::string body = R"({"model":"a","options":{"num_ctx":1.50}})";
  auto view = chat.inspect(body, {});
  ASSERT_TRUE(view);
  auto edits = chat.forward_edits(*view, {.model = "b"});
  ASSERT_TRUE(edits);
  EXPECT_EQ(edits->apply(body), R"({"model":"b","options":{"num_ctx":1.50}})");
  EXPECT_EQ(chat.chat_target("a", Delivery::stream), "/api/chat");
  EXPECT_EQ(generate.chat_target("a", Delivery::stream), "/api/generate");
  EXPECT_EQ(find("ollama_native"), &chat);
}

}  // namespace
}  // namespace cardea::dialect
