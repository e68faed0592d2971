#include "server/access_control.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <semaphore>

#include "access/master_key.h"
#include "base/text.h"
#include "server/provider_keys.h"

namespace cardea::server {
namespace {

/// Of a store's answer, at the start only: nobody is served yet.
template <class T>
class Awaited {
 public:
  [[nodiscard]] std::move_only_function<void(T)> then() {
    return [this](T value) {
      value_.emplace(std::move(value));
      there_.release();
    };
  }
  [[nodiscard]] T wait() {
    there_.acquire();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
  std::binary_semaphore there_{0};
};

/// The vault's own record: made at the first start, sealed anew when the master key has changed.
Status keep_hash_key(store::RegistryStore& store, const access::Vault& vault, const store::Record* before, std::int64_t now) {
  if (before != nullptr && before->sealed == vault.kept()) return {};
  store::Record record;
  if (before != nullptr) {
    record = *before;
    ++record.version;
  } else {
    record = {.kind = std::string{access::Vault::record_kind},
              .id = std::string{access::Vault::record_id},
              .created = now,
              .body = "{}"};
  }
  record.changed = now;
  record.sealed = vault.kept();
  store::Change change;
  change.puts.push_back(std::move(record));
  Awaited<Status> stored;
  store.change(std::move(change), stored.then());
  return stored.wait();
}

/// Whatever an older master key sealed is sealed by the newest: all of it or nothing.
Status seal_anew(store::RegistryStore& store, const access::Vault& vault, std::vector<store::Record>& records,
                 std::chrono::system_clock::time_point now) {
  constexpr std::array<Result<std::optional<store::Record>> (*)(const store::Record&, const access::Vault&), 2> resealers{
      access::resealed, StoredProviderKeys::resealed};
  store::Change change;
  for (store::Record& record : records) {
    for (const auto& resealed : resealers) {
      Result<std::optional<store::Record>> anew = resealed(record, vault);
      if (!anew) return fail_with(anew);
      if (!*anew) continue;
      record = std::move(**anew);
      ++record.version;
      record.changed = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
      change.puts.push_back(record);
    }
  }
  if (change.puts.empty()) return {};
  change.audit.push_back({.time_ms = std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()).count(),
                          .actor = "local",
                          .address = "",
                          .action = "secrets.reseal",
                          .target = cat(change.puts.size(), " records"),
                          .before = {},
                          .after = {}});
  Awaited<Status> stored;
  store.change(std::move(change), stored.then());
  return stored.wait();
}

}  // namespace

Result<std::unique_ptr<AccessControl>> AccessControl::open(store::RegistryStore& store, const config::Settings& settings,
                                                           const config::Env& env, const std::string& data_directory,
                                                           access::Registry::Publish publish,
                                                           std::chrono::system_clock::time_point (*now)()) {
  Result<access::MasterKeys> keys =
      access::find_master_keys(settings.master_key, env("CREDENTIALS_DIRECTORY").value_or(""), data_directory);
  if (!keys) return fail_with(keys);
  Awaited<Result<store::Kept>> loaded;
  store.load(loaded.then());
  Result<store::Kept> kept = loaded.wait();
  if (!kept) return fail_with(kept);
  const store::Record* hash_key = nullptr;
  for (const store::Record& record : kept->records) {
    if (record.kind == access::Vault::record_kind && record.id == access::Vault::record_id) hash_key = &record;
  }
  Result<access::Vault> vault =
      access::Vault::make(keys->keys, hash_key != nullptr ? std::string_view{hash_key->sealed} : std::string_view{});
  if (!vault) return fail_with(vault);
  Status noted =
      keep_hash_key(store, *vault, hash_key, std::chrono::duration_cast<std::chrono::seconds>(now().time_since_epoch()).count());
  if (noted) noted = seal_anew(store, *vault, kept->records, now());
  if (!noted) return fail_with(noted);
  std::unique_ptr<AccessControl> out{new AccessControl{store, std::move(*vault), std::move(keys->source), std::move(publish)}};
  Status read = out->registry_.load(*kept);
  if (!read) return fail_with(read);
  std::ranges::copy_if(kept->records, std::back_inserter(out->provider_keys_),
                       [](const store::Record& record) { return record.kind == StoredProviderKeys::record_kind; });
  return out;
}

AccessControl::AccessControl(store::RegistryStore& store, access::Vault vault, std::string key_source,
                             access::Registry::Publish publish)
    : vault_{std::move(vault)},
      key_source_{std::move(key_source)},
      registry_{{.store = store, .vault = vault_, .publish = std::move(publish)}} {}

}  // namespace cardea::server
