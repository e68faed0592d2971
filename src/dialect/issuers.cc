#include "dialect/issuers.h"

#include <cstring>
#include <functional>
#include <new>

#include "dialect/passes.h"
#include "json/value.h"

namespace cardea::dialect {
namespace {

constexpr std::uint64_t place_mask = 0xFFFF;

std::uint64_t entry_of(std::uint64_t fingerprint, std::string_view deployment) noexcept {
  return (fingerprint & ~place_mask) | (std::hash<std::string_view>{}(deployment)&place_mask);
}

/// The string behind `key` and a colon at the front of `text`, quotes included; empty: there is none. Inside a string the key's
/// quotes would be escaped, so a match is a member.
std::string_view string_behind(std::string_view text, std::string_view key) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto colon = text.find_first_not_of(blanks, key.size());
  if (colon == std::string_view::npos || text[colon] != ':') return {};
  const auto open = text.find_first_not_of(blanks, colon + 1);
  if (open == std::string_view::npos || text[open] != '"') return {};
  auto close = open + 1;
  do {
    close = text.find('"', close);
    if (close == std::string_view::npos) return {};
    const auto before = text.find_last_not_of('\\', close - 1);
    const bool escaped = (close - 1 - before) % 2 == 1;
    ++close;
    if (!escaped) return text.substr(open, close - open);
  } while (true);
}

/// Where `key` begins in `text`, or npos. (std::string_view::find stops at every quote.)
std::size_t find_key(std::string_view text, std::string_view key) noexcept {
  const void* const found = memmem(text.data(), text.size(), key.data(), key.size());
  return found == nullptr ? std::string_view::npos : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

/// Calls `judge` with each opaque item in raw JSON until it says true.
template <class Judge>
bool any_item(std::string_view raw, std::span<const std::string_view> keys, const Judge& judge) {
  for (const auto key : keys) {
    std::string_view rest = raw;
    for (auto at = find_key(rest, key); at != std::string_view::npos; at = find_key(rest, key)) {
      rest.remove_prefix(at);
      const auto quoted = string_behind(rest, key);
      rest.remove_prefix(key.size());
      if (quoted.size() <= 2) continue;
      const auto plain = quoted.substr(1, quoted.size() - 2);
      if (plain.find('\\') == std::string_view::npos) {
        if (judge(plain)) return true;
        continue;
      }
      // Base64 needs no escapes; some writers escape its '/' and '=' all the same.
      const auto value = json::parse(quoted);
      if (value && value->as_string() != nullptr && judge(*value->as_string())) return true;
    }
  }
  return false;
}

}  // namespace

std::uint64_t fingerprint(std::string_view item) noexcept { return std::hash<std::string_view>{}(item); }

Issuers::Issuers() : table_{static_cast<std::uint64_t*>(std::calloc(slots, sizeof(std::uint64_t)))} {  // NOLINT: see table_
  if (table_ == nullptr) throw std::bad_alloc{};
}

void Issuers::note(std::span<const std::uint64_t> fingerprints, std::string_view deployment) noexcept {
  if (!fingerprints.empty()) used_.store(true, std::memory_order_relaxed);
  for (const auto print : fingerprints) {
    std::atomic_ref{table_[print & place_mask]}.store(entry_of(print, deployment), std::memory_order_relaxed);
  }
}

Issuers::Origin Issuers::of(std::string_view item, std::string_view deployment) const noexcept {
  const auto print = fingerprint(item);
  const auto held = std::atomic_ref{table_[print & place_mask]}.load(std::memory_order_relaxed);
  if (held == 0 || ((held ^ print) & ~place_mask) != 0) return Origin::unknown;
  return held == entry_of(print, deployment) ? Origin::own : Origin::foreign;
}

bool Issuers::any_foreign(const Dialect& dialect, const RequestView& request, std::string_view deployment) const {
  const auto keys = dialect.traits().opaque_keys;
  if (keys.empty() || !used_.load(std::memory_order_relaxed)) return false;
  const auto judge = [&](std::string_view item) { return of(item, deployment) == Origin::foreign; };
  return any_own_turn(request, [&](std::string_view raw) { return any_item(raw, keys, judge); });
}

}  // namespace cardea::dialect
