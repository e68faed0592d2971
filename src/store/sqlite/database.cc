#include "store/sqlite/database.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

namespace cardea::store::sqlite {

using Job = Database::Job;

namespace {

/// Jobs in one transaction; a reader among them waits for the others.
constexpr std::size_t jobs_per_commit = 256;

constexpr const char* begin_sql = "BEGIN IMMEDIATE";
constexpr const char* commit_sql = "COMMIT";
constexpr const char* rollback = "ROLLBACK";
constexpr const char* savepoint = "SAVEPOINT job";
constexpr const char* undo = "ROLLBACK TO job";
constexpr const char* release = "RELEASE job";

Error full() {
  return Error{Kind::internal,
               Error::Detail{.message = "the store has too much to do; try again", .status = 503, .retry_after = "1"}};
}

/// A job's own statements hold together: one that fails leaves nothing behind and the others alone.
Status run_write(Connection& connection, Job& job) {
  Status done = connection.repeat(savepoint);
  if (done) done = job.run(connection);
  if (!done && connection.in_transaction()) static_cast<void>(connection.repeat(undo));
  if (connection.in_transaction()) {
    Status released = connection.repeat(release);
    if (done && !released) done = fail_with(released);
  }
  return done;
}

/// The transaction that some jobs share.
class Group {
 public:
  explicit Group(Connection& connection) : connection_{connection} {}

  Status run(Job& job, std::size_t index) {
    if (job.access == Database::Access::read) return job.run(connection_);
    if (Status begun = begin(index); !begun) return begun;
    return run_write(connection_, job);
  }
  /// Some failures (a full disk) end the whole transaction: then those before have failed with it.
  [[nodiscard]] bool lost() const { return open_ && !connection_.in_transaction(); }
  Status commit() {
    if (!std::exchange(open_, false)) return {};
    Status done = connection_.repeat(commit_sql);
    if (!done && connection_.in_transaction()) static_cast<void>(connection_.repeat(rollback));
    return done;
  }
  void forget() noexcept { open_ = false; }
  /// The first job in it.
  [[nodiscard]] std::size_t first() const noexcept { return first_; }

 private:
  Status begin(std::size_t index) {
    if (open_) return {};
    Status begun = connection_.repeat(begin_sql);
    open_ = begun.has_value();
    first_ = index;
    return begun;
  }
  Connection& connection_;
  bool open_ = false;
  std::size_t first_ = 0;
};

/// Those who read in between fail as well: they may have seen what has not happened.
void fail_those(std::vector<Status>& outcomes, std::size_t first, std::size_t end, const Error& why) {
  for (std::size_t i = first; i < end; ++i) {
    if (outcomes[i]) outcomes[i] = std::unexpected{why.clone()};
  }
}

void run_all(Connection& connection, std::vector<Job>& jobs) {
  std::vector<Status> outcomes;
  outcomes.reserve(jobs.size());
  Group group{connection};
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    outcomes.push_back(group.run(jobs[i], i));
    if (!group.lost()) continue;
    fail_those(outcomes, group.first(), i, outcomes[i] ? Error{Kind::internal} : outcomes[i].error().clone());
    group.forget();
  }
  const Status committed = group.commit();
  if (!committed) fail_those(outcomes, group.first(), jobs.size(), committed.error());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (jobs[i].done) jobs[i].done(std::move(outcomes[i]));
  }
}

}  // namespace

/// What callers and the thread share.
struct Database::Queue {
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<Job> jobs;
  std::size_t bytes = 0;
  std::size_t urgent = 0;    ///< jobs that need be done now
  std::deque<Chore> chores;  ///< stay where they are
  std::int64_t chores_due = 0;
  bool stopped = false;

  [[nodiscard]] bool must_go() const { return urgent != 0 || stopped; }
  /// Moves up to jobs_per_commit of them out; none are left when it is told to stop.
  [[nodiscard]] std::vector<Job> take() {
    const auto end = jobs.begin() + static_cast<std::ptrdiff_t>(std::min(jobs.size(), jobs_per_commit));
    std::vector<Job> taken{std::move_iterator{jobs.begin()}, std::move_iterator{end}};
    jobs.erase(jobs.begin(), end);
    for (const Job& job : taken) {
      bytes -= job.bytes;
      if (job.when == When::now) --urgent;
    }
    return taken;
  }
  [[nodiscard]] std::vector<Job> chores_to_do() {
    std::vector<Job> out;
    for (Chore& chore : chores) {
      out.push_back(
          Job{.access = Access::write, .run = [&chore](Connection& connection) { return chore(connection); }, .done = {}});
    }
    return out;
  }
};

Database::Database(Options options) : options_{std::move(options)}, queue_{std::make_unique<Queue>()} {}

Result<std::unique_ptr<Database>> Database::open(Options options) {
  Result<Connection> connection = Connection::open(options.file);
  if (!connection) return fail_with(connection);
  if (Status ready = prepare(*connection, options.file, schema_of(options.contents)); !ready) return fail_with(ready);
  std::unique_ptr<Database> database{new Database{std::move(options)}};
  database->connection_ = std::make_unique<Connection>(std::move(*connection));
  database->thread_ = std::thread{[self = database.get()] { self->work(); }};
  return database;
}

Database::~Database() {
  {
    const std::lock_guard lock{queue_->mutex};
    queue_->stopped = true;
  }
  queue_->wake.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Database::submit(Job job) {
  bool wake = false;
  bool room = false;
  {
    const std::lock_guard lock{queue_->mutex};
    room = queue_->jobs.empty() ||
           (queue_->jobs.size() < options_.queue_jobs_max && queue_->bytes + job.bytes <= options_.queue_bytes_max);
    if (room) {
      // Others than the first wait for a thread that is awake, or will be in a moment.
      wake = queue_->jobs.empty() || (job.when == When::now && queue_->urgent == 0);
      if (job.when == When::now) ++queue_->urgent;
      queue_->bytes += job.bytes;
      queue_->jobs.push_back(std::move(job));
    }
  }
  if (wake) queue_->wake.notify_one();
  if (!room) job.done(std::unexpected{full()});
}

void Database::add_chore(Chore chore) {
  const std::lock_guard lock{queue_->mutex};
  queue_->chores.push_back(std::move(chore));
}

std::int64_t Database::now() const {
  return std::chrono::duration_cast<std::chrono::seconds>(options_.now().time_since_epoch()).count();
}

void Database::work() {
  Queue& queue = *queue_;
  // A file just made is on the disk from here on (schema.cc); of every other one nothing is to be done. A failure will come
  // again.
  static_cast<void>(connection_->run("PRAGMA wal_checkpoint(PASSIVE)"));
  std::unique_lock lock{queue.mutex};
  for (;;) {
    const bool asked = queue.wake.wait_for(lock, options_.chore_every, [&] { return !queue.jobs.empty() || queue.stopped; });
    if (asked) queue.wake.wait_for(lock, options_.soon, [&] { return queue.must_go(); });
    if (queue.stopped && queue.jobs.empty()) return;
    std::vector<Job> jobs;
    if (const std::int64_t time = now(); time >= queue.chores_due) {
      jobs = queue.chores_to_do();
      queue.chores_due = time + std::chrono::duration_cast<std::chrono::seconds>(options_.chore_every).count();
    }
    std::ranges::move(queue.take(), std::back_inserter(jobs));
    lock.unlock();
    run_all(*connection_, jobs);
    jobs.clear();
    lock.lock();
  }
}

}  // namespace cardea::store::sqlite
