#include "twin/vectors.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/base64.h"
#include "base/text.h"
#include "twin/tokens.h"

namespace cardea::twin {
namespace {

bool is_word_byte(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || byte >= 0x80;
}

/// Calls `see` for every word, in lower case; for a text without any, for the text.
template <class See>
void each_word(std::string_view text, See&& see) {
  bool any = false;
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = std::find_if(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), is_word_byte);
    const auto end = std::find_if_not(begin, text.end(), is_word_byte);
    if (begin != end) see(to_lower(std::string_view{begin, end}));
    any = any || begin != end;
    at = static_cast<std::size_t>(end - text.begin());
  }
  if (!any) see(std::string{text});
}

/// Four numbers of the word's vector at a time, each of −32768 … 32767 (splitmix64).
std::uint64_t components(std::uint64_t word, std::uint64_t index) noexcept {
  std::uint64_t z = word + (index + 1) * 0x9e3779b97f4a7c15U;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
  z = (z ^ z >> 27) * 0x94d049bb133111ebU;
  return z ^ z >> 31;
}

}  // namespace

std::vector<float> embed(std::string_view text, std::uint64_t size) {
  // Integers until the end, so that no order of additions and no compiler changes a bit.
  std::vector<std::int64_t> sums(size);
  each_word(text, [&](const std::string& word) {
    const auto seed = fingerprint(word);
    for (std::uint64_t i = 0; i < size; ++i) {
      sums[i] += static_cast<std::int16_t>(components(seed, i / 4) >> i % 4 * 16);
    }
  });
  double square = 0;
  for (const auto sum : sums) square += static_cast<double>(sum) * static_cast<double>(sum);
  if (square == 0) sums[0] = 1;
  const double length = square == 0 ? 1 : std::sqrt(square);
  std::vector<float> vector(size);
  std::ranges::transform(sums, vector.begin(),
                         [&](std::int64_t sum) { return static_cast<float>(static_cast<double>(sum) / length); });
  return vector;
}

double similarity(std::span<const float> a, std::span<const float> b) noexcept {
  double sum = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

void write_float(json::Writer& writer, float value) {
  char digits[32];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
  writer.raw({std::begin(digits), end});
}

void write_vector(json::Writer& writer, std::span<const float> vector) {
  writer.begin_array();
  for (const float value : vector) write_float(writer, value);
  writer.end_array();
}

std::string base64_of(std::span<const float> vector) {
  static_assert(std::endian::native == std::endian::little);
  std::string bytes(vector.size_bytes(), '\0');
  std::memcpy(bytes.data(), vector.data(), bytes.size());
  return to_base64(bytes);
}

void write_small(json::Writer& writer, std::span<const float> vector, std::string_view type) {
  constexpr float widest = 0.25F;
  const bool bits = type.ends_with("binary");
  const bool is_signed = !type.starts_with('u');
  const auto small = [&](std::size_t at) {
    if (!bits) {
      const auto whole = static_cast<int>(std::lround(std::clamp(vector[at] / widest, -1.0F, 1.0F) * 127));
      return is_signed ? whole : whole + 128;
    }
    int byte = 0;
    for (std::size_t i = 0; i < 8; ++i) byte = byte << 1 | (at + i < vector.size() && vector[at + i] > 0 ? 1 : 0);
    return is_signed ? byte - 128 : byte;
  };
  writer.begin_array();
  for (std::size_t i = 0; i < vector.size(); i += bits ? 8 : 1) writer.number(small(i));
  writer.end_array();
}

double relevance(std::string_view query, std::string_view document) {
  constexpr double steps = 1e6;
  const double cosine = similarity(embed(query), embed(document));
  return std::round(std::clamp(cosine, 0.0, 1.0) * steps) / steps;
}

std::vector<Rank> rank(std::string_view query, std::span<const std::string> documents, std::uint64_t top) {
  std::vector<Rank> all;
  for (std::size_t i = 0; i < documents.size(); ++i) all.push_back({i, relevance(query, documents[i])});
  std::ranges::sort(all, [](const Rank& a, const Rank& b) { return a.score != b.score ? a.score > b.score : a.index < b.index; });
  all.resize(std::min<std::size_t>(all.size(), top));
  return all;
}

}  // namespace cardea::twin
