#pragma once
// An example of what a JSON Schema describes.

#include <string>
#include <string_view>

#include "json/value.h"

namespace cardea::twin {

/// The smallest plausible value that fits `schema`: its const, default, first example or first enum value, else one made from
/// type, bounds, format and the member's `name`. Of an object: the required members, or all when none is required. Knows $ref
/// (within the schema), allOf (merged), anyOf and oneOf (the first). Not honoured: pattern, not, if, dependent…. Limits: 32
/// levels, 10,000 values; beyond them null.
[[nodiscard]] json::Value instance(const json::Value& schema, std::string_view name = "value");

}  // namespace cardea::twin
