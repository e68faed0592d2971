#pragma once
// Changes to JSON, as JSON.

#include "json/value.h"

namespace cardea::json {

/// RFC 7396: what `patch` names is put into `target`, null takes away; anything but an object replaces it.
void merge_patch(Value& target, const Value& patch);

}  // namespace cardea::json
