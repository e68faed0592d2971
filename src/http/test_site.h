#pragma once
// For the tests of the server: a handler that answers by path, and clients that talk to it.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "http/server.h"
#include "http/test_world.h"

namespace cardea::http::test {

inline constexpr net::Duration an_hour = std::chrono::hours{1};

/// Answers by path; counts what begins and what ends.
class House final : public Handler {
 public:
  net::Task<void> handle(Exchange& exchange) override {
    ++began;
    const std::string path{exchange.request().path()};
    if (path == "/echo") co_await echo(exchange);
    if (path == "/ignore") co_await answer(exchange, 200, "ignored");
    if (path == "/none") co_await answer(exchange, 204, "");
    if (path == "/stream") co_await stream(exchange);
    if (path == "/flood") co_await flood(exchange);
    if (path == "/cut") co_await cut(exchange);
    if (path == "/early") co_await early(exchange);
    if (path == "/wait") co_await wait(exchange);
    if (path == "/child") exchange.scope().spawn(sleeper(exchange));
    if (path == "/child") co_await answer(exchange, 200, "child");
    ++ended;
  }
  std::string refuse(const Error& error) override {
    ++refused;
    return cat("{\"refused\":\"", error.message(), "\"}");
  }

  std::size_t limit = 100'000;
  bool pours = false;  ///< /echo takes its body piece by piece
  int began = 0;
  int ended = 0;
  int refused = 0;
  std::size_t flooded = 0;
  std::vector<Kind> reasons;  ///< why waits and floods ended
  std::vector<net::TimePoint> times;

 private:
  net::Task<void> answer(Exchange& exchange, unsigned status, std::string_view text) {
    wire::HeaderBlock headers;
    headers.add_raw("x-house: yes\r\n");
    Status sent = co_await exchange.respond(status, headers, text);
    note(exchange, sent);
  }
  net::Task<void> echo(Exchange& exchange) {
    struct Collector final : BodySink {
      Status take(std::string_view bytes) override {
        collected += bytes;
        return {};
      }
      std::string collected;
    } sink;
    Result<std::string_view> body;
    if (pours) {
      Status poured = co_await exchange.pour_body(limit, sink);
      body = poured ? Result<std::string_view>{sink.collected} : fail_with(poured);
    } else {
      body = co_await exchange.read_body(limit);
    }
    if (body) {
      const std::string text = cat(exchange.request().method_text(), ' ', exchange.request().query(), ' ', *body);
      exchange.release_body();
      co_await answer(exchange, 200, cat(text, ' ', exchange.request().query()));
    } else {
      const std::string text{body.error().message()};
      co_await answer(exchange, body.error().http_status(), text);
    }
  }
  net::Task<void> stream(Exchange& exchange) {
    wire::HeaderBlock headers;
    exchange.begin(200, headers);
    const std::string_view first[] = {"one", "", "two"};
    Status sent = co_await exchange.write(first);
    const std::span<const std::string_view> nothing;
    sent = co_await exchange.write(nothing);
    std::vector<std::string_view> many(200, "x");
    sent = co_await exchange.write(many);
    const std::string_view last[] = {"end"};
    sent = co_await exchange.finish(last);
    note(exchange, sent);
  }
  net::Task<void> flood(Exchange& exchange) {
    const std::string block(1000, 'f');
    const std::string_view pieces[] = {block};
    wire::HeaderBlock headers;
    exchange.begin(200, headers);
    Status sent;
    while (sent && flooded < 10'000'000) {
      sent = co_await exchange.write(pieces);
      if (sent) flooded += block.size();
    }
    sent = co_await exchange.finish();
    note(exchange, sent);
  }
  net::Task<void> cut(Exchange& exchange) {
    wire::HeaderBlock headers;
    exchange.begin(200, headers);
    const std::string_view first[] = {"half"};
    Status sent = co_await exchange.write(first);
    note(exchange, sent);
  }
  net::Task<void> early(Exchange& exchange) {
    wire::HeaderBlock headers;
    exchange.begin(200, headers);
    Result<std::string_view> body = co_await exchange.read_body(limit);
    const std::string_view verdict[] = {body ? "good" : "bad"};
    Status sent = co_await exchange.finish(verdict);
    note(exchange, sent);
  }
  net::Task<void> wait(Exchange& exchange) {
    Status slept = co_await net::sleep_for(exchange.loop(), an_hour);
    note(exchange, slept);
  }
  net::Task<void> sleeper(Exchange& exchange) {
    Status slept = co_await net::sleep_for(exchange.loop(), an_hour);
    note(exchange, slept);
  }
  void note(Exchange& exchange, const Status& status) {
    if (!status) reasons.push_back(status.error().kind());
    times.push_back(exchange.loop().now());
  }
};

struct Talk {
  std::string heard;
  Ending ending = Ending::open;
};

struct Site : World {
  House house;
  ServerOptions options;
  std::optional<Server> server;

  void start() { server.emplace(scope, house, options); }
};

enum class Then { stay, end, reset };  // what the client does after its last word

inline net::Task<void> speak(net::Stream& stream, std::vector<std::string> parts, Then then) {
  for (const auto& part : parts) {
    Status said = co_await say(stream, part);
    if (!said) co_return;
    Status yielded = co_await net::yield(stream.loop());
    if (!yielded) co_return;
  }
  if (then == Then::end) stream.shutdown_write();
}

inline net::Task<void> converse(net::Loop& loop, std::unique_ptr<net::Stream> stream, std::vector<std::string> parts, Then then,
                                Talk& talk) {
  net::Scope both{loop};
  both.spawn(speak(*stream, std::move(parts), then));
  co_await listen(*stream, talk.heard, talk.ending);
  co_await both.join();
}

inline std::string without_dates(std::string text) {
  for (auto at = text.find("date: "); at != std::string::npos; at = text.find("date: ", at))
    text.erase(at, text.find('\n', at) + 1 - at);
  return text;
}

/// One client that says `parts` and listens to the end.
inline Talk talk_to(Site& world, std::vector<std::string> parts, Then then = Then::stay) {
  if (!world.server) world.start();
  auto [left, right] = world.pair();
  world.server->serve(std::move(left));
  Talk talk;
  world.others.spawn(converse(world.loop, std::move(right), std::move(parts), then, talk));
  world.run();
  talk.heard = without_dates(talk.heard);
  EXPECT_EQ(world.house.began, world.house.ended);
  EXPECT_EQ(world.server->connections(), 0U);
  EXPECT_EQ(world.faults.open, 0U);
  return talk;
}
inline Talk talk_to(Site& world, std::string_view text, Then then = Then::stay) {
  return talk_to(world, std::vector<std::string>{std::string{text}}, then);
}

}  // namespace cardea::http::test
