#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "wire/http1.h"
#include "wire/http1_scan.h"

namespace cardea::wire {
namespace {

constexpr std::size_t method_bytes_max = 32;
constexpr std::array<std::string_view, 10> method_texts = {"GET",   "HEAD",    "POST",  "PUT",     "DELETE",
                                                           "PATCH", "OPTIONS", "TRACE", "CONNECT", ""};

Method method_of(std::string_view text) noexcept {
  const auto found = std::ranges::find(method_texts, text);
  return found == method_texts.end() ? Method::other : static_cast<Method>(found - method_texts.begin());
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
/// Value of a hexadecimal digit, or 16.
unsigned hex(char c) noexcept {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? static_cast<unsigned>(lower - 'a' + 10) : 16U;
}

bool valid_port(std::string_view port) noexcept {
  const auto number = parse_number<std::uint16_t>(port);
  return number.has_value() && port.size() <= 5;
}

/// `[…]` of an IP literal: hexadecimal groups, dots of a mapped IPv4 address; no zone.
bool valid_ip_literal(std::string_view inside) noexcept {
  if (inside.size() < 2 || inside.size() > 45) return false;
  const bool chars = std::ranges::all_of(inside, [](char c) { return hex(c) < 16 || c == ':' || c == '.'; });
  return chars && std::ranges::count(inside, ':') >= 2;
}

/// Why a path may not pass, or empty. `path` is empty or begins with '/', and holds target characters.
std::string_view path_fault(std::string_view path) noexcept {
  if (std::ranges::all_of(path, [](char c) { return has_class(c, plain_path_char); })) return {};
  bool only_dots = false;  // the segment so far, decoded
  std::size_t dots = 0;
  for (std::size_t i = 0; i <= path.size(); ++i) {
    if (i == path.size() || path[i] == '/') {
      if (only_dots && (dots == 1 || dots == 2)) return "dot segments in the path are refused; send it normalised";
      only_dots = true;
      dots = 0;
      continue;
    }
    int c = path[i];
    if (!has_class(path[i], path_char)) return "a character in the path must be percent-encoded";
    if (c == '%') {
      c = percent_escape(path.substr(i));
      if (c < 0) return "'%' in the path is not followed by two hexadecimal digits";
      if (c < 0x20 || c == 0x7f) return "an encoded control character in the path is refused";
      i += 2;
    }
    if (c == '.') {
      ++dots;
    } else {
      only_dots = false;
    }
  }
  return {};
}

}  // namespace

std::string_view text(Method method) noexcept { return method_texts[static_cast<std::size_t>(method)]; }

bool valid_host(std::string_view host) noexcept {
  std::string_view name = host;
  if (host.starts_with('[')) {
    const auto close = host.find(']');
    if (close == std::string_view::npos || !valid_ip_literal(host.substr(1, close - 1))) return false;
    const auto rest = host.substr(close + 1);
    return rest.empty() || (rest.front() == ':' && valid_port(rest.substr(1)));
  }
  if (const auto colon = host.find(':'); colon != std::string_view::npos) {
    name = host.substr(0, colon);
    if (!valid_port(host.substr(colon + 1))) return false;
  }
  return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](char c) { return has_class(c, host_char); });
}

std::string_view RequestHead::hostname() const noexcept {
  const auto all = host();
  if (all.starts_with('[')) return all.substr(0, all.find(']') + 1);
  return all.substr(0, all.find(':'));
}

std::string_view RequestHead::upgrade() const noexcept {
  const auto value = headers_.find(Field::upgrade);
  if (!value || minor_version_ == 0 || !headers_.connection_has("upgrade")) return {};
  return *value;
}

void RequestHead::clear() noexcept {
  progress_.reset();
  headers_.count_ = 0;
  headers_.first_.fill(0);
  method_text_ = target_ = path_ = query_ = host_ = {};
}

/// The request's own part of a head: request line, Host, Expect.
class RequestScan : public HeadScan {
 public:
  RequestScan(std::string_view window, const HeadLimits& limits, RequestHead& out) noexcept
      : HeadScan{window, limits, limits.underscore_names ? any_token_char : token_char, Kind::bad_request, out.headers_},
        out_{out} {}

  [[nodiscard]] Scan run() {
    for (const auto step : {&RequestScan::leading_line, &RequestScan::method, &RequestScan::target, &RequestScan::version}) {
      if (const auto scan = (this->*step)(); scan != Scan::done) return scan;
    }
    if (const auto scan = fields(); scan != Scan::done) return scan;
    if (const auto scan = judge_target(); scan != Scan::done) return scan;
    if (const auto scan = host(); scan != Scan::done) return scan;
    out_.framing_ = Framing::none;
    out_.content_length_ = 0;
    if (const auto scan = framing(out_.framing_, out_.content_length_, out_.minor_version_); scan != Scan::done) return scan;
    out_.keep_alive_ = keep_alive(out_.minor_version_);
    return expectation();
  }

 private:
  /// One empty line before the request line is tolerated (RFC 9112 §2.2).
  [[nodiscard]] Scan leading_line() {
    if (p_ == end_) return Scan::more;
    return *p_ == '\r' ? line_end("the line before the request line") : Scan::done;
  }

  [[nodiscard]] Scan method() {
    const char* const start = p_;
    while (p_ != end_ && has_class(*p_, any_token_char)) ++p_;
    const std::string_view name{start, static_cast<std::size_t>(p_ - start)};
    if (name.size() > method_bytes_max) return bad(Kind::not_implemented, cat("method longer than ", method_bytes_max, " bytes"));
    if (p_ == end_) return Scan::more;
    if (*p_ != ' ') return bad_method(name);
    if (name.empty()) return bad("the request line begins with a space");
    out_.method_ = method_of(name);
    out_.method_text_ = span(start, p_);
    ++p_;
    if (out_.method_ != Method::connect) return Scan::done;
    return bad(Kind::method_not_allowed, "CONNECT is refused: this is a gateway, not a tunnel");
  }

  [[nodiscard]] Scan bad_method(std::string_view so_far) {
    if (so_far.empty() && *p_ == 0x16) return bad("a TLS handshake on a plain-text port: use http:// or configure TLS here");
    if (*p_ == '\r' || *p_ == '\n') return bad("the request line has no target");
    return bad(cat(show_byte(*p_), " in the method"));
  }

  [[nodiscard]] Scan target() {
    const char* const start = p_;
    while (p_ != end_ && has_class(*p_, target_char)) ++p_;
    const auto size = static_cast<std::size_t>(p_ - start);
    if (size > limits_.target_bytes) {
      return bad(Kind::uri_too_long, cat("the request target is longer than ", limits_.target_bytes, " bytes"));
    }
    if (p_ == end_) return Scan::more;
    if (*p_ == '#') return bad("a fragment ('#') in the request target");
    if (*p_ == '\r' || *p_ == '\n') return bad("the request line has no HTTP version");
    if (*p_ != ' ') return bad(cat(show_byte(*p_), " in the request target must be percent-encoded"));
    if (size == 0) return bad("the request target is empty (two spaces in the request line?)");
    out_.target_ = span(start, p_);
    ++p_;
    return Scan::done;
  }

  [[nodiscard]] Scan version() {
    constexpr std::string_view expected = "HTTP/1.1";
    const auto available = std::min<std::size_t>(expected.size(), static_cast<std::size_t>(end_ - p_));
    std::size_t size = 0;
    while (size < available && p_[size] > ' ' && p_[size] < 0x7f) ++size;
    if (size == available && available < expected.size()) return Scan::more;
    const std::string_view found{p_, size};
    p_ += size;
    if (found == expected || found == "HTTP/1.0") {
      out_.minor_version_ = static_cast<std::uint8_t>(found.back() - '0');
      return line_end("the request line");
    }
    const bool known_shape =
        found.size() == 8 && found.starts_with("HTTP/") && is_digit(found[5]) && found[6] == '.' && is_digit(found[7]);
    if (!known_shape) return bad("the request line does not end in HTTP/1.1");
    if (out_.method_text() == "PRI")
      return bad(Kind::http_version, "an HTTP/2 connection preface: this listener speaks HTTP/1.1");
    return bad(Kind::http_version, cat(found, " is not supported; use HTTP/1.1"));
  }

  [[nodiscard]] Scan judge_target() {
    const auto target = out_.target();
    const char* const start = target.data();
    const char* const stop = start + target.size();
    out_.host_ = {};
    const char* path = start;
    if (*start != '/') {
      if (target == "*") {
        if (out_.method_ != Method::options) return bad("the target '*' is for OPTIONS only");
        out_.path_ = out_.target_;
        out_.query_ = {};
        return Scan::done;
      }
      const std::size_t scheme = iequals(target.substr(0, 7), "http://") ? 7 : iequals(target.substr(0, 8), "https://") ? 8 : 0;
      if (scheme == 0) return bad("the request target is neither a path nor an http URL");
      path = std::find_if(start + scheme, stop, [](char c) { return c == '/' || c == '?'; });
      if (!valid_host({start + scheme, static_cast<std::size_t>(path - start) - scheme})) {
        return bad("the authority of the request target is not a host with an optional port");
      }
      out_.host_ = span(start + scheme, path);
    }
    const char* const mark = std::find(path, stop, '?');
    if (const auto fault = path_fault({path, static_cast<std::size_t>(mark - path)}); !fault.empty())
      return bad(std::string{fault});
    out_.path_ = span(path, mark);
    out_.query_ = mark == stop ? HeadSpan{} : span(mark + 1, stop);
    return Scan::done;
  }

  [[nodiscard]] Scan host() {
    const auto value = table_.find(Field::host);
    if (!value) return out_.minor_version_ == 0 ? Scan::done : bad("the Host header is missing");
    if (repeated(Field::host)) return bad("more than one Host header");
    if (!valid_host(*value)) return bad("Host is not a host name or address with an optional port");
    if (out_.host_.size == 0) out_.host_ = value_span(Field::host);
    return Scan::done;
  }

  [[nodiscard]] Scan expectation() {
    out_.expect_continue_ = false;
    const auto value = table_.find(Field::expect);
    if (!value || out_.minor_version_ == 0) return Scan::done;
    if (!iequals(*value, "100-continue")) return bad(Kind::expectation_failed, "Expect: only 100-continue is supported");
    out_.expect_continue_ = true;
    return Scan::done;
  }

  RequestHead& out_;
};

Result<std::size_t> parse_request_head(std::string_view bytes, const HeadLimits& limits, RequestHead& out) {
  const auto window = head_window(bytes, limits);
  if (!out.progress_.worth_parsing(window)) return std::size_t{0};
  RequestScan scan{window.bytes, limits, out};
  auto outcome = scan.run();
  if (outcome == Scan::more && !window.full) return std::size_t{0};
  out.progress_.reset();
  if (outcome == Scan::done) return scan.consumed();
  if (outcome == Scan::bad) return std::unexpected{scan.take_error()};
  return fail(Kind::header_too_large, cat("the request head is larger than ", window.bytes.size(), " bytes"));
}

}  // namespace cardea::wire
