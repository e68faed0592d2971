#pragma once
// Base64 (RFC 4648 §4): how bytes travel inside JSON.

#include <optional>
#include <string>
#include <string_view>

namespace cardea::twin {

[[nodiscard]] std::string to_base64(std::string_view bytes);
/// The bytes; nothing when `text` is no base64: another alphabet, white space, wrong padding.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace cardea::twin
