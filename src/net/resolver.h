#pragma once
// Names to addresses: c-ares driven by the loop, with a cache that survives a failing DNS.

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/tcp.h"

namespace cardea::net {

/// Resolves host names (A and AAAA, /etc/hosts, literals) for one loop. Several callers who ask for one name share one query; a
/// caller may be cancelled while the query goes on. Lives on a Poller's loop and costs nothing before the first query. Callers
/// still waiting when it dies get an error.
class Resolver {
 public:
  struct Options {
    /// UDP/TCP name servers; empty: the system's (resolv.conf, read again after failures).
    std::vector<Address> servers;
    Duration try_timeout = std::chrono::seconds{2};  ///< of one try at one server
    int tries = 2;
    Duration ttl_min = std::chrono::seconds{5};
    Duration ttl_max = std::chrono::seconds{300};
    Duration negative_ttl = std::chrono::seconds{1};
    /// How long an answer may still be used after its TTL while DNS fails (no answer, SERVFAIL; not when the name does not
    /// exist).
    Duration stale_max = std::chrono::hours{1};
    std::size_t entries_max = 1024;
  };
  explicit Resolver(Loop& loop);
  Resolver(Loop& loop, Options options);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// The addresses of `host` with `port`, in the order to try: families alternate, the one the system prefers first. Never empty.
  /// Kind::upstream_unreachable with a message that says whether the name does not exist or DNS failed; or the scope's reason.
  [[nodiscard]] Task<Result<std::vector<Address>>> resolve(std::string host, std::uint16_t port);

  /// Queries sent to DNS so far (cache hits and shared ones excluded).
  [[nodiscard]] std::uint64_t queries() const noexcept { return queries_; }
  /// Names in the cache.
  [[nodiscard]] std::size_t cached() const noexcept { return cache_.size(); }

 private:
  struct Channel;  // c-ares behind the door
  struct Query;
  struct Entry {
    std::vector<Address> addresses;  ///< empty: the name could not be resolved, see `failure`
    std::string failure;
    TimePoint fresh_until;
    TimePoint usable_until;
  };
  std::shared_ptr<Query> ask(const std::string& host);
  void answered(Query& query, int status, std::vector<Address> addresses, Duration ttl);
  void make_room();

  Loop& loop_;
  Options options_;
  std::unordered_map<std::string, Entry> cache_;
  std::unordered_map<std::string, std::shared_ptr<Query>> asking_;
  std::uint64_t queries_ = 0;
  bool refresh_channel_ = false;  ///< resolv.conf may have changed: DNS failed
  std::unique_ptr<Channel> channel_;
};

}  // namespace cardea::net
