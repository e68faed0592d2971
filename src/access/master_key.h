#pragma once
// Where the master key is found, and the file it is kept in when nobody gave one.

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"

namespace cardea::config {
struct MasterKey;
}

namespace cardea::access {

struct MasterKeys {
  std::vector<Secret> keys;  ///< the newest first, each master_key_bytes long: for Vault::make
  std::string source;        ///< where the newest came from, for the log: "master_key.value", "/etc/cardea/master.key", …
};

/// The key seals that the strongest of these has: master_key.value (CARDEA_MASTER_KEY is that too), master_key.file, the file
/// cardea-master-key in `credentials_directory` (systemd's $CREDENTIALS_DIRECTORY; empty: none), master.key in `data_directory`.
/// Without any, master.key is made there, mode 0600, on disk before this returns. All others that are there, and master_key.old,
/// open what was sealed before, so that a key can move. Error config, naming the place and the fix, never the key: a file that
/// cannot be read or that others may read, a text that is no key.
[[nodiscard]] Result<MasterKeys> find_master_keys(const config::MasterKey& configured, std::string_view credentials_directory,
                                                  const std::string& data_directory);

/// The key that a text stands for: 64 hexadecimal digits or the base64 of 32 bytes are the key itself; any other text of 16
/// characters or more is a pass phrase, made a key by scrypt (about 30 ms). Error config: shorter; `what` begins the message.
[[nodiscard]] Result<Secret> read_master_key(std::string_view text, std::string_view what);

/// Puts a new random key before those of the file, which is made when missing: the next start seals with it. Replaces the file at
/// once, so that a crash leaves the old or the new.
[[nodiscard]] Status add_master_key(const std::string& path);

/// The file in the data directory.
[[nodiscard]] std::string master_key_path(const std::string& data_directory);

}  // namespace cardea::access
