#pragma once
// The vendors' terms inside the binary. The array is written at build time by prices_main.cc. Private to this room.

#include <span>

#include "catalog/prices.h"

namespace cardea::catalog {

/// Pico-dollars per token; -1: as before.
struct PriceRow {
  std::string_view provider;
  std::string_view models;         ///< a name; with a star behind it all that begin so
  std::int8_t tier = -1;           ///< of enum Tier; -1: all
  std::uint64_t above = 0;         ///< holds when the input has more tokens
  std::int32_t from = INT32_MIN;   ///< days since 1970, the first day
  std::int32_t until = INT32_MAX;  ///< the first day no more
  std::int64_t input = -1, output = -1, cache_read = -1, cache_write = -1, cache_write_hour = -1, reasoning = -1, audio_in = -1,
               audio_out = -1, image_in = -1, image_out = -1;
  std::int64_t per_request = -1;    ///< nano-dollars
  std::int64_t hour_of_input = -1;  ///< cache_write_hour as per cent of the input's price
  std::int64_t per_cent = 100;      ///< of all prices, last
};

/// By provider, then as they stand in its file: each that fits is applied to what those before it made.
[[nodiscard]] std::span<const PriceRow> price_rows() noexcept;

}  // namespace cardea::catalog
