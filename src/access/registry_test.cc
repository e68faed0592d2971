#include "access/registry.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "config/settings.h"
#include "json/value.h"
#include "store/memory/registry.h"
#include "wire/http1.h"

namespace cardea::access {
namespace {

std::int64_t clock_ms = 1'000'000;  // NOLINT: the tests' own time

/// What a caller is allowed, as a sentence: "ok", or the kind and the field.
template <class T>
std::string outcome(const Result<T>& result) {
  if (result) return "ok";
  const std::string& param = result.error().detail().param;
  return cat(info(result.error().kind()).label, param.empty() ? "" : cat(" ", param));
}

class World {
 public:
  World() { open(); }

  /// As after a restart: only what the store keeps is there.
  void open() {
    Result<Vault> vault = Vault::make(std::span{&master_, 1}, kept_);
    EXPECT_TRUE(vault);
    kept_ = vault->kept();
    vault_ = std::make_unique<Vault>(std::move(*vault));
    registry_ = std::make_unique<Registry>(
        Registry::Options{.store = store_,
                          .vault = *vault_,
                          .publish =
                              [this](std::shared_ptr<const Directory> directory, std::move_only_function<void()> seen) {
                                directory_ = std::move(directory);
                                seen();
                              },
                          .now = [] { return std::chrono::system_clock::time_point{std::chrono::milliseconds{clock_ms}}; }});
    store_.load([this](Result<store::Kept> kept) {
      ASSERT_TRUE(kept);
      const Status loaded = registry_->load(*kept);
      ASSERT_TRUE(loaded) << loaded.error().message();
    });
    directory_ = registry_->directory();
  }

  Result<Made> create(Thing thing, std::string json, const Principal& principal = Principal::operator_of_this_machine(),
                      std::string_view idempotency_key = {}) {
    Result<Made> out = fail(Kind::internal);
    registry_->create(thing, {principal, "10.0.0.1", idempotency_key, json}, json,
                      [&](Result<Made> made) { out = std::move(made); });
    return out;
  }
  Result<Made> update(Thing thing, std::string_view id, std::string_view patch,
                      const Principal& principal = Principal::operator_of_this_machine(),
                      std::optional<std::int64_t> if_version = std::nullopt) {
    Result<Made> out = fail(Kind::internal);
    registry_->update(thing, {principal, "10.0.0.1"}, id, patch, if_version, [&](Result<Made> made) { out = std::move(made); });
    return out;
  }
  Status remove(Thing thing, std::string_view id, const Principal& principal = Principal::operator_of_this_machine()) {
    Status out = fail(Kind::internal);
    registry_->remove(thing, {principal, "10.0.0.1"}, id, std::nullopt, [&](Status done) { out = std::move(done); });
    return out;
  }
  Result<Made> rotate(std::string_view id, std::chrono::seconds overlap) {
    Result<Made> out = fail(Kind::internal);
    registry_->rotate({Principal::operator_of_this_machine(), "10.0.0.1"}, id, overlap,
                      [&](Result<Made> made) { out = std::move(made); });
    return out;
  }
  Result<Made> revoke(std::string_view id) {
    Result<Made> out = fail(Kind::internal);
    registry_->revoke({Principal::operator_of_this_machine(), "10.0.0.1"}, id, [&](Result<Made> made) { out = std::move(made); });
    return out;
  }
  /// The caller that sends this key.
  Principal caller(std::string_view key) {
    const auto holder = directory_->find(key, clock_ms / 1000);
    EXPECT_NE(holder, nullptr);
    return Principal{holder};
  }
  bool admits(std::string_view key) { return directory_->find(key, clock_ms / 1000) != nullptr; }
  /// A key made, and its value.
  std::string key(std::string json, const Principal& principal = Principal::operator_of_this_machine()) {
    Result<Made> made = create(Thing::key, std::move(json), principal);
    EXPECT_TRUE(made) << made.error().message();
    return made ? std::string{made->secret.reveal()} : std::string{};
  }
  std::vector<std::string> ids(Thing thing, const Principal& principal) {
    std::vector<std::string> out;
    const auto listed = registry_->list({.thing = thing}, principal);
    if (!listed) return {std::string{info(listed.error().kind()).label}};
    for (const Shown& shown : *listed) out.push_back(shown.id);
    return out;
  }
  std::vector<store::AuditLine> log() {
    std::vector<store::AuditLine> out;
    store_.audit(0, 1000, [&](Result<std::vector<store::AuditLine>> lines) { out = std::move(*lines); });
    std::ranges::reverse(out);
    return out;
  }
  Registry& registry() { return *registry_; }
  const Directory& directory() { return *directory_; }
  /// Two organisations with a team each, and a project.
  void populate() {
    EXPECT_EQ(outcome(create(Thing::organization, R"({"id":"acme","models":["openai/*","mistral/*"]})")), "ok");
    EXPECT_EQ(outcome(create(Thing::organization, R"({"id":"other"})")), "ok");
    EXPECT_EQ(outcome(create(Thing::team, R"({"id":"research","organization":"acme","concurrency":10})")), "ok");
    EXPECT_EQ(outcome(create(Thing::team, R"({"id":"sales","organization":"other"})")), "ok");
    EXPECT_EQ(outcome(create(Thing::project, R"({"id":"search","team":"research","models":["openai/*"]})")), "ok");
  }

 private:
  Secret master_{std::string(master_key_bytes, 'm')};
  std::string kept_;
  store::memory::Registry store_{[] { return clock_ms / 1000; }};
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<Registry> registry_;
  std::shared_ptr<const Directory> directory_;
};

TEST(Registry, AKeyIsShownOnceAndKeptAsAHash) {
  World world;
  const auto made = world.create(Thing::key, R"({"name":"ci","models":["openai/*"]})");
  ASSERT_TRUE(made) << made.error().message();
  const std::string value{made->secret.reveal()};
  EXPECT_TRUE(value.starts_with("sk-cardea-"));
  EXPECT_EQ(value.size(), 53U);
  EXPECT_EQ(made->shown.json.find(value), std::string::npos);
  EXPECT_EQ(world.caller(value).name(), "ci");
  const auto shown = world.registry().show(Thing::key, made->shown.id, Principal::operator_of_this_machine());
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->json.find(value), std::string::npos);
  const auto json = json::parse(shown->json);
  ASSERT_TRUE(json) << shown->json;
  EXPECT_EQ(*json->find("hint")->as_string(), value.substr(value.size() - 4));
  for (const store::AuditLine& line : world.log()) EXPECT_EQ(line.entry.after.find(value), std::string::npos);
  world.open();
  EXPECT_EQ(world.caller(value).name(), "ci") << "after a restart";
}

TEST(Registry, EveryLevelNarrowsWhatAKeyMay) {
  World world;
  world.populate();
  const Principal caller = world.caller(world.key(R"({"project":"search","models":["openai/gpt-*"],"tools":["search_*"]})"));
  const auto may = [&](std::string_view model, std::string_view provider, std::string_view own) {
    const Status checked = caller.check({.dialect = "openai_chat", .model = model, .provider = provider, .upstream_model = own});
    return checked ? std::string{"ok"} : std::string{checked.error().message()};
  };
  EXPECT_EQ(may("openai/gpt-5", "openai", "gpt-5"), "ok");
  EXPECT_EQ(may("fast", "openai", "gpt-5"), "ok") << "another name of what it may";
  EXPECT_EQ(may("openai/o9", "openai", "o9"), "The caller may not use the model 'openai/o9'.");
  EXPECT_EQ(outcome(world.update(Thing::organization, "acme", R"({"models":["mistral/*"]})")), "ok");
  const Principal now = Principal{world.directory().find_id(caller.holder()->id)};
  EXPECT_EQ(
      now.check({.dialect = {}, .model = "openai/gpt-5", .provider = "openai", .upstream_model = "gpt-5"}).error().message(),
      "Organization 'acme' may not use the model 'openai/gpt-5'.");
  EXPECT_TRUE(caller.check_tool("search_web"));
  EXPECT_FALSE(caller.check_tool("shell"));
  EXPECT_TRUE(caller.restricted(&config::Grant::models));
  EXPECT_FALSE(caller.restricted(&config::Grant::dialects));
}

TEST(Registry, AChildIsRefusedMoreThanItsParentMay) {
  World world;
  world.populate();
  EXPECT_EQ(outcome(world.create(Thing::key, R"({"project":"search","models":["mistral/*"]})")), "bad_request models");
  EXPECT_EQ(outcome(world.create(Thing::key, R"({"project":"search","models":["*"]})")), "bad_request models");
  EXPECT_EQ(outcome(world.create(Thing::project, R"({"team":"research","concurrency":11})")), "bad_request concurrency");
  EXPECT_EQ(outcome(world.create(Thing::project, R"({"team":"research","concurrency":10})")), "ok");
  EXPECT_EQ(outcome(world.create(Thing::key, R"({"team":"nowhere"})")), "bad_request team");
  EXPECT_EQ(outcome(world.create(Thing::key, R"({"organization":"other","team":"research"})")), "bad_request organization");
  EXPECT_EQ(outcome(world.create(Thing::key, R"({"expires":"tomorrow"})")), "bad_request expires");
  EXPECT_EQ(outcome(world.create(Thing::key, R"({"allow_ips":["10.0.0.0/99"]})")), "bad_request allow_ips");
  EXPECT_EQ(outcome(world.create(Thing::key, R"({"modells":["a"]})")), "bad_request modells");
  EXPECT_EQ(outcome(world.create(Thing::team, R"({"id":"a b"})")), "bad_request id");
  EXPECT_EQ(outcome(world.create(Thing::team, R"({"id":"sales"})")), "conflict id");
}

TEST(Registry, AMinterGivesNoMoreThanItHas) {
  World world;
  world.populate();
  const Principal admin =
      world.caller(world.key(R"({"organization":"acme","role":"admin","models":["openai/gpt-5"],"expires":"2030-01-01"})"));
  EXPECT_EQ(outcome(world.create(Thing::key, R"({"team":"research"})", admin)), "forbidden models");
  EXPECT_EQ(outcome(world.create(Thing::key, R"({"team":"research","models":["openai/*"]})", admin)), "forbidden models");
  EXPECT_EQ(outcome(world.create(Thing::key, R"({"team":"research","models":["openai/gpt-5"]})", admin)), "forbidden expires");
  EXPECT_EQ(outcome(world.create(Thing::key, R"({"team":"research","models":["openai/gpt-5"],"expires":"2029-01-01"})", admin)),
            "ok");
  const std::string_view rest = R"("models":["openai/gpt-5"],"expires":"2029-01-01")";
  EXPECT_EQ(outcome(world.create(Thing::key, cat(R"({"team":"research","role":"admin",)", rest, "}"), admin)), "forbidden");
  EXPECT_EQ(outcome(world.create(Thing::key, cat(R"({"team":"research","role":"operator",)", rest, "}"), admin)), "ok");
  EXPECT_EQ(outcome(world.create(Thing::key, cat("{", rest, "}"), admin)), "bad_request organization") << "at the gateway itself";
}

TEST(Registry, ARoleHoldsInItsTenantAlone) {
  World world;
  world.populate();
  const Principal admin = world.caller(world.key(R"({"organization":"acme","role":"admin"})"));
  const Principal auditor = world.caller(world.key(R"({"id":"aud","team":"research","role":"auditor"})"));
  const Principal plain = world.caller(world.key(R"({"id":"plain","team":"sales"})"));
  EXPECT_EQ(world.ids(Thing::team, admin), std::vector<std::string>{"research"});
  EXPECT_EQ(world.ids(Thing::organization, admin), std::vector<std::string>{"acme"});
  EXPECT_EQ(world.ids(Thing::organization, auditor), std::vector<std::string>{}) << "what is above is not shown";
  EXPECT_EQ(world.ids(Thing::key, auditor), std::vector<std::string>{"aud"});
  EXPECT_EQ(world.ids(Thing::key, plain), std::vector<std::string>{"forbidden"});
  EXPECT_EQ(outcome(world.registry().show(Thing::key, "plain", plain)), "ok") << "its own";
  EXPECT_EQ(outcome(world.registry().show(Thing::key, "aud", plain)), "not_found id");
  EXPECT_EQ(outcome(world.registry().show(Thing::team, "sales", admin)), "not_found id");
  EXPECT_EQ(outcome(world.update(Thing::team, "sales", R"({"title":"x"})", admin)), "not_found id");
  EXPECT_EQ(outcome(world.remove(Thing::team, "sales", admin)), "not_found id");
  EXPECT_EQ(outcome(world.update(Thing::organization, "acme", R"({"models":null})", admin)), "forbidden") << "its own limits";
  EXPECT_EQ(outcome(world.create(Thing::team, R"({"organization":"other"})", admin)), "bad_request organization");
  EXPECT_EQ(outcome(world.create(Thing::organization, R"({})", admin)), "bad_request organization");
  EXPECT_EQ(outcome(world.update(Thing::key, "aud", R"({"title":"x"})", auditor)), "forbidden");
  EXPECT_EQ(outcome(world.update(Thing::key, "aud", R"({"team":"sales"})", admin)), "bad_request team");
}

TEST(Registry, OperatorsBlockAndNoMore) {
  World world;
  world.populate();
  const Principal op = world.caller(world.key(R"({"organization":"acme","role":"operator"})"));
  const std::string value = world.key(R"({"id":"victim","team":"research"})");
  EXPECT_EQ(outcome(world.update(Thing::key, "victim", R"({"blocked":true})", op)), "ok");
  EXPECT_EQ(world.caller(value).check_standing(0, "127.0.0.1").error().message(), "The caller is blocked.");
  EXPECT_EQ(outcome(world.update(Thing::key, "victim", R"({"blocked":false,"name":"x"})", op)), "forbidden");
  EXPECT_EQ(outcome(world.update(Thing::key, "victim", R"({"blocked":false})", op)), "ok");
  EXPECT_TRUE(world.caller(value).check_standing(0, "127.0.0.1"));
  EXPECT_EQ(outcome(world.create(Thing::key, R"({"team":"research"})", op)), "forbidden");
}

TEST(Registry, ARotatedValueAdmitsForTheOverlap) {
  World world;
  const std::string first = world.key(R"({"id":"k"})");
  const auto rotated = world.rotate("k", std::chrono::seconds{60});
  ASSERT_TRUE(rotated);
  const std::string second{rotated->secret.reveal()};
  EXPECT_TRUE(world.admits(first));
  EXPECT_TRUE(world.admits(second));
  EXPECT_EQ(world.caller(first).owner(), world.caller(second).owner());
  clock_ms += 60'000;
  EXPECT_FALSE(world.admits(first));
  EXPECT_TRUE(world.admits(second));
  ASSERT_TRUE(world.rotate("k", std::chrono::seconds{0}));
  EXPECT_FALSE(world.admits(second));
}

TEST(Registry, WhatIsRevokedOrRemovedAdmitsNobodyAndNeitherDoesTheEmptyGateway) {
  World world;
  EXPECT_TRUE(world.directory().keyless()) << "before the first key";
  const std::string first = world.key(R"({"id":"k"})");
  const Principal before = world.caller(first);
  EXPECT_TRUE(world.directory().renew(before, clock_ms / 1000));
  ASSERT_TRUE(world.revoke("k"));
  EXPECT_FALSE(world.admits(first));
  EXPECT_EQ(world.directory().renew(before, clock_ms / 1000).error().message(), "The API key was revoked.");
  EXPECT_EQ(outcome(world.registry().show(Thing::key, "k", Principal::operator_of_this_machine())), "ok");
  EXPECT_EQ(outcome(world.remove(Thing::key, "k")), "ok");
  EXPECT_FALSE(world.directory().keyless());
  world.open();
  EXPECT_FALSE(world.directory().keyless()) << "after a restart either";
}

TEST(Registry, RemovingATenantRemovesAllBelowIt) {
  World world;
  world.populate();
  const std::string value = world.key(R"({"id":"k","project":"search"})");
  const std::string other = world.key(R"({"id":"o","team":"sales"})");
  EXPECT_EQ(outcome(world.remove(Thing::organization, "acme")), "ok");
  EXPECT_FALSE(world.admits(value));
  EXPECT_TRUE(world.admits(other));
  const Principal owner = Principal::operator_of_this_machine();
  EXPECT_EQ(world.ids(Thing::project, owner), std::vector<std::string>{});
  EXPECT_EQ(world.ids(Thing::team, owner), std::vector<std::string>{"sales"});
  EXPECT_EQ(world.log().back().entry.action, "key.remove");
}

TEST(Registry, AnUpdateIsAMergePatchOfTheVersionThatWasRead) {
  World world;
  world.populate();
  ASSERT_TRUE(world.update(Thing::team, "research", R"({"metadata":{"a":"1","b":"2"},"tags":["x"]})"));
  EXPECT_EQ(outcome(world.update(Thing::team, "research", R"({"metadata":{"a":null,"c":"3"}})",
                                 Principal::operator_of_this_machine(), 1)),
            "conflict if-match");
  const auto changed = world.update(Thing::team, "research", R"({"metadata":{"a":null,"c":"3"},"tags":null})",
                                    Principal::operator_of_this_machine(), 2);
  ASSERT_TRUE(changed) << changed.error().message();
  EXPECT_EQ(changed->shown.version, 3);
  EXPECT_NE(changed->shown.json.find(R"("organization":"acme","concurrency":10,"metadata":{"b":"2","c":"3"},"source")"),
            std::string::npos)
      << changed->shown.json;
}

TEST(Registry, TheSameIdempotencyKeyGivesTheSameAnswer) {
  World world;
  const Principal owner = Principal::operator_of_this_machine();
  const auto first = world.create(Thing::key, R"({"name":"a"})", owner, "once");
  const auto again = world.create(Thing::key, R"({"name":"a"})", owner, "once");
  ASSERT_TRUE(first && again);
  EXPECT_EQ(first->shown.id, again->shown.id);
  EXPECT_EQ(first->secret.reveal(), again->secret.reveal());
  EXPECT_EQ(world.ids(Thing::key, owner).size(), 1U);
  EXPECT_EQ(outcome(world.create(Thing::key, R"({"name":"b"})", owner, "once")), "unprocessable idempotency-key");
}

TEST(Registry, EveryChangeIsALineOfTheLog) {
  World world;
  ASSERT_TRUE(world.create(Thing::team, R"({"id":"t"})"));
  ASSERT_TRUE(world.update(Thing::team, "t", R"({"title":"T"})"));
  const auto log = world.log();
  ASSERT_EQ(log.size(), 2U);
  EXPECT_EQ(log[1].entry.actor, "local-admin");
  EXPECT_EQ(log[1].entry.address, "10.0.0.1");
  EXPECT_EQ(log[1].entry.action, "team.update");
  EXPECT_EQ(log[1].entry.target, "team/t");
  EXPECT_EQ(log[1].entry.before, "{}");
  EXPECT_EQ(log[1].entry.after, R"({"title":"T"})");
}

TEST(Registry, WhatAFileDeclaresIsThereAndIsNotChangedHere) {
  World world;
  config::Settings settings;
  config::GatewayKey key;
  key.name = "laptop";
  key.key = Secret{"sk-of-the-laptop-0123"};
  key.place.team = "research";
  key.where = {.file = "cardea.yaml", .line = 7, .column = 3};
  settings.keys.push_back(key);
  settings.teams.emplace_back("research", config::Team{});
  settings.teams.back().second.where = {.file = "cardea.yaml", .line = 3, .column = 3};
  EXPECT_TRUE(world.registry().declare(settings, {}).empty());
  const Principal caller = world.caller("sk-of-the-laptop-0123");
  EXPECT_EQ(caller.owner(), "name:laptop");
  ASSERT_NE(caller.tenant(), nullptr);
  EXPECT_EQ(caller.tenant()->id, "research");
  const auto refused = world.update(Thing::key, "laptop", R"({"blocked":true})");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "The key 'laptop' is declared in cardea.yaml:7; change it there.");
  EXPECT_EQ(outcome(world.create(Thing::key, R"({"id":"laptop"})")), "conflict id");
  EXPECT_EQ(outcome(world.create(Thing::key, R"({"key":"sk-of-the-laptop-0123"})")), "conflict key");
  settings.keys.clear();
  EXPECT_TRUE(world.registry().declare(settings, {}).empty());
  EXPECT_FALSE(world.admits("sk-of-the-laptop-0123"));
  key.place.team = "gone";
  settings.keys.push_back(key);
  const auto problems = world.registry().declare(settings, {});
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(config::to_text(problems[0]), "cardea.yaml:7:3: keys.laptop: team: there is no team 'gone' – name one that is there");
}

TEST(Registry, ChangesAndReloadsLeaveTheTimeOfLastUse) {
  World world;
  const std::string value = world.key(R"({"id":"laptop"})");
  world.directory().find(value, clock_ms / 1000)->used.store(86'400);
  const auto made = world.update(Thing::key, "laptop", R"({"name":"new"})");
  ASSERT_TRUE(made);
  EXPECT_NE(made->shown.json.find("1970-01-02T00:00:00Z"), std::string::npos) << made->shown.json;
  EXPECT_EQ(world.directory().find(value, clock_ms / 1000)->used.load(), 86'400);
  config::Settings settings;
  EXPECT_TRUE(world.registry().declare(settings, {}).empty());
  EXPECT_EQ(world.directory().find(value, clock_ms / 1000)->used.load(), 86'400);
}

config::Settings declaring(std::string_view team, std::string_view of_organization) {
  config::Settings settings;
  settings.teams.emplace_back(std::string{team}, config::Team{});
  settings.teams.back().second.organization = of_organization;
  settings.teams.back().second.grant.models = std::vector<std::string>{"openai/*"};
  settings.teams.back().second.where = {.file = "cardea.yaml", .line = 3, .column = 3};
  return settings;
}

TEST(Registry, ADeclarationThatDoesNotFitChangesNothing) {
  World world;
  EXPECT_TRUE(world.registry().declare(declaring("research", ""), {}).empty());
  const std::string value = world.key(R"({"id":"k","team":"research"})");
  EXPECT_EQ(world.registry().declare(declaring("other", "nowhere"), {}).size(), 1U);
  EXPECT_TRUE(world.admits(value));
  EXPECT_EQ(world.ids(Thing::team, Principal::operator_of_this_machine()), std::vector<std::string>{"research"});
}

TEST(Registry, OnlyAnAddressThatStrangersReachNeedsSomebodyKnown) {
  const auto refused = [](World& world, std::string listen) {
    config::Settings settings;
    settings.listen = {"127.0.0.1:8080", std::move(listen)};
    const auto problems = world.registry().declare(settings, {});
    return !problems.empty() && problems.front().path == "listen";
  };
  World world;
  for (const std::string_view own : {"127.0.0.1:80", "[::1]:8080", "unix:/run/cardea.sock"}) {
    EXPECT_FALSE(refused(world, std::string{own})) << own;
  }
  for (const std::string_view open : {"0.0.0.0:8080", "192.168.1.2:8080", ":9000"}) {
    EXPECT_TRUE(refused(world, std::string{open})) << open;
  }
  config::Settings vouched;
  vouched.listen = {":9000"};
  vouched.oidc.issuer = "https://id.example";
  EXPECT_TRUE(world.registry().declare(vouched, {}).empty());
  EXPECT_TRUE(refused(world, ":9000"));
  world.key(R"({"id":"first"})");
  EXPECT_FALSE(refused(world, ":9000"));
  ASSERT_TRUE(world.remove(Thing::key, "first"));
  EXPECT_FALSE(refused(world, ":9000")) << "nobody comes in without a key any more";
}

TEST(Registry, WhatHasLostATenantAboveItAdmitsNobody) {
  World world;
  EXPECT_TRUE(world.registry().declare(declaring("research", ""), {}).empty());
  ASSERT_TRUE(world.create(Thing::project, R"({"id":"search","team":"research"})"));
  const std::string of_team = world.key(R"({"id":"t","team":"research"})");
  const std::string of_project = world.key(R"({"id":"p","project":"search"})");
  EXPECT_TRUE(world.registry().declare({}, {}).empty());
  EXPECT_FALSE(world.admits(of_team)) << "nothing would narrow it any more";
  EXPECT_FALSE(world.admits(of_project));
  EXPECT_TRUE(world.registry().declare(declaring("research", ""), {}).empty());
  EXPECT_TRUE(world.admits(of_team));
  EXPECT_FALSE(world.caller(of_project).check({.dialect = {}, .model = "x", .provider = "mistral", .upstream_model = "x"}));
}

}  // namespace
}  // namespace cardea::access
