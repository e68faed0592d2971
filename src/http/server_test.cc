#include "http/server.h"

#include <gtest/gtest.h>

#include <map>

#include "base/text.h"
#include "http/test_site.h"

namespace cardea::http {
namespace {

using namespace test;
using namespace std::chrono_literals;

constexpr std::string_view everything =
    "GET /echo?a HTTP/1.1\r\nHost: h\r\n\r\n"
    "POST /echo?b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
    "POST /echo?c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
    "chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n1\r\nZ\r\n0\r\nX-T: 1\r\n\r\n"
    "HEAD /ignore HTTP/1.1\r\nHost: h\r\n\r\n"
    "POST /ignore HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\nunread!"
    "POST /ignore HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nskip\r\n0\r\n\r\n"
    "GET /none HTTP/1.1\r\nHost: h\r\n\r\n"
    "GET /ignore HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n"
    "HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n"
    "GET /ignore HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

const std::string all_answers = [] {
  const std::string ok = "HTTP/1.1 200 OK\r\nx-house: yes\r\n";
  const std::string ignored = ok + "content-length: 7\r\n\r\nignored";
  return ok + "content-length: 8\r\n\r\nGET a  a" + ok + "content-length: 14\r\n\r\nPOST b hello b" + ok +
         "content-length: 23\r\n\r\nPOST c abc0123456789Z c" + ok + "content-length: 7\r\n\r\n" + ignored + ignored +
         "HTTP/1.1 204 No Content\r\nx-house: yes\r\n\r\n" + ok + "connection: keep-alive\r\ncontent-length: 7\r\n\r\nignored" +
         "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nonetwo\r\nc8\r\n" + std::string(200, 'x') +
         "\r\n3\r\nend\r\n0\r\n\r\n" + "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + ok +
         "connection: close\r\ncontent-length: 7\r\n\r\nignored";
}();

/// Bodies that are read as a whole, and piece by piece.
class Bodies : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Server, Bodies, ::testing::Bool(), [](const auto& info) { return info.param ? "poured" : "whole"; });

TEST_P(Bodies, AnswersPipelinedRequestsInOrderHoweverTheyAreSplit) {
  for (const std::size_t step : {100'000UL, 1UL, 0UL}) {
    Site world;
    world.house.pours = GetParam();
    const Talk talk = talk_to(world, cut_up(everything, step, world.faults.random));
    EXPECT_EQ(talk.heard, all_answers) << step;
    EXPECT_EQ(talk.ending, Ending::orderly);
    EXPECT_EQ(world.house.began, 11);
  }
  for (std::size_t split = 1; split < 12; ++split) {
    Site world;
    world.house.pours = GetParam();
    world.faults.split_max = split;
    EXPECT_EQ(talk_to(world, everything).heard, all_answers) << split;
  }
}

TEST_P(Bodies, ARequestCutAnywhereEndsInAnAnswerOrAClose) {
  const std::string_view requests[] = {
      "POST /echo?b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
      "POST /echo?c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
      "POST /ignore HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  };
  for (const auto whole : requests) {
    for (std::size_t size = 0; size <= whole.size(); ++size) {
      Site world;
      world.house.pours = GetParam();
      const Talk talk = talk_to(world, whole.substr(0, size), Then::end);
      EXPECT_EQ(talk.ending, Ending::orderly) << size;
      const bool in_head = whole.substr(0, size).find("\r\n\r\n") == std::string_view::npos;
      const bool ignored = !in_head && whole.starts_with("POST /ignore");
      const std::string_view wanted = size == 0 ? "" : size == whole.size() || ignored ? "HTTP/1.1 200" : "HTTP/1.1 400";
      EXPECT_TRUE(size == 0 ? talk.heard.empty() : talk.heard.starts_with(wanted)) << size << talk.heard;
      EXPECT_EQ(world.house.refused, size != 0 && in_head ? 1 : 0);
      EXPECT_EQ(world.loop.now() < net::TimePoint{1h} + 1s, true) << size;  // nothing waited for a time-out
    }
  }
}

net::Duration since_start(World& world) { return world.loop.now() - net::TimePoint{1h}; }

TEST_P(Bodies, SlowHeadsAndBodiesTimeOut) {
  {
    Site world;
    world.house.pours = GetParam();
    const Talk talk = talk_to(world, "GET /echo HT", Then::stay);
    EXPECT_TRUE(talk.heard.starts_with("HTTP/1.1 408 ")) << talk.heard;
    EXPECT_NE(talk.heard.find("head took too long"), std::string::npos);
    EXPECT_NE(talk.heard.find("connection: close"), std::string::npos);
    EXPECT_GE(since_start(world), world.options.header_timeout);
    EXPECT_LE(since_start(world), world.options.header_timeout + 3s);
  }
  {
    Site world;
    world.house.pours = GetParam();
    const Talk talk = talk_to(world, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe");
    EXPECT_TRUE(talk.heard.starts_with("HTTP/1.1 408 ")) << talk.heard;
    EXPECT_NE(talk.heard.find("body took too long"), std::string::npos);
    EXPECT_GE(since_start(world), world.options.body_timeout);
    EXPECT_LE(since_start(world), world.options.body_timeout + 3s);
  }
  {
    Site world;
    world.house.pours = GetParam();
    const Talk talk = talk_to(world, "");
    EXPECT_EQ(talk.heard, "");  // idle: no answer to what was not asked
    EXPECT_EQ(talk.ending, Ending::orderly);
    EXPECT_GE(since_start(world), world.options.idle_timeout);
  }
}

TEST_P(Bodies, ATrickledBodyIsTooSlowAsAWhole) {
  Site world;
  world.house.pours = GetParam();
  world.options.body_timeout = 50ms;  // each byte comes within 4 ms
  const std::string head = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n";
  std::vector<std::string> parts = cut_up(std::string(5000, 'b'), 1, world.faults.random);
  parts.insert(parts.begin(), head);
  world.options.body_rate_min = 100'000;
  const Talk talk = talk_to(world, parts);
  EXPECT_TRUE(talk.heard.starts_with("HTTP/1.1 408 ")) << talk.heard;
  EXPECT_LE(since_start(world), 3s);
}

TEST(Server, AReadThatFillsItsBufferLeavesAnIdleConnectionNotASlowHead) {
  Site world;
  std::string request = "GET /ignore HTTP/1.1\r\nHost: h\r\nX-Fill: ";
  request.append(4 * 1024 - Buffer::padding - 4 - request.size(), 'f').append("\r\n\r\n");
  const Talk talk = talk_to(world, request);
  EXPECT_TRUE(talk.heard.starts_with("HTTP/1.1 200"));
  EXPECT_EQ(talk.heard.find("408"), std::string::npos);
  EXPECT_GE(since_start(world), world.options.idle_timeout);
}

TEST_P(Bodies, InvitesABodyOnlyWhenItIsWanted) {
  const std::string expecting = "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
  const std::string invitation = "HTTP/1.1 100 Continue\r\n\r\n";
  {
    Site world;
    world.house.pours = GetParam();
    const Talk talk = talk_to(world, {expecting, "hello"}, Then::end);
    EXPECT_TRUE(talk.heard.starts_with(invitation + "HTTP/1.1 200 OK")) << talk.heard;
  }
  {
    Site world;
    world.house.pours = GetParam();  // it does not wait
    const Talk talk = talk_to(world, expecting + "hello", Then::end);
    EXPECT_TRUE(talk.heard.starts_with("HTTP/1.1 200 OK")) << talk.heard;
  }
  {
    Site world;
    world.house.pours = GetParam();
    world.house.limit = 4;
    const Talk talk = talk_to(world, expecting);
    EXPECT_TRUE(talk.heard.starts_with("HTTP/1.1 413 ")) << talk.heard;
    EXPECT_NE(talk.heard.find("connection: close"), std::string::npos);
    EXPECT_EQ(talk.ending, Ending::orderly);
    EXPECT_LE(since_start(world), 3s);
  }
}

TEST_P(Bodies, TooLargeBodiesAreRefusedAndTheirBytesNeverBecomeARequest) {
  const std::string smuggled = "GET /ignore HTTP/1.1\r\nHost: h\r\n\r\n";
  {
    Site world;
    world.house.pours = GetParam();
    world.house.limit = 10;
    const Talk talk = talk_to(
        world, cat("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n", "ff\r\n", smuggled));
    EXPECT_TRUE(talk.heard.starts_with("HTTP/1.1 413 ")) << talk.heard;
    EXPECT_EQ(world.house.began, 1);
    EXPECT_NE(talk.heard.find("connection: close"), std::string::npos);
  }
  {
    Site world;
    world.house.pours = GetParam();  // a decoder that began anew inside the body would see a whole one, and then a request
    world.house.limit = 10;
    const Talk talk = talk_to(world, {"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n40\r\n",
                                      cat("0\r\n\r\n", smuggled)});
    EXPECT_TRUE(talk.heard.starts_with("HTTP/1.1 413 ")) << talk.heard;
    EXPECT_EQ(world.house.began, 1);
  }
  {
    Site world;
    world.house.pours = GetParam();  // small enough to skip: the connection lives on
    world.house.limit = 10;
    const Talk talk =
        talk_to(world, cat("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n", "elevenbytes", smuggled), Then::end);
    EXPECT_TRUE(talk.heard.starts_with("HTTP/1.1 413 ")) << talk.heard;
    EXPECT_EQ(talk.heard.find("connection: close"), std::string::npos);
    EXPECT_EQ(world.house.began, 2);
  }
  {
    Site world;
    world.house.pours = GetParam();  // not small
    const Talk talk = talk_to(
        world, cat("POST /ignore HTTP/1.1\r\nHost: h\r\nContent-Length: 400000\r\n\r\n", std::string(400'000, 'b'), smuggled));
    EXPECT_TRUE(talk.heard.starts_with("HTTP/1.1 200 ")) << talk.heard;
    EXPECT_NE(talk.heard.find("connection: close"), std::string::npos);
    EXPECT_EQ(world.house.began, 1);
    EXPECT_EQ(talk.ending, Ending::orderly);  // it was read to the end, so no reset destroyed the answer
  }
}

TEST_P(Bodies, AnAnnouncedChunkThatIsTooLargeIsRefusedBeforeItComes) {
  Site world;
  world.house.pours = GetParam();
  const Talk talk = talk_to(world, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n");
  EXPECT_TRUE(talk.heard.starts_with("HTTP/1.1 413 ")) << talk.heard;
  EXPECT_LE(since_start(world), 3s);
}

TEST(Server, ABodyThatFailsBehindABegunAnswerEndsTheConnection) {
  Site world;
  const Talk talk = talk_to(world,
                            "POST /early HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"
                            "GET /ignore HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(talk.heard.ends_with("3\r\nbad\r\n0\r\n\r\n")) << talk.heard;
  EXPECT_EQ(world.house.began, 1);
  EXPECT_EQ(world.house.refused, 0);
  EXPECT_EQ(talk.ending, Ending::orderly);
}

TEST_P(Bodies, BadChunksAreAnsweredAndEndTheConnection) {
  Site world;
  world.house.pours = GetParam();
  const Talk talk = talk_to(world, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n");
  EXPECT_TRUE(talk.heard.starts_with("HTTP/1.1 400 ")) << talk.heard;
  EXPECT_NE(talk.heard.find("connection: close"), std::string::npos);
}

TEST_P(Bodies, LargeBodiesArriveWhole) {
  for (const std::size_t size : {4'000UL, 70'000UL, 300'000UL, 1'000'000UL}) {
    std::string body;
    Random{size}.append_id(body, size);
    Site world;
    world.house.pours = GetParam();
    world.house.limit = size;
    const Talk sized =
        talk_to(world, cat("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: ", size, "\r\n\r\n", body), Then::end);
    EXPECT_NE(sized.heard.find(body), std::string::npos);
    std::string chunked = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (std::size_t at = 0; at < size; at += 1234) {
      const std::size_t piece = std::min<std::size_t>(1234, size - at);
      char prefix[wire::chunk_prefix_bytes];
      chunked.append(wire::chunk_prefix(piece, prefix)).append(body, at, piece).append("\r\n");
    }
    const Talk second = talk_to(world, chunked + "0\r\n\r\n", Then::end);
    EXPECT_EQ(second.heard, sized.heard);
  }
}

TEST(Server, MalformedHeadsAreRefusedAndTheConnectionEnds) {
  Site world;
  // A HEAD before it: the refusal has a body all the same.
  const Talk talk =
      talk_to(world, "HEAD /ignore HTTP/1.1\r\nHost: h\r\n\r\nGET /\x01 HTTP/1.1\r\n\r\nGET /ignore HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto refusal = talk.heard.find("HTTP/1.1 400 ");
  ASSERT_NE(refusal, std::string::npos) << talk.heard;
  EXPECT_NE(talk.heard.find("{\"refused\":", refusal), std::string::npos);
  EXPECT_NE(talk.heard.find("connection: close", refusal), std::string::npos);
  EXPECT_EQ(world.house.began, 1);
  EXPECT_EQ(world.house.refused, 1);
  EXPECT_EQ(talk.ending, Ending::orderly);
  Site big;
  EXPECT_TRUE(talk_to(big, cat("GET / HTTP/1.1\r\nX: ", std::string(70'000, 'x'))).heard.starts_with("HTTP/1.1 431 "));
}

TEST(Server, CutAnswersEndInAReset) {
  for (const std::string_view path : {"/cut", "/nothing"}) {
    Site world;
    const Talk talk = talk_to(world, cat("GET ", path, " HTTP/1.1\r\nHost: h\r\n\r\n"));
    EXPECT_EQ(talk.ending, Ending::reset);
    EXPECT_EQ(talk.heard.find("0\r\n\r\n"), std::string::npos);
  }
}

TEST(Server, Http10StreamsEndWithTheConnection) {
  Site world;
  const Talk talk = talk_to(world, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(talk.heard, cat("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nonetwo", std::string(200, 'x'), "end"));
  EXPECT_EQ(talk.ending, Ending::orderly);
}

TEST(Server, ASlowReaderStallsItsProducerAndIsCutAfterTheWriteTimeout) {
  Site world;
  world.start();
  auto [left, right] = world.pair(10'000);
  world.server->serve(std::move(left));
  world.others.spawn(speak(*right, {"GET /flood HTTP/1.1\r\nHost: h\r\n\r\n"}, Then::stay));
  world.run_for(world.options.write_timeout / 2);
  EXPECT_LE(world.house.flooded, 10'000U);
  EXPECT_EQ(world.house.ended, 0);
  world.run();
  EXPECT_EQ(world.house.ended, 1);
  EXPECT_LE(world.faults.peak, 10'000U);
  EXPECT_EQ(world.house.reasons.at(0), Kind::io);  // finish() after the write that timed out
  std::string heard;
  Ending ending{};
  world.others.spawn(listen(*right, heard, ending));
  world.run();
  EXPECT_EQ(ending, Ending::reset);
}

TEST(Server, AClientThatGoesCancelsItsRequest) {
  const std::string request = "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n";
  {
    Site world;  // reset: at once
    world.start();
    auto [left, right] = world.pair();
    right->reset_on_close();
    world.server->serve(std::move(left));
    world.others.spawn(speak(*right, {request}, Then::stay));
    world.run_for(1s);
    right.reset();
    world.run();
    EXPECT_EQ(world.house.reasons.at(0), Kind::client_closed);
    EXPECT_LE(since_start(world), 1s + 10ms);
  }
  for (const Then then : {Then::end, Then::stay}) {
    Site world;  // FIN: after the grace
    world.start();
    auto [left, right] = world.pair();
    world.server->serve(std::move(left));
    world.others.spawn(speak(*right, {request}, then));
    if (then == Then::stay) {
      world.run_for(1s);
      right.reset();
    }
    world.run();
    EXPECT_EQ(world.house.reasons.at(0), Kind::client_closed);
    EXPECT_LE(since_start(world), 1s + world.options.half_close_grace + 20ms);
  }
  {
    Site world;  // it had gone before the request was looked at
    world.start();
    auto [left, right] = world.pair();
    std::array<iovec, 1> pieces{net::piece(request)};
    EXPECT_EQ(right->try_write(pieces).bytes, request.size());
    right->shutdown_write();
    world.server->serve(std::move(left));
    world.run();
    EXPECT_EQ(world.house.reasons.at(0), Kind::client_closed);
    EXPECT_LE(since_start(world), world.options.half_close_grace + 20ms);
  }
  Site world;  // half-closed by a client that waits: answered within the grace
  EXPECT_TRUE(talk_to(world, "GET /ignore HTTP/1.1\r\nHost: h\r\n\r\n", Then::end).heard.starts_with("HTTP/1.1 200"));
}

TEST(Server, ChildrenOfARequestEndWithIt) {
  Site world;
  const Talk talk = talk_to(world, "GET /child HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(talk.heard.starts_with("HTTP/1.1 200"));
  EXPECT_EQ(world.house.reasons, std::vector<Kind>{Kind::cancelled});
  EXPECT_LE(since_start(world), 1s);
}

TEST(Server, DrainsWithoutLosingARequest) {
  Site world;
  world.start();
  std::vector<std::unique_ptr<net::Stream>> clients;
  std::array<Talk, 3> talks;
  for (auto& talk : talks) {
    auto [left, right] = world.pair();
    world.server->serve(std::move(left));
    world.others.spawn(listen(*right, talk.heard, talk.ending));
    clients.push_back(std::move(right));
  }
  const std::string request = "GET /ignore HTTP/1.1\r\nHost: h\r\n\r\n";
  world.scope.spawn(speak(*clients[0], {request.substr(0, 20)}, Then::stay));
  world.run_for(100ms);
  world.server->drain(1s);
  world.run_for(500ms);
  EXPECT_EQ(world.server->connections(), 3U);
  world.scope.spawn(speak(*clients[1], {request}, Then::stay));  // sent before it could know
  world.run_for(1s);
  // The idle one has ended; the one that was used within the grace has its answer; the one with half a head may finish it.
  EXPECT_EQ(talks[2].ending, Ending::orderly);
  EXPECT_EQ(talks[2].heard, "");
  EXPECT_TRUE(talks[1].heard.starts_with("HTTP/1.1 200"));
  EXPECT_NE(talks[1].heard.find("connection: close"), std::string::npos);
  world.scope.spawn(speak(*clients[0], {request.substr(20)}, Then::stay));
  world.run();
  EXPECT_TRUE(talks[0].heard.starts_with("HTTP/1.1 200"));
  EXPECT_NE(talks[0].heard.find("connection: close"), std::string::npos);
  EXPECT_EQ(talks[0].ending, Ending::orderly);
  EXPECT_EQ(world.server->connections(), 0U);
}

TEST(Server, PipelinedRequestsBehindTheLastAnswerDoNotDestroyIt) {
  Site world;
  world.start();
  world.server->drain();
  auto [left, right] = world.pair();
  world.server->serve(std::move(left));
  Talk talk;
  // The second request arrives while the first is being answered with `connection: close`.
  const std::string request = "GET /ignore HTTP/1.1\r\nHost: h\r\n\r\n";
  world.others.spawn(converse(world.loop, std::move(right), {request, request, request}, Then::stay, talk));
  world.run();
  EXPECT_TRUE(talk.heard.starts_with("HTTP/1.1 200"));
  EXPECT_EQ(talk.ending, Ending::orderly);
  EXPECT_EQ(world.house.began, 1);
}

TEST(Server, CancellingItsScopeEndsEverything) {
  Site world;
  world.start();
  std::vector<std::unique_ptr<net::Stream>> clients;
  for (const std::string_view said : {"", "GET /wa", "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n",
                                      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe"}) {
    auto [left, right] = world.pair();
    world.server->serve(std::move(left));
    world.others.spawn(speak(*right, {std::string{said}}, Then::stay));
    clients.push_back(std::move(right));
  }
  world.run_for(100ms);
  world.scope.cancel(Kind::unavailable);
  world.run();
  EXPECT_EQ(world.house.began, 2);
  EXPECT_EQ(world.house.ended, 2);
  EXPECT_LE(since_start(world), 200ms);
}

TEST_P(Bodies, AnyOperationMayFailAndEveryRequestEndsOnce) {
  bool failed = true;
  for (std::uint64_t n = 1; failed; ++n) {
    Site world;
    world.house.pours = GetParam();
    world.faults.fail_at = n;
    const Talk talk = talk_to(world, cut_up(everything, 50, world.faults.random), Then::end);
    failed = world.faults.operations >= n;
    EXPECT_TRUE(all_answers.starts_with(talk.heard)) << n;
    EXPECT_TRUE(failed || talk.heard == all_answers) << n;
    ASSERT_LT(n, 10'000U);
  }
}

TEST(Server, WritesTheDateOfNow) {
  Site world;
  world.start();
  const std::string line{world.server->date_line()};
  EXPECT_TRUE(line.starts_with("date: ") && line.ends_with(" GMT\r\n")) << line;
  EXPECT_EQ(line.size(), std::string_view{"date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"}.size());
}

}  // namespace
}  // namespace cardea::http
