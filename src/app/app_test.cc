#include <gtest/gtest.h>

#include <algorithm>

#include "app/audit_list.h"
#include "app/command.h"
#include "app/conversation.h"
#include "app/gateway_client.h"
#include "app/line_editor.h"
#include "app/model_list.h"
#include "app/output.h"
#include "base/text.h"
#include "json/value.h"

namespace cardea::app {
namespace {

// ---- Arguments and help ----------------------------------------------------------------------------------------------------

constexpr Flag flags[] = {{"--config", "FILE", ""}, {"--listen", "ADDR", ""}, {"--quiet", "", ""}};

Result<Arguments> parse(std::vector<std::string_view> words, std::string_view takes = "") {
  return parse_arguments(words, flags, takes);
}

TEST(Arguments, FlagsAndWords) {
  const auto parsed = parse({"--config", "a", "hi", "--listen=b", "--quiet", "--listen", "c", "--", "--config"}, "[WORD]");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->get("--config"), "a");
  EXPECT_EQ(parsed->all("--listen"), (std::vector<std::string_view>{"b", "c"}));
  EXPECT_EQ(parsed->get("--listen"), "c");
  EXPECT_TRUE(parsed->has("--quiet"));
  EXPECT_FALSE(parsed->has("--models"));
  EXPECT_EQ(std::vector<std::string>(parsed->words().begin(), parsed->words().end()),
            (std::vector<std::string>{"hi", "--config"}));
}

TEST(Arguments, SaysWhatWasMeant) {
  const auto message = [](std::vector<std::string_view> words) {
    const auto parsed = parse(std::move(words));
    return parsed ? std::string{} : std::string{parsed.error().message()};
  };
  EXPECT_EQ(message({"--confg", "a"}), "there is no flag '--confg'; did you mean '--config'?");
  EXPECT_EQ(message({"--zzz"}), "there is no flag '--zzz'");
  EXPECT_EQ(message({"--config"}), "'--config' wants a value: --config FILE");
  EXPECT_EQ(message({"--quiet=1"}), "'--quiet' takes no value");
  EXPECT_EQ(message({"word"}), "unexpected 'word'");
  EXPECT_EQ(message({"--config", "a"}), "");
}

TEST(Commands, EveryOneTeaches) {
  for (const auto& command : commands()) {
    EXPECT_FALSE(command.summary.empty() || command.about.empty()) << command.name;
    EXPECT_NE(command.run, nullptr) << command.name;
    const auto text = help(command);
    for (const auto& flag : command.flags) {
      EXPECT_TRUE(flag.name.starts_with("--")) << flag.name;
      EXPECT_FALSE(flag.help.empty()) << flag.name;
      EXPECT_NE(text.find(flag.name), std::string::npos);
    }
    for (const auto& example : command.examples) EXPECT_NE(text.find(example.line), std::string::npos);
    const bool listed = help().find(cat("\n  ", command.name, " ")) != std::string::npos;
    EXPECT_EQ(listed, command.shown == Command::Shown::yes) << command.name;
  }
}

TEST(Commands, ExitCodes) {
  const auto code = [](std::vector<std::string_view> words) {
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int result = run(words);
    static_cast<void>(::testing::internal::GetCapturedStdout());
    static_cast<void>(::testing::internal::GetCapturedStderr());
    return result;
  };
  EXPECT_EQ(code({}), exit_ok);
  EXPECT_EQ(code({"--help"}), exit_ok);
  EXPECT_EQ(code({"help", "twin", "serve"}), exit_ok);
  EXPECT_EQ(code({"twin", "serve", "--help"}), exit_ok);
  EXPECT_EQ(code({"--version"}), exit_ok);
  EXPECT_EQ(code({"version"}), exit_ok);
  EXPECT_EQ(code({"schema"}), exit_ok);
  EXPECT_EQ(code({"docs"}), exit_ok);
  EXPECT_EQ(code({"serv"}), exit_usage);
  EXPECT_EQ(code({"twin"}), exit_usage);
  EXPECT_EQ(code({"twin", "--help"}), exit_ok);
  EXPECT_EQ(code({"twin", "-h"}), exit_ok);
  EXPECT_EQ(code({"help", "twin"}), exit_ok);
  EXPECT_EQ(code({"help", "twi"}), exit_usage);
  EXPECT_EQ(code({"twi", "--help"}), exit_usage);
  EXPECT_EQ(code({"serve", "--prot", "1"}), exit_usage);
  EXPECT_EQ(code({"serve", "now"}), exit_usage);
  EXPECT_EQ(code({"check", "--config", "/nowhere/cardea.yaml"}), exit_usage);
  EXPECT_EQ(code({"check", "--set", "nothing"}), exit_usage);
  EXPECT_EQ(code({"healthcheck", "--url", "http://127.0.0.1:1"}), exit_failed);
  EXPECT_EQ(code({"models", "--url", "ftp://x"}), exit_usage);
  EXPECT_EQ(code({"chat", "--url", "http://127.0.0.1:1", "hi"}), exit_failed);
}

TEST(Commands, ChatAnswersFromAGatewayOfItsOwn) {
  setenv("CARDEA_URL", "", 1);
  ::testing::internal::CaptureStdout();
  constexpr std::string_view words[] = {"chat", "--config", "/dev/null", "--model", "twin/echo", "hello", "world"};
  const int result = run(words);
  const auto said = ::testing::internal::GetCapturedStdout();
  EXPECT_EQ(result, exit_ok);
  EXPECT_EQ(said, "hello world\n");
}

// ---- Output ----------------------------------------------------------------------------------------------------------------

TEST(Output, ColumnsAndTables) {
  EXPECT_EQ(columns_of("abc"), 3U);
  EXPECT_EQ(columns_of("h\u00e9"), 2U);
  EXPECT_EQ(columns_of("\u4f60\u597d"), 4U);
  EXPECT_EQ(columns_of("e\u0301"), 1U);
  EXPECT_EQ(table({{"A", "N"}, {"\u4f60\u597d", "1"}, {"x", "234"}}, {1}), "A       N\n\u4f60\u597d    1\nx     234\n");
  EXPECT_EQ(short_count(0), "");
  EXPECT_EQ(short_count(999), "999");
  EXPECT_EQ(short_count(128'000), "128k");
  EXPECT_EQ(short_count(1'048'576), "1.0M");
}

TEST(Output, EscapeSequencesFromOutsideDoNotPass) {
  EXPECT_EQ(harmless("a\x1b[2Jb\a\r\n\tc\x7f"), "a[2Jb\n\tc");
  EXPECT_EQ(harmless("x\u009b31my"), "x31my");
  EXPECT_EQ(harmless("\u00e9\u4f60"), "\u00e9\u4f60");
}

// ---- Models ----------------------------------------------------------------------------------------------------------------

TEST(Models, TableAndChoice) {
  const auto models = read_models(R"({"object":"list","data":[{"id":"twin/twin-1","owned_by":"twin","type":"llm"},
    {"id":"a/dear","type":"llm","context_length":128000,"pricing":{"prompt":"0.0000025","completion":"0.00001"}},
    {"id":"a/cheap","type":"llm","pricing":{"prompt":"0.000000075","completion":"0.0000003"}},
    {"id":"a/embed","type":"embedding","pricing":{"prompt":"0.00000001","completion":"0"}}]})");
  ASSERT_TRUE(models);
  EXPECT_EQ(choose_model(*models), "a/cheap");
  const auto text = model_table(*models, "DEAR");
  EXPECT_NE(text.find("a/dear         llm      128k   $2.50   $10.00\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("cheap"), std::string::npos);
  EXPECT_EQ(model_table(*models, "none"), "");
  auto with_own = *models;
  with_own.push_back({.id = "mine"});
  EXPECT_EQ(choose_model(with_own), "mine");
  EXPECT_EQ(choose_model({models->front()}), "twin/twin-1");
  EXPECT_EQ(choose_model({}), "twin/twin-1");
  EXPECT_FALSE(read_models("<html>"));
  EXPECT_FALSE(read_models("{}"));
}

TEST(Models, PricesPerMillion) {
  EXPECT_EQ(per_million("0.00000015"), "0.15");
  EXPECT_EQ(per_million("0.0000025"), "2.50");
  EXPECT_EQ(per_million("0.000000075"), "0.075");
  EXPECT_EQ(per_million("0"), "0.00");
  EXPECT_EQ(per_million(""), "");
  EXPECT_EQ(per_million("x"), "");
}

TEST(Place, TakesTheUsualSpellings) {
  const auto origin = [](std::string_view url) {
    const auto place = parse_place(url, "");
    return place ? cat(place->origin.text(), place->prefix) : std::string{"refused"};
  };
  EXPECT_EQ(origin("http://127.0.0.1:8080"), "127.0.0.1:8080/v1");
  EXPECT_EQ(origin("127.0.0.1:8080"), "127.0.0.1:8080/v1");
  EXPECT_EQ(origin("localhost:8080/v1"), "localhost:8080/v1");
  EXPECT_EQ(origin("https://ai.example.com/openai/v1"), "ai.example.com:443/openai/v1");
  EXPECT_EQ(origin("unix:/run/cardea.sock"), "unix:/run/cardea.sock/v1");
  EXPECT_EQ(origin("ftp://x"), "refused");
}

TEST(Reply, ErrorTextIsShortAndHarmless) {
  EXPECT_EQ(error_text({404, R"({"error":{"message":"no\u001b[1m"}})"}), "no[1m (404)");
  EXPECT_EQ(error_text({502, "<html>"}), "<html> (502)");
  EXPECT_LT(error_text({500, std::string(100'000, 'x')}).size(), 1000U);
}

// ---- Conversation ----------------------------------------------------------------------------------------------------------

TEST(Conversation, BecomesARequest) {
  Conversation conversation;
  conversation.set_model("twin/echo");
  conversation.set_instructions("be brief");
  conversation.add_user("one");
  conversation.add_assistant("two");
  conversation.add_user("three");
  conversation.forget_last();
  auto body = json::parse(conversation.request());
  ASSERT_TRUE(body);
  EXPECT_EQ(*body->find("model")->as_string(), "twin/echo");
  EXPECT_EQ(body->find("stream")->as_bool(), true);
  EXPECT_EQ(body->find("stream_options")->find("include_usage")->as_bool(), true);
  const auto& messages = body->find("messages")->elements();
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(*messages[0].find("role")->as_string(), "system");
  EXPECT_EQ(messages[2].find("content")->dump(), R"("two")");
  conversation.clear();
  EXPECT_EQ(conversation.messages(), 0U);
  EXPECT_EQ(conversation.instructions(), "be brief");
}

constexpr std::string_view stream =
    "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"reasoning_content\":\"hm\"}}]}\n\n"
    ": keep-alive\n\n"
    "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"h\u00e9\"}}]}\r\n\r\n"
    "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"llo\"}}]}\n\n"
    "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n"
    "data: {\"id\":\"1\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7}}\n\n"
    "data: [DONE]\n\n";

TEST(AnswerReader, ReadsAnySplitAlike) {
  for (const std::size_t step : {1UL, 2UL, 7UL, 100UL, 10'000UL}) {
    std::string thinking;
    std::string text;
    AnswerReader reader{[&](AnswerReader::Piece piece, std::string_view more) {
      (piece == AnswerReader::Piece::text ? text : thinking) += more;
    }};
    for (std::size_t at = 0; at < stream.size(); at += step) reader.feed(stream.substr(at, step));
    EXPECT_TRUE(reader.finish());
    EXPECT_EQ(thinking, "hm");
    EXPECT_EQ(text, "h\u00e9llo");
    EXPECT_EQ(reader.text(), text);
    EXPECT_EQ(reader.unusual_end(), "length");
    ASSERT_TRUE(reader.usage());
    EXPECT_EQ(reader.usage()->total(), 7U);
  }
}

TEST(AnswerReader, EveryTruncationIsAnError) {
  const auto end = stream.find("data: [DONE]") + std::string_view{"data: [DONE]\n\n"}.size();
  for (std::size_t cut = 0; cut + 14 < end; ++cut) {
    AnswerReader reader{[](AnswerReader::Piece, std::string_view) {}};
    reader.feed(stream.substr(0, cut));
    EXPECT_FALSE(reader.finish()) << cut;
  }
}

TEST(AnswerReader, SaysWhatTheStreamSays) {
  AnswerReader reader{[](AnswerReader::Piece, std::string_view) {}};
  reader.feed("data: {\"error\":{\"message\":\"out of luck\",\"type\":\"server_error\"}}\n\n");
  const Status finished = reader.finish();
  ASSERT_FALSE(finished);
  EXPECT_NE(finished.error().message().find("out of luck"), std::string_view::npos);
}

// ---- Line editor -----------------------------------------------------------------------------------------------------------

class Editing : public ::testing::Test {
 protected:
  /// The text with `|` at the cursor.
  std::string type(std::string_view keys) {
    LineEditor editor{history_};
    for (const char byte : keys) outcome_ = editor.feed(byte);
    auto text = editor.text();
    text.insert(editor.cursor(), "|");
    return text;
  }
  std::vector<std::string> history_{"first", "second"};
  LineEditor::Outcome outcome_ = LineEditor::Outcome::editing;
};

TEST_F(Editing, Keys) {
  struct Case {
    std::string_view keys;
    std::string_view text;
  };
  constexpr Case cases[] = {
      {"abc", "abc|"},
      {"abc\x1b[D\x1b[DX", "aX|bc"},
      {"\u4f60\u597d\x1b[D", "\u4f60|\u597d"},
      {"\u4f60\u597d\x7f", "\u4f60|"},
      {"abc\x01Z", "Z|abc"},
      {"abc\x01\x05Z", "abcZ|"},
      {"abc\x1b[H\x1b[3~", "|bc"},
      {"abc\x1bOH\x1b[C\x0b", "a|"},
      {"abc def\x17", "abc |"},
      {"abc def\x1b[1;5DX", "abc X|def"},
      {"abc def\x1b"
       "bX\x1b"
       "f",
       "abc Xdef|"},
      {"abc\x02\x02\x15", "|bc"},
      {"abc\x02\x02\x04", "a|c"},
      {"\x1b[A", "second|"},
      {"\x1b[A\x1b[A\x1b[A", "first|"},
      {"draft\x1b[A\x1b[B", "draft|"},
      {"\x10\x0e", "|"},
      {"a\x1b\rb", "a\nb|"},
      {"\x1b[200~one\rtwo\x1b[31m\x1b[201~!", "one\ntwo[31m!|"},
      {"\x1b[Z\x1bqa\x1b[99~b\x07", "ab|"},
  };
  for (const auto& one : cases) EXPECT_EQ(type(one.keys), one.text) << one.keys;
}

TEST_F(Editing, Outcomes) {
  using enum LineEditor::Outcome;
  const auto outcome = [&](std::string_view keys) {
    static_cast<void>(type(keys));
    return outcome_;
  };
  EXPECT_EQ(outcome("a\r"), accepted);
  EXPECT_EQ(outcome("a\x03"), interrupted);
  EXPECT_EQ(outcome("\x04"), ended);
  EXPECT_EQ(outcome("a\x04"), editing);
  EXPECT_EQ(outcome("\x0c"), clear_screen);
}

TEST_F(Editing, TheViewHoldsTheCursor) {
  for (const std::string_view text :
       {"", "short", "a longer text that does not fit", "\u4f60\u597d\u4f60\u597d\u4f60\u597d\u4f60\u597d\u4f60\u597d"}) {
    LineEditor editor{history_};
    for (const char byte : text) static_cast<void>(editor.feed(byte));
    for (std::size_t left = 0; left <= text.size(); ++left) {
      const auto view = editor.view(10);
      EXPECT_LE(columns_of(view.text), 10U);
      EXPECT_LE(view.cursor_column, columns_of(view.text));
      for (const char byte : std::string_view{"\x1b[D"}) static_cast<void>(editor.feed(byte));
    }
  }
}

// ---- The audit log ---------------------------------------------------------------------------------------------------------

store::AuditLine audit_line() {
  return {.seq = 7,
          .entry = {.time_ms = 1'764'000'000'123,
                    .actor = "ann",
                    .address = "::1",
                    .action = "key.update",
                    .target = "key/k\x1b[2J",
                    .before = R"({"models":["a"]})",
                    .after = "no JSON"},
          .hash = "abc"};
}

TEST(AuditList, ShowsLinesToPeopleAndPrograms) {
  EXPECT_EQ(time_text(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(time_text(951'782'400'007), "2000-02-29T00:00:00.007Z");
  EXPECT_EQ(audit_table({audit_line()}),
            "LINE  TIME                      WHO  FROM  DID         TO\n"
            "   7  2025-11-24T16:00:00.123Z  ann  ::1   key.update  key/k[2J\n");
  EXPECT_EQ(audit_json({audit_line(), audit_line()}).find("\n"), audit_json({audit_line()}).size() - 1);
  EXPECT_EQ(audit_json({audit_line()}),
            R"({"line":7,"time":"2025-11-24T16:00:00.123Z","actor":"ann","address":"::1","action":"key.update",)"
            R"("target":"key/k\u001b[2J","before":{"models":["a"]},"after":"no JSON","hash":"abc"})"
            "\n");
}

TEST(AuditList, SaysWhetherTheLogHolds) {
  EXPECT_EQ(verdict_text({}), "the audit log is empty\n");
  EXPECT_TRUE(verdict_text({.lines = 1, .head = "abc"}).starts_with("the audit log holds: 1 line\nhead abc\n"));
  EXPECT_EQ(verdict_text({.lines = 2, .head = "abc", .broken_at = 3, .problem = "line 3 is missing: line 4 follows"}),
            "the audit log does not hold: line 3 is missing: line 4 follows\n2 lines before that do; head abc\n");
}

}  // namespace
}  // namespace cardea::app
