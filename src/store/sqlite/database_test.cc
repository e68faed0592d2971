// The file: what is opened and what is refused; the thread: order, groups, the bound.

#include "store/sqlite/database.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <semaphore>

#include "base/text.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/test_file.h"
#include "store/test_responses.h"

namespace cardea::store::sqlite {
namespace {

using Access = Database::Access;
using When = Database::When;

Result<std::unique_ptr<Database>> open(const TestFile& file) { return Database::open({.file = file.path()}); }

Connection connect(const TestFile& file) {
  auto connection = Connection::open(file.path());
  EXPECT_TRUE(connection);
  return std::move(*connection);
}

void write(const std::string& path, std::string_view text) { std::ofstream{path, std::ios::binary} << text; }
std::string read(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

// ---- The file --------------------------------------------------------------------------------------------------------------

TEST(Database, MakesItsFileForItsOwnerAlone) {
  const TestFile file;
  ASSERT_TRUE(open(file));
  struct stat about{};
  ASSERT_EQ(stat(file.path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
  ASSERT_TRUE(open(file));
}

/// Refused with these words, and left as it was.
void expect_refused(const TestFile& file, std::string_view words) {
  const std::string before = read(file.path());
  const auto opened = open(file);
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().is(Kind::config));
  EXPECT_TRUE(opened.error().message().starts_with(file.path())) << opened.error().message();
  EXPECT_NE(opened.error().message().find(words), std::string_view::npos) << opened.error().message();
  EXPECT_EQ(read(file.path()), before);
}

TEST(Database, RefusesWhatIsNoDatabase) {
  const TestFile file;
  write(file.path(), "My diary.\n" + std::string(5000, 'x'));
  expect_refused(file, "is not a database, or a damaged one; put back a copy, or move it away");
}

TEST(Database, RefusesADamagedFile) {
  const TestFile file;
  ASSERT_TRUE(open(file));
  std::string bytes = read(file.path());
  ASSERT_GT(bytes.size(), 4096U);
  std::fill(bytes.begin() + 100, bytes.begin() + 4096, '\x7f');  // the list of tables; the header stays
  write(file.path(), bytes);
  expect_refused(file, "is not a database, or a damaged one");
}

TEST(Database, RefusesAnotherProgramsFile) {
  const TestFile file;
  ASSERT_TRUE(connect(file).run("CREATE TABLE recipes(name TEXT); PRAGMA user_version=1"));
  expect_refused(file, "belongs to another program; move it away");
}

TEST(Database, RefusesANewerFile) {
  const TestFile file;
  ASSERT_TRUE(open(file));
  ASSERT_TRUE(connect(file).run("PRAGMA user_version=1000"));
  expect_refused(file, "was written by a newer Cardea (schema 1000, this one knows 3); start that version again");
}

TEST(Database, RefusesWhatItMayNotOpen) {
  const TestFile file;
  std::filesystem::create_directory(file.path());
  const auto opened = open(file);
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().message().starts_with(file.path()));
}

TEST(Schema, MigratesStepByStepAndKeepsACopy) {
  const TestFile file;
  const char* const steps[] = {"CREATE TABLE t(a TEXT); INSERT INTO t VALUES('kept')", "ALTER TABLE t ADD COLUMN b TEXT",
                               "UPDATE t SET b='new'"};
  const Migrations all{steps};
  {
    Connection first = connect(file);
    ASSERT_TRUE(prepare(first, file.path(), {all.first(1)}));
    EXPECT_EQ(first.number("PRAGMA user_version"), 1);
  }
  EXPECT_FALSE(std::filesystem::exists(file.path() + ".v1"));
  write(file.path() + ".v1", "of an attempt that did not end");
  Connection second = connect(file);
  ASSERT_TRUE(prepare(second, file.path(), {all}));
  EXPECT_EQ(second.number("PRAGMA user_version"), 3);
  EXPECT_EQ(second.number("SELECT count(*) FROM t WHERE a='kept' AND b='new'"), 1);
  auto copy = Connection::open(file.path() + ".v1");
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->number("PRAGMA user_version"), 1);
  EXPECT_EQ(copy->number("SELECT count(*) FROM t WHERE a='kept'"), 1);
}

TEST(Schema, AStepThatFailsChangesNothing) {
  const TestFile file;
  const char* const steps[] = {"CREATE TABLE t(a TEXT)", "CREATE TABLE u(a TEXT); INSERT INTO nowhere VALUES(1)"};
  const Migrations all{steps};
  Connection connection = connect(file);
  ASSERT_TRUE(prepare(connection, file.path(), {all.first(1)}));
  const Status failed = prepare(connection, file.path(), {all});
  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().is(Kind::config));
  EXPECT_EQ(connection.number("PRAGMA user_version"), 1);
  EXPECT_EQ(connection.number("SELECT count(*) FROM sqlite_schema WHERE name='u'"), 0);
}

// ---- The thread ------------------------------------------------------------------------------------------------------------

Database::Job job_of(const char* sql, Heard<Status>& heard, Access access = Access::write) {
  return {.access = access, .run = [sql](Connection& connection) { return connection.run(sql); }, .done = heard.then()};
}

struct Opened {
  explicit Opened(Database::Options options = {}) {
    options.file = file.path();
    auto made = Database::open(std::move(options));
    EXPECT_TRUE(made);
    database = std::move(*made);
    Heard<Status> heard;
    database->submit(job_of("CREATE TABLE t(a TEXT PRIMARY KEY)", heard));
    EXPECT_TRUE(heard.wait());
  }
  std::int64_t count() {
    std::int64_t rows = -1;
    Heard<Status> heard;
    database->submit({.access = Access::read,
                      .run = [&](Connection& connection) -> Status {
                        rows = *connection.number("SELECT count(*) FROM t");
                        return {};
                      },
                      .done = heard.then()});
    EXPECT_TRUE(heard.wait());
    return rows;
  }
  TestFile file;
  std::unique_ptr<Database> database;
};

/// Keeps the thread busy until it is let go.
class Plug {
 public:
  explicit Plug(Database& database) {
    database.submit({.access = Access::read,
                     .run = [this](Connection&) -> Status {
                       begun_.release();
                       free_.acquire();
                       return {};
                     },
                     .done = [](Status) {}});
    begun_.acquire();
  }
  void pull() { free_.release(); }

 private:
  std::binary_semaphore begun_{0};
  std::binary_semaphore free_{0};
};

TEST(Database, AJobThatFailsLeavesNothingBehindAndTheOthersAlone) {
  Opened opened;
  Plug plug{*opened.database};
  Heard<Status> first, second, third;
  opened.database->submit(job_of("INSERT INTO t VALUES('one')", first));
  opened.database->submit(job_of("INSERT INTO t VALUES('half'); INSERT INTO t VALUES('one')", second));
  opened.database->submit(job_of("INSERT INTO t VALUES('three')", third));
  plug.pull();
  EXPECT_TRUE(first.wait());
  const Status failed = std::move(second.wait());
  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().is(Kind::internal));
  EXPECT_TRUE(third.wait());
  EXPECT_EQ(opened.count(), 2);
}

TEST(Database, WhenTheTransactionIsLostAllItsWritersHear) {
  Opened opened;
  Plug plug{*opened.database};
  Heard<Status> first, second, third;
  opened.database->submit(job_of("INSERT INTO t VALUES('one')", first));
  opened.database->submit(job_of("INSERT OR ROLLBACK INTO t VALUES('two'), ('one')", second));
  opened.database->submit(job_of("INSERT INTO t VALUES('three')", third));
  plug.pull();
  EXPECT_FALSE(first.wait());
  EXPECT_FALSE(second.wait());
  EXPECT_TRUE(third.wait());
  EXPECT_EQ(opened.count(), 1);
}

TEST(Database, RefusesAtOnceWhatDoesNotFit) {
  Opened opened{{.queue_bytes_max = 100, .queue_jobs_max = 3}};
  Plug plug{*opened.database};
  Heard<Status> large, small, fourth;
  Database::Job job = job_of("INSERT INTO t VALUES('large')", large);
  job.bytes = 1000;  // alone it is taken
  opened.database->submit(std::move(job));
  opened.database->submit(job_of("INSERT INTO t VALUES('small')", small));
  const Status full = std::move(small.wait());
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().http_status(), 503);
  EXPECT_EQ(full.error().detail().retry_after, "1");
  plug.pull();
  EXPECT_TRUE(large.wait());
  opened.database->submit(job_of("INSERT INTO t VALUES('fourth')", fourth));
  EXPECT_TRUE(fourth.wait());
  EXPECT_EQ(opened.count(), 2);
}

TEST(Database, WhatMayWaitIsNotForgotten) {
  Opened opened;
  Heard<Status> soon;
  Database::Job job = job_of("INSERT INTO t VALUES('soon')", soon);
  job.when = When::soon;
  opened.database->submit(std::move(job));
  EXPECT_TRUE(soon.wait());
}

TEST(Database, ItsEndWorksOffWhatWasSubmitted) {
  Opened opened;
  std::atomic<int> done = 0;
  Plug plug{*opened.database};
  for (int i = 0; i < 1000; ++i) {
    opened.database->submit({.access = Access::write,
                             .when = i % 2 == 0 ? When::now : When::soon,
                             .run = [i](Connection& connection) -> Status {
                               Query query{connection, "INSERT INTO t VALUES(?1)"};
                               return query.bind(i).run();
                             },
                             .done = [&done](Status status) { done += status ? 1 : 0; }});
  }
  plug.pull();
  opened.database.reset();
  EXPECT_EQ(done, 1000);
  EXPECT_EQ(connect(opened.file).number("SELECT count(*) FROM t"), 1000);
}

}  // namespace
}  // namespace cardea::store::sqlite
