// 64 bytes a step: masks of quotes, backslashes and the rest, one bit a byte, and arithmetic on the masks. Which characters are
// escaped follows from an addition's carry through runs of backslashes, as in simdjson.

#include "json/scan_strings.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace cardea::json {
namespace {

using Policy = ScanOptions::LoneSurrogate;

/// The code unit of the escape at `backslash`, if all of it lies before `end`; else -1.
int unit_at(const char* backslash, const char* end) noexcept {
  if (end - backslash < 6 || backslash[0] != '\\' || backslash[1] != 'u') return -1;
  return hex4(backslash + 2);
}

}  // namespace

StringFault read_carefully(const char* quote, const char* end, Policy policy, StringEnd& out) noexcept {
  constexpr std::string_view simple = "\"\\/bfnrt";
  const char* p = quote + 1;
  while (p != end && *p != '"') {
    const auto byte = static_cast<unsigned char>(*p);
    if (byte < 0x20) return {p, "a control character in a string (write it as an escape, e.g. \\n)"};
    if (byte >= 0x80) {
      if (out.wide_first == nullptr) out.wide_first = p;
      out.wide_last = p;
    }
    if (byte != '\\') {
      ++p;
      continue;
    }
    out.escaped = true;
    if (end - p < 2) break;
    if (p[1] != 'u') {
      if (simple.find(p[1]) == std::string_view::npos) return {p, "an unknown escape in a string"};
      p += 2;
      continue;
    }
    const auto digits = std::string_view{p + 2, end}.substr(0, 4);
    if (digits.find('"') != std::string_view::npos) return {p, "an incomplete \\u escape"};
    if (digits.size() < 4) break;
    const int unit = hex4(p + 2);
    if (unit < 0) return {p, "a \\u escape without four hexadecimal digits"};
    const bool paired = is_high_surrogate(unit) && is_low_surrogate(unit_at(p + 6, end));
    const bool lone = (is_high_surrogate(unit) && !paired) || is_low_surrogate(unit);
    if (lone && policy == Policy::refused) return {p, "half of a surrogate pair"};
    p += paired ? 12 : 6;
  }
  if (p == end || *p != '"') return {quote, "a string that is never closed"};
  out.close = p;
  return {};
}

namespace {

StringEnd skip_bytes(const char* begin, const char* end, Policy policy) noexcept {
  StringEnd out;
  static_cast<void>(read_carefully(begin - 1, end, policy, out));
  return out;
}
bool always() noexcept { return true; }

#if defined(__x86_64__)

/// 64 bytes, one bit each.
struct Masks {
  std::uint64_t quotes;
  std::uint64_t backslashes;
  std::uint64_t special;  ///< control characters and non-ASCII: as signed numbers, all of them are below 0x20
};

// Escapable characters by their low nibble: a byte is one when byte | spread == wanted. 'b' and 'r' share theirs, so does the
// quote, which the caller has a mask of. A byte beyond ASCII looks up 0 twice, which is not what it is.
constexpr char none = '\xff';
alignas(16) constexpr std::array<char, 16> wanted{none, none, 'r',  none, 't',  none, 'f', none,
                                                  none, none, none, none, '\\', none, 'n', '/'};
alignas(16) constexpr std::array<char, 16> spread{0, 0, 0x10};

// NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast)
#define CARDEA_SSSE3 [[gnu::target("ssse3")]]
struct Ssse3 {
  CARDEA_SSSE3 static __m128i load(const char* p) noexcept { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
  CARDEA_SSSE3 static std::uint64_t bits(__m128i bytes, int part) noexcept {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(bytes))) << (16 * part);
  }
  CARDEA_SSSE3 static Masks classify(const char* p) noexcept {
    Masks out{};
    for (int part = 0; part < 4; ++part) {
      const auto v = load(p + 16 * part);
      out.quotes |= bits(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), part);
      out.backslashes |= bits(_mm_cmpeq_epi8(v, _mm_set1_epi8('\\')), part);
      out.special |= bits(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)), part);
    }
    return out;
  }
  CARDEA_SSSE3 static std::uint64_t wide(const char* p) noexcept {
    std::uint64_t out = 0;
    for (int part = 0; part < 4; ++part) out |= bits(load(p + 16 * part), part);
    return out;
  }
  CARDEA_SSSE3 static std::uint64_t escapable(const char* p) noexcept {
    std::uint64_t out = 0;
    for (int part = 0; part < 4; ++part) {
      const auto v = load(p + 16 * part);
      const auto spread_out = _mm_or_si128(v, _mm_shuffle_epi8(load(spread.data()), v));
      out |= bits(_mm_cmpeq_epi8(spread_out, _mm_shuffle_epi8(load(wanted.data()), v)), part);
    }
    return out;
  }
  CARDEA_SSSE3 static std::uint64_t equal(const char* p, char c) noexcept {
    std::uint64_t out = 0;
    for (int part = 0; part < 4; ++part) out |= bits(_mm_cmpeq_epi8(load(p + 16 * part), _mm_set1_epi8(c)), part);
    return out;
  }
  CARDEA_SSSE3 static std::uint64_t hex(const char* p) noexcept {
    std::uint64_t out = 0;
    for (int part = 0; part < 4; ++part) {
      const auto v = load(p + 16 * part);
      const auto digit = _mm_sub_epi8(v, _mm_set1_epi8('0'));
      const auto letter = _mm_sub_epi8(_mm_or_si128(v, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
      out |= bits(_mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit),
                               _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter)),
                  part);
    }
    return out;
  }
};

#define CARDEA_AVX2 [[gnu::target("avx2,bmi,bmi2,lzcnt,popcnt")]]
struct Avx2 {
  CARDEA_AVX2 static __m256i load(const char* p) noexcept { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  CARDEA_AVX2 static std::uint64_t bits(__m256i low, __m256i high) noexcept {
    const auto upper = static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm256_movemask_epi8(high)));
    return upper << 32 | static_cast<std::uint32_t>(_mm256_movemask_epi8(low));
  }
  CARDEA_AVX2 static Masks classify(const char* p) noexcept {
    const auto a = load(p);
    const auto b = load(p + 32);
    const auto quote = _mm256_set1_epi8('"');
    const auto backslash = _mm256_set1_epi8('\\');
    const auto space = _mm256_set1_epi8(0x20);
    return {bits(_mm256_cmpeq_epi8(a, quote), _mm256_cmpeq_epi8(b, quote)),
            bits(_mm256_cmpeq_epi8(a, backslash), _mm256_cmpeq_epi8(b, backslash)),
            bits(_mm256_cmpgt_epi8(space, a), _mm256_cmpgt_epi8(space, b))};
  }
  CARDEA_AVX2 static std::uint64_t wide(const char* p) noexcept { return bits(load(p), load(p + 32)); }
  CARDEA_AVX2 static std::uint64_t escapable(const char* p) noexcept { return bits(escapable(load(p)), escapable(load(p + 32))); }
  CARDEA_AVX2 static std::uint64_t equal(const char* p, char c) noexcept {
    return bits(_mm256_cmpeq_epi8(load(p), _mm256_set1_epi8(c)), _mm256_cmpeq_epi8(load(p + 32), _mm256_set1_epi8(c)));
  }
  CARDEA_AVX2 static std::uint64_t hex(const char* p) noexcept { return bits(hex(load(p)), hex(load(p + 32))); }

 private:
  CARDEA_AVX2 static __m256i escapable(__m256i v) noexcept {
    const auto want = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(wanted.data())));
    const auto more = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(spread.data())));
    return _mm256_cmpeq_epi8(_mm256_or_si256(v, _mm256_shuffle_epi8(more, v)), _mm256_shuffle_epi8(want, v));
  }
  CARDEA_AVX2 static __m256i hex(__m256i v) noexcept {
    const auto digit = _mm256_sub_epi8(v, _mm256_set1_epi8('0'));
    const auto letter = _mm256_sub_epi8(_mm256_or_si256(v, _mm256_set1_epi8(0x20)), _mm256_set1_epi8('a'));
    return _mm256_or_si256(_mm256_cmpeq_epi8(_mm256_min_epu8(digit, _mm256_set1_epi8(9)), digit),
                           _mm256_cmpeq_epi8(_mm256_min_epu8(letter, _mm256_set1_epi8(5)), letter));
  }
};

#define CARDEA_AVX512 [[gnu::target("avx512f,avx512bw,avx512vl,avx512vbmi2,avx2,bmi,bmi2,lzcnt,popcnt,evex512")]]
struct Avx512 {
  CARDEA_AVX512 static __m512i load(const char* p) noexcept { return _mm512_loadu_si512(p); }
  CARDEA_AVX512 static Masks classify(const char* p) noexcept {
    const auto v = load(p);
    return {_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"')), _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\')),
            _mm512_cmplt_epi8_mask(v, _mm512_set1_epi8(0x20))};
  }
  CARDEA_AVX512 static std::uint64_t wide(const char* p) noexcept { return _mm512_movepi8_mask(load(p)); }
  CARDEA_AVX512 static std::uint64_t escapable(const char* p) noexcept {
    const auto v = load(p);
    const auto want = _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(wanted.data())));
    const auto more = _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(spread.data())));
    return _mm512_cmpeq_epi8_mask(_mm512_or_si512(v, _mm512_shuffle_epi8(more, v)), _mm512_shuffle_epi8(want, v));
  }
  CARDEA_AVX512 static std::uint64_t equal(const char* p, char c) noexcept {
    return _mm512_cmpeq_epi8_mask(load(p), _mm512_set1_epi8(c));
  }
  CARDEA_AVX512 static std::uint64_t hex(const char* p) noexcept {
    const auto v = load(p);
    const auto letter = _mm512_sub_epi8(_mm512_or_si512(v, _mm512_set1_epi8(0x20)), _mm512_set1_epi8('a'));
    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8('0')), _mm512_set1_epi8(10)) |
           _mm512_cmplt_epu8_mask(letter, _mm512_set1_epi8(6));
  }
};
// NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)

/// The characters that are escaped. `carry`: 1 when the block before ended in a backslash that escapes; the same for the next
/// one.
[[gnu::always_inline]] inline std::uint64_t escaped_by(std::uint64_t backslashes, std::uint64_t& carry) noexcept {
  constexpr std::uint64_t odd_bits = 0xAAAA'AAAA'AAAA'AAAA;
  const auto starts = backslashes & ~carry;
  const auto runs = ((starts << 1 | odd_bits) - starts) ^ odd_bits;
  const auto escaped = runs ^ (backslashes | carry);
  carry = 0;
  if (backslashes >> 63 != 0) [[unlikely]]
    carry = runs >> 63;  // a branch, so that blocks need not wait for each other
  return escaped;
}

/// Are there both halves of each surrogate pair among the \u escapes whose first digit may be a D? `text`: of the block's first
/// bit; `second_half`: the backslash of the last low surrogate whose high half was seen. The same for the next block; nullptr:
/// no.
const char* paired(std::uint64_t candidates, const char* text, const char* end, const char* second_half) noexcept {
  for (; candidates != 0; candidates &= candidates - 1) {
    const char* const backslash = text + std::countr_zero(candidates) - 1;
    const int unit = unit_at(backslash, end);
    if (unit < 0) return nullptr;
    if (is_low_surrogate(unit) && second_half != backslash) return nullptr;
    if (!is_high_surrogate(unit)) continue;
    if (!is_low_surrogate(unit_at(backslash + 6, end))) return nullptr;
    second_half = backslash + 6;
  }
  return second_half;
}

/// Are the digits of the \u escapes there? A closing quote among them is no digit. `carry`: the digits that the block before
/// wants here; the same for the next one.
template <class Block>
[[gnu::always_inline]] inline bool have_digits(const char* block, std::uint64_t unicode, std::uint64_t& carry) noexcept {
  const auto digits = carry | unicode << 1 | unicode << 2 | unicode << 3 | unicode << 4;
  carry = unicode >> 63 | unicode >> 62 | unicode >> 61 | unicode >> 60;
  return (digits & ~Block::hex(block)) == 0;
}

/// The \u escapes whose first digit is a D, or in the next block.
template <class Block>
[[gnu::always_inline]] inline std::uint64_t maybe_surrogates(const char* block, std::uint64_t unicode) noexcept {
  return unicode & ((Block::equal(block, 'd') | Block::equal(block, 'D')) >> 1 | std::uint64_t{1} << 63);
}

/// A string on its way, block by block.
template <class Block>
class Walk {
 public:
  Walk(const char* end, Policy policy) noexcept : end_{end}, policy_{policy} {}

  /// The string ended, by its closing quote or by something that must not be there. `block`: the bytes of `text`, or a copy.
  [[gnu::always_inline]] inline bool ends_in(const Masks& masks, const char* block, const char* text) noexcept {
    const auto [quotes, backslashes, special] = masks;
    const auto escaped = escaped_by(backslashes, escape_);
    const auto closing = quotes & ~escaped;
    const auto inside = (closing & -closing) - 1;
    if ((special & inside) != 0 && !only_wide(special & inside, block, text)) return true;
    backslashes_ |= backslashes & inside;
    const auto others = escaped & inside & ~(Block::escapable(block) | quotes);
    if ((others | digits_) != 0) {
      if ((others & ~Block::equal(block, 'u')) != 0) return true;
      if (!have_digits<Block>(block, others, digits_)) return true;
      const auto halves = policy_ == Policy::refused ? maybe_surrogates<Block>(block, others) : 0;
      if (halves != 0) {
        second_half_ = paired(halves, text, end_, second_half_);
        if (second_half_ == nullptr) return true;
      }
    }
    if (closing == 0) return false;
    close_ = text + std::countr_zero(closing);
    return true;
  }
  /// Is what is special non-ASCII, and no control character? Notes it.
  [[gnu::always_inline]] inline bool only_wide(std::uint64_t special, const char* block, const char* text) noexcept {
    if ((Block::wide(block) & special) != special) return false;
    if (wide_first_ == nullptr) wide_first_ = text + std::countr_zero(special);
    wide_last_ = text + 63 - std::countl_zero(special);
    return true;
  }
  [[nodiscard]] bool carries() const noexcept { return (escape_ | digits_) != 0; }
  [[nodiscard]] StringEnd end() const noexcept { return {close_, wide_first_, wide_last_, backslashes_ != 0}; }

 private:
  const char* end_;
  Policy policy_;
  std::uint64_t escape_ = 0;  // from block to block
  std::uint64_t digits_ = 0;
  std::uint64_t backslashes_ = 0;
  const char* second_half_ = "";  // see paired(); not nullptr
  const char* close_ = nullptr;
  const char* wide_first_ = nullptr;
  const char* wide_last_ = nullptr;
};

template <class Block>
[[gnu::always_inline]] inline StringEnd skip_blocks(const char* text, const char* end, Policy policy) noexcept {
  Walk<Block> walk{end, policy};
  if (end - text >= 64) {  // most strings end here
    if (walk.ends_in(Block::classify(text), text, text)) return walk.end();
    text += 64;
  }
  for (; end - text >= 128; text += 128) {
    const auto a = Block::classify(text);
    const auto b = Block::classify(text + 64);
    if ((a.quotes | a.backslashes | b.quotes | b.backslashes) == 0 && !walk.carries()) {
      if (a.special != 0 && !walk.only_wide(a.special, text, text)) return walk.end();
      if (b.special != 0 && !walk.only_wide(b.special, text + 64, text + 64)) return walk.end();
      continue;
    }
    if (walk.ends_in(a, text, text) || walk.ends_in(b, text + 64, text + 64)) return walk.end();
  }
  // The last bytes, with zeros behind them: control characters, so that nothing goes on there.
  alignas(64) std::array<char, 128> last;
  last.fill('\0');
  std::copy(text, end, last.data());
  for (const char* block = last.data(); !walk.ends_in(Block::classify(block), block, text); text += 64) block += 64;
  return walk.end();
}

CARDEA_SSSE3 StringEnd skip_ssse3(const char* begin, const char* end, Policy policy) noexcept {
  return skip_blocks<Ssse3>(begin, end, policy);
}
CARDEA_AVX2 StringEnd skip_avx2(const char* begin, const char* end, Policy policy) noexcept {
  return skip_blocks<Avx2>(begin, end, policy);
}
CARDEA_AVX512 StringEnd skip_avx512(const char* begin, const char* end, Policy policy) noexcept {
  return skip_blocks<Avx512>(begin, end, policy);
}

bool has_ssse3() noexcept { return __builtin_cpu_supports("ssse3"); }
bool has_avx2() noexcept {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}
/// Ice Lake, Zen 4 and later: those before slow down when they see 64-byte vectors.
bool has_avx512() noexcept { return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2") && has_avx2(); }

#endif  // x86_64

constexpr StringKernel kernels[] = {
#if defined(__x86_64__)
    {"avx512", has_avx512, skip_avx512},
    {"avx2", has_avx2, skip_avx2},
    {"ssse3", has_ssse3, skip_ssse3},
#endif
    {"bytes", always, skip_bytes},
};

}  // namespace

std::span<const StringKernel> string_kernels() noexcept { return kernels; }

const StringKernel& best_string_kernel() noexcept {
  static const StringKernel& best = *std::ranges::find_if(kernels, [](const auto& kernel) { return kernel.usable(); });
  return best;
}

}  // namespace cardea::json
