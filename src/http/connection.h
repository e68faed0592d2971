#pragma once
// One upstream connection: sends a message, reads its answer. Private to the room.

#include <memory>
#include <span>
#include <string_view>

#include "http/client.h"

namespace cardea::http {

/// Lent to a Call, else idle in its pool, where anything that happens on it (end, reset, bytes nobody asked for) or its age evicts it.
class Connection final : public net::StreamWatcher, private net::Timer {
 public:
  Connection(Client& client, const net::Origin& origin, std::unique_ptr<net::Stream> stream);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Writes the pieces and reads the head. Kind::closed: the connection was stale (nothing of an answer had come), so another try on
  /// a fresh one is safe as far as can be known.
  [[nodiscard]] net::Task<Status> exchange(const CallRequest& request);
  [[nodiscard]] net::Task<Result<std::size_t>> read_into(Buffer& into);

  [[nodiscard]] const wire::ResponseHead& head() const noexcept { return head_; }
  [[nodiscard]] bool complete() const noexcept { return complete_; }
  [[nodiscard]] bool reusable() const noexcept;
  [[nodiscard]] const net::Origin& origin() const noexcept { return origin_; }
  [[nodiscard]] Client& client() const noexcept { return client_; }
  [[nodiscard]] net::TimePoint opened_at() const noexcept { return opened_at_; }

  void rest(net::Duration idle_timeout);
  /// Back to work; false: something had happened that no event has told yet.
  [[nodiscard]] bool wake();

 private:
  void on_sign(Sign sign) override;
  void on_timer() override;
  [[nodiscard]] net::Task<Status> send(std::span<const std::string_view> pieces, net::Duration timeout);
  [[nodiscard]] net::Task<Status> receive_head(wire::Method method, net::Duration timeout);
  [[nodiscard]] Status take_head(std::size_t size);
  /// Appends what comes next, at most `wanted` bytes or what fits, to `into`. Kind::closed is the end of the stream.
  [[nodiscard]] net::Task<Status> receive(Buffer& into, std::size_t wanted, net::Duration timeout);
  [[nodiscard]] net::Task<Status> receive_body(Buffer& into);
  [[nodiscard]] Result<std::size_t> decode(Buffer& into);
  [[nodiscard]] bool quiet();

  Client& client_;
  net::Origin origin_;
  std::unique_ptr<net::Stream> stream_;
  net::TimePoint opened_at_;
  Buffer in_;  ///< raw bytes not yet decoded; the head stays at its front until the body is read
  wire::ResponseHead head_;
  wire::ChunkedDecoder chunks_{Kind::upstream_protocol};
  CallTimeouts timeouts_;
  std::size_t head_bytes_ = 0;
  std::uint64_t body_left_ = 0;
  bool complete_ = false;
  bool request_sent_ = false;
  bool stale_ = false;  ///< something happened while it was idle
};

}  // namespace cardea::http
