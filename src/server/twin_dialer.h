#pragma once
// The way into the process: an origin of scheme `memory` is answered by the built-in twin, everything else by the network.

#include "http/server.h"
#include "net/dial.h"

namespace cardea::server {

/// One per worker. The twin's server gets one end of a pair of in-memory streams, the caller the other, so that an in-process
/// upstream takes the same way as any other.
class TwinDialer final : public net::Dialer {
 public:
  TwinDialer(net::Loop& loop, net::Dialer& network, http::Server& twin) noexcept : loop_{loop}, network_{network}, twin_{twin} {}
  [[nodiscard]] net::Task<Result<std::unique_ptr<net::Stream>>> dial(net::Origin origin, net::DialOptions options) override;

 private:
  net::Loop& loop_;
  net::Dialer& network_;
  http::Server& twin_;
};

}  // namespace cardea::server
