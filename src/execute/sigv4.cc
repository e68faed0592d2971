#include "execute/sigv4.h"

#include <array>
#include <vector>

#include "base/text.h"

namespace cardea::execute {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view terminator = "aws4_request";

std::string hex_of(const net::Digest& digest) {
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});  // NOLINT
}

}  // namespace

std::string aws_authorization(const catalog::SigV4& keys, const RequestToSign& request, std::string_view time) {
  const auto date = time.substr(0, 8);
  const std::string scope = cat(date, '/', keys.region, '/', keys.service, '/', terminator);
  const std::string hashed = hex_of(net::sha256(wire::canonical_request(request, wire::Canonical::aws)));
  const std::string to_sign = cat(algorithm, '\n', time, '\n', scope, '\n', hashed);
  const Secret start{cat("AWS4", keys.secret_key.reveal())};
  const std::array<std::string_view, 5> steps{date, keys.region, keys.service, terminator, to_sign};
  return cat(algorithm, " Credential=", keys.access_key, '/', scope, ", SignedHeaders=", wire::signed_names(request.headers),
             ", Signature=", hex_of(net::hmac_sha256_chain(start.reveal(), steps)));
}

std::string sigv4_lines(const catalog::SigV4& keys, const RequestToSign& request, std::uint64_t now) {
  const std::string time = wire::aws_time(now);
  std::vector<HeaderToSign> headers{request.headers.begin(), request.headers.end()};
  const auto own = headers.size();
  headers.push_back({"x-amz-date", time});
  headers.push_back({"x-amz-content-sha256", request.body_hash});
  if (!keys.session_token.empty()) headers.push_back({"x-amz-security-token", keys.session_token.reveal()});
  auto all = request;
  all.headers = headers;
  std::string out;
  for (std::size_t i = own; i < headers.size(); ++i) out += cat(headers[i].name, ": ", headers[i].value, "\r\n");
  out += cat("authorization: ", aws_authorization(keys, all, time), "\r\n");
  return out;
}

}  // namespace cardea::execute
