#pragma once
// The one place that knows where a request may carry a credential.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "access/access.h"

namespace cardea::wire {
class RequestHead;
}

namespace cardea::access {

enum class SigningScheme : std::uint8_t { cardea, aws };

/// A credential as found: a view into the head, or into `decoded` (a percent-encoded query value). Not movable for that reason.
class Credential {
 public:
  Credential() = default;
  Credential(const Credential&) = delete;
  Credential& operator=(const Credential&) = delete;

  /// Looks in Authorization: Bearer, the key's id of Authorization: CARDEA-HMAC-SHA256 and AWS4-HMAC-SHA256, x-api-key, api-key,
  /// x-goog-api-key and ?key=. Fails (unauthenticated) when one of them is malformed or two differ: a bad credential never
  /// becomes no credential.
  [[nodiscard]] Status extract(const wire::RequestHead& head);
  /// std::nullopt: none was sent. Else 1 … key_bytes_max bytes, of Authorization token_bytes_max.
  [[nodiscard]] std::optional<std::string_view> value() const noexcept { return value_; }
  /// Of a signed request, whose value() is only the id of the key; else nothing.
  [[nodiscard]] std::optional<SigningScheme> scheme() const noexcept { return scheme_; }
  /// What follows the scheme in a signed request's Authorization.
  [[nodiscard]] std::string_view parameters() const noexcept { return parameters_; }

 private:
  [[nodiscard]] Status take(std::string_view credential, std::string_view carrier);
  [[nodiscard]] Status take_authorization(std::string_view value);
  [[nodiscard]] Status take_query(std::string_view query);

  std::optional<std::string_view> value_;
  std::optional<SigningScheme> scheme_;
  std::string_view parameters_;
  std::string_view carrier_;                 ///< where value_ came from, for the message
  std::array<char, key_bytes_max> decoded_;  // NOLINT: filled when needed
};

}  // namespace cardea::access
