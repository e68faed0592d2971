#include <gtest/gtest.h>

#include <array>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "json/value.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& chat = cohere();

/// Makes requests of everything that the dialect can say. One seed, one request.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_{seed} {}

  Chat make() {
    Chat out;
    out.dialect = "cohere";
    out.model = text();
    for (auto n = 1 + random_.below(5); n > 0; --n) out.messages.push_back(message());
    if (maybe()) documents(out);
    if (maybe()) out.tools = tools();
    if (maybe()) out.tool_choice = ToolChoice{.mode = maybe() ? ToolChoice::Mode::none : ToolChoice::Mode::required};
    if (maybe()) out.response_format = response_format();
    out.sampling = {.temperature = number(),
                    .top_p = number(),
                    .top_k = number(),
                    .frequency_penalty = number(),
                    .presence_penalty = number(),
                    .seed = number()};
    if (maybe()) out.limits.max_tokens = random_.next() >> random_.below(64);
    if (maybe()) out.stop = std::vector<std::string>{text(), text()};
    if (maybe()) out.logprobs = maybe();
    if (maybe()) out.reasoning = Reasoning{.mode = "disabled"};
    if (maybe()) out.reasoning = Reasoning{.budget_tokens = 1 + random_.below(9999), .mode = "enabled"};
    if (maybe()) out.stream = maybe();
    extras(out.extras);
    return out;
  }

 private:
  bool maybe() { return random_.below(2) == 0; }
  std::string text() {
    static constexpr std::array<std::string_view, 8> pieces{"a", "Zz9", "\"", "\\", "\n\t", "é", "😀", "\xe2\x80\xa8"};
    std::string out;
    for (auto n = random_.below(5); n > 0; --n) out += pieces[random_.below(pieces.size())];
    return out;
  }
  std::optional<Number> number() {
    static constexpr std::array<std::string_view, 5> spellings{"0.70", "-1e-3", "18446744073709551616", "0", "1E+2"};
    return maybe() ? std::optional{Number{std::string{spellings[random_.below(spellings.size())]}}} : std::nullopt;
  }
  Json any_json() {
    static constexpr std::array<std::string_view, 5> values{R"({"type":"object","properties":{"a":{"type":"string"}}})",
                                                            "[1,2.50,null]", "\"x\"", "{}", "18446744073709551616"};
    return {std::string{values[random_.below(values.size())]}};
  }
  void extras(Extras& out) {
    for (auto n = random_.below(3); n > 0; --n) out.push_back({cat("vendor_", n), any_json()});
  }
  Part text_part() {
    Part out{.value = Text{.text = text()}};
    if (random_.below(4) == 0) extras(out.extras);
    return out;
  }
  Part content_part() {
    switch (random_.below(5)) {
      case 0: {
        Image image{.media = {.base64 = "aGk=", .media_type = "image/png"}};
        if (maybe()) image.media = Media{.url = "https://example.org/" + text()};
        if (maybe()) image.detail = "low";
        Part out{.value = image};
        if (maybe()) out.extras.push_back({"image_url", {R"({"vendor":1})"}});
        return out;
      }
      case 1: return {.value = Opaque{.dialect = "cohere", .value = {R"({"type":"video_url","video_url":{"url":"x"}})"}}};
      case 2:
        return {.value = Text{.text = "<document id=\"d\">\na: b\nn: 1\n</document>"},
                .extras = {{"document", {R"({"data":{"a":"b","n":1},"id":"d"})"}}}};
      default: return text_part();
    }
  }
  void documents(Chat& out) {
    std::vector<Part> parts;
    parts.push_back({.value = Text{.text = "<document>\nplain\n</document>"}, .extras = {{"documents", {"\"plain\""}}}});
    if (maybe()) {
      parts.push_back({.value = Text{.text = "<document>\ns\n</document>"}, .extras = {{"documents", {R"({"data":"s"})"}}}});
    }
    auto last = out.messages.rbegin();
    while (last != out.messages.rend() && last->role != Role::user) ++last;
    auto& message = last != out.messages.rend() ? *last : out.messages.emplace_back();
    message.parts.insert(message.parts.begin(), parts.begin(), parts.end());
  }
  Part call() {
    ToolCall out{.id = "call_" + text(), .name = text(), .arguments = text()};
    if (maybe()) out.signature = text();
    Part part{.value = out};
    extras(part.extras);
    if (maybe()) part.extras.push_back({"function", {R"({"inner":true})"}});
    return part;
  }
  Text cited(std::string said) {
    Text out{.text = std::move(said)};
    if (maybe()) out.citations.push_back({.start = 0, .end = 1, .document = 2});
    if (maybe()) out.citations.push_back({.url = "u", .title = "t", .start = 1, .end = 2, .cited_text = "c"});
    if (maybe()) out.citations.push_back({.start = 3});
    return out;
  }
  Message assistant() {
    Message out{.role = Role::assistant};
    if (maybe()) {
      out.parts.push_back({.value = Thinking{.text = "t" + text(), .signature = maybe() ? std::optional{text()} : std::nullopt}});
    }
    if (maybe()) {
      if (maybe()) out.parts.push_back({.value = cited("plan" + text())});
      for (auto n = 1 + random_.below(3); n > 0; --n) out.parts.push_back(call());
    } else {
      for (auto n = random_.below(3); n > 0; --n) out.parts.push_back({.value = cited(text())});
    }
    // Nothing at all is said as an empty text.
    if (out.parts.empty()) out.parts.push_back(text_part());
    return out;
  }
  Message tool_message() {
    ToolResult out{.call_id = "call_" + text()};
    for (auto n = 1 + random_.below(2); n > 0; --n) out.parts.push_back(text_part());
    if (maybe()) {
      out.parts.push_back({.value = Text{.text = R"({"a":1})"}, .extras = {{"document", {R"({"data":{"a":1}})"}}}});
      out.parts.push_back({.value = Text{.text = "raw"}, .extras = {{"document", {R"({"data":"raw","id":"x"})"}}}});
    }
    return {.role = Role::tool, .parts = {{.value = out}}};
  }
  Message message() {
    Message out;
    switch (random_.below(4)) {
      case 0: out = assistant(); break;
      case 1: out = tool_message(); break;
      case 2:
        out.role = Role::system;
        out.parts.push_back(text_part());
        break;
      default:
        for (auto n = 1 + random_.below(4); n > 0; --n) out.parts.push_back(content_part());
    }
    extras(out.extras);
    return out;
  }
  std::vector<Tool> tools() {
    std::vector<Tool> out;
    const auto strict = maybe() ? std::optional{maybe()} : std::nullopt;
    for (auto n = random_.below(4); n > 0; --n) {
      Tool tool{.name = text()};
      if (random_.below(4) == 0) {
        tool.kind = Tool::Kind::built_in;
        tool.name = "web_search";
        tool.builtin = Json{R"({"type":"web_search","x":[1]})"};
      } else {
        tool.strict = strict;
        if (maybe()) tool.description = text();
        if (maybe()) tool.parameters = any_json();
        extras(tool.extras);
        if (maybe()) tool.extras.push_back({"function", {R"({"inner":true})"}});
      }
      out.push_back(std::move(tool));
    }
    return out;
  }
  ResponseFormat response_format() {
    ResponseFormat out;
    out.kind = static_cast<ResponseFormat::Kind>(random_.below(4));
    if (out.kind == ResponseFormat::Kind::json_schema) out.schema = any_json();
    if (out.kind == ResponseFormat::Kind::raw) out.raw = Json{R"({"type":"grammar","grammar":"x"})"};
    return out;
  }

  Random random_;
};

TEST(CohereRequest, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = Generator{seed}.make();
    Losses losses;
    const auto body = chat.encode_request(made, losses);
    EXPECT_TRUE(losses.empty()) << seed << losses.all().front().field;
    auto back = chat.decode_request(body, {});
    ASSERT_TRUE(back) << seed << ": " << back.error().message() << "\n" << body;
    ASSERT_EQ(*back, made) << seed << "\n" << body;
    // The way through takes what the way between makes.
    if (!made.model.empty()) {
      EXPECT_TRUE(chat.inspect(body, {})) << body;
    }
  }
}

// docs.cohere.com/reference/chat: the examples "Documents", "Tools" and "Images", and the guide "Tool use" for the later turns.
TEST(CohereRequest, ReadsTheReferencesForms) {
  auto got = chat.decode_request(R"({
    "model":"command-a-03-2025","max_tokens":99,"stop_sequences":["END"],"temperature":0.30,"p":0.75,"k":0,"seed":7,
    "safety_mode":"CONTEXTUAL","citation_options":{"mode":"FAST"},"priority":1,"presence_penalty":null,
    "thinking":{"type":"enabled","token_budget":512},"response_format":{"type":"json_object","schema":{"type":"object"}},
    "documents":["Plain.",{"id":"d1","data":{"title":"Penguins","snippet":"Emperor penguins are the tallest."}}],
    "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],
    "strict_tools":true,"tool_choice":"REQUIRED",
    "messages":[
      {"role":"system","content":"Be brief."},
      {"role":"assistant","tool_plan":"I will look.","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},
      {"role":"tool","tool_call_id":"c1","content":[{"type":"document","document":{"data":"{\"x\": 2}"}}]},
      {"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"It is 2."}],
       "citations":[{"start":6,"end":7,"text":"2","content_index":1,"type":"TEXT_CONTENT","sources":[
         {"type":"tool","id":"c1:0","tool_output":{"x":"2"}},{"type":"document","id":"doc:1","document":{"title":"T","url":"u"}}]}]},
      {"role":"user","content":[{"type":"text","text":"Describe"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO","detail":"auto"}}]}
    ]})",
                                 {});
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->sampling.temperature->text, "0.30");
  EXPECT_EQ(got->sampling.top_p->text, "0.75");
  EXPECT_EQ(got->sampling.presence_penalty, std::nullopt);
  EXPECT_EQ(got->limits.max_tokens, 99u);
  EXPECT_EQ(got->stop, std::vector<std::string>{"END"});
  EXPECT_EQ(got->reasoning, (Reasoning{.budget_tokens = 512, .mode = "enabled"}));
  EXPECT_EQ(got->response_format->kind, ResponseFormat::Kind::json_schema);
  EXPECT_EQ(got->response_format->schema->text, R"({"type":"object"})");
  EXPECT_EQ(got->tools->at(0).strict, true);
  EXPECT_EQ(got->tool_choice->mode, ToolChoice::Mode::required);
  ASSERT_EQ(got->messages.size(), 5u);
  const auto& plan = got->messages[1];
  EXPECT_EQ(std::get<Text>(plan.parts[0].value).text, "I will look.");
  EXPECT_EQ(std::get<ToolCall>(plan.parts[1].value), (ToolCall{.id = "c1", .name = "f", .arguments = "{\"a\":1}"}));
  const auto& result = std::get<ToolResult>(got->messages[2].parts[0].value);
  EXPECT_EQ(result.call_id, "c1");
  EXPECT_EQ(std::get<Text>(result.parts[0].value).text, "{\"x\": 2}");
  EXPECT_EQ(std::get<Thinking>(got->messages[3].parts[0].value).text, "hm");
  const auto& cited = std::get<Text>(got->messages[3].parts[1].value);
  ASSERT_EQ(cited.citations.size(), 2u);
  EXPECT_EQ(cited.citations[0], (Citation{.title = "c1:0", .start = 6, .end = 7}));
  EXPECT_EQ(cited.citations[1], (Citation{.url = "u", .title = "T", .start = 6, .end = 7, .document = 1}));
  // The documents stand before what the user asks of them.
  const auto& user = got->messages[4];
  ASSERT_EQ(user.parts.size(), 4u);
  EXPECT_EQ(std::get<Text>(user.parts[0].value).text, "<document>\nPlain.\n</document>");
  EXPECT_EQ(std::get<Text>(user.parts[1].value).text,
            "<document id=\"d1\">\ntitle: Penguins\nsnippet: Emperor penguins are the tallest.\n</document>");
  EXPECT_EQ(std::get<Image>(user.parts[3].value).media, (Media{.base64 = "iVBO", .media_type = "image/png"}));
  const Extras expected{{"safety_mode", {"\"CONTEXTUAL\""}}, {"citation_options", {R"({"mode":"FAST"})"}}, {"priority", {"1"}}};
  EXPECT_EQ(got->extras, expected);
}

struct BadCase {
  std::string_view fields;
  std::string_view param;
};

TEST(CohereRequest, NamesTheFieldAtFault) {
  const BadCase cases[] = {
      {R"("temperature":"hot")", "temperature"},
      {R"("max_tokens":1.5)", "max_tokens"},
      {R"("stop_sequences":"x")", "stop_sequences"},
      {R"("stop_sequences":[1])", "stop_sequences[0]"},
      {R"("k":"x")", "k"},
      {R"("p":[])", "p"},
      {R"("tools":{})", "tools"},
      {R"("tools":[{"type":"function"}])", "tools[0].function"},
      {R"("tools":[{"type":"function","function":{"name":7}}])", "tools[0].function.name"},
      {R"("strict_tools":1)", "strict_tools"},
      {R"("tool_choice":"AUTO")", "tool_choice"},
      {R"("response_format":{})", "response_format.type"},
      {R"("documents":[7])", "documents[0]"},
      {R"("documents":[{"id":"x"}])", "documents[0].data"},
      {R"("documents":"x")", "documents"},
      {R"("thinking":{"type":"perhaps"})", "thinking.type"},
      {R"("thinking":{"type":"enabled","token_budget":-1})", "thinking.token_budget"},
      {R"("logprobs":"yes")", "logprobs"},
      {R"("messages":[])", "messages"},
      {R"("messages":[{"role":"user","content":7}])", "messages[0].content"},
      {R"("messages":[{"role":"user","content":[{"type":"text"}]}])", "messages[0].content[0].text"},
      {R"("messages":[{"role":"user","content":[{"text":"x"}]}])", "messages[0].content[0].type"},
      {R"("messages":[{"role":"user","content":[{"type":"image_url","image_url":"x"}]}])", "messages[0].content[0].image_url"},
      {R"("messages":[{"role":"user","content":[{"type":"document"}]}])", "messages[0].content[0].document"},
      {R"("messages":[{"role":"tool","content":"x"}])", "messages[0].tool_call_id"},
      {R"("messages":[{"role":"assistant","tool_plan":1}])", "messages[0].tool_plan"},
      {R"("messages":[{"role":"assistant","tool_calls":[{"id":"x"}]}])", "messages[0].tool_calls[0].function"},
      {R"("messages":[{"role":"wizard"}])", "messages[0].role"},
  };
  for (const auto& [fields, param] : cases) {
    auto got = chat.decode_request(cat(R"({"model":"m","messages":[{"role":"user","content":"x"}],)", fields, '}'), {});
    ASSERT_FALSE(got) << fields;
    EXPECT_EQ(got.error().kind(), Kind::bad_request);
    EXPECT_EQ(got.error().detail().param, param) << got.error().message();
  }
}

/// What another dialect's client can say, all of it.
Chat foreign() {
  Chat out;
  out.dialect = "openai_chat";
  out.model = "command-a";
  out.messages.push_back({.role = Role::developer, .name = "boss", .parts = {{.value = Text{.text = "Be brief."}}}});
  out.messages.push_back({.role = Role::user,
                          .parts = {{.value = Text{.text = "Look"}, .cache = CacheHint{}},
                                    {.value = Image{.media = {.base64 = "/9j/4A"}, .detail = "high"}},
                                    {.value = Audio{.media = {.base64 = "aGk="}}},
                                    {.value = File{.media = {.base64 = "aGVsbG8=", .media_type = "text/plain"}, .name = "a.txt"}},
                                    {.value = File{.media = {.base64 = "aGk=", .media_type = "application/pdf"}}}},
                          .extras = {{"vendor", {"1"}}}});
  out.messages.push_back(
      {.role = Role::assistant,
       .parts = {{.value = Thinking{.text = "hm"}},
                 {.value = Text{.text = "I will call."}},
                 {.value = ToolCall{.id = "c1", .name = "f", .arguments = "{}"}},
                 {.value = ToolCall{.id = "c2", .name = "g", .arguments = "free", .kind = ToolKind::custom}}}});
  // As Anthropic has it: results and the next question in one turn, an image in a result.
  ToolResult first{.call_id = "c1", .parts = {{.value = Text{.text = "42"}}, {.value = Image{.media = {.url = "https://i"}}}}};
  ToolResult second{.call_id = "c2", .is_error = true, .parts = {{.value = Text{.text = "no"}}}};
  out.messages.push_back({.role = Role::user, .parts = {{.value = first}, {.value = second}, {.value = Text{.text = "And?"}}}});
  out.messages.push_back({.role = Role::assistant, .parts = {{.value = Refusal{"I cannot."}}}});
  // Nothing of this turn can be said, so it is left out: no empty block stays behind.
  out.messages.push_back({.role = Role::user, .parts = {{.value = Image{.media = {.id = "file-1"}}}}});
  out.tools = std::vector<Tool>{{.name = "f", .strict = true, .cache = CacheHint{}},
                                {.kind = Tool::Kind::custom, .name = "g"},
                                {.kind = Tool::Kind::built_in, .name = "web_search", .builtin = Json{"{}"}},
                                {.name = "h", .parameters = Json{R"({"type":"object"})"}, .strict = false}};
  out.tool_choice = ToolChoice{.mode = ToolChoice::Mode::named, .name = "f"};
  out.parallel_tool_calls = false;
  out.response_format = ResponseFormat{.kind = ResponseFormat::Kind::json_schema,
                                       .name = "n",
                                       .description = "d",
                                       .schema = Json{R"({"type":"object"})"},
                                       .strict = true};
  out.sampling = {.temperature = Number{"1.7"},
                  .top_p = Number{"1.0"},
                  .top_k = Number{"600"},
                  .min_p = Number{"0.1"},
                  .frequency_penalty = Number{"-1"},
                  .presence_penalty = Number{"0.5"},
                  .repetition_penalty = Number{"1.1"},
                  .seed = Number{"-3"},
                  .logit_bias = Json{"{}"}};
  out.limits.max_output_tokens = 100;
  out.stop = std::vector<std::string>{"1", "2", "3", "4", "5", "6"};
  out.n = 2;
  out.logprobs = true;
  out.top_logprobs = 3;
  out.reasoning = Reasoning{.effort = "low", .summary = "auto"};
  out.verbosity = "low";
  out.service_tier = "flex";
  out.user = "u";
  out.metadata = std::vector<Metadata>{{"a", "b"}};
  out.store = true;
  out.modalities = std::vector<std::string>{"text", "audio"};
  out.web_search = Json{"{}"};
  out.stream = true;
  out.include_usage = true;
  out.extras = {{"container", {"1"}}};
  return out;
}

TEST(CohereRequest, SaysAForeignRequestAndNamesTheRest) {
  Losses losses;
  const auto body = chat.encode_request(foreign(), losses);
  EXPECT_EQ(
      body,
      R"({"model":"command-a","messages":[{"role":"system","content":"Be brief."},)"
      R"({"role":"user","content":[{"type":"text","text":"Look"},{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,/9j/4A","detail":"high"}},)"
      R"({"type":"text","text":"<document name=\"a.txt\">\nhello\n</document>"}]},)"
      R"({"role":"assistant","content":[{"type":"thinking","thinking":"hm"}],"tool_plan":"I will call.","tool_calls":[)"
      R"({"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},)"
      R"({"id":"c2","type":"function","function":{"name":"g","arguments":"{\"input\":\"free\"}"}}]},)"
      R"({"role":"tool","tool_call_id":"c1","content":"42"},{"role":"tool","tool_call_id":"c2","content":"Error: no"},)"
      R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"https://i"}},{"type":"text","text":"And?"}]},)"
      R"({"role":"assistant","content":[{"type":"text","text":"I cannot."}]}],)"
      R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}],)"
      R"("strict_tools":true,"tool_choice":"REQUIRED","response_format":{"type":"json_object","json_schema":{"type":"object"}},)"
      R"("max_tokens":100,"stop_sequences":["1","2","3","4","5"],"temperature":1,"seed":0,"frequency_penalty":0,)"
      R"("presence_penalty":0.5,"k":500,"p":0.99,"logprobs":true,"thinking":{"type":"enabled","token_budget":1024},"stream":true})");
  const std::vector<std::string> details{"messages[0].name",
                                         "messages[1].content[0].cache",
                                         "messages[1].content[3].file",
                                         "messages[1].vendor",
                                         "messages[2].content[3].custom",
                                         "messages[3].tool_result.is_error",
                                         "tools[0].cache",
                                         "tool_choice",
                                         "response_format.name",
                                         "response_format.description",
                                         "temperature",
                                         "seed",
                                         "frequency_penalty",
                                         "top_k",
                                         "top_p",
                                         "min_p",
                                         "repetition_penalty",
                                         "top_logprobs",
                                         "logit_bias",
                                         "parallel_tool_calls",
                                         "verbosity",
                                         "service_tier",
                                         "user",
                                         "metadata",
                                         "store",
                                         "reasoning.summary",
                                         "container"};
  const std::vector<std::string> meanings{"messages[1].content[2].audio",
                                          "messages[1].content[4].file",
                                          "messages[5].content[0].image",
                                          "stop[5]",
                                          "n",
                                          "modalities",
                                          "web_search_options"};
  std::vector<std::string> got_details;
  std::vector<std::string> got_meanings;
  for (const auto& loss : losses.all()) {
    (loss.weight == Loss::Weight::detail ? got_details : got_meanings).push_back(loss.field);
    EXPECT_EQ(loss.reason.find_first_of(";,"), std::string::npos) << loss.reason;
  }
  EXPECT_EQ(got_details, details);
  EXPECT_EQ(got_meanings, meanings);
}

std::string said(const Chat& asked) {
  Losses losses;
  return chat.encode_request(asked, losses);
}

TEST(CohereRequest, ConvertsEffortAndBudget) {
  Chat asked{.dialect = "x", .model = "m"};
  struct Case {
    Reasoning reasoning;
    std::string_view thinking;
  };
  const Case cases[] = {
      {{.effort = "none"}, R"({"type":"disabled"})"},
      {{.effort = "high"}, R"({"type":"enabled","token_budget":24576})"},
      {{.budget_tokens = 2000}, R"({"type":"enabled","token_budget":2000})"},
      {{.budget_tokens = 0}, R"({"type":"disabled"})"},
      {{.mode = "adaptive"}, R"({"type":"enabled"})"},
      {{.effort = "low", .mode = "adaptive"}, R"({"type":"enabled","token_budget":1024})"},
      {{.mode = "disabled"}, R"({"type":"disabled"})"},
  };
  for (const auto& one : cases) {
    asked.reasoning = one.reasoning;
    EXPECT_EQ(said(asked), cat(R"({"model":"m","messages":[],"thinking":)", one.thinking, '}'));
  }
  asked.reasoning = Reasoning{.include = true};  // it always shows them
  EXPECT_EQ(said(asked), R"({"model":"m","messages":[]})");
}

TEST(CohereRequest, ChoosesAmongToolsOnlyWhenThereAreSome) {
  Chat asked{.dialect = "x", .model = "m"};
  asked.tool_choice = ToolChoice{.mode = ToolChoice::Mode::none};
  Losses losses;
  EXPECT_EQ(chat.encode_request(asked, losses), R"({"model":"m","messages":[]})");
  EXPECT_TRUE(losses.empty());
  asked.tool_choice->mode = ToolChoice::Mode::required;
  EXPECT_EQ(chat.encode_request(asked, losses), R"({"model":"m","messages":[]})");
  ASSERT_NE(losses.gravest(), nullptr);
  EXPECT_EQ(losses.gravest()->field, "tool_choice");
}

TEST(CohereRequest, SaysNothingEmpty) {
  Chat asked{.dialect = "openai_chat", .model = "m"};
  asked.messages = {{.role = Role::user, .parts = {{.value = Text{.text = ""}}, {.value = Text{.text = "x"}}}},
                    {.role = Role::assistant, .parts = {{.value = Text{.text = ""}}}},
                    {.role = Role::assistant},
                    {.role = Role::assistant,
                     .parts = {{.value = Text{.text = ""}}, {.value = ToolCall{.id = "c", .name = "f", .arguments = ""}}}}};
  EXPECT_EQ(said(asked),
            R"({"model":"m","messages":[{"role":"user","content":"x"},)"
            R"({"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}]})");
}

TEST(CohereRequest, ASchemaBesideToolsIsATool) {
  Chat asked{.dialect = "openai_chat", .model = "m"};
  EXPECT_EQ(chat.schema_of(asked), Traits::Schema::native);
  asked.tools = std::vector<Tool>{{.name = "f"}};
  EXPECT_EQ(chat.schema_of(asked), Traits::Schema::forced_tool);
}

TEST(CohereRequest, ImagesOfResultsWaitForTheLastResult) {
  Chat asked{.dialect = "openai_chat", .model = "m"};
  const auto result = [](std::string id) {
    ToolResult out{.call_id = std::move(id), .parts = {{.value = Image{.media = {.url = "https://i"}}}}};
    return Message{.role = Role::tool, .parts = {{.value = out}}};
  };
  asked.messages = {result("a"), result("b")};
  EXPECT_EQ(
      said(asked),
      R"({"model":"m","messages":[{"role":"tool","tool_call_id":"a","content":""},{"role":"tool","tool_call_id":"b","content":""},)"
      R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"https://i"}},{"type":"image_url","image_url":{"url":"https://i"}}]}]})");
}

TEST(CohereRequest, WayThrough) {
  const std::string body = R"({"stream":true,"model":"a","messages":[{"role":"user","content":"x"}],"vendor":1.50})";
  auto view = chat.inspect(body, {});
  ASSERT_TRUE(view);
  EXPECT_EQ(view->model, "a");
  EXPECT_TRUE(view->stream);
  auto edits = chat.forward_edits(*view, {.model = "b"});
  ASSERT_TRUE(edits);
  EXPECT_EQ(edits->apply(body), R"({"stream":true,"model":"b","messages":[{"role":"user","content":"x"}],"vendor":1.50})");
  EXPECT_FALSE(chat.inspect(R"({"model":"a"})", {}));
  EXPECT_EQ(chat.chat_target("a", Delivery::stream), "/chat");
  EXPECT_EQ(find("cohere_v2"), &chat);
}

}  // namespace
}  // namespace cardea::dialect
