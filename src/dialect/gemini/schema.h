#pragma once
// Private to the folder: JSON Schema to and from Gemini's Schema, a subset of OpenAPI 3.0 with type names of its own
// (ai.google.dev/api/caching#Schema).

#include <optional>

#include "json/value.h"

namespace cardea::dialect::google {

struct SchemaUse {
  bool function = false;  ///< parameters of a function: may be an object without properties
  bool ordering = false;  ///< say propertyOrdering, since a protobuf map has no order
};

/// The same schema in Gemini's subset, references resolved. Nothing when a keyword or a form is outside of it (then there are
/// parametersJsonSchema and responseJsonSchema).
[[nodiscard]] std::optional<json::Value> to_gemini_schema(const json::Value& schema, SchemaUse use);
/// The JSON Schema that says the same. propertyOrdering becomes the order of the properties.
[[nodiscard]] json::Value from_gemini_schema(const json::Value& schema);

}  // namespace cardea::dialect::google
