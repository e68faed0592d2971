#include "net/scope.h"

#include <cassert>
#include <exception>

namespace cardea::net {

bool Suspension::link(std::coroutine_handle<> awaiter, Scope* scope) noexcept {
  if (scope->cancelled()) return false;
  awaiter_ = awaiter;
  scope_ = scope;
  prev_ = nullptr;
  next_ = scope->pending_;
  if (next_ != nullptr) next_->prev_ = this;
  scope->pending_ = this;
  return true;
}

void Suspension::unlink() noexcept {
  if (prev_ != nullptr) {
    prev_->next_ = next_;
  } else {
    scope_->pending_ = next_;
  }
  if (next_ != nullptr) next_->prev_ = prev_;
  scope_ = nullptr;
}

void Suspension::resume() noexcept {
  assert(suspended());
  Loop& loop = scope_->loop();
  unlink();
  loop.ready(awaiter_);
}

Scope::Scope(Scope& parent) noexcept : loop_{parent.loop_}, parent_{&parent} {
  next_sibling_ = parent.first_child_;
  if (next_sibling_ != nullptr) next_sibling_->prev_sibling_ = this;
  parent.first_child_ = this;
  // Born into a cancelled scope: cancelled from the start.
  reason_ = parent.reason_;
}

Scope::~Scope() {
  assert(children_ == 0 && pending_ == nullptr && first_child_ == nullptr);
  if (parent_ == nullptr) return;
  if (prev_sibling_ != nullptr) {
    prev_sibling_->next_sibling_ = next_sibling_;
  } else {
    parent_->first_child_ = next_sibling_;
  }
  if (next_sibling_ != nullptr) next_sibling_->prev_sibling_ = prev_sibling_;
}

void Scope::cancel(Kind reason) noexcept {
  if (cancelled()) return;
  reason_ = reason;
  deadline_.cancel();
  while (pending_ != nullptr) {
    Suspension* waiting = pending_;
    waiting->on_cancel(reason);
    waiting->resume();
  }
  for (Scope* child = first_child_; child != nullptr; child = child->next_sibling_) child->cancel(reason);
}

void Scope::set_deadline(TimePoint deadline, Kind reason) noexcept {
  if (cancelled()) return;
  deadline_.reason = reason;
  loop_.arm(deadline_, deadline);
}

/// The frame around a spawned task: starts when the loop gets to it, frees itself at the end.
struct Scope::Child {
  struct promise_type : PromiseBase {
    Child get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() noexcept {}
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> frame;
};

Scope::Child Scope::run_child(Scope& scope, Task<void> task) {
  {
    const Task<void> work = std::move(task);
    co_await work.in(scope);
  }
  scope.child_ended();
}

void Scope::spawn(Task<void> task) {
  ++children_;
  loop_.ready(run_child(*this, std::move(task)).frame);
}

void Scope::child_ended() noexcept {
  if (--children_ == 0 && joiner_) loop_.ready(std::exchange(joiner_, nullptr));
}

void Event::set() noexcept {
  set_ = true;
  while (waiters_ != nullptr) {
    Wait* waiter = waiters_;
    waiters_ = waiter->next_waiter_;
    waiter->cancel();
    waiter->resume();
  }
}

void Event::Wait::enqueue() noexcept {
  next_waiter_ = event_.waiters_;
  event_.waiters_ = this;
  if (timeout_ != forever) event_.loop_.arm(*this, event_.loop_.now() + timeout_);
}

void Event::Wait::withdraw() noexcept {
  for (Wait** link = &event_.waiters_; *link != nullptr; link = &(*link)->next_waiter_) {
    if (*link == this) {
      *link = next_waiter_;
      return;
    }
  }
}

void Event::Wait::on_timer() {
  withdraw();
  failure_ = Kind::timed_out;
  resume();
}

void Event::Wait::on_cancel(Kind reason) {
  cancel();
  withdraw();
  failure_ = reason;
}

}  // namespace cardea::net
