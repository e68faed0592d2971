#include "access/vouching.h"

#include <algorithm>
#include <utility>

#include "access/credential.h"
#include "access/machine_token.h"
#include "wire/http1.h"

namespace cardea::access {

Vouching::Vouching(const Options& options)
    : now_{options.now},
      vault_{options.vault},
      token_key_{options.vault.derive("machine tokens").reveal()},
      identities_{{options.scope, options.client, options.now, options.on_failure}},
      login_{{options.client, options.vault, options.sessions, options.now, options.on_failure}} {}

void Vouching::configure(const VouchingSettings& settings) {
  identities_.configure(settings.jwt, settings.introspection);
  login_.configure(settings.oidc);
}

net::Task<Result<Principal>> Vouching::vouch(const wire::RequestHead& head, const net::PeerCertificate* certificate,
                                             std::shared_ptr<const Directory> directory, Error refusal) {
  if (!refusal.is(Kind::unauthenticated) || directory->keyless()) co_return std::unexpected{std::move(refusal)};
  Credential credential;
  Status extracted = credential.extract(head);
  // Signatures are nobody else's to vouch for.
  if (!extracted || credential.scheme()) co_return std::unexpected{std::move(refusal)};
  const auto value = credential.value();
  if (!value) co_return session(head, certificate, *directory, std::move(refusal));
  if (value->starts_with(machine_token_prefix)) co_return machine(*value, *directory);
  if (!identities_.any() || directory->find(*value, now_()) != nullptr) co_return std::unexpected{std::move(refusal)};
  Result<IdentityClaims> claims = co_await identities_.verify(*value);
  if (!claims) co_return fail_with(claims);
  auto shared = std::make_shared<const IdentityClaims>(std::move(*claims));
  co_return directory->admit(std::move(shared), now_());
}

Result<Principal> Vouching::machine(std::string_view token, const Directory& directory) const {
  const auto read = read_machine_token(token_key_, token, now_());
  if (!read) return std::unexpected{read.error().clone()};
  auto holder = directory.find_id(read->key_id);
  const auto lives = [&](const Holder::Credential& credential) {
    return tag_of(credential.digest) == read->value_tag && credential.until > now_();
  };
  const bool only_signs = holder != nullptr && holder->signing == config::Signing::required;
  if (holder == nullptr || only_signs || std::ranges::none_of(holder->credentials, lives)) {
    return fail(Kind::unauthenticated,
                "The key that the access token was got with was revoked or renewed. Get a new one from POST /oauth/token.");
  }
  return Principal{std::move(holder)};
}

Result<Principal> Vouching::session(const wire::RequestHead& head, const net::PeerCertificate* certificate,
                                    const Directory& directory, Error refusal) const {
  const auto cookies = login_.on() ? head.find("cookie") : std::nullopt;
  auto who = cookies ? login_.who(*cookies) : nullptr;
  if (who != nullptr) {
    if (auto own = login_.check_origin(head); !own) return fail_with(own);
    return directory.admit(std::move(who), now_());
  }
  if (certificate == nullptr) return std::unexpected{std::move(refusal)};
  // Browsers show a certificate by themselves, whichever page asks.
  const bool of_a_page = head.find(wire::Field::origin) || head.find("sec-fetch-site");
  if (auto own = of_a_page ? login_.check_origin(head) : Status{}; !own) return fail_with(own);
  who = std::make_shared<const IdentityClaims>(IdentityClaims{.issuer = std::string{certificate_issuer},
                                                              .subject = certificate->name,
                                                              .expires = certificate->until,
                                                              .standing = IdentityClaims::Standing::as_listed});
  return directory.admit(std::move(who), now_());
}

Result<std::string> Vouching::exchange(std::string_view authorization, std::string_view form, const Directory& directory) const {
  const auto asked = read_token_request(authorization, form);
  if (!asked) return std::unexpected{asked.error().clone()};
  const auto value = asked->secret.reveal();
  const auto holder = directory.find(value, now_());
  const bool theirs = holder != nullptr && (holder->id == asked->id || holder->name == asked->id);
  if (!theirs || holder->signing == config::Signing::required) {
    return fail(Kind::unauthenticated,
                Error::Detail{.message = "There is no such client, or that is not its key.", .code = "invalid_client"});
  }
  return token_answer(write_machine_token(token_key_, {holder->id, tag_of(vault_.hash(value)), now_() + machine_token_seconds}));
}

}  // namespace cardea::access
