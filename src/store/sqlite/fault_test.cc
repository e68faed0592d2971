// The n-th write or sync fails, for n = 1, 2, 3 … until nothing fails any more: what was heard of is kept, what failed has left
// nothing half, the log is in one piece, and the store works again once the disk does.

#include <gtest/gtest.h>

#include <map>

#include "base/text.h"
#include "store/sqlite/registry.h"
#include "store/sqlite/test_faults.h"
#include "store/sqlite/test_file.h"
#include "store/test_registry.h"

namespace cardea::store::sqlite {
namespace {

using Mode = Faults::Mode;

std::string message_of(const Result<std::unique_ptr<Database>>& opened) {
  return opened ? std::string{} : std::string{opened.error().message()};
}

/// What changes were heard of, beside what a failed one may have left.
class Ledger {
 public:
  void put(Registry& registry, std::string id) {
    const std::int64_t version = versions_[id] + 1;
    Change both = put_of(record_of("key", id, version));
    both.puts.push_back(record_of("team", id, version));  // holds together with the key
    const Status done = change(registry, std::move(both));
    if (done) {
      versions_[id] = version;
      ++heard_;
      return;
    }
    ++failed_;
    EXPECT_TRUE(done.error().is(Kind::internal) || done.error().is(Kind::conflict)) << done.error().message();
    // It may have happened: then that is so from now on.
    for (const Record& record : load_or_nothing(registry)) {
      if (record.id == id) versions_[id] = record.version;
    }
  }
  void expect_kept(Registry& registry) const {
    const Kept kept = load(registry);
    std::map<std::string, std::int64_t> keys, teams;
    for (const Record& record : kept.records) {
      (record.kind == "key" ? keys : teams)[record.id] = record.version;
      EXPECT_EQ(record, record_of(record.kind, record.id, record.version));
    }
    EXPECT_EQ(keys, teams) << "a change holds together";
    std::int64_t lines = 0;
    for (const auto& [id, version] : keys) lines += version;
    for (const auto& [id, version] : versions_) EXPECT_GE(keys[id], version) << id << " was acknowledged";
    const AuditVerdict verdict = verify(registry);
    EXPECT_TRUE(verdict.sound()) << verdict.problem;
    EXPECT_EQ(verdict.lines, lines) << "one line for each change that happened";
    EXPECT_GE(lines, heard_);
    EXPECT_LE(lines, heard_ + failed_);
  }

 private:
  static std::vector<Record> load_or_nothing(Registry& registry) {
    Heard<Result<Kept>> heard;
    registry.load(heard.then());
    Result<Kept>& kept = heard.wait();
    return kept ? std::move(kept->records) : std::vector<Record>{};
  }
  std::map<std::string, std::int64_t> versions_;
  std::int64_t heard_ = 0;
  std::int64_t failed_ = 0;
};

void open_and_check(const TestFile& file, const Ledger& ledger) {
  auto opened = Database::open({.file = file.path()});
  ASSERT_TRUE(opened) << message_of(opened);
  Registry registry{**opened};
  ledger.expect_kept(registry);
}

/// True: the fault was met.
bool change_with_fault(Mode mode, std::int64_t nth) {
  SCOPED_TRACE(cat("operation ", nth, mode == Mode::once ? " fails" : " and all behind it fail"));
  const TestFile file;
  Ledger ledger;
  faults().disarm();
  {
    auto opened = Database::open({.file = file.path()});
    EXPECT_TRUE(opened) << message_of(opened);
    Registry registry{**opened};
    ledger.put(registry, "first");
    faults().arm(mode, nth);
    for (int i = 0; i < 4; ++i) {
      ledger.put(registry, "a");
      ledger.put(registry, cat("k", i));
    }
    faults().disarm();
    ledger.put(registry, "a");
    ledger.put(registry, "last");
    ledger.expect_kept(registry);
  }
  const bool met = faults().failed;
  open_and_check(file, ledger);
  return met;
}

TEST(StoreFaults, NoAcknowledgedChangeIsLost) {
  for (const Mode mode : {Mode::once, Mode::forever}) {
    std::int64_t nth = 1;
    while (change_with_fault(mode, nth)) {
      ASSERT_LT(++nth, 500);
      if (testing::Test::HasFailure()) return;
    }
    EXPECT_GT(nth, 20);
  }
}

/// While a file is made, or an older one is brought up to date.
bool open_with_fault(Mode mode, std::int64_t nth) {
  SCOPED_TRACE(cat("operation ", nth, mode == Mode::once ? " fails" : " and all behind it fail"));
  const TestFile file;
  faults().arm(mode, nth);
  {
    auto opened = Database::open({.file = file.path()});
    if (!opened) EXPECT_TRUE(opened.error().is(Kind::config)) << message_of(opened);
    if (!opened) EXPECT_TRUE(opened.error().message().starts_with(file.path())) << message_of(opened);
  }
  faults().disarm();
  const bool met = faults().failed;
  Ledger ledger;
  {
    auto opened = Database::open({.file = file.path()});
    EXPECT_TRUE(opened) << message_of(opened);
    if (!opened) return met;
    Registry registry{**opened};
    ledger.put(registry, "first");
  }
  open_and_check(file, ledger);
  return met;
}

TEST(StoreFaults, AStartThatFailsCanBeTriedAgain) {
  for (const Mode mode : {Mode::once, Mode::forever}) {
    std::int64_t nth = 1;
    while (open_with_fault(mode, nth)) {
      ASSERT_LT(++nth, 500);
      if (testing::Test::HasFailure()) return;
    }
    EXPECT_GT(nth, 5);
  }
}

/// When a change is heard of, nothing of it waits for a sync.
TEST(StoreFaults, WhatIsHeardOfIsOnTheDisk) {
  const TestFile file;
  faults().disarm();
  auto opened = Database::open({.file = file.path()});
  ASSERT_TRUE(opened) << message_of(opened);
  Registry registry{**opened};
  for (int i = 0; i < 50; ++i) {
    Heard<std::int64_t> unsynced;
    registry.change(put_of(record_of("key", cat("k", i))), [tell = unsynced.then()](Status done) mutable {
      EXPECT_TRUE(done);
      tell(faults().unsynced_wal);
    });
    EXPECT_EQ(unsynced.wait(), 0) << "writes that a power cut would take back";
  }
}

}  // namespace
}  // namespace cardea::store::sqlite
