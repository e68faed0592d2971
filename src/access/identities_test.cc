// Issuers on loopback: their keys by URL, and introspection.

#include "access/identities.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "access/test_issuer.h"
#include "base/base64.h"
#include "base/text.h"

namespace cardea::access {
namespace {

using test::keys_of;

/// A token of ann's, or of who else.
std::string token_of(std::string_view key, std::string_view id, std::string_view subject = "ann",
                     std::int64_t expires = 2'000'000'600) {
  return test::sign_claims(key, id,
                           cat(R"({"iss":"https://id.example","aud":"cardea","sub":")", subject, R"(","exp":)", expires, "}"));
}

struct World : test::Site {
  Identities identities{{background, client, [this] { return now; }, note_failure()}};

  void configure_jwt(std::string jwks) {
    config::Settings settings;
    config::Jwt jwt;
    jwt.issuer = "https://id.example";
    jwt.audience = {"cardea"};
    jwt.jwks = std::move(jwks);
    jwt.mapping.place.team = "research";
    settings.jwt.push_back(jwt);
    identities.configure(settings.jwt, settings.introspection);
  }
  void configure_introspection(std::vector<std::string> targets, config::Milliseconds cache = config::Milliseconds{60'000}) {
    config::Settings settings;
    for (const auto& target : targets) {
      config::Introspection server;
      server.url = at(target);
      server.client_id = "card:ea";
      server.client_secret = Secret{"s3cr&t"};
      server.audience = {"cardea"};
      server.cache = cache;
      settings.introspection.push_back(server);
    }
    identities.configure(settings.jwt, settings.introspection);
  }

  /// Who each of these is, asked at the same time: "ann@research", or the problem.
  std::vector<std::string> verify_all(const std::vector<std::string>& tokens) {
    std::vector<std::string> out(tokens.size());
    for (std::size_t i = 0; i < tokens.size(); ++i) clients.spawn(verify_one(*this, tokens[i], out[i]));
    loop.run_until([this] { return clients.children() == 0; });
    return out;
  }
  std::string verify(const std::string& token) { return verify_all({token})[0]; }

  static net::Task<void> verify_one(World& world, std::string token, std::string& out) {
    Result<IdentityClaims> claims = co_await world.identities.verify(token);
    out = claims ? cat(claims->subject, '@', claims->place.team)
                 : cat(info(claims.error().kind()).label, ": ", claims.error().message());
    if (token.size() > 5) EXPECT_EQ(out.find(token), std::string::npos);
  }
};

TEST(Identities, KeysAreFetchedOnceAndTokensRemembered) {
  World world;
  EXPECT_FALSE(world.identities.any());
  world.configure_jwt(world.at("/jwks"));
  EXPECT_TRUE(world.identities.any());
  world.pages["/jwks"] = [](const std::string&) { return cat("200 ", keys_of("rsa", "one")); };
  const auto good = token_of("rsa", "one");
  EXPECT_EQ(world.verify_all({good, token_of("rsa", "one", "bob"), good}),
            (std::vector<std::string>{"ann@research", "bob@research", "ann@research"}));
  EXPECT_EQ(world.requests.size(), 1u);
  EXPECT_EQ(world.verify(good), "ann@research");
  world.now += 700;  // past the token's end, and its leeway
  EXPECT_NE(world.verify(good).find("unauthenticated: The token has expired"), std::string::npos);
  EXPECT_NE(world.verify("sk-something").find("unauthenticated: Neither"), std::string::npos);
  EXPECT_NE(world.verify("eyJ.x.y").find("unauthenticated: The token"), std::string::npos);
}

TEST(Identities, ANewKeyIsLookedForNotTooOften) {
  World world;
  world.configure_jwt(world.at("/jwks"));
  std::string id = "one";
  std::string key = "rsa";
  world.pages["/jwks"] = [&](const std::string&) { return cat("200 ", keys_of(key, id)); };
  EXPECT_EQ(world.verify(token_of("rsa", "one")), "ann@research");
  id = "two";
  key = "rsa_other";
  const auto next = token_of("rsa_other", "two");
  EXPECT_NE(world.verify(next).find("does not publish"), std::string::npos);  // asked just now
  EXPECT_EQ(world.requests.size(), 1u);
  world.now += 31;
  EXPECT_EQ(world.verify(next), "ann@research");
  EXPECT_EQ(world.requests.size(), 2u);
  // A flood of made-up ids costs one fetch in 30 s.
  std::vector<std::string> flood;
  for (int i = 0; i < 20; ++i) flood.push_back(token_of("rsa", cat("made-up-", i)));
  world.now += 31;
  for (const auto& said : world.verify_all(flood)) EXPECT_NE(said.find("does not publish"), std::string::npos);
  EXPECT_EQ(world.requests.size(), 3u);
  // Withdrawn keys do not stay good: a token that is no longer remembered is verified by the keys of today.
  EXPECT_NE(world.verify(token_of("rsa", "one", "eve")).find("does not publish"), std::string::npos);
}

TEST(Identities, KeysStayWhenTheirIssuerFails) {
  World world;
  world.configure_jwt(world.at("/jwks"));
  EXPECT_NE(world.verify(token_of("rsa", "one")).find("unavailable: The keys"), std::string::npos);
  EXPECT_EQ(world.failures, std::vector<std::string>{"keys of https://id.example: it answers with status 404"});
  world.pages["/jwks"] = [](const std::string&) { return cat("200 ", keys_of("rsa", "one")); };
  world.now += 31;
  EXPECT_EQ(world.verify(token_of("rsa", "one")), "ann@research");
  for (const std::string_view broken : {"500 oops", "200 <html>", "200 {\"keys\":[]}", "302 x"}) {
    world.pages["/jwks"] = [broken](const std::string&) { return std::string{broken}; };
    world.now += 31;
    EXPECT_NE(world.verify(token_of("rsa", "two")).find("does not publish"), std::string::npos);
    EXPECT_EQ(world.verify(token_of("rsa", "one", cat("user", world.now))), cat("user", world.now, "@research"));
  }
  EXPECT_EQ(world.requests.size(), 6u);
  // A reload keeps the keys.
  world.configure_jwt(world.at("/jwks"));
  EXPECT_EQ(world.verify(token_of("rsa", "one")), "ann@research");
}

TEST(Identities, KeysOfAFile) {
  World world;
  const auto path = (std::filesystem::temp_directory_path() / cat("cardea-jwks-", getpid())).string();
  world.configure_jwt(path);
  EXPECT_NE(world.verify(token_of("rsa", "one")).find("unavailable"), std::string::npos);
  std::ofstream{path} << keys_of("rsa", "one");
  world.now += 31;
  EXPECT_EQ(world.verify(token_of("rsa", "one")), "ann@research");
  std::filesystem::remove(path);
  // A secret never goes out in the clear: nor is a key trusted that came so.
  world.configure_jwt("http://keys.example/jwks");
  EXPECT_NE(world.verify(token_of("rsa", "one")).find("unavailable"), std::string::npos);
  EXPECT_NE(world.failures.back().find("is not https"), std::string::npos);
}

TEST(Identities, IntrospectionIsAskedOnceAndRemembered) {
  World world;
  world.configure_introspection({"/introspect"});
  world.pages["/introspect"] = [](const std::string& request) -> std::string {
    if (request.find("token=good%20one") == std::string::npos) return R"(200 {"active":false})";
    return R"(200 {"active":true,"sub":"ann","aud":["cardea"],"exp":2000000090})";
  };
  EXPECT_EQ(world.verify_all({"good one", "good one", "bad"}),
            (std::vector<std::string>{
                "ann@", "ann@",
                "unauthenticated: Neither this gateway nor an issuer that it trusts knows the credential. Send an API "
                "key or a token as 'Authorization: Bearer …'."}));
  EXPECT_EQ(world.requests.size(), 2u);
  EXPECT_NE(world.requests[0].find(cat("authorization: Basic ", to_base64("card%3Aea:s3cr%26t"), "\r\n")), std::string::npos);
  EXPECT_EQ(world.verify("good one"), "ann@");
  EXPECT_NE(world.verify("bad").find("unauthenticated"), std::string::npos);
  EXPECT_EQ(world.requests.size(), 2u);
  world.now += 60;
  EXPECT_EQ(world.verify("good one"), "ann@");
  EXPECT_EQ(world.requests.size(), 3u);
  world.now += 30;  // its end: not remembered beyond it, and the server's word does not count
  EXPECT_NE(world.verify("good one").find("unauthenticated"), std::string::npos);
  EXPECT_EQ(world.requests.size(), 4u);
}

TEST(Identities, AnIntrospectionThatFailsIsNoAnswer) {
  World world;
  world.configure_introspection({"/one", "/two"}, config::Milliseconds{0});
  for (const std::string_view broken :
       {"500 x", "401 {\"active\":true,\"sub\":\"a\",\"aud\":\"cardea\"}", "200 x", "200 {}", "200 {\"active\":\"true\"}",
        "200 {\"active\":1}", "200 {\"active\":false,\"active\":true}"}) {
    world.pages["/one"] = [broken](const std::string&) { return std::string{broken}; };
    world.pages["/two"] = [](const std::string&) -> std::string { return R"(200 {"active":false})"; };
    EXPECT_NE(world.verify("opaque-1").find("unavailable"), std::string::npos) << broken;
    world.pages["/two"] = [](const std::string&) -> std::string { return R"(200 {"active":true,"sub":"bob","aud":"cardea"})"; };
    EXPECT_EQ(world.verify("opaque-1"), "bob@") << broken;
  }
  world.pages["/one"] =
      world.pages["/two"] = [](const std::string&) -> std::string { return R"(200 {"active":true,"sub":"bob","aud":"other"})"; };
  EXPECT_NE(world.verify("opaque-1").find("unauthenticated"), std::string::npos);
  world.pages["/one"] = [](const std::string&) -> std::string { return R"(200 {"active":true,"aud":"cardea"})"; };
  EXPECT_NE(world.verify("opaque-1").find("unauthenticated"), std::string::npos);
}

TEST(Identities, OnlySoManyQuestionsAtATime) {
  World world;
  world.configure_introspection({"/introspect"});
  world.pages["/introspect"] = [](const std::string&) -> std::string { return R"(200 {"active":false})"; };
  std::vector<std::string> flood;
  for (std::size_t i = 0; i < questions_max + 10; ++i) flood.push_back(cat("token", i));
  std::size_t refused = 0;
  for (const auto& said : world.verify_all(flood)) refused += said.starts_with("unavailable: Too many");
  EXPECT_EQ(refused, 10u);
  EXPECT_EQ(world.requests.size(), questions_max);
}

}  // namespace
}  // namespace cardea::access
