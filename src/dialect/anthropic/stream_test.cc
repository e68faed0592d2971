#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "dialect/anthropic/anthropic.h"
#include "dialect/dialect.h"
#include "dialect/framing.h"

namespace cardea::dialect {
namespace {

using model::ChatEvent;
namespace event = model::event;
const Dialect& claude_dialect = anthropic();

/// Feeds a stream in pieces of up to `piece` bytes (0: whole) and decodes it; a failed decoding stops.
Status decode(std::string_view stream, std::vector<ChatEvent>& out, std::size_t piece = 0) {
  auto decoder = claude_dialect.stream_decoder();
  FrameReader reader{Framing::sse, 1u << 20};
  std::size_t begin = 0;
  std::size_t end = piece == 0 ? stream.size() : 0;
  while (true) {
    auto frame = reader.next(stream.substr(begin, end - begin));
    if (!frame) return fail_with(frame);
    if (*frame) {
      begin += (*frame)->bytes;
      auto status = (*frame)->has_data ? decoder->event((*frame)->type, (*frame)->data, out) : Status{};
      if (!status) return status;
      continue;
    }
    if (end == stream.size()) break;
    end = std::min(stream.size(), end + piece);
  }
  return decoder->end(out);
}

std::string encode(const std::vector<ChatEvent>& events, std::vector<std::string> lost = {}) {
  const model::Chat asked;
  auto encoder = claude_dialect.stream_encoder({.request = asked, .id = "msg_made", .model = "made"});
  std::string out;
  for (const auto& one : events) encoder->encode(one, out);
  EXPECT_EQ(encoder->losses().fields(), lost);
  return out;
}

/// Streams in the order in which the decoder tells them.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_{seed} {}

  std::vector<ChatEvent> make() {
    event::Start start;
    start.id = "msg_1";
    start.model = "m";
    if (maybe()) start.service_tier = "default";
    put(start);
    model::Usage usage{.input = random_.below(100), .output = 1};
    if (maybe()) usage.cache_read = random_.below(9);
    if (maybe()) usage.cache_write = random_.below(9);
    put(event::UsageReport{usage});
    bool calls = false;
    for (auto n = random_.below(5); n > 0; --n) calls = part() || calls;
    event::ChoiceFinish finish{.finish = calls ? model::Finish::tool_calls : model::Finish::length};
    if (!calls && maybe()) finish = {.finish = model::Finish::stop_sequence, .stop_sequence = "END"};
    put(finish);
    usage.output = random_.below(1000);
    if (maybe()) usage.reasoning = 7;
    put(event::UsageReport{usage});
    put(event::End{});
    return std::move(out_);
  }

 private:
  bool maybe() { return random_.below(2) == 0; }
  std::string text() { return cat("x\"é\n\xe2\x80\xa8", random_.below(100)); }
  /// A ping stands where nothing waits for what follows.
  void put(ChatEvent event) {
    const auto* last = out_.empty() ? nullptr : &out_.back();
    const bool between =
        last != nullptr && (std::holds_alternative<event::Delta>(*last) || std::holds_alternative<event::PartStop>(*last));
    if (between && random_.below(8) == 0) out_.push_back(event::Ping{});
    out_.push_back(std::move(event));
  }
  /// True when it was a call.
  bool part() {
    const auto n = part_++;
    const auto deltas = [&] {
      std::string all;
      for (auto count = 1 + random_.below(3); count > 0; --count) {
        const auto piece = text();
        all += piece;
        put(event::Delta{0, n, piece});
      }
      return all;
    };
    const auto kind = random_.below(5);
    if (kind == 0) {
      put(event::PartStart{0, n, {.value = model::Text{}}});
      const auto said = deltas();
      model::Citation citation{
          .url = "https://e.org",
          .title = "t",
          .start = 0,
          .end = claude::characters(said),
          .cited_text = "c",
          .raw = model::Json{R"({"type":"web_search_result_location","cited_text":"c","encrypted_index":"E",)"
                             R"("title":"t","url":"https://e.org"})"}};
      if (maybe()) put(event::CitationDelta{0, n, citation});
    } else if (kind == 1) {
      put(event::PartStart{0, n, {.value = model::Thinking{}}});
      deltas();
      put(event::SignatureDelta{0, n, text()});
    } else if (kind == 2) {
      put(event::PartStart{0, n, {.value = model::Thinking{.text = {}, .redacted = text()}}});
    } else if (kind == 3) {
      put(event::PartStart{0, n, {.value = model::ToolCall{.id = cat("toolu_", n), .name = "f"}}});
      for (const auto* piece : {"{\"a\":", "[1]", "}"}) put(event::Delta{0, n, piece});
    } else {
      model::Opaque opaque{.dialect = "anthropic",
                           .value = {R"({"type":"web_search_tool_result","tool_use_id":"s","content":[]})"}};
      put(event::PartStart{0, n, {.value = opaque}});
      out_.push_back(event::PartStop{0, n});
      return false;
    }
    put(event::PartStop{0, n});
    return kind == 3;
  }

  Random random_;
  std::vector<ChatEvent> out_;
  std::uint64_t part_ = 0;
};

void expect_same(const std::vector<ChatEvent>& got, const std::vector<ChatEvent>& expected, std::string_view note) {
  ASSERT_EQ(got.size(), expected.size()) << note;
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], expected[i]) << note << " event " << i;
}

TEST(AnthropicStream, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = Generator{seed}.make();
    const auto bytes = encode(made);
    std::vector<ChatEvent> back;
    auto status = decode(bytes, back);
    ASSERT_TRUE(status) << seed << status.error().message();
    expect_same(back, made, cat(seed, "\n", bytes));
  }
}

TEST(AnthropicStream, AnySplitIsTheSame) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto made = Generator{seed}.make();
    const auto bytes = encode(made);
    for (const std::size_t piece : {1, 2, 3, 7, 64, 4096}) {
      std::vector<ChatEvent> back;
      ASSERT_TRUE(decode(bytes, back, piece));
      expect_same(back, made, cat(seed, " by ", piece));
    }
  }
}

TEST(AnthropicStream, EveryTruncationIsAnError) {
  for (std::uint64_t seed = 4; seed < 6; ++seed) {
    const auto bytes = encode(Generator{seed}.make());
    for (std::size_t n = 0; n + 1 < bytes.size(); ++n) {
      std::vector<ChatEvent> events;
      auto status = decode(std::string_view{bytes}.substr(0, n), events);
      ASSERT_FALSE(status) << n;
      EXPECT_EQ(status.error().kind(), Kind::upstream_reset);
      EXPECT_TRUE(events.empty() || !std::holds_alternative<event::End>(events.back()));
    }
  }
}

// "Streaming Messages", streaming request with tool use, and with extended thinking and web search.
constexpr std::string_view documented = R"(event: message_start
data: {"type":"message_start","message":{"id":"msg_014p7gG3wDgGV9EUtLvnow3U","type":"message","role":"assistant","model":"claude-opus-4-1","stop_sequence":null,"usage":{"input_tokens":472,"output_tokens":2},"content":[],"stop_reason":null}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"I need"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQBCgIYAh=="}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"query\":"}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":" \"weather\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: ping
data: {"type": "ping"}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Okay"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: content_block_start
data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_01T1x1fJ34qAmk2tNTrN7Up6","name":"get_weather","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"location\":"}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":" \"SF\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":3}

event: vendor_thing
data: {"type":"vendor_thing","x":1}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":89}}

event: message_stop
data: {"type":"message_stop"}

)";

TEST(AnthropicStream, ReadsTheReferencesForm) {
  std::vector<ChatEvent> events;
  auto status = decode(documented, events);
  ASSERT_TRUE(status) << status.error().message();
  event::Start start;
  start.id = "msg_014p7gG3wDgGV9EUtLvnow3U";
  start.model = "claude-opus-4-1";
  const std::vector<ChatEvent> expected{
      start,
      event::UsageReport{{.input = 472, .output = 2}},
      event::PartStart{0, 0, {.value = model::Thinking{}}},
      event::Delta{0, 0, "I need"},
      event::SignatureDelta{0, 0, "EqQBCgIYAh=="},
      event::PartStop{0, 0},
      event::PartStart{
          0,
          1,
          {.value =
               model::Opaque{
                   .dialect = "anthropic",
                   .value =
                       {R"({"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"weather"}})"}}}},
      event::PartStop{0, 1},
      event::Ping{},
      event::PartStart{0, 2, {.value = model::Text{}}},
      event::Delta{0, 2, "Okay"},
      event::PartStop{0, 2},
      event::PartStart{0, 3, {.value = model::ToolCall{.id = "toolu_01T1x1fJ34qAmk2tNTrN7Up6", .name = "get_weather"}}},
      event::Delta{0, 3, "{\"location\":"},
      event::Delta{0, 3, " \"SF\"}"},
      event::PartStop{0, 3},
      event::ChoiceFinish{.choice = 0, .finish = model::Finish::tool_calls},
      event::UsageReport{{.input = 472, .output = 89}},
      event::End{},
  };
  expect_same(events, expected, "");
}

TEST(AnthropicStream, TheWayThroughIsBytes) {
  auto relay = claude_dialect.relay({});
  std::vector<std::string_view> pieces;
  auto step = relay->feed(documented, pieces);
  ASSERT_TRUE(step);
  std::string all;
  for (const auto piece : pieces) all += piece;
  EXPECT_EQ(all, documented);
  EXPECT_TRUE(relay->seen().done);
  EXPECT_EQ(relay->seen().model, "claude-opus-4-1");
  EXPECT_EQ(relay->seen().finish, model::Finish::tool_calls);
  EXPECT_EQ(*relay->seen().usage, (model::Usage{.input = 472, .output = 89}));
}

TEST(AnthropicStream, ErrorsAreFailures) {
  struct Case {
    std::string_view type;
    std::uint16_t status;
  };
  for (const auto& [type, status] : {Case{"overloaded_error", 529}, Case{"rate_limit_error", 429}, Case{"api_error", 500},
                                     Case{"timeout_error", 504}, Case{"invalid_request_error", 400}, Case{"new_error", 500}}) {
    std::vector<ChatEvent> events;
    EXPECT_TRUE(decode(cat("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"", type, "\",\"message\":\"m\"}}\n\n"),
                       events));
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0], ChatEvent{(event::Failure{"m", std::string{type}, "", status})});
  }
  std::vector<ChatEvent> events;
  auto status = decode("data: {\"type\":}\n\n", events);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind(), Kind::upstream_protocol);
  status = decode("event: content_block_start\ndata: {\"index\":0,\"content_block\":{\"type\":\"text\"}}\n\n", events);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind(), Kind::upstream_protocol);
  EXPECT_EQ(encode({event::Failure{"m", "t", "c"}}), "");  // errors are told by stream_error()
}

/// The events as "type index detail", which says what order they have.
std::string outline(std::string_view stream) {
  std::string out;
  FrameReader reader{Framing::sse, 1u << 20};
  while (true) {
    auto frame = reader.next(stream);
    if (!frame || !*frame) return out;
    auto value = json::parse((*frame)->data);
    if (!value) return cat(out, "not JSON: ", (*frame)->data);
    if (*value->find("type")->as_string() != (*frame)->type) return cat(out, "name and type differ");
    stream.remove_prefix((*frame)->bytes);
    const auto* index = value->find("index");
    out += cat(out.empty() ? "" : " ", (*frame)->type);
    if (index != nullptr) out += cat(':', *index->as_number());
  }
}

TEST(AnthropicStream, WritesTheReferencesForm) {
  const auto bytes =
      encode({event::Start{.id = "msg_1", .model = "m", .service_tier = "default"},
              event::UsageReport{{.input = 3, .cache_read = 5, .output = 1}}, event::PartStart{0, 0, {.value = model::Text{}}},
              event::Delta{0, 0, "hi"}, event::Ping{}, event::PartStop{0, 0}, event::ChoiceFinish{.choice = 0},
              event::UsageReport{{.input = 3, .cache_read = 5, .output = 2, .reasoning = 1}}, event::End{}});
  EXPECT_EQ(bytes,
            R"(event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"cache_read_input_tokens":5,"output_tokens":1,"service_tier":"standard"}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}

event: ping
data: {"type":"ping"}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":3,"cache_read_input_tokens":5,"output_tokens":2,"output_tokens_details":{"thinking_tokens":1}}}

event: message_stop
data: {"type":"message_stop"}

)");
}

TEST(AnthropicStream, WhatIsNotSaidIsMadeUpFor) {
  // No id, no model, counts at the end alone, no finish, an empty text, a call without an id.
  const auto bytes =
      encode({event::Start{}, event::PartStart{0, 0, {.value = model::Text{}}}, event::PartStop{0, 0},
              event::PartStart{0, 1, {.value = model::ToolCall{.name = "f"}}}, event::PartStop{0, 1},
              event::UsageReport{{.input = 9, .output = 2}}, event::End{}, event::End{}, event::Delta{0, 1, "late"}});
  EXPECT_EQ(bytes,
            R"(event: message_start
data: {"type":"message_start","message":{"id":"msg_made","type":"message","role":"assistant","model":"made","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"output_tokens":0}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_made0","name":"f","input":{}}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":9,"output_tokens":2}}

event: message_stop
data: {"type":"message_stop"}

)");
  EXPECT_EQ(outline(encode({event::End{}})), "message_start message_delta message_stop");
}

/// As OpenAI's stream tells parallel calls: all open until the finish, their fragments in any order.
TEST(AnthropicStream, ParallelCallsStandInARow) {
  const auto start = [](std::uint64_t part, std::string id) {
    return event::PartStart{0, part, {.value = model::ToolCall{.id = std::move(id), .name = "f"}}};
  };
  const std::vector<ChatEvent> events{event::Start{.id = "c"},
                                      start(0, "a"),
                                      start(1, "b"),
                                      event::Delta{0, 0, "{\"x\":"},
                                      event::Delta{0, 1, "{\"y\":2}"},
                                      event::Delta{0, 0, "1}"},
                                      start(2, "c"),
                                      event::Delta{0, 2, "{}"},
                                      event::PartStop{0, 0},
                                      event::PartStop{0, 1},
                                      event::PartStop{0, 2},
                                      event::ChoiceFinish{.choice = 0, .finish = model::Finish::tool_calls},
                                      event::End{}};
  std::vector<ChatEvent> back;
  ASSERT_TRUE(decode(encode(events), back));
  std::vector<std::string> calls;
  std::string order;
  for (const auto& said : back) {
    if (const auto* begun = std::get_if<event::PartStart>(&said)) {
      calls.push_back(*std::get<model::ToolCall>(begun->value.value).id + ": ");
      order += '(';
    }
    if (const auto* delta = std::get_if<event::Delta>(&said)) calls[delta->part] += delta->text;
    if (std::holds_alternative<event::PartStop>(said)) order += ')';
  }
  EXPECT_EQ(calls, (std::vector<std::string>{R"(a: {"x":1})", R"(b: {"y":2})", "c: {}"}));
  EXPECT_EQ(order, "()()()");
}

/// One call behind the other is written as it comes, though the first is stopped late.
TEST(AnthropicStream, WholeCallsAreNotWaitedFor) {
  const model::Chat asked;
  auto encoder = claude_dialect.stream_encoder({.request = asked, .id = {}, .model = {}});
  std::string out;
  const auto say = [&](const ChatEvent& event) {
    out.clear();
    encoder->encode(event, out);
    return outline(out);
  };
  EXPECT_EQ(say(event::Start{}), "");
  EXPECT_EQ(say(event::PartStart{0, 0, {.value = model::ToolCall{.id = "a", .name = "f"}}}),
            "message_start content_block_start:0");
  EXPECT_EQ(say(event::Delta{0, 0, R"({"a":"}\"")"}), "content_block_delta:0");
  EXPECT_EQ(say(event::Delta{0, 0, "}"}), "content_block_delta:0");
  EXPECT_EQ(say(event::PartStart{0, 1, {.value = model::ToolCall{.id = "b", .name = "f"}}}),
            "content_block_stop:0 content_block_start:1");
  EXPECT_EQ(say(event::Delta{0, 1, "{"}), "content_block_delta:1");
  EXPECT_EQ(say(event::PartStart{0, 2, {.value = model::Text{}}}), "");  // the call before it is not whole
  EXPECT_EQ(say(event::Delta{0, 2, "text"}), "");
  EXPECT_EQ(say(event::PartStop{0, 2}), "");
  EXPECT_EQ(say(event::PartStop{0, 0}), "");
  EXPECT_EQ(say(event::PartStop{0, 1}), "content_block_stop:1 content_block_start:2 content_block_delta:2 content_block_stop:2");
  EXPECT_EQ(say(event::ChoiceFinish{.choice = 0}), "");
  EXPECT_EQ(say(event::End{}), "message_delta message_stop");
}

TEST(AnthropicStream, WaitingCallsBeginWhenTheFirstIsWhole) {
  const model::Chat asked;
  auto encoder = claude_dialect.stream_encoder({.request = asked, .id = {}, .model = {}});
  std::string out;
  const auto say = [&](const ChatEvent& event) {
    out.clear();
    encoder->encode(event, out);
    return outline(out);
  };
  say(event::PartStart{0, 0, {.value = model::ToolCall{.id = "a", .name = "f"}}});
  EXPECT_EQ(say(event::PartStart{0, 1, {.value = model::ToolCall{.id = "b", .name = "f"}}}), "");
  EXPECT_EQ(say(event::Delta{0, 1, "{\"x\""}), "");
  EXPECT_EQ(say(event::Delta{0, 0, "{}"}),
            "content_block_delta:0 content_block_stop:0 content_block_start:1 content_block_delta:1");
  EXPECT_EQ(say(event::Delta{0, 1, ":1}"}), "content_block_delta:1");
}

TEST(AnthropicStream, ACallWithoutArgumentsHasAnEmptyObject) {
  std::vector<ChatEvent> events;
  ASSERT_TRUE(
      decode("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
             "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}}\n\n"
             "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
             "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
             events));
  const std::vector<ChatEvent> expected{event::Start{},
                                        event::PartStart{0, 0, {.value = model::ToolCall{.id = "t", .name = "f"}}},
                                        event::Delta{0, 0, "{}"}, event::PartStop{0, 0}, event::End{}};
  expect_same(events, expected, "");
}

TEST(AnthropicStream, ForeignPartsAreSaidOrNamed) {
  model::Thinking sealed{.text = "whole"};
  const auto bytes = encode(
      {event::Start{.id = "c", .system_fingerprint = "fp"},
       event::PartStart{0, 0, {.value = sealed}},
       event::SignatureDelta{0, 0, "half"},
       event::SignatureDelta{0, 0, "half"},
       event::PartStop{0, 0},
       event::PartStart{0, 1, {.value = model::Refusal{}}},
       event::Delta{0, 1, "I cannot."},
       event::PartStop{0, 1},
       event::PartStart{0, 2, {.value = model::Image{}}},
       event::PartStop{0, 2},
       event::PartStart{0, 3, {.value = model::Opaque{.dialect = "x", .value = {"{}"}}}},
       event::PartStop{0, 3},
       event::PartStart{0, 4, {.value = model::ToolCall{.id = "k", .name = "t", .kind = model::ToolKind::custom}}},
       event::Delta{0, 4, "free \"text\""},
       event::PartStop{0, 4},
       event::PartStart{1, 0, {.value = model::Text{}}},
       event::Delta{1, 0, "another"},
       event::Logprobs{0, {"{}"}},
       event::ChoiceFinish{.choice = 0, .finish = model::Finish::content_filter},
       event::End{}},
      {"system_fingerprint", "choices[0].content[2].image", "choices[0].content[2].opaque", "choices[1]", "choices[0].logprobs"});
  const auto has = [&](std::string_view part) { EXPECT_NE(bytes.find(part), std::string::npos) << part << "\n" << bytes; };
  has(R"({"type":"thinking_delta","thinking":"whole"})");
  has(R"({"type":"signature_delta","signature":"halfhalf"})");
  has(R"({"type":"text_delta","text":"I cannot."})");
  has(R"({"type":"input_json_delta","partial_json":"{\"input\":\"free \\\"text\\\"\"}"})");
  has(R"("stop_reason":"refusal")");
  EXPECT_EQ(bytes.find("another"), std::string::npos);
}

}  // namespace
}  // namespace cardea::dialect
