#include "testing/gateway/test_server.h"

#include <gtest/gtest.h>

namespace cardea::testing {
namespace {

constexpr std::string_view hello = R"({"model":"vendor/small","messages":[{"role":"user","content":"hi"}]})";
constexpr std::string_view good =
    R"({"id":"c1","object":"chat.completion","model":"small","choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}})";

TEST(TestServer, HoldsAConversation) {
  TestServer server;
  auto client = server.connect();
  client.ask(hello);
  server.upstream().expect_request().expect_header("host", "upstream:8000").answer(response(200, good));
  client.answer().expect_status(200).expect_body(good);
  ASSERT_EQ(server.records().size(), 1U);
}

TEST(TestServer, HasTheTwinInside) {
  TestServer server;
  auto client = server.connect();
  client.ask(R"({"model":"twin/echo","messages":[{"role":"user","content":"hi there"}]})");
  const Answer answer = client.answer();
  answer.expect_status(200);
  EXPECT_EQ(answer.at("choices.0.message.content"), "hi there");
}

}  // namespace
}  // namespace cardea::testing
