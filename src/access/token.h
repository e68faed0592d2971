#pragma once
// JSON Web Tokens: signed words of somebody else about a caller. Pure: time and keys are arguments.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "json/value.h"

namespace cardea::access {

/// Longest token and largest key set that are looked at, in bytes, and most keys of a set.
inline constexpr std::size_t token_bytes_max = 16 << 10;
inline constexpr std::size_t key_set_bytes_max = 512 << 10;
inline constexpr std::size_t key_set_keys_max = 128;

/// One way to sign: a row for each that is accepted. `none` and HS… have none: a public key must never become a shared secret.
struct Algorithm {
  enum class Family : std::uint8_t { rsa, elliptic, edwards };
  std::string_view name;  ///< RFC 7518 §3.1, RFC 8037
  Family family;
  std::string_view curve = {};      ///< a key of this curve only
  std::size_t signature_bytes = 0;  ///< 0: as the key says
};
[[nodiscard]] std::span<const Algorithm> algorithms() noexcept;
/// Null: not accepted, whatever it is.
[[nodiscard]] const Algorithm* find_algorithm(std::string_view name) noexcept;

/// A token taken apart, of which nothing is proven: its claims are for finding out whose rules to check it by.
class Token {
 public:
  /// Three parts of strict base64url (RFC 7515 §7.1), two of them JSON objects in which no member is given twice, an accepted
  /// `alg`, no `crit`, a `typ` of JWT or at+jwt if any (RFC 8725 §3.11). Other members of the header (jku, jwk, x5u, x5c) are not
  /// looked at. `text` must outlive the token. Error: unauthenticated.
  [[nodiscard]] static Result<Token> parse(std::string_view text);
  /// Could it be one? Two dots, and the first part begins as that of a JSON object. Costs nothing.
  [[nodiscard]] static bool looks_like(std::string_view text) noexcept;

  [[nodiscard]] const Algorithm& algorithm() const noexcept { return *algorithm_; }
  /// A text to look a key up by, nothing else; may be empty.
  [[nodiscard]] const std::string& key_id() const noexcept { return key_id_; }
  /// Empty: it names none.
  [[nodiscard]] std::string_view issuer() const noexcept;
  [[nodiscard]] const json::Value& claims() const noexcept { return claims_; }

 private:
  friend class KeySet;
  std::string_view text_;
  const Algorithm* algorithm_ = nullptr;
  std::string key_id_;
  std::string signature_;
  json::Value claims_;
};

/// An issuer's public keys (RFC 7517). A value that moves; one thread at a time, since libcjose counts references plainly.
class KeySet {
 public:
  /// A JWK set, or a single JWK. Keys that no accepted algorithm can use are left out: other kinds and curves, RSA below 2048
  /// bits or above 8192, `use` other than sig, `key_ops` without verify, secrets (oct); of a private key its public half is
  /// taken. Error: config: no JSON, too large, too many; or no key is left.
  [[nodiscard]] static Result<KeySet> parse(std::string_view json);
  KeySet(KeySet&&) noexcept;
  KeySet& operator=(KeySet&&) noexcept;
  ~KeySet();

  [[nodiscard]] std::size_t size() const noexcept;
  /// Is there a key that could have signed it: of its id, when it names one and keys have ids, and of its algorithm's kind?
  [[nodiscard]] bool knows(const Token& token) const noexcept;
  /// Did one of those sign it?
  [[nodiscard]] bool signed_by(const Token& token) const;

 private:
  struct Key;
  KeySet();
  template <class Visit>
  void each_candidate(const Token& token, const Visit& visit) const;
  std::vector<Key> keys_;
};

/// What must be true of a token's claims.
struct TokenRules {
  std::string_view issuer;
  std::span<const std::string> audience;    ///< one must be named; empty: not looked at
  std::span<const std::string> algorithms;  ///< empty: all that are accepted
  std::int64_t leeway = 30;                 ///< seconds
};

/// Signature, `iss` (to the letter), `aud`, `exp` (required), `nbf`, `iat`, by RFC 7519 §4.1 and RFC 8725. `now`: Unix seconds.
/// Error: unauthenticated, saying what is wrong and nothing of the token's own text.
[[nodiscard]] Status verify(const Token& token, const KeySet& keys, const TokenRules& rules, std::int64_t now);
/// The times and the audience alone: for what came over a channel that proves the rest.
[[nodiscard]] Status check_claims(const json::Value& claims, const TokenRules& rules, std::int64_t now);
/// A NumericDate (RFC 7519 §2) in whole seconds; std::nullopt: none, or absurd.
[[nodiscard]] std::optional<std::int64_t> date_of(const json::Value* claim) noexcept;

/// Is a member of an object, at any depth, given twice? Two readers would see two texts.
[[nodiscard]] bool has_duplicates(const json::Value& value);

}  // namespace cardea::access
