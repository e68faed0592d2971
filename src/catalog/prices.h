#pragma once
// What an answer costs, in integers. The rules in words: docs/money.md.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/money.h"
#include "config/settings.h"
#include "model/usage.h"

namespace cardea::catalog {

/// Exact prices: pico-dollars per token (config::UsdPerMillion).
struct Price {
  config::Price raw;
  std::optional<config::UsdPerMillion> cache_write_hour;  ///< input cached for an hour; left out, as cache_write
  Money per_request;

  [[nodiscard]] bool known() const { return raw.input.has_value() || raw.output.has_value(); }
};

/// A vendor's grade of service. `batch` is not asked for by a request but by the page it came to.
enum class Tier : std::uint8_t { standard, batch, flex, priority };
/// By the word of a request or an answer ("flex", "priority"); any other is standard.
[[nodiscard]] Tier tier_of(std::string_view service_tier) noexcept;

/// Under what a request is billed.
struct Terms {
  std::string_view provider;  ///< by its name in the catalog
  std::string_view model;     ///< the provider's own name of it
  Tier tier = Tier::standard;
  std::uint64_t input_tokens = 0;  ///< all of the input, cached or not
  std::chrono::sys_days day;       ///< when the request began, UTC
};
/// `base` as the vendor's own terms change it (catalog/prices/*.yaml). Only for prices of the built-in data: what the
/// configuration says holds under all terms. No allocation.
[[nodiscard]] Price price_under(const Price& base, const Terms& terms) noexcept;

/// What is billed. Counts beyond the whole they are part of are taken as the whole.
struct Metered {
  model::Usage usage;
  std::uint64_t cache_write_hour = 0;  ///< of usage.cache_write
  std::uint64_t image_in = 0;          ///< of usage.input: tokens of images
  std::uint64_t image_out = 0;         ///< of usage.output
  std::uint64_t requests = 1;
};

/// On top of a price, in hundredths of a per cent: 250 is 2.5 % more, -1,000 a tenth less. From -10,000 to 100,000.
struct Surcharge {
  std::int32_t basis_points = 0;
};

/// What that is, rounded half up to the next nano-dollar once, at the end. A part without its own price costs what it is part of:
/// cache, audio and images as input, reasoning, audio and images as output. Zero when nothing is known, never negative; what
/// Money cannot hold is the most it can.
[[nodiscard]] Money cost(const Price& price, const Metered& metered, Surcharge surcharge = {}) noexcept;

/// Units of another currency, in billionths, for a dollar: at 0.92 €, 920,000,000.
struct ExchangeRate {
  std::int64_t nano_per_usd = 1'000'000'000;
};
/// In billionths of that currency, rounded half up; what does not fit is the most that does.
[[nodiscard]] std::int64_t converted(Money amount, ExchangeRate rate) noexcept;

/// What Cardea itself knows about a request, for when its upstream says nothing or nonsense.
struct OwnCount {
  std::uint64_t input = 0;           ///< tokens of the request, counted or estimated
  std::uint64_t output = 0;          ///< tokens of what was generated, as far as it came
  std::uint64_t context_tokens = 0;  ///< the model's window; 0: unknown
};
struct Believed {
  model::Usage usage;
  enum class Source : std::uint8_t {
    reported,  ///< as the upstream said
    counted,   ///< it did not say, at least in part
    replaced,  ///< it said what cannot be, at least in part
  } source = Source::reported;
};
/// The usage to bill. Input and output are judged each for itself: what is missing is Cardea's own count; so is what is larger
/// than the model's window (unknown: 2^24 tokens).
[[nodiscard]] Believed believed(const model::Usage& reported, const OwnCount& own) noexcept;

}  // namespace cardea::catalog
