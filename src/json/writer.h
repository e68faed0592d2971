#pragma once
// Writing JSON forwards into a string.

#include <algorithm>
#include <array>
#include <cassert>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.h"

namespace cardea::json {

/// Appends `text` as a JSON string with quotes. UTF-8 passes through; each invalid byte sequence becomes U+FFFD.
void append_string(std::string& out, std::string_view text);
[[nodiscard]] std::string quote(std::string_view text);
/// Stands for itself between quotes: ASCII without a quote, a backslash or a control character.
[[nodiscard]] bool is_plain(std::string_view text) noexcept;

/// Appends one JSON document to a string it does not own. Commas come by themselves; wrong nesting is asserted. Depth ≤ 64.
///   Writer w{out}; w.begin_object(); w.key("n").number(1); w.end_object();
class Writer {
 public:
  explicit Writer(std::string& out) : out_{out} {}

  Writer& begin_object() { return open('{'); }
  Writer& end_object() { return close('}'); }
  Writer& begin_array() { return open('['); }
  Writer& end_array() { return close(']'); }
  Writer& key(std::string_view name);
  /// A name written in the code, which needs no escapes.
  template <std::size_t Size>
  Writer& key(const char (&name)[Size]) {
    const bool first = begin_member();
    std::array<char, Size + 3> text;  // NOLINT: every byte is written below
    text[0] = ',';
    text[1] = '"';
    std::copy_n(name, Size - 1, text.data() + 2);
    text[Size + 1] = '"';
    text[Size + 2] = ':';
    assert(is_plain({name, Size - 1}) && "a name in the code without escapes");
    out_.append(text.data() + (first ? 1 : 0), text.size() - (first ? 1 : 0));
    return *this;
  }
  Writer& string(std::string_view text);
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Writer& number(T value) {
    before_value();
    append(out_, value);
    return *this;
  }
  /// The shortest text that reads back the same; NaN and infinities, which JSON lacks, become null.
  Writer& number(double value);
  Writer& boolean(bool value) { return raw(value ? "true" : "false"); }
  Writer& null() { return raw("null"); }
  /// Text that is a JSON value already.
  Writer& raw(std::string_view json);
  /// Everything opened is closed.
  [[nodiscard]] bool complete() const noexcept { return depth_ == 0 && !expects_value_; }

 private:
  Writer& open(char bracket);
  Writer& close(char bracket);
  void before_value();
  /// Before a key; true: it is the object's first.
  bool begin_member() noexcept {
    assert(depth_ != 0 && (arrays_ >> (depth_ - 1) & 1) == 0 && !expects_value_ && "a key belongs in an object");
    const auto bit = std::uint64_t{1} << (depth_ - 1);
    const bool first = (nonempty_ & bit) == 0;
    nonempty_ |= bit;
    expects_value_ = true;
    return first;
  }

  std::string& out_;
  std::uint64_t arrays_ = 0;    ///< bit d: level d is an array
  std::uint64_t nonempty_ = 0;  ///< bit d: level d has a member
  std::uint32_t depth_ = 0;
  bool expects_value_ = false;  ///< a key was written
};

}  // namespace cardea::json
