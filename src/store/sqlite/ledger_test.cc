#include "store/sqlite/ledger.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "store/sqlite/test_file.h"
#include "store/test_ledger.h"

namespace cardea::store {
namespace {

using sqlite::Connection;
using sqlite::Contents;
using sqlite::Database;
using sqlite::faults;
using sqlite::Faults;
using sqlite::LedgerFile;
using sqlite::TestFile;

std::unique_ptr<Database> open(const TestFile& file) {
  auto opened = Database::open({.file = file.path(), .contents = Contents::ledger});
  EXPECT_TRUE(opened) << (opened ? "" : opened.error().message());
  return opened ? std::move(*opened) : nullptr;
}

struct Sqlite {
  TestFile file;
  std::unique_ptr<Database> database = open(file);
  sqlite::Ledger ledger{*database};
  LedgerStore& store() { return ledger; }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, LedgerStoreSuite, Sqlite);

TEST(SqliteLedger, IsThereAfterARestart) {
  const TestFile file;
  {
    const auto database = open(file);
    sqlite::Ledger ledger{*database};
    ASSERT_EQ(begin(ledger).first_id, std::int64_t{1} << 40);
    ASSERT_TRUE(append(ledger, {reservation_of(1), settlement_of(1), reservation_of(2)}));
  }
  const auto database = open(file);
  sqlite::Ledger ledger{*database};
  const LedgerKept kept = begin(ledger);
  EXPECT_EQ(kept.first_id, std::int64_t{2} << 40);
  EXPECT_EQ(kept.open, std::vector{reservation_of(2)});
  EXPECT_EQ(kept.balances.size(), 2U);
  EXPECT_EQ(kept.balances[0].spent, Money{60});
}

TEST(SqliteLedger, LinesCannotBeChanged) {
  Sqlite backend;
  ASSERT_TRUE(append(backend.ledger, {reservation_of(1), settlement_of(1),
                                      Adjustment{.id = 3, .hold = {"b", 0}, .amount = {1}, .actor = "ann", .reason = "r"}}));
  auto other = Connection::open(backend.file.path());
  ASSERT_TRUE(other);
  for (const char* const table : {"reservations", "settlements", "adjustments"}) {
    for (const std::string& sql :
         {cat("UPDATE ", std::string_view{table}, " SET amount=1"), cat("DELETE FROM ", std::string_view{table})}) {
      const Status done = other->run(sql.c_str());
      ASSERT_FALSE(done) << sql;
      EXPECT_NE(done.error().message().find("append-only"), std::string::npos) << done.error().message();
    }
  }
}

TEST(SqliteLedger, AChangedBalanceShows) {
  for (const char* const sql : {"UPDATE balances SET spent=spent+1 WHERE budget='team/ml/total'", "DELETE FROM open",
                                "INSERT INTO balances VALUES('more', 0, 1, 0)", "DELETE FROM balances"}) {
    Sqlite backend;
    ASSERT_TRUE(append(backend.ledger, {reservation_of(1), settlement_of(1), reservation_of(2)}));
    ASSERT_TRUE(verify(backend.ledger).sound());
    auto other = Connection::open(backend.file.path());
    ASSERT_TRUE(other && other->run(sql));
    EXPECT_FALSE(verify(backend.ledger).sound()) << sql;
  }
}

TEST(SqliteLedger, AnotherProgramReadsBesideIt) {
  Sqlite backend;
  ASSERT_TRUE(append(backend.ledger, {reservation_of(1), settlement_of(1)}));
  auto file = LedgerFile::open(backend.file.path());
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(*file->verify(), (LedgerVerdict{.lines = 2}));
  EXPECT_EQ(file->usage({.by = {Axis::team}})->size(), 1U);
}

TEST(SqliteLedger, IsNotTakenForTheOtherFile) {
  const TestFile file;
  ASSERT_NE(open(file), nullptr);
  const auto other = Database::open({.file = file.path()});
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message().find("belongs to another program"), std::string::npos) << other.error().message();
}

/// Tries again until the disk works, as the drain does. True: the fault was met.
bool append_with_fault(Faults::Mode mode, std::int64_t nth) {
  SCOPED_TRACE(cat("operation ", nth));
  const TestFile file;
  {
    const auto database = open(file);
    sqlite::Ledger ledger{*database};
    faults().arm(mode, nth);
    for (std::int64_t id = 1; id < 3; ++id) {
      const std::vector<LedgerEntry> lines{reservation_of(id), settlement_of(id), reservation_of(id + 100)};
      bool done = append(ledger, lines).has_value();
      if (!done && mode == Faults::Mode::forever) faults().disarm();
      for (int tries = 0; !done && tries < 3; ++tries) done = append(ledger, lines).has_value();
      EXPECT_TRUE(done);
    }
    faults().disarm();
  }
  const bool met = faults().failed;
  const auto database = open(file);
  sqlite::Ledger ledger{*database};
  EXPECT_EQ(verify(ledger), (LedgerVerdict{.lines = 6, .open = 2}));
  return met;
}

TEST(SqliteLedger, TheNthWriteOrSyncFails) {
  for (const auto mode : {Faults::Mode::once, Faults::Mode::forever}) {
    std::int64_t nth = 1;
    while (append_with_fault(mode, nth)) {
      ASSERT_LT(++nth, 500);
      if (testing::Test::HasFailure()) return;
    }
    EXPECT_GT(nth, 10);
  }
}

}  // namespace
}  // namespace cardea::store
