#pragma once
// Login of people with OpenID Connect (Core 1.0 §3.1, code flow) and PKCE (RFC 7636), and the sessions that follow.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "access/claims.h"
#include "access/vault.h"
#include "base/error.h"
#include "config/settings.h"
#include "http/client.h"

namespace cardea::wire {
class RequestHead;
}

namespace cardea::access {

struct AccessPoints;

/// Who is logged in, for all workers: kept in memory by the keyed hash of the session's id, gone with the process. Any thread.
class Sessions {
 public:
  static constexpr std::size_t sessions_max = 10'000;
  explicit Sessions(const Vault& vault) : vault_{vault} {}

  /// The new session's id: the cookie's value, which is kept nowhere. Error: unavailable: too many.
  [[nodiscard]] Result<std::string> open(IdentityClaims claims, std::int64_t now);
  /// Null: none, or expired.
  [[nodiscard]] std::shared_ptr<const IdentityClaims> find(std::string_view id, std::int64_t now) const;
  void close(std::string_view id);
  [[nodiscard]] std::size_t size() const;

 private:
  const Vault& vault_;
  mutable std::mutex mutex_;
  std::map<net::Digest, std::shared_ptr<const IdentityClaims>> sessions_;
};

/// One per worker, on its loop. Keeps nothing of a login under way: the browser does, sealed, in a cookie of ten minutes, so that
/// any worker may see it to its end.
class Login {
 public:
  struct Options {
    http::Client& client;
    const Vault& vault;
    Sessions& sessions;
    std::function<std::int64_t()> now;  ///< Unix seconds
    /// Told of each failure to reach the provider.
    std::function<void(std::string_view what, const Error& error)> on_failure;
  };
  explicit Login(Options options);
  ~Login();

  void configure(const config::Oidc& oidc);
  [[nodiscard]] bool on() const noexcept { return !oidc_.issuer.empty(); }

  /// Where the browser goes next, with Set-Cookie values.
  struct Step {
    std::string location;
    std::vector<std::string> cookies;
  };
  /// GET /login. `return_to`: a path of this gateway (anything else is its dashboard). Error: unavailable.
  [[nodiscard]] net::Task<Result<Step>> begin(std::string_view return_to);
  /// GET /callback. Errors: unauthenticated (another state, a refusal, a bad token: start again), unavailable.
  [[nodiscard]] net::Task<Result<Step>> finish(std::string_view query, std::string_view cookies);
  /// POST /logout: the session ends here; the provider's own goes on.
  [[nodiscard]] Step end(std::string_view cookies);
  /// Who a request's cookies say it is; null: nobody.
  [[nodiscard]] std::shared_ptr<const IdentityClaims> who(std::string_view cookies) const;
  /// A browser sends cookies by itself, so a change needs proof that one of our own pages asks: Origin, or Sec-Fetch-Site where
  /// there is none. Error: forbidden.
  [[nodiscard]] Status check_origin(const wire::RequestHead& head) const;

 private:
  [[nodiscard]] net::Task<Result<std::shared_ptr<const AccessPoints>>> discover();
  [[nodiscard]] net::Task<Result<json::Value>> exchange(const AccessPoints& points, std::string code, std::string verifier);
  [[nodiscard]] net::Task<Result<json::Value>> claims_of(const AccessPoints& points, const json::Value& answer,
                                                         std::string nonce);
  [[nodiscard]] Error trouble(std::string_view what, Error error) const;
  [[nodiscard]] std::string_view session_cookie() const noexcept;
  [[nodiscard]] std::string cookie(std::string_view name, std::string_view value, std::int64_t seconds) const;

  Options options_;
  config::Oidc oidc_;
  std::string origin_;  ///< of redirect_url: our own
  std::shared_ptr<const AccessPoints> points_;
};

/// The value of a cookie in a Cookie header (RFC 6265 §5.4); empty: none.
[[nodiscard]] std::string_view find_cookie(std::string_view header, std::string_view name) noexcept;

}  // namespace cardea::access
