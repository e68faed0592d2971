#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& chat = openai_chat();

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_{seed} {}

  Answer make() {
    Answer out{.dialect = "openai_chat", .id = text(), .model = text(), .created = count()};
    for (std::uint64_t n = 1 + random_.below(3), i = 0; i < n; ++i) out.choices.push_back(choice(i));
    if (maybe()) out.usage = usage();
    out.service_tier = text();
    out.system_fingerprint = text();
    if (maybe()) out.extras.push_back({"provider", {R"("x")"}});
    return out;
  }

 private:
  bool maybe() { return random_.below(2) == 0; }
  std::optional<std::string> text() { return maybe() ? std::optional{cat("t\"é", random_.below(100))} : std::nullopt; }
  std::optional<std::uint64_t> count() { return maybe() ? std::optional{random_.below(1 << 20)} : std::nullopt; }
  Usage usage() {
    Usage out{.input = random_.below(1000), .output = random_.below(1000)};
    out.cache_read = count();
    out.cache_write = count();
    out.reasoning = count();
    out.input_audio = count();
    out.output_audio = count();
    out.accepted_prediction = count();
    out.rejected_prediction = count();
    return out;
  }
  Choice choice(std::uint64_t index) {
    Choice out{.index = index};
    if (maybe()) {
      out.parts.push_back({.value = Thinking{.text = "hm"}});
    } else if (maybe()) {
      out.parts.push_back({.value = Thinking{.text = "hm", .signature = "s"}});
      out.parts.push_back({.value = Thinking{.text = {}, .redacted = "d"}});
      out.parts.push_back({.value = Thinking{.text = "so", .id = "rs_1", .encrypted = "e", .summary = {"so"}}});
    }
    if (maybe()) {
      Text said{.text = cat("hallo ", random_.below(9))};
      if (maybe()) said.citations.push_back({.url = text(), .title = text(), .start = count(), .end = count()});
      if (maybe()) said.citations.push_back({.raw = Json{R"({"type":"file_citation","x":1})"}});
      out.parts.push_back({.value = said});
    }
    const bool refuses = maybe();
    if (refuses) out.parts.push_back({.value = Refusal{"no"}});
    if (maybe()) out.parts.push_back({.value = Image{.media = {.base64 = "aGk=", .media_type = "image/png"}}});
    if (maybe()) {
      Audio audio{.media = {.base64 = "aGk=", .id = "audio_1"}, .transcript = text(), .expires_at = count()};
      out.parts.push_back({.value = audio});
    }
    for (auto n = random_.below(3); n > 0; --n)
      out.parts.push_back({.value = ToolCall{.id = cat("c", n), .name = "f", .arguments = "{}", .signature = text()}});
    if (random_.below(4) == 0) out.parts.push_back({.value = ToolCall{.name = "old", .arguments = "{\"a\":1}"}});
    constexpr Finish finishes[] = {Finish::stop,           Finish::length, Finish::tool_calls, Finish::function_call,
                                   Finish::content_filter, Finish::failed, Finish::refusal};
    if (maybe()) out.finish = finishes[random_.below(7)];
    // Beside a refusal's text the word "stop" means it.
    if (out.finish == Finish::stop && refuses) out.finish = Finish::refusal;
    if (random_.below(6) == 0) {
      out.finish = Finish::unknown;
      out.finish_raw = "vendor_word";
    }
    if (maybe()) out.logprobs = Json{R"({"content":[{"token":"a","logprob":-0.10}]})"};
    if (maybe()) out.extras.push_back({"content_filter_results", {"{}"}});
    if (maybe()) out.message_extras.push_back({"vendor", {"1"}});
    return out;
  }
  Random random_;
};

TEST(Answer, DecodeOfEncodeIsTheSame) {
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

TEST(Answer, ReadsVendorsForms) {
  auto got = chat.decode_response(R"({"id":"x","choices":[{"index":0,"finish_reason":"eos","message":{"role":"assistant",
    "content":"hi","reasoning":"because","tool_calls":[{"id":"c","function":{"name":"f","arguments":{"a":1}}}],"refusal":null,"audio":null,
    "annotations":[{"type":"url_citation","url_citation":{"url":"u","title":"t","start_index":0,"end_index":2}}]}}],
    "usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":6}})");
  ASSERT_TRUE(got) << got.error().message();
  const auto& choice = got->choices[0];
  EXPECT_EQ(choice.finish, Finish::unknown);
  EXPECT_EQ(choice.finish_raw, "eos");
  ASSERT_EQ(choice.parts.size(), 3u);
  EXPECT_EQ(std::get<Thinking>(choice.parts[0].value).text, "because");
  EXPECT_EQ(std::get<Text>(choice.parts[1].value).citations[0], (Citation{.url = "u", .title = "t", .start = 0, .end = 2}));
  EXPECT_EQ(std::get<ToolCall>(choice.parts[2].value).arguments, R"({"a":1})");
  EXPECT_EQ(got->usage, (Usage{.input = 6, .cache_read = 4, .output = 2}));
}

TEST(Answer, MalformedAnswersAreTheUpstreamsFault) {
  const std::pair<std::string_view, Kind> cases[] = {
      {"{", Kind::upstream_protocol},
      {"[]", Kind::upstream_protocol},
      {R"({"error":{"message":"x"}})", Kind::upstream_failed},
      {R"({"choices":[]})", Kind::upstream_failed},
      {R"({"choices":[1]})", Kind::upstream_protocol},
      {R"({"choices":[{}]})", Kind::upstream_protocol},
      {R"({"choices":[{"message":"x"}]})", Kind::upstream_protocol},
      {R"({"choices":[{"message":{"content":7}}]})", Kind::upstream_protocol},
      {R"({"choices":[{"message":{"tool_calls":[{"id":"c"}]}}]})", Kind::upstream_protocol},
  };
  for (const auto& [body, kind] : cases) {
    auto got = chat.decode_response(body);
    ASSERT_FALSE(got) << body;
    EXPECT_EQ(got.error().kind(), kind) << body;
  }
}

TEST(Answer, ForeignAnswersBecomeOneMessage) {
  Answer foreign{.dialect = "anthropic", .id = "msg_1", .model = "claude"};
  Choice choice{.parts = {{.value = Thinking{.text = "hm", .signature = "s"}},
                          {.value = Text{.text = "Grüße ", .citations = {{.url = "u", .title = "t"}}}},
                          {.value = Text{.text = "you", .citations = {{.start = 0, .end = 2, .cited_text = "c", .document = 1}}}},
                          {.value = Image{.media = {.base64 = "aGk=", .media_type = "image/png"}}},
                          {.value = Opaque{.dialect = "anthropic", .value = {"{}"}}},
                          {.value = ToolCall{.id = "c", .name = "f", .arguments = "", .signature = "g"}}},
                .finish = Finish::stop,
                .stop_sequence = "END",
                .logprobs = Json{R"({"content":[]})"}};
  foreign.choices.push_back(choice);
  foreign.usage = Usage{.input = 1, .cache_read = 2, .cache_write = 3};
  foreign.service_tier = "standard";
  foreign.extras = {{"container", {"1"}}};
  Losses losses;
  const model::Chat asked;
  const AnswerContext context{.request = asked, .id = "chatcmpl-1", .model = "m", .created = 7};
  const auto body = chat.encode_response(foreign, context, losses);
  EXPECT_EQ(
      body,
      R"({"id":"msg_1","object":"chat.completion","created":7,"model":"claude","choices":[{"index":0,"message":{"role":"assistant",)"
      R"("content":"Grüße you","refusal":null,"reasoning_content":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm",)"
      R"("signature":"s","format":"anthropic-claude-v1","index":0}],"images":[{"type":"image_url","image_url":{"url":)"
      R"("data:image/png;base64,aGk="}}],"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"},)"
      R"("extra_content":{"google":{"thought_signature":"g"}}}],"annotations":[{"type":"url_citation","url_citation":{"url":"u",)"
      R"("title":"t","start_index":0,"end_index":6}},{"type":"url_citation","url_citation":{"url":"","title":"","start_index":6,)"
      R"("end_index":8,"cited_text":"c","document_index":1}}]},"logprobs":{"content":[],"refusal":null},)"
      R"("finish_reason":"tool_calls"}],"usage":{"prompt_tokens":6,"completion_tokens":0,"total_tokens":6,)"
      R"("prompt_tokens_details":{"cached_tokens":2,"cache_write_tokens":3}},"service_tier":"default"})");
  const std::vector<std::string> expected{"choices[0].message.content[4].opaque", "choices[0].stop_sequence", "container"};
  EXPECT_EQ(losses.fields(), expected);
}

/// A filter, a refusal with and without words, a length stop and a cut stay apart.
TEST(Answer, EndsStayDistinguishable) {
  const auto round = [](Finish finish, std::vector<Part> parts) {
    Answer foreign{.dialect = "anthropic", .choices = {Choice{.parts = std::move(parts), .finish = finish}}};
    Losses losses;
    const model::Chat asked;
    const auto body = chat.encode_response(foreign, {.request = asked, .id = "x", .model = "m", .created = 7}, losses);
    auto back = chat.decode_response(body);
    EXPECT_TRUE(back) << body;
    return std::pair{back->choices[0].finish, losses.all().size()};
  };
  const Part text{.value = Text{.text = "x"}};
  const Part refusal{.value = Refusal{"no"}};
  for (const auto finish : {Finish::stop, Finish::length, Finish::content_filter, Finish::refusal, Finish::failed}) {
    EXPECT_EQ(round(finish, {text}), (std::pair{std::optional{finish}, std::size_t{0}}));
  }
  EXPECT_EQ(round(Finish::refusal, {refusal}), (std::pair{std::optional{Finish::refusal}, std::size_t{0}}));
  EXPECT_EQ(round(Finish::content_filter, {refusal}), (std::pair{std::optional{Finish::content_filter}, std::size_t{0}}));
  EXPECT_EQ(round(Finish::paused, {text}), (std::pair{std::optional{Finish::length}, std::size_t{1}}));
}

}  // namespace
}  // namespace cardea::dialect
