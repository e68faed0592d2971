#include "app/gateway_client.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "app/output.h"
#include "base/text.h"
#include "catalog/endpoint.h"
#include "json/value.h"

namespace cardea::app {
namespace {

constexpr std::size_t reply_bytes_max = 64U << 20;
constexpr std::size_t shown_bytes = 500;

sigset_t interrupt_set() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  return set;
}

net::Origin to_origin(const catalog::Origin& origin) {
  using From = catalog::Scheme;
  const auto scheme = origin.scheme == From::https         ? net::Origin::Scheme::tls
                      : origin.scheme == From::unix_socket ? net::Origin::Scheme::unix
                                                           : net::Origin::Scheme::plain;
  return {scheme, origin.host, origin.port};
}

/// Cancels a scope at Ctrl-C.
class InterruptTarget final : public net::PollTarget {
 public:
  InterruptTarget(net::Scope& scope, Interrupts* interrupts) : scope_{scope}, interrupts_{interrupts} {
    if (interrupts_ != nullptr) added_ = poller().add(interrupts_->descriptor(), *this, slot_);
  }
  ~InterruptTarget() {
    if (added_) poller().remove(slot_, interrupts_->descriptor());
  }
  InterruptTarget(const InterruptTarget&) = delete;
  InterruptTarget& operator=(const InterruptTarget&) = delete;
  void on_events(std::uint32_t) override {
    if (interrupts_->take()) scope_.cancel(Kind::cancelled);
  }

 private:
  [[nodiscard]] net::Poller& poller() { return net::Poller::of(scope_.loop()); }
  net::Scope& scope_;
  Interrupts* interrupts_;
  std::uint32_t slot_ = 0;
  bool added_ = false;
};

}  // namespace

Result<Place> parse_place(std::string_view url, std::string_view key) {
  const bool whole = url.find("://") != std::string_view::npos || url.starts_with("unix:");
  const std::string text = whole ? std::string{url} : cat("http://", url);
  Result<catalog::Endpoint> endpoint = catalog::parse_endpoint(text);
  if (!endpoint) return fail_with(endpoint);
  Place place{to_origin(endpoint->origin), endpoint->prefix, endpoint->authority(), text, Secret{std::string{key}}};
  if (place.authority.empty()) place.authority = "localhost";
  return place;
}

std::string error_text(const Reply& reply) {
  Result<json::Value> body = json::parse(reply.body);
  const json::Value* error = body ? body->find("error") : nullptr;
  const json::Value* message = error != nullptr ? error->find("message") : body ? body->find("detail") : nullptr;
  const std::string* text = message != nullptr ? message->as_string() : nullptr;
  return harmless(cat(text != nullptr ? std::string_view{*text} : std::string_view{reply.body}.substr(0, shown_bytes), " (",
                      reply.status, ")"));
}

Interrupts::Interrupts() {
  const sigset_t set = interrupt_set();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

Interrupts::~Interrupts() {
  static_cast<void>(take());
  if (fd_ >= 0) close(fd_);
  const sigset_t set = interrupt_set();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

bool Interrupts::take() noexcept {
  signalfd_siginfo info;
  bool any = false;
  while (read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    any = true;
    if (info.ssi_signo != SIGINT) ended_by_ = static_cast<int>(info.ssi_signo);
  }
  return any;
}

struct GatewayClient::Work {
  wire::Method method;
  std::string head;
  std::string_view body;
  const std::function<void(std::string_view)>* piece = nullptr;
  Result<Reply> result = fail(Kind::cancelled);
};

GatewayClient::GatewayClient(Place place) : place_{std::move(place)}, loop_{std::make_unique<net::Poller>()} {
  net::SystemDialer::Options options;
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);  // NOLINT: nothing changes the environment
    return std::string{value != nullptr ? value : ""};
  };
  // A proxy that cannot be understood is the server's complaint to make, not a reason not to ask it.
  if (Result<net::ProxySettings> proxies = net::ProxySettings::from_environment(variable)) options.proxies = std::move(*proxies);
  dialer_ = std::make_unique<net::SystemDialer>(loop_, std::move(options));
  client_ = std::make_unique<http::Client>(loop_, *dialer_, http::ClientOptions{});
}

GatewayClient::~GatewayClient() = default;

std::string GatewayClient::head(std::string_view method, std::string_view target, std::size_t body_bytes,
                                std::string_view headers) const {
  std::string text;
  wire::append_request_line(text, method, target);
  append(text, cat("host: ", place_.authority, "\r\nuser-agent: cardea-cli\r\n"));
  if (!place_.key.empty()) append(text, cat("authorization: Bearer ", place_.key.reveal(), "\r\n"));
  if (body_bytes != 0) append(text, cat("content-type: application/json\r\ncontent-length: ", body_bytes, "\r\n"));
  append(text, cat(headers, "\r\n"));
  return text;
}

net::Task<void> GatewayClient::perform(Work& work) {
  const std::string_view pieces[] = {work.head, work.body};
  http::CallRequest request;
  request.method = work.method;
  request.egress = net::Egress::anywhere;
  request.pieces = pieces;
  Result<http::Call> call = co_await client_->call(place_.origin, request);
  if (!call) {
    work.result = fail_with(call);
    co_return;
  }
  Reply reply{.status = call->head().status()};
  const bool piecewise = work.piece != nullptr && reply.status == 200;
  Buffer buffer;
  for (;;) {
    Result<std::size_t> got = co_await call->read_into(buffer);
    if (!got) {
      work.result = fail_with(got);
      co_return;
    }
    if (*got == 0) break;
    if (piecewise) (*work.piece)(buffer.view());
    if (!piecewise) reply.body += buffer.view();
    buffer.clear();
    if (reply.body.size() > reply_bytes_max) {
      work.result = fail(Kind::upstream_protocol, "the answer is too large");
      co_return;
    }
  }
  work.result = std::move(reply);
}

Result<Reply> GatewayClient::run(Work& work, net::Duration timeout, Interrupts* interrupts) {
  net::Scope scope{loop_};
  if (timeout != net::forever) scope.set_deadline(loop_.read_clock() + timeout, Kind::timed_out);
  {
    const InterruptTarget target{scope, interrupts};
    scope.spawn(perform(work));
    loop_.run_until([&] { return scope.children() == 0; });
  }
  return std::move(work.result);
}

Result<Reply> GatewayClient::get(std::string_view path, std::chrono::milliseconds timeout) {
  Work work{.method = wire::Method::get, .head = head("GET", path, 0), .body = {}};
  return run(work, timeout, nullptr);
}

Result<Reply> GatewayClient::send(wire::Method method, std::string_view path, std::string_view body, std::string_view headers,
                                  std::chrono::milliseconds timeout) {
  Work work{.method = method, .head = head(wire::text(method), path, body.size(), headers), .body = body};
  return run(work, timeout, nullptr);
}

Result<Reply> GatewayClient::get_api(std::string_view operation, std::chrono::milliseconds timeout) {
  return get(cat(place_.prefix, operation), timeout);
}

Result<Reply> GatewayClient::stream(std::string_view operation, std::string_view body,
                                    const std::function<void(std::string_view)>& piece, Interrupts* interrupts) {
  Work work{.method = wire::Method::post,
            .head = head("POST", cat(place_.prefix, operation), body.size()),
            .body = body,
            .piece = &piece};
  return run(work, net::forever, interrupts);
}

}  // namespace cardea::app
