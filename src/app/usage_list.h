#pragma once
// What was spent, for people and for programs.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/ledger.h"

namespace cardea::app {

/// "key,day". Error: config, with the names that there are.
[[nodiscard]] Result<std::vector<store::Axis>> parse_axes(std::string_view list);
/// Nano-dollars as dollars, exactly: "0.0123", "-2.00".
[[nodiscard]] std::string dollars(Money money);

/// Columns: an axis each, then the sums.
[[nodiscard]] std::string usage_table(const std::vector<store::Axis>& by, const std::vector<store::UsageRow>& rows);
/// RFC 4180, with a heading. A name that a spreadsheet would take for a formula is given an apostrophe.
[[nodiscard]] std::string usage_csv(const std::vector<store::Axis>& by, const std::vector<store::UsageRow>& rows);
/// One JSON object a line; money in nano-dollars and, as a text, in dollars.
[[nodiscard]] std::string usage_json(const std::vector<store::Axis>& by, const std::vector<store::UsageRow>& rows);
/// What re-adding the ledger found, in a sentence or two.
[[nodiscard]] std::string ledger_text(const store::LedgerVerdict& verdict);

}  // namespace cardea::app
