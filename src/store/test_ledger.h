#pragma once
// What every backend of LedgerStore must do. A backend's test makes a Fixture and instantiates the suite:
//   struct Backend { store::LedgerStore& store(); };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, LedgerStoreSuite, Backend);

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "store/ledger.h"
#include "store/test_responses.h"

namespace cardea::store {

inline Reservation reservation_of(std::int64_t id, std::int64_t amount = 100, std::string key = "key_a") {
  return {.id = id,
          .time_ms = 1000 + id % 1000,
          .amount = {amount},
          .labels = {.organization = "acme", .team = "ml", .key = key, .model = "m", .provider = "p", .tags = "x,y"},
          .holds = {{"key/" + key + "/day", 86400}, {"team/ml/total", 0}}};
}
inline Settlement settlement_of(std::int64_t id, std::int64_t amount = 60) {
  return {.id = id,
          .time_ms = 2000,
          .amount = {amount},
          .attempts = 2,
          .tokens = {.input = 10, .output = 5, .cache_read = 4, .cache_write = 3, .reasoning = 2},
          .price = "p/m@2026-01-01"};
}
inline Result<Appended> append(LedgerStore& store, std::vector<LedgerEntry> entries) {
  Heard<Result<Appended>> heard;
  store.append(std::move(entries), heard.then());
  return std::move(heard.wait());
}
inline LedgerKept begin(LedgerStore& store) {
  Heard<Result<LedgerKept>> heard;
  store.begin(heard.then());
  Result<LedgerKept>& kept = heard.wait();
  EXPECT_TRUE(kept) << (kept ? "" : kept.error().message());
  return kept ? std::move(*kept) : LedgerKept{};
}
inline std::vector<UsageRow> usage(LedgerStore& store, UsageQuestion question) {
  Heard<Result<std::vector<UsageRow>>> heard;
  store.usage(std::move(question), heard.then());
  auto& rows = heard.wait();
  EXPECT_TRUE(rows) << (rows ? "" : rows.error().message());
  return rows ? std::move(*rows) : std::vector<UsageRow>{};
}
inline LedgerVerdict verify(LedgerStore& store) {
  Heard<Result<LedgerVerdict>> heard;
  store.verify(heard.then());
  Result<LedgerVerdict>& found = heard.wait();
  EXPECT_TRUE(found) << (found ? "" : found.error().message());
  return found ? std::move(*found) : LedgerVerdict{};
}

template <class Backend>
class LedgerStoreSuite : public testing::Test {
 protected:
  LedgerStore& store() { return backend_.store(); }
  Backend backend_;
};
TYPED_TEST_SUITE_P(LedgerStoreSuite);

TYPED_TEST_P(LedgerStoreSuite, EachRunHasIdsOfItsOwn) {
  const std::int64_t first = begin(this->store()).first_id;
  EXPECT_GT(first, 0);
  EXPECT_GE(begin(this->store()).first_id - first, std::int64_t{1} << 40);
}

TYPED_TEST_P(LedgerStoreSuite, AReservationIsOpenUntilItIsSettled) {
  ASSERT_EQ(append(this->store(), {reservation_of(1), reservation_of(2)}), (Appended{.added = 2}));
  EXPECT_EQ(begin(this->store()).open, (std::vector{reservation_of(1), reservation_of(2)}));
  ASSERT_EQ(append(this->store(), {settlement_of(1)}), (Appended{.added = 1}));
  const LedgerKept kept = begin(this->store());
  EXPECT_EQ(kept.open, std::vector{reservation_of(2)});
  EXPECT_EQ(kept.balances, (std::vector<Balance>{{{"key/key_a/day", 86400}, {60}, {100}}, {{"team/ml/total", 0}, {60}, {100}}}));
  EXPECT_EQ(verify(this->store()), (LedgerVerdict{.lines = 3, .open = 1}));
}

TYPED_TEST_P(LedgerStoreSuite, TheSameLineTwiceIsOnce) {
  const Adjustment adjusted{
      .id = 9, .time_ms = 5, .hold = {"team/ml/total", 0}, .amount = {-10}, .actor = "ann", .reason = "gift"};
  const std::vector<LedgerEntry> all{reservation_of(1), settlement_of(1), adjusted};
  ASSERT_EQ(append(this->store(), all), (Appended{.added = 3}));
  ASSERT_EQ(append(this->store(), all), (Appended{.repeated = 3}));
  ASSERT_EQ(append(this->store(), {settlement_of(1, 999)}), (Appended{.repeated = 1}));
  EXPECT_EQ(begin(this->store()).balances[1].spent, Money{50});
  EXPECT_EQ(verify(this->store()), (LedgerVerdict{.lines = 3}));
}

TYPED_TEST_P(LedgerStoreSuite, ASettlementOfNothingIsCountedAndLeftOut) {
  ASSERT_EQ(append(this->store(), {settlement_of(7), reservation_of(8)}), (Appended{.added = 1, .orphans = 1}));
  EXPECT_EQ(verify(this->store()), (LedgerVerdict{.lines = 1, .open = 1}));
}

TYPED_TEST_P(LedgerStoreSuite, OfABudgetTheNewestWindowIsNeeded) {
  Reservation old = reservation_of(1), fresh = reservation_of(2);
  old.holds = {{"b", 100}};
  fresh.holds = {{"b", 200}};
  ASSERT_TRUE(append(this->store(), {fresh, settlement_of(2, 7), old, settlement_of(1, 8)}));
  EXPECT_EQ(begin(this->store()).balances, (std::vector<Balance>{{{"b", 200}, {7}, {0}}}));
}

TYPED_TEST_P(LedgerStoreSuite, UsageIsWhatWasSettled) {
  ASSERT_TRUE(append(this->store(), {reservation_of(1), settlement_of(1), reservation_of(2, 100, "key_b"), settlement_of(2, 5),
                                     reservation_of(3)}));
  const Tokens tokens = settlement_of(1).tokens;
  EXPECT_EQ(usage(this->store(), {.by = {Axis::key}}),
            (std::vector<UsageRow>{{{"key_a"}, 1, tokens, {60}}, {{"key_b"}, 1, tokens, {5}}}));
  EXPECT_EQ(usage(this->store(), {.by = {Axis::tag}, .key = "key_b"}),
            (std::vector<UsageRow>{{{"x"}, 1, tokens, {5}}, {{"y"}, 1, tokens, {5}}}));
  const std::vector<UsageRow> all = usage(this->store(), {});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].amount, Money{65});
  EXPECT_TRUE(usage(this->store(), {.from_ms = 2001}).empty());
  EXPECT_TRUE(usage(this->store(), {.to_ms = 2000}).empty());
}

REGISTER_TYPED_TEST_SUITE_P(LedgerStoreSuite, EachRunHasIdsOfItsOwn, AReservationIsOpenUntilItIsSettled, TheSameLineTwiceIsOnce,
                            ASettlementOfNothingIsCountedAndLeftOut, OfABudgetTheNewestWindowIsNeeded, UsageIsWhatWasSettled);

}  // namespace cardea::store
