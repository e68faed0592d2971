#include "access/signature.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "wire/canonical.h"
#include "wire/http1.h"

namespace cardea::access {
namespace {

constexpr std::size_t signed_headers_max = 64;
constexpr std::string_view aws_terminator = "aws4_request";

/// What the two schemes call things.
struct Dialect {
  std::string_view algorithm;
  std::string_view date, body_hash, nonce;  ///< names of headers; empty: there is none
  std::string_view own_prefix;              ///< headers of this prefix that are there must be signed
  wire::Canonical canonical;
};
constexpr Dialect dialects[] = {
    {.algorithm = "CARDEA-HMAC-SHA256",
     .date = "x-cardea-date",
     .body_hash = "x-cardea-content-sha256",
     .nonce = "x-cardea-nonce",
     .own_prefix = "x-cardea-",
     .canonical = wire::Canonical::literal},
    {.algorithm = "AWS4-HMAC-SHA256",
     .date = "x-amz-date",
     .body_hash = "x-amz-content-sha256",
     .nonce = {},
     .own_prefix = "x-amz-",
     .canonical = wire::Canonical::aws},
};
const Dialect& dialect_of(SigningScheme scheme) { return dialects[static_cast<std::size_t>(scheme)]; }

std::string_view bytes_of(const net::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};  // NOLINT
}

std::unexpected<Error> refuse(std::string_view why) {
  return fail(Kind::unauthenticated, cat("The signed request cannot be taken: ", why, " (docs/request-signing.md)."));
}

bool is_hash(std::string_view text) {
  return text.size() == 2 * sizeof(net::Digest) &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// The pieces of "a;b;c" and the like.
template <class Visit>
bool each_piece(std::string_view text, char separator, const Visit& visit) {
  for (;;) {
    const auto end = text.find(separator);
    if (!visit(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

/// AWS's "ID/DAY/REGION/SERVICE/aws4_request"; the id may hold slashes.
bool split_credential(std::string_view credential, SignatureHeader& out) {
  auto at = credential.size();
  for (int part = 0; part < 4; ++part) {
    at = at == 0 ? std::string_view::npos : credential.rfind('/', at - 1);
    if (at == std::string_view::npos) return false;
  }
  out.key_id = credential.substr(0, at);
  out.scope = credential.substr(at + 1);
  return out.scope.ends_with(cat('/', aws_terminator));
}

/// The names, in order, each once, and the ones that must be there among them.
Result<std::vector<std::string_view>> read_names(const SignatureHeader& sent) {
  std::vector<std::string_view> names;
  const bool ordered = each_piece(sent.signed_names, ';', [&](std::string_view name) {
    const bool fits = !name.empty() && (names.empty() || names.back() < name) && names.size() < signed_headers_max &&
                      std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; });
    names.push_back(name);
    return fits;
  });
  if (!ordered) return refuse(cat("SignedHeaders must be in lower case, sorted, each once, at most ", signed_headers_max));
  const Dialect& dialect = dialect_of(sent.scheme);
  for (const std::string_view name : {std::string_view{"host"}, dialect.date, dialect.nonce}) {
    if (!name.empty() && !std::ranges::binary_search(names, name)) return refuse(cat(name, " is not signed"));
  }
  if (sent.scheme == SigningScheme::cardea && !std::ranges::binary_search(names, dialect.body_hash)) {
    return refuse(cat(dialect.body_hash, " is not signed"));
  }
  return names;
}

/// The signed headers as they came: each there, none twice; and nothing beside them that only a signer may say.
Result<std::vector<wire::HeaderToSign>> read_headers(const wire::RequestHead& head, const SignatureHeader& sent) {
  auto names = read_names(sent);
  if (!names) return fail_with(names);
  const auto& headers = head.headers();
  std::vector<wire::HeaderToSign> out;
  std::vector<std::string_view> seen;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const std::string name = to_lower(headers[i].name);
    const auto found = std::ranges::lower_bound(*names, name);
    if (found == names->end() || *found != name) {
      if (name.starts_with(dialect_of(sent.scheme).own_prefix) || name == "content-type")
        return refuse(cat(name, " is not signed"));
      continue;
    }
    if (std::ranges::find(seen, *found) != seen.end()) return refuse(cat(name, " is there twice"));
    seen.push_back(*found);
    // An absolute target overrides Host: what is gone by is what was signed.
    out.push_back({*found, name == "host" ? head.host() : headers[i].value});
  }
  if (out.size() != names->size()) return refuse("a header of SignedHeaders is missing");
  return out;
}

std::string_view value_of(std::span<const wire::HeaderToSign> headers, std::string_view name) {
  const auto found = std::ranges::find(headers, name, &wire::HeaderToSign::name);
  return found == headers.end() ? std::string_view{} : trim(found->value);
}

/// When it was signed.
Result<std::int64_t> read_time(std::string_view text, std::string_view name, std::int64_t now) {
  const auto time = wire::parse_aws_time(text);
  if (!time) return refuse(cat(name, " is no time like 20260102T030405Z"));
  if (*time < now - signing_skew || *time > now + signing_skew) {
    return refuse(cat(name, " is more than ", signing_skew / 60, " minutes off; set the clock, or sign anew"));
  }
  return *time;
}

bool has_repeated_parameter(std::string_view query) {
  std::vector<std::string_view> names;
  each_piece(query, '&', [&](std::string_view parameter) {
    names.push_back(parameter.substr(0, parameter.find('=')));
    return true;
  });
  std::ranges::sort(names);
  return std::ranges::adjacent_find(names) != names.end();
}

/// A signature to be checked, as soon as the body's hash is known. Owns what it needs: the head may move meanwhile.
struct Claim {
  SigningScheme scheme;
  std::string canonical;  ///< without the body's hash at its end
  std::string time, scope, signature;
  std::vector<Secret> secrets;  ///< those that may have signed it
  bool known = false;           ///< nobody signs with a decoy

  [[nodiscard]] bool holds(std::string_view body_hash) const {
    const auto hashed = to_hex(bytes_of(net::sha256(cat(canonical, body_hash))));
    const bool aws = scheme == SigningScheme::aws;
    const std::string to_sign = cat(dialect_of(scheme).algorithm, '\n', time, '\n', scope, aws ? "\n" : "", hashed);
    bool good = false;
    for (const Secret& secret : secrets) {
      const auto made = aws ? aws_signature(secret, to_sign) : net::hmac_sha256(secret.reveal(), to_sign);
      good = constant_time_equal(to_hex(bytes_of(made)), signature) || good;
    }
    return good && known;
  }

 private:
  [[nodiscard]] net::Digest aws_signature(const Secret& secret, std::string_view to_sign) const {
    std::vector<std::string_view> steps;
    each_piece(scope, '/', [&](std::string_view step) {
      steps.push_back(step);
      return true;
    });
    steps.push_back(to_sign);
    const Secret start{cat("AWS4", secret.reveal())};
    return net::hmac_sha256_chain(start.reveal(), steps);
  }
};

std::unexpected<Error> wrong_signature() {
  return fail(Kind::unauthenticated,
              "The signature is not that of this request, or not by a key of this gateway that signs (docs/request-signing.md).");
}
std::unexpected<Error> wrong_body() { return refuse("the body is not the one that was signed"); }

}  // namespace

Result<SignatureHeader> parse_signature(SigningScheme scheme, std::string_view parameters) {
  SignatureHeader out{.scheme = scheme};
  std::string_view credential;
  const std::pair<std::string_view, std::string_view*> known[] = {
      {scheme == SigningScheme::aws ? "Credential=" : "KeyId=", &credential},
      {"SignedHeaders=", &out.signed_names},
      {"Signature=", &out.signature}};
  const bool read = each_piece(parameters, ',', [&](std::string_view piece) {
    piece = trim(piece);
    const auto* found = std::ranges::find_if(known, [&](const auto& entry) { return piece.starts_with(entry.first); });
    if (found == std::end(known) || !found->second->empty()) return false;
    *found->second = piece.substr(found->first.size());
    return true;
  });
  const bool split = scheme == SigningScheme::aws ? split_credential(credential, out) : !(out.key_id = credential).empty();
  if (!read || !split || out.key_id.empty() || out.signed_names.empty() || !is_hash(out.signature)) {
    return refuse(scheme == SigningScheme::aws
                      ? "Authorization must be 'AWS4-HMAC-SHA256 Credential=ID/DAY/REGION/SERVICE/aws4_request, SignedHeaders=…, "
                        "Signature=…'"
                      : "Authorization must be 'CARDEA-HMAC-SHA256 KeyId=…, SignedHeaders=…, Signature=…'");
  }
  return out;
}

std::size_t NonceWindow::Hash::operator()(const net::Digest& digest) const noexcept {
  std::size_t out = 0;
  std::memcpy(&out, digest.data(), sizeof out);
  return out;
}

Status NonceWindow::take(std::string_view key_id, std::string_view nonce, std::int64_t until, std::int64_t now) {
  const std::string_view pieces[] = {key_id, "\n", nonce};
  const net::Digest digest = net::sha256(pieces);
  Part& part = parts_[std::hash<std::string_view>{}(key_id) % parts];
  const std::lock_guard lock{part.mutex};
  // Now and then all that is over goes; a full part looks once a second, not at every request.
  if (part.used.size() >= part.sweep_at && part.swept != now) {
    part.swept = now;
    std::erase_if(part.used, [now](const auto& entry) { return entry.second < now; });
    part.sweep_at = std::clamp(part.used.size() * 2, std::size_t{1024}, part_max);
  }
  const auto found = part.used.find(digest);
  if (found != part.used.end()) return refuse("its nonce was used before; sign each request with a new one");
  if (part.used.size() >= part_max) {
    return fail(Kind::unavailable,
                "Too many signed requests within ten minutes; their nonces are remembered. Try again shortly.");
  }
  part.used.emplace(digest, until);
  return {};
}

Signatures::Signatures(const Vault& vault, std::int64_t started) : vault_{vault}, started_{started} {
  std::string random(32, '\0');
  net::random_bytes({reinterpret_cast<std::uint8_t*>(random.data()), random.size()});  // NOLINT
  decoy_ = vault_.seal(context_of(""), random);
}

std::string Signatures::context_of(std::string_view key_id) { return cat("key/", key_id, "/secret"); }

Result<BodyProof> Signatures::verify(const wire::RequestHead& head, const SignatureHeader& sent, const Holder* holder,
                                     std::int64_t now) const {
  const Dialect& dialect = dialect_of(sent.scheme);
  auto headers = read_headers(head, sent);
  if (!headers) return fail_with(headers);
  const std::string_view time_text = value_of(*headers, dialect.date);
  auto time = read_time(time_text, dialect.date, now);
  if (!time) return fail_with(time);
  const bool aws = sent.scheme == SigningScheme::aws;
  if (aws && !sent.scope.starts_with(cat(time_text.substr(0, 8), '/')))
    return refuse("the day of Credential is not that of x-amz-date");
  // AWS sorts parameters by value too, so that who reads the first of a name could be given another one.
  if (aws && has_repeated_parameter(head.query())) return refuse("a query parameter is there twice");
  const std::string_view nonce = dialect.nonce.empty() ? std::string_view{} : value_of(*headers, dialect.nonce);
  if (!aws && (nonce.size() < nonce_bytes_min || nonce.size() > nonce_bytes_max)) {
    return refuse(cat(dialect.nonce, " must have ", nonce_bytes_min, " to ", nonce_bytes_max, " bytes"));
  }
  if (!aws && *time <= started_) return refuse("it was signed before this gateway started; sign anew");
  const std::string_view body_hash = value_of(*headers, dialect.body_hash);
  if (!body_hash.empty() && !is_hash(body_hash)) {
    return refuse(cat(dialect.body_hash, " must be the SHA-256 of the body; unsigned and streamed payloads are not taken"));
  }
  if (!aws && body_hash.empty()) return refuse(cat(dialect.body_hash, " is empty"));

  const std::string target = head.query().empty() ? std::string{head.path()} : cat(head.path(), '?', head.query());
  Claim claim{.scheme = sent.scheme,
              .canonical = wire::canonical_request(
                  {.method = head.method_text(), .target = target, .headers = *headers, .body_hash = {}}, dialect.canonical),
              .time = std::string{time_text},
              .scope = std::string{sent.scope},
              .signature = std::string{sent.signature},
              .secrets = {}};
  if (holder != nullptr) {
    for (const Holder::Credential& credential : holder->credentials) {
      if (credential.sealed.empty() || credential.until <= now) continue;
      Result<Secret> secret = vault_.open(context_of(holder->id), credential.sealed);
      if (!secret) return fail(Kind::internal, "the value of a key that signs cannot be opened");
      claim.secrets.push_back(std::move(*secret));
    }
  }
  claim.known = !claim.secrets.empty();
  if (!claim.known) {
    Result<Secret> secret = vault_.open(context_of(""), decoy_);
    if (secret) claim.secrets.push_back(std::move(*secret));
  }
  if (body_hash.empty()) {
    auto judge = [claim = std::move(claim)](const net::Digest& body) -> Status {
      if (!claim.holds(to_hex(bytes_of(body)))) return wrong_signature();
      return {};
    };
    return BodyProof{.judge = std::move(judge), .open = BodyProof::Open::the_signer};
  }
  if (!claim.holds(body_hash)) return wrong_signature();
  // Last, so that only who can sign takes room.
  if (!nonce.empty()) {
    if (Status fresh = nonces_.take(sent.key_id, nonce, *time + signing_skew, now); !fresh) return fail_with(fresh);
  }
  auto judge = [expected = std::string{body_hash}](const net::Digest& body) -> Status {
    if (!constant_time_equal(to_hex(bytes_of(body)), expected)) return wrong_body();
    return {};
  };
  return BodyProof{.judge = std::move(judge), .open = BodyProof::Open::the_body};
}

}  // namespace cardea::access
