#include "base/secret.h"

#include <algorithm>

#include <cstring>
#include <utility>

namespace cardea {

void wipe(std::string& text) noexcept {
  // All of it: a text that was longer once left its end behind. Growing up to the capacity allocates nothing.
  text.resize(text.capacity());
  // A plain memset of a dying object may be removed by the optimiser.
  explicit_bzero(text.data(), text.size());
  text.clear();
}

void Secret::wipe() noexcept { cardea::wipe(value_); }

Secret& Secret::operator=(const Secret& other) {
  if (this == &other) return *this;
  std::string copy = other.value_;
  wipe();
  value_ = std::move(copy);
  cardea::wipe(copy);
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe();
  value_ = std::move(other.value_);
  other.wipe();
  return *this;
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
