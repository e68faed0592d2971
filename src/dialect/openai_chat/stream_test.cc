#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "wire/sse.h"

namespace cardea::dialect {
namespace {

using model::ChatEvent;
namespace event = model::event;
const Dialect& chat = openai_chat();

/// Cuts a whole stream and decodes it; a failed decoding stops.
Status decode(std::string_view stream, std::vector<ChatEvent>& out) {
  auto decoder = chat.stream_decoder();
  wire::EventCutter cutter;
  std::string scratch;
  while (true) {
    auto size = cutter.next(stream);
    if (!size) return fail_with(size);
    if (*size == 0) break;
    const auto read = wire::parse_event(stream.substr(0, *size), scratch);
    stream.remove_prefix(*size);
    if (!read.has_data) continue;
    auto status = decoder->event(read.name, read.data, out);
    if (!status) return status;
  }
  return decoder->end(out);
}

std::string encode(const std::vector<ChatEvent>& events, bool include_usage = true) {
  const model::Chat asked{.include_usage = include_usage};
  auto encoder = chat.stream_encoder({.request = asked, .id = {}, .model = {}});
  std::string out;
  for (const auto& one : events) encoder->encode(one, out);
  EXPECT_TRUE(encoder->losses().empty());
  return out;
}

/// Streams in the order in which a decoder tells them.
std::vector<ChatEvent> generate(std::uint64_t seed) {
  Random random{seed};
  const auto maybe = [&] { return random.below(2) == 0; };
  const auto text = [&] { return cat("x\"é\n", random.below(100)); };
  std::vector<ChatEvent> out;
  out.push_back(event::Start{
      .id = "c", .model = "m", .created = 7, .service_tier = maybe() ? std::optional<std::string>{"flex"} : std::nullopt});
  for (std::uint64_t choices = 1 + random.below(2), choice = 0; choice < choices; ++choice) {
    std::uint64_t part = 0;
    const auto run = [&](model::Part value, const std::optional<ChatEvent>& last = {}) {
      out.push_back(event::PartStart{choice, part, std::move(value)});
      for (auto n = 1 + random.below(3); n > 0; --n) out.push_back(event::Delta{choice, part, text()});
      if (last) out.push_back(*last);
      out.push_back(event::PartStop{choice, part++});
    };
    if (maybe()) {
      run({.value = model::Thinking{}});
    } else if (maybe()) {
      run({.value = model::Thinking{}}, event::SignatureDelta{choice, part, text()});
      run({.value = model::Thinking{}}, event::SignatureDelta{choice, part, text()});
      out.push_back(event::PartStart{choice, part, {.value = model::Thinking{.text = {}, .redacted = "d"}}});
      out.push_back(event::PartStop{choice, part++});
    }
    if (maybe())
      run({.value = model::Text{}}, event::CitationDelta{choice, part, {.url = "u", .title = "t", .start = 0, .end = 1}});
    const bool refuses = maybe();
    if (refuses) run({.value = model::Refusal{}});
    if (maybe()) {
      out.push_back(
          event::PartStart{choice, part, {.value = model::Image{.media = {.base64 = "aGk=", .media_type = "image/png"}}}});
      out.push_back(event::PartStop{choice, part++});
    }
    const auto first_call = part;
    const auto calls = random.below(4);
    for (std::uint64_t n = 0; n < calls; ++n) {
      model::ToolCall call{.id = cat("c", n), .name = "f"};
      if (maybe()) call.kind = model::ToolKind::custom;
      if (maybe()) call.signature = text();
      out.push_back(event::PartStart{choice, part++, {.value = call}});
    }
    // Fragments of parallel calls interleave.
    for (auto n = calls * 3; n > 0; --n) out.push_back(event::Delta{choice, first_call + random.below(calls), text()});
    for (std::uint64_t n = 0; n < calls; ++n) out.push_back(event::PartStop{choice, first_call + n});
    // Before the parts that are open until the finish are stopped.
    // (Only texts, thinking without a signature and calls are open until then.)
    const auto open = calls != 0 ? static_cast<std::ptrdiff_t>(calls) : std::ptrdiff_t{0};
    if (calls != 0 && maybe()) out.insert(out.end() - open, event::Logprobs{choice, {R"({"content":[],"refusal":null})"}});
    const auto other = refuses || maybe() ? model::Finish::refusal : model::Finish::length;
    out.push_back(event::ChoiceFinish{.choice = choice, .finish = calls != 0 ? model::Finish::tool_calls : other});
  }
  if (maybe()) out.push_back(event::UsageReport{{.input = 5, .cache_read = 2, .output = 3}});
  out.push_back(event::End{});
  return out;
}

TEST(Stream, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = generate(seed);
    const auto bytes = encode(made);
    std::vector<ChatEvent> back;
    auto status = decode(bytes, back);
    ASSERT_TRUE(status) << seed << status.error().message();
    ASSERT_EQ(back.size(), made.size()) << seed << "\n" << bytes;
    for (std::size_t i = 0; i < made.size(); ++i) ASSERT_EQ(back[i], made[i]) << seed << " event " << i << "\n" << bytes;
  }
}

TEST(Stream, EveryTruncationIsAnError) {
  const auto bytes = encode(generate(4));
  for (std::size_t n = 0; n + 1 < bytes.size(); n += 7) {
    std::vector<ChatEvent> events;
    auto status = decode(std::string_view{bytes}.substr(0, n), events);
    ASSERT_FALSE(status) << n;
    EXPECT_EQ(status.error().kind(), Kind::upstream_reset);
    EXPECT_TRUE(events.empty() || !std::holds_alternative<event::End>(events.back()));
  }
}

TEST(Stream, ReadsVendorsForms) {
  std::vector<ChatEvent> events;
  // Every call numbered 0; reasoning under OpenRouter's name; usage beside the finish.
  auto status = decode(
      R"(data: {"id":"a","choices":[{"delta":{"role":"assistant","content":"","reasoning":"hm"}}]}

: ping

data:{"choices":[{"index":0,"delta":{"content":"hi"}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c2","function":{"name":"g","arguments":"{}"}}]}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}

data: [DONE]

)",
      events);
  ASSERT_TRUE(status) << status.error().message();
  const std::vector<ChatEvent> expected{
      event::Start{.id = "a"},
      event::PartStart{0, 0, {.value = model::Thinking{}}},
      event::Delta{0, 0, "hm"},
      event::PartStop{0, 0},
      event::PartStart{0, 1, {.value = model::Text{}}},
      event::Delta{0, 1, "hi"},
      event::PartStop{0, 1},
      event::PartStart{0, 2, {.value = model::ToolCall{.id = "c1", .name = "f"}}},
      event::Delta{0, 2, "{}"},
      event::PartStart{0, 3, {.value = model::ToolCall{.id = "c2", .name = "g"}}},
      event::Delta{0, 3, "{}"},
      event::PartStop{0, 2},
      event::PartStop{0, 3},
      event::ChoiceFinish{.choice = 0, .finish = model::Finish::tool_calls},
      event::UsageReport{{.input = 1, .output = 2}},
      event::End{},
  };
  ASSERT_EQ(events.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(events[i], expected[i]) << i;
}

/// OpenRouter's fragments, each said twice; LiteLLM's; Google's signature of a call; a call whose name comes late.
TEST(Stream, ReadsOthersReasoningForms) {
  std::vector<ChatEvent> events;
  auto status = decode(
      R"(data: {"choices":[{"delta":{"reasoning":"a","reasoning_details":[{"type":"reasoning.text","text":"a","index":0}]}}]}

data: {"choices":[{"delta":{"reasoning":"b","reasoning_details":[{"type":"reasoning.text","text":"b","index":0}]}}]}

data: {"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text","signature":"s","index":0}]}}]}

data: {"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":"d","index":1}]}}]}

data: {"choices":[{"delta":{"reasoning_content":"c","thinking_blocks":[{"type":"thinking","thinking":"c"}]}}]}

data: {"choices":[{"delta":{"thinking_blocks":[{"type":"thinking","thinking":"","signature":"t"}]}}]}

data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","extra_content":{"google":{"thought_signature":"g"}}}]}}]}

data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}

data: [DONE]

)",
      events);
  ASSERT_TRUE(status) << status.error().message();
  const std::vector<ChatEvent> expected{
      event::Start{},
      event::PartStart{0, 0, {.value = model::Thinking{}}},
      event::Delta{0, 0, "a"},
      event::Delta{0, 0, "b"},
      event::SignatureDelta{0, 0, "s"},
      event::PartStop{0, 0},
      event::PartStart{0, 1, {.value = model::Thinking{.text = {}, .redacted = "d"}}},
      event::PartStop{0, 1},
      event::PartStart{0, 2, {.value = model::Thinking{}}},
      event::Delta{0, 2, "c"},
      event::SignatureDelta{0, 2, "t"},
      event::PartStop{0, 2},
      event::PartStart{0, 3, {.value = model::ToolCall{.id = "c1", .name = "f", .signature = "g"}}},
      event::Delta{0, 3, "{}"},
      event::PartStop{0, 3},
      event::ChoiceFinish{.choice = 0, .finish = model::Finish::tool_calls},
      event::End{},
  };
  ASSERT_EQ(events.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(events[i], expected[i]) << i;
}

/// Parallel calls number by order, whatever was between them; citations count from the beginning of all text; a signature comes
/// with all that it signs.
TEST(Stream, WritesOtherDialectsEvents) {
  const model::Chat asked{.include_usage = true};
  auto encoder = chat.stream_encoder({.request = asked, .id = "chatcmpl-1", .model = "m", .created = 7});
  std::string bytes;
  const std::vector<ChatEvent> events{
      event::Start{},
      event::PartStart{0, 0, {.value = model::Thinking{}}},
      event::Delta{0, 0, "h"},
      event::Delta{0, 0, "m"},
      event::SignatureDelta{0, 0, "s"},
      event::PartStop{0, 0},
      event::PartStart{0, 1, {.value = model::Text{}}},
      event::Delta{0, 1, "é"},
      event::PartStop{0, 1},
      event::PartStart{0, 2, {.value = model::ToolCall{.id = "c", .name = "f", .signature = "g"}}},
      event::PartStart{0, 3, {.value = model::Text{}}},
      event::CitationDelta{0, 3, {.url = "u", .title = "t"}},
      event::Delta{0, 3, "xy"},
      event::PartStop{0, 3},
      event::PartStart{0, 4, {.value = model::ToolCall{.id = "d", .name = "f"}}},
      event::Delta{0, 4, "{"},
      event::Delta{0, 2, "{}"},
      event::Delta{0, 4, "}"},
      event::PartStop{0, 2},
      event::PartStop{0, 4},
      event::ChoiceFinish{.choice = 0, .finish = model::Finish::stop},
      event::UsageReport{{.input = 1}},
      event::UsageReport{{.input = 1, .output = 2}},
      event::End{},
  };
  for (const auto& one : events) encoder->encode(one, bytes);
  EXPECT_TRUE(encoder->losses().empty());
  std::string expected;
  const auto chunk = [&](std::string_view delta, std::string_view finish = "null") {
    expected += cat(R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,)",
                    R"("delta":)", delta, R"(,"logprobs":null,"finish_reason":)", finish, R"(}],"usage":null})", "\n\n");
  };
  chunk(R"({"role":"assistant","content":"","refusal":null})");
  chunk(R"({"reasoning_content":"h"})");
  chunk(R"({"reasoning_content":"m"})");
  chunk(
      R"({"reasoning_details":[{"type":"reasoning.text","text":"hm","signature":"s","format":"anthropic-claude-v1","index":0}]})");
  chunk(R"({"content":"é"})");
  chunk(
      R"({"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":""},"extra_content":{"google":{"thought_signature":"g"}}}]})");
  chunk(R"({"content":"xy"})");
  chunk(R"({"annotations":[{"type":"url_citation","url_citation":{"url":"u","title":"t","start_index":1,"end_index":3}}]})");
  chunk(R"({"tool_calls":[{"index":1,"id":"d","type":"function","function":{"name":"f","arguments":""}}]})");
  chunk(R"({"tool_calls":[{"index":1,"function":{"arguments":"{"}}]})");
  chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]})");
  chunk(R"({"tool_calls":[{"index":1,"function":{"arguments":"}"}}]})");
  chunk("{}", R"("tool_calls")");
  expected +=
      R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})";
  expected += "\n\ndata: [DONE]\n\n";
  EXPECT_EQ(bytes, expected);
}

TEST(Stream, ErrorsKeepTheirClass) {
  const std::pair<std::string_view, std::uint16_t> cases[] = {
      {R"({"message":"m","code":429})", 429},
      {R"({"message":"m","type":"overloaded_error"})", 529},
      {R"({"message":"m","type":"x","code":"rate_limit_exceeded"})", 429},
      {R"("m")", 0},
  };
  for (const auto& [error, status] : cases) {
    std::vector<ChatEvent> events;
    EXPECT_TRUE(decode(cat("data: {\"error\":", error, "}\n\n"), events));
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(std::get<event::Failure>(events[0]).status, status) << error;
    EXPECT_EQ(std::get<event::Failure>(events[0]).message, "m");
  }
}

TEST(Stream, ErrorsAreFailures) {
  std::vector<ChatEvent> events;
  EXPECT_TRUE(decode("data: {\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":\"c\"}}\n\n", events));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0], ChatEvent{(event::Failure{"m", "t", "c"})});
  events.clear();
  auto status = decode("data: {\"choices\":[}\n\n", events);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind(), Kind::upstream_protocol);
  EXPECT_EQ(encode({event::Failure{"m", "t", "c"}}), "");  // errors are told by stream_error()
}

TEST(Stream, WritesOpenAisForm) {
  const auto bytes =
      encode({event::Start{.id = "c", .model = "m", .created = 7}, event::PartStart{0, 0, {.value = model::Text{}}},
              event::Delta{0, 0, "hi"}, event::PartStop{0, 0}, event::ChoiceFinish{.choice = 0}, event::Ping{},
              event::UsageReport{{.input = 1, .output = 2}}, event::End{}},
             false);
  const std::string head =
      R"(data: {"id":"c","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":)";
  EXPECT_EQ(bytes, head + R"({"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]})" + "\n\n" +
                       head + R"({"content":"hi"},"logprobs":null,"finish_reason":null}]})" + "\n\n" + head +
                       R"({},"logprobs":null,"finish_reason":"stop"}]})" + "\n\n: ping\n\ndata: [DONE]\n\n");
}

}  // namespace
}  // namespace cardea::dialect
