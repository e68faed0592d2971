#pragma once
// Who issued an opaque item that travels as it is: between sides of the same dialect nothing is packed, so what a deployment
// signed or encrypted is remembered by its fingerprint, and does not go to another deployment of that dialect.

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "dialect/dialect.h"

namespace cardea::dialect {

/// An item's fingerprint, the same for as long as the process lives.
[[nodiscard]] std::uint64_t fingerprint(std::string_view item) noexcept;

/// The last items seen, whoever asked. A fixed table: a newer item may take an older one's place, and what is not known any more
/// passes. Empty after a start. Thread: any, without locks.
class Issuers {
 public:
  enum class Origin : std::uint8_t { unknown, own, foreign };

  Issuers();
  /// These items are of that deployment.
  void note(std::span<const std::uint64_t> fingerprints, std::string_view deployment) noexcept;
  /// Is an item that deployment's, as far as known?
  [[nodiscard]] Origin of(std::string_view item, std::string_view deployment) const noexcept;
  /// Does a request as its client sent it repeat an item of another deployment? Reads only what can hold one: the model's own
  /// turns where the dialect marks them.
  [[nodiscard]] bool any_foreign(const Dialect& dialect, const RequestView& request, std::string_view deployment) const;

 private:
  static constexpr std::size_t slots = 1u << 16;
  struct Free {
    void operator()(std::uint64_t* table) const noexcept { std::free(table); }  // NOLINT(cppcoreguidelines-no-malloc): calloc's
  };
  /// By the low bits of a fingerprint: its high 48 bits, then 16 of its deployment's. Zero: free. Pages are touched when used.
  std::unique_ptr<std::uint64_t[], Free> table_;
  std::atomic<bool> used_ = false;  ///< most never need it
};

}  // namespace cardea::dialect
