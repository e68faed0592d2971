// kill -9 in the middle of a write or a sync of ledger.db, while a worker goes on writing its journal: what the worker had
// written is in the ledger after the next start, the ledger adds up, and no reservation stays open.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/text.h"
#include "store/journal/drain.h"
#include "store/sqlite/ledger.h"
#include "store/sqlite/test_file.h"
#include "store/test_ledger.h"

namespace cardea::store::sqlite {
namespace {

constexpr std::uint64_t operations_max = 60;
constexpr unsigned kills_per_file = 10;

struct Open {
  std::unique_ptr<Database> database;
  std::unique_ptr<Ledger> ledger;
  journal::Drain::Started started;
};
Result<Open> open(const TestFile& file) {
  Result<std::unique_ptr<Database>> database = Database::open({.file = file.path(), .contents = Contents::ledger});
  if (!database) return fail_with(database);
  Open out{.database = std::move(*database), .ledger = {}, .started = {}};
  out.ledger = std::make_unique<Ledger>(*out.database);
  auto started = journal::Drain::start(*out.ledger, {.folder = std::filesystem::path{file.path()}.parent_path(),
                                                     .journal_bytes = std::size_t{64} << 10,
                                                     .every = std::chrono::milliseconds{1}});
  if (!started) return fail_with(started);
  out.started = std::move(*started);
  return out;
}

/// Reserves and settles until it is killed by the n-th operation on the disk; every fifth request is still under way. Never
/// returns.
[[noreturn]] void spend_until(std::int64_t nth, const TestFile& file, int tell) {
  faults().arm(Faults::Mode::kill, nth);
  Result<Open> opened = open(file);
  if (!opened) _exit(3);
  journal::Journal& journal = opened->started.drain->journal(0);
  for (std::int64_t id = opened->started.kept.first_id;; ++id) {
    while (!journal.append(reservation_of(id))) std::this_thread::yield();
    if (id % 5 == 0) continue;
    if (!journal.append(settlement_of(id))) _exit(4);
    if (::write(tell, &id, sizeof id) != sizeof id) _exit(5);
  }
}

/// How many settlements a killed writer had acknowledged.
std::int64_t round(const TestFile& file, std::int64_t nth) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    spend_until(nth, file, ends[1]);
  }
  ::close(ends[1]);
  std::int64_t acknowledged = 0;
  for (std::int64_t id = 0; ::read(ends[0], &id, sizeof id) == sizeof id;) ++acknowledged;
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << WEXITSTATUS(status);
  return acknowledged;
}

TEST(StoreKills, MoneyIsWhereItWas) {
  const char* const asked = std::getenv("CARDEA_KILLS");  // ./dev kills asks for 200
  const unsigned kills = asked != nullptr ? parse_number<unsigned>(asked).value_or(0) : 10;
  faults().disarm();
  Random random{2};
  for (unsigned done = 0; done < kills; done += kills_per_file) {
    const TestFile file;
    std::int64_t acknowledged = 0;
    for (unsigned i = 0; i < kills_per_file; ++i) {
      acknowledged += round(file, 1 + static_cast<std::int64_t>(random.below(operations_max)));
      Result<Open> opened = open(file);
      ASSERT_TRUE(opened) << opened.error().message();
      const LedgerVerdict verdict = verify(*opened->ledger);
      EXPECT_TRUE(verdict.sound()) << verdict.problem;
      EXPECT_EQ(verdict.open, 0) << "a reservation leaked";
      std::int64_t settled = 0;
      for (const UsageRow& row : usage(*opened->ledger, {.to_ms = settlement_of(1).time_ms + 1})) settled += row.requests;
      EXPECT_GE(settled, acknowledged) << "an acknowledged settlement is lost";
      EXPECT_EQ(opened->started.drain->counts().damaged, 0);
      acknowledged = settled;
      if (HasFailure()) return;
    }
    EXPECT_GT(acknowledged, 100) << "the writers came to something";
  }
}

}  // namespace
}  // namespace cardea::store::sqlite
