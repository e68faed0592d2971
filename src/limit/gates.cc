#include "limit/gates.h"

#include "base/text.h"

namespace cardea::limit {

namespace {
/// Half empty at its fullest, so that a search is short.
constexpr std::size_t slots = 2 * Gates::gates_max;
}  // namespace

struct Gates::Entry {
  Entry(std::uint64_t whose, Gate::Options options) : tag{whose}, gate{std::move(options)} {}
  const std::uint64_t tag;
  Gate gate;
};

Gates::Gates(Random& random) : tag_{random.next(), random.next()}, table_{slots} {}

Gates::~Gates() {
  for (std::size_t i = 0; i < slots; ++i) delete slot(i).load();
}

Gate* Gates::of(const Level& level) {
  const std::uint64_t tag = tag_(static_cast<std::uint8_t>(level.scope), level.id);
  for (std::size_t i = tag % slots;; i = (i + 1) % slots) {
    Entry* found = slot(i).load(std::memory_order_acquire);
    if (found == nullptr) {
      if (size_.fetch_add(1, std::memory_order_relaxed) >= gates_max) {
        size_.fetch_sub(1, std::memory_order_relaxed);
        return nullptr;
      }
      auto made = std::make_unique<Entry>(
          tag,
          Gate::Options{.name = cat(scope_name(level.scope), " '", level.id.substr(0, 64), "'"), .limit = level.concurrency});
      if (slot(i).compare_exchange_strong(found, made.get(), std::memory_order_acq_rel)) return &made.release()->gate;
      // Another was quicker, perhaps with the same.
      size_.fetch_sub(1, std::memory_order_relaxed);
    }
    if (found->tag != tag) continue;
    if (found->gate.limit() != level.concurrency) found->gate.set_limit(level.concurrency);
    return &found->gate;
  }
}

std::optional<Places> Gates::try_enter(net::Loop& loop, std::span<const Level> levels) {
  Places out;
  for (const Level& level : levels) {
    if (level.concurrency == 0) continue;
    Gate* const gate = of(level);
    std::optional<Place> place = gate != nullptr ? gate->try_enter(loop) : std::nullopt;
    if (!place) return std::nullopt;
    out.places_[out.size_++] = std::move(*place);
  }
  return out;
}

net::Task<Result<Places>> Gates::enter(net::Loop& loop, std::span<const Level> levels, Gate::Caller caller) {
  Places out;
  for (const Level& level : levels) {
    if (level.concurrency == 0) continue;
    Gate* const gate = of(level);
    if (gate == nullptr) co_return fail(Kind::unavailable, "too many different callers have a limit of requests at a time");
    Result<Place> place = co_await gate->enter(loop, caller);
    if (!place) co_return fail_with(place);
    out.places_[out.size_++] = std::move(*place);
  }
  co_return std::move(out);
}

}  // namespace cardea::limit
