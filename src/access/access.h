#pragma once
// Who is calling? A request head goes in, a Principal or a refusal comes out, before the body is read.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cardea::config {
struct GatewayKey;
struct ListenAddress;
}  // namespace cardea::config
namespace cardea::wire {
class RequestHead;
}

namespace cardea::access {

/// Longest credential that is looked at, in bytes; a longer one is refused unhashed.
inline constexpr std::size_t key_bytes_max = 1024;

/// Which web pages may use a gateway that no key protects, and which pages CORS admits. Compared without regard to ASCII case.
struct OriginRules {
  std::vector<std::string> origins;  ///< further origins as browsers send them ("https://app.example"), "null", or "*"
  std::vector<std::string> hosts;    ///< further Host names without port ("gateway.lan"), or "*"
};

/// What the listener says of a connection.
enum class Peer : std::uint8_t {
  local,   ///< came in on a listener that only this machine can reach (ListenAddress::loopback)
  remote,  ///< any other listener
};

/// What the ring knows of a key; never the key.
struct Key {
  std::string name;   ///< unique in its ring
  std::string owner;  ///< see Principal::owner()
};

/// The caller, never empty: a key, or the local user of a gateway without keys. One pointer, trivially copied. Lifetime: that of
/// the KeyRing that gave it out, views too; the request pins the snapshot that holds it.
class Principal {
 public:
  [[nodiscard]] static Principal local() noexcept { return Principal{nullptr}; }
  [[nodiscard]] bool is_local() const noexcept { return key_ == nullptr; }
  /// The key's name, or "local".
  [[nodiscard]] std::string_view name() const noexcept { return key_ != nullptr ? std::string_view{key_->name} : "local"; }
  /// Who owns what the caller leaves behind: the same after a restart and a reload, never the same for two keys. A key that has a
  /// name is that name (its value may be renewed); one without is its value, since its place in the list may be another's
  /// tomorrow.
  [[nodiscard]] std::string_view owner() const noexcept { return key_ != nullptr ? std::string_view{key_->owner} : "local"; }
  friend bool operator==(Principal, Principal) = default;

 private:
  friend class KeyRing;
  explicit Principal(const Key* key) noexcept : key_{key} {}
  const Key* key_;  ///< null: local
};

/// All keys of one configuration snapshot, hashed, with the rules for callers without one. Immutable after make(); shared by all
/// threads. Memory: about 100 bytes a key.
class KeyRing {
 public:
  /// A key without a name is called "key-N", N its place counted from 1. Fails with kind config: an empty, too long or unsendable
  /// key, a name or a key given twice. The message names file, line and key name, never the key.
  [[nodiscard]] static Result<KeyRing> make(std::span<const config::GatewayKey> keys, OriginRules rules = {});

  KeyRing(KeyRing&&) noexcept;
  KeyRing& operator=(KeyRing&&) noexcept;
  ~KeyRing();

  /// Kinds: unauthenticated (no credential, a malformed, ambiguous or unknown one), forbidden (no keys configured and a foreign
  /// Origin or Host). Messages say how to do it right and never repeat a credential. Allocates only to refuse.
  [[nodiscard]] Result<Principal> authenticate(const wire::RequestHead& head, Peer peer) const;

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] const OriginRules& rules() const noexcept;

 private:
  struct Table;
  explicit KeyRing(std::unique_ptr<const Table> table) noexcept;
  std::unique_ptr<const Table> table_;
};

/// Does this header (any case) carry a gateway credential? Such headers are never forwarded upstream.
[[nodiscard]] bool is_credential_header(std::string_view name) noexcept;
/// The name of the query parameter that may carry one; never forwarded upstream either.
inline constexpr std::string_view credential_parameter = "key";

/// May a page of this origin use the gateway: loopback (http or https, any port), or listed. For the keyless rule and for CORS.
[[nodiscard]] bool origin_allowed(std::string_view origin, const OriginRules& rules) noexcept;
/// Is this Host value (with or without port) a name for loopback, or listed?
[[nodiscard]] bool host_allowed(std::string_view host, const OriginRules& rules) noexcept;

/// The start-up rule: an address that others can reach needs a key. Returns the sentence with the fix, or nothing when all is
/// well.
[[nodiscard]] std::optional<std::string> listen_problem(const config::ListenAddress& address, std::size_t keys);

}  // namespace cardea::access
