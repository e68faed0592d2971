#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& chat = bedrock();

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_{seed} {}

  Answer make() {
    Answer out{.dialect = "bedrock"};
    out.choices.push_back(choice());
    out.usage = Usage{.input = random_.below(1000), .output = random_.below(1000)};
    out.usage->cache_read = count();
    out.usage->cache_write = count();
    if (maybe()) out.service_tier = "priority";
    // In the order in which they are read.
    if (maybe()) out.extras.push_back({"usage", {R"({"cacheDetails":[{"ttl":"5m","inputTokens":3}]})"}});
    if (maybe()) out.extras.push_back({"additionalModelResponseFields", {R"({"amazon-bedrock":{"x":1}})"}});
    out.extras.push_back({"metrics", {R"({"latencyMs":1275})"}});
    if (maybe()) out.extras.push_back({"trace", {R"({"guardrail":{}})"}});
    return out;
  }

 private:
  bool maybe() { return random_.below(2) == 0; }
  std::string text() { return cat("t\"é", random_.below(100)); }
  std::optional<std::uint64_t> count() { return maybe() ? std::optional{random_.below(1 << 20)} : std::nullopt; }
  Choice choice() {
    Choice out;
    if (maybe()) out.parts.push_back({.value = Thinking{.text = text(), .signature = "c2ln"}});
    if (maybe()) out.parts.push_back({.value = Thinking{.text = {}, .redacted = "AAEC"}});
    if (maybe()) out.parts.push_back({.value = Text{.text = text()}});
    if (maybe()) {
      Text said{.text = text()};
      said.citations.push_back({.url = "https://e.org", .title = text(), .cited_text = text()});
      said.citations.push_back(
          {.title = "d",
           .document = 0,
           .raw = Json{R"({"title":"d","location":{"documentPage":{"documentIndex":0,"start":1,"end":2}}})"}});
      out.parts.push_back({.value = said});
    }
    if (maybe()) out.parts.push_back({.value = Image{.media = {.base64 = "aGk=", .media_type = "image/png"}}});
    for (auto n = random_.below(3); n > 0; --n) {
      out.parts.push_back({.value = ToolCall{.id = cat("tooluse_", n), .name = "f", .arguments = R"({"a":"é"})"}});
    }
    if (maybe()) {
      out.parts.push_back(
          {.value = Opaque{.dialect = "bedrock",
                           .value = {R"({"toolUse":{"toolUseId":"s","name":"w","input":{},"type":"server_tool_use"}})"}}});
    }
    constexpr Finish finishes[] = {Finish::stop,           Finish::length, Finish::tool_calls,     Finish::stop_sequence,
                                   Finish::content_filter, Finish::failed, Finish::malformed_call, Finish::context_limit};
    if (maybe()) out.finish = finishes[random_.below(8)];
    if (random_.below(6) == 0) {
      out.finish = Finish::unknown;
      out.finish_raw = "new_word";
    }
    if (random_.below(6) == 0) {
      out.finish = Finish::content_filter;
      out.finish_raw = "guardrail_intervened";
    }
    if (maybe()) out.stop_sequence = "END";
    if (maybe()) out.message_extras.push_back({"vendor", {"1"}});
    return out;
  }
  Random random_;
};

TEST(BedrockAnswer, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = Generator{seed}.make();
    Losses losses;
    const model::Chat asked;
    const AnswerContext context{.request = asked, .id = {}, .model = {}};
    const auto body = chat.encode_response(made, context, losses);
    EXPECT_TRUE(losses.empty()) << seed << losses.all().front().field;
    auto back = chat.decode_response(body);
    ASSERT_TRUE(back) << seed << ": " << back.error().message() << "\n" << body;
    ASSERT_EQ(*back, made) << seed << "\n" << body;
    EXPECT_TRUE(chat.inspect_response(body, {}));
  }
}

// "Call a tool with the Converse API" and "Citations" of Bedrock's user guide; the shape of APIReference "Converse".
TEST(BedrockAnswer, ReadsTheReferencesForms) {
  auto got = chat.decode_response(R"({"output":{"message":{"role":"assistant","content":[
    {"reasoningContent":{"reasoningText":{"text":"Let me see","signature":"EqoB"}}},
    {"citationsContent":{"content":[{"text":"It "},{"text":"is."}],"citations":[{"title":"Doc","sourceContent":[{"text":"a"},{"text":"b"}],
      "location":{"documentChar":{"documentIndex":2,"start":1,"end":9}}},{"title":"W","location":{"web":{"url":"https://e.org","domain":"e.org"}}}]}},
    {"toolUse":{"toolUseId":"tooluse_kZJMlvQmRJ6eAyJE5GIl7Q","name":"top_song","input":{"sign":"WZPZ"}}}]}},
    "stopReason":"tool_use","usage":{"inputTokens":10,"outputTokens":58,"totalTokens":1068,"cacheReadInputTokens":1000,"cacheWriteInputTokens":0},
    "metrics":{"latencyMs":1275},"additionalModelResponseFields":{"stop_sequence":null},"serviceTier":{"type":"default"}})");
  ASSERT_TRUE(got) << got.error().message();
  const auto& choice = got->choices.at(0);
  EXPECT_EQ(choice.finish, Finish::tool_calls);
  EXPECT_EQ(choice.finish_raw, std::nullopt);
  ASSERT_EQ(choice.parts.size(), 3u);
  EXPECT_EQ(std::get<Thinking>(choice.parts[0].value), (Thinking{.text = "Let me see", .signature = "EqoB"}));
  const auto& cited = std::get<Text>(choice.parts[1].value);
  EXPECT_EQ(cited.text, "It is.");
  EXPECT_EQ(cited.citations[0].document, 2u);
  EXPECT_EQ(cited.citations[0].cited_text, "ab");
  EXPECT_EQ(cited.citations[1].url, "https://e.org");
  EXPECT_EQ(std::get<ToolCall>(choice.parts[2].value).arguments, R"({"sign":"WZPZ"})");
  EXPECT_EQ(got->usage, (Usage{.input = 10, .cache_read = 1000, .cache_write = 0, .output = 58}));
  EXPECT_EQ(got->service_tier, "default");
  EXPECT_EQ(got->extras, (Extras{{"metrics", {R"({"latencyMs":1275})"}}}));
}

TEST(BedrockAnswer, MalformedAnswersAreTheUpstreamsFault) {
  const std::pair<std::string_view, Kind> cases[] = {
      {"{", Kind::upstream_protocol},
      {"[]", Kind::upstream_protocol},
      {"{}", Kind::upstream_failed},
      {R"({"message":"The model is not ready"})", Kind::upstream_failed},
      {R"({"output":{}})", Kind::upstream_failed},
      {R"({"output":1})", Kind::upstream_failed},
      {R"({"output":{"message":"x"}})", Kind::upstream_protocol},
      {R"({"output":{"message":{"content":"x"}}})", Kind::upstream_protocol},
      {R"({"output":{"message":{"content":[{"toolUse":{}}]}}})", Kind::upstream_protocol},
      {R"({"output":{"message":{"content":[]}},"stopReason":7})", Kind::upstream_protocol},
  };
  for (const auto& [body, kind] : cases) {
    auto got = chat.decode_response(body);
    ASSERT_FALSE(got) << body;
    EXPECT_EQ(got.error().kind(), kind) << body;
  }
}

TEST(BedrockAnswer, ForeignAnswers) {
  Answer foreign{.dialect = "anthropic", .id = "msg_1", .model = "claude"};
  Choice choice{
      .parts = {{.value = Thinking{.text = "hm", .signature = "s"}},
                {.value = Thinking{.text = {}, .signature = "sealed"}},
                {.value = Text{.text = ""}},
                {.value = Text{.text = "Hi",
                               .citations = {{.title = "D",
                                              .cited_text = "c",
                                              .document = 1,
                                              .raw = Json{R"({"type":"page_location","cited_text":"c","document_index":1,)"
                                                          R"("document_title":"D","start_page_number":2,"end_page_number":3})"}},
                                             {.url = "u", .title = "W", .start = 0, .end = 2}}}},
                {.value = Refusal{"No."}},
                {.value = ToolCall{.id = "toolu_1", .name = "f", .arguments = ""}},
                {.value = File{.media = {.id = "f"}}}},
      .finish = Finish::refusal,
      .stop_sequence = "END"};
  foreign.choices.push_back(choice);
  foreign.usage = Usage{.input = 1, .cache_read = 2, .cache_write = 3, .output = 4, .reasoning = 1};
  foreign.service_tier = "standard";
  foreign.extras = {{"container", {"1"}}};
  Losses losses;
  model::Chat asked;
  AnswerContext context{.request = asked, .id = "msg_x", .model = "m"};
  const std::string content =
      R"({"output":{"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"hm","signature":"s"}}},)"
      R"({"reasoningContent":{"reasoningText":{"text":"","signature":"sealed"}}},)"
      R"({"citationsContent":{"content":[{"text":"Hi"}],"citations":[{"title":"D","sourceContent":[{"text":"c"}],)"
      R"("location":{"documentPage":{"documentIndex":1,"start":2,"end":3}}},{"title":"W","location":{"web":{"url":"u"}}}]}},)"
      R"({"text":"No."},{"toolUse":{"toolUseId":"toolu_1","name":"f","input":{}}}]}},"stopReason":"content_filtered",)"
      R"("usage":{"inputTokens":1,"outputTokens":4,"totalTokens":10,"cacheReadInputTokens":2,"cacheWriteInputTokens":3},)"
      R"("metrics":{"latencyMs":0},)";
  EXPECT_EQ(chat.encode_response(foreign, context, losses), content + R"("serviceTier":{"type":"default"}})");
  const std::vector<std::string> expected{"choices[0].message.content[3].citations.offsets", "choices[0].message.content[6].file",
                                          "choices[0].finish_reason", "usage.reasoning", "container"};
  EXPECT_EQ(losses.fields(), expected);
  // Which stop sequence it was is told to those who ask.
  asked.extras = {{"additionalModelResponseFieldPaths", {R"(["/stop_sequence"])"}}};
  EXPECT_EQ(chat.encode_response(foreign, context, losses),
            content + R"("additionalModelResponseFields":{"stop_sequence":"END"},"serviceTier":{"type":"default"}})");
}

TEST(BedrockAnswer, TheRequiredMembersAreThere) {
  Answer foreign{.dialect = "ollama"};
  foreign.choices.push_back({.parts = {{.value = Text{.text = "Hi"}}}});
  Losses losses;
  const model::Chat asked;
  EXPECT_EQ(chat.encode_response(foreign, {.request = asked, .id = {}, .model = {}}, losses),
            R"({"output":{"message":{"role":"assistant","content":[{"text":"Hi"}]}},"stopReason":"end_turn",)"
            R"("usage":{"inputTokens":0,"outputTokens":0,"totalTokens":0},"metrics":{"latencyMs":0}})");
  EXPECT_EQ(losses.fields(), (std::vector<std::string>{"choices[0].finish_reason"}));
}

}  // namespace
}  // namespace cardea::dialect
