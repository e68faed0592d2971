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
const Dialect& chat = bedrock();

/// Makes requests of everything that the dialect can say. One seed, one request.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_{seed} {}

  Chat make() {
    static constexpr std::array<std::string_view, 6> models{"anthropic.claude-3-7-sonnet-20250219-v1:0",
                                                            "us.amazon.nova-2-lite-v1:0",
                                                            "meta.llama3-1-8b-instruct-v1:0",
                                                            "openai.gpt-oss-120b-1:0",
                                                            "cohere.command-r-v1:0",
                                                            "some-profile"};
    Chat out;
    out.dialect = "bedrock";
    out.model = models[random_.below(models.size())];
    out.stream = maybe();
    if (maybe()) out.messages.push_back(system_prompt());
    for (auto n = random_.below(5); n > 0; --n) out.messages.push_back(turn(out.messages));
    if (maybe()) out.tools = list<Tool>([&] { return tool(); });
    if (maybe()) out.tool_choice = tool_choice();
    if (out.tool_choice || maybe()) out.parallel_tool_calls = flag();
    if (maybe()) out.response_format = response_format();
    out.sampling = {.temperature = number(), .top_p = number(), .top_k = number()};
    out.limits.max_tokens = count();
    if (maybe()) out.stop = list<std::string>([&] { return text(); });
    if (maybe()) out.reasoning = reasoning(out.model);
    out.service_tier = optional_text();
    if (maybe()) out.metadata = std::vector<Metadata>{{"a" + text(), text()}, {"b", ""}};
    extras(out);
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
  template <class T, class Make>
  std::vector<T> list(Make make) {
    std::vector<T> out;
    for (auto n = random_.below(4); n > 0; --n) out.push_back(make());
    return out;
  }
  std::optional<CacheHint> cache() {
    if (random_.below(4) != 0) return std::nullopt;
    CacheHint out;
    if (maybe()) out.ttl = "1h";
    return out;
  }
  void extras(Chat& out) {
    if (maybe()) out.extras.push_back({"inferenceConfig", {R"({"vendor":1})"}});
    if (maybe()) out.extras.push_back({"toolConfig", {R"({"vendor":[2]})"}});
    if (maybe()) out.extras.push_back({"additionalModelRequestFields", {R"({"anthropic_beta":["x"],"k":7})"}});
    if (maybe()) out.extras.push_back({"outputConfig", {R"({"vendor":{}})"}});
    if (out.service_tier && maybe()) out.extras.push_back({"serviceTier", {R"({"vendor":1})"}});
    if (maybe()) out.extras.push_back({"guardrailConfig", {R"({"guardrailIdentifier":"g","guardrailVersion":"1"})"}});
    if (maybe()) out.extras.push_back({"additionalModelResponseFieldPaths", {R"(["/stop_sequence"])"}});
  }
  Reasoning reasoning(std::string_view model) {
    Reasoning out;
    if (model.find("nova") != std::string_view::npos) {
      out.mode = "enabled";
      if (maybe()) out.effort = "low";
      return out;
    }
    if (maybe()) {
      out.mode = "adaptive";
      out.budget_tokens = count();
      out.include = flag();
    }
    if (!out.mode || maybe()) out.effort = "high";
    return out;
  }

  Media media(std::string_view type) {
    Media out;
    if (maybe()) {
      out.base64 = "aGk=";
    } else {
      out.url = "s3://bucket/" + text();
    }
    out.media_type = std::string{type};
    return out;
  }
  Part text_part() {
    Part out{.value = Text{.text = "x" + text()}, .cache = cache()};
    switch (random_.below(8)) {
      case 0: out.extras.push_back({"guardContent", {R"({"qualifiers":["query"]})"}}); break;
      case 1:
        out.value = Text{.text = "T\nhttps://e.org\none\ntwo"};
        out.extras.push_back(
            {"searchResult",
             {R"({"source":"https://e.org","title":"T","content":[{"text":"one"},{"text":"two"}],"citations":{"enabled":true}})"}});
        std::get<Text>(out.value).text = "T\nhttps://e.org\none\ntwo";
        break;
      default: break;
    }
    return out;
  }
  Part media_part(bool of_result) {
    Part out{.value = Image{.media = media("image/webp")}};
    switch (random_.below(of_result ? 3 : 4)) {
      case 0: out.value = Image{.media = media(maybe() ? "image/png" : "image/jpeg")}; break;
      case 1: {
        out.value = File{.media = media(maybe() ? "application/pdf" : "text/markdown"), .name = cat("doc ", random_.below(99))};
        if (maybe()) out.extras.push_back({"citations", {R"({"enabled":true})"}});
        break;
      }
      case 2: out.value = File{.media = media("video/3gpp")}; break;
      default: {
        Audio audio{.media = media(""), .format = "wav"};
        audio.media.media_type.reset();
        out.value = audio;
      }
    }
    const auto* image = std::get_if<Image>(&out.value);
    const bool stored = image != nullptr && image->media.url.has_value();
    if (stored && maybe()) out.extras.push_back({"s3Location", {R"({"bucketOwner":"123456789012"})"}});
    if (image != nullptr && !of_result && random_.below(4) == 0) out.extras.push_back({"guardContent", {"{}"}});
    return out;
  }
  Part opaque() {
    static constexpr std::array<std::string_view, 4> blocks{
        R"({"toolUse":{"toolUseId":"s","name":"web","input":{},"type":"server_tool_use"}})", R"({"newBlock":[1]})",
        R"({"document":{"name":"n","source":{"content":[{"text":"a"}]}}})",
        R"({"image":{"format":"avif","source":{"bytes":"aGk="}}})"};
    return {.value = Opaque{.dialect = "bedrock", .value = {std::string{blocks[random_.below(blocks.size())]}}}};
  }
  Part result() {
    ToolResult out{.call_id = "tooluse_" + text(), .is_error = flag()};
    for (auto n = random_.below(3); n > 0; --n) {
      switch (random_.below(3)) {
        case 0: out.parts.push_back({.value = Text{.text = R"({"a":[1,{}]})"}}); break;
        case 1: out.parts.push_back(media_part(true)); break;
        default: out.parts.push_back({.value = Text{.text = "x" + text()}});
      }
    }
    return {.value = out, .cache = cache()};
  }
  Part thinking() {
    if (random_.below(3) == 0) return {.value = Thinking{.text = {}, .redacted = "AAEC"}};
    Thinking out{.text = text()};
    out.signature = optional_text();
    return {.value = out};
  }
  Part cited() {
    Text out{.text = "x" + text()};
    out.citations.push_back({.url = optional_text(), .title = optional_text(), .cited_text = optional_text()});
    out.citations.push_back({.title = "t",
                             .cited_text = "c",
                             .document = 1,
                             .raw = Json{R"({"location":{"documentPage":{"documentIndex":1,"start":2,"end":3}},)"
                                         R"("sourceContent":[{"text":"c"}],"title":"t","source":"s"})"}});
    return {.value = out};
  }
  Part call() {
    static constexpr std::array<std::string_view, 3> inputs{"{}", R"({"a":1,"b":[null]})", R"({"é":"\n"})"};
    return {.value = ToolCall{.id = "tooluse_" + text(), .name = text(), .arguments = std::string{inputs[random_.below(3)]}},
            .cache = cache()};
  }
  Message system_prompt() {
    Message out{.role = Role::system};
    for (auto n = 1 + random_.below(3); n > 0; --n) out.parts.push_back({.value = Text{.text = "s" + text()}, .cache = cache()});
    return out;
  }
  /// Bedrock's turns alternate.
  Message turn(const std::vector<Message>& before) {
    Message out;
    const bool after_user = !before.empty() && before.back().role == Role::user;
    const bool between = !before.empty() && before.back().role == Role::assistant && random_.below(6) == 0;
    if (between) {
      out.role = Role::system;
      out.parts.push_back(text_part());
    } else if (after_user) {
      out.role = Role::assistant;
      for (auto n = 1 + random_.below(3); n > 0; --n) {
        const auto kind = random_.below(6);
        out.parts.push_back(kind == 0   ? thinking()
                            : kind == 1 ? cited()
                            : kind == 2 ? call()
                            : kind == 3 ? opaque()
                                        : Part{.value = Text{.text = "a" + text()}, .cache = cache()});
      }
    } else {
      for (auto n = random_.below(3); n > 0; --n) out.parts.push_back(result());
      for (auto n = random_.below(3); n > 0; --n) out.parts.push_back(maybe() ? text_part() : media_part(false));
      if (out.parts.empty() || maybe()) out.parts.push_back(opaque());
    }
    if (random_.below(5) == 0) out.extras.push_back({"vendor", any_json()});
    return out;
  }
  Tool tool() {
    Tool out;
    if (random_.below(4) == 0) {
      out.kind = Tool::Kind::built_in;
      out.name = "nova_grounding";
      out.builtin = Json{R"({"systemTool":{"name":"nova_grounding"}})"};
      return out;
    }
    out.name = text();
    out.description = optional_text();
    if (maybe()) out.parameters = any_json();
    out.strict = flag();
    out.cache = cache();
    if (random_.below(4) == 0) out.extras.push_back({"vendor", {"1"}});
    return out;
  }
  ToolChoice tool_choice() {
    ToolChoice out;
    out.mode = static_cast<ToolChoice::Mode>(random_.below(5));
    if (out.mode == ToolChoice::Mode::named) out.name = text();
    if (out.mode == ToolChoice::Mode::raw) out.raw = Json{R"({"auto":{},"vendor":1})"};
    return out;
  }
  ResponseFormat response_format() {
    ResponseFormat out;
    out.kind = maybe() ? ResponseFormat::Kind::json_schema : ResponseFormat::Kind::raw;
    if (out.kind == ResponseFormat::Kind::json_schema) {
      out.name = optional_text();
      out.description = optional_text();
      out.schema = any_json();
    } else {
      out.raw = Json{R"({"type":"grammar","grammar":"x"})"};
    }
    return out;
  }

  Random random_;
};

TEST(BedrockRequest, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    auto made = Generator{seed}.make();
    Losses losses;
    const auto body = chat.encode_request(made, losses);
    EXPECT_TRUE(losses.empty()) << seed << " " << losses.all().front().field << "\n" << body;
    auto back = chat.decode_request(body, {.model = made.model, .stream = made.stream});
    ASSERT_TRUE(back) << seed << ": " << back.error().message() << "\n" << body;
    const auto by_key = [](const Extra& a, const Extra& b) { return a.key < b.key; };
    std::ranges::sort(made.extras, by_key);
    std::ranges::sort(back->extras, by_key);
    Losses again;
    ASSERT_EQ(*back, made) << seed << "\n" << body << "\n" << chat.encode_request(*back, again);
    if (!made.messages.empty() && made.messages.back().role != Role::system) {
      EXPECT_TRUE(chat.inspect(body, {.model = made.model, .stream = made.stream})) << body;
    }
  }
}

// docs.aws.amazon.com/bedrock/latest/userguide: "Using the Converse API", "Call a tool with the Converse API", "Prompt caching",
// "Get validated JSON results"; APIReference: "Converse".
TEST(BedrockRequest, ReadsTheReferencesForms) {
  auto got = chat.decode_request(R"({
    "system":[{"text":"You are an economist."},{"cachePoint":{"type":"default","ttl":"1h"}}],
    "messages":[
      {"role":"user","content":[{"text":"Write an article"},{"image":{"format":"png","source":{"bytes":"iVBO"}}},
        {"document":{"format":"pdf","name":"MyDocument","source":{"s3Location":{"uri":"s3://b/k","bucketOwner":"1"}},"citations":{"enabled":true}}},
        {"document":{"name":"Note","source":{"text":"hi"}}},
        {"video":{"format":"three_gp","source":{"bytes":"AAAA"}}},{"audio":{"format":"mp3","source":{"bytes":"AAAB"}}},
        {"guardContent":{"text":{"text":"Guard me","qualifiers":["guard_content"]}}},{"cachePoint":{"type":"default"}}]},
      {"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"hm","signature":"sig"}}},
        {"reasoningContent":{"redactedContent":"AAEC"}},{"text":"Looking."},
        {"toolUse":{"toolUseId":"tooluse_1","name":"top_song","input":{"sign":"WZPZ"}}}]},
      {"role":"user","content":[{"toolResult":{"toolUseId":"tooluse_1","content":[{"json":{"song":"Elemental Hotel"}},{"text":"x"},
        {"image":{"format":"jpeg","source":{"bytes":"AA=="}}}],"status":"error"}}]}],
    "inferenceConfig":{"maxTokens":1000,"temperature":0.5,"topP":0.9,"stopSequences":["END"]},
    "toolConfig":{"tools":[{"toolSpec":{"name":"top_song","description":"Get it","inputSchema":{"json":{"type":"object"}},"strict":true}},
      {"cachePoint":{"type":"default"}},{"systemTool":{"name":"nova_grounding"}}],"toolChoice":{"tool":{"name":"top_song"}}},
    "additionalModelRequestFields":{"top_k":200,"thinking":{"type":"enabled","budget_tokens":2048},"anthropic_beta":["b"]},
    "outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{\"type\": \"object\"}","name":"n"}}},"effort":"low"},
    "requestMetadata":{"team":"a"},"serviceTier":{"type":"flex"},"performanceConfig":{"latency":"optimized"},"guardrailConfig":null})",
                                 {.model = "anthropic.claude-3-7-sonnet-20250219-v1:0", .stream = true});
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->model, "anthropic.claude-3-7-sonnet-20250219-v1:0");
  EXPECT_EQ(got->stream, true);
  ASSERT_EQ(got->messages.size(), 4u);
  EXPECT_EQ(got->messages[0].role, Role::system);
  EXPECT_EQ(got->messages[0].parts[0].cache, (CacheHint{.type = "ephemeral", .ttl = "1h"}));
  const auto& user = got->messages[1].parts;
  ASSERT_EQ(user.size(), 7u);
  EXPECT_EQ(std::get<Image>(user[1].value).media, (Media{.base64 = "iVBO", .media_type = "image/png"}));
  const auto& file = std::get<File>(user[2].value);
  EXPECT_EQ(file, (File{.media = {.url = "s3://b/k", .media_type = "application/pdf"}, .name = "MyDocument"}));
  EXPECT_EQ(user[2].extras, (Extras{{"citations", {R"({"enabled":true})"}}, {"s3Location", {R"({"bucketOwner":"1"})"}}}));
  EXPECT_EQ(std::get<File>(user[3].value), (File{.media = {.base64 = "aGk=", .media_type = "text/plain"}, .name = "Note"}));
  EXPECT_EQ(std::get<File>(user[4].value).media.media_type, "video/3gpp");
  EXPECT_EQ(std::get<Audio>(user[5].value).format, "mp3");
  EXPECT_EQ(std::get<Text>(user[6].value).text, "Guard me");
  EXPECT_TRUE(user[6].cache);
  const auto& said = got->messages[2].parts;
  EXPECT_EQ(std::get<Thinking>(said[0].value), (Thinking{.text = "hm", .signature = "sig"}));
  EXPECT_EQ(std::get<Thinking>(said[1].value).redacted, "AAEC");
  EXPECT_EQ(std::get<ToolCall>(said[3].value),
            (ToolCall{.id = "tooluse_1", .name = "top_song", .arguments = R"({"sign":"WZPZ"})"}));
  const auto& result = std::get<ToolResult>(got->messages[3].parts[0].value);
  EXPECT_EQ(result.call_id, "tooluse_1");
  EXPECT_EQ(result.is_error, true);
  EXPECT_EQ(std::get<Text>(result.parts[0].value).text, R"({"song":"Elemental Hotel"})");
  EXPECT_EQ(std::get<Image>(result.parts[2].value).media.media_type, "image/jpeg");
  EXPECT_EQ(got->limits.max_tokens, 1000u);
  EXPECT_EQ(got->sampling.temperature->text, "0.5");
  EXPECT_EQ(got->sampling.top_k->text, "200");
  EXPECT_EQ(got->stop, std::vector<std::string>{"END"});
  ASSERT_EQ(got->tools->size(), 2u);
  EXPECT_EQ(got->tools->at(0).strict, true);
  EXPECT_TRUE(got->tools->at(0).cache);
  EXPECT_EQ(got->tools->at(1).name, "nova_grounding");
  EXPECT_EQ(got->tool_choice->name, "top_song");
  EXPECT_EQ(got->reasoning, (Reasoning{.effort = "low", .budget_tokens = 2048, .mode = "enabled"}));
  EXPECT_EQ(got->response_format->schema->text, R"({"type":"object"})");
  EXPECT_EQ(got->metadata, (std::vector<Metadata>{{"team", "a"}}));
  EXPECT_EQ(got->service_tier, "flex");
  EXPECT_EQ(got->extras, (Extras{{"additionalModelRequestFields", {R"({"anthropic_beta":["b"]})"}},
                                 {"performanceConfig", {R"({"latency":"optimized"})"}}}));
}

struct BadCase {
  std::string_view body;
  std::string_view param;
};

TEST(BedrockRequest, NamesTheFieldAtFault) {
  const BadCase cases[] = {
      {R"({"messages":{}})", "messages"},
      {R"({"messages":[1]})", "messages[0]"},
      {R"({"messages":[{"content":[]}]})", "messages[0].role"},
      {R"({"messages":[{"role":"wizard","content":[]}]})", "messages[0].role"},
      {R"({"messages":[{"role":"user"}]})", "messages[0].content"},
      {R"({"messages":[{"role":"user","content":"text"}]})", "messages[0].content"},
      {R"({"messages":[{"role":"user","content":["text"]}]})", "messages[0].content[0]"},
      {R"({"messages":[{"role":"user","content":[{}]}]})", "messages[0].content[0]"},
      {R"({"messages":[{"role":"user","content":[{"text":"a","image":{}}]}]})", "messages[0].content[0]"},
      {R"({"messages":[{"role":"user","content":[{"text":7}]}]})", "messages[0].content[0].text"},
      {R"({"messages":[{"role":"user","content":[{"image":7}]}]})", "messages[0].content[0].image"},
      {R"({"messages":[{"role":"user","content":[{"image":{"format":"png"}}]}]})", "messages[0].content[0].image.source"},
      {R"({"messages":[{"role":"user","content":[{"image":{"format":"png","source":{"bytes":1}}}]}]})",
       "messages[0].content[0].image.source.bytes"},
      {R"({"messages":[{"role":"user","content":[{"toolResult":{"content":[]}}]}]})",
       "messages[0].content[0].toolResult.toolUseId"},
      {R"({"messages":[{"role":"assistant","content":[{"toolUse":{"toolUseId":"a"}}]}]})", "messages[0].content[0].toolUse.name"},
      {R"({"messages":[],"system":"text"})", "system"},
      {R"({"messages":[],"system":[{"text":null}]})", "system[0]"},
      {R"({"messages":[],"inferenceConfig":{"maxTokens":"many"}})", "inferenceConfig.maxTokens"},
      {R"({"messages":[],"inferenceConfig":{"stopSequences":[1]}})", "inferenceConfig.stopSequences[0]"},
      {R"({"messages":[],"toolConfig":{"tools":{}}})", "toolConfig.tools"},
      {R"({"messages":[],"toolConfig":{"tools":[{"toolSpec":{"name":"a"}}]}})", "toolConfig.tools[0].toolSpec.inputSchema"},
      {R"({"messages":[],"toolConfig":{"toolChoice":{"tool":{}}}})", "toolConfig.toolChoice.tool.name"},
      {R"({"messages":[],"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{"}}}}})",
       "outputConfig.textFormat.structure.jsonSchema.schema"},
      {R"({"messages":[],"requestMetadata":{"a":1}})", "requestMetadata.a"},
      {R"({"messages":[],"serviceTier":"flex"})", "serviceTier"},
      {R"({"messages":[],"additionalModelRequestFields":[]})", "additionalModelRequestFields"},
  };
  for (const auto& [body, param] : cases) {
    auto got = chat.decode_request(body, {.model = "m", .stream = false});
    ASSERT_FALSE(got) << body;
    EXPECT_EQ(got.error().kind(), Kind::bad_request);
    EXPECT_EQ(got.error().detail().param, param) << got.error().message();
  }
  EXPECT_EQ(chat.decode_request("{}", {}).error().detail().param, "modelId");
}

TEST(BedrockRequest, PathNamesModelAndStream) {
  EXPECT_EQ(chat.chat_target("anthropic.claude-3-haiku-20240307-v1:0", Delivery::whole),
            "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse");
  EXPECT_EQ(chat.chat_target("arn:aws:bedrock:us-east-1:1:inference-profile/us.x", Delivery::stream),
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x/converse-stream");
  auto view = chat.inspect(R"({"messages":[{"role":"user","content":[{"text":"x"}]}]})", {.model = "m", .stream = true});
  ASSERT_TRUE(view);
  EXPECT_EQ(view->model, "m");
  EXPECT_TRUE(view->stream);
  auto edits = chat.forward_edits(*view, {.model = "other"});
  ASSERT_TRUE(edits);
  EXPECT_TRUE(edits->empty());
  EXPECT_FALSE(chat.inspect("{}", {.model = "m", .stream = true}));
  // A prompt resource brings its own messages.
  EXPECT_TRUE(chat.inspect("{}", {.model = "arn:aws:bedrock:us-east-1:1:prompt/ABC:1", .stream = true}));
}

}  // namespace
}  // namespace cardea::dialect
