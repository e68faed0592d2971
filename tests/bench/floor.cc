// bench_floor: the least a forwarder can do, as the floor of the comparison. One thread, callbacks on an edge-triggered epoll,
// pooled upstream connections, no look at a message beyond where it ends.
//
//   bench_floor --port P --upstream P

#include <memory>
#include <vector>

#include "http.h"

namespace {

using namespace bench;

/// One side of a forwarded exchange: what it reads goes to its peer.
struct Side {
  int fd = -1;
  Side* other = nullptr;  // null: an idle upstream connection, or a client between requests
  bool is_upstream = false;
  bool is_readable = false;
  Framer message;   // the message this side is sending
  std::string out;  // what this side's socket would not take; while it is not empty, the other side is not read
};

struct Floor {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  long upstream_port = 0;
  std::vector<Side*> idle;   // upstream connections ready for the next request, the last used on top
  std::vector<Side*> spare;  // closed, re-used after the turn
  std::vector<Side*> closed;
};

Side* make_side(Floor& floor, int fd, bool is_upstream) {
  if (floor.spare.empty()) floor.spare.push_back(new Side);
  Side* side = floor.spare.back();
  floor.spare.pop_back();
  *side = Side{};
  side->fd = fd;
  side->is_upstream = is_upstream;
  watch(floor.epoll, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, side);
  return side;
}

void close_side(Floor& floor, Side* side) {
  if (side->fd < 0) return;
  close(side->fd);
  side->fd = -1;
  floor.closed.push_back(side);
  std::erase(floor.idle, side);
  Side* other = side->other;
  side->other = nullptr;
  if (other) {
    other->other = nullptr;
    close_side(floor, other);
  }
}

void write_to(Floor& floor, Side* side, std::string_view bytes) {
  if (side->out.empty()) {
    const ssize_t n = write(side->fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EAGAIN) return close_side(floor, side);
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  side->out.append(bytes);
}

/// A client's request has begun: give it an upstream.
bool pair(Floor& floor, Side* client) {
  Side* upstream = nullptr;
  if (!floor.idle.empty()) {
    upstream = floor.idle.back();
    floor.idle.pop_back();
  } else {
    const int fd = connect_to(floor.upstream_port);
    if (fd < 0) return false;
    upstream = make_side(floor, fd, true);
  }
  client->other = upstream;
  upstream->other = client;
  return true;
}

/// The answer has ended: the upstream is idle again.
void unpair(Floor& floor, Side* upstream) {
  Side* client = upstream->other;
  upstream->message.reset();
  client->message.reset();
  upstream->other = client->other = nullptr;
  floor.idle.push_back(upstream);
}

void relay(Floor& floor, Side* from, std::string_view bytes) {
  if (!from->other && (from->is_upstream || !pair(floor, from))) return close_side(floor, from);
  const std::size_t used = from->message.feed(bytes, [](std::string_view) {});
  if (from->message.bad() || used != bytes.size()) return close_side(floor, from);  // no pipelining in this bench
  write_to(floor, from->other, bytes);
  if (from->fd >= 0 && from->is_upstream && from->message.done()) unpair(floor, from);
}

void read_from(Floor& floor, Side* side) {
  static char buffer[64 * 1024];
  while (side->fd >= 0 && side->is_readable && (!side->other || side->other->out.empty())) {
    const ssize_t n = read(side->fd, buffer, sizeof buffer);
    if (n < 0 && errno == EAGAIN) {
      side->is_readable = false;
    } else if (n <= 0) {
      close_side(floor, side);
    } else {
      if (static_cast<std::size_t>(n) < sizeof buffer) side->is_readable = false;
      relay(floor, side, {buffer, static_cast<std::size_t>(n)});
    }
  }
}

void on_event(Floor& floor, Side* side, std::uint32_t events) {
  if (side->fd < 0) return;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) return close_side(floor, side);
  if ((events & EPOLLOUT) && !side->out.empty()) {
    const ssize_t n = write(side->fd, side->out.data(), side->out.size());
    if (n < 0 && errno != EAGAIN) return close_side(floor, side);
    if (n > 0) side->out.erase(0, static_cast<std::size_t>(n));
    if (side->out.empty() && side->other) read_from(floor, side->other);
  }
  if (events & EPOLLIN) {
    side->is_readable = true;
    read_from(floor, side);
  }
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  Floor floor;
  floor.upstream_port = number(flag(argc, argv, "--upstream", "9801"));
  const int listener = listen_on(number(flag(argc, argv, "--port", "9802")));
  watch(floor.epoll, listener, EPOLLIN, nullptr);
  for (;;) {
    epoll_event events[256];
    const int n = epoll_wait(floor.epoll, events, 256, -1);
    for (int i = 0; i < n; ++i) {
      if (events[i].data.ptr) {
        on_event(floor, static_cast<Side*>(events[i].data.ptr), events[i].events);
        continue;
      }
      int fd = -1;
      while ((fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        no_delay(fd);
        make_side(floor, fd, false);
      }
    }
    floor.spare.insert(floor.spare.end(), floor.closed.begin(), floor.closed.end());
    floor.closed.clear();
  }
}
