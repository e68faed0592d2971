#pragma once
// Sound: what the twin says can be heard, and what it said it understands.

#include <cstdint>
#include <string>
#include <string_view>

namespace cardea::twin {

inline constexpr std::uint32_t samples_per_second = 24'000;  ///< mono, 16 bits, as OpenAI's `pcm`

/// One tone a word, of a pitch that the word decides: 60 ms each at speed 1, 12 s at most. Samples, little endian.
[[nodiscard]] std::string tones(std::string_view text, double speed = 1);
/// The same as a RIFF WAVE file, which has the text in an INFO chunk.
[[nodiscard]] std::string wav(std::string_view text, double speed = 1);

struct Sound {
  std::string text;  ///< what is said in it
  double seconds = 0;
};
/// The twin's own files by their text, any other by a sentence that its bytes decide. `bytes`: the beginning of `size` bytes.
[[nodiscard]] Sound listen(std::string_view bytes, std::uint64_t size);

}  // namespace cardea::twin
