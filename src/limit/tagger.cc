#include "limit/tagger.h"

#include <bit>
#include <cstring>

namespace cardea::limit {

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
