#include <algorithm>

#include "wire/http1.h"
#include "wire/http1_scan.h"

namespace cardea::wire {
namespace {

constexpr std::uint8_t size_digits_max = 16;

}  // namespace

Result<ChunkedDecoder::Step> ChunkedDecoder::feed(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size() && state_ != State::done) {
    if (state_ == State::data) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - at));
      left_ -= size;
      if (left_ == 0) state_ = State::data_cr;
      return Step{.consumed = at + size, .data = bytes.substr(at, size)};
    }
    if (auto status = control(bytes, at); !status) return fail_with(status);
  }
  return Step{.consumed = at, .data = {}};
}

Status ChunkedDecoder::control(std::string_view bytes, std::size_t& at) {
  if (state_ == State::extension) return extension(bytes, at);
  const char c = bytes[at++];
  switch (state_) {
    case State::size_first:
    case State::size: return size_digit(c);
    case State::blank: return after_size(c);
    case State::size_lf: return expect(c, '\n', left_ == 0 ? State::trailer : State::data);
    case State::data_cr: return expect(c, '\r', State::data_lf);
    case State::data_lf: return expect(c, '\n', State::size_first);
    case State::trailer:
    case State::trailer_line: return trailer(c);
    case State::trailer_lf: trailers_.push_back(c); return expect(c, '\n', State::trailer);
    case State::end_lf:
      if (auto status = expect(c, '\n', State::done); !status) return status;
      return check_trailers();
    case State::extension:
    case State::data:
    case State::done: break;
  }
  return fail(Kind::internal, "chunked decoder: control byte in a payload state");
}

Status ChunkedDecoder::expect(char c, char wanted, State next) {
  if (c != wanted) return fail(blame_, cat("chunked body: ", show_byte(c), " where ", show_byte(wanted), " must stand"));
  state_ = next;
  return {};
}

Status ChunkedDecoder::size_digit(char c) {
  const char lower = ascii_lower(c);
  const bool decimal = c >= '0' && c <= '9';
  if (!decimal && (lower < 'a' || lower > 'f')) {
    if (state_ == State::size) return after_size(c);
    return fail(blame_, cat("chunked body: ", show_byte(c), " where a chunk size must stand"));
  }
  if (state_ == State::size_first) {
    state_ = State::size;
    digits_ = 0;
    left_ = 0;
    extension_bytes_ = 0;
  }
  if (++digits_ > size_digits_max) return fail(blame_, "chunked body: chunk size has too many digits");
  left_ = left_ << 4 | static_cast<std::uint64_t>(decimal ? c - '0' : lower - 'a' + 10);
  if (left_ > static_cast<std::uint64_t>(INT64_MAX)) return fail(blame_, "chunked body: chunk size is too large");
  return {};
}

Status ChunkedDecoder::after_size(char c) {
  if (c == ';') {
    state_ = State::extension;
    return {};
  }
  if (c == ' ' || c == '\t') {  // "bad white space" is allowed before ';' only
    state_ = State::blank;
    return count_extension(1);
  }
  if (c == '\r' && state_ == State::size) {
    state_ = State::size_lf;
    return {};
  }
  return fail(blame_, cat("chunked body: ", show_byte(c), " behind the chunk size"));
}

Status ChunkedDecoder::extension(std::string_view bytes, std::size_t& at) {
  const char* const start = bytes.data() + at;
  const char* const stop = find_control(start, bytes.data() + bytes.size());
  const auto size = static_cast<std::size_t>(stop - start);
  at += size;
  if (auto status = count_extension(size); !status) return status;
  if (at == bytes.size()) return {};
  return expect(bytes[at++], '\r', State::size_lf);
}

Status ChunkedDecoder::count_extension(std::size_t size) {
  const auto chunk_room = limits_.extension_bytes - extension_bytes_;
  const auto message_room = limits_.message_extension_bytes - message_extension_bytes_;
  // The limit that a byte-by-byte count would meet first is the one to name.
  if (size > message_room && message_room < chunk_room) return fail(blame_, "chunked body: too many chunk extensions");
  if (size > chunk_room) return fail(blame_, "chunked body: chunk extension is too long");
  if (size > message_room) return fail(blame_, "chunked body: too many chunk extensions");
  extension_bytes_ += size;
  message_extension_bytes_ += size;
  return {};
}

Status ChunkedDecoder::trailer(char c) {
  if (c == '\r') {
    const bool empty_line = state_ == State::trailer;
    state_ = empty_line ? State::end_lf : State::trailer_lf;
    if (!empty_line) trailers_.push_back(c);
    return {};
  }
  if (!has_class(c, text_char)) return fail(blame_, cat("chunked body: ", show_byte(c), " in a trailer"));
  // Two more bytes will end the line.
  if (trailers_.size() + 3 > limits_.trailer_bytes) {
    return fail(blame_, cat("chunked body: trailers are larger than ", limits_.trailer_bytes, " bytes"));
  }
  state_ = State::trailer_line;
  trailers_.push_back(c);
  return {};
}

Status ChunkedDecoder::check_trailers() const {
  if (trailers_.empty()) return {};
  const auto section = cat(trailers_, "\r\n");
  HeaderTable table;
  const HeadLimits limits{.head_bytes = section.size(), .headers = HeaderTable::max_headers, .underscore_names = false};
  const unsigned names = blame_ == Kind::bad_request ? token_char : any_token_char;
  HeadScan scan{section, limits, names, blame_, table};
  if (scan.fields() != Scan::done) {
    auto error = scan.take_error();
    return fail(blame_, cat("chunked body: trailer section: ", error.message()));
  }
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (forbidden_in_trailers(table.field(i))) {
      return fail(blame_, cat("chunked body: '", table[i].name, "' is not allowed in trailers"));
    }
  }
  return {};
}

}  // namespace cardea::wire
