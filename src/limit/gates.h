#pragma once
// How many requests at a time each level of the caller may have.

#include <array>
#include <atomic>
#include <optional>
#include <span>

#include "limit/gate.h"
#include "limit/limiter.h"
#include "limit/tagger.h"
#include "limit/zeroed.h"

namespace cardea::limit {

/// A place at every level that has a cap; left together. Lives on the loop it was given on.
class Places {
 private:
  friend class Gates;
  std::array<Place, Limiter::levels_max> places_;
  std::size_t size_ = 0;
};

/// The gates of everything that has a cap, found by name. No lock and no allocation once a gate is there. Gates are kept until
/// the end: at most `gates_max`, some 300 bytes each; who would need one more is refused. Any thread; must outlive its places.
class Gates {
 public:
  static constexpr std::size_t gates_max = 32'768;

  /// `random` keys the table.
  explicit Gates(Random& random);
  ~Gates();
  Gates(const Gates&) = delete;
  Gates& operator=(const Gates&) = delete;

  /// Nothing: somewhere there is no room just now, and nothing was taken.
  [[nodiscard]] std::optional<Places> try_enter(net::Loop& loop, std::span<const Level> levels);
  /// Waits where there is no room, level after level in the order given, so that two never wait for each other when all give the
  /// same order (from the key upwards). Error: as Gate::enter.
  [[nodiscard]] net::Task<Result<Places>> enter(net::Loop& loop, std::span<const Level> levels, Gate::Caller caller);

 private:
  struct Entry;
  [[nodiscard]] std::atomic_ref<Entry*> slot(std::size_t i) const noexcept { return std::atomic_ref{table_.data()[i]}; }
  /// With the level's cap of now. Null: there are too many.
  [[nodiscard]] Gate* of(const Level& level);

  Tagger tag_;
  Zeroed<Entry*> table_;  ///< through std::atomic_ref
  std::atomic<std::size_t> size_ = 0;
};

}  // namespace cardea::limit
