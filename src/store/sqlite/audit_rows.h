#pragma once
// Private to the room: the table of the audit log.

#include <limits>
#include <utility>
#include <vector>

#include "store/audit/chain.h"
#include "store/sqlite/connection.h"

namespace cardea::store::sqlite {

/// Writes lines behind the last one. Inside a transaction.
[[nodiscard]] Status append_audit(Connection& connection, const std::vector<AuditEntry>& entries);

/// As RegistryStore::audit.
[[nodiscard]] Result<std::vector<AuditLine>> read_audit(Connection& connection, std::int64_t before, std::size_t limit);

/// A look at the whole log in pieces, between which others have their turn: lines are only ever added.
class AuditWalk {
 public:
  explicit AuditWalk(std::string head) : check_{std::move(head)} {}
  /// The next piece. False: that was the last.
  [[nodiscard]] Result<bool> go_on(Connection& connection);
  [[nodiscard]] AuditVerdict verdict() const { return check_.verdict(); }

 private:
  audit::Check check_;
  std::int64_t seq_ = std::numeric_limits<std::int64_t>::min();  ///< of the line that was checked last
};

}  // namespace cardea::store::sqlite
