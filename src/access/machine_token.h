#pragma once
// Cardea's own short-lived tokens for programs: a key is exchanged for one (OAuth 2.0 client credentials, RFC 6749 §4.4). Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "net/crypto.h"

namespace cardea::access {

inline constexpr std::int64_t machine_token_seconds = 900;
/// What every one of them begins with.
inline constexpr std::string_view machine_token_prefix = "ct-cardea-";

/// What a token says: which key it stands for, by which of its values it was got, and until when. It has no rights of its own:
/// it does what the key may do at that moment, and dies with that value of it.
struct MachineToken {
  std::string key_id;
  std::uint64_t value_tag = 0;  ///< tag_of() the hash of the key's value
  std::int64_t expires = 0;     ///< Unix seconds
};
[[nodiscard]] std::uint64_t tag_of(const net::Digest& hash) noexcept;

/// Signed by HMAC-SHA-256; `key`: of Vault::derive("machine tokens").
[[nodiscard]] std::string write_machine_token(const net::KeyedHash& key, const MachineToken& token);
/// Error: unauthenticated: not one of ours, changed, or expired.
[[nodiscard]] Result<MachineToken> read_machine_token(const net::KeyedHash& key, std::string_view text, std::int64_t now);

/// What a client asks the token endpoint with.
struct ClientCredentials {
  std::string id;  ///< the key's id or name
  Secret secret;   ///< its value
};
/// From an `Authorization: Basic` header's value (empty: none) and an application/x-www-form-urlencoded body (§2.3.1, §4.4.2).
/// Errors carry the code of §5.2 in Detail::code: invalid_request, invalid_client (unauthenticated), unsupported_grant_type.
[[nodiscard]] Result<ClientCredentials> read_token_request(std::string_view authorization, std::string_view form);
/// The answer of §5.1, and an error's of §5.2.
[[nodiscard]] std::string token_answer(std::string_view token);
[[nodiscard]] std::string token_error(const Error& error);

}  // namespace cardea::access
