#pragma once
// Inside of the head parsers: character classes, the search for control characters, and what request and response heads share.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "wire/http1.h"

namespace cardea::wire {

enum CharClass : unsigned {
  token_char = 1,        ///< RFC 9110 §5.6.2 but `_`
  underscore_char = 2,   ///< `_`: a token character that request header names may not use
  target_char = 4,       ///< printable ASCII but `#` (RFC 9112 §3.2; the path is checked more closely)
  path_char = 8,         ///< RFC 3986 pchar, `/`, and the harmless `|[]` that browsers leave as they are
  host_char = 16,        ///< letters, digits, - . _ ~
  plain_path_char = 64,  ///< path_char but `.` and `%`, which need a closer look
  text_char = 32,        ///< field values: tab, space, visible, obs-text
};

consteval std::array<std::uint8_t, 256> build_char_classes() {
  std::array<std::uint8_t, 256> classes{};
  const auto add = [&classes](unsigned c, unsigned flags) { classes[c] = static_cast<std::uint8_t>(classes[c] | flags); };
  const auto mark = [&add](std::string_view chars, unsigned flags) {
    for (const char c : chars) add(static_cast<unsigned char>(c), flags);
  };
  constexpr std::string_view alnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  mark(alnum, token_char | path_char | host_char);
  mark("!#$%&'*+-.^`|~", token_char);
  mark("_", underscore_char | path_char | host_char);
  mark("-.~", path_char | host_char);
  mark("%!$&'()*+,;=:@/|[]", path_char);
  for (unsigned c = 0x21; c < 0x7f; ++c) add(c, c == '#' ? 0 : target_char);
  for (unsigned c = 0x20; c < 0x100; ++c) add(c, c == 0x7f ? 0 : text_char);
  mark("\t", text_char);
  for (unsigned c = 0; c < 0x80; ++c) add(c, (classes[c] & path_char) != 0 && c != '.' && c != '%' ? plain_path_char : 0);
  return classes;
}
inline constexpr std::array<std::uint8_t, 256> char_classes = build_char_classes();
/// Characters of a header name: `_` only where it is tolerated.
inline constexpr unsigned any_token_char = token_char | underscore_char;
[[nodiscard]] inline bool has_class(char c, unsigned classes) noexcept {
  return (char_classes[static_cast<unsigned char>(c)] & classes) != 0;
}

/// The first byte that a field value may not hold (control characters but tab), or `end`.
[[nodiscard]] const char* find_control(const char* p, const char* end) noexcept;
/// field_of for a name that is known to be a non-empty token.
[[nodiscard]] Field field_of_token(std::string_view name) noexcept;
[[nodiscard]] bool forbidden_in_trailers(Field field) noexcept;
/// "0x0a" and the like, for messages.
[[nodiscard]] std::string show_byte(char c);

enum class Scan : std::uint8_t { done, more, bad };

/// One pass over the header section. Strictly from left to right: what is wrong with the first bytes is found however many
/// follow.
class HeadScan {
 public:
  /// `name_classes`: CharClass of header names. `blame`: Kind::bad_request for a client's head, upstream_protocol for an
  /// upstream's.
  HeadScan(std::string_view window, const HeadLimits& limits, unsigned name_classes, Kind blame, HeaderTable& table) noexcept;

  /// Header lines up to and with the empty line.
  [[nodiscard]] Scan fields();
  /// Framing of RFC 9112 §6 from the scanned fields into `framing` and `length`.
  [[nodiscard]] Scan framing(Framing& framing, std::uint64_t& length, unsigned minor_version);
  /// Whole value span of the first line of `field`, which is present.
  [[nodiscard]] HeadSpan value_span(Field field) const noexcept;
  [[nodiscard]] bool keep_alive(unsigned minor_version) const noexcept;
  /// More than one line of `field`.
  [[nodiscard]] bool repeated(Field field) const noexcept { return table_.repeated_[static_cast<std::size_t>(field)]; }
  [[nodiscard]] std::size_t consumed() const noexcept { return static_cast<std::size_t>(p_ - begin_); }
  [[nodiscard]] Error take_error() { return std::move(error_); }

 protected:
  /// `kind` stands for a client's head; an upstream's is upstream_protocol whatever is wrong.
  [[nodiscard]] Scan bad(Kind kind, std::string message);
  [[nodiscard]] Scan bad(std::string message) { return bad(Kind::bad_request, std::move(message)); }
  /// CRLF at `p`, which then stands behind it. `what` names the line for the message.
  [[nodiscard]] Scan line_end(std::string_view what);
  [[nodiscard]] HeadSpan span(const char* from, const char* to) const noexcept {
    return {static_cast<std::uint32_t>(from - begin_), static_cast<std::uint32_t>(to - from)};
  }

  const char* begin_;
  const char* p_;
  const char* end_;
  const HeadLimits& limits_;
  HeaderTable& table_;

 private:
  [[nodiscard]] Scan field();
  [[nodiscard]] Scan bad_name(const char* at);
  [[nodiscard]] Scan transfer_encoding(Framing& framing, unsigned minor_version);
  [[nodiscard]] Scan content_length(std::uint64_t& length);

  std::size_t headers_max_;
  unsigned name_classes_;
  Kind blame_;
  Error error_{Kind::internal};
};

/// Longest header name, in bytes.
inline constexpr std::size_t name_bytes_max = 256;
/// Head limits beyond this are cut: offsets are 32 bits wide.
inline constexpr std::size_t head_bytes_max = 1024 * 1024;
[[nodiscard]] HeadWindow head_window(std::string_view bytes, const HeadLimits& limits) noexcept;

}  // namespace cardea::wire
