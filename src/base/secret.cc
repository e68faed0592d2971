#include "base/secret.h"

#include <algorithm>

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

namespace {
/// What is shorter is a word, not a secret.
constexpr std::size_t shortest = 8;
}  // namespace

std::string scrub(std::string_view text, std::string_view secret, std::string_view instead) {
  std::string out{text};
  if (secret.size() < shortest) return out;
  for (auto at = out.find(secret); at != std::string::npos; at = out.find(secret, at + instead.size()))
    out.replace(at, secret.size(), instead);
  return out;
}

void scrub_in_place(std::span<char> text, std::string_view secret) noexcept {
  if (secret.size() < shortest) return;
  const std::string_view view{text.data(), text.size()};
  for (auto at = view.find(secret); at != std::string_view::npos; at = view.find(secret, at + secret.size()))
    std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(at), secret.size(), '*');
}

}  // namespace cardea
