#pragma once
// A request as a signature covers it: one text for who signs and who verifies. Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cardea::wire {

struct HeaderToSign {
  std::string_view name;  ///< in any case
  std::string_view value;
};

/// A request as far as a signature covers it.
struct RequestToSign {
  std::string_view method = "POST";
  std::string_view target;                ///< as in the request line: path and query, percent-encoded
  std::span<const HeaderToSign> headers;  ///< `host` must be among them
  std::string body_hash;                  ///< SHA-256 of the body in lower-case hexadecimal
};

enum class Canonical : std::uint8_t {
  /// AWS Signature Version 4 (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html): the path
  /// without empty and dot segments, each segment encoded once more than it was sent (the rule for every service but S3); the
  /// query decoded, encoded once and sorted by name and value.
  aws,
  /// Cardea's own (docs/request-signing.md): path and parameters as they were sent; parameters sorted by name, those of one name
  /// in the order sent, since their order may mean something.
  literal,
};

/// Method, path, query, headers (in lower case, sorted, white space folded, those of one name joined in the order sent), an empty
/// line, the names of the headers, the body's hash: a line each.
[[nodiscard]] std::string canonical_request(const RequestToSign& request, Canonical form);
/// "content-type;host;x-amz-date": the names as the canonical request lists them.
[[nodiscard]] std::string signed_names(std::span<const HeaderToSign> headers);

/// "20150830T123600Z"
[[nodiscard]] std::string aws_time(std::uint64_t unix_seconds);
/// And back to Unix seconds; std::nullopt: not of that form, or no such time.
[[nodiscard]] std::optional<std::int64_t> parse_aws_time(std::string_view text) noexcept;

}  // namespace cardea::wire
