#pragma once
// How much may be spent in an hour, a day, a week, a month, or at all: set aside before, settled after.

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "limit/windows.h"
#include "store/ledger.h"

namespace cardea::limit {

/// What a budget counts. Free quotas of providers (requests or tokens a day) are budgets too, routed by and not enforced upon.
enum class Unit : std::uint8_t { nano_usd, requests, tokens, last_ = tokens };

/// One budget and what is left of it in the window that it is. Any thread; no lock but once a window.
///
/// A window never comes back: while the clock is behind its beginning, the one that has begun goes on, so that nobody is given a
/// window twice. A request counts in the window in which it was reserved, whenever it ends. Must outlive its Bookings.
class Budget {
 public:
  struct Options {
    std::string id;           ///< as store::Hold::budget
    std::int64_t amount = 0;  ///< of the unit, ≥ 0
    std::int64_t grace = 0;   ///< that may be used beyond, ≥ 0
    Unit unit = Unit::nano_usd;
    config::Period per = config::Period::total;
    Zone zone = Zone::utc();
    std::vector<std::uint8_t> alerts;  ///< percent of the amount
  };
  /// `kept`: what an earlier run left of its newest window; nothing of an older one counts. `now`: Unix seconds.
  Budget(Options options, const store::Balance& kept, std::int64_t now);
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  struct Standing {
    std::int64_t amount = 0;
    std::int64_t spent = 0;
    std::int64_t reserved = 0;  ///< by requests under way
    WindowSpan window;
    /// Of the amount, without the grace; ≥ 0.
    [[nodiscard]] std::int64_t left() const noexcept;
  };
  [[nodiscard]] Standing standing(std::int64_t now);
  [[nodiscard]] const Options& options() const noexcept { return options_; }

 private:
  friend class Booking;
  /// Kept for as long as the budget: used again for a later window when nobody counts in it any more.
  struct Window {
    std::atomic<std::int64_t> from = 0, to = 0;
    std::atomic<std::int64_t> committed = 0;  ///< spent and reserved
    std::atomic<std::int64_t> spent = 0;
    std::atomic<std::int64_t> users = 0;  ///< bookings in it, and who is about to make one
  };
  [[nodiscard]] Window& enter(std::int64_t now);
  void leave(Window& window) noexcept { window.users.fetch_sub(1); }
  void go_on(std::int64_t now);
  [[nodiscard]] Window& unused();

  Options options_;
  std::int64_t most_;  ///< with the grace
  std::mutex turning_;
  std::deque<Window> windows_;  ///< stay where they are; a handful
  std::atomic<Window*> current_;
};

/// A threshold that a settlement went over.
struct BudgetAlert {
  const Budget* budget = nullptr;
  std::uint8_t percent = 0;
};

/// An amount that is set aside in some budgets. Its end gives it back, unless it was settled.
class Booking {
 public:
  static constexpr std::size_t budgets_max = 16;

  Booking() noexcept = default;
  /// Takes the amount (≥ 0) from all of at most `budgets_max` budgets, or from none. `now`: Unix seconds. Error: rate_limited
  /// with status 402, code budget_exceeded, and when the window ends.
  [[nodiscard]] static Result<Booking> reserve(std::span<Budget* const> budgets, std::int64_t amount, std::int64_t now);
  Booking(Booking&& other) noexcept { *this = std::move(other); }
  Booking& operator=(Booking&& other) noexcept;
  Booking(const Booking&) = delete;
  Booking& operator=(const Booking&) = delete;
  ~Booking() { give_back(); }

  /// This is what it came to (≥ 0; also more than was reserved). Once; further calls do nothing.
  std::vector<BudgetAlert> settle(std::int64_t amount);
  /// For the ledger's line. Before it is settled.
  [[nodiscard]] std::vector<store::Hold> holds() const;
  [[nodiscard]] std::int64_t amount() const noexcept { return amount_; }

 private:
  struct Place {
    Budget* budget;
    Budget::Window* window;
  };
  [[nodiscard]] bool take(Budget& budget, std::int64_t now);
  void give_back() noexcept;

  std::array<Place, budgets_max> places_;  ///< the first `size_`; NOLINT: uninitialised on purpose
  std::size_t size_ = 0;
  std::int64_t amount_ = 0;
};

}  // namespace cardea::limit
