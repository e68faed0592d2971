#include "limit/adaptive.h"

namespace cardea::limit {

namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t first_probe = 2 * second, last_probe = 60 * second;
constexpr std::int64_t default_hold = second, longest_hold = 60 * second;
constexpr double patience = 2;                        ///< times the best latency
constexpr double drift_full = 1024, drift_idle = 16;  ///< rounds
constexpr double under = 0.97, growth = 1.005, fast_growth = 1.08;
constexpr std::uint32_t round_least = 8;

double per_second(std::uint64_t tokens, std::int64_t time) {
  return static_cast<double>(tokens) * static_cast<double>(second) / static_cast<double>(std::max<std::int64_t>(time, 1));
}

}  // namespace

void Adaptive::add(const Sample& sample) noexcept {
  if (first_at_ == 0) first_at_ = sample.sent;
  switch (sample.outcome) {
    case Sample::Outcome::good: return succeed(sample);
    case Sample::Outcome::refused: return refuse(sample);
    case Sample::Outcome::overloaded:
      if (sample.come_back) hold_until_ = std::max(hold_until_, sample.ended + std::min(*sample.come_back, longest_hold));
      return cut(sample, limit_ * 2 / 3);
    case Sample::Outcome::other: return;
  }
}

void Adaptive::succeed(const Sample& sample) noexcept {
  ++round_.good;
  round_.latency += sample.latency;
  round_.most = std::max(round_.most, sample.in_flight);
  if (round_.good >= std::max(round_least, limit())) end_round(sample.ended);
}

void Adaptive::end_round(std::int64_t now) noexcept {
  const double latency = static_cast<double>(round_.latency) / round_.good;
  const bool was_full = round_.most + 1 >= limit() || round_.most * 10 >= limit() * 9;
  // Drifts up, since an upstream may become slower for good; hardly while it may be us who make it slow.
  best_latency_ = best_latency_ == 0 || latency < best_latency_
                      ? latency
                      : best_latency_ + (latency - best_latency_) / (was_full ? drift_full : drift_idle);
  const double gradient = std::clamp(patience * best_latency_ / std::max(latency, 1.0), 0.5, 1.0);
  if (gradient < 1) {
    doubling_ = false;
    step_ = 1;
    set_limit(limit_ * (0.7 + 0.3 * gradient));
  } else if (was_full && doubling_) {
    set_limit(limit_ * 2);
  } else if (was_full && now >= probe_at_) {
    set_limit(limit_ + step_);
    step_ = std::min(step_ * 2, std::max(limit_ / 4, 1.0));
    // Far beyond where it was refused: that limit is gone.
    if (limit_ > before_cut_ * 1.25) probe_wait_ = 0;
  }
  if (pace_ != 0 && now - grown_at_ >= second) {
    pace_ *= pace_ < upper_rate_ * under ? fast_growth : growth;
    grown_at_ = now;
    // Nothing was refused at several times the rate that was known: nobody holds us to it any more.
    if (pace_ > known_rate_ * 4) pace_ = 0;
  }
  before_ = round_;
  round_ = {};
}

bool Adaptive::is_per_time(const Sample& sample) const noexcept {
  if (sample.come_back || sample.in_flight <= 1) return true;
  // Our count is behind the upstream's by what is on its way: a little less than what was fine says nothing yet.
  return pace_ != 0 ? sample.in_flight <= lately_fine() : sample.in_flight * 10 <= lately_fine() * 8;
}

void Adaptive::refuse(const Sample& sample) noexcept {
  refused_total_ += sample.tokens;
  if (is_per_time(sample)) return exhaust(sample);
  cut(sample, std::min(limit_, static_cast<double>(sample.in_flight - 1)));
}

void Adaptive::cut(const Sample& sample, double limit) noexcept {
  doubling_ = false;
  step_ = 1;
  if (sample.sent > cut_at_) {
    cut_at_ = sample.ended;
    before_cut_ = limit_;
    probe_wait_ = std::clamp(probe_wait_ * 2, first_probe, last_probe);
    set_limit(limit);
  } else if (sample.outcome == Sample::Outcome::refused) {
    set_limit(limit);  // of the same time: it shows more exactly where the limit is
  }
  probe_at_ = sample.ended + probe_wait_;
}

void Adaptive::exhaust(const Sample& sample) noexcept {
  const std::int64_t hold = sample.come_back ? std::clamp<std::int64_t>(*sample.come_back, 0, longest_hold) : default_hold;
  // Sent before it could be known: the same refusal.
  if (exhausted_at_ != 0 && sample.sent <= std::max(exhausted_at_, std::min(hold_until_, sample.ended))) return;
  // What looked like too many at a time a moment ago was this.
  if (cut_at_ + second > sample.ended) set_limit(std::max(limit_, before_cut_));
  const std::uint64_t taken = sample.sent_total - std::min(sample.sent_total, refused_total_);
  const std::uint64_t since = taken - std::min(taken, taken_mark_);
  if (exhausted_at_ != 0 && sample.ended - exhausted_at_ >= second) {
    const std::int64_t time = sample.ended - exhausted_at_;
    known_rate_ = per_second(since, time);
    // While nothing was sent its bucket may have run over: then it is more.
    upper_rate_ = per_second(since, time - std::min(held_, time * 3 / 4));
    pace_ = known_rate_ * under;
  } else {
    // An upper bound: the vendor's burst is in it.
    known_rate_ = upper_rate_ = pace_ != 0 ? pace_ : per_second(taken, sample.ended - first_at_);
    pace_ = known_rate_ * 0.7;
  }
  held_ = hold;
  exhausted_at_ = grown_at_ = sample.ended;
  taken_mark_ = taken;
  hold_until_ = std::max(hold_until_, sample.ended + hold);
}

}  // namespace cardea::limit
