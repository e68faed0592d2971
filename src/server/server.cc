#include "server/server.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "generated/version.h"
#include "server/gateway.h"
#include "server/notify.h"
#include "server/signals.h"
#include "twin/twin.h"

namespace cardea::server {
namespace {

constexpr int exit_refused = 2;

void say(std::string_view text) { [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size()); }

/// Discovery's answers on their way from a worker to the main thread.
class Inbox {
 public:
  void put(std::vector<catalog::Discovered> models) {
    const std::lock_guard lock{mutex_};
    models_ = std::move(models);
  }
  [[nodiscard]] std::vector<catalog::Discovered> take() {
    const std::lock_guard lock{mutex_};
    return std::move(models_);
  }

 private:
  std::mutex mutex_;
  std::vector<catalog::Discovered> models_;
};

std::string enabled_providers(const catalog::Catalog& catalog) {
  std::string names;
  for (const catalog::Provider* provider : catalog.providers()) names += cat(names.empty() ? "" : ", ", provider->name);
  return names;
}

/// For eyes: where it is and how to say hello.
std::string banner(const Gateway& gateway) {
  const Configuration& configuration = gateway.configuration();
  const net::Address& first = gateway.addresses().front();
  const bool local_socket = first.family() == AF_UNIX;
  const std::string url =
      cat(configuration.settings.tls.cert.empty() ? "http://" : "https://", local_socket ? "localhost" : first.text());
  const std::string_view key =
      configuration.settings.keys.empty() ? "" : " \\\n      -H 'authorization: Bearer YOUR_GATEWAY_KEY'";
  std::string text = cat("\n  Cardea ", CARDEA_VERSION, " (", CARDEA_COMMIT, ")\n");
  for (const net::Address& address : gateway.addresses()) text += cat("  listening   ", address.text(), "\n");
  text += cat("  dashboard   ", url, "/dashboard (not in this version)\n");
  text += cat("  models      ", configuration.catalog->list().size(), " of ", enabled_providers(*configuration.catalog), "\n");
  text += cat("  keys        ",
              configuration.settings.keys.empty() ? std::string{"none: this machine only (set API_KEY to ask for one)"}
                                                  : cat(configuration.settings.keys.size(), " gateway keys"),
              "\n\n  Say hello:\n    curl ", local_socket ? cat("--unix-socket ", first.text().substr(5), " ") : std::string{},
              url, "/v1/chat/completions -H 'content-type: application/json'", key,
              " \\\n      -d '{\"model\":\"twin/twin-1\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'\n\n");
  return text;
}

void say_started(Gateway& gateway) {
  std::string addresses;
  for (const net::Address& address : gateway.addresses()) addresses += cat(addresses.empty() ? "" : ", ", address.text());
  const catalog::Catalog& catalog = *gateway.configuration().catalog;
  gateway.log().log(record::Level::info, "started",
                    {{"listen", addresses},
                     {"dashboard", "/dashboard"},
                     {"models", catalog.list().size()},
                     {"providers", enabled_providers(catalog)},
                     {"keys", gateway.configuration().settings.keys.size()},
                     {"version", CARDEA_VERSION},
                     {"commit", CARDEA_COMMIT},
                     {"try", "POST /v1/chat/completions with model twin/twin-1"}});
  if (isatty(STDERR_FILENO) != 0) say(banner(gateway));
}

/// Drains on this thread's behalf, so that a second signal can cut it short.
void drain(Gateway& gateway, Signals& signals) {
  notify_manager("STOPPING=1");
  gateway.log().log(record::Level::info, "draining", {{"seconds", gateway.configuration().settings.drain_seconds}});
  std::atomic<bool> done = false;
  std::thread draining{[&] {
    gateway.drain();
    done.store(true);
    signals.nudge();
  }};
  while (!done.load()) {
    if (signals.wait() == Signals::Event::stop) gateway.hurry();
  }
  draining.join();
  gateway.log().log(record::Level::info, "stopped");
}

}  // namespace

int serve(const Sources& sources) {
  Signals signals;
  Configuration configuration = load(sources);
  std::ranges::move(start_problems(configuration, sources.env ? sources.env : process_environment()),
                    std::back_inserter(configuration.problems));
  for (const config::Problem& problem : configuration.problems) {
    const std::string_view severity = problem.severity == config::Severity::error ? "" : "warning: ";
    say(cat("cardea: ", severity, config::to_text(problem), "\n"));
  }
  const auto is_error = [](const config::Problem& problem) { return problem.severity == config::Severity::error; };
  if (!configuration.usable() || std::ranges::any_of(configuration.problems, is_error)) return exit_refused;
  signals.watch(configuration.files);
  Inbox inbox;
  Result<std::unique_ptr<Gateway>> started = Gateway::start(sources, std::move(configuration));
  if (!started) {
    say(cat("cardea: ", started.error().message(), "\n"));
    return exit_refused;
  }
  Gateway& gateway = **started;
  say_started(gateway);
  notify_manager("READY=1");
  gateway.on_change([&] { signals.nudge(); });
  const auto look_around = [&] {
    gateway.discover([&](std::vector<catalog::Discovered> models) {
      inbox.put(std::move(models));
      signals.nudge();
    });
  };
  look_around();
  for (;;) {
    switch (signals.wait()) {
      case Signals::Event::stop: drain(gateway, signals); return 0;
      case Signals::Event::reload:
      case Signals::Event::files_changed:
        notify_manager("RELOADING=1");
        if (gateway.reload()) look_around();
        notify_manager("READY=1");
        break;
      case Signals::Event::nudged:
        gateway.take_changes();
        if (auto models = inbox.take(); !models.empty()) gateway.found(std::move(models));
        break;
    }
  }
}

int serve_twin(const TwinSources& sources) {
  Signals signals;
  twin::TwinOptions options;
  options.names = twin::TwinOptions::Names::any;
  if (!sources.script_file.empty()) {
    Result<std::string> text = read_file(sources.script_file);
    Result<twin::Script> script = text ? twin::Script::parse(*text) : fail_with(text);
    if (!script) {
      say(cat("cardea: ", sources.script_file, ": ", script.error().message(), "\n"));
      return exit_refused;
    }
    options.script = std::move(*script);
  }
  Result<net::Address> address = net::Address::parse(sources.listen);
  if (!address) {
    say(cat("cardea: --listen: ", address.error().message(), "\n"));
    return exit_refused;
  }
  net::Loop loop{std::make_unique<net::Poller>()};
  net::Scope scope{loop};
  twin::Twin twin{std::move(options)};
  http::Server server{scope, twin, {}};
  net::Listener::Options listening;
  listening.reuse_port = false;
  Result<std::unique_ptr<net::Listener>> listener =
      net::Listener::bind(loop, *address, listening, [&](int fd, const net::Address& peer) {
        if (auto stream = net::SocketStream::adopt(loop, fd, peer)) server.serve(std::move(stream));
      });
  if (!listener) {
    say(cat("cardea: ", listener.error().message(), "\n"));
    return exit_refused;
  }
  say(cat("cardea twin: listening on ", (*listener)->address().text(), "\n"));
  std::thread stopper{[&] {
    while (signals.wait() != Signals::Event::stop) {
    }
    loop.post([&] {
      listener->reset();
      scope.cancel(Kind::unavailable);
    });
  }};
  loop.run_until([&] { return *listener == nullptr && scope.children() == 0; });
  stopper.join();
  return 0;
}

}  // namespace cardea::server
