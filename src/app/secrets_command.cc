// `cardea secrets`: the master key in the data directory.

#include "access/master_key.h"
#include "app/actions.h"
#include "app/output.h"
#include "app/sources.h"
#include "base/text.h"
#include "server/load.h"

namespace cardea::app {

int secrets_rotate(const Arguments& arguments) {
  Result<server::Sources> sources = sources_of(arguments);
  if (!sources) {
    complain(sources.error().message());
    return exit_usage;
  }
  if (!sources->env) sources->env = server::process_environment();
  const server::Configuration configuration = server::load(*sources);
  const config::MasterKey& given = configuration.settings.master_key;
  if (!given.value.empty() || !given.file.empty() || sources->env("CREDENTIALS_DIRECTORY")) {
    complain(
        "the master key comes from the configuration, the environment or systemd: set a new one there, the former as "
        "master_key.old, "
        "and restart the gateway");
    return exit_usage;
  }
  const std::string directory = config::data_directory(configuration.settings, sources->env);
  const std::string path = access::master_key_path(directory);
  if (Status added = access::add_master_key(path); !added) {
    complain(added.error().message());
    return exit_failed;
  }
  print(cat("a new master key stands first in ", path,
            "\nit seals from the gateway's next start on; the former stays below it, for what it sealed\n"));
  return exit_ok;
}

}  // namespace cardea::app
