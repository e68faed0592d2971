#include "wire/multipart.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace cardea::wire {
namespace {

constexpr std::size_t boundary_bytes_max = 70;
constexpr std::size_t line_end_bytes = 2;

template <class... Args>
std::unexpected<Error> refuse(const Args&... args) {
  return fail(Kind::bad_request, cat("multipart body: ", args...));
}

// ---- Parameters: `; name=value` (RFC 9110 §5.6.6) --------------------------------------------------------------------------

bool is_word_char(char c, std::string_view marks) noexcept {
  return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || marks.find(c) != std::string_view::npos;
}
bool is_token_char(char c) noexcept { return is_word_char(c, "!#$%&'*+-.^_`|~"); }
bool is_boundary_char(char c) noexcept { return is_word_char(c, "'()+_,-./:=? "); }
bool is_control(char c) noexcept { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

std::string_view take_token(std::string_view& text) noexcept {
  const auto end = std::ranges::find_if_not(text, is_token_char);
  const auto token = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(token.size());
  return token;
}
void skip_space(std::string_view& text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

/// The inside of a quoted string, of which the first quote is taken; false: it does not end. A backslash protects a quote or
/// another backslash only: senders that know no escapes write file names with plain ones.
bool take_quoted(std::string_view& text, std::string& value) {
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '"') return true;
    const bool escape = c == '\\' && !text.empty() && (text.front() == '"' || text.front() == '\\');
    value.push_back(escape ? text.front() : c);
    if (escape) text.remove_prefix(1);
  }
  return false;
}

struct Parameter {
  std::string_view name;
  std::string value;
  bool backslash = false;  ///< in the raw value
};
/// The next of `; name=value`, off the front; nothing at the end.
Result<std::optional<Parameter>> take_parameter(std::string_view& text, std::string_view where) {
  do {
    skip_space(text);
    if (text.empty()) return std::optional<Parameter>{};
    if (text.front() != ';') return refuse(where, " is not well-formed");
    text.remove_prefix(1);
    skip_space(text);
  } while (text.empty() || text.front() == ';');
  Parameter parameter;
  parameter.name = take_token(text);
  if (parameter.name.empty() || !text.starts_with('=')) return refuse(where, " is not well-formed");
  text.remove_prefix(1);
  if (text.starts_with('"')) {
    text.remove_prefix(1);
    const auto raw = text;
    if (!take_quoted(text, parameter.value)) return refuse("a quoted string in ", where, " does not end");
    parameter.backslash = raw.substr(0, raw.size() - text.size()).find('\\') != std::string_view::npos;
  } else {
    parameter.value = take_token(text);
    if (parameter.value.empty()) return refuse(where, " is not well-formed");
  }
  return std::optional<Parameter>{std::move(parameter)};
}

bool is_boundary(std::string_view text) noexcept {
  return !text.empty() && text.size() <= boundary_bytes_max && text.back() != ' ' && std::ranges::all_of(text, is_boundary_char);
}

/// RFC 5987: `UTF-8'lang'percent-encoded`. Some senders name files so, though RFC 7578 §4.2 forbids it. Nothing: it is none.
std::optional<std::string> decode_extended(std::string_view text) {
  const auto charset = text.find('\'');
  const auto language = charset == std::string_view::npos ? charset : text.find('\'', charset + 1);
  if (language == std::string_view::npos) return std::nullopt;
  const auto digit = [](char c) {
    const char lower = ascii_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  text.remove_prefix(language + 1);
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size() || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0) return std::nullopt;
    plain.push_back(static_cast<char>(digit(text[i + 1]) << 4 | digit(text[i + 2])));
    i += 2;
  }
  return plain;
}

std::uint64_t fingerprint(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

// ---- Search ----------------------------------------------------------------------------------------------------------------

bool is_at(std::string_view bytes, std::size_t at, std::string_view needle) noexcept {
  return std::memcmp(bytes.data() + at, needle.data(), needle.size()) == 0;
}

/// Where `needle` first stands whole in `bytes`, or npos. Looks at sixteen places at once for its first and last byte, so that
/// neither noise nor text made of half delimiters costs more than a compare.
std::size_t find_whole(std::string_view bytes, std::string_view needle) noexcept {
  if (bytes.size() < needle.size()) return std::string_view::npos;
  const std::size_t places = bytes.size() - needle.size() + 1;
  std::size_t at = 0;
#if defined(__SSE2__)
  const __m128i first = _mm_set1_epi8(needle.front());
  const __m128i last = _mm_set1_epi8(needle.back());
  const auto load = [&](std::size_t offset) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data() + offset));  // NOLINT
  };
  for (; at + 16 <= places; at += 16) {
    const __m128i both = _mm_and_si128(_mm_cmpeq_epi8(load(at), first), _mm_cmpeq_epi8(load(at + needle.size() - 1), last));
    for (auto mask = static_cast<unsigned>(_mm_movemask_epi8(both)); mask != 0; mask &= mask - 1) {
      const std::size_t place = at + static_cast<std::size_t>(__builtin_ctz(mask));
      if (is_at(bytes, place, needle)) return place;
    }
  }
#endif
  for (; at < places; ++at) {
    if (bytes[at] == needle.front() && is_at(bytes, at, needle)) return at;
  }
  return std::string_view::npos;
}

/// How many bytes at the end of `bytes` begin `needle`, whose first byte it has once.
std::size_t find_beginning(std::string_view bytes, std::string_view needle) noexcept {
  const auto tail = bytes.substr(bytes.size() - std::min(bytes.size(), needle.size() - 1));
  const auto at = tail.rfind(needle.front());
  if (at == std::string_view::npos || !needle.starts_with(tail.substr(at))) return 0;
  return tail.size() - at;
}

}  // namespace

Result<std::string> multipart_boundary(std::string_view content_type) {
  constexpr std::string_view type = "multipart/form-data";
  constexpr std::string_view where = "Content-Type";
  content_type = trim(content_type);
  if (!iequals(content_type.substr(0, type.size()), type)) return refuse(where, " is not multipart/form-data");
  content_type.remove_prefix(type.size());
  std::optional<std::string> boundary;
  for (;;) {
    auto parameter = take_parameter(content_type, where);
    if (!parameter) return fail_with(parameter);
    if (!*parameter) break;
    if (!iequals((*parameter)->name, "boundary")) continue;
    if (boundary) return refuse(where, " names two boundaries");
    boundary = std::move((*parameter)->value);
  }
  if (!boundary) return refuse(where, " names no boundary");
  if (!is_boundary(*boundary)) return refuse("the boundary is not one of 1 to 70 characters that RFC 2046 allows");
  return std::move(*boundary);
}

MultipartParser::MultipartParser(std::string_view boundary, MultipartLimits limits)
    : delimiter_{cat("\r\n--", boundary)}, limits_{limits} {}

void MultipartParser::take(std::string_view& bytes, std::size_t count) noexcept {
  bytes.remove_prefix(count);
  offset_ += count;
}

Result<MultipartEvent> MultipartParser::next(std::string_view& bytes) {
  while (!bytes.empty()) {
    auto event = step(bytes);
    if (!event || event->kind != MultipartEvent::Kind::none) return event;
  }
  return MultipartEvent{};
}

Result<MultipartEvent> MultipartParser::step(std::string_view& bytes) {
  Status status;
  switch (state_) {
    case State::start: status = match_start(bytes); break;
    case State::head: return read_head(bytes);
    case State::data: return matched_ != 0 ? resume_match(bytes) : read_data(bytes);
    case State::epilogue:
      epilogue_ += bytes.size();
      if (epilogue_ > limits_.epilogue_bytes) return refuse("more than ", limits_.epilogue_bytes, " bytes behind its end");
      take(bytes, bytes.size());
      break;
    case State::after:
    case State::after_lf:
    case State::after_dash:
    case State::closed:
    case State::closed_lf: status = behind_delimiter(bytes); break;
  }
  if (!status) return fail_with(status);
  if (state_ == State::closed && !said_end_) {
    said_end_ = true;
    return MultipartEvent{.kind = MultipartEvent::Kind::end, .begin = mark_, .end = offset_, .data = {}};
  }
  return MultipartEvent{};
}

Status MultipartParser::match_start(std::string_view& bytes) {
  // The line end of the first delimiter is the body's start, but may also be there.
  if (offset_ == 0 && bytes.front() != '\r') matched_ = line_end_bytes;
  if (bytes.front() != delimiter_[matched_]) return refuse("it does not begin with the boundary that Content-Type names");
  take(bytes, 1);
  if (++matched_ == delimiter_.size()) {
    state_ = State::after;
    matched_ = 0;
    mark_ = 0;
  }
  return {};
}

Status MultipartParser::behind_delimiter(std::string_view& bytes) {
  const char c = bytes.front();
  take(bytes, 1);
  constexpr std::string_view wrong = "behind a boundary stands neither a line end nor --";
  switch (state_) {
    case State::after:
      if (c != '\r' && c != '-') return refuse(wrong);
      state_ = c == '\r' ? State::after_lf : State::after_dash;
      return {};
    case State::after_lf:
      if (c != '\n') return refuse(wrong);
      state_ = State::head;
      mark_ = offset_;
      head_.clear();
      return {};
    case State::after_dash:
      if (c != '-') return refuse(wrong);
      if (names_.empty()) return refuse("it has no parts");
      state_ = State::closed;
      return {};
    default:
      if (c != (state_ == State::closed ? '\r' : '\n')) return refuse("behind its end stands something else than a line end");
      state_ = state_ == State::closed ? State::closed_lf : State::epilogue;
      return {};
  }
}

// ---- Heads -----------------------------------------------------------------------------------------------------------------

Result<MultipartEvent> MultipartParser::read_head(std::string_view& bytes) {
  const auto line = bytes.find('\n');
  const auto count = line == std::string_view::npos ? bytes.size() : line + 1;
  if (head_.size() + count > limits_.head_bytes) return refuse("a part's head is larger than ", limits_.head_bytes, " bytes");
  head_.append(bytes.substr(0, count));
  take(bytes, count);
  if (!head_.ends_with("\r\n\r\n") && head_ != "\r\n") return MultipartEvent{};
  if (Status status = begin_part(); !status) return fail_with(status);
  const MultipartEvent event{.kind = MultipartEvent::Kind::part, .begin = mark_, .end = offset_, .data = {}};
  state_ = State::data;
  mark_ = offset_;
  // A boundary right here has no line end of its own: some read it as one, some as data.
  matched_ = virtual_ = line_end_bytes;
  return event;
}

Status MultipartParser::begin_part() {
  part_ = {};
  part_.head = head_;
  name_.clear();
  filename_.clear();
  std::string_view rest = head_;
  for (rest.remove_suffix(line_end_bytes); !rest.empty();) {
    const auto end = rest.find("\r\n");  // there is one: the head ends in two
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end + line_end_bytes);
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    if (colon == std::string_view::npos || name.empty() || !std::ranges::all_of(name, is_token_char)) {
      return refuse("a line of a part's head is no header");
    }
    const auto value = trim(line.substr(colon + 1));
    if (std::ranges::any_of(value, is_control)) return refuse("a control character in header ", name, " of a part");
    if (Status status = read_header(name, value); !status) return status;
  }
  if (part_.name.empty()) return refuse("a part has no Content-Disposition with a name");
  return note_name();
}

Status MultipartParser::read_header(std::string_view name, std::string_view value) {
  if (iequals(name, "content-disposition")) return read_disposition(value);
  if (iequals(name, "content-type")) {
    constexpr std::string_view nested = "multipart/";
    if (!part_.content_type.empty() || value.empty()) return refuse("a part has two or empty Content-Types");
    if (iequals(value.substr(0, nested.size()), nested)) return refuse("a part is a multipart itself");
    part_.content_type = value;
  } else if (iequals(name, "content-transfer-encoding")) {
    const bool identity = iequals(value, "binary") || iequals(value, "8bit") || iequals(value, "7bit");
    if (!identity) return refuse("a part has a Content-Transfer-Encoding: send it as it is");
  }
  return {};  // RFC 7578 §4.8: others are ignored
}

Status MultipartParser::read_disposition(std::string_view value) {
  constexpr std::string_view where = "a Content-Disposition";
  if (!part_.name.empty()) return refuse("a part has two Content-Dispositions");
  if (!iequals(take_token(value), "form-data")) return refuse(where, " is not form-data");
  bool named = false;
  std::optional<std::string> extended;
  for (;;) {
    auto parameter = take_parameter(value, where);
    if (!parameter) return fail_with(parameter);
    if (!*parameter) break;
    auto& [key, text, backslash] = **parameter;
    if (iequals(key, "name")) {
      if (named) return refuse(where, " has two names");
      if (backslash) return refuse("a backslash in the name of a part");
      named = true;
      name_ = std::move(text);
    } else if (iequals(key, "filename")) {
      if (part_.filename) return refuse(where, " has two filenames");
      filename_ = std::move(text);
      part_.filename = filename_;
    } else if (iequals(key, "filename*")) {
      if (extended) return refuse(where, " has two filenames");
      extended = decode_extended(text);
      if (!extended) return refuse(where, " has a filename* that is not well-formed");
    } else if (iequals(key, "name*")) {
      return refuse(where, " has a name*");
    }
  }
  if (!part_.filename && extended) {
    if (std::ranges::any_of(*extended, is_control)) return refuse("a control character in a filename*");
    filename_ = std::move(*extended);
    part_.filename = filename_;
  }
  if (name_.empty()) return refuse("a part has no Content-Disposition with a name");
  if (name_.size() > limits_.name_bytes) return refuse("a part's name is longer than ", limits_.name_bytes, " bytes");
  if (filename_.size() > limits_.filename_bytes) return refuse("a file name is longer than ", limits_.filename_bytes, " bytes");
  part_.name = name_;
  return {};
}

Status MultipartParser::note_name() {
  if (names_.size() >= limits_.parts) return refuse("more than ", limits_.parts, " parts");
  const auto hash = fingerprint(name_);
  const bool again = std::ranges::find(names_, hash) != names_.end();
  if (again && !limits_.repeated_names && !name_.ends_with("[]")) return refuse("two parts are named ", name_);
  names_.push_back(hash);
  return {};
}

// ---- Data ------------------------------------------------------------------------------------------------------------------

MultipartEvent MultipartParser::end_part(std::uint64_t data_end) {
  const MultipartEvent event{.kind = MultipartEvent::Kind::part_end, .begin = mark_, .end = data_end, .data = {}};
  state_ = State::after;
  matched_ = virtual_ = 0;
  mark_ = data_end;
  return event;
}

/// What ended the last feed looked like a delimiter: it is one, or data after all.
Result<MultipartEvent> MultipartParser::resume_match(std::string_view& bytes) {
  const auto wanted = std::string_view{delimiter_}.substr(matched_);
  const auto common = std::ranges::mismatch(wanted, bytes);
  const auto same = static_cast<std::size_t>(common.in1 - wanted.begin());
  if (same == wanted.size()) {
    if (virtual_ != 0) return refuse("part ", name_, " ends before its data begins");
    take(bytes, same);
    return end_part(offset_ - delimiter_.size());
  }
  if (same == bytes.size()) {
    take(bytes, same);
    matched_ += same;
    return MultipartEvent{};
  }
  // The bytes of this feed are still there to be looked at; those before it are known by heart.
  const auto held = std::string_view{delimiter_}.substr(virtual_, matched_ - virtual_);
  matched_ = virtual_ = 0;
  if (held.empty()) return MultipartEvent{};
  return MultipartEvent{.kind = MultipartEvent::Kind::data, .begin = offset_ - held.size(), .end = offset_, .data = held};
}

Result<MultipartEvent> MultipartParser::read_data(std::string_view& bytes) {
  const auto found = find_whole(bytes, delimiter_);
  if (found == 0) {
    take(bytes, delimiter_.size());
    return end_part(offset_ - delimiter_.size());
  }
  if (found == std::string_view::npos) matched_ = find_beginning(bytes, delimiter_);
  const auto data = bytes.substr(0, found == std::string_view::npos ? bytes.size() - matched_ : found);
  const MultipartEvent event{.kind = data.empty() ? MultipartEvent::Kind::none : MultipartEvent::Kind::data,
                             .begin = offset_,
                             .end = offset_ + data.size(),
                             .data = data};
  take(bytes, data.size() + matched_);
  return event;
}

Status MultipartParser::finish() const {
  if (said_end_) return {};
  if (offset_ == 0) return refuse("it is empty");
  return refuse("it ends before its last boundary");
}

// ---- Writing ---------------------------------------------------------------------------------------------------------------

namespace {

void append_quoted(std::string& out, std::string_view key, std::string_view value) {
  append(out, cat("; ", key, "=\""));
  for (const char c : value) {
    switch (c) {
      case '"': out += "%22"; break;
      case '\r': out += "%0D"; break;
      case '\n': out += "%0A"; break;
      default: out += c;
    }
  }
  out += '"';
}

}  // namespace

void append_multipart_head(std::string& out, std::string_view boundary, std::string_view name, std::string_view filename,
                           std::string_view content_type) {
  append(out, cat("--", boundary, "\r\nContent-Disposition: form-data"));
  append_quoted(out, "name", name);
  if (!filename.empty()) append_quoted(out, "filename", filename);
  if (!content_type.empty()) append(out, cat("\r\nContent-Type: ", content_type));
  out += "\r\n\r\n";
}

void append_multipart_field(std::string& out, std::string_view boundary, std::string_view name, std::string_view value) {
  append_multipart_head(out, boundary, name);
  append(out, value);
  append(out, multipart_part_end);
}

void append_multipart_end(std::string& out, std::string_view boundary) { append(out, cat("--", boundary, "--\r\n")); }

}  // namespace cardea::wire
