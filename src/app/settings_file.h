#pragma once
// Writing into a file that belongs to somebody else.

#include <string>

#include "base/error.h"

namespace cardea::app {

/// A file as it is and as it will be.
struct FileChange {
  std::string path;
  std::string before;
  std::string after;
  bool exists = false;
  bool secret = false;  ///< a key is in it: only its owner may read it
};

/// What there is to change; a file that is missing is empty. Error: config, "cannot be read: …".
[[nodiscard]] Result<FileChange> look_at(std::string path);
/// Whole or not at all: written beside, then renamed, through a symbolic link to where it leads. What was there stays as `.bak`.
/// Folders are made. Nothing happens when nothing changes. Error: config, with the system's reason.
[[nodiscard]] Status write(const FileChange& change);

}  // namespace cardea::app
