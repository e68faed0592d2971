#include "tokens/pieces.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdexcept>

namespace cardea::tokens {
namespace {

// Unicode's White_Space, which is what \s means to tiktoken; PCRE2's own has U+180E as well.
#define SPACE R"(\x09-\x0D\x20\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})"
#define UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define SHORT R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"

// What the two encodings are defined by (tiktoken_ext/openai_public.py). The last alternative of each leaves nothing over.
constexpr std::string_view cl100k_pattern = R"('(?i:[sdmt]|ll|ve|re))"
                                            R"(|[^\r\n\p{L}\p{N}]?+\p{L}++)"
                                            R"(|\p{N}{1,3}+)"
                                            R"(| ?[^)" SPACE R"(\p{L}\p{N}]++[\r\n]*+)"
                                            R"(|[)" SPACE R"(]++\z)"
                                            R"(|[)" SPACE R"(]*[\r\n])"
                                            R"(|[)" SPACE R"(]+(?![^)" SPACE R"(]))"
                                            R"(|[)" SPACE R"(])";
constexpr std::string_view o200k_pattern =
    R"([^\r\n\p{L}\p{N}]?)" UPPER "*" LOWER "+" SHORT R"(|[^\r\n\p{L}\p{N}]?)" UPPER "+" LOWER "*" SHORT R"(|\p{N}{1,3})"
    R"(| ?[^)" SPACE R"(\p{L}\p{N}]+[\r\n/]*)"
    R"(|[)" SPACE R"(]*[\r\n]+)"
    R"(|[)" SPACE R"(]+(?![^)" SPACE R"(]))"
    R"(|[)" SPACE R"(]+)";
#undef SPACE
#undef UPPER
#undef LOWER
#undef SHORT

PCRE2_SPTR units(std::string_view text) noexcept { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

}  // namespace

struct Pieces::Compiled {
  pcre2_code* code = nullptr;
  pcre2_match_data* match = nullptr;

  ~Compiled() {
    pcre2_match_data_free(match);
    pcre2_code_free(code);
  }
};

Pieces::Pieces(Encoding encoding) : compiled_{std::make_unique<Compiled>()} {
  const std::string_view pattern = encoding == Encoding::cl100k_base ? cl100k_pattern : o200k_pattern;
  int error = 0;
  PCRE2_SIZE place = 0;
  compiled_->code = pcre2_compile(units(pattern), pattern.size(), PCRE2_UTF | PCRE2_ANCHORED, &error, &place, nullptr);
  if (compiled_->code == nullptr) throw std::logic_error{"a tokenizer's pattern does not compile"};
  // Where memory may not be made executable, pcre2_match() goes the slow way by itself.
  static_cast<void>(pcre2_jit_compile(compiled_->code, PCRE2_JIT_COMPLETE));
  compiled_->match = pcre2_match_data_create(1, nullptr);
  if (compiled_->match == nullptr) throw std::bad_alloc{};
}

Pieces::~Pieces() = default;

std::size_t Pieces::well_formed(std::string_view text) {
  // Matching checks all of the text first; it is anchored, so that the match itself is one piece.
  const int found = pcre2_match(compiled_->code, units(text), text.size(), 0, 0, compiled_->match, nullptr);
  const bool bad = found <= PCRE2_ERROR_UTF8_ERR1 && found >= PCRE2_ERROR_UTF8_ERR21;
  return bad ? pcre2_get_startchar(compiled_->match) : text.size();
}

std::size_t Pieces::next(std::string_view text, std::size_t start) {
  const int found = pcre2_match(compiled_->code, units(text), text.size(), start, PCRE2_NO_UTF_CHECK, compiled_->match, nullptr);
  // The patterns leave nothing over and need no memory that grows; a byte for a piece keeps a fault of that from hanging.
  return found > 0 ? pcre2_get_ovector_pointer(compiled_->match)[1] - start : 1;
}

}  // namespace cardea::tokens
