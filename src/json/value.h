#pragma once
// An owning JSON tree for cold paths: translation between dialects, catalogs, tests.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

  [[nodiscard]] Type type() const noexcept { return type_; }
  [[nodiscard]] bool is(Type type) const noexcept { return type_ == type; }

  /// Lookups on the wrong type answer nullptr or nullopt, never throw.
  [[nodiscard]] const Value* find(std::string_view key) const noexcept;
  [[nodiscard]] Value* find(std::string_view key) noexcept;
  [[nodiscard]] const std::string* as_string() const noexcept { return is(Type::string) ? &text_ : nullptr; }
  [[nodiscard]] std::optional<bool> as_bool() const noexcept;
  /// The number as written.
  [[nodiscard]] const std::string* as_number() const noexcept { return is(Type::number) ? &text_ : nullptr; }
  [[nodiscard]] std::optional<std::uint64_t> as_u64() const noexcept;
  [[nodiscard]] std::optional<std::int64_t> as_i64() const noexcept;
  [[nodiscard]] std::optional<double> as_double() const noexcept;
  /// Empty unless an array.
  [[nodiscard]] const std::vector<Value>& elements() const noexcept { return elements_; }
  [[nodiscard]] std::vector<Value>& elements() noexcept { return elements_; }
  /// Empty unless an object.
  [[nodiscard]] const std::vector<Member>& members() const noexcept { return members_; }
  [[nodiscard]] std::vector<Member>& members() noexcept { return members_; }
  /// Requires an object: replaces or appends.
  Value& set(std::string_view key, Value value);
  /// Requires an object; true when it was there.
  bool erase(std::string_view key);

  /// Compact text.
  [[nodiscard]] std::string dump() const;
  void append_to(std::string& out) const;

  bool operator==(const Value&) const = default;

 private:
  Type type_ = Type::null;
  bool boolean_ = false;
  std::string text_;  ///< of strings and numbers
  std::vector<Value> elements_;
  std::vector<Member> members_;
};

/// Checks completely, as scan() does; any type at the top.
[[nodiscard]] Result<Value> parse(std::string_view text, const ScanOptions& options = {});

}  // namespace cardea::json
