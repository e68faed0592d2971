#include "admin/test_world.h"
#include "base/random.h"

namespace cardea::admin {
namespace {

TEST(Admin, AnswersEveryRouteOfItsOwn) {
  for (const auto table : {pipeline::admin_routes(), pipeline::litellm_routes()}) {
    for (const pipeline::Route& route : table) EXPECT_TRUE(knows(route.form)) << route.label << " " << route.form;
  }
  EXPECT_TRUE(knows("key.own"));
}

TEST(Admin, MakesShowsChangesAndRemovesThings) {
  World world;
  const auto made = world.ask("POST /admin/v1/teams", R"({"id":"research","title":"Research","models":["gpt-*"]})");
  EXPECT_EQ(made.status, 201U) << made.body;
  EXPECT_EQ(made.etag, "\"1\"");
  EXPECT_EQ(made.location, "/admin/v1/teams/research");
  const auto changed = world.ask("PATCH /admin/v1/teams/research", R"({"title":null,"concurrency":3})");
  EXPECT_EQ(changed.status, 200U) << changed.body;
  EXPECT_EQ(changed.etag, "\"2\"");
  const auto shown = world.ask("GET /admin/v1/teams/research");
  EXPECT_EQ(shown.body, changed.body);
  EXPECT_EQ(shown.text("title"), "(none)");
  EXPECT_EQ(shown.text("concurrency"), "3");
  EXPECT_EQ(shown.text("models"), R"(["gpt-*"])");
  EXPECT_EQ(world.ask("DELETE /admin/v1/teams/research").status, 204U);
  EXPECT_EQ(world.ask("GET /admin/v1/teams/research").status, 404U);
}

TEST(Admin, AKeysValueIsSaidOnce) {
  World world;
  const auto made = world.ask("POST /admin/v1/keys", R"({"id":"k:1","name":"laptop"})");
  EXPECT_EQ(made.status, 201U) << made.body;
  EXPECT_EQ(made.location, "/admin/v1/keys/k%3A1");
  const std::string key = made.text("key");
  EXPECT_TRUE(key.starts_with("sk-cardea-")) << key;
  EXPECT_EQ(world.ask("GET /admin/v1/keys/k%3A1").body.find(key), std::string::npos);
  EXPECT_EQ(world.ask("GET /admin/v1/keys").body.find(key), std::string::npos);
  EXPECT_EQ(world.ask("GET /admin/v1/audit").body.find(key), std::string::npos);

  EXPECT_EQ(world.ask("GET /v1/key", "", "", world.holder_of(key)).text("name"), "laptop");
  const auto rotated = world.ask("POST /admin/v1/keys/k%3A1/rotate", R"({"overlap":"1h"})");
  EXPECT_EQ(rotated.status, 200U) << rotated.body;
  EXPECT_NE(rotated.text("key"), key);
  EXPECT_EQ(world.holder_of(key).holder()->id, world.holder_of(rotated.text("key")).holder()->id);
  EXPECT_EQ(world.ask("POST /admin/v1/keys/k%3A1/rotate", R"({"overlap":"soon"})").param, "overlap");
  EXPECT_EQ(world.ask("POST /admin/v1/keys/k%3A1/block").text("blocked"), "true");
  EXPECT_EQ(world.ask("POST /admin/v1/keys/k%3A1/unblock").status, 200U);
  EXPECT_EQ(world.ask("POST /admin/v1/keys/k%3A1/revoke").text("revoked"), "true");
}

TEST(Admin, SaysWhichFieldsAreWrong) {
  World world;
  const auto wrong = world.ask("POST /admin/v1/teams", R"({"id":"t","modles":["a"],"concurrency":"many"})");
  EXPECT_EQ(wrong.status, 400U);
  const json::Value problem = wrong.json();
  ASSERT_NE(problem.find("errors"), nullptr) << wrong.body;
  ASSERT_EQ(problem.find("errors")->elements().size(), 2U) << wrong.body;
  EXPECT_EQ(world.ask("POST /admin/v1/teams", "[]").status, 400U);
  EXPECT_EQ(world.ask("POST /admin/v1/teams", "{").status, 400U);
}

TEST(Admin, PreconditionsKeepChangesFromMeetingUnseen) {
  World world;
  world.ask("POST /admin/v1/teams", R"({"id":"t"})");
  EXPECT_EQ(world.ask("PATCH /admin/v1/teams/t", R"({"title":"A"})", "if-match: \"1\"\r\n").etag, "\"2\"");
  EXPECT_EQ(world.ask("PATCH /admin/v1/teams/t", R"({"title":"B"})", "if-match: \"1\"\r\n").status, 412U);
  EXPECT_EQ(world.ask("PATCH /admin/v1/teams/t", R"({"title":"B"})", "if-match: \"1\", \"2\"\r\n").status, 200U);
  EXPECT_EQ(world.ask("DELETE /admin/v1/teams/t", "", "if-match: \"2\"\r\n").status, 412U);
  EXPECT_EQ(world.ask("GET /admin/v1/teams/t", "", "if-none-match: \"3\"\r\n").status, 304U);
  EXPECT_EQ(world.ask("POST /admin/v1/teams", R"({"id":"t"})").status, 409U);
  EXPECT_EQ(world.ask("POST /admin/v1/teams", R"({"id":"t"})", "if-none-match: *\r\n").status, 412U);
  EXPECT_EQ(world.ask("DELETE /admin/v1/teams/t", "", "if-match: *\r\n").status, 204U);
}

TEST(Admin, ARepeatedRequestHasTheSameAnswer) {
  World world;
  const std::string_view again = "idempotency-key: once\r\n";
  const auto first = world.ask("POST /admin/v1/keys", R"({"name":"a"})", again);
  const auto second = world.ask("POST /admin/v1/keys", R"({"name":"a"})", again);
  EXPECT_EQ(second.status, 201U) << second.body;
  EXPECT_EQ(first.body, second.body);
  EXPECT_EQ(world.ask("POST /admin/v1/keys", R"({"name":"b"})", again).status, 422U);
  EXPECT_EQ(world.ask("GET /admin/v1/keys").json().find("data")->elements().size(), 1U);
  EXPECT_EQ(world.ask("POST /admin/v1/keys", "{}", cat("idempotency-key: ", std::string(300, 'x'), "\r\n")).status, 400U);
}

TEST(Admin, ListsComeInPages) {
  World world;
  for (const char* id : {"a", "b", "c"}) world.ask("POST /admin/v1/teams", cat(R"({"id":")", id, R"("})"));
  const auto page = world.ask("GET /admin/v1/teams?limit=2");
  EXPECT_EQ(page.json().find("data")->elements().size(), 2U);
  EXPECT_EQ(page.text("has_more"), "true");
  EXPECT_EQ(page.text("next"), "b");
  const auto rest = world.ask("GET /admin/v1/teams?limit=2&after=b");
  EXPECT_EQ(rest.json().find("data")->elements().size(), 1U);
  EXPECT_EQ(rest.text("has_more"), "false");
  EXPECT_EQ(world.ask("GET /admin/v1/teams?limit=0").status, 400U);
  const auto log = world.ask("GET /admin/v1/audit?limit=2");
  EXPECT_EQ(log.text("next"), "2") << log.body;
  EXPECT_EQ(world.ask("GET /admin/v1/audit?limit=2&before=2").json().find("data")->elements().size(), 1U);
}

TEST(Admin, ATenantsAdminSeesNothingBesideIt) {
  World world;
  world.ask("POST /admin/v1/teams", R"({"id":"ours"})");
  world.ask("POST /admin/v1/teams", R"({"id":"theirs"})");
  const auto key = world.ask("POST /admin/v1/keys", R"({"id":"boss","team":"ours","role":"admin"})").text("key");
  const auto boss = world.holder_of(key);
  EXPECT_EQ(world.ask("GET /admin/v1/teams/theirs", "", "", boss).status, 404U);
  EXPECT_EQ(world.ask("PATCH /admin/v1/teams/theirs", R"({"title":"x"})", "if-match: \"1\"\r\n", boss).status, 404U);
  EXPECT_EQ(world.ask("GET /admin/v1/teams", "", "", boss).json().find("data")->elements().size(), 1U);
  EXPECT_EQ(world.ask("GET /admin/v1/audit", "", "", boss).status, 404U);
  EXPECT_EQ(world.ask("GET /admin/v1/providers/openai/key", "", "", boss).status, 404U);
}

TEST(Admin, DescribesItself) {
  World world;
  const auto description = world.ask("GET /admin/v1/openapi.json").json();
  ASSERT_NE(description.find("paths"), nullptr);
  const json::Value* keys = description.find("paths")->find("/admin/v1/keys");
  ASSERT_NE(keys, nullptr);
  EXPECT_NE(keys->find("post"), nullptr);
  EXPECT_NE(description.find("components")->find("schemas")->find("key"), nullptr);
}

TEST(Admin, ShowsTheRoles) {
  World world;
  const auto roles = world.ask("GET /admin/v1/roles").json();
  EXPECT_EQ(roles.find("data")->elements().front().dump(), R"({"id":"owner","may":["call","read","operate","manage","own"]})");
}

}  // namespace
}  // namespace cardea::admin
