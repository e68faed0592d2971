#include "catalog/endpoint.h"

#include <algorithm>

#include "base/text.h"
#include "catalog/dialects.h"

namespace cardea::catalog {
namespace {

constexpr std::size_t url_bytes_max = 2048;
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

std::string without_double_slashes(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c != '/' || !out.ends_with('/')) out.push_back(c);
  }
  while (out.ends_with('/')) out.pop_back();
  return out;
}

void take_path(Endpoint& out, std::string_view raw, const DialectFacts& facts) {
  const auto path = without_double_slashes(raw);
  if (path.empty()) {
    out.prefix = facts.prefix;
    return;
  }
  const auto stripped = strip_operation(path, facts);
  out.prefix = stripped.path;
  out.model = percent_decoded(stripped.model).value_or(std::string{stripped.model});
  if (!facts.prefix.empty() && out.prefix.ends_with(cat(facts.prefix, facts.prefix)))
    out.prefix.resize(out.prefix.size() - facts.prefix.size());
  if (!facts.stream_query.empty() && out.query == facts.stream_query) out.query.clear();
}

std::string_view path_of(std::string_view url) {
  const auto begin = url.find("://");
  if (begin == std::string_view::npos) return {};
  const auto slash = url.find('/', begin + 3);
  return slash == std::string_view::npos ? std::string_view{} : url.substr(slash, url.find_first_of("?#", slash) - slash);
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view url, config::Dialect dialect) {
  const auto& facts = facts_of(dialect);
  Endpoint out;
  if (url.size() > url_bytes_max) return refuse("it is longer than 2,048 bytes");
  if (url == "twin:" || url == "twin://") {
    out.origin.scheme = Scheme::twin;
    out.prefix = facts.prefix;
    return out;
  }
  if (url.starts_with("unix:")) {
    out.origin = {Scheme::unix_socket, std::string{url.substr(5)}, 0};
    out.prefix = facts.prefix;
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
  take_path(out, slash == std::string_view::npos ? std::string_view{} : rest.substr(slash), facts);
  return out;
}

std::optional<config::Dialect> dialect_of_address(std::string_view url) {
  return dialect_of_path(without_double_slashes(path_of(url)));
}

std::string local_address(std::string_view text, std::string_view usual) {
  const auto normal = parse_endpoint(usual);
  if (!normal || text.empty() || text.starts_with("unix:")) return std::string{text};
  const auto scheme = text.find("://");
  auto rest = scheme == std::string_view::npos ? text : text.substr(scheme + 3);
  const auto path = rest.find('/') == std::string_view::npos ? std::string_view{} : rest.substr(rest.find('/'));
  rest.remove_suffix(path.size());
  auto colon = rest.rfind(':');
  if (rest.ends_with(']') || colon == std::string_view::npos) colon = rest.size();
  auto host = rest.substr(0, colon);
  const auto port = rest.substr(colon);
  if (host.empty() || host == "0.0.0.0" || host == "[::]") host = normal->origin.host;
  if (scheme != std::string_view::npos) return cat(text.substr(0, scheme), "://", host, port, path);
  return port.empty() ? cat("http://", host, ":", normal->origin.port, path) : cat("http://", host, port, path);
}

Result<std::string> fill_blanks(std::string_view url, const Blanks& blanks) {
  std::string out;
  while (true) {
    const auto open = url.find('{');
    const auto close = url.find('}', open);
    if (close == std::string_view::npos) return out.append(url);
    const auto name = url.substr(open + 1, close - open - 1);
    const auto value = blanks(name);
    if (!value) return std::unexpected{Error{Kind::config, cat("nothing is known for '{", name, "}'"), std::string{name}}};
    const auto odd = [](char c) {
      const auto lower = ascii_lower(c);
      const bool alnum = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
      return !alnum && c != '-' && c != '.' && c != ':' && c != '_';
    };
    if (value->empty() || std::any_of(value->begin(), value->end(), odd))
      return std::unexpected{Error{Kind::config, cat("the value of '{", name, "}' is not a plain name"), std::string{name}}};
    out.append(url.substr(0, open)).append(*value);
    url.remove_prefix(close + 1);
  }
}

std::string Endpoint::path(std::string_view target) const {
  if (query.empty()) return cat(prefix, target);
  return cat(prefix, target, target.find('?') == std::string_view::npos ? "?" : "&", query);
}

std::string Endpoint::root_path(std::string_view target) const {
  Endpoint root{.origin = {}, .prefix = prefix, .query = query, .model = {}};
  const auto slash = prefix.rfind('/');
  const auto last = slash != std::string::npos ? std::string_view{prefix}.substr(slash + 1) : std::string_view{};
  const bool version = last.size() > 1 && last[0] == 'v' && last[1] >= '0' && last[1] <= '9';
  if (version) root.prefix.resize(slash);
  return root.path(target);
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
