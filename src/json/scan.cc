// One pass: scalar code walks the few tokens of structure, strings are skipped by vectors (scan_strings.h), where the bytes are.
// What is not ASCII goes to simdjson's UTF-8 check. Every error is found again by careful code that knows its place and its
// words.

#include "json/scan.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/text.h"
#include "json/keys.h"
#include "json/scan_strings.h"
#include "json/utf8.h"

namespace cardea::json {
namespace {

/// Characters that may follow a number or a literal.
constexpr auto ends_scalar = [] {
  std::array<bool, 256> table{};
  for (const char c : {' ', '\t', '\n', '\r', ',', ':', ']', '}', '[', '{'}) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_bracket(char c) noexcept { return c == '}' || c == ']'; }

}  // namespace

/// Reads a text whose last byte is a closing bracket, or that has a zero behind its end: so no look ahead needs a bound, because
/// nothing but a container's end takes that byte. Functions take and return the place they read at; nullptr is failure.
class Scanner {
 public:
  enum class Notes : std::uint8_t { outline, everything };

  Scanner(std::string_view text, const ScanOptions& options, Members& out, Notes notes)
      : text_{text.data()},
        end_{text.data() + text.size()},
        options_{options},
        out_{out},
        kernel_{options.kernel != nullptr ? *options.kernel : best_string_kernel()},
        noted_max_{notes == Notes::everything ? std::numeric_limits<std::uint32_t>::max() : options.max_noted},
        note_depth_least_{notes == Notes::everything ? depth_limit : 1},
        note_depth_{note_depth_least_} {}

  Status run();
  [[nodiscard]] Type type() const noexcept { return type_; }

 private:
  /// Notes a problem to be reported; keeps the walk free of error values.
  [[gnu::noinline]] const char* refuse(const char* at, std::string_view problem) {
    problem_at_ = at;
    problem_ = problem;
    return nullptr;
  }
  const char* refuse_token(const char* at, std::string_view expected) {
    return refuse(at, at < end_ ? expected : std::string_view{"the text ends too early"});
  }
  [[nodiscard]] std::unexpected<Error> explain() const;

  const char* walk(const char* p);
  const char* skip_space(const char* p) const noexcept { return static_cast<unsigned char>(*p) > ' ' ? p : skip_spaces(p); }
  [[gnu::noinline]] const char* skip_spaces(const char* p) const noexcept;
  const char* read_key(const char* p);
  const char* read_scalar(const char* p);
  const char* open(const char* p);
  const char* close_values(const char* p);
  const char* skip_string(const char* quote);
  [[gnu::noinline]] const char* skip_wide_string(const char* quote);
  [[gnu::noinline]] const char* skip_long_string(const char* quote, const char* from);
  const char* skip_number(const char* p);
  const char* skip_literal(const char* p, std::string_view literal);
  const char* refuse_value(const char* p);
  bool take_wide(const char* first, const char* last);
  bool check_wide();

  [[nodiscard]] bool noting() const noexcept { return depth_ - 1 < note_depth_; }
  bool note_key(const char* begin, const char* end);
  [[gnu::noinline]] void unescape_key(Member& member);
  [[gnu::noinline]] bool outlined(std::string_view key) const noexcept;
  Member* note(Type type, const char* begin, const char* end);
  [[nodiscard]] std::uint32_t offset(const char* p) const noexcept { return static_cast<std::uint32_t>(p - text_); }
  [[nodiscard]] static std::uint32_t length(const char* begin, const char* end) noexcept {
    return static_cast<std::uint32_t>(end - begin);
  }

  static constexpr std::uint32_t depth_limit = 255;
  const char* text_;
  const char* end_;
  const ScanOptions& options_;
  Members& out_;
  const StringKernel& kernel_;
  std::uint32_t noted_max_;
  std::uint32_t depth_ = 0;         ///< containers open: members of the top-level object are at 1
  std::uint32_t note_depth_least_;  ///< outside of what is outlined
  std::uint32_t note_depth_;        ///< values at this depth or above are noted
  char closer_ = '\0';              ///< the bracket that ends the innermost open container
  bool escaped_ = false;            ///< the last string read contains a backslash
  Type type_ = Type::null;
  std::array<std::uint64_t, 4> objects_{};            ///< bit d: the container whose members are at depth d is an object
  std::array<std::uint32_t, depth_limit + 1> noted_;  ///< by depth: index of the open container's note; set when it opens
  const char* wide_first_ = nullptr;                  ///< non-ASCII that is not checked yet
  const char* wide_last_ = nullptr;
  const char* problem_at_ = nullptr;
  std::string_view problem_;
};

std::unexpected<Error> Scanner::explain() const {
  std::uint32_t line = 1;
  const char* line_start = text_;
  for (const char* p = text_; p != problem_at_; ++p) {
    if (*p != '\n') continue;
    ++line;
    line_start = p + 1;
  }
  return fail(options_.error_kind, cat(options_.what, " is not valid JSON: ", problem_, " at byte ", offset(problem_at_),
                                       " (line ", line, ", column ", problem_at_ - line_start + 1, ")"));
}

#if defined(__SSE2__)
inline unsigned spaces_among(__m128i bytes) noexcept {
  const auto is = [&](char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
  return static_cast<unsigned>(
      _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(is(' '), is('\n')), _mm_or_si128(is('\t'), is('\r')))));
}
#endif

/// `p` is at a space, at something that cannot be, or at the end. Indented texts are half white space.
const char* Scanner::skip_spaces(const char* p) const noexcept {
  if (p != end_ && is_space(*p)) ++p;
#if defined(__SSE2__)
  while (end_ - p >= 16 && is_space(*p)) {
    const auto spaces = spaces_among(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));  // NOLINT
    if (spaces == 0xFFFF) {
      p += 16;
      continue;
    }
    return p + std::countr_one(spaces);
  }
#endif
  while (p != end_ && is_space(*p)) ++p;
  return p;
}

/// Notes non-ASCII to be checked, together with what is near: a call for each short string would cost more than the bytes
/// between.
bool Scanner::take_wide(const char* first, const char* last) {
  constexpr std::ptrdiff_t near = 128;
  if (wide_first_ != nullptr && first - wide_last_ > near && !check_wide()) return false;
  if (wide_first_ == nullptr) wide_first_ = first;
  wide_last_ = last;
  return true;
}

bool Scanner::check_wide() {
  if (wide_first_ == nullptr) return true;
  std::string_view wide{wide_first_, wide_last_ + 1};
  wide_first_ = nullptr;
  if (simdjson::validate_utf8(wide.data(), wide.size())) return true;
  for (auto length = utf8_length(wide); length != 0; length = utf8_length(wide)) wide.remove_prefix(length);
  refuse(wide.data(), "invalid UTF-8");
  return false;
}

/// Behind the closing quote. `from`: there is nothing but plain characters before it.
const char* Scanner::skip_long_string(const char* quote, const char* from) {
  const auto policy = options_.lone_surrogate;
  auto found = kernel_.skip(from, end_, policy);
  if (found.close == nullptr) [[unlikely]] {
    found = {};
    const auto fault = read_carefully(quote, end_, policy, found);
    if (found.wide_first != nullptr && !take_wide(found.wide_first, found.wide_last)) return nullptr;
    if (!fault.problem.empty()) return refuse(fault.at, fault.problem);
  } else if (found.wide_first != nullptr && !take_wide(found.wide_first, found.wide_last)) {
    return nullptr;
  }
  escaped_ = found.escaped;
  return found.close + 1;
}

#if defined(__SSE2__)
/// Quotes, backslashes, control characters and non-ASCII among 16 bytes, one bit each.
[[gnu::always_inline]] inline unsigned not_plain(const char* p) noexcept {
  const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));  // NOLINT
  const auto ends = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
  const auto special = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));  // control characters and, as they are signed, non-ASCII
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(ends, special)));
}
#endif

#if defined(__SSE2__)
/// Behind the closing quote, for a string with non-ASCII: short ones are not worth a kernel's start.
const char* Scanner::skip_wide_string(const char* quote) {
  constexpr std::ptrdiff_t longest = 64;
  const char* first = nullptr;
  const char* last = nullptr;
  for (const char* p = quote + 1; end_ - p >= 16 && p - quote < longest; p += 16) {
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));  // NOLINT
    const auto control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
    const auto stops = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')), control);
    const auto quotes = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'))));
    const auto inside = quotes ^ (quotes - 1);  // up to the first quote, or all
    if ((static_cast<unsigned>(_mm_movemask_epi8(stops)) & inside) != 0) break;
    const auto wide = static_cast<unsigned>(_mm_movemask_epi8(bytes)) & inside;
    if (wide != 0) {
      if (first == nullptr) first = p + std::countr_zero(wide);
      last = p + 31 - std::countl_zero(wide);
    }
    if (quotes == 0) continue;
    if (!take_wide(first, last)) return nullptr;
    escaped_ = false;
    return p + std::countr_zero(quotes) + 1;
  }
  return skip_long_string(quote, quote + 1);
}
#endif

/// Behind the closing quote. Most strings are short and plain: a step or two.
[[gnu::always_inline]] inline const char* Scanner::skip_string(const char* quote) {
  const char* p = quote + 1;
#if defined(__SSE2__)
  unsigned mask = 0;
  if (end_ - p >= 16) [[likely]] {
    mask = not_plain(p);
    if (mask == 0) {
      p += 16;
      if (end_ - p >= 16) mask = not_plain(p);
    }
  } else if (end_ - text_ >= 16) {
    mask = not_plain(end_ - 16) >> (16 - (end_ - p));
  }
  if (mask != 0) {
    p += __builtin_ctz(mask);
    if (*p == '"') {
      escaped_ = false;
      return p + 1;
    }
    if (static_cast<signed char>(*p) < 0) return skip_wide_string(quote);
  }
#endif
  return skip_long_string(quote, p);
}

/// Behind the number. `p` is at a digit or a minus.
[[gnu::always_inline]] inline const char* Scanner::skip_number(const char* p) {
  const char* const begin = p;
  if (*p == '-') ++p;
  if (!is_digit(*p)) return refuse(begin, "a malformed number");
  if (*p++ != '0') {
    while (is_digit(*p)) ++p;
  }
  if (*p == '.') {
    if (!is_digit(*++p)) return refuse(begin, "a malformed number");
    while (is_digit(*p)) ++p;
  }
  if ((*p | 0x20) == 'e') {
    ++p;
    if (*p == '+' || *p == '-') ++p;
    if (!is_digit(*p)) return refuse(begin, "a malformed number");
    while (is_digit(*p)) ++p;
  }
  if (!ends_scalar[static_cast<unsigned char>(*p)] && p != end_) return refuse(begin, "a malformed number");
  return p;
}

[[gnu::always_inline]] inline const char* Scanner::skip_literal(const char* p, std::string_view literal) {
  const auto left = static_cast<std::size_t>(end_ - p);
  const char* const end = p + literal.size();
  if (left < literal.size() || std::memcmp(p, literal.data(), literal.size()) != 0 ||
      (!ends_scalar[static_cast<unsigned char>(*end)] && end != end_)) {
    return refuse(p, "an unknown word (true, false and null are the words of JSON)");
  }
  return end;
}

bool Scanner::outlined(std::string_view key) const noexcept {
  for (const auto name : options_.outline) {
    if (same_key(name, key)) return true;
  }
  return false;
}

/// A member's note begins with its key; note() completes it.
[[gnu::always_inline]] inline bool Scanner::note_key(const char* begin, const char* end) {
  if (out_.nodes_.size() >= noted_max_) {
    refuse(begin, "too many members");
    return false;
  }
  Member& member = out_.nodes_.extend();
  member.key = {begin + 1, end - 1};
  member.key_span = {offset(begin), length(begin, end)};
  if (escaped_) [[unlikely]]
    unescape_key(member);
  if (depth_ == 1) note_depth_ = outlined(member.key) ? 3 : note_depth_least_;
  return true;
}

void Scanner::unescape_key(Member& member) {
  auto& text = out_.unescaped_.emplace_front();
  unescape({text_ + member.key_span.offset, member.key_span.length}, text);
  member.key = text;
}

/// Requires noting().
[[gnu::always_inline]] inline Member* Scanner::note(Type type, const char* begin, const char* end) {
  if (closer_ == ']') {
    if (out_.nodes_.size() >= noted_max_) {
      refuse(begin, "too many members");
      return nullptr;
    }
    Member& element = out_.nodes_.extend();
    element.key = {};
    element.key_span = {};
  }
  Member& member = out_.nodes_.back();
  member.value = {offset(begin), length(begin, end)};
  member.next = static_cast<std::uint32_t>(out_.nodes_.size());
  member.type = type;
  member.escaped = type == Type::string && escaped_;
  return &member;
}

/// The place of the member's value.
[[gnu::always_inline]] inline const char* Scanner::read_key(const char* p) {
  if (*p != '"') return refuse_token(p, "a member's name in double quotes is expected");
  const char* const end = skip_string(p);
  if (end == nullptr || (noting() && !note_key(p, end))) return nullptr;
  p = skip_space(end);
  if (*p != ':') return refuse_token(p, "':' is expected after a member's name");
  return skip_space(p + 1);
}

const char* Scanner::refuse_value(const char* p) {
  if (depth_ == 0 && std::string_view{p, end_}.starts_with("\xEF\xBB\xBF")) {
    return refuse(p, "a byte order mark, which JSON must not have,");
  }
  return refuse_token(p, "a value is expected");
}

/// Behind the value.
[[gnu::always_inline]] inline const char* Scanner::read_scalar(const char* p) {
  Type type = Type::string;
  const char* end = nullptr;
  switch (*p) {
    case '"': end = skip_string(p); break;
    case 't':
    case 'f':
      type = Type::boolean;
      end = skip_literal(p, *p == 't' ? "true" : "false");
      break;
    case 'n':
      type = Type::null;
      end = skip_literal(p, "null");
      break;
    default:
      if (*p != '-' && !is_digit(*p)) return refuse_value(p);
      type = Type::number;
      end = skip_number(p);
  }
  if (end == nullptr) return nullptr;
  if (depth_ == 0) type_ = type;
  return !noting() || note(type, p, end) != nullptr ? end : nullptr;
}

/// The place of the container's first token.
[[gnu::always_inline]] inline const char* Scanner::open(const char* p) {
  const bool object = *p == '{';
  const auto type = object ? Type::object : Type::array;
  if (noting()) {
    if (note(type, p, p) == nullptr) return nullptr;
    noted_[depth_] = static_cast<std::uint32_t>(out_.nodes_.size()) - 1;
  }
  if (depth_ == 0) type_ = type;
  if (depth_ >= std::min(options_.max_depth, depth_limit)) return refuse(p, "too many levels of arrays and objects");
  ++depth_;
  const auto bit = std::uint64_t{1} << (depth_ & 63);
  auto& word = objects_[depth_ >> 6];
  word = object ? word | bit : word & ~bit;
  closer_ = object ? '}' : ']';
  return skip_space(p + 1);
}

/// Behind a value, or at the bracket of an empty container: closes containers as far as they end here. The place of the next
/// member, or the end of the top-level value.
[[gnu::always_inline]] inline const char* Scanner::close_values(const char* p) {
  while (depth_ != 0) {
    if (p == end_) return refuse_token(p, {});
    p = skip_space(p);
    if (*p == ',') return skip_space(p + 1);
    if (*p != closer_) return refuse_token(p, closer_ == '}' ? "',' or '}' is expected" : "',' or ']' is expected");
    ++p;
    --depth_;
    closer_ = (objects_[depth_ >> 6] >> (depth_ & 63) & 1) != 0 ? '}' : ']';
    if (noting()) {
      auto& member = out_.nodes_[noted_[depth_]];
      member.value.length = offset(p) - member.value.offset;
      member.next = static_cast<std::uint32_t>(out_.nodes_.size());
    }
  }
  return p;
}

/// From the top-level value to its end. One function with all the small ones inside: a member costs some eighty instructions.
const char* Scanner::walk(const char* p) {
  for (;;) {
    if (closer_ == '}') p = read_key(p);
    if (p == nullptr) return nullptr;
    if (*p == '{' || *p == '[') {
      p = open(p);
      if (p == nullptr) return nullptr;
      if (*p != closer_) continue;  // not empty
    } else {
      p = read_scalar(p);
      if (p == nullptr) return nullptr;
    }
    p = close_values(p);
    if (p == nullptr || depth_ == 0) return p;
  }
}

Status Scanner::run() {
  const char* p = walk(skip_space(text_));
  if (!check_wide() || p == nullptr) return explain();
  p = skip_spaces(p);
  if (p == end_) return {};
  refuse(p, "more text after the end of the value");
  return explain();
}

namespace {

Result<Type> scan_any(std::string_view text, const ScanOptions& options, Members& out,
                      Scanner::Notes notes = Scanner::Notes::outline) {
  if (text.size() >= std::numeric_limits<std::uint32_t>::max()) {
    return fail(Kind::too_large, cat(options.what, " is larger than 4 GiB"));
  }
  auto size = text.size();
  while (size != 0 && is_space(text[size - 1])) --size;
  if (size == 0) return fail(options.error_kind, cat(options.what, " is empty; a JSON object is expected"));
  std::string ended;  // the text with a zero behind it, where no bracket ends it: a scalar, or an error
  if (!is_bracket(text[size - 1])) {
    ended = text;
    text = ended;
  } else {
    text = text.substr(0, size);
  }
  Scanner scanner{text, options, out, notes};
  auto status = scanner.run();
  if (!status) return fail_with(status);
  return scanner.type();
}

}  // namespace

Status scan(std::string_view text, const ScanOptions& options, Members& out) {
  out.reset(text, options.error_kind);
  auto type = scan_any(text, options, out);
  if (type && *type == Type::object) return {};
  out.reset(text, options.error_kind);
  if (!type) return fail_with(type);
  return fail(options.error_kind, cat(options.what, " must be a JSON object, not ", describe(*type)));
}

Result<Members> scan(std::string_view text, const ScanOptions& options) {
  Result<Members> result{std::in_place};
  auto status = scan(text, options, *result);
  if (!status) result = fail_with(status);
  return result;
}

Result<Type> validate(std::string_view text, const ScanOptions& options) {
  Members unused;
  ScanOptions bare = options;
  bare.outline = {};
  return scan_any(text, bare, unused);
}

Result<Type> note_everything(std::string_view text, const ScanOptions& options, Members& out) {
  out.reset(text, options.error_kind);
  ScanOptions bare = options;
  bare.outline = {};
  return scan_any(text, bare, out, Scanner::Notes::everything);
}

void unescape(std::string_view raw, std::string& out) {
  const char* p = raw.data() + 1;
  const char* const end = raw.data() + raw.size() - 1;
  while (p < end) {
    const auto* backslash = static_cast<const char*>(std::memchr(p, '\\', static_cast<std::size_t>(end - p)));
    const char* const stop = backslash != nullptr ? backslash : end;
    out.append(p, stop);
    if (stop == end) break;
    p = stop + 2;
    switch (stop[1]) {
      case 'b': out.push_back('\b'); break;
      case 'f': out.push_back('\f'); break;
      case 'n': out.push_back('\n'); break;
      case 'r': out.push_back('\r'); break;
      case 't': out.push_back('\t'); break;
      case 'u': {
        const int unit = hex4(p);
        p += 4;
        auto code_point = static_cast<std::uint32_t>(unit);
        if (is_high_surrogate(unit) && end - p >= 6 && p[0] == '\\' && p[1] == 'u' && is_low_surrogate(hex4(p + 2))) {
          code_point = 0x10000 + ((code_point - 0xD800) << 10) + (static_cast<std::uint32_t>(hex4(p + 2)) - 0xDC00);
          p += 6;
        }
        append_utf8(out, code_point);
        break;
      }
      default: out.push_back(stop[1]);
    }
  }
}

}  // namespace cardea::json
