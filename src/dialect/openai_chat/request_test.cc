#include <gtest/gtest.h>

#include <array>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "json/value.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& chat = openai_chat();

/// Makes requests of everything that the dialect can say. One seed, one request.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_{seed} {}

  Chat make() {
    Chat out;
    out.dialect = "openai_chat";
    out.model = text();
    for (auto n = 1 + random_.below(5); n > 0; --n) out.messages.push_back(message());
    if (maybe()) out.tools = list<Tool>([&] { return tool(); });
    if (maybe()) out.tool_choice = tool_choice();
    out.parallel_tool_calls = flag();
    if (maybe()) out.response_format = response_format();
    out.sampling = {.temperature = number(),
                    .top_p = number(),
                    .top_k = number(),
                    .min_p = number(),
                    .frequency_penalty = number(),
                    .presence_penalty = number(),
                    .repetition_penalty = number(),
                    .seed = number(),
                    .logit_bias = json()};
    out.limits = {.max_output_tokens = count(), .max_tokens = count()};
    if (maybe()) out.stop = list<std::string>([&] { return text(); });
    out.n = count();
    out.logprobs = flag();
    out.top_logprobs = count();
    if (maybe()) out.reasoning = Reasoning{.effort = text()};
    out.verbosity = optional_text();
    out.service_tier = optional_text();
    out.user = optional_text();
    out.safety_identifier = optional_text();
    out.prompt_cache_key = optional_text();
    out.prompt_cache_retention = optional_text();
    if (maybe()) out.metadata = std::vector<Metadata>{{"a" + text(), text()}, {"b", ""}};
    out.store = flag();
    if (maybe()) out.modalities = std::vector<std::string>{"text", text()};
    if (maybe()) out.audio = AudioOutput{.voice = json(), .format = optional_text()};
    out.prediction = json();
    out.web_search = json();
    out.stream = flag();
    out.include_usage = flag();
    if (maybe()) out.extras.push_back({"stream_options", {R"({"include_obfuscation":false})"}});
    if (out.reasoning && maybe()) {
      out.reasoning =
          Reasoning{.effort = optional_text(), .budget_tokens = count(), .summary = optional_text(), .include = flag()};
      if (maybe()) out.reasoning->mode = maybe() ? "enabled" : "disabled";
      out.extras.push_back({"reasoning", {R"({"vendor":1})"}});
    }
    extras(out.extras);
    return out;
  }

 private:
  bool maybe() { return random_.below(2) == 0; }
  std::string text() {
    static constexpr std::array<std::string_view, 8> pieces{"a", "Zz9", "\"", "\\", "\n\t", "é", "😀", "\xe2\x80\xa8"};
    std::string out;
    for (auto n = random_.below(5); n > 0; --n) out += pieces[random_.below(pieces.size())];
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
    static constexpr std::array<std::string_view, 5> values{R"({"type":"object","properties":{"a":{"type":"string"}}})",
                                                            "[1,2.50,null]", "\"x\"", "{}", "18446744073709551616"};
    return {std::string{values[random_.below(values.size())]}};
  }
  std::optional<Json> json() { return maybe() ? std::optional{any_json()} : std::nullopt; }
  void extras(Extras& out) {
    for (auto n = random_.below(3); n > 0; --n) out.push_back({cat("vendor_", n), any_json()});
  }
  template <class T, class Make>
  std::vector<T> list(Make make) {
    std::vector<T> out;
    for (auto n = random_.below(4); n > 0; --n) out.push_back(make());
    return out;
  }
  std::optional<CacheHint> cache() {
    return random_.below(4) == 0 ? std::optional{CacheHint{.type = "ephemeral", .ttl = optional_text()}} : std::nullopt;
  }
  Media inline_media() {
    Media out;
    out.base64 = "aGk=";
    if (maybe()) out.media_type = "image/png";
    return out;
  }
  Part text_part() {
    Part out{.value = Text{.text = text()}, .cache = cache()};
    if (random_.below(4) == 0) extras(out.extras);
    return out;
  }
  Part content_part() {
    Part out = text_part();
    switch (random_.below(6)) {
      case 0: {
        Image image{.media = inline_media(), .detail = optional_text()};
        if (maybe()) image.media = Media{.url = "https://example.org/" + text()};
        out.value = image;
        if (maybe()) out.extras.insert(out.extras.begin(), {"image_url", {R"({"vendor":1})"}});
        break;
      }
      case 1: out.value = Audio{.media = {.base64 = "aGk="}, .format = optional_text()}; break;
      case 2: {
        File file{.media = inline_media(), .name = optional_text()};
        if (maybe()) file.media = Media{.id = "file-" + text()};
        out.value = file;
        break;
      }
      case 3:
        out = Part{.value = Opaque{.dialect = "openai_chat", .value = {R"({"type":"video_url","video_url":{"url":"x"}})"}}};
        break;
      default: break;
    }
    return out;
  }
  Part call() {
    ToolCall out{.id = "call_" + text(), .name = text(), .arguments = text()};
    if (maybe()) out.kind = ToolKind::custom;
    if (random_.below(3) == 0) out.signature = "sig" + text();
    return {.value = out};
  }
  Thinking opaque_thinking(std::uint64_t n) {
    switch (random_.below(5)) {
      case 0: return {.text = text(), .signature = text()};
      case 1: return {.text = {}, .id = cat("r", n), .redacted = "d" + text()};
      case 2: return {.text = {}, .id = cat("rs_", n), .encrypted = "e" + text()};
      case 3: return {.text = {}, .encrypted = R"({"type":"reasoning.encrypted","data":"x","format":"google-gemini-v1"})"};
      default: return {.text = "a\n\nb", .id = cat("rs_", n), .encrypted = "e" + text(), .summary = {"a", "b"}};
    }
  }
  Message assistant() {
    Message out{.role = Role::assistant, .name = optional_text()};
    if (maybe()) {
      out.parts.push_back({.value = Thinking{.text = "t" + text()}});
    } else {
      for (auto n = random_.below(3); n > 0; --n) out.parts.push_back({.value = opaque_thinking(n)});
    }
    for (auto n = random_.below(3); n > 0; --n) out.parts.push_back(maybe() ? text_part() : Part{.value = Refusal{text()}});
    if (maybe()) out.parts.push_back({.value = Audio{.media = {.id = "audio_1"}}});
    for (auto n = random_.below(3); n > 0; --n) out.parts.push_back(call());
    if (random_.below(4) == 0) out.parts.push_back({.value = ToolCall{.name = text(), .arguments = text()}});
    return out;
  }
  Message tool_message() {
    ToolResult out{.name = optional_text()};
    if (maybe()) out.call_id = "call_" + text();
    for (auto n = 1 + random_.below(2); n > 0; --n) out.parts.push_back(text_part());
    return {.role = Role::tool, .parts = {{.value = out}}};
  }
  Message message() {
    constexpr std::array<Role, 3> roles{Role::system, Role::developer, Role::user};
    Message out;
    switch (random_.below(4)) {
      case 0: out = assistant(); break;
      case 1: out = tool_message(); break;
      default:
        out.role = roles[random_.below(roles.size())];
        out.name = optional_text();
        for (auto n = random_.below(4); n > 0; --n) out.parts.push_back(content_part());
    }
    extras(out.extras);
    return out;
  }
  Tool tool() {
    Tool out;
    switch (random_.below(3)) {
      case 0:
        out.kind = Tool::Kind::built_in;
        out.name = "web_search";
        out.builtin = Json{R"({"type":"web_search","x":[1]})"};
        return out;
      case 1:
        out.kind = Tool::Kind::custom;
        out.format = json();
        break;
      default: out.parameters = json(); out.strict = flag();
    }
    out.name = text();
    out.description = optional_text();
    out.cache = cache();
    extras(out.extras);
    if (maybe()) out.extras.push_back({out.kind == Tool::Kind::custom ? "custom" : "function", {R"({"inner":true})"}});
    return out;
  }
  ToolChoice tool_choice() {
    ToolChoice out;
    out.mode = static_cast<ToolChoice::Mode>(random_.below(5));
    if (out.mode == ToolChoice::Mode::named) {
      out.name = text();
      if (maybe()) out.kind = ToolKind::custom;
    }
    if (out.mode == ToolChoice::Mode::raw) out.raw = Json{R"({"type":"allowed_tools","allowed_tools":{"mode":"auto"}})"};
    return out;
  }
  ResponseFormat response_format() {
    ResponseFormat out;
    out.kind = static_cast<ResponseFormat::Kind>(random_.below(4));
    if (out.kind == ResponseFormat::Kind::json_schema) {
      out.name = text();
      out.description = optional_text();
      out.schema = json();
      out.strict = flag();
    }
    if (out.kind == ResponseFormat::Kind::raw) out.raw = Json{R"({"type":"grammar","grammar":"x"})"};
    return out;
  }

  Random random_;
};

TEST(Request, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = Generator{seed}.make();
    Losses losses;
    const auto body = chat.encode_request(made, losses);
    EXPECT_TRUE(losses.empty()) << seed << losses.all().front().field;
    auto back = chat.decode_request(body, {});
    ASSERT_TRUE(back) << seed << ": " << back.error().message() << "\n" << body;
    ASSERT_EQ(*back, made) << seed << "\n" << body;
    // The way through takes what the way between makes.
    if (!made.model.empty()) EXPECT_TRUE(chat.inspect(body, {})) << body;
  }
}

TEST(Request, ReadsTheReferencesForms) {
  auto got = chat.decode_request(R"({
    "model":"gpt-4o","seed":18446744073709551616,"stop":"END","reasoning_effort":"low","temperature":null,
    "messages":[
      {"role":"system","content":"Be brief."},
      {"role":"user","name":"ann","content":[{"type":"text","text":"What is it?","cache_control":{"type":"ephemeral","ttl":"1h"}},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO","detail":"low"}},
        {"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}},
        {"type":"file","file":{"file_id":"file-1"}}]},
      {"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},
      {"role":"tool","tool_call_id":"c1","content":"42"},
      {"role":"assistant","refusal":"I cannot."},
      {"role":"function","name":"old","content":"x"}],
    "functions":[{"name":"old","parameters":{"type":"object"}}],"function_call":{"name":"old"},
    "stream":true,"stream_options":{"include_usage":true},"vendor_thing":{"a":1}})",
                                 {});
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->sampling.seed->text, "18446744073709551616");
  EXPECT_EQ(got->sampling.temperature, std::nullopt);
  EXPECT_EQ(got->stop, std::vector<std::string>{"END"});
  EXPECT_EQ(got->reasoning->effort, "low");
  EXPECT_EQ(got->include_usage, true);
  ASSERT_EQ(got->messages.size(), 6u);
  const auto& user = got->messages[1];
  EXPECT_EQ(user.name, "ann");
  EXPECT_EQ(user.parts[0].cache, (CacheHint{.type = "ephemeral", .ttl = "1h"}));
  const auto& image = std::get<Image>(user.parts[1].value);
  EXPECT_EQ(image.media, (Media{.base64 = "iVBO", .media_type = "image/png"}));
  EXPECT_EQ(std::get<Audio>(user.parts[2].value).format, "wav");
  EXPECT_EQ(std::get<File>(user.parts[3].value).media.id, "file-1");
  EXPECT_EQ(std::get<Thinking>(got->messages[2].parts[0].value).text, "hm");
  EXPECT_EQ(std::get<ToolCall>(got->messages[2].parts[1].value), (ToolCall{.id = "c1", .name = "f", .arguments = "{}"}));
  EXPECT_EQ(std::get<ToolResult>(got->messages[3].parts[0].value).call_id, "c1");
  EXPECT_EQ(std::get<Refusal>(got->messages[4].parts[0].value).text, "I cannot.");
  EXPECT_EQ(std::get<ToolResult>(got->messages[5].parts[0].value).name, "old");
  EXPECT_EQ(got->tools->at(0).name, "old");
  EXPECT_EQ(got->tool_choice->name, "old");
  ASSERT_EQ(got->extras.size(), 1u);
  EXPECT_EQ(got->extras[0], (Extra{"vendor_thing", {R"({"a":1})"}}));
}

struct BadCase {
  std::string_view fields;
  std::string_view param;
};

TEST(Request, NamesTheFieldAtFault) {
  const BadCase cases[] = {
      {R"("temperature":"hot")", "temperature"},
      {R"("max_tokens":1.5)", "max_tokens"},
      {R"("max_tokens":-1)", "max_tokens"},
      {R"("stop":[1])", "stop[0]"},
      {R"("tools":{})", "tools"},
      {R"("tools":[{"type":"function"}])", "tools[0].function"},
      {R"("tools":[{"type":"function","function":{"name":7}}])", "tools[0].function.name"},
      {R"("tools":[{"function":{"name":"x"}}])", "tools[0].type"},
      {R"("tool_choice":"perhaps")", "tool_choice"},
      {R"("response_format":{"type":"json_schema"})", "response_format.json_schema"},
      {R"("metadata":{"a":1})", "metadata.a"},
      {R"("logprobs":"yes")", "logprobs"},
      {R"("messages":[{"role":"user","content":7}])", "messages[0].content"},
      {R"("messages":[{"role":"user","content":[{"type":"text"}]}])", "messages[0].content[0].text"},
      {R"("messages":[{"role":"user","content":[{"text":"x"}]}])", "messages[0].content[0].type"},
      {R"("messages":[{"role":"user","content":[{"type":"image_url","image_url":"x"}]}])", "messages[0].content[0].image_url"},
      {R"("messages":[{"role":"tool","content":"x"}])", "messages[0].tool_call_id"},
      {R"("messages":[{"role":"assistant","tool_calls":[{"id":"x"}]}])", "messages[0].tool_calls[0].function"},
      {R"("messages":[{"role":"wizard"}])", "messages[0].role"},
  };
  for (const auto& [fields, param] : cases) {
    auto got = chat.decode_request(cat(R"({"model":"m","messages":[{"role":"user","content":"x"}],)", fields, '}'), {});
    ASSERT_FALSE(got) << fields;
    EXPECT_EQ(got.error().kind(), Kind::bad_request);
    EXPECT_EQ(got.error().detail().param, param) << got.error().message();
  }
}

/// Everything that another dialect's client may say and OpenAI's requests cannot, or only in other words.
Chat foreign() {
  Chat out;
  out.model = "m";
  out.dialect = "anthropic";
  const auto result = [](std::string id, std::vector<Part> parts) {
    return ToolResult{.call_id = std::move(id), .name = "f", .parts = std::move(parts)};
  };
  out.messages.push_back({.role = Role::system, .parts = {{.value = Text{.text = "Be brief."}, .cache = CacheHint{}}}});
  Text cited{.text = "Grüße", .citations = {{.url = "u", .title = "t"}, {.title = "doc", .document = 0}}};
  out.messages.push_back({.role = Role::assistant,
                          .parts = {{.value = Thinking{.text = "hm", .signature = "sig"}},
                                    {.value = cited},
                                    {.value = Image{.media = {.base64 = "aGk="}}},
                                    {.value = Opaque{.dialect = "anthropic", .value = {"{}"}}},
                                    {.value = ToolCall{.id = "c", .name = "f", .arguments = "", .signature = "g"}},
                                    {.value = ToolCall{.id = "d", .name = "f", .arguments = "{}"}}}});
  auto failed = result("d", {{.value = Text{.text = "no"}}, {.value = Image{.media = {.url = "https://u"}}}});
  failed.is_error = true;
  out.messages.push_back({.role = Role::user,
                          .parts = {{.value = failed, .cache = CacheHint{}},
                                    {.value = result("c", {})},
                                    {.value = Text{.text = "and?"}},
                                    {.value = Image{.media = {.id = "img"}}}},
                          .extras = {{"vendor", {"1"}}}});
  out.messages.push_back({.role = Role::assistant, .parts = {{.value = Thinking{.text = "hm"}}}});
  // Nothing of this turn can be said, so it is left out: no empty block stays behind.
  out.messages.push_back({.role = Role::user, .parts = {{.value = Audio{.media = {.url = "u"}}}}});
  out.messages.push_back({.role = Role::user,
                          .parts = {{.value = Audio{.media = {.base64 = "aGk=", .media_type = "audio/mpeg"}}},
                                    {.value = File{.media = {.base64 = "JVBERi0x"}}},
                                    {.value = File{.media = {.url = "https://x/y.pdf"}}},
                                    {.value = Image{.media = {.base64 = "iVBORw0KGgoA"}}},
                                    {.value = Image{.media = {.url = "gs://x/y.png"}}}}});
  out.tools = {{.kind = Tool::Kind::built_in, .name = "bash", .builtin = Json{"{}"}},
               {.name = "f", .parameters = Json{R"({"type":"object"})"}, .cache = CacheHint{}, .extras = {{"x", {"1"}}}}};
  out.tool_choice = ToolChoice{.mode = ToolChoice::Mode::named, .name = "f"};
  out.response_format = ResponseFormat{.kind = ResponseFormat::Kind::json_schema, .schema = Json{"{}"}};
  out.sampling.temperature = Number{"2.5"};
  out.sampling.top_k = Number{"40"};
  out.limits.max_tokens = 100;
  out.stop = {{"a", "b", "c", "d", "e"}};
  out.service_tier = "standard_only";
  out.reasoning = Reasoning{.budget_tokens = 5000, .mode = "enabled"};
  out.safety = std::vector<SafetySetting>{{"a", "b"}};
  out.extras = {{"container", {"1"}}};
  return out;
}

TEST(Request, OtherDialectsWordsBecomeOpenAis) {
  Losses losses;
  const auto body = chat.encode_request(foreign(), losses);
  // The results follow their calls, in the calls' order; what a tool message cannot hold stands in the user's words behind them.
  EXPECT_EQ(
      body,
      R"({"model":"m","messages":[{"role":"system","content":"Be brief."},)"
      R"({"role":"assistant","content":"Grüße","reasoning_content":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm",)"
      R"("signature":"sig","format":"anthropic-claude-v1","index":0}],"tool_calls":[{"id":"c","type":"function","function":)"
      R"({"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"g"}}},{"id":"d","type":"function",)"
      R"("function":{"name":"f","arguments":"{}"}}],"annotations":[{"type":"url_citation","url_citation":{"url":"u","title":"t",)"
      R"("start_index":0,"end_index":5}}]},)"
      R"({"role":"tool","tool_call_id":"c","content":""},{"role":"tool","tool_call_id":"d","content":"Error: no"},)"
      R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"https://u"}},{"type":"text","text":"and?"}]},)"
      R"({"role":"assistant","content":"","reasoning_content":"hm"},)"
      R"({"role":"user","content":[{"type":"input_audio","input_audio":{"data":"aGk=","format":"mp3"}},)"
      R"({"type":"file","file":{"file_data":"data:application/pdf;base64,JVBERi0x","filename":"file.pdf"}},)"
      R"({"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgoA"}}]}],)"
      R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"temperature":2,"max_tokens":100,)"
      R"("service_tier":"default","stop":["a","b","c","d"],"tool_choice":{"type":"function","function":{"name":"f"}},)"
      R"("response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{}}},"reasoning_effort":"low"})");
  std::vector<std::string> meanings;
  std::vector<std::string> details;
  for (const auto& loss : losses.all()) (loss.weight == Loss::Weight::meaning ? meanings : details).push_back(loss.field);
  const std::vector<std::string> expected_meanings{"messages[1].content[2].image",
                                                   "messages[2].content[3].image",
                                                   "messages[4].content[0].audio",
                                                   "messages[5].content[2].file",
                                                   "messages[5].content[4].image",
                                                   "tools[0].bash",
                                                   "stop"};
  const std::vector<std::string> expected_details{"messages[0].content[0].cache_control",
                                                  "messages[1].content[3].opaque",
                                                  "messages[1].content[1].citations",
                                                  "messages[2].content[0].tool_result.content[1].image",
                                                  "messages[2].content[0].tool_result.is_error",
                                                  "messages[2].content[0].tool_result.cache_control",
                                                  "messages[2].vendor",
                                                  "tools[1].cache_control",
                                                  "tools[1].x",
                                                  "temperature",
                                                  "top_k",
                                                  "reasoning.budget_tokens",
                                                  "safety",
                                                  "container"};
  EXPECT_EQ(meanings, expected_meanings);
  EXPECT_EQ(details, expected_details);
}

TEST(Request, WhatIsLeftOfNothingIsLeftOut) {
  Chat asked;
  asked.model = "m";
  asked.dialect = "gemini";
  asked.messages.push_back({.role = Role::user, .parts = {{.value = Text{.text = "x"}}}});
  asked.tools = std::vector<Tool>{};
  asked.tool_choice = ToolChoice{.mode = ToolChoice::Mode::automatic};
  asked.stop = std::vector<std::string>{};
  asked.reasoning = Reasoning{.budget_tokens = 0};
  Losses losses;
  EXPECT_EQ(chat.encode_request(asked, losses), R"({"model":"m","messages":[{"role":"user","content":"x"}]})");
  EXPECT_EQ(losses.fields(), (std::vector<std::string>{"tool_choice", "reasoning.budget_tokens"}));
}

TEST(Request, EffortsAndBudgets) {
  const std::pair<Reasoning, std::string_view> cases[] = {
      {{.effort = "max"}, "max"},
      {{.budget_tokens = 8192}, "medium"},
      {{.budget_tokens = 100'000, .mode = "enabled"}, "xhigh"},
      {{.effort = "low", .mode = "adaptive"}, "low"},
      {{.mode = "disabled"}, ""},
      {{.mode = "adaptive"}, ""},
  };
  for (const auto& [reasoning, effort] : cases) {
    Chat asked;
    asked.dialect = "anthropic";
    asked.messages.push_back({.role = Role::user, .parts = {{.value = Text{.text = "x"}}}});
    asked.reasoning = reasoning;
    Losses losses;
    auto back = chat.decode_request(chat.encode_request(asked, losses), {});
    ASSERT_TRUE(back);
    EXPECT_EQ(back->reasoning ? back->reasoning->effort.value_or("") : "", effort);
    EXPECT_EQ(losses.gravest(), nullptr);
  }
}

TEST(Request, ReadsOthersReasoningForms) {
  auto got =
      chat.decode_request(R"({"model":"m","reasoning":{"max_tokens":2000,"exclude":true,"x":1},"thinking":{"type":"enabled"},
    "messages":[{"role":"assistant","content":"hi","reasoning":"why","thinking_blocks":[{"type":"thinking","thinking":"why","signature":"s"},
      {"type":"redacted_thinking","data":"d"}],"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"},
      "extra_content":{"google":{"thought_signature":"g"}}}]},
      {"role":"user","content":[{"type":"text","text":"x","prompt_cache_breakpoint":{"mode":"explicit"}},
      {"type":"file","file":{"file_data":"JVBERi0x","filename":"a.pdf"}}]}]})",
                          {});
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->reasoning, (Reasoning{.budget_tokens = 2000, .mode = "enabled", .include = false}));
  EXPECT_EQ(got->extras, (Extras{{"reasoning", {R"({"x":1})"}}}));
  const auto& parts = got->messages[0].parts;
  ASSERT_EQ(parts.size(), 4u);
  EXPECT_EQ(std::get<Thinking>(parts[0].value), (Thinking{.text = "why", .signature = "s"}));
  EXPECT_EQ(std::get<Thinking>(parts[1].value), (Thinking{.text = {}, .redacted = "d"}));
  EXPECT_EQ(std::get<ToolCall>(parts[3].value).signature, "g");
  EXPECT_EQ(got->messages[1].parts[0].cache, CacheHint{});
  EXPECT_EQ(std::get<File>(got->messages[1].parts[1].value).media,
            (Media{.base64 = "JVBERi0x", .media_type = "application/pdf"}));
}

}  // namespace
}  // namespace cardea::dialect
