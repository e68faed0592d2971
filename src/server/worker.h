#pragma once
// One worker: a thread, its loop, and everything that lives on it.

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/proxy.h"
#include "net/tcp.h"
#include "net/tls.h"
#include "pipeline/pipeline.h"
#include "record/record.h"
#include "server/load.h"
#include "server/serving.h"

namespace cardea::server {

/// What all workers share; owned by the gateway, which outlives them.
struct Shared {
  record::LogSink& log;
  store::ResponseStore& responses;
  store::ObjectStore& objects;
  pipeline::Administration& administration;
  const pipeline::Self& self;
  net::ProxySettings proxies;
  std::shared_ptr<net::TlsClientContext> upstream_tls;
  std::unique_ptr<net::TlsServerContext> tls;  ///< null: plain HTTP
};

/// Starts a thread that serves until stop(). Its public functions may be called from any thread.
class Worker {
 public:
  struct Start {
    std::vector<net::Address> listen;
    std::optional<net::Address> owners_socket;  ///< of the first worker: see pipeline::Pipeline::owners_door
    Serving::Plan serving;
  };

  Worker(const Shared& shared, std::vector<std::unique_ptr<Worker>>& peers);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Returns when the listeners are bound: their addresses (with the ports the kernel chose), or why not.
  [[nodiscard]] Result<std::vector<net::Address>> start(Start start);
  /// Requests that begin from now on see this.
  void use(std::shared_ptr<const pipeline::Snapshot> snapshot, http::ServerOptions http);
  /// Callers from now on; `seen` when this worker goes by it, or has ended.
  void use(std::shared_ptr<const access::Directory> directory, std::shared_ptr<void> seen);
  /// Stops listening; what is under way may finish within `grace`, then it is cancelled. The thread then ends.
  void drain(net::Duration grace);
  void join();
  /// Runs `work` on the loop with the worker's client, for the gateway's own errands.
  void run(std::function<net::Task<void>(http::Client&)> work);

  [[nodiscard]] const record::Recorder* recorder() const noexcept { return recorder_.load(std::memory_order_acquire); }
  [[nodiscard]] std::size_t connections() const noexcept {
    return static_cast<std::size_t>(recorder_owned_->value(record::Gauge::client_connections));
  }

 private:
  struct Graph;
  void serve(Start start, std::promise<Result<std::vector<net::Address>>>& started);
  void accept(Graph& graph, int fd, const net::Address& peer);
  void admit(Graph& graph, int fd, const net::Address& peer);
  void run_until_drained(Graph& graph);
  [[nodiscard]] net::Task<std::unique_ptr<net::Stream>> open(Graph& graph, int fd, net::Address peer);
  [[nodiscard]] Worker* less_loaded() const noexcept;
  /// False: the worker is not running (any more), `work` was not taken.
  bool post(std::move_only_function<void(Graph&)> work);

  const Shared& shared_;
  std::vector<std::unique_ptr<Worker>>& peers_;
  std::thread thread_;
  std::mutex graph_mutex_;
  Graph* graph_ = nullptr;  ///< null before the start and after the end
  std::atomic<const record::Recorder*> recorder_ = nullptr;
  std::unique_ptr<record::Recorder> recorder_owned_;  ///< outlives the thread, so that the last scrape sees everything
};

}  // namespace cardea::server
