#include "limit/budget.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace cardea::limit {
namespace {

constexpr std::string_view unit_names[] = {"", " requests", " tokens"};
static_assert(std::size(unit_names) == static_cast<std::size_t>(Unit::last_) + 1);
constexpr std::string_view period_names[] = {"hour", "day", "week", "month", "total"};
static_assert(std::size(period_names) == static_cast<std::size_t>(config::Period::total) + 1);

std::int64_t sum(std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  return __builtin_add_overflow(a, b, &out) ? std::numeric_limits<std::int64_t>::max() : out;
}

/// 1/100 of the amount `percent` times, without overflow.
std::int64_t share(std::int64_t amount, std::uint8_t percent) { return amount / 100 * percent + amount % 100 * percent / 100; }

std::unexpected<Error> exceeded(const Budget& budget, std::int64_t now) {
  const Budget::Options& options = budget.options();
  const auto period = period_names[static_cast<std::size_t>(options.per)];
  const WindowSpan window = window_at(options.zone, options.per, now);
  Error::Detail detail{.message = cat("the budget '", options.id, "' (per ", period,
                                      unit_names[static_cast<std::size_t>(options.unit)], ") has no room for this request"),
                       .code = "budget_exceeded",
                       .status = 402};
  if (options.per != config::Period::total) detail.retry_after = cat(window.to - now);
  return std::unexpected{Error{Kind::rate_limited, std::move(detail)}};
}

}  // namespace

std::int64_t Budget::Standing::left() const noexcept { return std::max<std::int64_t>(0, amount - sum(spent, reserved)); }

Budget::Budget(Options options, const store::Balance& kept, std::int64_t now)
    : options_{std::move(options)}, most_{sum(options_.amount, options_.grace)} {
  Window& first = windows_.emplace_back();
  const WindowSpan span = window_at(options_.zone, options_.per, now);
  // A window that is kept and has not begun: the clock went back.
  const bool counts = kept.hold.budget == options_.id && kept.hold.window >= span.from;
  const WindowSpan mine = counts ? window_at(options_.zone, options_.per, kept.hold.window) : span;
  first.from = mine.from;
  first.to = mine.to;
  first.spent = counts ? kept.spent.nano_usd : 0;
  first.committed = counts ? sum(kept.spent.nano_usd, kept.reserved.nano_usd) : 0;
  current_ = &first;
}

Budget::Window& Budget::unused() {
  for (Window& window : windows_) {
    std::int64_t nobody = 0;
    if (&window != current_.load() && window.users.compare_exchange_strong(nobody, 1)) return window;
  }
  Window& more = windows_.emplace_back();
  more.users = 1;
  return more;
}

void Budget::go_on(std::int64_t now) {
  const std::lock_guard lock{turning_};
  if (now < current_.load()->to) return;  // somebody else was first
  const WindowSpan span = window_at(options_.zone, options_.per, now);
  Window& next = unused();
  next.from = span.from;
  next.to = span.to;
  next.committed = 0;
  next.spent = 0;
  current_ = &next;
  leave(next);
}

Budget::Window& Budget::enter(std::int64_t now) {
  for (;;) {
    Window* const window = current_.load();
    if (now >= window->to.load(std::memory_order_relaxed)) {
      go_on(now);
      continue;
    }
    window->users.fetch_add(1);
    // It stays what it is from here on, if it still was.
    if (current_.load() == window) return *window;
    leave(*window);
  }
}

Budget::Standing Budget::standing(std::int64_t now) {
  Window& window = enter(now);
  const std::int64_t spent = window.spent.load(std::memory_order_relaxed);
  const std::int64_t committed = window.committed.load(std::memory_order_relaxed);
  const Standing out{options_.amount, spent, std::max<std::int64_t>(0, committed - spent), {window.from, window.to}};
  leave(window);
  return out;
}

bool Booking::take(Budget& budget, std::int64_t now) {
  Budget::Window& window = budget.enter(now);
  std::int64_t committed = window.committed.load(std::memory_order_relaxed);
  do {
    if (committed > budget.most_ || amount_ > budget.most_ - std::max<std::int64_t>(committed, 0)) {
      budget.leave(window);
      return false;
    }
  } while (!window.committed.compare_exchange_weak(committed, committed + amount_, std::memory_order_relaxed));
  places_[size_++] = {&budget, &window};
  return true;
}

Result<Booking> Booking::reserve(std::span<Budget* const> budgets, std::int64_t amount, std::int64_t now) {
  Booking out;
  out.amount_ = std::max<std::int64_t>(amount, 0);
  for (Budget* const budget : budgets.first(std::min(budgets.size(), budgets_max))) {
    if (!out.take(*budget, now)) return exceeded(*budget, now);
  }
  return out;
}

Booking& Booking::operator=(Booking&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  size_ = std::exchange(other.size_, 0);
  amount_ = std::exchange(other.amount_, 0);
  std::copy_n(other.places_.begin(), size_, places_.begin());
  return *this;
}

std::vector<BudgetAlert> Booking::settle(std::int64_t amount) {
  amount = std::max<std::int64_t>(amount, 0);
  std::vector<BudgetAlert> out;
  for (const auto& [budget, window] : std::span{places_}.first(std::exchange(size_, 0))) {
    const std::int64_t before = window->spent.fetch_add(amount, std::memory_order_relaxed);
    window->committed.fetch_add(amount - amount_, std::memory_order_relaxed);
    for (const std::uint8_t percent : budget->options_.alerts) {
      const std::int64_t threshold = share(budget->options_.amount, percent);
      if (before < threshold && before + amount >= threshold) out.push_back({budget, percent});
    }
    budget->leave(*window);
  }
  return out;
}

std::vector<store::Hold> Booking::holds() const {
  std::vector<store::Hold> out;
  for (const auto& [budget, window] : std::span{places_}.first(size_)) out.push_back({budget->options_.id, window->from});
  return out;
}

void Booking::give_back() noexcept {
  for (const auto& [budget, window] : std::span{places_}.first(std::exchange(size_, 0))) {
    window->committed.fetch_sub(amount_, std::memory_order_relaxed);
    budget->leave(*window);
  }
}

}  // namespace cardea::limit
