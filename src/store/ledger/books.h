#pragma once
// The arithmetic of the ledger, the same for every backend. Pure.

#include <map>
#include <span>
#include <string>
#include <vector>

#include "store/ledger.h"

namespace cardea::store::ledger {

/// Sums by window.
class Sheet {
 public:
  void reserve(const Reservation& made) { add(made.holds, {}, made.amount); }
  void settle(const Reservation& made, Money amount) { add(made.holds, amount, Money{} - made.amount); }
  void adjust(const Adjustment& made) { sums_[made.hold].spent += made.amount; }
  [[nodiscard]] const auto& sums() const noexcept { return sums_; }
  /// "" when these are the sums; else a sentence about the first that is not. Windows in which all is 0 need not be there.
  [[nodiscard]] std::string differs(std::span<const Balance> kept) const;

 private:
  struct Sums {
    Money spent, reserved;
  };
  void add(const std::vector<Hold>& holds, Money spent, Money reserved);
  std::map<Hold, Sums> sums_;
};

/// Rows of one question, out of all charges.
class UsageSums {
 public:
  explicit UsageSums(UsageQuestion question) : question_{std::move(question)} {}
  [[nodiscard]] const UsageQuestion& question() const noexcept { return question_; }
  /// Charges that are not asked for are passed over.
  void add(const Labels& labels, const Settlement& settled);
  [[nodiscard]] std::vector<UsageRow> rows() &&;

 private:
  void add_row(std::vector<std::string> names, const Settlement& settled);
  UsageQuestion question_;
  std::map<std::vector<std::string>, UsageRow> rows_;
};

/// Holds in one text, for a column: "window budget" lines.
[[nodiscard]] std::string holds_to_text(const std::vector<Hold>& holds);
[[nodiscard]] std::vector<Hold> holds_from_text(std::string_view text);

}  // namespace cardea::store::ledger
