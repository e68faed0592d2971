#include "limit/gate.h"

#include <algorithm>

#include "base/text.h"
#include "net/handover.h"

namespace cardea::limit {

Place& Place::operator=(Place&& other) noexcept {
  if (this == &other) return *this;
  leave();
  gate_ = std::exchange(other.gate_, nullptr);
  loop_ = other.loop_;
  since_ = other.since_;
  return *this;
}

void Place::leave() noexcept {
  if (Gate* const gate = std::exchange(gate_, nullptr)) gate->leave(loop_->now() - since_);
}

bool Gate::occupy(Rule rule) noexcept {
  std::uint64_t seen = state_.load(std::memory_order_relaxed);
  for (;;) {
    if (rule == Rule::after_those_who_wait && seen >= one_waiter) return false;
    if (static_cast<std::uint32_t>(seen) >= limit()) return false;
    if (state_.compare_exchange_weak(seen, seen + 1)) return true;
  }
}

std::optional<Place> Gate::try_enter(net::Loop& loop) noexcept {
  if (!occupy(Rule::after_those_who_wait)) return std::nullopt;
  return Place{*this, loop};
}

net::Task<Result<Place>> Gate::enter(net::Loop& loop, Caller caller) {
  if (std::optional<Place> place = try_enter(loop)) co_return std::move(*place);
  const net::Duration patience = std::min(options_.wait_max, std::max(caller.deadline - loop.now(), net::Duration{0}));
  net::Handover<Status> turn{loop};
  Parked parked;
  parked.tenant = caller.tenant;
  parked.priority = caller.priority;
  parked.wake = turn.sender();
  Status waits = park(parked, patience);
  if (!waits) co_return fail_with(waits);
  dispatch();
  Status called = co_await turn.receive(patience);
  switch (withdraw(parked)) {
    case Outcome::let_in: {
      // Also when the word of it came too late: who was cancelled meanwhile leaves again.
      Place place{*this, loop};
      if (!called && !called.error().is(Kind::timed_out)) co_return fail_with(called);
      co_return std::move(place);
    }
    case Outcome::refused: co_return std::unexpected{refusal("others have to come first")};
    case Outcome::waits: break;
  }
  if (!called.error().is(Kind::timed_out)) co_return fail_with(called);
  co_return std::unexpected{refusal("none of them ended in time")};
}

Status Gate::park(Parked& parked, net::Duration patience) {
  std::move_only_function<void(Status)> wake;
  {
    const std::lock_guard lock{mutex_};
    if (time_for(queue_.ahead_of(parked)) > patience) return std::unexpected{refusal("the wait would be too long")};
    auto* const out = static_cast<Parked*>(queue_.push(parked));
    if (out == &parked) return std::unexpected{refusal("too many wait already")};
    if (out == nullptr) {
      state_.fetch_add(one_waiter);
    } else {
      out->outcome = Outcome::refused;
      wake = std::move(out->wake);
    }
  }
  if (wake) wake(Status{});
  return {};
}

Gate::Outcome Gate::withdraw(const Parked& parked) {
  const std::lock_guard lock{mutex_};
  if (parked.outcome == Outcome::waits && queue_.remove(parked)) state_.fetch_sub(one_waiter);
  return parked.outcome;
}

void Gate::dispatch() {
  for (;;) {
    std::move_only_function<void(Status)> wake;
    {
      const std::lock_guard lock{mutex_};
      if (queue_.size() == 0 || !occupy(Rule::first)) return;
      auto* const next = static_cast<Parked*>(queue_.pop());
      state_.fetch_sub(one_waiter);
      next->outcome = Outcome::let_in;
      wake = std::move(next->wake);
    }
    // Not under the lock; the waiter itself may be gone by now.
    wake(Status{});
  }
}

void Gate::leave(net::Duration stay) noexcept {
  const std::int64_t mean = mean_stay_.load(std::memory_order_relaxed);
  const std::int64_t stayed = std::max<std::int64_t>(stay.count(), 1);
  mean_stay_.store(mean == 0 ? stayed : mean + (stayed - mean) / 16, std::memory_order_relaxed);
  if (state_.fetch_sub(1) >= one_waiter) dispatch();
}

void Gate::set_limit(std::uint32_t limit) {
  const std::uint32_t before = limit_.exchange(std::max(limit, 1U));
  if (limit > before && waiting() != 0) dispatch();
}

net::Duration Gate::time_for(std::uint32_t ahead) const noexcept {
  return net::Duration{mean_stay_.load(std::memory_order_relaxed)} * ahead / limit();
}

Error Gate::refusal(std::string_view why) const {
  const auto wait = std::chrono::ceil<std::chrono::seconds>(time_for(waiting() + 1)).count();
  return Error{Kind::rate_limited,
               Error::Detail{.message = cat(options_.name, " may have ", limit(), " requests at a time, and ", why),
                             .retry_after = cat(std::max<std::int64_t>(wait, 1))}};
}

}  // namespace cardea::limit
