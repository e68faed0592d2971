#include "admin/litellm_forms.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/time.h"
#include "json/writer.h"

namespace cardea::admin::litellm {
namespace {

using json::Value;

/// How a value gets from LiteLLM's form into Cardea's.
enum class Turn : std::uint8_t {
  as_is,
  id,        ///< names the thing
  place,     ///< a text; empty is none
  models,    ///< names; none, or one that says all of the team's, leaves the list out
  money,     ///< with `budget_duration`: a budget
  period,    ///< taken by `money`
  expiry,    ///< a duration from now on
  metadata,  ///< texts by name; other values as JSON
  note,      ///< kept in the metadata under its own name
  role,
  ignored,  ///< says nothing that matters here
};

/// One field. `things`: bits, 1 << Thing.
struct Row {
  std::string_view theirs;
  std::string_view ours;
  Turn turn;
  unsigned things;
};
constexpr unsigned bit(Thing thing) { return 1U << static_cast<unsigned>(thing); }
constexpr unsigned organizations = bit(Thing::organization), teams = bit(Thing::team), keys = bit(Thing::key),
                   customers = bit(Thing::user), users = bit(Thing::member);
constexpr unsigned all = organizations | teams | keys | customers | users;

constexpr Row rows[] = {
    {"organization_alias", "title", Turn::as_is, organizations},
    {"team_alias", "title", Turn::as_is, teams},
    {"alias", "title", Turn::as_is, customers},
    {"key_alias", "name", Turn::as_is, keys},
    {"organization_id", "id", Turn::id, organizations},
    {"organization_id", "organization", Turn::place, teams | keys},
    {"team_id", "id", Turn::id, teams},
    {"team_id", "team", Turn::place, keys | users},
    {"user_id", "id", Turn::id, customers | users},
    {"user_id", "user_id", Turn::note, keys},
    {"user_email", "identity", Turn::as_is, users},
    {"user_alias", "user_alias", Turn::note, users},
    {"user_role", "role", Turn::role, users},
    {"key", "key", Turn::as_is, keys},
    {"models", "models", Turn::models, all},
    {"max_budget", "budgets", Turn::money, all},
    {"budget_duration", "budgets", Turn::period, all},
    {"tpm_limit", "tokens_per_minute", Turn::as_is, all},
    {"rpm_limit", "requests_per_minute", Turn::as_is, all},
    {"max_parallel_requests", "concurrency", Turn::as_is, all},
    {"duration", "expires", Turn::expiry, keys | users},
    {"blocked", "blocked", Turn::as_is, all},
    {"tags", "tags", Turn::as_is, all},
    {"metadata", "metadata", Turn::metadata, all},
    {"allowed_routes", "", Turn::ignored, 0},
    {"spend", "", Turn::ignored, all},
    {"key_type", "", Turn::ignored, keys},
    {"send_invite_email", "", Turn::ignored, keys | users},
    {"auto_create_key", "", Turn::ignored, users},
    {"members_with_roles", "", Turn::ignored, teams},  // made besides, each for itself
    {"object", "", Turn::ignored, all},
};

const Row* find(Thing thing, std::string_view name) {
  const auto row =
      std::ranges::find_if(rows, [&](const Row& one) { return one.theirs == name && (one.things & bit(thing)) != 0; });
  return row == std::end(rows) ? nullptr : row;
}

bool says_nothing(const Value& value) {
  return value.is(json::Type::null) || value.as_bool() == false || (value.as_string() != nullptr && value.as_string()->empty()) ||
         (value.is(json::Type::array) && value.elements().empty()) || (value.is(json::Type::object) && value.members().empty());
}

struct NamePair {
  std::string_view theirs, ours;
};
constexpr NamePair periods[] = {{"1h", "hour"},   {"60m", "hour"},    {"1d", "day"},       {"24h", "day"},  {"7d", "week"},
                                {"1w", "week"},   {"30d", "month"},   {"1mo", "month"},    {"1M", "month"}, {"hourly", "hour"},
                                {"daily", "day"}, {"weekly", "week"}, {"monthly", "month"}};
constexpr NamePair roles[] = {{"proxy_admin", "admin"},
                              {"proxy_admin_viewer", "auditor"},
                              {"org_admin", "admin"},
                              {"internal_user", "member"},
                              {"internal_user_viewer", "member"},
                              {"team", "member"},
                              {"customer", "member"},
                              {"admin", "admin"},
                              {"user", "member"}};

const NamePair* find_pair(std::span<const NamePair> pairs, std::string_view theirs) {
  const auto found = std::ranges::find(pairs, theirs, &NamePair::theirs);
  return found == pairs.end() ? nullptr : &*found;
}

std::unexpected<Error> wrong(std::string_view field, std::string_view what) {
  return fail(Kind::bad_request, cat(field, ": ", what), std::string{field});
}

/// A number as it is, whatever its spelling: LiteLLM's clients send 100, 100.0 and "100".
Result<Value> budgets_of(const Value& amount, const Value* duration) {
  if (amount.is(json::Type::null)) return Value{};
  const std::string* text = amount.as_number() != nullptr ? amount.as_number() : amount.as_string();
  if (text == nullptr) return wrong("max_budget", "it is a number of US dollars");
  std::string_view per = "total";
  if (duration != nullptr && !duration->is(json::Type::null)) {
    const std::string* name = duration->as_string();
    const NamePair* pair = name != nullptr ? find_pair(periods, *name) : nullptr;
    if (pair == nullptr) return wrong("budget_duration", "it is one of 1h, 1d, 7d, 30d");
    per = pair->ours;
  }
  Value budget = Value::object();
  budget.set("amount", Value::string(*text));
  budget.set("per", Value::string(std::string{per}));
  return Value::array({std::move(budget)});
}

Value models_of(const Value& list) {
  const auto everything = [](const Value& one) {
    return one.as_string() != nullptr &&
           (*one.as_string() == "all-team-models" || *one.as_string() == "all-proxy-models" || *one.as_string() == "*");
  };
  if (!list.is(json::Type::array)) return list;
  if (list.elements().empty() || std::ranges::any_of(list.elements(), everything)) return {};
  return list;
}

Value metadata_of(const Value& metadata) {
  if (!metadata.is(json::Type::object)) return metadata;
  Value out = Value::object();
  for (const auto& [name, value] : metadata.members()) {
    out.set(name, value.is(json::Type::null) || value.as_string() != nullptr ? value : Value::string(value.dump()));
  }
  return out;
}

/// Adds texts to a form's metadata.
void note(Value& form, std::string_view name, const Value& value) {
  if (form.find("metadata") == nullptr) form.set("metadata", Value::object());
  Value* metadata = form.find("metadata");
  if (metadata->is(json::Type::object)) metadata->set(name, value);
}

Result<Value> expiry_of(const Value& duration, std::int64_t now) {
  if (duration.is(json::Type::null)) return Value{};
  const std::string* text = duration.as_string();
  if (text != nullptr && *text == "-1") return Value{};
  const auto span = text != nullptr ? parse_span(*text) : std::nullopt;
  if (!span) return wrong("duration", "it is a time such as 30s, 30m, 24h, 30d");
  return Value::string(show_time(now + span->count()));
}

Result<Value> role_of(const Value& role) {
  if (role.is(json::Type::null)) return Value{};
  const NamePair* pair = role.as_string() != nullptr ? find_pair(roles, *role.as_string()) : nullptr;
  if (pair == nullptr) {
    return wrong("user_role", "it is one of proxy_admin, proxy_admin_viewer, internal_user, internal_user_viewer");
  }
  return Value::string(std::string{pair->ours});
}

Status turn(const Row& row, const Value& value, const Value& body, std::int64_t now, Value& form) {
  const auto put = [&](Result<Value> made) -> Status {
    if (!made) return fail_with(made);
    form.set(row.ours, std::move(*made));
    return {};
  };
  switch (row.turn) {
    case Turn::as_is: return put(value);
    case Turn::id:
    case Turn::place: return put(says_nothing(value) ? Value{} : value);
    case Turn::models: return put(models_of(value));
    case Turn::money: return put(budgets_of(value, body.find("budget_duration")));
    case Turn::period:
      if (body.find("max_budget") != nullptr || value.is(json::Type::null)) return {};
      return wrong("budget_duration", "say max_budget besides");
    case Turn::expiry: return put(expiry_of(value, now));
    case Turn::metadata:
      if (!value.is(json::Type::object)) return put(value);
      for (const auto& [name, text] : metadata_of(value).members()) note(form, name, text);
      return {};
    case Turn::note: note(form, row.ours, value); return {};
    case Turn::role: return put(role_of(value));
    case Turn::ignored: return {};
  }
  return {};
}

// Back.

const Value* first_budget(const Value& shown) {
  const Value* budgets = shown.find("budgets");
  return budgets != nullptr && !budgets->elements().empty() ? &budgets->elements().front() : nullptr;
}

Value number_of(const Value* amount) {
  if (amount == nullptr) return {};
  if (amount->as_string() != nullptr) return Value::number(*amount->as_string());
  return *amount;
}

Value period_of(const Value* budget) {
  const std::string per = budget != nullptr ? text_at(*budget, "per") : std::string{};
  const auto found = std::ranges::find(periods, per, &NamePair::ours);
  return found == std::end(periods) ? Value{} : Value::string(std::string{found->theirs});
}

Value user_role_of(const Value& shown) {
  const std::string ours = text_at(shown, "role");
  if (ours == "owner") return Value::string("proxy_admin");
  const std::string_view member = ours.empty() ? "member" : std::string_view{ours};
  if (member == "member") return Value::string("internal_user");
  const auto found = std::ranges::find(roles, member, &NamePair::ours);
  return Value::string(found == std::end(roles) ? ours : std::string{found->theirs});
}

Value back(const Row& row, const Value& shown) {
  const Value* value = shown.find(row.ours);
  switch (row.turn) {
    case Turn::models: return value != nullptr ? *value : Value::array();
    case Turn::money: return number_of(first_budget(shown) != nullptr ? first_budget(shown)->find("amount") : nullptr);
    case Turn::period: return period_of(first_budget(shown));
    case Turn::metadata: return value != nullptr ? *value : Value::object();
    case Turn::role: return user_role_of(shown);
    case Turn::note: {
      const Value* metadata = shown.find("metadata");
      const Value* noted = metadata != nullptr ? metadata->find(row.ours) : nullptr;
      return noted != nullptr ? *noted : Value{};
    }
    case Turn::as_is:
      if (row.theirs == "blocked") return Value::boolean(value != nullptr && value->as_bool() == true);
      if (row.theirs == "tags" && value == nullptr) return Value::array();
      [[fallthrough]];
    default: return value != nullptr ? *value : Value{};
  }
}

}  // namespace

Result<Value> to_patch(Thing thing, const Value& body, std::int64_t now) {
  Value form = Value::object();
  for (const auto& [name, value] : body.members()) {
    const Row* row = find(thing, name);
    if (row != nullptr) {
      if (Status turned = turn(*row, value, body, now, form); !turned) return fail_with(turned);
    } else if (!says_nothing(value)) {
      return wrong(name, "this gateway has no such field of LiteLLM's; leave it out");
    }
  }
  return form;
}

Result<Value> to_form(Thing thing, const Value& body, std::int64_t now) {
  Result<Value> form = to_patch(thing, body, now);
  if (!form) return form;
  std::erase_if(form->edit_members(), [](const Value::Member& member) { return member.second.is(json::Type::null); });
  if (Value* metadata = form->find("metadata"); metadata != nullptr && metadata->is(json::Type::object)) {
    std::erase_if(metadata->edit_members(), [](const Value::Member& member) { return member.second.is(json::Type::null); });
  }
  return form;
}

Value to_row(Thing thing, const Value& shown) {
  Value out = Value::object();
  for (const Row& row : rows) {
    // A key's own value is shown to nobody a second time.
    const bool wanted =
        (row.things & bit(thing)) != 0 && row.turn != Turn::ignored && row.turn != Turn::expiry && row.theirs != "key";
    if (wanted) out.set(row.theirs, back(row, shown));
  }
  const auto copy = [&](std::string_view theirs, std::string_view ours) {
    const Value* value = shown.find(ours);
    out.set(theirs, value != nullptr ? *value : Value{});
  };
  copy("created_at", "created_at");
  copy("updated_at", "changed_at");
  if (thing == Thing::key) {
    copy("token", "id");
    copy("token_id", "id");
    copy("expires", "expires");
    const std::string hint = text_at(shown, "hint");
    out.set("key_name", hint.empty() ? Value{} : Value::string(cat("sk-...", hint)));
  }
  return out;
}

std::string_view id_field(Thing thing) noexcept {
  switch (thing) {
    case Thing::organization: return "organization_id";
    case Thing::team: return "team_id";
    case Thing::key: return "token";
    default: return "user_id";
  }
}

}  // namespace cardea::admin::litellm
