#include "access/directory.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <unordered_set>
#include <utility>

#include "access/claims.h"
#include "access/credential.h"
#include "access/signature.h"
#include "base/secret.h"
#include "base/text.h"
#include "wire/http1.h"

namespace cardea::access {
namespace {

using net::Digest;

constexpr std::uint32_t vacant = UINT32_MAX;
constexpr std::string_view how_to_send =
    "Send it as 'Authorization: Bearer YOUR_KEY' (x-api-key, api-key, x-goog-api-key and ?key= work too).";

std::string_view bytes_of(const Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

/// Where a digest's search begins. Fit as it is: nobody outside knows the hash's key, so nobody can aim at a slot.
std::size_t slot_of(const Digest& digest) {
  std::size_t word = 0;
  std::memcpy(&word, digest.data(), sizeof word);
  return word;
}

bool sendable(std::string_view key) {
  return std::ranges::all_of(key, [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string place_of(const config::GatewayKey& key, std::string_view name) {
  return key.where.line == 0 ? cat("gateway key '", name, "'")
                             : cat(key.where.file, ":", key.where.line, ": gateway key '", name, "'");
}

/// A key that has a name is that name (its value may be renewed); one without is its value, since its place in the list may be
/// another's tomorrow. Neither is "local".
std::string owner_of(const config::GatewayKey& key) {
  if (!key.name.empty()) return cat("name:", key.name);
  const std::string_view parts[] = {"cardea owner\n", key.key.reveal()};
  return cat("key:", to_hex(bytes_of(net::sha256(parts))));
}

/// Puts `index` into the first vacant slot from `at` on.
void put(std::vector<std::uint32_t>& slots, std::size_t at, std::uint32_t index) {
  while (slots[at & (slots.size() - 1)] != vacant) ++at;
  slots[at & (slots.size() - 1)] = index;
}

/// Plain stores, now and then: the line is shared by all workers.
void note_use(const Holder& holder, std::int64_t now) {
  if (holder.used.load(std::memory_order_relaxed) != now) holder.used.store(now, std::memory_order_relaxed);
}

std::unexpected<Error> only_signs() {
  return fail(Kind::unauthenticated, "This key signs its requests; it is never sent itself (docs/request-signing.md).");
}

std::unexpected<Error> unknown() {
  return fail(Kind::unauthenticated, cat("The API key is not one of this gateway's. ", how_to_send));
}

}  // namespace

net::KeyedHash fresh_hash() {
  std::array<std::uint8_t, 32> random{};
  net::random_bytes(random);
  return net::KeyedHash{{reinterpret_cast<const char*>(random.data()), random.size()}};
}

Result<std::shared_ptr<Holder>> holder_of(const config::GatewayKey& key, std::size_t place, const net::KeyedHash& hash) {
  std::string name = key.name.empty() ? cat("key-", place) : key.name;
  const std::string_view value = key.key.reveal();
  if (value.empty()) return fail(Kind::config, cat(place_of(key, name), " is empty: give it a value or remove it"));
  if (value.size() > key_bytes_max) {
    return fail(Kind::config, cat(place_of(key, name), " is longer than ", key_bytes_max, " bytes"));
  }
  if (!sendable(value)) {
    return fail(Kind::config,
                cat(place_of(key, name), " holds a space or a character that no header can carry: use visible ASCII"));
  }
  Result<std::shared_ptr<const Standing>> standing = Standing::make(key.grant);
  if (!standing) {
    return fail(Kind::config, cat(place_of(key, name), ": ", standing.error().detail().param, ": ", standing.error().message()));
  }
  auto holder = std::make_shared<Holder>();
  holder->owner = owner_of(key);
  holder->id = holder->name = std::move(name);
  holder->role = key.role;
  holder->signing = key.signing;
  holder->standing = std::move(*standing);
  holder->credentials.push_back({.digest = hash(value)});
  return holder;
}

Directory::Directory(Parts parts, net::KeyedHash hash) : parts_{std::move(parts)}, hash_{std::move(hash)} {
  std::ranges::sort(parts_.end_users, {}, [](const auto& end_user) -> std::string_view { return end_user->id; });
  std::size_t values = 0;
  for (const auto& holder : parts_.holders) values += holder->credentials.size();
  entries_.reserve(values);
  slots_.assign(std::bit_ceil(values * 2 + 1), vacant);
  id_slots_.assign(std::bit_ceil(parts_.holders.size() * 2 + 1), vacant);
  for (std::uint32_t i = 0; i < parts_.holders.size(); ++i) {
    put(id_slots_, std::hash<std::string_view>{}(parts_.holders[i]->id), i);
    for (const Holder::Credential& credential : parts_.holders[i]->credentials) {
      put(slots_, slot_of(credential.digest), static_cast<std::uint32_t>(entries_.size()));
      entries_.push_back({credential.digest, credential.until, i});
    }
  }
}

std::shared_ptr<const Directory> Directory::make(Parts parts, net::KeyedHash hash) {
  return std::shared_ptr<const Directory>{new Directory{std::move(parts), std::move(hash)}};
}

Result<std::shared_ptr<const Directory>> Directory::make(std::span<const config::GatewayKey> keys, OriginRules rules,
                                                         const net::KeyedHash& hash) {
  Parts parts{.keyless = keys.empty() ? Parts::Keyless::admitted : Parts::Keyless::refused, .rules = std::move(rules)};
  std::unordered_set<std::string_view> names;
  std::unordered_map<std::string_view, std::string_view> values;
  for (const config::GatewayKey& key : keys) {
    Result<std::shared_ptr<Holder>> holder = holder_of(key, parts.holders.size() + 1, hash);
    if (!holder) return fail_with(holder);
    const std::string& name = (*holder)->name;
    if (!names.insert(name).second) {
      return fail(Kind::config, cat(place_of(key, name), " exists twice: give each key its own name"));
    }
    if (const auto [other, fresh] = values.try_emplace(key.key.reveal(), name); !fresh) {
      return fail(Kind::config, cat(place_of(key, name), " has the same value as '", other->second, "': remove one"));
    }
    parts.holders.push_back(std::move(*holder));
  }
  return make(std::move(parts), hash);
}

const Directory::Entry* Directory::find(const Digest& digest) const noexcept {
  for (std::size_t at = slot_of(digest);; ++at) {
    const std::uint32_t index = slots_[at & (slots_.size() - 1)];
    if (index == vacant) return nullptr;
    if (constant_time_equal(bytes_of(entries_[index].digest), bytes_of(digest))) return &entries_[index];
  }
}

const Directory::Entry* Directory::admits(std::string_view credential, std::int64_t now) const noexcept {
  const Entry* entry = credential.size() <= key_bytes_max ? find(hash_(credential)) : nullptr;
  return entry != nullptr && entry->until > now ? entry : nullptr;
}

std::shared_ptr<const Holder> Directory::find(std::string_view credential, std::int64_t now) const noexcept {
  const Entry* entry = admits(credential, now);
  return entry != nullptr ? parts_.holders[entry->holder] : nullptr;
}

std::shared_ptr<const Holder> Directory::find_id(std::string_view id) const noexcept {
  for (std::size_t at = std::hash<std::string_view>{}(id);; ++at) {
    const std::uint32_t index = id_slots_[at & (id_slots_.size() - 1)];
    if (index == vacant) return nullptr;
    if (parts_.holders[index]->id == id) return parts_.holders[index];
  }
}

std::shared_ptr<const Tenant> Directory::end_user(std::string_view id, const Principal& caller) const noexcept {
  const auto id_of = [](const std::shared_ptr<const Tenant>& tenant) -> std::string_view { return tenant->id; };
  const auto found = std::ranges::lower_bound(parts_.end_users, id, {}, id_of);
  if (found == parts_.end_users.end() || (*found)->id != id) return nullptr;
  // One tenant's names are nothing to another one; what stands at the gateway itself is everybody's.
  const auto stands_in = [](const Tenant* below, const Tenant* above) {
    while (below != nullptr && (below->level != above->level || below->id != above->id)) below = below->parent.get();
    return below != nullptr;
  };
  const Tenant* of = (*found)->parent.get();
  const Tenant* from = caller.tenant();
  if (of != nullptr && from != nullptr && !stands_in(from, of) && !stands_in(of, from)) return nullptr;
  return *found;
}

Status Directory::admit_keyless(const wire::RequestHead& head, Peer peer) const {
  // A configuration that comes to this is refused (Registry::declare); the door stays shut all the same.
  if (peer != Peer::local)
    return fail(Kind::unauthenticated, "No API key is configured, so only this machine may use the gateway.");
  if (!host_allowed(head.host(), parts_.rules)) {
    return fail(Kind::forbidden,
                "Without an API key the gateway answers to localhost only, and this Host is another name. "
                "Use http://localhost, set a key, or list the name under allowed_hosts.");
  }
  const auto& headers = head.headers();
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (headers.field(i) == wire::Field::origin && !origin_allowed(headers[i].value, parts_.rules)) {
      return fail(Kind::forbidden,
                  "Without an API key the gateway does not serve web pages of other sites. "
                  "Set a key, or list the page's Origin under allowed_origins.");
    }
  }
  return {};
}

Result<Principal> Directory::authenticate(const wire::RequestHead& head, Peer peer, std::int64_t now, BodyProof& proof) const {
  Credential credential;
  if (auto extracted = credential.extract(head); !extracted) return fail_with(extracted);
  if (keyless()) {
    // SDKs cannot be told to send no key, so one of any value passes where none is asked for.
    if (auto admitted = admit_keyless(head, peer); !admitted) return fail_with(admitted);
    return Principal::local();
  }
  const auto value = credential.value();
  if (!value) return fail(Kind::unauthenticated, cat("No API key was sent. ", how_to_send));
  if (credential.scheme()) return admit_signed(head, credential, now, proof);
  const Entry* entry = admits(*value, now);
  if (entry == nullptr) return unknown();
  const std::shared_ptr<const Holder>& holder = parts_.holders[entry->holder];
  if (holder->signing == config::Signing::required) return only_signs();
  note_use(*holder, now);
  return Principal{holder};
}

Result<Principal> Directory::admit_signed(const wire::RequestHead& head, const Credential& credential, std::int64_t now,
                                          BodyProof& proof) const {
  const SigningScheme scheme = *credential.scheme();
  auto holder = find_id(*credential.value());
  if (holder != nullptr && holder->signing == config::Signing::off) holder = nullptr;
  if (holder == nullptr && scheme == SigningScheme::aws) {
    // AWS's clients cannot be told not to sign: of a key that is sent as it is, the value is the access key id, and counts alone.
    if (const Entry* entry = admits(*credential.value(), now)) {
      const auto& sender = parts_.holders[entry->holder];
      if (sender->signing == config::Signing::required) return only_signs();
      note_use(*sender, now);
      return Principal{sender};
    }
  }
  if (parts_.signatures == nullptr) return unknown();
  auto sent = parse_signature(scheme, credential.parameters());
  if (!sent) return fail_with(sent);
  Result<BodyProof> verified = parts_.signatures->verify(head, *sent, holder.get(), now);
  if (!verified) return fail_with(verified);
  // Of an unknown id the judge refuses any body; until then it is nobody.
  if (holder == nullptr) holder = std::make_shared<const Holder>();
  proof.open = verified->open;
  proof.judge = [judge = std::move(verified->judge), holder, now](const net::Digest& body) mutable {
    Status judged = judge(body);
    if (judged) note_use(*holder, now);
    return judged;
  };
  return Principal{std::move(holder)};
}

const Directory::Member* Directory::member_of(const IdentityClaims& claims) const noexcept {
  const Member* found = nullptr;
  for (const Member& member : parts_.members) {
    const bool same = member.identity == claims.subject || (!claims.email.empty() && member.identity == claims.email);
    if (!same || (!member.issuer.empty() && member.issuer != claims.issuer)) continue;
    if (found == nullptr || found->issuer.empty()) found = &member;  // one that names the issuer says more
  }
  return found;
}

Result<std::shared_ptr<const Tenant>> Directory::tenant_of(const config::Place& place) const {
  const std::pair<Level, const std::string*> levels[] = {
      {Level::project, &place.project}, {Level::team, &place.team}, {Level::organization, &place.organization}};
  std::shared_ptr<const Tenant> lowest;
  for (const auto& [level, id] : levels) {
    if (id->empty()) continue;
    const auto is_it = [&](const Tenant& tenant) { return tenant.level == level && tenant.id == *id; };
    if (lowest == nullptr) {
      const auto found = std::ranges::find_if(parts_.tenants, [&](const auto& tenant) { return is_it(*tenant); });
      if (found == parts_.tenants.end()) {
        return fail(Kind::forbidden, "The issuer puts you into a tenant that this gateway does not have. Ask its administrator.");
      }
      lowest = *found;
      continue;
    }
    const Tenant* above = lowest->parent.get();
    while (above != nullptr && !is_it(*above)) above = above->parent.get();
    if (above == nullptr) {
      return fail(Kind::forbidden,
                  "The issuer puts you into tenants that do not belong together here. Ask the gateway's administrator.");
    }
  }
  return lowest;
}

Result<Principal> Directory::admit(std::shared_ptr<const IdentityClaims> claims, std::int64_t now) const {
  if (now >= claims->expires) return fail(Kind::unauthenticated, "The token or session has expired. Get a new one.");
  const Member* member = member_of(*claims);
  if (member == nullptr && claims->standing == IdentityClaims::Standing::as_listed) {
    return fail(Kind::unauthenticated,
                cat("Nobody is listed under members as '", claims->subject, "' of issuer '", claims->issuer, "'."));
  }
  auto holder = std::make_shared<Holder>();
  const std::string_view parts[] = {claims->issuer, "\n", claims->subject};
  holder->owner = cat("identity:", to_hex(bytes_of(net::sha256(parts))));
  holder->id = holder->owner;
  holder->name = claims->email.empty() ? claims->subject : claims->email;
  holder->role = claims->role;
  if (member != nullptr) {
    holder->role = member->holder->role;
    holder->standing = member->holder->standing;
    holder->tenant = member->holder->tenant;
  } else {
    auto tenant = tenant_of(claims->place);
    if (!tenant) return fail_with(tenant);
    holder->tenant = std::move(*tenant);
  }
  auto own = std::make_shared<Standing>(*holder->standing);
  auto& models = own->grant.models;
  if (claims->models) {
    const auto above = std::exchange(models, claims->models);
    if (above) std::erase_if(*models, [&](const std::string& model) { return !covers(*above, {model}); });
  }
  own->expires = std::min(own->expires, claims->expires);
  holder->standing = std::move(own);
  holder->vouched = std::move(claims);
  return Principal{std::move(holder)};
}

Result<Principal> Directory::renew(const Principal& principal, std::int64_t now) const {
  const Holder* before = principal.holder();
  if (before != nullptr && before->vouched != nullptr) return admit(before->vouched, now);
  if (before == nullptr) {
    if (keyless()) return principal;
    return fail(Kind::unauthenticated, cat("An API key is asked for now. ", how_to_send));
  }
  const auto admitted = std::ranges::find_if(before->credentials, [&](const Holder::Credential& credential) {
    const Entry* entry = find(credential.digest);
    return entry != nullptr && entry->until > now && parts_.holders[entry->holder]->id == before->id;
  });
  if (admitted == before->credentials.end()) return fail(Kind::unauthenticated, "The API key was revoked.");
  return Principal{parts_.holders[find(admitted->digest)->holder]};
}

}  // namespace cardea::access
