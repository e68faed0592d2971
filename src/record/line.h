#pragma once
// One log line, built in a buffer of its own.

#include <array>
#include <charconv>
#include <concepts>
#include <cstring>
#include <span>
#include <string_view>

#include "record/entry.h"
#include "record/log.h"

namespace cardea::record {

/// Longest text of a request line and of a server event, in bytes; the rest is cut off.
inline constexpr std::size_t text_max = 128;
inline constexpr std::size_t event_text_max = 2048;

/// Appends to a fixed buffer. A piece that does not fit is left out whole (an escaped text becomes ""), so a line stays
/// well-formed.
class Line {
 public:
  /// At most 16 texts of text_max bytes, each at worst six times as long when escaped, and 2 KiB of names and numbers.
  static constexpr std::size_t capacity = 16 * 6 * text_max + 2048;

  void clear() noexcept { end_ = bytes_.data(); }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), static_cast<std::size_t>(end_ - bytes_.data())}; }

  Line& raw(std::string_view text) noexcept {
    if (text.size() > left()) return *this;
    if (!text.empty()) std::memcpy(end_, text.data(), text.size());
    end_ += text.size();
    return *this;
  }
  template <std::integral T>
  Line& number(T value) noexcept {
    end_ = std::to_chars(end_, bytes_.data() + capacity, value).ptr;
    return *this;
  }
  /// Milliseconds with three decimals.
  Line& millis(std::chrono::nanoseconds time) noexcept;
  /// A JSON string with its quotes, of the first `max` bytes.
  Line& quoted(std::string_view text, std::size_t max = text_max);
  /// For eyes: control characters, which a terminal might obey, become '?'.
  Line& plain(std::string_view text, std::size_t max = text_max) noexcept;
  /// Is there room for another name and number, and to end the line?
  [[nodiscard]] bool roomy() const noexcept { return left() > 6 * text_max + 64; }
  /// `2026-01-31T23:59:59.123Z` (RFC 3339).
  Line& time(std::chrono::system_clock::time_point at) noexcept;
  /// Takes back the last byte.
  void drop_last() noexcept { --end_; }

 private:
  [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(bytes_.data() + capacity - end_); }
  std::array<char, capacity> bytes_;  // NOLINT: filled as far as end_ says
  char* end_ = bytes_.data();
};

/// warn when the gateway or an upstream was at fault, else info.
[[nodiscard]] Level level_of(const Entry& entry) noexcept;
/// `line` becomes the entry's line, newline included.
void write_request(Line& line, Format format, const Entry& entry);
/// `line` becomes the event's line. Long texts are cut off; fields beyond the line's room are left out.
void write_event(Line& line, Format format, std::chrono::system_clock::time_point at, Level level, std::string_view event,
                 std::span<const Field> fields);

}  // namespace cardea::record
