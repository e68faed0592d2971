#include "net/timer.h"

#include <bit>

namespace cardea::net {

void Timer::cancel() noexcept {
  if (next_ == nullptr) return;
  prev_->next_ = next_;
  next_->prev_ = prev_;
  prev_ = next_ = nullptr;
}

void TimerWheel::Slot::reset() noexcept {
  static_cast<Timer*>(this)->prev_ = this;
  static_cast<Timer*>(this)->next_ = this;
}

bool TimerWheel::Slot::empty() const noexcept { return static_cast<const Timer*>(this)->next_ == this; }

TimerWheel::TimerWheel(TimePoint start) noexcept : start_{start} {}

std::uint64_t TimerWheel::tick_of(TimePoint time) const noexcept {
  if (time <= start_) return 0;
  const auto since = time - start_;
  return static_cast<std::uint64_t>((since + tick - Duration{1}) / tick);  // rounded up: never early
}

void TimerWheel::arm(Timer& timer, TimePoint deadline) noexcept {
  timer.cancel();
  timer.deadline_ = deadline;
  auto due = tick_of(deadline);
  if (due <= current_) due = current_ + 1;
  insert(timer, due);
}

void TimerWheel::insert(Timer& timer, std::uint64_t due) noexcept {
  // The level is the highest digit (base 64) in which `due` differs from the current tick: that slot is passed exactly once
  // before.
  const auto difference = due ^ current_;
  int level = 0;
  while (level < levels - 1 && (difference >> (slot_bits * (level + 1))) != 0) ++level;
  auto position = due >> (slot_bits * level);
  // The top level is a ring. Beyond its horizon: the slot that is visited last, to be sorted again from there.
  const auto current_position = current_ >> (slot_bits * level);
  if (position - current_position >= slots) position = current_position + slots - 1;
  const auto index = position & (slots - 1);
  occupied_[static_cast<std::size_t>(level)] |= std::uint64_t{1} << index;
  Timer& head = wheel_[static_cast<std::size_t>(level)][index];
  timer.prev_ = head.prev_;
  timer.next_ = &head;
  head.prev_->next_ = &timer;
  head.prev_ = &timer;
}

void TimerWheel::cascade(int level) noexcept {
  Slot moved;
  Slot& slot = wheel_[static_cast<std::size_t>(level)][(current_ >> (slot_bits * level)) & (slots - 1)];
  while (!slot.empty()) {
    Timer& timer = *static_cast<Timer&>(slot).next_;
    timer.cancel();
    Timer& head = moved;
    timer.prev_ = head.prev_;
    timer.next_ = &head;
    head.prev_->next_ = &timer;
    head.prev_ = &timer;
  }
  while (!moved.empty()) {
    Timer& timer = *static_cast<Timer&>(moved).next_;
    timer.cancel();
    const auto due = tick_of(timer.deadline_);
    insert(timer, due < current_ ? current_ : due);
  }
}

void TimerWheel::advance(TimePoint now) {
  if (now < start_) return;
  const auto target = static_cast<std::uint64_t>((now - start_) / tick);
  while (current_ < target) {
    // Skip the stretch in which nothing can be due: the clock may have jumped by hours.
    const auto next = next_due();
    if (!next || *next > now) {
      // Slots between here and there are empty on the levels that would be cascaded, so the position may simply move.
      current_ = target;
      return;
    }
    const auto next_tick = tick_of(*next);
    current_ = next_tick > current_ ? next_tick : current_ + 1;
    for (int level = levels - 1; level > 0; --level) {
      const auto below = (std::uint64_t{1} << (slot_bits * level)) - 1;
      if ((current_ & below) == 0) cascade(level);
    }
    Slot& slot = wheel_[0][current_ & (slots - 1)];
    while (!slot.empty()) {
      Timer& timer = *static_cast<Timer&>(slot).next_;
      timer.cancel();
      timer.on_timer();
    }
  }
}

std::optional<TimePoint> TimerWheel::next_due() const noexcept {
  // On each level the slots behind the current position are visited in order; the first that holds something bounds the answer. A
  // lower level holds only what lies in the current round, so its answer is earlier than that of any level above.
  for (std::size_t level = 0; level < levels; ++level) {
    const auto shift = slot_bits * level;
    const auto position = current_ >> shift;
    const auto next = (position + 1) & (slots - 1);
    for (auto ahead = std::rotr(occupied_[level], static_cast<int>(next)); ahead != 0; ahead &= ahead - 1) {
      const auto at = position + 1 + static_cast<std::uint64_t>(std::countr_zero(ahead));
      const auto index = at & (slots - 1);
      if (!wheel_[level][index].empty()) return start_ + tick * static_cast<std::int64_t>(at << shift);
      occupied_[level] &= ~(std::uint64_t{1} << index);
    }
  }
  return std::nullopt;
}

}  // namespace cardea::net
