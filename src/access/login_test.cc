// A provider of OpenID Connect on loopback, whose answers a test can bend.

#include "access/login.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "access/test_issuer.h"
#include "base/base64.h"
#include "base/text.h"
#include "wire/http1.h"

namespace cardea::access {
namespace {

Vault vault_of() {
  const std::vector<Secret> keys{Secret{std::string(master_key_bytes, 'k')}};
  return std::move(*Vault::make(keys, {}));
}

std::string query_part(std::string_view url, std::string_view name) {
  const auto at = url.find(cat(name, '='));
  const auto begin = at + name.size() + 1;
  return percent_decoded(url.substr(begin, url.find('&', begin) - begin)).value_or("");
}

struct World : test::Site {
  Vault vault = vault_of();
  Sessions sessions{vault};
  Login login{{client, vault, sessions, [this] { return now; }, note_failure()}};
  std::string nonce;
  std::string more;                       ///< further members of the ID token, each with a comma before it
  std::string user = R"({"sub":"ann"})";  ///< what userinfo says
  std::string signed_by = "rsa";

  World() {
    config::Oidc oidc;
    oidc.issuer = at("");
    oidc.client_id = "cardea";
    oidc.client_secret = Secret{"s3cret"};
    oidc.redirect_url = "http://127.0.0.1:8080/callback";
    oidc.mapping.claims.role = "groups";
    oidc.mapping.roles = {{"boss", config::Role::admin}};
    EXPECT_FALSE(login.on());
    login.configure(oidc);
    EXPECT_TRUE(login.on());
    pages["/.well-known/openid-configuration"] = [this](const std::string&) {
      return cat(R"(200 {"issuer":")", at(""), R"(","authorization_endpoint":")", at("/authorize?x=1"), R"(","token_endpoint":")",
                 at("/token"), R"(","jwks_uri":")", at("/jwks"), R"(","userinfo_endpoint":")", at("/me"), R"("})");
    };
    pages["/jwks"] = [](const std::string&) { return cat("200 ", test::keys_of("rsa", "one")); };
    pages["/me"] = [this](const std::string&) { return cat("200 ", user); };
    pages["/token"] = [this](const std::string&) {
      const auto claims =
          cat(R"({"iss":")", at(""), R"(","aud":"cardea","sub":"ann","exp":)", now + 60, R"(,"nonce":")", nonce, '"', more, '}');
      return cat(R"(200 {"access_token":"at","id_token":")", test::sign_claims(signed_by, "one", claims), R"("})");
    };
  }

  Result<Login::Step> run(net::Task<Result<Login::Step>> task) {
    Result<Login::Step> out = fail(Kind::internal);
    clients.spawn(await(std::move(task), out));
    loop.run_until([this] { return clients.children() == 0; });
    return out;
  }
  static net::Task<void> await(net::Task<Result<Login::Step>> task, Result<Login::Step>& out) { out = co_await std::move(task); }

  /// "name=value" of a Set-Cookie.
  static std::string sent_back(const std::string& cookie) { return cookie.substr(0, cookie.find(';')); }

  struct Begun {
    std::string location, cookie;
    [[nodiscard]] std::string answer(std::string_view further = "") const {
      return cat("code=c0de&state=", query_part(location, "state"), further);
    }
  };
  Begun begin(std::string_view return_to = "/dashboard/keys") {
    const auto step = run(login.begin(return_to));
    EXPECT_TRUE(step) << step.error().message();
    nonce = query_part(step->location, "nonce");
    return {step->location, sent_back(step->cookies.at(0))};
  }
  /// "ann admin", or the problem.
  std::string finish(const std::string& query, const std::string& cookies) {
    const auto step = run(login.finish(query, cookies));
    if (!step) return cat(info(step.error().kind()).label, ": ", step.error().message());
    const auto who = login.who(cat("x=y; ", sent_back(step->cookies.at(0))));
    return who ? cat(who->subject, ' ', config::to_text(who->role), ' ', step->location) : "nobody";
  }
};

TEST(Login, GoesThroughTheCodeFlow) {
  World world;
  const auto begun = world.begin();
  EXPECT_TRUE(begun.location.starts_with(
      world.at("/authorize?x=1&response_type=code&client_id=cardea&redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2Fcallback"
               "&scope=openid%20email%20profile&state=")))
      << begun.location;
  world.user = R"({"sub":"ann","groups":["boss"],"iss":"other"})";
  const auto step = world.run(world.login.finish(begun.answer(), begun.cookie));
  ASSERT_TRUE(step) << step.error().message();
  EXPECT_EQ(step->location, "/dashboard/keys");
  ASSERT_EQ(step->cookies.size(), 2u);
  EXPECT_TRUE(step->cookies[0].ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax")) << step->cookies[0];
  EXPECT_TRUE(step->cookies[1].starts_with("cardea_login=; Path=/; Max-Age=0"));
  const auto session = World::sent_back(step->cookies[0]);
  const auto who = world.login.who(session);
  ASSERT_NE(who, nullptr);
  EXPECT_EQ(who->subject, "ann");
  EXPECT_EQ(who->issuer, world.at(""));
  EXPECT_EQ(who->role, config::Role::admin);
  // The code went with PKCE and the client's own proof.
  std::string exchange;
  for (const auto& request : world.requests) {
    if (request.starts_with("POST /token")) exchange = request;
  }
  EXPECT_NE(exchange.find(cat("authorization: Basic ", to_base64("cardea:s3cret"))), std::string::npos);
  const auto verifier = query_part(cat("?", exchange.substr(exchange.rfind("\r\n") + 2)), "code_verifier");
  const auto digest = net::sha256(verifier);
  EXPECT_EQ(to_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()}),
            query_part(begun.location, "code_challenge"));
  EXPECT_EQ(query_part(begun.location, "code_challenge_method"), "S256");
  // The session ends: when its owner says so, or by itself.
  world.now += 43'199;
  EXPECT_NE(world.login.who(session), nullptr);
  world.now += 1;
  EXPECT_EQ(world.login.who(session), nullptr);
  world.now -= 1;
  EXPECT_TRUE(world.login.end(session).cookies[0].starts_with("cardea_session=; Path=/; Max-Age=0"));
  EXPECT_EQ(world.login.who(session), nullptr);
  EXPECT_EQ(world.sessions.size(), 0u);
}

TEST(Login, RefusesWhatBelongsToAnotherLogin) {
  World world;
  const auto begun = world.begin();
  const auto other = world.begin();
  const auto refused = [&](const std::string& query, const std::string& cookies, std::string_view why) {
    const auto said = world.finish(query, cookies);
    EXPECT_TRUE(said.starts_with("unauthenticated: The login failed")) << said;
    EXPECT_NE(said.find(why), std::string::npos) << said;
  };
  refused(begun.answer(), other.cookie, "another login");
  refused(begun.answer(), "", "not begun");
  refused(begun.answer(), "cardea_login=made.up.text", "not begun");
  refused(begun.answer(), cat(begun.cookie.substr(0, begun.cookie.size() - 3), "AAA"), "not begun");
  refused("code=x&state=", other.cookie, "another login");
  refused("code=x", other.cookie, "another login");
  refused(other.answer("&iss=https%3A%2F%2Fevil.example"), other.cookie, "another provider");
  refused(cat("error=access_denied&state=", query_part(other.location, "state")), other.cookie, "refused");
  refused(begun.answer(), begun.cookie, "another login");  // the token's nonce is the other's
  world.more = R"(,"azp":"else")";
  refused(other.answer(), other.cookie, "another client");
  world.more = R"(,"iss":"https://evil.example")";
  refused(other.answer(), other.cookie, "is none");  // a member given twice
  world.more.clear();
  world.signed_by = "rsa_other";
  refused(other.answer(), other.cookie, "bad signature");
  world.signed_by = "rsa";
  world.pages["/token"] = [](const std::string&) { return std::string{R"(400 {"error":"invalid_grant"})"}; };
  refused(other.answer(), other.cookie, "does not take its code");
  world.pages["/token"] = [](const std::string&) { return std::string{R"(200 {"id_token":"eyJhbGciOiJub25lIn0.e30."})"}; };
  refused(other.answer(), other.cookie, "is none");
  world.now += 601;
  refused(other.answer(), other.cookie, "took too long");
  EXPECT_EQ(world.sessions.size(), 0u);
}

TEST(Login, UserinfoOfSomebodyElseAddsNothing) {
  World world;
  const auto begun = world.begin();
  world.user = R"({"sub":"eve","groups":["boss"]})";
  EXPECT_EQ(world.finish(begun.answer(), begun.cookie), "ann member /dashboard/keys");
}

TEST(Login, AProviderThatFailsIsUnavailable) {
  World world;
  const auto begun = world.begin();
  world.pages["/token"] = [](const std::string&) { return std::string{"500 x"}; };
  EXPECT_TRUE(world.finish(begun.answer(), begun.cookie).starts_with("unavailable"));
  world.now += 601;  // what was discovered is old
  for (const std::string_view broken : {R"(200 {"issuer":"https://evil.example"})", "404 x", "200 x"}) {
    world.pages["/.well-known/openid-configuration"] = [broken](const std::string&) { return std::string{broken}; };
    const auto step = world.run(world.login.begin("/"));
    ASSERT_FALSE(step);
    EXPECT_TRUE(step.error().is(Kind::unavailable));
  }
  EXPECT_NE(world.failures.at(1).find("another issuer"), std::string::npos);
}

TEST(Login, SendsPeopleBackToThisGatewayOnly) {
  World world;
  for (const std::string_view path :
       {"//evil.example", "https://evil.example", "/\\evil.example", "\\/evil", "", "evil", "/a b", "/\r\nx: y"}) {
    const auto begun = world.begin(path);
    EXPECT_EQ(world.finish(begun.answer(), begun.cookie), "ann member /dashboard") << path;
  }
}

TEST(Login, CookiesCountForOwnPagesOnly) {
  World world;
  const auto check = [&](std::string_view method, std::string_view lines) {
    wire::RequestHead head;
    const auto text = cat(method, " /x HTTP/1.1\r\nhost: a\r\n", lines, "\r\n");
    EXPECT_TRUE(wire::parse_request_head(text, wire::HeadLimits{}, head));
    return world.login.check_origin(head).has_value();
  };
  EXPECT_TRUE(check("GET", ""));
  EXPECT_TRUE(check("GET", "origin: https://evil.example\r\n"));
  EXPECT_TRUE(check("POST", "origin: http://127.0.0.1:8080\r\n"));
  EXPECT_TRUE(check("POST", "sec-fetch-site: same-origin\r\n"));
  for (const std::string_view lines :
       {"", "origin: http://127.0.0.1:8081\r\n", "origin: null\r\n", "origin: https://127.0.0.1:8080\r\n",
        "sec-fetch-site: same-site\r\n", "origin: https://evil.example\r\nsec-fetch-site: same-origin\r\n"})
    EXPECT_FALSE(check("POST", lines)) << lines;
  EXPECT_FALSE(check("DELETE", ""));
}

TEST(Login, FindsCookies) {
  EXPECT_EQ(find_cookie("a=1; bc=2;b=3 ; c=4", "b"), "3");
  EXPECT_EQ(find_cookie("a=1; c=4", "c"), "4");
  EXPECT_EQ(find_cookie("a=1", "b"), "");
  EXPECT_EQ(find_cookie("", "b"), "");
}

}  // namespace
}  // namespace cardea::access
