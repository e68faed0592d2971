#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <ctime>

#include "base/text.h"
#include "record/record.h"

namespace cardea::record {
namespace {

/// The first bytes of a small file of /proc; empty when it cannot be read.
template <std::size_t N>
std::string_view read_proc(const char* path, std::array<char, N>& buffer) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const auto got = read(fd, buffer.data(), buffer.size());
  close(fd);
  return {buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

/// The n-th (from 0) of the fields between spaces as a number, else 0.
std::uint64_t field_at(std::string_view text, std::size_t n) {
  for (; n > 0 && !text.empty(); --n) {
    const auto space = text.find(' ');
    text = space == std::string_view::npos ? std::string_view{} : text.substr(space + 1);
  }
  return parse_number<std::uint64_t>(text.substr(0, text.find_first_of(" \n"))).value_or(0);
}

double seconds(const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; }

double now_on(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// Boot plus the start in ticks after boot: field 22 of /proc/self/stat (proc(5)), counted behind the `)` of the command, which
/// may hold spaces.
double start_time() {
  std::array<char, 1024> stat;  // NOLINT
  const auto own = read_proc("/proc/self/stat", stat);
  const auto command_end = own.rfind(") ");
  if (command_end == std::string_view::npos) return 0;
  const auto ticks = static_cast<double>(field_at(own.substr(command_end + 2), 19));
  return now_on(CLOCK_REALTIME) - now_on(CLOCK_BOOTTIME) + ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::uint64_t count_fds() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  std::uint64_t count = 0;
  while (const dirent* entry = readdir(folder)) count += entry->d_name[0] != '.' ? 1 : 0;
  closedir(folder);
  return count - 1;  // the folder itself
}

}  // namespace

void sample_process(Process& process) {
  std::array<char, 128> statm;  // NOLINT
  process.resident_bytes = field_at(read_proc("/proc/self/statm", statm), 1) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  process.open_fds = count_fds();
  if (process.start_time_seconds == 0) process.start_time_seconds = start_time();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) process.max_fds = limit.rlim_cur;
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) process.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace cardea::record
