#include "access/settings_check.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace cardea::access {
namespace {

using Check = std::vector<config::Problem> (*)(const config::Settings&, const config::Places&);

std::string said(Check check, std::string_view yaml) {
  const config::Loaded loaded = config::load(yaml, "c.yaml", [](std::string_view) { return std::optional<std::string>{}; });
  std::string out;
  for (const auto& problem : loaded.problems) append(out, cat("load: ", config::to_text(problem), "\n"));
  for (const auto& problem : check(loaded.settings, loaded.places)) {
    append(out,
           cat(problem.severity == config::Severity::error ? "error " : "warning ", problem.where.line, " ", problem.path, "\n"));
  }
  return out;
}

TEST(SettingsCheck, IssuersThatWouldRefuseEverybody) {
  EXPECT_EQ(said(&identity_problems, "jwt:\n  - {issuer: https://a, audience: [x], jwks: k.json, algorithms: [RS256, EdDSA]}\n"),
            "");
  EXPECT_EQ(said(&identity_problems,
                 "jwt:\n  - {issuer: https://a, audience: [x], jwks: k.json}\n"
                 "  - {issuer: https://b, audience: [x], jwks: k.json, algorithms: [RS256, HS256, rs256]}\n"),
            "error 3 jwt[1].algorithms[1]\nerror 3 jwt[1].algorithms[2]\n");
  EXPECT_EQ(said(&identity_problems, "oidc: {issuer: https://c, client_id: d, redirect_url: https://e/callback}\n"), "");
  EXPECT_EQ(said(&identity_problems, "oidc: {issuer: https://c}\n"), "error 1 oidc.client_id\nerror 1 oidc.redirect_url\n");
  EXPECT_EQ(said(&identity_problems, "oidc:\n  issuer: https://c\n  client_id: d\n  redirect_url: e/callback\n"),
            "error 4 oidc.redirect_url\n");
  EXPECT_EQ(said(&identity_problems, ""), "");
}

TEST(SettingsCheck, PlacesThatAreNotThereOrDoNotFit) {
  constexpr std::string_view tenants =
      "organizations: {acme: {}, other: {}}\n"
      "teams: {red: {organization: acme}, blue: {organization: other}}\n"
      "projects: {p: {team: red}}\n";
  const auto with = [&](std::string_view rest) { return said(&place_problems, cat(tenants, rest)); };
  EXPECT_EQ(with("keys: [{key: a, project: p}, {key: b, organization: acme, team: red, project: p}]\n"), "");
  EXPECT_EQ(with("keys: [{key: a, team: red}, {key: b, team: read}]\n"), "warning 4 keys[1].team\n");
  EXPECT_EQ(with("keys: [{key: a, team: blue, project: p}]\n"), "error 4 keys[0].team\n");
  EXPECT_EQ(with("members: [{identity: a, organization: acme, team: blue}]\n"), "error 4 members[0].organization\n");
  EXPECT_EQ(with("users: {u: {team: green}}\n"), "warning 4 users.u.team\n");
  EXPECT_EQ(with("jwt: [{issuer: https://a, audience: [x], jwks: k, project: q}]\n"), "warning 4 jwt[0].project\n");
  EXPECT_EQ(said(&place_problems, "teams: {red: {organization: acme}}\nprojects: {p: {team: blue}}\n"),
            "warning 1 teams.red.organization\nwarning 2 projects.p.team\n");
}

}  // namespace
}  // namespace cardea::access
