#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/openai_spec.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& responses = openai_responses();

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_{seed} {}

  Answer make() {
    Answer out{.dialect = "openai_responses", .id = cat("resp_", random_.below(100)), .model = text(), .created = count()};
    out.choices.push_back(choice());
    if (maybe()) out.usage = usage();
    if (maybe()) out.service_tier = "flex";
    if (maybe()) out.extras.push_back({"vendor", {R"({"x":1})"}});
    return out;
  }

 private:
  bool maybe() { return random_.below(2) == 0; }
  std::string text() { return cat("t\"é", random_.below(100)); }
  std::uint64_t count() { return random_.below(1 << 20); }
  Usage usage() {
    return {.input = count(), .cache_read = count(), .cache_write = count(), .output = count(), .reasoning = count()};
  }
  Part thinking() {
    Thinking out{.id = cat("rs_", random_.below(100))};
    if (maybe()) out.encrypted = "gAAA";
    for (auto n = random_.below(3); n > 0; --n) out.summary.push_back(text());
    for (const auto& one : out.summary) out.text += cat(out.text.empty() ? "" : "\n\n", one);
    if (out.summary.empty() && maybe()) out.text = "in full";
    return {.value = out};
  }
  Part said() {
    if (random_.below(4) == 0) return {.value = Refusal{text()}};
    Text out{.text = text()};
    if (maybe()) out.citations.push_back({.url = "https://example.org", .title = text(), .start = 0, .end = 2});
    if (maybe()) {
      out.citations.push_back(
          {.title = "a.txt", .raw = Json{R"({"type":"file_citation","file_id":"f","filename":"a.txt","index":1})"}});
    }
    return {.value = out};
  }
  Choice choice() {
    Choice out;
    if (maybe()) out.parts.push_back(thinking());
    if (maybe()) {
      out.parts.push_back(
          {.value = Opaque{
               .dialect = "openai_responses",
               .value = {
                   R"({"type":"web_search_call","id":"ws","status":"completed","action":{"type":"search","query":"q"}})"}}});
    }
    const auto first = out.parts.size();
    for (auto n = random_.below(3); n > 0; --n) out.parts.push_back(said());
    if (out.parts.size() > first && maybe()) out.parts[first].extras.push_back({"phase", {R"("final_answer")"}});
    const auto* text = out.parts.size() > first ? std::get_if<Text>(&out.parts[first].value) : nullptr;
    if (text != nullptr && maybe()) {
      out.logprobs = Json{R"({"content":[{"token":"a","logprob":-0.10,"bytes":[97],"top_logprobs":[]}],"refusal":null})"};
    }
    if (random_.below(4) == 0) {
      out.parts.push_back({.value = Image{.media = {.base64 = "aGk=", .media_type = "image/png"}},
                           .extras = {{"image_generation_call", {R"({"id":"ig_1","status":"completed"})"}}}});
    }
    bool called = false;
    for (auto n = random_.below(3); n > 0; --n) {
      ToolCall call{.id = cat("c", n), .name = "f", .arguments = "{}"};
      if (maybe()) call.kind = ToolKind::custom;
      Part part{.value = call};
      if (maybe()) part.extras.push_back({"namespace", {R"("n")"}});
      out.parts.push_back(part);
      called = true;
    }
    const auto refused = [](const Part& part) { return std::holds_alternative<Refusal>(part.value); };
    // In words it is a refusal, else it takes the words' place.
    const bool refusal = std::ranges::any_of(out.parts, refused);
    out.finish = called ? Finish::tool_calls : refusal ? Finish::refusal : Finish::stop;
    constexpr Finish cut[] = {Finish::length, Finish::content_filter, Finish::unknown};
    if (maybe()) out.finish = cut[random_.below(3)];
    if (out.finish == Finish::unknown) out.finish_raw = "vendor_word";
    if (random_.below(8) == 0) {
      out.finish.reset();
      out.finish_raw.reset();
    }
    if (!refusal && random_.below(8) == 0) {
      out.finish = Finish::refusal;
      out.finish_raw.reset();
    }
    return out;
  }
  Random random_;
};

Chat asked() {
  auto got =
      responses.decode_request(R"({"model":"m","instructions":"Be brief.","input":"x","temperature":0.50,"max_output_tokens":100,
    "tools":[{"type":"function","name":"f","parameters":{"type":"object"}},{"type":"web_search"}],
    "tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]},
    "parallel_tool_calls":false,"metadata":{"k":"v"},"reasoning":{"effort":"low"},"text":{"verbosity":"low"},
    "previous_response_id":"resp_0","truncation":"auto","store":false,"user":"u"})",
                               {});
  EXPECT_TRUE(got);
  return *got;
}

TEST(ResponsesAnswer, DecodeOfEncodeIsTheSame) {
  const auto request = asked();
  const auto& spec = testing::OpenAiSpec::shared();
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = Generator{seed}.make();
    Losses losses;
    const AnswerContext context{.request = request, .id = {}, .model = {}};
    const auto body = responses.encode_response(made, context, losses);
    EXPECT_TRUE(losses.empty()) << seed << losses.all().front().field;
    auto back = responses.decode_response(body);
    ASSERT_TRUE(back) << seed << ": " << back.error().message() << "\n" << body;
    ASSERT_EQ(*back, made) << seed << "\n" << body;
    EXPECT_TRUE(responses.inspect_response(body, {}));
    const bool valid = !made.choices[0].finish_raw && seed < 100;
    if (spec.there() && valid) ASSERT_EQ(spec.problem("Response", body), "") << body;
  }
}

// https://platform.openai.com/docs/api-reference/responses/object, with what other servers leave out.
TEST(ResponsesAnswer, ReadsTheReferencesForms) {
  auto got =
      responses.decode_response(R"({"id":"resp_1","object":"response","created_at":1741476542.5,"status":"completed","error":null,
    "incomplete_details":null,"instructions":null,"model":"gpt-5.4","parallel_tool_calls":true,"tools":[],"vendor":1,
    "output":[{"id":"rs_1","type":"reasoning","content":[{"type":"reasoning_text","text":"hm"}],"summary":[]},
      {"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"hi","annotations":[
        {"type":"url_citation","url":"u","title":"t","start_index":0,"end_index":2}]}]},
      {"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":{"a":1}},
      {"type":"function_call","id":"fc_2","call_id":"c2","name":"f","arguments":"{}"}],
    "usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":13}})");
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->created, 1741476542u);
  EXPECT_EQ(got->extras, (Extras{{"vendor", {"1"}}}));
  const auto& choice = got->choices.at(0);
  EXPECT_EQ(choice.finish, Finish::tool_calls);
  ASSERT_EQ(choice.parts.size(), 4u);
  EXPECT_EQ(std::get<Thinking>(choice.parts[0].value), (Thinking{.text = "hm", .id = "rs_1"}));
  EXPECT_EQ(std::get<Text>(choice.parts[1].value).citations[0], (Citation{.url = "u", .title = "t", .start = 0, .end = 2}));
  EXPECT_EQ(std::get<ToolCall>(choice.parts[2].value), (ToolCall{.id = "c1", .name = "f", .arguments = R"({"a":1})"}));
  EXPECT_EQ(std::get<ToolCall>(choice.parts[3].value).id, "c2");
  EXPECT_EQ(got->usage, (Usage{.input = 6, .cache_read = 4, .output = 3, .reasoning = 2}));
}

TEST(ResponsesAnswer, FinishReasons) {
  const std::pair<std::string_view, Finish> cases[] = {
      {R"("status":"completed")", Finish::stop},
      {R"("status":"incomplete","incomplete_details":{"reason":"max_output_tokens"})", Finish::length},
      {R"("status":"incomplete","incomplete_details":{"reason":"content_filter"})", Finish::content_filter},
      {R"("status":"incomplete","incomplete_details":{"reason":"boredom"})", Finish::unknown},
      {R"("status":"incomplete")", Finish::length},
  };
  for (const auto& [members, finish] : cases) {
    auto got = responses.decode_response(cat("{", members, R"(,"output":[]})"));
    ASSERT_TRUE(got) << members;
    EXPECT_EQ(got->choices[0].finish, finish) << members;
  }
}

TEST(ResponsesAnswer, MalformedAnswersAreTheUpstreamsFault) {
  struct Case {
    std::string_view body;
    Kind kind;
    int status;
  };
  const Case cases[] = {
      {"{", Kind::upstream_protocol, 502},
      {"[]", Kind::upstream_protocol, 502},
      {R"({"error":{"message":"x"}})", Kind::upstream_failed, 502},
      {R"({"status":"failed","output":[],"error":{"code":"server_error","message":"x"}})", Kind::upstream_failed, 502},
      {R"({"status":"failed","output":[],"error":{"code":"rate_limit_exceeded","message":"x"}})", Kind::rate_limited, 429},
      {R"({"status":"failed","output":[],"error":{"code":"invalid_image_url","message":"x"}})", Kind::upstream_rejected, 400},
      {R"({"status":"failed","output":[]})", Kind::upstream_failed, 502},
      {R"({"status":"cancelled","output":[]})", Kind::upstream_failed, 502},
      {R"({"status":"completed"})", Kind::upstream_failed, 502},
      {R"({"output":{}})", Kind::upstream_protocol, 502},
      {R"({"output":[1]})", Kind::upstream_protocol, 502},
      {R"({"output":[{}]})", Kind::upstream_protocol, 502},
      {R"({"output":[{"type":"message"}]})", Kind::upstream_protocol, 502},
      {R"({"output":[{"type":"message","content":[{"type":"output_text","text":7}]}]})", Kind::upstream_protocol, 502},
      {R"({"output":[{"type":"function_call","call_id":"c"}]})", Kind::upstream_protocol, 502},
      {R"({"output":[{"type":"reasoning","summary":{}}]})", Kind::upstream_protocol, 502},
  };
  for (const auto& [body, kind, status] : cases) {
    auto got = responses.decode_response(body);
    ASSERT_FALSE(got) << body;
    EXPECT_EQ(got.error().kind(), kind) << body;
    EXPECT_EQ(got.error().http_status(), status) << body;
    EXPECT_FALSE(responses.inspect_response(body, {})) << body;
  }
}

TEST(ResponsesAnswer, ForeignAnswersRepeatTheRequest) {
  const auto request = asked();
  Answer foreign{.dialect = "anthropic", .id = "msg_01X", .model = "claude", .created = 7};
  foreign.choices.push_back(
      {.parts = {{.value = Thinking{.text = "hm", .signature = "envelope"}},
                 {.value = Text{.text = "Grüße", .citations = {{.url = "u", .title = "t", .cited_text = "c"}}}},
                 {.value = Text{.text = " you"}},
                 {.value = Image{.media = {.base64 = "aGk=", .media_type = "image/webp"}}},
                 {.value = ToolCall{.id = "toolu_1", .name = "f", .arguments = ""}},
                 {.value = Opaque{.dialect = "anthropic", .value = {"{}"}}}},
       .finish = Finish::tool_calls,
       .stop_sequence = "END"});
  foreign.usage = Usage{.input = 1, .cache_read = 2, .cache_write = 3, .output = 4};
  foreign.service_tier = "standard";
  foreign.extras = {{"container", {"1"}}};
  Losses losses;
  const AnswerContext context{.request = request, .id = "resp_9", .model = "asked", .created = 5};
  const auto body = responses.encode_response(foreign, context, losses);
  EXPECT_EQ(
      body,
      R"({"id":"resp_01X","object":"response","created_at":7,"status":"completed","error":null,"incomplete_details":null,"model":"claude",)"
      R"("output":[{"id":"rs_01X_0","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"envelope"},)"
      R"({"id":"msg_01X_1","type":"message","status":"completed","role":"assistant","content":[)"
      R"({"type":"output_text","text":"Grüße","annotations":[{"type":"url_citation","url":"u","title":"t","start_index":0,"end_index":5,"cited_text":"c"}],"logprobs":[]},)"
      R"({"type":"output_text","text":" you","annotations":[],"logprobs":[]}]},)"
      R"({"id":"ig_01X_2","type":"image_generation_call","status":"completed","result":"aGk=","output_format":"webp"},)"
      R"({"id":"fc_01X_3","type":"function_call","status":"completed","call_id":"toolu_1","name":"f","arguments":"{}"}],)"
      R"("instructions":"Be brief.","max_output_tokens":100,"parallel_tool_calls":false,"previous_response_id":"resp_0",)"
      R"("reasoning":{"effort":"low","summary":null},"temperature":0.50,"text":{"format":{"type":"text"},"verbosity":"low"},)"
      R"("tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]},)"
      R"("tools":[{"type":"function","name":"f","parameters":{"type":"object"},"strict":null},{"type":"web_search"}],"top_p":null,)"
      R"("truncation":"auto","store":false,"user":"u","metadata":{"k":"v"},)"
      R"("usage":{"input_tokens":6,"input_tokens_details":{"cached_tokens":2,"cache_write_tokens":3},"output_tokens":4,)"
      R"("output_tokens_details":{"reasoning_tokens":0},"total_tokens":10},"service_tier":"default"})");
  const std::vector<std::string> expected{"choices[0].content[5].opaque", "choices[0].stop_sequence", "container"};
  EXPECT_EQ(losses.fields(), expected);
  const auto& spec = testing::OpenAiSpec::shared();
  if (!spec.there()) GTEST_SKIP() << "no spec";
  EXPECT_EQ(spec.problem("Response", body), "");
}

TEST(ResponsesAnswer, EveryFinishIsToldApart) {
  struct Case {
    Finish finish;
    std::string_view status;
    std::string_view reason;
    bool exact;
  };
  const Case cases[] = {
      {Finish::stop, "completed", "", true},
      {Finish::tool_calls, "completed", "", true},
      {Finish::stop_sequence, "completed", "", true},
      {Finish::length, "incomplete", "max_output_tokens", true},
      {Finish::context_limit, "incomplete", "max_output_tokens", true},
      {Finish::content_filter, "incomplete", "content_filter", true},
      {Finish::refusal, "incomplete", "content_filter", true},
      {Finish::failed, "failed", "", true},
      {Finish::malformed_call, "failed", "", false},
      {Finish::paused, "incomplete", "max_output_tokens", false},
      {Finish::unknown, "completed", "", false},
  };
  const Chat request;
  const auto& spec = testing::OpenAiSpec::shared();
  for (const auto& [finish, status, reason, exact] : cases) {
    Answer answer{.dialect = "gemini", .model = "m"};
    answer.choices.push_back({.parts = {{.value = Text{.text = "x"}}}, .finish = finish});
    Losses losses;
    const auto body = responses.encode_response(answer, {.request = request, .id = "resp_1", .model = "m"}, losses);
    const auto got = json::parse(body);
    ASSERT_TRUE(got);
    EXPECT_EQ(*got->find("status")->as_string(), status) << name(finish);
    const auto* details = got->find("incomplete_details");
    if (!reason.empty()) EXPECT_EQ(*details->find("reason")->as_string(), reason);
    EXPECT_EQ(got->find("error")->is(json::Type::null), status != "failed");
    EXPECT_EQ(losses.empty(), exact) << name(finish);
    if (spec.there()) EXPECT_EQ(spec.problem("Response", body), "");
  }
  // A refusal that is said needs no other word.
  Answer refused{.dialect = "openai_chat"};
  refused.choices.push_back({.parts = {{.value = Refusal{"No."}}}, .finish = Finish::refusal});
  Losses losses;
  const auto body = responses.encode_response(refused, {.request = request, .id = "resp_1", .model = "m"}, losses);
  EXPECT_NE(body.find(R"("status":"completed","role":"assistant","content":[{"type":"refusal","refusal":"No."}])"),
            std::string::npos)
      << body;
  EXPECT_TRUE(losses.empty());
}

}  // namespace
}  // namespace cardea::dialect
