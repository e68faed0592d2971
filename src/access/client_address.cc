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
  const std::optional<net::Address> from = address_of(peer);
  const bool by_proxy = from ? trusted(*from) : proxies.unix_socket == TrustedProxies::UnixSocket::proxy;
  if (!by_proxy) return std::string{peer};
  const auto along = [&](std::vector<std::string_view> hops, std::string_view (*node_of)(std::string_view)) {
    std::string found{peer};
    for (; !hops.empty(); hops.pop_back()) {
      const std::optional<net::Address> hop = address_of(node_of(hops.back()));
      if (!hop) break;
      found = hop->host();
      if (!trusted(*hop)) break;
    }
    return found;
  };
  const auto plainly = [](std::string_view hop) { return hop; };
  const std::vector<std::string_view> usual = hops_of(head, "x-forwarded-for");
  const std::vector<std::string_view> standard = hops_of(head, "forwarded");
  if (standard.empty()) return along(usual, plainly);
  if (usual.empty()) return along(standard, for_of);
  // A proxy writes one of them, and may let a client's own other one pass: only what both say is believed.
  const std::string one = along(usual, plainly);
  return one == along(standard, for_of) ? one : std::string{peer};
}

}  // namespace cardea::access
