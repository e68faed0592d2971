#pragma once
// AWS Signature Version 4 (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). Pure.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "catalog/catalog.h"
#include "net/crypto.h"

namespace cardea::execute {

struct HeaderToSign {
  std::string_view name;  ///< in any case
  std::string_view value;
};

/// A request as far as a signature covers it.
struct RequestToSign {
  std::string_view method = "POST";
  std::string_view target;                ///< as in the request line: path and query, percent-encoded
  std::span<const HeaderToSign> headers;  ///< `host` must be among them
  net::Digest body{};                     ///< SHA-256 of the body
};

/// The header lines that prove it, each ending in CRLF: x-amz-date, x-amz-content-sha256, x-amz-security-token (with temporary
/// keys) and authorization. `now`: Unix seconds; AWS refuses what is more than five minutes off.
[[nodiscard]] std::string sigv4_lines(const catalog::SigV4& keys, const RequestToSign& request, std::uint64_t now);

// Its steps, as the documentation names them.

/// "20150830T123600Z"
[[nodiscard]] std::string aws_time(std::uint64_t unix_seconds);
/// The path without empty and dot segments, each segment encoded once more than it was sent (the rule for every service but S3);
/// the query sorted; headers in lower case, sorted, their white space folded.
[[nodiscard]] std::string canonical_request(const RequestToSign& request);
/// The value of the authorization header. `time`: as of aws_time(), and in the headers as x-amz-date.
[[nodiscard]] std::string aws_authorization(const catalog::SigV4& keys, const RequestToSign& request, std::string_view time);

}  // namespace cardea::execute
