#pragma once
// What the model `inspect` says: what it understood of a request, in words that are the same for every dialect.

#include <string>

#include "json/value.h"
#include "twin/request.h"

namespace cardea::twin {

/// A JSON object. The judge of translation: two requests that mean the same have the same summary, whatever dialect they came in,
/// but for `call_ids`, `notes` and `schema_name`, which not every dialect can say. Members that say nothing are left out:
///
///   system         texts before the first turn
///   turns          [{"user": PARTS}, {"assistant": PARTS}, {"tool": PARTS}, …]; neighbours of one role are one turn
///   tools          [{"name", "description", "parameters", "strict", "custom"} or {"built_in": TYPE}]
///   tool_choice    "none", "required" or {"name"}; automatic is not said
///   parallel       false
///   max_tokens, n, stop
///   sampling       numbers by OpenAI's names, sorted; 0.70 is 0.7
///   format         "json"; schema, schema_name, schema_strict
///   reasoning      {"effort", "budget", "show"}
///   call_ids       as they were on the wire; calls and results say the place in this list, from 1, as `nr`
///   notes          the rest, by the dialect's own names
///
/// PARTS: "text", {"text", "cache"}, {"image" | "audio" | "video" | "file": {"type", "bytes", "sha256", "url", "id", "name",
/// "detail"}}, {"refusal"}, {"thought", "signed", "redacted"}, {"call": {"nr", "name", "arguments" or "input"}},
/// {"result": {"nr", "name", "error", "content": PARTS}}; a result's text that is a JSON object or array is {"json"}.
[[nodiscard]] std::string summary(const ChatRequest& request);

/// A schema with its keywords sorted (not the properties), numbers in one spelling, and without $schema.
[[nodiscard]] json::Value normal_schema(const json::Value& schema);

}  // namespace cardea::twin
