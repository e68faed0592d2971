#include "testing/gateway/test_server.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>
#include <filesystem>

#include <stdexcept>

#include "base/text.h"

namespace cardea::testing {

const std::string_view TestServer::default_config = R"(
discovery: off
providers:
  vendor:
    base_url: http://upstream:8000/v1
    api_key: sk-upstream-0123456789abcdef
    models: [{id: small}, {id: big}]
)";

namespace {

constexpr std::uint64_t stored_bytes_max = 1 << 20;
constexpr const char* gateway_name = "gateway:8080";

net::Task<std::unique_ptr<net::Stream>> there_already(std::unique_ptr<net::Stream> stream) { co_return stream; }

std::string problems_of(const server::Configuration& configuration) {
  std::string text = "the test's configuration is not usable:";
  for (const auto& problem : configuration.problems) text += cat("\n", config::to_text(problem));
  return text;
}

std::shared_ptr<const access::Directory> directory_of(const server::Configuration& configuration) {
  // One for all, so that a key is the same after a reload.
  const net::KeyedHash hash{"of the tests"};
  auto directory = access::Directory::make(configuration.settings.keys, server::origin_rules(configuration.settings), hash);
  if (!directory) throw std::runtime_error{std::string{directory.error().message()}};
  return std::move(*directory);
}

std::shared_ptr<const pipeline::Snapshot> snapshot_of(const server::Configuration& configuration) {
  auto snapshot = server::make_snapshot(configuration, std::filesystem::temp_directory_path().string());
  if (!snapshot) throw std::runtime_error{std::string{snapshot.error().message()}};
  return *snapshot;
}

}  // namespace

/// What the gateway knows of itself.
class TestServer::Self final : public pipeline::Self {
 public:
  explicit Self(const TestServer& server) : server_{server} {}
  [[nodiscard]] std::string metrics() const override { return server_.metrics(); }
  [[nodiscard]] bool ready() const override { return is_ready; }
  [[nodiscard]] std::string_view version() const override { return "test"; }
  bool is_ready = true;

 private:
  const TestServer& server_;
};

/// A file that is nowhere.
class TestServer::Memory {
 public:
  Memory() : fd{memfd_create("log", MFD_CLOEXEC)} {}
  ~Memory() { close(fd); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  [[nodiscard]] std::string text() const {
    std::string all(static_cast<std::size_t>(lseek(fd, 0, SEEK_END)), '\0');
    const auto got = pread(fd, all.data(), all.size(), 0);
    all.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return all;
  }
  const int fd;
};

TestServer::TestServer(Setup setup)
    : world_{setup.seed, setup.faults},
      env_{std::move(setup.env)},
      others_{world_.loop()},
      log_file_{std::make_unique<Memory>()},
      stored_{stored_bytes_max} {
  const server::Configuration configuration = load(setup.config);
  if (!configuration.usable()) throw std::runtime_error{problems_of(configuration)};
  record::LogSink::Options logging;
  logging.fd = log_file_->fd;
  auto log = record::LogSink::make(logging);
  if (!log) throw std::runtime_error{std::string{log.error().message()}};
  log_ = std::move(*log);
  recorder_ = std::make_unique<record::Recorder>(record::Recorder::Options{.sink = log_.get()});
  self_ = std::make_unique<Self>(*this);
  const auto on_failure = [this](std::string_view provider, const Error& error) {
    failures_.push_back(cat(provider, " ", info(error.kind()).label, " ", error.message()));
  };
  const pipeline::Stores stores{stored_, objects_, [this](const Error& error) {
                                  failures_.push_back(cat("store ", info(error.kind()).label, " ", error.message()));
                                }};
  serving_ = std::make_unique<server::Serving>(
      world_.loop(), world_.network().dialer(), stores, *recorder_, *self_, on_failure,
      server::Serving::Plan{snapshot_of(configuration), directory_of(configuration),
                            server::server_options(configuration.settings), server::client_options(configuration.settings),
                            setup.connections_max});
  world_.network().listen(gateway_name, [this](std::unique_ptr<net::Stream> stream) {
    if (!serving_->full()) serving_->welcome(there_already(std::move(stream)));
  });
}

TestServer::~TestServer() {
  const std::string left = end();
  if (!left.empty()) ADD_FAILURE() << "left over at the end: " << left;
}

std::string TestServer::end() {
  if (std::exchange(ended_, true)) return {};
  drain(net::Duration::zero());
  others_.cancel();
  const auto done = [this] { return serving_->drained() && others_.children() == 0; };
  std::string left = world_.run_until(done);
  serving_->retire();
  left += world_.run_until([this] { return serving_->retired(); });
  serving_->meter().read();
  for (const auto gauge : {record::Gauge::in_flight_requests, record::Gauge::client_connections,
                           record::Gauge::upstream_connections_active, record::Gauge::upstream_connections_idle}) {
    const auto value = recorder_->value(gauge);
    if (value != 0) left += cat(" gauge ", static_cast<int>(gauge), " = ", value);
  }
  return left + world_.leaks();
}

server::Configuration TestServer::load(std::string_view text) const {
  const config::Env env = [this](std::string_view name) -> std::optional<std::string> {
    const auto found = env_.find(name);
    if (found == env_.end()) return std::nullopt;
    return found->second;
  };
  server::Configuration out;
  config::Loaded loaded = config::load(text, "cardea.yaml", env);
  const bool good = loaded.ok();
  out.problems = std::move(loaded.problems);
  if (!good) return out;
  out.settings = std::move(loaded.settings);
  catalog::Built built = catalog::build(out.settings, env);
  std::ranges::move(built.problems, std::back_inserter(out.problems));
  out.catalog = std::move(built.catalog);
  return out;
}

Client TestServer::connect() { return {*this, Peer{others_, dial(world_)}}; }

net::Task<std::unique_ptr<net::Stream>> TestServer::dial(World& world) {
  net::Origin origin{.host = "gateway", .port = 8080};
  net::DialOptions options;
  Result<std::unique_ptr<net::Stream>> stream = co_await world.network().dialer().dial(origin, options);
  if (!stream) co_return nullptr;
  co_return std::move(*stream);
}

Upstream& TestServer::upstream(const std::string& name) {
  auto& slot = upstreams_[name];
  if (slot == nullptr) slot = std::make_unique<Upstream>(*this, name);
  return *slot;
}

bool TestServer::reload(std::string_view config) {
  const server::Configuration configuration = load(config);
  if (!configuration.usable()) return false;
  serving_->use(directory_of(configuration));
  serving_->use(snapshot_of(configuration), server::server_options(configuration.settings));
  return true;
}

void TestServer::drain(net::Duration grace) {
  self_->is_ready = false;
  world_.network().stop(gateway_name);
  serving_->drain(grace);
}

void TestServer::run_for(net::Duration time) {
  const net::Duration until = world_.elapsed() + time;
  net::Scope timer{world_.loop()};
  timer.set_deadline(world_.loop().now() + time, Kind::timed_out);  // so that something happens then
  EXPECT_EQ(world_.run_until([&] { return world_.elapsed() >= until; }), "");
}

void TestServer::expect_until(const std::function<bool()>& done, net::Duration limit, std::string_view what, Where where) {
  const net::Duration until = world_.elapsed() + limit;
  bool is_done = false;
  const std::string stuck = world_.run_until([&] {
    is_done = is_done || done();
    return is_done || world_.elapsed() > until;
  });
  if (is_done) return;
  ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << "waited in vain for " << what << ' ' << stuck;
}

std::string TestServer::log_text() {
  log_->flush();
  return log_file_->text();
}

std::vector<json::Value> TestServer::records() {
  std::vector<json::Value> all;
  const std::string text = log_text();
  for (std::string_view rest = text; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size() - 1);
    auto line = json::parse(rest.substr(0, end));
    const json::Value* event = line ? line->find("event") : nullptr;
    if (event != nullptr && event->as_string() != nullptr && *event->as_string() == "request") all.push_back(std::move(*line));
    rest.remove_prefix(end + 1);
  }
  return all;
}

std::int64_t TestServer::gauge(record::Gauge gauge) {
  serving_->meter().read();
  return recorder_->value(gauge);
}

std::string TestServer::metrics() const {
  const record::Recorder* recorders[] = {recorder_.get()};
  return record::expose(recorders, {});
}

}  // namespace cardea::testing
