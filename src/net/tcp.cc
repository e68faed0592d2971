#include "net/tcp.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "base/text.h"
#include "net/syscall.h"

namespace cardea::net {

Result<Address> Address::ip(std::string_view host, std::uint16_t port) {
  Address out;
  const std::string text{host};
  if (inet_pton(AF_INET, text.c_str(), &out.storage_.v4.sin_addr) == 1) {
    out.storage_.v4.sin_family = AF_INET;
    out.length_ = sizeof(sockaddr_in);
  } else if (inet_pton(AF_INET6, text.c_str(), &out.storage_.v6.sin6_addr) == 1) {
    out.storage_.v6.sin6_family = AF_INET6;
    out.length_ = sizeof(sockaddr_in6);
  } else {
    return fail(Kind::config, cat("'", host, "' is not an IP address"));
  }
  out.set_port(port);
  return out;
}

Result<Address> Address::parse(std::string_view text) {
  constexpr std::string_view unix_prefix = "unix:";
  if (text.starts_with(unix_prefix)) {
    const auto path = text.substr(unix_prefix.size());
    Address out;
    if (path.empty() || path.size() >= sizeof out.storage_.local.sun_path) {
      return fail(Kind::config,
                  cat("'", text, "': a Unix socket path has 1 to ", sizeof out.storage_.local.sun_path - 1, " bytes"));
    }
    out.storage_.local.sun_family = AF_UNIX;
    std::memcpy(out.storage_.local.sun_path, path.data(), path.size());
    out.storage_.local.sun_path[path.size()] = '\0';  // initialising a union clears its first member only
    out.length_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return out;
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(Kind::config, cat("'", text, "' has no port; write ADDRESS:PORT"));
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  if (host.empty() || host == "*") host = "0.0.0.0";
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!port) return fail(Kind::config, cat("'", text.substr(colon + 1), "' is not a port (0 to 65535)"));
  return ip(host, *port);
}

Address Address::from(const sockaddr* address, socklen_t length) noexcept {
  Address out;
  out.length_ = std::min<socklen_t>(length, sizeof out.storage_);
  std::memcpy(&out.storage_, address, out.length_);
  return out;
}

std::uint16_t Address::port() const noexcept {
  if (family() == AF_INET) return ntohs(storage_.v4.sin_port);
  if (family() == AF_INET6) return ntohs(storage_.v6.sin6_port);
  return 0;
}

void Address::set_port(std::uint16_t port) noexcept {
  if (family() == AF_INET) storage_.v4.sin_port = htons(port);
  if (family() == AF_INET6) storage_.v6.sin6_port = htons(port);
}

bool Address::is_loopback() const noexcept {
  if (family() == AF_INET) return (ntohl(storage_.v4.sin_addr.s_addr) >> 24) == 127;
  if (family() == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&storage_.v6.sin6_addr);
  return family() == AF_UNIX;
}

std::span<const std::uint8_t> Address::ip_bytes() const noexcept {
  const auto bytes = [](const auto& ip) { return std::span{reinterpret_cast<const std::uint8_t*>(&ip), sizeof ip}; };  // NOLINT
  if (family() == AF_INET) return bytes(storage_.v4.sin_addr);
  if (family() == AF_INET6) return bytes(storage_.v6.sin6_addr);
  return {};
}

std::string Address::host() const {
  char text[INET6_ADDRSTRLEN] = "unix";
  if (family() == AF_INET) inet_ntop(AF_INET, &storage_.v4.sin_addr, text, sizeof text);
  if (family() == AF_INET6) inet_ntop(AF_INET6, &storage_.v6.sin6_addr, text, sizeof text);
  return text;
}

std::string Address::text() const {
  if (family() == AF_UNIX) return cat("unix:", std::string_view{storage_.local.sun_path});
  return family() == AF_INET6 ? cat('[', host(), "]:", port()) : cat(host(), ':', port());
}

std::unique_ptr<SocketStream> SocketStream::adopt(Loop& loop, int fd, const Address& peer) {
  std::unique_ptr<SocketStream> stream{new SocketStream{loop, fd, peer.host()}};
  if (!stream->start()) return nullptr;
  return stream;
}

SocketStream::~SocketStream() {
  if (registered_) {
    Poller::of(loop_).remove_and_close(slot_, fd_);
  } else if (fd_ >= 0) {
    close(fd_);
  }
}

bool SocketStream::start() { return registered_ = Poller::of(loop_).add(fd_, *this, slot_); }

int SocketStream::release() {
  if (std::exchange(registered_, false)) Poller::of(loop_).remove(slot_, fd_);
  return std::exchange(fd_, -1);
}

void SocketStream::on_events(std::uint32_t events) {
  const bool reset = (events & (EPOLLERR | EPOLLHUP)) != 0;
  const bool half_closed = (events & EPOLLRDHUP) != 0;
  if (reset || half_closed) {
    ended_ = true;
    peer_closed_ = true;
  }
  const bool readable = (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  const bool writable = (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
  notify(readable ? (writable ? Edge::both : Edge::readable) : (writable ? Edge::writable : Edge::none));
  if (reset) {
    notify_sign(StreamWatcher::Sign::reset);
  } else if (half_closed) {
    notify_sign(StreamWatcher::Sign::half_closed);
  }
}

IoOutcome SocketStream::try_read(std::span<char> into) {
  for (;;) {
    const ssize_t got = uncancellable(SYS_recvfrom, fd_, into.data(), into.size(), 0, nullptr, nullptr);
    if (got > 0) {
      const auto bytes = static_cast<std::size_t>(got);
      // A short read means "drained" only while no end was announced; otherwise the end itself would be lost.
      if (bytes < into.size() && !ended_) readable_ = false;
      return {IoOutcome::State::moved, bytes};
    }
    if (got == 0) return {IoOutcome::State::end, 0};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      readable_ = false;
      return {IoOutcome::State::would_block, 0};
    }
    return {IoOutcome::State::failed, 0};
  }
}

IoOutcome SocketStream::try_write(std::span<const iovec> pieces) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());  // NOLINT: sendmsg does not write to it
  message.msg_iovlen = std::min<std::size_t>(pieces.size(), IOV_MAX);
  for (;;) {
    const ssize_t sent = uncancellable(SYS_sendmsg, fd_, &message, MSG_NOSIGNAL);
    if (sent >= 0) return {IoOutcome::State::moved, static_cast<std::size_t>(sent)};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      writable_ = false;
      return {IoOutcome::State::would_block, 0};
    }
    return {IoOutcome::State::failed, 0};
  }
}

void SocketStream::shutdown_write() { shutdown(fd_, SHUT_WR); }

void SocketStream::reset_on_close() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

namespace {
void set_no_delay(int fd, int family) {
  const int on = 1;
  if (family != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}
std::string reason(int error) { return std::strerror(error); }  // NOLINT: glibc's is thread-safe for known errors
}  // namespace

Task<Result<std::unique_ptr<Stream>>> connect(Loop& loop, Address address, Duration timeout) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return fail(Kind::io, cat("socket: ", reason(errno)));
  set_no_delay(fd, address.family());
  std::unique_ptr<SocketStream> stream{new SocketStream{loop, fd, address.host()}};
  const bool pending = ::connect(fd, address.data(), address.length()) != 0;
  if (pending && errno != EINPROGRESS) co_return fail(Kind::io, reason(errno));
  if (!stream->start()) co_return fail(Kind::io, cat("epoll: ", reason(errno)));
  if (pending) {
    // The first writable edge, good or bad, is the end of connecting.
    stream->writable_ = false;
    Status connected = co_await stream->writable(timeout);
    if (!connected) co_return fail_with(connected);
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) co_return fail(Kind::io, reason(error));
  }
  stream->readable_ = stream->ended_;
  co_return std::unique_ptr<Stream>{std::move(stream)};
}

Listener::Listener(Loop& loop, int fd, Accept accept)
    : loop_{loop}, fd_{fd}, accept_{std::move(accept)}, spare_fd_{open("/dev/null", O_RDONLY | O_CLOEXEC)} {}

namespace {
/// A socket file without a listener is left over from a crash.
bool remove_stale(const Address& address, const std::string& path) {
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  const bool answered = ::connect(probe, address.data(), address.length()) == 0;
  const bool refused = !answered && errno == ECONNREFUSED;
  close(probe);
  return refused && unlink(path.c_str()) == 0;
}
}  // namespace

Result<std::unique_ptr<Listener>> Listener::bind(Loop& loop, const Address& address, Options options, Accept accept) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(Kind::config, cat("socket: ", reason(errno)));
  std::unique_ptr<Listener> listener{new Listener{loop, fd, std::move(accept)}};
  const int on = 1;
  const bool local = address.family() == AF_UNIX;
  if (!local) {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (options.reuse_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (address.family() == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  const std::string path = local ? address.text().substr(5) : std::string{};
  int bound = ::bind(fd, address.data(), address.length());
  if (bound != 0 && errno == EADDRINUSE && local && remove_stale(address, path)) {
    bound = ::bind(fd, address.data(), address.length());
  }
  // Until it listens nobody can connect, so there is no moment in which others could.
  if (bound == 0 && local && options.unix_mode != 0 && chmod(path.c_str(), options.unix_mode) != 0) bound = -1;
  if (bound != 0 || listen(fd, options.backlog) != 0) {
    return fail(Kind::config, cat("cannot listen on ", address.text(), ": ", reason(errno)));
  }
  listener->unix_path_ = path;
  sockaddr_storage actual{};
  socklen_t length = sizeof actual;
  getsockname(fd, reinterpret_cast<sockaddr*>(&actual), &length);                                      // NOLINT
  listener->address_ = local ? address : Address::from(reinterpret_cast<sockaddr*>(&actual), length);  // NOLINT
  if (!Poller::of(loop).add(fd, *listener, listener->slot_)) return fail(Kind::config, cat("epoll: ", reason(errno)));
  return listener;
}

Listener::~Listener() {
  if (!unix_path_.empty()) unlink(unix_path_.c_str());
  if (address_.length() != 0) {
    Poller::of(loop_).remove_and_close(slot_, fd_);
  } else {
    close(fd_);
  }
  if (spare_fd_ >= 0) close(spare_fd_);
}

void Listener::resume() {
  paused_ = false;
  accept_some();
}

void Listener::on_events(std::uint32_t /*events*/) { accept_some(); }

void Listener::accept_some() {
  // Bounded per turn: a flood of connections must not starve those that are being served.
  constexpr int per_turn = 64;
  for (int i = 0; i < per_turn && !paused_; ++i) {
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    const int fd = accept4(fd_, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);  // NOLINT
    if (fd >= 0) {
      set_no_delay(fd, address_.family());
      accept_(fd, Address::from(reinterpret_cast<sockaddr*>(&peer), length));  // NOLINT
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      shed_one();
      loop_.arm(retry_, loop_.now() + std::chrono::milliseconds{100});
      return;
    }
    // ECONNABORTED and network errors concern that one connection only (accept(2)).
  }
  if (!paused_) loop_.arm(retry_, loop_.now());
}

void Listener::shed_one() {
  if (spare_fd_ < 0) return;
  close(spare_fd_);
  const int refused = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  if (refused >= 0) close(refused);
  spare_fd_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

}  // namespace cardea::net
