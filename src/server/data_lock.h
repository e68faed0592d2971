#pragma once
// One gateway per data directory.

#include <string>

#include "base/error.h"

namespace cardea::server {

/// Holds the data directory (created with mode 0700 when missing) until destroyed; the kernel lets go when the process dies.
class DataLock {
 public:
  /// Kind::config: another process has it (the message names its pid), or the directory cannot be made.
  [[nodiscard]] static Result<DataLock> take(const std::string& directory);
  DataLock(DataLock&& other) noexcept;
  DataLock& operator=(DataLock&&) = delete;
  ~DataLock();

 private:
  explicit DataLock(int fd) noexcept : fd_{fd} {}
  int fd_;
};

}  // namespace cardea::server
