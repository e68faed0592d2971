#pragma once
// Keys of providers that the administration was given: kept sealed, put into the configuration whenever it is read.

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "access/vault.h"
#include "admin/administrator.h"
#include "config/settings.h"
#include "server/load.h"
#include "store/registry.h"

namespace cardea::server {

/// Its functions may be called from any thread but where it says otherwise. What it is given outlives it.
class StoredProviderKeys final : public admin::ProviderKeys {
 public:
  static constexpr std::string_view record_kind = "provider_key";
  /// A record with its key sealed by the newest master key; nothing: it is. Error: config, it cannot be opened.
  [[nodiscard]] static Result<std::optional<store::Record>> resealed(const store::Record& record, const access::Vault& vault);
  /// Has the configuration read again, and calls back when it is in force.
  using Apply = std::function<void(std::move_only_function<void()> applied)>;

  using Clock = std::chrono::system_clock::time_point (*)();

  StoredProviderKeys(store::RegistryStore& store, const access::Vault& vault, Apply apply,
                     Clock now = &std::chrono::system_clock::now)
      : store_{store}, vault_{vault}, apply_{std::move(apply)}, now_{now} {}

  /// Of the start. Error: config, a key that does not open.
  [[nodiscard]] Status load(const std::vector<store::Record>& records);
  [[nodiscard]] bool empty() const;
  /// Puts the keys to their providers.
  void amend(config::Settings& settings) const;
  /// What the configuration in force has.
  void know(const Configuration& configuration);

  [[nodiscard]] Result<Source> source(std::string_view provider) const override;
  void set(access::Caller caller, std::string_view provider, Secret key, Then<Status> then) override;
  void remove(access::Caller caller, std::string_view provider, Then<Status> then) override;

 private:
  struct Kept {
    Secret key;
    std::int64_t version = 1, created = 0;
  };
  [[nodiscard]] std::int64_t now_ms() const;
  void change(store::Change change, std::string name, std::optional<Kept> kept, Then<Status> then);

  store::RegistryStore& store_;
  const access::Vault& vault_;
  Apply apply_;
  Clock now_;
  mutable std::mutex mutex_;  ///< of all that follows
  std::map<std::string, Kept, std::less<>> keys_;
  std::map<std::string, Source, std::less<>> known_;            ///< providers, without regard to the keys here
  std::map<std::string, config::Where, std::less<>> declared_;  ///< those whose keys a file gives
};

}  // namespace cardea::server
