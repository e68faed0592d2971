#include <gtest/gtest.h>

#include <array>

#include "base/base64.h"
#include "base/random.h"
#include "base/text.h"
#include "dialect/anthropic/anthropic.h"
#include "dialect/dialect.h"
#include "json/value.h"

namespace cardea::dialect {
namespace {

using namespace model;  // NOLINT: the whole vocabulary is built here
const Dialect& claude_dialect = anthropic();

/// Makes requests of everything that the dialect can say, as its decoder tells them. One seed, one request.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_{seed} {}

  Chat make() {
    Chat out;
    out.dialect = "anthropic";
    out.model = "m" + text();
    if (maybe()) out.messages.push_back({.role = Role::system, .parts = texts()});
    for (auto n = 1 + random_.below(3); n > 0; --n) exchange(out.messages);
    if (maybe()) user(out.messages);
    out.limits.max_tokens = random_.next() >> random_.below(64);
    out.sampling = {.temperature = number(), .top_p = number(), .top_k = number()};
    if (maybe()) out.stop = list<std::string>([&] { return text(); });
    if (maybe()) out.tools = list<Tool>([&] { return tool(); });
    if (maybe()) tool_choice(out);
    reasoning(out);
    if (maybe()) out.user = text();
    if (maybe()) out.extras.push_back({"metadata", {R"({"vendor":1})"}});
    if (maybe()) out.service_tier = maybe() ? "auto" : "default";
    if (maybe()) out.stream = maybe();
    extras(out.extras);
    return out;
  }

 private:
  bool maybe() { return random_.below(2) == 0; }
  std::string text() {
    static constexpr std::array<std::string_view, 8> pieces{"a", "Zz9", "\"", "\\", "\n\t", "é", "😀", "\xe2\x80\xa8"};
    std::string out = "x";
    for (auto n = random_.below(5); n > 0; --n) out += pieces[random_.below(pieces.size())];
    return out;
  }
  std::optional<std::string> optional_text() { return maybe() ? std::optional{text()} : std::nullopt; }
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
  template <class T, class Make>
  std::vector<T> list(Make make) {
    std::vector<T> out;
    for (auto n = random_.below(4); n > 0; --n) out.push_back(make());
    return out;
  }
  void mark(Part& part) {
    if (random_.below(4) == 0) part.cache = CacheHint{.type = "ephemeral", .ttl = maybe() ? std::optional{"1h"} : std::nullopt};
    if (random_.below(4) == 0) extras(part.extras);
  }
  Part text_part() {
    Part out{.value = Text{.text = text()}};
    mark(out);
    return out;
  }
  std::vector<Part> texts() {
    std::vector<Part> out{text_part()};
    while (maybe()) out.push_back(text_part());
    return out;
  }
  Media media(std::string_view type) {
    switch (random_.below(3)) {
      case 0: return {.url = "https://example.org/" + text()};
      case 1: return {.id = "file_" + text()};
      default: return {.base64 = "aGk=", .media_type = std::string{type}};
    }
  }
  Part image() {
    Part out{.value = Image{.media = media("image/png")}};
    if (maybe()) out.extras.push_back({"source", {R"({"vendor":1})"}});
    mark(out);
    return out;
  }
  Part document() {
    File file{.media = media("application/pdf"), .name = optional_text()};
    Part out;
    switch (random_.below(3)) {
      case 0: file.media = {.base64 = to_base64(text()), .media_type = "text/plain"}; break;
      case 1:
        file.media = {.base64 = to_base64("a\n\nb"), .media_type = "text/plain"};
        out.extras.push_back(
            {"source", {R"({"type":"content","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})"}});
        break;
      default: break;
    }
    out.value = file;
    mark(out);
    if (maybe()) out.extras.push_back({"citations", {R"({"enabled":true})"}});
    if (maybe()) out.extras.push_back({"context", {json::quote(text())}});
    return out;
  }
  static Part search_result() {
    Part out{.value = Text{.text = "t\nhttps://s\n\none"}};
    out.extras.push_back(
        {"search_result",
         {R"({"type":"search_result","source":"https://s","title":"t","content":[{"type":"text","text":"one"}]})"}});
    return out;
  }
  Part opaque(std::string_view json) { return {.value = Opaque{.dialect = "anthropic", .value = {std::string{json}}}}; }
  Part content_part() {
    switch (random_.below(7)) {
      case 0: return image();
      case 1: return document();
      case 2: return search_result();
      case 3: return opaque(R"({"type":"container_upload","file_id":"f","n":1.50})");
      default: return text_part();
    }
  }
  Part call() {
    static constexpr std::array<std::string_view, 3> inputs{"{}", R"({"a":"é\n","b":[1.0]})", R"({"x":{}})"};
    Part out{.value = ToolCall{.id = "toolu_" + text(), .name = text(), .arguments = std::string{inputs[random_.below(3)]}}};
    if (random_.below(4) == 0) out.extras.push_back({"caller", {R"({"type":"code_execution_20250825","tool_id":"t"})"}});
    mark(out);
    return out;
  }
  Message assistant() {
    Message out{.role = Role::assistant};
    if (maybe()) out.parts.push_back({.value = Thinking{.text = text(), .signature = optional_text()}});
    if (maybe()) out.parts.push_back({.value = Thinking{.text = {}, .redacted = text()}});
    if (maybe()) {
      Part said = text_part();
      if (maybe()) std::get<Text>(said.value).citations.push_back(citation(std::get<Text>(said.value).text));
      out.parts.push_back(std::move(said));
    }
    if (maybe())
      out.parts.push_back(opaque(R"({"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"q":"x"}})"));
    for (auto n = random_.below(3); n > 0; --n) out.parts.push_back(call());
    if (out.parts.empty()) out.parts.push_back(text_part());
    extras(out.extras);
    return out;
  }
  static Citation citation(std::string_view text) {
    return {
        .title = "T",
        .start = 0,
        .end = claude::characters(text),
        .cited_text = "c",
        .document = 1,
        .raw = Json{
            R"({"type":"page_location","cited_text":"c","document_index":1,"document_title":"T","start_page_number":1,"end_page_number":2})"}};
  }
  Message result() {
    ToolResult out{.call_id = "toolu_" + text()};
    if (maybe()) out.is_error = maybe();
    for (auto n = random_.below(3); n > 0; --n) out.parts.push_back(maybe() ? text_part() : maybe() ? image() : document());
    Part part{.value = out};
    mark(part);
    return {.role = Role::tool, .parts = {part}};
  }
  void user(std::vector<Message>& out) {
    const auto results = random_.below(3);
    for (auto n = results; n > 0; --n) out.push_back(result());
    if (results == 0 || maybe()) {
      Message said{.role = Role::user, .parts = {content_part()}};
      while (maybe()) said.parts.push_back(content_part());
      out.push_back(std::move(said));
    }
    extras(out.back().extras);
  }
  void exchange(std::vector<Message>& out) {
    user(out);
    if (random_.below(4) == 0) out.push_back({.role = Role::system, .parts = texts()});
    out.push_back(assistant());
  }
  Tool tool() {
    Tool out;
    if (random_.below(3) == 0) {
      out.kind = Tool::Kind::built_in;
      out.name = "web_search";
      out.builtin = Json{R"({"type":"web_search_20250305","name":"web_search","max_uses":3})"};
      return out;
    }
    out.name = text();
    out.description = optional_text();
    out.parameters = Json{R"({"type":"object","properties":{"a":{"type":"string","minLength":2}}})"};
    if (maybe()) out.strict = maybe();
    if (maybe()) out.cache = CacheHint{};
    extras(out.extras);
    return out;
  }
  void tool_choice(Chat& out) {
    auto& choice = out.tool_choice.emplace();
    choice.mode = static_cast<ToolChoice::Mode>(random_.below(4));
    if (choice.mode == ToolChoice::Mode::named) choice.name = text();
    if (maybe()) out.parallel_tool_calls = maybe();
    if (maybe()) out.extras.push_back({"tool_choice", {R"({"vendor":1})"}});
  }
  void reasoning(Chat& out) {
    static constexpr std::array<std::string_view, 3> modes{"enabled", "adaptive", "disabled"};
    if (maybe()) {
      out.reasoning = Reasoning{.mode = std::string{modes[random_.below(3)]}};
      if (maybe()) out.reasoning->budget_tokens = random_.below(9000);
      if (maybe()) out.reasoning->include = maybe();
      if (maybe()) out.extras.push_back({"thinking", {R"({"vendor":1})"}});
    }
    if (maybe()) {
      if (!out.reasoning) out.reasoning.emplace();
      out.reasoning->effort = maybe() ? "high" : "max";
    }
    if (maybe()) out.extras.push_back({"output_config", {R"({"task_budget":{"type":"tokens","total":9}})"}});
    if (!maybe()) return;
    auto& format = out.response_format.emplace();
    format.kind = maybe() ? ResponseFormat::Kind::json_schema : ResponseFormat::Kind::raw;
    if (format.kind == ResponseFormat::Kind::raw) {
      format.raw = Json{R"({"type":"grammar","grammar":"x"})"};
    } else {
      format.schema = Json{R"({"type":"object","properties":{"a":{"type":"integer","minimum":1}}})"};
    }
  }

  Random random_;
};

TEST(AnthropicRequest, DecodeOfEncodeIsTheSame) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const auto made = Generator{seed}.make();
    Losses losses;
    const auto body = claude_dialect.encode_request(made, losses);
    EXPECT_TRUE(losses.empty()) << seed << losses.all().front().field;
    auto back = claude_dialect.decode_request(body, {});
    ASSERT_TRUE(back) << seed << ": " << back.error().message() << "\n" << body;
    ASSERT_EQ(*back, made) << seed << "\n" << body;
    // The way through takes what the way between makes.
    EXPECT_TRUE(claude_dialect.inspect(body, {})) << body;
  }
}

// From "Messages", "Vision", "PDF support", "Citations", "Tool use" and "Prompt caching" of Anthropic's documentation.
TEST(AnthropicRequest, ReadsTheReferencesForms) {
  auto got = claude_dialect.decode_request(R"({
    "model":"claude-opus-4-1","max_tokens":1024,"temperature":null,"top_k":40,"stop_sequences":["END"],"stream":true,
    "system":[{"type":"text","text":"Be brief."},{"type":"text","text":"Long.","cache_control":{"type":"ephemeral","ttl":"1h"}}],
    "metadata":{"user_id":"u1"},"service_tier":"standard_only","container":"c1",
    "thinking":{"type":"enabled","budget_tokens":2048,"display":"omitted"},"output_config":{"effort":"low"},
    "messages":[
      {"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"/9j/"}},
        {"type":"document","source":{"type":"text","media_type":"text/plain","data":"Grass is green."},"title":"G","citations":{"enabled":true}},
        {"type":"text","text":"What is it?"}]},
      {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"sig"},{"type":"redacted_thinking","data":"red"},
        {"type":"text","text":"Let me look."},{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1},"caller":{"type":"direct"}},
        {"type":"tool_use","id":"toolu_2","name":"g","input":{}}]},
      {"role":"user","content":[{"type":"text","text":"and?"},
        {"type":"tool_result","tool_use_id":"toolu_1","content":"42"},
        {"type":"tool_result","tool_use_id":"toolu_2","is_error":true,"content":[{"type":"image","source":{"type":"url","url":"https://e.org/a.png"}}]}]},
      {"role":"assistant","content":"The best answer is ("}],
    "tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"strict":true},{"type":"bash_20250124","name":"bash"}],
    "tool_choice":{"type":"any","disable_parallel_tool_use":true}})",
                                           {});
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->sampling.temperature, std::nullopt);
  EXPECT_EQ(got->limits.max_tokens, 1024u);
  EXPECT_EQ(got->stop, std::vector<std::string>{"END"});
  EXPECT_EQ(got->user, "u1");
  EXPECT_EQ(got->service_tier, "default");
  EXPECT_EQ(*got->reasoning, (Reasoning{.effort = "low", .budget_tokens = 2048, .mode = "enabled", .include = false}));
  EXPECT_EQ(got->extras, (Extras{{"container", {"\"c1\""}}}));
  // The system prompt leads; results stand before what the user says with them, one message each.
  const std::vector<Role> roles{Role::system, Role::user, Role::assistant, Role::tool, Role::tool, Role::user, Role::assistant};
  ASSERT_EQ(got->messages.size(), roles.size());
  for (std::size_t i = 0; i < roles.size(); ++i) EXPECT_EQ(got->messages[i].role, roles[i]) << i;
  EXPECT_EQ(got->messages[0].parts[1].cache, (CacheHint{.type = "ephemeral", .ttl = "1h"}));
  EXPECT_EQ(std::get<Image>(got->messages[1].parts[0].value).media, (Media{.base64 = "/9j/", .media_type = "image/jpeg"}));
  EXPECT_EQ(std::get<File>(got->messages[1].parts[1].value),
            (File{.media = {.base64 = to_base64("Grass is green."), .media_type = "text/plain"}, .name = "G"}));
  const auto& answer = got->messages[2];
  EXPECT_EQ(std::get<Thinking>(answer.parts[0].value), (Thinking{.text = "hm", .signature = "sig"}));
  EXPECT_EQ(std::get<Thinking>(answer.parts[1].value).redacted, "red");
  EXPECT_EQ(std::get<ToolCall>(answer.parts[3].value), (ToolCall{.id = "toolu_1", .name = "f", .arguments = R"({"a":1})"}));
  EXPECT_TRUE(answer.parts[3].extras.empty());
  const auto& second = std::get<ToolResult>(got->messages[4].parts[0].value);
  EXPECT_EQ(second.is_error, true);
  EXPECT_EQ(std::get<Image>(second.parts[0].value).media.url, "https://e.org/a.png");
  EXPECT_EQ(got->tools->at(0).strict, true);
  EXPECT_EQ(got->tools->at(1).kind, Tool::Kind::built_in);
  EXPECT_EQ(got->tool_choice->mode, ToolChoice::Mode::required);
  EXPECT_EQ(got->parallel_tool_calls, false);
}

TEST(AnthropicRequest, BothFormsOfAnAnswersSchemaAreRead) {
  for (const std::string_view fields :
       {R"("output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}})",
        R"("output_format":{"type":"json_schema","schema":{"type":"object"}})",
        R"("output_format":{"type":"other"},"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}})"}) {
    auto got = claude_dialect.decode_request(cat(R"({"model":"m","messages":[{"role":"user","content":"x"}],)", fields, '}'), {});
    ASSERT_TRUE(got) << fields;
    ASSERT_TRUE(got->response_format) << fields;
    EXPECT_EQ(got->response_format->schema->text, R"({"type":"object"})");
  }
}

TEST(AnthropicRequest, InstructionsWithinATurnAreMessages) {
  auto got = claude_dialect.decode_request(
      R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},
      {"type":"mid_conv_system","content":[{"type":"text","text":"s"}]}]},{"role":"assistant","content":"b"},
      {"role":"user","content":"c"},{"role":"system","content":"t"}]})",
      {});
  ASSERT_TRUE(got);
  const std::vector<Role> roles{Role::user, Role::system, Role::assistant, Role::user, Role::system};
  ASSERT_EQ(got->messages.size(), roles.size());
  for (std::size_t i = 0; i < roles.size(); ++i) EXPECT_EQ(got->messages[i].role, roles[i]) << i;
  Losses losses;
  got->limits.max_tokens = 1;
  EXPECT_EQ(claude_dialect.encode_request(*got, losses),
            R"({"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"system","content":"s"},)"
            R"({"role":"assistant","content":"b"},{"role":"user","content":"c"},{"role":"system","content":"t"}]})");
}

TEST(AnthropicRequest, ThePathMayNameTheModel) {
  auto got = claude_dialect.decode_request(R"({"messages":[{"role":"user","content":"x"}]})", {.model = "m", .stream = true});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->model, "m");
  EXPECT_EQ(got->stream, true);
}

struct BadCase {
  std::string_view fields;
  std::string_view param;
};

TEST(AnthropicRequest, NamesTheFieldAtFault) {
  const BadCase cases[] = {
      {R"("temperature":"hot")", "temperature"},
      {R"("max_tokens":1.5)", "max_tokens"},
      {R"("stop_sequences":[1])", "stop_sequences[0]"},
      {R"("stop_sequences":"x")", "stop_sequences"},
      {R"("system":7)", "system"},
      {R"("system":[{"text":"x"}])", "system[0].type"},
      {R"("tools":{})", "tools"},
      {R"("tools":[{"name":"x"}])", "tools[0].input_schema"},
      {R"("tools":[{"input_schema":{}}])", "tools[0].name"},
      {R"("tool_choice":"auto")", "tool_choice"},
      {R"("tool_choice":{"type":"perhaps"})", "tool_choice.type"},
      {R"("tool_choice":{"type":"tool"})", "tool_choice.name"},
      {R"("thinking":{"budget_tokens":5})", "thinking.type"},
      {R"("thinking":{"type":"enabled","budget_tokens":"5"})", "thinking.budget_tokens"},
      {R"("output_config":{"effort":5})", "output_config.effort"},
      {R"("output_config":{"format":[]})", "output_config.format"},
      {R"("metadata":[])", "metadata"},
      {R"("metadata":{"user_id":1})", "metadata.user_id"},
      {R"("messages":[])", "messages"},
      {R"("messages":[{"role":"user"}])", "messages[0].content"},
      {R"("messages":[{"role":"user","content":7}])", "messages[0].content"},
      {R"("messages":[{"role":"tool","content":"x"}])", "messages[0].role"},
      {R"("messages":[{"role":"user","content":[{"type":"text"}]}])", "messages[0].content[0].text"},
      {R"("messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":7}]}])",
       "messages[0].content[0].cache_control"},
      {R"("messages":[{"role":"user","content":[{"type":"image","source":"x"}]}])", "messages[0].content[0].source"},
      {R"("messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64"}}]}])",
       "messages[0].content[0].source.data"},
      {R"("messages":[{"role":"user","content":[{"type":"tool_result"}]}])", "messages[0].content[0].tool_use_id"},
      {R"("messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[7]}]}])",
       "messages[0].content[0].content[0]"},
      {R"("messages":[{"role":"assistant","content":[{"type":"tool_use","id":"x"}]}])", "messages[0].content[0].name"},
  };
  for (const auto& [fields, param] : cases) {
    auto got = claude_dialect.decode_request(cat(R"({"model":"m","messages":[{"role":"user","content":"x"}],)", fields, '}'), {});
    ASSERT_FALSE(got) << fields;
    EXPECT_EQ(got.error().kind(), Kind::bad_request);
    EXPECT_EQ(got.error().detail().param, param) << got.error().message();
  }
}

TEST(AnthropicRequest, NothingMalformedIsTaken) {
  const std::string body = R"({"model":"m","max_tokens":5,"system":"s","messages":[{"role":"user","content":[{"type":"text",)"
                           R"("text":"x"}]}],"tools":[{"name":"f","input_schema":{}}]})";
  ASSERT_TRUE(claude_dialect.decode_request(body, {}));
  for (std::size_t n = 0; n < body.size(); ++n) {
    EXPECT_FALSE(claude_dialect.decode_request(std::string_view{body}.substr(0, n), {})) << n;
  }
}

TEST(AnthropicRequest, TheWayThroughNamesTheModel) {
  const std::string body = R"({ "model" : "a", "max_tokens":5, "messages":[{"role":"user","content":"x"}], "stream":true })";
  auto view = claude_dialect.inspect(body, {});
  ASSERT_TRUE(view);
  EXPECT_EQ(view->model, "a");
  EXPECT_TRUE(view->stream);
  auto edits = claude_dialect.forward_edits(*view, {.model = "b"});
  ASSERT_TRUE(edits);
  EXPECT_EQ(edits->apply(body),
            R"({ "model" : "b", "max_tokens":5, "messages":[{"role":"user","content":"x"}], "stream":true })");
  EXPECT_EQ(claude_dialect.chat_target("b", Delivery::stream), "/messages");
}

}  // namespace
}  // namespace cardea::dialect
