#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/openai_spec.h"
#include "dialect/translate.h"

namespace cardea::dialect {
namespace {

using model::ChatEvent;
namespace event = model::event;
const Dialect& responses = openai_responses();

/// Cuts a stream as it comes in pieces of these sizes (0: whole) and decodes it; a failed decoding stops.
Status decode(std::string_view stream, std::vector<ChatEvent>& out, std::size_t piece = 0) {
  auto decoder = responses.stream_decoder();
  FrameReader reader{Framing::sse, 1 << 24};
  std::size_t begin = 0;
  for (std::size_t end = piece == 0 ? stream.size() : std::min(piece, stream.size());;
       end = std::min(end + piece, stream.size())) {
    while (true) {
      auto frame = reader.next(stream.substr(begin, end - begin));
      if (!frame) return fail_with(frame);
      if (!*frame) break;
      if ((*frame)->has_data) {
        auto status = decoder->event((*frame)->type, (*frame)->data, out);
        if (!status) return status;
      }
      begin += (*frame)->bytes;
    }
    if (end == stream.size()) break;
  }
  return decoder->end(out);
}

std::string encode(const std::vector<ChatEvent>& events, const model::Chat& asked, Losses* losses = nullptr) {
  auto encoder = responses.stream_encoder({.request = asked, .id = "resp_own", .model = "asked", .created = 5});
  std::string out;
  for (const auto& one : events) encoder->encode(one, out);
  if (losses != nullptr) {
    *losses = encoder->losses();
  } else {
    EXPECT_TRUE(encoder->losses().empty());
  }
  return out;
}

/// The events of a stream as the bytes say them.
std::vector<json::Value> events_in(std::string_view stream) {
  std::vector<json::Value> out;
  FrameReader reader{Framing::sse, 1 << 24};
  while (true) {
    auto frame = reader.next(stream);
    if (!frame || !*frame) break;
    if ((*frame)->has_data) {
      auto value = json::parse((*frame)->data);
      EXPECT_TRUE(value);
      EXPECT_EQ(*value->find("type")->as_string(), (*frame)->type);
      out.push_back(std::move(*value));
    }
    stream.remove_prefix((*frame)->bytes);
  }
  return out;
}

/// Streams in the order in which a decoder tells them.
std::vector<ChatEvent> generate(std::uint64_t seed, bool logprobs) {
  Random random{seed};
  const auto maybe = [&] { return random.below(2) == 0; };
  const auto text = [&] { return cat("x\"é\n", random.below(100)); };
  std::vector<ChatEvent> out;
  out.push_back(event::Start{
      .id = "resp_1", .model = "m", .created = 7, .service_tier = maybe() ? std::optional<std::string>{"flex"} : std::nullopt});
  std::uint64_t part = 0;
  const auto run = [&](model::Part value, bool tokens = false) {
    out.push_back(event::PartStart{0, part, std::move(value)});
    for (auto n = 1 + random.below(3); n > 0; --n) {
      out.push_back(event::Delta{0, part, text()});
      if (tokens && maybe())
        out.push_back(
            event::Logprobs{0, {R"({"content":[{"token":"x","logprob":-1,"bytes":[120],"top_logprobs":[]}],"refusal":null})"}});
    }
  };
  if (maybe()) {
    run({.value = model::Thinking{.text = {}, .id = "rs_a"}});
    if (maybe()) out.push_back(event::SignatureDelta{0, part, "gAAA"});
    out.push_back(event::PartStop{0, part++});
  }
  if (maybe()) {
    out.push_back(event::PartStart{
        0, part, {.value = model::Opaque{.dialect = "openai_responses", .value = {R"({"type":"web_search_call","id":"w"})"}}}});
    out.push_back(event::PartStop{0, part++});
  }
  bool refused = false;
  for (auto n = random.below(3); n > 0; --n) {
    const bool refusal = random.below(4) == 0;
    refused = refused || refusal;
    if (refusal) {
      run({.value = model::Refusal{}});
    } else {
      run({.value = model::Text{}}, logprobs);
      if (maybe()) out.push_back(event::CitationDelta{0, part, {.url = "u", .title = "t", .start = 1, .end = 2}});
    }
    out.push_back(event::PartStop{0, part++});
  }
  const auto first_call = part;
  const auto calls = random.below(4);
  for (std::uint64_t n = 0; n < calls; ++n) {
    model::ToolCall call{.id = cat("c", n), .name = "f"};
    if (maybe()) call.kind = model::ToolKind::custom;
    out.push_back(event::PartStart{0, part++, {.value = call}});
  }
  // Fragments of parallel calls interleave.
  for (auto n = calls * 3; n > 0; --n) out.push_back(event::Delta{0, first_call + random.below(calls), text()});
  for (std::uint64_t n = 0; n < calls; ++n) {
    // A call without any fragment would be given its empty object.
    out.push_back(event::Delta{0, first_call + n, "{"});
  }
  for (std::uint64_t n = 0; n < calls; ++n) out.push_back(event::PartStop{0, first_call + n});
  const bool cut = maybe();
  out.push_back(event::ChoiceFinish{.finish = cut          ? model::Finish::length
                                              : calls != 0 ? model::Finish::tool_calls
                                              : refused    ? model::Finish::refusal
                                                           : model::Finish::stop});
  if (maybe()) out.push_back(event::UsageReport{{.input = 5, .cache_read = 2, .cache_write = 1, .output = 3, .reasoning = 1}});
  out.push_back(event::End{});
  return out;
}

TEST(ResponsesStream, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const model::Chat asked{.dialect = "openai_responses", .logprobs = seed % 2 == 0};
    const auto made = generate(seed, seed % 2 == 0);
    const auto bytes = encode(made, asked);
    std::vector<ChatEvent> back;
    auto status = decode(bytes, back);
    ASSERT_TRUE(status) << seed << status.error().message();
    for (std::size_t i = 0; i < std::min(made.size(), back.size()); ++i)
      ASSERT_EQ(back[i], made[i]) << seed << " event " << i << "\n" << bytes;
    ASSERT_EQ(back.size(), made.size()) << seed << "\n" << bytes;
  }
}

TEST(ResponsesStream, AnySplitSaysTheSame) {
  const model::Chat asked;
  const auto bytes = encode(generate(11, false), asked);
  std::vector<ChatEvent> whole;
  ASSERT_TRUE(decode(bytes, whole));
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 64u, 1000u}) {
    std::vector<ChatEvent> pieces;
    ASSERT_TRUE(decode(bytes, pieces, piece));
    EXPECT_EQ(pieces, whole) << piece;
  }
}

TEST(ResponsesStream, EveryTruncationIsAnError) {
  const model::Chat asked;
  const auto bytes = encode(generate(4, false), asked);
  for (std::size_t n = 0; n < bytes.size(); n += 23) {
    std::vector<ChatEvent> events;
    auto status = decode(std::string_view{bytes}.substr(0, n), events);
    ASSERT_FALSE(status) << n;
    EXPECT_EQ(status.error().kind(), Kind::upstream_reset);
    EXPECT_TRUE(events.empty() || !std::holds_alternative<event::End>(events.back()));
  }
}

TEST(ResponsesStream, EveryEventIsAsTheReferenceHasIt) {
  const auto& spec = testing::OpenAiSpec::shared();
  std::uint64_t seen = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const model::Chat asked{.logprobs = true};
    const auto bytes = encode(generate(seed, true), asked);
    std::uint64_t number = 0;
    const auto events = events_in(bytes);
    for (const auto& one : events) EXPECT_EQ(one.find("sequence_number")->as_u64(), number++);
    EXPECT_EQ(*events.front().find("type")->as_string(), "response.created");
    const auto last = *events.back().find("type")->as_string();
    EXPECT_TRUE(last == "response.completed" || last == "response.incomplete") << last;
    // The final response holds what its items' ends said.
    std::vector<json::Value> items;
    for (const auto& one : events) {
      if (*one.find("type")->as_string() != "response.output_item.done") continue;
      const auto index = *one.find("output_index")->as_u64();
      if (items.size() <= index) items.resize(index + 1);
      items[index] = *one.find("item");
    }
    EXPECT_EQ(events.back().find("response")->find("output")->elements(), items) << bytes;
    for (const auto& one : events) {
      if (!spec.there()) break;
      // The made-up opaque item is not the reference's.
      if (one.dump().find("web_search_call") != std::string::npos) continue;
      ASSERT_EQ(spec.event_problem(one), "") << one.dump();
      ++seen;
    }
  }
  if (!spec.there()) GTEST_SKIP() << "no spec";
  EXPECT_GT(seen, 1000u);
}

TEST(ResponsesStream, WritesTheReferencesOrder) {
  const model::Chat asked{.dialect = "openai_responses"};
  Losses losses;
  // As an Anthropic upstream tells it: a citation without a place, a call without arguments, two texts in a row.
  const auto bytes = encode(
      {event::Start{.id = "msg_1", .model = "claude"}, event::PartStart{0, 0, {.value = model::Thinking{}}},
       event::Delta{0, 0, "hm"}, event::SignatureDelta{0, 0, "env"}, event::PartStop{0, 0}, event::Ping{},
       event::PartStart{0, 1, {.value = model::Text{}}}, event::CitationDelta{0, 1, {.url = "u", .title = "t"}},
       event::Delta{0, 1, "Gr\xC3\xBC\xC3\x9F"}, event::PartStop{0, 1}, event::PartStart{0, 2, {.value = model::Text{}}},
       event::Delta{0, 2, "e"}, event::PartStop{0, 2}, event::PartStart{0, 3, {.value = model::ToolCall{.id = "c", .name = "f"}}},
       event::PartStop{0, 3}, event::ChoiceFinish{.finish = model::Finish::tool_calls},
       event::UsageReport{{.input = 1, .output = 2}}, event::End{}},
      asked, &losses);
  EXPECT_TRUE(losses.empty());
  const std::string echo =
      R"("instructions":null,"max_output_tokens":null,"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{"effort":null,"summary":null},)"
      R"("temperature":null,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":null,"truncation":"disabled","metadata":{})";
  const std::string head = R"("response":{"id":"resp_1","object":"response","created_at":5,"status":)";
  const std::string begun =
      cat(head, R"("in_progress","error":null,"incomplete_details":null,"model":"claude","output":[],)", echo, "}}\n\n");
  const std::string reasoning =
      R"({"id":"rs_1_0","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"env"})";
  const std::string citation = R"({"type":"url_citation","url":"u","title":"t","start_index":0,"end_index":4})";
  const std::string one = cat(R"({"type":"output_text","text":"Grüß","annotations":[)", citation, R"(],"logprobs":[]})");
  const std::string two = R"({"type":"output_text","text":"e","annotations":[],"logprobs":[]})";
  const std::string message =
      cat(R"({"id":"msg_1_1","type":"message","status":"completed","role":"assistant","content":[)", one, ",", two, "]}");
  const std::string call =
      R"({"id":"fc_1_2","type":"function_call","status":"completed","call_id":"c","name":"f","arguments":"{}"})";
  std::string expected;
  std::uint64_t number = 0;
  const auto put = [&](std::string_view type, std::string_view rest) {
    expected += cat("event: ", type, "\ndata: {\"type\":\"", type, "\",\"sequence_number\":", number++, ",", rest);
    if (!rest.ends_with("\n\n")) expected += "}\n\n";
  };
  put("response.created", begun);
  put("response.in_progress", begun);
  put("response.output_item.added", R"("output_index":0,"item":{"id":"rs_1_0","type":"reasoning","summary":[]})");
  const std::string at_0 = R"("item_id":"rs_1_0","output_index":0,"summary_index":0,)";
  put("response.reasoning_summary_part.added", cat(at_0, R"("part":{"type":"summary_text","text":""})"));
  put("response.reasoning_summary_text.delta", cat(at_0, R"("delta":"hm")"));
  put("response.reasoning_summary_text.done", cat(at_0, R"("text":"hm")"));
  put("response.reasoning_summary_part.done", cat(at_0, R"("part":{"type":"summary_text","text":"hm"})"));
  expected += ": ping\n\n";
  put("response.output_item.done", cat(R"("output_index":0,"item":)", reasoning));
  put("response.output_item.added",
      R"("output_index":1,"item":{"id":"msg_1_1","type":"message","status":"in_progress","role":"assistant","content":[]})");
  for (const bool second : {false, true}) {
    const std::string at = cat(R"("item_id":"msg_1_1","output_index":1,"content_index":)", second ? 1 : 0, ",");
    put("response.content_part.added", cat(at, R"("part":{"type":"output_text","text":"","annotations":[],"logprobs":[]})"));
    put("response.output_text.delta", cat(at, R"("delta":")", second ? "e" : "Grüß", R"(","logprobs":[])"));
    if (!second) put("response.output_text.annotation.added", cat(at, R"("annotation_index":0,"annotation":)", citation));
    put("response.output_text.done", cat(at, R"("text":")", second ? "e" : "Grüß", R"(","logprobs":[])"));
    put("response.content_part.done", cat(at, R"("part":)", second ? two : one));
  }
  put("response.output_item.done", cat(R"("output_index":1,"item":)", message));
  put("response.output_item.added",
      R"("output_index":2,"item":{"id":"fc_1_2","type":"function_call","status":"in_progress","call_id":"c","name":"f","arguments":""})");
  const std::string at_2 = R"("item_id":"fc_1_2","output_index":2,)";
  put("response.function_call_arguments.delta", cat(at_2, R"("delta":"{}")"));
  put("response.function_call_arguments.done", cat(at_2, R"("name":"f","arguments":"{}")"));
  put("response.output_item.done", cat(R"("output_index":2,"item":)", call));
  put("response.completed",
      cat(head, R"("completed","error":null,"incomplete_details":null,"model":"claude","output":[)", reasoning, ",", message, ",",
          call, "],", echo,
          R"(,"usage":{"input_tokens":1,"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"output_tokens":2,)",
          R"("output_tokens_details":{"reasoning_tokens":0},"total_tokens":3}}})", "\n\n"));
  EXPECT_EQ(bytes, expected);
}

TEST(ResponsesStream, ACutAndABreakAreToldApart) {
  const model::Chat asked;
  const auto last = [&](model::Finish finish) {
    Losses losses;
    return events_in(encode({event::PartStart{0, 0, {.value = model::ToolCall{.name = "f"}}}, event::Delta{0, 0, "{"},
                             event::PartStop{0, 0}, event::ChoiceFinish{.finish = finish}, event::End{}},
                            asked, &losses));
  };
  const auto cut = last(model::Finish::length);
  EXPECT_EQ(*cut.back().find("type")->as_string(), "response.incomplete");
  EXPECT_EQ(*cut.back().find("response")->find("id")->as_string(), "resp_own");
  EXPECT_EQ(*cut.back().find("response")->find("model")->as_string(), "asked");
  EXPECT_EQ(*cut[cut.size() - 2].find("item")->find("status")->as_string(), "incomplete");
  const auto broken = last(model::Finish::failed);
  EXPECT_EQ(*broken.back().find("type")->as_string(), "response.failed");
  EXPECT_EQ(*broken.back().find("response")->find("error")->find("code")->as_string(), "server_error");
}

TEST(ResponsesStream, AWholeAnswerStreamsAndReadsBack) {
  const model::Chat asked{.logprobs = true};
  model::Answer answer{.dialect = "gemini", .id = "resp_1", .model = "m", .created = 7};
  answer.choices.push_back(
      {.parts = {{.value = model::Thinking{.text = "ab", .id = "rs_1", .encrypted = "gAAA", .summary = {"a", "b"}}},
                 {.value = model::Text{.text = "hi", .citations = {{.url = "u", .title = "t", .start = 0, .end = 1}}}},
                 {.value = model::Audio{.media = {.base64 = "aGk="}, .transcript = "said"}},
                 {.value = model::ToolCall{.id = "c", .name = "f", .arguments = R"({"a":1})"}}},
       .finish = model::Finish::tool_calls,
       .logprobs =
           model::Json{R"({"content":[{"token":"é","logprob":-1,"bytes":null,"top_logprobs":[{"token":"i","logprob":-2}]}]})"}});
  answer.choices.push_back({.index = 1, .parts = {{.value = model::Text{.text = "other"}}}, .finish = model::Finish::stop});
  Losses losses;
  const auto bytes = encode(events_of(answer), asked, &losses);
  EXPECT_EQ(losses.fields(), (std::vector<std::string>{"choices[0].content[2].audio", "choices[1]"}));
  std::vector<ChatEvent> back;
  ASSERT_TRUE(decode(bytes, back));
  const std::vector<ChatEvent> expected{
      event::Start{.id = "resp_1", .model = "m", .created = 7},
      event::PartStart{0, 0, {.value = model::Thinking{.text = {}, .id = "rs_1"}}},
      event::Delta{0, 0, "a"},
      event::Delta{0, 0, "\n\n"},
      event::Delta{0, 0, "b"},
      event::SignatureDelta{0, 0, "gAAA"},
      event::PartStop{0, 0},
      event::PartStart{0, 1, {.value = model::Text{}}},
      event::Delta{0, 1, "hi"},
      event::CitationDelta{0, 1, {.url = "u", .title = "t", .start = 0, .end = 1}},
      event::PartStop{0, 1},
      event::PartStart{0, 2, {.value = model::Text{}}},
      event::Delta{0, 2, "said"},
      event::PartStop{0, 2},
      event::PartStart{0, 3, {.value = model::ToolCall{.id = "c", .name = "f"}}},
      event::Delta{0, 3, R"({"a":1})"},
      event::PartStop{0, 3},
      event::ChoiceFinish{.finish = model::Finish::tool_calls},
      event::End{},
  };
  ASSERT_EQ(back.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(back[i], expected[i]) << i;
  // The same answer as a document has the same output.
  Losses again;
  const auto body =
      responses.encode_response(answer, {.request = asked, .id = "resp_own", .model = "asked", .created = 5}, again);
  const auto events = events_in(bytes);
  EXPECT_EQ(events.back().find("response")->dump(), body);
  // The bytes of a token are demanded here.
  EXPECT_NE(
      body.find(
          R"("logprobs":[{"token":"é","logprob":-1,"bytes":[195,169],"top_logprobs":[{"token":"i","logprob":-2,"bytes":[105]}]}])"),
      std::string::npos)
      << body;
}

// --- decoding ---------------------------------------------------------------------------------------------------------------

/// Events written short: one JSON object a line.
Status decode_lines(std::string_view lines, std::vector<ChatEvent>& out) {
  std::string stream;
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size());
    if (end != 0) stream += cat("data: ", lines.substr(0, end), "\n\n");
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return decode(stream, out);
}

void expect(std::string_view lines, const std::vector<ChatEvent>& expected) {
  std::vector<ChatEvent> events;
  auto status = decode_lines(lines, events);
  ASSERT_TRUE(status) << status.error().message();
  for (std::size_t i = 0; i < std::min(events.size(), expected.size()); ++i) EXPECT_EQ(events[i], expected[i]) << i;
  EXPECT_EQ(events.size(), expected.size());
}

TEST(ResponsesStream, TextInTheCompletedResponseAlone) {
  expect(
      R"({"type":"response.completed","response":{"id":"r","model":"m","created_at":1.5,"status":"completed","output":[)"
      R"({"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}],"encrypted_content":"e"},)"
      R"({"type":"message","content":[{"type":"output_text","text":"hi","annotations":[{"type":"url_citation","url":"u"}]},{"type":"refusal","refusal":"no"}]},)"
      R"({"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"image_generation_call","id":"ig","result":"aGk=","output_format":"webp"}],)"
      R"("usage":{"input_tokens":3,"output_tokens":2}}})",
      {event::Start{.id = "r", .model = "m", .created = 1},
       event::PartStart{0, 0, {.value = model::Thinking{.text = {}, .id = "rs"}}},
       event::Delta{0, 0, "a\n\nb"},
       event::SignatureDelta{0, 0, "e"},
       event::PartStop{0, 0},
       event::PartStart{0, 1, {.value = model::Text{}}},
       event::Delta{0, 1, "hi"},
       event::CitationDelta{0, 1, {.url = "u"}},
       event::PartStop{0, 1},
       event::PartStart{0, 2, {.value = model::Refusal{}}},
       event::Delta{0, 2, "no"},
       event::PartStop{0, 2},
       event::PartStart{0, 3, {.value = model::ToolCall{.id = "c", .name = "f"}}},
       event::Delta{0, 3, "{}"},
       event::PartStop{0, 3},
       event::PartStart{0,
                        4,
                        {.value = model::Image{.media = {.base64 = "aGk=", .media_type = "image/webp"}},
                         .extras = {{"image_generation_call", {R"({"id":"ig","output_format":"webp"})"}}}}},
       event::PartStop{0, 4},
       event::ChoiceFinish{.finish = model::Finish::tool_calls},
       event::UsageReport{{.input = 3, .output = 2}},
       event::End{}});
}

TEST(ResponsesStream, DeltasAloneAreEnough) {
  expect(
      R"({"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"h","obfuscation":"xyz"}
{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"i"}
{"type":"response.made_up","x":1}
{"type":"response.output_text.done","output_index":0,"content_index":0,"text":"hi!"}
{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[]}}
[DONE])",
      {event::Start{}, event::PartStart{0, 0, {.value = model::Text{}}}, event::Delta{0, 0, "h"}, event::Delta{0, 0, "i"},
       event::Delta{0, 0, "!"}, event::PartStop{0, 0}, event::ChoiceFinish{.finish = model::Finish::length}, event::End{}});
}

TEST(ResponsesStream, CallsInterleaveAndAreCompletedByTheirItems) {
  expect(
      R"({"type":"response.created","response":{"id":"r"}}
{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"a","name":"f","arguments":""}}
{"type":"response.output_item.added","output_index":1,"item":{"type":"custom_tool_call","call_id":"b","name":"g","input":""}}
{"type":"response.custom_tool_call_input.delta","output_index":1,"delta":"x"}
{"type":"response.function_call_arguments.delta","output_index":0,"delta":"{"}
{"type":"response.function_call_arguments.done","output_index":0,"arguments":"{}"}
{"type":"response.output_item.done","output_index":1,"item":{"type":"custom_tool_call","call_id":"b","name":"g","input":"xy"}}
{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","call_id":"a","name":"f","arguments":"{}"}}
{"type":"response.output_item.done","output_index":2,"item":{"type":"mcp_call","id":"m"}}
{"type":"response.completed","response":{"status":"completed"}})",
      {event::Start{.id = "r"}, event::PartStart{0, 0, {.value = model::ToolCall{.id = "a", .name = "f"}}},
       event::PartStart{0, 1, {.value = model::ToolCall{.id = "b", .name = "g", .kind = model::ToolKind::custom}}},
       event::Delta{0, 1, "x"}, event::Delta{0, 0, "{"}, event::Delta{0, 0, "}"}, event::Delta{0, 1, "y"}, event::PartStop{0, 1},
       event::PartStop{0, 0},
       event::PartStart{
           0, 2, {.value = model::Opaque{.dialect = "openai_responses", .value = {R"({"type":"mcp_call","id":"m"})"}}}},
       event::PartStop{0, 2}, event::ChoiceFinish{.finish = model::Finish::tool_calls}, event::End{}});
}

TEST(ResponsesStream, ReasoningInFull) {
  // As open models' servers tell it.
  expect(
      R"({"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs","summary":[]}}
{"type":"response.content_part.added","output_index":0,"content_index":0,"part":{"type":"reasoning_text","text":""}}
{"type":"response.reasoning_text.delta","output_index":0,"content_index":0,"delta":"hm"}
{"type":"response.content_part.done","output_index":0,"content_index":0,"part":{"type":"reasoning_text","text":"hm"}}
{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs","summary":[],"content":[{"type":"reasoning_text","text":"hm."}]}}
{"type":"response.completed","response":{"status":"completed"}})",
      {event::Start{}, event::PartStart{0, 0, {.value = model::Thinking{.text = {}, .id = "rs"}}}, event::Delta{0, 0, "hm"},
       event::Delta{0, 0, "."}, event::PartStop{0, 0}, event::ChoiceFinish{.finish = model::Finish::stop}, event::End{}});
}

TEST(ResponsesStream, ErrorsAreFailures) {
  const auto failure = [](std::string_view lines) {
    std::vector<ChatEvent> events;
    EXPECT_TRUE(decode_lines(lines, events));
    const auto* last = events.empty() ? nullptr : std::get_if<event::Failure>(&events.back());
    EXPECT_NE(last, nullptr) << lines;
    return last != nullptr ? *last : event::Failure{};
  };
  EXPECT_EQ(failure(R"({"type":"error","code":"rate_limit_exceeded","message":"m","param":null,"sequence_number":3})"),
            (event::Failure{"m", "", "rate_limit_exceeded", 429}));
  EXPECT_EQ(failure(R"({"type":"error","error":{"type":"invalid_request_error","code":"x","message":"m","param":null}})"),
            (event::Failure{"m", "invalid_request_error", "x", 400}));
  EXPECT_EQ(failure(R"({"error":{"message":"m","type":"t","code":503}})"), (event::Failure{"m", "t", "", 503}));
  EXPECT_EQ(failure(R"({"type":"response.created","response":{"id":"r"}}
{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"m"}}})"),
            (event::Failure{"m", "", "server_error", 500}));
  EXPECT_FALSE(failure(R"({"type":"response.failed"})").message.empty());
  std::vector<ChatEvent> events;
  for (const auto* bad : {"{", "[]", "7", "\"x\""}) {
    auto status = decode_lines(bad, events);
    ASSERT_FALSE(status) << bad;
    EXPECT_EQ(status.error().kind(), Kind::upstream_protocol);
  }
  Losses losses;
  EXPECT_EQ(encode({event::Failure{"m", "t", "c"}}, {}, &losses), "");  // errors are told by stream_error()
}

TEST(ResponsesStream, TheClientsErrorIsAnEventOfItsOwn) {
  const Error error{Kind::upstream_reset, "it broke"};
  const auto told = responses.stream_error(error, "req_1", Framing::sse);
  EXPECT_EQ(
      told,
      "event: error\n"
      R"(data: {"type":"error","code":"upstream_reset","message":"it broke","param":null,)"
      R"("error":{"type":"server_error","code":"upstream_reset","message":"it broke","param":null},"sequence_number":1000000000})"
      "\n\n");
  EXPECT_EQ(responses.error_body(error, "req_1"), openai_chat().error_body(error, "req_1"));
  std::vector<ChatEvent> events;
  ASSERT_TRUE(decode(told, events));
  EXPECT_EQ(std::get<event::Failure>(events.at(0)).message, "it broke");
  const auto& spec = testing::OpenAiSpec::shared();
  if (!spec.there()) GTEST_SKIP() << "no spec";
  EXPECT_EQ(spec.problem("ResponseErrorEvent", events_in(told).at(0).dump()), "");
}

TEST(ResponsesStream, TheWayThroughKeepsTheBytes) {
  const model::Chat asked;
  const auto bytes = encode(generate(5, false), asked);
  auto relay = responses.relay({});
  std::vector<std::string_view> pieces;
  auto step = relay->feed(bytes, pieces);
  ASSERT_TRUE(step);
  std::string through;
  for (const auto piece : pieces) through += piece;
  EXPECT_EQ(through, bytes);
  EXPECT_TRUE(relay->seen().done);
  EXPECT_EQ(relay->seen().model, "m");
}

}  // namespace
}  // namespace cardea::dialect
