#include "server/worker.h"

#include <unistd.h>

#include "base/text.h"
#include "server/twin_dialer.h"
#include "twin/twin.h"

namespace cardea::server {

http::ServerOptions server_options(const config::Settings& settings) {
  http::ServerOptions options;
  options.head.head_bytes = settings.limits.head_bytes.count;
  options.head.headers = settings.limits.headers;
  options.header_timeout = settings.timeouts.header;
  options.body_timeout = settings.timeouts.body;
  options.idle_timeout = settings.timeouts.idle;
  return options;
}

namespace {

net::SystemDialer::Options dialer_options(const Shared& shared) {
  net::SystemDialer::Options options;
  options.proxies = shared.proxies;
  options.tls = shared.upstream_tls;
  return options;
}

execute::Executor::FailureSink failure_log(record::LogSink& log) {
  return [&log](std::string_view provider, const Error& error) {
    log.log(record::Level::warn, "upstream_failed",
            {{"provider", provider}, {"kind", info(error.kind()).label}, {"reason", error.message()}});
  };
}

/// Carries the client's counts over to the metrics now and then.
class Meter final : net::Timer {
 public:
  Meter(net::Loop& loop, const http::Client& client, record::Recorder& recorder) : loop_{loop}, client_{client}, recorder_{recorder} {
    on_timer();
  }

 private:
  void on_timer() override {
    const http::ClientCounters now = client_.counters();
    recorder_.add(record::Counter::upstream_connects, now.connects - seen_.connects);
    recorder_.add(record::Counter::upstream_connect_failures, now.connect_failures - seen_.connect_failures);
    recorder_.add(record::Counter::upstream_reuses, now.reuses - seen_.reuses);
    recorder_.set(record::Gauge::upstream_connections_idle, static_cast<std::int64_t>(client_.idle()));
    seen_ = now;
    loop_.arm(*this, loop_.now() + std::chrono::seconds{5});
  }
  net::Loop& loop_;
  const http::Client& client_;
  record::Recorder& recorder_;
  http::ClientCounters seen_;
};

}  // namespace

/// Everything that lives on the worker's loop, in the order in which it depends on each other. Read it from top to bottom.
struct Worker::Graph {
  net::Loop loop{std::make_unique<net::Poller>()};
  net::Scope backstage{loop};  ///< the twin's connections, ends of upstream bodies, errands
  net::Scope front{loop};      ///< clients' connections

  twin::Twin twin;
  http::Server twin_server;
  net::SystemDialer network;
  TwinDialer dialer;
  http::Client client;
  execute::Executor executor;
  pipeline::Pipeline pipeline;
  http::Server server;
  std::vector<std::unique_ptr<net::Listener>> listeners;
  Meter meter;
  bool draining = false;

  Graph(const Shared& shared, record::Recorder& recorder, Start& start)
      : twin_server{backstage, twin, {}},
        network{loop, dialer_options(shared)},
        dialer{loop, network, twin_server},
        client{loop, dialer, start.client},
        executor{backstage, client, failure_log(shared.log)},
        pipeline{executor, recorder, shared.self, std::move(start.snapshot)},
        server{front, pipeline, start.http},
        meter{loop, client, recorder} {}

  [[nodiscard]] Status listen(const std::vector<net::Address>& addresses, const net::Listener::Accept& accept) {
    for (const net::Address& address : addresses) {
      Result<std::unique_ptr<net::Listener>> listener = net::Listener::bind(loop, address, {}, accept);
      if (!listener) return fail_with(listener);
      listeners.push_back(std::move(*listener));
    }
    return {};
  }

  void drain(net::Duration grace) {
    front.set_deadline(loop.now() + grace, Kind::unavailable);
    if (draining) return;
    draining = true;
    // What the kernel has accepted for us already would be reset with the listener.
    for (const auto& listener : listeners) listener->resume();
    listeners.clear();
    server.drain(std::min<net::Duration>(grace, std::chrono::seconds{1}));
  }

  void run() {
    loop.run_until([this] { return draining && front.children() == 0; });
    backstage.cancel();
    client.close_idle();
    loop.run_until([this] { return backstage.children() == 0; });
  }
};

Worker::Worker(const Shared& shared, std::vector<std::unique_ptr<Worker>>& peers) : shared_{shared}, peers_{peers} {
  record::Recorder::Options options;
  options.sink = &shared.log;
  recorder_owned_ = std::make_unique<record::Recorder>(options);
}

Worker::~Worker() { join(); }

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

Result<std::vector<net::Address>> Worker::start(Start start) {
  std::promise<Result<std::vector<net::Address>>> started;
  auto outcome = started.get_future();
  thread_ = std::thread{[this, start = std::move(start), started = std::move(started)]() mutable { serve(std::move(start), started); }};
  return outcome.get();
}

void Worker::serve(Start start, std::promise<Result<std::vector<net::Address>>>& started) {
  Graph graph{shared_, *recorder_owned_, start};
  Status listening = graph.listen(start.listen, [this, &graph](int fd, const net::Address& peer) { accept(graph, fd, peer); });
  if (!listening) {
    started.set_value(fail_with(listening));
    return;
  }
  std::vector<net::Address> bound;
  for (const auto& listener : graph.listeners) bound.push_back(listener->address());
  {
    const std::lock_guard lock{graph_mutex_};
    graph_ = &graph;
  }
  recorder_.store(recorder_owned_.get(), std::memory_order_release);
  started.set_value(std::move(bound));
  graph.run();
  const std::lock_guard lock{graph_mutex_};
  graph_ = nullptr;
}

void Worker::accept(Graph& graph, int fd, const net::Address& peer) {
  // SO_REUSEPORT spreads by hash: few long connections may all land here. A newcomer goes to the idler side, once.
  Worker* other = less_loaded();
  if (other == nullptr) {
    admit(graph, fd, peer);
    return;
  }
  const bool posted = other->post([other, fd, peer](Graph& theirs) { other->admit(theirs, fd, peer); });
  if (!posted) admit(graph, fd, peer);
}

Worker* Worker::less_loaded() const noexcept {
  constexpr std::size_t difference_worth_a_move = 2;
  const std::size_t own = connections();
  for (const auto& peer : peers_) {
    if (peer->recorder() != nullptr && peer->connections() + difference_worth_a_move <= own) return peer.get();
  }
  return nullptr;
}

void Worker::admit(Graph& graph, int fd, const net::Address& peer) {
  recorder_owned_->add(record::Counter::client_connections);
  if (connections() >= shared_.connections_max) {
    close(fd);
    return;
  }
  connections_.fetch_add(1, std::memory_order_relaxed);
  recorder_owned_->change(record::Gauge::client_connections, 1);
  graph.front.spawn(converse(graph, fd, peer));
}

net::Task<void> Worker::converse(Graph& graph, int fd, net::Address peer) {
  if (shared_.tls != nullptr) {
    Result<std::unique_ptr<net::Stream>> secured =
        co_await net::tls_accept(graph.loop, fd, peer, *shared_.tls, graph.server.options().header_timeout);
    if (secured) co_await graph.server.converse(std::move(*secured));
  } else if (std::unique_ptr<net::Stream> plain = net::SocketStream::adopt(graph.loop, fd, peer)) {
    co_await graph.server.converse(std::move(plain));
  }
  connections_.fetch_sub(1, std::memory_order_relaxed);
  recorder_owned_->change(record::Gauge::client_connections, -1);
}

bool Worker::post(std::move_only_function<void(Graph&)> work) {
  const std::lock_guard lock{graph_mutex_};
  if (graph_ == nullptr) return false;
  Graph& graph = *graph_;
  graph.loop.post([&graph, work = std::move(work)]() mutable { work(graph); });
  return true;
}

void Worker::use(std::shared_ptr<const pipeline::Snapshot> snapshot, http::ServerOptions http) {
  post([snapshot = std::move(snapshot), http](Graph& graph) mutable {
    graph.pipeline.use(std::move(snapshot));
    graph.server.set_options(http);
  });
}

void Worker::drain(net::Duration grace) {
  post([grace](Graph& graph) { graph.drain(grace); });
}

void Worker::run(std::function<net::Task<void>(http::Client&)> work) {
  post([work = std::move(work)](Graph& graph) { graph.backstage.spawn(work(graph.client)); });
}

}  // namespace cardea::server
