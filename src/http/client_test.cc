#include "http/client.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>

#include "base/text.h"
#include "http/test_world.h"

namespace cardea::http {
namespace {

using namespace test;
using namespace std::chrono_literals;

/// What an upstream does on one connection.
struct Script {
  struct Turn {
    std::string answer;
    std::size_t step = 100'000;                   ///< bytes at a time
    net::Duration delay{};                        ///< before it
    std::size_t request_bytes = ~std::size_t{0};  ///< of the request are read before it
  };
  enum class End : std::uint8_t { listen, close, reset };
  std::vector<Turn> turns;
  End end = End::listen;   ///< after the last turn
  net::Duration linger{};  ///< before a close or reset
  std::string unasked;     ///< bytes behind the last answer, a while later
};

struct Upstreams final : World, net::Dialer {
  std::deque<Script> scripts;  ///< of the connections to come
  std::size_t capacity = 64 * 1024;
  std::optional<Kind> refuse;
  std::vector<std::string> requests;  ///< that were read
  std::vector<net::TimePoint> ends;   ///< when the client's end of a connection was seen
  ClientOptions options;
  CallTimeouts timeouts;
  net::Origin origin{net::Origin::Scheme::plain, "upstream.test", 80};
  std::optional<Client> client;

  Client& start() {
    if (!client) client.emplace(loop, *this, options);
    return *client;
  }
  net::Task<Result<std::unique_ptr<net::Stream>>> dial(net::Origin, net::DialOptions) override {
    if (refuse) co_return fail(*refuse);
    if (scripts.empty()) co_return fail(Kind::upstream_unreachable, "no more scripts");
    auto [left, right] = pair(capacity);
    others.spawn(serve(*this, std::move(right), std::move(scripts.front())));
    scripts.pop_front();
    co_return std::move(left);
  }

  static net::Task<void> serve(Upstreams& world, std::unique_ptr<net::Stream> stream, Script script) {
    co_await play(world, *stream, script);
    world.ends.push_back(world.loop.now());
  }
  static net::Task<void> play(Upstreams& world, net::Stream& stream, Script& script) {
    std::string pending;
    for (const auto& turn : script.turns) {
      Status read = co_await read_request(world, stream, pending, turn.request_bytes);
      if (!read) co_return;
      Status slept = co_await net::sleep_for(world.loop, turn.delay);
      if (!slept) co_return;
      const std::vector<std::string> parts = cut_up(turn.answer, turn.step, world.faults.random);
      for (const auto& part : parts) {
        Status said = co_await say(stream, part);
        if (!said) co_return;
        if (parts.size() > 1) slept = co_await net::yield(world.loop);
      }
    }
    Status slept = co_await net::sleep_for(world.loop, script.linger);
    if (!slept) co_return;
    if (!script.unasked.empty()) {
      slept = co_await net::sleep_for(world.loop, 100ms);
      Status said = co_await say(stream, script.unasked);
      if (!said) co_return;
    }
    if (script.end == Script::End::reset) stream.reset_on_close();
    if (script.end != Script::End::listen) co_return;
    Ending ending{};
    co_await listen(stream, pending, ending);
  }
  static net::Task<Status> read_request(Upstreams& world, net::Stream& stream, std::string& pending, std::size_t wanted) {
    wire::RequestHead head;
    std::array<char, 4096> space;
    for (std::size_t size = 0;;) {
      if (size == 0 && !pending.empty()) {
        Result<std::size_t> parsed = wire::parse_request_head(pending, {}, head);
        if (!parsed) co_return fail_with(parsed);
        if (*parsed != 0) size = *parsed + static_cast<std::size_t>(head.content_length());
      }
      if (pending.size() >= (size != 0 ? std::min(size, wanted) : wanted)) {
        world.requests.push_back(pending.substr(0, size));
        if (pending.size() >= size) pending.erase(0, size);  // else the next turn reads on
        co_return Status{};
      }
      Result<std::size_t> got = co_await stream.read_some(space, net::forever);
      if (!got) co_return fail_with(got);
      if (*got == 0) co_return fail(Kind::closed);
      pending.append(space.data(), *got);
    }
  }
};

/// What one call came to.
struct Outcome {
  unsigned status = 0;
  std::string body;
  Kind kind = Kind::last_;  ///< of the failure
  std::string message;
  net::TimePoint done;
  int ended = 0;
};

const std::string get_request = "GET /x HTTP/1.1\r\nhost: upstream.test\r\n\r\n";

struct Ask {
  wire::Method method = wire::Method::get;
  std::vector<std::string> pieces{get_request};
  enum class Read : std::uint8_t { step, all, nothing } read = Read::step;
  std::size_t limit = 10'000'000;
  const Body* body = nullptr;
};

net::Task<Status> run_call(Upstreams& world, const Ask& ask, Outcome& outcome) {
  CallRequest request;
  request.method = ask.method;
  request.egress = net::Egress::anywhere;
  request.timeouts = world.timeouts;
  const std::vector<std::string_view> pieces{ask.pieces.begin(), ask.pieces.end()};
  request.pieces = pieces;
  request.body = ask.body;
  Result<Call> call = co_await world.client->call(world.origin, request);
  if (!call) co_return fail_with(call);
  outcome.status = call->head().status();
  Buffer body;
  Status read;
  if (ask.read == Ask::Read::all) read = co_await call->read_all(body, ask.limit);
  while (ask.read == Ask::Read::step && read) {
    Result<std::size_t> got = co_await call->read_into(body);
    if (!got) read = fail_with(got);
    outcome.body.append(body.view());
    body.clear();
    if (got && *got == 0) break;
  }
  outcome.body.append(body.view());
  co_return read;
}

net::Task<void> call_and_note(Upstreams& world, Ask ask, Outcome& outcome) {
  Status done = co_await run_call(world, ask, outcome);
  if (!done) {
    outcome.kind = done.error().kind();
    outcome.message = done.error().message();
  }
  outcome.done = world.loop.now();
  ++outcome.ended;
}

/// One call, to its end; the upstreams may go on.
Outcome call(Upstreams& world, Ask ask = {}) {
  world.start();
  Outcome outcome;
  world.scope.spawn(call_and_note(world, std::move(ask), outcome));
  world.loop.run_until([&] { return world.scope.children() == 0; });
  EXPECT_EQ(outcome.ended, 1);
  return outcome;
}

/// All connections closed, every upstream ended, nothing left.
void finish(Upstreams& world) {
  world.client->close_idle();
  world.run();
  EXPECT_EQ(world.client->idle(), 0U);
  EXPECT_EQ(world.faults.open, 0U);
}

const std::string hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

struct Framed {
  std::string_view name;
  std::string answer;
  unsigned status;
  std::string_view body;
  bool reusable;
  Script::End end = Script::End::listen;
};

const std::vector<Framed>& framings() {
  static const std::vector<Framed> all = {
      {"length", hello, 200, "hello", true},
      {"empty", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, "", true},
      {"no content", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
      {"chunked", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", 200, "hello",
       true},
      {"trailers", "HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-a: b\r\nx-c: d\r\n\r\n", 500,
       "hello", true},
      {"until close", "HTTP/1.1 200 OK\r\n\r\nhello", 200, "hello", false, Script::End::close},
      {"close", "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello", 200, "hello", false},
      {"1.0", "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", 200, "hello", false},
      {"interim", "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + hello, 200, "hello", true},
      {"redirect", "HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\ncontent-length: 5\r\n\r\nhello", 302, "hello", true},
  };
  return all;
}

TEST(Client, ReadsEveryFramingHoweverItIsSplit) {
  for (const auto& framed : framings()) {
    for (const std::size_t step : {100'000UL, 1UL, 0UL}) {
      for (const auto read : {Ask::Read::step, Ask::Read::all}) {
        Upstreams world;
        world.scripts = {{.turns = {{framed.answer, step}}, .end = framed.end}};
        const Outcome outcome = call(world, {.read = read});
        EXPECT_EQ(outcome.kind, Kind::last_) << framed.name << outcome.message;
        EXPECT_EQ(outcome.status, framed.status) << framed.name;
        EXPECT_EQ(outcome.body, framed.body) << framed.name;
        EXPECT_EQ(world.client->idle(), framed.reusable ? 1U : 0U) << framed.name;
        finish(world);
      }
    }
  }
}

TEST(Client, AnAnswerCutAnywhereIsNeverTakenForAWholeOne) {
  for (const auto& framed : framings()) {
    for (std::size_t size = 0; size < framed.answer.size(); ++size) {
      for (const auto end : {Script::End::close, Script::End::reset}) {
        Upstreams world;
        world.scripts = {{.turns = {{framed.answer.substr(0, size)}}, .end = end}};
        const Outcome outcome = call(world);
        const bool whole_head = outcome.status != 0;
        if (framed.end == Script::End::close && whole_head && end == Script::End::close) {
          EXPECT_EQ(outcome.kind, Kind::last_);  // RFC 9112 §8: nobody can tell
        } else {
          EXPECT_EQ(outcome.kind, Kind::upstream_reset) << framed.name << size;
          EXPECT_NE(outcome.message, "upstream_reset");
        }
        EXPECT_TRUE(framed.body.starts_with(outcome.body));
        EXPECT_EQ(world.client->idle(), 0U);
        EXPECT_EQ(world.client->counters().stale_retries, 0U);
        finish(world);
      }
    }
  }
}

TEST(Client, HeadAnswersHaveNoBodyWhateverTheySay) {
  Upstreams world;
  world.scripts = {{.turns = {{"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"}, {hello}}}};
  EXPECT_EQ(call(world, {.method = wire::Method::head, .pieces = {"HEAD / HTTP/1.1\r\nhost: u\r\n\r\n"}}).body, "");
  EXPECT_EQ(call(world).body, "hello");
  EXPECT_EQ(world.client->counters().connects, 1U);
  finish(world);
}

TEST(Client, FramingErrorsCloseTheConnection) {
  const std::string_view answers[] = {
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhelloX",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n",
      "SSH-2.0-OpenSSH\r\n",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
      "HTTP/1.1 100 Continue\r\n\r\n",
  };
  for (const auto answer : answers) {
    Upstreams world;
    world.scripts = {{.turns = {{std::string{answer}}}}};
    const Outcome outcome = call(world);
    EXPECT_EQ(outcome.kind, Kind::upstream_protocol) << answer;
    EXPECT_EQ(world.client->idle(), 0U);
    finish(world);
  }
}

TEST(Client, ReadsNoMoreThanTheLimit) {
  for (const std::string& answer : {hello, std::string{"HTTP/1.1 200 OK\r\n\r\nhello"}, framings()[3].answer}) {
    for (const std::size_t limit : {4UL, 5UL}) {
      Upstreams world;
      world.scripts = {{.turns = {{answer, 1}}, .end = Script::End::close}};
      const Outcome outcome = call(world, {.read = Ask::Read::all, .limit = limit});
      EXPECT_EQ(outcome.kind, limit == 5 ? Kind::last_ : Kind::upstream_protocol) << answer;
      finish(world);
    }
  }
}

TEST(Client, ReusesConnectionsOldestOutFirstByAgeAndByLimit) {
  Upstreams world;
  world.options.idle_timeout = 10s;
  world.options.max_age = 15s;
  world.scripts = {{.turns = {{hello}, {hello}, {hello}}}, {.turns = {{hello}}}, {.turns = {{hello}}}};
  call(world);
  world.run_for(9s);
  call(world);
  EXPECT_EQ(world.client->counters().reuses, 1U);
  world.run_for(7s);  // older than max_age now
  call(world);
  EXPECT_EQ(world.client->counters().reuses, 1U);
  EXPECT_EQ(world.client->counters().connects, 2U);
  world.run_for(9900ms);
  EXPECT_EQ(world.client->idle(), 1U);
  world.run_for(200ms);
  EXPECT_EQ(world.client->idle(), 0U);
  EXPECT_EQ(world.ends.size(), 2U);
  call(world);
  EXPECT_EQ(world.client->counters().connects, 3U);
  finish(world);
}

TEST(Client, KeepsNoMoreIdleConnectionsThanItsLimit) {
  Upstreams world;
  world.options.idle_per_origin = 2;
  world.scripts = {{.turns = {{hello}}}, {.turns = {{hello}}}, {.turns = {{hello}}}};
  world.start();
  std::array<Outcome, 3> outcomes;
  for (auto& outcome : outcomes) world.scope.spawn(call_and_note(world, {}, outcome));
  world.loop.run_until([&] { return world.scope.children() == 0; });
  for (const auto& outcome : outcomes) EXPECT_EQ(outcome.body, "hello");
  EXPECT_EQ(world.client->counters().connects, 3U);
  EXPECT_EQ(world.client->idle(), 2U);
  finish(world);
}

TEST(Client, AnIdleConnectionOnWhichAnythingHappensIsEvicted) {
  for (const auto end : {Script::End::close, Script::End::reset, Script::End::listen}) {
    Upstreams world;
    world.scripts = {{.turns = {{hello}},
                      .end = end,
                      .linger = 50ms,
                      .unasked = end == Script::End::listen ? "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad" : ""},
                     {.turns = {{hello}}}};
    call(world);
    EXPECT_EQ(world.client->idle(), 1U);
    world.run_for(300ms);
    EXPECT_EQ(world.client->idle(), 0U);
    const Outcome outcome = call(world);
    EXPECT_EQ(outcome.body, "hello");
    EXPECT_EQ(world.client->counters().reuses, 0U);
    finish(world);
  }
}

TEST(Client, BytesBehindAnAnswerAreNeverTheNextOne) {
  std::uint64_t seed = 0;
  const std::string poison = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad";
  for (const auto& framed : framings()) {
    if (!framed.reusable) continue;
    for (const std::size_t step : {100'000UL, 1UL, 0UL, 0UL, 0UL, 0UL}) {
      for (const auto read : {Ask::Read::step, Ask::Read::all}) {
        Upstreams world;
        world.faults.random = Random{++seed};
        world.scripts = {{.turns = {{framed.answer + poison, step}}}, {.turns = {{hello}}}};
        EXPECT_EQ(call(world, {.read = read}).body, framed.body);
        if (step <= 1) world.run_for(1s);  // they are still on their way
        EXPECT_EQ(call(world).body, "hello") << framed.name;
        EXPECT_EQ(world.client->counters().connects, 2U);
        finish(world);
      }
    }
  }
}

TEST(Client, ASingleByteTooMuchSpoilsTheConnection) {
  Upstreams world;
  world.scripts = {{.turns = {{hello + "X", hello.size() - 1}}}, {.turns = {{hello}}}};
  EXPECT_EQ(call(world).body, "hello");
  EXPECT_EQ(world.client->idle(), 0U);
  EXPECT_EQ(call(world).body, "hello");
  finish(world);
}

TEST(Client, AStaleConnectionIsReplacedOnceWhenNothingCame) {
  for (const auto end : {Script::End::close, Script::End::reset}) {
    Upstreams world;
    // The first takes the second request and goes away; so the request is made again on a fresh one.
    world.scripts = {
        {.turns = {{hello}, {""}}, .end = end}, {.turns = {{hello}, {""}}, .end = end}, {.turns = {{""}}, .end = end}};
    EXPECT_EQ(call(world).body, "hello");
    EXPECT_EQ(call(world).body, "hello");
    EXPECT_EQ(world.client->counters().stale_retries, 1U);
    EXPECT_EQ(world.client->counters().connects, 2U);
    EXPECT_EQ(world.requests.size(), 3U);
    EXPECT_EQ(world.requests[1], world.requests[2]);
    // A fresh connection that ends so is a failure.
    const Outcome outcome = call(world);
    EXPECT_EQ(outcome.kind, Kind::upstream_reset);
    EXPECT_EQ(world.client->counters().stale_retries, 2U);
    finish(world);
  }
}

TEST(Client, ARequestThatWasWorkedOnIsNotSentTwice) {
  {
    Upstreams world;  // bytes of an answer had come
    world.scripts = {{.turns = {{hello}, {"HTTP/1.1 2"}}, .end = Script::End::close}};
    call(world);
    EXPECT_EQ(call(world).kind, Kind::upstream_reset);
    EXPECT_EQ(world.client->counters().stale_retries, 0U);
    finish(world);
  }
  Upstreams world;  // it took its time before it broke
  world.scripts = {{.turns = {{hello}, {""}}, .end = Script::End::reset, .linger = 10s}};
  call(world);
  EXPECT_EQ(call(world).kind, Kind::upstream_reset);
  EXPECT_EQ(world.client->counters().stale_retries, 0U);
  finish(world);
}

Ask large_request(std::size_t bytes) {
  Ask ask;
  ask.method = wire::Method::post;
  ask.pieces = {cat("POST /x HTTP/1.1\r\nhost: u\r\ncontent-length: ", bytes, "\r\n\r\n")};
  for (; bytes > 0; bytes -= std::min<std::size_t>(bytes, 7000)) ask.pieces.emplace_back(std::min<std::size_t>(bytes, 7000), 'b');
  return ask;
}

TEST(Client, SendsLargeRequestsInManyPieces) {
  Upstreams world;
  world.scripts = {{.turns = {{hello}, {hello}}}};
  for (int i = 0; i < 2; ++i) {
    Ask ask = large_request(1'000'000);
    std::string whole;
    for (const auto& piece : ask.pieces) whole += piece;
    EXPECT_EQ(call(world, std::move(ask)).body, "hello");
    EXPECT_TRUE(world.requests.back() == whole) << world.requests.back().size();
  }
  EXPECT_EQ(world.client->counters().connects, 1U);
  finish(world);
}

TEST(Client, SendsABodyThatIsNotInMemoryOverEverySplitAndOnceMoreWhenStale) {
  Spool spool{::testing::TempDir()};
  std::string bytes(700'000, 'u');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>('a' + i % 23);
  ASSERT_TRUE(spool.take(bytes));
  Body body;
  body.add("begin ");
  body.add(spool, 0, spool.size());
  body.add(" end");
  const std::string head =
      "POST /x HTTP/1.1\r\nhost: upstream.test\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n";
  Ask upload{.method = wire::Method::post, .pieces = {head}};
  upload.body = &body;
  for (const std::size_t split : {std::size_t{0}, std::size_t{50'000}}) {
    Upstreams world;
    world.faults.split_max = split;
    world.scripts.push_back({.turns = {{.answer = hello}}, .end = Script::End::close, .linger = 1s});
    world.scripts.push_back({.turns = {{.answer = hello}, {.answer = hello}}});
    EXPECT_EQ(call(world).body, "hello");
    // The first connection is stale by now or will be found so: the whole body goes out again.
    const Outcome sent = call(world, upload);
    EXPECT_EQ(sent.body, "hello") << sent.message;
    EXPECT_EQ(world.requests.back(), head + "begin " + bytes + " end");
    EXPECT_EQ(call(world).body, "hello") << "the connection is used again";
    finish(world);
  }
}

TEST(Client, AnEarlyAnswerIsReadAndTheRestIsNotSent) {
  for (const auto end : {Script::End::listen, Script::End::reset, Script::End::close}) {
    Upstreams world;
    world.capacity = 10'000;
    world.scripts = {{.turns = {{"HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig", 100'000, {}, 5000}},
                      .end = end,
                      .linger = 1s}};
    const Outcome outcome = call(world, large_request(1'000'000));
    EXPECT_EQ(outcome.status, 413U);
    EXPECT_EQ(outcome.body, "big");
    EXPECT_EQ(world.client->idle(), 0U);
    finish(world);
  }
}

TEST(Client, AnInterimAnswerDoesNotStopTheRequest) {
  Upstreams world;
  world.capacity = 10'000;
  world.scripts = {{.turns = {{"HTTP/1.1 100 Continue\r\n\r\n", 1, {}, 5000}, {hello}}}};
  EXPECT_EQ(call(world, large_request(200'000)).body, "hello");
  EXPECT_EQ(world.client->idle(), 1U);
  finish(world);
}

TEST(Client, EachWaitHasItsTimeout) {
  struct Case {
    Script script;
    Ask ask;
    net::Duration wait;
    std::string_view message;
  };
  CallTimeouts timeouts;
  timeouts.send = 3s;
  timeouts.first_byte = 5s;
  timeouts.inter_chunk = 7s;
  const std::string chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
  std::vector<Case> cases;
  cases.push_back({{.turns = {{"", 1, 1000s, 100}}, .end = Script::End::close}, large_request(1'000'000), 3s, "does not take"});
  cases.push_back({{.turns = {{"", 1, 1000s}}, .end = Script::End::close}, {}, 5s, "did not answer"});
  cases.push_back({{.turns = {{"HTTP/1.1 200", 1}}, .end = Script::End::close, .linger = 1000s}, {}, 5s, "did not answer"});
  cases.push_back({{.turns = {{chunked}}, .end = Script::End::close, .linger = 1000s}, {}, 7s, "fell silent"});
  cases.push_back(
      {{.turns = {{hello.substr(0, hello.size() - 1)}}, .end = Script::End::close, .linger = 1000s}, {}, 7s, "fell silent"});
  for (auto& one : cases) {
    Upstreams world;
    world.timeouts = timeouts;
    world.scripts = {one.script};
    const Outcome outcome = call(world, one.ask);
    EXPECT_EQ(outcome.kind, Kind::upstream_timeout) << one.message;
    EXPECT_NE(outcome.message.find(one.message), std::string::npos) << outcome.message;
    const auto took = outcome.done - net::TimePoint{1h};
    EXPECT_GE(took, one.wait);
    EXPECT_LE(took, one.wait + 100ms) << one.message;
    finish(world);
  }
  Upstreams world;
  world.refuse = Kind::upstream_connect_timeout;
  EXPECT_EQ(call(world).kind, Kind::upstream_connect_timeout);
  EXPECT_EQ(world.client->counters().connect_failures, 1U);
}

TEST(Client, NoTimeoutsMeanNone) {
  Upstreams world;
  world.timeouts = {net::forever, net::forever, net::forever, net::forever};
  world.options.idle_timeout = net::forever;
  world.scripts = {{.turns = {{hello, 1, 500h}}}};
  EXPECT_EQ(call(world).body, "hello");
  EXPECT_EQ(world.client->idle(), 1U);
  finish(world);
}

TEST(Client, CancellingACallClosesItsConnectionAtOnce) {
  const Script scripts[] = {
      {.turns = {{"", 1, 1000s, 100}}, .end = Script::End::listen},                                  // while sending
      {.turns = {{""}}, .end = Script::End::listen},                                                 // before the first byte
      {.turns = {{"HTTP/1.1 20"}}, .end = Script::End::listen},                                      // inside the head
      {.turns = {{"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel"}}, .end = Script::End::listen},  // inside the body
  };
  for (const auto& script : scripts) {
    Upstreams world;
    world.capacity = 10'000;
    world.scripts = {script};
    world.start();
    Outcome outcome;
    net::Scope request{world.scope};
    request.spawn(call_and_note(world, script.turns[0].delay > 0s ? large_request(100'000) : Ask{}, outcome));
    world.run_for(1s);
    request.cancel(Kind::client_closed);
    world.loop.run_until([&] { return request.children() == 0; });
    EXPECT_EQ(outcome.kind, Kind::client_closed);
    EXPECT_EQ(world.client->idle(), 0U);
    EXPECT_LE(outcome.done - net::TimePoint{1h}, 1s + 10ms);
    world.run();
    if (script.turns[0].delay == 0s) EXPECT_LE(world.ends.at(0) - net::TimePoint{1h}, 1s + 10ms);
    finish(world);
  }
}

TEST(Client, ABodyLeftUnreadClosesTheConnection) {
  Upstreams world;
  world.scripts = {{.turns = {{"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel"}}}, {.turns = {{hello}}}};
  EXPECT_EQ(call(world, {.read = Ask::Read::nothing}).status, 200U);
  EXPECT_EQ(world.client->idle(), 0U);
  EXPECT_EQ(call(world).body, "hello");
  finish(world);
}

TEST(Client, AnyOperationMayFailAndEveryCallEndsOnce) {
  for (const auto& framed : framings()) {
    bool failed = true;
    for (std::uint64_t n = 1; failed; ++n) {
      Upstreams world;
      world.faults.fail_at = n;
      world.timeouts.first_byte = 2s;
      const Script script{.turns = {{framed.answer, 40}, {hello}}, .end = framed.end};
      world.scripts = {script, script, script};
      for (const bool first : {true, false}) {
        const Outcome outcome = call(world, first ? large_request(100'000) : Ask{});
        if (outcome.kind != Kind::last_) EXPECT_EQ(outcome.kind, Kind::upstream_reset) << framed.name << n << outcome.message;
        const bool whole = outcome.body == framed.body || outcome.body == "hello";
        if (framed.end != Script::End::close) EXPECT_TRUE(outcome.kind != Kind::last_ || whole) << framed.name << n;
      }
      finish(world);
      failed = world.faults.operations >= n;
      ASSERT_LT(n, 10'000U);
    }
  }
}

}  // namespace
}  // namespace cardea::http
