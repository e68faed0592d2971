#pragma once
// What proves each request anew, where constant header lines cannot: signatures and short-lived tokens.

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "catalog/catalog.h"
#include "execute/google_token.h"
#include "http/client.h"
#include "net/scope.h"

namespace cardea::execute {

/// A request as far as a proof covers it. Views outlive the call.
struct Provable {
  const catalog::Provider& provider;
  std::string_view request_line;
  std::span<const std::string_view> body;
  const http::CallTimeouts& timeouts;
};

/// One per worker, on its loop. A token is renewed from a minute before its end on, by one call however many ask, while requests
/// go on with the old one; who has none waits for that call.
class Signing {
 public:
  Signing(net::Scope& scope, http::Client& client) : scope_{scope}, client_{client} {}

  /// Header lines, each ending in CRLF; empty when the provider's constant lines are enough. Errors: upstream_auth when no token
  /// is given, or what the call for one met.
  [[nodiscard]] net::Task<Result<std::string>> lines(const Provable& request);
  [[nodiscard]] static bool needed(const catalog::Provider& provider) noexcept {
    return !std::holds_alternative<std::monostate>(provider.signer);
  }
  /// The upstream takes the provider's token no more: the next request gets a new one.
  void forget(const catalog::Provider& provider);

 private:
  /// One service account's token, shared with the call that renews it. Their number is that of the accounts configured.
  struct Account {
    explicit Account(net::Loop& loop) : renewed{loop} {}
    AccessToken token;
    std::optional<Error> failure;  ///< of the last renewal
    net::Event renewed;            ///< no renewal is under way
    bool renewing = false;
  };
  [[nodiscard]] std::shared_ptr<Account>& account_of(const catalog::ServiceAccount& account);
  [[nodiscard]] static net::Task<void> renew(std::shared_ptr<Account> account, http::Client& client, catalog::ServiceAccount key,
                                             http::CallTimeouts timeouts);

  net::Scope& scope_;
  http::Client& client_;
  std::map<std::string, std::shared_ptr<Account>, std::less<>> accounts_;
};

}  // namespace cardea::execute
