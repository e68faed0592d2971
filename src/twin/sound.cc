#include "twin/sound.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "twin/tokens.h"

namespace cardea::twin {
namespace {

constexpr std::uint32_t bytes_per_sample = 2;
constexpr double word_seconds = 0.06;
constexpr double seconds_max = 12;

void append_little(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}
std::uint32_t little(std::string_view bytes) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = std::min<std::size_t>(bytes.size(), 4); i > 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
  return value;
}

/// Chunks have even sizes (the padding is not counted).
void append_chunk(std::string& out, std::string_view name, std::string_view data) {
  out += name;
  append_little(out, data.size(), 4);
  out += data;
  if (data.size() % 2 != 0) out += '\0';
}

struct Chunk {
  std::string_view data;  ///< as much of it as is there
  std::size_t size = 0;   ///< as it says
};
/// The first one so named; empty: none.
Chunk chunk(std::string_view bytes, std::string_view name) noexcept {
  constexpr std::size_t head = 8;
  while (bytes.size() >= head) {
    const std::size_t size = little(bytes.substr(4));
    if (bytes.starts_with(name)) return {bytes.substr(head, size), size};
    bytes.remove_prefix(std::min(bytes.size(), head + size + size % 2));
  }
  return {};
}

constexpr std::string_view sentences[] = {
    "The quick brown fox jumps over the lazy dog.",
    "It was a bright cold day in April, and the clocks were striking thirteen.",
    "One small step for a man, one giant leap for mankind.",
    "To be, or not to be, that is the question.",
};

}  // namespace

std::string tones(std::string_view text, double speed) {
  constexpr double lowest = 220;
  constexpr double loudness = 6000;
  constexpr std::size_t pitches = 24;
  constexpr double per_octave = 12;
  std::string samples;
  const auto each = static_cast<std::size_t>(samples_per_second * word_seconds / speed);
  const auto most = static_cast<std::size_t>(samples_per_second * seconds_max) * bytes_per_sample;
  for (std::size_t at = 0; at < text.size() && samples.size() < most;) {
    const auto end = token_end(text, at);
    const auto pitch = static_cast<double>(fingerprint(text.substr(at, end - at)) % pitches);
    const double step = 2 * std::numbers::pi * lowest * std::pow(2, pitch / per_octave) / samples_per_second;
    for (std::size_t i = 0; i < each; ++i) {
      const double swell = std::sin(std::numbers::pi * static_cast<double>(i) / static_cast<double>(each));
      const auto sample = static_cast<std::int16_t>(loudness * swell * std::sin(step * static_cast<double>(i)));
      append_little(samples, static_cast<std::uint16_t>(sample), bytes_per_sample);
    }
    at = end;
  }
  return samples;
}

std::string wav(std::string_view text, double speed) {
  constexpr std::uint32_t pcm = 1;
  constexpr std::uint32_t channels = 1;
  std::string format;
  append_little(format, pcm, 2);
  append_little(format, channels, 2);
  append_little(format, samples_per_second, 4);
  append_little(format, samples_per_second * bytes_per_sample, 4);
  append_little(format, bytes_per_sample, 2);
  append_little(format, bytes_per_sample * 8, 2);
  std::string info = "INFO";
  append_chunk(info, "ISFT", std::string_view{"cardea twin\0", 12});
  append_chunk(info, "ICMT", std::string{text} + '\0');
  std::string inside = "WAVE";
  append_chunk(inside, "fmt ", format);
  append_chunk(inside, "LIST", info);
  append_chunk(inside, "data", tones(text, speed));
  std::string out;
  append_chunk(out, "RIFF", inside);
  return out;
}

Sound listen(std::string_view bytes, std::uint64_t size) {
  constexpr std::size_t riff_head = 12;
  constexpr std::size_t bytes_per_second_at = 8;
  constexpr double guessed_bytes_per_second = 16'000;
  Sound sound;
  sound.seconds = static_cast<double>(size) / guessed_bytes_per_second;
  if (bytes.starts_with("RIFF") && bytes.size() > riff_head) {
    const auto inside = bytes.substr(riff_head);
    const auto format = chunk(inside, "fmt ").data;
    if (format.size() >= bytes_per_second_at + 4) {
      const auto rate = std::max<std::uint32_t>(1, little(format.substr(bytes_per_second_at)));
      sound.seconds = static_cast<double>(std::min<std::uint64_t>(chunk(inside, "data").size, size)) / rate;
    }
    const auto info = chunk(inside, "LIST").data;
    if (info.starts_with("INFO")) {
      const auto text = chunk(info.substr(4), "ICMT").data;
      sound.text = text.substr(0, text.find('\0'));
    }
  }
  if (sound.text.empty()) sound.text = sentences[fingerprint(bytes, size) % std::size(sentences)];
  sound.seconds = std::round(sound.seconds * 1000) / 1000;
  return sound;
}

}  // namespace cardea::twin
