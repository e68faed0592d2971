#include "net/loop.h"

#include <utility>

namespace cardea::net {

Loop::Loop(std::unique_ptr<Driver> driver) : driver_{std::move(driver)}, now_{driver_->now()}, wheel_{now_} {}

Loop::~Loop() { mailbox_->close(); }

void Mailbox::post(std::move_only_function<void()> work) {
  const std::lock_guard lock{mutex_};
  if (loop_ != nullptr) loop_->post(std::move(work));
}

void Mailbox::close() {
  const std::lock_guard lock{mutex_};
  loop_ = nullptr;
}

void Loop::run() {
  while (!stopped_.load(std::memory_order_acquire)) {
    work();
    wait();
  }
}

void Loop::run_until(const std::function<bool()>& done) {
  for (;;) {
    work();
    if (done()) return;
    wait();
  }
}

void Loop::work() {
  run_posted();
  run_ready();
  driver_->end_turn();
}

void Loop::wait() {
  std::optional<TimePoint> until = wheel_.next_due();
  if (!ready_.empty() || has_posted_.load(std::memory_order_acquire) || stopped_.load(std::memory_order_acquire)) until = now_;
  driver_->wait(until);
  now_ = driver_->now();
  wheel_.advance(now_);
}

void Loop::run_ready() {
  // Only what was ready at the start: what becomes ready meanwhile waits for the next turn, behind new events.
  std::swap(ready_, running_);
  for (std::size_t i = 0; i < running_.size(); ++i) {
    if (shuffle_) std::swap(running_[i], running_[i + shuffle_->below(running_.size() - i)]);
    budget_ = budget_bytes;
    running_[i].resume();
  }
  running_.clear();
}

void Loop::run_posted() {
  if (!has_posted_.load(std::memory_order_acquire)) return;
  std::vector<std::move_only_function<void()>> work;
  {
    const std::lock_guard lock{posted_mutex_};
    work.swap(posted_);
    has_posted_.store(false, std::memory_order_release);
  }
  for (auto& item : work) item();
}

void Loop::post(std::move_only_function<void()> work) {
  {
    const std::lock_guard lock{posted_mutex_};
    posted_.push_back(std::move(work));
    has_posted_.store(true, std::memory_order_release);
  }
  driver_->wake();
}

void Loop::stop() {
  stopped_.store(true, std::memory_order_release);
  driver_->wake();
}

}  // namespace cardea::net
