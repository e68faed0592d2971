#include "twin/picture.h"

#include <algorithm>
#include <bit>
#include <string_view>

#include "base/random.h"
#include "twin/gzip.h"

namespace cardea::twin {
namespace {

void append_big(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

void append_chunk(std::string& out, std::string_view type, std::string_view data) {
  append_big(out, static_cast<std::uint32_t>(data.size()));
  const auto begin = out.size();
  out.append(type).append(data);
  append_big(out, crc32(std::string_view{out}.substr(begin)));
}

std::uint32_t adler32(std::string_view bytes) noexcept {
  constexpr std::uint32_t prime = 65521;
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  for (const char c : bytes) {
    a = (a + static_cast<unsigned char>(c)) % prime;
    b = (b + a) % prime;
  }
  return b << 16 | a;
}

/// Deflate with the fixed codes (RFC 1951 §3.2.6), told by its caller what repeats.
class Deflater {
 public:
  explicit Deflater(std::string& out) : out_{out} { bits(0b011, 3); }

  void literal(std::uint8_t byte) {
    if (byte < 144) {
      huffman(0b00110000U + byte, 8);
    } else {
      huffman(0b110010000U + (byte - 144U), 9);
    }
  }
  /// `count` bytes as they stood `distance` bytes ago; 0 or at least 3.
  void repeat(std::size_t distance, std::size_t count) {
    constexpr std::size_t longest = 258;
    constexpr std::size_t shortest = 3;
    while (count > 0) {
      std::size_t length = std::min(count, longest);
      if (count != length && count - length < shortest) length -= shortest;
      count -= length;
      put_length(length);
      put_distance(distance);
    }
  }
  void end() {
    bits(0, 7);  // 256
    if (used_ != 0) bits(0, 8 - used_);
  }

 private:
  void put_length(std::size_t length) {
    constexpr std::uint16_t bases[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                       31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    const auto index = static_cast<std::uint32_t>(std::ranges::upper_bound(bases, length) - bases - 1);
    const std::uint32_t code = 257 + index;
    if (code < 280) {
      huffman(code - 256, 7);
    } else {
      huffman(0b11000000 + code - 280, 8);
    }
    const bool plain = index < 8 || index == std::size(bases) - 1;
    bits(static_cast<std::uint32_t>(length - bases[index]), plain ? 0 : index / 4 - 1);
  }
  void put_distance(std::size_t distance) {
    const auto back = static_cast<std::uint32_t>(distance - 1);
    if (back < 4) {
      huffman(back, 5);
      return;
    }
    const auto top = static_cast<std::uint32_t>(std::bit_width(back)) - 1;
    huffman(2 * top + (back >> (top - 1) & 1), 5);
    bits(back & ((1U << (top - 1)) - 1), top - 1);
  }
  /// Huffman codes stand with their first bit first, numbers with their last.
  void huffman(std::uint32_t code, unsigned size) {
    for (unsigned i = size; i > 0; --i) bits(code >> (i - 1) & 1, 1);
  }
  void bits(std::uint32_t value, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      byte_ |= (value >> i & 1) << used_;
      if (++used_ < 8) continue;
      out_ += static_cast<char>(byte_);
      byte_ = used_ = 0;
    }
  }
  std::string& out_;
  std::uint32_t byte_ = 0;
  unsigned used_ = 0;
};

/// Bytes of a picture: plain, for their sum, and deflated.
class Lines {
 public:
  explicit Lines(std::string& out) : deflater_{out} {}
  void run(std::uint8_t byte, std::size_t count) {
    constexpr std::size_t worth_it = 4;
    const bool repeats = count >= worth_it;
    for (std::size_t i = 0; i < (repeats ? 1 : count); ++i) deflater_.literal(byte);
    if (repeats) deflater_.repeat(1, count - 1);
    plain_.append(count, static_cast<char>(byte));
  }
  void repeat(std::size_t distance, std::size_t times) {
    const auto last = plain_.substr(plain_.size() - distance);
    constexpr std::size_t worth_it = 3;
    if (distance * times >= worth_it) {
      deflater_.repeat(distance, distance * times);
    } else {
      for (std::size_t i = 0; i < times; ++i)
        std::ranges::for_each(last, [&](char c) { deflater_.literal(static_cast<std::uint8_t>(c)); });
    }
    for (std::size_t i = 0; i < times; ++i) plain_ += last;
  }
  [[nodiscard]] std::uint32_t end() {
    deflater_.end();
    return adler32(plain_);
  }

 private:
  Deflater deflater_;
  std::string plain_;
};

constexpr std::uint8_t grey = picture_tiles * picture_tiles - 1;  ///< the last of the palette

/// Red, green and blue of each index.
std::string palette(std::uint64_t seed) {
  std::string colours;
  Random random{seed};
  for (std::uint32_t i = 0; i < grey; ++i) {
    for (int channel = 0; channel < 3; ++channel) colours += static_cast<char>(random.below(256));
  }
  return colours + "\x80\x80\x80";
}

/// Four bits a pixel, two pixels a byte; the first line of a row of tiles says the colours, the others say "as above".
std::string pixels(std::uint64_t seed, std::uint32_t width, std::uint32_t height, std::uint32_t painted) {
  constexpr std::uint8_t as_it_is = 0;
  constexpr std::uint8_t as_above = 2;
  const std::size_t line_bytes = (width + 1) / 2;
  std::string out = "\x78\x01";
  Lines all{out};
  Random random{seed ^ 1};
  for (std::uint32_t row = 0; row < picture_tiles; ++row) {
    const std::uint32_t lines = height * (row + 1) / picture_tiles - height * row / picture_tiles;
    if (lines == 0) continue;
    all.run(as_it_is, 1);
    for (std::uint32_t tile = 0; tile < picture_tiles; ++tile) {
      const auto colour = row < painted ? static_cast<std::uint8_t>(random.below(grey)) : grey;
      const auto bytes = line_bytes * (tile + 1) / picture_tiles - line_bytes * tile / picture_tiles;
      all.run(static_cast<std::uint8_t>(colour << 4 | colour), bytes);
    }
    if (lines == 1) continue;
    all.run(as_above, 1);
    all.run(0, line_bytes);
    all.repeat(line_bytes + 1, lines - 2);
  }
  append_big(out, all.end());
  return out;
}

}  // namespace

std::string picture(std::uint64_t seed, std::uint32_t width, std::uint32_t height, std::uint32_t painted) {
  std::string out = "\x89PNG\r\n\x1a\n";
  std::string head;
  append_big(head, width);
  append_big(head, height);
  constexpr char rest[] = {4, 3, 0, 0, 0};  // bits, palette, deflate, filters, not interlaced
  head.append(rest, sizeof rest);
  append_chunk(out, "IHDR", head);
  append_chunk(out, "PLTE", palette(seed));
  append_chunk(out, "IDAT", pixels(seed, width, height, painted));
  append_chunk(out, "IEND", {});
  return out;
}

}  // namespace cardea::twin
