#pragma once
// The write side of access: makes and changes tenants, keys, end users and members, and publishes a new Directory.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/directory.h"
#include "access/vault.h"
#include "base/secret.h"
#include "config/loader.h"
#include "store/registry.h"

namespace cardea::access {

/// What the registry keeps.
enum class Thing : std::uint8_t { organization, team, project, key, user, member };
inline constexpr std::size_t things = 6;
/// "organization" …
[[nodiscard]] std::string_view to_text(Thing thing) noexcept;

/// Who asks for a change, from where, and by which idempotency key (empty: none; the digest is of the request it belongs to).
/// Copied before a call returns.
struct Caller {
  const Principal& principal;
  std::string_view address;
  std::string_view idempotency_key = {};
  std::string_view request_digest = {};
};

/// One thing as it is shown: a whole JSON object, with no secret in it.
struct Shown {
  std::string id;
  std::int64_t version = 0;  ///< counted up by every change; 0: declared in a file
  std::string json;
};

/// What a change made. `secret`: of a new or a rotated key, this once; else empty.
struct Made {
  Shown shown;
  Secret secret;
};

struct ListQuery {
  Thing thing = Thing::key;
  std::string_view organization = {}, team = {}, project = {};  ///< only what belongs there, directly or further below
  std::string_view after = {};                                  ///< an id
  std::size_t limit = 100;
};

/// Any thread may call. A change is checked at once, in one order for all callers, stored with its audit line in one transaction,
/// and heard of (`then`, once, on any thread, not waiting) when it is durable and every worker goes by it.
///
/// Kinds: bad_request (`param` names the field), forbidden (the role, or more than the caller itself may), not_found (nothing of
/// that id, or not within the caller's tenant), conflict (the id is taken, a file declares it, or `if_version` is not the one;
/// then Detail::status is 412), unprocessable (an idempotency key used for another request), internal (the store).
class Registry {
 public:
  template <class T>
  using Then = std::move_only_function<void(T)>;
  /// Hands a new directory to every worker and calls `seen` when all go by it.
  using Publish = std::function<void(std::shared_ptr<const Directory>, std::move_only_function<void()> seen)>;
  struct Options {
    store::RegistryStore& store;
    const Vault& vault;
    Publish publish;
    std::chrono::system_clock::time_point (*now)() = &std::chrono::system_clock::now;
  };

  explicit Registry(Options options);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// What the store holds, once, before everything else. Error: config, naming the record.
  [[nodiscard]] Status load(const store::Kept& kept);
  /// What the configuration declares, from now on; publishes. Problems name file, line and fix; with an error nothing changes.
  [[nodiscard]] std::vector<config::Problem> declare(const config::Settings& settings, OriginRules rules);
  /// The directory of this moment.
  [[nodiscard]] std::shared_ptr<const Directory> directory() const;

  [[nodiscard]] Result<Shown> show(Thing thing, std::string_view id, const Principal& principal) const;
  /// In the order of ids.
  [[nodiscard]] Result<std::vector<Shown>> list(const ListQuery& query, const Principal& principal) const;

  /// `json`: the fields of the configuration's own form, and `id`. Without an id one is made up.
  void create(Thing thing, Caller caller, std::string json, Then<Result<Made>> then);
  /// `merge_patch`: RFC 7396.
  void update(Thing thing, Caller caller, std::string_view id, std::string_view merge_patch,
              std::optional<std::int64_t> if_version, Then<Result<Made>> then);
  /// And everything that belongs to it.
  void remove(Thing thing, Caller caller, std::string_view id, std::optional<std::int64_t> if_version, Then<Status> then);
  /// A new value; the old one admits for `overlap` longer.
  void rotate(Caller caller, std::string_view id, std::chrono::seconds overlap, Then<Result<Made>> then);
  /// No value of it admits any more; it stays to be seen.
  void revoke(Caller caller, std::string_view id, Then<Result<Made>> then);

  /// Writes down when keys were last used; now and then.
  void flush_used();

 private:
  struct State;
  std::shared_ptr<State> state_;  ///< shared with the changes under way
};

/// A kept key's record with its secrets sealed by the newest master key; nothing: they are, or there are none. Error: config, one
/// cannot be opened.
[[nodiscard]] Result<std::optional<store::Record>> resealed(const store::Record& record, const Vault& vault);

}  // namespace cardea::access
