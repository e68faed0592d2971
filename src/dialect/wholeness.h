#pragma once
// Private to the room: when the fragments of a tool call's arguments are all there.

#include <cstdint>
#include <string_view>

namespace cardea::dialect {

/// Follows a JSON object that comes in pieces: behind the bracket that closes its first one nothing can follow.
class Wholeness {
 public:
  void add(std::string_view text) noexcept {
    for (const char c : text) {
      if (escaped_) {
        escaped_ = false;
      } else if (in_string_) {
        escaped_ = c == '\\';
        in_string_ = c != '"';
      } else if (c == '"') {
        in_string_ = true;
      } else if (c == '{' || c == '[') {
        ++depth_;
      } else if ((c == '}' || c == ']') && depth_ != 0 && --depth_ == 0) {
        whole_ = true;
      }
    }
  }
  [[nodiscard]] bool whole() const noexcept { return whole_; }

 private:
  std::uint64_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool whole_ = false;
};

}  // namespace cardea::dialect
