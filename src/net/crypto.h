#pragma once
// The little cryptography the other rooms need; OpenSSL stays behind this door.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace cardea::net {

using Digest = std::array<std::uint8_t, 32>;

/// SHA-256 (FIPS 180-4) of `bytes`. About 0.1 µs for a short input on a machine with SHA instructions; never fails, never
/// allocates.
[[nodiscard]] Digest sha256(std::string_view bytes) noexcept;
/// SHA-256 of the concatenation of the parts.
[[nodiscard]] Digest sha256(std::span<const std::string_view> parts) noexcept;
/// HMAC-SHA-256 (RFC 2104) of `bytes` under `key` (any length).
[[nodiscard]] Digest hmac_sha256(std::string_view key, std::string_view bytes) noexcept;

/// The signature RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2; the RS256 of JSON Web Tokens) of `bytes` under a private key in
/// PEM. About a millisecond. Error config: no such key, whose text is never quoted.
[[nodiscard]] Result<std::string> rsa_sha256(std::string_view private_key_pem, std::string_view bytes);

/// Fills `out` from the kernel's generator: fit for keys. Aborts the process when the kernel has none to give (it never does
/// after boot); going on without would be worse.
void random_bytes(std::span<std::uint8_t> out) noexcept;

}  // namespace cardea::net
