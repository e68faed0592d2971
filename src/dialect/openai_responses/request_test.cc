#include <gtest/gtest.h>

#include <array>

#include "base/random.h"
#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/openai_spec.h"
#include "json/value.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& responses = openai_responses();

/// Makes requests of everything that the dialect can say. One seed, one request.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_{seed} {}

  Chat make() {
    Chat out;
    out.dialect = "openai_responses";
    out.model = text();
    for (auto n = 1 + random_.below(4); n > 0; --n) turns(out.messages);
    if (maybe()) out.tools = list<Tool>([&] { return tool(); });
    if (maybe()) out.tool_choice = tool_choice();
    out.parallel_tool_calls = flag();
    if (maybe()) out.response_format = response_format();
    out.sampling = {.temperature = number(), .top_p = number()};
    out.limits.max_output_tokens = count();
    if (maybe()) out.logprobs = true;
    out.top_logprobs = count();
    if (maybe()) out.reasoning = Reasoning{.effort = optional_text(), .summary = optional_text()};
    out.verbosity = optional_text();
    out.service_tier = optional_text();
    out.user = optional_text();
    out.safety_identifier = optional_text();
    out.prompt_cache_key = optional_text();
    out.prompt_cache_retention = optional_text();
    if (maybe()) out.metadata = std::vector<Metadata>{{"a" + text(), text()}, {"b", ""}};
    out.store = flag();
    out.stream = flag();
    if (maybe()) out.extras.push_back({"text", {R"({"vendor":1})"}});
    if (maybe() && out.reasoning) out.extras.push_back({"reasoning", {R"({"context":"all_turns"})"}});
    if (maybe()) out.extras.push_back({"include", {R"(["web_search_call.action.sources"])"}});
    if (maybe()) out.extras.push_back({"previous_response_id", {R"("resp_1")"}});
    if (maybe()) out.extras.push_back({"stream_options", {R"({"include_obfuscation":false})"}});
    // Giving reasoning back asks for it again.
    for (const auto& message : out.messages) {
      for (const auto& part : message.parts) {
        const auto* thinking = std::get_if<Thinking>(&part.value);
        if (thinking != nullptr && thinking->encrypted && !out.reasoning) out.reasoning.emplace();
      }
    }
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
  std::optional<std::string> optional_text() { return maybe() ? std::optional{text()} : std::nullopt; }
  std::optional<bool> flag() { return maybe() ? std::optional{maybe()} : std::nullopt; }
  std::optional<std::uint64_t> count() { return maybe() ? std::optional{random_.next() >> random_.below(64)} : std::nullopt; }
  std::optional<Number> number() {
    static constexpr std::array<std::string_view, 5> spellings{"0.70", "-1e-3", "18446744073709551616", "0", "1E+2"};
    return maybe() ? std::optional{Number{std::string{spellings[random_.below(spellings.size())]}}} : std::nullopt;
  }
  Json any_json() {
    static constexpr std::array<std::string_view, 5> values{R"({"type":"object","properties":{"a":{"type":"string"}}})",
                                                            "[1,2.50,null]", "\"x\"", "{}", "18446744073709551616"};
    return {std::string{values[random_.below(values.size())]}};
  }
  std::optional<Json> json() { return maybe() ? std::optional{any_json()} : std::nullopt; }
  void extras(Extras& out) {
    for (auto n = random_.below(3); n > 0; --n) out.push_back({cat("vendor_", n), any_json()});
  }
  template <class T, class Make>
  std::vector<T> list(Make make) {
    std::vector<T> out;
    for (auto n = random_.below(4); n > 0; --n) out.push_back(make());
    return out;
  }
  Media inline_media() {
    Media out;
    out.base64 = "aGk=";
    out.media_type = "image/png";
    return out;
  }
  Part input_part() {
    Part out{.value = Text{.text = text()}};
    switch (random_.below(7)) {
      case 0: {
        Image image{.media = inline_media(), .detail = optional_text()};
        if (maybe()) image.media = Media{.url = "https://example.org/" + text()};
        if (maybe()) image.media = Media{.id = "file-" + text()};
        out.value = image;
        break;
      }
      case 1: {
        File file{.media = inline_media(), .name = optional_text()};
        if (maybe()) file.media = Media{.id = "file-" + text()};
        if (maybe()) file.media = Media{.url = "https://example.org/" + text()};
        if (maybe()) file.media = Media{.base64 = "aGk="};
        out.value = file;
        break;
      }
      case 2: out.value = Audio{.media = {.base64 = "aGk="}, .format = optional_text()}; return out;
      case 3: return {.value = Opaque{.dialect = "openai_responses", .value = {R"({"type":"input_video","x":1})"}}};
      default: break;
    }
    if (random_.below(4) == 0) out.cache.emplace();
    if (random_.below(4) == 0) extras(out.extras);
    return out;
  }
  Part said() {
    if (random_.below(4) == 0) return {.value = Refusal{text()}};
    Text out{.text = text()};
    if (maybe()) out.citations.push_back({.url = "https://example.org", .title = text(), .start = 0, .end = 3});
    if (maybe())
      out.citations.push_back(
          {.title = "a.txt", .raw = Json{R"({"type":"file_citation","file_id":"f","filename":"a.txt","index":1})"}});
    return {.value = out};
  }
  Part call() {
    ToolCall out{.id = cat("call_", ++calls_), .name = text(), .arguments = text()};
    if (maybe()) out.kind = ToolKind::custom;
    return {.value = out};
  }
  Part thinking() {
    Thinking out{.id = "rs_" + text()};
    if (maybe()) out.encrypted = "gAAA" + text();
    for (auto n = random_.below(3); n > 0; --n) out.summary.push_back("s" + text());
    for (const auto& one : out.summary) out.text += cat(out.text.empty() ? "" : "\n\n", one);
    if (out.summary.empty() && maybe()) out.text = "in full";
    return {.value = out};
  }
  /// A turn of the model's as an answer has it: thoughts, a text, calls; and the calls' results.
  void assistant(std::vector<Message>& out) {
    Message turn{.role = Role::assistant};
    if (maybe()) turn.parts.push_back(thinking());
    if (maybe())
      turn.parts.push_back(
          {.value = Opaque{.dialect = "openai_responses", .value = {R"({"type":"web_search_call","id":"ws_1"})"}}});
    const auto first = turn.parts.size();
    for (auto n = random_.below(3); n > 0; --n) turn.parts.push_back(said());
    if (turn.parts.size() > first && maybe()) turn.parts[first].extras.push_back({"phase", {R"("commentary")"}});
    if (turn.parts.size() > first && random_.below(4) == 0) turn.parts[first].extras.push_back({"message", {R"({"vendor":1})"}});
    std::vector<Message> results;
    for (auto n = random_.below(3); n > 0; --n) {
      turn.parts.push_back(call());
      results.push_back(result(std::get<ToolCall>(turn.parts.back().value)));
    }
    if (turn.parts.empty()) turn.parts.push_back({.value = Text{.text = "x"}});
    out.push_back(std::move(turn));
    out.insert(out.end(), results.begin(), results.end());
  }
  Message result(const ToolCall& call) {
    ToolResult out{.call_id = call.id, .name = optional_text()};
    for (auto n = random_.below(3); n > 0; --n) out.parts.push_back(input_part());
    Part part{.value = out};
    if (random_.below(4) == 0) extras(part.extras);
    return {.role = Role::tool, .parts = {part}};
  }
  void turns(std::vector<Message>& out) {
    constexpr std::array<Role, 3> roles{Role::system, Role::developer, Role::user};
    if (maybe()) {
      assistant(out);
      // Between turns of the model's there is always another's.
      out.push_back({.role = Role::user, .parts = {{.value = Text{.text = text()}}}});
      return;
    }
    Message message{.role = roles[random_.below(roles.size())]};
    for (auto n = random_.below(4); n > 0; --n) message.parts.push_back(input_part());
    if (random_.below(4) == 0) extras(message.extras);
    out.push_back(std::move(message));
  }
  Tool tool() {
    Tool out;
    switch (random_.below(3)) {
      case 0:
        out.kind = Tool::Kind::built_in;
        out.name = "web_search";
        out.builtin = Json{R"({"type":"web_search","x":[1]})"};
        return out;
      case 1:
        out.kind = Tool::Kind::custom;
        if (maybe()) out.format = Json{R"({"type":"grammar","syntax":"regex","definition":"a+"})"};
        break;
      default: out.parameters = json(); out.strict = flag();
    }
    out.name = text();
    out.description = optional_text();
    extras(out.extras);
    return out;
  }
  ToolChoice tool_choice() {
    ToolChoice out;
    out.mode = static_cast<ToolChoice::Mode>(random_.below(5));
    if (out.mode == ToolChoice::Mode::named) {
      out.name = text();
      if (maybe()) out.kind = ToolKind::custom;
    }
    if (out.mode != ToolChoice::Mode::raw) return out;
    out.raw = Json{R"({"type":"web_search"})"};
    if (maybe()) {
      out.raw = Json{R"({"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"},{"type":"mcp"}]})"};
    }
    return out;
  }
  ResponseFormat response_format() {
    ResponseFormat out;
    out.kind = static_cast<ResponseFormat::Kind>(random_.below(4));
    if (out.kind == ResponseFormat::Kind::json_schema) {
      out.name = text();
      out.description = optional_text();
      out.schema = any_json();
      out.strict = flag();
    }
    if (out.kind == ResponseFormat::Kind::raw) out.raw = Json{R"({"type":"grammar","grammar":"x"})"};
    return out;
  }

  Random random_;
  std::uint64_t calls_ = 0;
};

TEST(ResponsesRequest, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = Generator{seed}.make();
    Losses losses;
    const auto body = responses.encode_request(made, losses);
    EXPECT_TRUE(losses.empty()) << seed << losses.all().front().field;
    auto back = responses.decode_request(body, {});
    ASSERT_TRUE(back) << seed << ": " << back.error().message() << "\n" << body;
    Losses again;
    ASSERT_EQ(*back, made) << seed << "\n" << body << "\n" << responses.encode_request(*back, again);
    // The way through takes what the way between makes.
    if (!made.model.empty()) EXPECT_TRUE(responses.inspect(body, {})) << body;
  }
}

// The forms of https://platform.openai.com/docs/api-reference/responses/create and the guides on function calling, images, files,
// structured outputs and reasoning.
constexpr std::string_view reference_request = R"({
    "model":"gpt-5.4","instructions":"Be brief.","max_output_tokens":1024,"temperature":null,"store":false,"background":false,
    "input":[
      {"role":"developer","content":"Answer in French."},
      {"role":"user","content":[{"type":"input_text","text":"What is it?","prompt_cache_breakpoint":{"mode":"explicit"}},
        {"type":"input_image","image_url":"data:image/png;base64,iVBO","detail":"low"},
        {"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBE"},
        {"type":"input_file","file_url":"https://example.org/b.pdf"}]},
      {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Look."},{"type":"summary_text","text":"Ask."}],"encrypted_content":"gAAA"},
      {"type":"message","id":"msg_1","status":"completed","role":"assistant","phase":"commentary",
       "content":[{"type":"output_text","text":"A cat [1]","annotations":[{"type":"url_citation","url":"https://c.org","title":"C","start_index":6,"end_index":9}],"logprobs":[]}]},
      {"type":"function_call","id":"fc_1","call_id":"call_1","name":"f","arguments":"{\"a\":1}","status":"completed"},
      {"type":"custom_tool_call","id":"ctc_1","call_id":"call_2","name":"g","input":"free"},
      {"type":"function_call_output","call_id":"call_1","output":"42"},
      {"type":"custom_tool_call_output","call_id":"call_2","output":[{"type":"input_text","text":"see"},{"type":"input_image","image_url":"https://example.org/i.png","detail":"auto"}]},
      {"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"x"}},
      {"role":"assistant","content":"Done."},
      {"type":"message","id":"msg_2","status":"completed","role":"assistant","content":[{"type":"refusal","refusal":"No more."}]},
      {"id":"msg_7"},
      {"role":"user","content":"And?"}],
    "tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true},
      {"type":"custom","name":"g","format":{"type":"grammar","syntax":"regex","definition":"a+"}},
      {"type":"web_search","search_context_size":"low"}],
    "tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"}]},
    "text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true},"verbosity":"low"},
    "reasoning":{"effort":"low","summary":"auto"},
    "include":["reasoning.encrypted_content","message.output_text.logprobs"],"top_logprobs":3,
    "stream":true,"truncation":"auto"})";

TEST(ResponsesRequest, ReadsTheReferencesForms) {
  auto got = responses.decode_request(reference_request, {});
  ASSERT_TRUE(got) << got.error().message();
  ASSERT_EQ(got->messages.size(), 9u);
  const auto text_at = [&](std::size_t message, std::size_t part) {
    return std::get<Text>(got->messages[message].parts[part].value).text;
  };
  EXPECT_EQ(got->messages[0].role, Role::system);
  EXPECT_EQ(text_at(0, 0), "Be brief.");
  EXPECT_EQ(got->messages[1].role, Role::developer);
  const auto& user = got->messages[2];
  EXPECT_EQ(user.parts[0].cache, CacheHint{});
  EXPECT_EQ(std::get<Image>(user.parts[1].value),
            (Image{.media = {.base64 = "iVBO", .media_type = "image/png"}, .detail = "low"}));
  EXPECT_EQ(std::get<File>(user.parts[2].value),
            (File{.media = {.base64 = "JVBE", .media_type = "application/pdf"}, .name = "a.pdf"}));
  EXPECT_EQ(std::get<File>(user.parts[3].value).media.url, "https://example.org/b.pdf");
  // One turn of the model's: its calls wait for their results.
  const auto& turn = got->messages[3];
  ASSERT_EQ(turn.parts.size(), 4u);
  EXPECT_EQ(std::get<Thinking>(turn.parts[0].value),
            (Thinking{.text = "Look.\n\nAsk.", .id = "rs_1", .encrypted = "gAAA", .summary = {"Look.", "Ask."}}));
  EXPECT_EQ(std::get<Text>(turn.parts[1].value).citations[0],
            (Citation{.url = "https://c.org", .title = "C", .start = 6, .end = 9}));
  EXPECT_EQ(turn.parts[1].extras, (Extras{{"phase", {R"("commentary")"}}}));
  EXPECT_EQ(std::get<ToolCall>(turn.parts[2].value), (ToolCall{.id = "call_1", .name = "f", .arguments = "{\"a\":1}"}));
  EXPECT_EQ(std::get<ToolCall>(turn.parts[3].value).kind, ToolKind::custom);
  EXPECT_EQ(got->messages[4].role, Role::tool);
  EXPECT_EQ(std::get<ToolResult>(got->messages[4].parts[0].value).call_id, "call_1");
  const auto& custom = std::get<ToolResult>(got->messages[5].parts[0].value);
  EXPECT_EQ(custom.call_id, "call_2");
  EXPECT_EQ(std::get<Image>(custom.parts[1].value).media.url, "https://example.org/i.png");
  // What the vendor's own tools did, and the text behind it.
  EXPECT_EQ(std::get<Opaque>(got->messages[6].parts[0].value).dialect, "openai_responses");
  EXPECT_EQ(text_at(6, 1), "Done.");
  // Two texts without a call between them were two turns. A reference by id is the vendor's.
  EXPECT_EQ(std::get<Refusal>(got->messages[7].parts[0].value).text, "No more.");
  EXPECT_EQ(std::get<Opaque>(got->messages[7].parts[1].value).value.text, R"({"id":"msg_7"})");
  EXPECT_EQ(text_at(8, 0), "And?");
  EXPECT_EQ(got->tools->at(0),
            (Tool{.name = "f", .description = "d", .parameters = Json{R"({"type":"object"})"}, .strict = true}));
  EXPECT_EQ(got->tools->at(1).format, Json{R"({"type":"grammar","syntax":"regex","definition":"a+"})"});
  EXPECT_EQ(got->tools->at(2).name, "web_search");
  EXPECT_EQ(got->tool_choice->raw,
            Json{R"({"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"}]})"});
  EXPECT_EQ(got->response_format,
            (ResponseFormat{
                .kind = ResponseFormat::Kind::json_schema, .name = "n", .schema = Json{R"({"type":"object"})"}, .strict = true}));
  EXPECT_EQ(got->verbosity, "low");
  EXPECT_EQ(got->reasoning, (Reasoning{.effort = "low", .summary = "auto"}));
  EXPECT_EQ(got->logprobs, true);
  EXPECT_EQ(got->limits.max_output_tokens, 1024);
  EXPECT_EQ(got->sampling.temperature, std::nullopt);
  EXPECT_EQ(got->extras, (Extras{{"background", {"false"}}, {"truncation", {R"("auto")"}}}));
  const auto& spec = testing::OpenAiSpec::shared();
  if (!spec.there()) GTEST_SKIP() << "no spec";
  EXPECT_EQ(spec.problem("CreateResponse", reference_request), "");
  Losses losses;
  EXPECT_EQ(spec.problem("CreateResponse", responses.encode_request(*got, losses)), "");
  EXPECT_TRUE(losses.empty());
}

TEST(ResponsesRequest, ATextIsOneUsersTurn) {
  auto got = responses.decode_request(R"({"model":"m","input":"Hello"})", {});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->messages, (std::vector<Message>{{.parts = {{.value = Text{.text = "Hello"}}}}}));
  Losses losses;
  EXPECT_EQ(responses.encode_request(*got, losses),
            R"({"model":"m","input":[{"type":"message","role":"user","content":"Hello"}]})");
}

struct BadCase {
  std::string_view fields;
  std::string_view param;
};

TEST(ResponsesRequest, NamesTheFieldAtFault) {
  const BadCase cases[] = {
      {R"("temperature":"hot")", "temperature"},
      {R"("max_output_tokens":1.5)", "max_output_tokens"},
      {R"("tools":{})", "tools"},
      {R"("tools":[{"type":"function"}])", "tools[0].name"},
      {R"("tools":[{"name":"x"}])", "tools[0].type"},
      {R"("tool_choice":"perhaps")", "tool_choice"},
      {R"("tool_choice":{"type":"function"})", "tool_choice.name"},
      {R"("text":{"format":{"type":"json_schema","name":"x"}})", "text.format.schema"},
      {R"("text":{"format":"json"})", "text.format"},
      {R"("reasoning":"high")", "reasoning"},
      {R"("reasoning":{"effort":3})", "reasoning.effort"},
      {R"("include":"all")", "include"},
      {R"("metadata":{"a":1})", "metadata.a"},
      {R"("instructions":[])", "instructions"},
      {R"("input":7)", "input"},
      {R"("input":null)", "input"},
      {R"("input":[7])", "input[0]"},
      {R"("input":[{}])", "input[0].type"},
      {R"("input":[{"role":"wizard","content":"x"}])", "input[0].role"},
      {R"("input":[{"role":"user"}])", "input[0].content"},
      {R"("input":[{"role":"assistant"}])", "input[0].content"},
      {R"("input":[{"role":"user","content":7}])", "input[0].content"},
      {R"("input":[{"role":"user","content":[{"type":"input_text"}]}])", "input[0].content[0].text"},
      {R"("input":[{"role":"user","content":[{"text":"x"}]}])", "input[0].content[0].type"},
      {R"("input":[{"role":"user","content":[{"type":"input_image"}]}])", "input[0].content[0].image_url"},
      {R"("input":[{"role":"user","content":[{"type":"input_image","image_url":{"url":"x"}}]}])",
       "input[0].content[0].image_url"},
      {R"("input":[{"role":"user","content":[{"type":"input_file"}]}])", "input[0].content[0].file_data"},
      {R"("input":[{"type":"function_call","name":"f","arguments":"{}"}])", "input[0].call_id"},
      {R"("input":[{"type":"function_call","call_id":"c","arguments":"{}"}])", "input[0].name"},
      {R"("input":[{"type":"function_call_output","call_id":"c"}])", "input[0].output"},
      {R"("input":[{"type":"function_call_output","output":"x"}])", "input[0].call_id"},
      {R"("input":[{"type":"reasoning","id":"rs","summary":["x"]}])", "input[0].summary[0].text"},
  };
  for (const auto& [fields, param] : cases) {
    const bool input = fields.starts_with(R"("input")");
    auto got = responses.decode_request(cat(R"({"model":"m",)", input ? "" : R"("input":"x",)", fields, '}'), {});
    ASSERT_FALSE(got) << fields;
    EXPECT_EQ(got.error().kind(), Kind::bad_request);
    EXPECT_EQ(got.error().detail().param, param) << got.error().message();
  }
}

TEST(ResponsesRequest, TheWayThroughNeedsSomethingToAnswer) {
  EXPECT_TRUE(responses.inspect(R"({"model":"m","input":"x"})", {}));
  EXPECT_TRUE(responses.inspect(R"({"model":"m","input":[{"role":"user","content":"x"}],"stream":true})", {})->stream);
  EXPECT_TRUE(responses.inspect(R"({"model":"m","previous_response_id":"resp_1"})", {}));
  for (const auto* body : {R"({"model":"m"})", R"({"model":"m","input":null})", R"({"model":"m","input":[ ]})",
                           R"({"model":"m","input":{}})", R"({"input":"x"})", R"({"model":"m","input":"x","stream":1})", "[]"}) {
    EXPECT_FALSE(responses.inspect(body, {})) << body;
  }
  auto view = responses.inspect(R"({"model":"m","input":"x","metadata":{"k":"v"}})", {});
  ASSERT_TRUE(view);
  auto edits = responses.forward_edits(*view, {.model = "up"});
  ASSERT_TRUE(edits);
  EXPECT_EQ(edits->apply(view->members.text()), R"({"model":"up","input":"x","metadata":{"k":"v"}})");
}

/// What an Anthropic client may say, and more.
Chat foreign_chat() {
  Chat out{.dialect = "anthropic", .model = "m"};
  out.messages.push_back({.role = Role::system, .parts = {{.value = Text{.text = "Be kind."}}}});
  out.messages.push_back(
      {.role = Role::system, .parts = {{.value = Text{.text = "A"}, .cache = CacheHint{}}, {.value = Text{.text = "B"}}}});
  out.messages.push_back({.role = Role::user,
                          .name = "ann",
                          .parts = {{.value = Text{.text = "look"}},
                                    {.value = Image{.media = {.base64 = "/9j/4A"}}},
                                    {.value = Image{.media = {.id = "file_1"}}},
                                    {.value = File{.media = {.base64 = "JVBE", .media_type = "application/pdf"}}},
                                    {.value = Audio{.media = {.base64 = "aGk="}, .format = "wav"}}},
                          .extras = {{"mood", {"1"}}}});
  const std::string long_id(70, 'x');
  out.messages.push_back(
      {.role = Role::assistant,
       .parts = {{.value = Thinking{.text = "hm", .signature = "theirs"}},
                 {.value = Thinking{.text = "ours", .id = "rs_1", .encrypted = "gAAA", .issuer = "here"}},
                 {.value = Text{.text = "one"}},
                 {.value = Text{.text = "two", .citations = {{.url = "u", .cited_text = "c"}, {.title = "Doc", .document = 2}}}},
                 {.value = ToolCall{.id = long_id, .name = "f", .arguments = ""}},
                 {.value = ToolCall{.id = "c2", .name = "g", .arguments = "x", .kind = ToolKind::custom}},
                 {.value = Opaque{.dialect = "anthropic", .value = {"{}"}}}}});
  ToolResult result{.call_id = long_id,
                    .name = "f",
                    .is_error = true,
                    .parts = {{.value = Text{.text = "no"}}, {.value = Image{.media = {.url = "u"}}}}};
  ToolResult other{.call_id = "c2", .name = "g", .parts = {{.value = Audio{.media = {.base64 = "aGk="}}}}};
  out.messages.push_back({.role = Role::user, .parts = {{.value = result}, {.value = other}, {.value = Text{.text = "and?"}}}});
  // Nothing of this turn can be said, so it is left out.
  out.messages.push_back({.role = Role::user, .parts = {{.value = Audio{.media = {.url = "u"}}}}});
  out.tools = std::vector<Tool>{{.name = "f", .cache = CacheHint{}},
                                {.kind = Tool::Kind::built_in, .name = "bash", .builtin = Json{"{}"}}};
  out.tool_choice = ToolChoice{.mode = ToolChoice::Mode::named, .name = "f"};
  out.response_format = ResponseFormat{.kind = ResponseFormat::Kind::json_schema, .schema = Json{R"({"type":"object"})"}};
  out.sampling = {.temperature = Number{"2.5"}, .top_k = Number{"4"}, .presence_penalty = Number{"0"}, .seed = Number{"7"}};
  out.limits.max_tokens = 4;
  out.stop = std::vector<std::string>{"END"};
  out.n = 2;
  out.logprobs = true;
  out.reasoning = Reasoning{.budget_tokens = 2000, .mode = "enabled"};
  out.service_tier = "standard_only";
  out.metadata = std::vector<Metadata>{{"k", "v"}};
  out.user = "u";
  out.modalities = std::vector<std::string>{"text", "audio"};
  out.audio = AudioOutput{.format = "wav"};
  out.web_search = Json{R"({"user_location":{"type":"approximate","approximate":{"city":"Ulm"}}})"};
  out.safety = std::vector<SafetySetting>{{"a", "b"}};
  out.stream = true;
  out.include_usage = true;
  out.extras = {{"container", {"1"}}};
  return out;
}

TEST(ResponsesRequest, ForeignRequestsAreSaidAndLossesAreNamed) {
  Losses losses;
  const auto body = responses.encode_request(foreign_chat(), losses);
  const auto got = json::parse(body);
  ASSERT_TRUE(got) << body;
  const auto* calls = got->find("input");
  ASSERT_NE(calls, nullptr);
  // The shortened id is the same at call and result; which one does not matter.
  const std::string id = *calls->elements()[4].find("call_id")->as_string();
  EXPECT_TRUE(id.starts_with("call_") && id.size() == 37) << id;
  const std::string expected = cat(
      R"({"model":"m","instructions":"Be kind.","input":[{"type":"message","role":"system","content":[{"type":"input_text","text":"A"},{"type":"input_text","text":"B"}]},)",
      R"({"type":"message","role":"user","content":[{"type":"input_text","text":"look"},{"type":"input_image","image_url":"data:image/jpeg;base64,/9j/4A","detail":"auto"},)",
      R"({"type":"input_file","file_data":"data:application/pdf;base64,JVBE","filename":"file.pdf"}]},)",
      R"({"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"ours"}],"encrypted_content":"gAAA"},)",
      R"({"type":"message","role":"assistant","id":"msg_3_0","status":"completed","content":[{"type":"output_text","text":"one","annotations":[],"logprobs":[]},)",
      R"({"type":"output_text","text":"two","annotations":[{"type":"url_citation","url":"u","title":"","start_index":0,"end_index":3,"cited_text":"c"},)",
      R"({"type":"file_citation","file_id":"document_2","filename":"Doc","index":3}],"logprobs":[]}]},)",
      R"({"type":"function_call","call_id":")", id,
      R"(","name":"f","arguments":"{}"},{"type":"custom_tool_call","call_id":"c2","name":"g","input":"x"},)",
      R"({"type":"function_call_output","call_id":")", id,
      R"(","output":[{"type":"input_text","text":"Error: no"},{"type":"input_image","image_url":"u","detail":"auto"}]},)",
      R"({"type":"custom_tool_call_output","call_id":"c2","output":""},{"type":"message","role":"user","content":"and?"}],)",
      R"("tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":false},)",
      R"({"type":"web_search","user_location":{"type":"approximate","city":"Ulm"}}],"tool_choice":{"type":"function","name":"f"},)",
      R"("text":{"format":{"type":"json_schema","name":"answer","schema":{"type":"object"}}},"reasoning":{"effort":"low","summary":"auto"},)",
      R"("include":["message.output_text.logprobs","reasoning.encrypted_content"],"temperature":2,"max_output_tokens":16,"service_tier":"default",)",
      R"("user":"u","stream":true,"metadata":{"k":"v"}})");
  EXPECT_EQ(body, expected);
  const auto& spec = testing::OpenAiSpec::shared();
  if (spec.there()) EXPECT_EQ(spec.problem("CreateResponse", body), "");
  using enum Loss::Weight;
  const std::vector<std::pair<std::string_view, Loss::Weight>> named{
      {"messages[1].content[0].cache_control", detail},
      {"messages[2].name", detail},
      {"messages[2].mood", detail},
      {"messages[2].content[2].image", meaning},
      {"messages[2].content[4].audio", meaning},
      {"messages[3].content[0].thinking", detail},
      {"messages[3].content[6].opaque", detail},
      {"messages[4].content[0].tool_result.is_error", detail},
      {"messages[4].content[1].tool_result.content[0].audio", meaning},
      {"messages[5].content[0].audio", meaning},
      {"tools[1].bash", meaning},
      {"tools[0].cache_control", detail},
      {"reasoning.budget_tokens", detail},
      {"temperature", detail},
      {"max_output_tokens", detail},
      {"container", detail},
      {"stop", meaning},
      {"n", meaning},
      {"modalities", meaning},
      {"audio", detail},
      {"top_k", detail},
      {"seed", detail},
      {"safety", detail},
  };
  std::vector<std::pair<std::string_view, Loss::Weight>> found;
  for (const auto& loss : losses.all()) {
    found.emplace_back(loss.field, loss.weight);
    EXPECT_EQ(loss.reason.find_first_of(";,"), std::string::npos) << loss.reason;
  }
  EXPECT_EQ(found, named);
}

TEST(ResponsesRequest, NothingLeftToChooseFromIsNoChoice) {
  Chat chat{.dialect = "gemini", .model = "m"};
  chat.messages.push_back({.parts = {{.value = Text{.text = "x"}}}});
  chat.tools = std::vector<Tool>{{.kind = Tool::Kind::built_in, .name = "googleSearch"}};
  chat.tool_choice = ToolChoice{.mode = ToolChoice::Mode::required};
  Losses losses;
  EXPECT_EQ(responses.encode_request(chat, losses), R"({"model":"m","input":[{"type":"message","role":"user","content":"x"}]})");
  EXPECT_EQ(losses.fields(), std::vector<std::string>{"tools[0].googleSearch"});
}

TEST(ResponsesRequest, ChatsNestedFormsAreFlatHere) {
  auto chat = openai_chat().decode_request(R"({"model":"m","messages":[{"role":"user","content":"x"}],
    "tools":[{"type":"custom","custom":{"name":"g","format":{"type":"grammar","grammar":{"syntax":"regex","definition":"a+"}}}}],
    "tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"custom","custom":{"name":"g"}}]}}})",
                                           {});
  ASSERT_TRUE(chat);
  Losses losses;
  EXPECT_EQ(responses.encode_request(*chat, losses),
            R"({"model":"m","input":[{"type":"message","role":"user","content":"x"}],)"
            R"("tools":[{"type":"custom","name":"g","format":{"type":"grammar","syntax":"regex","definition":"a+"}}],)"
            R"("tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"custom","name":"g"}]}})");
  EXPECT_TRUE(losses.empty());
}

TEST(ResponsesRequest, ReasoningIsAskedForInOneOfTwoSpellings) {
  struct Case {
    Reasoning asked;
    std::string_view said;
    std::string_view lost = {};
  };
  const Case cases[] = {
      {{.effort = "high"}, R"(,"reasoning":{"effort":"high"},"include":["reasoning.encrypted_content"])"},
      {{.effort = "none"}, R"(,"reasoning":{"effort":"none"})"},
      {{.mode = "disabled"}, "", "reasoning.mode"},
      {{.budget_tokens = 0}, "", "reasoning.budget_tokens"},
      {{.budget_tokens = 24'576, .include = true},
       R"(,"reasoning":{"effort":"high","summary":"auto"},"include":["reasoning.encrypted_content"])"},
      {{.budget_tokens = 1024, .mode = "enabled", .include = false},
       R"(,"reasoning":{"effort":"low"},"include":["reasoning.encrypted_content"])"},
      {{.mode = "adaptive"}, R"(,"reasoning":{"summary":"auto"},"include":["reasoning.encrypted_content"])"},
      {{}, ""},
  };
  for (const auto& [asked, said, lost] : cases) {
    Chat chat{.dialect = "anthropic", .model = "m"};
    chat.messages.push_back({.parts = {{.value = Text{.text = "x"}}}});
    chat.reasoning = asked;
    Losses losses;
    EXPECT_EQ(responses.encode_request(chat, losses),
              cat(R"({"model":"m","input":[{"type":"message","role":"user","content":"x"}])", said, '}'));
    EXPECT_EQ(losses.fields(), lost.empty() ? std::vector<std::string>{} : std::vector{std::string{lost}});
  }
}

}  // namespace
}  // namespace cardea::dialect
