#include "access/tenancy.h"

#include <algorithm>

#include "access/signature.h"
#include "base/base64.h"
#include "base/text.h"
#include "base/time.h"
#include "json/value.h"
#include "json/writer.h"

namespace cardea::access {
namespace {

constexpr std::array<std::string_view, things> thing_names{"organization", "team", "project", "key", "user", "member"};
constexpr std::size_t id_bytes_max = 128;

// What each form has of what an item has.
void take(Item& item, config::Organization& form) { item.title = form.title; }
void take(Item& item, config::Team& form) {
  item.title = form.title;
  item.place.organization = form.organization;
}
void take(Item& item, config::Project& form) {
  item.title = form.title;
  item.place.team = form.team;
}
void take(Item& item, config::EndUser& form) {
  item.title = form.title;
  item.place = form.place;
}
void take(Item& item, config::Member& form) {
  item.identity = item.title = form.identity;
  item.issuer = form.issuer;
  item.role = form.role;
  item.place = form.place;
}
void take(Item& item, config::GatewayKey& form) {
  item.title = form.name;
  item.role = form.role;
  item.signing = form.signing;
  item.place = form.place;
}

Secret value_of(const config::GatewayKey& form) { return form.key; }
template <class Form>
Secret value_of(const Form&) {
  return {};
}

/// `body`: of a form that was written before.
template <class Form>
Result<ReadItem> make_item_of(Thing thing, std::string id, Form form, std::string body) {
  if (!good_id(id)) {
    return fail(Kind::bad_request, cat("id: '", id, "' is not an id: use 1 to ", id_bytes_max, " letters, digits and . _ - : @"),
                "id");
  }
  ReadItem out;
  out.item.thing = thing;
  out.item.id = std::move(id);
  out.item.body = std::move(body);
  out.item.where = form.where;
  out.key = value_of(form);
  take(out.item, form);
  Result<std::shared_ptr<const Standing>> standing = Standing::make(std::move(form.grant));
  if (!standing) {
    const Error::Detail& detail = standing.error().detail();
    return fail(Kind::bad_request, cat(detail.param, ": ", detail.message), detail.param);
  }
  out.item.standing = std::move(*standing);
  return out;
}

/// `body`: of one that the store kept; empty: it is written anew, in the one form that there is.
template <class Form>
Result<ReadItem> read_form(Thing thing, std::string id, std::string_view json, std::string body) {
  Result<Form> form = config::read_thing<Form>(json);
  if (!form) return fail_with(form);
  if (body.empty()) body = config::write_thing(*form);
  return make_item_of(thing, std::move(id), std::move(*form), std::move(body));
}

/// One reader per thing, in their order.
constexpr std::array<Result<ReadItem> (*)(Thing, std::string, std::string_view, std::string), things> readers{
    read_form<config::Organization>, read_form<config::Team>,    read_form<config::Project>,
    read_form<config::GatewayKey>,   read_form<config::EndUser>, read_form<config::Member>};

// The credentials of a key as the store keeps them: JSON of hashes; of values only if it signs, sealed.
std::string credentials_json(const Item& item) {
  if (item.thing != Thing::key) return {};
  std::string text;
  json::Writer out{text};
  out.begin_object();
  out.key("owner").string(item.owner);
  out.key("hint").string(item.hint);
  out.key("values").begin_array();
  for (const Holder::Credential& credential : item.credentials) {
    out.begin_object();
    out.key("hash").string(to_base64url(bytes_of(credential.digest)));
    if (credential.until != never) out.key("until").number(credential.until);
    if (!credential.sealed.empty()) out.key("secret").string(credential.sealed);
    out.end_object();
  }
  out.end_array().end_object();
  return text;
}

std::string text_of(const json::Value& object, std::string_view name) {
  const json::Value* value = object.find(name);
  const std::string* text = value != nullptr ? value->as_string() : nullptr;
  return text != nullptr ? *text : std::string{};
}

bool read_credentials(Item& item, std::string_view text) {
  const Result<json::Value> kept = json::parse(text);
  const json::Value* values = kept ? kept->find("values") : nullptr;
  if (values == nullptr) return false;
  item.owner = text_of(*kept, "owner");
  item.hint = text_of(*kept, "hint");
  for (const json::Value& value : values->elements()) {
    const auto bytes = from_base64(text_of(value, "hash"));
    Holder::Credential credential;
    if (!bytes || bytes->size() != credential.digest.size()) return false;
    std::copy(bytes->begin(), bytes->end(), reinterpret_cast<char*>(credential.digest.data()));
    if (const json::Value* until = value.find("until")) credential.until = until->as_i64().value_or(0);
    credential.sealed = text_of(value, "secret");
    item.credentials.push_back(credential);
  }
  return !item.owner.empty();
}

std::unexpected<Error> no_such(std::string_view field, std::string_view id) {
  return fail(Kind::bad_request, cat(field, ": there is no ", field, " '", id, "'"), std::string{field});
}

/// Is a limit (0: none) more than one above it?
bool more(std::uint32_t outer, std::uint32_t inner) { return outer != 0 && (inner == 0 || inner > outer); }

}  // namespace

std::string id_of(const config::Member& form) {
  if (form.issuer.empty() && good_id(form.identity)) return form.identity;
  constexpr std::size_t digits = 16;
  const std::string_view parts[] = {form.issuer, "|", form.identity};
  return cat("member-", to_hex(bytes_of(net::sha256(parts))).substr(0, digits));
}

bool good_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= id_bytes_max && std::ranges::all_of(id, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.' ||
           c == '@' || c == ':';
  });
}

template <class Form>
Result<ReadItem> make_item(Thing thing, std::string id, Form form) {
  std::string body = config::write_thing(form);
  return make_item_of(thing, std::move(id), std::move(form), std::move(body));
}
template Result<ReadItem> make_item(Thing, std::string, config::Organization);
template Result<ReadItem> make_item(Thing, std::string, config::Team);
template Result<ReadItem> make_item(Thing, std::string, config::Project);
template Result<ReadItem> make_item(Thing, std::string, config::EndUser);
template Result<ReadItem> make_item(Thing, std::string, config::Member);
template Result<ReadItem> make_item(Thing, std::string, config::GatewayKey);

std::string_view to_text(Thing thing) noexcept { return thing_names[static_cast<std::size_t>(thing)]; }

std::optional<Thing> thing_of(std::string_view kind) noexcept {
  const auto* found = std::ranges::find(thing_names, kind);
  if (found == thing_names.end()) return std::nullopt;
  return static_cast<Thing>(found - thing_names.begin());
}

Result<ReadItem> read_item(Thing thing, std::string id, std::string_view json) {
  return readers[static_cast<std::size_t>(thing)](thing, std::move(id), json, {});
}

store::Record record_of(const Item& item) {
  store::Record record;
  record.kind = to_text(item.thing);
  record.id = item.id;
  record.version = item.version;
  record.created = item.created;
  record.changed = item.changed;
  record.body = item.body;
  record.sealed = credentials_json(item);
  return record;
}

Result<Item> item_of(const store::Record& record) {
  const auto broken = [&](std::string_view why) {
    return fail(Kind::config, cat("the store's ", record.kind, " '", record.id, "': ", why));
  };
  const auto thing = thing_of(record.kind);
  if (!thing) return broken("nothing of that kind is known");
  Result<ReadItem> read = readers[static_cast<std::size_t>(*thing)](*thing, record.id, record.body, record.body);
  if (!read) return broken(read.error().message());
  Item& item = read->item;
  item.version = record.version;
  item.created = record.created;
  item.changed = record.changed;
  if (*thing == Thing::key && !read_credentials(item, record.sealed)) return broken("its credentials cannot be read");
  return std::move(item);
}

Status follow_signing(Item& item) {
  const bool signs = item.signing != config::Signing::off;
  if (!signs) {
    for (Holder::Credential& credential : item.credentials) credential.sealed.clear();
  } else if (!item.credentials.empty() && item.credentials.front().sealed.empty()) {
    return fail(Kind::bad_request, "signing: the key's value is not kept, so it cannot begin to sign; make a new key", "signing");
  }
  return {};
}

Result<std::optional<store::Record>> resealed(const store::Record& record, const Vault& vault) {
  // Of most keys hashes are kept and nothing else: what need not be read costs a start nothing.
  if (record.kind != to_text(Thing::key) || record.sealed.find(R"("secret":)") == std::string::npos) return std::nullopt;
  Item item;
  item.thing = Thing::key;
  if (!read_credentials(item, record.sealed)) return std::nullopt;  // said by whoever loads it
  std::size_t changed = 0;
  for (Holder::Credential& credential : item.credentials) {
    if (credential.sealed.empty()) continue;
    Result<std::optional<std::string>> anew = vault.resealed(Signatures::context_of(record.id), credential.sealed);
    if (!anew) return fail(Kind::config, cat("the kept secret of key '", record.id, "': ", anew.error().message()));
    if (!*anew) continue;
    credential.sealed = std::move(**anew);
    ++changed;
  }
  if (changed == 0) return std::nullopt;
  store::Record out = record;
  out.sealed = credentials_json(item);
  return out;
}

std::string shown_json(const Item& item, std::int64_t used) {
  std::string text;
  json::Writer out{text};
  out.begin_object();
  out.key("id").string(item.id);
  out.key("object").string(to_text(item.thing));
  text += item.body.size() > 2 ? "," : "";
  text.append(item.body, 1, item.body.size() - 2);
  std::string rest;
  json::Writer tail{rest};
  tail.begin_object();
  tail.key("source").string(item.declared() ? "file" : "store");
  if (item.declared()) {
    tail.key("declared_at").string(cat(item.where.file, ":", item.where.line));
  } else {
    tail.key("version").number(item.version);
    tail.key("created_at").string(cardea::show_time(item.created));
    tail.key("changed_at").string(cardea::show_time(item.changed));
  }
  if (item.thing == Thing::key) {
    if (!item.hint.empty()) tail.key("hint").string(item.hint);
    if (item.credentials.empty()) tail.key("revoked").boolean(true);
    if (item.credentials.size() > 1) tail.key("overlap_until").string(cardea::show_time(item.credentials.back().until));
    if (used != 0) tail.key("last_used_at").string(cardea::show_time(used));
  }
  tail.end_object();
  return cat(text, ",", std::string_view{rest}.substr(1));
}

const Item* Tenancy::find(Thing thing, std::string_view id) const noexcept {
  const Items& items = all(thing);
  const auto found = items.find(id);
  return found == items.end() ? nullptr : found->second.get();
}

void Tenancy::put(Item item) {
  const Thing thing = item.thing;
  std::string id = item.id;
  if (thing == Thing::key || thing == Thing::user || thing == Thing::member) {
    drop_holder(id);
  } else {
    drop_holders();
  }
  Items& items = items_[static_cast<std::size_t>(thing)];
  // The store's come in their order.
  items.insert_or_assign(items.end(), std::move(id), std::make_shared<const Item>(std::move(item)));
}

void Tenancy::drop_holder(std::string_view id) {
  const auto holder = holders_.find(id);
  if (holder == holders_.end()) return;
  if (holder->second) used_[holder->first] = holder->second->used.load(std::memory_order_relaxed);
  holders_.erase(holder);
}

/// What stands below a tenant is made anew with it.
void Tenancy::drop_holders() {
  for (const auto& [id, holder] : holders_) {
    if (holder) used_[id] = holder->used.load(std::memory_order_relaxed);
  }
  for (auto& level : tenants_) level.clear();
  holders_.clear();
}

void Tenancy::erase(Thing thing, std::string_view id) {
  Items& items = items_[static_cast<std::size_t>(thing)];
  const auto found = items.find(id);
  if (found == items.end()) return;
  items.erase(found);
  if (const auto holder = holders_.find(id); holder != holders_.end() && thing == Thing::key) holders_.erase(holder);
  if (thing >= Thing::key) return;
  auto& level = tenants_[static_cast<std::size_t>(thing)];
  if (const auto tenant = level.find(id); tenant != level.end()) level.erase(tenant);
}

std::vector<Item> Tenancy::forget_declared() {
  std::vector<Item> out;
  bool tenants_go = false;
  for (Items& items : items_) {
    std::erase_if(items, [&](const auto& entry) {
      const Item& item = *entry.second;
      if (!item.declared()) return false;
      tenants_go = tenants_go || item.thing < Thing::key;
      if (item.thing == Thing::key) drop_holder(item.id);
      out.push_back(item);
      return true;
    });
  }
  if (tenants_go) drop_holders();
  return out;
}

std::optional<std::pair<Thing, std::string_view>> Tenancy::parent_of(const Item& item) noexcept {
  if (!item.place.project.empty()) return std::pair{Thing::project, std::string_view{item.place.project}};
  if (!item.place.team.empty()) return std::pair{Thing::team, std::string_view{item.place.team}};
  if (!item.place.organization.empty()) return std::pair{Thing::organization, std::string_view{item.place.organization}};
  return std::nullopt;
}

bool Tenancy::within(const Item& item, const Tenant* tenant) const noexcept {
  if (tenant == nullptr) return true;
  constexpr std::array levels{Thing::organization, Thing::team, Thing::project};
  const Thing wanted = levels[static_cast<std::size_t>(tenant->level)];
  for (const Item* at = &item; at != nullptr;) {
    if (at->thing == wanted && at->id == tenant->id) return true;
    const auto parent = parent_of(*at);
    at = parent ? find(parent->first, parent->second) : nullptr;
  }
  return false;
}

bool Tenancy::stands(const Item& item) const noexcept {
  for (auto parent = parent_of(item); parent;) {
    const Item* above = find(parent->first, parent->second);
    if (above == nullptr) return false;
    parent = parent_of(*above);
  }
  return true;
}

std::vector<const Item*> Tenancy::below(const Item& item) const {
  std::vector<const Item*> out{&item};
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i]->thing >= Thing::key) continue;  // nothing stands below what is no tenant
    for (const Items& items : items_) {
      for (const auto& [id, kept] : items) {
        const auto parent = parent_of(*kept);
        if (parent && parent->first == out[i]->thing && parent->second == out[i]->id) out.push_back(kept.get());
      }
    }
  }
  return out;
}

Status Tenancy::check_place(const Item& item) const {
  const config::Place& place = item.place;
  const Item* project = place.project.empty() ? nullptr : find(Thing::project, place.project);
  if (!place.project.empty() && project == nullptr) return no_such("project", place.project);
  const std::string_view team_id = !place.team.empty()  ? std::string_view{place.team}
                                   : project != nullptr ? std::string_view{project->place.team}
                                                        : std::string_view{};
  if (project != nullptr && project->place.team != team_id) {
    return fail(Kind::bad_request, cat("team: the project '", place.project, "' is not of team '", team_id, "'"), "team");
  }
  const Item* team = team_id.empty() ? nullptr : find(Thing::team, team_id);
  if (!team_id.empty() && team == nullptr) return no_such("team", team_id);
  if (place.organization.empty()) return {};
  if (find(Thing::organization, place.organization) == nullptr) return no_such("organization", place.organization);
  if (team != nullptr && team->place.organization != place.organization) {
    return fail(Kind::bad_request,
                cat("organization: the team '", team_id, "' is not of organization '", place.organization, "'"), "organization");
  }
  return {};
}

namespace {

bool more_in_a_time(const config::Grant& above, const config::Grant& below) {
  return std::ranges::any_of(below.budgets, [&](const config::Budget& own) {
    return std::ranges::any_of(above.budgets,
                               [&](const auto& other) { return own.per == other.per && own.amount > other.amount; });
  });
}

}  // namespace

Status Tenancy::check_narrower(const Item& item) const {
  for (auto parent = parent_of(item); parent;) {
    const Item* above = find(parent->first, parent->second);
    if (above == nullptr) return {};
    for (const std::string_view field : wider(*above->standing, *item.standing)) {
      // A list that is left out is as above, a limit too.
      if (item.body.find(cat("\"", field, "\":")) == std::string::npos) continue;
      // What the level above has in a time counts besides: only more in the same time would be more.
      if (field == "budgets" && !more_in_a_time(above->standing->grant, item.standing->grant)) continue;
      return fail(Kind::bad_request, cat(field, ": more than the ", to_text(above->thing), " '", above->id, "' may"),
                  std::string{field});
    }
    parent = parent_of(*above);
  }
  return {};
}

std::shared_ptr<const Tenant> Tenancy::tenant(Thing thing, std::string_view id) {
  const Item* item = find(thing, id);
  if (item == nullptr) return nullptr;
  auto& level = tenants_[static_cast<std::size_t>(thing)];
  if (const auto made = level.find(id); made != level.end()) return made->second;
  auto out = std::make_shared<Tenant>();
  out->level = static_cast<Level>(thing);
  out->id = item->id;
  out->standing = item->standing;
  out->parent = tenant_of(*item);
  level.emplace(item->id, out);
  return out;
}

std::shared_ptr<const Tenant> Tenancy::tenant_of(const Item& item) {
  const auto parent = parent_of(item);
  return parent ? tenant(parent->first, parent->second) : nullptr;
}

std::shared_ptr<const Holder> Tenancy::make_holder(const Item& item) {
  auto holder = std::make_shared<Holder>();
  holder->id = item.id;
  holder->name = item.title.empty() ? item.id : item.title;
  holder->owner = item.owner;
  holder->role = item.role;
  holder->signing = item.signing;
  holder->standing = item.standing;
  holder->tenant = tenant_of(item);
  holder->credentials = item.credentials;
  holder->used.store(used(item.id), std::memory_order_relaxed);
  return holder;
}

std::vector<std::shared_ptr<const Holder>> Tenancy::holders() {
  std::vector<std::shared_ptr<const Holder>> out;
  out.reserve(all(Thing::key).size());
  holders_.reserve(all(Thing::key).size());
  for (const auto& [id, item] : all(Thing::key)) {
    if (!stands(*item)) continue;
    std::shared_ptr<const Holder>& holder = holders_[id];
    if (!holder) holder = make_holder(*item);
    out.push_back(holder);
  }
  return out;
}

Directory::Parts Tenancy::parts(const OriginRules& rules) {
  Directory::Parts out{.holders = holders(), .rules = rules};
  for (const Thing thing : {Thing::organization, Thing::team, Thing::project}) {
    for (const auto& [id, item] : all(thing)) {
      if (stands(*item)) out.tenants.push_back(tenant(thing, id));
    }
  }
  for (const auto& [id, item] : all(Thing::user)) {
    if (stands(*item)) {
      out.end_users.push_back(
          std::make_shared<const Tenant>(Tenant{Level::end_user, item->id, item->standing, tenant_of(*item)}));
    }
  }
  for (const auto& [id, item] : all(Thing::member)) {
    if (stands(*item)) out.members.push_back({item->identity, item->issuer, make_holder(*item)});
  }
  return out;
}

std::int64_t Tenancy::used(std::string_view id) const noexcept {
  if (const auto holder = holders_.find(id); holder != holders_.end() && holder->second) {
    return holder->second->used.load(std::memory_order_relaxed);
  }
  const auto kept = used_.find(id);
  return kept != used_.end() ? kept->second : 0;
}

std::vector<std::string_view> wider(const Standing& outer, const Standing& inner) {
  std::vector<std::string_view> out;
  constexpr std::pair<std::string_view, List> lists[] = {{"models", &config::Grant::models},
                                                         {"providers", &config::Grant::providers},
                                                         {"dialects", &config::Grant::dialects},
                                                         {"tools", &config::Grant::tools}};
  const config::Grant& above = outer.grant;
  const config::Grant& below = inner.grant;
  for (const auto& [name, list] : lists) {
    if (above.*list && (!(below.*list) || !covers(*(above.*list), *(below.*list)))) out.push_back(name);
  }
  constexpr std::pair<std::string_view, std::uint32_t config::Rates::*> rates[] = {
      {"requests_per_second", &config::Rates::requests_per_second},
      {"requests_per_minute", &config::Rates::requests_per_minute},
      {"requests_per_day", &config::Rates::requests_per_day},
      {"tokens_per_minute", &config::Rates::tokens_per_minute},
      {"tokens_per_day", &config::Rates::tokens_per_day}};
  for (const auto& [name, rate] : rates) {
    if (more(above.rates.*rate, below.rates.*rate)) out.push_back(name);
  }
  if (more(above.concurrency, below.concurrency)) out.emplace_back("concurrency");
  for (const config::Budget& budget : above.budgets) {
    const auto as_tight = [&](const config::Budget& own) { return own.per == budget.per && own.amount <= budget.amount; };
    if (std::ranges::none_of(below.budgets, as_tight)) out.emplace_back("budgets");
  }
  const auto contains_all = [](const std::vector<std::string>& all, const std::vector<std::string>& some) {
    return std::ranges::all_of(some, [&](const std::string& one) { return std::ranges::find(all, one) != all.end(); });
  };
  if (!above.allow_ips.empty() && (below.allow_ips.empty() || !contains_all(above.allow_ips, below.allow_ips)))
    out.emplace_back("allow_ips");
  if (!contains_all(below.deny_ips, above.deny_ips)) out.emplace_back("deny_ips");
  if (inner.expires > outer.expires) out.emplace_back("expires");
  return out;
}

}  // namespace cardea::access
