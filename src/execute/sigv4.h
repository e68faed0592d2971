#pragma once
// AWS Signature Version 4 (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "catalog/catalog.h"
#include "net/crypto.h"
#include "wire/canonical.h"

namespace cardea::execute {

using wire::HeaderToSign;
using wire::RequestToSign;

/// The header lines that prove it, each ending in CRLF: x-amz-date, x-amz-content-sha256, x-amz-security-token (with temporary
/// keys) and authorization. `now`: Unix seconds; AWS refuses what is more than five minutes off.
[[nodiscard]] std::string sigv4_lines(const catalog::SigV4& keys, const RequestToSign& request, std::uint64_t now);

/// The value of the authorization header. `time`: as of wire::aws_time(), and in the headers as x-amz-date.
[[nodiscard]] std::string aws_authorization(const catalog::SigV4& keys, const RequestToSign& request, std::string_view time);

}  // namespace cardea::execute
