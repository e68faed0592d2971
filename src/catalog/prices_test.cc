#include "catalog/prices.h"

#include <gtest/gtest.h>

#include <limits>

#include "catalog/catalog.h"

namespace cardea::catalog {
namespace {

using config::UsdPerMillion;
using namespace std::chrono_literals;

constexpr auto today = std::chrono::sys_days{2026y / 11 / 22};
constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
constexpr Money most{std::numeric_limits<std::int64_t>::max()};

Price dollars_per_million(std::int64_t input, std::int64_t output) {
  Price out;
  out.raw.input = UsdPerMillion{input * 1'000'000};
  out.raw.output = UsdPerMillion{output * 1'000'000};
  return out;
}

Price builtin(std::string_view name) { return builtin_model(name).value().price; }

Price under(std::string_view provider, std::string_view model, Tier tier, std::uint64_t input_tokens = 0) {
  return price_under(builtin(std::string{provider} + "/" + std::string{model}),
                     {.provider = provider, .model = model, .tier = tier, .input_tokens = input_tokens, .day = today});
}

// --- cost -------------------------------------------------------------------------------------------------------------------

TEST(Cost, is_exact) {
  const Price price = builtin("openai/gpt-5");  // 1.25 / 10 / cache 0.125
  EXPECT_EQ(cost(price, {.usage = {.input = 1000, .cache_read = 8, .output = 10, .reasoning = 4}}),
            (Money{1'250'000 + 1'000 + 100'000}));
  EXPECT_EQ(cost(price, {.usage = {.cache_read = 1}}), (Money{125}));
  EXPECT_EQ(cost(Price{}, {.usage = {.input = 1000, .output = 1000}}), Money{}) << "nothing is known";
  EXPECT_EQ(cost(price, {}), Money{}) << "nothing was used";
}

TEST(Cost, is_rounded_half_up_once) {
  Price price;
  price.raw.input = price.raw.output = UsdPerMillion{250};  // a quarter of a nano-dollar
  EXPECT_EQ(cost(price, {.usage = {.input = 1}}), (Money{0}));
  EXPECT_EQ(cost(price, {.usage = {.input = 1, .output = 1}}), (Money{1})) << "not each part for itself";
  EXPECT_EQ(cost(price, {.usage = {.input = 5}}), (Money{1}));
  EXPECT_EQ(cost(price, {.usage = {.input = 6}}), (Money{2}));
}

TEST(Cost, knows_every_part) {
  Price price = dollars_per_million(1, 10);
  price.raw.cache_read = UsdPerMillion{100'000};
  price.raw.cache_write = UsdPerMillion{1'250'000};
  price.cache_write_hour = UsdPerMillion{2'000'000};
  price.raw.reasoning = UsdPerMillion{20'000'000};
  price.raw.audio_in = UsdPerMillion{32'000'000};
  price.raw.audio_out = UsdPerMillion{64'000'000};
  price.raw.image_in = UsdPerMillion{8'000'000};
  price.raw.image_out = UsdPerMillion{30'000'000};
  price.per_request = Money{5'000};
  const Metered metered{
      .usage =
          {.input = 100, .cache_read = 10, .cache_write = 20, .output = 50, .reasoning = 5, .input_audio = 3, .output_audio = 2},
      .cache_write_hour = 8,
      .image_in = 7,
      .image_out = 4};
  EXPECT_EQ(cost(price, metered), (Money{(90 + 3 * 32 + 7 * 8) * 1'000 + 10 * 100 + 12 * 1'250 + 8 * 2'000 +
                                         (39 * 10 + 5 * 20 + 2 * 64 + 4 * 30) * 1'000 + 5'000}));
}

TEST(Cost, takes_a_part_without_a_price_as_what_it_belongs_to) {
  const Price price = dollars_per_million(1, 10);
  const Metered metered{
      .usage =
          {.input = 10, .cache_read = 10, .cache_write = 10, .output = 10, .reasoning = 4, .input_audio = 3, .output_audio = 2},
      .cache_write_hour = 5,
      .image_in = 2,
      .image_out = 2};
  EXPECT_EQ(cost(price, metered), (Money{30 * 1'000 + 10 * 10'000}));
}

TEST(Cost, never_wraps_around) {
  Price price = dollars_per_million(1'000'000, 1'000'000);
  price.raw.reasoning = UsdPerMillion{1};
  const Metered absurd{.usage = {.input = all, .cache_read = all, .cache_write = all, .output = all},
                       .cache_write_hour = all,
                       .image_in = all,
                       .image_out = all,
                       .requests = 1};
  EXPECT_EQ(cost(price, absurd), most);
  EXPECT_EQ(cost(price, absurd, {100'000}), most);
  // Parts larger than the whole: an upstream's mistake.
  EXPECT_EQ(cost(dollars_per_million(1, 1), {.usage = {.input = 1, .output = 1, .reasoning = all, .input_audio = all}}),
            (Money{2'000}));
}

TEST(Cost, may_be_more_or_less_for_a_tenant) {
  const Price price = dollars_per_million(1, 1);
  const Metered one{.usage = {.input = 1}};
  EXPECT_EQ(cost(price, one, {250}), (Money{1'025}));
  EXPECT_EQ(cost(price, one, {-1'000}), (Money{900}));
  EXPECT_EQ(cost(price, one, {-10'000}), Money{});
  EXPECT_EQ(cost(price, one, {-20'000}), Money{}) << "never below nothing";
  Price tiny;
  tiny.raw.input = UsdPerMillion{400};
  EXPECT_EQ(cost(tiny, one, {2'500}), (Money{1})) << "rounded after the surcharge";
}

TEST(Cost, is_converted_at_a_stated_rate) {
  EXPECT_EQ(converted(Money{1'000'000'000}, {920'000'000}), 920'000'000);
  EXPECT_EQ(converted(Money{1}, {500'000'000}), 1) << "half up";
  EXPECT_EQ(converted(Money{-1}, {400'000'000}), 0);
  EXPECT_EQ(converted(most, {150'000'000'000}), most.nano_usd);
}

// --- terms ------------------------------------------------------------------------------------------------------------------

TEST(PriceUnder, standard_terms_is_the_price) {
  EXPECT_EQ(under("openai", "gpt-5.4", Tier::standard).raw.input, UsdPerMillion{2'500'000});
  EXPECT_EQ(under("openai", "gpt-5.4", Tier::standard, 272'000).raw.input, UsdPerMillion{2'500'000});
}

TEST(PriceUnder, long_inputs_cost_more) {
  const Price price = under("openai", "gpt-5.4", Tier::standard, 272'001);
  EXPECT_EQ(price.raw.input, UsdPerMillion{5'000'000});
  EXPECT_EQ(price.raw.output, UsdPerMillion{22'500'000});
  EXPECT_EQ(under("gemini", "gemini-2.5-pro", Tier::standard, 300'000).raw.output, UsdPerMillion{15'000'000});
}

TEST(PriceUnder, batches_cost_half_also_of_long_inputs) {
  EXPECT_EQ(under("openai", "gpt-4o-mini", Tier::batch).raw.cache_read, UsdPerMillion{37'500});
  EXPECT_EQ(under("openai", "gpt-5.4", Tier::batch, 300'000).raw.input, UsdPerMillion{2'500'000});
  EXPECT_EQ(under("openai", "gpt-5", Tier::flex).raw.output, UsdPerMillion{5'000'000});
  EXPECT_EQ(under("openai", "gpt-5", Tier::priority).raw.output, UsdPerMillion{20'000'000});
}

TEST(PriceUnder, an_hour_in_the_cache_costs_twice_the_input) {
  const Price price = under("anthropic", "claude-sonnet-4-5", Tier::standard);
  EXPECT_EQ(price.cache_write_hour, UsdPerMillion{6'000'000});
  EXPECT_EQ(under("anthropic", "claude-sonnet-4-5", Tier::standard, 200'001).cache_write_hour, UsdPerMillion{12'000'000});
  EXPECT_EQ(under("anthropic", "claude-sonnet-4-5", Tier::batch).cache_write_hour, UsdPerMillion{3'000'000});
}

TEST(PriceUnder, others_terms_are_not_ours) {
  const Price base = dollars_per_million(1, 2);
  const Price other = price_under(base, {.provider = "groq", .model = "gpt-5.4", .tier = Tier::batch, .day = today});
  EXPECT_EQ(other.raw.input, base.raw.input);
  EXPECT_EQ(other.raw.output, base.raw.output);
}

TEST(PriceUnder, tiers_have_the_vendors_names) {
  EXPECT_EQ(tier_of("flex"), Tier::flex);
  EXPECT_EQ(tier_of("priority"), Tier::priority);
  for (const std::string_view word : {"default", "auto", "scale", "batch", ""}) EXPECT_EQ(tier_of(word), Tier::standard) << word;
}

// --- what upstreams say -----------------------------------------------------------------------------------------------------

constexpr OwnCount own{.input = 70, .output = 30, .context_tokens = 1'000};

TEST(Believed, what_makes_sense_is_taken) {
  const model::Usage usage{.input = 10, .cache_read = 900, .output = 1'000, .reasoning = 5};
  const auto found = believed(usage, own);
  EXPECT_EQ(found.usage, usage);
  EXPECT_EQ(found.source, Believed::Source::reported);
  EXPECT_EQ(believed({.input = 0, .output = 0}, own).usage, (model::Usage{.input = 0, .output = 0})) << "zero is an answer";
}

TEST(Believed, what_is_missing_is_counted) {
  const auto nothing = believed({}, own);
  EXPECT_EQ(nothing.usage, (model::Usage{.input = 70, .output = 30}));
  EXPECT_EQ(nothing.source, Believed::Source::counted);
  EXPECT_EQ(believed({.output = 3}, own).usage, (model::Usage{.input = 70, .output = 3}));
  EXPECT_EQ(believed({.input = 3}, own).usage, (model::Usage{.input = 3, .output = 30}));
  EXPECT_EQ(believed({.cache_read = 3, .output = 1}, own).usage, (model::Usage{.cache_read = 3, .output = 1}));
}

TEST(Believed, what_cannot_be_is_replaced) {
  const auto both = believed({.input = all, .cache_read = 1, .output = 1'001, .reasoning = 7}, own);
  EXPECT_EQ(both.usage, (model::Usage{.input = 70, .output = 30}));
  EXPECT_EQ(both.source, Believed::Source::replaced);
  EXPECT_EQ(believed({.input = 600, .cache_read = 600, .output = 1}, own).usage, (model::Usage{.input = 70, .output = 1}));
  EXPECT_EQ(believed({.input = all, .cache_read = 2, .output = 1}, own).usage, (model::Usage{.input = 70, .output = 1}))
      << "a sum that wraps around";
  EXPECT_EQ(believed({.input = 1U << 24, .output = 1}, {}).source, Believed::Source::reported);
  EXPECT_EQ(believed({.input = (1U << 24) + 1, .output = 1}, {}).source, Believed::Source::replaced);
}

}  // namespace
}  // namespace cardea::catalog
