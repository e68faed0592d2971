#include "store/memory/ledger.h"

#include <utility>

#include "store/ledger/books.h"

namespace cardea::store::memory {

std::vector<Balance> Ledger::balances() const {
  ledger::Sheet sheet;
  for (const auto& [id, made] : reservations_) sheet.reserve(made);
  for (const auto& [id, settled] : settlements_) sheet.settle(reservations_.at(id), settled.amount);
  for (const auto& [id, made] : adjustments_) sheet.adjust(made);
  std::vector<Balance> out;
  for (const auto& [hold, sums] : sheet.sums()) out.push_back({hold, sums.spent, sums.reserved});
  return out;
}

void Ledger::begin(Then<Result<LedgerKept>> then) {
  LedgerKept kept{.first_id = ++runs_ << 40};
  for (Balance& balance : balances()) {
    if (!kept.balances.empty() && kept.balances.back().hold.budget == balance.hold.budget) kept.balances.pop_back();
    kept.balances.push_back(std::move(balance));
  }
  for (const auto& [id, made] : reservations_) {
    if (!settlements_.contains(id)) kept.open.push_back(made);
  }
  then(std::move(kept));
}

void Ledger::add(Reservation made, Appended& to) {
  const std::int64_t id = made.id;
  ++(reservations_.emplace(id, std::move(made)).second ? to.added : to.repeated);
}
void Ledger::add(Settlement settled, Appended& to) {
  const std::int64_t id = settled.id;
  if (!reservations_.contains(id)) {
    ++to.orphans;
    return;
  }
  ++(settlements_.emplace(id, std::move(settled)).second ? to.added : to.repeated);
}
void Ledger::add(Adjustment made, Appended& to) {
  const std::int64_t id = made.id;
  ++(adjustments_.emplace(id, std::move(made)).second ? to.added : to.repeated);
}

void Ledger::append(std::vector<LedgerEntry> entries, Then<Result<Appended>> then) {
  Appended out;
  for (LedgerEntry& entry : entries) {
    std::visit([&](auto& line) { add(std::move(line), out); }, entry);
  }
  then(out);
}

void Ledger::usage(UsageQuestion question, Then<Result<std::vector<UsageRow>>> then) {
  ledger::UsageSums sums{std::move(question)};
  for (const auto& [id, settled] : settlements_) sums.add(reservations_.at(id).labels, settled);
  then(std::move(sums).rows());
}

void Ledger::verify(Then<Result<LedgerVerdict>> then) {
  then(LedgerVerdict{.lines = static_cast<std::int64_t>(reservations_.size() + settlements_.size() + adjustments_.size()),
                     .open = static_cast<std::int64_t>(reservations_.size() - settlements_.size())});
}

}  // namespace cardea::store::memory
