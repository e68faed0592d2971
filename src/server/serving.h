#pragma once
// What serves the requests of one worker: all that needs a loop and a network, and nothing that needs a kernel. A worker runs it
// on epoll, the tests run it in a simulated world.

#include <memory>
#include <optional>

#include "access/vouching.h"
#include "execute/executor.h"
#include "http/client.h"
#include "http/server.h"
#include "pipeline/pipeline.h"
#include "record/record.h"
#include "server/twin_dialer.h"
#include "twin/shelf.h"
#include "twin/twin.h"

namespace cardea::config {
struct Settings;
}

namespace cardea::server {

/// Limits of clients' connections, from the configuration.
[[nodiscard]] http::ServerOptions server_options(const config::Settings& settings);
/// Limits of upstream connections, from the configuration.
[[nodiscard]] http::ClientOptions client_options(const config::Settings& settings);

/// Looks over the requests under way every second.
class Watch final : net::Timer {
 public:
  Watch(net::Loop& loop, pipeline::Pipeline& pipeline);

 private:
  void on_timer() override;
  net::Loop& loop_;
  pipeline::Pipeline& pipeline_;
};

/// Carries the client's counts over to the metrics now and then.
class Meter final : net::Timer {
 public:
  Meter(net::Loop& loop, const http::Client& client, record::Recorder& recorder);
  /// Brings the metrics up to date at once.
  void read() noexcept;

 private:
  void on_timer() override;
  net::Loop& loop_;
  const http::Client& client_;
  record::Recorder& recorder_;
  http::ClientCounters seen_;
};

/// Lives and dies on one loop. To be ended in order: drain(), until drained(); retire(), until retired().
class Serving {
 public:
  struct Plan {
    std::shared_ptr<const pipeline::Snapshot> snapshot;
    std::shared_ptr<const access::Directory> directory;
    http::ServerOptions http;
    http::ClientOptions client;
    std::size_t connections_max = 0;                                                   ///< clients at a time
    std::shared_ptr<dialect::Issuers> issuers = std::make_shared<dialect::Issuers>();  ///< one for all workers
    std::shared_ptr<twin::Shelf> twin_shelf = std::make_shared<twin::Shelf>();         ///< one for all workers
    std::chrono::system_clock::time_point (*now)() = &std::chrono::system_clock::now;
    const access::Vault* vault = nullptr;             ///< null: callers have keys, or nothing
    std::shared_ptr<access::Sessions> sessions = {};  ///< one for all workers; with `vault`
  };
  /// What it is given must outlive it. `network` opens the connections to upstreams.
  Serving(net::Loop& loop, net::Dialer& network, pipeline::Stores stores, record::Recorder& recorder, const pipeline::Self& self,
          execute::Executor::FailureSink on_failure, Plan plan);

  /// No further client may be welcomed now.
  [[nodiscard]] bool full() const noexcept;
  /// Serves a client's connection until it ends. `opening` makes it (a TLS handshake takes its time); null: it came to nothing.
  void welcome(net::Task<std::unique_ptr<net::Stream>> opening);
  /// The same for a connection on the owner's socket (pipeline::Pipeline::owners_door).
  void welcome_owner(std::unique_ptr<net::Stream> stream);
  /// Limits of clients' connections now.
  [[nodiscard]] const http::ServerOptions& limits() const noexcept { return server_.options(); }

  /// Requests that begin from now on see this.
  void use(std::shared_ptr<const pipeline::Snapshot> snapshot, const http::ServerOptions& http);
  /// Callers from now on; see pipeline::Pipeline::use.
  void use(std::shared_ptr<const access::Directory> directory) { pipeline_.use(std::move(directory)); }
  /// What is under way may finish within `grace`, then it is cancelled. A later call may shorten the grace.
  void drain(net::Duration grace);
  /// After drain(): the last client has gone.
  [[nodiscard]] bool drained() const noexcept { return server_.draining() && front_.children() == 0; }
  /// Ends what goes on without clients: the twin's connections, idle upstream connections, errands.
  void retire();
  [[nodiscard]] bool retired() const noexcept { return backstage_.children() == 0; }

  /// Work beside the requests, cancelled by retire().
  void errand(net::Task<void> work) { backstage_.spawn(std::move(work)); }
  [[nodiscard]] http::Client& client() noexcept { return client_; }
  [[nodiscard]] Meter& meter() noexcept { return meter_; }

 private:
  /// Those who vouch for callers, by that snapshot.
  void trust(const pipeline::Snapshot& snapshot);
  [[nodiscard]] net::Task<void> converse(net::Task<std::unique_ptr<net::Stream>> opening);

  // In the order in which it depends on each other. Read it from top to bottom.
  net::Loop& loop_;
  record::Recorder& recorder_;
  net::Scope backstage_;  ///< the twin's connections, ends of upstream bodies, errands
  net::Scope front_;      ///< clients' connections

  twin::Twin twin_;
  http::Server twin_server_;
  TwinDialer dialer_;
  http::Client client_;
  execute::Executor executor_;
  pipeline::Pipeline pipeline_;
  std::shared_ptr<access::Sessions> sessions_;
  std::optional<access::Vouching> vouching_;
  Watch watch_;
  http::Server server_;
  http::Server owners_server_;
  Meter meter_;
  std::size_t connections_max_;
};

}  // namespace cardea::server
