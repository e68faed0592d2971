#include "limit/meters.h"

#include <limits>

namespace cardea::limit {

Meters::Meters(unsigned sets_log2) : meters_{(std::size_t{1} << sets_log2) * ways}, mask_{(std::uint64_t{1} << sets_log2) - 1} {}

Meter& Meters::of(std::uint64_t tag, std::int64_t room, std::int64_t now) noexcept {
  Meter* const set = meters_.data() + (tag & mask_) * ways;
  for (;;) {
    Meter* soonest = nullptr;
    std::uint64_t holder = 0;
    std::int64_t soonest_at = std::numeric_limits<std::int64_t>::max();
    for (Meter* at = set; at != set + ways; ++at) {
      const std::uint64_t seen = std::atomic_ref{at->tag}.load(std::memory_order_relaxed);
      if (seen == tag) return *at;
      const std::int64_t full_at = at->bucket().load(std::memory_order_relaxed);
      if (full_at >= soonest_at) continue;
      soonest = at;
      soonest_at = full_at;
      holder = seen;
    }
    if (!std::atomic_ref{soonest->tag}.compare_exchange_strong(holder, tag)) continue;
    std::int64_t inherited = soonest->bucket().load(std::memory_order_relaxed);
    while (inherited > now + room && !soonest->bucket().compare_exchange_weak(inherited, now + room)) {
    }
    return settle_twins(set, *soonest, tag);
  }
}

// Two threads may bring the same newcomer at once, each to a place of its own. Both look again after they came, so the one behind
// sees the other.
Meter& Meters::settle_twins(Meter* set, Meter& mine, std::uint64_t tag) noexcept {
  for (Meter* at = set; at != &mine; ++at) {
    if (std::atomic_ref{at->tag}.load() != tag) continue;
    std::uint64_t own = tag;
    std::atomic_ref{mine.tag}.compare_exchange_strong(own, 0);
    return *at;
  }
  return mine;
}

}  // namespace cardea::limit
