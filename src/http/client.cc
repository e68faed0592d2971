#include "http/client.h"

#include <algorithm>
#include <cassert>

#include "base/text.h"
#include "http/connection.h"

namespace cardea::http {

Call::Call(std::unique_ptr<Connection> connection) noexcept : connection_{std::move(connection)} {}
Call::Call(Call&&) noexcept = default;
Call& Call::operator=(Call&& other) noexcept {
  if (this != &other) {
    end();
    connection_ = std::move(other.connection_);
  }
  return *this;
}
Call::~Call() { end(); }

void Call::end() noexcept {
  if (connection_ == nullptr) return;
  Client& client = connection_->client();
  if (connection_->reusable()) client.keep(std::move(connection_));
  connection_.reset();
}

const wire::ResponseHead& Call::head() const noexcept { return connection_->head(); }

bool Call::complete() const noexcept { return connection_->complete(); }

net::Task<Result<std::size_t>> Call::read_into(Buffer& into) { return connection_->read_into(into); }

net::Task<Status> Call::read_all(Buffer& into, std::size_t limit) {
  const std::size_t before = into.size();
  Result<std::size_t> got = connection_->read_now(into);  // usually everything
  while (got && !complete() && into.size() - before <= limit && head().content_length() <= limit) got = co_await read_into(into);
  if (!got) co_return fail_with(got);
  if (!complete() || into.size() - before > limit) {
    co_return fail(Kind::upstream_protocol, cat("the upstream's answer is larger than ", limit, " bytes"));
  }
  co_return Status{};
}

Client::Client(net::Loop& loop, net::Dialer& dialer, ClientOptions options) : loop_{loop}, dialer_{dialer}, options_{options} {}

Client::~Client() = default;

net::Task<Result<Call>> Client::call(const net::Origin& origin, const CallRequest& request) {
  if (std::unique_ptr<Connection> kept = reuse(origin)) {
    Status answered = co_await kept->exchange(request);
    if (answered) co_return Call{std::move(kept)};
    if (!answered.error().is(Kind::closed)) co_return fail_with(answered);
    // Its upstream closed it while our request was on the way: once more, on a fresh one, since other kept ones may be as stale.
    ++counters_.stale_retries;
  }
  Result<std::unique_ptr<Connection>> fresh = co_await open(origin, request);
  if (!fresh) co_return fail_with(fresh);
  Status answered = co_await (*fresh)->exchange(request);
  if (!answered) co_return fail_with(answered);
  co_return Call{std::move(*fresh)};
}

net::Task<Result<std::unique_ptr<Connection>>> Client::open(const net::Origin& origin, const CallRequest& request) {
  ++counters_.connects;
  net::DialOptions options;
  options.connect_timeout = request.timeouts.connect;
  options.egress = request.egress;
  options.exceptions = request.exceptions;
  Result<std::unique_ptr<net::Stream>> stream = co_await dialer_.dial(origin, options);
  if (!stream) {
    ++counters_.connect_failures;
    co_return fail_with(stream);
  }
  co_return std::make_unique<Connection>(*this, pool_of(origin), std::move(*stream));
}

Client::Pool& Client::pool_of(const net::Origin& origin) {
  // Origins come and go: forget those without a connection once they are many.
  constexpr std::size_t pools_max = 256;
  if (pools_.size() >= pools_max) std::erase_if(pools_, [](const auto& entry) { return entry.second.connections == 0; });
  return pools_[origin];
}

std::unique_ptr<Connection> Client::reuse(const net::Origin& origin) {
  const auto found = pools_.find(origin);
  if (found == pools_.end()) return nullptr;
  auto& idle = found->second.idle;
  while (!idle.empty()) {
    std::unique_ptr<Connection> connection = std::move(idle.back());
    idle.pop_back();
    --idle_count_;
    if (connection->wake() && loop_.now() - connection->opened_at() < options_.max_age) {
      ++counters_.reuses;
      return connection;
    }
  }
  return nullptr;
}

void Client::keep(std::unique_ptr<Connection> connection) noexcept {
  auto& idle = connection->pool().idle;
  if (idle.size() >= options_.idle_per_origin) return;
  connection->rest(options_.idle_timeout);
  idle.push_back(std::move(connection));
  ++idle_count_;
}

void Client::drop(Connection& dropped) noexcept {
  auto& idle = dropped.pool().idle;
  const auto at = std::find_if(idle.begin(), idle.end(), [&](const auto& one) { return one.get() == &dropped; });
  assert(at != idle.end());
  const std::unique_ptr<Connection> closing = std::move(*at);
  idle.erase(at);
  --idle_count_;
}

void Client::close_idle() noexcept {
  for (auto& [origin, pool] : pools_) pool.idle.clear();
  idle_count_ = 0;
}

}  // namespace cardea::http
