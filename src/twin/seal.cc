#include "twin/seal.h"

#include <array>

#include "base/base64.h"
#include "net/crypto.h"

namespace cardea::twin {
namespace {

constexpr std::string_view key = "the twin keeps no secrets";

std::string mac(const Issuer& issuer, std::string_view text) {
  std::string whole{issuer.form};
  whole.append(1, '\0').append(issuer.name).append(1, '\0').append(text);
  const net::Digest digest = net::hmac_sha256(key, whole);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};  // NOLINT
}

}  // namespace

std::string sign(const Issuer& issuer, std::string_view text) { return to_base64(mac(issuer, text)); }

bool is_signed(const Issuer& issuer, std::string_view text, std::string_view signature) {
  return signature == sign(issuer, text);
}

std::string seal(const Issuer& issuer, std::string_view text) { return to_base64(mac(issuer, text).append(text)); }

bool is_sealed(const Issuer& issuer, std::string_view sealed) {
  const auto bytes = from_base64(sealed);
  if (!bytes || bytes->size() < sizeof(net::Digest)) return false;
  const auto text = std::string_view{*bytes}.substr(sizeof(net::Digest));
  return mac(issuer, text) == std::string_view{*bytes}.substr(0, sizeof(net::Digest));
}

}  // namespace cardea::twin
