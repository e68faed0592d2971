#pragma once
// How many at a time: a cap that all workers share, and a short fair queue before it.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/error.h"
#include "limit/fair_queue.h"
#include "net/scope.h"

namespace cardea::limit {

class Gate;

/// A place behind a gate; leaves it at its end. Lives on the loop it was given on; must not outlive the gate.
class Place {
 public:
  Place() = default;
  Place(Place&& other) noexcept : gate_{std::exchange(other.gate_, nullptr)}, loop_{other.loop_}, since_{other.since_} {}
  Place& operator=(Place&& other) noexcept;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { leave(); }
  void leave() noexcept;

 private:
  friend class Gate;
  Place(Gate& gate, net::Loop& loop) noexcept : gate_{&gate}, loop_{&loop}, since_{loop.now()} {}
  Gate* gate_ = nullptr;
  net::Loop* loop_ = nullptr;
  net::TimePoint since_{};
};

/// Lets at most `limit` in at a time; others wait, each on its own loop, and are let in as places become free on any of them.
///
/// While there is room, coming and going is one compare-and-swap. Only who finds no room, and who leaves while others wait, takes
/// a short lock. Nobody overtakes those who wait. A waiter that is cancelled leaves at once. One that cannot be in time, by the
/// average stay, is refused at once instead of at its deadline. Any thread; must outlive its places and waiters.
class Gate {
 public:
  struct Options {
    std::string name;  ///< of what is capped, for messages: "team 'research'"
    std::uint32_t limit = 1;
    std::uint32_t waiting_max = 64;
    net::Duration wait_max = std::chrono::seconds{10};
  };
  struct Caller {
    std::uint64_t tenant = 0;  ///< whose turn it uses
    Priority priority = Priority::normal;
    net::TimePoint deadline = net::TimePoint::max();  ///< no use later than this
  };

  explicit Gate(Options options) : options_{std::move(options)}, limit_{options_.limit}, queue_{options_.waiting_max} {}
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// Nothing: there is no room, or others wait already.
  [[nodiscard]] std::optional<Place> try_enter(net::Loop& loop) noexcept;
  /// Waits for room. Error: rate_limited with `retry_after` (the queue is full, or it would or did take too long), or the scope's
  /// reason.
  [[nodiscard]] net::Task<Result<Place>> enter(net::Loop& loop, Caller caller);

  /// From now on; those who are in stay. At least 1.
  void set_limit(std::uint32_t limit);
  [[nodiscard]] std::uint32_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t in_flight() const noexcept { return static_cast<std::uint32_t>(state_.load()); }
  [[nodiscard]] std::uint32_t waiting() const noexcept { return static_cast<std::uint32_t>(state_.load() >> 32); }

 private:
  friend class Place;
  enum class Outcome : std::uint8_t { waits, let_in, refused };
  struct Parked : Waiter {
    std::move_only_function<void(Status)> wake;
    Outcome outcome = Outcome::waits;  ///< guarded by mutex_
  };
  enum class Rule : std::uint8_t { after_those_who_wait, first };

  [[nodiscard]] bool occupy(Rule rule) noexcept;
  [[nodiscard]] Status park(Parked& parked, net::Duration patience);
  /// Takes it out of the queue, and says what had become of it.
  [[nodiscard]] Outcome withdraw(const Parked& parked);
  /// Lets in whom there is room for.
  void dispatch();
  void leave(net::Duration stay) noexcept;
  /// How long `ahead` others take to go through.
  [[nodiscard]] net::Duration time_for(std::uint32_t ahead) const noexcept;
  [[nodiscard]] Error refusal(std::string_view why) const;

  static constexpr std::uint64_t one_waiter = std::uint64_t{1} << 32;

  const Options options_;
  std::atomic<std::uint32_t> limit_;
  std::atomic<std::uint64_t> state_ = 0;     ///< waiting << 32 | in flight: one word, so that neither is seen without the other
  std::atomic<std::int64_t> mean_stay_ = 0;  ///< nanoseconds, of the last sixteen or so; 0: nobody left yet
  std::mutex mutex_;
  FairQueue queue_;  ///< guarded by mutex_
};

}  // namespace cardea::limit
