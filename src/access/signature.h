#pragma once
// Requests that prove the knowledge of a key's value instead of carrying it: Cardea's own scheme and AWS Signature Version 4
// (docs/request-signing.md). Private to this room.

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "access/credential.h"
#include "access/directory.h"
#include "access/vault.h"
#include "base/error.h"

namespace cardea::access {

/// What the Authorization header of a signed request says; views into it.
struct SignatureHeader {
  SigningScheme scheme = SigningScheme::cardea;
  std::string_view key_id;
  std::string_view scope;         ///< of AWS: "20150830/us-east-1/bedrock/aws4_request"
  std::string_view signed_names;  ///< "host;x-cardea-date;…", as sent
  std::string_view signature;     ///< 64 digits
};
/// `parameters`: what follows the scheme: "KeyId=…, SignedHeaders=…, Signature=…" (AWS: Credential=ID/SCOPE), each once, in any
/// order. Error: unauthenticated.
[[nodiscard]] Result<SignatureHeader> parse_signature(SigningScheme scheme, std::string_view parameters);

/// How far a request's time may be off, both ways, in seconds.
inline constexpr std::int64_t signing_skew = 300;
inline constexpr std::size_t nonce_bytes_min = 16;
inline constexpr std::size_t nonce_bytes_max = 128;

/// Nonces that were used, for as long as their time is within the window: shared by all workers, bounded. A nonce is never
/// forgotten early: when there is no room for one more, who asks is refused. Keys share a part of the room by chance of their
/// ids, so that one that signs too much keeps few others out. Nothing outlives the process: see Signatures.
class NonceWindow {
 public:
  static constexpr std::size_t parts = 16;
  static constexpr std::size_t part_max = 65'536;  ///< about 5 MiB; 200 requests a second, for as long as the window is
  /// Error: unauthenticated (it was used), unavailable (no room). `until`: Unix seconds.
  [[nodiscard]] Status take(std::string_view key_id, std::string_view nonce, std::int64_t until, std::int64_t now);

 private:
  struct Hash {
    std::size_t operator()(const net::Digest& digest) const noexcept;
  };
  struct Part {
    std::mutex mutex;
    std::unordered_map<net::Digest, std::int64_t, Hash> used;  ///< and until when it is kept
    std::size_t sweep_at = 1024;
    std::int64_t swept = 0;
  };
  std::array<Part, parts> parts_;
};

/// Verifies. Any thread.
class Signatures {
 public:
  /// `started`: Unix seconds. What was signed before is refused, since the nonces of that time are not known any more.
  Signatures(const Vault& vault, std::int64_t started);

  /// Where a key's value is sealed for.
  [[nodiscard]] static std::string context_of(std::string_view key_id);

  /// The head is as it was signed, by `holder` (null: nobody is known by that id; it costs and says the same as a wrong
  /// signature), now, once. What is left is the body's. Error: unauthenticated, unavailable (nonces).
  [[nodiscard]] Result<BodyProof> verify(const wire::RequestHead& head, const SignatureHeader& sent, const Holder* holder,
                                         std::int64_t now) const;

 private:
  const Vault& vault_;
  std::int64_t started_;
  std::string decoy_;  ///< a sealed value that nobody has
  mutable NonceWindow nonces_;
};

}  // namespace cardea::access
