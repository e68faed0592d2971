#pragma once
// What somebody else's words of a caller come to here. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/settings.h"
#include "json/value.h"

namespace cardea::access {

/// A caller that an issuer vouches for. Whether its place exists, and what a member's entry says of it, is the directory's.
struct IdentityClaims {
  std::string issuer;
  std::string subject;  ///< never empty; the issuer's own lasting id
  std::string email;    ///< empty: none, or the issuer says that nobody has checked it
  /// What the configuration fixes, and below it what claims say. The caller belongs to the lowest that is named; one above it
  /// that is named too must be above it.
  config::Place place;
  config::Role role = config::Role::member;
  std::optional<std::vector<std::string>> models;  ///< no others, when there
  std::int64_t expires = 0;                        ///< Unix seconds
  /// Counts only where a member's entry names it, and never by its own word.
  enum class Standing : std::uint8_t { as_claimed, as_listed } standing = Standing::as_claimed;
};

/// What members' entries call the issuer of clients' certificates.
inline constexpr std::string_view certificate_issuer = "mtls";

/// Error: unauthenticated (no subject), forbidden (a claim has another form than its mapping needs: nothing is guessed).
[[nodiscard]] Result<IdentityClaims> identity_of(const json::Value& claims, std::string_view issuer, std::int64_t expires,
                                                 const config::Mapping& mapping);

/// The claim of that name, or inside objects where the name has dots; null: none.
[[nodiscard]] const json::Value* find_claim(const json::Value& claims, std::string_view name) noexcept;

}  // namespace cardea::access
