#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/translate.h"
#include "json/value.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& dut = gemini();

/// Answers of everything that the dialect can say.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_{seed} {}

  Answer make() {
    Answer out;
    out.dialect = "gemini";
    out.id = "r" + text();
    out.model = "gemini-2.5-flash";
    if (maybe()) out.created = random_.below(4'000'000'000);
    for (std::uint64_t choices = 1 + random_.below(2), i = 0; i < choices; ++i) out.choices.push_back(choice(i));
    if (maybe()) out.usage = usage();
    if (maybe()) out.extras.push_back({"modelStatus", {R"({"modelStage":"STABLE"})"}});
    return out;
  }

 private:
  bool maybe() { return random_.below(2) == 0; }
  std::string text() { return cat("x\"é😀\n", random_.below(100)); }
  std::uint64_t tokens() { return 1 + random_.below(100'000); }
  Usage usage() {
    Usage out{.input = tokens(), .output = tokens()};
    if (maybe()) out.cache_read = tokens();
    if (maybe()) out.reasoning = random_.below(*out.output + 1);
    if (maybe()) out.input_audio = tokens();
    if (maybe()) out.output_audio = tokens();
    return out;
  }
  void finish(Choice& out, bool calls) {
    struct Row {
      Finish finish;
      std::string_view raw;
    };
    static constexpr std::array<Row, 8> rows{{{Finish::length, ""},
                                              {Finish::content_filter, ""},
                                              {Finish::content_filter, "RECITATION"},
                                              {Finish::malformed_call, ""},
                                              {Finish::malformed_call, "UNEXPECTED_TOOL_CALL"},
                                              {Finish::failed, ""},
                                              {Finish::failed, "SOMETHING_NEW"},
                                              {Finish::unknown, "FINISH_REASON_UNSPECIFIED"}}};
    const auto pick = random_.below(rows.size() + 4);
    if (pick >= rows.size()) {
      out.finish = calls ? Finish::tool_calls : Finish::stop;
      return;
    }
    out.finish = rows[pick].finish;
    if (!rows[pick].raw.empty()) out.finish_raw = rows[pick].raw;
  }
  Choice choice(std::uint64_t index) {
    Choice out{.index = index};
    bool calls = false;
    if (maybe()) {
      Thinking thinking{.text = text()};
      if (maybe()) thinking.signature = "c2ln";
      out.parts.push_back({.value = thinking});
    }
    if (maybe()) out.parts.push_back({.value = Text{.text = text()}});
    if (maybe()) {
      out.parts.push_back({.value = Thinking{.text = {}, .signature = "b3Bh"}});
      if (maybe()) out.parts.push_back({.value = Text{.text = text()}});
    }
    if (maybe()) out.parts.push_back({.value = Image{.media = {.base64 = "aGk=", .media_type = "image/png"}}});
    if (maybe()) {
      out.parts.push_back(
          {.value = Opaque{.dialect = "gemini", .value = {R"({"codeExecutionResult":{"outcome":"OUTCOME_OK"}})"}}});
    }
    for (auto n = random_.below(3); n > 0; --n) {
      ToolCall call{.name = "f", .arguments = R"({"a":[1.50]})"};
      if (maybe()) call.id = text();
      if (maybe()) call.signature = "c2ln";
      out.parts.push_back({.value = call});
      calls = true;
    }
    finish(out, calls);
    if (maybe()) {
      out.logprobs = Json{
          R"({"content":[{"token":"a","logprob":-0.10,"bytes":null,"top_logprobs":[{"token":"b","logprob":-2,"bytes":null}]}],"refusal":null})"};
    }
    if (maybe()) out.extras.push_back({"safetyRatings", {R"([{"category":"x","probability":"LOW"}])"}});
    if (maybe()) out.extras.push_back({"avgLogprobs", {"-0.10"}});
    if (maybe()) out.extras.push_back({"groundingMetadata", {R"({"webSearchQueries":["q"]})"}});
    return out;
  }

  Random random_;
};

std::string encode(const Answer& answer, Losses& losses) {
  static const Chat request;
  return dut.encode_response(answer, {.request = request, .id = "made", .model = "asked", .created = 5}, losses);
}

TEST(GeminiAnswer, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = Generator{seed}.make();
    Losses losses;
    const auto body = encode(made, losses);
    EXPECT_TRUE(losses.empty()) << seed << losses.all().front().field;
    auto back = dut.decode_response(body);
    ASSERT_TRUE(back) << seed << back.error().message() << "\n" << body;
    ASSERT_EQ(*back, made) << seed << "\n" << body;
    auto view = dut.inspect_response(body, {});
    ASSERT_TRUE(view) << body;
    EXPECT_EQ(view->choices, made.choices.size());
    EXPECT_EQ(view->model, made.model);
    EXPECT_EQ(view->usage, made.usage);
    EXPECT_EQ(view->id, made.id);
  }
}

// ai.google.dev/gemini-api/docs/google-search (the answer of "Who won the euro 2024?"), shortened.
TEST(GeminiAnswer, ReadsGroundingInBytes) {
  auto got =
      dut.decode_response(R"({"candidates":[{"content":{"parts":[{"text":"Él won. Then…"}],"role":"model"},"finishReason":"STOP",
    "groundingMetadata":{"webSearchQueries":["q"],"groundingChunks":[{"web":{"uri":"https://a.org","title":"a"}},
      {"retrievedContext":{"title":"doc","text":"context"}},{"web":{"uri":"https://c.org","title":"c"}}],
      "groundingSupports":[{"segment":{"endIndex":8,"text":"Él won."},"groundingChunkIndices":[0,1]}]},
    "citationMetadata":{"citationSources":[{"startIndex":9,"endIndex":16,"uri":"https://d.org","license":""}]}}],
    "usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":4,"candidatesTokenCount":5,"thoughtsTokenCount":7,
      "toolUsePromptTokenCount":3,"totalTokenCount":25,"promptTokensDetails":[{"modality":"TEXT","tokenCount":6},{"modality":"AUDIO","tokenCount":4}]},
    "modelVersion":"gemini-2.5-flash","responseId":"r","createTime":"2025-01-02T03:04:05.678Z"})");
  ASSERT_TRUE(got) << got.error().message();
  const auto& text = std::get<Text>(got->choices[0].parts[0].value);
  ASSERT_EQ(text.citations.size(), 4u);
  EXPECT_EQ(text.citations[0], (Citation{.url = "https://a.org", .title = "a", .start = 0, .end = 7}));
  EXPECT_EQ(text.citations[1], (Citation{.title = "doc", .start = 0, .end = 7, .cited_text = "context"}));
  EXPECT_EQ(text.citations[2], (Citation{.url = "https://c.org", .title = "c"}));
  EXPECT_EQ(text.citations[3], (Citation{.url = "https://d.org", .start = 8, .end = 13}));
  EXPECT_EQ(got->usage, (Usage{.input = 9, .cache_read = 4, .output = 12, .reasoning = 7, .input_audio = 4}));
  EXPECT_EQ(got->created, 1'735'787'045u);
  EXPECT_EQ(got->choices[0].extras.size(), 2u);
  Losses losses;
  auto again = dut.decode_response(encode(*got, losses));
  EXPECT_EQ(again->choices, got->choices);
}

TEST(GeminiAnswer, FindsThePartThatIsCited) {
  auto got =
      dut.decode_response(R"({"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"abc"},{"text":"défg"}]},
    "groundingMetadata":{"groundingChunks":[{"web":{"uri":"u"}}],"groundingSupports":[
      {"segment":{"partIndex":2,"startIndex":3,"endIndex":4},"groundingChunkIndices":[0]},
      {"segment":{"startIndex":4,"endIndex":8},"groundingChunkIndices":[0,7]}]}}]})");
  ASSERT_TRUE(got) << got.error().message();
  const auto& cited = std::get<Text>(got->choices[0].parts[2].value).citations;
  ASSERT_EQ(cited.size(), 2u);
  EXPECT_EQ(cited[0], (Citation{.url = "u", .start = 2, .end = 3}));
  EXPECT_EQ(cited[1], (Citation{.url = "u", .start = 1, .end = 4}));  // in the whole text: the first part is a thought
}

TEST(GeminiAnswer, BlockedPromptsAreAnswers) {
  const std::string_view body =
      R"({"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":7,"totalTokenCount":7},"modelVersion":"m","responseId":"r"})";
  auto got = dut.decode_response(body);
  ASSERT_TRUE(got) << got.error().message();
  ASSERT_EQ(got->choices.size(), 1u);
  EXPECT_EQ(got->choices[0].finish, Finish::content_filter);
  EXPECT_TRUE(got->choices[0].parts.empty());
  EXPECT_EQ(got->usage, (Usage{.input = 7}));
  Losses losses;
  const auto again = encode(*got, losses);
  EXPECT_EQ(again.find("candidates\""), std::string::npos) << again;
  EXPECT_EQ(*dut.decode_response(again), *got);
}

struct FinishCase {
  std::string_view word;
  Finish finish;
};

TEST(GeminiAnswer, FinishReasons) {
  const FinishCase cases[] = {{"STOP", Finish::stop},
                              {"MAX_TOKENS", Finish::length},
                              {"SAFETY", Finish::content_filter},
                              {"RECITATION", Finish::content_filter},
                              {"BLOCKLIST", Finish::content_filter},
                              {"PROHIBITED_CONTENT", Finish::content_filter},
                              {"SPII", Finish::content_filter},
                              {"IMAGE_SAFETY", Finish::content_filter},
                              {"MALFORMED_FUNCTION_CALL", Finish::malformed_call},
                              {"UNEXPECTED_TOOL_CALL", Finish::malformed_call},
                              {"LANGUAGE", Finish::failed},
                              {"OTHER", Finish::failed},
                              {"SOMETHING_NEW", Finish::failed}};
  for (const auto& [word, finish] : cases) {
    auto got = dut.decode_response(cat(R"({"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":")", word, "\"}]}"));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->choices[0].finish, finish) << word;
    Losses losses;
    EXPECT_NE(encode(*got, losses).find(cat("\"finishReason\":\"", word, '"')), std::string::npos) << word;
  }
  auto call =
      dut.decode_response(R"({"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]},"finishReason":"STOP"}]})");
  EXPECT_EQ(call->choices[0].finish, Finish::tool_calls);
}

TEST(GeminiAnswer, ErrorsAndNonsense) {
  const auto kind = [](std::string_view body) { return dut.decode_response(body).error().kind(); };
  EXPECT_EQ(kind("{}"), Kind::upstream_failed);
  EXPECT_EQ(kind(R"({"candidates":[]})"), Kind::upstream_failed);
  EXPECT_EQ(kind(R"({"error":{"code":503,"message":"m","status":"UNAVAILABLE"}})"), Kind::upstream_failed);
  EXPECT_EQ(kind(R"([{"error":{"code":503,"message":"m"}}])"), Kind::upstream_failed);
  EXPECT_EQ(kind("[1"), Kind::upstream_protocol);
  EXPECT_EQ(kind("[]"), Kind::upstream_protocol);
  EXPECT_EQ(kind(R"({"candidates":[{"content":{"parts":[{"text":1}]}}]})"), Kind::upstream_protocol);
  EXPECT_EQ(kind(R"({"candidates":[{"content":[]}]})"), Kind::upstream_protocol);
  EXPECT_EQ(kind(R"({"candidates":[7]})"), Kind::upstream_protocol);
  const auto secret = Secret{"sk-secret"};
  auto view = dut.inspect_response(R"({"error":{"code":429,"message":"key sk-secret","status":"RESOURCE_EXHAUSTED"}})", secret);
  ASSERT_FALSE(view);
  EXPECT_EQ(view.error().kind(), Kind::rate_limited);
  EXPECT_EQ(view.error().message().find("sk-secret"), std::string_view::npos);
}

TEST(GeminiAnswer, SaysAForeignAnswer) {
  Answer answer;
  answer.dialect = "anthropic";
  answer.model = "claude";
  answer.created = 1'735'787'045;
  answer.service_tier = "standard";
  Choice choice;
  choice.parts = {{.value = Thinking{.text = "hm", .signature = "c2ln"}},
                  {.value = Thinking{.text = {}, .signature = "cmVk"}},
                  {.value = ToolCall{.id = "toolu_1", .name = "f", .arguments = R"({"a":1})"}},
                  {.value = Text{.text = "Él won",
                                 .citations = {{.url = "https://a.org", .title = "a", .start = 0, .end = 2},
                                               {.title = "doc", .start = 3, .end = 6, .cited_text = "he won", .document = 0}}}},
                  {.value = Refusal{.text = "no"}},
                  {.value = Opaque{.dialect = "anthropic", .value = {"{}"}}}};
  choice.finish = Finish::refusal;
  answer.choices.push_back(choice);
  answer.usage = Usage{.input = 5, .cache_read = 3, .cache_write = 2, .output = 9, .reasoning = 4};
  Losses losses;
  const auto body = encode(answer, losses);
  EXPECT_EQ(
      body,
      R"({"candidates":[{"content":{"parts":[{"text":"hm","thought":true,"thoughtSignature":"c2ln"},)"
      R"({"text":"","thought":true,"thoughtSignature":"cmVk"},{"functionCall":{"id":"toolu_1","name":"f","args":{"a":1}}},)"
      R"({"text":"Él won"},{"text":"no"}],"role":"model"},"finishReason":"SAFETY","finishMessage":"the model refused to answer","index":0,)"
      R"("groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://a.org","title":"a"}},)"
      R"({"retrievedContext":{"title":"doc","text":"he won"}}],"groundingSupports":[)"
      R"({"segment":{"partIndex":3,"startIndex":0,"endIndex":3,"text":"Él"},"groundingChunkIndices":[0]},)"
      R"({"segment":{"partIndex":3,"startIndex":4,"endIndex":7,"text":"won"},"groundingChunkIndices":[1]}]}}],)"
      R"("usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":3,"candidatesTokenCount":5,"thoughtsTokenCount":4,)"
      R"("totalTokenCount":19},"modelVersion":"claude","createTime":"2025-01-02T03:04:05Z","responseId":"made"})");
  const std::vector<std::string> expected{"choices[0].content[3].citations.document",
                                          "choices[0].content[4].refusal",
                                          "choices[0].content[5].opaque",
                                          "choices[0].finish_reason",
                                          "usage.cache_write",
                                          "service_tier"};
  EXPECT_EQ(losses.fields(), expected);
  EXPECT_EQ(losses.gravest(), nullptr);
}

TEST(GeminiAnswer, GeneratedMediaAndLogprobs) {
  Answer answer;
  answer.dialect = "openai_chat";
  Choice choice{.index = 0, .finish = Finish::stop};
  choice.parts = {{.value = Audio{.media = {.base64 = "AAAA", .id = "audio_1"}, .format = "mp3", .transcript = "hello"}}};
  choice.logprobs = Json{R"({"content":[{"token":"a","logprob":-1,"bytes":[97],"top_logprobs":[]}],"refusal":null})"};
  answer.choices.push_back(choice);
  Losses losses;
  EXPECT_EQ(
      encode(answer, losses),
      R"({"candidates":[{"content":{"parts":[{"text":"hello"},{"inlineData":{"mimeType":"audio/mp3","data":"AAAA"}}],)"
      R"("role":"model"},"finishReason":"STOP","index":0,"logprobsResult":{"chosenCandidates":[{"token":"a","logProbability":-1}],)"
      R"("topCandidates":[{"candidates":[]}]}}],"modelVersion":"asked","responseId":"made"})");
}

TEST(GeminiAnswer, TimesAreOfTheGregorianCalendar) {
  for (const std::uint64_t seconds : {0ULL, 951'782'399ULL, 951'782'400ULL, 951'868'800ULL, 4'102'444'799ULL, 1'709'164'800ULL}) {
    Answer answer;
    answer.dialect = "gemini";
    answer.created = seconds;
    answer.choices.push_back({.index = 0, .parts = {{.value = Text{.text = "x"}}}});
    Losses losses;
    EXPECT_EQ(dut.decode_response(encode(answer, losses))->created, seconds);
  }
}

}  // namespace
}  // namespace cardea::dialect
