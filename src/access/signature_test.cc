#include "access/signature.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "access/directory.h"
#include "base/text.h"
#include "wire/canonical.h"
#include "wire/http1.h"

namespace cardea::access {
namespace {

constexpr std::int64_t now = 1'440'938'160;  // 2015-08-30T12:36:00Z, the time of AWS's Signature Version 4 Test Suite
constexpr std::string_view now_text = "20150830T123600Z";
constexpr std::string_view secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::string_view nonce = "0123456789abcdef";

std::string hex(const net::Digest& digest) { return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()}); }

/// A gateway with the keys "AKIDEXAMPLE" (on), "strict" (required) and "plain" (off), all of other values.
class World {
 public:
  World() : vault_{make_vault()} { start(now - 1000); }
  void start(std::int64_t started) {
    Directory::Parts parts;
    const auto add = [&](std::string id, std::string_view value, config::Signing signing) {
      auto holder = std::make_shared<Holder>();
      holder->id = holder->name = holder->owner = id;
      holder->signing = signing;
      std::string sealed = signing == config::Signing::off ? "" : vault_.seal(Signatures::context_of(id), value);
      holder->credentials.push_back({.digest = vault_.hash(value), .sealed = std::move(sealed)});
      parts.holders.push_back(std::move(holder));
    };
    add("AKIDEXAMPLE", secret, config::Signing::on);
    add("strict", "the-strict-keys-value", config::Signing::required);
    add("plain", "the-plain-keys-value", config::Signing::off);
    parts.signatures = std::make_shared<const Signatures>(vault_, started);
    directory_ = Directory::make(std::move(parts), vault_.hasher());
  }
  /// "AKIDEXAMPLE", or why not: of the head, then of the body.
  std::string ask(std::string_view text, std::string_view body = "", std::int64_t at = now) {
    wire::RequestHead head;
    const auto parsed = wire::parse_request_head(text, {}, head);
    EXPECT_TRUE(parsed && *parsed == text.size()) << text;
    BodyProof proof;
    auto principal = directory_->authenticate(head, Peer::remote, at, proof);
    if (!principal) return std::string{principal.error().message()};
    open_ = proof.judge ? std::optional{proof.open} : std::nullopt;
    if (proof.judge) {
      if (Status judged = proof.judge(net::sha256(body)); !judged) return std::string{judged.error().message()};
    }
    return std::string{principal->name()};
  }
  std::optional<BodyProof::Open> open_;

 private:
  static Vault make_vault() {
    const Secret master{std::string(master_key_bytes, 'm')};
    auto vault = Vault::make(std::span{&master, 1}, "");
    return std::move(*vault);
  }
  Vault vault_;
  std::shared_ptr<const Directory> directory_;
};

/// One request of Cardea's own scheme, signed when it is written; what is changed behind that is an attack.
struct Signed {
  std::string method = "POST", target = "/v1/chat/completions?b=1&a=2", body = "{}";
  std::string key_id = "AKIDEXAMPLE", value{secret};
  std::string host = "gateway.example";
  std::string time{now_text}, its_nonce{nonce};
  std::vector<std::pair<std::string, std::string>> more{{"content-type", "application/json"}};

  std::string signature, names;
  std::vector<std::pair<std::string, std::string>> lines;

  Signed& sign() {
    lines = {{"host", host},
             {"x-cardea-date", time},
             {"x-cardea-nonce", its_nonce},
             {"x-cardea-content-sha256", hex(net::sha256(body))}};
    lines.insert(lines.end(), more.begin(), more.end());
    std::vector<wire::HeaderToSign> headers;
    for (const auto& [name, text] : lines) headers.push_back({name, text});
    const auto canonical = wire::canonical_request(
        {.method = method, .target = target, .headers = headers, .body_hash = hex(net::sha256(body))}, wire::Canonical::literal);
    names = wire::signed_names(headers);
    const auto to_sign = cat("CARDEA-HMAC-SHA256\n", time, "\n", hex(net::sha256(canonical)));
    signature = hex(net::hmac_sha256(value, to_sign));
    return *this;
  }
  [[nodiscard]] std::string text() const {
    std::string out = cat(method, " ", target, " HTTP/1.1\r\n");
    for (const auto& [name, value_of] : lines) out += cat(name, ": ", value_of, "\r\n");
    out +=
        cat("authorization: CARDEA-HMAC-SHA256 KeyId=", key_id, ", SignedHeaders=", names, ", Signature=", signature, "\r\n\r\n");
    return out;
  }
};

constexpr std::string_view wrong = "The signature is not that of this request, or not by a key of this gateway that signs";

TEST(Signature, OfOurOwnSchemeIsTaken) {
  World world;
  EXPECT_EQ(world.ask(Signed{}.sign().text(), "{}"), "AKIDEXAMPLE");
  EXPECT_EQ(world.open_, BodyProof::Open::the_body);
  auto strict = Signed{.key_id = "strict", .value = "the-strict-keys-value"}.sign();
  EXPECT_EQ(world.ask(strict.text(), "{}"), "strict");
  // Headers may come in any order, and others beside them, as proxies add them.
  auto moved = Signed{.its_nonce = "another-nonce-of-mine"}.sign();
  std::ranges::reverse(moved.lines);
  moved.lines.emplace_back("via", "1.1 proxy");
  EXPECT_EQ(world.ask(moved.text(), "{}"), "AKIDEXAMPLE");
}

TEST(Signature, AReplayIsRefusedAsLongAsItsTimeIsGood) {
  World world;
  const auto once = Signed{}.sign();
  EXPECT_EQ(world.ask(once.text(), "{}"), "AKIDEXAMPLE");
  for (const std::int64_t later : {0, 1, 299, 300})
    EXPECT_NE(world.ask(once.text(), "{}", now + later).find("nonce"), std::string::npos);
  EXPECT_NE(world.ask(once.text(), "{}", now + 301).find("minutes off"), std::string::npos);
  // A body that is another burns the nonce too.
  const auto other = Signed{.its_nonce = "another-nonce-of-mine"}.sign();
  EXPECT_NE(world.ask(other.text(), "[]").find("the body is not the one"), std::string::npos);
  EXPECT_NE(world.ask(other.text(), "{}").find("nonce"), std::string::npos);
}

TEST(Signature, SkewBothWaysAndTheTimeBeforeTheStart) {
  World world;
  for (const auto& [at, good] : {std::pair{now - 300, true}, {now - 301, false}, {now + 301, false}}) {
    EXPECT_EQ(world.ask(Signed{}.sign().text(), "{}", at) == "AKIDEXAMPLE", good) << at;
  }
  world.start(now);
  EXPECT_NE(world.ask(Signed{}.sign().text(), "{}").find("before this gateway started"), std::string::npos);
  world.start(now - 1);
  EXPECT_EQ(world.ask(Signed{}.sign().text(), "{}"), "AKIDEXAMPLE");
}

TEST(Signature, WhatIsChangedOnTheWayIsRefused) {
  const std::vector<std::pair<std::string, std::function<void(Signed&)>>> attacks{
      {"the method", [](Signed& r) { r.method = "PUT"; }},
      {"the path", [](Signed& r) { r.target = "/v1/embeddings?b=1&a=2"; }},
      {"a slash more", [](Signed& r) { r.target = "/v1//chat/completions?b=1&a=2"; }},
      {"an escape for a letter", [](Signed& r) { r.target = "/v1/ch%61t/completions?b=1&a=2"; }},
      {"a slash behind", [](Signed& r) { r.target = "/v1/chat/completions/?b=1&a=2"; }},
      {"a parameter more", [](Signed& r) { r.target += "&c=3"; }},
      {"a parameter twice", [](Signed& r) { r.target += "&a=2"; }},
      {"no query", [](Signed& r) { r.target = "/v1/chat/completions"; }},
      {"the host", [](Signed& r) { r.lines[0].second = "other.example"; }},
      {"the host of the target", [](Signed& r) { r.target = "http://other.example" + r.target; }},
      {"the time", [](Signed& r) { r.lines[1].second = "20150830T123601Z"; }},
      {"the nonce", [](Signed& r) { r.lines[2].second = "fedcba9876543210"; }},
      {"the body's hash", [](Signed& r) { r.lines[3].second = hex(net::sha256("[]")); }},
      {"a signed header's value", [](Signed& r) { r.lines[4].second = "text/plain"; }},
      {"a signed header gone", [](Signed& r) { r.lines.pop_back(); }},
      {"a signed header twice", [](Signed& r) { r.lines.push_back(r.lines.back()); }},
      {"a second, other one", [](Signed& r) { r.lines.emplace_back("Content-Type", "text/plain"); }},
      {"one of our own added", [](Signed& r) { r.lines.emplace_back("x-cardea-user", "mallory"); }},
      {"names reordered", [](Signed& r) { r.names = "x-cardea-date;" + r.names; }},
      {"a name left out", [](Signed& r) { r.names = "host;x-cardea-content-sha256;x-cardea-date;x-cardea-nonce"; }},
      {"the host not signed", [](Signed& r) { r.names = "content-type;x-cardea-content-sha256;x-cardea-date;x-cardea-nonce"; }},
      {"the signature cut", [](Signed& r) { r.signature.pop_back(); }},
      {"the signature's last digit", [](Signed& r) { r.signature.back() = r.signature.back() == '0' ? '1' : '0'; }},
      {"in capitals", [](Signed& r) { r.signature[0] = 'A'; }},
      {"empty", [](Signed& r) { r.signature.clear(); }},
      {"another key's id", [](Signed& r) { r.key_id = "strict"; }},
      {"a key that does not sign", [](Signed& r) { r.key_id = "plain"; }},
      {"nobody's", [](Signed& r) { r.key_id = "nobody"; }},
  };
  World world;
  for (const auto& [name, attack] : attacks) {
    auto request = Signed{}.sign();
    attack(request);
    EXPECT_NE(world.ask(request.text(), "{}"), "AKIDEXAMPLE") << name;
  }
  EXPECT_EQ(world.ask(Signed{}.sign().text(), "{}"), "AKIDEXAMPLE") << "no attack used up the nonce";
}

TEST(Signature, WhoIsUnknownHearsWhatAWrongSignatureHears) {
  World world;
  auto nobody = Signed{.key_id = "nobody"}.sign();
  auto forged = Signed{.value = "guessed"}.sign();
  EXPECT_EQ(world.ask(nobody.text(), "{}"), world.ask(forged.text(), "{}"));
  EXPECT_EQ(world.ask(nobody.text(), "{}").substr(0, wrong.size()), wrong);
  auto plain = Signed{.key_id = "plain", .value = "the-plain-keys-value"}.sign();
  EXPECT_EQ(world.ask(plain.text(), "{}"), world.ask(nobody.text(), "{}"));
}

TEST(Signature, ANonceHasItsLengthAndATimeItsForm) {
  World world;
  EXPECT_NE(world.ask(Signed{.its_nonce = "short"}.sign().text(), "{}").find("16 to 128 bytes"), std::string::npos);
  EXPECT_NE(world.ask(Signed{.its_nonce = std::string(129, 'n')}.sign().text(), "{}").find("16 to 128 bytes"), std::string::npos);
  EXPECT_NE(world.ask(Signed{.time = "1440938160"}.sign().text(), "{}").find("is no time"), std::string::npos);
}

TEST(Signature, OneCredentialOnly) {
  World world;
  auto request = Signed{}.sign();
  request.lines.emplace_back("x-api-key", "the-plain-keys-value");
  EXPECT_NE(world.ask(request.text(), "{}").find("Two different API keys"), std::string::npos);
  EXPECT_NE(
      world.ask("GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer the-strict-keys-value\r\n\r\n").find("signs its requests"),
      std::string::npos);
  EXPECT_EQ(world.ask(cat("GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ", secret, "\r\n\r\n")), "AKIDEXAMPLE");
}

TEST(Signature, NoncesAreNeverForgottenEarly) {
  const auto window = std::make_unique<NonceWindow>();
  std::string name;
  for (std::size_t i = 0; i < NonceWindow::part_max; ++i) {
    name = cat("nonce-", i);
    ASSERT_TRUE(window->take("key", name, now + 300, now));
  }
  EXPECT_TRUE(window->take("key", "one more", now + 300, now).error().is(Kind::unavailable));
  EXPECT_TRUE(window->take("key", "nonce-0", now + 300, now + 300).error().is(Kind::unauthenticated));
  EXPECT_TRUE(window->take("key", "nonce-0", now + 900, now + 301));
}

// ---- AWS Signature Version 4

struct Vector {
  std::string_view name, method, target, headers, body, names, signature;
};
// AWS's Signature Version 4 Test Suite (Copyright Amazon.com, Inc., Apache License 2.0), as far as a strict server takes them.
constexpr Vector vectors[] = {
    {"get-vanilla", "GET", "/", "", "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", "", "", "host;x-amz-date",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-order-encoded", "GET", "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", "", "", "host;x-amz-date",
     "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
    {"get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", "", "host;x-amz-date",
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-header-value-trim", "GET", "/", "My-Header1:  value1\r\nMy-Header2:  \"a   b   c\"\r\n", "",
     "host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"post-x-www-form-urlencoded", "POST", "/", "Content-Type: application/x-www-form-urlencoded\r\n", "Param1=value1",
     "content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
};
constexpr std::string_view suite_scope = "20150830/us-east-1/service/aws4_request";

std::string aws_text(const Vector& vector, std::string_view id = "AKIDEXAMPLE", std::string_view scope = suite_scope) {
  return cat(vector.method, " ", vector.target, " HTTP/1.1\r\nHost: example.amazonaws.com\r\nX-Amz-Date: ", now_text, "\r\n",
             vector.headers, "Authorization: AWS4-HMAC-SHA256 Credential=", id, "/", scope, ", SignedHeaders=", vector.names,
             ", Signature=", vector.signature, "\r\n\r\n");
}

TEST(Signature, AwsVectorsVerify) {
  World world;
  for (const auto& vector : vectors) {
    EXPECT_EQ(world.ask(aws_text(vector), vector.body), "AKIDEXAMPLE") << vector.name;
    EXPECT_EQ(world.open_, BodyProof::Open::the_signer) << "they say no hash, so the body is waited for";
    EXPECT_EQ(world.ask(aws_text(vector), cat(vector.body, " ")).substr(0, wrong.size()), wrong) << vector.name;
    EXPECT_EQ(world.ask(aws_text(vector, "nobody"), vector.body).substr(0, wrong.size()), wrong) << vector.name;
    EXPECT_EQ(world.ask(aws_text(vector, "strict"), vector.body).substr(0, wrong.size()), wrong) << vector.name;
    EXPECT_NE(world.ask(aws_text(vector), vector.body, now + 301).find("minutes off"), std::string::npos);
    EXPECT_NE(world.ask(aws_text(vector, "AKIDEXAMPLE", "20150831/us-east-1/service/aws4_request"), vector.body).find("day of"),
              std::string::npos);
    for (const std::string_view scope : {"20150830/us-east-2/service/aws4_request", "20150830/us-east-1/iam/aws4_request"}) {
      EXPECT_EQ(world.ask(aws_text(vector, "AKIDEXAMPLE", scope), vector.body).substr(0, wrong.size()), wrong) << scope;
    }
  }
}

TEST(Signature, OfAwsWhatCouldBeReadTwoWaysIsRefused) {
  World world;
  // Both are vectors of the suite, with good signatures.
  const Vector twice{"get-vanilla-query-order-value",
                     "GET",
                     "/?Param1=value2&Param1=value1",
                     "",
                     "",
                     "host;x-amz-date",
                     "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"};
  EXPECT_NE(world.ask(aws_text(twice)).find("a query parameter is there twice"), std::string::npos);
  const Vector headers{"get-header-key-duplicate",
                       "GET",
                       "/",
                       "My-Header1: value2\r\nMy-Header1: value2\r\nMy-Header1: value1\r\n",
                       "",
                       "host;my-header1;x-amz-date",
                       "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"};
  EXPECT_NE(world.ask(aws_text(headers)).find("my-header1 is there twice"), std::string::npos);
  const Vector unsigned_payload{"",
                                "POST",
                                "/",
                                "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n",
                                "",
                                "host;x-amz-content-sha256;x-amz-date",
                                vectors[0].signature};
  EXPECT_NE(world.ask(aws_text(unsigned_payload)).find("unsigned and streamed payloads"), std::string::npos);
  const Vector added{"", "GET", "/", "x-amz-target: Other\r\n", "", "host;x-amz-date", vectors[0].signature};
  EXPECT_NE(world.ask(aws_text(added)).find("x-amz-target is not signed"), std::string::npos);
}

TEST(Signature, TheValueAsAccessKeyIdIsTheKey) {
  World world;
  EXPECT_EQ(world.ask(aws_text(vectors[0], "the-plain-keys-value"), "anything"), "plain");
  EXPECT_FALSE(world.open_);
  EXPECT_NE(world.ask(aws_text(vectors[0], "the-strict-keys-value")).find("signs its requests"), std::string::npos);
}

TEST(Signature, HeadersThatAreNone) {
  for (const std::string_view bad :
       {"", "KeyId=a", "KeyId=a, SignedHeaders=host", "KeyId=, SignedHeaders=host, Signature=0", "KeyId=a,KeyId=b",
        "KeyId=a, SignedHeaders=host, Signature=0, More=1", "keyid=a, SignedHeaders=host, Signature=0"}) {
    EXPECT_FALSE(parse_signature(SigningScheme::cardea, bad)) << bad;
    EXPECT_FALSE(parse_signature(SigningScheme::aws, bad)) << bad;
  }
  const std::string good = cat("Credential=a/b/20150830/r/s/aws4_request,SignedHeaders=host,Signature=", vectors[0].signature);
  const auto parsed = parse_signature(SigningScheme::aws, good);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->key_id, "a/b");
  EXPECT_EQ(parsed->scope, "20150830/r/s/aws4_request");
}

}  // namespace
}  // namespace cardea::access
