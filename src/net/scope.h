#pragma once
// Structured concurrency: a Scope owns its children, and cancelling it resumes every await pending in it.

#include <cstddef>

#include "net/loop.h"
#include "net/task.h"

namespace cardea::net {

/// Base of everything that can suspend. While suspended it is linked into its scope, so that a cancel finds it.
class Suspension {
 public:
  Suspension(const Suspension&) = delete;
  Suspension& operator=(const Suspension&) = delete;

 protected:
  Suspension() = default;
  virtual ~Suspension() = default;
  /// Links to the awaiter's scope. False: the scope is cancelled already, do not suspend.
  template <class Promise>
  [[nodiscard]] bool suspend(std::coroutine_handle<Promise> awaiter) noexcept {
    return link(awaiter, awaiter.promise().scope);
  }
  /// The awaiter goes to its loop's ready queue.
  void resume() noexcept;
  [[nodiscard]] bool suspended() const noexcept { return scope_ != nullptr; }

 private:
  friend class Scope;
  /// The scope was cancelled: withdraw from whatever would have completed this, and remember to answer *cancelled*.
  virtual void on_cancel(Kind reason) = 0;
  bool link(std::coroutine_handle<> awaiter, Scope* scope) noexcept;
  void unlink() noexcept;

  std::coroutine_handle<> awaiter_;
  Scope* scope_ = nullptr;
  Suspension* prev_ = nullptr;
  Suspension* next_ = nullptr;
};

/// Owns concurrent work of one loop: children spawned into it and awaits pending in it. It must be empty before it dies: join()
/// it. cancel() makes every pending and every further await in it (and in scopes below it) answer with the reason, so that code
/// unwinds by its ordinary error path. Cancelling is idempotent; the first reason stays.
class Scope {
 public:
  explicit Scope(Loop& loop) noexcept : loop_{loop} {}
  explicit Scope(Scope& parent) noexcept;
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  [[nodiscard]] Loop& loop() const noexcept { return loop_; }
  /// Runs `task` concurrently. An exception out of it is a bug: it ends the process.
  void spawn(Task<void> task);
  void cancel(Kind reason = Kind::cancelled) noexcept;
  [[nodiscard]] bool cancelled() const noexcept { return reason_ != none; }
  /// Why; only when cancelled().
  [[nodiscard]] Kind reason() const noexcept { return reason_; }
  /// Cancels itself with `reason` at `deadline`; a later call replaces an earlier one.
  void set_deadline(TimePoint deadline, Kind reason) noexcept;
  void clear_deadline() noexcept { deadline_.cancel(); }
  [[nodiscard]] std::size_t children() const noexcept { return children_; }

  /// Awaited: resumes when the last child has ended (not a cancellation point: children obey their own scope).
  class Join;
  [[nodiscard]] Join join() noexcept;

 private:
  friend class Suspension;
  static constexpr Kind none = Kind::last_;  // never a reason to cancel

  struct Deadline final : Timer {
    explicit Deadline(Scope& owner) noexcept : scope{owner} {}
    void on_timer() override { scope.cancel(reason); }
    Scope& scope;
    Kind reason = none;
  };
  struct Child;
  static Child run_child(Scope& scope, Task<void> task);
  void child_ended() noexcept;

  Loop& loop_;
  Scope* parent_ = nullptr;
  Scope* first_child_ = nullptr;  // scopes below
  Scope* next_sibling_ = nullptr;
  Scope* prev_sibling_ = nullptr;
  Suspension* pending_ = nullptr;
  std::size_t children_ = 0;
  std::coroutine_handle<> joiner_;
  Kind reason_ = none;
  Deadline deadline_{*this};
};

class Scope::Join {
 public:
  explicit Join(Scope& scope) noexcept : scope_{scope} {}
  [[nodiscard]] bool await_ready() const noexcept { return scope_.children_ == 0; }
  void await_suspend(std::coroutine_handle<> awaiter) noexcept { scope_.joiner_ = awaiter; }
  void await_resume() const noexcept {}

 private:
  Scope& scope_;
};
inline Scope::Join Scope::join() noexcept { return Join{*this}; }

/// What current_scope() awaits.
struct CurrentScope {
  Scope* scope = nullptr;
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiter) noexcept {
    scope = awaiter.promise().scope;
    return false;
  }
  [[nodiscard]] Scope& await_resume() const noexcept { return *scope; }
};
/// `Scope& scope = co_await current_scope();`: the scope the running coroutine belongs to. Does not suspend.
[[nodiscard]] inline CurrentScope current_scope() noexcept { return {}; }

/// `Status slept = co_await sleep_until(loop, time)`: a cancellation point; fires on the timer wheel's tick, never early.
class sleep_until final : Suspension, Timer {
 public:
  sleep_until(Loop& loop, TimePoint deadline) noexcept : loop_{loop}, deadline_{deadline} {}
  [[nodiscard]] bool await_ready() const noexcept { return deadline_ <= loop_.now(); }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiter) noexcept {
    if (!suspend(awaiter)) {
      failure_ = awaiter.promise().scope->reason();
      return false;
    }
    loop_.arm(*this, deadline_);
    return true;
  }
  [[nodiscard]] Status await_resume() const {
    if (failure_ != Kind::last_) return fail(failure_);
    return {};
  }

 private:
  void on_timer() override { resume(); }
  void on_cancel(Kind reason) override {
    cancel();
    failure_ = reason;
  }
  Loop& loop_;
  TimePoint deadline_;
  Kind failure_ = Kind::last_;
};
inline sleep_until sleep_for(Loop& loop, Duration duration) noexcept { return {loop, loop.now() + duration}; }

/// Lets others run first: `Status yielded = co_await yield(loop);`
inline sleep_until yield(Loop& loop) noexcept { return {loop, loop.now() + Duration{1}}; }

/// A one-loop signal with memory: set() wakes all waiters; wait() answers at once while it is set. A cancellation point.
class Event {
 public:
  explicit Event(Loop& loop) noexcept : loop_{loop} {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void set() noexcept;
  void reset() noexcept { set_ = false; }
  [[nodiscard]] bool is_set() const noexcept { return set_; }

  class Wait final : Suspension, Timer {
   public:
    Wait(Event& event, Duration timeout) noexcept : event_{event}, timeout_{timeout} {}
    [[nodiscard]] bool await_ready() const noexcept { return event_.set_; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> awaiter) noexcept {
      if (!suspend(awaiter)) {
        failure_ = awaiter.promise().scope->reason();
        return false;
      }
      enqueue();
      return true;
    }
    [[nodiscard]] Status await_resume() const {
      if (failure_ != Kind::last_) return fail(failure_);
      return {};
    }

   private:
    friend class Event;
    void enqueue() noexcept;
    void withdraw() noexcept;
    void on_timer() override;
    void on_cancel(Kind reason) override;
    Event& event_;
    Duration timeout_;
    Wait* next_waiter_ = nullptr;
    Kind failure_ = Kind::last_;
  };
  /// Kind::timed_out after `timeout`.
  [[nodiscard]] Wait wait(Duration timeout = forever) noexcept { return {*this, timeout}; }

 private:
  Loop& loop_;
  Wait* waiters_ = nullptr;
  bool set_ = false;
};

}  // namespace cardea::net
