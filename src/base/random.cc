#include "base/random.h"

#include <sys/random.h>

#include <bit>
#include <stdexcept>
#include <string_view>

namespace cardea {

Random::Random(std::uint64_t seed) noexcept {
  // splitmix64 spreads a small seed over the whole state (Vigna, public domain reference).
  for (auto& word : state_) {
    seed += 0x9e3779b97f4a7c15U;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    word = z ^ (z >> 31);
  }
}

Random Random::from_system() {
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) throw std::runtime_error{"getrandom failed"};
  return Random{seed};
}

std::uint64_t Random::next() noexcept {
  auto& s = state_;
  const std::uint64_t result = std::rotl(s[0] + s[3], 23) + s[0];
  const std::uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) noexcept {
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
}

void Random::fill_id(std::span<char> out) noexcept {
  // 32 characters (5 bits each); no 0, 1, l, o: ids are read aloud.
  constexpr std::string_view alphabet = "abcdefghijkmnpqrstuvwxyz23456789";
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i % 12 == 0) bits = next();
    out[i] = alphabet[bits & 31];
    bits >>= 5;
  }
}

void Random::append_id(std::string& out, std::size_t length) {
  out.resize(out.size() + length);
  fill_id(std::span{out}.last(length));
}

}  // namespace cardea
