#include "net/dial.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace cardea::net {
namespace {

constexpr std::size_t attempts_max = 6;  // addresses tried of one name
constexpr std::size_t proxy_head_max = 16 * 1024;
constexpr Duration timeout_max = std::chrono::hours{1};

/// What a failed step looks like from outside: a connection's own failures become the upstream's, a cancellation stays what it
/// is.
Error as_unreachable(Error error) {
  if (error.is(Kind::io) || error.is(Kind::closed)) return Error{Kind::upstream_unreachable, std::string{error.message()}};
  return error;
}

/// Reads the proxy's answer to CONNECT. The upstream speaks after us, so not a byte may follow the head.
Task<Status> read_connect_answer(Stream& stream, TimePoint deadline) {
  std::string head;
  std::array<char, 1024> space;
  while (head.find("\r\n\r\n") == std::string::npos) {
    if (head.size() > proxy_head_max) co_return fail(Kind::upstream_unreachable, "the proxy's answer is too long");
    Result<std::size_t> got = co_await stream.read_some(space, deadline - stream.loop().now());
    if (!got) co_return std::unexpected{as_unreachable(std::move(got.error()))};
    if (*got == 0) co_return fail(Kind::upstream_unreachable, "the proxy closed the connection");
    head.append(space.data(), *got);
  }
  const std::string_view code = std::string_view{head}.substr(0, 12);
  if (!code.starts_with("HTTP/1.") || code.size() < 12 || code[8] != ' ') {
    co_return fail(Kind::upstream_unreachable, "the proxy does not speak HTTP/1.1");
  }
  if (code[9] != '2') co_return fail(Kind::upstream_unreachable, cat("the proxy refused with status ", code.substr(9, 3)));
  if (!head.ends_with("\r\n\r\n") || head.find("\r\n\r\n") != head.size() - 4) {
    co_return fail(Kind::upstream_unreachable, "the proxy sent data that nobody asked for");
  }
  co_return Status{};
}

}  // namespace

std::string Origin::text() const {
  switch (scheme) {
    case Scheme::unix: return cat("unix:", host);
    case Scheme::memory: return cat("memory:", host);
    case Scheme::plain:
    case Scheme::tls: break;
  }
  return host.find(':') == std::string::npos ? cat(host, ':', port) : cat('[', host, "]:", port);
}

SystemDialer::SystemDialer(Loop& loop, Options options)
    : loop_{loop},
      resolver_{loop, std::move(options.resolver)},
      proxies_{std::move(options.proxies)},
      tls_{std::move(options.tls)} {
  // Without a CA file nothing is read yet, so nothing can fail.
  if (tls_ == nullptr) tls_ = std::move(*TlsClientContext::make({}));
}

Task<Result<std::unique_ptr<Stream>>> SystemDialer::dial(Origin origin, DialOptions options) {
  const Duration timeout = std::min(options.connect_timeout, timeout_max);
  const TimePoint deadline = loop_.now() + timeout;
  Scope& outer = co_await current_scope();
  Scope limited{outer};
  limited.set_deadline(deadline, Kind::upstream_connect_timeout);
  const auto work = dial_now(origin, options, deadline);
  Result<std::unique_ptr<Stream>> dialled = co_await work.in(limited);
  if (dialled) co_return dialled;
  const Error& error = dialled.error();
  if (error.is(Kind::upstream_connect_timeout) || error.is(Kind::timed_out)) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
    co_return fail(Kind::upstream_connect_timeout, cat("no connection to ", origin.text(), " within ", ms, " ms"));
  }
  if (error.is(Kind::upstream_unreachable) || error.is(Kind::forbidden)) {
    co_return fail(error.kind(), cat("cannot connect to ", origin.text(), ": ", error.message()));
  }
  co_return dialled;
}

Task<Result<std::unique_ptr<Stream>>> SystemDialer::dial_now(const Origin& origin, const DialOptions& options,
                                                             TimePoint deadline) {
  if (origin.scheme == Origin::Scheme::memory)
    co_return fail(Kind::upstream_unreachable, "there is nothing of that name in this process");
  const bool secure = origin.scheme == Origin::Scheme::tls;
  const Proxy* proxy = nullptr;
  if (origin.scheme != Origin::Scheme::unix) {
    proxy = proxies_.proxy_for(secure ? ProxySettings::Target::https : ProxySettings::Target::http, origin.host, origin.port);
  }
  const auto way = proxy != nullptr ? tunnel(*proxy, origin, options, deadline) : reach(origin, options, deadline);
  Result<std::unique_ptr<Stream>> connected = co_await way;
  if (!connected || !secure) co_return connected;
  auto context = options.tls != nullptr ? options.tls : tls_;
  auto shaken = tls_connect(std::move(*connected), origin.host, origin.port, std::move(context), deadline - loop_.now());
  Result<std::unique_ptr<Stream>> stream = co_await shaken;
  co_return stream;
}

Task<Result<std::vector<Address>>> SystemDialer::find(const Origin& target, const DialOptions& options) {
  std::vector<Address> addresses;
  if (target.scheme == Origin::Scheme::unix) {
    auto local = Address::parse(target.text());
    if (!local) co_return fail(Kind::upstream_unreachable, std::string{local.error().message()});
    addresses.push_back(*local);
  } else {
    Result<std::vector<Address>> resolved = co_await resolver_.resolve(target.host, target.port);
    if (!resolved) co_return fail_with(resolved);
    addresses = std::move(*resolved);
  }
  // The guard sees the very addresses that connect() gets, whatever the name meant a moment ago.
  Error last{Kind::upstream_unreachable};
  std::erase_if(addresses, [&](const Address& address) {
    Status allowed = check_egress(address, options.egress);
    if (allowed || (options.exceptions != nullptr && options.exceptions->hold(address))) return false;
    last = std::move(allowed.error());
    return true;
  });
  if (addresses.empty()) co_return std::unexpected{std::move(last)};
  if (addresses.size() > attempts_max) addresses.resize(attempts_max);
  co_return addresses;
}

Task<Result<std::unique_ptr<Stream>>> SystemDialer::reach(const Origin& target, const DialOptions& options, TimePoint deadline) {
  Result<std::vector<Address>> addresses = co_await find(target, options);
  if (!addresses) co_return fail_with(addresses);
  Error last{Kind::upstream_unreachable};
  for (std::size_t i = 0; i < addresses->size(); ++i) {
    const Duration share = (deadline - loop_.now()) / static_cast<std::int64_t>(addresses->size() - i);
    Result<std::unique_ptr<Stream>> connected = co_await connect(loop_, (*addresses)[i], share);
    if (connected) co_return connected;
    last = as_unreachable(std::move(connected.error()));
    if (!last.is(Kind::upstream_unreachable) && !last.is(Kind::timed_out)) break;
  }
  co_return std::unexpected{std::move(last)};
}

Task<Result<std::unique_ptr<Stream>>> SystemDialer::tunnel(const Proxy& proxy, const Origin& target, const DialOptions& options,
                                                           TimePoint deadline) {
  std::string wanted = target.text();
  if (options.egress != Egress::anywhere) {
    Result<std::vector<Address>> addresses = co_await find(target, options);
    if (!addresses) co_return fail_with(addresses);
    wanted = addresses->front().text();
  }
  const Origin via{.scheme = Origin::Scheme::plain, .host = proxy.host, .port = proxy.port};
  DialOptions configured;
  configured.egress = Egress::anywhere;
  Result<std::unique_ptr<Stream>> connected = co_await reach(via, configured, deadline);
  if (!connected) {
    if (!connected.error().is(Kind::upstream_unreachable)) co_return fail_with(connected);
    co_return fail(Kind::upstream_unreachable, cat("the proxy cannot be reached: ", connected.error().message()));
  }
  Stream& stream = **connected;
  std::string request = cat("CONNECT ", wanted, " HTTP/1.1\r\nHost: ", wanted, "\r\n");
  if (!proxy.authorization.empty()) request += cat("Proxy-Authorization: ", proxy.authorization.reveal(), "\r\n");
  request += "\r\n";
  iovec pieces[1] = {piece(request)};
  Status sent = co_await stream.write_all(pieces, deadline - loop_.now());
  if (!sent) co_return std::unexpected{as_unreachable(std::move(sent.error()))};
  Status answered = co_await read_connect_answer(stream, deadline);
  if (!answered) co_return fail_with(answered);
  co_return connected;
}

}  // namespace cardea::net
