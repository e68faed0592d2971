#include "net/proxy.h"

#include <openssl/evp.h>

#include "base/text.h"
#include "net/tcp.h"

namespace cardea::net {
namespace {

std::string base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());                                               // NOLINT
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), from, static_cast<int>(bytes.size()));  // NOLINT
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    unsigned value = 0;
    const auto digits = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc{} || end != digits.data() + 2) return std::nullopt;
    out.push_back(static_cast<char>(value));
    i += 2;
  }
  return out;
}

/// "host", "host:port", "[v6]:port", "v6". `port` stays as it is when none is written. False: the port is no number.
bool split_port(std::string_view& host, std::uint16_t& port) {
  std::string_view digits;
  const auto close = host.find(']');
  if (host.starts_with('[') && close != std::string_view::npos) {
    const auto rest = host.substr(close + 1);
    host = host.substr(1, close - 1);
    if (rest.empty()) return true;
    if (rest.front() != ':') return false;
    digits = rest.substr(1);
  } else {
    const auto colon = host.find(':');
    if (colon == std::string_view::npos || colon != host.rfind(':')) return true;
    digits = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  const auto number = parse_number<std::uint16_t>(digits);
  if (number) port = *number;
  return number.has_value();
}

/// `name` is for messages; the URL itself may hold a password and is never quoted.
Result<Proxy> parse_proxy(std::string_view name, std::string_view url) {
  const auto wrong = [name](std::string_view why) {
    return fail(Kind::config, cat(name, ": ", why, "; write http://[user:password@]host:port"));
  };
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
    if (!iequals(url.substr(0, scheme), "http")) return wrong("only http:// proxies are supported");
    url = url.substr(scheme + 3);
  }
  url = url.substr(0, url.find('/'));
  Proxy proxy;
  if (const auto at = url.rfind('@'); at != std::string_view::npos) {
    const auto credentials = percent_decode(url.substr(0, at));
    if (!credentials) return wrong("the user or password has a % that is not followed by two hexadecimal digits");
    proxy.authorization = Secret{cat("Basic ", base64(*credentials))};
    url = url.substr(at + 1);
  }
  proxy.port = 80;
  if (!split_port(url, proxy.port) || proxy.port == 0) return wrong("the port is not a number from 1 to 65535");
  if (url.empty()) return wrong("the host is missing");
  proxy.host = to_lower(url);
  return proxy;
}

bool in_block(std::string_view block, std::string_view host) {
  const auto slash = block.find('/');
  const auto bits = parse_number<unsigned>(block.substr(slash + 1));
  const auto network = Address::ip(block.substr(0, slash), 0);
  const auto address = Address::ip(host, 0);
  if (!bits || !network || !address || network->family() != address->family()) return false;
  const auto a = network->ip_bytes();
  const auto b = address->ip_bytes();
  if (*bits > a.size() * 8) return false;
  for (unsigned i = 0; i < *bits; ++i) {
    if (((a[i / 8] ^ b[i / 8]) & (0x80U >> (i % 8))) != 0) return false;
  }
  return true;
}

bool rule_matches(std::string_view rule, std::string_view host, std::uint16_t port) {
  if (rule == "*") return true;
  if (rule.find('/') != std::string_view::npos) return in_block(rule, host);
  std::uint16_t only = port;
  if (!split_port(rule, only) || only != port) return false;
  if (rule.starts_with("*.")) rule = rule.substr(1);
  if (rule.starts_with('.')) rule = rule.substr(1);
  if (rule.empty()) return false;
  const auto literal = Address::ip(rule, 0);
  const auto address = Address::ip(host, 0);
  if (literal && address) return literal->host() == address->host();
  if (host.size() > rule.size() && host[host.size() - rule.size() - 1] == '.') host = host.substr(host.size() - rule.size());
  return iequals(host, rule);
}

bool is_local(std::string_view host) {
  const auto address = Address::ip(host, 0);
  return address ? address->is_loopback() : iequals(host, "localhost") || to_lower(host).ends_with(".localhost");
}

}  // namespace

Result<ProxySettings> ProxySettings::from_environment(const std::function<std::string(const char*)>& variable) {
  ProxySettings settings;
  struct Source {
    std::optional<Proxy>* target;
    const char* names[4];
  };
  const Source sources[] = {
      {&settings.https_, {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}},
      {&settings.http_, {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}},
  };
  for (const auto& source : sources) {
    for (const char* name : source.names) {
      const std::string url = variable(name);
      if (url.empty()) continue;
      auto proxy = parse_proxy(name, url);
      if (!proxy) return fail_with(proxy);
      *source.target = std::move(*proxy);
      break;
    }
  }
  std::string bypass = variable("no_proxy");
  if (bypass.empty()) bypass = variable("NO_PROXY");
  for_each_in_list(bypass, [&settings](std::string_view rule) { settings.bypass_.emplace_back(rule); });
  return settings;
}

const Proxy* ProxySettings::proxy_for(Target target, std::string_view host, std::uint16_t port) const {
  const auto& proxy = target == Target::https ? https_ : http_;
  return proxy && !bypassed(host, port) ? &*proxy : nullptr;
}

bool ProxySettings::bypassed(std::string_view host, std::uint16_t port) const {
  if (is_local(host)) return true;
  for (const auto& rule : bypass_) {
    if (rule_matches(rule, host, port)) return true;
  }
  return false;
}

}  // namespace cardea::net
