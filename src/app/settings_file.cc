#include "app/settings_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/text.h"
#include "server/load.h"

namespace cardea::app {
namespace {

constexpr mode_t private_mode = 0600;
constexpr mode_t usual_mode = 0644;

std::unexpected<Error> refused(std::string_view path, std::string_view what) {
  return fail(Kind::config, cat(path, " cannot be ", what, ": ", std::string_view{std::strerror(errno)}));  // NOLINT: one thread
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return fsync(fd) == 0;
}

/// Beside the file first, so that a crash leaves the old one or the new one.
Status replace_file(const std::string& path, std::string_view text, mode_t mode) {
  std::string fresh = cat(path, ".XXXXXX");
  const int fd = mkostemp(fresh.data(), O_CLOEXEC);
  if (fd < 0) return refused(path, "written");
  const bool whole = fchmod(fd, mode) == 0 && write_all(fd, text);
  const bool closed = close(fd) == 0;
  if (whole && closed && rename(fresh.c_str(), path.c_str()) == 0) return {};
  auto error = refused(path, "written");
  unlink(fresh.c_str());
  return error;
}

}  // namespace

Result<FileChange> look_at(std::string path) {
  std::error_code failed;
  const auto real = std::filesystem::weakly_canonical(path, failed);
  FileChange change{.path = failed ? std::move(path) : real.string()};
  struct stat about{};
  if (stat(change.path.c_str(), &about) != 0) {
    if (errno == ENOENT) return change;
    return refused(change.path, "read");
  }
  Result<std::string> text = server::read_file(change.path);
  if (!text) return fail(Kind::config, cat(change.path, " ", text.error().message()));
  change.exists = true;
  change.before = *text;
  change.after = std::move(*text);
  return change;
}

Status write(const FileChange& change) {
  if (change.before == change.after) return {};
  mode_t mode = change.secret ? private_mode : usual_mode;
  struct stat about{};
  if (change.exists) {
    if (stat(change.path.c_str(), &about) != 0) return refused(change.path, "read");
    if (!change.secret) mode = about.st_mode & 07777;
    Status kept = replace_file(change.path + ".bak", change.before, private_mode);
    if (!kept) return kept;
  } else {
    std::error_code failed;
    std::filesystem::create_directories(std::filesystem::path{change.path}.parent_path(), failed);
    if (failed) return fail(Kind::config, cat(change.path, " cannot be written: ", failed.message()));
  }
  return replace_file(change.path, change.after, mode);
}

}  // namespace cardea::app
