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
  const net::Digest digest = net::sha256(request.body);
  const RequestToSign signed_part{.target = target_of(request.request_line),
                                  .headers = headers,
                                  .body_hash = to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()})};
  return sigv4_lines(keys, signed_part, unix_now());
}

net::Task<Result<AccessToken>> fetch(http::Client& client, const catalog::ServiceAccount& account,
                                     const http::CallTimeouts& timeouts) {
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
  Result<http::Call> call = co_await client.call(origin, sending);
  if (!call) co_return fail_with(call);
  Buffer answer;
  Status received = co_await call->read_all(answer, token_answer_bytes_max);
  if (!received) co_return fail_with(received);
  Result<AccessToken> token = google_token_answer(answer.view(), now);
  co_return token;
}

}  // namespace

net::Task<Result<std::string>> Signing::lines(const Provable& request) {
  if (const auto* keys = std::get_if<catalog::SigV4>(&request.provider.signer)) co_return sign(*keys, request);
  const auto* key = std::get_if<catalog::ServiceAccount>(&request.provider.signer);
  if (key == nullptr) co_return std::string{};
  const std::shared_ptr<Account> account = account_of(*key);
  if (account->token.stale(unix_now()) && !account->renewing) {
    account->renewing = true;
    account->renewed.reset();
    // Not in the client's scope: when it leaves, others still wait.
    scope_.spawn(renew(account, client_, *key, request.timeouts));
  }
  if (account->token.dead(unix_now())) {
    Status renewed = co_await account->renewed.wait();
    if (!renewed) co_return fail_with(renewed);
    if (account->failure) co_return fail(account->failure->clone());
    if (account->token.token.empty()) co_return fail(Kind::upstream_auth, "the token was refused at once");
  }
  co_return cat("authorization: Bearer ", account->token.token.reveal(), "\r\n");
}

void Signing::forget(const catalog::Provider& provider) {
  if (const auto* key = std::get_if<catalog::ServiceAccount>(&provider.signer)) account_of(*key)->token = {};
}

std::shared_ptr<Signing::Account>& Signing::account_of(const catalog::ServiceAccount& account) {
  auto& known = accounts_[cat(account.client_email, " ", account.key_id, " ", account.token_url)];
  if (!known) known = std::make_shared<Account>(scope_.loop());
  return known;
}

net::Task<void> Signing::renew(std::shared_ptr<Account> account, http::Client& client, catalog::ServiceAccount key,
                               http::CallTimeouts timeouts) {
  Result<AccessToken> token = co_await fetch(client, key, timeouts);
  account->failure.reset();
  if (token) {
    account->token = std::move(*token);
  } else {
    account->failure = std::move(token.error());
  }
  account->renewing = false;
  account->renewed.set();
}

}  // namespace cardea::execute
