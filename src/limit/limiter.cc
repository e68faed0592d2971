#include "limit/limiter.h"

#include <cassert>
#include <cstring>

#include "base/text.h"
#include "limit/meters.h"
#include "limit/tagger.h"
#include "net/ip_list.h"

namespace cardea::limit {

namespace {

enum class Unit : std::uint8_t { request, token };

struct Kept {
  std::uint32_t config::Rates::* amount;
  Unit unit;
  Nanoseconds period;
  std::string_view name;
};
using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;
constexpr std::array<Kept, 5> kinds{{
    {&config::Rates::requests_per_second, Unit::request, seconds{1}, "requests per second"},
    {&config::Rates::requests_per_minute, Unit::request, minutes{1}, "requests per minute"},
    {&config::Rates::requests_per_day, Unit::request, days{1}, "requests per day"},
    {&config::Rates::tokens_per_minute, Unit::token, minutes{1}, "tokens per minute"},
    {&config::Rates::tokens_per_day, Unit::token, days{1}, "tokens per day"},
}};
constexpr unsigned sets_log2 = 13;

constexpr std::array<std::string_view, static_cast<std::size_t>(Scope::last_) + 1> names{
    "organization", "team", "project", "key", "end user", "address", "model", "provider"};

/// Strangers choose these: they must not push out the others.
constexpr bool is_crowd(Scope scope) noexcept { return scope == Scope::end_user || scope == Scope::address; }

constexpr std::int64_t second = 1'000'000'000;

Window window_of(const Rate& rate, std::int64_t used) {
  const std::int64_t left = rate.room() - used;
  return {.limit = rate.amount(),
          .remaining = left > 0 ? std::min<std::uint64_t>(rate.units_in(left), rate.burst()) : 0,
          .reset = Nanoseconds{used}};
}

Error refusal(const Level& level, const Kept& kind, const Rate& rate, std::int64_t wait) {
  const std::int64_t whole = wait / second + (wait % second != 0 ? 1 : 0);
  return Error{::cardea::Kind::rate_limited,
               Error::Detail{.message = cat("rate limit reached for ", scope_name(level.scope), " '", level.id.substr(0, 64),
                                            "': ", rate.amount(), ' ', kind.name, "; try again in ", whole, " s"),
                             .retry_after = cat(whole)}};
}

}  // namespace

std::string_view scope_name(Scope scope) noexcept { return names[static_cast<std::size_t>(scope)]; }

std::string_view address_id(std::string_view address, AddressSpace& space) noexcept {
  if (address.find(':') == std::string_view::npos) return address;
  const Result<net::Address> parsed = net::Address::ip(address, 0);
  if (!parsed) return address;
  if (net::is_mapped(*parsed)) return address.substr(address.rfind(':') + 1);
  constexpr std::string_view digits = "0123456789abcdef";
  std::size_t size = 0;
  for (const std::uint8_t byte : parsed->ip_bytes().first(8)) {
    space[size++] = digits[byte >> 4];
    space[size++] = digits[byte & 15];
  }
  for (const char c : std::string_view{"/64"}) space[size++] = c;
  return {space.data(), size};
}

/// One table for each kind of rate, so that what is in one set waits for like times.
struct Limiter::Tables {
  explicit Tables(Random& random) : tag{random.next(), random.next()} {}
  Tagger tag;
  std::array<Meters, kinds.size()> named = make(std::make_index_sequence<kinds.size()>{});
  std::array<Meters, kinds.size()> crowd = make(std::make_index_sequence<kinds.size()>{});

  template <std::size_t... I>
  static std::array<Meters, kinds.size()> make(std::index_sequence<I...>) {
    return {{(static_cast<void>(I), Meters{sets_log2})...}};
  }
};

/// What one admit() has taken so far.
struct Limiter::Round {
  Round(std::int64_t at, std::uint64_t asked) noexcept : now{at}, tokens{asked} {}  // `space` stays uninitialised
  std::int64_t now;
  std::uint64_t tokens;
  Verdict verdict;
  std::size_t size = 0;
  alignas(Admission::Charge) std::array<std::byte, levels_max * kinds.size() * sizeof(Admission::Charge)> space;
  [[nodiscard]] Admission::Charge* charges() noexcept { return reinterpret_cast<Admission::Charge*>(space.data()); }  // NOLINT
};

Limiter::Limiter(Random& random) : tables_{std::make_unique<Tables>(random)} {}
Limiter::~Limiter() = default;

// The loops' clocks differ by a turn; one that stands back by more went back, and buckets would stay empty until it is there
// again.
std::int64_t Limiter::steady(TimePoint now) noexcept {
  const std::int64_t raw = std::chrono::duration_cast<Nanoseconds>(now.time_since_epoch()).count();
  std::int64_t ahead = ahead_.load(std::memory_order_relaxed);
  const std::int64_t latest = latest_.load(std::memory_order_relaxed);
  if (raw + ahead < latest - second) {
    const std::int64_t more = latest - raw;
    if (ahead_.compare_exchange_strong(ahead, more)) ahead = more;
  } else if (raw + ahead > latest + second / 1000) {
    latest_.store(raw + ahead, std::memory_order_relaxed);
  }
  return raw + ahead;
}

bool Limiter::take_all(const Level& level, Round& round) noexcept {
  std::uint64_t tag = 0;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const Kept& kind = kinds[i];
    const std::uint32_t amount = level.rates.*kind.amount;
    if (amount == 0) continue;
    if (tag == 0) tag = tables_->tag(static_cast<std::uint8_t>(level.scope), level.id);
    const Rate rate{amount, kind.period, kind.amount == &config::Rates::requests_per_second ? level.burst : 0};
    const std::int64_t cost = rate.time_of(kind.unit == Unit::request ? 1 : round.tokens);
    Meter& meter = (is_crowd(level.scope) ? tables_->crowd : tables_->named)[i].of(tag, rate.room(), round.now);
    const Taken taken = take(meter.bucket(), cost, rate.room(), round.now);
    const Window seen = window_of(rate, taken.used);
    std::optional<Window>& shown = kind.unit == Unit::request ? round.verdict.windows.requests : round.verdict.windows.tokens;
    if (taken.wait != 0 || !shown || seen.remaining < shown->remaining) shown = seen;
    if (taken.wait != 0) {
      round.verdict.wait = Nanoseconds{taken.wait};
      round.verdict.admission = std::unexpected{refusal(level, kind, rate, taken.wait)};
      return false;
    }
    std::construct_at(round.charges() + round.size++, Admission::Charge{&meter, tag, cost, rate, kind.unit == Unit::token});
  }
  return true;
}

Verdict Limiter::admit(std::span<const Level> levels, const Ask& ask) {
  assert(levels.size() <= levels_max);
  Round round{steady(ask.now), ask.tokens};
  for (const Level& level : levels) {
    if (take_all(level, round)) continue;
    // None of them, then.
    for (std::size_t i = 0; i < round.size; ++i) round.charges()[i].add(-round.charges()[i].cost, round.now);
    return std::move(round.verdict);
  }
  Admission& admission = *round.verdict.admission;
  admission.now_ = round.now;
  for (std::size_t i = 0; i < round.size; ++i) {
    if (round.charges()[i].of_tokens) std::construct_at(admission.charges() + admission.size_++, round.charges()[i]);
  }
  return std::move(round.verdict);
}

void Admission::Charge::add(std::int64_t more, std::int64_t now) const noexcept {
  // Whose bucket was taken over meanwhile has nothing to give back.
  if (more != 0 && meter->belongs_to(tag)) adjust(meter->bucket(), more, now);
}

Admission& Admission::operator=(Admission&& other) noexcept {
  if (this == &other) return *this;
  settle(0);
  now_ = other.now_;
  size_ = std::exchange(other.size_, std::uint8_t{0});
  std::memcpy(space_.data(), other.space_.data(), size_ * sizeof(Charge));
  return *this;
}

void Admission::settle(std::uint64_t tokens) noexcept {
  for (std::size_t i = 0; i < size_; ++i) {
    const Charge& charge = charges()[i];
    charge.add(charge.rate.time_of(tokens) - charge.cost, now_);
  }
  size_ = 0;
}

}  // namespace cardea::limit
