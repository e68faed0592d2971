#pragma once
// From files and environment to a configuration that can be served.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "config/loader.h"
#include "pipeline/snapshot.h"

namespace cardea::server {

/// Where a configuration comes from. The same sources are read again at each reload.
struct Sources {
  std::string config_file;                            ///< empty: the first of default_config_files() that exists, or none
  std::string models_file;                            ///< a registry besides; empty: default_models_file when it exists
  config::Overrides overrides;                        ///< of the command line
  config::Env env;                                    ///< empty: the process's
  std::function<void(config::Settings&)> amend = {};  ///< adds what files do not hold, before the catalog is made; empty: nothing
};

/// Tried in order when no file is named.
inline constexpr const char* default_config_files[] = {"cardea.yaml", "/etc/cardea/cardea.yaml"};
inline constexpr const char* default_models_file = "/models/model-registry.yaml";

/// What loading brought: settings and catalog, or the problems. Warnings may stand beside a good result.
struct Configuration {
  config::Settings settings;
  std::shared_ptr<const catalog::Catalog> catalog;  ///< null: not usable
  std::vector<config::Problem> problems;
  config::Places places;           ///< of the settings' fields
  std::vector<std::string> files;  ///< those read, certificates and credentials included: to be watched
  [[nodiscard]] bool usable() const noexcept { return catalog != nullptr; }
};

/// Reads, checks and resolves everything; every problem is reported. Blocking; any thread.
[[nodiscard]] Configuration load(const Sources& sources, std::span<const catalog::Discovered> found = {});
/// What would keep a gateway with this configuration from starting although the configuration itself is sound: certificates,
/// names of addresses, proxies. Blocking; any thread.
[[nodiscard]] std::vector<config::Problem> start_problems(const Configuration& configuration, const config::Env& env);
/// Makes a usable configuration ready for requests. Error: config.
[[nodiscard]] Result<std::shared_ptr<const pipeline::Snapshot>> make_snapshot(const Configuration& configuration,
                                                                              const std::string& data_directory);
/// A whole file, or a pipe to its end. Error: config, "cannot be read: …" with the system's reason.
[[nodiscard]] Result<std::string> read_file(const std::string& name);
/// The process's environment.
[[nodiscard]] config::Env process_environment();

/// Which web pages may use the gateway.
[[nodiscard]] access::OriginRules origin_rules(const config::Settings& settings);

}  // namespace cardea::server
