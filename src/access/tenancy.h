#pragma once
// Private to the room: everything that the registry keeps, as it stands, and the directory that follows from it.

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "access/registry.h"
#include "config/settings.h"

namespace cardea::access {

[[nodiscard]] inline std::string_view bytes_of(const net::Digest& digest) noexcept {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// One thing, whatever it is: what the forms of the configuration have in common. A value.
struct Item {
  Thing thing = Thing::key;
  std::string id;
  std::string title;  ///< of a key: its name
  config::Place place;
  Role role = Role::key;
  config::Signing signing = config::Signing::off;
  std::string identity, issuer;  ///< of members
  std::shared_ptr<const Standing> standing = Standing::open();
  std::string body;  ///< its form as JSON, without any secret
  std::int64_t version = 0, created = 0, changed = 0;
  config::Where where;  ///< in a file; line 0: none, the store keeps it

  // Of a key.
  std::string owner;
  std::vector<Holder::Credential> credentials;  ///< empty: revoked
  std::string hint;                             ///< the end of its value, to tell keys apart

  [[nodiscard]] bool declared() const noexcept { return where.line != 0; }
};

/// An entry of a file's list has no id of its own: its identity, where that is one, or else a hash of whom it is about.
[[nodiscard]] std::string id_of(const config::Member& form);
/// Letters, digits and . _ - : @, at most 128.
[[nodiscard]] bool good_id(std::string_view id) noexcept;
/// Of a JSON object in the thing's form, and the value that it gives to a key. Error: bad_request, `param` names the field.
struct ReadItem {
  Item item;
  Secret key;
};
[[nodiscard]] Result<ReadItem> read_item(Thing thing, std::string id, std::string_view json);
/// The same of a form that is read already.
template <class Form>
[[nodiscard]] Result<ReadItem> make_item(Thing thing, std::string id, Form form);

/// What the store keeps of an item, and back. Error: config, naming the record.
[[nodiscard]] store::Record record_of(const Item& item);
[[nodiscard]] Result<Item> item_of(const store::Record& record);
/// Null: the store keeps no things of that kind.
[[nodiscard]] std::optional<Thing> thing_of(std::string_view kind) noexcept;

/// What is kept of a key's values follows what the key is to do. Error: bad_request, its value is not at hand.
[[nodiscard]] Status follow_signing(Item& item);

/// As the administration shows it.
[[nodiscard]] std::string shown_json(const Item& item, std::int64_t used);

/// By id, found without making a string.
struct IdHash {
  using is_transparent = void;
  [[nodiscard]] std::size_t operator()(std::string_view id) const noexcept { return std::hash<std::string_view>{}(id); }
};
template <class T>
using ById = std::unordered_map<std::string, T, IdHash, std::equal_to<>>;

/// Not synchronised.
class Tenancy {
 public:
  using Kept = std::shared_ptr<const Item>;
  using Items = std::map<std::string, Kept, std::less<>>;

  [[nodiscard]] const Items& all(Thing thing) const noexcept { return items_[static_cast<std::size_t>(thing)]; }
  /// Null: there is none.
  [[nodiscard]] const Item* find(Thing thing, std::string_view id) const noexcept;
  void put(Item item);
  void erase(Thing thing, std::string_view id);
  /// Everything a file declared is gone, and returned.
  std::vector<Item> forget_declared();

  /// Where it belongs to, directly; nothing: to the gateway itself.
  [[nodiscard]] static std::optional<std::pair<Thing, std::string_view>> parent_of(const Item& item) noexcept;
  /// Is it that tenant, or below it? Null: the gateway itself, so yes.
  [[nodiscard]] bool within(const Item& item, const Tenant* tenant) const noexcept;
  /// It, and all below it.
  [[nodiscard]] std::vector<const Item*> below(const Item& item) const;
  /// What it belongs to exists and fits together. Error: bad_request, `param` names the field.
  [[nodiscard]] Status check_place(const Item& item) const;
  /// All that it stands below is there. What has lost a tenant above it admits nobody: nothing would narrow it any more.
  [[nodiscard]] bool stands(const Item& item) const noexcept;
  /// It allows no more than what is above it does. Error: bad_request, `param` names the field.
  [[nodiscard]] Status check_narrower(const Item& item) const;

  /// The holders of all keys, those that did not change the same as before.
  [[nodiscard]] std::vector<std::shared_ptr<const Holder>> holders();
  [[nodiscard]] std::shared_ptr<const Tenant> tenant(Thing thing, std::string_view id);
  /// Of all keys, members and tenants, as they are now.
  [[nodiscard]] Directory::Parts parts(const OriginRules& rules);
  /// When a key was last used; 0: never.
  [[nodiscard]] std::int64_t used(std::string_view id) const noexcept;
  void set_used(const std::string& id, std::int64_t time) { used_[id] = time; }

 private:
  /// When it was last used stays.
  void drop_holder(std::string_view id);
  void drop_holders();
  [[nodiscard]] std::shared_ptr<const Tenant> tenant_of(const Item& item);
  [[nodiscard]] std::shared_ptr<const Holder> make_holder(const Item& item);

  std::array<Items, things> items_;
  std::array<ById<std::shared_ptr<const Tenant>>, 3> tenants_;  ///< by level: made from items_ when asked for
  ById<std::shared_ptr<const Holder>> holders_;                 ///< by key id; likewise
  ById<std::int64_t> used_;                                     ///< of keys without a holder yet
};

/// The fields in which `inner` allows more than `outer`.
[[nodiscard]] std::vector<std::string_view> wider(const Standing& outer, const Standing& inner);

}  // namespace cardea::access
