// URLs that a request names, whole conversations in process. (Who may be fetched from is execute's: web_test.cc.)

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/text.h"
#include "testing/gateway/chat.h"
#include "testing/gateway/test_server.h"

namespace cardea::pipeline {
namespace {

using namespace testing;  // NOLINT: a test of conversations

TestServer::Setup setup(std::string_view more = "") {
  return {.config = cat(R"(
discovery: off
providers:
  vendor: {base_url: "http://upstream:8000/v1", api_key: sk-upstream-0123456789abcdef, models: [{id: small}]}
  local: {dialect: ollama, base_url: "http://ollama:8000", models: [{id: o}, {id: blind, capabilities: [tools]}]}
  google: {dialect: gemini, base_url: "http://google:8000/v1beta", api_key: sk-google-0123456789abcdef, models: [{id: g}]}
  ann: {dialect: anthropic, base_url: "http://ann:8000/v1", api_key: sk-ann-0123456789abcdef, models: [{id: a}]}
)",
                        more)};
}

const std::string& png() {
  static const std::string bytes = cat(std::string_view{"\x89PNG\r\n\x1a\n"}, "pixels", std::string_view{"IEND\xae\x42\x60\x82"});
  return bytes;
}

std::string ask_about(std::string_view model, const std::vector<std::string>& urls) {
  std::string parts = R"({"type":"text","text":"What is it?"})";
  for (const auto& url : urls) parts += cat(R"(,{"type":"image_url","image_url":{"url":")", url, R"("}})");
  return cat(R"({"model":")", model, R"(","messages":[{"role":"user","content":[)", parts, "]}]}");
}

constexpr std::string_view ollama_answer =
    R"({"model":"o","message":{"role":"assistant","content":"A dot."},"done":true,"done_reason":"stop"})";

TEST(Bring, AnImageByUrlArrivesAsBytes) {
  TestServer server{setup()};
  auto client = server.connect();
  client.ask(ask_about("local/o",
                       {"http://site.test/a.png", "http://site.test/a.png", "data:image/png,%89PNG%0D%0A%1A%0AIEND%AEB%60%82"}),
             "x-own: 1\r\ncookie: a=b\r\n");
  auto fetched = server.upstream("site.test:80").expect_request();
  EXPECT_EQ(fetched.head,
            "GET /a.png HTTP/1.1\r\nhost: site.test\r\nuser-agent: cardea\r\naccept: */*\r\naccept-encoding: identity\r\n"
            "connection: close\r\n\r\n");
  fetched.answer(response(200, png(), "content-type: text/plain\r\n"));
  auto asked = server.upstream("ollama:8000").expect_request();
  const auto once = to_base64(png());
  EXPECT_NE(asked.body.find(cat(R"("images":[")", once, R"(",")", once, R"(",")")), std::string::npos) << asked.body;
  asked.answer(response(200, ollama_answer));
  client.answer().expect_status(200).expect_no_header("x-cardea-loss");
  EXPECT_EQ(server.upstream("site.test:80").requests(), 1U);
}

TEST(Bring, AnImageToEmbedArrivesAsBytes) {
  TestServer server{setup()};
  auto client = server.connect();
  constexpr std::string_view body =
      R"({"model":"google/g","images":["http://site.test/a.png"],"input_type":"search_document","embedding_types":["float"]})";
  client.send(request("POST", "/v2/embed", "", body));
  server.upstream("site.test:80").expect_request().answer(response(200, png()));
  auto asked = server.upstream("google:8000").expect_request();
  EXPECT_NE(asked.body.find(cat(R"("inlineData":{"mimeType":"image/png","data":")", to_base64(png()), '"')), std::string::npos)
      << asked.body;
  asked.answer(response(200, R"({"embeddings":[{"values":[0.5,-0.25]}]})"));
  client.answer().expect_status(200);
  client.send(request("POST", "/v2/embed", "", body));
  server.upstream("site.test:80").expect_request().answer(response(410, ""));
  const auto refused = client.answer();
  refused.expect_status(400);
  EXPECT_NE(refused.body.find("cannot be fetched: it answers with status 410"), std::string::npos) << refused.body;
}

TEST(Bring, WhoFetchesItselfIsToldTheUrl) {
  TestServer server{setup()};
  auto client = server.connect();
  const auto body = ask_about("vendor/small", {"http://site.test/a.png"});
  client.ask(body);
  auto same = server.upstream().expect_request();
  EXPECT_NE(same.body.find("http://site.test/a.png"), std::string::npos);
  same.answer(response(200, completion()));
  client.answer().expect_status(200);
  client.ask(ask_about("ann/a", {"http://site.test/a.png"}));
  auto other = server.upstream("ann:8000").expect_request();
  EXPECT_NE(other.body.find(R"("url":"http://site.test/a.png")"), std::string::npos) << other.body;
  EXPECT_EQ(server.upstream("site.test:80").requests(), 0U);
}

TEST(Bring, WhatCannotBeFetchedIsTheCallersError) {
  struct Case {
    std::string_view told;
    std::string answer;
  };
  const Case cases[] = {
      {"'messages[0].content[1]' names an address that cannot be fetched: it answers with status 404", response(404, "")},
      {"does not begin as any image", response(200, "<html>", "content-type: image/png\r\n")},
      {"is cut", response(200, png().substr(0, 12))},
      {"its server's answer was broken", "SSH-2.0\r\n\r\n"},
  };
  for (const auto& one : cases) {
    TestServer server{setup()};
    auto client = server.connect();
    client.ask(ask_about("local/o", {"http://site.test/a.png"}));
    server.upstream("site.test:80").expect_request().answer(one.answer);
    const auto answer = client.answer();
    answer.expect_status(400);
    EXPECT_NE(answer.at("error.message").find(one.told), std::string::npos) << answer.body;
    EXPECT_EQ(answer.at("error.param"), "messages[0].content[1]");
    EXPECT_EQ(server.upstream("ollama:8000").requests(), 0U);
  }
}

TEST(Bring, NothingIsFetchedInVain) {
  TestServer server{setup("fetch: {urls: off}\n")};
  auto client = server.connect();
  for (const std::string_view model : {"local/o", "local/blind"}) {
    client.ask(ask_about(model, {"http://site.test/a.png"}));
    client.answer().expect_status(400);
  }
  TestServer second{setup()};
  auto other = second.connect();
  other.ask(ask_about("local/blind", {"http://site.test/a.png"}));
  other.answer().expect_status(400);
  EXPECT_EQ(second.upstream("site.test:80").requests() + server.upstream("site.test:80").requests(), 0U);
  // Who gives meanings away is not stopped by an address.
  other.ask(ask_about("local/o", {"http://127.1/a.png"}), "x-cardea-allow-loss: true\r\n");
  second.upstream("ollama:8000").expect_request().answer(response(200, ollama_answer));
  const auto lossy = other.answer();
  lossy.expect_status(200);
  EXPECT_TRUE(lossy.header("x-cardea-loss").has_value());
}

TEST(Bring, FilesTogetherAreBounded) {
  TestServer server{setup("limits: {body_bytes: 64KiB}\n")};
  auto client = server.connect();
  const std::string large =
      cat(std::string_view{"\x89PNG\r\n\x1a\n"}, std::string(40'000, 'x'), std::string_view{"IEND\xae\x42\x60\x82"});
  client.ask(ask_about("local/o", {"http://site.test/a.png", "http://site.test/b.png"}));
  server.upstream("site.test:80").answer_all(response(200, large));
  const auto answer = client.answer();
  answer.expect_status(400);
  EXPECT_NE(answer.at("error.message").find("large"), std::string::npos) << answer.body;
}

TEST(Bring, AClientThatLeavesEndsTheFetching) {
  TestServer server{setup()};
  auto client = server.connect();
  client.ask(ask_about("local/o", {"http://site.test/a.png"}));
  auto fetched = server.upstream("site.test:80").expect_request();
  client.peer().close();
  server.expect_until([&] { return server.upstream("site.test:80").open() == 0; }, std::chrono::seconds{1},
                      "the fetching to end");
}

}  // namespace
}  // namespace cardea::pipeline
