#pragma once
// One file (cardea.db, ledger.db), one connection, one thread that uses it.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/error.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/schema.h"

namespace cardea::store::sqlite {

/// Runs jobs on the file in the order they came, on a thread of its own, many to one transaction (group commit). Whoever waits is
/// told behind the commit. Any thread may submit. Its end works off what was submitted. Memory: what is queued, bounded.
class Database {
 public:
  struct Options {
    std::string file;
    Contents contents = Contents::administration;
    std::size_t queue_bytes_max = std::size_t{64} << 20;  ///< of jobs not begun; one larger alone is taken
    std::size_t queue_jobs_max = 8192;
    std::chrono::milliseconds soon{100};  ///< how long a job that need not be done now waits for others
    std::chrono::milliseconds chore_every{60'000};
    std::chrono::system_clock::time_point (*now)() = &std::chrono::system_clock::now;
  };
  enum class Access : std::uint8_t { read, write };
  enum class When : std::uint8_t { now, soon };
  struct Job {
    Access access = Access::read;
    When when = When::now;
    std::size_t bytes = 0;  ///< that it keeps in memory
    std::move_only_function<Status(Connection&)> run;
    /// Once, on the database's thread and behind the commit, or at once on the caller's when the queue is full.
    std::move_only_function<void(Status)> done;
  };
  /// Looks after a table now and then, inside a transaction.
  using Chore = std::move_only_function<Status(Connection&)>;

  /// Opens, or makes, and brings up to date. Error: config, naming the file and the fix.
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(Options options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void submit(Job job);
  /// Once before the next job, then every Options::chore_every.
  void add_chore(Chore chore);
  [[nodiscard]] const std::string& file() const noexcept { return options_.file; }
  /// Unix seconds.
  [[nodiscard]] std::int64_t now() const;

 private:
  struct Queue;
  explicit Database(Options options);
  void work();

  Options options_;
  std::unique_ptr<Connection> connection_;  ///< the thread's, once it runs
  std::unique_ptr<Queue> queue_;
  std::thread thread_;
};

}  // namespace cardea::store::sqlite
