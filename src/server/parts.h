#pragma once
// Parts of the object graph that a configuration alone decides, and whether they can be made. Private to this room.

#include <vector>

#include "net/proxy.h"
#include "net/tls.h"
#include "server/load.h"

namespace cardea::server {

[[nodiscard]] net::TlsServerContext::Options tls_options(const config::Tls& tls);
/// Error: config.
[[nodiscard]] Result<net::ProxySettings> proxies(const config::Settings& settings, const config::Env& env);
/// One of Settings::listen as the kernel wants it. Error: config.
[[nodiscard]] Result<net::Address> listen_address(const std::string& text);

}  // namespace cardea::server
