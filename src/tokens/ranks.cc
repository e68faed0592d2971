#include "tokens/ranks.h"

#include <bit>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace cardea::tokens {
namespace {

static_assert(std::endian::native == std::endian::little, "tables are made and read in the machine's own order");

constexpr std::uint32_t place_mask = (1U << Ranks::place_bits) - 1;
/// Before a token's bytes: its rank in three bytes and its length in one.
constexpr std::size_t prefix_bytes = 4;

template <class T>
std::uint64_t load(const char* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) noexcept {
  const auto product = static_cast<unsigned __int128>(a ^ 0x9E3779B97F4A7C15U) * (b ^ 0xD6E8FEB86659FD93U);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// The bits of a hash that a slot keeps.
std::uint32_t mark_of(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash) & ~place_mask; }

}  // namespace

std::uint64_t hash_of(std::string_view bytes) noexcept {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t hash = left;
  for (; left > 8; at += 8, left -= 8) hash = mixed(hash, load<std::uint64_t>(at));
  // The last eight bytes at most, read as two that may overlap.
  if (left >= 4) return mixed(hash, load<std::uint32_t>(at) << 32 | load<std::uint32_t>(at + left - 4));
  if (left >= 2) return mixed(hash, load<std::uint16_t>(at) << 16 | load<std::uint16_t>(at + left - 2));
  return mixed(hash, left == 1 ? load<std::uint8_t>(at) : 0);
}

Ranks::Ranks(std::string_view block) noexcept {
  Header header;
  std::memcpy(&header, block.data(), sizeof header);
  slot_bits_ = header.slot_bits;
  longest_ = header.longest;
  slots_ = reinterpret_cast<const std::uint32_t*>(block.data() + sizeof header);
  tokens_ = block.data() + sizeof header + (std::size_t{1} << slot_bits_) * sizeof *slots_;
}

std::uint32_t Ranks::find(std::string_view bytes) const noexcept {
  if (bytes.empty() || bytes.size() > longest_) return none;
  const std::uint64_t hash = hash_of(bytes);
  const std::uint32_t last = (1U << slot_bits_) - 1;
  for (auto i = static_cast<std::uint32_t>(hash >> (64 - slot_bits_)); slots_[i] != 0; i = (i + 1) & last) {
    if ((slots_[i] & ~place_mask) != mark_of(hash)) continue;
    const char* const token = tokens_ + (slots_[i] & place_mask) - 1;
    const auto head = static_cast<std::uint32_t>(load<std::uint32_t>(token));
    if (head >> 24 == bytes.size() && std::memcmp(token + prefix_bytes, bytes.data(), bytes.size()) == 0) return head & 0xFFFFFF;
  }
  return none;
}

std::string make_ranks(std::span<const std::pair<std::string, std::uint32_t>> tokens) {
  // At most four of five slots are taken, so that what is not there is soon known.
  std::uint32_t slot_bits = 1;
  while ((std::size_t{1} << slot_bits) * 4 < tokens.size() * 5) ++slot_bits;
  std::vector<std::uint32_t> slots(std::size_t{1} << slot_bits);
  std::string placed;
  std::uint32_t longest = 0;
  for (const auto& [bytes, rank] : tokens) {
    const std::size_t place = placed.size() + 1;
    if (bytes.empty() || bytes.size() > 255 || rank > 0xFFFFFF || place > place_mask)
      throw std::length_error{"a vocabulary beyond the form of its table"};
    const std::uint64_t hash = hash_of(bytes);
    auto slot = static_cast<std::size_t>(hash >> (64 - slot_bits));
    while (slots[slot] != 0) slot = (slot + 1) & (slots.size() - 1);
    slots[slot] = mark_of(hash) | static_cast<std::uint32_t>(place);
    const auto size = static_cast<std::uint32_t>(bytes.size());
    const std::uint32_t head = rank | size << 24;
    placed.append(reinterpret_cast<const char*>(&head), sizeof head);
    placed += bytes;
    longest = std::max(longest, size);
  }
  const Ranks::Header header{.slot_bits = slot_bits, .longest = longest};
  std::string out{reinterpret_cast<const char*>(&header), sizeof header};
  out.append(reinterpret_cast<const char*>(slots.data()), slots.size() * sizeof slots[0]);
  return out + placed;
}

}  // namespace cardea::tokens
