#include "access/principal.h"

#include <algorithm>

#include "base/text.h"
#include "base/time.h"

namespace cardea::access {
namespace {

constexpr unsigned bit(Permission permission) { return 1U << static_cast<unsigned>(permission); }

/// What each role may, in the order of config::Role. An auditor looks on and calls no model.
constexpr std::array<unsigned, 6> roles{
    bit(Permission::call),                                                                               // key
    bit(Permission::call),                                                                               // member
    bit(Permission::read),                                                                               // auditor
    bit(Permission::call) | bit(Permission::read) | bit(Permission::operate),                            // operator
    bit(Permission::call) | bit(Permission::read) | bit(Permission::operate) | bit(Permission::manage),  // admin
    bit(Permission::call) | bit(Permission::read) | bit(Permission::operate) | bit(Permission::manage) | bit(Permission::own),
};

/// A name of a list: a text, or the beginning of one where it ends in '*'.
bool name_holds(std::string_view pattern, std::string_view name) noexcept {
  if (!pattern.ends_with('*')) return pattern == name;
  pattern.remove_suffix(1);
  return name.starts_with(pattern);
}
bool name_covers(std::string_view outer, std::string_view inner) noexcept {
  if (!outer.ends_with('*')) return outer == inner;
  outer.remove_suffix(1);
  return inner.starts_with(outer);  // the inner one's own '*' stands for what follows, so a longer beginning is narrower
}

std::string level_name(const Tenant* tenant) { return tenant == nullptr ? std::string{"The caller"} : tenant->title(); }

std::unexpected<Error> may_not(const Tenant* tenant, std::string_view what, std::string_view name, std::string_view code) {
  return fail(Kind::forbidden, Error::Detail{.message = cat(level_name(tenant), " may not use ", what, " '", name, "'."),
                                             .code = std::string{code}});
}

}  // namespace

bool permits(Role role, Permission permission) noexcept { return (roles[static_cast<std::size_t>(role)] & bit(permission)) != 0; }

bool holds(const std::vector<std::string>& list, std::string_view name) noexcept {
  return std::ranges::any_of(list, [&](const std::string& pattern) { return name_holds(pattern, name); });
}

bool covers(const std::vector<std::string>& outer, const std::vector<std::string>& inner) noexcept {
  return std::ranges::all_of(inner, [&](const std::string& one) {
    return std::ranges::any_of(outer, [&](const std::string& pattern) { return name_covers(pattern, one); });
  });
}

Result<std::shared_ptr<const Standing>> Standing::make(config::Grant grant) {
  auto made = std::make_shared<Standing>();
  Standing& out = *made;
  if (!grant.expires.empty()) {
    const auto expires = parse_time(grant.expires);
    if (!expires) {
      return fail(Kind::config, cat("'", grant.expires, "' is not a time: write it as 2027-01-31T00:00:00Z or 2027-01-31"),
                  "expires");
    }
    out.expires = *expires;
  }
  Result<net::IpList> allow = net::IpList::parse(grant.allow_ips);
  if (!allow) return fail(Kind::config, std::string{allow.error().message()}, "allow_ips");
  Result<net::IpList> deny = net::IpList::parse(grant.deny_ips);
  if (!deny) return fail(Kind::config, std::string{deny.error().message()}, "deny_ips");
  out.allow = std::move(*allow);
  out.deny = std::move(*deny);
  out.grant = std::move(grant);
  return made;
}

std::shared_ptr<const Standing> Standing::open() {
  static const auto nothing = std::make_shared<const Standing>();
  return nothing;
}

std::string Tenant::title() const {
  static constexpr std::array<std::string_view, 4> names{"Organization", "Team", "Project", "End user"};
  return cat(names[static_cast<std::size_t>(level)], " '", id, "'");
}

template <class Check>
Status Principal::each_level(const Check& check) const {
  if (end_user_ != nullptr) {
    if (Status behind = check(*end_user_->standing, end_user_.get()); !behind) return behind;
  }
  if (holder_ == nullptr) return {};
  if (Status own = check(*holder_->standing, nullptr); !own) return own;
  for (const Tenant* at = holder_->tenant.get(); at != nullptr; at = at->parent.get()) {
    if (Status above = check(*at->standing, at); !above) return above;
  }
  return {};
}

Principal::Principal(std::shared_ptr<const Holder> holder) noexcept : holder_{std::move(holder)} {}

Principal Principal::operator_of_this_machine() {
  auto holder = std::make_shared<Holder>();
  holder->id = holder->name = holder->owner = "local-admin";
  holder->role = Role::owner;
  return Principal{std::move(holder)};
}

bool Principal::restricted(List list) const noexcept {
  return !each_level([&](const Standing& standing, const Tenant*) -> Status {
    if ((standing.grant.*list).has_value()) return fail(Kind::forbidden);
    return {};
  });
}

Status Principal::check(const Use& use) const {
  return each_level([&](const Standing& standing, const Tenant* tenant) -> Status {
    const config::Grant& grant = standing.grant;
    if (grant.dialects && !use.dialect.empty() && !holds(*grant.dialects, use.dialect)) {
      return may_not(tenant, "the dialect", use.dialect, "dialect_not_allowed");
    }
    if (grant.providers && !use.provider.empty() && !holds(*grant.providers, use.provider)) {
      return may_not(tenant, "the provider", use.provider, "provider_not_allowed");
    }
    if (grant.models && !use.model.empty() && !holds(*grant.models, use.model) &&
        !holds(*grant.models, cat(use.provider, "/", use.upstream_model))) {
      return may_not(tenant, "the model", use.model, "model_not_allowed");
    }
    return {};
  });
}

Status Principal::check_tool(std::string_view name) const {
  return each_level([&](const Standing& standing, const Tenant* tenant) -> Status {
    if (standing.grant.tools && !holds(*standing.grant.tools, name)) return may_not(tenant, "the tool", name, "tool_not_allowed");
    return {};
  });
}

Status Principal::check_standing(std::int64_t now, std::string_view address) const {
  return each_level([&](const Standing& standing, const Tenant* tenant) -> Status {
    if (standing.expires <= now) return fail(Kind::unauthenticated, cat(level_name(tenant), " has expired."));
    if (standing.grant.blocked == config::Switch::on) {
      return fail(Kind::forbidden, Error::Detail{.message = cat(level_name(tenant), " is blocked."), .code = "blocked"});
    }
    if (standing.allow.empty() && standing.deny.empty()) return {};
    const auto from = net::Address::ip(address, 0);
    const bool welcome = from && !standing.deny.holds(*from) && (standing.allow.empty() || standing.allow.holds(*from));
    if (welcome) return {};
    return fail(Kind::forbidden, Error::Detail{.message = cat(level_name(tenant), " may not be used from this address."),
                                               .code = "address_not_allowed"});
  });
}

}  // namespace cardea::access
