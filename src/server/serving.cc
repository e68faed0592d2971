#include "server/serving.h"

#include <algorithm>

#include "config/settings.h"

namespace cardea::server {
namespace {

/// What runs out (a key's time, the overlap of a rotation) holds within a second.
constexpr std::chrono::milliseconds watch_every{500};

std::int64_t unix_seconds(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

http::ServerOptions server_options(const config::Settings& settings) {
  http::ServerOptions options;
  options.head.head_bytes = settings.limits.head_bytes.count;
  options.head.headers = settings.limits.headers;
  options.header_timeout = settings.timeouts.header;
  options.body_timeout = settings.timeouts.body;
  options.idle_timeout = settings.timeouts.idle;
  return options;
}

http::ClientOptions client_options(const config::Settings& settings) {
  http::ClientOptions options;
  options.idle_per_origin = settings.upstream.idle_max;
  options.idle_timeout = settings.upstream.idle;
  return options;
}

Meter::Meter(net::Loop& loop, const http::Client& client, record::Recorder& recorder)
    : loop_{loop}, client_{client}, recorder_{recorder} {
  on_timer();
}

void Meter::read() noexcept {
  const http::ClientCounters now = client_.counters();
  recorder_.add(record::Counter::upstream_connects, now.connects - seen_.connects);
  recorder_.add(record::Counter::upstream_connect_failures, now.connect_failures - seen_.connect_failures);
  recorder_.add(record::Counter::upstream_reuses, now.reuses - seen_.reuses);
  recorder_.set(record::Gauge::upstream_connections_idle, static_cast<std::int64_t>(client_.idle()));
  recorder_.set(record::Gauge::upstream_connections_active, static_cast<std::int64_t>(client_.connections() - client_.idle()));
  seen_ = now;
}

void Meter::on_timer() {
  read();
  loop_.arm(*this, loop_.now() + std::chrono::seconds{5});
}

Watch::Watch(net::Loop& loop, pipeline::Pipeline& pipeline) : loop_{loop}, pipeline_{pipeline} {
  loop_.arm(*this, loop_.now() + watch_every);
}

void Watch::on_timer() {
  pipeline_.look_over();
  loop_.arm(*this, loop_.now() + watch_every);
}

namespace {

twin::TwinOptions twin_options(std::shared_ptr<twin::Shelf> shelf) {
  twin::TwinOptions options;
  options.shelf = std::move(shelf);
  return options;
}

}  // namespace

Serving::Serving(net::Loop& loop, net::Dialer& network, pipeline::Stores stores, record::Recorder& recorder,
                 const pipeline::Self& self, execute::Executor::FailureSink on_failure, Plan plan)
    : loop_{loop},
      recorder_{recorder},
      backstage_{loop},
      front_{loop},
      twin_{twin_options(std::move(plan.twin_shelf))},
      twin_server_{backstage_, twin_, {}},
      dialer_{loop, network, twin_server_},
      client_{loop, dialer_, plan.client},
      executor_{backstage_, client_, std::move(plan.issuers), on_failure},
      pipeline_{executor_, std::move(stores), recorder, self, plan.snapshot, std::move(plan.directory)},
      sessions_{std::move(plan.sessions)},
      watch_{loop, pipeline_},
      server_{front_, pipeline_, plan.http},
      owners_server_{front_, pipeline_.owners_door(), plan.http},
      meter_{loop, client_, recorder},
      connections_max_{plan.connections_max} {
  if (plan.vault == nullptr) return;
  vouching_.emplace(access::Vouching::Options{backstage_, client_, *plan.vault, *sessions_,
                                              [clock = plan.now] { return unix_seconds(clock()); }, std::move(on_failure)});
  pipeline_.ask_about_strangers(*vouching_);
  trust(*plan.snapshot);
}

void Serving::trust(const pipeline::Snapshot& snapshot) {
  if (vouching_) vouching_->configure(snapshot.vouching);
}

bool Serving::full() const noexcept { return front_.children() >= connections_max_; }

void Serving::welcome(net::Task<std::unique_ptr<net::Stream>> opening) {
  recorder_.add(record::Counter::client_connections);
  recorder_.change(record::Gauge::client_connections, 1);
  front_.spawn(converse(std::move(opening)));
}

void Serving::welcome_owner(std::unique_ptr<net::Stream> stream) { front_.spawn(owners_server_.converse(std::move(stream))); }

net::Task<void> Serving::converse(net::Task<std::unique_ptr<net::Stream>> opening) {
  std::unique_ptr<net::Stream> stream = co_await opening;
  if (stream != nullptr) co_await server_.converse(std::move(stream));
  recorder_.change(record::Gauge::client_connections, -1);
}

void Serving::use(std::shared_ptr<const pipeline::Snapshot> snapshot, const http::ServerOptions& http) {
  trust(*snapshot);
  pipeline_.use(std::move(snapshot));
  executor_.web().forget();
  server_.set_options(http);
}

void Serving::drain(net::Duration grace) {
  front_.set_deadline(loop_.now() + grace, Kind::unavailable);
  if (server_.draining()) return;
  constexpr net::Duration idle_grace = std::chrono::seconds{1};
  server_.drain(std::min(grace, idle_grace));
  owners_server_.drain(std::min(grace, idle_grace));
}

void Serving::retire() {
  backstage_.cancel();
  client_.close_idle();
}

}  // namespace cardea::server
