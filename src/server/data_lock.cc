#include "server/data_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/text.h"

namespace cardea::server {

Result<DataLock> DataLock::take(const std::string& directory) {
  std::error_code failed;
  if (std::filesystem::create_directories(directory, failed)) {
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, failed);
  }
  if (failed) {
    return fail(Kind::config,
                cat("the data directory ", directory, " cannot be made: ", failed.message(), "; name another with --data"));
  }
  const std::string path = directory + "/lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail(Kind::config,
                cat(path, ": ", std::string_view{std::strerror(errno)}, "; name another directory with --data"));  // NOLINT
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    char owner[32];
    const ssize_t got = read(fd, owner, sizeof owner);
    close(fd);
    const std::string_view pid{owner, got > 0 ? static_cast<std::size_t>(got) : 0};
    return fail(Kind::config, cat("the data directory ", directory, " is in use by another cardea (process ",
                                  trim(pid.substr(0, pid.find('\n'))), "); stop it, or name another directory with --data"));
  }
  const std::string pid = cat(getpid(), '\n');
  if (ftruncate(fd, 0) != 0 || write(fd, pid.data(), pid.size()) < 0) {
    close(fd);
    return fail(Kind::config, cat(path, " cannot be written: ", std::string_view{std::strerror(errno)}));  // NOLINT
  }
  return DataLock{fd};
}

DataLock::DataLock(DataLock&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}

DataLock::~DataLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace cardea::server
