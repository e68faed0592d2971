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
const Dialect& chat = ollama();
const Dialect& generate = ollama_generate();

/// Reads a stream in pieces of at most `piece` bytes.
Status decode(std::string_view stream, std::vector<ChatEvent>& out, std::size_t piece = std::string_view::npos) {
  auto decoder = chat.stream_decoder();
  FrameReader reader{Framing::lines, 1u << 20};
  std::size_t start = 0;
  const auto take = [&](const Frame& frame) {
    start += frame.bytes;
    return frame.has_data ? decoder->event(frame.type, frame.data, out) : Status{};
  };
  for (std::size_t end = 0; end < stream.size();) {
    end = stream.size() - end < piece ? stream.size() : end + piece;
    while (true) {
      auto frame = reader.next(stream.substr(start, end - start));
      if (!frame) return fail_with(frame);
      if (!*frame) break;
      auto status = take(**frame);
      if (!status) return status;
    }
  }
  auto last = reader.last(stream.substr(start));
  if (!last) return fail_with(last);
  if (*last) {
    auto status = take(**last);
    if (!status) return status;
  }
  return decoder->end(out);
}

std::string encode(const std::vector<ChatEvent>& events, const Dialect& dialect = chat,
                   std::vector<std::string>* lost = nullptr) {
  const model::Chat asked;
  auto encoder = dialect.stream_encoder({.request = asked, .id = "made", .model = "m"});
  std::string out;
  for (const auto& one : events) encoder->encode(one, out);
  if (lost != nullptr) *lost = encoder->losses().fields();
  if (lost == nullptr) EXPECT_TRUE(encoder->losses().empty());
  return out;
}

/// Streams in the order in which a decoder tells them.
std::vector<ChatEvent> make(std::uint64_t seed) {
  Random random{seed};
  const auto maybe = [&] { return random.below(2) == 0; };
  const auto text = [&] { return cat("x\"é\n", random.below(100)); };
  std::vector<ChatEvent> out;
  out.push_back(event::Start{.model = "m", .created = 7});
  std::uint64_t part = 0;
  const auto run = [&](model::Part value, bool signs) {
    out.push_back(event::PartStart{0, part, std::move(value)});
    for (auto n = 1 + random.below(3); n > 0; --n) {
      out.push_back(event::Delta{0, part, text()});
      if (maybe()) out.push_back(event::Logprobs{0, logprobs_of(std::vector<TokenLogprob>{{"a", "-0.5", {}}})});
    }
    if (signs && maybe()) out.push_back(event::SignatureDelta{0, part, "sig"});
    out.push_back(event::PartStop{0, part++});
  };
  if (maybe()) run({.value = model::Thinking{}}, true);
  if (maybe()) run({.value = model::Text{}}, false);
  const auto calls = random.below(4);
  for (std::uint64_t n = 0; n < calls; ++n) {
    out.push_back(event::PartStart{0, part, {.value = model::ToolCall{.id = cat("c", n), .name = "f"}}});
    out.push_back(event::Delta{0, part, R"({"a":1.50})"});
    out.push_back(event::PartStop{0, part++});
  }
  out.push_back(event::ChoiceFinish{.choice = 0, .finish = calls != 0 ? model::Finish::tool_calls : model::Finish::length});
  if (maybe()) out.push_back(event::UsageReport{{.input = 5, .output = 3}});
  out.push_back(event::End{});
  return out;
}

void expect_same(const std::vector<ChatEvent>& got, const std::vector<ChatEvent>& expected, std::string_view bytes) {
  for (std::size_t i = 0; i < std::min(got.size(), expected.size()); ++i) {
    ASSERT_EQ(got[i], expected[i]) << " event " << i << "\n" << bytes;
  }
  ASSERT_EQ(got.size(), expected.size()) << bytes;
}

TEST(OllamaStream, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = make(seed);
    const auto bytes = encode(made);
    std::vector<ChatEvent> back;
    auto status = decode(bytes, back);
    ASSERT_TRUE(status) << seed << status.error().message();
    ASSERT_NO_FATAL_FAILURE(expect_same(back, made, bytes)) << seed;
  }
}

TEST(OllamaStream, AnySplitIsTheSame) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto made = make(seed);
    const auto bytes = encode(made);
    for (std::size_t piece = 1; piece < 40; ++piece) {
      std::vector<ChatEvent> back;
      ASSERT_TRUE(decode(bytes, back, piece));
      ASSERT_NO_FATAL_FAILURE(expect_same(back, made, bytes)) << piece;
    }
  }
}

TEST(OllamaStream, EveryTruncationIsAnError) {
  const auto bytes = encode(make(4));
  for (std::size_t n = 0; n + 1 < bytes.size(); ++n) {
    std::vector<ChatEvent> events;
    auto status = decode(std::string_view{bytes}.substr(0, n), events);
    ASSERT_FALSE(status) << n;
    EXPECT_TRUE(events.empty() || !std::holds_alternative<event::End>(events.back()));
  }
  // The last line feed may be missing.
  std::vector<ChatEvent> events;
  EXPECT_TRUE(decode(std::string_view{bytes}.substr(0, bytes.size() - 1), events));
}

// docs/api.md, "Chat request (Streaming with tools)" and "Generate request (Streaming)"; docs/capabilities/thinking.mdx.
TEST(OllamaStream, ReadsTheReferencesForms) {
  std::vector<ChatEvent> events;
  auto status = decode(
      "{\"model\":\"q\",\"created_at\":\"1970-01-01T00:00:09Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\","
      "\"thinking\":\"hm\"},\"done\":false}\n"
      "{\"model\":\"q\",\"message\":{\"role\":\"assistant\",\"content\":\"Hi\",\"images\":null},\"done\":false}\r\n\n"
      "{\"model\":\"q\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"f\","
      "\"arguments\":{\"a\":1}}},"
      "{\"function\":{\"name\":\"g\",\"arguments\":{}}}]},\"done\":false}\n"
      "{\"model\":\"q\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done_reason\":\"stop\",\"done\":true,\"prompt_"
      "eval_count\":1,\"eval_count\":2}\n",
      events);
  ASSERT_TRUE(status) << status.error().message();
  expect_same(
      events,
      {event::Start{.model = "q", .created = 9}, event::PartStart{0, 0, {.value = model::Thinking{}}}, event::Delta{0, 0, "hm"},
       event::PartStop{0, 0}, event::PartStart{0, 1, {.value = model::Text{}}}, event::Delta{0, 1, "Hi"}, event::PartStop{0, 1},
       event::PartStart{0, 2, {.value = model::ToolCall{.name = "f"}}}, event::Delta{0, 2, "{\"a\":1}"}, event::PartStop{0, 2},
       event::PartStart{0, 3, {.value = model::ToolCall{.name = "g"}}}, event::Delta{0, 3, "{}"}, event::PartStop{0, 3},
       event::ChoiceFinish{.choice = 0, .finish = model::Finish::tool_calls}, event::UsageReport{{.input = 1, .output = 2}},
       event::End{}},
      "");
  events.clear();
  status = decode(
      "{\"model\":\"q\",\"response\":\"The\",\"done\":false}\n{\"model\":\"q\",\"response\":\"\",\"done\":true,\"context\":[1]}",
      events);
  ASSERT_TRUE(status) << status.error().message();
  expect_same(events,
              {event::Start{.model = "q"}, event::PartStart{0, 0, {.value = model::Text{}}}, event::Delta{0, 0, "The"},
               event::PartStop{0, 0}, event::ChoiceFinish{.choice = 0, .finish = model::Finish::stop}, event::End{}},
              "");
}

// docs/api/errors.mdx, "Errors that occur while streaming".
TEST(OllamaStream, ErrorsAreFailures) {
  std::vector<ChatEvent> events;
  EXPECT_TRUE(
      decode("{\"model\":\"q\",\"response\":\" Yes\",\"done\":false}\n{\"error\":\"an error was encountered\"}\n", events));
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back(), ChatEvent{(event::Failure{"an error was encountered", "", ""})});
  for (const auto stream : {"{\"message\":\n", "[]\n", "{\"message\":{\"tool_calls\":7}}\n"}) {
    events.clear();
    auto status = decode(stream, events);
    ASSERT_FALSE(status) << stream;
    EXPECT_EQ(status.error().kind(), Kind::upstream_protocol);
  }
  EXPECT_EQ(encode({event::Failure{"m", "t", "c"}}), "");  // errors are told by stream_error()
}

TEST(OllamaStream, WritesTheReferencesForm) {
  const std::vector<ChatEvent> events{event::Start{.id = "x", .created = 7},
                                      event::PartStart{0, 0, {.value = model::Thinking{}}},
                                      event::Delta{0, 0, "hm"},
                                      event::PartStop{0, 0},
                                      event::PartStart{0, 1, {.value = model::Text{}}},
                                      event::Delta{0, 1, "Hi"},
                                      event::CitationDelta{0, 1, {.url = "u"}},
                                      event::PartStop{0, 1},
                                      event::PartStart{0, 2, {.value = model::ToolCall{.id = "a", .name = "f"}}},
                                      event::PartStart{0, 3, {.value = model::ToolCall{.id = "b", .name = "g"}}},
                                      event::Delta{0, 2, "{\"x\""},
                                      event::Delta{0, 3, "{}"},
                                      event::Ping{},
                                      event::Delta{0, 2, ":1}"},
                                      event::PartStop{0, 3},
                                      event::PartStop{0, 2},
                                      event::PartStart{1, 0, {.value = model::Text{}}},
                                      event::Delta{1, 0, "other"},
                                      event::ChoiceFinish{.choice = 0, .finish = model::Finish::tool_calls},
                                      event::UsageReport{{.input = 1, .cache_read = 2, .output = 2}},
                                      event::End{}};
  std::vector<std::string> lost;
  const std::string head = R"({"model":"m","created_at":"1970-01-01T00:00:07.000000000Z",)";
  EXPECT_EQ(
      encode(events, chat, &lost),
      cat(head, R"("message":{"role":"assistant","content":"","thinking":"hm"},"done":false})", '\n',  //
          head, R"("message":{"role":"assistant","content":"Hi"},"done":false})", '\n',                //
          head,
          R"("message":{"role":"assistant","content":"","tool_calls":[{"id":"a","function":{"index":0,"name":"f","arguments":{"x":1}}}]},"done":false})",
          '\n',  //
          head,
          R"("message":{"role":"assistant","content":"","tool_calls":[{"id":"b","function":{"index":1,"name":"g","arguments":{}}}]},"done":false})",
          '\n',  //
          head,
          R"("message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":2})",
          '\n'));
  const std::vector<std::string> expected{"choices[0].message.citations", "choices[1]", "usage.cache_read"};
  EXPECT_EQ(lost, expected);
  const auto generated =
      encode({event::Start{.model = "z"}, event::PartStart{0, 0, {.value = model::Text{.text = "Hi"}}}, event::PartStop{0, 0},
              event::ChoiceFinish{.choice = 0, .finish = model::Finish::length}, event::End{}},
             generate);
  EXPECT_EQ(generated,
            "{\"model\":\"z\",\"response\":\"Hi\",\"done\":false}\n{\"model\":\"z\",\"response\":\"\",\"done\":true,\"done_"
            "reason\":\"length\"}\n");
}

TEST(OllamaStream, ManyThoughtsAreOneText) {
  const auto thought = [](std::uint64_t part, std::string text) {
    return std::vector<ChatEvent>{event::PartStart{0, part, {.value = model::Thinking{}}}, event::Delta{0, part, std::move(text)},
                                  event::SignatureDelta{0, part, cat("sig", part)}, event::PartStop{0, part}};
  };
  std::vector<ChatEvent> events = thought(0, "a");
  std::vector<std::string> lost;
  EXPECT_EQ(encode(events, chat, &lost).find("sig0"), std::string::npos);  // it waits
  events.push_back(event::PartStart{0, 1, {.value = model::Text{}}});
  EXPECT_NE(encode(events, chat, &lost).find(R"("thinking_signature":"sig0")"), std::string::npos);
  EXPECT_TRUE(lost.empty());
  events.pop_back();
  for (auto& one : thought(1, "b")) events.push_back(std::move(one));
  const auto said = encode(events, chat, &lost);
  EXPECT_NE(said.find(R"("thinking":"\n\nb")"), std::string::npos) << said;
  EXPECT_EQ(said.find("signature"), std::string::npos);
  EXPECT_EQ(lost, std::vector<std::string>{"choices[0].message.thinking.signature"});
}

TEST(OllamaStream, TheWayThroughKeepsTheBytes) {
  const auto bytes = encode(make(7));
  auto relay = chat.relay({.framing = Framing::lines});
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
