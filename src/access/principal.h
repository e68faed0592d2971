#pragma once
// Who calls, and what they may: a holder of a credential, the tenants it stands in, and what all of them together allow.

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/settings.h"
#include "net/crypto.h"
#include "net/ip_list.h"

namespace cardea::access {

struct IdentityClaims;
using Role = config::Role;

/// What a route asks of its caller. One row each in the table of roles (principal.cc).
enum class Permission : std::uint8_t {
  call,     ///< ask models, use what they keep
  read,     ///< see the administration, within one's tenant
  operate,  ///< block and unblock, set providers' keys
  manage,   ///< make and change tenants, keys and members below one's tenant
  own,      ///< the gateway itself: its sealing keys, administrators and owners
};
[[nodiscard]] bool permits(Role role, Permission permission) noexcept;

inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

/// Does a list of names, of which each may have '*' at its end for any rest, hold `name`?
[[nodiscard]] bool holds(const std::vector<std::string>& list, std::string_view name) noexcept;
/// Does `outer` hold every name that `inner` may hold?
[[nodiscard]] bool covers(const std::vector<std::string>& outer, const std::vector<std::string>& inner) noexcept;

/// A grant made ready to be asked. A value; immutable once it is in a directory.
struct Standing {
  config::Grant grant;
  net::IpList allow, deny;       ///< of client addresses; an empty `allow` is all
  std::int64_t expires = never;  ///< Unix seconds

  /// Error: config, `param` names the field ("expires", "allow_ips").
  [[nodiscard]] static Result<std::shared_ptr<const Standing>> make(config::Grant grant);
  /// One that narrows nothing.
  [[nodiscard]] static std::shared_ptr<const Standing> open();
};

/// One of a grant's lists of names.
using List = std::optional<std::vector<std::string>> config::Grant::*;

enum class Level : std::uint8_t { organization, team, project, end_user };

/// Somebody who stands between the gateway and a caller: above it, or, an end user, behind it.
struct Tenant {
  Level level = Level::organization;
  std::string id;
  std::shared_ptr<const Standing> standing = Standing::open();
  std::shared_ptr<const Tenant> parent;  ///< null: the gateway itself is above
  /// "team 'research'"
  [[nodiscard]] std::string title() const;
};

/// What is known of one who can call. Immutable but for when it was last here; shared by directories and by the requests it has
/// under way.
struct Holder {
  struct Credential {
    net::Digest digest;
    std::int64_t until = never;  ///< Unix seconds; of a value that was rotated away
    std::string sealed = {};     ///< the value itself, of a key that signs
  };
  std::string id;     ///< in the administration
  std::string name;   ///< in logs, metrics and records
  std::string owner;  ///< see Principal::owner()
  Role role = Role::key;
  config::Signing signing = config::Signing::off;
  std::shared_ptr<const Standing> standing = Standing::open();  ///< never null
  std::shared_ptr<const Tenant> tenant;                         ///< null: none, it stands at the gateway itself
  std::vector<Credential> credentials;
  std::shared_ptr<const IdentityClaims> vouched;  ///< of one whom others vouch for, without credentials of its own
  mutable std::atomic<std::int64_t> used = 0;     ///< Unix seconds; 0: never
};

/// What a request is about to use; empty: not asked.
struct Use {
  std::string_view dialect;
  std::string_view model;  ///< as asked
  std::string_view provider;
  std::string_view upstream_model;  ///< the provider's own name
};

/// The caller, never empty: a holder, or the local user of a gateway without keys. Cheap to copy. Keeps its holder alive.
class Principal {
 public:
  [[nodiscard]] static Principal local() noexcept { return Principal{}; }
  /// The system's own user on the administration's socket.
  [[nodiscard]] static Principal operator_of_this_machine();
  explicit Principal(std::shared_ptr<const Holder> holder) noexcept;

  [[nodiscard]] bool is_local() const noexcept { return holder_ == nullptr; }
  /// The key's name, or "local".
  [[nodiscard]] std::string_view name() const noexcept { return holder_ != nullptr ? std::string_view{holder_->name} : "local"; }
  /// Who owns what the caller leaves behind: the same after a restart, a reload and a rotation, never the same for two.
  [[nodiscard]] std::string_view owner() const noexcept {
    return holder_ != nullptr ? std::string_view{holder_->owner} : "local";
  }
  [[nodiscard]] Role role() const noexcept { return holder_ != nullptr ? holder_->role : Role::key; }
  /// Null: none, it stands at the gateway itself.
  [[nodiscard]] const Tenant* tenant() const noexcept { return holder_ != nullptr ? holder_->tenant.get() : nullptr; }
  /// Null of Principal::local().
  [[nodiscard]] const Holder* holder() const noexcept { return holder_.get(); }
  /// From now on the caller may no more than the end user for whom it asks. Null: nobody who is known.
  void speak_for(std::shared_ptr<const Tenant> end_user) noexcept { end_user_ = std::move(end_user); }
  [[nodiscard]] const Tenant* end_user() const noexcept { return end_user_.get(); }

  /// Does some level between the gateway and the caller say which of these may be used?
  [[nodiscard]] bool restricted(List list) const noexcept;
  /// Error: forbidden, naming what it may not and the level that says so.
  [[nodiscard]] Status check(const Use& use) const;
  [[nodiscard]] Status check_tool(std::string_view name) const;
  /// Neither blocked nor expired, and the client's address is welcome. `address` as text, without port.
  [[nodiscard]] Status check_standing(std::int64_t now, std::string_view address) const;

 private:
  Principal() = default;
  /// Asks the end user's standing, the caller's own, then its tenants' from below upwards, until one says no. The second argument
  /// is null for its own.
  template <class Check>
  [[nodiscard]] Status each_level(const Check& check) const;

  std::shared_ptr<const Holder> holder_;    ///< null: local
  std::shared_ptr<const Tenant> end_user_;  ///< null: nobody who is known
};

}  // namespace cardea::access
