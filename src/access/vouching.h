#pragma once
// Callers without a key of this gateway, of one worker: those whom others vouch for, people who are logged in, and programs with
// a short-lived token.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "access/directory.h"
#include "access/identities.h"
#include "access/login.h"
#include "access/principal.h"
#include "access/vault.h"
#include "config/settings.h"
#include "net/scope.h"

namespace cardea::access {

/// What the configuration says of them.
struct VouchingSettings {
  std::vector<config::Jwt> jwt;
  std::vector<config::Introspection> introspection;
  config::Oidc oidc;
};

/// One per worker, on its loop.
class Vouching {
 public:
  struct Options {
    net::Scope& scope;  ///< of what goes on when its client has left; outlives this
    http::Client& client;
    const Vault& vault;
    Sessions& sessions;
    std::function<std::int64_t()> now;  ///< Unix seconds
    /// Told of each failure to reach somebody who vouches.
    std::function<void(std::string_view what, const Error& error)> on_failure;
  };
  explicit Vouching(const Options& options);

  void configure(const VouchingSettings& settings);
  [[nodiscard]] Login& login() noexcept { return login_; }

  /// Who sends this head, which the directory has refused with `refusal`? Only an unknown credential is looked at further: what
  /// is malformed, ambiguous or a key's stays refused. Without any credential a session's cookie counts, or else the certificate
  /// of the connection (null: none). Error: `refusal`, or what Identities::verify, Directory::admit and Login::check_origin say.
  [[nodiscard]] net::Task<Result<Principal>> vouch(const wire::RequestHead& head, const net::PeerCertificate* certificate,
                                                   std::shared_ptr<const Directory> directory, Error refusal);
  /// POST /oauth/token: the answer's body. Error: see read_token_request(); invalid_client.
  [[nodiscard]] Result<std::string> exchange(std::string_view authorization, std::string_view form,
                                             const Directory& directory) const;

 private:
  [[nodiscard]] Result<Principal> machine(std::string_view token, const Directory& directory) const;
  [[nodiscard]] Result<Principal> session(const wire::RequestHead& head, const net::PeerCertificate* certificate,
                                          const Directory& directory, Error refusal) const;

  std::function<std::int64_t()> now_;
  const Vault& vault_;
  net::KeyedHash token_key_;
  Identities identities_;
  Login login_;
};

}  // namespace cardea::access
