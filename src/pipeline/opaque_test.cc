// What only one deployment can read goes back to it, and to no other: here between sides of the same dialect, where bytes pass
// as they are. (Between dialects: dialect/pairs/turns_test.cc.)

#include <gtest/gtest.h>

#include "testing/gateway/chat.h"
#include "testing/gateway/test_server.h"

namespace cardea::pipeline {
namespace {

using namespace testing;  // NOLINT: a test of conversations

constexpr std::string_view two_of_a_kind = R"(
discovery: off
providers:
  one: {dialect: anthropic, base_url: http://one:8000/v1, api_key: sk-one-0123456789abcdef, models: [{id: m}]}
  two: {dialect: anthropic, base_url: http://two:8000/v1, api_key: sk-two-0123456789abcdef, models: [{id: m}]}
)";
constexpr std::string_view said =
    R"([{"type":"thinking","thinking":"hm","signature":"U2lnbmVkQnlPbmU/K+w="},{"type":"text","text":"ok"}])";
constexpr std::string_view whole_answer_end =
    R"(,"id":"msg_1","type":"message","role":"assistant","model":"m","stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}})";

std::string question(std::string_view model, std::string_view earlier, std::string_view more = "") {
  return cat(R"({"model":")", model, R"(","max_tokens":2000,"messages":[{"role":"user","content":"hi"},)",
             R"({"role":"assistant","content":)", earlier, R"(},{"role":"user","content":"go on"}])", more, "}");
}
std::string first_question(std::string_view more = "") {
  return cat(R"({"model":"one/m","max_tokens":2000,"messages":[{"role":"user","content":"hi"}])", more, "}");
}
Client& post(Client& client, std::string_view body) { return client.send(request("POST", "/v1/messages", "", body)); }
std::string answer_of(std::string_view content) { return cat(R"({"content":)", content, whole_answer_end); }

struct TwoOfAKind : ::testing::Test {
  TestServer server{TestServer::Setup{.config = std::string{two_of_a_kind}}};
  Client client = server.connect();

  /// What reaches an upstream when the client goes on with what was said.
  std::string second_turn(std::string_view provider, std::string_view earlier = said) {
    post(client, question(cat(provider, "/m"), earlier));
    Asked asked = server.upstream(cat(provider, ":8000")).expect_request();
    asked.answer(response(200, answer_of(R"([{"type":"text","text":"more"}])")));
    last = client.answer();
    last.expect_status(200);
    return asked.body;
  }
  Answer last;
};

TEST_F(TwoOfAKind, ASignatureOfAWholeAnswerStaysWithItsIssuer) {
  post(client, first_question());
  server.upstream("one:8000").expect_request().answer(response(200, answer_of(said)));
  client.answer().expect_body(answer_of(said));  // to the byte

  EXPECT_NE(second_turn("one").find(said), std::string::npos);
  last.expect_no_header("x-cardea-loss");
  const auto elsewhere = second_turn("two");
  EXPECT_EQ(elsewhere.find("U2lnbmVk"), std::string::npos) << elsewhere;
  EXPECT_NE(elsewhere.find("go on"), std::string::npos) << elsewhere;
  EXPECT_NE(last.header("x-cardea-loss").value_or("").find("thinking.signature;issued by another deployment"), std::string::npos)
      << last.head;
}

TEST_F(TwoOfAKind, SoDoesOneOfAStream) {
  post(client, first_question(R"(,"stream":true)"));
  const std::vector<std::string> events{
      "event: message_start\ndata: "
      R"({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}})"
      "\n\n",
      "event: content_block_start\ndata: "
      R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}})"
      "\n\n",
      "event: content_block_delta\ndata: "
      R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}})"
      "\n\n",
      "event: content_block_delta\ndata: "
      R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"U2lnbmVkQnlPbmU/K+w="}})"
      "\n\n",
      "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
      "event: message_delta\ndata: "
      R"({"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":2}})"
      "\n\n",
      "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"};
  server.upstream("one:8000").expect_request().answer(stream_of(events));
  client.answer().expect_body(joined(events));

  EXPECT_NE(second_turn("one").find("U2lnbmVk"), std::string::npos);
  EXPECT_EQ(second_turn("two").find("U2lnbmVk"), std::string::npos);
  // Some writers of JSON escape the slash.
  EXPECT_EQ(second_turn("two", R"([{"type":"thinking","thinking":"hm","signature":"U2lnbmVkQnlPbmU\/K+w="}])").find("U2lnbmVk"),
            std::string::npos);
}

TEST_F(TwoOfAKind, WhatTheGatewayNeverSawPasses) {
  EXPECT_NE(second_turn("two").find(said), std::string::npos);
  last.expect_no_header("x-cardea-loss");
}

}  // namespace
}  // namespace cardea::pipeline
