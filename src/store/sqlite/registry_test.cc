#include "store/sqlite/registry.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <semaphore>
#include <thread>

#include "store/sqlite/connection.h"
#include "store/sqlite/test_file.h"
#include "store/test_registry.h"

namespace cardea::store {
namespace {

using sqlite::Connection;
using sqlite::Database;
using sqlite::TestFile;

std::atomic<std::int64_t> test_time = 1000;

std::unique_ptr<Database> open(const TestFile& file) {
  Result<std::unique_ptr<Database>> opened =
      Database::open({.file = file.path(), .soon = std::chrono::milliseconds{1}, .now = [] {
                        return std::chrono::system_clock::time_point{std::chrono::seconds{test_time.load()}};
                      }});
  EXPECT_TRUE(opened) << (opened ? "" : opened.error().message());
  return std::move(*opened);
}

struct Sqlite {
  TestFile file;
  std::unique_ptr<Database> database = open(file);
  sqlite::Registry registry{*database};
  RegistryStore& store() { return registry; }
  void set_time(std::int64_t time) { test_time = time; }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, RegistryStoreSuite, Sqlite);

TEST(SqliteRegistry, IsThereAfterARestart) {
  const TestFile file;
  test_time = 1000;
  Change all = put_of(record_of("key", "a"));
  all.remember = remembered_of("again");
  std::string head;
  {
    const auto database = open(file);
    sqlite::Registry registry{*database};
    ASSERT_TRUE(change(registry, std::move(all)));
    ASSERT_TRUE(used(registry, {{"a", 7}}));
    head = verify(registry).head;
  }
  const auto database = open(file);
  sqlite::Registry registry{*database};
  EXPECT_EQ(load(registry).records, std::vector{record_of("key", "a")});
  EXPECT_EQ(load(registry).last_used, (std::vector<LastUsed>{{"a", 7}}));
  EXPECT_EQ(recall(registry, "again"), remembered_of("again"));
  ASSERT_TRUE(change(registry, put_of(record_of("key", "b"))));
  const AuditVerdict verdict = verify(registry, head);
  EXPECT_TRUE(verdict.sound()) << verdict.problem;
  EXPECT_EQ(verdict.lines, 2);
}

TEST(SqliteRegistry, ForgetsAnswersThatHaveExpired) {
  const TestFile file;
  test_time = 1000;
  {
    const auto database = open(file);
    sqlite::Registry registry{*database};
    Change first = put_of(record_of("key", "a"));
    first.remember = remembered_of("again", 1500);
    ASSERT_TRUE(change(registry, std::move(first)));
  }
  test_time = 1500;
  {
    const auto database = open(file);
    sqlite::Registry registry{*database};
    EXPECT_EQ(load(registry).records.size(), 1U);
  }
  auto connection = Connection::open_to_read(file.path());
  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->number("SELECT count(*) FROM remembered"), 0);
}

/// Changes of many submitters share commits; those that do not fit leave the others alone, and the chain in one piece.
TEST(SqliteRegistry, ManySubmittersAndConflictsLeaveOneChain) {
  const TestFile file;
  const auto database = open(file);
  sqlite::Registry registry{*database};
  constexpr int submitters = 4;
  constexpr int each = 200;
  std::atomic<int> happened = 0;
  std::counting_semaphore<submitters * each> done{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < submitters; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < each; ++i) {
          // Every second one is wanted by everybody.
          const std::string id = i % 2 == 0 ? cat("k", t, "-", i) : cat("k", i);
          registry.change(put_of(record_of("key", id)), [&](Status status) {
            happened += status ? 1 : 0;
            done.release();
          });
        }
      });
    }
  }
  for (int i = 0; i < submitters * each; ++i) done.acquire();
  EXPECT_EQ(happened, submitters * each / 2 + each / 2);
  EXPECT_EQ(load(registry).records.size(), static_cast<std::size_t>(happened));
  const AuditVerdict verdict = verify(registry);
  EXPECT_TRUE(verdict.sound()) << verdict.problem;
  EXPECT_EQ(verdict.lines, happened);
}

/// More lines than one piece of the walk has.
TEST(SqliteRegistry, VerifiesALongLogWhileItGrows) {
  const TestFile file;
  const auto database = open(file);
  sqlite::Registry registry{*database};
  constexpr int lines = 12'000;
  Change many;
  for (int i = 0; i < lines; ++i) many.audit.push_back(entry_of(cat("key/", i)));
  ASSERT_TRUE(change(registry, std::move(many)));
  Heard<Result<AuditVerdict>> heard;
  Heard<Status> put;
  registry.verify({}, heard.then());
  registry.change(put_of(record_of("key", "a")), put.then());
  ASSERT_TRUE(put.wait());
  const Result<AuditVerdict>& verdict = heard.wait();
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->sound()) << verdict->problem;
  EXPECT_EQ(verdict->lines, lines + 1);
}

/// Damage past the header and the list of tables is not seen before it is read.
TEST(SqliteRegistry, ADamagedTableSaysWhatToDo) {
  const TestFile file;
  {
    const auto database = open(file);
    sqlite::Registry registry{*database};
    Change many;
    for (int i = 0; i < 200; ++i) many.puts.push_back(record_of("key", cat("k", i)));
    ASSERT_TRUE(change(registry, std::move(many)));
  }
  std::int64_t root = 0;
  {
    auto connection = Connection::open_to_read(file.path());
    ASSERT_TRUE(connection);
    root = *connection->number("SELECT rootpage FROM sqlite_schema WHERE name='records'");
  }
  {
    std::fstream bytes{file.path(), std::ios::in | std::ios::out | std::ios::binary};
    bytes.seekp((root - 1) * 4096);
    bytes << std::string(4096, '\x7f');
  }
  const auto database = open(file);
  sqlite::Registry registry{*database};
  Heard<Result<Kept>> heard;
  registry.load(heard.then());
  const Result<Kept>& kept = heard.wait();
  ASSERT_FALSE(kept);
  EXPECT_TRUE(kept.error().is(Kind::config));
  EXPECT_TRUE(kept.error().message().starts_with(file.path())) << kept.error().message();
  EXPECT_NE(kept.error().message().find("put back a copy"), std::string::npos) << kept.error().message();
}

}  // namespace
}  // namespace cardea::store
