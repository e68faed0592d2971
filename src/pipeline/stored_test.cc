// Stored responses, as clients of the Responses API see them: over upstreams of another dialect, which the gateway keeps itself,
// and over OpenAI's own, which keep theirs.

#include <gtest/gtest.h>

#include "testing/gateway/chat.h"
#include "testing/gateway/test_server.h"

namespace cardea::pipeline {
namespace {

using namespace testing;  // NOLINT: a test of conversations
using namespace std::chrono_literals;

constexpr std::string_view config = R"(
discovery: off
keys: [{name: ann, key: ann-key-0123456789}, {name: bob, key: bob-key-0123456789}]
providers:
  claude: {dialect: anthropic, base_url: "http://claude:8000/v1", api_key: sk-upstream-0123456789abcdef, models: [{id: c}]}
  oai: {dialect: openai_responses, base_url: "http://oai:8000/v1", api_key: sk-upstream-0123456789abcdef, models: [{id: o}]}
  other: {dialect: openai_responses, base_url: "http://other:8000/v1", api_key: sk-upstream-0123456789abcdef, models: [{id: o}]}
)";
constexpr std::string_view ann = "Authorization: Bearer ann-key-0123456789\r\n";
constexpr std::string_view bob = "Authorization: Bearer bob-key-0123456789\r\n";

/// A turn of Claude's. Always the same id: some servers do that.
std::string said(std::string_view text) {
  return response(
      200, cat(R"({"id":"msg_same","type":"message","role":"assistant","model":"c-1","content":[{"type":"text","text":")", text,
               R"("}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}})"));
}
std::vector<std::string> said_in_events(std::string_view text) {
  const auto event = [](std::string_view type, std::string_view more) {
    return cat("event: ", type, "\ndata: {\"type\":\"", type, "\"", more, "}\n\n");
  };
  return {event("message_start", R"(,"message":{"id":"msg_same","type":"message","role":"assistant","model":"c-1","content":[],)"
                                 R"("stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}})"),
          event("content_block_start", R"(,"index":0,"content_block":{"type":"text","text":""})"),
          event("content_block_delta", cat(R"(,"index":0,"delta":{"type":"text_delta","text":")", text, R"("})")),
          event("content_block_stop", R"(,"index":0)"),
          event("message_delta", R"(,"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2})"),
          event("message_stop", "")};
}

/// An answer of OpenAI's, with an id and spelling of its own.
std::string of_openai(std::string_view id, std::string_view more = "") {
  return cat(
      R"({ "id":")", id,
      R"(","object":"response","created_at":1,"status":"completed","model":"o-1","output":[{"type":"message",)",
      R"("id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"ok","annotations":[]}]}],)",
      R"("usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5})", more, "}");
}

struct Dut : TestServer {
  explicit Dut(std::string_view more = "") : TestServer{Setup{.config = cat(config, more)}}, client{connect()} {}

  Client client;
  Upstream& claude() { return upstream("claude:8000"); }
  Upstream& oai() { return upstream("oai:8000"); }

  Dut& post(std::string_view members, Lines key = ann, std::string_view path = "/v1/responses") {
    client.send(request("POST", path, key, cat("{", members, "}")));
    return *this;
  }
  /// Asks Claude, answers for it, and returns the answer.
  testing::Answer turn(std::string_view members, std::string_view text, Lines key = ann) {
    post(cat(R"("model":"claude/c",)", members), key);
    asked = claude().expect_request();
    const bool streams = members.find(R"("stream":true)") != std::string_view::npos;
    asked->answer(streams ? stream_of(said_in_events(text)) : said(text));
    testing::Answer answer = client.answer();
    answer.expect_status(200);
    return answer;
  }
  testing::Answer get(std::string_view path, Lines key = ann) { return client.get(path, key).answer(); }
  testing::Answer erase(std::string_view path, Lines key = ann) { return client.send(request("DELETE", path, key)).answer(); }
  std::optional<Asked> asked;
};

void expect_unknown(const testing::Answer& answer, std::source_location where = std::source_location::current()) {
  answer.expect_error(404, "invalid_request_error", "", where);
}

void expect_no_previous(const testing::Answer& answer, std::string_view id) {
  answer.expect_error(400, "invalid_request_error", "previous_response_not_found");
  EXPECT_EQ(answer.at("error.param"), "previous_response_id");
  EXPECT_TRUE(answer.at("error.message").starts_with(cat("Previous response with id '", id, "' not found."))) << answer.body;
}

// ---- Kept by the gateway ---------------------------------------------------------------------------------------------------

TEST(StoredResponses, AnAnswerCanBeAskedForAgain) {
  Dut dut;
  const auto answer = dut.turn(R"("instructions":"Be brief.","input":"Hi")", "Hello.");
  const std::string id = answer.at("id");
  EXPECT_TRUE(id.starts_with("resp_") && id.size() > 30) << id;
  EXPECT_EQ(answer.at("store"), "true");
  for (const auto* path : {"/v1/responses/", "/responses/", "/openai/v1/responses/", "/openai/responses/"}) {
    dut.get(cat(path, id)).expect_status(200).expect_header("content-type", "application/json").expect_body(answer.body);
  }
  dut.get(cat("/v1/responses/", id, "?include[]=reasoning.encrypted_content")).expect_body(answer.body);
  const auto items = dut.get(cat("/v1/responses/", id, "/input_items"));
  EXPECT_EQ(items.at("data.0.content.0.text"), "Hi");
  EXPECT_EQ(items.at("data.1"), "(none)");
  EXPECT_EQ(items.at("first_id"), items.at("data.0.id"));
  EXPECT_EQ(items.at("has_more"), "false");
}

TEST(StoredResponses, IdsAreTheGatewaysOwn) {
  Dut dut;  // whose upstream repeats its ids
  const auto first = dut.turn(R"("input":"1")", "one");
  const auto second = dut.turn(R"("input":"2")", "two");
  EXPECT_NE(first.at("id"), second.at("id"));
  EXPECT_EQ(dut.get(cat("/v1/responses/", first.at("id"))).body, first.body);
}

TEST(StoredResponses, WhatIsNotToBeKeptIsNot) {
  Dut dut;
  const auto answer = dut.turn(R"("input":"Hi","store":false)", "Hello.");
  EXPECT_EQ(answer.at("store"), "false");
  answer.expect_no_header("x-cardea-loss");
  expect_unknown(dut.get(cat("/v1/responses/", answer.at("id"))));
  EXPECT_EQ(dut.stored().size(), 0U);
  Dut off{"responses: {store: off}\n"};
  EXPECT_EQ(off.turn(R"("input":"Hi","store":true)", "Hello.").at("store"), "false");
  EXPECT_EQ(off.stored().size(), 0U);
}

TEST(StoredResponses, AStreamIsKeptBeforeItsEndIsSaid) {
  Dut dut;
  dut.stored().hold();
  dut.post(R"("model":"claude/c","input":"Hi","stream":true)");
  Asked asked = dut.claude().expect_request();
  const auto events = said_in_events("Hello.");
  asked.answer(stream_head());
  for (const auto& event : events) {
    asked.answer(chunk(event));
    dut.run_for(1ms);
  }
  dut.client.expect_heard("response.output_text.delta");  // event by event
  EXPECT_EQ(dut.stored().waiting(), 1U);
  EXPECT_EQ(dut.client.peer().inbox().find("response.completed"), std::string::npos);
  dut.stored().let_go();
  const auto answer = dut.client.answer();
  const std::string last = answer.events().back();
  EXPECT_EQ(testing::Answer::text_at(last, "type"), "response.completed");
  const auto shown = dut.get(cat("/v1/responses/", testing::Answer::text_at(last, "response.id")));
  EXPECT_EQ(shown.body, testing::Answer::text_at(last, "response"));
  EXPECT_EQ(shown.at("output.0.content.0.text"), "Hello.");
}

TEST(StoredResponses, ABrokenStreamIsNotKept) {
  Dut dut;
  dut.post(R"("model":"claude/c","input":"Hi","stream":true)");
  const auto events = said_in_events("Hello.");
  dut.claude().expect_request().answer(stream_head() + chunk(events[0] + events[1] + events[2]) + chunk(""));
  const auto answer = dut.client.answer();
  EXPECT_EQ(testing::Answer::text_at(answer.events().back(), "type"), "error");
  EXPECT_EQ(dut.stored().size(), 0U);
}

TEST(StoredResponses, WhatCannotBeKeptIsAnsweredAndSaysSo) {
  Dut dut;
  dut.stored().fail_with_message("disk full");
  EXPECT_EQ(dut.turn(R"("input":"Hi")", "Hello.").at("store"), "false");
  const auto streamed = dut.turn(R"("input":"Hi","stream":true)", "Hello.");
  const auto events = streamed.events();
  EXPECT_EQ(testing::Answer::text_at(events.front(), "response.store"), "true");  // as it was meant then
  EXPECT_EQ(testing::Answer::text_at(events.back(), "response.store"), "false");
  EXPECT_EQ(testing::Answer::text_at(events.back(), "response.output.0.content.0.text"), "Hello.");
  ASSERT_EQ(dut.failures().size(), 2U);
  EXPECT_EQ(dut.failures()[0], "store internal disk full");
}

TEST(StoredResponses, AStoreThatHangsDelaysNobodyForLong) {
  Dut dut;
  dut.stored().hold();
  dut.post(R"("model":"claude/c","input":"Hi")");
  dut.claude().expect_request().answer(said("Hello."));
  EXPECT_EQ(dut.client.answer().at("store"), "false");
  dut.get("/v1/responses/resp_x").expect_error(503, "server_error", "");
  dut.stored().let_go();
}

TEST(StoredResponses, AClientMayLeaveWhileTheStoreWorks) {
  Dut dut;
  dut.stored().hold();
  dut.post(R"("model":"claude/c","input":"Hi")");
  dut.claude().expect_request().answer(said("Hello."));
  dut.expect_until([&] { return dut.stored().waiting() == 1; }, 1s, "the store");
  dut.client.peer().reset();
  dut.run_for(1s);
  EXPECT_EQ(dut.gauge(record::Gauge::in_flight_requests), 0);
  dut.stored().let_go();
  dut.run_for(1s);
  EXPECT_EQ(dut.stored().size(), 1U);
  EXPECT_TRUE(dut.failures().empty());
}

TEST(StoredResponses, AreDeletedOnce) {
  Dut dut;
  const std::string id = dut.turn(R"("input":"Hi")", "Hello.").at("id");
  dut.erase(cat("/v1/responses/", id))
      .expect_status(200)
      .expect_body(cat(R"({"id":")", id, R"(","object":"response","deleted":true})"));
  expect_unknown(dut.get(cat("/v1/responses/", id)));
  expect_unknown(dut.erase(cat("/v1/responses/", id)));
  expect_unknown(dut.get(cat("/v1/responses/", id, "/input_items")));
}

TEST(StoredResponses, AreTheirOwnersAlone) {
  Dut dut;
  const std::string id = dut.turn(R"("input":"Hi")", "Hello.").at("id");
  const auto foreign = dut.get(cat("/v1/responses/", id), bob);
  expect_unknown(foreign);
  expect_unknown(dut.get(cat("/v1/responses/", id, "/input_items"), bob));
  expect_unknown(dut.erase(cat("/v1/responses/", id), bob));
  dut.post("", bob, cat("/v1/responses/", id, "/cancel"));
  expect_unknown(dut.client.answer());
  dut.post(cat(R"("model":"claude/c","input":"x","previous_response_id":")", id, "\""), bob);
  expect_no_previous(dut.client.answer(), id);
  dut.post(cat(R"("model":"oai/o","input":"x","previous_response_id":")", id, "\""), bob);
  expect_no_previous(dut.client.answer(), id);  // nor is it asked of an upstream
  dut.get(cat("/v1/responses/", id), "").expect_status(401);
  dut.get(cat("/v1/responses/", id)).expect_status(200);
  // A stranger's id and nobody's look the same.
  std::string nobody{id};
  nobody.back() = nobody.back() == 'a' ? 'b' : 'a';
  std::string told = dut.get(cat("/v1/responses/", nobody), bob).body;
  told.replace(told.find(nobody), nobody.size(), id);
  EXPECT_EQ(told, foreign.body);
}

TEST(StoredResponses, ExpireAsConfigured) {
  Dut dut{"responses: {retention_days: 2}\n"};
  const auto answer = dut.turn(R"("input":"Hi")", "Hello.");
  const std::string path = cat("/v1/responses/", answer.at("id"));
  const std::int64_t created = std::stoll(answer.at("created_at"));
  dut.stored().set_time(created + 2 * 86'400 - 1);
  dut.get(path).expect_status(200);
  dut.stored().set_time(created + 2 * 86'400 + 1);
  expect_unknown(dut.get(path));
}

TEST(StoredResponses, WhatIsNotDoneIsRefusedClearly) {
  Dut dut;
  const std::string id = dut.turn(R"("input":"Hi")", "Hello.").at("id");
  dut.post("", ann, cat("/v1/responses/", id, "/cancel"));
  const auto cancelled = dut.client.answer();
  cancelled.expect_error(400, "invalid_request_error", "");
  EXPECT_EQ(cancelled.at("error.message"), "Cannot cancel a synchronous response.");
  EXPECT_EQ(dut.get(cat("/v1/responses/", id, "?stream=true")).expect_status(400).at("error.param"), "stream");
  EXPECT_EQ(dut.get(cat("/v1/responses/", id, "/input_items?limit=0")).expect_status(400).at("error.param"), "limit");
  EXPECT_EQ(dut.get(cat("/v1/responses/", id, "/input_items?limit=101")).expect_status(400).at("error.param"), "limit");
  EXPECT_EQ(dut.get(cat("/v1/responses/", id, "/input_items?order=up")).expect_status(400).at("error.param"), "order");
  EXPECT_EQ(dut.get(cat("/v1/responses/", id, "/input_items?after=no")).expect_status(400).at("error.param"), "after");
  dut.client.send(request("PUT", cat("/v1/responses/", id), ann))
      .answer()
      .expect_status(405)
      .expect_header("allow", "GET, HEAD, DELETE");
}

// ---- Chains ----------------------------------------------------------------------------------------------------------------

TEST(StoredResponses, AChainIsToldInFull) {
  for (const auto* how : {"", R"(,"stream":true)"}) {
    Dut dut;
    const auto id_of = [](const testing::Answer& answer) {
      return answer.body.starts_with("{") ? answer.at("id") : testing::Answer::text_at(answer.events().back(), "response.id");
    };
    const auto first = dut.turn(cat(R"("instructions":"Be brief.","input":"one")", how), "1");
    const auto second = dut.turn(cat(R"("previous_response_id":")", id_of(first), R"(","input":"two")", how), "2");
    second.expect_no_header("x-cardea-loss");
    const auto third = dut.turn(cat(R"("previous_response_id":")", id_of(second),
                                    R"(","instructions":"Anew.","input":[{"role":"user","content":"three"}])", how),
                                "3");
    EXPECT_EQ(Answer::text_at(dut.asked->body, "messages"),
              R"([{"role":"user","content":"one"},{"role":"assistant","content":"1"},{"role":"user","content":"two"},)"
              R"({"role":"assistant","content":"2"},{"role":"user","content":"three"}])")
        << dut.asked->body;
    EXPECT_EQ(Answer::text_at(dut.asked->body, "system"), "Anew.");  // instructions are not inherited
    const auto shown = dut.get(cat("/v1/responses/", id_of(third)));
    EXPECT_EQ(shown.at("previous_response_id"), id_of(second));
    const auto page = dut.get(cat("/v1/responses/", id_of(third), "/input_items?order=asc&limit=3"));
    EXPECT_EQ(page.at("data.0.content.0.text"), "one");
    EXPECT_EQ(page.at("data.2.content.0.text"), "two");
    EXPECT_EQ(page.at("has_more"), "true");
    const auto rest = dut.get(cat("/v1/responses/", id_of(third), "/input_items?order=asc&after=", page.at("last_id")));
    EXPECT_EQ(rest.at("data.1.content.0.text"), "three");
    EXPECT_EQ(rest.at("has_more"), "false");
    // A branch from the middle, and one that is not kept itself.
    const auto branch =
        dut.turn(cat(R"("previous_response_id":")", id_of(first), R"(","input":"other","store":false)", how), "4");
    EXPECT_EQ(Answer::text_at(dut.asked->body, "messages.2.content"), "other");
    // What the first one was asked is deleted with it, what went on from it is not.
    dut.erase(cat("/v1/responses/", id_of(first))).expect_status(200);
    static_cast<void>(dut.turn(cat(R"("previous_response_id":")", id_of(third), R"(","input":"five")"), "5"));
    EXPECT_EQ(Answer::text_at(dut.asked->body, "messages.0.content"), "one");
  }
}

TEST(StoredResponses, CallsAreAnsweredInTheNextTurn) {
  Dut dut;
  dut.post(
      R"("model":"claude/c","input":"weather?","tools":[{"type":"function","name":"w","parameters":{"type":"object","properties":{}}}])");
  dut.claude().expect_request().answer(response(
      200,
      R"({"id":"msg_1","type":"message","role":"assistant","model":"c-1","content":[{"type":"tool_use","id":"toolu_1","name":"w",)"
      R"("input":{}}],"stop_reason":"tool_use","usage":{"input_tokens":3,"output_tokens":2}})"));
  const auto called = dut.client.answer();
  EXPECT_EQ(called.at("output.0.call_id"), "toolu_1");
  static_cast<void>(dut.turn(cat(R"("previous_response_id":")", called.at("id"),
                                 R"(","input":[{"type":"function_call_output","call_id":"toolu_1","output":"sunny"}])"),
                             "Sunny."));
  EXPECT_EQ(Answer::text_at(dut.asked->body, "messages.1.content.0.type"), "tool_use") << dut.asked->body;
  EXPECT_EQ(Answer::text_at(dut.asked->body, "messages.2.content.0.tool_use_id"), "toolu_1");
}

TEST(StoredResponses, ThoughtsGoBackToTheirIssuerAlone) {
  Dut dut;
  dut.post(R"("model":"claude/c","input":"think","reasoning":{"effort":"low"},"max_output_tokens":4000)");
  dut.claude().expect_request().answer(response(
      200,
      R"({"id":"msg_1","type":"message","role":"assistant","model":"c-1","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},)"
      R"({"type":"text","text":"ok"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":2}})"));
  const std::string id = dut.client.answer().at("id");
  static_cast<void>(dut.turn(cat(R"("previous_response_id":")", id, R"(","input":"more","reasoning":{"effort":"low"})"), "ok"));
  EXPECT_EQ(Answer::text_at(dut.asked->body, "messages.1.content.0.signature"), "c2ln") << dut.asked->body;
  dut.post(cat(R"("model":"oai/o","previous_response_id":")", id, R"(","input":"more")"));
  Asked elsewhere = dut.oai().expect_request();
  EXPECT_EQ(elsewhere.body.find("c2ln"), std::string::npos);
  EXPECT_EQ(elsewhere.body.find(id), std::string::npos) << elsewhere.body;  // nobody there knows it
  EXPECT_EQ(Answer::text_at(elsewhere.body, "input.0.content"), "think") << elsewhere.body;
  elsewhere.answer(response(200, of_openai("resp_theirs")));
  const auto answer = dut.client.answer();
  EXPECT_EQ(answer.at("id"), "resp_theirs");
  EXPECT_EQ(answer.at("previous_response_id"), id);
}

// As Vercel's SDK says earlier turns of an answer that is kept.
TEST(StoredResponses, ItemsMayBeNamed) {
  Dut dut;
  const auto first = dut.turn(R"("input":"one")", "1");
  const auto second = dut.turn(cat(R"("input":[{"role":"user","content":"one"},{"type":"item_reference","id":")",
                                   first.at("output.0.id"), R"("},{"role":"user","content":"two"}])"),
                               "2");
  second.expect_no_header("x-cardea-loss");
  EXPECT_EQ(Answer::text_at(dut.asked->body, "messages"),
            R"([{"role":"user","content":"one"},{"role":"assistant","content":"1"},{"role":"user","content":"two"}])");
  const auto items = dut.get(cat("/v1/responses/", second.at("id"), "/input_items?order=asc"));
  EXPECT_EQ(items.at("data.1.content.0.text"), "1");
  EXPECT_EQ(items.at("data.1.id"), first.at("output.0.id"));
  for (const auto& [id, key] : {std::pair{first.at("output.0.id"), bob}, std::pair{std::string{"msg_no_0"}, ann}}) {
    dut.post(cat(R"("model":"claude/c","input":[{"type":"item_reference","id":")", id, R"("},{"role":"user","content":"two"}])"),
             key);
    const auto refused = dut.client.answer();
    expect_unknown(refused);
    EXPECT_EQ(refused.at("error.param"), "input");
  }
  // OpenAI's own items are OpenAI's to find.
  dut.post(R"("model":"oai/o","input":[{"type":"item_reference","id":"msg_theirs_0"}])");
  dut.oai()
      .expect_request()
      .expect_body(R"({"model":"o","input":[{"type":"item_reference","id":"msg_theirs_0"}]})")
      .answer(response(200, of_openai("resp_7")));
  dut.client.answer().expect_status(200);
}

TEST(StoredResponses, AnUnknownPreviousAnswerIsRefused) {
  Dut dut;
  for (const auto* how : {"", R"(,"stream":true)"}) {
    dut.post(cat(R"("model":"claude/c","input":"x","previous_response_id":"resp_nowhere")", how));
    expect_no_previous(dut.client.answer(), "resp_nowhere");
  }
  EXPECT_TRUE(dut.claude().connections().empty());
}

TEST(StoredResponses, FaultsAreNamedInTheRequestsOwnWords) {
  Dut dut;
  const std::string id = dut.turn(R"("input":"Hi")", "Hello.").at("id");
  dut.post(cat(R"("model":"claude/c","previous_response_id":")", id, R"(","input":[{"role":"ghost","content":"x"}])"));
  EXPECT_EQ(dut.client.answer().expect_status(400).at("error.param"), "input[0].role");
}

TEST(StoredResponses, StateThatIsNotHereIsRefused) {
  Dut dut;
  for (const auto* field : {R"("conversation":"conv_1")", R"("prompt":{"id":"p"})", R"("background":true)"}) {
    dut.post(cat(R"("model":"claude/c","input":"x",)", field));
    const auto refused = dut.client.answer();
    const std::string name{std::string_view{field}.substr(1, std::string_view{field}.find(':') - 2)};
    EXPECT_EQ(refused.expect_status(400).at("error.param"), name);
    dut.post(cat(R"("model":"claude/c","input":"x",)", field), cat(ann, "x-cardea-allow-loss: true\r\n"));
    dut.claude().expect_request().answer(said("Hello."));
    EXPECT_TRUE(dut.client.answer().header("x-cardea-loss").value_or("").starts_with(name));
  }
}

TEST(StoredResponses, TokensAreCountedWithWhatWentBefore) {
  Dut dut;
  const std::string id = dut.turn(cat(R"("input":")", std::string(4000, 'x'), "\""), "Hello.").at("id");
  const auto count = [&](std::string_view members) {
    dut.post(cat(R"("model":"claude/c",)", members), ann, "/v1/responses/input_tokens");
    const auto answer = dut.client.answer();
    EXPECT_EQ(answer.expect_status(200).at("object"), "response.input_tokens");
    return std::stoul(answer.at("input_tokens"));
  };
  EXPECT_LT(count(R"("input":"Hi")"), 20U);
  EXPECT_GT(count(cat(R"("input":"Hi","previous_response_id":")", id, "\"")), 500U);
  dut.post(R"("model":"claude/c","input":"Hi","previous_response_id":"resp_no")", ann, "/v1/responses/input_tokens");
  expect_no_previous(dut.client.answer(), "resp_no");
  dut.post(R"("model":"oai/o","input":"Hi")", ann, "/v1/responses/input_tokens");
  Asked asked = dut.oai().expect_request();
  EXPECT_TRUE(asked.head.starts_with("POST /v1/responses/input_tokens ")) << asked.head;
  asked.expect_body(R"({"model":"o","input":"Hi"})")
      .answer(response(200, R"({"object":"response.input_tokens","input_tokens":11})"));
  dut.client.answer().expect_body(R"({"object":"response.input_tokens","input_tokens":11})");
}

// ---- Kept by the upstream --------------------------------------------------------------------------------------------------

TEST(StoredResponses, WhatOpenAiKeepsIsAskedOfOpenAi) {
  for (const bool streams : {false, true}) {
    Dut dut;
    const std::string body = cat(R"("model":"oai/o","input":"Hi","background":true)", streams ? R"(,"stream":true)" : "");
    dut.post(body);
    const std::string created =
        cat("event: response.created\ndata: {\"type\":\"response.created\",\"response\":", of_openai("resp_7"), "}\n\n",
            "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":", of_openai("resp_7"), "}\n\n");
    Asked first = dut.oai().expect_request();
    EXPECT_EQ(first.body.find("oai/o"), std::string::npos);
    first.answer(streams ? stream_head() + chunk(created) + chunk("") : response(200, of_openai("resp_7")));
    dut.client.answer().expect_status(200).expect_body(streams ? created : of_openai("resp_7"));

    dut.client.get("/v1/responses/resp_7?include[]=x&key=ann-key-0123456789", "");
    Asked get = dut.oai().expect_request();
    EXPECT_TRUE(get.head.starts_with("GET /v1/responses/resp_7?include[]=x HTTP/1.1\r\n")) << get.head;
    get.expect_header("authorization", cat("Bearer ", TestServer::upstream_key)).expect_no_header("content-length");
    EXPECT_EQ(get.head.find("ann-key"), std::string::npos);
    get.answer(response(200, of_openai("resp_7", R"(, "odd":1.50)")));
    dut.client.answer().expect_status(200).expect_body(of_openai("resp_7", R"(, "odd":1.50)"));

    dut.client.get("/v1/responses/resp_7/input_items?limit=1&order=asc", ann);
    Asked items = dut.oai().expect_request();
    EXPECT_TRUE(items.head.starts_with("GET /v1/responses/resp_7/input_items?limit=1&order=asc ")) << items.head;
    items.answer(response(200, R"({"object":"list"})"));
    dut.client.answer().expect_body(R"({"object":"list"})");

    dut.post("", ann, "/v1/responses/resp_7/cancel");
    Asked cancel = dut.oai().expect_request();
    EXPECT_TRUE(cancel.head.starts_with("POST /v1/responses/resp_7/cancel HTTP/1.1\r\n")) << cancel.head;
    cancel.expect_header("content-length", "0").answer(response(200, of_openai("resp_7")));
    dut.client.answer().expect_body(of_openai("resp_7"));

    expect_unknown(dut.get("/v1/responses/resp_7", bob));
    expect_unknown(dut.erase("/v1/responses/resp_7", bob));

    dut.client.send(request("DELETE", "/v1/responses/resp_7", ann));
    Asked gone = dut.oai().expect_request();
    EXPECT_TRUE(gone.head.starts_with("DELETE /v1/responses/resp_7 HTTP/1.1\r\n")) << gone.head;
    gone.answer(response(200, R"({"id":"resp_7","object":"response","deleted":true})"));
    dut.client.answer().expect_status(200);
    expect_unknown(dut.get("/v1/responses/resp_7"));
  }
}

TEST(StoredResponses, AnErrorOfTheKeeperIsItsOwn) {
  Dut dut;
  dut.post(R"("model":"oai/o","input":"Hi")");
  dut.oai().expect_request().answer(response(200, of_openai("resp_7")));
  dut.client.answer().expect_status(200);
  dut.client.send(request("DELETE", "/v1/responses/resp_7", ann));
  constexpr std::string_view gone = R"({"error":{"message":"gone","type":"invalid_request_error","param":null,"code":null}})";
  dut.oai().expect_request().answer(response(404, gone));
  dut.client.answer().expect_status(404).expect_body(gone);
  EXPECT_EQ(dut.stored().size(), 1U);
}

TEST(StoredResponses, OpenAisChainsStayUntouched) {
  Dut dut;
  dut.post(R"("model":"oai/o", "input":"Hi")");
  dut.oai().expect_request().answer(response(200, of_openai("resp_7")));
  dut.client.answer().expect_status(200);
  for (const auto* id : {"resp_7", "resp_made_elsewhere"}) {
    dut.post(cat(R"( "model":"oai/o", "previous_response_id":")", id, R"(", "input":"more", "seed":1.50 )"));
    dut.oai()
        .expect_request()
        .expect_body(cat(R"({ "model":"o", "previous_response_id":")", id, R"(", "input":"more", "seed":1.50 })"))
        .answer(response(200, of_openai("resp_8")));
    dut.client.answer().expect_status(200).expect_body(of_openai("resp_8"));
  }
  // Another deployment, or one of another dialect, cannot go on from what OpenAI keeps.
  for (const auto* model : {"other/o", "claude/c"}) {
    dut.post(cat(R"("model":")", model, R"(","previous_response_id":"resp_7","input":"more")"));
    expect_no_previous(dut.client.answer(), "resp_7");
  }
  dut.post(R"("model":"oai/o","previous_response_id":"resp_7","input":"more")", bob);
  expect_no_previous(dut.client.answer(), "resp_7");
}

TEST(StoredResponses, NoLinkWhereNothingIsKept) {
  Dut dut;
  dut.post(R"("model":"oai/o","input":"Hi","store":false)");
  dut.oai()
      .expect_request()
      .expect_body(R"({"model":"o","input":"Hi","store":false})")
      .answer(response(200, of_openai("resp_7")));
  dut.client.answer().expect_status(200);
  dut.post(R"("model":"oai/o","input":"Hi")");
  dut.oai().expect_request().answer(response(200, of_openai("../../secrets?")));
  dut.client.answer().expect_status(200);
  EXPECT_EQ(dut.stored().size(), 0U);
}

}  // namespace
}  // namespace cardea::pipeline
