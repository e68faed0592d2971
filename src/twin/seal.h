#pragma once
// Signatures of thoughts: what a reasoning model wants back unchanged, and only from itself.

#include <string>
#include <string_view>

namespace cardea::twin {

/// Who signs: a dialect and the name of a twin, so that a gateway that gives one deployment's thoughts to another is found out.
struct Issuer {
  std::string_view form;
  std::string_view name;
};

/// A signature of `text`: base64.
[[nodiscard]] std::string sign(const Issuer& issuer, std::string_view text);
[[nodiscard]] bool is_signed(const Issuer& issuer, std::string_view text, std::string_view signature);

/// `text` together with its signature as one opaque text: base64.
[[nodiscard]] std::string seal(const Issuer& issuer, std::string_view text);
[[nodiscard]] bool is_sealed(const Issuer& issuer, std::string_view sealed);

}  // namespace cardea::twin
