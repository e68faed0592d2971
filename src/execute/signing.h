#pragma once
// What proves each request anew, where constant header lines cannot: signatures and short-lived tokens.

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "catalog/catalog.h"
#include "execute/google_token.h"
#include "http/client.h"

namespace cardea::execute {

/// A request as far as a proof covers it. Views outlive the call.
struct Provable {
  const catalog::Provider& provider;
  std::string_view request_line;
  std::span<const std::string_view> body;
  const http::CallTimeouts& timeouts;
};

/// One per worker, on its loop. Tokens are kept until a minute before they end; their number is that of the accounts configured.
class Signing {
 public:
  explicit Signing(http::Client& client) : client_{client} {}

  /// Header lines, each ending in CRLF; empty when the provider's constant lines are enough. Errors: upstream_auth when no token
  /// is given, or what the call for one met.
  [[nodiscard]] net::Task<Result<std::string>> lines(const Provable& request);
  [[nodiscard]] static bool needed(const catalog::Provider& provider) noexcept {
    return !std::holds_alternative<std::monostate>(provider.signer);
  }

 private:
  [[nodiscard]] net::Task<Result<AccessToken>> fetch(const catalog::ServiceAccount& account, const http::CallTimeouts& timeouts);

  http::Client& client_;
  std::map<std::string, AccessToken, std::less<>> tokens_;  ///< by account
};

}  // namespace cardea::execute
