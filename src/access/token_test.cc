#include "access/token.h"

#include <cjose/cjose.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/text.h"
#include "net/crypto.h"

namespace cardea::access {
namespace {

constexpr std::int64_t now = 2'000'000'000;
constexpr std::string_view good_claims =
    R"({"iss":"https://id.example","sub":"ann","aud":"cardea","exp":2000000600,"iat":2000000000,"nbf":2000000000})";
const std::vector<std::string> audience{"other", "cardea"};
const TokenRules rules{.issuer = "https://id.example", .audience = audience, .algorithms = {}};

/// Keys made once for these tests, private halves too, and a token signed with Ed25519 (Python's cryptography made them).
const json::Value& material() {
  static const json::Value value = [] {
    std::ifstream file{CARDEA_SOURCE_DIR "/src/access/testdata/jose.json"};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    auto parsed = json::parse(text);
    EXPECT_TRUE(parsed);
    return std::move(*parsed);
  }();
  return value;
}
const json::Value& key(std::string_view name) { return *material().find(name); }

/// `jwks("rsa")`: as an issuer publishes it, the private members gone, what `change` wants of it changed.
std::string jwks(std::vector<std::string_view> names, const std::function<void(json::Value&)>& change = nullptr) {
  std::vector<json::Value> keys;
  for (const auto name : names) {
    auto jwk = key(name);
    for (const std::string_view secret : {"d", "p", "q", "dp", "dq", "qi"}) jwk.erase(secret);
    if (change) change(jwk);
    keys.push_back(std::move(jwk));
  }
  return json::Value::object({{"keys", json::Value::array(std::move(keys))}}).dump();
}
KeySet set_of(std::vector<std::string_view> names, const std::function<void(json::Value&)>& change = nullptr) {
  auto set = KeySet::parse(jwks(std::move(names), change));
  EXPECT_TRUE(set) << set.error().message();
  return std::move(*set);
}
const std::vector<std::string_view> every{"rsa", "P-256", "P-384", "P-521", "Ed25519"};

/// RS256 by hand, of any header.
std::string sign_by_hand(std::string_view name, std::string_view header, std::string_view claims) {
  const auto text = cat(to_base64url(header), '.', to_base64url(claims));
  const auto signature = net::rsa_sha256(*key(cat(name, "_pem")).as_string(), text);
  EXPECT_TRUE(signature);
  return cat(text, '.', to_base64url(*signature));
}

/// Signed by libcjose, or by hand where `more` has further members for the header that it would not set.
std::string sign(std::string_view name, std::string_view algorithm, std::string_view claims = good_claims,
                 std::vector<std::pair<std::string, std::string>> more = {}) {
  if (!more.empty()) {
    auto header = cat(R"({"alg":")", algorithm, '"');
    for (const auto& [member, value] : more) header += cat(",\"", member, "\":", value);
    return sign_by_hand(name, header + '}', claims);
  }
  cjose_err problem{};
  const auto text = key(name).dump();
  cjose_jwk_t* jwk = cjose_jwk_import(text.data(), text.size(), &problem);
  cjose_header_t* header = cjose_header_new(&problem);
  cjose_header_set(header, CJOSE_HDR_ALG, std::string{algorithm}.c_str(), &problem);
  cjose_jws_t* jws = cjose_jws_sign(jwk, header, reinterpret_cast<const std::uint8_t*>(claims.data()), claims.size(), &problem);
  const char* compact = nullptr;
  cjose_jws_export(jws, &compact, &problem);
  std::string out = compact != nullptr ? compact : "";
  cjose_jws_release(jws);
  cjose_header_release(header);
  cjose_jwk_release(jwk);
  return out;
}

/// "accepted", or what is said.
std::string verdict(const std::string& text, const KeySet& keys, const TokenRules& by = rules, std::int64_t at = now) {
  const auto token = Token::parse(text);
  if (!token) return std::string{token.error().message()};
  const auto status = verify(*token, keys, by, at);
  return status ? "accepted" : std::string{status.error().message()};
}
void refused(const std::string& text, const KeySet& keys, std::string_view why, const TokenRules& by = rules) {
  const auto said = verdict(text, keys, by);
  EXPECT_NE(said.find(why), std::string::npos) << said << "\n" << text;
}
std::string unsigned_token(std::string_view header, std::string_view claims = good_claims, std::string_view signature = "x") {
  return cat(to_base64url(header), '.', to_base64url(claims), '.', to_base64url(signature));
}

TEST(Token, EveryAcceptedAlgorithmVerifies) {
  const auto keys = set_of(every);
  EXPECT_EQ(keys.size(), every.size());
  for (const auto& algorithm : algorithms()) {
    if (algorithm.family == Algorithm::Family::edwards) continue;
    const auto name = algorithm.curve.empty() ? std::string_view{"rsa"} : algorithm.curve;
    const auto token = sign(name, algorithm.name);
    EXPECT_EQ(verdict(token, keys), "accepted") << algorithm.name;
  }
  EXPECT_EQ(verdict(sign("rsa", "RS256", good_claims, {{"kid", R"("rsa")"}, {"typ", R"("at+JWT")"}}), keys), "accepted");
  EXPECT_EQ(verdict(*material().find("eddsa_token")->as_string(), keys), "accepted");
  // RFC 7515 Appendix A.3: a token of others.
  const auto rfc = KeySet::parse(
      R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})");
  const std::string signed_by_others =
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
  EXPECT_EQ(verdict(signed_by_others, *rfc, {.issuer = "joe"}, 1'300'819'000), "accepted");
}

TEST(Token, NoneAndSharedSecretsNeverPass) {
  const auto keys = set_of(every);
  for (const std::string_view algorithm :
       {"none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "RSA1_5", "dir", "rs256", "RS256 ", "ES256K", "RS1"}) {
    refused(unsigned_token(cat(R"({"alg":")", algorithm, R"("})")), keys, "not signed in a way");
    refused(unsigned_token(cat(R"({"alg":")", algorithm, R"("})"), good_claims, ""), keys, "not signed in a way");
  }
  for (const std::string_view header : {"{}", R"({"alg":null})", R"({"alg":["RS256"]})", R"({"alg":1})"})
    refused(unsigned_token(header), keys, "not signed in a way");
  // Key confusion: HMAC under the public key's text.
  const auto head = cat(to_base64url(R"({"alg":"HS256","typ":"JWT"})"), '.', to_base64url(good_claims));
  const auto digest = net::hmac_sha256(jwks({"rsa"}), head);
  refused(cat(head, '.', to_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()})), keys,
          "not signed in a way");
  EXPECT_FALSE(KeySet::parse(R"({"keys":[{"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}]})"));
}

TEST(Token, AnAlgorithmIsBoundToItsKey) {
  const auto keys = set_of(every);
  // An elliptic signature of one curve under the name of another.
  for (const auto& [from, to] : {std::pair{"ES256", "ES384"}, {"ES384", "ES512"}, {"ES512", "ES256"}}) {
    auto token = sign(cat("P-", std::string_view{from}.substr(2) == "512" ? "521" : std::string_view{from}.substr(2)), from);
    token.replace(0, token.find('.'), to_base64url(cat(R"({"alg":")", to, R"("})")));
    refused(token, keys, "signature");
  }
  const auto only = [](std::string_view name, std::string_view value) {
    return [=](json::Value& jwk) { jwk.set(name, json::Value::string(std::string{value})); };
  };
  const auto token = sign("rsa", "RS256");
  EXPECT_EQ(verdict(token, set_of({"rsa"}, only("alg", "RS256"))), "accepted");
  refused(token, set_of({"rsa"}, only("alg", "PS256")), "does not publish");
  EXPECT_EQ(verdict(token, set_of({"rsa"}, only("use", "sig"))), "accepted");
  EXPECT_FALSE(KeySet::parse(jwks({"rsa"}, only("use", "enc"))));
  EXPECT_FALSE(KeySet::parse(jwks({"rsa"}, only("alg", "RSA-OAEP"))));
  EXPECT_FALSE(KeySet::parse(jwks({"rsa"}, only("alg", "HS256"))));
  EXPECT_FALSE(KeySet::parse(
      jwks({"rsa"}, [](json::Value& jwk) { jwk.set("key_ops", json::Value::array({json::Value::string("sign")})); })));
  EXPECT_FALSE(KeySet::parse(jwks({"rsa_small"})));
  for (const std::string_view exponent : {"AQ", "AAE", "", "Ag", "AQAAAAE"})
    EXPECT_FALSE(KeySet::parse(jwks({"rsa"}, only("e", exponent)))) << exponent;
  EXPECT_FALSE(KeySet::parse(jwks({"P-256"}, only("crv", "P-384"))));
  EXPECT_FALSE(KeySet::parse(jwks({"P-256"}, only("y", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))));  // not on the curve
  const std::vector<std::string> few{"ES256"};
  refused(token, keys, "not accepted of its issuer", {.issuer = rules.issuer, .audience = audience, .algorithms = few});
}

TEST(Token, HeadersCannotBringKeys) {
  const auto keys = set_of(every);
  // Signed by a stranger who sends the key, or says where it is.
  const auto jwk = json::parse(jwks({"rsa_other"}))->find("keys")->elements()[0].dump();
  for (const std::string_view name : {"jwk", "jku", "x5u", "x5c", "x5t"}) {
    const auto value = name == "jwk" ? jwk : std::string{R"("https://evil.example/keys")"};
    refused(sign("rsa_other", "RS256", good_claims, {{std::string{name}, value}}), keys, "bad signature");
    // Of the true key it changes nothing.
    EXPECT_EQ(verdict(sign("rsa", "RS256", good_claims, {{std::string{name}, value}}), keys), "accepted");
  }
  for (const std::string_view id : {"../../../../dev/null", "' OR 1=1 --", "rsa\\u0000", "/etc/passwd", "P-256"})
    refused(sign("rsa", "RS256", good_claims, {{"kid", cat('"', id, '"')}}), keys, "does not publish");
  refused(unsigned_token(R"({"alg":"RS256","kid":7})"), keys, "key id");
  refused(unsigned_token(cat(R"({"alg":"RS256","kid":")", std::string(600, 'k'), R"("})")), keys, "key id");
  refused(sign("rsa", "RS256", good_claims, {{"crit", R"(["b64"])"}, {"b64", "false"}}), keys, "crit");
  refused(sign("rsa", "RS256", good_claims, {{"crit", "[]"}}), keys, "crit");
  refused(sign("rsa", "RS256", good_claims, {{"typ", R"("logout+jwt")"}}), keys, "typ");
  refused(sign("rsa", "RS256", good_claims, {{"typ", "7"}}), keys, "typ");
}

TEST(Token, NothingMayBeChangedOrCut) {
  const auto keys = set_of(every);
  for (const auto& [name, algorithm] : {std::pair{"rsa", "PS256"}, {"P-256", "ES256"}}) {
    const auto token = sign(name, algorithm);
    for (std::size_t i = 0; i < token.size(); ++i) {
      EXPECT_NE(verdict(token.substr(0, i), keys), "accepted");
      auto changed = token;
      changed[i] = changed[i] == 'A' ? 'B' : 'A';
      EXPECT_NE(verdict(changed, keys), "accepted") << i;
    }
    for (const std::string_view more : {"=", "==", ".", "A", " ", "\n", "%"}) {
      EXPECT_NE(verdict(cat(token, more), keys), "accepted");
      EXPECT_NE(verdict(cat(more, token), keys), "accepted");
    }
  }
  const auto eddsa = *material().find("eddsa_token")->as_string();
  for (std::size_t i = 0; i < eddsa.size(); ++i) {
    auto changed = eddsa;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(verdict(changed, keys), "accepted") << i;
  }
  // r = s = 0, the signature of CVE-2022-21449.
  const auto head = cat(to_base64url(R"({"alg":"ES256"})"), '.', to_base64url(good_claims), '.');
  refused(cat(head, to_base64url(std::string(64, '\0'))), keys, "bad signature");
  // The order of the group as s, and DER instead of r and s.
  refused(cat(head, to_base64url(std::string(64, '\xff'))), keys, "bad signature");
  refused(cat(head, to_base64url(std::string(70, '\x30'))), keys, "wrong length");
  // A signature padded with zeros is another text.
  const auto good = sign("P-256", "ES256");
  const auto signature = *from_base64(good.substr(good.rfind('.') + 1));
  const auto padded = cat(std::string(1, '\0'), signature.substr(0, 32), std::string(1, '\0'), signature.substr(32));
  refused(cat(good.substr(0, good.rfind('.') + 1), to_base64url(padded)), keys, "wrong length");
  // The standard alphabet, and bits that say nothing.
  refused(cat(good.substr(0, good.rfind('.') + 1), to_base64(signature)), keys, "base64url");
}

TEST(Token, WhatIsNoTokenIsSaid) {
  const auto keys = set_of({"rsa"});
  for (const std::string_view text : {"", ".", "..", "a.b", "a.b.c.d", "....", "eyJ.eyJ.x"})
    EXPECT_NE(verdict(std::string{text}, keys), "accepted");
  refused(std::string(token_bytes_max + 1, 'a'), keys, "longer than");
  refused(unsigned_token(R"({"alg":"RS256","alg":"none"})"), keys, "doubled");
  refused(unsigned_token(R"({"alg":"none","\u0061lg":"RS256"})"), keys, "doubled");
  refused(sign("rsa", "RS256", R"({"iss":"https://id.example","exp":1,"exp":2000000600,"aud":"cardea"})"), keys, "doubled");
  refused(sign("rsa", "RS256", R"({"a":[{"b":1,"b":2}]})"), keys, "doubled");
  refused(sign("rsa", "RS256", "[]"), keys, "JSON objects");
  refused(sign("rsa", "RS256", "not JSON"), keys, "JSON objects");
  refused(sign("rsa", "RS256", "{\"x\":\"\xff\"}"), keys, "JSON objects");
  refused(sign("rsa", "RS256", cat(std::string(50, '['), std::string(50, ']'))), keys, "JSON objects");
  EXPECT_TRUE(Token::looks_like(sign("rsa", "RS256")));
  EXPECT_FALSE(Token::looks_like("sk-cardea-aaaa"));
  EXPECT_FALSE(Token::looks_like("eyJx.y"));
}

TEST(Token, ClaimsMustFit) {
  const auto keys = set_of({"P-256"});
  const auto with = [&](std::string_view claims) { return sign("P-256", "ES256", claims); };
  const auto base = [](std::string_view more) { return cat(R"({"iss":"https://id.example","aud":"cardea")", more, "}"); };
  EXPECT_EQ(verdict(with(base(R"(,"exp":2000000600)")), keys), "accepted");
  EXPECT_EQ(verdict(with(base(R"(,"exp":1999999971)")), keys), "accepted");  // within the leeway
  EXPECT_EQ(verdict(with(base(R"(,"exp":2000000600.5,"nbf":2000000030)")), keys), "accepted");
  refused(with(base(R"(,"exp":1999999970)")), keys, "expired");
  for (const std::string_view exp :
       {"", R"(,"exp":null)", R"(,"exp":"2000000600")", R"(,"exp":1e300)", R"(,"exp":-1)", R"(,"exp":true)", R"(,"exp":[])"})
    refused(with(base(exp)), keys, "when it expires");
  refused(with(base(R"(,"exp":2000000600,"nbf":2000000031)")), keys, "not valid yet");
  refused(with(base(R"(,"exp":2000000600,"iat":2000000031)")), keys, "not valid yet");
  refused(with(base(R"(,"exp":2000000600,"nbf":"0")")), keys, "strange time");
  for (const std::string_view iss :
       {"", "https://id.example/", "https://ID.example", "https://id.example\\u0000", "https://id.exampl"})
    refused(with(cat(R"({"iss":")", iss, R"(","aud":"cardea","exp":2000000600})")), keys, "another issuer");
  refused(with(R"({"aud":"cardea","exp":2000000600})"), keys, "another issuer");
  refused(with(R"({"iss":["https://id.example"],"aud":"cardea","exp":2000000600})"), keys, "another issuer");
  for (const std::string_view aud :
       {R"("cardea2")", R"("CARDEA")", R"([])", R"(["x"])", R"([["cardea"]])", R"({"cardea":1})", "null", "7"})
    refused(with(cat(R"({"iss":"https://id.example","aud":)", aud, R"(,"exp":2000000600})")), keys, "audience");
  refused(with(R"({"iss":"https://id.example","exp":2000000600})"), keys, "audience");
  EXPECT_EQ(verdict(with(R"({"iss":"https://id.example","aud":["x","cardea"],"exp":2000000600})"), keys), "accepted");
}

TEST(Token, SetsOfKeys) {
  const auto unnamed = [](json::Value& jwk) { jwk.erase("kid"); };
  // Without ids every key of the kind is tried; an id that no key has finds only keys without one.
  const auto named = sign("rsa", "RS256", good_claims, {{"kid", "\"rsa\""}});
  EXPECT_EQ(verdict(named, set_of({"rsa_other", "rsa"}, unnamed)), "accepted");
  EXPECT_EQ(verdict(named, set_of({"rsa_other", "rsa"})), "accepted");  // one id twice, while an issuer rotates
  EXPECT_EQ(verdict(sign("rsa", "RS256"), set_of({"P-256", "rsa"})), "accepted");
  refused(named, set_of({"rsa_other"}), "bad signature");
  refused(named, set_of({"P-256"}), "does not publish");
  EXPECT_EQ(set_of({"rsa_small", "rsa"}).size(), 1u);
  for (const std::string_view text : {"", "[]", "7", "{}", R"({"keys":[]})", R"({"keys":[7,null,{"kty":"RSA"}]})", "<html>"})
    EXPECT_FALSE(KeySet::parse(text)) << text;
  std::string many = R"({"keys":[{})";
  for (std::size_t i = 0; i < key_set_keys_max; ++i) many += ",{}";
  EXPECT_FALSE(KeySet::parse(many + "]}"));
  EXPECT_FALSE(KeySet::parse(std::string(key_set_bytes_max + 1, ' ')));
}

}  // namespace
}  // namespace cardea::access
