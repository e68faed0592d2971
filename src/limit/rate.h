#pragma once
// A token bucket as one integer: so much in so long, with room for a burst. Pure; time is an argument.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>

namespace cardea::limit {

using Nanoseconds = std::chrono::nanoseconds;

/// So many units (requests, tokens) per period, refilled evenly. A value.
///
/// A unit costs period / amount of time; a bucket is the instant at which it will be full again (the generic cell rate algorithm,
/// ITU-T I.371, annex A). Costs are rounded up to the nanosecond, so a limit is never exceeded by rounding.
class Rate {
 public:
  /// `amount` ≥ 1. `burst`: units at once when nothing was used lately; 0 is all of a period's, as OpenAI's and Anthropic's
  /// limits behave (a minute's limit may be used up in its first second, and comes back evenly).
  constexpr Rate(std::uint32_t amount, Nanoseconds period, std::uint32_t burst = 0) noexcept
      : amount_{amount}, burst_{burst != 0 ? burst : amount}, period_{period.count()} {}

  [[nodiscard]] constexpr std::uint32_t amount() const noexcept { return amount_; }
  [[nodiscard]] constexpr std::uint32_t burst() const noexcept { return burst_; }
  /// What an empty bucket needs to be full.
  [[nodiscard]] constexpr std::int64_t room() const noexcept { return burst_ == amount_ ? period_ : time_of(burst_); }
  /// How long `units` take to come back, rounded up; at most `time_max`.
  [[nodiscard]] constexpr std::int64_t time_of(std::uint64_t units) const noexcept {
    std::uint64_t product = 0;
    if (!__builtin_mul_overflow(units, static_cast<std::uint64_t>(period_), &product)) {
      return clamp(product / amount_ + (product % amount_ != 0 ? 1 : 0));
    }
    const Wide wide = Wide{units} * static_cast<std::uint64_t>(period_);
    const Wide time = wide / amount_ + (wide % amount_ != 0 ? 1 : 0);
    return time > static_cast<Wide>(time_max) ? time_max : static_cast<std::int64_t>(time);
  }
  /// How many units come back in `time`, rounded down.
  [[nodiscard]] constexpr std::uint64_t units_in(std::int64_t time) const noexcept {
    std::uint64_t product = 0;
    if (!__builtin_mul_overflow(static_cast<std::uint64_t>(time), std::uint64_t{amount_}, &product)) {
      return product / static_cast<std::uint64_t>(period_);
    }
    return static_cast<std::uint64_t>(Wide{static_cast<std::uint64_t>(time)} * amount_ / static_cast<std::uint64_t>(period_));
  }

  /// The longest debt, some nine years: sums of a few do not overflow.
  static constexpr std::int64_t time_max = std::int64_t{1} << 58;

 private:
  __extension__ using Wide = unsigned __int128;
  [[nodiscard]] static constexpr std::int64_t clamp(std::uint64_t time) noexcept {
    return time > static_cast<std::uint64_t>(time_max) ? time_max : static_cast<std::int64_t>(time);
  }

  std::uint32_t amount_;
  std::uint32_t burst_;
  std::int64_t period_;
};

/// What became of a take. Times in nanoseconds.
struct Taken {
  std::int64_t wait = 0;  ///< 0: taken; else how long until it would be, if nobody else came
  std::int64_t used = 0;  ///< until the bucket is full again, as it is now
};

/// The bucket itself: when it will be full again, in nanoseconds of any clock. Any number of threads; no lock.
using FullAt = std::atomic_ref<std::int64_t>;

/// Takes `cost` (Rate::time_of) when it fits into `room` (Rate::room). What can never fit goes when nothing is used, and leaves a
/// debt that those behind it wait for: so one large request is late, not refused for ever, and the rate holds.
[[nodiscard]] inline Taken take(FullAt full_at, std::int64_t cost, std::int64_t room, std::int64_t now) noexcept {
  std::int64_t seen = full_at.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t used = seen > now ? seen - now : 0;
    if (used > 0 && used + cost > room) return {.wait = cost > room ? used : used + cost - room, .used = used};
    if (full_at.compare_exchange_weak(seen, now + used + cost, std::memory_order_relaxed)) return {.used = used + cost};
  }
}

/// Afterwards it turns out that what was taken cost `more` (or, negative, less): as if that had been known when it was taken. The
/// bucket may go below empty.
inline void adjust(FullAt full_at, std::int64_t more, std::int64_t now) noexcept {
  std::int64_t seen = full_at.load(std::memory_order_relaxed);
  for (;;) {
    std::int64_t next = seen + more;
    if (more > 0 && next > now + Rate::time_max) next = now + Rate::time_max;
    if (full_at.compare_exchange_weak(seen, next, std::memory_order_relaxed)) return;
  }
}

}  // namespace cardea::limit
