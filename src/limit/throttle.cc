#include "limit/throttle.h"

#include "base/text.h"
#include "limit/rate.h"

namespace cardea::limit {

namespace {

/// What one request may count as at most: an upstream's figures of its usage are its own affair.
constexpr std::uint64_t tokens_most = 1'000'000'000;
constexpr double pace_most = 4e9;

std::int64_t ticks(net::TimePoint time) { return std::chrono::duration_cast<net::Duration>(time.time_since_epoch()).count(); }

}  // namespace

struct Throttle::News {
  Sample sample;
  News* older;
};

void Turn::Forget::operator()(Throttle* throttle) const noexcept { throttle->in_flight_.fetch_sub(1); }

// Out of the count before its place is another's.
Turn::~Turn() { throttle_.reset(); }

void Turn::ended(const End& end) {
  if (!throttle_) return;
  Throttle& throttle = *throttle_;
  const std::int64_t now = ticks(loop_->now());
  // What it cost beyond the estimate is paid by those behind; what was refused cost nothing.
  const bool refused = end.outcome == Sample::Outcome::refused;
  const std::uint64_t used = refused ? 0 : end.tokens != 0 ? std::min(end.tokens, tokens_most) : sample_.tokens;
  if (cost_ != 0 && used != sample_.tokens) {
    const double share = static_cast<double>(used) / static_cast<double>(std::max<std::uint64_t>(sample_.tokens, 1));
    const double more = std::min(static_cast<double>(cost_) * (share - 1), static_cast<double>(Rate::time_max));
    adjust(FullAt{throttle.next_}, static_cast<std::int64_t>(more), now);
  }
  if (!refused) throttle.sent_total_.fetch_add(used - sample_.tokens, std::memory_order_relaxed);  // modulo 2^64: may be less
  sample_.outcome = end.outcome;
  sample_.ended = now;
  sample_.latency = end.latency.count();
  if (end.come_back) sample_.come_back = end.come_back->count();
  throttle.learn(sample_);
  throttle_.reset();
  place_.leave();
}

Throttle::Throttle(const Options& options)
    : wait_max_{options.wait_max},
      gate_{{.name = options.name,
             .limit = options.at_a_time.start,
             .waiting_max = options.waiting_max,
             .wait_max = options.wait_max}},
      adaptive_{options.at_a_time} {}

Throttle::~Throttle() {
  for (News* at = news_.load(); at != nullptr;) delete std::exchange(at, at->older);
}

net::Task<Result<Turn>> Throttle::enter(net::Loop& loop, Gate::Caller caller, std::uint64_t tokens) {
  tokens = std::min(tokens, tokens_most);
  const net::TimePoint latest = std::min(caller.deadline, loop.now() + wait_max_);
  Result<Place> place = co_await gate_.enter(loop, caller);
  if (!place) co_return fail_with(place);
  std::int64_t cost = 0;
  for (;;) {
    const std::int64_t now = ticks(loop.now());
    const std::int64_t hold = hold_until_.load();
    const std::int64_t at = schedule(tokens, std::max(now, hold), cost);
    if (at <= now) break;
    const net::TimePoint when = loop.now() + net::Duration{at - now};
    if (when > latest) {
      adjust(FullAt{next_}, -cost, now);
      co_return fail(Kind::rate_limited, Error::Detail{.message = "the model's own limit is used up; try again later",
                                                       .retry_after = cat((at - now) / 1'000'000'000 + 1)});
    }
    Status slept = co_await net::sleep_until(loop, when);
    const bool stands = hold_until_.load() == hold;
    if (slept && stands) break;
    // Something was refused meanwhile, and the line begins anew; or it was called off.
    if (slept) continue;
    if (stands) adjust(FullAt{next_}, -cost, now);
    co_return fail_with(slept);
  }
  Turn turn{*this, std::move(*place), loop, tokens};
  turn.cost_ = cost;
  turn.sample_.sent = ticks(loop.now());
  turn.sample_.in_flight = in_flight_.fetch_add(1) + 1;
  turn.sample_.sent_total = sent_total_.fetch_add(tokens) + tokens;
  co_return std::move(turn);
}

std::int64_t Throttle::schedule(std::uint64_t tokens, std::int64_t earliest, std::int64_t& cost) noexcept {
  const std::uint64_t pace = pace_.load(std::memory_order_relaxed);
  if (pace == 0) {
    cost = 0;
    return earliest;
  }
  cost = Rate{static_cast<std::uint32_t>(pace), std::chrono::seconds{1}}.time_of(std::max<std::uint64_t>(tokens, 1));
  const FullAt next{next_};
  std::int64_t seen = next.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t at = std::max(seen, earliest);
    if (next.compare_exchange_weak(seen, at + cost, std::memory_order_relaxed)) return at;
  }
}

void Throttle::learn(const Sample& sample) {
  News* const news = new News{sample, news_.load(std::memory_order_relaxed)};
  while (!news_.compare_exchange_weak(news->older, news)) {
  }
  work_off();
}

// Whoever comes while another is at it leaves its news to that one, which looks again after it has let go.
void Throttle::work_off() {
  while (news_.load() != nullptr && !working_.test_and_set()) {
    News* in_order = nullptr;
    for (News* at = news_.exchange(nullptr); at != nullptr;) {
      News* const older = std::exchange(at->older, in_order);
      in_order = std::exchange(at, older);
    }
    while (in_order != nullptr) {
      const std::unique_ptr<News> news{std::exchange(in_order, in_order->older)};
      adaptive_.add(news->sample);
    }
    const double pace = adaptive_.pace();
    pace_.store(pace == 0 ? 0 : static_cast<std::uint64_t>(std::clamp(pace, 1.0, pace_most)), std::memory_order_relaxed);
    if (const std::int64_t hold = adaptive_.hold_until(); hold != hold_until_.load()) {
      FullAt{next_}.store(hold);
      hold_until_.store(hold);
    }
    if (adaptive_.limit() != gate_.limit()) gate_.set_limit(adaptive_.limit());
    working_.clear();
  }
}

}  // namespace cardea::limit
