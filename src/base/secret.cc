#include "base/secret.h"

#include <cstring>

namespace cardea {

Secret::~Secret() {
  // A plain memset of a dying object may be removed by the optimiser.
  explicit_bzero(value_.data(), value_.size());
}

bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<unsigned char>(difference | (static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i])));
  }
  return difference == 0;
}

std::string scrub(std::string_view text, std::string_view secret, std::string_view instead) {
  constexpr std::size_t shortest = 8;
  std::string out{text};
  if (secret.size() < shortest) return out;
  for (auto at = out.find(secret); at != std::string::npos; at = out.find(secret, at + instead.size()))
    out.replace(at, secret.size(), instead);
  return out;
}

}  // namespace cardea
