#pragma once
// The upstream side of HTTP/1.1: calls over pooled keep-alive connections.

#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/buffer.h"
#include "http/spool.h"
#include "net/dial.h"
#include "net/scope.h"
#include "net/stream.h"
#include "wire/http1.h"

namespace cardea::http {

/// Limits of a worker's upstream connections.
struct ClientOptions {
  wire::HeadLimits head;
  std::size_t idle_per_origin = 64;                       ///< connections kept open for re-use
  net::Duration idle_timeout = std::chrono::seconds{55};  ///< below the usual 60 s of servers, so that we close first
  net::Duration max_age = std::chrono::minutes{30};       ///< then a connection is not re-used, so that DNS changes arrive
};

/// Time-outs of one call.
struct CallTimeouts {
  net::Duration connect = std::chrono::seconds{5};
  net::Duration send = std::chrono::seconds{60};         ///< longest time the upstream takes nothing of the request
  net::Duration first_byte = std::chrono::seconds{120};  ///< request sent to the response head's end
  net::Duration inter_chunk = std::chrono::seconds{60};  ///< longest silence inside a body
};

/// Counts of one worker since start, for metrics.
struct ClientCounters {
  std::uint64_t connects = 0;
  std::uint64_t connect_failures = 0;
  std::uint64_t reuses = 0;
  std::uint64_t stale_retries = 0;
};

/// A re-used connection that ends later than this did not go stale: the upstream may have worked on the request, so it is not
/// sent twice.
inline constexpr net::Duration stale_window = std::chrono::seconds{3};

class Client;
class Connection;

/// One request and its response. Destroyed before the body's end, it closes the connection (the upstream sees the abort at once);
/// after it, the connection goes back to the pool. One thread; must not outlive its Client.
class Call {
 public:
  Call(Call&&) noexcept;
  Call& operator=(Call&&) noexcept;
  ~Call();

  /// Its views (names, values, reason) die with the first read of the body; status and framing stay.
  [[nodiscard]] const wire::ResponseHead& head() const noexcept;
  /// More of the decoded body is appended to `into`: how much; 0 is the proper end. Errors: upstream_timeout (inter_chunk),
  /// upstream_reset (cut), upstream_protocol (framing), or the scope's reason.
  [[nodiscard]] net::Task<Result<std::size_t>> read_into(Buffer& into);
  /// The whole body is appended to `into`; upstream_protocol when it is larger than `limit` bytes.
  [[nodiscard]] net::Task<Status> read_all(Buffer& into, std::size_t limit);
  /// Decoded body bytes that came with the last read are followed by the end: no further read is needed.
  [[nodiscard]] bool complete() const noexcept;

 private:
  friend class Client;
  explicit Call(std::unique_ptr<Connection> connection) noexcept;
  void end() noexcept;
  std::unique_ptr<Connection> connection_;
};

/// What to send. `pieces` make the message: head lines, empty line, body, and `body`, if any, follows them. All must live until
/// the call has answered, since a re-used connection that turns out stale (it ended within `stale_window` of being used again,
/// before a byte of an answer) is replaced by a fresh one, once.
struct CallRequest {
  wire::Method method = wire::Method::post;
  /// Where the request may lead: an operator's own upstream may be private, an address that came with a request may not.
  net::Egress egress = net::Egress::public_only;
  std::shared_ptr<const net::EgressExceptions> exceptions;  ///< of `public_only`
  std::span<const std::string_view> pieces;
  const Body* body = nullptr;
  CallTimeouts timeouts;
};

/// Calls upstreams and keeps their connections. One per worker, on its loop; outlives its calls.
class Client {
 public:
  Client(net::Loop& loop, net::Dialer& dialer, ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Sends the request and reads the response head (1xx answers are skipped). Errors: upstream_unreachable, upstream_tls,
  /// upstream_connect_timeout, upstream_timeout (first byte), upstream_reset, upstream_protocol, or the scope's reason. Redirects
  /// are answers like any other; an unasked 101 is upstream_protocol.
  [[nodiscard]] net::Task<Result<Call>> call(const net::Origin& origin, const CallRequest& request);

  /// Closes idle connections (after a reload or at drain).
  void close_idle() noexcept;
  [[nodiscard]] std::size_t idle() const noexcept { return idle_count_; }
  /// Connections to upstreams, idle and at work.
  [[nodiscard]] std::size_t connections() const noexcept { return connections_; }
  [[nodiscard]] const ClientCounters& counters() const noexcept { return counters_; }
  /// The network it uses.
  [[nodiscard]] net::Dialer& dialer() const noexcept { return dialer_; }

 private:
  friend class Call;
  friend class Connection;
  /// The connections to one origin.
  struct Pool {
    std::size_t connections = 0;                    ///< idle and at work
    std::vector<std::unique_ptr<Connection>> idle;  ///< the last one is the most recently used
  };

  [[nodiscard]] std::unique_ptr<Connection> reuse(const net::Origin& origin);
  [[nodiscard]] net::Task<Result<std::unique_ptr<Connection>>> open(const net::Origin& origin, const CallRequest& request);
  [[nodiscard]] Pool& pool_of(const net::Origin& origin);
  void keep(std::unique_ptr<Connection> connection) noexcept;
  void drop(Connection& idle) noexcept;

  net::Loop& loop_;
  net::Dialer& dialer_;
  ClientOptions options_;
  std::unordered_map<net::Origin, Pool> pools_;
  std::size_t idle_count_ = 0;
  std::size_t connections_ = 0;
  ClientCounters counters_;
};

}  // namespace cardea::http
