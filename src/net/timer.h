#pragma once
// The coarse timer wheel: O(1) to arm and to cancel, 4 ms ticks.

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

namespace cardea::net {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::steady_clock::time_point;
/// No time-out.
inline constexpr Duration forever = Duration::max();

/// One pending deadline. Owned by whoever waits; disarms itself when destroyed. Lives on one loop.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  [[nodiscard]] bool armed() const noexcept { return next_ != nullptr; }
  [[nodiscard]] TimePoint deadline() const noexcept { return deadline_; }
  void cancel() noexcept;

 protected:
  virtual ~Timer() { cancel(); }

 private:
  friend class TimerWheel;
  /// The deadline has passed; the timer is disarmed and may be armed again from here. Must not resume coroutines directly.
  virtual void on_timer() = 0;
  Timer* prev_ = nullptr;
  Timer* next_ = nullptr;
  TimePoint deadline_;
};

/// Four levels of 64 slots: 4 ms, 256 ms, 16 s, 17 min a slot; later deadlines wait in the last slot and are sorted again. Fires
/// at the first tick at or after the deadline, so never early.
class TimerWheel {
 public:
  static constexpr std::chrono::milliseconds tick{4};

  explicit TimerWheel(TimePoint start) noexcept;
  void arm(Timer& timer, TimePoint deadline) noexcept;
  /// Fires everything due at `now`.
  void advance(TimePoint now);
  /// When advance() must be called next; nothing armed: std::nullopt. May be earlier than the first deadline, never later.
  [[nodiscard]] std::optional<TimePoint> next_due() const noexcept;

 private:
  static constexpr int levels = 4;
  static constexpr int slot_bits = 6;
  static constexpr std::uint64_t slots = 1U << slot_bits;

  struct Slot final : Timer {  // a list head
    Slot() noexcept { reset(); }
    void reset() noexcept;
    [[nodiscard]] bool empty() const noexcept;
    void on_timer() override {}
  };

  [[nodiscard]] std::uint64_t tick_of(TimePoint time) const noexcept;
  void insert(Timer& timer, std::uint64_t due_tick) noexcept;
  void cascade(int level) noexcept;

  TimePoint start_;
  std::uint64_t current_ = 0;  ///< last tick that has fired
  std::array<std::array<Slot, slots>, levels> wheel_;
  /// Bit i of a level: slot i may hold something. Set on insertion; cancelling does not clear it, looking does.
  mutable std::array<std::uint64_t, levels> occupied_{};
};

}  // namespace cardea::net
