#pragma once
// TLS by OpenSSL, straight on the non-blocking socket. OpenSSL's own headers stay behind this door.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "net/tcp.h"

struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;

namespace cardea::net {

enum class TlsVersion : std::uint8_t { tls12, tls13 };

/// A listener's certificate and key. Shared by all workers; every member may be called from any thread.
/// reload() swaps for connections accepted afterwards; those under way keep what they began with.
class TlsServerContext {
 public:
  struct Options {
    std::string certificate_file;  ///< PEM: the leaf, then its chain
    std::string key_file;          ///< PEM, not encrypted
    /// 1.2 is opt-in and then limited to ECDHE with AEAD ciphers.
    TlsVersion min_version = TlsVersion::tls13;
    std::string client_ca_file;  ///< PEM: authorities whose certificates clients may show; empty: none is asked for
    enum class Client : std::uint8_t { optional, required } client = Client::optional;
  };
  /// Kind::config with a message that names the file and what is wrong with it.
  [[nodiscard]] static Result<std::unique_ptr<TlsServerContext>> load(const Options& options);
  /// Reads the files anew. On failure (as of load) the certificate in use stays.
  [[nodiscard]] Status reload(const Options& options);
  [[nodiscard]] std::shared_ptr<ssl_ctx_st> current() const;

 private:
  TlsServerContext() = default;
  mutable std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> context_;
};

/// How upstreams are verified: system roots plus the operator's own. Remembers one session per host and port for resumption
/// (bounded). Shared by all workers; every member may be called from any thread. Roots are read at the first connection: at start
/// nobody pays.
class TlsClientContext {
 public:
  struct Options {
    std::string ca_file;  ///< PEM, trusted besides the system's roots; empty: none
  };
  /// Kind::config when `ca_file` cannot be used.
  [[nodiscard]] static Result<std::shared_ptr<TlsClientContext>> make(const Options& options);

 private:
  friend Task<Result<std::unique_ptr<Stream>>> tls_connect(std::unique_ptr<Stream>, std::string, std::uint16_t,
                                                           std::shared_ptr<TlsClientContext>, Duration);
  static constexpr std::size_t sessions_max = 1024;
  using Session = std::unique_ptr<ssl_session_st, void (*)(ssl_session_st*)>;

  TlsClientContext() = default;
  [[nodiscard]] Status build();
  [[nodiscard]] Result<std::shared_ptr<ssl_ctx_st>> current();
  void remember(const std::string& origin, Session session);
  void offer_session(const std::string& origin, ssl_st* ssl);

  Options options_;
  std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> context_;
  std::unordered_map<std::string, Session> sessions_;
};

/// A TLS connection on a Poller's loop. Differences from a plain socket: after try_write answered would_block the next write must
/// begin with the same bytes (write_all does); an end without close_notify is State::failed, for it may be a truncation; tickets
/// and other messages of the protocol itself are never data: a try_read that met only those answers would_block.
class TlsStream final : public SocketStream {
 public:
  ~TlsStream() override;
  [[nodiscard]] IoOutcome try_read(std::span<char> into) override;
  [[nodiscard]] IoOutcome try_write(std::span<const iovec> pieces) override;
  /// Sends close_notify, then FIN.
  void shutdown_write() override;
  void reset_on_close() override;
  [[nodiscard]] std::string_view alpn() const noexcept override;
  [[nodiscard]] const PeerCertificate* certificate() const noexcept override { return certificate_.get(); }
  /// Was an earlier session resumed?
  [[nodiscard]] bool resumed() const noexcept;

 private:
  friend Task<Result<std::unique_ptr<Stream>>> tls_accept(Loop&, int, Address, const TlsServerContext&, Duration);
  friend Task<Result<std::unique_ptr<Stream>>> tls_connect(std::unique_ptr<Stream>, std::string, std::uint16_t,
                                                           std::shared_ptr<TlsClientContext>, Duration);
  friend class TlsClientContext;
  friend struct TlsBio;
  enum class Ending : std::uint8_t { open, wanted, sent, failed };

  TlsStream(Loop& loop, int fd, std::string peer) noexcept;
  [[nodiscard]] Status begin(ssl_ctx_st* context);
  Task<Status> handshake(Duration timeout);
  void expect_host(const std::string& host);
  /// Of a client, once the handshake is done, resumed or not. Error: io, it says nothing that could name somebody.
  [[nodiscard]] Status know_client();
  [[nodiscard]] std::string describe_failure(int ssl_error) const;
  [[nodiscard]] IoOutcome failed(int ssl_error);
  void on_events(std::uint32_t events) override;
  void send_close_notify();

  ssl_st* ssl_ = nullptr;
  std::unique_ptr<const PeerCertificate> certificate_;
  std::shared_ptr<TlsClientContext> client_;  ///< null on the server's side
  std::string origin_;                        ///< key of client_'s sessions, and the name in messages
  Ending ending_ = Ending::open;
  bool read_wants_write_ = false;
};

/// Accepts TLS on a descriptor from a Listener (taken over in any case). `timeout` bounds the whole handshake. Kind::io with a
/// message, Kind::timed_out, or the scope's reason. A client that speaks plain HTTP gets a short 400 in plain text.
[[nodiscard]] Task<Result<std::unique_ptr<Stream>>> tls_accept(Loop& loop, int fd, Address peer, const TlsServerContext& context,
                                                               Duration timeout);

/// TLS as a client on a connected SocketStream. Verifies chain and `host` (a DNS name, also sent as SNI, or an IP literal) before
/// a byte can be written. Kind::upstream_tls with a message that names host, port and the cause; Kind::timed_out; or the scope's
/// reason.
[[nodiscard]] Task<Result<std::unique_ptr<Stream>>> tls_connect(std::unique_ptr<Stream> connected, std::string host,
                                                                std::uint16_t port, std::shared_ptr<TlsClientContext> context,
                                                                Duration timeout);

}  // namespace cardea::net
