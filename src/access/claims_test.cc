#include "access/claims.h"

#include <gtest/gtest.h>

#include <string>

#include "base/text.h"

namespace cardea::access {
namespace {

config::Mapping mapping_of(config::ClaimNames names = {}, config::Map<config::Role> roles = {}) {
  config::Mapping out;
  out.claims = std::move(names);
  out.roles = std::move(roles);
  return out;
}

/// "subject email organization/team/project role models", or the problem.
std::string identity(std::string_view claims, const config::Mapping& mapping) {
  const auto value = json::parse(claims);
  EXPECT_TRUE(value) << claims;
  const auto out = identity_of(*value, "iss", 7, mapping);
  if (!out) return std::string{out.error().message()};
  EXPECT_EQ(out->issuer, "iss");
  EXPECT_EQ(out->expires, 7);
  std::string models;
  if (out->models) models = " models";
  for (const auto& model : out->models.value_or(std::vector<std::string>{})) models += cat(':', model);
  return cat(out->subject, ' ', out->email, ' ', out->place.organization, '/', out->place.team, '/', out->place.project, ' ',
             config::to_text(out->role), models);
}

TEST(Claims, SayWhoWhereAndWhat) {
  EXPECT_EQ(identity(R"({"sub":"1","email":"a@b"})", mapping_of()), "1 a@b // member");
  auto mapping = mapping_of(
      {.subject = "oid", .email = "mail", .organization = "org", .team = "t", .project = "p", .role = "groups", .models = "m"},
      {{"boss", config::Role::admin}, {"look", config::Role::auditor}});
  EXPECT_EQ(
      identity(R"({"oid":"x","mail":"y","org":"o","t":"u","p":"q","groups":["other","look","boss"],"m":["a","b/*"]})", mapping),
      "x y o/u/q admin models:a:b/*");
  EXPECT_EQ(identity(R"({"oid":"x","groups":"look x","m":""})", mapping), "x  // auditor models");
  // What the configuration fixes, no claim moves; and no word makes less of a role.
  mapping.place.team = "fixed";
  mapping.role = config::Role::operator_;
  EXPECT_EQ(identity(R"({"oid":"x","t":"u","groups":["look"]})", mapping), "x  /fixed/ operator");
}

TEST(Claims, AreReadInsideObjects) {
  const auto mapping = mapping_of({.role = "realm.access.roles"}, {{"r", config::Role::owner}});
  EXPECT_EQ(identity(R"({"sub":"1","realm":{"access":{"roles":["r"]}}})", mapping), "1  // owner");
  EXPECT_EQ(identity(R"({"sub":"1","realm.access":{"roles":["r"]}})", mapping), "1  // owner");
  EXPECT_EQ(identity(R"({"sub":"1","realm.access.roles":"x","realm":{"access":{"roles":["r"]}}})", mapping), "1  // member");
  EXPECT_EQ(identity(R"({"sub":"1","realm":7})", mapping), "1  // member");
}

TEST(Claims, OfAStrangeFormAreNotGuessed) {
  const auto mapping = mapping_of({.team = "t", .role = "r", .models = "m"}, {{"1", config::Role::owner}});
  for (const std::string_view claims : {R"({})", R"({"sub":""})", R"({"sub":7})", R"({"sub":["a"]})"})
    EXPECT_NE(identity(claims, mapping).find("whose it is"), std::string::npos) << claims;
  for (const std::string_view claims : {R"({"sub":"1","t":["a"]})", R"({"sub":"1","t":null})", R"({"sub":"1","r":1})",
                                        R"({"sub":"1","r":[1]})", R"({"sub":"1","m":{"a":1}})", R"({"sub":"1","email":[]})"})
    EXPECT_NE(identity(claims, mapping).find("not of the form"), std::string::npos) << claims;
}

TEST(Claims, AnUncheckedEmailIsNone) {
  for (const std::string_view verified : {"false", "\"false\"", "null", "1", "\"TRUE\""})
    EXPECT_EQ(identity(cat(R"({"sub":"1","email":"root@a","email_verified":)", verified, "}"), mapping_of()), "1  // member");
  for (const std::string_view verified : {"true", "\"true\""})
    EXPECT_EQ(identity(cat(R"({"sub":"1","email":"a@a","email_verified":)", verified, "}"), mapping_of()), "1 a@a // member");
}

}  // namespace
}  // namespace cardea::access
