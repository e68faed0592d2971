#pragma once
// Private to the room: a line of the ledger as bytes, of this machine's order.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "store/ledger.h"

namespace cardea::store::journal {

/// The most that a settlement takes, all included.
inline constexpr std::size_t settlement_bytes_max = 224;
inline constexpr std::size_t price_bytes_max = 128;

/// Of the line with its frame: a multiple of 8.
[[nodiscard]] std::size_t size_of(const LedgerEntry& entry);
/// Writes `size_of(entry)` bytes. `position`: where in the journal's life; a line of an earlier round does not hold at it.
void write(const LedgerEntry& entry, std::size_t size, std::uint64_t position, std::byte* to);

struct Line {
  LedgerEntry entry;
  std::size_t size = 0;  ///< with its frame
};
/// The line at the beginning of `bytes`; nothing: there is none that holds.
[[nodiscard]] std::optional<Line> read_line(std::span<const std::byte> bytes, std::uint64_t position);

}  // namespace cardea::store::journal
