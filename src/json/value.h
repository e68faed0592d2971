#pragma once
// An owning JSON tree for cold paths: translation between dialects, catalogs, tests.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "json/scan.h"

namespace cardea::json {

/// Objects keep the order of their members (and duplicates: the last one is found); numbers keep their spelling, so 2^64
/// survives. A value type; comparison is by content, numbers by spelling, objects with order.
class Value {
 public:
  using Member = std::pair<std::string, Value>;

  Value() = default;  ///< null
  static Value boolean(bool value);
  static Value string(std::string text);
  /// `raw` must be a JSON number.
  static Value number(std::string raw);
  static Value integer(std::int64_t value);
  static Value array(std::vector<Value> elements = {});
  static Value object(std::vector<Member> members = {});

  [[nodiscard]] Type type() const noexcept { return static_cast<Type>(content_.index()); }
  [[nodiscard]] bool is(Type type) const noexcept { return this->type() == type; }

  /// Lookups on the wrong type answer nullptr or nullopt, never throw.
  [[nodiscard]] const Value* find(std::string_view key) const noexcept;
  [[nodiscard]] Value* find(std::string_view key) noexcept;
  [[nodiscard]] const std::string* as_string() const noexcept { return std::get_if<std::string>(&content_); }
  [[nodiscard]] std::optional<bool> as_bool() const noexcept;
  /// The number as written.
  [[nodiscard]] const std::string* as_number() const noexcept {
    const auto* number = std::get_if<Number>(&content_);
    return number != nullptr ? &number->raw : nullptr;
  }
  [[nodiscard]] std::optional<std::uint64_t> as_u64() const noexcept;
  [[nodiscard]] std::optional<std::int64_t> as_i64() const noexcept;
  [[nodiscard]] std::optional<double> as_double() const noexcept;
  /// Empty unless an array.
  [[nodiscard]] const std::vector<Value>& elements() const noexcept;
  /// Empty unless an object.
  [[nodiscard]] const std::vector<Member>& members() const noexcept;
  /// To be changed each for itself; empty unless an array.
  [[nodiscard]] std::span<Value> each_element() noexcept;
  /// To be added to. Requires an array.
  [[nodiscard]] std::vector<Value>& edit_elements() { return std::get<Elements>(content_); }
  /// To be changed each for itself; empty unless an object.
  [[nodiscard]] std::span<Member> each_member() noexcept;
  /// To be added to. Requires an object.
  [[nodiscard]] std::vector<Member>& edit_members() { return std::get<Pairs>(content_); }
  /// Requires an object: replaces or appends.
  Value& set(std::string_view key, Value value);
  /// Requires an object; true when it was there.
  bool erase(std::string_view key);

  /// Compact text.
  [[nodiscard]] std::string dump() const;
  void append_to(std::string& out) const;

  bool operator==(const Value&) const = default;

 private:
  friend class TreeBuilder;
  struct Number {
    std::string raw;
    bool operator==(const Number&) const = default;
  };
  using Elements = std::vector<Value>;
  using Pairs = std::vector<Member>;

  std::variant<std::monostate, bool, Number, std::string, Elements, Pairs> content_;  ///< in the order of Type
};

/// Checks completely, as scan() does; any type at the top.
[[nodiscard]] Result<Value> parse(std::string_view text, const ScanOptions& options = {});

}  // namespace cardea::json
