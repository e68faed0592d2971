// What scripts written for LiteLLM's proxy call, in its own words.

#include <algorithm>
#include <array>

#include "admin/actions.h"
#include "admin/litellm_forms.h"
#include "base/text.h"
#include "config/settings.h"
#include "net/handover.h"

namespace cardea::admin {
namespace {

using json::Value;
using litellm::id_field;
using litellm::to_form;
using litellm::to_patch;
using litellm::to_row;

AdminAnswer said(const Value& value) { return {.body = value.dump()}; }

std::unexpected<Error> needed(std::string_view field) {
  return fail(Kind::bad_request, cat(field, ": it is needed"), std::string{field});
}

Value row_of(Thing thing, const Shown& shown) {
  Result<Value> value = json::parse(shown.json);
  return value ? to_row(thing, *value) : Value::object();
}

/// A key by its value, its token (here: its id) or its alias' place. What names nothing is taken for an id.
std::string key_id(const Parts& parts, const AdminCall& call, std::string_view named) {
  const auto holder = parts.registry.directory()->find(named, call.now);
  return holder != nullptr ? holder->id : std::string{named};
}

/// Names in `field`, one or several.
std::vector<std::string> names_at(const Value& body, std::string_view field) {
  std::vector<std::string> out;
  const Value* value = body.find(field);
  if (value == nullptr) return out;
  if (value->as_string() != nullptr) out.push_back(*value->as_string());
  for (const Value& one : value->elements()) {
    if (one.as_string() != nullptr) out.push_back(*one.as_string());
  }
  return out;
}

Value list_of(const std::vector<std::string>& names) {
  std::vector<Value> out;
  for (const std::string& name : names) out.push_back(Value::string(name));
  return Value::array(std::move(out));
}

/// All pages.
Result<std::vector<Shown>> everything(const Parts& parts, const AdminCall& call, access::ListQuery query) {
  std::vector<Shown> out;
  query.limit = page_limit_max;
  for (std::string after;;) {
    query.after = after;
    Result<std::vector<Shown>> page = parts.registry.list(query, call.principal);
    if (!page) return page;
    const bool last = page->size() < query.limit;
    std::ranges::move(*page, std::back_inserter(out));
    if (last) return out;
    after = out.back().id;
  }
}

// The registry's calls, awaited.

net::Task<Result<Made>> make(Parts& parts, const AdminCall& call, Thing thing, std::string form) {
  std::string digest;
  Result<access::Caller> caller = caller_of(call, digest);
  if (!caller) co_return fail_with(caller);
  net::Handover<Result<Made>> handover{call.loop};
  parts.registry.create(thing, *caller, std::move(form), handover.sender());
  Result<Made> made = co_await handover.receive(patience);
  if (!made) co_return std::unexpected{unheard(std::move(made.error()))};
  co_return made;
}

net::Task<Result<Made>> alter(Parts& parts, const AdminCall& call, Thing thing, std::string id, std::string patch) {
  const access::Caller caller{.principal = call.principal, .address = call.address};
  net::Handover<Result<Made>> handover{call.loop};
  parts.registry.update(thing, caller, id, patch, std::nullopt, handover.sender());
  Result<Made> made = co_await handover.receive(patience);
  if (!made) co_return std::unexpected{unheard(std::move(made.error()))};
  co_return made;
}

net::Task<Status> drop(Parts& parts, const AdminCall& call, Thing thing, std::string id) {
  const access::Caller caller{.principal = call.principal, .address = call.address};
  net::Handover<Status> handover{call.loop};
  parts.registry.remove(thing, caller, id, std::nullopt, handover.sender());
  Status done = co_await handover.receive(patience);
  if (!done) co_return std::unexpected{unheard(std::move(done.error()))};
  co_return done;
}

// Whatever it is.

net::Task<Answer> create(Parts& parts, const AdminCall& call, Thing thing) {
  Result<Value> body = object_of(call.body);
  if (!body) co_return fail_with(body);
  Result<Value> form = to_form(thing, *body, call.now);
  if (!form) co_return fail_with(form);
  Result<Made> made = co_await make(parts, call, thing, form->dump());
  if (!made) co_return fail_with(made);
  co_return said(row_of(thing, made->shown));
}

net::Task<Answer> change(Parts& parts, const AdminCall& call, Thing thing) {
  Result<Value> body = object_of(call.body);
  if (!body) co_return fail_with(body);
  const std::string_view field = thing == Thing::key ? "key" : id_field(thing);
  std::string id = text_at(*body, field);
  if (id.empty()) co_return needed(field);
  if (thing == Thing::key) id = key_id(parts, call, id);
  body->erase(field);
  Result<Value> patch = to_patch(thing, *body, call.now);
  if (!patch) co_return fail_with(patch);
  Result<Made> made = co_await alter(parts, call, thing, id, patch->dump());
  if (!made) co_return fail_with(made);
  Value row = row_of(thing, made->shown);
  if (thing == Thing::key || thing == Thing::user) {
    if (thing == Thing::key) row.set("key", Value::string(id));
    co_return said(row);
  }
  Value out = Value::object();
  out.set(field, Value::string(id));
  out.set("data", std::move(row));
  co_return said(out);
}

/// `names`: the field that holds their names; the answer repeats them under `done`.
struct Several {
  std::string_view names, done;
};
Several several_of(Thing thing) {
  if (thing == Thing::key) return {"keys", "deleted_keys"};
  return {"team_ids", "deleted_teams"};
}

net::Task<Answer> remove(Parts& parts, const AdminCall& call, Thing thing) {
  Result<Value> body = object_of(call.body);
  if (!body) co_return fail_with(body);
  const Several several = several_of(thing);
  const std::vector<std::string> names = names_at(*body, several.names);
  if (names.empty()) co_return needed(several.names);
  for (const std::string& name : names) {
    const std::string id = thing == Thing::key ? key_id(parts, call, name) : name;
    Status done = co_await drop(parts, call, thing, id);
    if (!done) co_return fail_with(done);
  }
  Value out = Value::object();
  out.set(several.done, list_of(names));
  co_return said(out);
}

net::Task<Answer> set_blocked(Parts& parts, const AdminCall& call, Thing thing, std::string_view patch) {
  Result<Value> body = object_of(call.body);
  if (!body) co_return fail_with(body);
  const std::string_view field = thing == Thing::key ? "key" : thing == Thing::user ? "user_ids" : id_field(thing);
  std::vector<std::string> names = names_at(*body, field);
  if (names.empty()) co_return needed(field);
  Value rows = Value::array();
  const std::string text{patch};
  for (std::string& name : names) {
    if (thing == Thing::key) name = key_id(parts, call, name);
    Result<Made> made = co_await alter(parts, call, thing, name, text);
    if (!made) co_return fail_with(made);
    rows.edit_elements().push_back(row_of(thing, made->shown));
  }
  if (thing != Thing::user) co_return said(rows.elements().front());
  Value out = Value::object();
  out.set("blocked_users", std::move(rows));
  co_return said(out);
}
net::Task<Answer> block(Parts& parts, const AdminCall& call, Thing thing) {
  Answer answer = co_await set_blocked(parts, call, thing, R"({"blocked":true})");
  co_return answer;
}
net::Task<Answer> unblock(Parts& parts, const AdminCall& call, Thing thing) {
  Answer answer = co_await set_blocked(parts, call, thing, R"({"blocked":false})");
  co_return answer;
}

net::Task<Answer> list_rows(Parts& parts, const AdminCall& call, Thing thing) {
  const std::string organization = query_of(call, "organization_id");
  Result<std::vector<Shown>> found = everything(parts, call, {.thing = thing, .organization = organization});
  if (!found) co_return fail_with(found);
  Value out = Value::array();
  for (const Shown& shown : *found) out.edit_elements().push_back(row_of(thing, shown));
  co_return said(out);
}

// Keys.

Value with_secret(const Made& made) {
  Value out = Value::object();
  out.set("key", Value::string(std::string{made.secret.reveal()}));
  const Value row = row_of(Thing::key, made.shown);
  for (const auto& [name, value] : row.members()) out.set(name, value);
  return out;
}

net::Task<Answer> generate(Parts& parts, const AdminCall& call, Thing thing) {
  Result<Value> body = object_of(call.body);
  if (!body) co_return fail_with(body);
  Result<Value> form = to_form(thing, *body, call.now);
  if (!form) co_return fail_with(form);
  Result<Made> made = co_await make(parts, call, thing, form->dump());
  if (!made) co_return fail_with(made);
  co_return said(with_secret(*made));
}

net::Task<Answer> regenerate(Parts& parts, const AdminCall& call, Thing thing) {
  Result<Value> body = object_of(call.body);
  if (!body) co_return fail_with(body);
  std::string named = parameter_of(call);
  if (named.empty()) named = text_at(*body, "key");
  if (named.empty()) co_return needed("key");
  const std::string id = key_id(parts, call, named);
  std::chrono::seconds overlap{0};
  if (const std::string grace = text_at(*body, "grace_period"); !grace.empty()) {
    const auto span = parse_span(grace);
    if (!span) co_return fail(Kind::bad_request, "grace_period: it is a time such as 24h", "grace_period");
    overlap = *span;
  }
  body->erase("key");
  body->erase("grace_period");
  Result<Value> patch = to_patch(thing, *body, call.now);
  if (!patch) co_return fail_with(patch);
  if (!patch->members().empty()) {
    Result<Made> altered = co_await alter(parts, call, thing, id, patch->dump());
    if (!altered) co_return fail_with(altered);
  }
  const access::Caller caller{.principal = call.principal, .address = call.address};
  net::Handover<Result<Made>> handover{call.loop};
  parts.registry.rotate(caller, id, overlap, handover.sender());
  Result<Made> made = co_await handover.receive(patience);
  if (!made) co_return std::unexpected{unheard(std::move(made.error()))};
  co_return said(with_secret(*made));
}

net::Task<Answer> key_info(Parts& parts, const AdminCall& call, Thing thing) {
  std::string id = query_of(call, "key");
  if (!id.empty()) {
    id = key_id(parts, call, id);
  } else if (call.principal.holder() != nullptr) {
    id = call.principal.holder()->id;
  } else {
    co_return needed("key");
  }
  Result<Shown> shown = parts.registry.show(thing, id, call.principal);
  if (!shown) co_return fail_with(shown);
  Value out = Value::object();
  out.set("key", Value::string(id));
  out.set("info", row_of(thing, *shown));
  co_return said(out);
}

/// GET /key/list: pages by number, as LiteLLM has them.
net::Task<Answer> key_list(Parts& parts, const AdminCall& call, Thing thing) {
  constexpr std::uint64_t size_default = 10;
  constexpr std::uint64_t size_max = 100;
  const std::string page_text = query_of(call, "page");
  const std::string size_text = query_of(call, "size");
  const auto page = page_text.empty() ? std::optional<std::uint64_t>{1} : parse_number<std::uint64_t>(page_text);
  const auto size = size_text.empty() ? std::optional<std::uint64_t>{size_default} : parse_number<std::uint64_t>(size_text);
  if (!page || *page == 0) co_return fail(Kind::bad_request, "page: it is a number from 1 on", "page");
  if (!size || *size == 0 || *size > size_max) co_return fail(Kind::bad_request, "size: it is a number from 1 to 100", "size");
  const std::string organization = query_of(call, "organization_id");
  const std::string team = query_of(call, "team_id");
  Result<std::vector<Shown>> found = everything(parts, call, {.thing = thing, .organization = organization, .team = team});
  if (!found) co_return fail_with(found);
  const bool whole = query_of(call, "return_full_object") == "true";
  const std::string alias = query_of(call, "key_alias");
  const std::string user = query_of(call, "user_id");
  std::vector<Value> rows;
  for (const Shown& shown : *found) {
    Value row = row_of(thing, shown);
    if (!alias.empty() && text_at(row, "key_alias") != alias) continue;
    if (!user.empty() && text_at(row, "user_id") != user) continue;
    rows.push_back(whole ? std::move(row) : Value::string(shown.id));
  }
  const std::uint64_t total = rows.size();
  const std::uint64_t first = std::min(total, (std::min(*page, total + 1) - 1) * *size);
  const std::uint64_t last = std::min(total, first + *size);
  Value out = Value::object();
  Value keys = Value::array();
  for (std::uint64_t i = first; i < last; ++i) keys.edit_elements().push_back(std::move(rows[i]));
  out.set("keys", std::move(keys));
  out.set("total_count", Value::integer(static_cast<std::int64_t>(total)));
  out.set("current_page", Value::integer(static_cast<std::int64_t>(*page)));
  out.set("total_pages", Value::integer(static_cast<std::int64_t>((total + *size - 1) / *size)));
  co_return said(out);
}

// Teams and their members.

/// {role, user_id, user_email} as Cardea's member. LiteLLM's team roles are admin and user.
Result<Value> member_form(const Value& member, std::string_view team) {
  const std::string email = text_at(member, "user_email");
  const std::string user = text_at(member, "user_id");
  if (email.empty() && user.empty()) return needed("user_id");
  Value form = Value::object();
  form.set("identity", Value::string(email.empty() ? user : email));
  form.set("role", Value::string(text_at(member, "role") == "admin" ? "admin" : "member"));
  form.set("team", Value::string(std::string{team}));
  return form;
}

net::Task<Answer> add_members(Parts& parts, const AdminCall& call, std::string team, Value members) {
  if (members.is(json::Type::object)) {
    Value one = std::move(members);
    members = Value::array({std::move(one)});
  }
  Value added = Value::array();
  for (const Value& member : members.elements()) {
    Result<Value> form = member_form(member, team);
    if (!form) co_return fail_with(form);
    Result<Made> made = co_await make(parts, call, Thing::member, form->dump());
    if (!made) co_return fail_with(made);
    added.edit_elements().push_back(row_of(Thing::member, made->shown));
  }
  co_return said(added);
}

net::Task<Answer> member_add(Parts& parts, const AdminCall& call, Thing thing) {
  Result<Value> body = object_of(call.body);
  if (!body) co_return fail_with(body);
  const std::string team = text_at(*body, "team_id");
  if (team.empty()) co_return needed("team_id");
  const Value* members = body->find("member");
  if (members == nullptr) co_return needed("member");
  Result<Shown> shown = parts.registry.show(thing, team, call.principal);
  if (!shown) co_return fail_with(shown);
  Answer added = co_await add_members(parts, call, team, *members);
  if (!added) co_return added;
  Value out = row_of(thing, *shown);
  Result<Value> rows = json::parse(added->body);
  if (rows) out.set("updated_users", std::move(*rows));
  co_return said(out);
}

net::Task<Answer> team_new(Parts& parts, const AdminCall& call, Thing thing) {
  Answer made = co_await create(parts, call, thing);
  if (!made) co_return made;
  const Result<Value> body = object_of(call.body);
  const Result<Value> row = json::parse(made->body);
  const Value* members = body ? body->find("members_with_roles") : nullptr;
  if (members == nullptr || !row) co_return made;
  Answer added = co_await add_members(parts, call, text_at(*row, "team_id"), *members);
  if (!added) co_return added;
  co_return made;
}

net::Task<Answer> team_info(Parts& parts, const AdminCall& call, Thing thing) {
  const std::string id = query_of(call, "team_id");
  if (id.empty()) co_return needed("team_id");
  Result<Shown> shown = parts.registry.show(thing, id, call.principal);
  if (!shown) co_return fail_with(shown);
  Result<std::vector<Shown>> keys = everything(parts, call, {.thing = Thing::key, .team = id});
  if (!keys) co_return fail_with(keys);
  Result<std::vector<Shown>> members = everything(parts, call, {.thing = Thing::member, .team = id});
  if (!members) co_return fail_with(members);
  Value info = row_of(thing, *shown);
  Value with_roles = Value::array();
  for (const Shown& member : *members) with_roles.edit_elements().push_back(row_of(Thing::member, member));
  info.set("members_with_roles", std::move(with_roles));
  Value rows = Value::array();
  for (const Shown& key : *keys) rows.edit_elements().push_back(row_of(Thing::key, key));
  Value out = Value::object();
  out.set("team_id", Value::string(id));
  out.set("team_info", std::move(info));
  out.set("keys", std::move(rows));
  out.set("team_memberships", Value::array());
  co_return said(out);
}

// Organisations, customers, users.

net::Task<Answer> info_of(Parts& parts, const AdminCall& call, Thing thing, std::string_view field) {
  const std::string id = query_of(call, field);
  if (id.empty()) co_return needed(field);
  Result<Shown> shown = parts.registry.show(thing, id, call.principal);
  if (!shown) co_return fail_with(shown);
  co_return said(row_of(thing, *shown));
}
net::Task<Answer> organization_info(Parts& parts, const AdminCall& call, Thing thing) {
  Answer answer = co_await info_of(parts, call, thing, "organization_id");
  co_return answer;
}
net::Task<Answer> customer_info(Parts& parts, const AdminCall& call, Thing thing) {
  Answer answer = co_await info_of(parts, call, thing, "end_user_id");
  co_return answer;
}

/// A user without an email is known by its id.
net::Task<Answer> user_new(Parts& parts, const AdminCall& call, Thing thing) {
  Result<Value> body = object_of(call.body);
  if (!body) co_return fail_with(body);
  if (text_at(*body, "user_email").empty()) {
    const std::string user = text_at(*body, "user_id");
    if (user.empty()) co_return needed("user_id");
    body->set("user_email", Value::string(user));
  }
  Result<Value> form = to_form(thing, *body, call.now);
  if (!form) co_return fail_with(form);
  Result<Made> made = co_await make(parts, call, thing, form->dump());
  if (!made) co_return fail_with(made);
  Value out = row_of(thing, made->shown);
  out.set("user_id", Value::string(made->shown.id));
  const Value* wanted = body->find("auto_create_key");
  if (wanted != nullptr && wanted->as_bool() == false) co_return said(out);

  Value key = Value::object();
  for (const std::string_view field :
       {"models", "max_budget", "budget_duration", "tpm_limit", "rpm_limit", "duration", "team_id"}) {
    if (const Value* value = body->find(field); value != nullptr) key.set(field, *value);
  }
  key.set("user_id", Value::string(made->shown.id));
  Result<Value> key_form = to_form(Thing::key, key, call.now);
  if (!key_form) co_return fail_with(key_form);
  const access::Caller caller{.principal = call.principal, .address = call.address};
  net::Handover<Result<Made>> handover{call.loop};
  parts.registry.create(Thing::key, caller, key_form->dump(), handover.sender());
  Result<Made> key_made = co_await handover.receive(patience);
  if (!key_made) co_return std::unexpected{unheard(std::move(key_made.error()))};
  out.set("key", Value::string(std::string{key_made->secret.reveal()}));
  out.set("token", Value::string(key_made->shown.id));
  co_return said(out);
}

net::Task<Answer> user_info(Parts& parts, const AdminCall& call, Thing thing) {
  const std::string id = query_of(call, "user_id");
  if (id.empty()) co_return needed("user_id");
  Result<Shown> shown = parts.registry.show(thing, id, call.principal);
  if (!shown) co_return fail_with(shown);
  Result<std::vector<Shown>> all = everything(parts, call, {.thing = Thing::key});
  if (!all) co_return fail_with(all);
  Value keys = Value::array();
  for (const Shown& key : *all) {
    Value row = row_of(Thing::key, key);
    if (text_at(row, "user_id") == id) keys.edit_elements().push_back(std::move(row));
  }
  Value info = row_of(thing, *shown);
  info.set("user_id", Value::string(id));
  Value out = Value::object();
  out.set("user_id", Value::string(id));
  out.set("user_info", std::move(info));
  out.set("keys", std::move(keys));
  out.set("teams", Value::array());
  co_return said(out);
}

net::Task<Answer> model_info(Parts& /*parts*/, const AdminCall& call, Thing /*thing*/) {
  Value rows = Value::array();
  for (const catalog::Entry& entry : call.catalog.list()) {
    Value params = Value::object();
    params.set("model", Value::string(std::string{entry.id}));
    Value row = Value::object();
    row.set("model_name", Value::string(std::string{entry.id}));
    row.set("litellm_params", std::move(params));
    row.set("model_info", Value::object());
    rows.edit_elements().push_back(std::move(row));
  }
  Value out = Value::object();
  out.set("data", std::move(rows));
  co_return said(out);
}

constexpr Action table[] = {
    {"litellm.key.generate", generate, Thing::key},
    {"litellm.key.update", change, Thing::key},
    {"litellm.key.delete", remove, Thing::key},
    {"litellm.key.info", key_info, Thing::key},
    {"litellm.key.list", key_list, Thing::key},
    {"litellm.key.regenerate", regenerate, Thing::key},
    {"litellm.key.block", block, Thing::key},
    {"litellm.key.unblock", unblock, Thing::key},
    {"litellm.team.new", team_new, Thing::team},
    {"litellm.team.update", change, Thing::team},
    {"litellm.team.delete", remove, Thing::team},
    {"litellm.team.info", team_info, Thing::team},
    {"litellm.team.list", list_rows, Thing::team},
    {"litellm.team.block", block, Thing::team},
    {"litellm.team.unblock", unblock, Thing::team},
    {"litellm.team.member_add", member_add, Thing::team},
    {"litellm.organization.new", create, Thing::organization},
    {"litellm.organization.info", organization_info, Thing::organization},
    {"litellm.organization.list", list_rows, Thing::organization},
    {"litellm.user.new", user_new, Thing::member},
    {"litellm.user.info", user_info, Thing::member},
    {"litellm.user.update", change, Thing::member},
    {"litellm.customer.new", create, Thing::user},
    {"litellm.customer.info", customer_info, Thing::user},
    {"litellm.customer.update", change, Thing::user},
    {"litellm.customer.block", block, Thing::user},
    {"litellm.customer.unblock", unblock, Thing::user},
    {"litellm.model.info", model_info},
};

}  // namespace

std::span<const Action> litellm_actions() noexcept { return table; }

}  // namespace cardea::admin
