#pragma once
// The server as the command line sees it.

#include <string>
#include <vector>

#include "server/load.h"

namespace cardea::server {

/// Runs a gateway until SIGTERM or SIGINT (drains; a second one stops at once). SIGHUP or a changed file reloads. Returns the
/// exit code: 0 after a drain, 2 when the configuration or the machine does not allow a start (every problem is on standard
/// error).
[[nodiscard]] int serve(const Sources& sources);

/// Runs the twin alone as an OpenAI-compatible server on `listen` ("ADDRESS:PORT"; port 0 = any, printed), with faults from
/// `script_file` (empty: none), on `workers` threads, until SIGTERM or SIGINT. Exit code as above.
struct TwinSources {
  std::string listen = "127.0.0.1:8089";
  std::string script_file;
};
[[nodiscard]] int serve_twin(const TwinSources& sources);

}  // namespace cardea::server
