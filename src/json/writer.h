#pragma once
// Writing JSON forwards into a string.

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

  std::string& out_;
  std::uint64_t arrays_ = 0;    ///< bit d: level d is an array
  std::uint64_t nonempty_ = 0;  ///< bit d: level d has a member
  std::uint32_t depth_ = 0;
  bool expects_value_ = false;  ///< a key was written
};

}  // namespace cardea::json
