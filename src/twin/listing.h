#pragma once
// The twin's models, as each vendor lists them.

#include <cstdint>
#include <string>

#include "base/error.h"
#include "twin/routes.h"
#include "twin/twin.h"

namespace cardea::twin {

/// What Target::Kind models, model, show, running or version asks for. Kind::model_not_found: there is none of that name; unless
/// any name will do.
[[nodiscard]] Result<std::string> listing(const Target& target, TwinOptions::Names names);

}  // namespace cardea::twin
