#include "server/gateway.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/text.h"
#include "generated/version.h"
#include "server/discovery.h"
#include "server/parts.h"

namespace cardea::server {
namespace {

record::Format log_format(config::LogFormat wanted) {
  switch (wanted) {
    case config::LogFormat::json: return record::Format::json;
    case config::LogFormat::console: return record::Format::console;
    case config::LogFormat::automatic: break;
  }
  return isatty(STDOUT_FILENO) != 0 ? record::Format::console_colour : record::Format::json;
}

record::Level log_level(config::LogLevel wanted) {
  switch (wanted) {
    case config::LogLevel::debug: return record::Level::debug;
    case config::LogLevel::info: return record::Level::info;
    case config::LogLevel::warn: return record::Level::warn;
    case config::LogLevel::error:
    case config::LogLevel::off: break;
  }
  return record::Level::error;
}

/// Raises the descriptor limit as far as allowed and returns it.
std::size_t descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::size_t worker_count(const config::Settings& settings) {
  return settings.workers != 0 ? settings.workers : std::max(1U, std::thread::hardware_concurrency());
}

/// Clients at a time, of one worker: below half the descriptors in all, since each client may need an upstream connection of its
/// own.
std::size_t connections_max(const config::Settings& settings) {
  const std::size_t reserve = 64;
  const std::size_t most = std::max<std::size_t>(descriptor_limit(), 2 * reserve) / 2 - reserve / 2;
  const std::size_t all = settings.limits.connections != 0 ? settings.limits.connections : most;
  return std::max<std::size_t>(1, all / worker_count(settings));
}

Result<std::unique_ptr<Shared>> make_shared_parts(const config::Settings& settings, const config::Env& env, record::LogSink& log,
                                                  store::ResponseStore& responses, store::ObjectStore& objects,
                                                  pipeline::Administration& administration, const pipeline::Self& self) {
  Result<net::ProxySettings> proxy = proxies(settings, env);
  if (!proxy) return fail_with(proxy);
  Result<std::shared_ptr<net::TlsClientContext>> upstream_tls = net::TlsClientContext::make({settings.upstream.tls_ca});
  if (!upstream_tls) return fail_with(upstream_tls);
  auto shared = std::make_unique<Shared>(
      Shared{log, responses, objects, administration, self, std::move(*proxy), std::move(*upstream_tls), nullptr});
  if (!settings.tls.cert.empty()) {
    Result<std::unique_ptr<net::TlsServerContext>> tls = net::TlsServerContext::load(tls_options(settings.tls));
    if (!tls) return fail_with(tls);
    shared->tls = std::move(*tls);
  }
  return shared;
}

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::start(Sources sources, Configuration configuration) {
  if (!sources.env) sources.env = process_environment();
  const config::Settings& settings = configuration.settings;
  Result<DataLock> lock = DataLock::take(config::data_directory(settings, sources.env));
  if (!lock) return fail_with(lock);
  const std::string store_file = config::data_directory(settings, sources.env) + "/cardea.db";
  Result<std::unique_ptr<store::sqlite::Database>> database = store::sqlite::Database::open({.file = store_file});
  if (!database) return fail_with(database);
  record::LogSink::Options logging;
  logging.format = log_format(settings.log.format);
  logging.level = log_level(settings.log.level);
  Result<std::unique_ptr<record::LogSink>> log = record::LogSink::make(logging);
  if (!log) return fail_with(log);
  std::unique_ptr<Gateway> gateway{
      new Gateway{std::move(sources), std::move(configuration), std::move(*lock), std::move(*log), std::move(*database)}};
  Status started = gateway->open_access();
  if (started) started = gateway->start_workers();
  if (!started) return fail_with(started);
  return gateway;
}

Gateway::Gateway(Sources sources, Configuration configuration, DataLock lock, std::unique_ptr<record::LogSink> log,
                 std::unique_ptr<store::sqlite::Database> database)
    : sources_{std::move(sources)},
      configuration_{std::move(configuration)},
      data_directory_{config::data_directory(configuration_.settings, sources_.env)},
      lock_{std::move(lock)},
      log_{std::move(log)},
      database_{std::move(database)},
      responses_{*database_, configuration_.settings.responses.bytes_max.count},
      objects_{*database_},
      registry_{*database_} {}

Gateway::~Gateway() {
  hurry();
  for (const auto& worker : workers_) worker->join();
  if (access_) access_->registry().flush_used();
  // Works off what was submitted, while what its answers lead to is still there.
  database_.reset();
}

Status Gateway::open_access() {
  Result<std::unique_ptr<AccessControl>> access =
      AccessControl::open(registry_, configuration_.settings, sources_.env, data_directory_,
                          [this](const auto& directory, auto seen) { publish(directory, std::move(seen)); });
  if (!access) return fail_with(access);
  access_ = std::move(*access);
  Status keys = open_provider_keys();
  if (!keys) return keys;
  administrator_ = std::make_unique<admin::Administrator>(
      admin::Parts{.registry = access_->registry(), .store = registry_, .provider_keys = provider_keys_.get()});
  database_->add_chore([this](auto&) {
    access_->registry().flush_used();
    return Status{};
  });
  const std::vector<config::Problem> problems = declare(configuration_.settings);
  if (problems.empty()) return {};
  std::string text;
  for (const config::Problem& problem : problems) text += cat(text.empty() ? "" : "\n", config::to_text(problem));
  return fail(Kind::config, std::move(text));
}

Status Gateway::open_provider_keys() {
  provider_keys_ =
      std::make_unique<StoredProviderKeys>(registry_, access_->vault(), [this](auto applied) { change(std::move(applied)); });
  Status loaded = provider_keys_->load(access_->provider_keys());
  if (!loaded) return loaded;
  sources_.amend = [this](config::Settings& settings) { provider_keys_->amend(settings); };
  // The configuration was read before the store could be opened.
  if (!provider_keys_->empty()) {
    Configuration whole = load(sources_, found_);
    if (whole.usable()) configuration_ = std::move(whole);
  }
  provider_keys_->know(configuration_);
  return {};
}

void Gateway::on_change(std::function<void()> nudge) {
  const std::lock_guard lock{changes_mutex_};
  nudge_ = std::move(nudge);
}

void Gateway::change(std::move_only_function<void()> applied) {
  std::function<void()> nudge;
  {
    const std::lock_guard lock{changes_mutex_};
    nudge = nudge_;
    if (nudge) waiting_for_changes_.push_back(std::move(applied));
  }
  if (nudge) {
    nudge();
  } else {
    applied();
  }
}

void Gateway::take_changes() {
  std::vector<std::move_only_function<void()>> waiting;
  {
    const std::lock_guard lock{changes_mutex_};
    waiting.swap(waiting_for_changes_);
  }
  if (waiting.empty()) return;
  Configuration fresh = load(sources_, found_);
  if (fresh.usable()) {
    Result<std::shared_ptr<const pipeline::Snapshot>> snapshot = make_snapshot(fresh, data_directory_);
    if (snapshot) apply(std::move(fresh), *snapshot);
  }
  for (auto& applied : waiting) applied();
}

std::vector<config::Problem> Gateway::declare(const config::Settings& settings) {
  return access_->registry().declare(settings, origin_rules(settings));
}

void Gateway::publish(const std::shared_ptr<const access::Directory>& directory, std::move_only_function<void()> seen) {
  // Whoever lets go of it last, a worker that goes by the directory or one that has ended, says so.
  struct Seen {
    std::move_only_function<void()> all;
    ~Seen() { all(); }
  };
  const auto shared = std::make_shared<Seen>(std::move(seen));
  for (const auto& worker : workers_) worker->use(directory, shared);
}

Status Gateway::start_workers() {
  const config::Settings& settings = configuration_.settings;
  Result<std::unique_ptr<Shared>> shared =
      make_shared_parts(settings, sources_.env, *log_, responses_, objects_, *administrator_, *this);
  if (!shared) return fail_with(shared);
  shared_ = std::move(*shared);
  Result<std::shared_ptr<const pipeline::Snapshot>> snapshot = make_snapshot(configuration_, data_directory_);
  if (!snapshot) return fail_with(snapshot);

  Worker::Start plan;
  plan.serving = {std::move(*snapshot), access_->registry().directory(), server_options(settings), client_options(settings),
                  connections_max(settings)};
  plan.serving.vault = &access_->vault();
  plan.serving.sessions = std::make_shared<access::Sessions>(access_->vault());
  for (const std::string& text : settings.listen) {
    Result<net::Address> address = listen_address(text);
    if (!address) return fail_with(address);
    plan.listen.push_back(*address);
  }
  Result<net::Address> owners_socket = net::Address::parse(cat("unix:", data_directory_, "/", admin_socket_name));
  if (owners_socket) {
    plan.owners_socket = *owners_socket;
  } else {
    log_->log(record::Level::warn, "no_admin_socket", {{"reason", owners_socket.error().message()}});
  }
  for (std::size_t i = 0; i < worker_count(settings); ++i) workers_.push_back(std::make_unique<Worker>(*shared_, workers_));
  for (const auto& worker : workers_) {
    Result<std::vector<net::Address>> bound = worker->start(plan);
    if (!bound) return fail_with(bound);
    if (worker != workers_.front()) continue;
    plan.owners_socket.reset();
    // The others share the ports that the kernel chose for the first; a Unix socket has one owner, who hands connections on.
    addresses_ = *bound;
    plan.listen = std::move(*bound);
    std::erase_if(plan.listen, [](const net::Address& address) { return address.family() == AF_UNIX; });
  }
  ready_.store(true, std::memory_order_relaxed);
  report(configuration_.problems);
  return {};
}

void Gateway::report(std::span<const config::Problem> problems) {
  for (const config::Problem& problem : problems) {
    const auto level = problem.severity == config::Severity::error ? record::Level::error : record::Level::warn;
    log_->log(level, "config_problem", {{"problem", config::to_text(problem)}});
  }
}

bool Gateway::reload() {
  Configuration fresh = load(sources_, found_);
  report(fresh.problems);
  Result<std::shared_ptr<const pipeline::Snapshot>> snapshot = fail(Kind::config);
  if (fresh.usable()) snapshot = make_snapshot(fresh, data_directory_);
  if (!snapshot) {
    if (fresh.usable()) log_->log(record::Level::error, "config_problem", {{"problem", snapshot.error().message()}});
    const std::size_t problems = std::max<std::size_t>(fresh.problems.size(), 1);
    log_->log(record::Level::error, "reload_refused",
              {{"problems", problems}, {"fix", "correct the file; the running configuration stays"}});
    own_recorder_.add(record::Counter::config_reload_failures);
    return false;
  }
  const config::Settings& running = configuration_.settings;
  if (fresh.settings.listen != running.listen || fresh.settings.workers != running.workers ||
      fresh.settings.responses.bytes_max != running.responses.bytes_max) {
    log_->log(record::Level::warn, "restart_needed",
              {{"fields", "listen, workers, responses.bytes_max"}, {"reason", "these take effect at the next start"}});
  }
  if (shared_->tls != nullptr) {
    Status renewed = shared_->tls->reload(tls_options(fresh.settings.tls));
    if (!renewed) log_->log(record::Level::error, "certificate_refused", {{"reason", renewed.error().message()}});
  }
  if (const std::vector<config::Problem> problems = declare(fresh.settings); !problems.empty()) {
    report(problems);
    own_recorder_.add(record::Counter::config_reload_failures);
    return false;
  }
  apply(std::move(fresh), *snapshot);
  own_recorder_.add(record::Counter::config_reloads);
  log_->log(record::Level::info, "reloaded", {{"models", configuration_.catalog->list().size()}});
  return true;
}

void Gateway::apply(Configuration configuration, const std::shared_ptr<const pipeline::Snapshot>& snapshot) {
  configuration_ = std::move(configuration);
  provider_keys_->know(configuration_);
  const http::ServerOptions http = server_options(configuration_.settings);
  for (const auto& worker : workers_) worker->use(snapshot, http);
}

void Gateway::discover(std::function<void(std::vector<catalog::Discovered>)> then) {
  std::vector<catalog::Probe> probes = catalog::probes(configuration_.settings, sources_.env);
  if (probes.empty()) return;
  workers_.front()->run(
      [probes = std::move(probes), then = std::move(then)](http::Client& client) { return probe_all(client, probes, then); });
}

void Gateway::found(std::vector<catalog::Discovered> models) {
  found_ = std::move(models);
  Configuration fresh = load(sources_, found_);
  if (!fresh.usable()) return;  // a file changed meanwhile; its own reload will say so
  Result<std::shared_ptr<const pipeline::Snapshot>> snapshot = make_snapshot(fresh, data_directory_);
  if (!snapshot) return;  // likewise
  apply(std::move(fresh), *snapshot);
  for (const auto& one : found_) {
    log_->log(record::Level::info, "found", {{"provider", one.provider}, {"url", one.base_url}, {"models", one.models.size()}});
  }
}

void Gateway::drain() {
  ready_.store(false, std::memory_order_relaxed);
  for (const auto& worker : workers_) worker->drain(std::chrono::seconds{configuration_.settings.drain_seconds});
  for (const auto& worker : workers_) worker->join();
}

void Gateway::hurry() {
  ready_.store(false, std::memory_order_relaxed);
  for (const auto& worker : workers_) worker->drain(net::Duration::zero());
}

std::string Gateway::metrics() const {
  std::vector<const record::Recorder*> recorders{&own_recorder_};
  for (const auto& worker : workers_) {
    if (worker->recorder() != nullptr) recorders.push_back(worker->recorder());
  }
  record::Process process;
  process.version = CARDEA_VERSION;
  process.commit = CARDEA_COMMIT;
  process.compiler = CARDEA_COMPILER;
  process.log_lines_lost = log_->lost();
  record::sample_process(process);
  return record::expose(recorders, process);
}

std::string_view Gateway::version() const { return CARDEA_VERSION; }

}  // namespace cardea::server
