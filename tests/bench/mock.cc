// bench_mock: the upstream of the bench. One thread, keep-alive, a fixed chat completion of ~1 KB, or an event stream.
//
//   bench_mock --port P [--events 20] [--pace-ms 0]
//
// A body with "stream":true is answered by events of one write each: at once (burst), or one every pace-ms. "max_tokens":n in the
// body sets the number of events, "pace-ms-n" anywhere in it the pace. Every answer repeats the request's nonce (nonce- and 16
// characters), so that the load generator notices an answer that went to the wrong client.

#include <queue>
#include <utility>
#include <vector>

#include "http.h"

namespace {

using namespace bench;

constexpr std::string_view nonce_mark = "nonce-";
constexpr std::size_t nonce_size = 22;
constexpr std::string_view no_nonce = "nonce-0000000000000000";

struct Connection {
  int fd = -1;
  std::uint64_t id = 0;
  Framer request;
  std::string body;
  std::string out;  // what the socket would not take
  bool is_streaming = false;
  bool wants_usage = false;
  bool is_gathering = false;  // a burst in one write: held back until its end
  std::string burst;
  bool is_registered_for_write = false;
  std::string nonce;
  long event = 0, events = 0, pace_ms = 0;
};

struct Timer {
  std::uint64_t at_ns;
  Connection* connection;
  std::uint64_t id;
  bool operator>(const Timer& other) const { return at_ns > other.at_ns; }
};

struct Mock {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  long events = 20, pace_ms = 0;
  std::uint64_t next_id = 1;
  std::vector<Connection*> spare;  // closed connections for re-use; an id of 0 tells a late timer that its stream is gone
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers;
  std::string answer;
  std::size_t answer_nonce = 0;
};

std::string make_answer() {
  std::string text =
      "The gateway keeps its listeners, pools and timers on one loop per core, so a request never waits for a lock. ";
  while (text.size() < 600) text += text.substr(0, 90);
  const std::string body =
      "{\"id\":\"chatcmpl-9f2c41d07a6b4e58a1c3\",\"object\":\"chat.completion\",\"created\":1763769600,\"model\":\"bench-model\","
      "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"" +
      std::string(no_nonce) + " " + text +
      "\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":214,\"completion_"
      "tokens\":131,"
      "\"total_tokens\":345,\"prompt_tokens_details\":{\"cached_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":"
      "0}},"
      "\"system_fingerprint\":\"fp_bench\"}";
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nx-request-id: req_5e1b7c\r\n\r\n" + body;
}

/// The number after "name": in the body, or the fallback.
long number_after(std::string_view body, std::string_view name, long fallback) {
  const std::size_t at = body.find(name);
  if (at == std::string_view::npos) return fallback;
  std::size_t digits = at + name.size();
  while (digits < body.size() && body[digits] == ' ') ++digits;
  std::from_chars(body.data() + digits, body.data() + body.size(), fallback);
  return fallback;
}

bool is_true_after(std::string_view body, std::string_view name) {
  const std::size_t at = body.find(name);
  if (at == std::string_view::npos) return false;
  std::size_t value = at + name.size();
  while (value < body.size() && body[value] == ' ') ++value;
  return body.substr(value, 4) == "true";
}

void drop(Mock& mock, Connection& connection) {
  if (connection.fd < 0) return;
  close(connection.fd);
  connection.fd = -1;
  connection.id = 0;
  mock.spare.push_back(&connection);
}

void send_bytes(Mock& mock, Connection& connection, std::string_view bytes) {
  if (connection.fd < 0) return;
  if (connection.is_gathering) {
    connection.burst.append(bytes);
    return;
  }
  if (connection.out.empty()) {
    const ssize_t n = write(connection.fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EAGAIN) return drop(mock, connection);
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (bytes.empty()) return;
  connection.out.append(bytes);
  if (!connection.is_registered_for_write) {
    epoll_event event{EPOLLIN | EPOLLOUT, {.ptr = &connection}};
    epoll_ctl(mock.epoll, EPOLL_CTL_MOD, connection.fd, &event);
    connection.is_registered_for_write = true;
  }
}

void flush(Mock& mock, Connection& connection) {
  const ssize_t n = write(connection.fd, connection.out.data(), connection.out.size());
  if (n < 0) return errno == EAGAIN ? void() : drop(mock, connection);
  connection.out.erase(0, static_cast<std::size_t>(n));
  if (connection.out.empty()) {
    epoll_event event{EPOLLIN, {.ptr = &connection}};
    epoll_ctl(mock.epoll, EPOLL_CTL_MOD, connection.fd, &event);
    connection.is_registered_for_write = false;
  }
}

std::string chunk(std::string_view data) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  return size + std::string(data) + "\r\n";
}

std::string event_json(const Connection& connection, long index) {
  const bool is_last = index + 1 == connection.events;
  return "data: "
         "{\"id\":\"chatcmpl-9f2c41d07a6b4e58a1c3\",\"object\":\"chat.completion.chunk\",\"created\":1763769600,\"model\":"
         "\"bench-model\","
         "\"system_fingerprint\":\"fp_bench\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" +
         connection.nonce + " token " + std::to_string(index) +
         "\"},\"logprobs\":null,\"finish_reason\":" + (is_last ? "\"stop\"" : "null") + "}]}\n\n";
}

constexpr std::string_view usage_event =
    "data: "
    "{\"id\":\"chatcmpl-9f2c41d07a6b4e58a1c3\",\"object\":\"chat.completion.chunk\",\"created\":1763769600,\"model\":\"bench-"
    "model\","
    "\"choices\":[],\"usage\":{\"prompt_tokens\":214,\"completion_tokens\":20,\"total_tokens\":234}}\n\n";

void finish_stream(Mock& mock, Connection& connection) {
  if (connection.wants_usage) send_bytes(mock, connection, chunk(usage_event));
  send_bytes(mock, connection, chunk("data: [DONE]\n\n") + "0\r\n\r\n");
  connection.is_streaming = false;
  if (std::exchange(connection.is_gathering, false)) send_bytes(mock, connection, std::exchange(connection.burst, {}));
}

/// Sends the events that are due; a paced stream goes on by timer.
void send_events(Mock& mock, Connection& connection) {
  while (connection.fd >= 0 && connection.event < connection.events) {
    send_bytes(mock, connection, chunk(event_json(connection, connection.event++)));
    if (connection.pace_ms > 0) {
      mock.timers.push({now_ns() + static_cast<std::uint64_t>(connection.pace_ms) * 1'000'000, &connection, connection.id});
      return;
    }
  }
  if (connection.fd >= 0) finish_stream(mock, connection);
}

void answer(Mock& mock, Connection& connection) {
  const std::string_view body = connection.body;
  const std::size_t mark = body.find(nonce_mark);
  const std::string_view nonce =
      mark != std::string_view::npos && body.size() >= mark + nonce_size ? body.substr(mark, nonce_size) : no_nonce;
  if (!is_true_after(body, "\"stream\":")) {
    mock.answer.replace(mock.answer_nonce, nonce_size, nonce);
    return send_bytes(mock, connection, mock.answer);
  }
  connection.nonce = nonce;
  connection.is_streaming = true;
  connection.wants_usage = is_true_after(body, "\"include_usage\":");
  connection.event = 0;
  connection.events = number_after(body, "\"max_tokens\":", mock.events);
  connection.pace_ms = number_after(body, "pace-ms-", mock.pace_ms);
  connection.is_gathering = body.find("burst-in-one") != std::string_view::npos;
  send_bytes(mock, connection,
             "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
             "Transfer-Encoding: chunked\r\nx-request-id: req_5e1b7c\r\n\r\n");
  send_events(mock, connection);
}

void receive(Mock& mock, Connection& connection) {
  static char buffer[256 * 1024];
  const ssize_t n = read(connection.fd, buffer, sizeof buffer);
  if (n == 0 || (n < 0 && errno != EAGAIN)) return drop(mock, connection);
  if (n < 0) return;
  std::string_view in(buffer, static_cast<std::size_t>(n));
  while (!in.empty() && connection.fd >= 0) {
    in.remove_prefix(connection.request.feed(in, [&](std::string_view part) { connection.body.append(part); }));
    if (connection.request.bad()) return drop(mock, connection);
    if (!connection.request.done()) return;
    answer(mock, connection);
    connection.request.reset();
    connection.body.clear();
  }
}

void accept_all(Mock& mock, int listener) {
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    no_delay(fd);
    if (mock.spare.empty()) mock.spare.push_back(new Connection);
    Connection* connection = mock.spare.back();
    mock.spare.pop_back();
    *connection = Connection{};
    connection->fd = fd;
    connection->id = mock.next_id++;
    watch(mock.epoll, fd, EPOLLIN, connection);
  }
}

/// Runs due timers; returns the milliseconds until the next one, -1 without any.
int run_timers(Mock& mock) {
  while (!mock.timers.empty()) {
    const Timer timer = mock.timers.top();
    const std::uint64_t now = now_ns();
    if (timer.at_ns > now) return static_cast<int>((timer.at_ns - now) / 1'000'000 + 1);
    mock.timers.pop();
    if (timer.connection->id == timer.id) send_events(mock, *timer.connection);
  }
  return -1;
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  Mock mock;
  mock.events = number(flag(argc, argv, "--events", "20"));
  mock.pace_ms = number(flag(argc, argv, "--pace-ms", "0"));
  mock.answer = make_answer();
  mock.answer_nonce = mock.answer.find(no_nonce);
  const int listener = listen_on(number(flag(argc, argv, "--port", "9801")));
  watch(mock.epoll, listener, EPOLLIN, nullptr);
  for (;;) {
    const int timeout_ms = run_timers(mock);
    epoll_event events[256];
    const int n = epoll_wait(mock.epoll, events, 256, timeout_ms);
    for (int i = 0; i < n; ++i) {
      if (events[i].data.ptr == nullptr) {
        accept_all(mock, listener);
        continue;
      }
      auto& connection = *static_cast<Connection*>(events[i].data.ptr);
      if (connection.fd >= 0 && (events[i].events & EPOLLOUT)) flush(mock, connection);
      if (connection.fd >= 0 && (events[i].events & ~std::uint32_t{EPOLLOUT})) receive(mock, connection);
    }
  }
}
