#pragma once
// Telling systemd (sd_notify(3)'s protocol; a datagram to $NOTIFY_SOCKET).

#include <string_view>

namespace cardea::server {

/// "READY=1", "STOPPING=1", "RELOADING=1" … Does nothing when no service manager listens.
void notify_manager(std::string_view state);

}  // namespace cardea::server
