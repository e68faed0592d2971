#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "json/value.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& dut = gemini();

constexpr Asked asked{.model = "gemini-2.5-flash", .stream = {}};

/// Makes requests of everything that the dialect can say. One seed, one request.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_{seed} {}

  Chat make() {
    Chat out;
    out.dialect = "gemini";
    out.model = asked.model;
    if (maybe()) out.messages.push_back({.role = Role::system, .parts = texts()});
    const auto turns = 1 + random_.below(3);
    for (std::uint64_t i = 0; i < turns; ++i) {
      out.messages.push_back(user());
      if (maybe()) out.messages.push_back(assistant());
    }
    if (maybe()) out.messages.push_back(results());
    if (maybe()) out.tools = list<Tool>([&] { return tool(); });
    if (maybe()) tool_choice(out);
    if (maybe()) out.response_format = response_format();
    out.sampling = {.temperature = number(),
                    .top_p = number(),
                    .top_k = number(),
                    .frequency_penalty = number(),
                    .presence_penalty = number(),
                    .seed = number()};
    out.limits.max_output_tokens = count();
    if (maybe()) out.stop = list<std::string>([&] { return text(); });
    out.n = count();
    out.logprobs = flag();
    out.top_logprobs = count();
    if (maybe()) out.reasoning = reasoning();
    if (maybe()) out.modalities = std::vector<std::string>{"text", "image"};
    if (maybe()) out.safety = std::vector<SafetySetting>{{"HARM_CATEGORY_HARASSMENT", "BLOCK_NONE"}, {text(), text()}};
    constexpr std::array<std::string_view, 4> tiers{"default", "flex", "priority", "auto"};
    if (maybe()) out.service_tier = tiers[random_.below(tiers.size())];
    extras(out);
    return out;
  }

 private:
  bool maybe() { return random_.below(2) == 0; }
  std::string text() {
    static constexpr std::array<std::string_view, 8> pieces{"a", "Zz9", "\"", "\\", "\n\t", "é", "😀", "\xe2\x80\xa8"};
    std::string out = "x";
    for (auto n = random_.below(4); n > 0; --n) out += pieces[random_.below(pieces.size())];
    return out;
  }
  std::optional<std::string> optional_text() { return maybe() ? std::optional{text()} : std::nullopt; }
  std::optional<bool> flag() { return maybe() ? std::optional{maybe()} : std::nullopt; }
  std::optional<std::uint64_t> count() { return maybe() ? std::optional{random_.next() >> random_.below(64)} : std::nullopt; }
  std::optional<Number> number() {
    static constexpr std::array<std::string_view, 5> spellings{"0.70", "-1e-3", "18446744073709551616", "0", "1E+2"};
    return maybe() ? std::optional{Number{std::string{spellings[random_.below(spellings.size())]}}} : std::nullopt;
  }
  Json any_json() {
    static constexpr std::array<std::string_view, 4> values{"[1,2.50,null]", "\"x\"", "{}", R"({"aB":{"c_d":1}})"};
    return {std::string{values[random_.below(values.size())]}};
  }
  Json schema() {
    static constexpr std::array<std::string_view, 7> values{
        R"({"type":"object","properties":{"b":{"type":"string"},"a":{"type":["integer","null"],"minimum":0}},"required":["b"]})",
        R"({"type":"object","properties":{"b":{"enum":["x","y"],"type":"string"}},"additionalProperties":false})",
        R"({"type":"object","properties":{"n":{"$ref":"#/$defs/N"}},"$defs":{"N":{"type":"object","properties":{"n":{"$ref":"#/$defs/N"}}}}})",
        R"({"anyOf":[{"type":"string"},{"type":"array","items":{"type":"number"},"maxItems":3}]})",
        R"({"type":"object","properties":{"k":{"const":7}}})",
        R"({"type":"array","items":{"type":"object","properties":{"a":{"type":["string","null"],"enum":["q",null]}}}})",
        "{}"};
    return {std::string{values[random_.below(values.size())]}};
  }
  template <class T, class Make>
  std::vector<T> list(Make make) {
    std::vector<T> out;
    for (auto n = random_.below(4); n > 0; --n) out.push_back(make());
    return out;
  }
  void extras(Chat& out) {
    if (maybe()) out.extras.push_back({"generationConfig", {R"({"speechConfig":{"languageCode":"de"}})"}});
    if (maybe()) out.extras.push_back({"toolConfig", {R"({"retrievalConfig":{"languageCode":"de"}})"}});
    if (maybe()) out.extras.push_back({"cachedContent", {R"("cachedContents/1")"}});
    if (maybe()) out.extras.push_back({"labels", {R"({"a_b":"c"})"}});
  }
  std::vector<Part> texts() {
    std::vector<Part> out;
    for (auto n = 1 + random_.below(2); n > 0; --n) out.push_back({.value = Text{.text = text()}});
    return out;
  }
  Media media(std::string_view type) {
    Media out{.media_type = std::string{type}};
    if (maybe()) {
      out.base64 = "aGk=";
    } else {
      out.url = "https://example.org/" + text();
    }
    return out;
  }
  Part content_part() {
    Part out{.value = Text{.text = maybe() ? text() : ""}};
    switch (random_.below(6)) {
      case 0: {
        Image image{.media = media("image/png")};
        if (maybe()) image.detail = maybe() ? "low" : "high";
        out.value = image;
        if (maybe()) out.extras.push_back({"partMetadata", {R"({"a":1})"}});
        break;
      }
      case 1: out.value = Audio{.media = media("audio/wav"), .format = "wav"}; break;
      case 2:
        out.value = File{.media = media(maybe() ? "application/pdf" : "video/mp4"), .name = optional_text()};
        if (maybe()) out.extras.push_back({"videoMetadata", {R"({"fps":2})"}});
        break;
      case 3: out.value = Opaque{.dialect = "gemini", .value = {R"({"executableCode":{"language":"PYTHON","code":"1"}})"}}; break;
      default: break;
    }
    return out;
  }
  Part call() {
    ToolCall out{.name = text(), .arguments = maybe() ? "{}" : R"({"a":[1.50,"é"],"b":{"snake_case":null}})"};
    if (maybe()) out.id = text();
    if (maybe()) out.signature = "c2ln";
    Part part{.value = out};
    if (maybe()) part.extras.push_back({"functionCall", {R"({"willContinue":false})"}});
    return part;
  }
  Message user() {
    Message out{.role = Role::user};
    for (auto n = 1 + random_.below(3); n > 0; --n) out.parts.push_back(content_part());
    return out;
  }
  /// Thoughts never stand beside each other, nor do their carriers: those would be one.
  Message assistant() {
    Message out{.role = Role::assistant};
    if (maybe()) {
      Thinking thinking{.text = text()};
      if (maybe()) thinking.signature = "c2lnbmF0dXJl";
      out.parts.push_back({.value = thinking});
      out.parts.push_back({.value = Text{.text = text()}});
    }
    if (maybe()) {
      out.parts.push_back({.value = Thinking{.text = {}, .signature = "b3BhcXVl"}});
      if (maybe())
        out.parts.push_back(maybe() ? Part{.value = Text{.text = text()}} : Part{.value = Image{.media = media("image/png")}});
    }
    for (auto n = random_.below(3); n > 0; --n) out.parts.push_back(call());
    if (out.parts.empty()) out.parts = texts();
    return out;
  }
  Part result() {
    static constexpr std::array<std::string_view, 6> said{
        "sunny", "", R"({"temperature":21.50})", R"({"output":"x"})", R"([1])", R"({"error":"e"})"};
    ToolResult out{.name = text(), .parts = {}};
    if (maybe()) out.call_id = text();
    if (maybe()) out.is_error = true;
    if (out.is_error || maybe()) out.parts.push_back({.value = Text{.text = std::string{said[random_.below(said.size())]}}});
    if (maybe()) out.parts.push_back({.value = Image{.media = {.base64 = "aGk=", .media_type = "image/png"}}});
    Part part{.value = out};
    if (maybe()) part.extras.push_back({"functionResponse", {R"({"scheduling":"SILENT"})"}});
    return part;
  }
  Message results() {
    Message out{.role = maybe() ? Role::tool : Role::user};
    for (auto n = 1 + random_.below(2); n > 0; --n) out.parts.push_back(result());
    if (maybe()) out.extras.push_back({"vendor", {"1"}});
    return out;
  }
  Tool tool() {
    Tool out;
    if (random_.below(3) == 0) {
      out.kind = Tool::Kind::built_in;
      out.name = "googleSearch";
      out.builtin = Json{R"({"googleSearch":{"time_range":{}}})"};
      return out;
    }
    out.name = text();
    out.description = optional_text();
    if (maybe()) out.parameters = schema();
    if (maybe()) out.extras.push_back({"behavior", {R"("NON_BLOCKING")"}});
    return out;
  }
  void tool_choice(Chat& out) {
    auto& choice = out.tool_choice.emplace();
    choice.mode = static_cast<ToolChoice::Mode>(random_.below(5));
    if (choice.mode == ToolChoice::Mode::named) choice.name = text();
    if (choice.mode == ToolChoice::Mode::raw) choice.raw = Json{R"({"mode":"ANY","allowedFunctionNames":["a","b"]})"};
    const bool validated = choice.mode == ToolChoice::Mode::automatic && maybe();
    if (validated) out.extras.push_back({"functionCallingConfig", {R"({"mode":"VALIDATED"})"}});
  }
  ResponseFormat response_format() {
    ResponseFormat out;
    out.kind = static_cast<ResponseFormat::Kind>(random_.below(4));
    if (out.kind == ResponseFormat::Kind::json_schema) out.schema = schema();
    if (out.kind == ResponseFormat::Kind::raw) {
      out.raw = Json{R"({"responseMimeType":"text/x.enum","responseSchema":{"type":"STRING","enum":["a"]}})"};
    }
    return out;
  }
  Reasoning reasoning() {
    Reasoning out{.include = maybe()};
    switch (random_.below(3)) {
      case 0: out.budget_tokens = random_.below(40'000); break;
      case 1: out.effort = "low"; break;
      default: out.mode = "adaptive";
    }
    return out;
  }

  Random random_;
};

void expect_same_extras(Chat& a, Chat& b) {
  const auto by_key = [](const Extra& x, const Extra& y) { return x.key < y.key; };
  std::ranges::sort(a.extras, by_key);
  std::ranges::sort(b.extras, by_key);
}

TEST(GeminiRequest, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    auto made = Generator{seed}.make();
    Losses losses;
    const auto body = dut.encode_request(made, losses);
    EXPECT_TRUE(losses.empty()) << seed << losses.all().front().field;
    auto back = dut.decode_request(body, asked);
    ASSERT_TRUE(back) << seed << ": " << back.error().message() << "\n" << body;
    expect_same_extras(made, *back);
    ASSERT_EQ(*back, made) << seed << "\n" << body;
    // The way through takes what the way between makes.
    EXPECT_TRUE(dut.inspect(body, asked)) << body;
  }
}

// ai.google.dev/api/generate-content and its guides, and the same in protobuf's other spelling.
constexpr std::string_view reference = R"({
  "systemInstruction":{"parts":[{"text":"You are a cat."},{"text":"Your name is Neko."}]},
  "contents":[
    {"parts":[{"text":"What is it?"},{"inlineData":{"mimeType":"image/jpeg","data":"_9j-"}},
      {"fileData":{"mimeType":"video/mp4","fileUri":"https://generativelanguage.googleapis.com/v1beta/files/x"},"videoMetadata":{"fps":1}},
      {"inlineData":{"mimeType":"audio/mpeg","data":"SUQz"}},{"inlineData":{"mimeType":"application/pdf","data":"JVBE"}}]},
    {"role":"model","parts":[{"text":"hm","thought":true},{"functionCall":{"name":"f","args":{"q":1.50}},"thoughtSignature":"AbCd"},
      {"functionCall":{"name":"g","id":"g1"}}]},
    {"role":"user","parts":[{"functionResponse":{"name":"f","response":{"result":"42"}}},
      {"functionResponse":{"name":"g","id":"g1","response":{"error":"no"}}}]},
    {"role":"model","parts":[{"text":"42","thoughtSignature":"EfGh"}]},
    {"role":"function","parts":[{"functionResponse":{"name":"h","response":{"a":[1],"b":2}}}]}],
  "tools":[{"functionDeclarations":[{"name":"f","description":"d","parameters":{"type":"OBJECT","properties":
      {"q":{"type":"NUMBER","nullable":true},"w":{"type":"STRING","format":"enum","enum":["a","b"]}},"required":["q"]}},
      {"name":"g"}],"googleSearch":{}},{"codeExecution":{}}],
  "toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}},
  "safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_ONLY_HIGH"}],
  "generationConfig":{"temperature":0.70,"topP":0.8,"topK":10,"candidateCount":2,"maxOutputTokens":800,"stopSequences":["Title"],
    "seed":5,"presencePenalty":1,"frequencyPenalty":-1,"responseMimeType":"application/json",
    "responseSchema":{"type":"ARRAY","items":{"type":"STRING"},"maxItems":"3"},"responseLogprobs":true,"logprobs":4,
    "thinkingConfig":{"thinkingBudget":1024,"includeThoughts":true},"responseModalities":["TEXT"],"mediaResolution":"MEDIA_RESOLUTION_LOW"},
  "cachedContent":"cachedContents/7","labels":{"team_name":"x"}})";

void expect_reference(const Chat& got) {
  ASSERT_EQ(got.messages.size(), 6u);
  EXPECT_EQ(got.messages[0].role, Role::system);
  EXPECT_EQ(std::get<Text>(got.messages[0].parts[1].value).text, "Your name is Neko.");
  const auto& user = got.messages[1];
  EXPECT_EQ(user.role, Role::user);
  EXPECT_EQ(std::get<Image>(user.parts[1].value).media, (Media{.base64 = "/9j+", .media_type = "image/jpeg"}));
  EXPECT_EQ(std::get<File>(user.parts[2].value).media.url, "https://generativelanguage.googleapis.com/v1beta/files/x");
  EXPECT_EQ(std::get<Audio>(user.parts[3].value).format, "mp3");
  EXPECT_EQ(std::get<File>(user.parts[4].value).media, (Media{.base64 = "JVBE", .media_type = "application/pdf"}));
  const auto& model = got.messages[2];
  EXPECT_EQ(std::get<Thinking>(model.parts[0].value), (Thinking{.text = "hm"}));
  EXPECT_EQ(std::get<ToolCall>(model.parts[1].value), (ToolCall{.name = "f", .arguments = R"({"q":1.50})", .signature = "AbCd"}));
  EXPECT_EQ(std::get<ToolCall>(model.parts[2].value), (ToolCall{.id = "g1", .name = "g", .arguments = "{}"}));
  EXPECT_EQ(std::get<ToolResult>(got.messages[3].parts[0].value),
            (ToolResult{.name = "f", .parts = {{.value = Text{.text = "42"}}}}));
  EXPECT_EQ(std::get<ToolResult>(got.messages[3].parts[1].value),
            (ToolResult{.call_id = "g1", .name = "g", .is_error = true, .parts = {{.value = Text{.text = "no"}}}}));
  EXPECT_EQ(std::get<Thinking>(got.messages[4].parts[0].value), (Thinking{.text = {}, .signature = "EfGh"}));
  EXPECT_EQ(std::get<Text>(got.messages[4].parts[1].value).text, "42");
  EXPECT_EQ(got.messages[5].role, Role::tool);
  EXPECT_EQ(std::get<ToolResult>(got.messages[5].parts[0].value).parts[0], (Part{.value = Text{.text = R"({"a":[1],"b":2})"}}));
}

void expect_reference_settings(const Chat& got) {
  ASSERT_EQ(got.tools->size(), 4u);
  EXPECT_EQ(
      got.tools->at(0).parameters->text,
      R"({"type":"object","properties":{"q":{"type":["number","null"]},"w":{"type":"string","enum":["a","b"]}},"required":["q"]})");
  EXPECT_EQ(got.tools->at(2).builtin->text, R"({"googleSearch":{}})");
  EXPECT_EQ(got.tools->at(3).name, "codeExecution");
  EXPECT_EQ(got.tool_choice, (ToolChoice{.mode = ToolChoice::Mode::named, .name = "f"}));
  EXPECT_EQ(got.safety->at(0), (SafetySetting{"HARM_CATEGORY_HARASSMENT", "BLOCK_ONLY_HIGH"}));
  EXPECT_EQ(got.sampling.temperature->text, "0.70");
  EXPECT_EQ(got.sampling.top_k->text, "10");
  EXPECT_EQ(got.sampling.seed->text, "5");
  EXPECT_EQ(got.n, 2u);
  EXPECT_EQ(got.limits.max_output_tokens, 800u);
  EXPECT_EQ(got.stop, std::vector<std::string>{"Title"});
  EXPECT_EQ(got.response_format->kind, ResponseFormat::Kind::json_schema);
  EXPECT_EQ(got.response_format->schema->text, R"({"type":"array","items":{"type":"string"},"maxItems":3})");
  EXPECT_EQ(got.logprobs, true);
  EXPECT_EQ(got.top_logprobs, 4u);
  EXPECT_EQ(got.reasoning, (Reasoning{.budget_tokens = 1024, .include = true}));
  EXPECT_EQ(got.modalities, std::vector<std::string>{"text"});
  ASSERT_EQ(got.extras.size(), 3u);
  EXPECT_EQ(got.extras[1].value.text, R"("cachedContents/7")");
  EXPECT_EQ(got.extras[2].value.text, R"({"team_name":"x"})");
}

TEST(GeminiRequest, ReadsTheReferencesForms) {
  auto got = dut.decode_request(reference, {.model = "gemini-2.5-flash", .stream = true});
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->model, "gemini-2.5-flash");
  EXPECT_EQ(got->stream, true);
  expect_reference(*got);
  expect_reference_settings(*got);
}

/// "topP" → "top_p", for all keys of the reference above.
std::string snake(std::string_view text) {
  std::string out;
  bool string = false;
  std::string word;
  for (const char c : text) {
    if (c != '"') {
      (string ? word : out).push_back(c);
      continue;
    }
    string = !string;
    if (string) {
      word.clear();
      continue;
    }
    const bool key = !word.empty() && word[0] >= 'a' && word[0] <= 'z' && word.find_first_of("/.: ") == std::string::npos;
    out.push_back('"');
    for (const char w : word) {
      if (key && w >= 'A' && w <= 'Z') out.push_back('_');
      out.push_back(key ? ascii_lower(w) : w);
    }
    out.push_back('"');
  }
  return out;
}

TEST(GeminiRequest, ReadsBothSpellings) {
  const auto body = snake(reference);
  ASSERT_NE(body.find("\"system_instruction\""), std::string::npos);
  ASSERT_NE(body.find("\"function_declarations\""), std::string::npos);
  auto got = dut.decode_request(body, asked);
  ASSERT_TRUE(got) << got.error().message();
  expect_reference(*got);
  expect_reference_settings(*got);
}

// Google's SDKs keep one Content for each event of a stream, the last with an empty text.
TEST(GeminiRequest, JoinsWhatAStreamCut) {
  auto got = dut.decode_request(R"({"contents":[{"role":"user","parts":[{"text":"hi"}]},
    {"role":"model","parts":[{"text":"I th","thought":true}]},{"role":"model","parts":[{"text":"ink","thought":true}]},
    {"role":"model","parts":[{"text":"","thought":true,"thoughtSignature":"c2ln"}]},
    {"role":"model","parts":[{"text":"Hel"}]},{"role":"model","parts":[{"text":"lo"}]},
    {"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"role":"model","parts":[{"text":""}]},{"role":"model","parts":[]}]})",
                                asked);
  ASSERT_TRUE(got) << got.error().message();
  ASSERT_EQ(got->messages.size(), 2u);
  const std::vector<Part> expected{{.value = Thinking{.text = "I think", .signature = "c2ln"}},
                                   {.value = Text{.text = "Hello"}},
                                   {.value = ToolCall{.name = "f", .arguments = "{}"}}};
  EXPECT_EQ(got->messages[1].parts, expected);
}

struct BadCase {
  std::string_view body;
  std::string_view param;
};

TEST(GeminiRequest, NamesTheFieldAtFault) {
  const BadCase cases[] = {
      {R"({})", "contents"},
      {R"({"contents":[]})", "contents"},
      {R"({"contents":"hi"})", "contents"},
      {R"({"contents":[7]})", "contents[0]"},
      {R"({"contents":[{"role":"wizard","parts":[]}]})", "contents[0].role"},
      {R"({"contents":[{"parts":{}}]})", "contents[0].parts"},
      {R"({"contents":[{"parts":["x"]}]})", "contents[0].parts[0]"},
      {R"({"contents":[{"parts":[{"text":7}]}]})", "contents[0].parts[0].text"},
      {R"({"contents":[{"parts":[{"inline_data":{"mime_type":"x"}}]}]})", "contents[0].parts[0].inline_data.data"},
      {R"({"contents":[{"parts":[{"fileData":7}]}]})", "contents[0].parts[0].fileData"},
      {R"({"contents":[{"parts":[{"functionCall":{"args":{}}}]}]})", "contents[0].parts[0].functionCall.name"},
      {R"({"contents":[{"parts":[{"function_call":{"name":"f","args":[]}}]}]})", "contents[0].parts[0].function_call.args"},
      {R"({"contents":[{"parts":[{"functionResponse":{"response":"x"}}]}]})", "contents[0].parts[0].functionResponse.response"},
      {R"({"contents":[{}],"tools":{}})", "tools"},
      {R"({"contents":[{}],"tools":[{"functionDeclarations":[{}]}]})", "tools[0].functionDeclarations[0].name"},
      {R"({"contents":[{}],"tool_config":{"function_calling_config":{"mode":7}}})", "tool_config.function_calling_config.mode"},
      {R"({"contents":[{}],"generation_config":{"top_p":"x"}})", "generation_config.top_p"},
      {R"({"contents":[{}],"generationConfig":{"maxOutputTokens":1.5}})", "generationConfig.maxOutputTokens"},
      {R"({"contents":[{}],"generationConfig":{"stopSequences":[1]}})", "generationConfig.stopSequences[0]"},
      {R"({"contents":[{}],"generationConfig":{"thinkingConfig":{"thinkingBudget":-2}}})",
       "generationConfig.thinkingConfig.thinkingBudget"},
      {R"({"contents":[{}],"safetySettings":[{"category":1,"threshold":"x"}]})", "safetySettings[0].category"},
      {R"({"contents":[{}],"systemInstruction":{"parts":[{"text":null},{"text":1}]}})", "systemInstruction.parts[1].text"},
  };
  for (const auto& [body, param] : cases) {
    auto got = dut.decode_request(body, asked);
    ASSERT_FALSE(got) << body;
    EXPECT_EQ(got.error().kind(), Kind::bad_request);
    EXPECT_EQ(got.error().detail().param, param) << got.error().message();
  }
  EXPECT_EQ(dut.decode_request(R"({"contents":[{}]})", {}).error().detail().param, "model");
  EXPECT_EQ(dut.decode_request(R"({"model":"models/m","contents":[{}]})", {})->model, "m");
  EXPECT_EQ(dut.inspect(R"({"contents":"hi"})", asked).error().detail().param, "contents");
}

TEST(GeminiRequest, TargetsAreSafe) {
  EXPECT_EQ(dut.chat_target("gemini-2.5-flash", Delivery::whole), "/models/gemini-2.5-flash:generateContent");
  EXPECT_EQ(dut.chat_target("gemini-2.5-flash", Delivery::stream), "/models/gemini-2.5-flash:streamGenerateContent?alt=sse");
  EXPECT_EQ(dut.chat_target("models/x", Delivery::whole), "/models/x:generateContent");
  EXPECT_EQ(dut.chat_target("tunedModels/my-1", Delivery::whole), "/tunedModels/my-1:generateContent");
  EXPECT_EQ(dut.chat_target("publishers/google/models/x", Delivery::whole), "/publishers/google/models/x:generateContent");
  EXPECT_EQ(dut.chat_target("a/b?c#d e%:é", Delivery::whole), "/models/a%2Fb%3Fc%23d%20e%25%3A%C3%A9:generateContent");
  EXPECT_EQ(dut.chat_target("models/../x", Delivery::whole), "/models/%2E%2E/x:generateContent");
}

TEST(GeminiRequest, TheWayThroughKeepsTheBytes) {
  const std::string_view body = R"({ "contents":[{"parts":[{"text":"hi"}]}], "model":"models/a", "unknown_thing":1.50 })";
  auto view = dut.inspect(body, {.model = "a", .stream = true});
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->stream);
  EXPECT_EQ(view->model, "a");
  auto same = dut.forward_edits(*view, {});
  EXPECT_EQ(same->apply(body), body);
  auto other = dut.forward_edits(*view, {.model = "b"});
  EXPECT_EQ(other->apply(body), R"({ "contents":[{"parts":[{"text":"hi"}]}], "unknown_thing":1.50 })");
}

}  // namespace
}  // namespace cardea::dialect
