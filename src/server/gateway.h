#pragma once
// The whole gateway: workers, log, configuration and its reload. Built here, explicitly, and nowhere else.

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "admin/administrator.h"
#include "server/access_control.h"
#include "server/data_lock.h"
#include "server/load.h"
#include "server/provider_keys.h"
#include "server/worker.h"
#include "store/sqlite/database.h"
#include "store/sqlite/objects.h"
#include "store/sqlite/registry.h"
#include "store/sqlite/responses.h"

namespace cardea::server {

/// In the data directory: whoever may open it (mode 0600) is the owner, and may administer.
inline constexpr std::string_view admin_socket_name = "admin.sock";

/// Runs from start() to its destruction. reload(), found() and drain() belong to the thread that owns it; Self's functions to
/// any.
class Gateway final : private pipeline::Self {
 public:
  /// Locks the data directory, opens the store in it, binds the listeners, starts the workers. Problems are reported in
  /// `configuration` by the caller's load(); here only what the machine refuses: Kind::config with the reason and the fix.
  [[nodiscard]] static Result<std::unique_ptr<Gateway>> start(Sources sources, Configuration configuration);
  ~Gateway();

  [[nodiscard]] std::span<const net::Address> addresses() const noexcept { return addresses_; }
  [[nodiscard]] const Configuration& configuration() const noexcept { return configuration_; }
  [[nodiscard]] record::LogSink& log() noexcept { return *log_; }

  /// Loads the sources again. Good: swapped in for requests that begin from now on. Bad: every problem is logged and nothing
  /// changes.
  bool reload();
  /// Asks local model servers what they have; the answers arrive in `then`, on a worker's thread.
  void discover(std::function<void(std::vector<catalog::Discovered>)> then);
  /// Takes over what discovery found.
  void found(std::vector<catalog::Discovered> models);
  /// Called, on any thread, when take_changes() has something to do. Without it what is changed holds from the next start.
  void on_change(std::function<void()> nudge);
  /// Takes over what the administration changed in the configuration: keys of providers.
  void take_changes();
  /// Stops accepting, finishes what is under way within the configuration's drain time, returns when all workers have ended.
  void drain();
  /// Ends a drain() under way on another thread: what is still running is cancelled.
  void hurry();

 private:
  Gateway(Sources sources, Configuration configuration, DataLock lock, std::unique_ptr<record::LogSink> log,
          std::unique_ptr<store::sqlite::Database> database);
  [[nodiscard]] Status open_access();
  [[nodiscard]] Status open_provider_keys();
  void change(std::move_only_function<void()> applied);
  [[nodiscard]] Status start_workers();
  /// Problems of what the configuration says of callers; without an error it holds from now on.
  [[nodiscard]] std::vector<config::Problem> declare(const config::Settings& settings);
  void publish(const std::shared_ptr<const access::Directory>& directory, std::move_only_function<void()> seen);
  void apply(Configuration configuration, const std::shared_ptr<const pipeline::Snapshot>& snapshot);
  void report(std::span<const config::Problem> problems);

  [[nodiscard]] std::string metrics() const override;
  [[nodiscard]] bool ready() const override { return ready_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::string_view version() const override;

  Sources sources_;
  Configuration configuration_;
  std::string data_directory_;  ///< of the start; a reload does not move it
  DataLock lock_;
  std::unique_ptr<record::LogSink> log_;
  std::unique_ptr<store::sqlite::Database> database_;
  store::sqlite::Responses responses_;
  store::sqlite::Objects objects_;
  store::sqlite::Registry registry_;
  std::vector<catalog::Discovered> found_;
  record::Recorder own_recorder_{
      record::Recorder::Options{}};  ///< what happens to the gateway itself; written by the thread that owns it
  std::atomic<bool> ready_ = false;
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<AccessControl> access_;  ///< hands directories to the workers
  std::unique_ptr<StoredProviderKeys> provider_keys_;
  std::unique_ptr<admin::Administrator> administrator_;
  std::mutex changes_mutex_;  ///< of the two below
  std::function<void()> nudge_;
  std::vector<std::move_only_function<void()>> waiting_for_changes_;
  std::vector<net::Address> addresses_;
};

}  // namespace cardea::server
