#pragma once
// Vectors that mean something: texts that share words are near to each other, whichever vendor's form asks.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json/writer.h"

namespace cardea::twin {

/// Numbers of a vector whose length nobody asked for.
inline constexpr std::uint64_t vector_size = 256;
inline constexpr std::uint64_t vector_size_max = 4096;

/// The sum of one pseudo-random vector a word (letters, digits and whatever is not ASCII, without case), of length 1. A shorter
/// one is the beginning of a longer one, scaled. The same on every machine.
[[nodiscard]] std::vector<float> embed(std::string_view text, std::uint64_t size = vector_size);
/// The cosine of two vectors of length 1.
[[nodiscard]] double similarity(std::span<const float> a, std::span<const float> b) noexcept;

/// The shortest spelling that reads back as the same float.
void write_float(json::Writer& writer, float value);
void write_vector(json::Writer& writer, std::span<const float> vector);
/// Base64 of the floats, little endian (OpenAI's `encoding_format`).
[[nodiscard]] std::string base64_of(std::span<const float> vector);

/// As Cohere and Jina name it: "int8" and "uint8" are one number a component, "binary" and "ubinary" eight components a number.
void write_small(json::Writer& writer, std::span<const float> vector, std::string_view type);

/// How well a document answers a query: 0 to 1, in millionths.
[[nodiscard]] double relevance(std::string_view query, std::string_view document);
struct Rank {
  std::size_t index = 0;
  double score = 0;
};
/// The documents, the best first; `top` of them.
[[nodiscard]] std::vector<Rank> rank(std::string_view query, std::span<const std::string> documents, std::uint64_t top);

}  // namespace cardea::twin
