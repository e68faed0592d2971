#include "net/resolver.h"

#include <ares.h>
#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <limits>

#include "base/text.h"

namespace cardea::net {

/// A question under way. Callers share it; it outlives the Resolver if one of them has not run yet.
struct Resolver::Query {
  Query(Resolver& resolver, std::string name) : owner{resolver}, host{std::move(name)}, done{resolver.loop_} {}
  Resolver& owner;  ///< valid until the answer
  std::string host;
  Event done;
  std::vector<Address> addresses;
  std::string failure;
};

/// c-ares and its sockets on the loop's poller.
struct Resolver::Channel final : Timer {
  explicit Channel(Loop& on) noexcept : loop{on} {}
  ~Channel() override {
    if (handle != nullptr) ares_destroy(handle);
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  struct Socket final : PollTarget {
    Socket(Channel& owner, int socket) noexcept : channel{owner}, fd{socket} {}
    void on_events(std::uint32_t events) override { channel.process(fd, events); }  // may destroy this
    Channel& channel;
    int fd;
    std::uint32_t slot = 0;
  };

  [[nodiscard]] bool open(const Options& options) {
    ares_options settings{};
    settings.timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(options.try_timeout).count());
    settings.tries = options.tries;
    settings.sock_state_cb = on_socket;
    settings.sock_state_cb_data = this;
    int given = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    if (!options.servers.empty()) {
      settings.flags = ARES_FLAG_NOSEARCH;
      given |= ARES_OPT_FLAGS;
    }
    if (ares_init_options(&handle, &settings, given) != ARES_SUCCESS) return false;
    std::string servers;
    for (const auto& server : options.servers) servers += cat(servers.empty() ? "" : ",", server.text());
    return servers.empty() || ares_set_servers_ports_csv(handle, servers.c_str()) == ARES_SUCCESS;
  }

  static void on_socket(void* self, ares_socket_t fd, int readable, int writable) {
    auto& channel = *static_cast<Channel*>(self);
    const auto known = channel.sockets.find(fd);
    if (readable == 0 && writable == 0) {
      if (known == channel.sockets.end()) return;
      // c-ares closes the descriptor itself.
      Poller::of(channel.loop).remove(known->second->slot, fd);
      channel.sockets.erase(known);
    } else if (known == channel.sockets.end()) {
      auto socket = std::make_unique<Socket>(channel, fd);
      // Not registered (no descriptors left): the query ends by its time-out.
      if (Poller::of(channel.loop).add(fd, *socket, socket->slot)) channel.sockets.emplace(fd, std::move(socket));
    }
  }

  void process(int fd, std::uint32_t events) {
    if ((events & EPOLLOUT) != 0) ares_process_fd(handle, ARES_SOCKET_BAD, fd);
    // Edges come once, and over TCP c-ares reads a part of a message at a time.
    pollfd input{.fd = fd, .events = POLLIN, .revents = 0};
    while (sockets.contains(fd) && poll(&input, 1, 0) > 0) ares_process_fd(handle, fd, ARES_SOCKET_BAD);
    rearm();
  }

  void on_timer() override {
    ares_process_fd(handle, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    rearm();
  }

  void rearm() {
    timeval left{};
    if (ares_timeout(handle, nullptr, &left) == nullptr) {
      cancel();
    } else {
      loop.arm(*this, loop.now() + std::chrono::seconds{left.tv_sec} + std::chrono::microseconds{left.tv_usec});
    }
  }

  Loop& loop;
  ares_channel handle = nullptr;
  std::unordered_map<int, std::unique_ptr<Socket>> sockets;
};

namespace {

/// Happy eyeballs, lightly (RFC 8305 §4): a broken family costs one attempt, not one per address.
std::vector<Address> alternate(const std::vector<Address>& sorted) {
  std::vector<Address> order;
  if (sorted.empty()) return order;
  const int first = sorted.front().family();
  std::vector<Address> sides[2];
  for (const auto& address : sorted) sides[address.family() == first ? 0 : 1].push_back(address);
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (const auto& side : sides) {
      if (i < side.size()) order.push_back(side[i]);
    }
  }
  return order;
}

/// A host that URL parsers read as an IPv4 address in another base or form ("0x7f.1", "2130706433") is never asked for.
bool ends_in_number(std::string_view host) {
  const auto label = host.substr(host.rfind('.') + 1);
  return std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; }) || label.starts_with("0x");
}

Status check_host(std::string_view host) {
  constexpr std::size_t name_max = 253;  // RFC 1035 §2.3.4
  const bool plain = std::ranges::all_of(
      host, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'; });
  if (host.empty() || host.size() > name_max || !plain) {
    return fail(Kind::upstream_unreachable, "it is not a host name (international names are written in punycode, xn--…)");
  }
  if (ends_in_number(host))
    return fail(Kind::upstream_unreachable, "it is neither a host name nor an IP address in its usual form");
  return {};
}

}  // namespace

Resolver::Resolver(Loop& loop) : Resolver{loop, Options{}} {}
Resolver::Resolver(Loop& loop, Options options) : loop_{loop}, options_{std::move(options)} {}
Resolver::~Resolver() = default;

Task<Result<std::vector<Address>>> Resolver::resolve(std::string host, std::uint16_t port) {
  if (const auto literal = Address::ip(host, port)) co_return std::vector<Address>{*literal};
  host = to_lower(host);
  Status valid = check_host(host);
  if (!valid) co_return fail_with(valid);
  const auto answer = [port](std::vector<Address> addresses, const std::string& failure) -> Result<std::vector<Address>> {
    if (addresses.empty()) return fail(Kind::upstream_unreachable, failure);
    for (auto& address : addresses) address.set_port(port);
    return addresses;
  };
  auto known = cache_.find(host);
  if (known != cache_.end() && loop_.now() < known->second.fresh_until) {
    co_return answer(known->second.addresses, known->second.failure);
  }
  const std::shared_ptr<Query> query = ask(host);
  // While DNS fails the last good answer serves at once; the question goes on beside.
  known = cache_.find(host);
  if (known != cache_.end() && !known->second.failure.empty() && loop_.now() < known->second.usable_until) {
    co_return answer(known->second.addresses, known->second.failure);
  }
  Status asked = co_await query->done.wait();
  if (!asked) co_return fail_with(asked);
  co_return answer(query->addresses, query->failure);
}

std::shared_ptr<Resolver::Query> Resolver::ask(const std::string& host) {
  if (const auto running = asking_.find(host); running != asking_.end()) return running->second;
  if (refresh_channel_ && asking_.empty()) {
    channel_.reset();
    refresh_channel_ = false;
  }
  auto query = std::make_shared<Query>(*this, host);
  asking_.emplace(host, query);
  if (channel_ == nullptr) {
    channel_ = std::make_unique<Channel>(loop_);
    if (!channel_->open(options_)) {
      channel_.reset();
      answered(*query, ARES_ENOTINITIALIZED, {}, {});
      return query;
    }
  }
  ++queries_;
  ares_addrinfo_hints hints{.ai_flags = 0, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = 0};
  ares_getaddrinfo(
      channel_->handle, host.c_str(), nullptr, &hints,
      [](void* asked, int status, int /*timeouts*/, ares_addrinfo* found) {
        auto& answered_query = *static_cast<Query*>(asked);
        std::vector<Address> addresses;
        int ttl = std::numeric_limits<int>::max();
        for (auto* node = found != nullptr ? found->nodes : nullptr; node != nullptr; node = node->ai_next) {
          addresses.push_back(Address::from(node->ai_addr, static_cast<socklen_t>(node->ai_addrlen)));
          ttl = std::min(ttl, node->ai_ttl);
        }
        if (found != nullptr) ares_freeaddrinfo(found);
        answered_query.owner.answered(answered_query, status, alternate(addresses), std::chrono::seconds{ttl});
      },
      query.get());
  channel_->rearm();
  return query;
}

void Resolver::answered(Query& query, int status, std::vector<Address> addresses, Duration ttl) {
  const auto self = asking_.extract(query.host);  // keeps the query alive to the end of this
  query.done.set();
  if (status == ARES_EDESTRUCTION) {
    query.failure = "resolving was called off";
    return;
  }
  if (!cache_.contains(query.host)) make_room();
  Entry& entry = cache_[query.host];
  const TimePoint now = loop_.now();
  if (!addresses.empty()) {
    entry.addresses = std::move(addresses);
    entry.failure.clear();
    entry.fresh_until = now + std::clamp(ttl, options_.ttl_min, options_.ttl_max);
    entry.usable_until = entry.fresh_until + options_.stale_max;
  } else {
    const bool no_such_name = status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_SUCCESS;
    entry.failure = no_such_name ? "its name does not exist in DNS"
                                 : cat("its name could not be resolved: ", std::string_view{ares_strerror(status)});
    // That a name is gone is an answer, too; anything else leaves the last good one in use.
    if (no_such_name || now >= entry.usable_until) entry.addresses.clear();
    if (entry.addresses.empty()) entry.usable_until = now;
    entry.fresh_until = now + options_.negative_ttl;
    refresh_channel_ = !no_such_name;
  }
  query.addresses = entry.addresses;
  query.failure = entry.failure;
}

void Resolver::make_room() {
  if (cache_.size() < options_.entries_max) return;
  const TimePoint now = loop_.now();
  std::erase_if(cache_, [now](const auto& item) { return item.second.usable_until <= now && item.second.fresh_until <= now; });
  if (cache_.size() >= options_.entries_max) cache_.erase(cache_.begin());
}

}  // namespace cardea::net
