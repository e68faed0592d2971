#pragma once
// Secrets at rest: sealed texts that only this gateway's master key opens, and keyed hashes of credentials.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "net/crypto.h"

namespace cardea::access {

/// Bytes of a master key. Any other material is made this long first (see master_key.h).
inline constexpr std::size_t master_key_bytes = 32;

/// Seals with AES-256-GCM under the newest master key, opens what any of them sealed, and hashes credentials under a key of its
/// own, which is random, kept sealed, and so survives every change of the master key. Immutable: shared by all threads. Keys are
/// wiped with it.
///
/// A sealed text is "v1.KEY.DATA": KEY the id of its master key (8 hexadecimal digits), DATA in base64url a salt of 16 bytes, a
/// nonce of 12, the ciphertext and its tag. Each text has a key of its own, HMAC-SHA-256 of the salt under the sealing key:
/// nonces never meet, however many texts there are. Bound to it are KEY and the context.
class Vault {
 public:
  /// Where the store keeps `kept()`: a record of this kind and id.
  static constexpr std::string_view record_kind = "vault";
  static constexpr std::string_view record_id = "hash-key";

  /// `master_keys`: the newest first, master_key_bytes each, at least one. `kept`: what kept() of an earlier vault said; empty: a
  /// first start, a new hash key is made. Error config: `kept` opens with none of the keys.
  [[nodiscard]] static Result<Vault> make(std::span<const Secret> master_keys, std::string_view kept);

  /// The hash key, sealed under the newest master key: for the store, whenever it is not what make() was given.
  [[nodiscard]] const std::string& kept() const noexcept { return kept_; }

  /// `context` says what the text is and where it belongs ("key/ID/secret"): it opens there only.
  [[nodiscard]] std::string seal(std::string_view context, std::string_view plain) const;
  /// Error config: sealed by a key that is not at hand (the message names its id), changed, or from another context.
  [[nodiscard]] Result<Secret> open(std::string_view context, std::string_view sealed) const;
  /// Sealed by another key than the newest, so that a rotation is not over.
  /// What opens as `sealed` does, sealed by the newest key; nothing: it is already. Error: as open().
  [[nodiscard]] Result<std::optional<std::string>> resealed(std::string_view context, std::string_view sealed) const;
  [[nodiscard]] bool needs_reseal(std::string_view sealed) const noexcept;

  /// HMAC-SHA-256 under the hash key: fit to be stored and looked up. About 0.2 µs for a key, no allocation.
  [[nodiscard]] net::Digest hash(std::string_view credential) const noexcept { return hash_(credential); }
  /// What hash() goes by, for a directory of its own.
  [[nodiscard]] const net::KeyedHash& hasher() const noexcept { return hash_; }
  /// A key of 32 bytes for one purpose, the same as long as the hash key is.
  [[nodiscard]] Secret derive(std::string_view purpose) const;

  /// The id of the newest master key, as sealed texts name it.
  [[nodiscard]] std::string_view key_id() const noexcept { return keys_.front().id; }

 private:
  struct Key {
    std::string id;
    Secret seal;
  };
  Vault(std::vector<Key> keys, const Secret& hash_key);
  [[nodiscard]] static Key key_of(const Secret& master_key);
  [[nodiscard]] static std::string seal_with(const Key& key, std::string_view context, std::string_view plain);
  [[nodiscard]] static Result<Secret> open_with(std::span<const Key> keys, std::string_view context, std::string_view sealed);

  std::vector<Key> keys_;  ///< the newest first
  net::KeyedHash hash_;
  Secret derivation_;  ///< what derive() starts from
  std::string kept_;
};

}  // namespace cardea::access
