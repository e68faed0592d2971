#include "http/web_address.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace cardea::http {
namespace {

using Scheme = net::Origin::Scheme;

constexpr std::size_t url_bytes_max = 8 * 1024 - 256;  // a request line of a server's usual 8 KiB
constexpr std::size_t host_bytes_max = 253;            // RFC 1035 §2.3.4

std::uint16_t usual_port(Scheme scheme) noexcept { return scheme == Scheme::tls ? 443 : 80; }

std::unexpected<Error> wrong(std::string_view why) { return fail(Kind::bad_request, std::string{why}); }

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Would a lenient reader take this name for an IPv4 address (WHATWG URL, "ends in a number")?
bool ends_in_number(std::string_view host) noexcept {
  const auto last = host.substr(host.rfind('.') + 1);
  return !last.empty() && (std::ranges::all_of(last, is_digit) || last.starts_with("0x"));
}

Result<std::string> read_host(std::string_view text) {
  if (text.starts_with('[')) {
    if (!text.ends_with(']')) return wrong("its host is no address");
    const auto literal = text.substr(1, text.size() - 2);
    const auto address = net::Address::ip(literal, 0);
    if (!address || address->ip_bytes().size() != 16) return wrong("its host is no address");
    return address->host();
  }
  std::string host = to_lower(text);
  if (host.ends_with('.')) host.pop_back();
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '.' || c == '_'; };
  if (host.empty() || host.size() > host_bytes_max || !std::ranges::all_of(host, fits) || host.starts_with('.') ||
      host.find("..") != std::string::npos)
    return wrong("its host is no name");
  if (ends_in_number(host) && !net::Address::ip(host, 0)) return wrong("its host is no address in the usual form");
  return host;
}

Result<net::Origin> read_authority(Scheme scheme, std::string_view text) {
  if (text.find('@') != std::string_view::npos) return wrong("it holds a user or a password");
  const auto bracket = text.rfind(']');
  const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  Result<std::string> host = read_host(text.substr(0, colon));
  if (!host) return fail_with(host);
  net::Origin out{.scheme = scheme, .host = std::move(*host), .port = usual_port(scheme)};
  const auto port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  if (port.empty()) return out;
  const auto number = parse_number<std::uint16_t>(port);
  if (!number || *number == 0) return wrong("its port is none");
  out.port = *number;
  return out;
}

/// Path and query as a request line has them.
Result<std::string> read_target(std::string_view text) {
  text = text.substr(0, text.find('#'));
  std::string out;
  if (!text.starts_with('/')) out = "/";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '\\') return wrong("it holds characters that no URL has");
    if (byte == ' ' || byte >= 0x80 || c == '"' || c == '<' || c == '>') {
      constexpr std::string_view digits = "0123456789ABCDEF";
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    } else {
      out += c;
    }
  }
  return out;
}

/// RFC 3986 §5.2.4, of a path that begins with '/'.
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> parts;
  bool folder = true;
  path.remove_prefix(1);
  for (bool more = true; more;) {
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    more = slash != std::string_view::npos;
    folder = part == "." || part == "..";
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!folder) parts.push_back(part);
    if (more) path.remove_prefix(slash + 1);
  }
  std::string out;
  for (const auto part : parts) out += cat('/', part);
  if (folder || out.empty()) out += '/';
  return out;
}

}  // namespace

std::string WebAddress::authority() const {
  const bool v6 = origin.host.find(':') != std::string::npos;
  std::string out = v6 ? cat('[', origin.host, ']') : origin.host;
  if (origin.port != usual_port(origin.scheme)) out += cat(':', origin.port);
  return out;
}

std::string WebAddress::text() const { return cat(origin.scheme == Scheme::tls ? "https://" : "http://", authority(), target); }

Result<WebAddress> parse_web_address(std::string_view url) {
  url = trim(url);
  if (url.size() > url_bytes_max) return wrong("it is too long");
  const auto mark = url.find("://");
  const auto scheme = url.substr(0, mark == std::string_view::npos ? 0 : mark);
  const bool secure = iequals(scheme, "https");
  if (!secure && !iequals(scheme, "http")) return wrong("only http and https addresses are fetched");
  url.remove_prefix(mark + 3);
  const auto end = std::min(url.find_first_of("/?#\\"), url.size());
  Result<net::Origin> origin = read_authority(secure ? Scheme::tls : Scheme::plain, url.substr(0, end));
  if (!origin) return fail_with(origin);
  Result<std::string> target = read_target(url.substr(end));
  if (!target) return fail_with(target);
  return WebAddress{std::move(*origin), std::move(*target)};
}

Result<WebAddress> follow(const WebAddress& from, std::string_view location) {
  location = trim(location);
  location = location.substr(0, location.find('#'));
  if (location.size() > url_bytes_max) return wrong("it redirects to an address that is too long");
  const auto colon = location.find(':');
  const bool absolute = colon != std::string_view::npos && colon < location.find_first_of("/?");
  if (absolute || location.starts_with("//")) {
    const std::string_view scheme = from.origin.scheme == Scheme::tls ? "https:" : "http:";
    Result<WebAddress> to = parse_web_address(absolute ? std::string{location} : cat(scheme, location));
    if (to && from.origin.scheme == Scheme::tls && to->origin.scheme != Scheme::tls)
      return wrong("it redirects from https to http");
    return to;
  }
  const std::string_view before = from.target;
  const auto path = before.substr(0, before.find('?'));
  if (location.empty()) return from;
  std::string joined;
  if (location.starts_with('/')) {
    joined = location;
  } else if (location.starts_with('?')) {
    joined = cat(path, location);
  } else {
    joined = cat(path.substr(0, path.rfind('/') + 1), location);
  }
  const auto query = std::min(joined.find('?'), joined.size());
  const std::string_view all = joined;
  Result<std::string> target = read_target(cat(without_dots(all.substr(0, query)), all.substr(query)));
  if (!target) return fail_with(target);
  return WebAddress{from.origin, std::move(*target)};
}

}  // namespace cardea::http
