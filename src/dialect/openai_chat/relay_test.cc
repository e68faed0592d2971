#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"

namespace cardea::dialect {
namespace {

const Dialect& chat = openai_chat();

/// The caller of a relay: one buffer, fed as it grows.
struct Outcome {
  std::string forwarded;
  Status status;
  Relay::Seen seen;
};

template <class NextSize>
Outcome run(std::string_view stream, RelayOptions options, NextSize next_size) {
  auto relay = chat.relay(std::move(options));
  Outcome outcome;
  std::string pending;
  std::vector<std::string_view> pieces;
  const auto write = [&] {
    for (const auto piece : pieces) outcome.forwarded += piece;
    pieces.clear();
  };
  while (!stream.empty() && outcome.status) {
    const auto size = std::min<std::size_t>(next_size(), stream.size());
    pending += stream.substr(0, size);
    stream.remove_prefix(size);
    auto step = relay->feed(pending, pieces);
    write();
    if (!step) {
      outcome.status = fail_with(step);
    } else {
      pending.erase(0, step->consumed);
    }
    pending.shrink_to_fit();  // the bytes move, as a buffer's may
  }
  if (outcome.status) {
    outcome.status = relay->end(pending, pieces);
    write();
  }
  outcome.seen = relay->seen();
  return outcome;
}
Outcome run(std::string_view stream, RelayOptions options = {}) {
  return run(stream, std::move(options), [] { return std::size_t{1} << 30; });
}

const std::string role =
    R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null})"
    "\n\n";
const std::string hello =
    R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024","choices":[{"index":0,"delta":{"content":"Hel\"usage\":{}lo"},"logprobs":null,"finish_reason":null}],"usage":null})"
    "\n\n";
const std::string world =
    R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024","choices":[{"index":0,"delta":{"content":" wörld \u2028"},"finish_reason":null}]})"
    "\n\n";
const std::string finish =
    R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024","choices":[{"index":0,"delta":{},"finish_reason":"length"}]})"
    "\n\n";
const std::string usage =
    R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024","choices":[],"usage" : {"prompt_tokens":12,"completion_tokens":3,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":2}}})"
    "\n\n";
const std::string done = "data: [DONE]\n\n";
const std::string comment = ": keep-alive\n\n";
const std::string unknown = "event: vendor.progress\nid: 7\ndata: not json\n\n";
const std::string whole = comment + role + hello + unknown + world + finish + usage + done;
const model::Usage expected_usage{.input = 10, .cache_read = 2, .output = 3};

TEST(Relay, ForwardsEveryByteAndSeesWhatMatters) {
  const auto outcome = run(whole);
  EXPECT_TRUE(outcome.status);
  EXPECT_EQ(outcome.forwarded, whole);
  EXPECT_EQ(outcome.seen.usage, expected_usage);
  EXPECT_EQ(outcome.seen.model, "gpt-4o-2024");
  EXPECT_EQ(outcome.seen.finish, model::Finish::length);
  EXPECT_TRUE(outcome.seen.done);
  EXPECT_TRUE(outcome.seen.content);
}

TEST(Relay, WithholdsTheUsageChunkOnly) {
  const auto outcome = run(whole, {.withhold_usage = true});
  EXPECT_TRUE(outcome.status);
  EXPECT_EQ(outcome.forwarded, comment + role + hello + unknown + world + finish + done);
  EXPECT_EQ(outcome.seen.usage, expected_usage);
  // Usage that rides on a chunk with content is the vendor's own habit: not ours to hold back.
  const std::string riding = R"(data:{"choices":[{"index":0,"delta":{"content":"x"}}],"usage":{"prompt_tokens":1}})"
                             "\n\n";
  const auto other = run(role + riding + done, {.withhold_usage = true});
  EXPECT_EQ(other.forwarded, role + riding + done);
  EXPECT_EQ(other.seen.usage, (model::Usage{.input = 1}));
}

TEST(Relay, NeighboursAreOnePiece) {
  auto relay = chat.relay({.withhold_usage = true});
  std::vector<std::string_view> pieces;
  auto step = relay->feed(whole, pieces);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->consumed, whole.size());
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].data(), whole.data());
  EXPECT_EQ(pieces[1], done);
}

std::string with_line_ends(std::string text, std::string_view line_end) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += line_end;
    } else {
      out += c;
    }
  }
  return out;
}

std::string without_spaces(std::string text) {
  for (auto at = text.find("data: "); at != std::string::npos; at = text.find("data: ", at)) text.erase(at + 5, 1);
  return text;
}

TEST(Relay, AnySplitGivesTheSame) {
  Random random{5};
  for (const std::string_view line_end : {"\n", "\r", "\r\n"}) {
    for (const bool spaces : {true, false}) {
      const auto shape = [&](const std::string& text) { return with_line_ends(spaces ? text : without_spaces(text), line_end); };
      const auto stream = shape(whole);
      const auto expected = shape(comment + role + hello + unknown + world + finish + done);
      const auto check = [&](const Outcome& outcome) {
        ASSERT_TRUE(outcome.status) << outcome.status.error().message();
        EXPECT_EQ(outcome.forwarded, expected);
        EXPECT_EQ(outcome.seen.usage, expected_usage);
        EXPECT_EQ(outcome.seen.finish, model::Finish::length);
        EXPECT_TRUE(outcome.seen.content);
      };
      check(run(stream, {.withhold_usage = true}));
      check(run(stream, {.withhold_usage = true}, [] { return std::size_t{1}; }));
      for (int round = 0; round < 50; ++round)
        check(run(stream, {.withhold_usage = true}, [&] { return 1 + random.below(200); }));
    }
  }
}

TEST(Relay, EveryTruncationIsAnError) {
  const auto last = whole.size() - done.size();
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const auto outcome = run(std::string_view{whole}.substr(0, n));
    if (n >= last + done.size() - 2) {
      // "[DONE]" came whole; only its blank line is missing, and is supplied.
      EXPECT_TRUE(outcome.status) << n;
      EXPECT_TRUE(outcome.forwarded.ends_with("\n\n")) << n;
      continue;
    }
    ASSERT_FALSE(outcome.status) << n;
    EXPECT_EQ(outcome.status.error().kind(), Kind::upstream_reset) << n;
    EXPECT_FALSE(outcome.seen.done);
    // Whole events only, and nothing invented.
    EXPECT_EQ(std::string_view{whole}.substr(0, outcome.forwarded.size()), outcome.forwarded) << n;
    EXPECT_TRUE(outcome.forwarded.empty() || outcome.forwarded.ends_with("\n\n")) << n;
  }
}

TEST(Relay, ContentEndsFailover) {
  const auto content_after = [](std::string_view stream) {
    auto relay = chat.relay({});
    std::vector<std::string_view> pieces;
    EXPECT_TRUE(relay->feed(stream, pieces));
    return relay->seen().content;
  };
  EXPECT_FALSE(content_after(comment));
  EXPECT_FALSE(content_after(comment + role + unknown));
  EXPECT_FALSE(content_after(R"(data: {"choices":[],"prompt_filter_results":[]})"
                             "\n\n"));
  EXPECT_TRUE(content_after(role + hello));
  EXPECT_TRUE(content_after(role + finish));
  for (const std::string_view delta : {R"({"content":"x"})", R"({"reasoning_content":"x"})", R"({"tool_calls":[{"index":0}]})",
                                       R"({"refusal":"no"})", R"({"audio":{"id":"a"}})", R"({"function_call":{"name":"f"}})"}) {
    EXPECT_TRUE(content_after(cat(R"(data: {"choices":[{"delta":)", delta, "}]}\n\n"))) << delta;
  }
  for (const std::string_view delta :
       {R"({})", R"({"role":"assistant"})", R"({"content":null,"tool_calls":[]})", R"({"content":""})"}) {
    EXPECT_FALSE(content_after(cat(R"(data: {"choices":[{"delta":)", delta, "}]}\n\n"))) << delta;
  }
}

TEST(Relay, AnErrorEventIsAnError) {
  const std::string error = R"(data: {"error" : {"message":"overloaded sk-secret-12345","code":503}})"
                            "\n\n";
  for (const auto& before : {std::string{}, role, role + hello}) {
    const auto outcome = run(before + error + done, {.secret = Secret{"sk-secret-12345"}});
    ASSERT_FALSE(outcome.status);
    EXPECT_EQ(outcome.status.error().kind(), Kind::upstream_failed);
    EXPECT_EQ(outcome.status.error().message(), "upstream error: overloaded ***");
    EXPECT_EQ(outcome.forwarded, before);
    EXPECT_FALSE(outcome.seen.done);
  }
  EXPECT_FALSE(run(role + hello + "event: error\ndata: {\"message\":\"x\"}\n\n").status);
  EXPECT_FALSE(run(role + hello + "event: error\ndata: oops\n\n").status);
  // With choices beside it, as OpenRouter sends it; and without its blank line at the end.
  EXPECT_EQ(run(role + hello +
                R"(data: {"choices":[{"delta":{"content":""},"finish_reason":"error"}],"error":{"message":"m"}})"
                "\n\n")
                .status.error()
                .message(),
            "upstream error: m");
  EXPECT_EQ(run(role + hello + R"(data: {"error":{"message":"m"}})").status.error().message(), "upstream error: m");
  EXPECT_TRUE(run(role + hello +
                  R"(data: {"error":null,"choices":[]})"
                  "\n\n" +
                  done)
                  .status);
}

TEST(Relay, MalformedEventsBeforeContentAreErrors) {
  for (const std::string_view data : {"data: {\"choices\":[\n\n", "data: hello\n\n", "data: []\n\n", "data: <html>\n\n"}) {
    const auto outcome = run(cat(role, data, hello, done));
    ASSERT_FALSE(outcome.status) << data;
    EXPECT_EQ(outcome.status.error().kind(), Kind::upstream_protocol);
    EXPECT_EQ(outcome.forwarded, role);
  }
}

TEST(Relay, HalfAnObjectIsAnErrorBehindContentToo) {
  for (const std::string_view bad :
       {"data: {broken\n\n", "data: {\"choices\":[{\"delta\":{\"content\":\"hal\n\n", "data: [1,2]\n\n", "data: \"text\"\n\n"}) {
    const auto outcome = run(cat(role, hello, bad, world, done));
    ASSERT_FALSE(outcome.status) << bad;
    EXPECT_TRUE(outcome.status.error().is(Kind::upstream_protocol)) << bad;
    EXPECT_EQ(outcome.forwarded, role + hello) << bad;
  }
}

TEST(Relay, AnEndWithoutABeginningIsAnError) {
  const auto outcome = run(cat(comment, done));
  ASSERT_FALSE(outcome.status);
  EXPECT_TRUE(outcome.status.error().is(Kind::upstream_failed));
  EXPECT_EQ(outcome.forwarded, comment);
}

TEST(Relay, BytesAfterTheEndAreDropped) {
  const auto outcome = run(whole + "data: {\"error\":{}}\n\ngarbage");
  EXPECT_TRUE(outcome.status);
  EXPECT_EQ(outcome.forwarded, whole);
}

TEST(Relay, EventsHaveALimit) {
  const std::string big = "data: {\"choices\":[{\"delta\":{\"content\":\"" + std::string(200 * 1024, 'x') + "\"}}]}\n\n";
  EXPECT_TRUE(run(role + big + done, {}, [] { return std::size_t{4096}; }).status);
  const auto outcome = run(role + hello + big + done, {.event_bytes_max = 64 * 1024}, [] { return std::size_t{4096}; });
  ASSERT_FALSE(outcome.status);
  EXPECT_EQ(outcome.status.error().kind(), Kind::upstream_protocol);
  EXPECT_EQ(outcome.forwarded, role + hello);
}

/// The prefilter must find what a full reading finds, wherever the key lies in the event.
TEST(Relay, ThePrefilterMissesNothing) {
  for (std::size_t padding = 0; padding < 70; ++padding) {
    const std::string filler(padding, 'x');
    for (const std::string_view space : {"", " ", "\t "}) {
      const auto event =
          cat("data: {\"a\":\"", filler, "\",\"usage\"", space, ':', space, "{\"prompt_tokens\":4},\"choices\":[]}\n\n");
      const auto outcome = run(role + hello + event + done, {.withhold_usage = true});
      EXPECT_EQ(outcome.seen.usage, (model::Usage{.input = 4})) << event;
      EXPECT_EQ(outcome.forwarded, role + hello + done);
      const auto error = cat("data: {\"a\":\"", filler, "\",\"error\"", space, ':', space, "{\"message\":\"m\"}}\n\n");
      EXPECT_FALSE(run(role + hello + error + done).status) << error;
      const auto stop =
          cat("data: {\"a\":\"", filler, "\",\"choices\":[{\"finish_reason\"", space, ':', space, "\"tool_calls\"}]}\n\n");
      EXPECT_EQ(run(role + hello + stop + done).seen.finish, model::Finish::tool_calls) << stop;
    }
  }
}

}  // namespace
}  // namespace cardea::dialect
