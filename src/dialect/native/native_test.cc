// Cardea's own format in JSON: everything comes back, everything else is refused.

#include <gtest/gtest.h>

#include "dialect/native/codec.h"
#include "dialect/native/forms.h"
#include "dialect/native/generate.h"
#include "dialect/translate.h"

namespace cardea::dialect::native_format {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here

const Dialect& codec = native();
const Chat nothing_asked;

/// Every member of the model is in the table: one that is added to a struct below stops this from compiling, until it is counted
/// here and listed in shape.h.
template <class T>
constexpr int rows = static_cast<int>(std::tuple_size_v<decltype(Shape<T>::fields)>);
TEST(Native, TheTableHoldsEveryMemberOfTheModel) {
  [[maybe_unused]] const auto& [c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20, c21,
                                c22, c23, c24, c25, c26, c27, c28, c29, c30] = Chat{};
  EXPECT_EQ(rows<Chat>, 30);
  [[maybe_unused]] const auto& [s1, s2, s3, s4, s5, s6, s7, s8, s9] = Sampling{};
  EXPECT_EQ(rows<Sampling>, 9);
  [[maybe_unused]] const auto& [m1, m2, m3, m4, m5] = Message{};
  EXPECT_EQ(rows<Message>, 5 - 1) << "a message's place is not said";
  [[maybe_unused]] const auto& [p1, p2, p3] = Part{};
  EXPECT_EQ(rows<Part> + 1, 3);
  [[maybe_unused]] const auto& [h1, h2, h3, h4, h5, h6, h7] = Thinking{};
  EXPECT_EQ(rows<Thinking>, 7);
  [[maybe_unused]] const auto& [k1, k2, k3, k4, k5] = ToolCall{};
  EXPECT_EQ(rows<ToolCall>, 5);
  [[maybe_unused]] const auto& [i1, i2, i3, i4, i5, i6, i7] = Citation{};
  EXPECT_EQ(rows<Citation>, 7);
  [[maybe_unused]] const auto& [t1, t2, t3, t4, t5, t6, t7, t8, t9] = Tool{};
  EXPECT_EQ(rows<Tool>, 9);
  [[maybe_unused]] const auto& [r1, r2, r3, r4, r5] = Reasoning{};
  EXPECT_EQ(rows<Reasoning>, 5);
  [[maybe_unused]] const auto& [a1, a2, a3, a4, a5, a6, a7, a8, a9] = Answer{};
  EXPECT_EQ(rows<Answer>, 9);
  [[maybe_unused]] const auto& [o1, o2, o3, o4, o5, o6, o7, o8] = Choice{};
  EXPECT_EQ(rows<Choice>, 8);
  [[maybe_unused]] const auto& [u1, u2, u3, u4, u5, u6, u7, u8, u9] = Usage{};
  EXPECT_EQ(rows<Usage>, 9);
  [[maybe_unused]] const auto& [e1, e2, e3, e4, e5] = event::Start{};
  EXPECT_EQ(rows<event::Start>, 5);
  for (std::size_t i = 0; i < Words<Finish>::all.size(); ++i) EXPECT_EQ(Words<Finish>::all[i], name(static_cast<Finish>(i)));
  for (std::size_t i = 0; i < Words<Role>::all.size(); ++i) EXPECT_EQ(Words<Role>::all[i], name(static_cast<Role>(i)));
}

TEST(Native, EveryRequestComesBack) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Chat chat = Generator{seed}.chat();
    Losses losses;
    const auto body = codec.encode_request(chat, losses);
    const auto read = codec.decode_request(body, {});
    ASSERT_TRUE(read) << seed << ": " << read.error().message() << "\n" << body;
    ASSERT_TRUE(*read == chat) << seed << "\n" << body;
    EXPECT_TRUE(losses.empty());
    EXPECT_EQ(codec.encode_request(*read, losses), body);
  }
}

TEST(Native, EveryAnswerComesBack) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Answer answer = Generator{seed}.answer();
    Losses losses;
    const auto body = codec.encode_response(answer, {.request = nothing_asked, .id = {}, .model = {}}, losses);
    const auto read = codec.decode_response(body);
    ASSERT_TRUE(read) << seed << ": " << read.error().message() << "\n" << body;
    ASSERT_TRUE(*read == answer) << seed << "\n" << body;
    EXPECT_TRUE(losses.empty());
  }
}

std::string streamed(const std::vector<ChatEvent>& events) {
  const auto encoder = codec.stream_encoder({.request = nothing_asked, .id = {}, .model = {}});
  std::string out;
  for (const auto& one : events) encoder->encode(one, out);
  return out;
}

/// Reads a stream that comes in pieces of the generator's choice (or byte by byte).
Result<std::vector<ChatEvent>> read_stream(std::string_view text, Generator* splits) {
  FrameReader reader{Framing::sse, 1u << 20};
  const auto decoder = codec.stream_decoder();
  std::vector<ChatEvent> out;
  std::string pending;
  while (!text.empty()) {
    const auto size = std::min<std::size_t>(text.size(), splits != nullptr ? 1 + splits->below(40) : 1);
    pending += text.substr(0, size);
    text.remove_prefix(size);
    for (;;) {
      auto frame = reader.next(pending);
      if (!frame) return fail_with(frame);
      if (!*frame) break;
      if ((*frame)->has_data) {
        Status status = decoder->event((*frame)->type, (*frame)->data, out);
        if (!status) return fail_with(status);
      }
      pending.erase(0, (*frame)->bytes);
    }
  }
  Status status = decoder->end(out);
  if (!status) return fail_with(status);
  return out;
}

TEST(Native, EveryStreamComesBackHoweverItIsSplit) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    Generator generator{seed};
    const auto events = generator.events();
    const auto text = streamed(events);
    auto read = read_stream(text, &generator);
    ASSERT_TRUE(read) << seed << ": " << read.error().message() << "\n" << text;
    ASSERT_TRUE(*read == events) << seed << "\n" << text;
    read = read_stream(text, nullptr);
    ASSERT_TRUE(read && *read == events) << seed;
  }
}

TEST(Native, AStreamThatIsCutIsNoAnswer) {
  const auto text = streamed(Generator{3}.events());
  for (std::size_t cut = 0; cut + 1 < text.size(); ++cut) {
    EXPECT_FALSE(read_stream(std::string_view{text}.substr(0, cut), nullptr)) << text.substr(0, cut);
  }
}

TEST(Native, OneEventOfAStreamForEachOfTheModel) {
  const std::vector<ChatEvent> events{event::Start{.id = "a1", .model = "m"},
                                      event::PartStart{0, 0, Part{.value = Text{}}},
                                      event::Delta{0, 0, "Hi"},
                                      event::PartStop{0, 0},
                                      event::ChoiceFinish{.choice = 0, .finish = Finish::stop, .raw = {}, .stop_sequence = {}},
                                      event::UsageReport{{.input = 3, .output = 1}},
                                      event::End{}};
  EXPECT_EQ(streamed(events), R"(data: {"type":"start","id":"a1","model":"m"}

data: {"type":"part_start","choice":0,"part":0,"value":{"type":"text","text":""}}

data: {"type":"delta","choice":0,"part":0,"text":"Hi"}

data: {"type":"part_stop","choice":0,"part":0}

data: {"type":"choice_finish","choice":0,"finish":"stop"}

data: {"type":"usage","usage":{"input":3,"output":1}}

data: {"type":"end"}

)");
  const Chat silent{.include_usage = false};
  const auto encoder = codec.stream_encoder({.request = silent, .id = "x", .model = "y", .created = 7});
  std::string out;
  encoder->encode(event::UsageReport{}, out);
  encoder->encode(event::End{}, out);
  EXPECT_EQ(out, "data: {\"type\":\"start\",\"id\":\"x\",\"model\":\"y\",\"created\":7}\n\ndata: {\"type\":\"end\"}\n\n");
}

TEST(Native, WhatTheTableDoesNotHoldIsRefusedByPath) {
  struct Case {
    std::string_view body, param, words;
  };
  const Case cases[] = {
      {R"([])", "", "must be a JSON object"},
      {R"({"messages":[{"role":"user"}]})", "model", "is missing"},
      {R"({"model":"m"})", "messages", "is missing"},
      {R"({"model":"m","messages":[]})", "messages", "is empty"},
      {R"({"model":"m","mesages":[]})", "messages", "is missing"},
      {R"({"model":"m","messages":[{"role":"user"}],"temprature":1})", "temprature", "did you mean 'temperature'?"},
      {R"({"model":"m","messages":[{"role":"user"}],"model":"n"})", "model", "given twice"},
      {R"({"model":"m","messages":[{"role":"usr"}]})", "messages[0].role", "none of system, developer, user"},
      {R"({"model":"m","messages":[{"role":"user","content":"hi"}]})", "messages[0].content", "must be an array, not a string"},
      {R"({"model":"m","messages":[{"role":"user","content":[{"text":"hi"}]}]})", "messages[0].content[0].type", "is missing"},
      {R"({"model":"m","messages":[{"role":"user","content":[{"type":"txt","text":"hi"}]}]})", "messages[0].content[0].type",
       "none of text, image, audio"},
      {R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hi","txt":1}]}]})",
       "messages[0].content[0].txt", "did you mean 'text'?"},
      {R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":null}]}]})", "messages[0].content[0].text",
       "must be a string, not null"},
      {R"({"model":"m","messages":[{"role":"user","content":[{"type":"image"}]}]})", "messages[0].content[0]", "exactly one of"},
      {R"({"model":"m","messages":[{"role":"user","content":[{"type":"image","url":"x","base64":"y"}]}]})",
       "messages[0].content[0]", "exactly one of"},
      {R"({"model":"m","messages":[{"role":"user","content":[{"type":"audio","format":"wav"}]}]})", "messages[0].content[0]",
       "must have one of"},
      {R"({"model":"m","messages":[{"role":"tool","content":[{"type":"tool_result","content":[{"type":"tool_result"}]}]}]})",
       "messages[0].content[0]", "another result"},
      {R"({"model":"m","messages":[{"role":"user"}],"n":0})", "n", "at least 1"},
      {R"({"model":"m","messages":[{"role":"user"}],"dialect":""})", "dialect", "is empty"},
      {R"({"model":"m","messages":[{"role":"user"}],"n":-1})", "n", "integer of 0 or more"},
      {R"({"model":"m","messages":[{"role":"user"}],"temperature":"1"})", "temperature", "must be a number"},
      {R"({"model":"m","messages":[{"role":"user"}],"tools":[{"parameters":{}}]})", "tools[0]", "must have a name"},
      {R"({"model":"m","messages":[{"role":"user"}],"tool_choice":{"mode":"named"}})", "tool_choice", "must have a name"},
      {R"({"model":"m","messages":[{"role":"user"}],"response_format":{"kind":"json_schema"}})", "response_format", "schema"},
      {R"({"model":"m","messages":[{"role":"user"}],"metadata":{"a":1}})", "metadata.a", "must be a string"},
      {R"({"model":"m","messages":[{"role":"user"}],"extras":[]})", "extras", "must be an object"},
  };
  for (const auto& one : cases) {
    const auto read = codec.decode_request(one.body, {});
    ASSERT_FALSE(read) << one.body;
    EXPECT_EQ(read.error().kind(), Kind::bad_request) << one.body;
    EXPECT_EQ(read.error().detail().param, one.param) << one.body;
    EXPECT_NE(read.error().message().find(one.words), std::string_view::npos) << one.body << "\n" << read.error().message();
  }
}

TEST(Native, WhatAnUpstreamSaysWronglyIsTheUpstreamsFault) {
  struct Case {
    std::string_view body;
    Kind kind;
  };
  const Case cases[] = {
      {"", Kind::upstream_protocol},
      {"[]", Kind::upstream_protocol},
      {R"({"choices":[]})", Kind::upstream_failed},
      {R"({"id":"a"})", Kind::upstream_protocol},
      {R"({"choices":[{"index":0,"new":1}]})", Kind::upstream_protocol},
      {R"({"error":{"kind":"rate_limited","message":"slow down","status":429}})", Kind::rate_limited},
      {R"({"error":{"kind":"internal","message":"oh"}})", Kind::upstream_failed},
  };
  for (const auto& one : cases) {
    const auto view = codec.inspect_response(one.body, Secret{});
    ASSERT_FALSE(view) << one.body;
    EXPECT_EQ(view.error().kind(), one.kind) << one.body << view.error().message();
  }
  for (const std::string_view event :
       {"{}", "x", R"({"type":"delta","choice":0,"part":0,"text":"t"})", R"({"type":"start","odd":1})", R"({"type":"new"})"}) {
    std::vector<ChatEvent> out;
    const auto status = codec.stream_decoder()->event("", event, out);
    ASSERT_FALSE(status) << event;
    EXPECT_EQ(status.error().kind(), Kind::upstream_protocol) << event;
  }
  const auto decoder = codec.stream_decoder();
  std::vector<ChatEvent> out;
  ASSERT_TRUE(decoder->event("", R"({"type":"start"})", out));
  EXPECT_FALSE(decoder->event("", R"({"type":"start"})", out)) << "twice";
}

TEST(Native, ErrorsHaveOneShapeWholeAndInStreams) {
  const Error error{Kind::rate_limited, Error::Detail{.message = "slow \"down\"", .param = "model", .retry_after = "7"}};
  const std::string_view shape =
      R"("error":{"kind":"rate_limited","message":"slow \"down\"","param":"model","status":429,"retry_after_seconds":7,"request_id":"r1"}})";
  EXPECT_EQ(codec.error_body(error, "r1"), cat("{", shape));
  const auto event = codec.stream_error(error, "r1", Framing::sse);
  EXPECT_EQ(event, cat("data: {\"type\":\"failure\",", shape, "\n\n"));
  std::vector<ChatEvent> out;
  ASSERT_TRUE(codec.stream_decoder()->event("", std::string_view{event}.substr(6), out));
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(std::get<event::Failure>(out[0]),
            (event::Failure{.message = "slow \"down\"", .type = "rate_limited", .code = "", .status = 429}));
  const auto upstream = codec.upstream_error(
      {.status = 429, .body = codec.error_body(error, ""), .content_type = {}, .retry_after = "7"}, Secret{});
  EXPECT_EQ(upstream.kind(), Kind::rate_limited);
  EXPECT_NE(upstream.message().find("slow \"down\""), std::string_view::npos);
}

// A request may say anything that the format can: no codec may fall over it.
TEST(Native, EveryDialectWritesWhatItIsTold) {
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    Chat chat = Generator{seed}.chat();
    for (const auto* dialect : all()) {
      for (const auto& whose : {std::string{"native"}, std::string{dialect->name()}}) {
        chat.dialect = whose;
        Losses losses;
        const auto body = dialect->encode_request(chat, losses);
        EXPECT_TRUE(json::parse(body)) << dialect->name() << ' ' << seed << "\n" << body;
      }
    }
    Answer answer = Generator{seed}.answer();
    for (const auto* dialect : all()) {
      Losses losses;
      const auto body = dialect->encode_response(answer, {.request = nothing_asked, .id = "i", .model = "m"}, losses);
      EXPECT_TRUE(json::parse(body)) << dialect->name() << ' ' << seed << "\n" << body;
    }
  }
}

Result<Translated> translated(const Dialect& upstream, std::string_view body) {
  return translate_request({native(), upstream, "m", "d"}, body, {}, Allow::any_loss);
}

TEST(Native, ExtrasOfAnotherDialectReachItsUpstreamsAlone) {
  constexpr std::string_view body =
      R"({"model":"x","messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"dialect":"openai_chat","extras":{"vendor_x":[1]}})";
  const auto own = translated(openai_chat(), body);
  ASSERT_TRUE(own) << own.error().message();
  EXPECT_NE(own->body.find(R"("vendor_x":[1])"), std::string::npos) << own->body;
  const auto other = translated(anthropic(), body);
  ASSERT_TRUE(other) << other.error().message();
  EXPECT_EQ(other->body.find("vendor_x"), std::string::npos);
  EXPECT_EQ(other->losses.fields(), std::vector<std::string>{"vendor_x"});
}

TEST(Native, ExtrasAreNoSecondSpellingOfFields) {
  for (const std::string_view extras : {R"({"model":"expensive"})", R"({"temperature":3})", R"({"messages":[]})"}) {
    const auto body = cat(R"({"model":"x","messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],)",
                          R"("dialect":"openai_chat","extras":)", extras, "}");
    const auto read = translated(openai_chat(), body);
    ASSERT_FALSE(read) << body << "\n" << read->body;
    EXPECT_EQ(read.error().detail().param, "extras");
  }
}

}  // namespace
}  // namespace cardea::dialect::native_format
