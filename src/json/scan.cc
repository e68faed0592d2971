// simdjson's first stage finds the structural characters and checks UTF-8, control characters and open strings at memory speed;
// its second stage would build a tape. Ours walks the structural characters once, checks the grammar, and notes a few members.

#include "json/scan.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/text.h"
#include "json/utf8.h"

namespace cardea::json {
namespace {

/// Characters that may follow a number or a literal. Not the quote: directly behind a scalar it is no structural character.
constexpr auto ends_scalar = [] {
  std::array<bool, 256> table{};
  for (const char c : {' ', '\t', '\n', '\r', ',', ':', ']', '}', '[', '{'}) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// The code unit of four hexadecimal digits, or -1.
int hex4(const char* p) noexcept {
  const int a = hex_value(p[0]);
  const int b = hex_value(p[1]);
  const int c = hex_value(p[2]);
  const int d = hex_value(p[3]);
  return (a | b | c | d) < 0 ? -1 : a << 12 | b << 8 | c << 4 | d;
}
constexpr bool is_high_surrogate(int unit) noexcept { return unit >= 0xD800 && unit <= 0xDBFF; }
constexpr bool is_low_surrogate(int unit) noexcept { return unit >= 0xDC00 && unit <= 0xDFFF; }

/// simdjson's work space: four bytes per byte of text (touched only as far as there are structural characters), so a large one is
/// given back.
class Stage1 {
 public:
  [[nodiscard]] simdjson::error_code run(std::string_view text) {
    if (text.empty()) return simdjson::EMPTY;
    if (!parser_ || parser_->capacity() < text.size()) {
      const std::size_t capacity = std::max(smallest, text.size());
      const auto error = parser_ ? parser_->set_capacity(capacity)
                                 : simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, parser_);
      if (error != simdjson::SUCCESS) return error;
    }
    return parser_->stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), simdjson::stage1_mode::regular);
  }
  [[nodiscard]] const std::uint32_t* begin() const noexcept { return parser_->structural_indexes.get(); }
  [[nodiscard]] std::size_t count() const noexcept { return parser_->n_structural_indexes; }
  void give_back() noexcept {
    if (parser_ && parser_->capacity() > kept) parser_.reset();
  }

 private:
  static constexpr std::size_t smallest = 64 * 1024;
  static constexpr std::size_t kept = 1024 * 1024;
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser_;
};

Stage1& stage1() {
  thread_local Stage1 instance;
  return instance;
}

}  // namespace

class Scanner {
 public:
  Scanner(std::string_view text, const ScanOptions& options, Members& out)
      : text_{text.data()}, size_{static_cast<std::uint32_t>(text.size())}, options_{options}, out_{out} {}

  Status run(const std::uint32_t* indexes, std::size_t count);
  /// The error of the first stage, with its place.
  [[nodiscard]] std::unexpected<Error> explain(simdjson::error_code error) const;
  [[nodiscard]] std::unexpected<Error> fail_at(std::uint32_t at, std::string_view problem) const;
  [[nodiscard]] Type type() const noexcept { return type_; }

 private:
  struct Token {
    std::uint32_t end = 0;  ///< behind the token
    bool escaped = false;
  };
  enum class Step : std::uint8_t { more, done, failed };

  [[nodiscard]] std::uint32_t position() const noexcept { return *at_; }
  [[nodiscard]] char peek() const noexcept { return *at_ < size_ ? text_[*at_] : '\0'; }
  /// Notes a problem to be reported; keeps the walk free of error values.
  bool refuse(std::uint32_t at, std::string_view problem) {
    problem_at_ = at;
    problem_ = problem;
    return false;
  }
  bool refuse_token(std::string_view expected);

  bool read_key();
  bool read_value();
  bool open(Type type);
  Step close_values();
  bool scalar(Type type, const Token& token, std::uint32_t begin);
  bool check_string(std::uint32_t begin, Token& token);
  bool check_escapes(std::uint32_t end);
  bool check_unicode_escape(std::uint32_t at, std::uint32_t end, std::uint32_t& length);
  bool check_number(std::uint32_t begin, Token& token);
  bool check_literal(std::uint32_t begin, std::string_view literal, Token& token);
  [[nodiscard]] std::uint32_t find_backslash(std::uint32_t from) const noexcept;

  [[nodiscard]] bool in_object() const noexcept { return (objects_[depth_ >> 6] >> (depth_ & 63) & 1) != 0; }
  [[nodiscard]] bool noting() const noexcept { return depth_ != 0 && depth_ <= note_depth_; }
  bool note(Type type, std::uint32_t begin, std::uint32_t end, bool escaped);
  void set_key(std::uint32_t begin, const Token& token);

  static constexpr std::uint32_t depth_limit = 255;
  const char* text_;
  std::uint32_t size_;
  const ScanOptions& options_;
  Members& out_;
  const std::uint32_t* at_ = nullptr;
  const std::uint32_t* end_ = nullptr;
  std::uint32_t depth_ = 0;       ///< containers open: members of the top-level object are at 1
  std::uint32_t note_depth_ = 1;  ///< values at this depth or above are noted
  std::uint32_t next_backslash_ = 0;
  std::array<std::uint64_t, 4> objects_{};  ///< bit d: the container whose members are at depth d is an object
  std::array<std::uint32_t, 4> noted_{};    ///< by depth: index of the open container's note
  std::string_view key_;
  Span key_span_;
  Type type_ = Type::null;
  std::uint32_t problem_at_ = 0;
  std::string_view problem_;
};

std::unexpected<Error> Scanner::fail_at(std::uint32_t at, std::string_view problem) const {
  std::uint32_t line = 1;
  std::uint32_t line_start = 0;
  for (std::uint32_t i = 0; i < at; ++i) {
    if (text_[i] != '\n') continue;
    ++line;
    line_start = i + 1;
  }
  return fail(options_.error_kind, cat(options_.what, " is not valid JSON: ", problem, " at byte ", at, " (line ", line,
                                       ", column ", at - line_start + 1, ")"));
}

std::unexpected<Error> Scanner::explain(simdjson::error_code error) const {
  const std::string_view text{text_, size_};
  switch (error) {
    case simdjson::EMPTY: return fail(options_.error_kind, cat(options_.what, " is empty; a JSON object is expected"));
    case simdjson::CAPACITY: return fail(Kind::too_large, cat(options_.what, " is larger than 4 GiB"));
    case simdjson::MEMALLOC: return fail(Kind::unavailable, "out of memory");
    case simdjson::UTF8_ERROR: {
      std::uint32_t at = 0;
      while (at < size_) {
        const auto length = utf8_length(text.substr(at));
        if (length == 0) break;
        at += static_cast<std::uint32_t>(length);
      }
      return fail_at(at, "invalid UTF-8");
    }
    default: break;
  }
  // An open string or a control character inside one: follow the quotes.
  std::uint32_t opened = size_;
  for (std::uint32_t i = 0; i < size_; ++i) {
    const char c = text_[i];
    if (opened == size_) {
      if (c == '"') opened = i;
    } else if (c == '\\') {
      ++i;
    } else if (c == '"') {
      opened = size_;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      return fail_at(i, "a control character in a string (write it as an escape, e.g. \\n)");
    }
  }
  return fail_at(opened, "a string that is never closed");
}

std::uint32_t Scanner::find_backslash(std::uint32_t from) const noexcept {
  std::uint32_t i = from;
#if defined(__SSE2__)
  const __m128i wanted = _mm_set1_epi8('\\');
  for (; size_ - i >= 16; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text_ + i));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted)));
    if (mask != 0) return i + static_cast<std::uint32_t>(__builtin_ctz(mask));
  }
#endif
  for (; i < size_; ++i) {
    if (text_[i] == '\\') return i;
  }
  return size_;
}

bool Scanner::check_unicode_escape(std::uint32_t at, std::uint32_t end, std::uint32_t& length) {
  if (end - at < 6) return refuse(at, "an incomplete \\u escape");
  const int unit = hex4(text_ + at + 2);
  if (unit < 0) return refuse(at, "a \\u escape without four hexadecimal digits");
  length = 6;
  const bool strict = options_.lone_surrogate == ScanOptions::LoneSurrogate::refused;
  if (is_high_surrogate(unit)) {
    const char* next = text_ + at + 6;
    const bool paired = end - at >= 12 && next[0] == '\\' && next[1] == 'u' && is_low_surrogate(hex4(next + 2));
    if (!paired && strict) return refuse(at, "half of a surrogate pair");
    if (paired) length = 12;
  } else if (is_low_surrogate(unit) && strict) {
    return refuse(at, "half of a surrogate pair");
  }
  return true;
}

/// Checks the escapes up to `end`, a string's closing quote; next_backslash_ lies before it.
bool Scanner::check_escapes(std::uint32_t end) {
  std::uint32_t at = next_backslash_;
  while (at < end) {
    std::uint32_t length = 2;
    switch (text_[at + 1]) {
      case '"':
      case '\\':
      case '/':
      case 'b':
      case 'f':
      case 'n':
      case 'r':
      case 't': break;
      case 'u':
        if (!check_unicode_escape(at, end, length)) return false;
        break;
      default: return refuse(at, "an unknown escape in a string");
    }
    at = find_backslash(at + length);
  }
  next_backslash_ = at;
  return true;
}

/// `begin` is the opening quote; at_ points behind it already. The closing quote is the last byte before the next structural
/// character that is not white space.
bool Scanner::check_string(std::uint32_t begin, Token& token) {
  std::uint32_t close = *at_ - 1;
  while (is_space(text_[close])) --close;
  if (close <= begin || text_[close] != '"') return refuse(begin, "a malformed string");
  token.end = close + 1;
  token.escaped = next_backslash_ < close;
  return !token.escaped || check_escapes(close);
}

bool Scanner::check_number(std::uint32_t begin, Token& token) {
  std::uint32_t i = begin;
  const auto digit = [&] { return i < size_ && is_digit(text_[i]); };
  if (text_[i] == '-') ++i;
  if (!digit()) return refuse(begin, "a malformed number");
  if (text_[i] == '0') {
    ++i;
  } else {
    while (digit()) ++i;
  }
  if (i < size_ && text_[i] == '.') {
    ++i;
    if (!digit()) return refuse(begin, "a malformed number");
    while (digit()) ++i;
  }
  if (i < size_ && (text_[i] | 0x20) == 'e') {
    ++i;
    if (i < size_ && (text_[i] == '+' || text_[i] == '-')) ++i;
    if (!digit()) return refuse(begin, "a malformed number");
    while (digit()) ++i;
  }
  if (i < size_ && !ends_scalar[static_cast<unsigned char>(text_[i])]) return refuse(begin, "a malformed number");
  token.end = i;
  return true;
}

bool Scanner::check_literal(std::uint32_t begin, std::string_view literal, Token& token) {
  const auto end = begin + static_cast<std::uint32_t>(literal.size());
  if (std::string_view{text_, size_}.substr(begin, literal.size()) != literal ||
      (end < size_ && !ends_scalar[static_cast<unsigned char>(text_[end])])) {
    return refuse(begin, "an unknown word (true, false and null are the words of JSON)");
  }
  token.end = end;
  return true;
}

bool Scanner::refuse_token(std::string_view expected) {
  return refuse(position(), position() < size_ ? expected : std::string_view{"the text ends too early"});
}

bool Scanner::note(Type type, std::uint32_t begin, std::uint32_t end, bool escaped) {
  const auto index = static_cast<std::uint32_t>(out_.nodes_.size());
  if (index >= options_.max_noted) return refuse(begin, "too many members");
  Member member;
  if (in_object()) {
    member.key = key_;
    member.key_span = key_span_;
  }
  member.value = {begin, end - begin};
  member.next = index + 1;
  member.type = type;
  member.escaped = escaped;
  out_.nodes_.push_back(member);
  return true;
}

void Scanner::set_key(std::uint32_t begin, const Token& token) {
  key_span_ = {begin, token.end - begin};
  key_ = {text_ + begin + 1, token.end - begin - 2};
  if (token.escaped) {
    auto& text = out_.unescaped_.emplace_front();
    unescape({text_ + begin, token.end - begin}, text);
    key_ = text;
  }
  if (depth_ == 1) note_depth_ = std::ranges::find(options_.outline, key_) != options_.outline.end() ? 3 : 1;
}

bool Scanner::read_key() {
  if (peek() != '"') return refuse_token("a member's name in double quotes is expected");
  const auto begin = *at_++;
  Token token;
  if (!check_string(begin, token)) return false;
  if (noting()) set_key(begin, token);
  if (peek() != ':') return refuse_token("':' is expected after a member's name");
  ++at_;
  return true;
}

bool Scanner::scalar(Type type, const Token& token, std::uint32_t begin) {
  if (depth_ == 0) type_ = type;
  return !noting() || note(type, begin, token.end, token.escaped);
}

/// at_ points behind the bracket. Empty containers are left to close_values().
bool Scanner::open(Type type) {
  const auto begin = at_[-1];
  if (noting()) {
    noted_[depth_] = static_cast<std::uint32_t>(out_.nodes_.size());
    if (!note(type, begin, begin, false)) return false;
  }
  if (depth_ == 0) type_ = type;
  if (depth_ >= std::min(options_.max_depth, depth_limit)) return refuse(begin, "too many levels of arrays and objects");
  ++depth_;
  const auto bit = std::uint64_t{1} << (depth_ & 63);
  auto& word = objects_[depth_ >> 6];
  word = type == Type::object ? word | bit : word & ~bit;
  return true;
}

/// Reads one scalar, or opens one container.
bool Scanner::read_value() {
  const auto begin = position();
  const char c = peek();
  Token token;
  switch (c) {
    case '"': ++at_; return check_string(begin, token) && scalar(Type::string, token, begin);
    case '{': ++at_; return open(Type::object);
    case '[': ++at_; return open(Type::array);
    case 't': ++at_; return check_literal(begin, "true", token) && scalar(Type::boolean, token, begin);
    case 'f': ++at_; return check_literal(begin, "false", token) && scalar(Type::boolean, token, begin);
    case 'n': ++at_; return check_literal(begin, "null", token) && scalar(Type::null, token, begin);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9': ++at_; return check_number(begin, token) && scalar(Type::number, token, begin);
    default:
      if (depth_ == 0 && std::string_view{text_, size_}.starts_with("\xEF\xBB\xBF")) {
        return refuse(begin, "a byte order mark, which JSON must not have,");
      }
      return refuse_token("a value is expected");
  }
}

/// After a value: closes containers as far as they end here, then reads the comma.
Scanner::Step Scanner::close_values() {
  while (depth_ != 0) {
    const bool object = in_object();
    const char c = peek();
    if (c == ',') {
      ++at_;
      return Step::more;
    }
    if (c != (object ? '}' : ']')) {
      refuse_token(object ? "',' or '}' is expected" : "',' or ']' is expected");
      return Step::failed;
    }
    const auto end = *at_++ + 1;
    --depth_;
    if (noting()) {
      auto& member = out_.nodes_[noted_[depth_]];
      member.value.length = end - member.value.offset;
      member.next = static_cast<std::uint32_t>(out_.nodes_.size());
    }
  }
  return Step::done;
}

Status Scanner::run(const std::uint32_t* indexes, std::size_t count) {
  at_ = indexes;
  end_ = indexes + count;
  next_backslash_ = find_backslash(0);
  Step step = Step::more;
  while (step == Step::more) {
    if (depth_ != 0 && in_object() && !read_key()) break;
    const auto before = depth_;
    if (!read_value()) break;
    // A container that was just opened and has members goes on with the first of them.
    if (depth_ != before && peek() != (in_object() ? '}' : ']')) continue;
    step = close_values();
    if (step == Step::failed) break;
  }
  if (!problem_.empty()) return fail_at(problem_at_, problem_);
  if (at_ != end_) return fail_at(position(), "more text after the end of the value");
  return {};
}

namespace {

Result<Type> scan_any(std::string_view text, const ScanOptions& options, Members& out) {
  Scanner scanner{text, options, out};
  if (text.size() >= std::numeric_limits<std::uint32_t>::max()) return scanner.explain(simdjson::CAPACITY);
  auto& work = stage1();
  const auto error = work.run(text);
  if (error != simdjson::SUCCESS) {
    work.give_back();
    return scanner.explain(error);
  }
  auto status = scanner.run(work.begin(), work.count());
  work.give_back();
  if (!status) return fail_with(status);
  return scanner.type();
}

}  // namespace

Status scan(std::string_view text, const ScanOptions& options, Members& out) {
  out.reset(text, options.error_kind);
  auto type = scan_any(text, options, out);
  if (!type) return fail_with(type);
  if (*type != Type::object) return fail(options.error_kind, cat(options.what, " must be a JSON object, not ", describe(*type)));
  return {};
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
