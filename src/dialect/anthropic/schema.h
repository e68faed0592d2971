#pragma once
// Private to the folder: the part of JSON Schema that Anthropic's structured outputs take.

#include <optional>
#include <string>
#include <string_view>

#include "dialect/losses.h"
#include "json/value.h"

namespace cardea::dialect::claude {

/// A schema in Anthropic's subset, as its own SDKs convert it ("Structured outputs", JSON Schema limitations): objects are
/// closed, `oneOf` becomes `anyOf`, and what is not checked is said in the description. Each change is a detail in `losses`,
/// below `path`. Nothing when the subset cannot say it: objects of any keys, schemas that contain themselves, schemas elsewhere;
/// `problem` says which.
[[nodiscard]] std::optional<json::Value> to_subset(const json::Value& schema, std::string_view path, Losses& losses,
                                                   std::string& problem);

}  // namespace cardea::dialect::claude
