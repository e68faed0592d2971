#pragma once
// What the field tables say, written for editors and for people.

#include <string>
#include <string_view>
#include <vector>

namespace cardea::config {

/// JSON Schema (draft 2020-12) of cardea.yaml.
[[nodiscard]] std::string json_schema();
/// One field of a form, for command lines.
struct FormField {
  std::string_view name, doc, example;
  enum class Kind : std::uint8_t {
    text,     ///< one value
    number,   ///< one whole number
    list,     ///< values
    map,      ///< values by name
    budgets,  ///< the one list of mappings: amount and per
  } kind = Kind::text;
};
/// Of "organization", "team", "project", "key", "user" or "member".
[[nodiscard]] std::vector<FormField> form_fields(std::string_view thing);

/// docs/configuration.md.
[[nodiscard]] std::string reference_markdown();

}  // namespace cardea::config
