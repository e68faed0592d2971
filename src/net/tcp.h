#pragma once
// TCP and Unix sockets.

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <functional>
#include <memory>
#include <string>

#include "net/poller.h"
#include "net/stream.h"

namespace cardea::net {

/// A socket address: IPv4, IPv6 or Unix path. A value.
class Address {
 public:
  /// "127.0.0.1:80", "[::1]:80", "unix:/path"; host names are not resolved here.
  [[nodiscard]] static Result<Address> parse(std::string_view text);
  [[nodiscard]] static Result<Address> ip(std::string_view host, std::uint16_t port);
  [[nodiscard]] static Address from(const sockaddr* address, socklen_t length) noexcept;

  [[nodiscard]] const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }  // NOLINT
  [[nodiscard]] socklen_t length() const noexcept { return length_; }
  [[nodiscard]] int family() const noexcept { return storage_.any.sa_family; }
  [[nodiscard]] std::uint16_t port() const noexcept;
  void set_port(std::uint16_t port) noexcept;
  /// 127.0.0.0/8, ::1, or a Unix socket.
  [[nodiscard]] bool is_loopback() const noexcept;
  /// The 4 or 16 bytes of an IP address in network order; empty for Unix sockets.
  [[nodiscard]] std::span<const std::uint8_t> ip_bytes() const noexcept;
  /// Without port; "unix" for Unix sockets.
  [[nodiscard]] std::string host() const;
  /// As parse() takes it.
  [[nodiscard]] std::string text() const;

 private:
  union Storage {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un local;
  };
  Storage storage_{};
  socklen_t length_ = 0;
};

/// A connected, non-blocking stream socket on a Poller's loop. Owns the descriptor.
class SocketStream : public Stream, private PollTarget {
 public:
  /// Takes the descriptor over, also on failure (nullptr: it could not be registered, and is closed).
  [[nodiscard]] static std::unique_ptr<SocketStream> adopt(Loop& loop, int fd, const Address& peer);
  ~SocketStream() override;

  [[nodiscard]] IoOutcome try_read(std::span<char> into) override;
  [[nodiscard]] IoOutcome try_write(std::span<const iovec> pieces) override;
  void shutdown_write() override;
  void reset_on_close() override;
  [[nodiscard]] std::string_view peer() const noexcept override { return peer_; }
  /// Gives the descriptor up, to be taken over by another stream (TLS over a connected socket). Afterwards only destruction is
  /// allowed.
  [[nodiscard]] int release();

 protected:
  SocketStream(Loop& loop, int fd, std::string peer) noexcept : Stream{loop}, fd_{fd}, peer_{std::move(peer)} {}
  /// Registers with the loop's poller; false: the kernel refused.
  [[nodiscard]] bool start();
  void on_events(std::uint32_t events) override;

 private:
  friend Task<Result<std::unique_ptr<Stream>>> connect(Loop&, Address, Duration);
  int fd_;
  std::uint32_t slot_ = 0;
  bool registered_ = false;
  bool ended_ = false;  ///< RDHUP, HUP or ERR was seen: a short read no longer means "drained"
  std::string peer_;
};

/// Connects. Kind::io (refused, unreachable; the message says which) or Kind::timed_out.
[[nodiscard]] Task<Result<std::unique_ptr<Stream>>> connect(Loop& loop, Address address, Duration timeout);

/// A listening socket; one per worker with SO_REUSEPORT, so that the kernel spreads connections.
class Listener final : private PollTarget {
 public:
  struct Options {
    int backlog = 1024;
    /// Several workers listen on one address.
    bool reuse_port = true;
    /// Of a Unix socket's file, before anybody can connect; 0: as the process' umask has it.
    unsigned unix_mode = 0;
  };
  /// Takes each accepted descriptor (non-blocking, close-on-exec, TCP_NODELAY) over.
  using Accept = std::function<void(int fd, const Address& peer)>;

  /// Binds and listens; Kind::config with a message that names the address and the reason. A stale Unix socket file is replaced
  /// only when nobody answers on it.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> bind(Loop& loop, const Address& address, Options options, Accept accept);
  ~Listener();
  /// The address bound, with the port the kernel chose for port 0.
  [[nodiscard]] const Address& address() const noexcept { return address_; }
  /// Stops or resumes accepting; the kernel's backlog goes on filling.
  void pause() noexcept { paused_ = true; }
  void resume();

 private:
  Listener(Loop& loop, int fd, Accept accept);
  void on_events(std::uint32_t events) override;
  void accept_some();
  void shed_one();

  struct Retry final : Timer {
    explicit Retry(Listener& owner) noexcept : listener{owner} {}
    void on_timer() override { listener.accept_some(); }
    Listener& listener;
  };

  Loop& loop_;
  int fd_;
  std::uint32_t slot_ = 0;
  Accept accept_;
  Address address_;
  std::string unix_path_;
  int spare_fd_ = -1;  ///< given up at the descriptor limit, so that a connection can be accepted and closed instead of spinning
  bool paused_ = false;
  Retry retry_{*this};
};

}  // namespace cardea::net
