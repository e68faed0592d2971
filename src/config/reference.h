#pragma once
// What the field tables say, written for editors and for people.

#include <string>

namespace cardea::config {

/// JSON Schema (draft 2020-12) of cardea.yaml.
[[nodiscard]] std::string json_schema();
/// docs/configuration.md.
[[nodiscard]] std::string reference_markdown();

}  // namespace cardea::config
