#include "server/provider_keys.h"

#include <algorithm>

#include "base/text.h"

namespace cardea::server {
namespace {

std::string context_of(std::string_view name) { return cat("provider/", name, "/key"); }

bool gives_key(const config::Provider& provider) {
  return std::ranges::any_of(provider.given, [](const std::string& field) { return field == "api_key" || field == "auth"; });
}

store::AuditEntry audit_of(const access::Caller& caller, std::string_view name, std::string_view action, std::int64_t now_ms) {
  return {.time_ms = now_ms,
          .actor = std::string{caller.principal.holder() != nullptr ? std::string_view{caller.principal.holder()->id}
                                                                    : caller.principal.name()},
          .address = std::string{caller.address},
          .action = cat("provider_key.", action),
          .target = cat("provider/", name),
          .before = {},
          .after = {}};
}

}  // namespace

Result<std::optional<store::Record>> StoredProviderKeys::resealed(const store::Record& record, const access::Vault& vault) {
  if (record.kind != record_kind) return std::nullopt;
  Result<std::optional<std::string>> anew = vault.resealed(context_of(record.id), record.sealed);
  if (!anew) return fail(Kind::config, cat("the kept key of provider '", record.id, "': ", anew.error().message()));
  if (!*anew) return std::nullopt;
  store::Record out = record;
  out.sealed = std::move(**anew);
  return out;
}

Status StoredProviderKeys::load(const std::vector<store::Record>& records) {
  const std::lock_guard lock{mutex_};
  for (const store::Record& record : records) {
    Result<Secret> key = vault_.open(context_of(record.id), record.sealed);
    if (!key) return fail(Kind::config, cat("the kept key of provider '", record.id, "': ", key.error().message()));
    keys_.insert_or_assign(record.id, Kept{.key = std::move(*key), .version = record.version, .created = record.created});
  }
  return {};
}

std::int64_t StoredProviderKeys::now_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(now_().time_since_epoch()).count();
}

bool StoredProviderKeys::empty() const {
  const std::lock_guard lock{mutex_};
  return keys_.empty();
}

void StoredProviderKeys::amend(config::Settings& settings) const {
  const std::lock_guard lock{mutex_};
  for (const auto& [name, kept] : keys_) {
    auto at = std::ranges::find_if(settings.providers, [&](const auto& one) { return one.first == name; });
    if (at == settings.providers.end()) at = settings.providers.insert(at, {name, config::Provider{}});
    // What a file says is stronger.
    if (gives_key(at->second)) continue;
    at->second.api_key = Secret{std::string{kept.key.reveal()}};
    at->second.given.emplace_back("api_key");
  }
}

void StoredProviderKeys::know(const Configuration& configuration) {
  const std::lock_guard lock{mutex_};
  known_.clear();
  declared_.clear();
  for (const auto* provider : configuration.catalog->providers()) known_.insert_or_assign(provider->name, Source::configuration);
  for (const auto& provider : configuration.catalog->disabled()) known_.insert_or_assign(provider.name, Source::none);
  for (const auto& [name, provider] : configuration.settings.providers) {
    if (gives_key(provider) && keys_.find(name) == keys_.end()) declared_.insert_or_assign(name, provider.where);
  }
}

Result<admin::ProviderKeys::Source> StoredProviderKeys::source(std::string_view provider) const {
  const std::lock_guard lock{mutex_};
  if (keys_.find(provider) != keys_.end()) return Source::store;
  const auto known = known_.find(provider);
  if (known == known_.end()) return fail(Kind::not_found, cat("There is no provider '", provider, "'."), "name");
  return known->second;
}

void StoredProviderKeys::set(access::Caller caller, std::string_view provider, Secret key, Then<Status> then) {
  std::string name{provider};
  Result<Source> there = source(name);
  if (!there) return then(fail_with(there));
  Kept kept{.key = std::move(key), .version = 1, .created = now_ms() / 1000};
  config::Where where;
  {
    const std::lock_guard lock{mutex_};
    if (const auto at = declared_.find(name); at != declared_.end()) where = at->second;
    if (const auto at = keys_.find(name); at != keys_.end()) {
      kept.version = at->second.version + 1;
      kept.created = at->second.created;
    }
  }
  if (where.line != 0) {
    return then(fail(Kind::conflict,
                     cat("The key of provider '", name, "' is declared in ", where.file, ":", where.line, "; change it there.")));
  }
  store::Change change;
  change.puts.push_back({.kind = std::string{record_kind},
                         .id = name,
                         .version = kept.version,
                         .created = kept.created,
                         .changed = now_ms() / 1000,
                         .body = "{}",
                         .sealed = vault_.seal(context_of(name), kept.key.reveal())});
  change.audit.push_back(audit_of(caller, name, "set", now_ms()));
  this->change(std::move(change), std::move(name), std::move(kept), std::move(then));
}

void StoredProviderKeys::remove(access::Caller caller, std::string_view provider, Then<Status> then) {
  std::string name{provider};
  {
    const std::lock_guard lock{mutex_};
    if (keys_.find(name) == keys_.end()) name.clear();
  }
  if (name.empty()) return then(fail(Kind::not_found, cat("No key of provider '", provider, "' is kept here."), "name"));
  store::Change change;
  change.removes.push_back({.kind = std::string{record_kind}, .id = name});
  change.audit.push_back(audit_of(caller, name, "remove", now_ms()));
  this->change(std::move(change), std::move(name), std::nullopt, std::move(then));
}

void StoredProviderKeys::change(store::Change change, std::string name, std::optional<Kept> kept, Then<Status> then) {
  store_.change(std::move(change),
                [this, name = std::move(name), kept = std::move(kept), then = std::move(then)](Status done) mutable {
                  if (!done) return then(std::move(done));
                  {
                    const std::lock_guard lock{mutex_};
                    if (kept) {
                      keys_.insert_or_assign(std::move(name), std::move(*kept));
                    } else {
                      keys_.erase(name);
                    }
                  }
                  apply_([then = std::move(then)]() mutable { then(Status{}); });
                });
}

}  // namespace cardea::server
