#pragma once
// What the bench's three programs share: flags, sockets, and the framing of one HTTP/1.1 message. Judges only; not used by
// Cardea.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

namespace bench {

[[noreturn]] inline void die(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, errno ? std::strerror(errno) : "failed");
  std::exit(2);
}

/// The value after --name, or the fallback.
inline std::string_view flag(int argc, char** argv, std::string_view name, std::string_view fallback) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (name == argv[i]) return argv[i + 1];
  }
  return fallback;
}

inline long number(std::string_view text) {
  long value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) die("a flag wants a number");
  return value;
}

inline std::uint64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
}

inline sockaddr_in loopback(long port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline void no_delay(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/// Listens on loopback; never SO_REUSEPORT, so that a port somebody has is an error and not half of the traffic.
inline int listen_on(long port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address = loopback(port);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("bind");
  if (listen(fd, 4096) != 0) die("listen");
  return fd;
}

/// A non-blocking connection, or -1. Connecting blocks: on loopback it stands or falls at once.
inline int connect_to(long port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(port);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    close(fd);
    return -1;
  }
  no_delay(fd);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

inline void watch(int epoll, int fd, std::uint32_t events, void* owner) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = owner;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

/// Finds the end of one HTTP/1.1 message fed in pieces; knows Content-Length and chunked, nothing else.
class Framer {
 public:
  void reset() {
    state_ = State::head;
    head_.clear();
    body_bytes_ = 0;
    status_ = 0;
  }

  bool done() const { return state_ == State::done; }
  bool bad() const { return state_ == State::bad; }
  bool idle() const { return state_ == State::head && head_.empty(); }
  bool has_head() const { return state_ != State::head; }
  int status() const { return status_; }
  const std::string& head() const { return head_; }
  std::uint64_t body_bytes() const { return body_bytes_; }

  /// Consumes bytes of this message only; gives its body to sink(std::string_view). Returns how many bytes belonged to it.
  template <class Sink>
  std::size_t feed(std::string_view in, Sink&& sink) {
    const std::size_t size = in.size();
    while (!in.empty() && !done() && !bad()) {
      switch (state_) {
        case State::head: in.remove_prefix(take_head(in)); break;
        case State::body:
        case State::chunk: {
          const std::size_t n = std::min<std::uint64_t>(in.size(), left_);
          body_bytes_ += n;
          sink(in.substr(0, n));
          in.remove_prefix(n);
          left_ -= n;
          if (left_ == 0) state_ = state_ == State::body ? State::done : State::chunk_end;
          break;
        }
        case State::chunk_end:
        case State::size:
        case State::trailer: in.remove_prefix(take_line(in)); break;
        case State::done:
        case State::bad: break;
      }
    }
    return size - in.size();
  }

 private:
  enum class State { head, body, size, chunk, chunk_end, trailer, done, bad };

  std::size_t take_head(std::string_view in) {
    const std::size_t before = head_.size();
    head_.append(in);
    const std::size_t end = head_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
    if (end == std::string::npos) {
      if (head_.size() > 65536) state_ = State::bad;
      return in.size();
    }
    head_.resize(end + 4);
    parse_head();
    return end + 4 - before;
  }

  void parse_head() {
    const std::string_view head = head_;
    if (head.starts_with("HTTP/1.1 ")) std::from_chars(head.data() + 9, head.data() + 12, status_);
    left_ = 0;
    bool chunked = false;
    for (std::size_t at = head.find("\r\n") + 2; at + 2 < head.size(); at = head.find("\r\n", at) + 2) {
      if (is_field(head, at, "content-length:")) {
        std::size_t digits = at + 15;
        while (head[digits] == ' ') ++digits;
        std::from_chars(head.data() + digits, head.data() + head.size(), left_);
      } else if (is_field(head, at, "transfer-encoding:")) {
        chunked = true;
      }
    }
    state_ = chunked ? State::size : left_ ? State::body : State::done;
  }

  static bool is_field(std::string_view head, std::size_t at, std::string_view name) {
    return (head[at] | 0x20) == name[0] && strncasecmp(head.data() + at, name.data(), name.size()) == 0;
  }

  std::size_t take_line(std::string_view in) {
    const std::size_t newline = in.find('\n');
    const std::size_t used = newline == std::string_view::npos ? in.size() : newline + 1;
    line_.append(in.substr(0, used));
    if (newline == std::string_view::npos) return used;
    if (state_ == State::chunk_end) {
      state_ = line_ == "\r\n" ? State::size : State::bad;
    } else if (state_ == State::trailer) {
      if (line_ == "\r\n") state_ = State::done;
    } else {
      auto [end, error] = std::from_chars(line_.data(), line_.data() + line_.size(), left_, 16);
      state_ = error != std::errc{} ? State::bad : left_ ? State::chunk : State::trailer;
    }
    line_.clear();
    return used;
  }

  State state_ = State::head;
  std::string head_, line_;
  std::uint64_t left_ = 0, body_bytes_ = 0;
  int status_ = 0;
};

}  // namespace bench
