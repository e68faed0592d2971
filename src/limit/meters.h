#pragma once
// Inside the room: where the buckets of all callers are kept, in bounded memory.

#include <cstdint>

#include "limit/rate.h"
#include "limit/zeroed.h"

namespace cardea::limit {

/// One bucket and whose it is. All zero: nobody's, full. Touched through std::atomic_ref only.
struct Meter {
  std::uint64_t tag;
  std::int64_t full_at;

  [[nodiscard]] FullAt bucket() noexcept { return FullAt{full_at}; }
  [[nodiscard]] bool belongs_to(std::uint64_t whose) noexcept {
    return std::atomic_ref{tag}.load(std::memory_order_relaxed) == whose;
  }
};

/// A table of buckets of one kind, by tag: sets of eight, so that to find one is to look at two cache lines. Pages that nobody
/// used take no memory. Any thread; no lock.
///
/// **When a set is full** the newcomer takes over the bucket that will be full soonest, *with what is used of it* (as the
/// space-saving sketch of Metwally, Agrawal and El Abbadi does with counts). Of a full bucket nothing is lost. Otherwise nobody
/// comes to a fresh bucket by being pushed out: who returns finds at least what the least used of the set has, which is no less
/// than what was pushed out, or an empty bucket. Debts below empty are not inherited: they are not the newcomer's.
class Meters {
 public:
  static constexpr std::size_t ways = 8;

  /// 2^`sets_log2` sets of eight.
  explicit Meters(unsigned sets_log2);
  /// The caller's bucket. `tag` is not 0; `room` and `now` as for take().
  [[nodiscard]] Meter& of(std::uint64_t tag, std::int64_t room, std::int64_t now) noexcept;

 private:
  [[nodiscard]] static Meter& settle_twins(Meter* set, Meter& mine, std::uint64_t tag) noexcept;

  Zeroed<Meter> meters_;
  std::uint64_t mask_;
};

}  // namespace cardea::limit
