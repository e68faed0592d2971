// Cardea's own dialect as clients meet it: JSON or XML, in any mix, errors included.

#include <gtest/gtest.h>

#include "testing/gateway/chat.h"
#include "testing/gateway/test_server.h"

namespace cardea::pipeline {
namespace {

using namespace testing;  // NOLINT: a test of conversations

constexpr std::string_view json_type = "Content-Type: application/json\r\n";
constexpr std::string_view xml_type = "Content-Type: application/xml\r\n";
constexpr std::string_view json_body =
    R"({"model":"vendor/small","messages":[{"role":"user","content":[{"type":"text","text":"hi <you>"}]}]})";
std::string xml_body(std::string_view more = "") {
  return cat("<chat><model>vendor/small</model><messages><message><role>user</role><content><text><text>hi &lt;you&gt;</text>",
             "</text></content></message></messages>", more, "</chat>");
}
constexpr std::string_view openai_body = R"({"model":"small","messages":[{"role":"user","content":"hi <you>"}]})";
constexpr std::string_view xml_answer =
    "<?xml version=\"1.0\" "
    "encoding=\"UTF-8\"?>\n<answer><id>c1</id><model>small-2026</model><created>1</created><choices><choice>"
    "<index>0</index><content><text><text>ok</text></text></content><finish>stop</finish></choice></choices>"
    "<usage><input>3</input><output>2</output></usage><dialect>openai_chat</dialect></answer>\n";
constexpr std::string_view json_answer =
    R"({"id":"c1","model":"small-2026","created":1,"choices":[{"index":0,"content":[{"type":"text","text":"ok"}],"finish":"stop"}],)"
    R"("usage":{"input":3,"output":2},"dialect":"openai_chat"})";

void post(Client& client, std::string_view lines, std::string_view body, std::string_view path = "/cardea/v1/chat") {
  client.send(request("POST", path, lines, body));
}

TEST(NativeRoute, BothFormsSayTheSame) {
  TestServer server;
  auto client = server.connect();
  struct Case {
    std::string lines, body;
    bool xml;
  };
  const Case cases[] = {
      {"", std::string{json_body}, false},
      {std::string{json_type}, std::string{json_body}, false},
      {std::string{xml_type}, xml_body(), true},
      {cat(xml_type, "Accept: application/json\r\n"), xml_body(), false},
      {cat(json_type, "Accept: application/xml\r\n"), std::string{json_body}, true},
      {cat(json_type, "Accept: */*\r\n"), std::string{json_body}, false},
      {"Content-Type: text/xml; charset=utf-8\r\nAccept: */*\r\n", xml_body(), true},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.lines);
    post(client, one.lines, one.body);
    server.upstream().expect_request().expect_body(openai_body).answer(response(200, completion()));
    client.answer()
        .expect_status(200)
        .expect_header("content-type", one.xml ? "application/xml" : "application/json")
        .expect_body(one.xml ? xml_answer : json_answer);
  }
  EXPECT_EQ(Answer::text_at(server.records().back().dump(), "dialect"), "native");
}

TEST(NativeRoute, StreamsInBothForms) {
  TestServer server;
  auto client = server.connect();
  for (const bool xml : {false, true}) {
    post(client, xml ? xml_type : json_type,
         xml ? xml_body("<stream>true</stream>") : cat(json_body.substr(0, json_body.size() - 1), R"(,"stream":true})"));
    server.upstream().expect_request().answer(stream_of(healthy_events()));
    const auto answer = client.answer();
    answer.expect_status(200).expect_header("content-type", "text/event-stream");
    const auto events = answer.events();
    ASSERT_EQ(events.size(), 8U) << answer.body;
    EXPECT_EQ(events[0], xml ? "<start><id>c1</id><model>small-2026</model><created>1</created></start>"
                             : R"({"type":"start","id":"c1","model":"small-2026","created":1})");
    EXPECT_EQ(events[2], xml ? "<delta><choice>0</choice><part>0</part><text>Hel</text></delta>"
                             : R"({"type":"delta","choice":0,"part":0,"text":"Hel"})");
    EXPECT_EQ(events[7], xml ? "<end/>" : R"({"type":"end"})");
  }
}

TEST(NativeRoute, ABrokenStreamEndsInAFailureOfItsForm) {
  TestServer server;
  auto client = server.connect();
  for (const bool xml : {false, true}) {
    post(client, cat(json_type, xml ? "Accept: application/xml\r\n" : ""),
         cat(json_body.substr(0, json_body.size() - 1), R"(,"stream":true})"));
    auto asked = server.upstream().expect_request();
    asked.answer(stream_head() + chunk(role_event) + chunk(token_event("Hel")));
    server.run_for(std::chrono::milliseconds{50});
    asked.peer.reset();
    const auto events = client.answer().events();
    ASSERT_FALSE(events.empty());
    const std::string wanted =
        xml ? "<failure><error><kind>upstream_reset</kind>" : R"({"type":"failure","error":{"kind":"upstream_reset")";
    EXPECT_TRUE(events.back().starts_with(wanted)) << events.back();
  }
}

TEST(NativeRoute, ErrorsHaveTheFormThatTheAnswerWouldHave) {
  constexpr std::string_view config = R"(
discovery: off
keys: [{name: laptop, key: gw-key-0123456789}]
limits: {body_bytes: 2KiB}
providers:
  vendor: {base_url: http://upstream:8000/v1, api_key: sk-upstream-0123456789abcdef, models: [{id: small}]}
)";
  constexpr std::string_view key = "Authorization: Bearer gw-key-0123456789\r\n";
  TestServer server{{.config = std::string{config}}};
  struct Case {
    unsigned status;
    std::string_view kind, lines, body, path = "/cardea/v1/chat";
  };
  const std::string large = xml_body(std::string(4000, ' '));
  const Case cases[] = {
      {401, "unauthenticated", "", json_body},
      {404, "model_not_found", key, R"({"model":"nobody/x","messages":[{"role":"user"}]})"},
      {404, "not_found", key, json_body, "/cardea/v1/chats"},
      {405, "method_not_allowed", key, json_body, "/cardea/v1/models"},
      {413, "too_large", key, large},
      {400, "bad_request", key, R"({"model":"vendor/small","messages":[]})"},
      {400, "bad_request", key, R"({"model":"vendor/small","messages":[{"role":"user"}],"odd":1})"},
  };
  for (const auto& one : cases) {
    for (const bool xml : {false, true}) {
      SCOPED_TRACE(cat(one.status, ' ', one.kind, xml ? " xml" : " json"));
      auto client = server.connect();
      post(client, cat(one.lines, json_type, xml ? "Accept: application/xml\r\n" : ""), one.body, one.path);
      const auto answer = client.answer();
      answer.expect_status(one.status).expect_header("content-type", xml ? "application/xml" : "application/json");
      const auto wanted = xml ? cat("<failure><error><kind>", one.kind, "</kind>") : cat(R"({"error":{"kind":")", one.kind, '"');
      EXPECT_NE(answer.body.find(wanted), std::string::npos) << answer.body;
    }
  }
}

TEST(NativeRoute, WhatIsNeitherFormIsRefused) {
  TestServer server;
  auto client = server.connect();
  server.upstream();
  post(client, "Content-Type: text/plain\r\n", json_body);
  EXPECT_EQ(client.answer().expect_status(415).at("error.kind"), "unsupported_media_type");
  post(client, "Content-Type: application/xml; charset=utf-16\r\n", xml_body());
  client.answer().expect_status(415).expect_header("content-type", "application/xml");
  const std::pair<std::string, std::string_view> bodies[] = {
      {"<!DOCTYPE c [<!ENTITY a \"b\">]><chat><model>&a;</model></chat>", "DOCTYPE"},
      {xml_body("<temprature>1</temprature>"), "did you mean &lt;temperature&gt;?"},
      {xml_body("<n>0</n>"), "<param>n</param>"},
      {std::string{json_body}, "line 1, column 1"},
  };
  for (const auto& [body, words] : bodies) {
    post(client, xml_type, body);
    const auto answer = client.answer();
    answer.expect_status(400);
    EXPECT_NE(answer.body.find(words), std::string::npos) << answer.body;
  }
  EXPECT_TRUE(server.upstream().connections().empty());
}

TEST(NativeRoute, ListsModelsAndCountsTokensInBothForms) {
  TestServer server;
  auto client = server.connect();
  client.get("/cardea/v1/models");
  const auto list = client.answer();
  list.expect_status(200);
  EXPECT_EQ(list.at("models.0.id"), "vendor/small") << list.body;
  client.get("/cardea/v1/models/vendor/small", "Accept: application/xml\r\n");
  const auto one = client.answer();
  one.expect_status(200).expect_header("content-type", "application/xml");
  EXPECT_NE(one.body.find("<model><id>vendor/small</id>"), std::string::npos) << one.body;
  post(client, xml_type, xml_body(), "/cardea/v1/count_tokens");
  const auto count = client.answer();
  count.expect_status(200).expect_header("content-type", "application/xml");
  EXPECT_NE(count.body.find("<token_count><input_tokens>"), std::string::npos) << count.body;
}

// What an upstream gateway sealed comes back to it through this one's own seal; extras of the upstream's upstream pass both.
TEST(NativeRoute, BetweenTwoGatewaysNothingIsLost) {
  TestServer server{{.config = R"(
discovery: off
providers:
  vendor: {base_url: http://upstream:8000/cardea/v1, dialect: native, api_key: sk-upstream-0123456789abcdef, models: [{id: small}]}
)"}};
  auto client = server.connect();
  client.ask(ask("vendor/small", "hi", R"(,"vendor_field":[1])"));
  auto asked = server.upstream().expect_request();
  EXPECT_TRUE(asked.head.starts_with("POST /cardea/v1/chat HTTP/1.1")) << asked.head;
  asked.expect_body(
      R"({"model":"small","messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"dialect":"openai_chat","extras":{"vendor_field":[1]}})");
  asked.answer(response(
      200,
      R"({"id":"a","model":"m","choices":[{"index":0,"content":[{"type":"text","text":"ok"}],"finish":"stop"}],"dialect":"openai_chat","extras":{"x_vendor":{"y":1}}})"));
  const auto answer = client.answer();
  answer.expect_status(200);
  EXPECT_NE(answer.body.find(R"("x_vendor":{"y":1})"), std::string::npos) << answer.body;

  post(client, json_type, json_body);
  server.upstream().expect_request().answer(response(
      200,
      R"({"id":"a","model":"m","created":1,"choices":[{"index":0,"content":[{"type":"thinking","text":"t","signature":"Y2FyZGVhMS4uinner"}]}]})"));
  const auto thought = client.answer();
  const auto signature = thought.at("choices.0.content.0.signature");
  EXPECT_TRUE(signature.starts_with("Y2FyZGVhMS4u")) << thought.body;
  EXPECT_NE(signature, "Y2FyZGVhMS4uinner");
  post(client, json_type,
       cat(R"({"model":"vendor/small","messages":[{"role":"assistant","content":[{"type":"thinking","text":"t","signature":")",
           signature, R"("}]},{"role":"user","content":[{"type":"text","text":"go on"}]}]})"));
  auto again = server.upstream().expect_request();
  EXPECT_NE(again.body.find(R"("signature":"Y2FyZGVhMS4uinner")"), std::string::npos) << again.body;
  again.answer(response(429, R"({"error":{"kind":"rate_limited","message":"slow down","status":429}})",
                        "content-type: application/json\r\nretry-after: 7\r\n"));
  const auto refused = client.answer();
  refused.expect_status(429).expect_header("retry-after", "7");
  EXPECT_EQ(refused.at("error.retry_after_seconds"), "7");
}

}  // namespace
}  // namespace cardea::pipeline
