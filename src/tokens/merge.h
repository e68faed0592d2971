#pragma once
// Private: byte-pair encoding of one piece.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokens/ranks.h"

namespace cardea::tokens {

/// Joins the neighbours whose token has the lowest rank, the leftmost first, until none of them make a token. n bytes take
/// O(n log n) and 40 n bytes of memory, given back when a piece was long. Not for several threads at once.
class Merger {
 public:
  /// Where the tokens of `piece` begin, in order. Valid until the next call. Requires: 1 ≤ size ≤ 2^31, every single byte a
  /// token.
  [[nodiscard]] const std::vector<std::uint32_t>& starts(const Ranks& ranks, std::string_view piece);

 private:
  void short_piece(const Ranks& ranks, std::string_view piece);
  void long_piece(const Ranks& ranks, std::string_view piece);

  struct Part {
    std::uint32_t start;
    std::uint32_t rank;  ///< of this part and its right neighbour together
    std::uint32_t previous, next;
  };
  std::vector<Part> parts_;
  std::vector<std::uint64_t> heap_;  ///< rank << 32 | part; stale when the part's rank is another by now
  std::vector<std::uint32_t> starts_;
};

}  // namespace cardea::tokens
