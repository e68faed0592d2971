#include <gtest/gtest.h>

#include <array>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/openai_spec.h"
#include "dialect/translate.h"
#include "json/writer.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& completions = openai_completions();

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_{seed} {}

  Chat request() {
    Chat out{.dialect = "openai_completions", .model = text()};
    out.messages.push_back({.parts = {{.value = Text{.text = text()}}}});
    if (maybe()) {
      out.messages[0].parts.push_back(
          {.value = Opaque{.dialect = "openai_completions", .value = {cat(R"({"suffix":)", json::quote("s" + text()), '}')}}});
    }
    out.sampling = {.temperature = number(),
                    .top_p = number(),
                    .top_k = number(),
                    .min_p = number(),
                    .frequency_penalty = number(),
                    .presence_penalty = number(),
                    .repetition_penalty = number(),
                    .seed = number()};
    if (maybe()) out.sampling.logit_bias = Json{R"({"50256":-100})"};
    out.limits.max_tokens = count();
    if (maybe()) out.stop = std::vector<std::string>(random_.below(6), "x" + text());
    out.n = count();
    if (maybe()) {
      out.logprobs = true;
      out.top_logprobs = random_.below(9);
    }
    if (maybe()) out.user = text();
    if (maybe()) out.stream = maybe();
    if (maybe()) out.include_usage = maybe();
    if (maybe()) out.extras.push_back({"stream_options", {R"({"continuous_usage_stats":true})"}});
    if (maybe()) out.extras.push_back({"echo", {"true"}});
    if (maybe()) out.extras.push_back({"best_of", {"3"}});
    return out;
  }
  Answer answer() {
    Answer out{.dialect = "openai_completions", .id = "c" + text(), .model = text(), .created = random_.below(1 << 20)};
    for (std::uint64_t n = 1 + random_.below(3), i = 0; i < n; ++i) {
      Choice choice{.index = i, .parts = {{.value = Text{.text = text()}}}};
      constexpr Finish finishes[] = {Finish::stop, Finish::length, Finish::content_filter};
      if (maybe()) choice.finish = finishes[random_.below(3)];
      if (random_.below(4) == 0) {
        choice.finish = Finish::unknown;
        choice.finish_raw = "eos";
      }
      if (maybe()) choice.logprobs = logprobs();
      if (maybe()) choice.extras.push_back({"stop_reason", {"7"}});
      out.choices.push_back(choice);
    }
    if (maybe()) out.usage = Usage{.input = random_.below(99), .output = random_.below(99)};
    if (maybe()) out.system_fingerprint = text();
    if (maybe()) out.extras.push_back({"vendor", {"1"}});
    return out;
  }
  /// In the order in which a decoder tells them.
  std::vector<ChatEvent> events(bool with_logprobs) {
    std::vector<ChatEvent> out;
    out.push_back(event::Start{.id = text(), .model = "m", .created = 7});
    for (std::uint64_t n = 1 + random_.below(3), i = 0; i < n; ++i) {
      const bool says = maybe();
      if (says) out.push_back(event::PartStart{i, 0, {.value = Text{}}});
      for (auto k = says ? 1 + random_.below(3) : 0; k > 0; --k) {
        out.push_back(event::Delta{i, 0, "x" + text()});
        if (with_logprobs && maybe()) out.push_back(event::Logprobs{i, logprobs()});
      }
      if (says) out.push_back(event::PartStop{i, 0});
      out.push_back(event::ChoiceFinish{.choice = i, .finish = maybe() ? Finish::stop : Finish::length});
    }
    if (maybe()) out.push_back(event::UsageReport{{.input = 5, .output = 3}});
    out.push_back(event::End{});
    return out;
  }

 private:
  bool maybe() { return random_.below(2) == 0; }
  std::string text() {
    static constexpr std::array<std::string_view, 6> pieces{"a", "\"", "\n\t", "é", "😀", "\xe2\x80\xa8"};
    std::string out;
    for (auto n = random_.below(5); n > 0; --n) out += pieces[random_.below(pieces.size())];
    return out;
  }
  std::optional<std::uint64_t> count() { return maybe() ? std::optional{random_.next() >> random_.below(64)} : std::nullopt; }
  std::optional<Number> number() {
    static constexpr std::array<std::string_view, 4> spellings{"0.70", "-1e-3", "18446744073709551616", "0"};
    return maybe() ? std::optional{Number{std::string{spellings[random_.below(spellings.size())]}}} : std::nullopt;
  }
  Json logprobs() {
    return {
        R"({"content":[{"token":"é","logprob":-0.10,"bytes":[195,169],"top_logprobs":[{"token":"a","logprob":-2,"bytes":[97]}]}],"refusal":null})"};
  }
  Random random_;
};

/// Cuts a stream as it comes in pieces of these sizes (0: whole) and decodes it; a failed decoding stops.
Status decode(std::string_view stream, std::vector<ChatEvent>& out, std::size_t piece = 0) {
  auto decoder = completions.stream_decoder();
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

std::string encode(const std::vector<ChatEvent>& events, const Chat& asked, Losses* losses = nullptr) {
  auto encoder = completions.stream_encoder({.request = asked, .id = "cmpl-1", .model = "asked", .created = 5});
  std::string out;
  for (const auto& one : events) encoder->encode(one, out);
  if (losses != nullptr) {
    *losses = encoder->losses();
  } else {
    EXPECT_TRUE(encoder->losses().empty());
  }
  return out;
}

TEST(Completions, RequestsReadBack) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = Generator{seed}.request();
    Losses losses;
    const auto body = completions.encode_request(made, losses);
    EXPECT_TRUE(losses.empty()) << seed;
    auto back = completions.decode_request(body, {});
    ASSERT_TRUE(back) << seed << ": " << back.error().message() << "\n" << body;
    ASSERT_EQ(*back, made) << seed << "\n" << body;
    if (!made.model.empty()) EXPECT_TRUE(completions.inspect(body, {})) << body;
  }
}

TEST(Completions, AnswersReadBack) {
  const Chat asked;
  const auto& spec = testing::OpenAiSpec::shared();
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = Generator{seed}.answer();
    Losses losses;
    const auto body = completions.encode_response(made, {.request = asked, .id = {}, .model = {}}, losses);
    EXPECT_TRUE(losses.empty()) << seed << losses.all().front().field;
    auto back = completions.decode_response(body);
    ASSERT_TRUE(back) << seed << ": " << back.error().message() << "\n" << body;
    ASSERT_EQ(*back, made) << seed << "\n" << body;
    EXPECT_TRUE(completions.inspect_response(body, {}));
    bool said = true;
    for (const auto& choice : made.choices) said = said && choice.finish && !choice.finish_raw;
    if (spec.there() && said) EXPECT_EQ(spec.problem("CreateCompletionResponse", body), "") << body;
  }
}

TEST(Completions, StreamsReadBack) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const bool logprobs = seed % 2 == 0;
    const Chat asked{.logprobs = logprobs, .include_usage = true};
    const auto made = Generator{seed}.events(logprobs);
    const auto bytes = encode(made, asked);
    std::vector<ChatEvent> back;
    auto status = decode(bytes, back);
    ASSERT_TRUE(status) << seed << status.error().message();
    for (std::size_t i = 0; i < std::min(made.size(), back.size()); ++i)
      ASSERT_EQ(back[i], made[i]) << seed << " " << i << "\n" << bytes;
    ASSERT_EQ(back.size(), made.size()) << seed << "\n" << bytes;
    if (seed > 20) continue;
    for (const std::size_t piece : {1u, 3u, 50u}) {
      std::vector<ChatEvent> pieces;
      ASSERT_TRUE(decode(bytes, pieces, piece));
      EXPECT_EQ(pieces, back) << piece;
    }
    for (std::size_t n = 0; n + 1 < bytes.size(); n += 17) {
      std::vector<ChatEvent> events;
      auto cut = decode(std::string_view{bytes}.substr(0, n), events);
      ASSERT_FALSE(cut) << n;
      EXPECT_EQ(cut.error().kind(), Kind::upstream_reset);
    }
  }
}

// https://platform.openai.com/docs/api-reference/completions/create
TEST(Completions, ReadsTheReferencesForms) {
  auto got = completions.decode_request(
      R"({"model":"gpt-3.5-turbo-instruct","prompt":["Say this is a test"],"max_tokens":7,"temperature":0,
    "suffix":"end","echo":true,"best_of":2,"logprobs":0,"stop":"\n","n":null,"stream":true,"stream_options":{"include_usage":true}})",
      {});
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(std::get<Text>(got->messages.at(0).parts.at(0).value).text, "Say this is a test");
  EXPECT_EQ(std::get<Opaque>(got->messages[0].parts.at(1).value).value.text, R"({"suffix":"end"})");
  EXPECT_EQ(got->limits.max_tokens, 7);
  EXPECT_EQ(got->logprobs, true);
  EXPECT_EQ(got->top_logprobs, 0);
  EXPECT_EQ(got->stop, std::vector<std::string>{"\n"});
  EXPECT_EQ(got->include_usage, true);
  EXPECT_EQ(got->extras, (Extras{{"echo", {"true"}}, {"best_of", {"2"}}}));

  auto answer = completions.decode_response(R"({"id":"cmpl-1","object":"text_completion","created":1589478378,"model":"m",
    "system_fingerprint":"fp","choices":[{"text":"\n\nThis","index":0,"finish_reason":"length",
      "logprobs":{"tokens":["\n\n","This"],"token_logprobs":[null,-0.5],"top_logprobs":[null,{"This":-0.5,"That":-1}],"text_offset":[0,2]}},
      {"text":"b","index":1,"logprobs":null,"finish_reason":"stop"}],
    "usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}})");
  ASSERT_TRUE(answer) << answer.error().message();
  ASSERT_EQ(answer->choices.size(), 2u);
  EXPECT_EQ(answer->choices[0].finish, Finish::length);
  EXPECT_EQ(
      answer->choices[0].logprobs->text,
      R"({"content":[{"token":"\n\n","logprob":0,"bytes":[10,10],"top_logprobs":[]},)"
      R"({"token":"This","logprob":-0.5,"bytes":[84,104,105,115],"top_logprobs":[{"token":"This","logprob":-0.5,"bytes":[84,104,105,115]},)"
      R"({"token":"That","logprob":-1,"bytes":[84,104,97,116]}]}],"refusal":null})");
  EXPECT_EQ(answer->usage, (Usage{.input = 5, .output = 7}));
}

TEST(Completions, NamesTheFieldAtFault) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"("x":1)", "prompt"},
      {R"("prompt":7)", "prompt"},
      {R"("prompt":[])", "prompt"},
      {R"("prompt":[1,2])", "prompt"},
      {R"("prompt":[[1,2]])", "prompt"},
      {R"("prompt":["a","b"])", "prompt"},
      {R"("prompt":[true])", "prompt[0]"},
      {R"("prompt":"a","suffix":1)", "suffix"},
      {R"("prompt":"a","logprobs":true)", "logprobs"},
      {R"("prompt":"a","echo":"yes")", "echo"},
      {R"("prompt":"a","stop":[1])", "stop[0]"},
      {R"("prompt":"a","max_tokens":-1)", "max_tokens"},
      {R"("prompt":"a","stream_options":1)", "stream_options"},
  };
  for (const auto& [fields, param] : cases) {
    auto got = completions.decode_request(cat(R"({"model":"m",)", fields, '}'), {});
    ASSERT_FALSE(got) << fields;
    EXPECT_EQ(got.error().kind(), Kind::bad_request);
    EXPECT_EQ(got.error().detail().param, param) << got.error().message();
  }
}

TEST(Completions, MalformedAnswersAreTheUpstreamsFault) {
  const std::pair<std::string_view, Kind> cases[] = {
      {"{", Kind::upstream_protocol},
      {"[]", Kind::upstream_protocol},
      {R"({"error":{"message":"x","code":429}})", Kind::rate_limited},
      {R"({"choices":[]})", Kind::upstream_failed},
      {R"({"choices":[1]})", Kind::upstream_protocol},
      {R"({"choices":[{}]})", Kind::upstream_protocol},
      {R"({"choices":[{"text":7}]})", Kind::upstream_protocol},
  };
  for (const auto& [body, kind] : cases) {
    auto got = completions.decode_response(body);
    ASSERT_FALSE(got) << body;
    EXPECT_EQ(got.error().kind(), kind) << body;
  }
  std::vector<ChatEvent> events;
  ASSERT_TRUE(decode("data: {\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":\"c\"}}\n\n", events));
  EXPECT_EQ(events.at(0), ChatEvent{(event::Failure{"m", "t", "c"})});
  EXPECT_FALSE(decode("data: {\n\n", events));
  EXPECT_FALSE(decode("data: [DONE]\n\n", events));
}

TEST(Completions, AChatIsRenderedAsOnePrompt) {
  Chat chat{.dialect = "openai_chat", .model = "m"};
  chat.messages.push_back({.role = Role::user, .parts = {{.value = Text{.text = "Once upon"}}}});
  Losses losses;
  EXPECT_EQ(completions.encode_request(chat, losses), R"({"model":"m","prompt":"Once upon"})");
  chat.messages.insert(
      chat.messages.begin(),
      {.role = Role::system, .parts = {{.value = Text{.text = "Be brief."}}, {.value = Text{.text = "Be kind."}}}});
  chat.messages.push_back(
      {.role = Role::assistant, .parts = {{.value = Text{.text = "A time"}}, {.value = ToolCall{.id = "c", .name = "f"}}}});
  chat.messages.push_back(
      {.role = Role::user, .name = "ann", .parts = {{.value = Text{.text = "Go on"}}, {.value = Image{.media = {.url = "u"}}}}});
  chat.tools = std::vector<Tool>{{.name = "f"}};
  chat.response_format = ResponseFormat{.kind = ResponseFormat::Kind::json_object};
  chat.limits.max_output_tokens = 9;
  chat.logprobs = true;
  chat.top_logprobs = 20;
  chat.stop = std::vector<std::string>{"1", "2", "3", "4", "5"};
  chat.reasoning = Reasoning{.effort = "low"};
  chat.include_usage = true;
  chat.extras = {{"vendor", {"1"}}};
  const auto body = completions.encode_request(chat, losses);
  EXPECT_EQ(body,
            R"({"model":"m","prompt":"Be brief.\nBe kind.\n\nUser: Once upon\n\nAssistant: A time\n\nUser: Go on\n\nAssistant:",)"
            R"("max_tokens":9,"logprobs":5,"stop":["1","2","3","4"],"stream_options":{"include_usage":true}})");
  using enum Loss::Weight;
  const std::vector<std::pair<std::string_view, Loss::Weight>> named{
      {"messages[2].content[1].tool_call", meaning},
      {"messages[3].content[1].image", meaning},
      {"messages[3].name", detail},
      {"top_logprobs", detail},
      {"stop", meaning},
      {"tools", meaning},
      {"response_format", meaning},
      {"reasoning", detail},
      {"vendor", detail},
  };
  std::vector<std::pair<std::string_view, Loss::Weight>> found;
  for (const auto& loss : losses.all()) found.emplace_back(loss.field, loss.weight);
  EXPECT_EQ(found, named);
  const auto& spec = testing::OpenAiSpec::shared();
  if (spec.there()) EXPECT_EQ(spec.problem("CreateCompletionRequest", body), "");
  // A last turn of the model's is to be continued.
  chat.messages.pop_back();
  Losses again;
  EXPECT_NE(completions.encode_request(chat, again).find(R"(Assistant: A time","max)"), std::string::npos);
}

TEST(Completions, TheEchoComesFirst) {
  auto asked = completions.decode_request(R"({"model":"m","prompt":"Héy","echo":true,"logprobs":1})", {});
  ASSERT_TRUE(asked);
  Answer answer{.dialect = "anthropic", .id = "msg_1", .model = "claude", .created = 7};
  answer.choices.push_back({.parts = {{.value = Thinking{.text = "hm"}}, {.value = Text{.text = " you"}}},
                            .finish = Finish::stop,
                            .logprobs = Json{R"({"content":[{"token":" you","logprob":-1}]})"}});
  Losses losses;
  const AnswerContext context{.request = *asked, .id = "cmpl-1", .model = "asked", .created = 5};
  EXPECT_EQ(
      completions.encode_response(answer, context, losses),
      R"({"id":"msg_1","object":"text_completion","created":7,"model":"claude","choices":[{"index":0,"text":"Héy you",)"
      R"("logprobs":{"tokens":[" you"],"token_logprobs":[-1],"top_logprobs":[{}],"text_offset":[3]},"finish_reason":"stop"}]})");
  EXPECT_EQ(losses.fields(), std::vector<std::string>{"choices[0].content[0].thinking"});
  Losses streamed;
  const std::string head =
      R"(data: {"id":"msg_1","object":"text_completion","created":7,"model":"claude","choices":[{"index":0,"text":)";
  EXPECT_EQ(
      encode(events_of(answer), *asked, &streamed),
      head + R"("Héy","logprobs":null,"finish_reason":null}]})" + "\n\n" + head +
          R"(" you","logprobs":null,"finish_reason":null}]})" + "\n\n" + head +
          R"("","logprobs":{"tokens":[" you"],"token_logprobs":[-1],"top_logprobs":[{}],"text_offset":[3]},"finish_reason":null}]})" +
          "\n\n" + head + R"("","logprobs":null,"finish_reason":"stop"}]})" + "\n\ndata: [DONE]\n\n");
  EXPECT_EQ(streamed.fields(), losses.fields());
}

TEST(Completions, TheWayThroughIsChats) {
  for (const auto* body : {R"({"model":"m"})", R"({"model":"m","prompt":{}})", R"({"prompt":"x"})", "[]"}) {
    EXPECT_FALSE(completions.inspect(body, {})) << body;
  }
  // What cannot be translated may pass.
  EXPECT_TRUE(completions.inspect(R"({"model":"m","prompt":[[1,2],[3]]})", {}));
  auto view = completions.inspect(R"({"model":"m","prompt":"x","stream":true,"stream_options":{"a":1}})", {});
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->stream);
  auto edits = completions.forward_edits(*view, {.model = "up", .inject_usage = true});
  ASSERT_TRUE(edits);
  EXPECT_EQ(edits->apply(view->members.text()),
            R"({"model":"up","prompt":"x","stream":true,"stream_options":{"include_usage":true,"a":1}})");
  auto relay = completions.relay({.withhold_usage = true});
  std::vector<std::string_view> pieces;
  const std::string first = "data: {\"choices\":[{\"index\":0,\"text\":\"hi\",\"finish_reason\":null}]}\n\n";
  ASSERT_TRUE(relay->feed(first, pieces));
  EXPECT_TRUE(relay->seen().content);
  EXPECT_EQ(pieces, std::vector<std::string_view>{first});
  pieces.clear();
  ASSERT_TRUE(
      relay->feed("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n", pieces));
  EXPECT_EQ(pieces, std::vector<std::string_view>{"data: [DONE]\n\n"});
  EXPECT_EQ(relay->seen().usage->output, 2);
  EXPECT_TRUE(relay->seen().done);
  const Error error{Kind::upstream_reset, "it broke"};
  EXPECT_EQ(completions.error_body(error, "r"), openai_chat().error_body(error, "r"));
  EXPECT_EQ(completions.stream_error(error, "r", Framing::sse), openai_chat().stream_error(error, "r", Framing::sse));
}

}  // namespace
}  // namespace cardea::dialect
