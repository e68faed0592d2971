#pragma once
// Task<T>: the lazy coroutine of the runtime.

#include <cassert>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/pool.h"

namespace cardea::net {

class Scope;

/// What every coroutine of the runtime carries: who continues after it, and the scope whose cancellation it obeys (inherited from
/// its awaiter). Frames come from the worker's free lists.
struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  Scope* scope = nullptr;
  std::exception_ptr exception;

  static void* operator new(std::size_t size) { return pool_allocate(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { pool_free(frame, size); }

  struct FinalAwait {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      return self.promise().continuation;
    }
    void await_resume() const noexcept {}
  };
  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] FinalAwait final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
};

/// A lazy coroutine that yields one T (usually a Result). Starts when awaited, runs on the awaiter's loop, is owned by whoever
/// holds it. A started task must run to its end before its Task dies: call it off by cancelling its scope, never by dropping it.
template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type : PromiseBase {
    std::optional<T> value;
    Task get_return_object() noexcept { return Task{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    template <class U>
    void return_value(U&& result) {
      value.emplace(std::forward<U>(result));
    }
    T take() {
      if (exception) std::rethrow_exception(exception);
      return std::move(*value);
    }
  };

  Task(Task&& other) noexcept : frame_{std::exchange(other.frame_, nullptr)} {}
  Task& operator=(Task&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (frame_) frame_.destroy();
  }

  struct Await {
    std::coroutine_handle<promise_type> frame;
    Scope* scope = nullptr;  ///< null: the awaiter's
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiter) noexcept {
      auto& promise = frame.promise();
      promise.continuation = awaiter;
      promise.scope = scope != nullptr ? scope : awaiter.promise().scope;
      return frame;
    }
    T await_resume() { return frame.promise().take(); }
  };
  [[nodiscard]] Await operator co_await() const noexcept { return {frame_}; }
  /// Awaits the task as work of `scope` instead of the awaiter's own: see Scope::run.
  [[nodiscard]] Await in(Scope& scope) const noexcept { return {frame_, &scope}; }

 private:
  friend class Scope;
  explicit Task(std::coroutine_handle<promise_type> frame) noexcept : frame_{frame} {}
  std::coroutine_handle<promise_type> frame_;
};

template <>
struct Task<void>::promise_type : PromiseBase {
  Task get_return_object() noexcept { return Task{std::coroutine_handle<promise_type>::from_promise(*this)}; }
  void return_void() noexcept {}
  void take() const {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace cardea::net
