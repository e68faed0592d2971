#pragma once
// Networks of addresses, written as CIDR blocks.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/tcp.h"

namespace cardea::net {

/// Is it IPv4 written as IPv6 (::ffff:10.1.2.3)?
[[nodiscard]] bool is_mapped(const Address& address) noexcept;

/// One address, or all that share its first bits ("10.1.0.0/16", "2001:db8::/32"). IPv4 inside IPv6 (::ffff:10.1.2.3) is IPv4. A
/// value.
class IpNetwork {
 public:
  /// std::nullopt: neither an address nor a network.
  [[nodiscard]] static std::optional<IpNetwork> parse(std::string_view text);
  /// Unix sockets are in none.
  [[nodiscard]] bool holds(const Address& address) const noexcept;

 private:
  std::vector<std::uint8_t> bytes_;  ///< 4 or 16
  unsigned bits_ = 0;                ///< of them that count
};

/// Some networks. A value.
class IpList {
 public:
  /// Error: config, with the entry and what it should be.
  [[nodiscard]] static Result<IpList> parse(std::span<const std::string> entries);
  [[nodiscard]] bool holds(const Address& address) const noexcept;
  [[nodiscard]] bool empty() const noexcept { return networks_.empty(); }

 private:
  std::vector<IpNetwork> networks_;
};

}  // namespace cardea::net
