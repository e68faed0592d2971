#pragma once
// The ledger in memory, for tests.

#include <map>
#include <vector>

#include "store/ledger.h"

namespace cardea::store::memory {

/// A LedgerStore that answers before the call returns. One thread.
class Ledger final : public LedgerStore {
 public:
  void begin(Then<Result<LedgerKept>> then) override;
  void append(std::vector<LedgerEntry> entries, Then<Result<Appended>> then) override;
  void usage(UsageQuestion question, Then<Result<std::vector<UsageRow>>> then) override;
  void verify(Then<Result<LedgerVerdict>> then) override;

 private:
  void add(Reservation made, Appended& to);
  void add(Settlement settled, Appended& to);
  void add(Adjustment made, Appended& to);
  [[nodiscard]] std::vector<Balance> balances() const;

  std::int64_t runs_ = 0;
  std::map<std::int64_t, Reservation> reservations_;
  std::map<std::int64_t, Settlement> settlements_;
  std::map<std::int64_t, Adjustment> adjustments_;
};

}  // namespace cardea::store::memory
