#pragma once
// One upstream connection: sends a message, reads its answer. Private to the room.

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "http/client.h"

namespace cardea::http {

/// Lent to a Call, else idle in its pool, where anything that happens on it (end, reset, bytes nobody asked for) or its age
/// evicts it.
class Connection final : public net::StreamWatcher, private net::Timer {
 public:
  Connection(Client& client, Client::Pool& pool, std::unique_ptr<net::Stream> stream);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Writes the pieces and reads the head. Kind::closed: the connection was stale (nothing of an answer had come), so another try
  /// on a fresh one is safe as far as can be known.
  [[nodiscard]] net::Task<Status> exchange(const CallRequest& request);
  /// What is at hand of the decoded body is appended to `into`: how much. Never waits.
  [[nodiscard]] Result<std::size_t> read_now(Buffer& into);
  [[nodiscard]] net::Task<Result<std::size_t>> read_into(Buffer& into);

  [[nodiscard]] const wire::ResponseHead& head() const noexcept { return head_; }
  [[nodiscard]] bool complete() const noexcept { return complete_; }
  [[nodiscard]] bool reusable() const noexcept;
  [[nodiscard]] Client& client() const noexcept { return client_; }
  [[nodiscard]] Client::Pool& pool() const noexcept { return pool_; }
  [[nodiscard]] net::TimePoint opened_at() const noexcept { return opened_at_; }

  void rest(net::Duration idle_timeout);
  /// Back to work; false: something has happened on it, so it must not be used.
  [[nodiscard]] bool wake();

 private:
  /// What there is of an answer.
  enum class Answer : std::uint8_t { waiting, head, ended };

  void on_sign(Sign sign) override;
  void on_timer() override;
  [[nodiscard]] bool quiet();

  void begin(const CallRequest& request) noexcept;
  /// Writes what fits, of a large body no more than a turn's worth; true: nothing more can be written, because all is sent or the
  /// connection is broken.
  [[nodiscard]] bool send_some();
  /// There is more to be sent. Reads on in the body behind the pieces.
  [[nodiscard]] bool more_to_send();
  [[nodiscard]] Result<Answer> look_for_answer();
  [[nodiscard]] Result<Answer> parse_head();
  [[nodiscard]] Status head_missing() const;
  [[nodiscard]] std::span<char> room(Buffer& target) const;
  void take(Buffer& target, std::size_t bytes) noexcept;
  [[nodiscard]] Status body_ended();
  [[nodiscard]] bool plain_body() const noexcept { return head_.framing() != wire::Framing::chunked; }

  Client& client_;
  Client::Pool& pool_;
  std::unique_ptr<net::Stream> stream_;
  net::TimePoint opened_at_;
  net::TimePoint used_at_;     ///< begin of the call, or of the rest
  net::TimePoint rest_until_;  ///< idle: then it is closed
  std::span<const std::string_view> unsent_;
  std::size_t unsent_at_ = 0;  ///< of the first unsent piece: already sent
  Body::Reader body_;          ///< follows the pieces
  Buffer chunk_;               ///< of body_, being sent
  std::string_view chunk_view_;
  std::optional<Error> body_failure_;  ///< it could not be read
  Buffer in_;                          ///< raw bytes not yet decoded; the head stays at its front until the body is read
  wire::ResponseHead head_;
  wire::ChunkedDecoder chunks_{Kind::upstream_protocol};
  CallTimeouts timeouts_;
  std::size_t head_bytes_ = 0;
  std::uint64_t body_left_ = 0;
  wire::Method method_ = wire::Method::other;
  std::uint8_t informational_ = 0;  ///< 1xx answers seen
  bool reused_ = false;
  bool complete_ = false;
  bool broken_ = false;   ///< writing failed
  bool spoiled_ = false;  ///< must not be used again
};

}  // namespace cardea::http
