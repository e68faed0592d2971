#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/framing.h"
#include "dialect/turns.h"

namespace cardea::dialect {
namespace {

using model::ChatEvent;
namespace event = model::event;
const Dialect& chat = cohere();

/// Reads a stream in pieces of at most `piece` bytes.
Status decode(std::string_view stream, std::vector<ChatEvent>& out, std::size_t piece = std::string_view::npos) {
  auto decoder = chat.stream_decoder();
  FrameReader reader{Framing::sse, 1u << 20};
  std::size_t start = 0;
  for (std::size_t end = 0; end < stream.size();) {
    end = stream.size() - end < piece ? stream.size() : end + piece;
    while (true) {
      auto frame = reader.next(stream.substr(start, end - start));
      if (!frame) return fail_with(frame);
      if (!*frame) break;
      start += (*frame)->bytes;
      if (!(*frame)->has_data) continue;
      auto status = decoder->event((*frame)->type, (*frame)->data, out);
      if (!status) return status;
    }
  }
  return decoder->end(out);
}

std::string encode(const std::vector<ChatEvent>& events, std::vector<std::string>* lost = nullptr) {
  const model::Chat asked;
  auto encoder = chat.stream_encoder({.request = asked, .id = "made", .model = "m"});
  std::string out;
  for (const auto& one : events) encoder->encode(one, out);
  if (lost != nullptr) *lost = encoder->losses().fields();
  if (lost == nullptr) EXPECT_TRUE(encoder->losses().empty());
  return out;
}

/// Streams in the order in which a decoder tells them.
std::vector<ChatEvent> generate(std::uint64_t seed) {
  Random random{seed};
  const auto maybe = [&] { return random.below(2) == 0; };
  const auto text = [&] { return cat("x\"é\n", random.below(100)); };
  std::vector<ChatEvent> out;
  out.push_back(event::Start{.id = "c"});
  std::uint64_t part = 0;
  const auto run = [&](model::Part value) {
    const bool cited = std::holds_alternative<model::Text>(value.value);
    out.push_back(event::PartStart{0, part, std::move(value)});
    for (auto n = 1 + random.below(3); n > 0; --n) {
      out.push_back(event::Delta{0, part, text()});
      if (cited && maybe()) out.push_back(event::CitationDelta{0, part, {.url = "u", .title = "t", .start = 1, .end = 2}});
      if (cited && maybe()) {
        out.push_back(event::Logprobs{0, logprobs_of(std::vector<TokenLogprob>{{.token = "a", .logprob = "-0.5"}})});
      }
    }
    if (!cited && maybe()) out.push_back(event::SignatureDelta{0, part, "sig"});
    out.push_back(event::PartStop{0, part++});
  };
  if (maybe()) run({.value = model::Thinking{}});
  if (maybe()) run({.value = model::Text{}});
  if (maybe()) run({.value = model::Thinking{}});
  const auto first_call = part;
  const auto calls = random.below(4);
  for (std::uint64_t n = 0; n < calls; ++n) {
    out.push_back(event::PartStart{0, part++, {.value = model::ToolCall{.id = cat("c", n), .name = "f"}}});
  }
  for (auto n = calls * 3; n > 0; --n) out.push_back(event::Delta{0, first_call + random.below(calls), text()});
  for (std::uint64_t n = 0; n < calls; ++n) out.push_back(event::PartStop{0, first_call + n});
  event::ChoiceFinish finish{.choice = 0, .finish = calls != 0 ? model::Finish::tool_calls : model::Finish::length};
  if (random.below(8) == 0) {
    finish.finish = model::Finish::failed;
    finish.raw = "TIMEOUT";
  }
  out.push_back(finish);
  if (maybe()) out.push_back(event::UsageReport{{.input = 5, .cache_read = 2, .output = 3}});
  out.push_back(event::End{});
  return out;
}

void expect_same(const std::vector<ChatEvent>& got, const std::vector<ChatEvent>& expected, std::string_view bytes) {
  for (std::size_t i = 0; i < std::min(got.size(), expected.size()); ++i) {
    ASSERT_EQ(got[i], expected[i]) << " event " << i << "\n" << bytes;
  }
  ASSERT_EQ(got.size(), expected.size()) << bytes;
}

TEST(CohereStream, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = generate(seed);
    const auto bytes = encode(made);
    std::vector<ChatEvent> back;
    auto status = decode(bytes, back);
    ASSERT_TRUE(status) << seed << status.error().message();
    ASSERT_NO_FATAL_FAILURE(expect_same(back, made, bytes)) << seed;
  }
}

TEST(CohereStream, AnySplitIsTheSame) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto made = generate(seed);
    const auto bytes = encode(made);
    for (std::size_t piece = 1; piece < 40; ++piece) {
      std::vector<ChatEvent> back;
      ASSERT_TRUE(decode(bytes, back, piece));
      ASSERT_NO_FATAL_FAILURE(expect_same(back, made, bytes)) << piece;
    }
  }
}

TEST(CohereStream, EveryTruncationIsAnError) {
  const auto bytes = encode(generate(4));
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    std::vector<ChatEvent> events;
    auto status = decode(std::string_view{bytes}.substr(0, n), events);
    ASSERT_FALSE(status) << n;
    EXPECT_EQ(status.error().kind(), Kind::upstream_reset);
    EXPECT_TRUE(events.empty() || !std::holds_alternative<event::End>(events.back()));
  }
}

// docs.cohere.com/v2/docs/streaming (basic and retrieval-augmented streams), docs.cohere.com/docs/tool-use-streaming.
constexpr std::string_view reference_stream =
    R"(event: message-start
data: {"type":"message-start","id":"29f1","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}

event: content-start
data: {"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":""}}}}

event: content-delta
data: {"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"Penguins"}}}}

event: debug
data: {"type":"debug","prompt":"<|x|>"}

event: content-end
data: {"type":"content-end","index":0}

event: citation-start
data: {"type":"citation-start","index":0,"delta":{"message":{"citations":{"start":0,"end":8,"text":"Penguins","sources":[{"type":"document","id":"doc:1","document":{"title":"Tall"}}],"type":"TEXT_CONTENT","content_index":0}}}}

event: citation-end
data: {"type":"citation-end","index":0}

event: message-end
data: {"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"billed_units":{"input_tokens":3,"output_tokens":1},"tokens":{"input_tokens":69,"output_tokens":2}}}}

data: [DONE]

)";

TEST(CohereStream, ReadsTheReferencesForms) {
  std::vector<ChatEvent> events;
  auto status = decode(reference_stream, events);
  ASSERT_TRUE(status) << status.error().message();
  expect_same(events,
              {event::Start{.id = "29f1"}, event::PartStart{0, 0, {.value = model::Text{}}}, event::Delta{0, 0, "Penguins"},
               event::CitationDelta{0, 0, {.title = "Tall", .start = 0, .end = 8, .document = 1}}, event::PartStop{0, 0},
               event::ChoiceFinish{.choice = 0, .finish = model::Finish::stop}, event::UsageReport{{.input = 69, .output = 2}},
               event::End{}},
              "");
  events.clear();
  // The names alone say what the events are; a plan, two calls; a proper end without usage.
  status = decode(
      R"(event: tool-plan-delta
data: {"delta":{"message":{"tool_plan":"I will"}}}

event: tool-plan-delta
data: {"delta":{"message":{"tool_plan":" look."}}}

event: tool-call-start
data: {"index":0,"delta":{"message":{"tool_calls":{"id":"a","type":"function","function":{"name":"f","arguments":""}}}}}

event: tool-call-delta
data: {"index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"{}"}}}}}

event: tool-call-end
data: {"index":0}

event: tool-call-start
data: {"index":1,"delta":{"message":{"tool_calls":[{"id":"b","function":{"name":"g","arguments":"{"}}]}}}

event: tool-call-delta
data: {"index":1,"delta":{"message":{"tool_calls":[{"function":{"arguments":"}"}}]}}}

event: message-end
data: {"delta":{"finish_reason":"TOOL_CALL"}}

)",
      events);
  ASSERT_TRUE(status) << status.error().message();
  expect_same(events,
              {event::Start{}, event::PartStart{0, 0, {.value = model::Text{}}}, event::Delta{0, 0, "I will"},
               event::Delta{0, 0, " look."}, event::PartStop{0, 0},
               event::PartStart{0, 1, {.value = model::ToolCall{.id = "a", .name = "f"}}}, event::Delta{0, 1, "{}"},
               event::PartStop{0, 1}, event::PartStart{0, 2, {.value = model::ToolCall{.id = "b", .name = "g"}}},
               event::Delta{0, 2, "{"}, event::Delta{0, 2, "}"}, event::PartStop{0, 2},
               event::ChoiceFinish{.choice = 0, .finish = model::Finish::tool_calls}, event::End{}},
              "");
}

TEST(CohereStream, ErrorsAreFailures) {
  const std::string_view streams[] = {
      "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\",\"error\":\"broke\"}}\n\n",
      "data: {\"message\":\"broke\"}\n\n", "event: error\ndata: {\"error\":{\"message\":\"broke\"}}\n\n"};
  for (const auto stream : streams) {
    std::vector<ChatEvent> events;
    EXPECT_TRUE(decode(stream, events)) << stream;
    ASSERT_FALSE(events.empty()) << stream;
    const auto* failure = std::get_if<event::Failure>(&events.back());
    ASSERT_NE(failure, nullptr) << stream;
    EXPECT_EQ(failure->message, "broke");
  }
  for (const auto stream : {"data: {\"type\":\"content-delta\",\n\n", "data: []\n\n", "data: [1]\n\n"}) {
    std::vector<ChatEvent> events;
    auto status = decode(stream, events);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().kind(), Kind::upstream_protocol);
  }
  std::vector<ChatEvent> events;
  EXPECT_EQ(decode("data: [DONE]\n\n", events).error().kind(), Kind::upstream_reset);
  EXPECT_EQ(encode({event::Failure{"m", "t", "c"}}), "");  // errors are told by stream_error()
}

TEST(CohereStream, WritesTheReferencesForm) {
  std::vector<std::string> lost;
  const auto bytes = encode({event::Start{.model = "x"},
                             event::PartStart{0, 0, {.value = model::Text{}}},
                             event::PartStop{0, 0},
                             event::PartStart{0, 1, {.value = model::Text{}}},
                             event::Delta{0, 1, "Hi é"},
                             event::CitationDelta{0, 1, {.url = "u", .start = 3, .end = 4}},
                             event::PartStop{0, 1},
                             event::PartStart{0, 2, {.value = model::ToolCall{.id = "a", .name = "f"}}},
                             event::PartStart{0, 3, {.value = model::ToolCall{.id = "b", .name = "g", .arguments = "{}"}}},
                             event::Delta{0, 2, "{"},
                             event::Delta{0, 2, "}"},
                             event::PartStop{0, 3},
                             event::PartStop{0, 2},
                             event::Ping{},
                             event::PartStart{1, 0, {.value = model::Text{}}},
                             event::Delta{1, 0, "other"},
                             event::PartStart{0, 4, {.value = model::Image{}}},
                             event::ChoiceFinish{.choice = 0, .finish = model::Finish::content_filter},
                             event::UsageReport{{.input = 1, .output = 1}},
                             event::UsageReport{{.input = 1, .output = 2}},
                             event::End{}},
                            &lost);
  const auto frame = [](std::string_view type, std::string_view rest) {
    return cat("event: ", type, "\ndata: {\"type\":\"", type, '"', rest, "}\n\n");
  };
  EXPECT_EQ(
      bytes,
      cat("event: message-start\ndata: "
          "{\"id\":\"made\",\"type\":\"message-start\",\"delta\":{\"message\":{\"role\":\"assistant\","
          "\"content\":[],\"tool_plan\":\"\",\"tool_calls\":[],\"citations\":[]}}}\n\n",
          frame("content-start", R"(,"index":0,"delta":{"message":{"content":{"type":"text","text":""}}})"),
          frame("content-delta", R"(,"index":0,"delta":{"message":{"content":{"text":"Hi é"}}})"),
          frame(
              "citation-start",
              R"(,"index":0,"delta":{"message":{"citations":{"start":3,"end":4,"text":"é","sources":[{"type":"document","id":"u","document":{"url":"u"}}],"content_index":0,"type":"TEXT_CONTENT"}}})"),
          frame("citation-end", R"(,"index":0)"), frame("content-end", R"(,"index":0)"),
          frame(
              "tool-call-start",
              R"(,"index":0,"delta":{"message":{"tool_calls":{"id":"a","type":"function","function":{"name":"f","arguments":""}}}})"),
          frame(
              "tool-call-start",
              R"(,"index":1,"delta":{"message":{"tool_calls":{"id":"b","type":"function","function":{"name":"g","arguments":""}}}})"),
          frame("tool-call-delta", R"(,"index":1,"delta":{"message":{"tool_calls":{"function":{"arguments":"{}"}}}})"),
          frame("tool-call-delta", R"(,"index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"{"}}}})"),
          frame("tool-call-delta", R"(,"index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"}"}}}})"),
          frame("tool-call-end", R"(,"index":1)"), frame("tool-call-end", R"(,"index":0)"), ": ping\n\n",
          frame(
              "message-end",
              R"(,"delta":{"finish_reason":"ERROR_TOXIC","usage":{"billed_units":{"input_tokens":1,"output_tokens":2},"tokens":{"input_tokens":1,"output_tokens":2}}})")));
  const std::vector<std::string> expected{"choices[1]", "choices[0].message.image"};
  EXPECT_EQ(lost, expected);
}

TEST(CohereStream, TheWayThroughKeepsTheBytes) {
  const auto bytes = cat(": hello\n\n", encode(generate(7)));
  auto relay = chat.relay({});
  std::string seen;
  std::vector<std::string_view> pieces;
  auto step = relay->feed(bytes, pieces);
  ASSERT_TRUE(step);
  for (const auto piece : pieces) seen += piece;
  EXPECT_EQ(seen, bytes);
  EXPECT_TRUE(relay->seen().done);
}

}  // namespace
}  // namespace cardea::dialect
