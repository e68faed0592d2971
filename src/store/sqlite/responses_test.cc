#include "store/sqlite/responses.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "store/sqlite/test_file.h"
#include "store/test_responses.h"

namespace cardea::store {
namespace {

using sqlite::Database;
using sqlite::TestFile;

std::atomic<std::int64_t> time_now = 1000;
std::chrono::system_clock::time_point told_time() {
  return std::chrono::system_clock::time_point{std::chrono::seconds{time_now.load()}};
}

struct Sqlite {
  static constexpr std::size_t bytes_max = 40'000;
  TestFile file;
  std::unique_ptr<Database> database = open();
  sqlite::Responses responses{*database, bytes_max};

  ResponseStore& store() { return responses; }
  void set_time(std::int64_t time) { time_now = time; }
  std::unique_ptr<Database> open() {
    Result<std::unique_ptr<Database>> opened =
        Database::open({.file = file.path(), .chore_every = std::chrono::seconds{3}, .now = &told_time});
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message());
    return std::move(*opened);
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, ResponseStoreSuite, Sqlite);

TEST(SqliteResponses, AreThereAfterARestart) {
  time_now = 1000;
  TestFile file;
  for (int start = 0; start < 3; ++start) {
    auto database = Database::open({.file = file.path(), .now = &told_time});
    ASSERT_TRUE(database) << database.error().message();
    sqlite::Responses responses{**database, 1 << 20};
    if (start == 0) {
      ASSERT_TRUE(put(responses, response_of("resp_1")));
    }
    EXPECT_EQ(get(responses, "resp_1").response, response_of("resp_1"));
    // Not waited for: what was submitted is done before the end.
    responses.put(response_of("resp_2"), Pace::soon, [](Status put) { EXPECT_TRUE(put); });
    if (start > 0) {
      EXPECT_EQ(get(responses, "resp_2").response, response_of("resp_2"));
    }
  }
}

TEST(SqliteResponses, ExpiredRowsLeaveTheFile) {
  time_now = 1000;
  Sqlite backend;
  for (int i = 0; i < 1200; ++i) {
    StoredResponse link = response_of(cat("resp_", i));
    link.input.clear();
    link.response.clear();
    backend.responses.put(std::move(link), Pace::soon, [](Status) {});
  }
  ASSERT_TRUE(put(backend.responses, response_of("resp_last")));
  // Chores come before the next job; each deletes so many.
  for (time_now = 2000; time_now < 2020; time_now += 4)
    EXPECT_EQ(get(backend.responses, "resp_1").standing, FoundResponse::Standing::unknown);
  Heard<Status> counted;
  std::int64_t rows = -1;
  backend.database->submit({.access = Database::Access::read,
                            .run = [&](sqlite::Connection& connection) -> Status {
                              rows = *connection.number("SELECT count(*) FROM responses");
                              return {};
                            },
                            .done = counted.then()});
  ASSERT_TRUE(counted.wait());
  EXPECT_EQ(rows, 0);
}

TEST(SqliteResponses, TheBoundHoldsOverRestarts) {
  time_now = 1000;
  TestFile file;
  for (int start = 0; start < 2; ++start) {
    auto database = Database::open({.file = file.path(), .now = &told_time});
    ASSERT_TRUE(database);
    sqlite::Responses responses{**database, 10'000};
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(put(responses, response_of(cat("resp_", start, i), "ann", 1500)));
    EXPECT_EQ(get(responses, cat("resp_", start, 0)).standing, FoundResponse::Standing::unknown);
    EXPECT_EQ(get(responses, cat("resp_", start, 7)).standing, FoundResponse::Standing::own);
    if (start == 1) {
      EXPECT_EQ(get(responses, "resp_07").standing, FoundResponse::Standing::unknown);
    }
  }
}

TEST(SqliteResponses, ManyThreadsAtOnce) {
  time_now = 1000;
  Sqlite backend;
  sqlite::Responses responses{*backend.database, 1 << 20};
  constexpr int threads = 4;
  constexpr int each = 100;
  std::latch done{threads * each};
  std::vector<std::jthread> writers;
  for (int t = 0; t < threads; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) {
        responses.put(response_of(cat("resp_", t, '_', i)), Pace::now, [&](Status put) {
          EXPECT_TRUE(put);
          done.count_down();
        });
      }
    });
  }
  done.wait();
  for (int t = 0; t < threads; ++t) {
    EXPECT_EQ(get(responses, cat("resp_", t, '_', each - 1)).standing, FoundResponse::Standing::own);
  }
}

}  // namespace
}  // namespace cardea::store
