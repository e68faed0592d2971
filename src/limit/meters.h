#pragma once
// Inside the room: where the buckets of all callers are kept, in bounded memory.

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "limit/rate.h"

namespace cardea::limit {

/// One bucket and whose it is. All zero: nobody's, full. Touched through std::atomic_ref only.
struct Meter {
  std::uint64_t tag = 0;
  std::int64_t full_at = 0;

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

  struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<void, Free> memory_;
  Meter* first_;
  std::uint64_t mask_;
};

/// SipHash-1-3 (Aumasson and Bernstein) under a key of this process: nobody outside finds two names with one tag. Never 0.
class Tagger {
 public:
  Tagger(std::uint64_t key0, std::uint64_t key1) noexcept : key0_{key0}, key1_{key1} {}
  /// `scope` goes in front of the name.
  [[nodiscard]] std::uint64_t operator()(std::uint8_t scope, std::string_view name) const noexcept;

 private:
  std::uint64_t key0_, key1_;
};

}  // namespace cardea::limit
