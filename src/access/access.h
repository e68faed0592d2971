#pragma once
// Where credentials may stand in a request, and who may use a gateway that asks for none.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cardea::config {
struct Problem;
}

namespace cardea::access {

/// Longest credential that is looked at, in bytes; a longer one is refused unhashed.
inline constexpr std::size_t key_bytes_max = 1024;

/// Which web pages may use a gateway that no key protects, and which pages CORS admits. Compared without regard to ASCII case.
struct OriginRules {
  std::vector<std::string> origins;  ///< further origins as browsers send them ("https://app.example"), "null", or "*"
  std::vector<std::string> hosts;    ///< further Host names without port ("gateway.lan"), or "*"
};

/// What the listener says of a connection.
enum class Peer : std::uint8_t {
  local,   ///< came in on a listener that only this machine can reach (ListenAddress::loopback)
  remote,  ///< any other listener
};

/// Does this header (any case) carry a gateway credential? Such headers are never forwarded upstream.
[[nodiscard]] bool is_credential_header(std::string_view name) noexcept;
/// The name of the query parameter that may carry one; never forwarded upstream either.
inline constexpr std::string_view credential_parameter = "key";

/// May a page of this origin use the gateway: loopback (http or https, any port), or listed. For the keyless rule and for CORS.
[[nodiscard]] bool origin_allowed(std::string_view origin, const OriginRules& rules) noexcept;
/// Is this Host value (with or without port) a name for loopback, or listed?
[[nodiscard]] bool host_allowed(std::string_view host, const OriginRules& rules) noexcept;

/// Of a gateway that knows nobody: a problem for each listener (as configured) that others than this machine can reach.
void refuse_strangers(std::span<const std::string> listen, std::vector<config::Problem>& problems);

}  // namespace cardea::access
