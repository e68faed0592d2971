#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/framing.h"
#include "json/value.h"

namespace cardea::dialect {
namespace {

using model::ChatEvent;
namespace event = model::event;
const Dialect& dut = gemini();

/// Cuts a whole stream, given in two pieces, and decodes it; a failed decoding stops.
Status decode(std::string_view stream, std::vector<ChatEvent>& out, Framing framing = Framing::sse, std::size_t split = 0) {
  auto decoder = dut.stream_decoder();
  FrameReader reader{framing, 1 << 20};
  std::size_t from = 0;
  for (const auto to : {split, stream.size()}) {
    while (true) {
      auto frame = reader.next(stream.substr(from, to - from));
      if (!frame) return fail_with(frame);
      if (!*frame) break;
      if ((*frame)->has_data) {
        auto status = decoder->event((*frame)->type, (*frame)->data, out);
        if (!status) return status;
      }
      from += (*frame)->bytes;
    }
  }
  return decoder->end(out);
}

std::string encode(const std::vector<ChatEvent>& events, Framing framing = Framing::sse, Losses* losses = nullptr) {
  static const model::Chat request;
  auto encoder = dut.stream_encoder({.request = request, .id = "made", .model = "asked", .created = 5, .framing = framing});
  std::string out;
  for (const auto& one : events) encoder->encode(one, out);
  if (losses != nullptr) {
    losses->add(encoder->losses());
  } else {
    EXPECT_TRUE(encoder->losses().empty());
  }
  return out;
}

/// Streams in the order in which a decoder tells them.
std::vector<ChatEvent> generate(std::uint64_t seed) {
  Random random{seed};
  const auto maybe = [&] { return random.below(2) == 0; };
  const auto text = [&] { return cat("x\"é\xe2\x80\xa8\n", random.below(100)); };
  std::vector<ChatEvent> out;
  out.push_back(event::Start{.id = "c", .model = "m", .created = maybe() ? std::optional{7} : std::nullopt});
  std::vector<ChatEvent> finishes;
  for (std::uint64_t choices = 1 + random.below(2), choice = 0; choice < choices; ++choice) {
    std::uint64_t part = 0;
    bool open = false;
    const auto run = [&](model::Part value, bool deltas, std::string signature) {
      out.push_back(event::PartStart{choice, part, std::move(value)});
      for (auto n = deltas ? 1 + random.below(3) : 0; n > 0; --n) out.push_back(event::Delta{choice, part, text()});
      if (!signature.empty()) out.push_back(event::SignatureDelta{choice, part, signature});
      out.push_back(event::PartStop{choice, part++});
      open = deltas && signature.empty();
    };
    if (maybe()) run({.value = model::Thinking{.text = {}}}, true, maybe() ? "c2ln" : "");
    if (maybe()) run({.value = model::Text{}}, true, "");
    if (maybe()) run({.value = model::Image{.media = {.base64 = "aGk=", .media_type = "image/png"}}}, false, "");
    const auto calls = random.below(3);
    for (std::uint64_t n = 0; n < calls; ++n) {
      model::ToolCall call{.name = "f"};
      if (maybe()) call.id = text();
      if (maybe()) call.signature = "c2ln";
      out.push_back(event::PartStart{choice, part, {.value = call}});
      out.push_back(event::Delta{choice, part, R"({"a":[1.50]})"});
      out.push_back(event::PartStop{choice, part++});
      open = false;
    }
    // What may go on is known to have stopped when the choice has.
    if (open) {
      finishes.push_back(out.back());
      out.pop_back();
    }
    finishes.emplace_back(event::ChoiceFinish{
        .choice = choice, .finish = calls != 0 && maybe() ? model::Finish::tool_calls : model::Finish::length});
  }
  // The reasons come with the last event.
  out.insert(out.end(), finishes.begin(), finishes.end());
  if (maybe()) out.push_back(event::UsageReport{{.input = 5, .cache_read = 2, .output = 3}});
  out.push_back(event::End{});
  return out;
}

void expect_events(const std::vector<ChatEvent>& got, const std::vector<ChatEvent>& expected, std::string_view about) {
  ASSERT_EQ(got.size(), expected.size()) << about;
  for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(got[i], expected[i]) << "event " << i << "\n" << about;
}

TEST(GeminiStream, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = generate(seed);
    const auto framing = seed % 2 == 0 ? Framing::sse : Framing::json_array;
    const auto bytes = encode(made, framing);
    std::vector<ChatEvent> back;
    auto status = decode(bytes, back, framing);
    ASSERT_TRUE(status) << seed << status.error().message() << bytes;
    expect_events(back, made, bytes);
    if (framing == Framing::json_array) EXPECT_TRUE(json::parse(bytes)) << bytes;
  }
}

TEST(GeminiStream, AnySplitIsTheSame) {
  const auto made = generate(4);
  for (const auto framing : {Framing::sse, Framing::json_array}) {
    const auto bytes = encode(made, framing);
    for (std::size_t split = 0; split <= bytes.size(); split += 3) {
      std::vector<ChatEvent> back;
      ASSERT_TRUE(decode(bytes, back, framing, split)) << split;
      expect_events(back, made, cat(split));
    }
  }
}

TEST(GeminiStream, EveryTruncationIsAnError) {
  const auto bytes = encode(generate(4));
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    std::vector<ChatEvent> events;
    auto status = decode(std::string_view{bytes}.substr(0, n), events);
    ASSERT_FALSE(status) << n;
    EXPECT_EQ(status.error().kind(), Kind::upstream_reset);
    EXPECT_TRUE(events.empty() || !std::holds_alternative<event::End>(events.back()));
  }
}

// The form of ai.google.dev/api/generate-content#streamGenerateContent, with what thinking models and search add.
TEST(GeminiStream, ReadsTheReferencesForm) {
  std::vector<ChatEvent> events;
  auto status = decode(
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"I \",\"thought\":true}],\"role\":\"model\"},\"index\":0}],"
      "\"usageMetadata\":{\"promptTokenCount\":9,\"totalTokenCount\":9},\"modelVersion\":\"gemini-2.5-flash\",\"responseId\":"
      "\"r\"}\r\n\r\n"
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Él \"}],\"role\":\"model\"},\"index\":0}],"
      "\"usageMetadata\":{\"promptTokenCount\":9,\"totalTokenCount\":9}}\r\n\r\n"
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"won\"}],\"role\":\"model\"}}]}\r\n\r\n"
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\",\"thoughtSignature\":\"c2ln\"}]}}]}\r\n\r\n"
      "data: "
      "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{\"a\":1}},\"thoughtSignature\":\"AA="
      "=\"},"
      "{\"functionCall\":{\"name\":\"f\",\"args\":{}}}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":9,"
      "\"candidatesTokenCount\":4,\"thoughtsTokenCount\":3,\"totalTokenCount\":16}}\r\n\r\n",
      events);
  ASSERT_TRUE(status) << status.error().message();
  expect_events(events,
                {event::Start{.id = "r", .model = "gemini-2.5-flash"},
                 event::UsageReport{{.input = 9}},
                 event::PartStart{0, 0, {.value = model::Thinking{.text = {}}}},
                 event::Delta{0, 0, "I "},
                 event::PartStop{0, 0},
                 event::PartStart{0, 1, {.value = model::Text{}}},
                 event::Delta{0, 1, "Él "},
                 event::Delta{0, 1, "won"},
                 event::PartStop{0, 1},
                 event::PartStart{0, 2, {.value = model::Thinking{.text = {}}}},
                 event::SignatureDelta{0, 2, "c2ln"},
                 event::PartStop{0, 2},
                 event::PartStart{0, 3, {.value = model::ToolCall{.name = "f", .signature = "AA=="}}},
                 event::Delta{0, 3, R"({"a":1})"},
                 event::PartStop{0, 3},
                 event::PartStart{0, 4, {.value = model::ToolCall{.name = "f"}}},
                 event::Delta{0, 4, "{}"},
                 event::PartStop{0, 4},
                 event::ChoiceFinish{.choice = 0, .finish = model::Finish::tool_calls},
                 event::UsageReport{{.input = 9, .output = 7, .reasoning = 3}},
                 event::End{}},
                "reference");
}

TEST(GeminiStream, CitesOnceAndInCharacters) {
  std::vector<ChatEvent> events;
  const std::string grounding =
      R"("groundingMetadata":{"groundingChunks":[{"web":{"uri":"u"}}],"groundingSupports":[{"segment":{"startIndex":4,"endIndex":7},"groundingChunkIndices":[0]}]})";
  auto status =
      decode(cat(R"(data: {"candidates":[{"content":{"parts":[{"text":"Él won"}]},)", grounding, "}]}\n\n",
                 R"(data: {"candidates":[{"content":{"parts":[{"text":"."}]},"finishReason":"STOP",)", grounding, "}]}\n\n"),
             events);
  ASSERT_TRUE(status) << status.error().message();
  expect_events(events,
                {event::Start{}, event::PartStart{0, 0, {.value = model::Text{}}}, event::Delta{0, 0, "Él won"},
                 event::CitationDelta{0, 0, {.url = "u", .start = 3, .end = 6}}, event::Delta{0, 0, "."}, event::PartStop{0, 0},
                 event::ChoiceFinish{.choice = 0}, event::End{}},
                "citations");
}

TEST(GeminiStream, ASignatureDoesNotCutTheTextThatIsCited) {
  std::vector<ChatEvent> events;
  auto status = decode(
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n"
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"b\",\"thoughtSignature\":\"c2ln\"}]}}]}\n\n"
      "data: "
      "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}]},\"finishReason\":\"STOP\",\"groundingMetadata\":{"
      "\"groundingChunks\":["
      "{\"web\":{\"uri\":\"u\"}}],\"groundingSupports\":[{\"segment\":{\"endIndex\":2},\"groundingChunkIndices\":[0]}]}}]}\n\n",
      events);
  ASSERT_TRUE(status) << status.error().message();
  expect_events(events,
                {event::Start{}, event::PartStart{0, 0, {.value = model::Text{}}}, event::Delta{0, 0, "a"},
                 event::Delta{0, 0, "b"}, event::CitationDelta{0, 0, {.url = "u", .start = 0, .end = 2}}, event::PartStop{0, 0},
                 event::PartStart{0, 1, {.value = model::Thinking{.text = {}}}}, event::SignatureDelta{0, 1, "c2ln"},
                 event::PartStop{0, 1}, event::ChoiceFinish{.choice = 0}, event::End{}},
                "signature");
}

TEST(GeminiStream, BlockedPromptsEndProperly) {
  std::vector<ChatEvent> events;
  ASSERT_TRUE(
      decode("data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":{\"promptTokenCount\":3}}\n\n", events));
  expect_events(
      events,
      {event::Start{}, event::UsageReport{{.input = 3}},
       event::ChoiceFinish{.choice = 0, .finish = model::Finish::content_filter}, event::UsageReport{{.input = 3}}, event::End{}},
      "blocked");
}

TEST(GeminiStream, ErrorsAreFailures) {
  for (const std::string_view body : {R"({"error":{"code":503,"message":"m","status":"UNAVAILABLE"}})",
                                      R"([{"error":{"message":"m","status":"UNAVAILABLE"}}])"}) {
    std::vector<ChatEvent> events;
    EXPECT_TRUE(decode(cat("data: ", body, "\n\n"), events));
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0], ChatEvent{(event::Failure{"m", "UNAVAILABLE", "UNAVAILABLE", 503})});
  }
  for (const std::string_view body : {"{", "7", R"({"candidates":[{"content":{"parts":[7]}}]})",
                                      R"({"candidates":[{"content":{"parts":[{"fileData":1}]}}]})"}) {
    std::vector<ChatEvent> events;
    auto status = decode(cat("data: ", body, "\n\n"), events);
    ASSERT_FALSE(status) << body;
    EXPECT_EQ(status.error().kind(), Kind::upstream_protocol);
  }
  EXPECT_EQ(encode({event::Failure{"m", "t", "c"}}), "");  // errors are told by stream_error()
}

/// A chunk of one part, and the last.
std::string data(std::string_view part) {
  return cat(R"(data: {"candidates":[{"content":{"parts":[)", part,
             R"(],"role":"model"},"index":0}],"modelVersion":"m","responseId":"c"})", "\n\n");
}

TEST(GeminiStream, WritesForeignEventsInOrder) {
  model::Citation cited{.url = "u", .start = 0, .end = 2};
  Losses losses;
  const auto bytes =
      encode({event::Start{.id = "c", .model = "m"}, event::PartStart{0, 0, {.value = model::Thinking{.text = {}}}},
              event::Delta{0, 0, "h"}, event::Ping{}, event::Delta{0, 0, "m"}, event::SignatureDelta{0, 0, "c2ln"},
              event::PartStop{0, 0}, event::PartStart{0, 1, {.value = model::Text{}}}, event::Delta{0, 1, "Él"},
              event::CitationDelta{0, 1, cited}, event::PartStop{0, 1},
              // Parallel calls whose fragments interleave, and a text behind them that waits.
              event::PartStart{0, 2, {.value = model::ToolCall{.id = "1", .name = "f"}}},
              event::PartStart{0, 3, {.value = model::ToolCall{.id = "2", .name = "g"}}}, event::Delta{0, 3, "{\"b\""},
              event::Delta{0, 2, "{"}, event::PartStart{0, 4, {.value = model::Text{.text = "bye"}}}, event::Delta{0, 3, ":2}"},
              event::Delta{0, 2, "}"}, event::PartStop{0, 4}, event::PartStop{0, 3}, event::PartStop{0, 2},
              event::PartStart{0, 5, {.value = model::Opaque{.dialect = "x", .value = {"{}"}}}}, event::PartStop{0, 5},
              event::ChoiceFinish{.choice = 0, .finish = model::Finish::tool_calls},
              event::UsageReport{{.input = 1, .cache_read = 2, .output = 5, .reasoning = 3}}, event::End{}},
             Framing::sse, &losses);
  EXPECT_EQ(
      bytes,
      data(R"({"text":"h","thought":true})") + "\n\n" + data(R"({"text":"m","thought":true})") +
          data(R"({"text":"","thought":true,"thoughtSignature":"c2ln"})") + data(R"({"text":"Él"})") +
          data(R"({"functionCall":{"id":"1","name":"f","args":{}}})") +
          data(R"({"functionCall":{"id":"2","name":"g","args":{"b":2}}})") + data(R"({"text":"bye"})") +
          R"(data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0,)"
          R"("groundingMetadata":{"groundingChunks":[{"web":{"uri":"u"}}],"groundingSupports":[)"
          R"({"segment":{"startIndex":0,"endIndex":3,"text":"Él"},"groundingChunkIndices":[0]}]}}],)"
          R"("usageMetadata":{"promptTokenCount":3,"cachedContentTokenCount":2,"candidatesTokenCount":2,"thoughtsTokenCount":3,)"
          R"("totalTokenCount":8},"modelVersion":"m","responseId":"c"})"
          "\n\n");
  EXPECT_EQ(losses.fields(), std::vector<std::string>{"choices[0].content.opaque"});
}

TEST(GeminiStream, StreamedAudioAndWholeAnswers) {
  Losses losses;
  const auto bytes = encode({event::Start{.id = "c", .model = "m"}, event::PartStart{0, 0, {.value = model::Audio{}}},
                             event::AudioDelta{0, 0, {.media = {.id = "a"}, .transcript = "he"}},
                             event::AudioDelta{0, 0, {.media = {.base64 = "AAAA"}}}, event::PartStop{0, 0},
                             event::PartStart{0, 1, {.value = model::Refusal{.text = "no"}}}, event::PartStop{0, 1},
                             event::ChoiceFinish{.choice = 0, .finish = model::Finish::refusal}, event::End{}},
                            Framing::sse, &losses);
  EXPECT_EQ(bytes, data(R"({"text":"he"})") + data(R"({"inlineData":{"mimeType":"audio/pcm","data":"AAAA"}})") +
                       data(R"({"text":"no"})") +
                       R"(data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"SAFETY",)"
                       R"("finishMessage":"the model refused to answer","index":0}],"modelVersion":"m","responseId":"c"})"
                       "\n\n");
  EXPECT_EQ(losses.fields(), (std::vector<std::string>{"refusal", "finish_reason"}));
}

TEST(GeminiStream, ArraysAreWhole) {
  EXPECT_EQ(
      encode({event::Start{}, event::Ping{}, event::PartStart{0, 0, {.value = model::Text{}}}, event::Delta{0, 0, "a"},
              event::Ping{}, event::PartStop{0, 0}, event::ChoiceFinish{.choice = 0}, event::End{}},
             Framing::json_array),
      R"([{"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"index":0}],"modelVersion":"asked","responseId":"made"})"
      "\r\n,\r\n"
      R"({"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],)"
      R"("modelVersion":"asked","responseId":"made"}])");
}

/// The through-way: the bytes as they came, or framed anew for a client that wants an array.
TEST(GeminiStream, TheWayThroughKeepsTheBytes) {
  const std::string stream =
      "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"a\"}]}}], \"x\": 1}\r\n\r\n"
      "data: {\"candidates\": [{\"finishReason\": \"MAX_TOKENS\"}], \"usageMetadata\": {\"promptTokenCount\": 2}}\r\n\r\n";
  auto same = dut.relay({});
  std::vector<std::string_view> pieces;
  auto step = same->feed(stream, pieces);
  ASSERT_TRUE(step);
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0], stream);
  EXPECT_TRUE(same->end({}, pieces));
  EXPECT_EQ(same->seen().finish, model::Finish::length);
  EXPECT_EQ(same->seen().usage, (model::Usage{.input = 2}));

  auto array = dut.relay({.framing = Framing::json_array});
  std::string out;
  for (std::size_t from = 0; from < stream.size();) {
    pieces.clear();
    step = array->feed(std::string_view{stream}.substr(from), pieces);
    ASSERT_TRUE(step);
    for (const auto piece : pieces) out += piece;
    from += step->consumed;
  }
  pieces.clear();
  ASSERT_TRUE(array->end({}, pieces));
  for (const auto piece : pieces) out += piece;
  auto value = json::parse(out);
  ASSERT_TRUE(value) << out;
  EXPECT_EQ(value->elements().size(), 2u);
}

}  // namespace
}  // namespace cardea::dialect
