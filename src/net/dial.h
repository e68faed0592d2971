#pragma once
// From an origin to a connected stream: resolve, guard, connect, proxy, TLS.

#include <functional>
#include <memory>
#include <string>

#include "net/egress.h"
#include "net/proxy.h"
#include "net/resolver.h"
#include "net/tls.h"

namespace cardea::net {

/// Where a connection leads: two requests may share one only if their origins are equal. A value.
struct Origin {
  enum class Scheme : std::uint8_t {
    plain,   ///< TCP
    tls,     ///< TCP and TLS
    unix,    ///< `host` is a socket's path, `port` 0
    memory,  ///< `host` names something inside this process
  };
  Scheme scheme = Scheme::plain;
  std::string host;  ///< lower case; a name or an IP literal without brackets
  std::uint16_t port = 0;

  bool operator==(const Origin&) const = default;
  /// "host:port" for messages and logs ("[::1]:443", "unix:/path", "memory:name").
  [[nodiscard]] std::string text() const;
};

struct DialOptions {
  /// Bounds everything: resolving, connecting, proxy, TLS.
  Duration connect_timeout = std::chrono::seconds{10};
  Egress egress = Egress::public_only;
  /// Of `public_only`; null: none. A host that is named there is asked for as `anywhere`.
  std::shared_ptr<const EgressExceptions> exceptions;
  /// How to verify a TLS upstream; null: the dialer's own (system roots).
  std::shared_ptr<TlsClientContext> tls;
};

/// Opens connections for one loop. dial() fails with Kind::upstream_unreachable, upstream_connect_timeout, upstream_tls (messages
/// name the origin, never a secret), Kind::forbidden (egress guard), or the scope's reason.
class Dialer {
 public:
  virtual ~Dialer() = default;
  [[nodiscard]] virtual Task<Result<std::unique_ptr<Stream>>> dial(Origin origin, DialOptions options) = 0;
};

/// The real network. Scheme `memory` is not its business (Kind::upstream_unreachable). With a proxy configured both http and
/// https targets are reached through a CONNECT tunnel, so the codec above never sees the difference. An operator's target is then
/// resolved by the proxy; of any other one the proxy is told the address that the guard has seen.
class SystemDialer final : public Dialer {
 public:
  struct Options {
    Resolver::Options resolver;
    ProxySettings proxies;
    /// Shared by the workers; null: made with the system's roots.
    std::shared_ptr<TlsClientContext> tls;
  };
  SystemDialer(Loop& loop, Options options);
  [[nodiscard]] Task<Result<std::unique_ptr<Stream>>> dial(Origin origin, DialOptions options) override;
  [[nodiscard]] Resolver& resolver() noexcept { return resolver_; }

 private:
  Task<Result<std::unique_ptr<Stream>>> dial_now(const Origin& origin, const DialOptions& options, TimePoint deadline);
  /// Where the target may be connected to, in the order to try. Never empty.
  Task<Result<std::vector<Address>>> find(const Origin& target, const DialOptions& options);
  Task<Result<std::unique_ptr<Stream>>> reach(const Origin& target, const DialOptions& options, TimePoint deadline);
  Task<Result<std::unique_ptr<Stream>>> tunnel(const Proxy& proxy, const Origin& target, const DialOptions& options,
                                               TimePoint deadline);

  Loop& loop_;
  Resolver resolver_;
  ProxySettings proxies_;
  std::shared_ptr<TlsClientContext> tls_;
};

}  // namespace cardea::net

template <>
struct std::hash<cardea::net::Origin> {
  std::size_t operator()(const cardea::net::Origin& origin) const noexcept {
    return std::hash<std::string>{}(origin.host) * 31 +
           (static_cast<std::size_t>(origin.port) << 2 | static_cast<std::size_t>(origin.scheme));
  }
};
