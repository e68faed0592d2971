// Every field of who may call and what they may: keys, tenants, end users, members. See tables.cc.

#include "config/tables.h"

namespace cardea::config {
namespace {

constexpr Field budget_fields[] = {
    field<&Budget::amount>(
        "amount", {.doc = "US dollars.", .example = "100", .unit = "USD", .also = "usd,max_budget,limit", .required = true}),
    field<&Budget::per>("per",
                        {.doc = "In which time; total is for good.", .example = "month", .also = "period,budget_duration"}),
};

/// What each level of the tenancy may carry, where it is found in the level's own struct.
template <auto Grant_>
constexpr std::array grant_rows{
    field<Grant_, &Grant::models>(
        "models", {.doc = "Models that may be asked, by the name asked for or as provider/model; * at the end is any rest. "
                          "Left out: as above. A list narrows what is above, it never widens it.",
                   .example = "[openai/gpt-4o-mini, \"mistral/*\"]",
                   .also = "allowed_models"}),
    field<Grant_, &Grant::providers>(
        "providers", {.doc = "Providers that may be asked.", .example = "[openai, mistral]", .also = "allowed_providers"}),
    field<Grant_, &Grant::dialects>("dialects",
                                    {.doc = "Dialects that may be spoken to the gateway.", .example = "[openai, anthropic]"}),
    field<Grant_, &Grant::tools>(
        "tools", {.doc = "Tools that a request may offer, by name.", .example = "[\"search_*\"]", .also = "allowed_tools"}),
    field<Grant_, &Grant::rates, &Rates::requests_per_second>(
        "requests_per_second", {.doc = "Most requests a second; 0 is no limit. Kept now, enforced by a later version.",
                                .example = "50",
                                .also = "qps,rps"}),
    field<Grant_, &Grant::rates, &Rates::requests_per_minute>(
        "requests_per_minute", {.doc = "Most requests a minute; 0 is no limit. Kept now, enforced by a later version.",
                                .example = "600",
                                .also = "rpm,rpm_limit"}),
    field<Grant_, &Grant::rates, &Rates::requests_per_day>(
        "requests_per_day",
        {.doc = "Most requests a day; 0 is no limit. Kept now, enforced by a later version.", .example = "10000", .also = "rpd"}),
    field<Grant_, &Grant::rates, &Rates::tokens_per_minute>(
        "tokens_per_minute", {.doc = "Most tokens a minute; 0 is no limit. Kept now, enforced by a later version.",
                              .example = "100000",
                              .also = "tpm,tpm_limit"}),
    field<Grant_, &Grant::rates, &Rates::tokens_per_day>(
        "tokens_per_day",
        {.doc = "Most tokens a day; 0 is no limit. Kept now, enforced by a later version.", .example = "5000000", .also = "tpd"}),
    field<Grant_, &Grant::concurrency>("concurrency",
                                       {.doc = "Most requests at a time; 0 is no limit. Kept now, enforced by a later version.",
                                        .example = "20",
                                        .also = "max_parallel_requests"}),
    field<Grant_, &Grant::budgets>("budgets", {.doc = "Most money in a time. Kept now, enforced by a later version.",
                                               .example = "[{amount: 100, per: month}]",
                                               .also = "budget,max_budget"}),
    field<Grant_, &Grant::allow_ips>("allow_ips", {.doc = "Client addresses and networks that may call; none: all.",
                                                   .example = "[10.0.0.0/8, \"2001:db8::/32\"]",
                                                   .also = "ips,allowed_ips"}),
    field<Grant_, &Grant::deny_ips>("deny_ips",
                                    {.doc = "Client addresses and networks that may not.", .example = "[10.9.0.0/16]"}),
    field<Grant_, &Grant::expires>("expires", {.doc = "From then on it is as if it were not there (RFC 3339).",
                                               .example = "2027-01-01T00:00:00Z",
                                               .also = "expires_at,duration"}),
    field<Grant_, &Grant::blocked>("blocked", {.doc = "Nothing passes until this is off again.", .example = "on"}),
    field<Grant_, &Grant::tags>("tags", {.doc = "Words that records and routing rules can use.", .example = "[batch, eu]"}),
    field<Grant_, &Grant::metadata>("metadata",
                                    {.doc = "Texts of your own, kept beside it.", .example = "{cost_center: \"4711\"}"}),
    field<Grant_, &Grant::route>(
        "route",
        {.doc = "Name of a routing profile. Kept now, enforced by a later version.", .example = "cheap", .also = "routing"}),
    field<Grant_, &Grant::guard>(
        "guard",
        {.doc = "Name of a guard profile. Kept now, enforced by a later version.", .example = "strict", .also = "guardrails"}),
};

constexpr std::array organization_rows{
    field<&Organization::title>("title", {.doc = "Shown to people.", .example = "Acme Ltd", .also = "name,organization_alias"}),
};
constexpr auto organization_fields = join(organization_rows, grant_rows<&Organization::grant>);
constexpr std::array team_rows{
    field<&Team::title>("title", {.doc = "Shown to people.", .example = "Research", .also = "name,team_alias"}),
    field<&Team::organization>("organization",
                               {.doc = "The organisation it belongs to.", .example = "acme", .also = "organization_id,org"}),
};
constexpr auto team_fields = join(team_rows, grant_rows<&Team::grant>);
constexpr std::array project_rows{
    field<&Project::title>("title", {.doc = "Shown to people.", .example = "Search", .also = "name,project_alias"}),
    field<&Project::team>("team", {.doc = "The team it belongs to.", .example = "research", .also = "team_id", .required = true}),
};
constexpr auto project_fields = join(project_rows, grant_rows<&Project::grant>);
constexpr std::array user_rows{
    field<&EndUser::title>("title", {.doc = "Shown to people.", .example = "Ann", .also = "name,alias"}),
};
constexpr auto user_fields = join(join(user_rows, place_rows<&EndUser::place>), grant_rows<&EndUser::grant>);
constexpr std::array member_rows{
    field<&Member::identity>("identity", {.doc = "Email or subject, as who vouches for it says it.",
                                          .example = "ann@acme.example",
                                          .also = "email,subject,user_id",
                                          .required = true}),
    field<&Member::issuer>(
        "issuer",
        {.doc = "Who vouches for it; left out: any that is configured.", .example = "https://login.acme.example", .also = "iss"}),
    field<&Member::role>("role", {.doc = "What it may do there and below.", .example = "admin"}),
};
constexpr auto member_fields = join(join(member_rows, place_rows<&Member::place>), grant_rows<&Member::grant>);

constexpr std::array key_rows{
    field<&GatewayKey::name>(
        "name", {.doc = "Shown in logs and metrics instead of the key.", .example = "laptop", .also = "key_alias,alias"}),
    field<&GatewayKey::key>("key",
                            {.doc = "The secret that clients send.", .example = "${MY_KEY}", .also = "value,secret,api_key"}),
    field<&GatewayKey::role>("role",
                             {.doc = "What its holder may do: key calls models; auditor reads the administration and calls no "
                                     "model; operator, admin and owner may do more of it.",
                              .example = "admin"}),
    field<&GatewayKey::signing>(
        "signing", {.doc = "It signs requests (docs/request-signing.md), so its value is kept, sealed: on, beside being "
                           "sent as it is; required, only so.",
                    .example = "required"}),
};
constexpr auto key_fields = join(join(key_rows, place_rows<&GatewayKey::place>), grant_rows<&GatewayKey::grant>);

constexpr Table key_table = placed_table<GatewayKey>("key", "A gateway key", key_fields, "key");
constexpr Table budget_table = table<Budget>("budget", "Most money in a time", budget_fields);
constexpr Table organization_table = placed_table<Organization>("organization", "An organisation", organization_fields);
constexpr Table team_table = placed_table<Team>("team", "A team", team_fields);
constexpr Table project_table = placed_table<Project>("project", "A project", project_fields);
constexpr Table user_table = placed_table<EndUser>("user", "An end user", user_fields);
constexpr Table member_table = placed_table<Member>("member", "A role of somebody without a key", member_fields);

}  // namespace

template <>
const Table& table_of<GatewayKey>() {
  return key_table;
}
template <>
const Table& table_of<Budget>() {
  return budget_table;
}
template <>
const Table& table_of<Organization>() {
  return organization_table;
}
template <>
const Table& table_of<Team>() {
  return team_table;
}
template <>
const Table& table_of<Project>() {
  return project_table;
}
template <>
const Table& table_of<EndUser>() {
  return user_table;
}
template <>
const Table& table_of<Member>() {
  return member_table;
}

}  // namespace cardea::config
