#include "twin/gzip.h"

#include <algorithm>
#include <array>

namespace cardea::twin {
namespace {

constexpr auto crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xedb88320U ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  return table;
}();

void append_little(std::string& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) noexcept {
  std::uint32_t crc = 0xffffffff;
  for (const char c : bytes) crc = crc_table[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

std::string gzip_stored(std::string_view bytes) {
  constexpr std::size_t block_max = 0xffff;
  std::string out{"\x1f\x8b\x08\0\0\0\0\0\0\xff", 10};
  std::string_view rest = bytes;
  do {
    const auto block = rest.substr(0, std::min(rest.size(), block_max));
    rest.remove_prefix(block.size());
    const auto size = static_cast<std::uint32_t>(block.size());
    out += rest.empty() ? '\1' : '\0';
    append_little(out, size, 2);
    append_little(out, ~size, 2);
    out += block;
  } while (!rest.empty());
  append_little(out, crc32(bytes), 4);
  append_little(out, static_cast<std::uint32_t>(bytes.size()), 4);
  return out;
}

}  // namespace cardea::twin
