#include "execute/google_token.h"

#include "base/base64.h"
#include "base/text.h"
#include "json/value.h"
#include "json/writer.h"
#include "net/crypto.h"

namespace cardea::execute {
namespace {

/// The longest that Google grants.
constexpr std::uint64_t lifetime = 3600;

std::string header_of(const catalog::ServiceAccount& account) {
  std::string out;
  json::Writer w{out};
  w.begin_object().key("alg").string("RS256").key("typ").string("JWT");
  if (!account.key_id.empty()) w.key("kid").string(account.key_id);
  w.end_object();
  return out;
}

std::string claims_of(const catalog::ServiceAccount& account, std::uint64_t now, std::string_view scope) {
  std::string out;
  json::Writer w{out};
  w.begin_object().key("iss").string(account.client_email).key("scope").string(scope).key("aud").string(account.token_url);
  w.key("iat").number(now).key("exp").number(now + lifetime).end_object();
  return out;
}

const std::string* text_at(const json::Value& object, std::string_view key) {
  const auto* value = object.find(key);
  return value != nullptr ? value->as_string() : nullptr;
}

}  // namespace

Result<std::string> google_token_request(const catalog::ServiceAccount& account, std::uint64_t now, std::string_view scope) {
  const std::string signed_part = cat(to_base64url(header_of(account)), '.', to_base64url(claims_of(account, now, scope)));
  auto signature = net::rsa_sha256(account.private_key.reveal(), signed_part);
  if (!signature) return fail_with(signature);
  // Nothing of an assertion needs an escape in a form.
  return cat("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=", signed_part, '.',
             to_base64url(*signature));
}

Result<AccessToken> google_token_answer(std::string_view body, std::uint64_t now) {
  constexpr std::size_t quoted_bytes = 60;
  const auto value = json::parse(body);
  if (!value) return fail(Kind::upstream_protocol, "the token service's answer is not JSON");
  if (const auto* token = text_at(*value, "access_token"); token != nullptr && !token->empty()) {
    const auto* expires = value->find("expires_in");
    const auto seconds = expires != nullptr ? expires->as_u64() : std::nullopt;
    return AccessToken{.token = Secret{*token}, .expires_at = now + seconds.value_or(lifetime)};
  }
  // An error's description may quote what was sent; its code is one word.
  const auto* error = text_at(*value, "error");
  if (error == nullptr) return fail(Kind::upstream_protocol, "the token service's answer has no access_token");
  return fail(Kind::upstream_auth, cat("the token service refused the service account: ", error->substr(0, quoted_bytes)));
}

}  // namespace cardea::execute
