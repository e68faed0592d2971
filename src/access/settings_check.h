#pragma once
// What a configuration says of callers that cannot work, found without starting. Pure; any thread.

#include <vector>

#include "config/loader.h"
#include "config/settings.h"

namespace cardea::access {

/// Of those who vouch for others: an algorithm that no token may be signed by, a login that could not come back. Errors: a
/// gateway with them would refuse everybody who comes that way.
[[nodiscard]] std::vector<config::Problem> identity_problems(const config::Settings& settings, const config::Places& places);

/// Of tenants that are named. Two that do not belong together are an error; one that no file declares is a warning, as the
/// administration may have made it: the start, which knows all, is the judge of that (Registry::declare).
[[nodiscard]] std::vector<config::Problem> place_problems(const config::Settings& settings, const config::Places& places);

}  // namespace cardea::access
