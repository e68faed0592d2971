#include <gtest/gtest.h>

#include <array>

#include "base/random.h"
#include "base/text.h"
#include "dialect/anthropic/anthropic.h"
#include "dialect/dialect.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& claude_dialect = anthropic();

Citation cited(std::string_view text) {
  return {.url = "https://e.org",
          .title = "t",
          .start = text.empty() ? std::nullopt : std::optional<std::uint64_t>{0},
          .end = text.empty() ? std::nullopt : std::optional{claude::characters(text)},
          .cited_text = "c",
          .raw = Json{
              R"({"type":"search_result_location","cited_text":"c","source":"https://e.org","title":"t","search_result_index":0,)"
              R"("start_block_index":0,"end_block_index":1})"}};
}

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_{seed} {}

  Answer make() {
    Answer out;
    out.dialect = "anthropic";
    out.id = "msg_" + text();
    out.model = text();
    auto& choice = out.choices.emplace_back();
    for (auto n = random_.below(5); n > 0; --n) choice.parts.push_back(part());
    finish(choice);
    auto& usage = out.usage.emplace();
    usage.input = random_.next() >> 20;
    usage.output = random_.next() >> 20;
    if (maybe()) usage.cache_read = random_.below(100);
    if (maybe()) usage.cache_write = random_.below(100);
    if (maybe()) usage.reasoning = random_.below(100);
    static constexpr std::array<std::string_view, 4> tiers{"default", "priority", "batch", "vendor"};
    if (maybe()) out.service_tier = tiers[random_.below(4)];
    if (maybe()) out.extras.push_back({"usage", {R"({"server_tool_use":{"web_search_requests":2}})"}});
    if (maybe()) out.extras.push_back({"container", {R"({"id":"c","expires_at":"2030-01-01T00:00:00Z"})"}});
    return out;
  }

 private:
  bool maybe() { return random_.below(2) == 0; }
  std::string text() { return cat("é\"\n", random_.below(100)); }
  void finish(Choice& choice) {
    static constexpr std::array<Finish, 7> exact{Finish::stop,   Finish::length,  Finish::tool_calls,   Finish::stop_sequence,
                                                 Finish::paused, Finish::refusal, Finish::context_limit};
    if (random_.below(8) == 0) return;
    choice.finish = exact[random_.below(exact.size())];
    if (choice.finish == Finish::stop_sequence) choice.stop_sequence = text();
    if (random_.below(8) == 0) {
      choice.finish = Finish::unknown;
      choice.finish_raw = "compaction";
    }
  }
  Part part() {
    Part out;
    switch (random_.below(5)) {
      case 0: out.value = Thinking{.text = text(), .signature = text()}; break;
      case 1: out.value = Thinking{.text = {}, .redacted = text()}; break;
      case 2:
        out.value = ToolCall{.id = "toolu_" + text(), .name = text(), .arguments = maybe() ? "{}" : R"({"a":[1.50,"é"]})"};
        if (maybe()) out.extras.push_back({"caller", {R"({"type":"code_execution_20250825","tool_id":"t"})"}});
        break;
      case 3:
        out.value =
            Opaque{.dialect = "anthropic", .value = {R"({"type":"web_search_tool_result","tool_use_id":"s","content":[]})"}};
        break;
      default: {
        Text said{.text = text()};
        if (maybe()) said.citations.push_back(cited(said.text));
        out.value = said;
      }
    }
    return out;
  }
  Random random_;
};

TEST(AnthropicAnswer, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = Generator{seed}.make();
    Losses losses;
    const model::Chat asked;
    const AnswerContext context{.request = asked, .id = {}, .model = {}};
    const auto body = claude_dialect.encode_response(made, context, losses);
    EXPECT_TRUE(losses.empty()) << seed << losses.all().front().field;
    auto back = claude_dialect.decode_response(body);
    ASSERT_TRUE(back) << seed << ": " << back.error().message() << "\n" << body;
    ASSERT_EQ(*back, made) << seed << "\n" << body;
    EXPECT_TRUE(claude_dialect.inspect_response(body, {}));
  }
}

// "Messages" (example answer), "Citations" and "Web search tool" of Anthropic's documentation.
TEST(AnthropicAnswer, ReadsTheReferencesForm) {
  auto got = claude_dialect.decode_response(R"({"id":"msg_013Zva2CMHLNnXjNJJKqJ2EF","type":"message","role":"assistant",
    "model":"claude-opus-4-1","content":[{"type":"text","text":"According to the document, "},
    {"type":"text","text":"the grass is green","citations":[{"type":"char_location","cited_text":"The grass is green.",
      "document_index":0,"document_title":"Example","start_char_index":0,"end_char_index":20}]},
    {"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[]}],
    "stop_reason":"stop_sequence","stop_sequence":"END","stop_details":null,"container":null,
    "usage":{"input_tokens":2095,"cache_creation_input_tokens":248,"cache_read_input_tokens":1800,
      "cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":248},"output_tokens":503,
      "output_tokens_details":{"thinking_tokens":40},"server_tool_use":{"web_search_requests":0},"service_tier":"standard",
      "inference_geo":"global"}})");
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->id, "msg_013Zva2CMHLNnXjNJJKqJ2EF");
  EXPECT_EQ(got->service_tier, "default");
  EXPECT_EQ(*got->usage, (Usage{.input = 2095, .cache_read = 1800, .cache_write = 248, .output = 503, .reasoning = 40}));
  EXPECT_EQ(got->extras,
            (Extras{{"usage", {R"({"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":248}})"}}}));
  const auto& choice = got->choices.at(0);
  EXPECT_EQ(choice.finish, Finish::stop_sequence);
  EXPECT_EQ(choice.stop_sequence, "END");
  ASSERT_EQ(choice.parts.size(), 3u);
  const auto& citation = std::get<Text>(choice.parts[1].value).citations.at(0);
  EXPECT_EQ(citation.title, "Example");
  EXPECT_EQ(citation.document, 0u);
  EXPECT_EQ(citation.cited_text, "The grass is green.");
  EXPECT_EQ(citation.end, 18u);
  EXPECT_TRUE(citation.raw.has_value());
  EXPECT_TRUE(std::holds_alternative<Opaque>(choice.parts[2].value));
}

TEST(AnthropicAnswer, WhatIsNoAnswerIsAnError) {
  struct Case {
    std::string_view body;
    Kind kind;
  };
  const Case cases[] = {
      {R"({"type":"error","error":{"type":"api_error","message":"m"}})", Kind::upstream_failed},
      {R"({"error":"m"})", Kind::upstream_failed},
      {R"({"id":"x"})", Kind::upstream_failed},
      {R"({"content":null})", Kind::upstream_failed},
      {R"({"content":"text"})", Kind::upstream_failed},
      {R"({"content":[7]})", Kind::upstream_protocol},
      {R"({"content":[{"type":"text"}]})", Kind::upstream_protocol},
      {R"([])", Kind::upstream_protocol},
      {R"(<html>)", Kind::upstream_protocol},
      {"", Kind::upstream_protocol},
  };
  for (const auto& [body, kind] : cases) {
    auto got = claude_dialect.decode_response(body);
    ASSERT_FALSE(got) << body;
    EXPECT_EQ(got.error().kind(), kind) << body;
    EXPECT_EQ(claude_dialect.inspect_response(body, {}).error().kind(), kind) << body;
  }
  const auto error = claude_dialect.inspect_response(
      R"({"type":"error","error":{"type":"rate_limit_error","message":"slow down sk-1234567890"}})", Secret{"sk-1234567890"});
  EXPECT_EQ(error.error().kind(), Kind::rate_limited);
  EXPECT_EQ(error.error().message().find("sk-1234567890"), std::string::npos);
  EXPECT_NE(error.error().message().find("slow down"), std::string::npos);
}

TEST(AnthropicAnswer, WritesTheReferencesForm) {
  Answer answer;
  answer.dialect = "openai_chat";
  answer.created = 7;
  answer.system_fingerprint = "fp";
  answer.service_tier = "default";
  answer.extras = {{"vendor", {"1"}}};
  answer.usage = Usage{.input = 4, .cache_read = 2, .output = 9, .reasoning = 3, .input_audio = 1};
  auto& choice = answer.choices.emplace_back();
  choice.parts = {
      {.value = Thinking{.text = "hm"}},
      {.value = Text{}},
      {.value = Text{.text = "see you", .citations = {{.url = "u", .title = "t", .start = 0, .end = 3}, {.document = 2}}}},
      {.value = Image{.media = {.url = "u"}}},
      {.value = ToolCall{.id = "c1", .name = "f", .arguments = " {\"a\": 1}\n"}},
      {.value = ToolCall{.id = "c2", .name = "g", .arguments = ""}},
      {.value = ToolCall{.id = "c3", .name = "h", .arguments = "[1"}}};
  choice.finish = Finish::stop;
  answer.choices.push_back({.index = 1});
  Losses losses;
  const model::Chat asked;
  const auto body = claude_dialect.encode_response(answer, {.request = asked, .id = "msg_made", .model = "made"}, losses);
  EXPECT_EQ(
      body,
      R"({"id":"msg_made","type":"message","role":"assistant","model":"made","content":[{"type":"thinking","thinking":"hm","signature":""},)"
      R"({"type":"text","text":"see you","citations":[{"type":"web_search_result_location","cited_text":"","encrypted_index":"","title":"t","url":"u"},)"
      R"({"type":"char_location","cited_text":"","document_index":2,"document_title":null,"start_char_index":0,"end_char_index":0}]},)"
      R"({"type":"tool_use","id":"c1","name":"f","input":{"a": 1}},{"type":"tool_use","id":"c2","name":"g","input":{}},)"
      R"({"type":"tool_use","id":"c3","name":"h","input":{"input":"[1"}}],"stop_reason":"tool_use","stop_sequence":null,)"
      R"("usage":{"input_tokens":4,"cache_read_input_tokens":2,"output_tokens":9,"output_tokens_details":{"thinking_tokens":3},)"
      R"("service_tier":"standard"}})");
  const std::vector<std::string> expected{"choices[0].content[3].image",
                                          "choices[0].content[6].tool_call.arguments",
                                          "choices[1]",
                                          "system_fingerprint",
                                          "usage.input_audio",
                                          "vendor"};
  EXPECT_EQ(losses.fields(), expected);
}

struct FinishCase {
  std::optional<Finish> finish;
  std::string_view word;
  bool lost;
};

TEST(AnthropicAnswer, StopReasons) {
  const FinishCase cases[] = {
      {std::nullopt, "end_turn", false},
      {Finish::stop, "end_turn", false},
      {Finish::length, "max_tokens", false},
      {Finish::tool_calls, "tool_use", false},
      {Finish::function_call, "tool_use", false},
      {Finish::content_filter, "refusal", true},
      {Finish::refusal, "refusal", false},
      {Finish::stop_sequence, "stop_sequence", false},
      {Finish::paused, "pause_turn", false},
      {Finish::context_limit, "model_context_window_exceeded", false},
      {Finish::malformed_call, "max_tokens", true},
      {Finish::failed, "max_tokens", true},
      {Finish::unknown, "end_turn", true},
  };
  const model::Chat asked;
  for (const auto& [finish, word, lost] : cases) {
    Answer answer;
    answer.dialect = "gemini";
    answer.choices.push_back({.parts = {{.value = Text{.text = "x"}}}, .finish = finish});
    Losses losses;
    const auto body = claude_dialect.encode_response(answer, {.request = asked, .id = {}, .model = {}}, losses);
    EXPECT_NE(body.find(cat(R"("stop_reason":")", word, '"')), std::string::npos) << word << body;
    EXPECT_EQ(losses.empty(), !lost) << word;
  }
  // A refusal is one, whatever the upstream calls its end.
  Answer refused;
  refused.choices.push_back({.parts = {{.value = Refusal{"No."}}}, .finish = Finish::stop});
  Losses losses;
  const auto body = claude_dialect.encode_response(refused, {.request = asked, .id = {}, .model = {}}, losses);
  EXPECT_NE(body.find(R"("content":[{"type":"text","text":"No."}],"stop_reason":"refusal")"), std::string::npos) << body;
}

}  // namespace
}  // namespace cardea::dialect
