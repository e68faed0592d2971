#pragma once
// Looking for model servers on this machine.

#include <functional>
#include <vector>

#include "catalog/catalog.h"
#include "http/client.h"

namespace cardea::server {

/// Asks every probe's address for its models, all at once, each for a moment; `then` gets those that answered, in the probes'
/// order.
[[nodiscard]] net::Task<void> probe_all(http::Client& client, std::vector<catalog::Probe> probes,
                                        std::function<void(std::vector<catalog::Discovered>)> then);

}  // namespace cardea::server
