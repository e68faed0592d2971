#include "access/access.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <unordered_set>
#include <utility>

#include "access/credential.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/settings.h"
#include "net/crypto.h"
#include "wire/http1.h"

namespace cardea::access {
namespace {

using net::Digest;

constexpr std::string_view how_to_send =
    "Send it as 'Authorization: Bearer YOUR_KEY' (x-api-key, api-key, x-goog-api-key and ?key= work too).";

std::string_view bytes_of(const Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

/// Where a digest's search begins. Fit as it is: nobody outside knows the pepper, so nobody can aim at a slot.
std::size_t slot_of(const Digest& digest) {
  std::size_t word = 0;
  std::memcpy(&word, digest.data(), sizeof word);
  return word;
}

bool sendable(std::string_view key) {
  return std::ranges::all_of(key, [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string place(const config::GatewayKey& key, std::string_view name) {
  return key.where.line == 0 ? cat("gateway key '", name, "'")
                             : cat(key.where.file, ":", key.where.line, ": gateway key '", name, "'");
}

/// No key's owner is "local".
std::string owner_of(const config::GatewayKey& key) {
  if (!key.name.empty()) return cat("name:", key.name);
  const std::string_view parts[] = {"cardea owner\n", key.key.reveal()};
  return cat("key:", to_hex(bytes_of(net::sha256(parts))));
}

}  // namespace

/// Open addressing over peppered digests, at most half full. The pepper keeps equal keys of two processes, or of two snapshots,
/// from having equal hashes, and a memory image from being searched in a table computed before.
struct KeyRing::Table {
  static constexpr std::uint32_t vacant = UINT32_MAX;

  OriginRules rules;
  std::array<char, 32> pepper;
  std::vector<Key> keys;
  std::vector<Digest> digests;       ///< beside keys
  std::vector<std::uint32_t> slots;  ///< index into keys, or vacant; a power of two

  [[nodiscard]] Digest digest_of(std::string_view key) const noexcept {
    const std::string_view parts[] = {{pepper.data(), pepper.size()}, key};
    return net::sha256(parts);
  }
  /// The index of the digest, or vacant.
  [[nodiscard]] std::uint32_t find(const Digest& digest) const noexcept {
    for (std::size_t at = slot_of(digest);; ++at) {
      const std::uint32_t index = slots[at & (slots.size() - 1)];
      if (index == vacant || constant_time_equal(bytes_of(digests[index]), bytes_of(digest))) return index;
    }
  }
  void insert(const Digest& digest, Key key) {
    std::size_t at = slot_of(digest);
    while (slots[at & (slots.size() - 1)] != vacant) ++at;
    slots[at & (slots.size() - 1)] = static_cast<std::uint32_t>(keys.size());
    keys.push_back(std::move(key));
    digests.push_back(digest);
  }
  [[nodiscard]] Status admit_keyless(const wire::RequestHead& head, Peer peer) const;
};

KeyRing::KeyRing(std::unique_ptr<const Table> table) noexcept : table_{std::move(table)} {}
KeyRing::KeyRing(KeyRing&&) noexcept = default;
KeyRing& KeyRing::operator=(KeyRing&&) noexcept = default;
KeyRing::~KeyRing() = default;

Result<KeyRing> KeyRing::make(std::span<const config::GatewayKey> keys, OriginRules rules) {
  auto table = std::make_unique<Table>();
  table->rules = std::move(rules);
  net::random_bytes({reinterpret_cast<std::uint8_t*>(table->pepper.data()), table->pepper.size()});
  table->slots.assign(std::bit_ceil(keys.size() * 2 + 1), Table::vacant);
  table->keys.reserve(keys.size());
  table->digests.reserve(keys.size());
  std::unordered_set<std::string> names;
  for (const auto& key : keys) {
    auto name = key.name.empty() ? cat("key-", table->keys.size() + 1) : key.name;
    const auto value = key.key.reveal();
    if (value.empty()) return fail(Kind::config, cat(place(key, name), " is empty: give it a value or remove it"));
    if (value.size() > key_bytes_max) {
      return fail(Kind::config, cat(place(key, name), " is longer than ", key_bytes_max, " bytes"));
    }
    if (!sendable(value)) {
      return fail(Kind::config,
                  cat(place(key, name), " holds a space or a character that no header can carry: use visible ASCII"));
    }
    if (!names.insert(name).second) return fail(Kind::config, cat(place(key, name), " exists twice: give each key its own name"));
    const auto digest = table->digest_of(value);
    if (const auto twin = table->find(digest); twin != Table::vacant) {
      return fail(Kind::config, cat(place(key, name), " has the same value as '", table->keys[twin].name, "': remove one"));
    }
    std::string owner = owner_of(key);
    table->insert(digest, {std::move(name), std::move(owner)});
  }
  return KeyRing{std::move(table)};
}

Status KeyRing::Table::admit_keyless(const wire::RequestHead& head, Peer peer) const {
  // Start-up refuses this (listen_problem); a reload that removes the last key must not open the door.
  if (peer != Peer::local)
    return fail(Kind::unauthenticated, "No API key is configured, so only this machine may use the gateway.");
  if (!host_allowed(head.host(), rules)) {
    return fail(Kind::forbidden,
                "Without an API key the gateway answers to localhost only, and this Host is another name. "
                "Use http://localhost, set a key, or list the name under allowed_hosts.");
  }
  const auto& headers = head.headers();
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (headers.field(i) == wire::Field::origin && !origin_allowed(headers[i].value, rules)) {
      return fail(Kind::forbidden,
                  "Without an API key the gateway does not serve web pages of other sites. "
                  "Set a key, or list the page's Origin under allowed_origins.");
    }
  }
  return {};
}

Result<Principal> KeyRing::authenticate(const wire::RequestHead& head, Peer peer) const {
  Credential credential;
  if (auto extracted = credential.extract(head); !extracted) return fail_with(extracted);
  if (empty()) {
    // SDKs cannot be told to send no key, so one of any value passes where none is asked for.
    if (auto admitted = table_->admit_keyless(head, peer); !admitted) return fail_with(admitted);
    return Principal::local();
  }
  const auto value = credential.value();
  if (!value) return fail(Kind::unauthenticated, cat("No API key was sent. ", how_to_send));
  const auto index = table_->find(table_->digest_of(*value));
  if (index == Table::vacant) {
    return fail(Kind::unauthenticated, cat("The API key is not one of this gateway's. ", how_to_send));
  }
  return Principal{&table_->keys[index]};
}

std::size_t KeyRing::size() const noexcept { return table_->keys.size(); }
const OriginRules& KeyRing::rules() const noexcept { return table_->rules; }

}  // namespace cardea::access
