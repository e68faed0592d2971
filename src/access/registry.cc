#include "access/registry.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "access/signature.h"
#include "access/tenancy.h"
#include "base/base64.h"
#include "base/random.h"
#include "base/text.h"
#include "json/merge_patch.h"
#include "json/value.h"
#include "json/writer.h"

namespace cardea::access {
namespace {

constexpr std::size_t given_key_bytes_min = 16;
constexpr std::int64_t remembered_seconds = 24 * 3600;
/// A record of this kind and id is made with the first key: from then on nobody comes in without one, even when the last is gone.
constexpr std::string_view mark_kind = "mark";
constexpr std::string_view keys_asked_for = "keys-asked-for";

std::string random_text(std::string_view prefix, std::size_t bytes) {
  std::string raw(bytes, '\0');
  net::random_bytes({reinterpret_cast<std::uint8_t*>(raw.data()), raw.size()});
  return cat(prefix, to_base64url(raw));
}

/// A caller as a change that waits its turn keeps it.
struct Asker {
  Principal principal;
  std::string address;
  std::string remember_as;  ///< a hash of who asks and the idempotency key; empty: none
  std::string digest;
};

Asker keep(const Caller& caller) {
  Asker out{caller.principal, std::string{caller.address}, {}, std::string{caller.request_digest}};
  if (!caller.idempotency_key.empty()) {
    const std::string_view parts[] = {caller.principal.owner(), "\n", caller.idempotency_key};
    out.remember_as = to_hex(bytes_of(net::sha256(parts)));
  }
  return out;
}

std::unexpected<Error> not_there(Thing thing, std::string_view id) {
  return fail(Kind::not_found, cat("There is no ", to_text(thing), " '", id, "'."), "id");
}
std::unexpected<Error> too_low(const Principal& principal, std::string_view what) {
  return fail(Kind::forbidden,
              Error::Detail{.message = cat("The role '", config::to_text(principal.role()), "' may not ", what, "."),
                            .code = "role_too_low"});
}
std::unexpected<Error> another_version(Thing thing, std::string_view id) {
  return fail(Kind::conflict,
              Error::Detail{.message = cat("The ", to_text(thing), " '", id, "' was changed meanwhile; read it again."),
                            .param = "if-match",
                            .status = 412});
}

/// What a change comes to, before it is stored.
struct Plan {
  std::vector<Item> puts;
  std::vector<std::pair<Thing, std::string>> removes;
  store::Change change;
  Made made;
};

Made made_of(const Item& item, Secret secret, std::int64_t used) {
  return {.shown = {.id = item.id, .version = item.version, .json = shown_json(item, used)}, .secret = std::move(secret)};
}

std::string remembered_json(const Made& made) {
  std::string text;
  json::Writer out{text};
  out.begin_object();
  out.key("id").string(made.shown.id);
  out.key("version").number(made.shown.version);
  out.key("json").string(made.shown.json);
  out.key("secret").string(made.secret.reveal());
  out.end_object();
  return text;
}

Result<Made> made_of_remembered(std::string_view text) {
  const Result<json::Value> kept = json::parse(text);
  const auto text_at = [&](std::string_view name) {
    const json::Value* value = kept ? kept->find(name) : nullptr;
    return value != nullptr && value->as_string() != nullptr ? *value->as_string() : std::string{};
  };
  const json::Value* version = kept ? kept->find("version") : nullptr;
  if (version == nullptr) return fail(Kind::internal, "an answer that was kept cannot be read");
  return Made{.shown = {.id = text_at("id"), .version = version->as_i64().value_or(0), .json = text_at("json")},
              .secret = Secret{text_at("secret")}};
}

}  // namespace

struct Registry::State : std::enable_shared_from_this<Registry::State> {
  using Planner = std::move_only_function<Result<Plan>(const Asker&)>;
  struct Work {
    Asker asker;
    Planner plan;
    Then<Result<Made>> then;
  };

  explicit State(Options given)
      : options{std::move(given)}, signatures{std::make_shared<const Signatures>(options.vault, now())} {}

  Options options;
  std::shared_ptr<const Signatures> signatures;
  mutable std::mutex mutex;  ///< of all that follows
  Tenancy tenancy;
  OriginRules rules;
  bool others_vouch = false;  ///< for callers without a key
  bool asked_for = false;     ///< keys are, for good
  std::shared_ptr<const Directory> directory;
  std::deque<Work> waiting;
  bool busy = false;
  std::unordered_map<std::string, std::int64_t> flushed;  ///< times of use that the store has

  [[nodiscard]] std::int64_t now_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(options.now().time_since_epoch()).count();
  }
  [[nodiscard]] std::int64_t now() const { return now_ms() / 1000; }

  // What is asked of a change before it is made. The mutex is held.

  [[nodiscard]] Status may(const Principal& principal, const Item& item, Permission permission) const {
    if (!permits(principal.role(), permission)) return too_low(principal, "do that");
    if (item.role > Role::operator_ && !permits(principal.role(), Permission::own)) {
      return too_low(principal, cat("have to do with the role '", config::to_text(item.role), "'"));
    }
    return {};
  }
  /// Something that exists, to be changed: in the store, below the caller's own tenant.
  [[nodiscard]] Result<Item> changeable(Thing thing, std::string_view id, const Principal& principal,
                                        Permission permission) const {
    const Item* item = tenancy.find(thing, id);
    if (item == nullptr || !tenancy.within(*item, principal.tenant())) return not_there(thing, id);
    if (Status allowed = may(principal, *item, permission); !allowed) return fail_with(allowed);
    const Tenant* own = principal.tenant();
    if (own != nullptr && own->id == id && to_text(thing) == level_of(*own)) {
      return fail(Kind::forbidden, cat("The ", to_text(thing), " '", id, "' is the caller's own; it is changed from above."));
    }
    if (item->declared()) {
      return fail(Kind::conflict, cat("The ", to_text(thing), " '", id, "' is declared in ", item->where.file, ":",
                                      item->where.line, "; change it there."));
    }
    return *item;
  }
  [[nodiscard]] static std::string_view level_of(const Tenant& tenant) { return to_text(static_cast<Thing>(tenant.level)); }

  /// A thing as it is to become: it fits into its place, and allows no more than those above it and the caller itself.
  [[nodiscard]] Status fits(const Item& item, const Principal& principal) const {
    if (Status placed = tenancy.check_place(item); !placed) return placed;
    if (!tenancy.within(item, principal.tenant())) {
      const auto parent = Tenancy::parent_of(item);
      const std::string_view field = parent ? to_text(parent->first) : "organization";
      return fail(Kind::bad_request, cat(field, ": there is no ", field, " '", parent ? parent->second : std::string_view{}, "'"),
                  std::string{field});
    }
    if (Status allowed = may(principal, item, Permission::manage); !allowed) return allowed;
    if (Status narrower = tenancy.check_narrower(item); !narrower) return narrower;
    if (principal.holder() == nullptr) return {};
    const auto fields = wider(*principal.holder()->standing, *item.standing);
    if (fields.empty()) return {};
    return fail(
        Kind::forbidden,
        Error::Detail{.message = cat(fields.front(), ": this would be more than the caller itself may; say no more than that."),
                      .param = std::string{fields.front()},
                      .code = "more_than_own_rights"});
  }

  void put(Plan& plan, Item item, const Item* before, std::string_view action, const Asker& asker) const {
    plan.change.audit.push_back(
        audit(asker, cat(to_text(item.thing), ".", action), item, before != nullptr ? before->body : "", item.body));
    plan.change.puts.push_back(record_of(item));
    plan.puts.push_back(std::move(item));
  }
  [[nodiscard]] store::AuditEntry audit(const Asker& asker, std::string action, const Item& item, std::string before,
                                        std::string after) const {
    const Holder* holder = asker.principal.holder();
    return {.time_ms = now_ms(),
            .actor = holder != nullptr && holder->id != holder->name ? cat(holder->id, " (", holder->name, ")")
                                                                     : std::string{asker.principal.name()},
            .address = asker.address,
            .action = std::move(action),
            .target = cat(to_text(item.thing), "/", item.id),
            .before = std::move(before),
            .after = std::move(after)};
  }

  [[nodiscard]] Item next_of(Item item) const {
    ++item.version;
    item.changed = now();
    return item;
  }
  /// Of one that signs.
  void keep_value(const Item& item, Holder::Credential& credential, const Secret& value) const {
    if (item.signing == config::Signing::off) return;
    credential.sealed = options.vault.seal(Signatures::context_of(item.id), value.reveal());
  }

  /// Gives a key its value; the one it had admits until `overlap_until`.
  [[nodiscard]] Status give_value(Item& item, const Secret& value, std::int64_t overlap_until) {
    if (current()->find(value.reveal(), now()) != nullptr) {
      return fail(Kind::conflict, "key: another key has this value; choose a random one", "key");
    }
    std::vector<Holder::Credential> credentials{{.digest = options.vault.hash(value.reveal())}};
    keep_value(item, credentials.front(), value);
    if (!item.credentials.empty() && overlap_until > now()) {
      credentials.push_back(item.credentials.front());
      credentials.back().until = overlap_until;
    }
    item.credentials = std::move(credentials);
    const std::string_view text = value.reveal();
    item.hint = text.substr(text.size() - 4);
    return {};
  }

  // The way of a change.

  void enqueue(Work work) {
    {
      const std::lock_guard lock{mutex};
      waiting.push_back(std::move(work));
      if (std::exchange(busy, true)) return;
    }
    next();
  }
  void next() {
    std::unique_lock lock{mutex};
    if (waiting.empty()) {
      busy = false;
      return;
    }
    Work work = std::move(waiting.front());
    waiting.pop_front();
    lock.unlock();
    if (work.asker.remember_as.empty()) return begin(std::move(work));
    std::string key = work.asker.remember_as;
    using Found = Result<std::optional<store::Remembered>>;
    options.store.recall(std::move(key), [self = shared_from_this(), kept = std::move(work)](Found found) mutable {
      self->recalled(std::move(kept), std::move(found));
    });
  }
  void recalled(Work work, Result<std::optional<store::Remembered>> found) {
    if (!found) return end(std::move(work), fail_with(found));
    if (!found->has_value()) return begin(std::move(work));
    const store::Remembered& kept = **found;
    if (kept.digest != work.asker.digest) {
      return end(std::move(work),
                 fail(Kind::unprocessable, "idempotency-key: it was used for another request; use a new one", "idempotency-key"));
    }
    const Result<Secret> opened = options.vault.open(cat("idempotency/", kept.key), kept.answer);
    if (!opened) return end(std::move(work), fail(Kind::internal, "an answer that was kept cannot be opened"));
    end(std::move(work), made_of_remembered(opened->reveal()));
  }
  void begin(Work work) {
    Result<Plan> plan = [&]() -> Result<Plan> {
      const std::lock_guard lock{mutex};
      return work.plan(work.asker);
    }();
    if (!plan) return end(std::move(work), fail_with(plan));
    if (!work.asker.remember_as.empty()) {
      plan->change.remember = store::Remembered{
          .key = work.asker.remember_as,
          .digest = work.asker.digest,
          .answer = options.vault.seal(cat("idempotency/", work.asker.remember_as), remembered_json(plan->made)),
          .expires = now() + remembered_seconds};
    }
    store::Change change = std::move(plan->change);
    options.store.change(std::move(change),
                         [self = shared_from_this(), work = std::move(work), plan = std::move(*plan)](Status stored) mutable {
                           if (!stored) return self->end(std::move(work), fail_with(stored));
                           self->apply(std::move(work), std::move(plan));
                         });
  }
  void apply(Work work, Plan plan) {
    std::shared_ptr<const Directory> made;
    {
      const std::lock_guard lock{mutex};
      for (Item& item : plan.puts) {
        asked_for = asked_for || item.thing == Thing::key;
        tenancy.put(std::move(item));
      }
      for (const auto& [thing, id] : plan.removes) tenancy.erase(thing, id);
      made = directory = make_directory();
    }
    // Who asked hears of it when it holds everywhere.
    options.publish(std::move(made),
                    [then = std::move(work.then), made = std::move(plan.made)]() mutable { then(std::move(made)); });
    next();
  }
  void end(Work work, Result<Made> result) {
    work.then(std::move(result));
    next();
  }

  /// Made when it is asked for: at the start a configuration follows what the store kept.
  [[nodiscard]] const std::shared_ptr<const Directory>& current() {
    if (directory == nullptr) directory = make_directory();
    return directory;
  }
  /// There is no key, and never was one.
  [[nodiscard]] bool nobody_is_known() const noexcept { return !asked_for && tenancy.all(Thing::key).empty(); }
  [[nodiscard]] std::shared_ptr<const Directory> make_directory() {
    Directory::Parts parts = tenancy.parts(rules);
    parts.signatures = signatures;
    const bool admitted = nobody_is_known() && !others_vouch;
    parts.keyless = admitted ? Directory::Parts::Keyless::admitted : Directory::Parts::Keyless::refused;
    return Directory::make(std::move(parts), options.vault.hasher());
  }

  template <class Form>
  void declare_one(Thing thing, std::string id, Form form, std::vector<config::Problem>& problems, std::vector<Item>& out) {
    const config::Where where = form.where;
    const auto problem = [&](std::string message, std::string fix) {
      problems.push_back(
          {.where = where, .path = cat(to_text(thing), "s.", id), .message = std::move(message), .fix = std::move(fix)});
    };
    Result<ReadItem> made = make_item(thing, id, std::move(form));
    if (!made) return problem(std::string{made.error().message()}, "change it");
    // What the environment and the command line declare stands in no file.
    if (made->item.where.line == 0) made->item.where = {.file = "environment", .line = 1, .column = 1};
    const Item* kept = tenancy.find(thing, id);
    if (kept != nullptr && !kept->declared()) {
      return problem(cat("the ", to_text(thing), " '", id, "' was made by the administration already"),
                     "rename it, or remove the other");
    }
    out.push_back(std::move(made->item));
  }
};

Registry::Registry(Options options) : state_{std::make_shared<State>(std::move(options))} {
  state_->directory = state_->make_directory();
}
Registry::~Registry() = default;

std::shared_ptr<const Directory> Registry::directory() const {
  const std::lock_guard lock{state_->mutex};
  return state_->current();
}

Status Registry::load(const store::Kept& kept) {
  const std::lock_guard lock{state_->mutex};
  for (const store::Record& record : kept.records) {
    if (record.kind == mark_kind && record.id == keys_asked_for) state_->asked_for = true;
    if (!thing_of(record.kind)) continue;
    Result<Item> item = item_of(record);
    if (!item) return fail_with(item);
    state_->tenancy.put(std::move(*item));
  }
  for (const store::LastUsed& use : kept.last_used) state_->tenancy.set_used(use.id, use.time);
  state_->directory = nullptr;
  return {};
}

std::vector<config::Problem> Registry::declare(const config::Settings& settings, OriginRules rules) {
  std::vector<config::Problem> problems;
  State& state = *state_;
  std::shared_ptr<const Directory> made;
  {
    const std::lock_guard lock{state.mutex};
    std::vector<Item> items;
    for (const auto& [id, form] : settings.organizations) state.declare_one(Thing::organization, id, form, problems, items);
    for (const auto& [id, form] : settings.teams) state.declare_one(Thing::team, id, form, problems, items);
    for (const auto& [id, form] : settings.projects) state.declare_one(Thing::project, id, form, problems, items);
    for (const auto& [id, form] : settings.users) state.declare_one(Thing::user, id, form, problems, items);
    for (const config::Member& form : settings.members) {
      state.declare_one(Thing::member, id_of(form), form, problems, items);
    }
    std::size_t place = 0;
    for (const config::GatewayKey& form : settings.keys) {
      Result<std::shared_ptr<Holder>> holder = holder_of(form, ++place, state.options.vault.hasher());
      if (!holder) continue;  // said by whoever checked the file
      const std::size_t before = items.size();
      state.declare_one(Thing::key, (*holder)->id, form, problems, items);
      if (items.size() == before) continue;
      items.back().owner = (*holder)->owner;
      items.back().title = (*holder)->name;
      items.back().credentials = (*holder)->credentials;
      state.keep_value(items.back(), items.back().credentials.front(), form.key);
    }
    if (!problems.empty()) return problems;
    const std::vector<Item> before = state.tenancy.forget_declared();
    for (const Item& item : items) state.tenancy.put(item);
    for (const Item& item : items) {
      Status placed = state.tenancy.check_place(item);
      if (placed) continue;
      problems.push_back({.where = item.where,
                          .path = cat(to_text(item.thing), "s.", item.id),
                          .message = std::string{placed.error().message()},
                          .fix = "name one that is there"});
    }
    const bool others_vouch = !settings.jwt.empty() || !settings.introspection.empty() || !settings.oidc.issuer.empty() ||
                              !settings.tls.client_ca.empty();
    if (!others_vouch && state.nobody_is_known()) refuse_strangers(settings.listen, problems);
    if (problems.empty()) {
      state.rules = std::move(rules);
      state.others_vouch = others_vouch;
    } else {
      // All of a file or nothing: what was declared before stays.
      (void)state.tenancy.forget_declared();
      for (const Item& item : before) state.tenancy.put(item);
    }
    made = state.directory = state.make_directory();
  }
  state.options.publish(std::move(made), [] {});
  return problems;
}

Result<Shown> Registry::show(Thing thing, std::string_view id, const Principal& principal) const {
  const std::lock_guard lock{state_->mutex};
  const Item* item = state_->tenancy.find(thing, id);
  const bool own = thing == Thing::key && principal.holder() != nullptr && principal.holder()->id == id;
  const bool seen = own || (permits(principal.role(), Permission::read) && item != nullptr &&
                            state_->tenancy.within(*item, principal.tenant()));
  if (item == nullptr || !seen) return not_there(thing, id);
  return Shown{.id = item->id, .version = item->version, .json = shown_json(*item, state_->tenancy.used(item->id))};
}

Result<std::vector<Shown>> Registry::list(const ListQuery& query, const Principal& principal) const {
  if (!permits(principal.role(), Permission::read)) return too_low(principal, "see the administration");
  const std::lock_guard lock{state_->mutex};
  const Tenancy& tenancy = state_->tenancy;
  const std::pair<Level, std::string_view> filters[] = {
      {Level::organization, query.organization}, {Level::team, query.team}, {Level::project, query.project}};
  std::vector<Shown> out;
  const Tenancy::Items& items = tenancy.all(query.thing);
  for (auto at = items.upper_bound(query.after); at != items.end() && out.size() < query.limit; ++at) {
    const Item& item = *at->second;
    const bool wanted = std::ranges::all_of(filters, [&](const auto& filter) {
      if (filter.second.empty()) return true;
      Tenant tenant;
      tenant.level = filter.first;
      tenant.id = filter.second;
      return tenancy.within(item, &tenant);
    });
    if (!wanted || !tenancy.within(item, principal.tenant())) continue;
    out.push_back({.id = item.id, .version = item.version, .json = shown_json(item, tenancy.used(item.id))});
  }
  return out;
}

void Registry::create(Thing thing, Caller caller, std::string json, Then<Result<Made>> then) {
  auto plan = [&state = *state_, thing, json = std::move(json)](const Asker& asker) -> Result<Plan> {
    if (!permits(asker.principal.role(), Permission::manage)) return too_low(asker.principal, "make things");
    Result<json::Value> body = json::parse(json);
    if (!body || !body->is(json::Type::object)) return fail(Kind::bad_request, "The body is not a JSON object.");
    std::string id = random_text(cat(to_text(thing), "_"), 12);
    if (const json::Value* given = body->find("id")) {
      if (given->as_string() == nullptr) return fail(Kind::bad_request, "id: expected a text", "id");
      id = *given->as_string();
      body->erase("id");
    }
    Result<ReadItem> read = read_item(thing, std::move(id), body->dump());
    if (!read) return fail_with(read);
    Item item = std::move(read->item);
    if (state.tenancy.find(thing, item.id) != nullptr) {
      return fail(Kind::conflict, cat("There is a ", to_text(thing), " '", item.id, "' already."), "id");
    }
    if (Status fits = state.fits(item, asker.principal); !fits) return fail_with(fits);
    item.version = 1;
    item.created = item.changed = state.now();
    Plan plan;
    Secret value;
    if (thing == Thing::key) {
      item.owner = cat("key:", item.id);
      value = read->key.empty() ? Secret{random_text("sk-cardea-", 32)} : std::move(read->key);
      if (value.reveal().size() < given_key_bytes_min || value.reveal().size() > key_bytes_max) {
        return fail(Kind::bad_request, cat("key: ", given_key_bytes_min, " to ", key_bytes_max, " characters, or leave it out"),
                    "key");
      }
      if (Status given = state.give_value(item, value, 0); !given) return fail_with(given);
      if (!state.asked_for) {
        plan.change.puts.push_back({.kind = std::string{mark_kind},
                                    .id = std::string{keys_asked_for},
                                    .created = item.created,
                                    .changed = item.created,
                                    .body = "{}"});
      }
    }
    plan.made = made_of(item, std::move(value), 0);
    state.put(plan, std::move(item), nullptr, "create", asker);
    return plan;
  };
  state_->enqueue({keep(caller), std::move(plan), std::move(then)});
}

void Registry::update(Thing thing, Caller caller, std::string_view id, std::string_view merge_patch,
                      std::optional<std::int64_t> if_version, Then<Result<Made>> then) {
  auto plan = [&state = *state_, thing, id = std::string{id}, merge_patch = std::string{merge_patch},
               if_version](const Asker& asker) -> Result<Plan> {
    Result<json::Value> patch = json::parse(merge_patch);
    if (!patch || !patch->is(json::Type::object)) return fail(Kind::bad_request, "The body is not a JSON object.");
    // To block and unblock is less than to change.
    const bool only_blocks = patch->members().size() == 1 && patch->find("blocked") != nullptr;
    Result<Item> before = state.changeable(thing, id, asker.principal, only_blocks ? Permission::operate : Permission::manage);
    if (!before) return fail_with(before);
    if (if_version && *if_version != before->version) return another_version(thing, id);
    if (patch->find("id") != nullptr) return fail(Kind::bad_request, "id: it cannot be changed", "id");
    if (thing == Thing::key && patch->find("key") != nullptr) {
      return fail(Kind::bad_request, "key: rotate the key to give it another value", "key");
    }
    Result<json::Value> body = json::parse(before->body);
    if (!body) return fail(Kind::internal, "a thing that was kept cannot be read");
    json::merge_patch(*body, *patch);
    Result<ReadItem> read = read_item(thing, id, body->dump());
    if (!read) return fail_with(read);
    Item item = std::move(read->item);
    item.version = before->version + 1;
    item.created = before->created;
    item.changed = state.now();
    item.owner = before->owner;
    item.credentials = before->credentials;
    item.hint = before->hint;
    if (Status kept = follow_signing(item); !kept) return fail_with(kept);
    if (!only_blocks) {
      if (Status fits = state.fits(item, asker.principal); !fits) return fail_with(fits);
    }
    Plan plan;
    plan.made = made_of(item, {}, state.tenancy.used(id));
    state.put(plan, std::move(item), &*before, "update", asker);
    return plan;
  };
  state_->enqueue({keep(caller), std::move(plan), std::move(then)});
}

void Registry::remove(Thing thing, Caller caller, std::string_view id, std::optional<std::int64_t> if_version,
                      Then<Status> then) {
  auto plan = [&state = *state_, thing, id = std::string{id}, if_version](const Asker& asker) -> Result<Plan> {
    Result<Item> item = state.changeable(thing, id, asker.principal, Permission::manage);
    if (!item) return fail_with(item);
    if (if_version && *if_version != item->version) return another_version(thing, id);
    Plan plan;
    for (const Item* gone : state.tenancy.below(*item)) {
      if (gone->declared()) {
        return fail(Kind::conflict, cat("The ", to_text(gone->thing), " '", gone->id, "' below it is declared in ",
                                        gone->where.file, ":", gone->where.line, "; remove it there first."));
      }
      if (Status allowed = state.may(asker.principal, *gone, Permission::manage); !allowed) return fail_with(allowed);
      plan.change.audit.push_back(state.audit(asker, cat(to_text(gone->thing), ".remove"), *gone, gone->body, ""));
      plan.change.removes.push_back({.kind = std::string{to_text(gone->thing)}, .id = gone->id, .version = gone->version});
      plan.removes.emplace_back(gone->thing, gone->id);
    }
    return plan;
  };
  state_->enqueue({keep(caller), std::move(plan),
                   [then = std::move(then)](Result<Made> done) mutable { then(done ? Status{} : Status{fail_with(done)}); }});
}

void Registry::rotate(Caller caller, std::string_view id, std::chrono::seconds overlap, Then<Result<Made>> then) {
  auto plan = [&state = *state_, id = std::string{id}, overlap](const Asker& asker) -> Result<Plan> {
    Result<Item> before = state.changeable(Thing::key, id, asker.principal, Permission::manage);
    if (!before) return fail_with(before);
    Item item = state.next_of(*before);
    Secret value{random_text("sk-cardea-", 32)};
    if (Status given = state.give_value(item, value, state.now() + overlap.count()); !given) return fail_with(given);
    Plan plan;
    plan.made = made_of(item, std::move(value), state.tenancy.used(id));
    state.put(plan, std::move(item), &*before, "rotate", asker);
    return plan;
  };
  state_->enqueue({keep(caller), std::move(plan), std::move(then)});
}

void Registry::revoke(Caller caller, std::string_view id, Then<Result<Made>> then) {
  auto plan = [&state = *state_, id = std::string{id}](const Asker& asker) -> Result<Plan> {
    Result<Item> before = state.changeable(Thing::key, id, asker.principal, Permission::manage);
    if (!before) return fail_with(before);
    Item item = state.next_of(*before);
    item.credentials.clear();
    Plan plan;
    plan.made = made_of(item, {}, state.tenancy.used(id));
    state.put(plan, std::move(item), &*before, "revoke", asker);
    return plan;
  };
  state_->enqueue({keep(caller), std::move(plan), std::move(then)});
}

void Registry::flush_used() {
  std::vector<store::LastUsed> uses;
  {
    const std::lock_guard lock{state_->mutex};
    for (const auto& [id, item] : state_->tenancy.all(Thing::key)) {
      const std::int64_t used = state_->tenancy.used(id);
      if (used == 0 || item->declared() || state_->flushed[id] == used) continue;
      state_->flushed[id] = used;
      uses.push_back({.id = id, .time = used});
    }
  }
  if (!uses.empty()) state_->options.store.used(std::move(uses), [](const Status&) {});
}

}  // namespace cardea::access
