// Every field of whom others vouch for (certificates, tokens, logins), and of the key that seals secrets. See tables.cc.

#include "config/tables.h"

namespace cardea::config {
namespace {

constexpr Field tls_fields[] = {
    field<&Tls::cert>("cert", {.doc = "PEM file with the certificate chain. Read again when it changes.",
                               .example = "/etc/cardea/tls.crt",
                               .env = "CARDEA_TLS_CERT",
                               .also = "certificate,cert_file"}),
    field<&Tls::key>("key", {.doc = "PEM file with the private key.",
                             .example = "/etc/cardea/tls.key",
                             .env = "CARDEA_TLS_KEY",
                             .also = "private_key,key_file"}),
    field<&Tls::min_version>("min_version", {.doc = "Oldest TLS version accepted.", .example = "\"1.2\""}),
    field<&Tls::client_ca>("client_ca", {.doc = "PEM file with the authorities of clients' certificates (mTLS); see members.",
                                         .example = "/etc/cardea/clients.pem"}),
    field<&Tls::client_auth>("client_auth",
                             {.doc = "With client_ca: whether clients may show a certificate, or must.", .example = "required"}),
};

constexpr Field claim_fields[] = {
    field<&ClaimNames::subject>("subject", {.doc = "Claim with the caller's lasting id.", .example = "sub"}),
    field<&ClaimNames::email>("email",
                              {.doc = "Claim with its email; counts unless email_verified is false.", .example = "email"}),
    field<&ClaimNames::organization>("organization", {.doc = "Claim with its organisation's id.", .example = "org"}),
    field<&ClaimNames::team>("team", {.doc = "Claim with its team's id.", .example = "department"}),
    field<&ClaimNames::project>("project", {.doc = "Claim with its project's id.", .example = "project"}),
    field<&ClaimNames::role>("role", {.doc = "Claim with its roles or groups, one or a list; see roles.",
                                      .example = "realm_access.roles",
                                      .also = "roles,groups"}),
    field<&ClaimNames::models>(
        "models", {.doc = "Claim with the models it may ask, a list or words with spaces between.", .example = "models"}),
};

template <auto Mapping_>
constexpr std::array who_rows{
    field<Mapping_, &Mapping::role>(
        "role", {.doc = "What a caller may do whom neither roles nor a member's entry says more of.", .example = "member"}),
    field<Mapping_, &Mapping::claims>("claims", {.doc = "Under which names it says what; a dot goes into an object.",
                                                 .example = "{team: department, role: groups}"}),
    field<Mapping_, &Mapping::roles>("roles", {.doc = "What the role claim's words mean here; the highest counts.",
                                               .example = "{gateway-admins: admin}",
                                               .also = "role_map"}),
};

constexpr std::array jwt_rows{
    field<&Jwt::issuer>(
        "issuer",
        {.doc = "The token's iss, to the letter.", .example = "https://login.acme.example", .also = "iss", .required = true}),
    field<&Jwt::audience>("audience", {.doc = "One of these must be the token's aud, or in it.",
                                       .example = "[cardea]",
                                       .also = "aud,audiences",
                                       .required = true}),
    field<&Jwt::jwks>("jwks", {.doc = "Its keys (RFC 7517): an https:// address (http:// on this machine), or a file.",
                               .example = "https://login.acme.example/jwks",
                               .also = "jwks_url,jwks_uri,keys",
                               .required = true}),
    field<&Jwt::algorithms>("algorithms",
                            {.doc = "Signatures that are accepted; left out, all of RS, PS and ES with 256, 384 and "
                                    "512, and EdDSA. none and HS never are.",
                             .example = "[RS256, ES256]",
                             .also = "algs"}),
    field<&Jwt::leeway>(
        "leeway", {.doc = "How far its clock and this one may differ.", .example = "30s", .also = "clock_skew", .max = 600'000}),
};
constexpr auto jwt_fields = join(join(jwt_rows, place_rows<&Jwt::mapping, &Mapping::place>), who_rows<&Jwt::mapping>);

constexpr std::array introspection_rows{
    field<&Introspection::url>("url", {.doc = "Where tokens are asked about (RFC 7662); https://, or http:// on this machine.",
                                       .example = "https://login.acme.example/introspect",
                                       .also = "endpoint,introspection_endpoint",
                                       .required = true}),
    field<&Introspection::client_id>("client_id", {.doc = "As whom Cardea asks.", .example = "cardea", .required = true}),
    field<&Introspection::client_secret>("client_secret", {.doc = "Its secret there.", .example = "${INTROSPECTION_SECRET}"}),
    field<&Introspection::issuer>("issuer",
                                  {.doc = "The answer's iss, when it gives one, and what members' entries call it; left "
                                          "out, the origin of url.",
                                   .example = "https://login.acme.example"}),
    field<&Introspection::audience>("audience", {.doc = "One of these must be the answer's aud; left out, aud is not looked at.",
                                                 .example = "[cardea]",
                                                 .also = "aud,audiences"}),
    field<&Introspection::cache>("cache", {.doc = "How long an answer counts, never longer than the token; 0 asks each time.",
                                           .example = "60s",
                                           .also = "ttl",
                                           .max = 60'000}),
};
constexpr auto introspection_fields =
    join(join(introspection_rows, place_rows<&Introspection::mapping, &Mapping::place>), who_rows<&Introspection::mapping>);

constexpr std::array oidc_rows{
    field<&Oidc::issuer>("issuer", {.doc = "The provider, as its discovery document names it; left out, nobody logs in.",
                                    .example = "https://login.acme.example"}),
    field<&Oidc::client_id>("client_id", {.doc = "Cardea's id there.", .example = "cardea"}),
    field<&Oidc::client_secret>(
        "client_secret", {.doc = "Its secret there; left out, a public client (PKCE alone).", .example = "${OIDC_SECRET}"}),
    field<&Oidc::redirect_url>("redirect_url", {.doc = "Where the provider sends people back: this gateway's address and "
                                                       "/callback, as it stands on the provider's list.",
                                                .example = "https://ai.acme.example/callback",
                                                .also = "redirect_uri,redirect"}),
    field<&Oidc::scopes>("scopes", {.doc = "What is asked for.", .example = "[openid, email, groups]", .also = "scope"}),
    field<&Oidc::session>("session", {.doc = "How long a login lasts.",
                                      .example = "12h",
                                      .also = "session_ttl",
                                      .min = 60'000,
                                      .max = 30ull * 24 * 3'600'000}),
};
constexpr auto oidc_fields = join(join(oidc_rows, place_rows<&Oidc::mapping, &Mapping::place>), who_rows<&Oidc::mapping>);

constexpr Field master_key_fields[] = {
    field<&MasterKey::value>("value",
                             {.doc = "32 bytes in hexadecimal or base64, or a pass phrase of at least 16 characters (then "
                                     "each start takes 50 ms more, for scrypt).",
                              .example = "${MASTER_KEY}",
                              .env = "CARDEA_MASTER_KEY",
                              .apply = Apply::restart}),
    field<&MasterKey::file>("file", {.doc = "File with it, for its owner's eyes only; further lines are old keys.",
                                     .example = "/etc/cardea/master.key",
                                     .env = "CARDEA_MASTER_KEY_FILE",
                                     .also = "path",
                                     .apply = Apply::restart}),
    field<&MasterKey::old>("old", {.doc = "Keys of before: they open what they sealed and seal nothing more.",
                                   .example = "[\"${OLD_MASTER_KEY}\"]",
                                   .also = "previous",
                                   .apply = Apply::restart}),
};

constexpr Table claims_table = table<ClaimNames>("claims", "Names of claims", claim_fields);
constexpr Table tls_table = table<Tls>("tls", "HTTPS for clients", tls_fields);
constexpr Table jwt_table = placed_table<Jwt>("jwt", "Tokens of an issuer", jwt_fields);
constexpr Table introspection_table =
    placed_table<Introspection>("introspection", "Tokens that their issuer reads", introspection_fields);
constexpr Table oidc_table = table<Oidc>("oidc", "Login of people", oidc_fields);
constexpr Table master_key_table = table<MasterKey>("master_key", "What seals secrets", master_key_fields);

}  // namespace

template <>
const Table& table_of<Tls>() {
  return tls_table;
}
template <>
const Table& table_of<ClaimNames>() {
  return claims_table;
}
template <>
const Table& table_of<Jwt>() {
  return jwt_table;
}
template <>
const Table& table_of<Introspection>() {
  return introspection_table;
}
template <>
const Table& table_of<Oidc>() {
  return oidc_table;
}
template <>
const Table& table_of<MasterKey>() {
  return master_key_table;
}

}  // namespace cardea::config
