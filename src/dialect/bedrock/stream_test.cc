#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "wire/aws_events.h"

namespace cardea::dialect {
namespace {

using model::ChatEvent;
namespace event = model::event;
const Dialect& chat = bedrock();
constexpr std::size_t frame_bytes_max = 1 << 20;

/// Cuts a whole stream and decodes it, `step` bytes at a time; a failed decoding stops.
Status decode(std::string_view stream, std::vector<ChatEvent>& out, std::size_t step = std::string_view::npos) {
  auto decoder = chat.stream_decoder();
  FrameReader reader{Framing::aws_events, frame_bytes_max};
  std::size_t taken = 0;
  std::size_t there = 0;
  do {
    there = step < stream.size() - there ? there + step : stream.size();
    while (true) {
      auto frame = reader.next(stream.substr(taken, there - taken));
      if (!frame) return fail_with(frame);
      if (!*frame) break;
      taken += (*frame)->bytes;
      auto status = decoder->event((*frame)->type, (*frame)->data, out);
      if (!status) return status;
    }
  } while (there < stream.size());
  auto last = reader.last(stream.substr(taken));
  if (!last) return fail_with(last);
  return decoder->end(out);
}

std::string encode(const std::vector<ChatEvent>& events, std::vector<std::string>* losses = nullptr) {
  const model::Chat asked{};
  auto encoder = chat.stream_encoder({.request = asked, .id = {}, .model = {}});
  std::string out;
  for (const auto& one : events) encoder->encode(one, out);
  if (losses == nullptr) {
    EXPECT_TRUE(encoder->losses().empty());
  } else {
    *losses = encoder->losses().fields();
  }
  return out;
}

/// The events of a stream as "type payload" lines.
std::string lines(std::string_view stream) {
  std::string out;
  FrameReader reader{Framing::aws_events, frame_bytes_max};
  while (true) {
    auto frame = reader.next(stream);
    if (!frame || !*frame) break;
    out += cat((*frame)->type, ' ', (*frame)->data, '\n');
    stream.remove_prefix((*frame)->bytes);
  }
  EXPECT_TRUE(stream.empty());
  return out;
}

/// A stream of that many "type payload" lines.
std::string stream_of(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    const auto space = line.find(' ');
    wire::append_aws_event(out, line.substr(0, space), line.substr(space + 1));
    text.remove_prefix(end + 1);
  }
  return out;
}

/// Streams in the order in which a decoder tells them.
std::vector<ChatEvent> generate(std::uint64_t seed) {
  Random random{seed};
  const auto maybe = [&] { return random.below(2) == 0; };
  const auto text = [&] { return cat("x\"é\n", random.below(100)); };
  std::vector<ChatEvent> out;
  out.push_back(event::Start{});
  std::uint64_t part = 0;
  const auto run = [&](model::Part value, bool deltas) {
    const bool thinking = std::holds_alternative<model::Thinking>(value.value);
    const bool told = std::holds_alternative<model::Text>(value.value);
    out.push_back(event::PartStart{0, part, std::move(value)});
    for (auto n = deltas ? 1 + random.below(3) : 0; n > 0; --n) out.push_back(event::Delta{0, part, text()});
    if (thinking && deltas) out.push_back(event::SignatureDelta{0, part, "c2ln"});
    if (told && maybe()) {
      out.push_back(event::CitationDelta{0, part, {.url = "https://e.org", .title = "t", .cited_text = "c"}});
      out.push_back(event::CitationDelta{
          0,
          part,
          {.title = "d", .document = 0, .raw = model::Json{R"({"title":"d","location":{"documentPage":{"documentIndex":0}}})"}}});
    }
    out.push_back(event::PartStop{0, part++});
  };
  if (maybe()) run({.value = model::Thinking{}}, true);
  if (maybe()) run({.value = model::Thinking{.text = {}, .redacted = "AAEC"}}, false);
  if (maybe()) run({.value = model::Text{}}, true);
  if (maybe()) run({.value = model::Image{.media = {.base64 = "aGk=", .media_type = "image/webp"}}}, false);
  if (maybe()) {
    run({.value =
             model::Opaque{.dialect = "bedrock",
                           .value = {R"({"toolUse":{"toolUseId":"s","name":"w","type":"server_tool_use","input":{"q":1}}})"}}},
        false);
    run({.value =
             model::Opaque{
                 .dialect = "bedrock",
                 .value = {R"({"toolResult":{"toolUseId":"s","type":"x","status":"success","content":[{"text":"a"}]}})"}}},
        false);
  }
  for (auto n = random.below(4); n > 0; --n) run({.value = model::ToolCall{.id = cat("c", n), .name = "f"}}, true);
  if (maybe()) run({.value = model::Text{}}, true);
  const bool guarded = random.below(4) == 0;
  event::ChoiceFinish finish{.choice = 0, .finish = guarded ? model::Finish::content_filter : model::Finish::length, .raw = {}};
  if (guarded) finish.raw = "guardrail_intervened";
  out.push_back(finish);
  out.push_back(event::UsageReport{{.input = 5, .cache_read = 2, .output = 3}});
  out.push_back(event::End{});
  return out;
}

TEST(BedrockStream, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = generate(seed);
    const auto bytes = encode(made);
    std::vector<ChatEvent> back;
    auto status = decode(bytes, back);
    ASSERT_TRUE(status) << seed << status.error().message();
    ASSERT_EQ(back.size(), made.size()) << seed << "\n" << lines(bytes);
    for (std::size_t i = 0; i < made.size(); ++i) ASSERT_EQ(back[i], made[i]) << seed << " event " << i << "\n" << lines(bytes);
  }
}

TEST(BedrockStream, AnySplitIsTheSame) {
  const auto bytes = encode(generate(11));
  std::vector<ChatEvent> whole;
  ASSERT_TRUE(decode(bytes, whole));
  for (const std::size_t step : {1, 2, 3, 7, 64}) {
    std::vector<ChatEvent> pieces;
    ASSERT_TRUE(decode(bytes, pieces, step));
    EXPECT_EQ(pieces, whole) << step;
  }
}

TEST(BedrockStream, EveryTruncationIsAnErrorOrComplete) {
  const auto bytes = encode(generate(4));
  std::size_t complete = 0;
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    std::vector<ChatEvent> events;
    auto status = decode(std::string_view{bytes}.substr(0, n), events);
    if (status) {
      // Without its counts, but with its reason to stop: the answer is whole.
      ++complete;
      ASSERT_GE(events.size(), 2u);
      EXPECT_TRUE(std::holds_alternative<event::ChoiceFinish>(events[events.size() - 2]));
      continue;
    }
    EXPECT_EQ(status.error().kind(), Kind::upstream_reset) << n;
    EXPECT_TRUE(events.empty() || !std::holds_alternative<event::End>(events.back()));
  }
  EXPECT_EQ(complete, 1u);
}

// "Converse API examples", Bedrock's user guide; payloads with the padding member `p` as the service sends them.
TEST(BedrockStream, ReadsTheReferencesForms) {
  std::vector<ChatEvent> events;
  auto status = decode(stream_of(R"(messageStart {"p":"abcdefghij","role":"assistant"}
contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Hm"}},"p":"ab"}
contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"EqoB"}}}
contentBlockStop {"contentBlockIndex":0}
contentBlockDelta {"contentBlockIndex":1,"delta":{"text":""}}
contentBlockDelta {"contentBlockIndex":1,"delta":{"text":"Hi"}}
contentBlockDelta {"contentBlockIndex":1,"delta":{"citation":{"title":"D","location":{"web":{"url":"u"}}}}}
contentBlockStop {"contentBlockIndex":1}
someNewEvent {"x":1}
contentBlockStart {"contentBlockIndex":2,"start":{"toolUse":{"name":"top_song","toolUseId":"tooluse_1"}}}
contentBlockDelta {"contentBlockIndex":2,"delta":{"toolUse":{"input":""}}}
contentBlockDelta {"contentBlockIndex":2,"delta":{"toolUse":{"input":"{\"si"}}}
contentBlockDelta {"contentBlockIndex":2,"delta":{"toolUse":{"input":"gn\":1}"}}}
contentBlockStop {"contentBlockIndex":2}
contentBlockStart {"contentBlockIndex":3,"start":{"toolUse":{"name":"now","toolUseId":"tooluse_2"}}}
contentBlockStop {"contentBlockIndex":3}
messageStop {"stopReason":"tool_use","additionalModelResponseFields":{"stop_sequence":"END"}}
metadata {"metrics":{"latencyMs":1},"usage":{"inputTokens":3,"outputTokens":2,"totalTokens":5,"serverToolUsage":{}}}
)"),
                       events);
  ASSERT_TRUE(status) << status.error().message();
  const std::vector<ChatEvent> expected{
      event::Start{},
      event::PartStart{0, 0, {.value = model::Thinking{}}},
      event::Delta{0, 0, "Hm"},
      event::SignatureDelta{0, 0, "EqoB"},
      event::PartStop{0, 0},
      event::PartStart{0, 1, {.value = model::Text{}}},
      event::Delta{0, 1, "Hi"},
      event::CitationDelta{0, 1, {.url = "u", .title = "D"}},
      event::PartStop{0, 1},
      event::PartStart{0, 2, {.value = model::ToolCall{.id = "tooluse_1", .name = "top_song"}}},
      event::Delta{0, 2, "{\"si"},
      event::Delta{0, 2, "gn\":1}"},
      event::PartStop{0, 2},
      event::PartStart{0, 3, {.value = model::ToolCall{.id = "tooluse_2", .name = "now"}}},
      event::Delta{0, 3, "{}"},
      event::PartStop{0, 3},
      event::ChoiceFinish{.choice = 0, .finish = model::Finish::tool_calls, .raw = {}, .stop_sequence = "END"},
      event::UsageReport{{.input = 3, .output = 2}},
      event::End{},
  };
  ASSERT_EQ(events.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(events[i], expected[i]) << i;
}

TEST(BedrockStream, ExceptionsAreFailures) {
  struct Case {
    std::string_view type;
    std::uint16_t status;
  };
  for (const auto& [type, status] :
       {Case{"throttlingException", 429}, Case{"modelStreamErrorException", 424}, Case{"internalServerException", 500},
        Case{"serviceUnavailableException", 503}, Case{"validationException", 400}, Case{"ModelTimeoutException", 408},
        Case{"fooException", 500}}) {
    std::string bytes;
    wire::append_aws_event(bytes, "messageStart", R"({"role":"assistant"})");
    wire::append_aws_exception(bytes, type, R"({"message":"said"})");
    std::vector<ChatEvent> events;
    ASSERT_TRUE(decode(bytes, events));
    ASSERT_EQ(events.size(), 2u);
    const auto* failure = std::get_if<event::Failure>(&events[1]);
    ASSERT_NE(failure, nullptr);
    EXPECT_EQ(failure->message, "said");
    EXPECT_EQ(failure->status, status) << type;
  }
  std::string bytes;
  wire::append_aws_event(bytes, "contentBlockDelta", "{");
  std::vector<ChatEvent> events;
  auto status = decode(bytes, events);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind(), Kind::upstream_protocol);
  EXPECT_EQ(encode({event::Failure{"m", "t", "c"}}), "");  // errors are told by stream_error()
}

TEST(BedrockStream, OthersStreamsInBedrocksOrder) {
  std::vector<std::string> losses;
  // Parallel calls in pieces side by side, a text between them, parts without a stop, a sealed signature.
  const auto bytes = encode({event::Start{.id = "c", .model = "m"},
                             event::PartStart{0, 0, {.value = model::Thinking{.text = "h"}}},
                             event::Delta{0, 0, "m"},
                             event::SignatureDelta{0, 0, "sealed"},
                             event::PartStop{0, 0},
                             event::PartStart{0, 1, {.value = model::Text{}}},
                             event::PartStop{0, 1},
                             event::PartStart{0, 2, {.value = model::ToolCall{.id = "a", .name = "f"}}},
                             event::PartStart{0, 3, {.value = model::ToolCall{.id = "b", .name = "g", .arguments = "{"}}},
                             event::Delta{0, 3, "}"},
                             event::Delta{0, 2, "{\"x\""},
                             event::PartStart{0, 4, {.value = model::Text{.text = "and"}}},
                             event::PartStop{0, 3},
                             event::Delta{0, 2, ":1}"},
                             event::PartStart{0, 5, {.value = model::ToolCall{.id = "c", .name = "h"}}},
                             event::PartStart{1, 0, {.value = model::Text{.text = "other"}}},
                             event::Ping{},
                             event::Logprobs{0, {"{}"}},
                             event::UsageReport{{.input = 1, .output = 2, .reasoning = 1}},
                             event::ChoiceFinish{.choice = 0, .finish = model::Finish::refusal},
                             event::End{}},
                            &losses);
  EXPECT_EQ(lines(bytes), R"(messageStart {"role":"assistant"}
contentBlockDelta {"delta":{"reasoningContent":{"text":"h"}},"contentBlockIndex":0}
contentBlockDelta {"delta":{"reasoningContent":{"text":"m"}},"contentBlockIndex":0}
contentBlockDelta {"delta":{"reasoningContent":{"signature":"sealed"}},"contentBlockIndex":0}
contentBlockStop {"contentBlockIndex":0}
contentBlockStart {"start":{"toolUse":{"toolUseId":"a","name":"f"}},"contentBlockIndex":1}
contentBlockDelta {"delta":{"toolUse":{"input":"{\"x\""}},"contentBlockIndex":1}
contentBlockDelta {"delta":{"toolUse":{"input":":1}"}},"contentBlockIndex":1}
contentBlockStop {"contentBlockIndex":1}
contentBlockStart {"start":{"toolUse":{"toolUseId":"b","name":"g"}},"contentBlockIndex":2}
contentBlockDelta {"delta":{"toolUse":{"input":"{"}},"contentBlockIndex":2}
contentBlockDelta {"delta":{"toolUse":{"input":"}"}},"contentBlockIndex":2}
contentBlockStop {"contentBlockIndex":2}
contentBlockDelta {"delta":{"text":"and"},"contentBlockIndex":3}
contentBlockStop {"contentBlockIndex":3}
contentBlockStart {"start":{"toolUse":{"toolUseId":"c","name":"h"}},"contentBlockIndex":4}
contentBlockDelta {"delta":{"toolUse":{"input":"{}"}},"contentBlockIndex":4}
contentBlockStop {"contentBlockIndex":4}
messageStop {"stopReason":"content_filtered"}
metadata {"usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3},"metrics":{"latencyMs":0}}
)");
  EXPECT_EQ(losses,
            (std::vector<std::string>{"choices[1]", "choices[0].logprobs", "choices[0].finish_reason", "usage.reasoning"}));
}

TEST(BedrockStream, CallsThatAreWholeAreNotWaitedFor) {
  const model::Chat asked{};
  auto encoder = chat.stream_encoder({.request = asked, .id = {}, .model = {}});
  std::string out;
  const auto say = [&](const ChatEvent& event) {
    out.clear();
    encoder->encode(event, out);
    return lines(out);
  };
  say(event::Start{});
  say(event::PartStart{0, 0, {.value = model::ToolCall{.id = "a", .name = "f"}}});
  say(event::Delta{0, 0, R"({"x":"}")"});
  say(event::PartStart{0, 1, {.value = model::ToolCall{.id = "b", .name = "g"}}});
  EXPECT_EQ(say(event::Delta{0, 1, R"({"y")"}), "");
  EXPECT_EQ(say(event::Delta{0, 0, "}"}), R"(contentBlockDelta {"delta":{"toolUse":{"input":"}"}},"contentBlockIndex":0}
contentBlockStop {"contentBlockIndex":0}
contentBlockStart {"start":{"toolUse":{"toolUseId":"b","name":"g"}},"contentBlockIndex":1}
contentBlockDelta {"delta":{"toolUse":{"input":"{\"y\""}},"contentBlockIndex":1}
)");
  EXPECT_EQ(say(event::PartStop{0, 0}), "");
  EXPECT_EQ(say(event::Delta{0, 1, ":1}"}), R"(contentBlockDelta {"delta":{"toolUse":{"input":":1}"}},"contentBlockIndex":1}
)");
  EXPECT_EQ(say(event::PartStop{0, 1}), "contentBlockStop {\"contentBlockIndex\":1}\n");
}

TEST(BedrockStream, RelayForwardsTheBytes) {
  const auto bytes = encode(generate(3)) + "left over";
  auto relay = chat.relay({.framing = Framing::aws_events});
  std::string forwarded;
  std::vector<std::string_view> pieces;
  auto step = relay->feed(bytes, pieces);
  ASSERT_TRUE(step) << step.error().message();
  for (const auto piece : pieces) forwarded += piece;
  EXPECT_EQ(forwarded + "left over", bytes);
  EXPECT_TRUE(relay->seen().done);
  EXPECT_TRUE(relay->seen().content);
  EXPECT_EQ(relay->seen().usage, (model::Usage{.input = 5, .cache_read = 2, .output = 3}));
}

}  // namespace
}  // namespace cardea::dialect
