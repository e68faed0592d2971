#pragma once
// Money is an integer; never a float.

#include <compare>
#include <cstdint>

namespace cardea {

/// Nano-dollars (1e-9 USD): a price of $0.15 per million tokens is 150 per token. Range ± 9.2 billion dollars.
struct Money {
  std::int64_t nano_usd = 0;

  friend constexpr auto operator<=>(Money, Money) = default;
  friend constexpr Money operator+(Money a, Money b) { return {a.nano_usd + b.nano_usd}; }
  friend constexpr Money operator-(Money a, Money b) { return {a.nano_usd - b.nano_usd}; }
  constexpr Money& operator+=(Money other) {
    nano_usd += other.nano_usd;
    return *this;
  }
};

}  // namespace cardea
