#include "access/directory.h"

#include <gtest/gtest.h>

#include <set>

#include <string>
#include <utility>

#include "base/text.h"
#include "config/settings.h"
#include "wire/http1.h"

namespace cardea::access {
namespace {

constexpr std::string_view key_a = "sk-cardea-aaaaaaaaaaaaaaaaaaaaaaaa";
constexpr std::string_view key_b = "sk-cardea-bbbbbbbbbbbbbbbbbbbbbbbb";

using Ring = std::shared_ptr<const Directory>;

config::GatewayKey gateway_key(std::string name, std::string_view value) {
  config::GatewayKey key;
  key.name = std::move(name);
  key.key = Secret{std::string{value}};
  return key;
}

Ring ring_of(std::vector<config::GatewayKey> keys, OriginRules rules = {}) {
  auto ring = Directory::make(keys, std::move(rules));
  EXPECT_TRUE(ring) << ring.error().message();
  return std::move(*ring);
}

Ring two_keys() { return ring_of({gateway_key("alice", key_a), gateway_key("", key_b)}); }

/// "alice", or "unauthenticated: No API key …".
std::string verdict(const Ring& ring, std::string_view target, std::string_view lines, Peer peer = Peer::local) {
  const auto bytes = cat("POST ", target, " HTTP/1.1\r\n",
                         lines.find("Host:") == std::string_view::npos ? "Host: localhost\r\n" : "", lines, "\r\n");
  wire::RequestHead head;
  const auto parsed = wire::parse_request_head(bytes, {}, head);
  EXPECT_TRUE(parsed && *parsed == bytes.size()) << bytes;
  BodyProof proof;
  const auto principal = ring->authenticate(head, peer, 1'000, proof);
  if (principal) return std::string{principal->name()};
  EXPECT_EQ(principal.error().message().find(key_a), std::string_view::npos) << "a key was echoed";
  EXPECT_EQ(principal.error().message().find("wrong"), std::string_view::npos) << "a key was echoed";
  return cat(info(principal.error().kind()).label, ": ", principal.error().message());
}

std::string with(std::string_view lines) { return verdict(two_keys(), "/v1/chat/completions", lines, Peer::remote); }
bool refused(const std::string& answer) { return answer.starts_with("unauthenticated: "); }

TEST(Access, EveryCarrierWorks) {
  EXPECT_EQ(with(cat("Authorization: Bearer ", key_a, "\r\n")), "alice");
  EXPECT_EQ(with(cat("authorization: bEARER \t ", key_a, "\r\n")), "alice");
  EXPECT_EQ(with(cat("X-API-Key: ", key_a, "\r\n")), "alice");
  EXPECT_EQ(with(cat("api-key: ", key_b, "\r\n")), "key-2");
  EXPECT_EQ(with(cat("x-goog-api-key: ", key_b, "\r\n")), "key-2");
  const auto ring = two_keys();
  EXPECT_EQ(verdict(ring, cat("/v1/models?key=", key_a), ""), "alice");
  EXPECT_EQ(verdict(ring, cat("/v1/models?alt=sse&key=", key_a, "&x"), ""), "alice");
  EXPECT_EQ(verdict(ring, "/v1/models?key=%73k-cardea%2Daaaaaaaaaaaaaaaaaaaaaaaa", ""), "alice");
}

TEST(Access, TheKeyIsTheAccessKeyIdOfASignedRequest) {
  const auto signed_by = [](std::string_view id, std::string_view scope = "/20261122/us-east-1/bedrock/aws4_request") {
    return cat("Authorization: AWS4-HMAC-SHA256 Credential=", id, scope,
               ", SignedHeaders=content-type;host;x-amz-date, Signature=0f\r\n");
  };
  EXPECT_EQ(with(signed_by(key_a)), "alice");
  EXPECT_EQ(with(cat("authorization: aws4-hmac-sha256 SignedHeaders=host,Signature=0f,Credential=", key_a,
                     "/20261122/us-east-1/bedrock/aws4_request\r\n")),
            "alice");
  EXPECT_EQ(verdict(ring_of({gateway_key("odd", "a/b/c-0123456789")}), "/", signed_by("a/b/c-0123456789")), "odd");
  EXPECT_TRUE(refused(with(signed_by("AKIAIOSFODNN7EXAMPLE"))));
  EXPECT_TRUE(refused(with(signed_by(""))));
  EXPECT_TRUE(refused(with(signed_by(key_a, "/us-east-1/bedrock/aws4_request"))));
  EXPECT_TRUE(refused(with(signed_by(key_a, "/20261122/us-east-1/bedrock/aws5_request"))));
  EXPECT_TRUE(refused(with("Authorization: AWS4-HMAC-SHA256 SignedHeaders=host, Signature=0f\r\n")));
  EXPECT_TRUE(refused(with("Authorization: AWS4-HMAC-SHA256\r\n")));
  EXPECT_TRUE(refused(with(cat(signed_by(key_a), "x-api-key: ", key_b, "\r\n"))));
  EXPECT_EQ(verdict(ring_of({}), "/", signed_by("AKIAIOSFODNN7EXAMPLE")), "local") << "without keys any value passes";
}

std::string owner(const Ring& ring, std::string_view key) {
  const auto bytes = cat("GET / HTTP/1.1\r\nHost: localhost\r\nx-api-key: ", key, "\r\n\r\n");
  wire::RequestHead head;
  EXPECT_TRUE(wire::parse_request_head(bytes, {}, head));
  BodyProof proof;
  const auto principal = ring->authenticate(head, Peer::local, 1'000, proof);
  EXPECT_TRUE(principal);
  return principal ? std::string{principal->owner()} : "";
}

// What is kept for a caller must be found again by the same caller, and never by another.
TEST(Access, OwnersOutliveTheListOfKeys) {
  const auto ring =
      ring_of({gateway_key("", key_a), gateway_key("", key_b), gateway_key("key-3", "sk-3"), gateway_key("local", "sk-4")});
  const auto shorter = ring_of({gateway_key("", key_b), gateway_key("key-3", "sk-renewed")});
  EXPECT_EQ(owner(shorter, key_b), owner(ring, key_b));  // its place has changed
  EXPECT_EQ(owner(shorter, "sk-renewed"), owner(ring, "sk-3"));
  const std::set<std::string> all{owner(ring, key_a), owner(ring, key_b), owner(ring, "sk-3"), owner(ring, "sk-4"),
                                  std::string{Principal::local().owner()}};
  EXPECT_EQ(all.size(), 5U);
  for (const auto& one : all) EXPECT_EQ(one.find("sk-"), std::string::npos) << one;
}

TEST(Access, EqualCredentialsInSeveralCarriersAreOne) {
  EXPECT_EQ(with(cat("Authorization: Bearer ", key_a, "\r\nx-api-key: ", key_a, "\r\n")), "alice");
  EXPECT_EQ(verdict(two_keys(), "/?key=%73k-cardea-aaaaaaaaaaaaaaaaaaaaaaaa", cat("x-goog-api-key: ", key_a, "\r\n")), "alice");
}

TEST(Access, TwoDifferentCredentialsAreRefused) {
  EXPECT_TRUE(refused(with(cat("Authorization: Bearer ", key_a, "\r\nx-api-key: ", key_b, "\r\n"))));
  EXPECT_TRUE(refused(with(cat("Authorization: Bearer ", key_a, "\r\nx-api-key: dummy\r\n"))));
  EXPECT_TRUE(refused(with(cat("Authorization: Bearer ", key_a, "\r\nAuthorization: Bearer ", key_b, "\r\n"))));
  EXPECT_TRUE(refused(verdict(two_keys(), cat("/?key=", key_a, "&key=", key_b), "")));
  EXPECT_TRUE(refused(verdict(two_keys(), cat("/?key=", key_b), cat("api-key: ", key_a, "\r\n"))));
  EXPECT_EQ(with(cat("x-api-key: ", key_a, "\r\napi-key: ", key_b, "\r\n")),
            "unauthenticated: Two different API keys were sent, in x-api-key and api-key. Send one.");
}

TEST(Access, MalformedCredentialsAreRefusedEvenBesideAGoodOne) {
  const auto good = cat("x-api-key: ", key_a, "\r\n");
  for (const std::string_view bad :
       {"Authorization:\r\n", "Authorization: Bearer\r\n", "Authorization: Bearer \r\n",
        "Authorization: Basic d3Jvbmc6d3Jvbmc=\r\n", "Authorization: Bearerwrong\r\n", "Authorization: Bearer wrong wrong\r\n",
        "Authorization: wrong\r\n", "api-key:\r\n", "x-goog-api-key: \r\n"}) {
    EXPECT_TRUE(refused(with(bad))) << bad;
    EXPECT_TRUE(refused(with(cat(bad, good)))) << bad;
    EXPECT_TRUE(refused(with(cat(good, bad)))) << bad;
    EXPECT_TRUE(refused(verdict(ring_of({}), "/", bad))) << "without keys: " << bad;
  }
  for (const std::string_view query : {"key", "key=", "key=%4", "key=%zz", "a&key=&b"}) {
    EXPECT_TRUE(refused(verdict(two_keys(), cat("/?", query), good))) << query;
  }
}

TEST(Access, MissingAndWrongKeysAreRefused) {
  EXPECT_EQ(with(""),
            "unauthenticated: No API key was sent. Send it as 'Authorization: Bearer YOUR_KEY' (x-api-key, api-key, "
            "x-goog-api-key and ?key= work too).");
  EXPECT_TRUE(refused(with("Authorization: Bearer wrong\r\n")));
  EXPECT_TRUE(refused(with(cat("Authorization: Bearer ", key_a.substr(1), "\r\n"))));
  EXPECT_TRUE(refused(with(cat("Authorization: Bearer ", key_a, "x\r\n"))));
  EXPECT_TRUE(refused(verdict(two_keys(), cat("/?KEY=", key_a, "&monkey=", key_a), "")));
  EXPECT_TRUE(refused(with(cat("x-api-key: ", std::string(key_bytes_max + 1, 'a'), "\r\n"))));
  EXPECT_TRUE(refused(verdict(two_keys(), cat("/?key=%61", std::string(key_bytes_max, 'a')), "")));
  EXPECT_TRUE(refused(verdict(two_keys(), "/", "", Peer::local))) << "with keys, loopback needs one too";
}

TEST(Access, AThousandKeysAreToldApart) {
  std::vector<config::GatewayKey> keys;
  for (int i = 0; i < 1000; ++i) keys.push_back(gateway_key(cat("k", i), cat("sk-test-", i * 7919)));
  const auto ring = ring_of(std::move(keys));
  EXPECT_EQ(ring->size(), 1000U);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(verdict(ring, "/", cat("x-api-key: sk-test-", i * 7919, "\r\n")), cat("k", i));
    EXPECT_TRUE(refused(verdict(ring, "/", cat("x-api-key: sk-test-", i * 7919 + 1, "\r\n"))));
  }
}

TEST(Access, BadKeysAreRefusedAtStart) {
  const auto problem = [](std::vector<config::GatewayKey> keys) {
    const auto ring = Directory::make(keys);
    return ring ? std::string{} : std::string{ring.error().message()};
  };
  EXPECT_EQ(problem({gateway_key("a", "")}), "gateway key 'a' is empty: give it a value or remove it");
  EXPECT_NE(problem({gateway_key("", "with space")}).find("gateway key 'key-1' holds a space"), std::string::npos);
  EXPECT_NE(problem({gateway_key("a", "\xc3\xa4")}).find("visible ASCII"), std::string::npos);
  EXPECT_NE(problem({gateway_key("a", std::string(key_bytes_max + 1, 'a'))}).find("longer than 1024"), std::string::npos);
  EXPECT_NE(problem({gateway_key("a", "one"), gateway_key("a", "two")}).find("exists twice"), std::string::npos);
  EXPECT_EQ(problem({gateway_key("a", "same"), gateway_key("b", "same")}),
            "gateway key 'b' has the same value as 'a': remove one");
  auto placed = gateway_key("a", "");
  placed.where = {"cardea.yaml", 7, 3};
  EXPECT_TRUE(problem({placed}).starts_with("cardea.yaml:7: gateway key 'a' is empty"));
}

TEST(Access, WithoutKeysThisMachineNeedsNone) {
  const auto ring = ring_of({});
  EXPECT_EQ(verdict(ring, "/", ""), "local");
  EXPECT_EQ(verdict(ring, "/", "Authorization: Bearer dummy\r\n"), "local");
  EXPECT_TRUE(refused(verdict(ring, "/", "", Peer::remote)));
  EXPECT_TRUE(refused(verdict(ring, "/", "x-api-key: a\r\napi-key: b\r\n")));
}

TEST(Access, WithoutKeysForeignHostsAndOriginsAreRefused) {
  const auto ring = ring_of({}, {{"https://app.example"}, {"gateway.lan"}});
  const auto forbidden = [&](std::string_view lines) { return verdict(ring, "/", lines).starts_with("forbidden: "); };
  EXPECT_TRUE(forbidden("Host: attacker.example\r\n"));
  EXPECT_TRUE(forbidden("Host: 127.0.0.1.attacker.example:8080\r\n"));
  EXPECT_TRUE(forbidden("Origin: https://attacker.example\r\n"));
  EXPECT_TRUE(forbidden("Origin: null\r\n"));
  EXPECT_TRUE(forbidden("Origin: http://localhost\r\nOrigin: https://attacker.example\r\n"));
  EXPECT_EQ(verdict(ring, "http://attacker.example/", "Host: attacker.example\r\n").substr(0, 9), "forbidden");
  EXPECT_EQ(verdict(ring, "/", "Host: Gateway.LAN:8080\r\nOrigin: https://APP.example\r\n"), "local");
  EXPECT_EQ(verdict(ring, "/", "Host: 127.0.0.1:8080\r\nOrigin: http://localhost:3000\r\n"), "local");
  const auto message = verdict(ring, "/", "Origin: https://attacker.example\r\n");
  EXPECT_NE(message.find("allowed_origins"), std::string::npos);
  EXPECT_NE(message.find("Set a key"), std::string::npos);
}

TEST(Access, WithKeysTheKeyDecidesAndOriginDoesNot) {
  EXPECT_EQ(with(cat("Host: gateway.example\r\nOrigin: https://any.example\r\nAuthorization: Bearer ", key_a, "\r\n")), "alice");
}

TEST(Access, HostNames) {
  const OriginRules none;
  for (const std::string_view own :
       {"localhost", "LOCALHOST:1", "api.localhost", "127.0.0.1", "127.255.3.4:80", "[::1]", "[::1]:8080"}) {
    EXPECT_TRUE(host_allowed(own, none)) << own;
  }
  for (const std::string_view foreign :
       {"", ":80", "localhost.example", "notlocalhost", "127.1", "0x7f.0.0.1", "2130706433", "128.0.0.1", "127.0.0.1.nip.io",
        "[::2]", "[::1", "[::1]x", "::1", "0.0.0.0", "example", ".localhost.x"}) {
    EXPECT_FALSE(host_allowed(foreign, none)) << foreign;
  }
  EXPECT_TRUE(host_allowed("anything", {{}, {"*"}}));
  EXPECT_FALSE(host_allowed("", {{}, {"*"}}));
}

TEST(Access, Origins) {
  const OriginRules none;
  for (const std::string_view own : {"http://localhost", "https://localhost:5173", "http://127.0.0.1:3000", "HTTP://[::1]:1"}) {
    EXPECT_TRUE(origin_allowed(own, none)) << own;
  }
  for (const std::string_view foreign :
       {"", "null", "localhost", "ftp://localhost", "http://", "http://a.example", "http://localhost.a.example",
        "http://localhost@a.example", "http://localhost/a", "file://", "http://127.0.0.1.a.example"}) {
    EXPECT_FALSE(origin_allowed(foreign, none)) << foreign;
  }
  EXPECT_TRUE(origin_allowed("null", {{"null"}, {}}));
  EXPECT_TRUE(origin_allowed("https://a.example", {{"*"}, {}}));
  EXPECT_FALSE(origin_allowed("https://a.example:444", {{"https://a.example"}, {}}));
}

TEST(Access, CredentialHeadersAreKnownInAnyCase) {
  for (const std::string_view name : {"Authorization", "X-Api-Key", "API-KEY", "x-goog-api-key"})
    EXPECT_TRUE(is_credential_header(name)) << name;
  for (const std::string_view name : {"x-request-id", "authorizatio", "cookie", ""})
    EXPECT_FALSE(is_credential_header(name)) << name;
}

std::shared_ptr<const Tenant> tenant(Level level, std::string id, std::shared_ptr<const Tenant> parent = {},
                                     config::Grant grant = {}) {
  return std::make_shared<const Tenant>(Tenant{level, std::move(id), *Standing::make(std::move(grant)), std::move(parent)});
}

TEST(EndUsers, AreKnownToTheirTenantAlone) {
  const auto red = tenant(Level::team, "red");
  const auto blue = tenant(Level::team, "blue");
  const auto search = tenant(Level::project, "search", red);
  Directory::Parts parts{.tenants = {red, blue, search}};
  parts.end_users = {tenant(Level::end_user, "zoe"), tenant(Level::end_user, "ann", red), tenant(Level::end_user, "bob", search)};
  const auto directory = Directory::make(std::move(parts), fresh_hash());
  const auto known = [&](std::string_view id, std::shared_ptr<const Tenant> caller) {
    auto holder = std::make_shared<Holder>();
    holder->tenant = std::move(caller);
    return directory->end_user(id, Principal{std::move(holder)}) != nullptr;
  };
  for (const auto& caller : {std::shared_ptr<const Tenant>{}, red, blue, search}) {
    EXPECT_TRUE(known("zoe", caller));
    EXPECT_EQ(known("ann", caller), caller != blue);
    EXPECT_EQ(known("bob", caller), caller != blue);
    EXPECT_FALSE(known("eve", caller));
  }
  EXPECT_NE(directory->end_user("ann", Principal::local()), nullptr);
}

TEST(EndUsers, NarrowWhatTheirCallerMay) {
  auto holder = std::make_shared<Holder>();
  config::Grant grant;
  grant.models = {"gpt-*"};
  holder->standing = *Standing::make(std::move(grant));
  Principal caller{holder};
  const Use allowed{.model = "gpt-4o", .provider = "openai", .upstream_model = "gpt-4o"};
  const Use beyond{.model = "claude", .provider = "anthropic", .upstream_model = "claude"};
  EXPECT_TRUE(caller.check(allowed));
  config::Grant narrow;
  narrow.models = {"claude", "gpt-4o-mini"};
  caller.speak_for(tenant(Level::end_user, "ann", {}, narrow));
  const Status status = caller.check(allowed);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message(), "End user 'ann' may not use the model 'gpt-4o'.");
  EXPECT_FALSE(caller.check(beyond)) << "a list of an end user's never widens its caller's";
  EXPECT_TRUE(caller.restricted(&config::Grant::models));
  config::Grant blocked;
  blocked.blocked = config::Switch::on;
  caller.speak_for(tenant(Level::end_user, "ann", {}, blocked));
  EXPECT_FALSE(caller.check_standing(1'000, "127.0.0.1"));
  caller.speak_for(nullptr);
  EXPECT_TRUE(caller.check_standing(1'000, "127.0.0.1"));
}

}  // namespace
}  // namespace cardea::access
