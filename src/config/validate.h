#pragma once
// What must hold across fields. Private to this room.

#include <string>
#include <vector>

#include "config/field.h"
#include "config/loader.h"

namespace cardea::config {

/// Appends a problem for everything that cannot work together, and names the keys that have no name.
void validate(Settings& settings, const Places& places, std::vector<Problem>& problems);

}  // namespace cardea::config
