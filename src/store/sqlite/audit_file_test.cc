// The log as another program reads it, and as somebody who can write to the file leaves it.

#include "store/sqlite/audit_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "store/sqlite/connection.h"
#include "store/sqlite/registry.h"
#include "store/sqlite/test_file.h"
#include "store/test_registry.h"

namespace cardea::store::sqlite {
namespace {

std::unique_ptr<Database> open(const TestFile& file) {
  Result<std::unique_ptr<Database>> opened = Database::open({.file = file.path()});
  EXPECT_TRUE(opened) << (opened ? "" : opened.error().message());
  return std::move(*opened);
}
void write(Registry& registry, int from, int to) {
  Change all;
  for (int i = from; i <= to; ++i) {
    all.puts.push_back(record_of("key", cat("k", i)));
    all.audit.push_back(entry_of(cat("key/k", i)));
  }
  ASSERT_TRUE(change(registry, std::move(all)));
}
void write(const TestFile& file, int lines) {
  const auto database = open(file);
  Registry registry{*database};
  write(registry, 1, lines);
}
AuditVerdict verify_file(const TestFile& file, std::string head = {}) {
  Result<AuditFile> log = AuditFile::open(file.path());
  EXPECT_TRUE(log) << (log ? "" : log.error().message());
  Result<AuditVerdict> verdict = log->verify(std::move(head));
  EXPECT_TRUE(verdict) << (verdict ? "" : verdict.error().message());
  return std::move(*verdict);
}
std::string read(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

TEST(AuditFile, ReadsBesideTheWriter) {
  const TestFile file;
  const auto database = open(file);
  Registry registry{*database};
  write(registry, 1, 3);
  Result<AuditFile> log = AuditFile::open(file.path());
  ASSERT_TRUE(log) << log.error().message();
  EXPECT_EQ(log->verify({})->lines, 3);
  write(registry, 4, 5);
  const auto verdict = log->verify(audit_of(registry).front().hash);
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->sound()) << verdict->problem;
  EXPECT_EQ(verdict->lines, 5);
  EXPECT_EQ(log->lines(0, 2), audit_of(registry, 0, 2));
  EXPECT_EQ(log->lines(3, 100), audit_of(registry, 3));
}

TEST(AuditFile, ReadsWhatIsLeftAndChangesNothing) {
  const TestFile file;
  write(file, 4);
  const std::string before = read(file.path());
  EXPECT_EQ(verify_file(file).lines, 4);
  EXPECT_EQ(read(file.path()), before);
}

TEST(AuditFile, SeesWhatWasDoneToTheTable) {
  struct Deed {
    const char* sql;
    std::int64_t broken_at;
  };
  constexpr Deed deeds[] = {
      {"UPDATE audit SET actor='eve' WHERE seq=3", 3},
      {"UPDATE audit SET after='{}' WHERE seq=5", 5},
      {"UPDATE audit SET time_ms=time_ms+1 WHERE seq=1", 1},
      {"UPDATE audit SET hash=x'00' WHERE seq=2", 2},
      {"DELETE FROM audit WHERE seq=2", 2},
      {"DELETE FROM audit WHERE seq=1", 1},
      {"UPDATE audit SET seq=-seq; UPDATE audit SET seq=CASE seq WHEN -2 THEN 4 WHEN -4 THEN 2 ELSE -seq END", 2},
      {"DELETE FROM audit WHERE seq=3; UPDATE audit SET seq=seq-1 WHERE seq>3", 3},
      {"INSERT INTO audit SELECT 6, time_ms, actor, address, action, target, before, after, hash FROM audit WHERE seq=5", 6},
      {"INSERT INTO audit SELECT 0, time_ms, actor, address, action, target, before, after, hash FROM audit WHERE seq=5", 1},
  };
  for (const Deed& deed : deeds) {
    const TestFile file;
    write(file, 5);
    {
      auto connection = Connection::open(file.path());
      ASSERT_TRUE(connection);
      ASSERT_TRUE(connection->run(deed.sql)) << deed.sql;
    }
    const AuditVerdict verdict = verify_file(file);
    EXPECT_FALSE(verdict.sound()) << deed.sql;
    EXPECT_EQ(verdict.broken_at, deed.broken_at) << deed.sql << ": " << verdict.problem;
  }
}

TEST(AuditFile, SeesACutEndWhenToldTheHead) {
  const TestFile file;
  write(file, 5);
  const std::string head = verify_file(file).head;
  {
    auto connection = Connection::open(file.path());
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->run("DELETE FROM audit WHERE seq>3"));
  }
  EXPECT_TRUE(verify_file(file).sound());
  const AuditVerdict verdict = verify_file(file, head);
  EXPECT_EQ(verdict.broken_at, 4);
  EXPECT_EQ(verdict.lines, 3);
  // What is written afterwards does not heal it.
  const auto database = open(file);
  Registry registry{*database};
  write(registry, 6, 8);
  EXPECT_TRUE(verify(registry).sound());
  EXPECT_FALSE(verify(registry, head).sound());
}

TEST(AuditFile, ABrokenEndTakesNoNewLines) {
  const TestFile file;
  write(file, 2);
  {
    auto connection = Connection::open(file.path());
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->run("UPDATE audit SET hash=x'00' WHERE seq=2"));
  }
  const auto database = open(file);
  Registry registry{*database};
  const Status refused = change(registry, put_of(record_of("key", "new")));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("cardea audit verify"), std::string_view::npos);
  EXPECT_EQ(load(registry).records.size(), 2U);
}

void expect_refused(const std::string& path, std::string_view words) {
  const Result<AuditFile> log = AuditFile::open(path);
  ASSERT_FALSE(log);
  EXPECT_TRUE(log.error().is(Kind::config));
  EXPECT_TRUE(log.error().message().starts_with(path)) << log.error().message();
  EXPECT_NE(log.error().message().find(words), std::string_view::npos) << log.error().message();
}

TEST(AuditFile, RefusesWhatItCannotRead) {
  const TestFile file;
  expect_refused(file.path(), "is not there; name the gateway's data directory");
  EXPECT_FALSE(std::filesystem::exists(file.path())) << "looking makes no file";
  std::ofstream{file.path()} << "My diary.\n" << std::string(5000, 'x');
  expect_refused(file.path(), "is not a database");
  std::filesystem::remove(file.path());
  write(file, 1);
  {
    auto connection = Connection::open(file.path());
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->run("PRAGMA user_version=2"));
  }
  expect_refused(file.path(), "is of an older Cardea (schema 2); start this one once");
  {
    auto connection = Connection::open(file.path());
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->run("PRAGMA user_version=1000"));
  }
  expect_refused(file.path(), "was written by a newer Cardea");
}

}  // namespace
}  // namespace cardea::store::sqlite
