#include "catalog/endpoint.h"

#include "base/text.h"

namespace cardea::catalog {
namespace {

constexpr std::size_t url_bytes_max = 2048;
constexpr std::string_view default_prefix = "/v1";
/// Operations by which a full URL is known; the part before one is the prefix.
constexpr std::string_view operations[] = {"/chat/completions",
                                           "/completions",
                                           "/embeddings",
                                           "/responses",
                                           "/images/generations",
                                           "/audio/speech",
                                           "/audio/transcriptions",
                                           "/audio/translations",
                                           "/moderations",
                                           "/rerank",
                                           "/models"};

auto refuse(std::string_view what) { return fail(Kind::config, cat("not a usable URL: ", what)); }

bool visible(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c == 0x7f || c == '"' || c == '<' || c == '>' || c == '\\' || c == '{' || c == '}') return false;
  }
  return true;
}

Status read_authority(std::string_view text, Origin& origin) {
  if (text.find('@') != std::string_view::npos) return refuse("it holds a user or password; use auth instead");
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return refuse("'[' without ']'");
    host = text.substr(1, end - 1);
    if (host.empty() || host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos)
      return refuse("the address in [ ] is not IPv6");
    port = text.substr(end + 1);
    if (!port.empty() && port[0] != ':') return refuse("something other than a port stands behind ']'");
  } else {
    const auto colon = text.find(':');
    host = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon);
    if (host.empty()) return refuse("the host is missing");
    for (const char c : host) {
      const bool good =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
      if (!good) return refuse("the host holds a character that no host name has");
    }
  }
  origin.host = to_lower(host);
  origin.port = origin.scheme == Scheme::https ? 443 : 80;
  if (!port.empty()) {
    const auto number = parse_number<std::uint16_t>(port.substr(1));
    if (!number || *number == 0) return refuse("the port is not a number from 1 to 65535");
    origin.port = *number;
  }
  return {};
}

std::string prefix_of(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c != '/' || !out.ends_with('/')) out.push_back(c);
  }
  while (out.ends_with('/')) out.pop_back();
  if (out.empty()) return std::string{default_prefix};
  for (const auto operation : operations) {
    if (!out.ends_with(operation)) continue;
    out.resize(out.size() - operation.size());
    break;
  }
  return out;
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view url) {
  Endpoint out;
  if (url.size() > url_bytes_max) return refuse("it is longer than 2,048 bytes");
  if (url == "twin:" || url == "twin://") {
    out.origin.scheme = Scheme::twin;
    out.prefix = default_prefix;
    return out;
  }
  if (url.starts_with("unix:")) {
    out.origin = {Scheme::unix_socket, std::string{url.substr(5)}, 0};
    out.prefix = default_prefix;
    if (!url.substr(5).starts_with('/') || !visible(url)) return refuse("write unix:/PATH of a socket");
    return out;
  }
  const auto colon = url.find("://");
  const auto scheme = url.substr(0, colon);
  if (colon == std::string_view::npos || !(iequals(scheme, "http") || iequals(scheme, "https"))) {
    return refuse("it must begin with http:// or https://");
  }
  if (!visible(url)) return refuse("it holds a space or a character that no URL has");
  out.origin.scheme = iequals(scheme, "https") ? Scheme::https : Scheme::http;
  auto rest = url.substr(colon + 3);
  if (rest.find('#') != std::string_view::npos) return refuse("it holds a '#'");
  if (const auto mark = rest.find('?'); mark != std::string_view::npos) {
    out.query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  const auto slash = rest.find('/');
  if (auto done = read_authority(rest.substr(0, slash), out.origin); !done) return fail_with(done);
  out.prefix = prefix_of(slash == std::string_view::npos ? std::string_view{} : rest.substr(slash));
  return out;
}

std::string Endpoint::path(std::string_view operation) const {
  return query.empty() ? cat(prefix, operation) : cat(prefix, operation, "?", query);
}

std::string Endpoint::authority() const {
  if (origin.scheme == Scheme::twin) return "twin";
  if (origin.scheme == Scheme::unix_socket) return "localhost";
  const bool v6 = origin.host.find(':') != std::string::npos;
  auto out = v6 ? cat("[", origin.host, "]") : origin.host;
  if (origin.port != (origin.scheme == Scheme::https ? 443 : 80)) out += cat(":", origin.port);
  return out;
}

}  // namespace cardea::catalog
