#pragma once
// The egress guard: which addresses the gateway may connect to.

#include "net/tcp.h"

namespace cardea::net {

/// Who chose the target.
enum class Egress : std::uint8_t {
  public_only,  ///< anybody else (a URL in a request, a redirect, a built-in catalog entry): globally routable addresses only
  anywhere,     ///< the operator, in the configuration: loopback and private networks too
};

/// Is `address` globally routable? Not: private, loopback, link-local, cloud metadata, CGNAT, documentation, benchmarking,
/// reserved, multicast, unspecified, Unix sockets, and IPv6 forms that embed such an IPv4 address (mapped, compatible, NAT64,
/// 6to4, Teredo, ISATAP).
[[nodiscard]] bool is_public(const Address& address) noexcept;

/// To be asked about the very address that is about to be connected to, never about a name. Kind::forbidden with a message.
[[nodiscard]] Status check_egress(const Address& address, Egress policy);

}  // namespace cardea::net
