#include "store/ledger/books.h"

#include <gtest/gtest.h>

namespace cardea::store::ledger {
namespace {

const Reservation made{
    .id = 1, .amount = {100}, .labels = {.team = "ml", .key = "k", .tags = "a, b"}, .holds = {{"x/day", 86400}, {"y", 0}}};

TEST(LedgerBooks, ASettlementTakesItsReservationsPlace) {
  Sheet sheet;
  sheet.reserve(made);
  EXPECT_EQ(sheet.differs(std::vector<Balance>{{{"x/day", 86400}, {}, {100}}, {{"y", 0}, {}, {100}}}), "");
  sheet.settle(made, {70});
  sheet.adjust({.hold = {"y", 0}, .amount = {-70}});
  EXPECT_EQ(sheet.differs(std::vector<Balance>{{{"x/day", 86400}, {70}, {}}}), "");
  EXPECT_EQ(sheet.differs(std::vector<Balance>{{{"x/day", 86400}, {71}, {}}}),
            "budget 'x/day', window 86400: 71 spent and 0 reserved are kept, but the lines add up to 70 and 0");
  EXPECT_EQ(sheet.differs({}), "budget 'x/day', window 86400: lines, but no balance");
}

TEST(LedgerBooks, HoldsAreOneText) {
  const std::vector<Hold> holds{{"team/m l/day", -5}, {"", 7}};
  EXPECT_EQ(holds_from_text(holds_to_text(holds)), holds);
  EXPECT_TRUE(holds_from_text("").empty());
}

TEST(LedgerBooks, UsageByAnyAxis) {
  UsageSums sums{{.by = {Axis::day, Axis::tag, Axis::team}, .from_ms = 0, .to_ms = 100'000'000}};
  sums.add(made.labels, {.time_ms = 1, .amount = {5}, .tokens = {.input = 3}});
  sums.add({.team = "ops"}, {.time_ms = 86'400'000, .amount = {6}});
  sums.add({.team = "late"}, {.time_ms = 100'000'000, .amount = {6}});
  const std::vector<UsageRow> rows = std::move(sums).rows();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0], (UsageRow{{"1970-01-01", "a", "ml"}, 1, {.input = 3}, {5}}));
  EXPECT_EQ(rows[1].names, (std::vector<std::string>{"1970-01-01", "b", "ml"}));
  EXPECT_EQ(rows[2].names, (std::vector<std::string>{"1970-01-02", "", "ops"}));
}

}  // namespace
}  // namespace cardea::store::ledger
