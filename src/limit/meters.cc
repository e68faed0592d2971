#include "limit/meters.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace cardea::limit {

namespace {
constexpr std::size_t line = 64;
}

// calloc, not new: large zeroed memory comes from the kernel untouched.
Meters::Meters(unsigned sets_log2)
    : memory_{std::calloc((std::size_t{1} << sets_log2) * ways * sizeof(Meter) + line, 1)},
      mask_{(std::uint64_t{1} << sets_log2) - 1} {
  if (memory_ == nullptr) throw std::bad_alloc{};
  void* start = memory_.get();
  std::size_t space = ((std::size_t{1} << sets_log2) * ways * sizeof(Meter)) + line;
  first_ = static_cast<Meter*>(std::align(line, space - line, start, space));
}

Meter& Meters::of(std::uint64_t tag, std::int64_t room, std::int64_t now) noexcept {
  Meter* const set = first_ + (tag & mask_) * ways;
  for (;;) {
    Meter* soonest = nullptr;
    std::uint64_t holder = 0;
    std::int64_t soonest_at = std::numeric_limits<std::int64_t>::max();
    for (Meter* at = set; at != set + ways; ++at) {
      const std::uint64_t seen = std::atomic_ref{at->tag}.load(std::memory_order_relaxed);
      if (seen == tag) return *at;
      const std::int64_t full_at = at->bucket().load(std::memory_order_relaxed);
      if (full_at >= soonest_at) continue;
      soonest = at;
      soonest_at = full_at;
      holder = seen;
    }
    if (!std::atomic_ref{soonest->tag}.compare_exchange_strong(holder, tag)) continue;
    std::int64_t inherited = soonest->bucket().load(std::memory_order_relaxed);
    while (inherited > now + room && !soonest->bucket().compare_exchange_weak(inherited, now + room)) {
    }
    return settle_twins(set, *soonest, tag);
  }
}

// Two threads may bring the same newcomer at once, each to a place of its own. Both look again after they came, so the one behind
// sees the other.
Meter& Meters::settle_twins(Meter* set, Meter& mine, std::uint64_t tag) noexcept {
  for (Meter* at = set; at != &mine; ++at) {
    if (std::atomic_ref{at->tag}.load() != tag) continue;
    std::uint64_t own = tag;
    std::atomic_ref{mine.tag}.compare_exchange_strong(own, 0);
    return *at;
  }
  return mine;
}

namespace {

struct Sip {
  std::uint64_t v0, v1, v2, v3;
  void round() noexcept {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void word(std::uint64_t word) noexcept {
    v3 ^= word;
    round();
    v0 ^= word;
  }
};

}  // namespace

std::uint64_t Tagger::operator()(std::uint8_t scope, std::string_view name) const noexcept {
  Sip sip{key0_ ^ 0x736f6d6570736575U, key1_ ^ 0x646f72616e646f6dU, key0_ ^ 0x6c7967656e657261U, key1_ ^ 0x7465646279746573U};
  // The scope is a word of its own in front, so no name can contain it.
  sip.word(scope);
  const std::size_t whole = name.size() & ~std::size_t{7};
  for (std::size_t at = 0; at < whole; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, name.data() + at, 8);
    sip.word(word);
  }
  std::uint64_t last = static_cast<std::uint64_t>(name.size()) << 56;
  for (std::size_t i = whole; i < name.size(); ++i) {
    last |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(name[i])) << (8 * (i - whole));
  }
  sip.word(last);
  sip.v2 ^= 0xff;
  for (int i = 0; i < 3; ++i) sip.round();
  const std::uint64_t tag = sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
  return tag != 0 ? tag : 1;
}

}  // namespace cardea::limit
