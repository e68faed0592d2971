#pragma once
// The egress guard: which addresses the gateway may connect to.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/ip_list.h"

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

/// Targets that the operator lets others name although their addresses are not public. A value.
class EgressExceptions {
 public:
  /// Of a host name, an IP address or a network ("files.internal", "192.168.1.5", "[fd00::5]", "10.1.0.0/16"), each with `:PORT`
  /// where only that one is meant (an IPv6 address in brackets then). Error: config, with the entry and what is wrong with it.
  [[nodiscard]] static Result<EgressExceptions> parse(std::span<const std::string> entries);
  /// The name itself is allowed, wherever it leads. `host` in lower case.
  [[nodiscard]] bool hold(std::string_view host, std::uint16_t port) const noexcept;
  /// The very address that is about to be connected to.
  [[nodiscard]] bool hold(const Address& address) const noexcept;

 private:
  struct Entry {
    std::string host;                  ///< empty: a network
    std::optional<IpNetwork> network;  ///< where it is no host
    std::uint16_t port = 0;            ///< 0: any
  };
  [[nodiscard]] static Result<Entry> parse_entry(std::string_view text);
  std::vector<Entry> entries_;
};

}  // namespace cardea::net
