#pragma once
// The server side of HTTP/1.1: connections, and one Exchange per request.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "http/spool.h"
#include "net/crypto.h"
#include "net/scope.h"
#include "net/stream.h"
#include "wire/http1.h"

namespace cardea::http {

/// Limits of one listener's connections. Defaults are those of docs/configuration.md.
struct ServerOptions {
  wire::HeadLimits head;
  net::Duration header_timeout = std::chrono::seconds{10};  ///< first byte of a head to its end
  net::Duration body_timeout = std::chrono::seconds{60};    ///< longest wait for the next piece of a body; see body_rate_min
  std::size_t body_rate_min = 256;                          ///< bytes a second on the average, else it is too slow as a whole
  net::Duration idle_timeout = std::chrono::seconds{75};    ///< between two requests
  net::Duration write_timeout = std::chrono::seconds{60};   ///< longest time a client takes nothing
  net::Duration half_close_grace = std::chrono::milliseconds{500};  ///< a client that ended its side is given up after this
};

class Exchange;

/// Answers requests. One object serves all connections of a worker.
class Handler {
 public:
  virtual ~Handler() = default;
  /// Answers one request. When it returns without an answer, the connection is cut. `exchange` lives until the task ends. Runs in
  /// exchange.scope(), which is cancelled with Kind::client_closed when the client goes.
  virtual net::Task<void> handle(Exchange& exchange) = 0;
  /// A message that never became an Exchange (malformed, too large, too slow). Returns the body of the refusal: JSON.
  virtual std::string refuse(const Error& error) = 0;
};

class Server;

/// One request and its answer on one connection. Owned by the connection; lives while the handler runs; one thread. Reading the
/// body and writing the answer are awaited, so a slow peer slows its producer. Every write answers Kind::io or timed_out when the
/// client is gone: then nothing further can be said to it.
class Exchange {
 public:
  /// Its views die when the body is read or released (the bytes may move): look again then.
  [[nodiscard]] const wire::RequestHead& request() const noexcept { return head_; }
  [[nodiscard]] net::Scope& scope() noexcept { return *scope_; }
  [[nodiscard]] net::Loop& loop() const noexcept { return stream_->loop(); }
  /// The client's address without port.
  [[nodiscard]] std::string_view peer() const noexcept { return stream_->peer(); }
  /// The client's certificate, verified; null: it showed none.
  [[nodiscard]] const net::PeerCertificate* certificate() const noexcept { return stream_->certificate(); }
  /// When the head was complete.
  [[nodiscard]] net::TimePoint received_at() const noexcept { return received_at_; }

  /// The whole body, contiguous, with Buffer::padding readable bytes behind it; a view until the exchange ends. Errors:
  /// too_large (more than `limit` bytes), bad_request (framing, truncated), request_timeout, client_closed. After one, the answer
  /// that explains it is the connection's last.
  [[nodiscard]] net::Task<Result<std::string_view>> read_body(std::size_t limit);
  /// The whole body piece by piece, for one too large to be held. Errors: as of read_body(), or the sink's.
  [[nodiscard]] net::Task<Status> pour_body(std::uint64_t limit, BodySink& sink);
  /// Says whether a body may be what it is, by its SHA-256.
  using BodyJudge = std::move_only_function<Status(const net::Digest& body)>;
  /// From now on read_body() and pour_body() succeed only when the judge says so, who is asked once, when all of the body is
  /// there. A request without a body is judged at once: as an empty one. Before the body is read.
  [[nodiscard]] Status judge_body(BodyJudge judge);
  /// A judge waits for the body.
  [[nodiscard]] bool awaits_judgement() const noexcept { return judge_ != nullptr; }
  [[nodiscard]] std::uint64_t body_bytes() const noexcept { return body_bytes_; }
  /// Gives a body that was read back to the pool, when nobody needs it any more and the answer will be a long stream.
  void release_body();

  /// The whole answer in one gathered write. Adds content-length, date and, where needed, connection.
  [[nodiscard]] net::Task<Status> respond(unsigned status, const wire::HeaderBlock& headers, std::string_view body);
  /// Begins a streamed answer: the head goes out with the first piece. Chunked for HTTP/1.1, ended by closing for 1.0.
  void begin(unsigned status, const wire::HeaderBlock& headers);
  [[nodiscard]] net::Task<Status> write(std::span<const std::string_view> pieces);
  /// The last pieces (or none) and the end, in one write.
  [[nodiscard]] net::Task<Status> finish(std::span<const std::string_view> pieces = {});
  /// Gives up: the connection is reset, so that what was sent cannot be taken for a whole answer.
  void abort() noexcept { state_ = State::cut; }
  /// The bare connection, for the twin, which must be able to break the rules of HTTP: nothing is framed any more, and when the
  /// handler returns the connection ends in order (after abort(): by a reset). A head from begin() that no write() has sent is
  /// lost.
  [[nodiscard]] net::Stream& take_stream() noexcept {
    keep_alive_ = false;
    state_ = State::answered;
    return *stream_;
  }

  /// An answer has begun: its status can no longer be changed.
  [[nodiscard]] bool begun() const noexcept { return state_ != State::open; }
  /// Of the answer's body, without framing.
  [[nodiscard]] std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }

 private:
  friend class Server;
  enum class State : std::uint8_t { open, streaming, answered, cut };
  enum class Body : std::uint8_t { unread, read, failed };
  /// How much of a head is at hand.
  enum class Found : std::uint8_t { nothing, part, all };
  /// Watches for the client's going while the handler runs.
  class Hangup;

  Exchange(Server& server, std::unique_ptr<net::Stream> stream);
  ~Exchange();

  // The connection's side. What usually need not wait is plain; the coroutines serve the rest.
  [[nodiscard]] Result<Found> look_for_head();
  [[nodiscard]] Result<Found> parse_head();
  [[nodiscard]] net::Task<Status> wait_for_request();
  [[nodiscard]] net::Task<Status> receive_head();
  void enter(net::Scope& scope) noexcept;
  void leave() noexcept;
  [[nodiscard]] net::Task<void> refuse(Error error);
  [[nodiscard]] bool body_in_the_way() const noexcept;
  [[nodiscard]] bool body_to_skip() const noexcept;
  [[nodiscard]] net::Task<void> skip_body();
  [[nodiscard]] bool wants_linger() const noexcept;
  [[nodiscard]] net::Task<void> linger();
  [[nodiscard]] std::size_t drop_input();
  /// Makes ready for the next request; false: the connection ends.
  [[nodiscard]] bool next() noexcept;

  // Bodies.
  [[nodiscard]] net::Task<Status> fill(std::size_t wanted);
  [[nodiscard]] net::Task<Status> read_sized();
  [[nodiscard]] net::Task<Status> read_chunked(std::size_t limit);
  void spend_on_pouring(std::size_t bytes) noexcept;
  [[nodiscard]] net::Task<Status> pour_sized(BodySink& sink);
  [[nodiscard]] net::Task<Status> pour_chunked(std::uint64_t limit, BodySink& sink);
  [[nodiscard]] Status decode(wire::ChunkedDecoder& decoder, std::uint64_t limit);
  [[nodiscard]] net::Task<Status> invite_body();
  [[nodiscard]] Status judge(const net::Digest& body);

  // The answer.
  void start_head(unsigned status, const wire::HeaderBlock& headers);
  [[nodiscard]] net::Task<Status> send(std::string_view body);
  [[nodiscard]] net::Task<Status> send_pieces(std::span<const std::string_view> pieces, std::string_view tail);
  /// Appends the line before `pieces` to what is to be sent; false: no payload is.
  [[nodiscard]] bool frame(std::span<const std::string_view> pieces);
  [[nodiscard]] Status sent(Status written) noexcept;
  [[nodiscard]] bool bodiless() const noexcept { return head_only_ || no_content_; }

  Server& server_;
  std::unique_ptr<net::Stream> stream_;
  Buffer in_;  ///< the head, the body (a chunked one is decoded in place), then bytes as they came, perhaps of the next request
  wire::RequestHead head_;
  net::Scope* scope_ = nullptr;
  net::TimePoint received_at_{};
  std::size_t head_bytes_ = 0;  ///< of in_: the head at its front
  std::uint64_t body_bytes_ = 0;
  std::size_t body_held_ = 0;  ///< of in_: the body behind the head
  std::uint64_t bytes_sent_ = 0;
  BodyJudge judge_;         ///< null: any body will do
  std::string out_;         ///< the answer's head, waiting for its first piece
  bool continued_ = false;  ///< 100 Continue was sent (or is moot)
  bool keep_alive_ = false;
  bool chunked_ = false;
  bool head_only_ = false;   ///< the answer to HEAD
  bool no_content_ = false;  ///< a status without a body
  Body body_ = Body::unread;
  State state_ = State::open;
};

/// Serves connections of one worker. Lives on its loop; outlives its connections (drain() and join the scope first).
class Server {
 public:
  Server(net::Scope& scope, Handler& handler, ServerOptions options);
  ~Server();

  /// Serves a connection until it ends.
  void serve(std::unique_ptr<net::Stream> stream);
  /// The same as a task, for a caller that does more around it. It must run in the server's scope.
  [[nodiscard]] net::Task<void> converse(std::unique_ptr<net::Stream> stream);
  [[nodiscard]] std::size_t connections() const noexcept { return connections_; }
  /// New limits for requests that begin from now on.
  void set_options(const ServerOptions& options) { options_ = options; }
  [[nodiscard]] const ServerOptions& options() const noexcept { return options_; }
  /// Answers what is under way with `connection: close`; idle connections may bring one more request within `idle_grace`, so that
  /// none is lost to a client that was just sending it.
  void drain(net::Duration idle_grace = std::chrono::seconds{1});
  [[nodiscard]] bool draining() const noexcept { return draining_; }
  /// `Date: …` of this second (RFC 9110 §6.6.1).
  [[nodiscard]] std::string_view date_line();

 private:
  friend class Exchange;

  net::Scope& scope_;
  net::Scope idle_;  ///< connections waiting for a request wait in it
  Handler& handler_;
  ServerOptions options_;
  std::size_t connections_ = 0;
  bool draining_ = false;
  std::string date_;
  net::TimePoint date_until_{};
};

}  // namespace cardea::http
