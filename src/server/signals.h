#pragma once
// What the outside tells the process: signals, changed files, other threads.

#include <string>
#include <vector>

namespace cardea::server {

/// Blocks the process's signals (SIGTERM, SIGINT, SIGHUP; SIGPIPE is ignored) and turns them, changes of watched files, and
/// nudge() into values. Made on the main thread before any other thread, so that all inherit the mask. Throws std::system_error.
class Signals {
 public:
  enum class Event { stop, reload, files_changed, nudged };

  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Watches these files, also when an editor replaces them by renaming.
  void watch(const std::vector<std::string>& files);
  /// Waits for the next event. Changes of files are reported when they have been quiet for a moment.
  [[nodiscard]] Event wait();
  /// Makes wait() return from another thread.
  void nudge() noexcept;

 private:
  [[nodiscard]] bool a_watched_file_changed();
  int signals_;
  int files_;
  int nudge_;
  std::vector<std::string> watched_;
  bool change_pending_ = false;
};

}  // namespace cardea::server
