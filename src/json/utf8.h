#pragma once
// UTF-8, one character at a time: for writing strings and for locating errors.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cardea::json {

/// Bytes of the well-formed UTF-8 character (Unicode 15 table 3-7) at the front of `text`; 0 when there is none.
[[nodiscard]] std::size_t utf8_length(std::string_view text) noexcept;
/// Appends a code point; a surrogate or one beyond U+10FFFF becomes U+FFFD.
void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace cardea::json
