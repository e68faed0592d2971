#pragma once
// How much a caller may: every rate that applies to a request, all of them or none.

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/random.h"
#include "config/settings.h"
#include "limit/rate.h"

namespace cardea::limit {

using TimePoint = std::chrono::steady_clock::time_point;

/// What a rate belongs to. The names are those of `scope_name()`.
enum class Scope : std::uint8_t { organization, team, project, key, end_user, address, model, provider, last_ = provider };
/// "team", "end user": for messages.
[[nodiscard]] std::string_view scope_name(Scope scope) noexcept;

/// One thing whose limits a request counts against.
struct Level {
  Scope scope = Scope::key;
  std::string_view id;            ///< unique within its scope; of an address: see address_id()
  config::Rates rates;            ///< 0 is no limit
  std::uint32_t burst = 0;        ///< requests at once, of `requests_per_second`; 0: as many as a second's
  std::uint32_t concurrency = 0;  ///< requests at a time (Gates); 0 is no limit
};

/// What a client's address counts as: IPv4 whole, of IPv6 the first 64 bits, since whoever has one address of such a network has
/// all of them (RFC 6177). A text that is no address counts as itself. `space` holds the answer.
using AddressSpace = std::array<char, 24>;
[[nodiscard]] std::string_view address_id(std::string_view address, AddressSpace& space) noexcept;

/// One rate as a client sees it.
struct Window {
  std::uint64_t limit = 0;      ///< units per period
  std::uint64_t remaining = 0;  ///< units that may be used at once
  Nanoseconds reset{};          ///< until nothing is used of it
};
/// Of all rates that were looked at those with the least remaining; nothing: unlimited.
struct Windows {
  std::optional<Window> requests, tokens;
};

class Limiter;
struct Meter;

/// What an admitted request has taken. Its end gives the estimated tokens back, unless it was settled: a request of which nothing
/// is known used none. The request itself stays counted. Any thread; must not outlive its Limiter.
class Admission {
 public:
  Admission() noexcept {}  // NOLINT: the space stays uninitialised on purpose
  Admission(Admission&& other) noexcept : Admission{} { *this = std::move(other); }
  Admission& operator=(Admission&& other) noexcept;
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;
  ~Admission() { settle(0); }

  /// This is what was used, as if it had been known at the start. More than estimated is a debt of those that come later. Once;
  /// further calls do nothing.
  void settle(std::uint64_t tokens) noexcept;

 private:
  friend class Limiter;
  struct Charge {
    Meter* meter;
    std::uint64_t tag;
    std::int64_t cost;  ///< nanoseconds
    Rate rate;
    bool of_tokens;
    void add(std::int64_t more, std::int64_t now) const noexcept;
  };
  static constexpr std::size_t charges_max = 16;  ///< two rates of tokens at each of eight levels

  std::uint8_t size_ = 0;
  std::int64_t now_ = 0;
  alignas(Charge) std::array<std::byte, charges_max * sizeof(Charge)> space_;                    ///< Charges; not initialised
  [[nodiscard]] Charge* charges() noexcept { return reinterpret_cast<Charge*>(space_.data()); }  // NOLINT
};

struct Verdict {
  Result<Admission> admission;  ///< Error: rate_limited, with the level, the rate and `retry_after`
  Windows windows;              ///< for the answer's headers
  Nanoseconds wait{};           ///< of a refusal: until it may be tried again, if nobody else comes
};

/// All rates of the gateway, shared by its workers. No lock, no allocation unless it refuses. State is in memory only: after a
/// restart all buckets are full.
///
/// Limits: 65,536 buckets each of what the configuration names and of what strangers choose (end users, addresses), per kind of
/// rate; see Meters for what happens beyond. Memory: 1 MiB a kind that is used.
class Limiter {
 public:
  static constexpr std::size_t levels_max = 8;
  struct Ask {
    std::uint64_t tokens = 0;  ///< estimated, in and out
    TimePoint now{};           ///< the loop's: monotonic
  };

  /// `random` keys the tables.
  explicit Limiter(Random& random);
  ~Limiter();
  Limiter(const Limiter&) = delete;
  Limiter& operator=(const Limiter&) = delete;

  /// Takes one request and the tokens from every rate of `levels` (at most `levels_max`), or from none.
  [[nodiscard]] Verdict admit(std::span<const Level> levels, const Ask& ask);

 private:
  struct Tables;
  struct Round;
  /// False: this rate says no.
  [[nodiscard]] bool take_all(const Level& level, Round& round) noexcept;
  [[nodiscard]] std::int64_t steady(TimePoint now) noexcept;

  std::unique_ptr<Tables> tables_;
  std::atomic<std::int64_t> latest_ = 0;
  std::atomic<std::int64_t> ahead_ = 0;  ///< what was added to a clock that went back
};

}  // namespace cardea::limit
