#pragma once
// The administration over a registry in memory, asked as the pipeline asks it.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "access/registry.h"
#include "access/vault.h"
#include "admin/administrator.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "config/loader.h"
#include "json/value.h"
#include "store/memory/registry.h"
#include "testing/world.h"

namespace cardea::admin {

class World {
 public:
  World() {
    Result<access::Vault> vault = access::Vault::make(std::span{&master_, 1}, kept_);
    EXPECT_TRUE(vault);
    vault_ = std::make_unique<access::Vault>(std::move(*vault));
    registry_ = std::make_unique<access::Registry>(access::Registry::Options{
        .store = store_,
        .vault = *vault_,
        .publish = [](const std::shared_ptr<const access::Directory>&, std::move_only_function<void()> seen) { seen(); },
        .now = [] { return std::chrono::system_clock::time_point{std::chrono::seconds{now_s}}; }});
    const auto loaded = config::load("", "c.yaml", no_env);
    catalog_ = catalog::build(loaded.settings, no_env, {}).catalog;
    administrator_ =
        std::make_unique<Administrator>(Parts{.registry = *registry_, .store = store_, .provider_keys = provider_keys});
  }

  struct Said {
    unsigned status = 0;
    std::string body, etag, location, param;
    [[nodiscard]] json::Value json() const { return json::parse(body).value_or(json::Value{}); }
    [[nodiscard]] std::string text(std::string_view name) const {
      const json::Value object = json();
      const json::Value* value = object.find(name);
      return value == nullptr ? "(none)" : value->as_string() != nullptr ? *value->as_string() : value->dump();
    }
  };

  /// "POST /admin/v1/keys" with header lines ("if-match: \"1\"\r\n").
  Said ask(std::string_view what, std::string_view body = "", std::string_view headers = "",
           const access::Principal& principal = access::Principal::operator_of_this_machine()) {
    const std::string bytes = cat(what, " HTTP/1.1\r\nhost: x\r\n", headers, "\r\n", std::string(64, '\0'));
    wire::RequestHead head;
    EXPECT_TRUE(wire::parse_request_head(std::string_view{bytes}.substr(0, bytes.size() - 64), {}, head));
    const auto match = pipeline::match(head);
    EXPECT_TRUE(match) << what;
    if (!match) return {};
    const pipeline::AdminCall call{.route = *match->route,
                                   .parameter = match->parameter,
                                   .head = head,
                                   .body = body,
                                   .principal = principal,
                                   .address = "10.0.0.1",
                                   .request_id = "req_1",
                                   .now = now_s,
                                   .catalog = *catalog_,
                                   .loop = world_.loop()};
    Said said;
    world_.scope().spawn(run(call, said));
    EXPECT_EQ(world_.run(), "");
    return said;
  }
  /// Who comes with that key.
  access::Principal holder_of(std::string_view key) {
    const auto holder = registry_->directory()->find(key, now_s);
    EXPECT_NE(holder, nullptr) << key;
    return holder != nullptr ? access::Principal{holder} : access::Principal::local();
  }

  static constexpr std::int64_t now_s = 1'800'000'000;
  static inline const config::Env no_env = [](std::string_view) { return std::optional<std::string>{}; };

 protected:
  ProviderKeys* provider_keys = nullptr;

 private:
  net::Task<void> run(const pipeline::AdminCall& call, Said& said) {
    Result<pipeline::AdminAnswer> answer = co_await administrator_->answer(call);
    if (!answer) {
      said.status = answer.error().http_status();
      said.body = pipeline::problem_details(answer.error(), call.request_id);
      said.param = answer.error().detail().param;
      co_return;
    }
    said.status = answer->status;
    said.body = std::move(answer->body);
    said.etag = std::move(answer->etag);
    said.location = std::move(answer->location);
  }

  testing::World world_{1};
  Secret master_{std::string(32, 'm')};
  std::string kept_;
  store::memory::Registry store_{[] { return now_s; }};
  std::unique_ptr<access::Vault> vault_;
  std::unique_ptr<access::Registry> registry_;
  std::shared_ptr<const catalog::Catalog> catalog_;
  std::unique_ptr<Administrator> administrator_;
};

}  // namespace cardea::admin
