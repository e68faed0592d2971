#include "net/egress.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/text.h"

namespace cardea::net {
namespace {

struct Prefix4 {
  std::uint32_t network;
  int bits;
};
constexpr std::uint32_t v4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

// IANA special-purpose registry (RFC 6890 and updates), plus what clouds use for metadata outside of it.
constexpr Prefix4 not_public4[] = {
    {v4(0, 0, 0, 0), 8},         // this network
    {v4(10, 0, 0, 0), 8},        // private
    {v4(100, 64, 0, 0), 10},     // CGNAT; Alibaba's metadata
    {v4(127, 0, 0, 0), 8},       // loopback
    {v4(168, 63, 129, 16), 32},  // Azure's host services
    {v4(169, 254, 0, 0), 16},    // link-local; metadata of AWS, GCP, Azure
    {v4(172, 16, 0, 0), 12},     // private
    {v4(192, 0, 0, 0), 24},      // protocol assignments; Oracle's metadata
    {v4(192, 0, 2, 0), 24},      // documentation
    {v4(192, 88, 99, 0), 24},    // 6to4 relays
    {v4(192, 168, 0, 0), 16},    // private
    {v4(198, 18, 0, 0), 15},     // benchmarking
    {v4(198, 51, 100, 0), 24},   // documentation
    {v4(203, 0, 113, 0), 24},    // documentation
    {v4(224, 0, 0, 0), 4},       // multicast
    {v4(240, 0, 0, 0), 4},       // reserved, broadcast
};

using Bytes6 = std::array<std::uint8_t, 16>;
struct Prefix6 {
  Bytes6 network;
  int bits;
  int embedded_at;  ///< byte at which an IPv4 address stands that decides; -1: refused outright
};
constexpr Prefix6 special6[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 12},  // IPv4-mapped
    {{}, 96, 12},                                          // IPv4-compatible, :: and ::1 (as 0.0.0.0/8)
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12},                    // NAT64
    {{0x20, 0x02}, 16, 2},                                 // 6to4
};
constexpr Prefix6 global_unicast{{0x20}, 3, -1};
// Parts of 2000::/3 that are not public.
constexpr Prefix6 not_public6[] = {
    {{0x20, 0x01, 0x00}, 23, -1},        // protocol assignments, Teredo, benchmarking, ORCHID
    {{0x20, 0x01, 0x0d, 0xb8}, 32, -1},  // documentation
    {{0x3f, 0xff}, 20, -1},              // documentation
};

bool is_public4(std::uint32_t address) noexcept {
  return std::ranges::none_of(
      not_public4, [address](const Prefix4& prefix) { return ((address ^ prefix.network) >> (32 - prefix.bits)) == 0; });
}

bool within(const Bytes6& address, const Prefix6& prefix) noexcept {
  const auto whole = static_cast<std::size_t>(prefix.bits / 8);
  const int rest = prefix.bits % 8;
  if (std::memcmp(address.data(), prefix.network.data(), whole) != 0) return false;
  return rest == 0 || ((address[whole] ^ prefix.network[whole]) >> (8 - rest)) == 0;
}

bool embedded_public(const Bytes6& address, std::size_t at) noexcept {
  return is_public4(v4(address[at], address[at + 1], address[at + 2], address[at + 3]));
}

bool is_public6(const Bytes6& address) noexcept {
  for (const auto& form : special6) {
    if (within(address, form)) return embedded_public(address, static_cast<std::size_t>(form.embedded_at));
  }
  // Anything outside 2000::/3 is local, multicast or not assigned.
  if (!within(address, global_unicast)) return false;
  if (std::ranges::any_of(not_public6, [&](const Prefix6& prefix) { return within(address, prefix); })) return false;
  // ISATAP (RFC 5214): the interface identifier is [02]00:5efe and an IPv4 address.
  const bool isatap = (address[8] & 0xfdU) == 0 && address[9] == 0 && address[10] == 0x5e && address[11] == 0xfe;
  return !isatap || embedded_public(address, 12);
}

}  // namespace

bool is_public(const Address& address) noexcept {
  const auto bytes = address.ip_bytes();
  if (bytes.size() == 4) return is_public4(v4(bytes[0], bytes[1], bytes[2], bytes[3]));
  Bytes6 wide;
  if (bytes.size() != wide.size()) return false;
  std::ranges::copy(bytes, wide.begin());
  return is_public6(wide);
}

Status check_egress(const Address& address, Egress policy) {
  if (policy == Egress::anywhere || is_public(address)) return {};
  // Without the address: the message may reach a client, who must not learn what a name means inside.
  return fail(Kind::forbidden,
              "its address is not public; only targets that the operator has configured may be in local networks");
}

Result<EgressExceptions::Entry> EgressExceptions::parse_entry(std::string_view text) {
  Entry out;
  const auto wrong = [&](std::string_view why) {
    return fail(Kind::config, cat("'", text, "' ", why, "; write a host name, an IP address or a network such as 10.1.0.0/16"));
  };
  std::string_view host = text;
  std::string_view port;
  const auto bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  if (bracket != std::string_view::npos) {
    host = text.substr(1, bracket - 1);
    port = text.substr(bracket + 1);
  } else if (std::ranges::count(text, ':') == 1) {
    host = text.substr(0, text.find(':'));
    port = text.substr(host.size());
  }
  if (!port.empty()) {
    const auto number = port.starts_with(':') ? parse_number<std::uint16_t>(port.substr(1)) : std::nullopt;
    if (!number || *number == 0) return wrong("has no port behind its ':'");
    out.port = *number;
  }
  out.network = IpNetwork::parse(host);
  if (out.network) return out;
  if (host.find('/') != std::string_view::npos) return wrong("is no network");
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'; };
  out.host = to_lower(host);
  if (out.host.empty() || !std::ranges::all_of(out.host, fits)) return wrong("is no target");
  return out;
}

Result<EgressExceptions> EgressExceptions::parse(std::span<const std::string> entries) {
  EgressExceptions out;
  for (const std::string& text : entries) {
    Result<Entry> entry = parse_entry(text);
    if (!entry) return fail_with(entry);
    out.entries_.push_back(std::move(*entry));
  }
  return out;
}

bool EgressExceptions::hold(std::string_view host, std::uint16_t port) const noexcept {
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    return !entry.host.empty() && entry.host == host && (entry.port == 0 || entry.port == port);
  });
}

bool EgressExceptions::hold(const Address& address) const noexcept {
  // Another way to write an address that is allowed is a way around what looks at it; nobody needs it.
  if (is_mapped(address)) return false;
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    return entry.network && (entry.port == 0 || entry.port == address.port()) && entry.network->holds(address);
  });
}

}  // namespace cardea::net
