#include "access/client_address.h"

#include <optional>
#include <vector>

#include "base/text.h"
#include "wire/http1.h"

namespace cardea::access {
namespace {

/// Of "10.0.0.1", "10.0.0.1:80", "[::1]:80", "::1", each perhaps in quotes.
std::optional<net::Address> address_of(std::string_view hop) {
  hop = trim(hop);
  if (hop.size() >= 2 && hop.starts_with('"') && hop.ends_with('"')) hop = hop.substr(1, hop.size() - 2);
  if (hop.starts_with('[')) {
    hop = hop.substr(1, hop.find(']') == std::string_view::npos ? 0 : hop.find(']') - 1);
  } else if (hop.find(':') == hop.rfind(':')) {
    hop = hop.substr(0, hop.find(':'));
  }
  Result<net::Address> address = net::Address::ip(hop, 0);
  if (!address) return std::nullopt;
  return *address;
}

/// The node behind `for=` of one element of Forwarded; empty: it says none.
std::string_view for_of(std::string_view element) {
  while (!element.empty()) {
    const auto end = element.find(';');
    const std::string_view pair = trim(element.substr(0, end));
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos && iequals(trim(pair.substr(0, equals)), "for")) return trim(pair.substr(equals + 1));
    element = end == std::string_view::npos ? std::string_view{} : element.substr(end + 1);
  }
  return {};
}

/// The hops that some header lines name, from the client's side to ours.
std::vector<std::string_view> hops_of(const wire::RequestHead& head, std::string_view name) {
  std::vector<std::string_view> hops;
  const auto& headers = head.headers();
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (!iequals(headers[i].name, name)) continue;
    std::string_view rest = headers[i].value;
    for (;;) {
      const auto comma = rest.find(',');
      hops.push_back(trim(rest.substr(0, comma)));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return hops;
}

}  // namespace

Result<TrustedProxies> TrustedProxies::parse(std::span<const std::string> entries) {
  TrustedProxies out;
  std::vector<std::string> networks;
  for (const std::string& entry : entries) {
    if (entry == "unix") {
      out.unix_socket = UnixSocket::proxy;
    } else {
      networks.push_back(entry);
    }
  }
  Result<net::IpList> list = net::IpList::parse(networks);
  if (!list) return fail_with(list);
  out.networks = std::move(*list);
  return out;
}

std::string client_address(const wire::RequestHead& head, std::string_view peer, const TrustedProxies& proxies) {
  const auto trusted = [&](const net::Address& address) { return proxies.networks.holds(address); };
  std::string found{peer};
  const std::optional<net::Address> from = address_of(peer);
  const bool by_proxy = from ? trusted(*from) : proxies.unix_socket == TrustedProxies::UnixSocket::proxy;
  if (!by_proxy) return found;
  std::vector<std::string_view> hops = hops_of(head, "x-forwarded-for");
  const bool standard = hops.empty();
  if (standard) hops = hops_of(head, "forwarded");
  while (!hops.empty()) {
    const std::optional<net::Address> hop = address_of(standard ? for_of(hops.back()) : hops.back());
    if (!hop) break;
    found = hop->host();
    if (!trusted(*hop)) break;
    hops.pop_back();
  }
  return found;
}

}  // namespace cardea::access
