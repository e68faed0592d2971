#pragma once
// Header lines of an upstream's answer that are the caller's business too.

#include <string>

#include "wire/http1.h"

namespace cardea::execute {

/// How much of the vendor's limits is left, how to retry, and its own id of the request, as whole lines for the client; mostly
/// none. Rates are the upstream's account's: the operator's, who is mostly the caller. At most 2 KiB.
[[nodiscard]] std::string passed_on(const wire::ResponseHead& head);

}  // namespace cardea::execute
