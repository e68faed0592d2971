#include "dialect/pairs/fixtures.h"

#include "base/text.h"

namespace cardea::dialect::pairs {

using namespace model;  // NOLINT: the whole vocabulary is built here

namespace {

constexpr std::string_view png =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
constexpr std::string_view wav = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";
constexpr std::string_view pdf = "JVBERi0xLjQKMSAwIG9iago8PD4+CmVuZG9iagp0cmFpbGVyPDw+PgolJUVPRgo=";
constexpr std::string_view weather_schema =
    R"({"type":"object","properties":{"city":{"type":"string","description":"Where"},"days":{"type":"integer","minimum":1}},"required":["city"]})";
constexpr std::string_view person_schema =
    R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},"required":["name","age"],"additionalProperties":false})";

Part text(std::string said) { return {.value = Text{.text = std::move(said)}}; }
Message user(std::string said) { return {.role = Role::user, .parts = {text(std::move(said))}}; }
Message assistant(std::string said) { return {.role = Role::assistant, .parts = {text(std::move(said))}}; }
Part png_image() { return {.value = Image{.media = {.base64 = std::string{png}, .media_type = "image/png"}}}; }
Part call(std::string id, std::string name, std::string arguments) {
  return {.value = ToolCall{.id = std::move(id), .name = std::move(name), .arguments = std::move(arguments)}};
}
Part result(std::string id, std::string name, std::vector<Part> parts, std::optional<bool> is_error = {}) {
  return {.value =
              ToolResult{.call_id = std::move(id), .name = std::move(name), .is_error = is_error, .parts = std::move(parts)}};
}
Tool function(std::string name, std::string_view schema) {
  return {.name = std::move(name), .description = "Tells it", .parameters = Json{std::string{schema}}};
}

Chat hello() {
  Chat out;
  out.messages = {user("Hello")};
  return out;
}
Chat with(std::vector<Message> messages) {
  Chat out;
  out.messages = std::move(messages);
  return out;
}
template <class Change>
Chat hello_with(Change change) {
  Chat out = hello();
  change(out);
  return out;
}
Chat with_tool() {
  Chat out = with({user("Weather in Bern?")});
  out.tools = {function("get_weather", weather_schema), function("get_time", R"({"type":"object","properties":{}})")};
  return out;
}
Chat asking(ToolChoice choice) {
  Chat out = with_tool();
  out.tool_choice = std::move(choice);
  return out;
}

/// A question, one call, its result.
Chat one_result(Part answer) {
  Chat out = with_tool();
  out.messages.push_back({.role = Role::assistant, .parts = {call("call_1", "get_weather", R"({"city":"Bern"})")}});
  out.messages.push_back({.role = Role::tool, .parts = {std::move(answer)}});
  return out;
}

Chat parallel() {
  Chat out = with_tool();
  out.parallel_tool_calls = true;
  out.messages.push_back({.role = Role::assistant,
                          .parts = {text("I look."), call("call_1", "get_weather", R"({"city":"Bern","days":2})"),
                                    call("call_2", "get_time", "{}"), call("call_3", "get_weather", R"({"city":"Thun"})")}});
  out.messages.push_back({.role = Role::tool, .parts = {result("call_1", "get_weather", {text("sun")})}});
  out.messages.push_back({.role = Role::tool, .parts = {result("call_2", "get_time", {text("12:00")})}});
  out.messages.push_back({.role = Role::tool, .parts = {result("call_3", "get_weather", {text("rain")})}});
  out.messages.push_back(assistant("Sun in Bern, rain in Thun."));
  out.messages.push_back(user("Thanks"));
  return out;
}

Chat cached() {
  Chat out = with_tool();
  Part system = text("A long manual.");
  system.cache = CacheHint{};
  Part question = text("A long document.");
  question.cache = CacheHint{.ttl = "1h"};
  out.messages = {{.role = Role::system, .parts = {system}}, {.role = Role::user, .parts = {question, text("What is in it?")}}};
  out.tools->back().cache = CacheHint{};
  return out;
}

Chat sampled() {
  Chat out = hello();
  out.sampling.temperature = Number{"0.7"};
  out.sampling.top_p = Number{"0.9"};
  out.sampling.frequency_penalty = Number{"0.5"};
  out.sampling.presence_penalty = Number{"0.25"};
  return out;
}

/// Fields that nobody knows, at every level.
Chat marked() {
  Chat out = with_tool();
  out.extras = {{"vendor_top", {R"({"a":1})"}}};
  out.tools->front().extras = {{"vendor_tool", {"1"}}};
  auto& question = out.messages.front();
  question.extras = {{"vendor_message", {"2"}}};
  question.parts.front().extras = {{"vendor_part", {"3"}}};
  Message turn{.role = Role::assistant, .parts = {text("I look."), call("call_1", "get_time", "{}")}};
  turn.parts.back().extras = {{"vendor_call", {"4"}}};
  out.messages.push_back(turn);
  out.messages.push_back({.role = Role::tool, .parts = {result("call_1", "get_time", {text("12:00")})}});
  return out;
}

Chat detailed() {
  Chat out = hello();
  out.user = "user-1";
  out.service_tier = "auto";
  out.metadata = std::vector<Metadata>{{"team", "blue"}};
  out.store = false;
  out.verbosity = "low";
  out.safety_identifier = "safe-1";
  out.prompt_cache_key = "key-1";
  return out;
}

Chat schema(std::optional<bool> strict) {
  Chat out = hello();
  out.response_format = ResponseFormat{
      .kind = ResponseFormat::Kind::json_schema, .name = "person", .schema = Json{std::string{person_schema}}, .strict = strict};
  return out;
}

Chat in_history(Part part) { return with({user("Hello"), {.role = Role::assistant, .parts = {std::move(part)}}, user("Go on")}); }

std::string odd_text() {
  return "Grüße 😀 \xe2\x80\xa8 \xe2\x80\xa9 \"quoted\" \\ \t line\nnext </script> \x7f "
         "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb";
}
std::string long_text() {
  std::string out;
  while (out.size() < 200u << 10) out += "A long line of text, again and again. ";
  return out;
}

void tool_requests(std::vector<RequestCase>& out) {
  using Mode = ToolChoice::Mode;
  out.push_back({"tools", with_tool()});
  out.push_back({"tool choice none", asking({.mode = Mode::none})});
  out.push_back({"tool choice auto", asking({.mode = Mode::automatic})});
  out.push_back({"tool choice required", asking({.mode = Mode::required})});
  out.push_back({"tool choice named", asking({.mode = Mode::named, .name = "get_time"})});
  out.push_back({"tool result", one_result(result("call_1", "get_weather", {text("sun")}))});
  out.push_back({"tool result of JSON", one_result(result("call_1", "get_weather", {text(R"({"sky":"sun","t":21.50})")}))});
  out.push_back({"tool result, failed", one_result(result("call_1", "get_weather", {text("no such city")}, true))});
  out.push_back({"tool result with image", one_result(result("call_1", "get_weather", {text("a map"), png_image()}))});
  out.push_back({"tool result, empty", one_result(result("call_1", "get_weather", {}))});
  out.push_back({"parallel calls", parallel()});
  auto strict = with_tool();
  strict.tools->front().strict = true;
  out.push_back({"strict tool", strict});
  auto sequential = with_tool();
  sequential.parallel_tool_calls = false;
  out.push_back({"one call at a time", sequential});
  auto words = one_result(result("call_1", "get_weather", {text("sun")}));
  words.messages.push_back(user("And tomorrow?"));
  out.push_back({"tool result, then words", words});
  auto custom = hello();
  custom.tools = {Tool{.kind = Tool::Kind::custom, .name = "shell", .description = "Runs it"}};
  out.push_back({"custom tool", custom});
  custom.messages.push_back(
      {.role = Role::assistant,
       .parts = {{.value = ToolCall{.id = "call_1", .name = "shell", .arguments = "ls \"-l\"\n", .kind = ToolKind::custom}}}});
  custom.messages.push_back({.role = Role::tool, .parts = {result("call_1", "shell", {text("a.txt")})}});
  out.push_back({"custom tool, called", custom});
}

void more_requests(std::vector<RequestCase>& out) {
  out.push_back({"text, image, text, image",
                 with({{.role = Role::user, .parts = {text("First:"), png_image(), text("Second:"), png_image()}}})});
  out.push_back({"several texts", with({{.role = Role::user, .parts = {text("One."), text("Two."), text("Three.")}}})});
  out.push_back({"last word to the model", with({user("Count"), assistant("One, two,")})});
  out.push_back({"two users in a row", with({user("One"), user("Two")})});
  auto named = with_tool();
  named.tools->push_back(function("files.read/v1", weather_schema));
  named.messages.push_back({.role = Role::assistant, .parts = {call("call_1", "files.read/v1", R"({"city":"Bern"})")}});
  named.messages.push_back({.role = Role::tool, .parts = {result("call_1", "files.read/v1", {text("x")})}});
  out.push_back({"tool of another name", named});
  auto twice = one_result(result("call_1", "get_weather", {text("sun"), text("and wind")}));
  twice.messages.push_back(
      {.role = Role::assistant, .parts = {text("Once more."), call("call_9", "get_weather", R"({"city":"Thun"})")}});
  twice.messages.push_back({.role = Role::tool, .parts = {result("call_9", "get_weather", {text("rain")})}});
  out.push_back({"call after call", twice});
  auto swapped = with_tool();
  swapped.messages.push_back({.role = Role::assistant,
                              .parts = {call("call_1", "get_weather", R"({"city":"Bern"})"), call("call_2", "get_time", "{}")}});
  swapped.messages.push_back({.role = Role::tool, .parts = {result("call_2", "get_time", {text("12:00")})}});
  swapped.messages.push_back({.role = Role::tool, .parts = {result("call_1", "get_weather", {text("sun")})}});
  out.push_back({"results in another order", swapped});
  Part low = png_image();
  std::get<Image>(low.value).detail = "low";
  out.push_back({"image in low detail", with({{.role = Role::user, .parts = {text("What is it?"), low}}})});
  out.push_back({"text file", with({{.role = Role::user,
                                     .parts = {text("Sum it up."),
                                               {.value = File{.media = {.base64 = "SGVsbG8gdGhlcmUu", .media_type = "text/plain"},
                                                              .name = "note.txt"}}}}})});
  out.push_back({"MP3", with({{.role = Role::user,
                               .parts = {text("What is said?"),
                                         {.value = Audio{.media = {.base64 = "SUQzBAAAAAAAAA==", .media_type = "audio/mpeg"},
                                                         .format = "mp3"}}}}})});
  auto called = with({{.role = Role::user, .name = "ann", .parts = {text("Hello")}}});
  out.push_back({"a user's name", called});
  Message manual{.role = Role::system, .parts = {text("Be brief."), text("Be kind.")}};
  out.push_back({"system of two parts", with({manual, user("Hello")})});
  auto search = hello();
  search.tools = {Tool{.kind = Tool::Kind::built_in, .name = "web_search", .builtin = Json{R"({"type":"web_search"})"}}};
  out.push_back({"web search", search});
  auto unused = with_tool();
  unused.response_format = schema(std::nullopt).response_format;
  out.push_back({"schema beside tools", unused});
}

void field_requests(std::vector<RequestCase>& out) {
  const auto add = [&](std::string_view name, auto change) { out.push_back({name, hello_with(change)}); };
  out.push_back({"sampling", sampled()});
  add("top_k", [](Chat& c) { c.sampling.top_k = Number{"40"}; });
  add("seed", [](Chat& c) { c.sampling.seed = Number{"42"}; });
  add("temperature 1.5", [](Chat& c) { c.sampling.temperature = Number{"1.5"}; });
  add("stop", [](Chat& c) { c.stop = {{"END", "\n\n"}}; });
  add("five stops", [](Chat& c) { c.stop = {{"a", "b", "c", "d", "e"}}; });
  add("max output tokens", [](Chat& c) { c.limits.max_output_tokens = 100; });
  add("max tokens", [](Chat& c) { c.limits.max_tokens = 100; });
  add("two choices", [](Chat& c) { c.n = 2; });
  add("logprobs", [](Chat& c) { c.logprobs = true, c.top_logprobs = 2; });
  out.push_back({"schema", schema(std::nullopt)});
  out.push_back({"schema, strict", schema(true)});
  add("JSON object", [](Chat& c) { c.response_format = ResponseFormat{.kind = ResponseFormat::Kind::json_object}; });
  add("reasoning effort none", [](Chat& c) { c.reasoning = Reasoning{.effort = "none"}; });
  add("reasoning effort minimal", [](Chat& c) { c.reasoning = Reasoning{.effort = "minimal"}; });
  add("reasoning effort xhigh", [](Chat& c) { c.reasoning = Reasoning{.effort = "xhigh"}; });
  add("reasoning effort", [](Chat& c) { c.reasoning = Reasoning{.effort = "low"}; });
  add("thinking budget", [](Chat& c) { c.reasoning = Reasoning{.budget_tokens = 8192, .mode = "enabled"}; });
  add("odd thinking budget", [](Chat& c) { c.reasoning = Reasoning{.budget_tokens = 5000, .mode = "enabled"}; });
  add("reasoning, summed up", [](Chat& c) { c.reasoning = Reasoning{.effort = "medium", .summary = "auto"}; });
  add("adaptive thinking", [](Chat& c) { c.reasoning = Reasoning{.mode = "adaptive"}; });
  add("tier flex", [](Chat& c) { c.service_tier = "flex"; });
  add("tier priority", [](Chat& c) { c.service_tier = "priority"; });
  add("logit bias", [](Chat& c) { c.sampling.logit_bias = Json{R"({"50256":-100})"}; });
  add("min_p, repetition penalty", [](Chat& c) {
    c.sampling.min_p = Number{"0.05"};
    c.sampling.repetition_penalty = Number{"1.1"};
  });
  add("thinking off", [](Chat& c) { c.reasoning = Reasoning{.mode = "disabled"}; });
  add("safety settings", [](Chat& c) { c.safety = std::vector<SafetySetting>{{"HARM_CATEGORY_HARASSMENT", "BLOCK_NONE"}}; });
  out.push_back({"cache marks", cached()});
  out.push_back({"user, tier, metadata …", detailed()});
  out.push_back({"vendor's own fields", marked()});
  add("stream", [](Chat& c) { c.stream = true, c.include_usage = true; });
}

}  // namespace

std::vector<RequestCase> request_cases() {
  std::vector<RequestCase> out;
  const Message system{.role = Role::system, .parts = {text("Be brief.")}};
  const Message developer{.role = Role::developer, .parts = {text("Answer in German.")}};
  out.push_back({"text", hello()});
  out.push_back({"system, turns", with({system, user("Hello"), assistant("Hi!"), user("How are you?")})});
  out.push_back(
      {"developer, two systems", with({system, developer, {.role = Role::system, .parts = {text("And kind.")}}, user("Hello")})});
  out.push_back({"system within", with({system, user("Hello"), assistant("Hi!"), developer, user("How are you?")})});
  out.push_back({"image inline", with({{.role = Role::user, .parts = {text("What is it?"), png_image()}}})});
  out.push_back({"image by URL",
                 with({{.role = Role::user,
                        .parts = {{.value = Image{.media = {.url = "https://example.org/a.png"}}}, text("What is it?")}}})});
  out.push_back(
      {"audio",
       with({{.role = Role::user,
              .parts = {text("What is said?"),
                        {.value = Audio{.media = {.base64 = std::string{wav}, .media_type = "audio/wav"}, .format = "wav"}}}}})});
  out.push_back(
      {"PDF inline", with({{.role = Role::user,
                            .parts = {text("Sum it up."),
                                      {.value = File{.media = {.base64 = std::string{pdf}, .media_type = "application/pdf"},
                                                     .name = "report.pdf"}}}}})});
  out.push_back({"PDF by URL", with({{.role = Role::user,
                                      .parts = {text("Sum it up."),
                                                {.value = File{.media = {.url = "https://example.org/report.pdf",
                                                                         .media_type = "application/pdf"}}}}}})});
  tool_requests(out);
  more_requests(out);
  out.push_back(
      {"thinking in history", with({user("Hello"),
                                    {.role = Role::assistant, .parts = {{.value = Thinking{.text = "They greet."}}, text("Hi!")}},
                                    user("Go on")})});
  out.push_back({"refusal in history", in_history({.value = Refusal{"I cannot."}})});
  out.push_back(
      {"citations in history",
       in_history({.value = Text{.text = "It rains.",
                                 .citations = {{.url = "https://example.org/w", .title = "Weather", .start = 0, .end = 9}}}})});
  field_requests(out);
  out.push_back({"odd characters", with({user(odd_text()), assistant(odd_text()), user(odd_text())})});
  out.push_back({"empty text", with({user("Hello"), assistant(""), user("Hello?")})});
  out.push_back({"long text", with({user(long_text().substr(0, 32u << 10))})});
  return out;
}

// --- answers ----------------------------------------------------------------------------------------------------------------

namespace {

Answer answer(std::vector<Part> parts, Finish finish = Finish::stop) {
  return {.id = "answer-1",
          .model = "up-model-1",
          .created = 1'700'000'000,
          .choices = {Choice{.parts = std::move(parts), .finish = finish}},
          .usage = Usage{.input = 12, .output = 7}};
}
Part thinking(std::string said) { return {.value = Thinking{.text = std::move(said)}}; }
Part cited(std::string said, Citation citation) {
  return {.value = Text{.text = std::move(said), .citations = {std::move(citation)}}};
}

void call_answers(std::vector<AnswerCase>& out) {
  out.push_back({"call", answer({call("call_1", "get_weather", R"({"city":"Bern"})")}, Finish::tool_calls)});
  out.push_back(
      {"words, then call", answer({text("I look."), call("call_1", "get_weather", R"({"city":"Bern"})")}, Finish::tool_calls)});
  out.push_back({"parallel calls", answer({call("call_1", "get_weather", R"({"city":"Bern","days":2})"),
                                           call("call_2", "get_time", "{}"), call("call_3", "get_weather", R"({"city":"Thun"})")},
                                          Finish::tool_calls)});
  out.push_back({"call without arguments", answer({call("call_1", "get_time", "{}")}, Finish::tool_calls)});
  out.push_back({"call with odd arguments",
                 answer({call("call_1", "get_weather", R"({"city":"Grüße 😀 \" \\ \u2028","days":18446744073709551616})")},
                        Finish::tool_calls)});
}

}  // namespace

std::vector<AnswerCase> answer_cases() {
  std::vector<AnswerCase> out;
  out.push_back({"text", answer({text("Hello there!")})});
  out.push_back({"thinking, text", answer({thinking("They greet me."), text("Hi!")})});
  call_answers(out);
  out.push_back({"thinking, text, call",
                 answer({thinking("Look it up."), text("I look."), call("call_1", "get_time", "{}")}, Finish::tool_calls)});
  out.push_back({"citation of an address",
                 answer({cited("It rains.", {.url = "https://example.org/w", .title = "Weather", .start = 0, .end = 9})})});
  out.push_back(
      {"citation of a document",
       answer({cited("It rains.", {.title = "Report", .start = 0, .end = 9, .cited_text = "Rain falls.", .document = 0})})});
  out.push_back({"refusal", answer({{.value = Refusal{"I cannot help with that."}}}, Finish::refusal)});
  out.push_back({"refusal without words", answer({text("Well")}, Finish::refusal)});
  out.push_back({"length", answer({text("Once upon a")}, Finish::length)});
  out.push_back({"content filter", answer({text("Once")}, Finish::content_filter)});
  auto stopped = answer({text("Hello ")}, Finish::stop_sequence);
  stopped.choices[0].stop_sequence = "END";
  out.push_back({"stop sequence", stopped});
  out.push_back({"context full", answer({text("Once upon a")}, Finish::context_limit)});
  out.push_back({"call amiss", answer({text("Once")}, Finish::malformed_call)});
  out.push_back({"broken off", answer({text("Once")}, Finish::failed)});
  out.push_back({"two texts", answer({text("One. "), text("Two.")})});
  out.push_back({"call, then words", answer({call("call_1", "get_time", "{}"), text("I looked.")}, Finish::tool_calls)});
  out.push_back({"thoughts between calls", answer({thinking("First."), call("call_1", "get_time", "{}"), thinking("Then."),
                                                   call("call_2", "get_weather", R"({"city":"Bern"})")},
                                                  Finish::tool_calls)});
  auto uncounted = answer({text("Hi!")});
  uncounted.usage.reset();
  out.push_back({"not counted", uncounted});
  auto used = answer({thinking("Hm."), text("Hi!")});
  used.usage = Usage{.input = 10, .cache_read = 20, .cache_write = 30, .output = 15, .reasoning = 5};
  out.push_back({"usage, cached and reasoning", used});
  auto both = answer({text("One")});
  both.choices.push_back({.index = 1, .parts = {text("Two")}, .finish = Finish::length});
  out.push_back({"two choices", both});
  out.push_back({"image", answer({text("Here:"), png_image()})});
  auto tier = answer({text("Hi!")});
  tier.service_tier = "default";
  out.push_back({"service tier", tier});
  auto likely = answer({text("Hi")});
  likely.choices[0].logprobs = Json{
      R"({"content":[{"token":"Hi","logprob":-0.25,"bytes":[72,105],"top_logprobs":[{"token":"Hi","logprob":-0.25,"bytes":[72,105]}]}],"refusal":null})"};
  out.push_back({"logprobs", likely});
  auto extra = answer({text("Hi!")});
  extra.extras = {{"vendor_top", {"1"}}};
  extra.choices[0].extras = {{"vendor_choice", {"2"}}};
  extra.choices[0].message_extras = {{"vendor_message", {"3"}}};
  out.push_back({"vendor's own fields", extra});
  out.push_back({"odd characters", answer({thinking(odd_text()), text(odd_text())})});
  out.push_back({"empty answer", answer({})});
  out.push_back({"long text", answer({text(long_text())})});
  return out;
}

std::vector<AnswerCase> two_turn_cases() {
  std::vector<AnswerCase> out;
  const auto signed_thinking = [](std::string said, std::string signature) {
    return Part{.value = Thinking{.text = std::move(said), .signature = std::move(signature)}};
  };
  const auto signed_call = [](std::string id, std::string signature) {
    return Part{.value = ToolCall{.id = std::move(id), .name = "get_time", .arguments = "{}", .signature = std::move(signature)}};
  };
  out.push_back({"signed thinking",
                 answer({signed_thinking("Look.", "c2lnbmF0dXJlLTE="), text("I look."), call("call_1", "get_time", "{}")},
                        Finish::tool_calls)});
  out.push_back({"two signed thoughts", answer({signed_thinking("Look.", "c2lnLTE="), signed_thinking("Again.", "c2lnLTI="),
                                                call("call_1", "get_time", "{}")},
                                               Finish::tool_calls)});
  out.push_back({"redacted thinking",
                 answer({{.value = Thinking{.text = {}, .redacted = "cmVkYWN0ZWQ="}}, call("call_1", "get_time", "{}")},
                        Finish::tool_calls)});
  out.push_back({"encrypted reasoning",
                 answer({{.value = Thinking{.text = "Look.", .id = "rs_1", .encrypted = "ZW5jcnlwdGVk", .summary = {"Look."}}},
                         call("call_1", "get_time", "{}")},
                        Finish::tool_calls)});
  out.push_back({"signed calls", answer({signed_call("call_1", "c2lnLWNhbGwtMQ=="), signed_call("call_2", "c2lnLWNhbGwtMg==")},
                                        Finish::tool_calls)});
  return out;
}

}  // namespace cardea::dialect::pairs
