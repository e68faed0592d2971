#pragma once
// The whole gateway in one process, on a simulated loop and network: configuration text in, conversations out.

#include <map>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "server/load.h"
#include "server/serving.h"
#include "store/memory/objects.h"
#include "store/memory/responses.h"
#include "testing/gateway/talk.h"
#include "testing/world.h"

namespace cardea::testing {

/// One worker's graph as production builds it, in a World: virtual time, seeded scheduling, in-memory network. Clients dial
/// "gateway:8080", upstreams listen on the names of the configuration. Its end closes everything and reports what is left over as
/// a failed test. One thread (and the log's writer).
///
///     TestServer server;
///     auto client = server.connect();
///     client.ask(R"({"model":"vendor/small","messages":[{"role":"user","content":"hi"}]})");
///     server.upstream().expect_request().answer(response(200, R"({"choices":[…]})"));
///     client.answer().expect_status(200);
class TestServer {
 public:
  using Where = std::source_location;
  struct Setup {
    std::uint64_t seed = 1;
    Faults faults = {};
    std::string config = std::string{default_config};
    std::map<std::string, std::string, std::less<>> env = {};
    std::size_t connections_max = 1000;
  };
  /// A provider `vendor` at upstream:8000 with the key `upstream_key` and the models `small` and `big`.
  static const std::string_view default_config;
  static constexpr std::string_view upstream_key = "sk-upstream-0123456789abcdef";

  TestServer() : TestServer{Setup{}} {}
  /// Throws std::runtime_error with all problems when the configuration is not usable.
  explicit TestServer(Setup setup);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  [[nodiscard]] Client connect();
  /// The upstream that listens on `name` ("host:port"); made when first asked for.
  Upstream& upstream(const std::string& name = "upstream:8000");

  /// False: not usable, nothing has changed.
  bool reload(std::string_view config);
  /// As SIGTERM does: nothing new is welcomed, what is under way may finish within `grace`.
  void drain(net::Duration grace);
  [[nodiscard]] bool drained() const { return serving_->drained(); }

  /// Runs the world for so much virtual time.
  void run_for(net::Duration time);
  /// Runs it until `done`; after `limit` of virtual time, or when nothing goes on, the test has failed for want of `what`.
  void expect_until(const std::function<bool()>& done, net::Duration limit, std::string_view what,
                    Where where = Where::current());

  /// Request lines of the log so far, oldest first.
  [[nodiscard]] std::vector<json::Value> records();
  /// The same as text, with every other line.
  [[nodiscard]] std::string log_text();
  /// What was said of failed attempts and of answers that could not be kept, in full.
  [[nodiscard]] const std::vector<std::string>& failures() const noexcept { return failures_; }
  [[nodiscard]] std::int64_t gauge(record::Gauge gauge);
  [[nodiscard]] std::string metrics() const;

  /// Ends everything: drains at once, closes all peers. Empty, or what is left over. Called by the destructor.
  [[nodiscard]] std::string end();

  /// What is kept, as the test may change it. Its time stands at 0, so that nothing expires until the test says so.
  [[nodiscard]] store::memory::Responses& stored() noexcept { return stored_; }

  [[nodiscard]] World& world() noexcept { return world_; }
  [[nodiscard]] server::Serving& serving() noexcept { return *serving_; }
  /// Where everything that is not the gateway lives.
  [[nodiscard]] net::Scope& others() noexcept { return others_; }
  /// A connection to the gateway; null when refused.
  [[nodiscard]] static net::Task<std::unique_ptr<net::Stream>> dial(World& world);

 private:
  class Self;
  class Memory;
  [[nodiscard]] server::Configuration load(std::string_view config) const;

  World world_;
  std::map<std::string, std::string, std::less<>> env_;
  net::Scope others_;
  std::unique_ptr<Memory> log_file_;
  std::unique_ptr<record::LogSink> log_;
  std::unique_ptr<record::Recorder> recorder_;
  std::unique_ptr<Self> self_;
  std::vector<std::string> failures_;
  store::memory::Responses stored_;
  store::memory::Objects objects_;
  std::unique_ptr<server::Serving> serving_;
  std::map<std::string, std::unique_ptr<Upstream>> upstreams_;
  bool ended_ = false;
};

}  // namespace cardea::testing
