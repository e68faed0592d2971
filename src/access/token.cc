#include "access/token.h"

#include <cjose/cjose.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/base64.h"
#include "base/text.h"
#include "json/writer.h"
#include "net/crypto.h"

namespace cardea::access {
namespace {

using Family = Algorithm::Family;

constexpr Algorithm accepted[] = {
    {"RS256", Family::rsa},
    {"RS384", Family::rsa},
    {"RS512", Family::rsa},
    {"PS256", Family::rsa},
    {"PS384", Family::rsa},
    {"PS512", Family::rsa},
    {"ES256", Family::elliptic, "P-256", 64},
    {"ES384", Family::elliptic, "P-384", 96},
    {"ES512", Family::elliptic, "P-521", 132},
    {"EdDSA", Family::edwards, "Ed25519", 64},
};
constexpr std::size_t ed25519_key_bytes = 32;
constexpr std::size_t key_id_bytes_max = 512;
constexpr std::size_t rsa_bytes_min = 2048 / 8;
constexpr std::size_t rsa_bytes_max = 8192 / 8;
/// Keys that are tried for a token without a key id.
constexpr std::size_t tries_max = 8;

std::unexpected<Error> refuse(std::string_view why) {
  return fail(Kind::unauthenticated, cat("The token ", why, ". Get a new one from its issuer, or send an API key."));
}

/// RFC 7515 §2: no padding, no other character, and (strictly) no bits that say nothing.
std::optional<std::string> strict_base64url(std::string_view text) {
  const auto in_alphabet = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (!std::ranges::all_of(text, in_alphabet)) return std::nullopt;
  auto bytes = from_base64(text);
  if (!bytes || to_base64url(*bytes) != text) return std::nullopt;
  return bytes;
}

/// An object in which nothing is given twice.
std::optional<json::Value> strict_object(std::string_view text) {
  json::ScanOptions options;
  options.max_depth = 16;
  auto value = json::parse(text, options);
  if (!value || !value->is(json::Type::object) || has_duplicates(*value)) return std::nullopt;
  return std::move(*value);
}

std::string_view text_of(const json::Value& object, std::string_view name) {
  const auto* member = object.find(name);
  const auto* text = member != nullptr ? member->as_string() : nullptr;
  return text != nullptr ? std::string_view{*text} : std::string_view{};
}

struct Parts {
  std::string_view header, payload, signature;
};
std::optional<Parts> split(std::string_view text) {
  const auto first = text.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return Parts{text.substr(0, first), text.substr(first + 1, second - first - 1), text.substr(second + 1)};
}

/// RFC 8725 §3.11: a token made for something else (a logout, a security event) is no credential.
bool type_fits(const json::Value& header) {
  const auto* type = header.find("typ");
  if (type == nullptr) return true;
  auto text = text_of(header, "typ");
  constexpr std::string_view prefix = "application/";
  if (text.size() > prefix.size() && iequals(text.substr(0, prefix.size()), prefix)) text.remove_prefix(prefix.size());
  return iequals(text, "jwt") || iequals(text, "at+jwt");
}

/// Odd and above 1, which would be no signature at all; and below 2^32: a long one is a way to make others work.
bool safe_exponent(std::string_view big_endian) {
  if (big_endian.empty() || big_endian.size() > sizeof(std::uint32_t)) return false;
  std::uint32_t value = 0;
  for (const char c : big_endian) value = value << 8 | static_cast<unsigned char>(c);
  return value > 1 && value % 2 == 1;
}

struct JwkRelease {
  void operator()(cjose_jwk_t* key) const noexcept { cjose_jwk_release(key); }
};
struct JwsRelease {
  void operator()(cjose_jws_t* token) const noexcept { cjose_jws_release(token); }
};

}  // namespace

struct KeySet::Key {
  std::string id;
  std::string algorithm;  ///< empty: any of its kind
  Family family = Family::rsa;
  std::string curve;
  std::unique_ptr<cjose_jwk_t, JwkRelease> jose;  ///< rsa, elliptic
  std::string edwards;                            ///< the public key itself

  /// Nothing: not of use.
  [[nodiscard]] static std::optional<Key> read(const json::Value& jwk);
  [[nodiscard]] bool read_material(const json::Value& jwk);
};

std::span<const Algorithm> algorithms() noexcept { return accepted; }

const Algorithm* find_algorithm(std::string_view name) noexcept {
  const auto* found = std::ranges::find(accepted, name, &Algorithm::name);
  return found != std::end(accepted) ? found : nullptr;
}

bool has_duplicates(const json::Value& value) {
  if (std::ranges::any_of(value.elements(), has_duplicates)) return true;
  std::vector<std::string_view> names;
  for (const auto& [name, member] : value.members()) {
    if (has_duplicates(member)) return true;
    names.push_back(name);
  }
  std::ranges::sort(names);
  return std::ranges::adjacent_find(names) != names.end();
}

bool Token::looks_like(std::string_view text) noexcept {
  return text.starts_with("eyJ") && text.find('.') != std::string_view::npos && split(text).has_value();
}

Result<Token> Token::parse(std::string_view text) {
  if (text.size() > token_bytes_max) return refuse(cat("is longer than ", token_bytes_max, " bytes"));
  const auto parts = split(text);
  if (!parts) return refuse("does not have three parts");
  const auto header_text = strict_base64url(parts->header);
  const auto claims_text = strict_base64url(parts->payload);
  auto signature = strict_base64url(parts->signature);
  if (!header_text || !claims_text || !signature) return refuse("is not base64url");
  const auto header = strict_object(*header_text);
  auto claims = strict_object(*claims_text);
  if (!header || !claims) return refuse("does not hold JSON objects without doubled members");

  Token out;
  out.text_ = text;
  out.algorithm_ = find_algorithm(text_of(*header, "alg"));
  if (out.algorithm_ == nullptr) return refuse("is not signed in a way that is accepted (RS, PS, ES, EdDSA)");
  if (header->find("crit") != nullptr) return refuse("asks for extensions that are not known here (crit)");
  if (!type_fits(*header)) return refuse("is of another type (typ) than JWT or at+jwt");
  if (const auto* id = header->find("kid")) {
    if (id->as_string() == nullptr || id->as_string()->size() > key_id_bytes_max) return refuse("has a strange key id (kid)");
    out.key_id_ = *id->as_string();
  }
  const auto bytes = out.algorithm_->signature_bytes;
  if (signature->empty() || (bytes != 0 && signature->size() != bytes)) return refuse("has a signature of the wrong length");
  out.signature_ = std::move(*signature);
  out.claims_ = std::move(*claims);
  return out;
}

std::string_view Token::issuer() const noexcept { return text_of(claims_, "iss"); }

std::optional<KeySet::Key> KeySet::Key::read(const json::Value& jwk) {
  const auto use = text_of(jwk, "use");
  if (!use.empty() && use != "sig") return std::nullopt;
  if (const auto* operations = jwk.find("key_ops")) {
    const auto verifies = [](const json::Value& operation) {
      return operation.as_string() != nullptr && *operation.as_string() == "verify";
    };
    if (std::ranges::none_of(operations->elements(), verifies)) return std::nullopt;
  }
  Key out;
  out.id = text_of(jwk, "kid");
  out.algorithm = text_of(jwk, "alg");
  if (!out.algorithm.empty() && find_algorithm(out.algorithm) == nullptr) return std::nullopt;
  if (!out.read_material(jwk)) return std::nullopt;
  return out;
}

bool KeySet::Key::read_material(const json::Value& jwk) {
  const auto kind = text_of(jwk, "kty");
  curve = text_of(jwk, "crv");
  // Only the public members go on, so that what else a set holds has no effect.
  auto material = json::Value::object();
  const auto take = [&](std::string_view name) -> std::optional<std::size_t> {
    const auto bytes = strict_base64url(text_of(jwk, name));
    material.set(name, json::Value::string(std::string{text_of(jwk, name)}));
    return bytes ? std::optional{bytes->size()} : std::nullopt;
  };
  if (kind == "OKP" && curve == "Ed25519") {
    family = Family::edwards;
    const auto key = strict_base64url(text_of(jwk, "x"));
    if (key && key->size() == ed25519_key_bytes) edwards = *key;
    return !edwards.empty();
  }
  material.set("kty", json::Value::string(std::string{kind}));
  if (kind == "RSA") {
    family = Family::rsa;
    const auto modulus = take("n");
    const auto exponent = take("e");
    if (!modulus || *modulus < rsa_bytes_min || *modulus > rsa_bytes_max || !exponent) return false;
    if (!safe_exponent(*strict_base64url(text_of(jwk, "e")))) return false;
  } else if (kind == "EC" && (curve == "P-256" || curve == "P-384" || curve == "P-521")) {
    family = Family::elliptic;
    material.set("crv", json::Value::string(curve));
    if (!take("x") || !take("y")) return false;
  } else {
    return false;
  }
  const auto text = material.dump();
  cjose_err problem{};
  jose.reset(cjose_jwk_import(text.data(), text.size(), &problem));
  return jose != nullptr;
}

KeySet::KeySet() = default;
KeySet::KeySet(KeySet&&) noexcept = default;
KeySet& KeySet::operator=(KeySet&&) noexcept = default;
KeySet::~KeySet() = default;
std::size_t KeySet::size() const noexcept { return keys_.size(); }

Result<KeySet> KeySet::parse(std::string_view json) {
  if (json.size() > key_set_bytes_max) return fail(Kind::config, "the key set is larger than 512 KiB");
  json::ScanOptions options;
  options.max_depth = 16;
  options.what = "the key set";
  options.error_kind = Kind::config;
  const auto value = json::parse(json, options);
  if (!value) return fail(Kind::config, std::string{value.error().message()});
  if (has_duplicates(*value)) return fail(Kind::config, "the key set has a member twice");
  const auto* list = value->find("keys");
  const std::span<const json::Value> keys = list != nullptr ? std::span{list->elements()} : std::span{&*value, 1};
  if (keys.size() > key_set_keys_max) return fail(Kind::config, cat("the key set has more than ", key_set_keys_max, " keys"));
  KeySet out;
  for (const auto& jwk : keys) {
    if (auto key = Key::read(jwk)) out.keys_.push_back(std::move(*key));
  }
  if (out.keys_.empty()) return fail(Kind::config, "the key set has no public key that an accepted algorithm can use");
  return out;
}

/// A key's id is only a text to compare: keys of that id, else those that have none.
template <class Visit>
void KeySet::each_candidate(const Token& token, const Visit& visit) const {
  const auto& algorithm = token.algorithm();
  const bool named = !token.key_id().empty() && std::ranges::find(keys_, token.key_id(), &Key::id) != keys_.end();
  std::size_t tried = 0;
  for (const auto& key : keys_) {
    if (named ? key.id != token.key_id() : !token.key_id().empty() && !key.id.empty()) continue;
    if (key.family != algorithm.family || (!algorithm.curve.empty() && key.curve != algorithm.curve)) continue;
    if (!key.algorithm.empty() && key.algorithm != algorithm.name) continue;
    if (++tried > tries_max || visit(key)) return;
  }
}

bool KeySet::knows(const Token& token) const noexcept {
  bool found = false;
  each_candidate(token, [&found](const Key&) { return found = true; });
  return found;
}

bool KeySet::signed_by(const Token& token) const {
  bool found = false;
  cjose_err problem{};
  std::unique_ptr<cjose_jws_t, JwsRelease> jws;
  if (token.algorithm().family != Family::edwards) {
    jws.reset(cjose_jws_import(token.text_.data(), token.text_.size(), &problem));
    if (jws == nullptr) return false;
  }
  each_candidate(token, [&](const Key& key) {
    if (jws != nullptr) return found = cjose_jws_verify(jws.get(), key.jose.get(), &problem);
    return found = net::ed25519_verify(key.edwards, token.text_.substr(0, token.text_.rfind('.')), token.signature_);
  });
  return found;
}

std::optional<std::int64_t> date_of(const json::Value* claim) noexcept {
  const auto seconds = claim != nullptr ? claim->as_double() : std::nullopt;
  constexpr double far = 1e11;  // the year 5138
  if (!seconds || !std::isfinite(*seconds) || *seconds < 0 || *seconds > far) return std::nullopt;
  return static_cast<std::int64_t>(*seconds);
}

Status check_claims(const json::Value& claims, const TokenRules& rules, std::int64_t now) {
  const auto expires = date_of(claims.find("exp"));
  if (!expires) return refuse("does not say when it expires (exp)");
  if (now - rules.leeway >= *expires) return refuse("has expired");
  for (const std::string_view name : {"nbf", "iat"}) {
    const auto* claim = claims.find(name);
    const auto begins = date_of(claim);
    if (claim != nullptr && !begins) return refuse(cat("has a strange time (", name, ")"));
    if (begins && *begins > now + rules.leeway) return refuse(cat("is not valid yet (", name, "): compare the clocks"));
  }
  if (rules.audience.empty()) return {};
  const auto* audience = claims.find("aud");
  const auto wanted = [&](const json::Value& value) {
    return value.as_string() != nullptr && std::ranges::find(rules.audience, *value.as_string()) != rules.audience.end();
  };
  if (audience == nullptr || (!wanted(*audience) && std::ranges::none_of(audience->elements(), wanted))) {
    return refuse("was made for another audience (aud)");
  }
  return {};
}

Status verify(const Token& token, const KeySet& keys, const TokenRules& rules, std::int64_t now) {
  if (!rules.algorithms.empty() && std::ranges::find(rules.algorithms, token.algorithm().name) == rules.algorithms.end()) {
    return refuse("is signed in a way that is not accepted of its issuer");
  }
  if (rules.issuer.empty() || token.issuer() != rules.issuer) return refuse("is from another issuer (iss)");
  if (!keys.knows(token)) return refuse("is signed with a key that its issuer does not publish (kid)");
  if (!keys.signed_by(token)) return refuse("has a bad signature");
  return check_claims(token.claims(), rules, now);
}

}  // namespace cardea::access
