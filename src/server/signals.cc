#include "server/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <system_error>

namespace cardea::server {
namespace {
/// Editors write in several steps.
constexpr int quiet_ms = 100;
}  // namespace

Signals::Signals() {
  sigset_t mask;
  sigemptyset(&mask);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&mask, signal);
  pthread_sigmask(SIG_BLOCK, &mask, nullptr);
  signal(SIGPIPE, SIG_IGN);  // NOLINT
  signals_ = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  files_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  nudge_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (signals_ < 0 || nudge_ < 0) throw std::system_error{errno, std::generic_category(), "signals"};
}

Signals::~Signals() {
  close(signals_);
  if (files_ >= 0) close(files_);
  close(nudge_);
}

void Signals::watch(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    const std::filesystem::path path{file};
    const std::string directory = path.has_parent_path() ? path.parent_path().string() : ".";
    // The directory, since a file that is replaced is another file. Where the kernel has no watches left, SIGHUP still works.
    inotify_add_watch(files_, directory.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO);
    watched_.push_back(path.filename().string());
  }
}

bool Signals::a_watched_file_changed() {
  alignas(inotify_event) char bytes[4096];
  bool changed = false;
  for (ssize_t got = 0; (got = read(files_, bytes, sizeof bytes)) > 0;) {
    for (const char* at = bytes; at < bytes + got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);  // NOLINT: the kernel's layout
      if (event->len != 0) changed = changed || std::ranges::find(watched_, event->name) != watched_.end();
      at += sizeof(inotify_event) + event->len;
    }
  }
  return changed;
}

Signals::Event Signals::wait() {
  for (;;) {
    pollfd waiting[3] = {{signals_, POLLIN, 0}, {nudge_, POLLIN, 0}, {files_, POLLIN, 0}};
    const int ready = poll(waiting, 3, change_pending_ ? quiet_ms : -1);
    if (ready == 0) {
      change_pending_ = false;
      return Event::files_changed;
    }
    if (signalfd_siginfo info{}; (waiting[0].revents & POLLIN) != 0 && read(signals_, &info, sizeof info) == sizeof info) {
      return info.ssi_signo == SIGHUP ? Event::reload : Event::stop;
    }
    if (std::uint64_t count = 0; (waiting[1].revents & POLLIN) != 0 && read(nudge_, &count, sizeof count) == sizeof count) {
      return Event::nudged;
    }
    if ((waiting[2].revents & POLLIN) != 0 && a_watched_file_changed()) change_pending_ = true;
  }
}

void Signals::nudge() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(nudge_, &one, sizeof one);
}

}  // namespace cardea::server
