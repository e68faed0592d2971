#pragma once
// The way to one upstream: as many at a time and as fast as it takes, by all workers together.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "limit/adaptive.h"
#include "limit/gate.h"

namespace cardea::limit {

class Throttle;

/// One request's turn at an upstream, from before it is sent to its end. Without ended() it teaches nothing. Lives on its loop;
/// must not outlive the throttle.
class Turn {
 public:
  Turn(Turn&&) = default;
  Turn& operator=(Turn&&) = delete;
  ~Turn();

  /// What became of it. `tokens`: used by it, 0: as estimated.
  struct End {
    Sample::Outcome outcome = Sample::Outcome::other;
    net::Duration latency{};  ///< to the first byte
    std::uint64_t tokens = 0;
    std::optional<net::Duration> come_back;  ///< see Sample
  };
  void ended(const End& end);

 private:
  friend class Throttle;
  struct Forget {
    void operator()(Throttle* throttle) const noexcept;
  };
  Turn(Throttle& throttle, Place place, net::Loop& loop, std::uint64_t tokens) noexcept
      : throttle_{&throttle}, place_{std::move(place)}, loop_{&loop} {
    sample_.tokens = tokens;
  }
  /// Counts it as in flight until it ends.
  std::unique_ptr<Throttle, Forget> throttle_;
  Place place_;
  net::Loop* loop_;
  Sample sample_;
  std::int64_t cost_ = 0;  ///< nanoseconds of the pace
};

/// Joins a Gate, whose limit is found by an Adaptive, and a pace. No lock: workers leave what they learned on a stack, and one of
/// them at a time works it off. Any thread; must outlive its turns.
class Throttle {
 public:
  struct Options {
    std::string name;  ///< for messages: "model 'gpt'"
    Adaptive::Options at_a_time;
    std::uint32_t waiting_max = 256;
    net::Duration wait_max = std::chrono::seconds{10};
  };
  explicit Throttle(const Options& options);
  ~Throttle();
  Throttle(const Throttle&) = delete;
  Throttle& operator=(const Throttle&) = delete;

  /// Waits for a turn; `tokens` is what the request will use by an estimate. Error: as Gate::enter; rate_limited when the pace
  /// does not let it go in time.
  [[nodiscard]] net::Task<Result<Turn>> enter(net::Loop& loop, Gate::Caller caller, std::uint64_t tokens);

  [[nodiscard]] const Gate& gate() const noexcept { return gate_; }
  /// Tokens a second; 0: as many as come.
  [[nodiscard]] std::uint64_t pace() const noexcept { return pace_.load(std::memory_order_relaxed); }

 private:
  friend class Turn;
  struct News;
  void learn(const Sample& sample);
  void work_off();
  /// When `tokens` may be sent, not before `earliest`, and what they cost.
  [[nodiscard]] std::int64_t schedule(std::uint64_t tokens, std::int64_t earliest, std::int64_t& cost) noexcept;

  const net::Duration wait_max_;
  Gate gate_;
  std::atomic<std::uint32_t> in_flight_ = 0;
  std::atomic<std::uint64_t> sent_total_ = 0;  ///< tokens
  std::atomic<std::uint64_t> pace_ = 0;        ///< as Adaptive::pace(), at least 1
  std::atomic<std::int64_t> hold_until_ = 0;   ///< a new one makes all turns void that were given before
  std::int64_t next_ = 0;                      ///< when the pace lets the next one go; through std::atomic_ref
  std::atomic<News*> news_ = nullptr;
  std::atomic_flag working_;
  Adaptive adaptive_;  ///< whoever holds working_
};

}  // namespace cardea::limit
