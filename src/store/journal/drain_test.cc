#include "store/journal/drain.h"

#include <gtest/gtest.h>

#include "store/journal/test_folder.h"
#include "store/memory/ledger.h"
#include "store/test_ledger.h"

namespace cardea::store::journal {
namespace {

/// Says no until it is told otherwise.
class Failing final : public LedgerStore {
 public:
  void begin(Then<Result<LedgerKept>> then) override { ledger.begin(std::move(then)); }
  void append(std::vector<LedgerEntry> entries, Then<Result<Appended>> then) override {
    if (failing-- > 0) return then(fail(Kind::internal, "the disk is full"));
    ledger.append(std::move(entries), std::move(then));
  }
  void usage(UsageQuestion question, Then<Result<std::vector<UsageRow>>> then) override {
    ledger.usage(std::move(question), std::move(then));
  }
  void verify(Then<Result<LedgerVerdict>> then) override { ledger.verify(std::move(then)); }

  memory::Ledger ledger;
  int failing = 0;
};

Drain::Started start(LedgerStore& store, const TestFolder& folder, std::size_t journals = 2) {
  auto started = Drain::start(store, {.folder = folder.path(""), .journals = journals, .every = std::chrono::milliseconds{1}});
  EXPECT_TRUE(started) << (started ? "" : started.error().message());
  return started ? std::move(*started) : Drain::Started{};
}

TEST(Drain, BringsWhatWorkersWrite) {
  const TestFolder folder;
  memory::Ledger ledger;
  {
    const Drain::Started started = start(ledger, folder);
    ASSERT_TRUE(started.drain->journal(0).append(reservation_of(1)));
    ASSERT_TRUE(started.drain->journal(1).append(reservation_of(2)));
    ASSERT_TRUE(started.drain->journal(0).append(settlement_of(1)));
  }
  EXPECT_EQ(verify(ledger), (LedgerVerdict{.lines = 3, .open = 1}));
}

TEST(Drain, WhatADeadRunLeftIsChargedAsItWasReserved) {
  const TestFolder folder;
  memory::Ledger ledger;
  for (const char* const name : {"ledger-0.journal", "ledger-1.journal"}) {  // it had two workers
    auto left = Journal::open({.file = folder.path(name)});
    ASSERT_TRUE(left);
    const std::int64_t id = name[7] - '0' + 1;
    ASSERT_TRUE(left->append(reservation_of(id)));
    if (id == 1) ASSERT_TRUE(left->append(settlement_of(id)));
  }
  const Drain::Started started = start(ledger, folder, 1);
  EXPECT_EQ(started.lost, 1);
  EXPECT_TRUE(started.kept.open.empty());
  ASSERT_EQ(started.kept.balances.size(), 2U);
  EXPECT_EQ(started.kept.balances[0].spent, Money{160});
  EXPECT_EQ(started.kept.balances[0].reserved, Money{});
}

TEST(Drain, WhatTheStoreRefusesComesLater) {
  const TestFolder folder;
  Failing store;
  {
    const Drain::Started started = start(store, folder);
    store.failing = 3;
    ASSERT_TRUE(started.drain->journal(0).append(reservation_of(1)));
    while (started.drain->counts().failures < 3) std::this_thread::yield();
  }
  EXPECT_EQ(verify(store), (LedgerVerdict{.lines = 1, .open = 1}));
}

TEST(Drain, LinesThatCouldNotBeBroughtAreThereAtTheNextStart) {
  const TestFolder folder;
  Failing store;
  {
    const Drain::Started started = start(store, folder);
    store.failing = 1'000'000;
    ASSERT_TRUE(started.drain->journal(0).append(reservation_of(1)));
    ASSERT_TRUE(started.drain->journal(0).append(settlement_of(1)));
  }
  EXPECT_EQ(verify(store), LedgerVerdict{});
  store.failing = 0;
  EXPECT_EQ(start(store, folder).lost, 0);
  EXPECT_EQ(verify(store), (LedgerVerdict{.lines = 2}));
}

}  // namespace
}  // namespace cardea::store::journal
