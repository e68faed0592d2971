#pragma once
// Base64 (RFC 4648 §4, §5).

#include <optional>
#include <string>
#include <string_view>

namespace cardea {

/// Standard alphabet, padded.
[[nodiscard]] std::string to_base64(std::string_view bytes);
/// The alphabet for URLs, not padded.
[[nodiscard]] std::string to_base64url(std::string_view bytes);
/// Either alphabet, padded or not; nothing when it is no base64.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace cardea
