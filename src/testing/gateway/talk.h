#pragma once
// The two sides of a conversation with the gateway: its clients, and the upstreams it asks.

#include <deque>
#include <functional>
#include <source_location>
#include <string>
#include <string_view>

#include "testing/gateway/message.h"
#include "testing/gateway/peer.h"

namespace cardea::testing {

class TestServer;

/// One client's connection. A handle.
class Client {
 public:
  using Where = std::source_location;
  Client(TestServer& server, Peer peer) : server_{&server}, peer_{std::move(peer)} {}

  /// Bytes as they are.
  Client& send(std::string_view bytes);
  /// POST /v1/chat/completions.
  Client& ask(std::string_view body, Lines headers = "") { return send(chat_request(body, headers)); }
  Client& get(std::string_view target, Lines headers = "") { return send(request("GET", target, headers)); }

  /// Runs the world until the next answer is whole or the connection has ended: then with as much of it as came. A day is the
  /// limit.
  [[nodiscard]] Answer answer(wire::Method method = wire::Method::get, Where where = Where::current());
  /// Runs the world until `text` has come in (raw); it is not taken.
  void expect_heard(std::string_view text, Where where = Where::current());
  /// Runs the world until the gateway has closed the connection, in order.
  void expect_closed(Where where = Where::current());
  [[nodiscard]] Peer& peer() noexcept { return peer_; }

 private:
  TestServer* server_;
  Peer peer_;
};

/// A request as it reached an upstream.
struct Asked {
  std::string head;  ///< with the empty line
  std::string body;
  Peer peer;                   ///< the connection it came on
  std::size_t connection = 0;  ///< its number, from 0

  using Where = std::source_location;
  /// Says these bytes on the request's connection; what they mean is the test's business.
  Asked& answer(std::string_view bytes);
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
  Asked& expect_body(std::string_view wanted, Where where = Where::current());
  Asked& expect_header(std::string_view name, std::string_view value, Where where = Where::current());
  Asked& expect_no_header(std::string_view name, Where where = Where::current());
};

/// A server played by the test. Owned by the TestServer.
class Upstream {
 public:
  using Where = std::source_location;
  Upstream(TestServer& server, std::string name);
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  /// Runs the world until a request has come that was not taken yet.
  [[nodiscard]] Asked expect_request(Where where = Where::current());
  /// Answers every request from now on at once. An empty text says nothing.
  void answer_all(std::function<std::string(Asked&)> answer) { automatic_ = std::move(answer); }
  void answer_all(std::string answer);

  /// Connections are refused from now on.
  void refuse();
  /// Connections are neither accepted nor refused from now on.
  void vanish();
  [[nodiscard]] std::deque<Peer>& connections() noexcept { return connections_; }
  [[nodiscard]] std::size_t requests() const noexcept { return requests_; }
  /// Connections that have not ended.
  [[nodiscard]] std::size_t open() const;

 private:
  void accept(std::unique_ptr<net::Stream> stream);
  void hear(std::size_t connection);
  TestServer& server_;
  std::string name_;
  std::deque<Peer> connections_;
  std::deque<Asked> waiting_;
  std::function<std::string(Asked&)> automatic_;
  std::size_t requests_ = 0;
};

}  // namespace cardea::testing
