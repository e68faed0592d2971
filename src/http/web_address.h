#pragma once
// Addresses of the web, read as strictly as the guard behind them is meant.

#include <string>
#include <string_view>

#include "net/dial.h"

namespace cardea::http {

/// An http or https URL in parts. A value.
struct WebAddress {
  net::Origin origin;
  std::string target;  ///< path and query: what a request line says
  /// Value of the Host header: the port only when it is not the scheme's own.
  [[nodiscard]] std::string authority() const;
  /// The whole URL, always spelled the same.
  [[nodiscard]] std::string text() const;
};

/// Error bad_request: another scheme, a user or password, a host that is no name and no address in its usual form (octal, hex and
/// short forms of IPv4, percent signs, non-ASCII letters), control characters, more than 8 KiB. A fragment is left out; what is
/// not ASCII in a path is percent-encoded, as browsers do it.
[[nodiscard]] Result<WebAddress> parse_web_address(std::string_view url);

/// Where a Location of `from` leads (RFC 3986 §5.2). Errors as above, and from https to http.
[[nodiscard]] Result<WebAddress> follow(const WebAddress& from, std::string_view location);

}  // namespace cardea::http
