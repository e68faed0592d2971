#include "server/worker.h"

#include <unistd.h>

namespace cardea::server {
namespace {

net::SystemDialer::Options dialer_options(const Shared& shared) {
  net::SystemDialer::Options options;
  options.proxies = shared.proxies;
  options.tls = shared.upstream_tls;
  return options;
}

pipeline::Stores stores_of(const Shared& shared) {
  return {
      .responses = shared.responses,
      .objects = shared.objects,
      .on_failure = [&log = shared.log](
                        const Error& error) { log.log(record::Level::warn, "response_not_kept", {{"reason", error.message()}}); },
      .administration = &shared.administration};
}

execute::Executor::FailureSink failure_log(record::LogSink& log) {
  return [&log](std::string_view provider, const Error& error) {
    log.log(record::Level::warn, "upstream_failed",
            {{"provider", provider}, {"kind", info(error.kind()).label}, {"reason", error.message()}});
  };
}

}  // namespace

/// What a worker has beside its Serving: the kernel's side.
struct Worker::Graph {
  net::Loop loop{std::make_unique<net::Poller>()};
  net::SystemDialer network;
  Serving serving;
  std::vector<std::unique_ptr<net::Listener>> listeners;

  Graph(const Shared& shared, record::Recorder& recorder, Serving::Plan plan)
      : network{loop, dialer_options(shared)},
        serving{loop, network, stores_of(shared), recorder, shared.self, failure_log(shared.log), std::move(plan)} {}

  [[nodiscard]] Status listen(const std::vector<net::Address>& addresses, const net::Listener::Accept& accept) {
    for (const net::Address& address : addresses) {
      Result<std::unique_ptr<net::Listener>> listener = net::Listener::bind(loop, address, {}, accept);
      if (!listener) return fail_with(listener);
      listeners.push_back(std::move(*listener));
    }
    return {};
  }

  /// It is a convenience: where it cannot be, the gateway serves without.
  void open_to_owner(const net::Address& address, record::LogSink& log) {
    const auto accept = [this](int fd, const net::Address& peer) {
      serving.welcome_owner(net::SocketStream::adopt(loop, fd, peer));
    };
    net::Listener::Options options;
    options.unix_mode = 0600;
    Result<std::unique_ptr<net::Listener>> listener = net::Listener::bind(loop, address, options, accept);
    if (listener) {
      listeners.push_back(std::move(*listener));
    } else {
      log.log(record::Level::warn, "no_admin_socket", {{"reason", listener.error().message()}});
    }
  }

  void drain(net::Duration grace) {
    // What the kernel has accepted for us already would be reset with the listener.
    for (const auto& listener : listeners) listener->resume();
    listeners.clear();
    serving.drain(grace);
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
  thread_ =
      std::thread{[this, start = std::move(start), started = std::move(started)]() mutable { serve(std::move(start), started); }};
  return outcome.get();
}

void Worker::serve(Start start, std::promise<Result<std::vector<net::Address>>>& started) {
  Graph graph{shared_, *recorder_owned_, std::move(start.serving)};
  Status listening = graph.listen(start.listen, [this, &graph](int fd, const net::Address& peer) { accept(graph, fd, peer); });
  if (!listening) {
    started.set_value(fail_with(listening));
    return;
  }
  std::vector<net::Address> bound;
  for (const auto& listener : graph.listeners) bound.push_back(listener->address());
  if (start.owners_socket) graph.open_to_owner(*start.owners_socket, shared_.log);
  {
    const std::lock_guard lock{graph_mutex_};
    graph_ = &graph;
  }
  recorder_.store(recorder_owned_.get(), std::memory_order_release);
  started.set_value(std::move(bound));
  run_until_drained(graph);
}

void Worker::run_until_drained(Graph& graph) {
  graph.loop.run_until([&] { return graph.serving.drained(); });
  {
    const std::lock_guard lock{graph_mutex_};
    graph_ = nullptr;
  }
  // A peer may have handed a connection over just before.
  graph.loop.run_until([&] { return graph.serving.drained(); });
  graph.serving.retire();
  graph.loop.run_until([&] { return graph.serving.retired(); });
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
  if (graph.serving.full()) {
    close(fd);
    return;
  }
  graph.serving.welcome(open(graph, fd, peer));
}

net::Task<std::unique_ptr<net::Stream>> Worker::open(Graph& graph, int fd, net::Address peer) {
  if (shared_.tls == nullptr) co_return net::SocketStream::adopt(graph.loop, fd, peer);
  Result<std::unique_ptr<net::Stream>> secured =
      co_await net::tls_accept(graph.loop, fd, peer, *shared_.tls, graph.serving.limits().header_timeout);
  if (!secured) co_return nullptr;
  co_return std::move(*secured);
}

bool Worker::post(std::move_only_function<void(Graph&)> work) {
  const std::lock_guard lock{graph_mutex_};
  if (graph_ == nullptr) return false;
  Graph& graph = *graph_;
  graph.loop.post([&graph, work = std::move(work)]() mutable { work(graph); });
  return true;
}

void Worker::use(std::shared_ptr<const pipeline::Snapshot> snapshot, http::ServerOptions http) {
  post([snapshot = std::move(snapshot), http](Graph& graph) mutable { graph.serving.use(std::move(snapshot), http); });
}

void Worker::use(std::shared_ptr<const access::Directory> directory, std::shared_ptr<void> seen) {
  post([directory = std::move(directory), seen = std::move(seen)](Graph& graph) mutable {
    graph.serving.use(std::move(directory));
  });
}

void Worker::drain(net::Duration grace) {
  post([grace](Graph& graph) { graph.drain(grace); });
}

void Worker::run(std::function<net::Task<void>(http::Client&)> work) {
  post([work = std::move(work)](Graph& graph) { graph.serving.errand(work(graph.serving.client())); });
}

}  // namespace cardea::server
