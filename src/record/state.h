#pragma once
// A worker's cells. Written by one thread, read by any: each is an atomic that only its owner stores to.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "record/line.h"
#include "record/record.h"

namespace cardea::record {

/// A number with one writer: a plain load, add and store, no locked instruction.
template <class T>
class Cell {
 public:
  void add(T n) noexcept { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void set(T n) noexcept { value_.store(n, std::memory_order_relaxed); }
  [[nodiscard]] T get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<T> value_{0};
};

/// The bounds of a histogram and how many of its units make one of the exposition's (1e9 for nanoseconds shown as seconds).
struct Scale {
  std::span<const std::uint64_t> bounds;  ///< inclusive upper bounds, rising
  double units_per_shown;
};
inline constexpr std::size_t bounds_max = 16;
extern const Scale operation_seconds;    ///< OTel GenAI: 0.01 … 81.92
extern const Scale first_token_seconds;  ///< OTel GenAI: 0.001 … 10
extern const Scale token_counts;         ///< OTel GenAI: 1, 4, 16 … 67108864
extern const Scale overhead_seconds;     ///< our own: 5 µs … 0.1 s

class Histogram {
 public:
  explicit Histogram(const Scale& scale) noexcept : scale_{&scale} {}
  void observe(std::uint64_t value) noexcept {
    std::size_t i = 0;
    while (i < scale_->bounds.size() && value > scale_->bounds[i]) ++i;
    counts_[i].add(1);
    sum_.add(value);
  }
  [[nodiscard]] const Scale& scale() const noexcept { return *scale_; }
  [[nodiscard]] std::uint64_t count(std::size_t bucket) const noexcept { return counts_[bucket].get(); }
  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_.get(); }

 private:
  const Scale* scale_;
  std::array<Cell<std::uint64_t>, bounds_max + 1> counts_{};
  Cell<std::uint64_t> sum_;
};

/// What a series is of. Views: a lookup's are the entry's, a series' own point into it.
struct Labels {
  std::string_view route, dialect, operation, provider, model;
  friend bool operator==(const Labels&, const Labels&) = default;
};

/// The figures of one label combination.
struct Series {
  explicit Series(const Labels& from);
  Series(const Series&) = delete;
  Series& operator=(const Series&) = delete;

  struct StatusCount {
    Cell<std::uint32_t> status;  ///< 0 = not in use yet
    Cell<std::uint64_t> count;
  };
  /// Counts a request; beyond the first `statuses_max` different statuses they count as "other".
  void count(std::uint32_t status) noexcept;

  static constexpr std::size_t statuses_max = 12;
  std::string text;  ///< what labels' views show
  Labels labels;
  std::array<StatusCount, statuses_max> statuses{};
  Cell<std::uint64_t> other_statuses;
  Histogram duration{operation_seconds};
  Histogram upstream{operation_seconds};
  Histogram first_token{first_token_seconds};
  Histogram input_tokens{token_counts};
  Histogram output_tokens{token_counts};
};

/// Open addressing, insert only: a slot once filled never changes, so that a reader needs no lock.
class SeriesTable {
 public:
  explicit SeriesTable(std::size_t series_max);
  ~SeriesTable();
  SeriesTable(const SeriesTable&) = delete;
  SeriesTable& operator=(const SeriesTable&) = delete;

  /// The series of these labels, made when there is room; else that with the model "other"; else the one all of whose labels are.
  [[nodiscard]] Series& at(const Labels& labels);
  /// Any thread.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i <= mask_; ++i) {
      if (const Series* series = slots_[i].load(std::memory_order_acquire)) visit(*series);
    }
  }

 private:
  [[nodiscard]] Series* find_or_make(const Labels& labels, std::size_t limit);
  std::size_t mask_;
  std::size_t limit_;
  std::size_t size_ = 0;
  std::unique_ptr<std::atomic<Series*>[]> slots_;
};

inline constexpr std::size_t kinds = static_cast<std::size_t>(Kind::last_) + 1;
inline constexpr std::size_t gauges = static_cast<std::size_t>(Gauge::last_) + 1;
inline constexpr std::size_t counters = static_cast<std::size_t>(Counter::last_) + 1;

struct alignas(64) Recorder::State {
  explicit State(const Options& options);

  void push_line();
  /// Whether a stranger's request of that time gets a line of its own.
  [[nodiscard]] bool logs_stranger(std::chrono::system_clock::time_point at);
  /// In another second than the last: says how many got none.
  void end_strangers_second(std::chrono::system_clock::time_point at);

  SeriesTable series;
  std::array<Cell<std::uint64_t>, kinds> errors{};
  Histogram overhead{overhead_seconds};
  std::array<Cell<std::int64_t>, gauges> gauge_values{};
  std::array<Cell<std::uint64_t>, counters> counter_values{};

  LogSink* sink;
  LogRing* ring;
  std::size_t pushed_since_nudge = 0;
  Line line;
  struct Strangers {
    std::chrono::sys_seconds second;  ///< the wall clock's
    std::uint64_t logged = 0;
    std::uint64_t unlogged = 0;
    std::chrono::system_clock::time_point last;  ///< of those unlogged
  } strangers;
};

}  // namespace cardea::record
