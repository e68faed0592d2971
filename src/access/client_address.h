#pragma once
// Where a request really comes from, when proxies stand in front.

#include <string>
#include <string_view>

#include "net/ip_list.h"

namespace cardea::wire {
class RequestHead;
}

namespace cardea::access {

/// Who may say in headers whom they speak for. A value.
struct TrustedProxies {
  net::IpList networks;
  /// Whoever connects through a Unix socket is one.
  enum class UnixSocket : std::uint8_t { stranger, proxy } unix_socket = UnixSocket::stranger;

  /// Networks, and the word "unix". Error: config, with the entry.
  [[nodiscard]] static Result<TrustedProxies> parse(std::span<const std::string> entries);
  [[nodiscard]] bool none() const noexcept { return networks.empty() && unix_socket == UnixSocket::stranger; }
};

/// The address of the hop nearest to us that is no trusted proxy: `peer` itself, unless it is one; then the last of
/// X-Forwarded-For (or of RFC 7239's Forwarded; when both are there and differ, the proxy itself), and so on to the left. What
/// stands left of a stranger is not looked at: a client can write anything there. A hop that is no IP address ends the search at
/// the proxy that named it.
[[nodiscard]] std::string client_address(const wire::RequestHead& head, std::string_view peer, const TrustedProxies& proxies);

}  // namespace cardea::access
