#pragma once
// Who may call, as the whole gateway has it: the vault, what the store keeps of tenants and keys, and the registry that changes
// it.

#include <memory>
#include <string>

#include "access/registry.h"
#include "access/vault.h"
#include "config/loader.h"
#include "store/registry.h"

namespace cardea::server {

/// Made at the start; outlives the workers' requests. Its registry may be called from any thread.
class AccessControl {
 public:
  /// Finds the master key, reads what the store keeps. Waits for the store. Error: config, naming the fix.
  [[nodiscard]] static Result<std::unique_ptr<AccessControl>> open(
      store::RegistryStore& store, const config::Settings& settings, const config::Env& env, const std::string& data_directory,
      access::Registry::Publish publish, std::chrono::system_clock::time_point (*now)() = &std::chrono::system_clock::now);

  [[nodiscard]] access::Registry& registry() noexcept { return registry_; }
  /// Kept keys of providers, as they were at the start (provider_keys.h).
  [[nodiscard]] const std::vector<store::Record>& provider_keys() const noexcept { return provider_keys_; }
  [[nodiscard]] const access::Vault& vault() const noexcept { return vault_; }
  /// Where the master key came from, for the log.
  [[nodiscard]] const std::string& key_source() const noexcept { return key_source_; }

 private:
  AccessControl(store::RegistryStore& store, access::Vault vault, std::string key_source, access::Registry::Publish publish);

  access::Vault vault_;
  std::string key_source_;
  std::vector<store::Record> provider_keys_;
  access::Registry registry_;
};

}  // namespace cardea::server
