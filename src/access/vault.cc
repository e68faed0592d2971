#include "access/vault.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/base64.h"
#include "base/text.h"

namespace cardea::access {
namespace {

constexpr std::string_view version = "v1";
constexpr std::size_t salt_bytes = 16;
constexpr std::size_t key_id_digits = 8;
constexpr std::string_view hash_key_context = "vault/hash-key";

std::string_view bytes_of(const net::Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

std::string random_text(std::size_t size) {
  std::string out(size, '\0');
  net::random_bytes({reinterpret_cast<std::uint8_t*>(out.data()), out.size()});  // NOLINT
  return out;
}

struct Parts {
  std::string_view key_id;
  std::string data;
};

std::optional<Parts> split(std::string_view sealed) {
  const auto first = sealed.find('.');
  if (first == std::string_view::npos || sealed.substr(0, first) != version) return std::nullopt;
  const auto second = sealed.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  auto data = from_base64(sealed.substr(second + 1));
  if (!data || data->size() < salt_bytes + net::gcm_nonce_bytes + net::gcm_tag_bytes) return std::nullopt;
  return Parts{sealed.substr(first + 1, second - first - 1), std::move(*data)};
}

std::string bound_text(std::string_view key_id, std::string_view context) { return cat(version, '\n', key_id, '\n', context); }

Secret text_key(const Secret& seal, std::string_view salt) {
  return Secret{std::string{bytes_of(net::hmac_sha256(seal.reveal(), salt))}};
}

}  // namespace

Vault::Key Vault::key_of(const Secret& master_key) {
  const auto id = net::hkdf_sha256(master_key.reveal(), {}, "cardea master key id");
  return {to_hex(id.reveal()).substr(0, key_id_digits), net::hkdf_sha256(master_key.reveal(), {}, "cardea sealing key")};
}

Result<Vault> Vault::make(std::span<const Secret> master_keys, std::string_view kept) {
  std::vector<Key> keys;
  for (const auto& master : master_keys) {
    if (master.reveal().size() != master_key_bytes) {
      return fail(Kind::config, cat("a master key has ", master_key_bytes, " bytes; this one has ", master.reveal().size()));
    }
    keys.push_back(key_of(master));
  }
  if (keys.empty()) return fail(Kind::config, "there is no master key to seal secrets with");
  if (kept.empty()) return Vault{std::move(keys), Secret{random_text(master_key_bytes)}};
  const auto hash_key = open_with(keys, hash_key_context, kept);
  if (!hash_key) {
    const auto parts = split(kept);
    return fail(Kind::config, cat("the master key is not the one that the data was sealed with (key ",
                                  parts ? parts->key_id : std::string_view{"unknown"}, ", the one given is ", keys.front().id,
                                  "): give back the former, as master_key.old beside a new one, or use another data directory"));
  }
  const bool newest = split(kept)->key_id == keys.front().id;
  Vault vault{std::move(keys), *hash_key};
  if (newest) vault.kept_ = kept;
  return vault;
}

Vault::Vault(std::vector<Key> keys, const Secret& hash_key)
    : keys_{std::move(keys)},
      hash_{hash_key.reveal()},
      derivation_{net::hkdf_sha256(hash_key.reveal(), {}, "cardea derivation")},
      kept_{seal_with(keys_.front(), hash_key_context, hash_key.reveal())} {}

std::string Vault::seal_with(const Key& key, std::string_view context, std::string_view plain) {
  std::string data = random_text(salt_bytes + net::gcm_nonce_bytes);
  const std::string_view drawn{data};
  const auto text = text_key(key.seal, drawn.substr(0, salt_bytes));
  data += net::gcm_seal(text.reveal(), drawn.substr(salt_bytes), bound_text(key.id, context), plain);
  return cat(version, '.', key.id, '.', to_base64url(data));
}

Result<Secret> Vault::open_with(std::span<const Key> keys, std::string_view context, std::string_view sealed) {
  const auto parts = split(sealed);
  if (!parts) return fail(Kind::config, "a sealed secret is not of the form that this version writes");
  const auto key = std::ranges::find(keys, parts->key_id, &Key::id);
  if (key == keys.end()) {
    return fail(Kind::config, cat("a secret was sealed with the master key ", parts->key_id, ", which is not at hand"));
  }
  const std::string_view data{parts->data};
  const auto nonce = data.substr(salt_bytes, net::gcm_nonce_bytes);
  const auto text = text_key(key->seal, data.substr(0, salt_bytes));
  auto plain = net::gcm_open(text.reveal(), nonce, bound_text(key->id, context), data.substr(salt_bytes + net::gcm_nonce_bytes));
  if (!plain) return fail(Kind::config, "a sealed secret was changed, or is not where it was sealed for");
  return std::move(*plain);
}

std::string Vault::seal(std::string_view context, std::string_view plain) const {
  return seal_with(keys_.front(), context, plain);
}

Result<Secret> Vault::open(std::string_view context, std::string_view sealed) const { return open_with(keys_, context, sealed); }

Result<std::optional<std::string>> Vault::resealed(std::string_view context, std::string_view sealed) const {
  if (!needs_reseal(sealed)) return std::nullopt;
  Result<Secret> plain = open(context, sealed);
  if (!plain) return fail_with(plain);
  return seal(context, plain->reveal());
}

bool Vault::needs_reseal(std::string_view sealed) const noexcept {
  const auto begin = sealed.find('.') + 1;
  return sealed.substr(begin, sealed.find('.', begin) - begin) != key_id();
}

Secret Vault::derive(std::string_view purpose) const { return net::hkdf_sha256(derivation_.reveal(), {}, purpose); }

}  // namespace cardea::access
