// Pictures and sounds are real ones: taken apart here by hand, as any decoder does.
#include <gtest/gtest.h>

#include "base/text.h"
#include "twin/gzip.h"
#include "twin/picture.h"
#include "twin/sound.h"
#include "twin/upload.h"
#include "wire/multipart.h"

namespace cardea::twin {
namespace {

Sound heard(std::string_view bytes) { return listen(bytes, bytes.size()); }

std::uint32_t big(std::string_view bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  return value;
}

/// Inflates blocks of fixed codes (RFC 1951).
class Inflater {
 public:
  explicit Inflater(std::string_view bytes) : bytes_{bytes} {}
  std::string all() {
    EXPECT_EQ(number(3), 0b011U);
    std::string out;
    for (;;) {
      const auto symbol = literal_or_length();
      if (symbol == 256) return out;
      if (symbol < 256) {
        out += static_cast<char>(symbol);
        continue;
      }
      const auto [length, distance] = match(symbol);
      if (distance > out.size()) return "a match before the beginning";
      for (std::size_t i = 0; i < length; ++i) out += out[out.size() - distance];
    }
  }
  [[nodiscard]] std::size_t bytes_read() const { return (at_ + 7) / 8; }

 private:
  std::uint32_t bit() {
    const auto value = static_cast<unsigned char>(bytes_.at(at_ / 8)) >> at_ % 8 & 1U;
    ++at_;
    return value;
  }
  std::uint32_t number(unsigned bits) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < bits; ++i) value |= bit() << i;
    return value;
  }
  std::uint32_t code(unsigned bits, std::uint32_t value = 0) {
    for (unsigned i = 0; i < bits; ++i) value = value << 1 | bit();
    return value;
  }
  std::uint32_t literal_or_length() {
    const auto seven = code(7);
    if (seven <= 0b0010111) return seven + 256;
    const auto eight = code(1, seven);
    if (eight >= 0b00110000 && eight <= 0b10111111) return eight - 0b00110000;
    if (eight >= 0b11000000 && eight <= 0b11000111) return eight - 0b11000000 + 280;
    return code(1, eight) - 0b110010000 + 144;
  }
  std::pair<std::size_t, std::size_t> match(std::uint32_t symbol) {
    constexpr std::size_t bases[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                     31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    constexpr unsigned extras[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    const auto length = bases[symbol - 257] + number(extras[symbol - 257]);
    const auto far = code(5);
    if (far < 4) return {length, far + 1};
    const unsigned extra = far / 2 - 1;
    return {length, (std::size_t{2 + far % 2} << extra) + number(extra) + 1};
  }
  std::string_view bytes_;
  std::size_t at_ = 0;
};

std::uint32_t adler32(std::string_view bytes) {
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  for (const char c : bytes) {
    a = (a + static_cast<unsigned char>(c)) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

/// The data of the only chunk so named.
std::string_view chunk(std::string_view png, std::string_view name) {
  for (png.remove_prefix(8); png.size() >= 12;) {
    const auto size = big(png);
    EXPECT_EQ(crc32(png.substr(4, 4 + size)), big(png.substr(8 + size)));
    if (png.substr(4, 4) == name) return png.substr(8, size);
    png.remove_prefix(12 + size);
  }
  return {};
}

TEST(Picture, IsARealPng) {
  struct Size {
    std::uint32_t width;
    std::uint32_t height;
  };
  for (const auto [width, height] : {Size{1024, 1024}, {1536, 1024}, {256, 256}, {17, 9}, {8, 8}, {3, 2}, {1, 1}}) {
    const auto png = picture(7, width, height);
    ASSERT_TRUE(png.starts_with("\x89PNG\r\n\x1a\n"));
    const auto head = chunk(png, "IHDR");
    ASSERT_EQ(head.size(), 13U);
    EXPECT_EQ(big(head), width);
    EXPECT_EQ(big(head.substr(4)), height);
    EXPECT_EQ(chunk(png, "PLTE").size(), 48U);
    EXPECT_TRUE(png.ends_with(std::string_view{"\0\0\0\0IEND\xAE\x42\x60\x82", 12}));
    const auto data = chunk(png, "IDAT");
    Inflater inflater{data.substr(2)};
    const auto lines = inflater.all();
    EXPECT_EQ(lines.size(), height * (1 + (width + 1) / 2)) << width << "x" << height;
    EXPECT_EQ(inflater.bytes_read() + 6, data.size());
    EXPECT_EQ(big(data.substr(data.size() - 4)), adler32(lines));
  }
  EXPECT_LT(picture(7, 1024, 1024).size(), 8000U);
}

TEST(Picture, IsDecidedByItsSeed) {
  EXPECT_EQ(picture(1, 64, 64), picture(1, 64, 64));
  EXPECT_NE(picture(1, 64, 64), picture(2, 64, 64));
  EXPECT_NE(picture(1, 64, 64), picture(1, 64, 64, 1)) << "not finished";
}

TEST(Sound, IsUnderstoodAgain) {
  const auto file = wav("Hello w\xC3\xB6rld");
  ASSERT_TRUE(file.starts_with("RIFF"));
  EXPECT_EQ(file.substr(8, 8), "WAVEfmt ");
  EXPECT_EQ(static_cast<unsigned char>(file[4]) + static_cast<std::size_t>(static_cast<unsigned char>(file[5])) * 256 + 8,
            file.size());
  EXPECT_TRUE(file.ends_with(tones("Hello w\xC3\xB6rld")));
  const auto sound = heard(file);
  EXPECT_EQ(sound.text, "Hello w\xC3\xB6rld");
  EXPECT_NEAR(sound.seconds, 0.18, 1e-9) << "the umlaut is a token";
  EXPECT_NEAR(heard(wav("Hello world", 0.5)).seconds, 0.24, 1e-9);
  EXPECT_LE(tones(std::string(10'000, ':')).size(), 24'000U * 2 * 13);
}

TEST(Sound, OfOthersIsASentenceThatItsBytesDecide) {
  for (const std::string_view bytes : {"", "RIFF", "RIFFxxxxWAVE", "ID3 something", "RIFFxxxxWAVELIST\xff\xff\xff\xff"}) {
    EXPECT_FALSE(heard(bytes).text.empty());
    EXPECT_EQ(heard(bytes).text, heard(bytes).text);
  }
  const auto file = wav("Hello world, how are you?");
  for (std::size_t size = 0; size < 120; ++size) static_cast<void>(heard(std::string_view{file}.substr(0, size)));
}

TEST(Upload, KeepsTheBeginningOfLargeFilesOnly) {
  Upload upload;
  UploadReader reader{"b", upload};
  std::string head;
  wire::append_multipart_head(head, "b", "file", "a.bin");
  ASSERT_TRUE(reader.take(head));
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(reader.take(piece));
  EXPECT_EQ(upload.files.front().size, 5U << 20);
  EXPECT_EQ(upload.files.front().bytes.size(), 2U << 20);
  Upload large;
  UploadReader fields{"b", large};
  std::string body;
  wire::append_multipart_field(body, "b", "prompt", std::string((1 << 20) + 1, 'x'));
  EXPECT_FALSE(fields.take(body));
}

TEST(Upload, FieldsListsAndFiles) {
  std::string body;
  wire::append_multipart_field(body, "b", "model", "twin-1");
  wire::append_multipart_field(body, "b", "include[]", "a");
  wire::append_multipart_field(body, "b", "include[]", "b");
  wire::append_multipart_head(body, "b", "file", "a.wav", "audio/wav");
  body += "RIFF\r\n";
  wire::append_multipart_end(body, "b");
  for (const std::size_t piece : {body.size(), std::size_t{1}, std::size_t{7}}) {
    Upload split;
    UploadReader reader{"b", split};
    for (std::size_t at = 0; at < body.size(); at += piece) ASSERT_TRUE(reader.take(std::string_view{body}.substr(at, piece)));
    ASSERT_TRUE(reader.finish());
    EXPECT_EQ(split.fields.dump(), R"({"model":"twin-1","include":["a","b"]})");
    ASSERT_NE(split.file("file"), nullptr);
    EXPECT_EQ(split.file("file")->bytes, "RIFF") << "in pieces of " << piece;
    EXPECT_EQ(split.file("file")->size, 4U);
    EXPECT_EQ(split.file("file")->content_type, "audio/wav");
  }
  Upload none;
  EXPECT_FALSE(UploadReader("c", none).take(body));
  auto value = json::Value::string("2");
  convert_field(value, is_whole);
  EXPECT_EQ(value.dump(), "2");
  auto text = json::Value::string("2x");
  convert_field(text, is_whole | is_bool);
  EXPECT_EQ(text.dump(), "\"2x\"");
}

}  // namespace
}  // namespace cardea::twin
