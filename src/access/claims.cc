#include "access/claims.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace cardea::access {
namespace {

/// A text, a list of texts, or words with spaces between (RFC 6749 §3.3, as scopes are). std::nullopt: something else.
std::optional<std::vector<std::string>> words_of(const json::Value& claim) {
  std::vector<std::string> out;
  if (const auto* text = claim.as_string()) {
    std::string_view rest = *text;
    while (!rest.empty()) {
      const auto end = rest.find(' ');
      if (end != 0) out.emplace_back(rest.substr(0, end));
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
    return out;
  }
  if (!claim.is(json::Type::array)) return std::nullopt;
  for (const auto& element : claim.elements()) {
    if (element.as_string() == nullptr) return std::nullopt;
    out.push_back(*element.as_string());
  }
  return out;
}

std::unexpected<Error> strange(std::string_view name) {
  return fail(Kind::forbidden, cat("The issuer's claim '", name, "' is not of the form that this gateway maps."));
}

/// Fills `out` by the claim, unless the configuration has fixed it.
Status take(const json::Value& claims, std::string_view name, std::string& out) {
  const auto* claim = name.empty() || !out.empty() ? nullptr : find_claim(claims, name);
  if (claim == nullptr) return {};
  if (claim->as_string() == nullptr) return strange(name);
  out = *claim->as_string();
  return {};
}

/// Nobody has checked it: whoever has an account there could have written it.
bool unchecked(const json::Value& claims) {
  const auto* verified = claims.find("email_verified");
  if (verified == nullptr) return false;
  const auto* text = verified->as_string();
  return verified->as_bool() != true && (text == nullptr || *text != "true");
}

}  // namespace

const json::Value* find_claim(const json::Value& claims, std::string_view name) noexcept {
  if (const auto* whole = claims.find(name)) return whole;
  for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    const auto* inside = claims.find(name.substr(0, dot));
    if (inside == nullptr) continue;
    if (const auto* found = find_claim(*inside, name.substr(dot + 1))) return found;
  }
  return nullptr;
}

Result<IdentityClaims> identity_of(const json::Value& claims, std::string_view issuer, std::int64_t expires,
                                   const config::Mapping& mapping) {
  IdentityClaims out;
  out.issuer = issuer;
  out.expires = expires;
  out.place = mapping.place;
  out.role = mapping.role;
  const auto& names = mapping.claims;
  const auto* subject = find_claim(claims, names.subject);
  if (subject == nullptr || subject->as_string() == nullptr || subject->as_string()->empty()) {
    return fail(Kind::unauthenticated, cat("The token does not say whose it is (claim '", names.subject, "')."));
  }
  out.subject = *subject->as_string();
  if (!unchecked(claims)) {
    if (auto taken = take(claims, names.email, out.email); !taken) return fail_with(taken);
  }
  for (auto [name, to] : {std::pair{&names.organization, &out.place.organization},
                          {&names.team, &out.place.team},
                          {&names.project, &out.place.project}}) {
    if (auto taken = take(claims, *name, *to); !taken) return fail_with(taken);
  }
  if (const auto* claim = names.role.empty() ? nullptr : find_claim(claims, names.role)) {
    const auto words = words_of(*claim);
    if (!words) return strange(names.role);
    for (const auto& [word, role] : mapping.roles) {
      if (std::ranges::find(*words, word) != words->end()) out.role = std::max(out.role, role);
    }
  }
  if (const auto* claim = names.models.empty() ? nullptr : find_claim(claims, names.models)) {
    out.models = words_of(*claim);
    if (!out.models) return strange(names.models);
  }
  return out;
}

}  // namespace cardea::access
