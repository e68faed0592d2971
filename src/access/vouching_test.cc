// Callers without a key: what the directory makes of them, programs' tokens, sessions.

#include "access/vouching.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "access/claims.h"
#include "access/machine_token.h"
#include "access/test_issuer.h"
#include "base/text.h"
#include "wire/http1.h"

namespace cardea::access {
namespace {

constexpr std::string_view key_value = "sk-cardea-aaaaaaaaaaaaaaaaaaaaaaaa";

Vault vault_of() {
  const std::vector<Secret> keys{Secret{std::string(master_key_bytes, 'k')}};
  return std::move(*Vault::make(keys, {}));
}

std::shared_ptr<const Tenant> tenant(Level level, std::string id, std::shared_ptr<const Tenant> parent = nullptr) {
  auto out = std::make_shared<Tenant>();
  out->level = level;
  out->id = std::move(id);
  out->parent = std::move(parent);
  return out;
}

struct World : test::Site {
  Vault vault = vault_of();
  Sessions sessions{vault};
  Vouching vouching{{background, client, vault, sessions, [this] { return now; }, note_failure()}};
  std::shared_ptr<const Tenant> acme = tenant(Level::organization, "acme");
  std::shared_ptr<const Tenant> team = tenant(Level::team, "research", acme);
  Directory::Parts parts;
  const net::PeerCertificate* certificate = nullptr;

  World() {
    auto holder = std::make_shared<Holder>();
    holder->id = "laptop";
    holder->name = "Ann's laptop";
    holder->owner = "name:laptop";
    holder->credentials.push_back({vault.hash(key_value), never});
    parts.holders.push_back(holder);
    parts.tenants = {acme, team};
    auto member = std::make_shared<Holder>();
    member->role = Role::admin;
    member->tenant = acme;
    config::Grant grant;
    grant.models = {"openai/*"};
    member->standing = *Standing::make(std::move(grant));
    parts.members.push_back({"boss@acme.example", "https://id.example", member});
    parts.members.push_back({"spiffe://acme/agent", "mtls", member});
  }
  [[nodiscard]] std::shared_ptr<const Directory> directory() const { return Directory::make(parts, vault.hasher()); }

  void trust_issuer() {
    pages["/jwks"] = [](const std::string&) { return cat("200 ", test::keys_of("rsa", "one")); };
    VouchingSettings settings;
    config::Jwt jwt;
    jwt.issuer = "https://id.example";
    jwt.audience = {"cardea"};
    jwt.jwks = at("/jwks");
    jwt.mapping.place.team = "research";
    jwt.mapping.claims.models = "models";
    settings.jwt.push_back(jwt);
    vouching.configure(settings);
  }
  static std::string token(std::string_view more) {
    return test::sign_claims("rsa", "one", cat(R"({"iss":"https://id.example","aud":"cardea","exp":2000000600)", more, "}"));
  }

  /// "name role tenant", or the problem's kind.
  std::string who(std::string_view lines) {
    const auto text = cat("POST /x HTTP/1.1\r\nhost: a\r\n", lines, "\r\n");
    wire::RequestHead head;
    EXPECT_TRUE(wire::parse_request_head(text, wire::HeadLimits{}, head));
    const auto known = directory();
    BodyProof proof;
    auto admitted = known->authenticate(head, Peer::remote, now, proof);
    if (!admitted) {
      Result<Principal> out = fail(Kind::internal);
      clients.spawn(ask(*this, head, known, std::move(admitted.error()), out));
      loop.run_until([this] { return clients.children() == 0; });
      admitted = std::move(out);
    }
    if (!admitted) return std::string{info(admitted.error().kind()).label};
    const Tenant* at = admitted->tenant();
    return cat(admitted->name(), ' ', config::to_text(admitted->role()), ' ', at != nullptr ? at->id : "");
  }
  std::string bearer(std::string_view credential) { return who(cat("authorization: Bearer ", credential, "\r\n")); }
  static net::Task<void> ask(World& world, const wire::RequestHead& head, std::shared_ptr<const Directory> known, Error refusal,
                             Result<Principal>& out) {
    out = co_await world.vouching.vouch(head, world.certificate, std::move(known), std::move(refusal));
  }
};

TEST(Vouching, TokensOfIssuersComeToTheirPlace) {
  World world;
  EXPECT_EQ(world.bearer(World::token(R"(,"sub":"ann")")), "unauthenticated");
  world.trust_issuer();
  EXPECT_EQ(world.bearer(key_value), "Ann's laptop key ");
  EXPECT_EQ(world.bearer("sk-unknown"), "unauthenticated");
  EXPECT_EQ(world.bearer(World::token(R"(,"sub":"ann")")), "ann member research");
  // What a member's entry says counts more than the claims, but only of a checked email.
  EXPECT_EQ(world.bearer(World::token(R"(,"sub":"1","email":"boss@acme.example")")), "boss@acme.example admin acme");
  EXPECT_EQ(world.bearer(World::token(R"(,"sub":"1","email":"boss@acme.example","email_verified":false)")), "1 member research");
  // A good token does not help beside a bad key, nor a bad token beside a good key.
  EXPECT_EQ(world.who(cat("authorization: Bearer ", World::token(R"(,"sub":"ann")"), "\r\nx-api-key: other\r\n")),
            "unauthenticated");
  EXPECT_EQ(world.who(cat("authorization: Bearer ", World::token(R"(,"sub":"ann")"), "x\r\nx-api-key: ", key_value, "\r\n")),
            "unauthenticated");
  EXPECT_EQ(world.who(cat("x-api-key: ", World::token(R"(,"sub":"ann")"), "\r\n")), "ann member research");
}

TEST(Vouching, ACertificateIsWhoMembersSay) {
  World world;
  const net::PeerCertificate agent{"spiffe://acme/agent", world.now + 60}, stranger{"spiffe://acme/other", world.now + 60},
      old{"spiffe://acme/agent", world.now};
  EXPECT_EQ(world.who(""), "unauthenticated");
  world.certificate = &agent;
  EXPECT_EQ(world.who(""), "spiffe://acme/agent admin acme");
  EXPECT_EQ(world.bearer("sk-unknown"), "unauthenticated") << "a good certificate does not help beside a bad key";
  EXPECT_EQ(world.bearer(key_value), "Ann's laptop key ");
  // Browsers show it to whichever page asks.
  EXPECT_EQ(world.who("origin: https://evil.example\r\n"), "forbidden");
  EXPECT_EQ(world.who("sec-fetch-site: cross-site\r\n"), "forbidden");
  world.certificate = &old;
  EXPECT_EQ(world.who(""), "unauthenticated");
  world.certificate = &stranger;
  EXPECT_EQ(world.who(""), "unauthenticated") << "an authority's word alone is nobody's place";
  // Who is taken from the members is nobody at the next look.
  world.certificate = &agent;
  Result<Principal> admitted = fail(Kind::internal);
  wire::RequestHead head;
  const std::string_view text = "GET /x HTTP/1.1\r\nhost: a\r\n\r\n";
  ASSERT_TRUE(wire::parse_request_head(text, wire::HeadLimits{}, head));
  world.clients.spawn(World::ask(world, head, world.directory(), fail(Kind::unauthenticated).error(), admitted));
  world.loop.run_until([&] { return world.clients.children() == 0; });
  ASSERT_TRUE(admitted);
  EXPECT_TRUE(world.directory()->renew(*admitted, world.now));
  world.parts.members.pop_back();
  EXPECT_FALSE(world.directory()->renew(*admitted, world.now));
}

TEST(Vouching, DirectoriesSayWhereAndWhat) {
  World world;
  const auto known = world.directory();
  const auto admit = [&](config::Place place, std::optional<std::vector<std::string>> models = {},
                         std::string email = {}) -> std::string {
    auto claims = std::make_shared<IdentityClaims>();
    claims->issuer = "https://id.example";
    claims->subject = "s";
    claims->email = std::move(email);
    claims->place = std::move(place);
    claims->models = std::move(models);
    claims->expires = world.now + 10;
    const auto out = known->admit(claims, world.now);
    if (!out) return std::string{info(out.error().kind()).label};
    // The same after a change of the directory, until its time is over.
    EXPECT_TRUE(known->renew(*out, world.now + 9));
    EXPECT_FALSE(known->renew(*out, world.now + 10));
    EXPECT_FALSE(out->check_standing(world.now + 10, "127.0.0.1"));
    std::string text = out->tenant() != nullptr ? out->tenant()->id : "none";
    for (const auto& model : out->holder()->standing->grant.models.value_or(std::vector<std::string>{})) text += cat(' ', model);
    return text;
  };
  EXPECT_EQ(admit({}), "none");
  EXPECT_EQ(admit({.organization = "acme"}), "acme");
  EXPECT_EQ(admit({.organization = "acme", .team = "research"}), "research");
  EXPECT_EQ(admit({.organization = "other", .team = "research"}), "forbidden");
  EXPECT_EQ(admit({.team = "unknown"}), "forbidden");
  EXPECT_EQ(admit({.team = "acme"}), "forbidden");
  EXPECT_EQ(admit({}, {{"a", "b"}}), "none a b");
  EXPECT_EQ(admit({}, {{"a", "openai/x"}}, "boss@acme.example"), "acme openai/x");
  EXPECT_EQ(admit({}, {}, "boss@acme.example"), "acme openai/*");
}

TEST(Vouching, ProgramsExchangeKeysForTokens) {
  World world;
  const auto get = [&](std::string_view form) { return world.vouching.exchange("", form, *world.directory()); };
  const auto good = get(cat("grant_type=client_credentials&client_id=laptop&client_secret=", key_value));
  ASSERT_TRUE(good) << good.error().message();
  const auto answer = json::parse(*good);
  const auto token = *answer->find("access_token")->as_string();
  EXPECT_EQ(world.bearer(token), "Ann's laptop key ");
  EXPECT_EQ(world.bearer(token + "x"), "unauthenticated");
  world.now += machine_token_seconds;
  EXPECT_EQ(world.bearer(token), "unauthenticated");
  world.now -= 1;
  EXPECT_EQ(world.bearer(token), "Ann's laptop key ");
  // With the value that it was got with it dies.
  auto holder = std::make_shared<Holder>();
  holder->id = "laptop";
  holder->credentials.push_back({world.vault.hash("another value"), never});
  world.parts.holders = {holder};
  EXPECT_EQ(world.bearer(token), "unauthenticated");
  for (const std::string_view form : {"grant_type=client_credentials&client_id=other&client_secret=another+value",
                                      "grant_type=client_credentials&client_id=laptop&client_secret=wrong"}) {
    const auto refused = get(form);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().detail().code, "invalid_client");
  }
}

TEST(Vouching, SessionsCountWithoutAnyCredentialOnly) {
  World world;
  VouchingSettings settings;
  settings.oidc.issuer = world.at("");
  settings.oidc.redirect_url = "http://127.0.0.1:8080/callback";
  world.vouching.configure(settings);
  IdentityClaims claims;
  claims.subject = "ann";
  claims.expires = world.now + 100;
  const auto id = world.sessions.open(claims, world.now);
  const auto cookie = cat("cookie: cardea_session=", *id, "\r\n");
  const std::string own = "origin: http://127.0.0.1:8080\r\n";
  EXPECT_EQ(world.who(cookie + own), "ann member ");
  EXPECT_EQ(world.who(cookie), "forbidden");
  EXPECT_EQ(world.who(cookie + "origin: https://evil.example\r\n"), "forbidden");
  EXPECT_EQ(world.who(cookie + own + "authorization: Bearer wrong\r\n"), "unauthenticated");
  EXPECT_EQ(world.who("cookie: cardea_session=made-up\r\n" + own), "unauthenticated");
  world.sessions.close(*id);
  EXPECT_EQ(world.who(cookie + own), "unauthenticated");
}

}  // namespace
}  // namespace cardea::access
