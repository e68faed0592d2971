#include "admin/test_world.h"

namespace cardea::admin {
namespace {

// Bodies as LiteLLM's documentation has them (docs.litellm.ai, proxy/virtual_keys, proxy/users, proxy/customers).

TEST(LiteLlm, MakesChangesAndRemovesKeys) {
  World world;
  const auto made = world.ask(
      "POST /key/generate", R"({"models":["gpt-3.5-turbo","gpt-4"],"metadata":{"user":"ishaan@berri.ai","n":1},"duration":"30m",)"
                            R"("max_budget":10,"budget_duration":"30d","tpm_limit":1000,"rpm_limit":10,"key_alias":"a",)"
                            R"("max_parallel_requests":2,"user_id":"u1","team_id":null,"permissions":{}})");
  EXPECT_EQ(made.status, 200U) << made.body;
  const std::string key = made.text("key");
  EXPECT_TRUE(key.starts_with("sk-")) << key;
  EXPECT_EQ(made.text("models"), R"(["gpt-3.5-turbo","gpt-4"])");
  EXPECT_EQ(made.text("max_budget"), "10.00");
  EXPECT_EQ(made.text("budget_duration"), "30d");
  EXPECT_EQ(made.text("rpm_limit"), "10");
  EXPECT_EQ(made.text("user_id"), "u1");
  EXPECT_EQ(made.text("expires"), "2027-01-15T08:30:00Z");
  const std::string token = made.text("token");

  const auto info = world.ask(cat("GET /key/info?key=", key));
  EXPECT_EQ(info.text("key"), token) << info.body;
  EXPECT_EQ(info.body.find(key), std::string::npos);
  EXPECT_EQ(world.ask("GET /key/info", "", "", world.holder_of(key)).body, info.body);

  const auto changed = world.ask("POST /key/update", cat(R"({"key":")", key, R"(","models":[],"max_budget":null})"));
  EXPECT_EQ(changed.status, 200U) << changed.body;
  EXPECT_EQ(changed.text("models"), "[]");
  EXPECT_EQ(changed.text("max_budget"), "null");
  EXPECT_EQ(world.ask("POST /key/block", cat(R"({"key":")", key, R"("})")).text("blocked"), "true");
  EXPECT_EQ(world.ask("POST /key/unblock", cat(R"({"key":")", token, R"("})")).text("blocked"), "false");
  const auto again = world.ask(cat("POST /key/", key, "/regenerate"), R"({"max_budget":5})");
  EXPECT_EQ(again.status, 200U) << again.body;
  EXPECT_NE(again.text("key"), key);
  EXPECT_EQ(again.text("max_budget"), "5.00");

  EXPECT_EQ(world.ask("GET /key/list").body,
            cat(R"({"keys":[")", token, R"("],"total_count":1,"current_page":1,"total_pages":1})"));
  EXPECT_EQ(world.ask("POST /key/delete", cat(R"({"keys":[")", again.text("key"), R"("]})")).text("deleted_keys"),
            cat(R"([")", again.text("key"), R"("])"));
  EXPECT_EQ(world.ask("GET /key/list").text("total_count"), "0");
}

TEST(LiteLlm, DropsNothingWithoutAWord) {
  World world;
  const auto refused = world.ask("POST /key/generate", R"({"model_max_budget":{"gpt-4":{"budget_limit":"1"}}})");
  EXPECT_EQ(refused.status, 400U);
  EXPECT_EQ(refused.param, "model_max_budget");
  EXPECT_EQ(world.ask("POST /key/generate", R"({"duration":"soon"})").param, "duration");
  EXPECT_EQ(world.ask("POST /key/generate", R"({"max_budget":1,"budget_duration":"3y"})").param, "budget_duration");
  EXPECT_EQ(world.ask("POST /key/update", R"({"models":[]})").param, "key");
  EXPECT_EQ(world.ask("POST /key/block", R"({"key":"sk-nobody"})").status, 404U);
}

TEST(LiteLlm, MakesTeamsAndTheirMembers) {
  World world;
  EXPECT_EQ(world.ask("POST /organization/new", R"({"organization_alias":"Acme","organization_id":"acme"})").status, 200U);
  const auto made = world.ask("POST /team/new", R"({"team_alias":"Dev","team_id":"dev","organization_id":"acme",)"
                                                R"("members_with_roles":[{"role":"admin","user_id":"ann"}]})");
  EXPECT_EQ(made.status, 200U) << made.body;
  EXPECT_EQ(made.text("team_alias"), "Dev");
  const auto added = world.ask("POST /team/member_add", R"({"team_id":"dev","member":{"role":"user","user_email":"bob@x"}})");
  EXPECT_EQ(added.status, 200U) << added.body;
  world.ask("POST /key/generate", R"({"team_id":"dev"})");
  const auto info = world.ask("GET /team/info?team_id=dev").json();
  EXPECT_EQ(info.find("keys")->elements().size(), 1U);
  EXPECT_EQ(info.find("team_info")->find("members_with_roles")->elements().size(), 2U);
  EXPECT_EQ(
      world.ask("POST /team/update", R"({"team_id":"dev","max_budget":7.5})").json().find("data")->find("max_budget")->dump(),
      "7.50");
  EXPECT_EQ(world.ask("GET /team/list?organization_id=acme").json().elements().size(), 1U);
  EXPECT_EQ(world.ask("POST /team/delete", R"({"team_ids":["dev"]})").status, 200U);
  EXPECT_EQ(world.ask("GET /key/list").text("total_count"), "0");
}

TEST(LiteLlm, MakesUsersAndCustomers) {
  World world;
  const auto user = world.ask("POST /user/new", R"({"user_id":"ann","user_email":"ann@x","user_role":"internal_user"})");
  EXPECT_EQ(user.status, 200U) << user.body;
  EXPECT_EQ(user.text("user_id"), "ann");
  EXPECT_EQ(user.text("user_role"), "internal_user");
  EXPECT_NE(world.holder_of(user.text("key")).holder(), nullptr);
  EXPECT_EQ(world.ask("GET /user/info?user_id=ann").json().find("keys")->elements().size(), 1U);
  EXPECT_EQ(world.ask("POST /user/new", R"({"user_id":"eve","user_role":"god"})").param, "user_role");

  const auto customer = world.ask("POST /customer/new", R"({"user_id":"c1","alias":"C","max_budget":1})");
  EXPECT_EQ(customer.status, 200U) << customer.body;
  EXPECT_EQ(world.ask("GET /customer/info?end_user_id=c1").text("alias"), "C");
  EXPECT_EQ(world.ask("POST /customer/block", R"({"user_ids":["c1"]})").status, 200U);
  EXPECT_EQ(world.ask("GET /customer/info?end_user_id=c1").text("blocked"), "true");
}

TEST(LiteLlm, ListsModels) {
  World world;
  const auto models = world.ask("GET /model/info");
  EXPECT_EQ(models.status, 200U);
  EXPECT_NE(models.json().find("data"), nullptr);
}

}  // namespace
}  // namespace cardea::admin
