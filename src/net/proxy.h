#pragma once
// HTTP_PROXY, HTTPS_PROXY and NO_PROXY as other programs read them.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"

namespace cardea::net {

/// One forward proxy.
struct Proxy {
  std::string host;
  std::uint16_t port = 0;
  Secret authorization;  ///< value of Proxy-Authorization ("Basic …"), empty without credentials
};

/// Which proxy leads to a host, if any. A value.
class ProxySettings {
 public:
  /// No proxy for anything.
  ProxySettings() = default;
  /// Looks up https_proxy, http_proxy, all_proxy and no_proxy (lower case first, then upper case) by `variable`, which answers an
  /// empty text for what is not set. A proxy URL is [http://][user:password@]host[:port]. Kind::config names the variable and the
  /// fix.
  ///
  /// no_proxy is a comma-separated list of: `*` (everything), a host or domain (itself and all below it, with or without a
  /// leading dot), an IP address, a CIDR block; each but the last may end in `:port`.
  [[nodiscard]] static Result<ProxySettings> from_environment(const std::function<std::string(const char*)>& variable);

  enum class Target : std::uint8_t { http, https };
  /// Null: connect directly. Loopback targets always are.
  [[nodiscard]] const Proxy* proxy_for(Target target, std::string_view host, std::uint16_t port) const;

 private:
  [[nodiscard]] bool bypassed(std::string_view host, std::uint16_t port) const;

  std::optional<Proxy> http_;
  std::optional<Proxy> https_;
  std::vector<std::string> bypass_;
};

}  // namespace cardea::net
