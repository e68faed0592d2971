#include "server/discovery.h"

#include <gtest/gtest.h>

#include "testing/gateway/test_server.h"

namespace cardea::server {
namespace {

using namespace testing;  // NOLINT: a test of conversations
using namespace std::chrono_literals;

catalog::Probe probe(std::string name, std::string url) { return {std::move(name), url, url + "/v1/models"}; }

std::vector<catalog::Discovered> look(TestServer& server, std::vector<catalog::Probe> probes) {
  std::vector<catalog::Discovered> found;
  server.serving().errand(probe_all(server.serving().client(), std::move(probes),
                                    [&](std::vector<catalog::Discovered> all) { found = std::move(all); }));
  server.run_for(5s);
  return found;
}

TEST(Discovery, ListsThoseThatAnswerInTheProbesOrder) {
  TestServer server;
  server.upstream("127.0.0.1:1").answer_all(response(200, R"({"data":[{"id":"llama3"},{"id":"qwen"}]})"));
  server.upstream("127.0.0.1:2").answer_all(response(404, "{}"));
  server.upstream("127.0.0.1:3").answer_all("SSH-2.0\r\n");
  server.upstream("127.0.0.1:4");  // says nothing
  server.upstream("127.0.0.1:5").vanish();
  server.upstream("127.0.0.1:6").answer_all(response(200, R"({"data":[{"id":"phi"}]})"));
  const auto began = server.world().elapsed();
  const auto found =
      look(server, {probe("a", "http://127.0.0.1:1"), probe("b", "http://127.0.0.1:2"), probe("c", "http://127.0.0.1:3"),
                    probe("d", "http://127.0.0.1:4"), probe("e", "http://127.0.0.1:5"), probe("f", "http://127.0.0.1:6"),
                    probe("g", "http://127.0.0.1:7")});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].provider, "a");
  EXPECT_EQ(found[0].models, (std::vector<std::string>{"llama3", "qwen"}));
  EXPECT_EQ(found[1].provider, "f");
  EXPECT_EQ(server.world().elapsed() - began, 5s);
}

TEST(Discovery, SaysNothingWhenNobodyIsThere) {
  TestServer server;
  bool called = false;
  std::vector<catalog::Probe> probes{probe("a", "http://127.0.0.1:1")};
  server.serving().errand(probe_all(server.serving().client(), probes, [&](auto) { called = true; }));
  server.run_for(5s);
  EXPECT_FALSE(called);
}

TEST(Discovery, EndsWithTheWorker) {
  TestServer server;
  server.upstream("127.0.0.1:4");
  server.serving().errand(probe_all(server.serving().client(), {probe("d", "http://127.0.0.1:4")}, [](auto) {}));
  server.run_for(10ms);
  EXPECT_EQ(server.end(), "");
}

}  // namespace
}  // namespace cardea::server
