#pragma once
// What the tests of this room share.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/text.h"
#include "catalog/catalog.h"

namespace cardea::catalog {

using Variables = std::vector<std::pair<std::string, std::string>>;

inline config::Env env_of(Variables variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    for (const auto& [key, value] : variables) {
      if (key == name) return value;
    }
    return std::nullopt;
  };
}

inline std::string all(const std::vector<config::Problem>& problems) {
  std::string out;
  for (const auto& problem : problems) out += config::to_text(problem) + "\n";
  return out;
}

inline Built build_of(std::string_view yaml, const config::Env& env, const BuildOptions& options = {}) {
  const auto loaded = config::load(yaml, "c.yaml", env);
  EXPECT_TRUE(loaded.ok()) << all(loaded.problems);
  return build(loaded.settings, env, options);
}
inline std::shared_ptr<const Catalog> good(std::string_view yaml, const config::Env& env, const BuildOptions& options = {}) {
  auto built = build_of(yaml, env, options);
  EXPECT_TRUE(built.catalog) << all(built.problems);
  return built.catalog;
}

inline std::string went(const Catalog& catalog, std::string_view name) {
  const auto target = catalog.resolve(name);
  if (!target) return cat("! ", target.error().message());
  return cat(target->provider->name, " ", target->model, target->info != nullptr ? " known" : "");
}

}  // namespace cardea::catalog
