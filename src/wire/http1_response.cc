#include <algorithm>

#include "wire/http1.h"
#include "wire/http1_scan.h"

namespace cardea::wire {

void ResponseHead::clear() noexcept {
  progress_.reset();
  headers_.count_ = 0;
  headers_.first_.fill(0);
  reason_ = {};
}

/// The response's own part of a head: status line and the statuses without a body.
class ResponseScan : public HeadScan {
 public:
  ResponseScan(std::string_view window, const HeadLimits& limits, ResponseHead& out) noexcept
      : HeadScan{window, limits, any_token_char, Kind::upstream_protocol, out.headers_}, out_{out} {}

  [[nodiscard]] Scan run(Method request_method) {
    if (const auto scan = status_line(); scan != Scan::done) return scan;
    if (const auto scan = fields(); scan != Scan::done) return scan;
    out_.framing_ = Framing::until_close;
    out_.content_length_ = 0;
    if (const auto scan = framing(out_.framing_, out_.content_length_, out_.minor_version_); scan != Scan::done) return scan;
    const auto status = out_.status_;
    if (request_method == Method::head || status < 200 || status == 204 || status == 304) {
      out_.framing_ = Framing::none;
      out_.content_length_ = 0;
    }
    out_.keep_alive_ = out_.framing_ != Framing::until_close && keep_alive(out_.minor_version_);
    return Scan::done;
  }

 private:
  [[nodiscard]] Scan status_line() {
    constexpr std::string_view shape = "HTTP/1.# ###";  // '#' stands for a digit
    for (const char wanted : shape) {
      if (p_ == end_) return Scan::more;
      const bool fits = wanted == '#' ? *p_ >= '0' && *p_ <= '9' : *p_ == wanted;
      if (!fits) return bad("the upstream's answer does not begin with an HTTP/1.1 status line");
      ++p_;
    }
    const auto digit = [this](std::size_t i) { return static_cast<unsigned>(begin_[i] - '0'); };
    if (digit(7) > 1) return bad("the upstream answers in an unknown HTTP version");
    out_.minor_version_ = static_cast<std::uint8_t>(digit(7));
    const unsigned status = digit(9) * 100 + digit(10) * 10 + digit(11);
    if (status < 100 || status > 599) return bad(cat("the upstream's status ", status, " is out of range"));
    out_.status_ = static_cast<std::uint16_t>(status);
    return reason();
  }

  /// `SP reason-phrase CRLF`; the space may be missing with the phrase, as some servers do.
  [[nodiscard]] Scan reason() {
    if (p_ == end_) return Scan::more;
    if (*p_ == ' ') {
      ++p_;
    } else if (*p_ != '\r' && *p_ != '\n') {
      return bad(cat("the upstream's status line: unexpected ", show_byte(*p_), " behind the status"));
    }
    const char* const start = p_;
    p_ = find_control(p_, end_);
    out_.reason_ = span(start, p_);
    return line_end("the upstream's status line");
  }

  ResponseHead& out_;
};

Result<std::size_t> parse_response_head(std::string_view bytes, const HeadLimits& limits, Method request_method,
                                        ResponseHead& out) {
  const auto window = head_window(bytes, limits);
  if (!out.progress_.worth_parsing(window)) return std::size_t{0};
  ResponseScan scan{window.bytes, limits, out};
  const auto outcome = scan.run(request_method);
  if (outcome == Scan::more && !window.full) return std::size_t{0};
  out.progress_.reset();
  if (outcome == Scan::done) return scan.consumed();
  if (outcome == Scan::bad) return std::unexpected{scan.take_error()};
  return fail(Kind::upstream_protocol, cat("the upstream's response head is larger than ", window.bytes.size(), " bytes"));
}

}  // namespace cardea::wire
