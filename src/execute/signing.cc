#include "execute/signing.h"

#include <array>
#include <chrono>

#include "base/text.h"
#include "catalog/endpoint.h"
#include "execute/sigv4.h"
#include "execute/upstream.h"
#include "wire/http1.h"

namespace cardea::execute {
namespace {

constexpr std::size_t token_answer_bytes_max = 64 * 1024;

std::uint64_t unix_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

/// "POST /target HTTP/1.1\r\n" → "/target".
std::string_view target_of(std::string_view request_line) {
  const auto start = request_line.find(' ') + 1;
  return request_line.substr(start, request_line.find(' ', start) - start);
}

std::string sign(const catalog::SigV4& keys, const Provable& request) {
  const std::array<HeaderToSign, 2> headers{{{"host", request.provider.authority}, {"content-type", "application/json"}}};
  const RequestToSign signed_part{
      .target = target_of(request.request_line), .headers = headers, .body = net::sha256(request.body)};
  return sigv4_lines(keys, signed_part, unix_now());
}

}  // namespace

net::Task<Result<std::string>> Signing::lines(const Provable& request) {
  if (const auto* keys = std::get_if<catalog::SigV4>(&request.provider.signer)) co_return sign(*keys, request);
  const auto* account = std::get_if<catalog::ServiceAccount>(&request.provider.signer);
  if (account == nullptr) co_return std::string{};
  const std::string name = cat(account->client_email, " ", account->key_id, " ", account->token_url);
  if (const auto known = tokens_.find(name); known != tokens_.end() && !known->second.stale(unix_now())) {
    co_return cat("authorization: Bearer ", known->second.token.reveal(), "\r\n");
  }
  Result<AccessToken> token = co_await fetch(*account, request.timeouts);
  if (!token) co_return fail_with(token);
  std::string line = cat("authorization: Bearer ", token->token.reveal(), "\r\n");
  tokens_.insert_or_assign(name, std::move(*token));
  co_return line;
}

net::Task<Result<AccessToken>> Signing::fetch(const catalog::ServiceAccount& account, const http::CallTimeouts& timeouts) {
  const std::uint64_t now = unix_now();
  Result<std::string> body = google_token_request(account, now);
  if (!body) co_return fail_with(body);
  // Bedrock's base URLs are taken as they stand; so is this address.
  Result<catalog::Endpoint> place = catalog::parse_endpoint(account.token_url, config::Dialect::bedrock);
  if (!place) co_return fail(Kind::upstream_auth, "the service account's token_uri is no URL");
  std::string head;
  wire::append_request_line(head, "POST", place->prefix.empty() ? "/" : place->prefix);
  head += cat("host: ", place->authority(), "\r\ncontent-type: application/x-www-form-urlencoded\r\naccept: application/json\r\n",
              "user-agent: cardea\r\ncontent-length: ", body->size(), "\r\n\r\n");
  const std::array<std::string_view, 2> pieces{head, *body};
  http::CallRequest sending;
  sending.pieces = pieces;
  sending.timeouts = timeouts;
  sending.egress = net::Egress::anywhere;  // the operator's choice, as every provider is
  const net::Origin origin = origin_of(place->origin);
  Result<http::Call> call = co_await client_.call(origin, sending);
  if (!call) co_return fail_with(call);
  Buffer answer;
  Status received = co_await call->read_all(answer, token_answer_bytes_max);
  if (!received) co_return fail_with(received);
  Result<AccessToken> token = google_token_answer(answer.view(), now);
  co_return token;
}

}  // namespace cardea::execute
