#pragma once
// Credentials that somebody else vouches for, as far as the network is needed: issuers' keys by URL, and asking a server what a
// token is worth.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "access/claims.h"
#include "access/token.h"
#include "base/error.h"
#include "config/settings.h"
#include "http/client.h"
#include "net/crypto.h"
#include "net/scope.h"

namespace cardea::access {

/// What is remembered of tokens, at most, and questions under way at a time, of one worker.
inline constexpr std::size_t remembered_tokens_max = 4096;
inline constexpr std::size_t questions_max = 64;

/// One per worker, on its loop. A JWT of a configured issuer is verified with that issuer's keys; any other credential is asked
/// about at the introspection servers, in their order, until one knows it.
///
/// Keys come from a file or an https URL at the first need, again when a token names one that is not there (at most every 30 s)
/// or when they are 10 minutes old; when that fails the old ones stay. Several requests share one fetch or question, which goes
/// on when its client leaves. What a token came to is remembered by the SHA-256 of all of it: a good JWT for 5 minutes, an
/// introspection's answer, "no" too, for as long as configured (≤ 60 s), neither beyond the token's end.
class Identities {
 public:
  struct Options {
    net::Scope& scope;  ///< of fetches; outlives this
    http::Client& client;
    std::function<std::int64_t()> now;  ///< Unix seconds
    /// Told of each failure to reach an issuer or its server.
    std::function<void(std::string_view what, const Error& error)> on_failure;
  };
  explicit Identities(Options options);
  ~Identities();
  Identities(const Identities&) = delete;
  Identities& operator=(const Identities&) = delete;

  /// What counts from now on; nothing is remembered of before, but keys whose issuer and place are the same.
  void configure(std::span<const config::Jwt> issuers, std::span<const config::Introspection> servers);
  /// Is there anybody to vouch? If not, verify() need not be awaited.
  [[nodiscard]] bool any() const noexcept { return !issuers_.empty() || !servers_.empty(); }

  /// Errors: unauthenticated (nobody vouches for it; messages never repeat it), forbidden (claims of a strange form), unavailable
  /// (an issuer's keys or a server cannot be had: whether the token is good is not known), or the scope's reason.
  [[nodiscard]] net::Task<Result<IdentityClaims>> verify(std::string_view token);

 private:
  struct Issuer;
  struct Server;
  struct Question;
  struct Known {
    std::optional<IdentityClaims> claims;  ///< none: nobody vouches
    std::int64_t until = 0;
  };
  struct DigestHash {
    std::size_t operator()(const net::Digest& digest) const noexcept;
  };

  [[nodiscard]] net::Task<Result<IdentityClaims>> verify_jwt(std::shared_ptr<Issuer> issuer, Token token);
  [[nodiscard]] net::Task<Result<IdentityClaims>> introspect(std::string token, net::Digest digest);
  [[nodiscard]] net::Task<void> fetch_keys(std::shared_ptr<Issuer> issuer);
  [[nodiscard]] net::Task<void> put_question(std::shared_ptr<Question> question, std::string token, net::Digest digest);
  [[nodiscard]] net::Task<Result<Known>> ask_server(std::shared_ptr<const Server> server, const std::string& token);
  void refresh(const std::shared_ptr<Issuer>& issuer);
  void remember(const net::Digest& digest, Known known);
  [[nodiscard]] std::int64_t now() const;

  Options options_;
  std::vector<std::shared_ptr<Issuer>> issuers_;
  std::vector<std::shared_ptr<const Server>> servers_;
  std::unordered_map<net::Digest, Known, DigestHash> known_;
  std::unordered_map<net::Digest, std::shared_ptr<Question>, DigestHash> questions_;
  std::uint64_t generation_ = 0;  ///< of the configuration: an answer to a question of before is not remembered
};

}  // namespace cardea::access
