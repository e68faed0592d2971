#pragma once
// Reading a request from a JSON tree, strictly: tables of members, and a place that knows where it is. How refusals are worded is
// the vendor's business.

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "json/value.h"
#include "twin/forms/form.h"

namespace cardea::twin {

// Types that a member may have.
constexpr unsigned bit(json::Type type) { return 1U << static_cast<unsigned>(type); }
constexpr unsigned is_text = bit(json::Type::string);
constexpr unsigned is_number = bit(json::Type::number);
constexpr unsigned is_whole = is_number | 1U << 8;  ///< an integer; whether it is one its reader checks
constexpr unsigned is_bool = bit(json::Type::boolean);
constexpr unsigned is_list = bit(json::Type::array);
constexpr unsigned is_object = bit(json::Type::object);
constexpr unsigned is_any = 0x3f;

/// A number outside of its bounds.
struct OutOfRange {
  bool below = false;
  std::string bound;
  std::string got;
  bool whole = false;
};

/// How a vendor says what is wrong. `path` as made by `member` and `element`.
struct Words {
  std::string (*member)(std::string_view parent, std::string_view name);
  std::string (*element)(std::string_view parent, std::size_t index);
  Status (*refuse)(std::string_view path, std::string_view message);
  Status (*missing)(std::string_view path);
  Status (*wrong_type)(std::string_view path, unsigned expected, const json::Value& got);
  Status (*wrong_value)(std::string_view path, std::string_view got, std::string_view supported);
  Status (*out_of_range)(std::string_view path, const OutOfRange& range);
  Status (*unknown)(std::string_view parent, std::string_view name);
  /// Another spelling of a name that means the same; null: there is none.
  std::string (*spelling)(std::string_view name) = nullptr;
};

struct Reading {
  ChatRequest& request;
  const Words& words;
  bool strict = true;
  Issuer issuer{};
};

/// A value and where it stands.
class At {
 public:
  At(Reading& reading, const json::Value& value, std::string path) : reading_{&reading}, value_{&value}, path_{std::move(path)} {}

  [[nodiscard]] const json::Value& value() const noexcept { return *value_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] Reading& reading() const noexcept { return *reading_; }
  [[nodiscard]] ChatRequest& request() const noexcept { return reading_->request; }
  [[nodiscard]] const Words& words() const noexcept { return reading_->words; }

  [[nodiscard]] At member(std::string_view name, const json::Value& value) const {
    return {*reading_, value, words().member(path_, name)};
  }
  [[nodiscard]] At element(std::size_t index) const {
    return {*reading_, value_->elements()[index], words().element(path_, index)};
  }
  /// Requires a string.
  [[nodiscard]] const std::string& text() const { return *value_->as_string(); }

  [[nodiscard]] Status refuse(std::string_view message) const { return words().refuse(path_, message); }
  [[nodiscard]] Status missing(std::string_view name) const { return words().missing(words().member(path_, name)); }
  [[nodiscard]] Status wrong_type(unsigned expected) const { return words().wrong_type(path_, expected, *value_); }
  [[nodiscard]] Status wrong_value(std::string_view supported) const;
  /// Calls `read(At)` for each element, which must have one of the types.
  template <class Read>
  [[nodiscard]] Status each(unsigned types, Read&& read) const {
    for (std::size_t i = 0; i < value_->elements().size(); ++i) {
      const At one = element(i);
      if ((types & bit(one.value().type())) == 0) return one.wrong_type(types);
      Status status = read(one);
      if (!status) return status;
    }
    return {};
  }

 private:
  Reading* reading_;
  const json::Value* value_;
  std::string path_;
};

/// One member that an object may have.
template <class T>
struct Row {
  std::string_view name;
  unsigned types;
  Status (*read)(const At& at, T& into) = nullptr;  ///< null: the type is all there is to check
  bool required = false;
};

/// Reads every member of the object at `at` by its row. A null is as good as absent.
template <class T>
[[nodiscard]] Status read_members(const At& at, std::span<const Row<T>> rows, T& into) {
  const auto spelled = [&](const std::string& key) { return at.words().spelling != nullptr ? at.words().spelling(key) : key; };
  std::uint64_t seen = 0;
  for (const auto& [key, value] : at.value().members()) {
    const auto row = std::ranges::find(rows, spelled(key), &Row<T>::name);
    if (row == rows.end()) {
      if (at.reading().strict) return at.words().unknown(at.path(), key);
      continue;
    }
    if (value.is(json::Type::null) && (row->types & bit(json::Type::null)) == 0) continue;
    seen |= std::uint64_t{1} << (row - rows.begin());
    const At inner = at.member(row->name, value);
    if ((row->types & bit(value.type())) == 0) return inner.wrong_type(row->types);
    if (row->read == nullptr) continue;
    Status status = row->read(inner, into);
    if (!status) return status;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].required && (seen >> i & 1) == 0) return at.missing(rows[i].name);
  }
  return {};
}
template <class T, std::size_t N>
[[nodiscard]] Status read_members(const At& at, const Row<T> (&rows)[N], T& into) {
  static_assert(N <= 64);
  return read_members(at, std::span<const Row<T>>{rows}, into);
}

/// One of several kinds of object, told apart by a word.
template <class T>
struct Variant {
  std::string_view name;
  Status (*read)(const At& at, T& into);
};
/// The words, as a vendor lists them: 'a', 'b', and 'c'.
template <class T>
[[nodiscard]] std::string list_names(std::span<const Variant<T>> variants) {
  std::string list;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    append(list, cat(i == 0 ? "" : i + 1 == variants.size() ? ", and " : ", ", "'", variants[i].name, "'"));
  }
  return list;
}
/// Chooses by the member `key`, which must be there.
template <class T, std::size_t N>
[[nodiscard]] Status read_variant(const At& at, std::string_view key, const Variant<T> (&variants)[N], T& into) {
  const auto* word = at.value().find(key);
  if (word == nullptr) return at.missing(key);
  const At inner = at.member(key, *word);
  if (word->as_string() == nullptr) return inner.wrong_type(is_text);
  const auto* found = std::ranges::find(variants, *word->as_string(), &Variant<T>::name);
  if (found == std::end(variants)) return inner.wrong_value(list_names(std::span<const Variant<T>>{variants}));
  return found->read(at, into);
}

// ---- Readers of single members ---------------------------------------------------------------------------------------------

template <class T, class M>
T class_of(M T::*);
template <auto Field>
using ClassOf = decltype(class_of(Field));

template <auto Field>
Status take_text(const At& at, ClassOf<Field>& into) {
  into.*Field = at.text();
  return {};
}
template <auto Field>
Status take_bool(const At& at, ClassOf<Field>& into) {
  into.*Field = *at.value().as_bool();
  return {};
}

/// A whole number within bounds.
[[nodiscard]] Status check_whole(const At& at, std::uint64_t min, std::uint64_t max, std::uint64_t& out);
template <auto Field, std::uint64_t Min = 0, std::uint64_t Max = ~std::uint64_t{0}>
Status take_whole(const At& at, ClassOf<Field>& into) {
  std::uint64_t taken = 0;
  Status status = check_whole(at, Min, Max, taken);
  if (status) into.*Field = taken;
  return status;
}
/// A number within bounds that changes nothing in the answer; kept as ChatRequest::sampling.
[[nodiscard]] Status take_sampling(const At& at, std::string_view name, double min, double max);
/// An integer that changes nothing in the answer, of any size.
[[nodiscard]] Status take_seed(const At& at, std::string_view name);
/// A string that changes nothing in the answer; kept as ChatRequest::notes.
[[nodiscard]] Status take_note(const At& at, std::string_view name);
/// A string that must be one of `words`.
[[nodiscard]] Status one_of(const At& at, std::span<const std::string_view> words);
/// Texts, at most `most` of them, into ChatRequest::stop.
[[nodiscard]] Status take_stops(const At& at, std::size_t most);

/// The text of a member; empty when it is none, or not there.
[[nodiscard]] std::string_view text_member(const json::Value& object, std::string_view key) noexcept;
/// Letters, digits, _ and -, 1 to `most` of them: what vendors take as a name or id.
[[nodiscard]] bool is_plain_name(std::string_view text, std::size_t most) noexcept;

/// Parses `ask.body` into the request's document: an object.
[[nodiscard]] Status parse_document(const Ask& ask, ChatRequest& out);

}  // namespace cardea::twin
