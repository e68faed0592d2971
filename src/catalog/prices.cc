#include "catalog/prices.h"

#include <algorithm>
#include <limits>

#include "catalog/price_rows.h"

namespace cardea::catalog {
namespace {

using config::UsdPerMillion;
using Rate = std::optional<UsdPerMillion>;
using Wide = __int128;

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

bool fits(std::string_view models, std::string_view model) noexcept {
  return models.ends_with('*') ? model.starts_with(models.substr(0, models.size() - 1)) : model == models;
}

bool fits(const PriceRow& row, const Terms& terms) noexcept {
  // The numbers first: they rule most rows out.
  const auto day = terms.day.time_since_epoch().count();
  return (row.tier < 0 || row.tier == static_cast<int>(terms.tier)) && (row.above == 0 || terms.input_tokens > row.above) &&
         day >= row.from && day < row.until && row.provider == terms.provider && fits(row.models, terms.model);
}

std::int64_t scaled(std::int64_t value, std::int64_t per_cent) noexcept {
  return static_cast<std::int64_t>((Wide{value} * per_cent + 50) / 100);
}

void apply(const PriceRow& row, Price& price) noexcept {
  config::Price& raw = price.raw;
  const std::pair<std::int64_t, Rate*> parts[] = {
      {row.input, &raw.input},           {row.output, &raw.output},
      {row.cache_read, &raw.cache_read}, {row.cache_write, &raw.cache_write},
      {row.reasoning, &raw.reasoning},   {row.audio_in, &raw.audio_in},
      {row.audio_out, &raw.audio_out},   {row.image_in, &raw.image_in},
      {row.image_out, &raw.image_out},   {row.cache_write_hour, &price.cache_write_hour},
  };
  for (const auto& [said, rate] : parts) {
    if (said >= 0) *rate = UsdPerMillion{said};
  }
  if (row.per_request >= 0) price.per_request = Money{row.per_request};
  if (row.hour_of_input >= 0 && raw.input)
    price.cache_write_hour = UsdPerMillion{scaled(raw.input->pico_usd_per_token, row.hour_of_input)};
  if (row.per_cent == 100) return;
  for (const auto& [said, rate] : parts) {
    if (*rate) (*rate)->pico_usd_per_token = scaled((*rate)->pico_usd_per_token, row.per_cent);
  }
  price.per_request.nano_usd = scaled(price.per_request.nano_usd, row.per_cent);
}

/// The first of the prices that is there.
Wide first_of(const Rate& own, const Rate& other) noexcept {
  return own ? own->pico_usd_per_token : other ? other->pico_usd_per_token : 0;
}

/// Takes up to `wanted` out of `left`.
std::uint64_t take(std::uint64_t& left, std::uint64_t wanted) noexcept {
  const std::uint64_t taken = std::min(left, wanted);
  left -= taken;
  return taken;
}

std::int64_t divided_half_up(Wide value, Wide by) noexcept {
  const Wide rounded = value < 0 ? -((-value + by / 2) / by) : (value + by / 2) / by;
  return static_cast<std::int64_t>(std::clamp(rounded, Wide{-most}, Wide{most}));
}

}  // namespace

Tier tier_of(std::string_view service_tier) noexcept {
  if (service_tier == "flex") return Tier::flex;
  if (service_tier == "priority") return Tier::priority;
  return Tier::standard;
}

Price price_under(const Price& base, const Terms& terms) noexcept {
  Price out = base;
  for (const PriceRow& row : price_rows()) {
    if (fits(row, terms)) apply(row, out);
  }
  return out;
}

Money cost(const Price& price, const Metered& metered, Surcharge surcharge) noexcept {
  const config::Price& raw = price.raw;
  const model::Usage& usage = metered.usage;
  std::uint64_t input = usage.input.value_or(0);
  const auto audio_in = take(input, usage.input_audio.value_or(0));
  const auto image_in = take(input, metered.image_in);
  std::uint64_t output = usage.output.value_or(0);
  const auto reasoning = take(output, usage.reasoning.value_or(0));
  const auto audio_out = take(output, usage.output_audio.value_or(0));
  const auto image_out = take(output, metered.image_out);
  std::uint64_t written = usage.cache_write.value_or(0);
  const auto for_an_hour = take(written, metered.cache_write_hour);
  const Rate write = raw.cache_write ? raw.cache_write : raw.input;
  // 128 bits hold it: ten parts of at most 2^64 tokens at 2^40 pico-dollars, and eleven times that with a surcharge in hundredths
  // of a per cent.
  const Wide pico = first_of(raw.input, {}) * input + first_of(raw.audio_in, raw.input) * audio_in +
                    first_of(raw.image_in, raw.input) * image_in +
                    first_of(raw.cache_read, raw.input) * usage.cache_read.value_or(0) + first_of(write, {}) * written +
                    first_of(price.cache_write_hour, write) * for_an_hour + first_of(raw.output, {}) * output +
                    first_of(raw.reasoning, raw.output) * reasoning + first_of(raw.audio_out, raw.output) * audio_out +
                    first_of(raw.image_out, raw.output) * image_out + Wide{price.per_request.nano_usd} * 1000 * metered.requests;
  constexpr std::int32_t whole = 10'000;
  const std::int32_t factor = whole + std::clamp(surcharge.basis_points, -whole, 10 * whole);
  return {divided_half_up(pico * factor, Wide{whole} * 1000)};
}

std::int64_t converted(Money amount, ExchangeRate rate) noexcept {
  return divided_half_up(Wide{amount.nano_usd} * rate.nano_per_usd, 1'000'000'000);
}

Believed believed(const model::Usage& reported, const OwnCount& own) noexcept {
  constexpr std::uint64_t unknown_window = 1U << 24;
  const std::uint64_t most_tokens = own.context_tokens == 0 ? unknown_window : own.context_tokens;
  Believed out{.usage = reported};
  model::Usage& usage = out.usage;
  const auto is_absurd = [&](const model::Usage::Count& count) { return count.value_or(0) > most_tokens; };
  const auto because = [&](Believed::Source source) { out.source = std::max(out.source, source); };

  // Each part by itself first: the sum of absurd ones may look harmless.
  const bool input_absurd =
      is_absurd(usage.input) || is_absurd(usage.cache_read) || is_absurd(usage.cache_write) || usage.input_total() > most_tokens;
  if (input_absurd || (!usage.input && !usage.cache_read && !usage.cache_write)) {
    because(input_absurd ? Believed::Source::replaced : Believed::Source::counted);
    usage.input = own.input;
    usage.cache_read = usage.cache_write = usage.input_audio = std::nullopt;
  }
  if (const bool output_absurd = is_absurd(usage.output); output_absurd || !usage.output) {
    because(output_absurd ? Believed::Source::replaced : Believed::Source::counted);
    usage.output = own.output;
    usage.reasoning = usage.output_audio = usage.accepted_prediction = usage.rejected_prediction = std::nullopt;
  }
  return out;
}

}  // namespace cardea::catalog
