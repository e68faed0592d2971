#pragma once
// The little cryptography the other rooms need; OpenSSL stays behind this door.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace cardea::net {

using Digest = std::array<std::uint8_t, 32>;

/// SHA-256 (FIPS 180-4) of `bytes`. About 0.1 µs for a short input on a machine with SHA instructions; never fails, never
/// allocates.
[[nodiscard]] Digest sha256(std::string_view bytes) noexcept;
/// SHA-256 of the concatenation of the parts.
[[nodiscard]] Digest sha256(std::span<const std::string_view> parts) noexcept;
/// HMAC-SHA-256 (RFC 2104) of `bytes` under `key` (any length).
[[nodiscard]] Digest hmac_sha256(std::string_view key, std::string_view bytes) noexcept;

/// HMAC of each step under the digest of the one before, the first under `key`: how a key is narrowed down to one day and
/// purpose.
[[nodiscard]] Digest hmac_sha256_chain(std::string_view key, std::span<const std::string_view> steps) noexcept;

/// SHA-256 of what comes piece by piece. A value; never allocates; wiped when destroyed.
class Sha256 {
 public:
  Sha256() noexcept;
  Sha256(const Sha256&) noexcept = default;
  Sha256& operator=(const Sha256&) noexcept = default;
  ~Sha256();
  void add(std::string_view bytes) noexcept;
  /// Of all that was added so far.
  [[nodiscard]] Digest digest() const noexcept;

 private:
  std::array<std::uint32_t, 28> state_;  ///< OpenSSL's SHA256_CTX
};

/// HMAC-SHA-256 under one key for many short texts: half the work of hmac_sha256(), no key beside it in memory. A value; wiped
/// when destroyed.
class KeyedHash {
 public:
  explicit KeyedHash(std::string_view key) noexcept;
  KeyedHash(const KeyedHash&) noexcept = default;
  KeyedHash& operator=(const KeyedHash&) noexcept = default;
  ~KeyedHash();
  /// Never allocates. Thread: any.
  [[nodiscard]] Digest operator()(std::string_view bytes) const noexcept;

 private:
  using State = std::array<std::uint32_t, 28>;  ///< OpenSSL's SHA256_CTX
  State inner_, outer_;                         ///< after the key's block
};

/// 32 bytes from key material that is random already (RFC 5869, one block of HKDF-SHA-256). `info` says what for.
[[nodiscard]] Secret hkdf_sha256(std::string_view material, std::string_view salt, std::string_view info);
/// 32 bytes from a pass phrase (RFC 7914, N = 2^14, r = 8, p = 1: about 30 ms and 16 MiB, so that guessing costs something).
[[nodiscard]] Secret scrypt(std::string_view pass_phrase, std::string_view salt);

inline constexpr std::size_t aes_key_bytes = 32;
inline constexpr std::size_t gcm_nonce_bytes = 12;
inline constexpr std::size_t gcm_tag_bytes = 16;
/// AES-256-GCM (NIST SP 800-38D): the ciphertext with its tag behind it. `key` has aes_key_bytes, `nonce` gcm_nonce_bytes; a
/// nonce must never be used twice with one key. `bound` is not kept, but must be the same to open. Aborts where OpenSSL has no
/// AES.
[[nodiscard]] std::string gcm_seal(std::string_view key, std::string_view nonce, std::string_view bound, std::string_view plain);
/// The text back, or nothing: another key, nonce or `bound`, or a changed text.
[[nodiscard]] std::optional<Secret> gcm_open(std::string_view key, std::string_view nonce, std::string_view bound,
                                             std::string_view sealed);

/// The signature RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2; the RS256 of JSON Web Tokens) of `bytes` under a private key in
/// PEM. About a millisecond. Error config: no such key, whose text is never quoted.
[[nodiscard]] Result<std::string> rsa_sha256(std::string_view private_key_pem, std::string_view bytes);

/// Is `signature` (64 bytes) that of `bytes` under an Ed25519 public key of 32 bytes (RFC 8032 §5.1.7)?
[[nodiscard]] bool ed25519_verify(std::string_view public_key, std::string_view bytes, std::string_view signature);

/// Fills `out` from the kernel's generator: fit for keys. Aborts the process when the kernel has none to give (it never does
/// after boot); going on without would be worse.
void random_bytes(std::span<std::uint8_t> out) noexcept;

}  // namespace cardea::net
