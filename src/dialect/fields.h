#pragma once
// Private to the room: reading and writing single fields, shared by every dialect.

#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/text.h"
#include "dialect/losses.h"
#include "json/scan.h"
#include "json/value.h"
#include "json/writer.h"
#include "model/chat.h"

namespace cardea::dialect {

/// How an upstream's texts are scanned.
[[nodiscard]] json::ScanOptions upstream_scan(std::span<const std::string_view> outline = {});

/// "'messages[0].role' must be a string, not null", with the path as param.
[[nodiscard]] std::unexpected<Error> wrong_type(std::string_view path, std::string_view expected, json::Type got);
[[nodiscard]] std::unexpected<Error> bad_field(std::string_view path, std::string_view problem);

/// Absent and null are the same: nullptr.
[[nodiscard]] const json::Value* given(const json::Value& object, std::string_view key) noexcept;
// Readers of an optional field: absent stays absent; the wrong type is an error naming the path.
Status read(const json::Value& value, std::string_view path, std::optional<std::string>& out);
Status read(const json::Value& value, std::string_view path, std::optional<bool>& out);
Status read(const json::Value& value, std::string_view path, std::optional<std::uint64_t>& out);
Status read(const json::Value& value, std::string_view path, std::optional<model::Number>& out);
Status read(const json::Value& value, std::string_view path, std::optional<model::Json>& out);
Status read(const json::Value& value, std::string_view path, std::optional<std::vector<std::string>>& out);
/// Reads `object[key]` into `out` when it is there.
template <class T>
Status read_member(const json::Value& object, std::string_view key, std::string_view path, std::optional<T>& out) {
  const auto* value = given(object, key);
  return value != nullptr ? read(*value, cat(path, '.', key), out) : Status{};
}
/// A string that must be there.
Result<std::string> required_string(const json::Value& object, std::string_view key, std::string_view path);
/// An object that must be there.
Result<const json::Value*> required_object(const json::Value& object, std::string_view key, std::string_view path);
/// Appends the members of `object` other than `known` (and other than null).
void collect_extras(const json::Value& object, std::span<const std::string_view> known, model::Extras& out);
/// The same for a known object inside: one extra with its name.
void collect_inner(const json::Value& object, std::string_view name, std::span<const std::string_view> known, model::Extras& out);

void write(json::Writer& w, std::string_view key, const std::optional<std::string>& value);
void write(json::Writer& w, std::string_view key, const std::optional<bool>& value);
void write(json::Writer& w, std::string_view key, const std::optional<std::uint64_t>& value);
void write(json::Writer& w, std::string_view key, const std::optional<model::Number>& value);
void write(json::Writer& w, std::string_view key, const std::optional<model::Json>& value);
void write(json::Writer& w, std::string_view key, const std::optional<std::vector<std::string>>& value);
/// What stands in for an absent value; nothing when that is empty too.
inline void write_or(json::Writer& w, std::string_view key, const std::optional<std::string>& value, std::string_view instead) {
  const std::string_view text = value ? std::string_view{*value} : instead;
  if (!text.empty()) w.key(key).string(text);
}
[[nodiscard]] inline std::optional<std::uint64_t> instead(std::uint64_t number) noexcept {
  return number != 0 ? std::optional{number} : std::nullopt;
}
/// Writes the extras, those of known objects inside (`inner`) excepted.
void write_extras(json::Writer& w, const model::Extras& extras, std::span<const std::string_view> inner);
/// Writes the members of the extra named `inner` into the open object.
void write_inner(json::Writer& w, const model::Extras& extras, std::string_view inner);

/// Whose words are encoded: the dialect's own, with its own extras and opaque parts, or another's.
enum class Whose : std::uint8_t { foreign, own };

template <class T, class Variant>
struct IndexIn;
template <class T, class... Ts>
struct IndexIn<T, std::variant<Ts...>> {
  static constexpr std::size_t value = [] {
    std::size_t index = 0;
    static_cast<void>(((std::same_as<T, Ts> || (++index, false)) || ...));
    return index;
  }();
};
/// The place of a kind of part in Part's variant.
template <class T>
inline constexpr std::size_t kind_of = IndexIn<T, decltype(model::Part::value)>::value;

}  // namespace cardea::dialect
