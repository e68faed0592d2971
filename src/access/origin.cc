// Which names and origins are this machine's own: what stands between a keyless gateway and the web pages in its user's browser.
#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "access/access.h"
#include "base/text.h"
#include "config/loader.h"
#include "config/settings.h"

namespace cardea::access {
namespace {

bool listed(std::string_view text, const std::vector<std::string>& list) {
  return std::ranges::any_of(list, [text](const std::string& entry) { return entry == "*" || iequals(entry, text); });
}

/// `host[:port]` without its port. An IPv6 literal keeps its brackets. Empty when it is neither.
std::string_view without_port(std::string_view authority) {
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return {};
    const auto rest = authority.substr(end + 1);
    return rest.empty() || rest.starts_with(':') ? authority.substr(0, end + 1) : std::string_view{};
  }
  return authority.substr(0, authority.find(':'));
}

/// "localhost", a name below it (RFC 6761 §6.3), 127.0.0.0/8 as four decimals, [::1]. A public name that resolves to 127.0.0.1 is
/// not among them: that is how DNS rebinding works.
bool names_loopback(std::string_view host) {
  constexpr std::string_view local = "localhost";
  if (iequals(host, local) || host == "[::1]") return true;
  if (host.size() > local.size() && host[host.size() - local.size() - 1] == '.' &&
      iequals(host.substr(host.size() - local.size()), local)) {
    return true;
  }
  char text[INET_ADDRSTRLEN];
  if (host.size() >= sizeof text) return false;
  std::memcpy(text, host.data(), host.size());
  text[host.size()] = '\0';
  in_addr address{};
  // inet_pton takes four decimals only, so 0x7f.1 and 2130706433 are names like any other.
  return inet_pton(AF_INET, text, &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

}  // namespace

bool host_allowed(std::string_view host, const OriginRules& rules) noexcept {
  const auto name = without_port(host);
  if (name.empty()) return false;
  return names_loopback(name) || listed(name, rules.hosts);
}

bool origin_allowed(std::string_view origin, const OriginRules& rules) noexcept {
  if (listed(origin, rules.origins)) return true;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!iequals(origin.substr(0, scheme.size()), scheme)) continue;
    const auto authority = origin.substr(scheme.size());
    return authority.find_first_of("/@?#") == std::string_view::npos && names_loopback(without_port(authority));
  }
  return false;
}

void refuse_strangers(std::span<const std::string> listen, std::vector<config::Problem>& problems) {
  for (const std::string& text : listen) {
    const auto address = config::parse_listen(text);
    if (!address || address->loopback()) continue;
    problems.push_back({.path = "listen",
                        .message = cat("'", text, "' can be reached from other machines, and there is no gateway key"),
                        .fix = "set API_KEY=… in the environment, add keys: to the file, make one with 'cardea keys create', or "
                               "listen on 127.0.0.1"});
  }
}

}  // namespace cardea::access
