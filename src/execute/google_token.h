#pragma once
// Access tokens for a Google service account: a signed assertion is exchanged for one (RFC 7523;
// developers.google.com/identity/protocols/oauth2/service-account). Pure: the exchange itself is the caller's.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "catalog/catalog.h"

namespace cardea::execute {

inline constexpr std::string_view google_cloud_scope = "https://www.googleapis.com/auth/cloud-platform";

/// What `ServiceAccount::token_url` is posted, as application/x-www-form-urlencoded. `now`: Unix seconds. Error config: the
/// private key cannot be read.
[[nodiscard]] Result<std::string> google_token_request(const catalog::ServiceAccount& account, std::uint64_t now,
                                                       std::string_view scope = google_cloud_scope);

struct AccessToken {
  Secret token;
  std::uint64_t expires_at = 0;  ///< Unix seconds
  /// Is it time for a new one? A minute before its end, so that no request carries one that dies on the way.
  [[nodiscard]] bool stale(std::uint64_t now) const noexcept {
    constexpr std::uint64_t margin = 60;
    return token.empty() || now + margin >= expires_at;
  }
  [[nodiscard]] bool dead(std::uint64_t now) const noexcept { return token.empty() || now >= expires_at; }
};

/// Reads the answer, of any status. `now`: when it was asked for. Error upstream_auth: refused, with the service's own word for
/// it; upstream_protocol: no such answer.
[[nodiscard]] Result<AccessToken> google_token_answer(std::string_view body, std::uint64_t now);

}  // namespace cardea::execute
