#include "server/discovery.h"

#include <array>
#include <optional>

#include "base/text.h"
#include "execute/upstream.h"

namespace cardea::server {
namespace {

/// A server on this machine answers at once or is not there.
constexpr net::Duration patience = std::chrono::milliseconds{500};
constexpr std::size_t answer_bytes_max = 1 << 20;

net::Task<Result<std::vector<std::string>>> ask(http::Client& client, const catalog::Probe& probe) {
  Result<catalog::Endpoint> endpoint = catalog::parse_endpoint(probe.base_url);
  if (!endpoint) co_return fail_with(endpoint);
  std::string head;
  wire::append_request_line(head, "GET", endpoint->path("/models"));
  head += cat("host: ", endpoint->authority(), "\r\naccept: application/json\r\nuser-agent: cardea\r\n\r\n");
  const std::array<std::string_view, 1> pieces{head};
  http::CallRequest request;
  request.method = wire::Method::get;
  request.egress = net::Egress::anywhere;
  request.pieces = pieces;
  request.timeouts = {patience, patience, patience, patience};
  const net::Origin origin = execute::origin_of(endpoint->origin);
  Result<http::Call> call = co_await client.call(origin, request);
  if (!call) co_return fail_with(call);
  if (call->head().status() != 200) co_return fail(Kind::upstream_failed);
  Buffer body;
  Status received = co_await call->read_all(body, answer_bytes_max);
  if (!received) co_return fail_with(received);
  static_cast<void>(body.prepare(0));
  co_return catalog::parse_models(body.view());
}

net::Task<void> ask_one(http::Client& client, const catalog::Probe& probe, std::optional<catalog::Discovered>& answer) {
  Result<std::vector<std::string>> models = co_await ask(client, probe);
  if (models) answer = catalog::Discovered{probe.provider, probe.base_url, std::move(*models)};
}

}  // namespace

net::Task<void> probe_all(http::Client& client, std::vector<catalog::Probe> probes,
                          std::function<void(std::vector<catalog::Discovered>)> then) {
  net::Scope& outer = co_await net::current_scope();
  std::vector<std::optional<catalog::Discovered>> answers(probes.size());
  {
    net::Scope all{outer};
    for (std::size_t i = 0; i < probes.size(); ++i) all.spawn(ask_one(client, probes[i], answers[i]));
    co_await all.join();
  }
  std::vector<catalog::Discovered> found;
  for (auto& answer : answers) {
    if (answer) found.push_back(std::move(*answer));
  }
  if (!found.empty()) then(std::move(found));
}

}  // namespace cardea::server
