#pragma once
// The chain of the audit log: what a line's hash covers, and whether a log holds.

#include <string>
#include <string_view>

#include "net/crypto.h"
#include "store/registry.h"

namespace cardea::store::audit {

/// What stands before the first line: 32 zero bytes.
inline constexpr net::Digest nothing{};

/// SHA-256(previous ‖ seq ‖ time ‖ actor ‖ address ‖ action ‖ target ‖ before ‖ after): numbers as 8 bytes, big-endian; each text
/// behind its length, written in the same way, so that no two lines have the same bytes.
[[nodiscard]] net::Digest hash(const net::Digest& previous, std::int64_t seq, const AuditEntry& entry) noexcept;

/// Its 32 bytes, as a backend keeps them.
[[nodiscard]] inline std::string_view bytes_of(const net::Digest& hash) noexcept {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}
/// As AuditLine carries it: lower-case hexadecimal.
[[nodiscard]] std::string to_text(const net::Digest& hash);

/// Goes through a log, line by line in the order of their numbers. Stops to count at the first line that does not hold.
class Check {
 public:
  /// `head`: as RegistryStore::verify takes it.
  explicit Check(std::string head);
  void add(const AuditLine& line);
  [[nodiscard]] AuditVerdict verdict() const;

 private:
  std::string head_;  ///< that must come by
  bool head_seen_;
  net::Digest last_ = nothing;
  AuditVerdict found_;
};

}  // namespace cardea::store::audit
