#pragma once
// Everybody who can call, of one moment.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/access.h"
#include "access/principal.h"
#include "base/error.h"

namespace cardea::config {
struct ListenAddress;
}
namespace cardea::wire {
class RequestHead;
}

namespace cardea::access {

/// A file's key: "key-N" when it has no name, N its place counted from 1. Error: config: too long or unsendable, or a bad grant.
[[nodiscard]] Result<std::shared_ptr<Holder>> holder_of(const config::GatewayKey& key, std::size_t place,
                                                        const net::KeyedHash& hash);

/// What of a signed request only its body can show.
struct BodyProof {
  /// Says whether this may be its body; null: any may, nothing was signed.
  std::move_only_function<Status(const net::Digest& body)> judge;
  /// What is not known before the judge has spoken: that the body is the one that was signed, or who signed at all.
  enum class Open : std::uint8_t { the_body, the_signer } open = Open::the_body;
};
class Signatures;
class Credential;

/// Under a random key: for a directory whose hashes need not equal another's.
[[nodiscard]] net::KeyedHash fresh_hash();

/// All holders and what admits them, hashed. Immutable after make(); shared by all threads. Lookups take no lock and allocate
/// nothing. Memory: about 250 bytes a key.
class Directory {
 public:
  /// Somebody with a role and without a key.
  struct Member {
    std::string identity;  ///< subject or email
    std::string issuer;    ///< empty: any
    std::shared_ptr<const Holder> holder;
  };
  struct Parts {
    std::vector<std::shared_ptr<const Holder>> holders;
    std::vector<Member> members;
    std::vector<std::shared_ptr<const Tenant>> tenants;
    std::vector<std::shared_ptr<const Tenant>> end_users;  ///< by id
    /// Callers without a credential are the local user, on a listener that only this machine can reach.
    enum class Keyless : std::uint8_t { refused, admitted } keyless = Keyless::refused;
    OriginRules rules;
    std::shared_ptr<const Signatures> signatures;  ///< null: signed requests are refused
  };
  [[nodiscard]] static std::shared_ptr<const Directory> make(Parts parts, net::KeyedHash hash);
  /// Of a file's keys alone, in no tenant: for checks and tests. Error: config, with file, line and name of the key.
  [[nodiscard]] static Result<std::shared_ptr<const Directory>> make(std::span<const config::GatewayKey> keys,
                                                                     OriginRules rules = {},
                                                                     const net::KeyedHash& hash = fresh_hash());

  /// Kinds: unauthenticated (no credential, a malformed, ambiguous, unknown or expired one), forbidden (no keys configured and a
  /// foreign Origin or Host; blocked). Messages say how to do it right and never repeat a credential. Allocates only to refuse.
  /// `now`: Unix seconds. `proof` is set for a signed request: who it is from holds only if the body passes.
  [[nodiscard]] Result<Principal> authenticate(const wire::RequestHead& head, Peer peer, std::int64_t now,
                                               BodyProof& proof) const;
  /// Whose value this is; null: nobody's, or no longer.
  [[nodiscard]] std::shared_ptr<const Holder> find(std::string_view credential, std::int64_t now) const noexcept;
  /// Whom somebody else vouches for: as the member's entry of that issuer (or of any) and subject or email says, or else where
  /// and what the claims say. Error: unauthenticated, its time is over; forbidden, there is no such tenant.
  [[nodiscard]] Result<Principal> admit(std::shared_ptr<const IdentityClaims> claims, std::int64_t now) const;
  /// Null: there is none.
  [[nodiscard]] std::shared_ptr<const Holder> find_id(std::string_view id) const noexcept;
  /// Whom a caller names as the one behind it; null: nobody whom this directory knows, or a tenant's that is not the caller's.
  [[nodiscard]] std::shared_ptr<const Tenant> end_user(std::string_view id, const Principal& caller) const noexcept;
  /// The same caller as this directory knows it; Error: unauthenticated when its credential is gone, expired or blocked.
  [[nodiscard]] Result<Principal> renew(const Principal& principal, std::int64_t now) const;

  [[nodiscard]] std::size_t size() const noexcept { return parts_.holders.size(); }
  [[nodiscard]] bool keyless() const noexcept { return parts_.keyless == Parts::Keyless::admitted; }
  [[nodiscard]] const OriginRules& rules() const noexcept { return parts_.rules; }

 private:
  /// One value that admits somebody.
  struct Entry {
    net::Digest digest;
    std::int64_t until;
    std::uint32_t holder;
  };
  Directory(Parts parts, net::KeyedHash hash);
  [[nodiscard]] const Entry* find(const net::Digest& digest) const noexcept;
  [[nodiscard]] const Entry* admits(std::string_view credential, std::int64_t now) const noexcept;
  [[nodiscard]] const Member* member_of(const IdentityClaims& claims) const noexcept;
  [[nodiscard]] Result<std::shared_ptr<const Tenant>> tenant_of(const config::Place& place) const;
  [[nodiscard]] Result<Principal> admit_signed(const wire::RequestHead& head, const Credential& credential, std::int64_t now,
                                               BodyProof& proof) const;
  [[nodiscard]] Status admit_keyless(const wire::RequestHead& head, Peer peer) const;

  Parts parts_;
  net::KeyedHash hash_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> slots_;     ///< index into entries_, or vacant; a power of two, at most half full
  std::vector<std::uint32_t> id_slots_;  ///< index into holders, by id
};

}  // namespace cardea::access
