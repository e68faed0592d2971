#pragma once
// A gateway as a command asks it.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "http/client.h"
#include "net/dial.h"
#include "net/poller.h"

namespace cardea::app {

/// Where a gateway is and what opens it.
struct Place {
  net::Origin origin;
  std::string prefix;     ///< of the API: "/v1"
  std::string authority;  ///< for the Host header
  std::string url;        ///< as it was given
  Secret key;             ///< empty: none
};
/// `url`: "http://127.0.0.1:8080", "https://host/v1", "unix:/run/cardea.sock". Error: config, with a sentence.
[[nodiscard]] Result<Place> parse_place(std::string_view url, std::string_view key);

/// An answer that was read whole.
struct Reply {
  unsigned status = 0;
  std::string body;
};
/// What a gateway's error body says, or its beginning when it is in no known shape.
[[nodiscard]] std::string error_text(const Reply& reply);

/// Ctrl-C, SIGTERM and SIGHUP as events. They are blocked in this thread, and in those begun later, while it lives, so only who
/// looks hears them: and leaves the terminal as it was.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  [[nodiscard]] int descriptor() const noexcept { return fd_; }
  /// One of them came since the last call.
  [[nodiscard]] bool take() noexcept;
  /// The one that asks the whole program to end, once take() has met it; 0: none.
  [[nodiscard]] int ended_by() const noexcept { return ended_by_; }

 private:
  int fd_;
  int ended_by_ = 0;
};

/// Calls one gateway; blocking; one thread, with a loop of its own. Errors are those of http::Client, and Kind::timed_out.
class GatewayClient {
 public:
  explicit GatewayClient(Place place);
  ~GatewayClient();

  [[nodiscard]] const Place& place() const noexcept { return place_; }
  /// `path` from the root ("/livez") .
  [[nodiscard]] Result<Reply> get(std::string_view path, std::chrono::milliseconds timeout);
  /// `operation` below the API's prefix ("/models").
  [[nodiscard]] Result<Reply> get_api(std::string_view operation, std::chrono::milliseconds timeout);
  /// Any request. `path` from the root; `body`: JSON, or empty; `headers`: whole lines.
  [[nodiscard]] Result<Reply> send(wire::Method method, std::string_view path, std::string_view body, std::string_view headers,
                                   std::chrono::milliseconds timeout);
  /// Posts JSON. A 200 is handed over piece by piece as it comes (and its Reply has no body), any other answer is returned whole.
  /// `interrupts` (may be null) ends it with Kind::cancelled.
  [[nodiscard]] Result<Reply> stream(std::string_view operation, std::string_view body,
                                     const std::function<void(std::string_view)>& piece, Interrupts* interrupts);

 private:
  struct Work;
  [[nodiscard]] net::Task<void> perform(Work& work);
  [[nodiscard]] Result<Reply> run(Work& work, net::Duration timeout, Interrupts* interrupts);
  [[nodiscard]] std::string head(std::string_view method, std::string_view target, std::size_t body_bytes,
                                 std::string_view headers = {}) const;

  Place place_;
  net::Loop loop_;
  std::unique_ptr<net::Dialer> dialer_;
  std::unique_ptr<http::Client> client_;
};

}  // namespace cardea::app
