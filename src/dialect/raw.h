#pragma once
// Private to the room: walking through JSON that was checked, without a tree. Answers with vectors are mostly numbers, which are
// only passed on.

#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"
#include "dialect/fields.h"
#include "json/scan.h"

namespace cardea::dialect {

/// A value in a text that outlives it.
class Raw {
 public:
  /// Checks all of `text`, whose top level may be any value.
  [[nodiscard]] static Result<Raw> checked(std::string_view text, const json::ScanOptions& options = {});

  [[nodiscard]] json::Type type() const noexcept;
  [[nodiscard]] bool is(json::Type type) const noexcept { return this->type() == type; }
  /// As it is written.
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  /// Of a string what it says; of anything else nothing.
  [[nodiscard]] std::string string() const;
  /// Without white space between its tokens.
  [[nodiscard]] model::Json compact() const;
  /// The last member of that name that is not null; nothing for anything but an object.
  [[nodiscard]] std::optional<Raw> find(std::string_view key) const;
  [[nodiscard]] bool empty_list() const;

  /// visit(Raw) for each element of an array, until it says something false.
  template <class Visit>
  void each_element(Visit&& visit) const {
    for (auto at = first(); at < text_.size() && text_[at] != ']';) {
      const Raw value = value_at(at);
      if (!visit(value)) return;
      at = behind(value);
    }
  }
  /// visit(std::string key, Raw) for each member of an object.
  template <class Visit>
  void each_member(Visit&& visit) const {
    for (auto at = first(); at < text_.size() && text_[at] != '}';) {
      const Raw key = value_at(at);
      const Raw value = value_at(behind(key));
      visit(key, value);
      at = behind(value);
    }
  }

 private:
  explicit Raw(std::string_view text) noexcept : text_{text} {}
  [[nodiscard]] std::size_t first() const noexcept;
  [[nodiscard]] Raw value_at(std::size_t at) const noexcept;
  /// Where the next value begins: behind white space and one comma or colon.
  [[nodiscard]] std::size_t behind(const Raw& inner) const noexcept;
  std::string_view text_;
};

/// "a.b", or "b" at the top.
[[nodiscard]] inline std::string field_path(std::string_view path, std::string_view key) {
  return path.empty() ? std::string{key} : cat(path, '.', key);
}

// Readers: absent and null stay absent; the wrong type is an error naming the path.
Status read(const Raw& value, std::string_view path, std::optional<std::string>& out);
Status read(const Raw& value, std::string_view path, std::optional<bool>& out);
Status read(const Raw& value, std::string_view path, std::optional<std::uint64_t>& out);
Status read(const Raw& value, std::string_view path, std::optional<model::Number>& out);
Status read(const Raw& value, std::string_view path, std::optional<model::Json>& out);
Status read(const Raw& value, std::string_view path, std::optional<std::vector<std::string>>& out);
template <class T>
Status read_member(const Raw& object, std::string_view key, std::string_view path, std::optional<T>& out) {
  const auto value = object.find(key);
  return value ? read(*value, field_path(path, key), out) : Status{};
}
/// A member that must be there.
[[nodiscard]] Result<Raw> required(const Raw& object, std::string_view key, std::string_view path, json::Type type);
[[nodiscard]] Result<std::string> required_text(const Raw& object, std::string_view key, std::string_view path);
/// Appends the members other than `known` and other than null.
void collect_extras(const Raw& object, std::span<const std::string_view> known, model::Extras& out);
/// Writes the extras of one's own; names others as details.
void write_or_lose(json::Writer& w, const model::Extras& extras, Whose whose, Losses& losses);
inline Whose whose(std::string_view said_by, std::string_view writer) noexcept {
  return said_by == writer ? Whose::own : Whose::foreign;
}

}  // namespace cardea::dialect
