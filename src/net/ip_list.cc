#include "net/ip_list.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace cardea::net {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/// Without the IPv6 around an IPv4 address (RFC 4291 §2.5.5.2).
std::span<const std::uint8_t> plain(std::span<const std::uint8_t> bytes) noexcept {
  const bool mapped = bytes.size() == 16 && std::ranges::equal(bytes.first(mapped_prefix.size()), mapped_prefix);
  return mapped ? bytes.subspan(mapped_prefix.size()) : bytes;
}

}  // namespace

bool is_mapped(const Address& address) noexcept { return plain(address.ip_bytes()).size() != address.ip_bytes().size(); }

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  const auto slash = text.find('/');
  const Result<Address> address = Address::ip(text.substr(0, slash), 0);
  if (!address) return std::nullopt;
  const auto written = address->ip_bytes();
  const auto bytes = plain(written);
  const auto inside = static_cast<unsigned>((written.size() - bytes.size()) * 8);
  const auto all = static_cast<unsigned>(written.size() * 8);
  const auto bits = slash == std::string_view::npos ? std::optional{all} : parse_number<unsigned>(text.substr(slash + 1));
  if (!bits || *bits > all || *bits < inside) return std::nullopt;
  IpNetwork out;
  out.bytes_.assign(bytes.begin(), bytes.end());
  out.bits_ = *bits - inside;
  return out;
}

bool IpNetwork::holds(const Address& address) const noexcept {
  const auto bytes = plain(address.ip_bytes());
  if (bytes.size() != bytes_.size()) return false;
  const std::size_t whole = bits_ / 8;
  if (!std::equal(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(whole), bytes.begin())) return false;
  return bits_ % 8 == 0 || ((bytes_[whole] ^ bytes[whole]) >> (8 - bits_ % 8)) == 0;
}

Result<IpList> IpList::parse(std::span<const std::string> entries) {
  IpList out;
  for (const std::string& text : entries) {
    std::optional<IpNetwork> network = IpNetwork::parse(text);
    if (!network) {
      return fail(Kind::config,
                  cat("'", text, "' is neither an IP address nor a network; write 10.1.2.3, 10.1.0.0/16 or 2001:db8::/32"));
    }
    out.networks_.push_back(std::move(*network));
  }
  return out;
}

bool IpList::holds(const Address& address) const noexcept {
  return std::ranges::any_of(networks_, [&](const IpNetwork& network) { return network.holds(address); });
}

}  // namespace cardea::net
