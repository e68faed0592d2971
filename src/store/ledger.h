#pragma once
// What requests cost: money set aside before, charged after, and put right by hand. Lines are added, never changed.

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/money.h"

namespace cardea::store {

/// One window of a budget, which money is counted in.
struct Hold {
  std::string budget;       ///< its level and period: "team/ml/month"
  std::int64_t window = 0;  ///< Unix seconds of the window's first; 0: the one of a budget for good
  friend auto operator<=>(const Hold&, const Hold&) = default;
};

/// Whose request it was and where it went; an empty text: nobody, nowhere. Each at most 65,535 bytes.
struct Labels {
  std::string organization, team, project, key, end_user, model, provider;
  std::string tags;  ///< separated by commas
  bool operator==(const Labels&) const = default;
};

/// Money set aside for a request before it goes anywhere.
struct Reservation {
  std::int64_t id = 0;  ///< from LedgerKept::first_id on; never used twice
  std::int64_t time_ms = 0;
  Money amount;
  Labels labels;
  std::vector<Hold> holds;  ///< the windows that it counts in
  bool operator==(const Reservation&) const = default;
};

/// How a request ended, for its bill.
enum class Outcome : std::uint8_t {
  completed,
  failed,   ///< no answer came; what was used of the upstream is charged
  aborted,  ///< the client went away
  cached,   ///< answered without an upstream
  lost,     ///< the gateway died with it: charged as it was reserved, for the upstream may have worked
  last_ = lost
};

struct Tokens {
  std::int64_t input = 0;        ///< all of them, those of the cache too
  std::int64_t output = 0;       ///< all of them, reasoning too
  std::int64_t cache_read = 0;   ///< of the input
  std::int64_t cache_write = 0;  ///< of the input
  std::int64_t reasoning = 0;    ///< of the output
  bool operator==(const Tokens&) const = default;
};

/// What a reservation came to. It takes the reservation's place in every window that it holds.
struct Settlement {
  std::int64_t id = 0;  ///< the reservation's
  std::int64_t time_ms = 0;
  Money amount;
  Outcome outcome = Outcome::completed;
  std::int64_t attempts = 1;  ///< upstreams that were asked
  Tokens tokens;
  std::string price;  ///< which price it was reckoned by
  bool operator==(const Settlement&) const = default;
};

/// Put right by hand.
struct Adjustment {
  std::int64_t id = 0;  ///< as a reservation's
  std::int64_t time_ms = 0;
  Hold hold;
  Money amount;  ///< added to what is spent
  std::string actor, reason;
  bool operator==(const Adjustment&) const = default;
};

/// One line.
using LedgerEntry = std::variant<Reservation, Settlement, Adjustment>;

/// A window's sums.
struct Balance {
  Hold hold;
  Money spent;
  Money reserved;  ///< by requests under way
  bool operator==(const Balance&) const = default;
};

/// Everything that is needed at the start.
struct LedgerKept {
  std::int64_t first_id = 0;      ///< this run's ids go up from here; 2^40 of them
  std::vector<Balance> balances;  ///< of each budget the newest window, by budget
  std::vector<Reservation> open;  ///< of runs that ended without settling them, by id
};

/// What became of lines.
struct Appended {
  std::int64_t added = 0;
  std::int64_t repeated = 0;  ///< were there already: the same line twice is once
  std::int64_t orphans = 0;   ///< settlements of reservations that nobody made
  bool operator==(const Appended&) const = default;
};

enum class Axis : std::uint8_t { organization, team, project, key, end_user, model, provider, tag, day, last_ = day };

/// What was spent by whom. `from` and `to` are Unix milliseconds of the settlement; the end is not included.
struct UsageQuestion {
  std::vector<Axis> by;  ///< at most one of each
  std::int64_t from_ms = 0;
  std::int64_t to_ms = INT64_MAX;
  std::string key;  ///< this one's alone; empty: everybody's
};
struct UsageRow {
  std::vector<std::string> names;  ///< one for each axis asked for; a day as "2027-01-31" (UTC)
  std::int64_t requests = 0;
  Tokens tokens;
  Money amount;
  bool operator==(const UsageRow&) const = default;
};

/// What re-adding the whole ledger found.
struct LedgerVerdict {
  std::int64_t lines = 0;
  std::int64_t open = 0;  ///< reservations without a settlement
  std::string problem;    ///< a sentence; empty: each balance is the sum of its lines
  [[nodiscard]] bool sound() const noexcept { return problem.empty(); }
  bool operator==(const LedgerVerdict&) const = default;
};

/// Keeps all of it. Any thread may call; nothing here waits. `then` is called exactly once, on a thread of the store's or before
/// the call returns. What an append heard of is there after a crash and after a power cut. Failures are Kind::internal, 503 when
/// the queue is full.
class LedgerStore {
 public:
  template <class T>
  using Then = std::move_only_function<void(T)>;

  virtual ~LedgerStore() = default;
  /// Begins a run: its ids are not those of any other.
  virtual void begin(Then<Result<LedgerKept>> then) = 0;
  /// All of them or none. In the order of each journal: a settlement comes after its reservation.
  virtual void append(std::vector<LedgerEntry> entries, Then<Result<Appended>> then) = 0;
  /// By names. A request with two tags is in the rows of both.
  virtual void usage(UsageQuestion question, Then<Result<std::vector<UsageRow>>> then) = 0;
  /// Re-adds the ledger. One that does not hold is no failure: the verdict says so.
  virtual void verify(Then<Result<LedgerVerdict>> then) = 0;
};

}  // namespace cardea::store
