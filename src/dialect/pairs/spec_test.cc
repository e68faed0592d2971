// What is said in OpenAI's dialects, against OpenAI's own description of its API; skipped where that is not at hand.

#include <gtest/gtest.h>

#include <array>

#include "base/text.h"
#include "dialect/openai_spec.h"
#include "dialect/pairs/compare.h"
#include "dialect/pairs/fixtures.h"
#include "dialect/pairs/streams.h"
#include "json/value.h"

namespace cardea::dialect::pairs {
namespace {

struct Form {
  const Dialect& dialect;
  std::string_view request, answer;
  std::string_view event;  ///< empty: each type of event has a schema of its own
};
const std::array<Form, 3>& forms() {
  static const std::array<Form, 3> all{
      {{openai_chat(), "CreateChatCompletionRequest", "CreateChatCompletionResponse", "CreateChatCompletionStreamResponse"},
       {openai_responses(), "CreateResponse", "Response", ""},
       {openai_completions(), "CreateCompletionRequest", "CreateCompletionResponse", "CreateCompletionResponse"}}};
  return all;
}

class OpenAiSpec : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!spec().there()) GTEST_SKIP() << "no spec";
  }
  static const dialect::testing::OpenAiSpec& spec() { return dialect::testing::OpenAiSpec::shared(); }
  static AnswerContext context_for(const Form& form, const model::Chat& request) {
    return {.request = request, .id = cat(form.dialect.traits().id_prefix, "1"), .model = "m-1", .created = 1'700'000'000};
  }
  static model::Chat streamed(const model::Chat& request) {
    model::Chat out = request;
    out.stream = true;
    out.include_usage = true;
    return out;
  }
  /// What OpenAI itself says otherwise than its description has it: `"usage":null` in all chunks but the last, and one schema for
  /// a completion and its chunks, which have no finish reason yet.
  static void forgive(json::Value& chunk, const Form& form) {
    const auto* usage = chunk.find("usage");
    if (usage != nullptr && usage->is(json::Type::null)) static_cast<void>(chunk.erase("usage"));
    auto* choices = &form.dialect == &openai_completions() ? chunk.find("choices") : nullptr;
    if (choices == nullptr) return;
    for (auto& choice : choices->each_element()) {
      const auto* finish = choice.find("finish_reason");
      if (finish != nullptr && finish->is(json::Type::null)) choice.set("finish_reason", json::Value::string("stop"));
    }
  }
  /// OpenAI has no word for an answer that broke off, and a cut must not read as "stop": OpenRouter's "error" is said. The one
  /// word beyond the description, and only there.
  static std::string spelled_by_openai(std::string said, const model::Answer& answer) {
    const bool broken = std::ranges::any_of(answer.choices, [](const model::Choice& choice) {
      return choice.finish == model::Finish::failed || choice.finish == model::Finish::malformed_call;
    });
    constexpr std::string_view word = R"("finish_reason":"error")";
    for (auto at = said.find(word); broken && at != std::string::npos; at = said.find(word)) {
      said.replace(at, word.size(), R"("finish_reason":"length")");
    }
    return said;
  }
  /// The first event of a stream that does not fit.
  static std::string problem_in_stream(const Form& form, std::string_view stream) {
    FrameReader reader{Framing::sse, 64u << 20};
    while (!stream.empty()) {
      const auto frame = reader.next(stream);
      if (!frame || !*frame) return "no event";
      const std::string data{(*frame)->data};
      stream.remove_prefix((*frame)->bytes);
      if (data == "[DONE]") continue;
      auto value = json::parse(data);
      if (!value) return cat("not JSON: ", data);
      forgive(*value, form);
      auto found = form.event.empty() ? spec().event_problem(*value) : spec().problem(form.event, value->dump());
      if (!found.empty()) return cat(found, "\n", data.substr(0, 1500));
    }
    return {};
  }
};

TEST_F(OpenAiSpec, TheCheckerCanSayNo) {
  EXPECT_NE(spec().problem("CreateChatCompletionResponse", R"({"id":"x","choices":[{"index":"0"}]})"), "");
  EXPECT_NE(spec().problem("CreateChatCompletionRequest", R"({"model":"m","messages":[{"role":"tool","content":"x"}]})"), "");
  EXPECT_NE(spec().event_problem(*json::parse(R"({"type":"response.output_text.delta"})")), "");
}

TEST_F(OpenAiSpec, RequestsOfOtherDialects) {
  for (const auto& form : forms()) {
    for (auto& one : request_cases()) {
      one.chat.dialect = "another";
      one.chat.model = "m";
      Losses losses;
      const auto body = form.dialect.encode_request(one.chat, losses);
      EXPECT_EQ(spec().problem(form.request, body), "") << one.name << "\n" << body.substr(0, 2000);
    }
  }
}

TEST_F(OpenAiSpec, AnswersOfOtherDialects) {
  const model::Chat request{.model = "m"};
  const auto asked_streamed = streamed(request);
  auto cases = answer_cases();
  for (auto& one : two_turn_cases()) cases.push_back(std::move(one));
  for (const auto& form : forms()) {
    for (auto& one : cases) {
      one.answer.dialect = "another";
      Losses losses;
      const auto body =
          spelled_by_openai(form.dialect.encode_response(one.answer, context_for(form, request), losses), one.answer);
      EXPECT_EQ(spec().problem(form.answer, body), "") << one.name << "\n" << body.substr(0, 2000);
      const auto stream = write_stream(form.dialect, fragments_of(one.answer), context_for(form, asked_streamed), losses);
      EXPECT_EQ(problem_in_stream(form, spelled_by_openai(stream, one.answer)), "") << one.name;
    }
  }
}

TEST_F(OpenAiSpec, Errors) {
  for (auto kind = 0; kind <= static_cast<int>(Kind::last_); ++kind) {
    for (const auto& form : forms()) {
      const auto body = form.dialect.error_body(Error{static_cast<Kind>(kind), "what went wrong"}, "req-1");
      EXPECT_EQ(spec().problem("ErrorResponse", body), "") << body;
    }
  }
}

}  // namespace
}  // namespace cardea::dialect::pairs
