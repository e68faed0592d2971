#pragma once
// The event loop: one per worker thread.

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/random.h"
#include "net/timer.h"

namespace cardea::net {

/// Where a loop's events and its time come from: epoll in production, a seeded simulation in tests.
class Driver {
 public:
  virtual ~Driver() = default;
  [[nodiscard]] virtual TimePoint now() = 0;
  /// Waits for events, at most until `deadline` (nullopt: without end; in the past: only looks), and reports them to their
  /// streams.
  virtual void wait(std::optional<TimePoint> deadline) = 0;
  /// End of a turn: what was closed during it may be freed now.
  virtual void end_turn() {}
  /// Makes a wait() under way return. The only call allowed from other threads.
  virtual void wake() = 0;
};

class Loop;

/// A way to a loop for those who may outlive it. Any thread.
class Mailbox {
 public:
  explicit Mailbox(Loop& loop) noexcept : loop_{&loop} {}
  /// As Loop::post(); dropped when the loop is gone.
  void post(std::move_only_function<void()> work);

 private:
  friend class Loop;
  void close();
  std::mutex mutex_;
  Loop* loop_;
};

/// Runs coroutines, timers and I/O of one thread. Everything made on a loop lives and dies on it; only post() and stop() may be
/// called from elsewhere. Limits: a task that never waits is made to yield (see spend()), so one connection cannot starve the
/// others.
class Loop {
 public:
  explicit Loop(std::unique_ptr<Driver> driver);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until stop(). Throws only what a bug threw.
  void run();
  /// Runs until `done()` holds after a turn's tasks have run.
  void run_until(const std::function<bool()>& done);
  void stop();

  /// Time at the start of this turn.
  [[nodiscard]] TimePoint now() const noexcept { return now_; }
  /// Reads the clock again, for measurements that need more than a turn's resolution.
  [[nodiscard]] TimePoint read_clock() { return driver_->now(); }
  [[nodiscard]] Driver& driver() noexcept { return *driver_; }

  /// Resumes `task` in its turn (FIFO, or in seeded order in a simulation).
  void ready(std::coroutine_handle<> task) { ready_.push_back(task); }
  void arm(Timer& timer, TimePoint deadline) noexcept { wheel_.arm(timer, deadline); }
  /// Runs `work` on this loop soon. Any thread.
  void post(std::move_only_function<void()> work);
  [[nodiscard]] const std::shared_ptr<Mailbox>& mailbox() const noexcept { return mailbox_; }

  /// Accounts `bytes` moved without waiting. False: the running task has used up its turn and should yield.
  [[nodiscard]] bool spend(std::size_t bytes) noexcept {
    budget_ -= static_cast<std::int64_t>(bytes) + budget_per_call;
    return budget_ > 0;
  }
  /// Chooses which ready task runs next by this seed (simulation).
  void shuffle(std::uint64_t seed) { shuffle_ = std::make_unique<Random>(seed); }

 private:
  static constexpr std::int64_t budget_bytes = 256 * 1024;
  static constexpr std::int64_t budget_per_call = 4 * 1024;  // so at most 64 calls, however small

  /// A turn is: posted work and ready tasks, then events and timers.
  void work();
  void wait();
  void run_ready();
  void run_posted();

  std::unique_ptr<Driver> driver_;
  TimePoint now_;
  TimerWheel wheel_;
  std::vector<std::coroutine_handle<>> ready_;
  std::vector<std::coroutine_handle<>> running_;
  std::int64_t budget_ = 0;
  std::unique_ptr<Random> shuffle_;
  std::atomic<bool> stopped_ = false;
  std::atomic<bool> has_posted_ = false;
  std::mutex posted_mutex_;
  std::vector<std::move_only_function<void()>> posted_;
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>(*this);
};

}  // namespace cardea::net
