#include <charconv>

#include "base/text.h"
#include "json/keys.h"
#include "json/scan.h"

namespace cardea::json {

std::string_view describe(Type type) noexcept {
  switch (type) {
    case Type::null: return "null";
    case Type::boolean: return "a boolean";
    case Type::number: return "a number";
    case Type::string: return "a string";
    case Type::array: return "an array";
    case Type::object: return "an object";
  }
  return "";
}

void Members::reset(std::string_view text, Kind error_kind) noexcept {
  text_ = text;
  error_kind_ = error_kind;
  nodes_.clear();
  unescaped_.clear();
}

const Member* Members::find_in(Range range, std::string_view key) noexcept {
  const Member* found = nullptr;
  for (const auto& member : range) {
    if (same_key(member.key, key)) found = &member;
  }
  return found;
}

void Members::pick(Range range, std::span<const std::string_view> keys, const Member** out) noexcept {
  for (const auto& member : range) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (same_key(member.key, keys[i])) out[i] = &member;
    }
  }
}

Result<const Member*> Members::unique_in(Range range, std::string_view key) const {
  const Member* found = nullptr;
  for (const auto& member : range) {
    if (!same_key(member.key, key)) continue;
    if (found != nullptr) return fail(error_kind_, cat("'", key, "' is given twice; keep one"), std::string{key});
    found = &member;
  }
  return found;
}

std::string_view Members::string(const Member& member) const {
  const auto whole = raw(member);
  if (!member.escaped) return whole.substr(1, whole.size() - 2);
  auto& text = unescaped_.emplace_front();
  unescape(whole, text);
  return text;
}

namespace {

template <class T>
std::optional<T> to_integer(std::string_view raw) noexcept {
  T value{};
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  if (raw.empty() || error != std::errc{} || end != raw.data() + raw.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::uint64_t> to_u64(std::string_view raw) noexcept { return to_integer<std::uint64_t>(raw); }
std::optional<std::int64_t> to_i64(std::string_view raw) noexcept { return to_integer<std::int64_t>(raw); }

}  // namespace cardea::json
