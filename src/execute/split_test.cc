// However an upstream's bytes are split, the client gets the same; wherever they end, it gets what was whole and one error.

#include <gtest/gtest.h>

#include "testing/gateway/chat.h"
#include "testing/gateway/test_server.h"

namespace cardea::execute {
namespace {

using namespace testing;  // NOLINT: a test of conversations
using namespace std::chrono_literals;

/// The answer but for what time and chance put into it.
std::string essence(const Answer& answer) {
  std::string text = cat(answer.whole ? "" : "not whole ", answer.status, "\n");
  for (const auto* name : {"content-type", "content-length", "transfer-encoding", "connection", "retry-after"}) {
    text += cat(name, ": ", answer.header(name).value_or("(none)"), "\n");
  }
  return text + answer.body;
}

constexpr std::string_view usage = "data: {\"choices\":[],\"usage\":{\"completion_tokens\":2}}\n\n";

/// As short as they may be: each byte is a try.
std::vector<std::string> short_events() {
  const auto token = [](std::string_view text) { return cat(R"(data: {"choices":[{"delta":{"content":")", text, "\"}}]}\n\n"); };
  return {token(""),          token("Hel"),           token("lo"), "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n",
          std::string{usage}, std::string{done_event}};
}

struct Sample {
  std::string_view name;
  std::string_view more;
  std::string says;
};

std::string with_line_ends(std::string events, std::string_view end) {
  std::string out;
  for (const char c : events) c == '\n' ? out += end : out += c;
  return out;
}

std::vector<Sample> samples() {
  const auto healthy = short_events();
  auto no_space = joined(healthy);
  for (std::size_t at = 0; (at = no_space.find("data: ", at)) != std::string::npos;) no_space.erase(at + 5, 1);
  const std::string plain_stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n";
  return {
      {"sized", "", response(200, completion("\\u0041\xF0\x9F\x98\x80"))},
      {"chunked", "",
       cat("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
           chunk(completion().substr(0, 40)), chunk(completion().substr(40)), "0\r\ntrailer: x\r\n\r\n")},
      {"after an interim answer", "", cat("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", response(200, completion()))},
      {"an error", "",
       response(429, R"({"error":{"message":"slow","type":"t","param":null,"code":null}})", "retry-after: 3\r\n")},
      {"a stream", streamed, stream_of(healthy)},
      {"a stream in one chunk", streamed_with_usage, cat(stream_head(), chunk(joined(healthy)), chunk(""))},
      {"CRLF", streamed, cat(stream_head(), chunk(with_line_ends(joined(healthy), "\r\n")), chunk(""))},
      {"CR", streamed, cat(stream_head(), chunk(with_line_ends(joined(healthy), "\r")), chunk(""))},
      {"without spaces", streamed, cat(stream_head(), chunk(no_space), chunk(""))},
      {"comments and strange fields", streamed,
       cat(stream_head(), chunk(": hello\n\nid: 7\nretry: 10\nx: y\n" + joined(healthy)), chunk(""))},
      {"a broken stream", streamed,
       cat(stream_head(), chunk(cat(healthy[0], healthy[1], "data: {\"error\":{\"message\":\"boom\"}}\n\n")))},
  };
}

/// All of it through one server. The upstream of "a broken stream" is hung up on, so each try has a connection of its own.
class Try {
 public:
  Try() { server_.upstream(); }
  Answer whole(const Sample& sample) {
    Client client = begin(sample);
    asked_->answer(sample.says);
    return finish(client);
  }
  Answer in_two(const Sample& sample, std::size_t at) {
    Client client = begin(sample);
    asked_->answer(sample.says.substr(0, at));
    server_.run_for(5ms);
    asked_->answer(sample.says.substr(at));
    return finish(client);
  }
  Answer in_steps(const Sample& sample, std::size_t step) {
    Client client = begin(sample);
    for (std::size_t at = 0; at < sample.says.size(); at += step) {
      asked_->answer(sample.says.substr(at, step));
      server_.run_for(1ms);
    }
    return finish(client);
  }
  Answer cut(const Sample& sample, std::size_t at) {
    Client client = begin(sample);
    asked_->answer(sample.says.substr(0, at));
    server_.run_for(5ms);
    asked_->peer.close();
    return finish(client);
  }
  TestServer& server() { return server_; }

 private:
  Client begin(const Sample& sample) {
    Client client = server_.connect();
    client.ask(ask("vendor/small", "hi", sample.more));
    asked_ = server_.upstream().expect_request();
    return client;
  }
  Answer finish(Client& client) {
    Answer answer = client.answer();
    client.peer().close();
    asked_->peer.close();
    server_.run_for(1ms);
    return answer;
  }
  TestServer server_;
  std::optional<Asked> asked_;
};

TEST(Split, EverySplitOfAnAnswerGivesTheSame) {
  Try attempt;
  for (const auto& sample : samples()) {
    SCOPED_TRACE(sample.name);
    const std::string wanted = essence(attempt.whole(sample));
    for (std::size_t at = 1; at < sample.says.size(); ++at) {
      ASSERT_EQ(essence(attempt.in_two(sample, at)), wanted) << "split at " << at;
    }
    for (const std::size_t step : {1UL, 2UL, 3UL, 7UL})
      ASSERT_EQ(essence(attempt.in_steps(sample, step)), wanted) << "steps of " << step;
  }
}

TEST(Split, RandomSplitsOnBothSidesGiveTheSame) {
  for (const auto& sample : samples()) {
    Try attempt;
    const std::string wanted = essence(attempt.whole(sample));
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      TestServer server{{.seed = seed, .faults = {.split_max = 1 + seed % 20, .capacity = 50 + seed * 7, .delay_max = 2ms}}};
      auto client = server.connect();
      client.ask(ask("vendor/small", "hi", sample.more));
      server.upstream().expect_request().answer(sample.says);
      ASSERT_EQ(essence(client.answer()), wanted) << sample.name << " seed " << seed;
    }
  }
}

/// The events of `body` that are whole when it is cut at `at`, without the withheld usage.
std::string whole_events(const std::vector<std::string>& events, std::size_t at) {
  std::string text;
  std::size_t end = 0;
  for (const auto& event : events) {
    end += event.size();
    if (end > at) break;
    if (event != usage) text += event;
  }
  return text;
}

TEST(Split, AStreamCutAtAnyByteEndsInWhatWasWholeAndOneError) {
  const auto healthy = short_events();
  const std::string body = joined(healthy);
  const std::string head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
  // Ended by closing, the cut is the upstream's word; chunked, it is the connection's.
  const Sample closing{"until close", streamed, cat(head, "\r\n", body)};
  const Sample chunked{"chunked", streamed, cat(head, "transfer-encoding: chunked\r\n\r\n", "fffff\r\n", body)};
  Try attempt;
  for (const auto& sample : {closing, chunked}) {
    const std::size_t body_at = sample.says.size() - body.size();
    for (std::size_t at = 0; at < sample.says.size(); ++at) {
      SCOPED_TRACE(cat(sample.name, " cut at ", at));
      const Answer answer = attempt.cut(sample, at);
      const std::string whole = at < body_at ? "" : whole_events(healthy, at - body_at);
      const bool all_but_the_line_end = sample.name == "until close" && at + 2 >= sample.says.size();
      if (all_but_the_line_end) {
        // "[DONE]" is what it says, with or without its last line ends.
        ASSERT_EQ(answer.events(), Answer{.body = cat(whole, done_event)}.events());
      } else if (whole.empty()) {
        answer.expect_error(502, "server_error", "upstream_reset");
      } else {
        answer.expect_error_event("upstream_reset");
        ASSERT_TRUE(answer.body.starts_with(whole)) << answer.body;
        ASSERT_EQ(answer.events().size(), Answer{.body = whole}.events().size() + 1) << answer.body;
      }
      ASSERT_FALSE(::testing::Test::HasFailure());
    }
  }
}

TEST(Split, ABodyCutAtAnyByteIsAnErrorOfItsOwn) {
  Try attempt;
  const Sample sized{"sized", "", response(200, completion())};
  for (std::size_t at = 0; at < sized.says.size(); ++at) {
    SCOPED_TRACE(at);
    attempt.cut(sized, at).expect_error(502, "server_error", "upstream_reset");
    ASSERT_FALSE(::testing::Test::HasFailure());
  }
}

}  // namespace
}  // namespace cardea::execute
