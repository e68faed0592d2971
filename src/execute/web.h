#pragma once
// Files that a request, or an upstream's answer, only names by a URL: fetched through the egress guard.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/client.h"
#include "http/web_address.h"
#include "net/crypto.h"
#include "net/egress.h"
#include "net/scope.h"

namespace cardea::execute {

class WebCache;

/// What the operator allows of URLs that others chose.
struct WebLimits {
  bool on = true;
  std::size_t bytes = std::size_t{20} << 20;                          ///< of one file
  net::Duration time = std::chrono::seconds{10};                      ///< of one file, redirects included
  std::size_t cache_bytes = std::size_t{32} << 20;                    ///< kept by each worker; 0: nothing is
  std::shared_ptr<const net::EgressExceptions> exceptions = nullptr;  ///< targets that need not be public; null: none
};

/// A file's bytes and what they are.
struct WebFile {
  std::shared_ptr<const std::string> bytes;
  std::string_view type;  ///< by its own bytes, never by claim: "image/png", "text/plain"; empty: unknown
  net::Digest sha256{};
};

/// The content of a `data:` URL (RFC 2397), base64 or percent-encoded, decoded once. Error: bad_request, too_large.
[[nodiscard]] Result<WebFile> read_data_url(std::string_view url, std::size_t bytes_max);

/// Fetches URLs that others chose: http and https only, no credentials, no cookies, nothing of the client's; public addresses
/// only (checked at connect time, of redirects too), bounded in size and time; connections are never shared with upstreams. Files
/// are kept as long as their server allows (RFC 9111; an hour at most), and asked for on condition afterwards. One per worker, on
/// its loop; outlives what it is asked.
class WebFetcher {
 public:
  /// Told of each failure with its full reason, which a client must not see: `what` is "web".
  using FailureSink = std::function<void(std::string_view what, const Error& error)>;
  WebFetcher(net::Loop& loop, net::Dialer& dialer, FailureSink on_failure);
  ~WebFetcher();

  /// The file at an http(s) or data URL. `url` and `limits` must live until then. Errors, whose messages are the rest of a
  /// sentence about the URL and name no address ("it answers with status 404"): bad_request (no such URL), forbidden (switched
  /// off), too_large, unavailable (too many at a time), upstream_…, or the scope's reason.
  [[nodiscard]] net::Task<Result<WebFile>> get(std::string_view url, const WebLimits& limits);
  /// After a reload: what was allowed then may not be now.
  void forget();
  [[nodiscard]] const WebCache& cache() const noexcept { return *cache_; }

 private:
  /// What one request came to: a file, or where to look for it.
  struct Step;
  [[nodiscard]] net::Task<Result<WebFile>> fetch(http::WebAddress address, const WebLimits& limits);
  [[nodiscard]] net::Task<Result<Step>> ask(const http::WebAddress& address, const WebLimits& limits);
  [[nodiscard]] net::Task<Result<std::string>> read(http::Call& call, const WebLimits& limits);

  net::Loop& loop_;
  http::Client client_;
  FailureSink on_failure_;
  std::unique_ptr<WebCache> cache_;
  std::size_t under_way_ = 0;
};

}  // namespace cardea::execute
