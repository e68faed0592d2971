#pragma once
// Private to the room: the tables of the ledger.

#include <map>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "store/ledger.h"
#include "store/sqlite/connection.h"

namespace cardea::store::sqlite {

/// Lines on their way into the tables, inside a transaction. What many of them share (balances, open reservations) is written
/// once, at the end.
class LedgerWrite {
 public:
  explicit LedgerWrite(Connection& connection) : connection_{connection} {}
  [[nodiscard]] Result<Appended> append(const std::vector<LedgerEntry>& entries);

 private:
  /// What a settlement needs of its reservation.
  struct Held {
    Money amount;
    std::vector<Hold> holds;
  };
  struct Delta {
    Money spent, reserved;
  };
  [[nodiscard]] Status add(const Reservation& made);
  [[nodiscard]] Status add(const Settlement& settled);
  [[nodiscard]] Status add(const Adjustment& made);
  [[nodiscard]] Result<const Held*> held(std::int64_t id);
  [[nodiscard]] bool is_new();
  void change(const std::vector<Hold>& holds, Money spent, Money reserved);
  [[nodiscard]] Status finish();

  Connection& connection_;
  Appended done_;
  std::unordered_map<std::int64_t, Held> made_;  ///< here
  std::unordered_set<std::int64_t> open_;        ///< of those, the ones without a settlement
  Held kept_;                                    ///< of an earlier append
  std::map<Hold, Delta> deltas_;
};

[[nodiscard]] Result<LedgerKept> begin_run(Connection& connection);
[[nodiscard]] Result<std::vector<UsageRow>> read_usage(Connection& connection, UsageQuestion question);
[[nodiscard]] Result<LedgerVerdict> re_add(Connection& connection);

}  // namespace cardea::store::sqlite
