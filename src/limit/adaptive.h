#pragma once
// What an upstream really takes: found from its answers, and kept under. Pure; time is an argument.

#include <algorithm>
#include <cstdint>
#include <optional>

namespace cardea::limit {

/// What one attempt at an upstream taught. Times in nanoseconds of one steady clock.
struct Sample {
  enum class Outcome : std::uint8_t {
    good,
    refused,     ///< 429: too many, of requests at a time or of something per time
    overloaded,  ///< 529, 503: the upstream as a whole is busy
    other,       ///< teaches nothing: failed on its way, or was called off
  };
  Outcome outcome = Outcome::other;
  std::int64_t sent = 0, ended = 0;
  std::int64_t latency = 0;      ///< to the first byte of the answer
  std::uint32_t in_flight = 1;   ///< at this upstream when it was sent, itself included
  std::uint64_t tokens = 0;      ///< its own
  std::uint64_t sent_total = 0;  ///< of all that were sent up to it, itself included
  /// The vendor's word on when it will take more (retry-after, or the reset of a limit of which nothing is left).
  std::optional<std::int64_t> come_back;
};

/// Two limits: how many at a time, and, once something per time was refused, how many tokens a second.
///
/// **At a time.** Doubles until something is refused or waits; then it is one below the least at which something was refused, and
/// tries one more after 2 s, 4 s, … 60 s, faster again while that is taken. Latency beyond twice the best makes it smaller in
/// proportion (the gradient of Netflix's concurrency-limits), 529 and 503 by a third at once.
///
/// **Per time.** A refusal is of this kind when the vendor says when to come back, or when as many at a time were fine just now.
/// Between two such refusals the vendor's bucket was empty at both ends, so what it took meanwhile is its rate: from the second
/// on the pace is 97 % of that, growing by 0.5 % a second (by 8 % up to what it may be if the bucket ran over while nothing was
/// sent).
///
/// A value; not synchronised.
class Adaptive {
 public:
  struct Options {
    std::uint32_t start = 8, least = 1, most = 1024;  ///< requests at a time
  };
  explicit Adaptive(Options options) noexcept : options_{options}, limit_{static_cast<double>(options.start)} {}

  void add(const Sample& sample) noexcept;

  [[nodiscard]] std::uint32_t limit() const noexcept { return static_cast<std::uint32_t>(limit_); }
  /// Tokens a second; 0: as many as come.
  [[nodiscard]] double pace() const noexcept { return pace_; }
  /// Nothing is to be sent before.
  [[nodiscard]] std::int64_t hold_until() const noexcept { return hold_until_; }

 private:
  struct Round {
    std::uint32_t good = 0;
    std::int64_t latency = 0;
    std::uint32_t most = 0;  ///< in flight
  };
  void succeed(const Sample& sample) noexcept;
  void end_round(std::int64_t now) noexcept;
  void refuse(const Sample& sample) noexcept;
  void cut(const Sample& sample, double limit) noexcept;
  void exhaust(const Sample& sample) noexcept;
  [[nodiscard]] bool is_per_time(const Sample& sample) const noexcept;
  [[nodiscard]] std::uint32_t lately_fine() const noexcept { return std::max(round_.most, before_.most); }
  void set_limit(double limit) noexcept {
    limit_ = std::clamp(limit, static_cast<double>(options_.least), static_cast<double>(options_.most));
  }

  Options options_;
  double limit_;
  Round round_, before_;
  double best_latency_ = 0;  ///< of a round's average, drifting up slowly
  bool doubling_ = true;
  double step_ = 1;
  std::int64_t cut_at_ = 0;
  double before_cut_ = 0;
  std::int64_t probe_at_ = 0, probe_wait_ = 0;

  double pace_ = 0;
  double known_rate_ = 0, upper_rate_ = 0;
  std::int64_t held_ = 0;  ///< after exhausted_at_
  std::int64_t hold_until_ = 0;
  std::int64_t first_at_ = 0;
  std::int64_t exhausted_at_ = 0, grown_at_ = 0;
  std::uint64_t refused_total_ = 0;  ///< tokens
  std::uint64_t taken_mark_ = 0;     ///< tokens that had been taken at exhausted_at_
};

}  // namespace cardea::limit
