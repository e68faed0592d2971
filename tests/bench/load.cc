// bench_load: the load generator and judge of the bench. One thread, keep-alive, unique bodies, every answer verified.
//
//   bench_load --port P [--path /v1/chat/completions] [--key K] [--model M] [--connections 16] [--requests 20000] [--body 1000]
//              [--rate R]          open loop: R requests/s by a schedule of intended send times (latency counts from those)
//              [--events N]        streams of N events (0: plain answers); [--pace-ms X] paced; [--burst one] in a single write
//              [--dialect anthropic]  asks in Anthropic's words (at /v1/messages) and judges its answers; else OpenAI Chat's
//              [--timeout-s 120]   give up (what is missing counts as failed)
//
// Prints one JSON object. A request fails when its status is not 200, its nonce is not in the answer, its length differs from the
// other answers', or when one of a stream's events is missing, merged, out of order or incomplete.

#include <cmath>
#include <deque>
#include <map>
#include <random>
#include <vector>

#include "http.h"

namespace {

using namespace bench;

struct Options {
  long port, connections, requests, body, events, pace_ms, timeout_s;
  double rate;
  std::string path, key, model, burst;
  bool is_anthropic;
};

struct Connection {
  int fd = -1;
  bool is_busy = false;
  bool is_writable = true;
  Framer answer;
  std::string out;
  std::string body;    // of a plain answer
  std::string events;  // bytes of a stream not yet cut into events
  std::string nonce;
  std::uint64_t start_ns = 0;
  long events_seen = 0;
  bool is_done_seen = false;
  const char* fault = nullptr;
};

struct Load {
  Options options;
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<Connection> connections;
  std::vector<std::string> templates;  // bodies of the same size with different texts; the nonce is patched in
  std::string head;
  std::uint64_t nonce_counter = 0, salt = now_ns();
  long started = 0, finished = 0, reconnects = 0;
  std::uint64_t answer_bytes = 0;
  std::vector<std::uint32_t> latencies_ns, first_token_ns;
  std::map<std::string, long> faults;
  std::deque<Connection*> free;
  std::uint64_t begin_ns = 0;
};

// Text like a prompt's: words, punctuation, a few escapes.
std::string prompt(std::size_t size, std::mt19937& random) {
  static constexpr std::string_view words[] = {"gateway",  "request", "the",   "of",     "a",       "stream", "token",
                                               "please",   "explain", "how",   "model",  "latency", "and",    "to",
                                               "upstream", "it's",    "cache", "prompt", "write",   "why"};
  std::string text;
  while (text.size() < size) {
    text += words[random() % std::size(words)];
    const auto dice = random() % 40;
    text += dice == 0 ? ".\\n" : dice == 1 ? " \\\"so\\\" " : dice == 2 ? ", " : " ";
  }
  text.resize(size);
  while (!text.empty() && text.back() == '\\') text.back() = 'x';
  return text;
}

std::string make_body(const Options& options, std::mt19937& random) {
  std::string body = "{\"model\":\"" + options.model;
  body += options.is_anthropic ? "\",\"system\":\"You are a helpful assistant.\",\"messages\":["
                               : "\",\"messages\":[{\"role\":\"system\",\"content\":\"You are a helpful assistant.\"},";
  body += "{\"role\":\"user\",\"content\":\"nonce-0000000000000000 ";
  std::string tail = "\"}],\"temperature\":0.7";
  if (options.events > 0) {
    if (options.pace_ms > 0) body += "pace-ms-" + std::to_string(options.pace_ms) + " ";
    if (options.burst == "one") body += "burst-in-one ";
    tail += ",\"max_tokens\":" + std::to_string(options.events) + ",\"stream\":true";
  } else {
    tail += ",\"max_tokens\":256";
  }
  tail += "}";
  const auto used = body.size() + tail.size();
  const auto wanted = static_cast<std::size_t>(options.body);
  return body + prompt(wanted > used ? wanted - used : 0, random) + tail;
}

void fail(Connection& connection, const char* why) {
  if (!connection.fault) connection.fault = why;
}

bool open_connection(Load& load, Connection& connection) {
  connection.fd = connect_to(load.options.port);
  if (connection.fd < 0) return false;
  watch(load.epoll, connection.fd, EPOLLIN | EPOLLRDHUP, &connection);
  return true;
}

void want_write(Load& load, Connection& connection, std::uint32_t events) {
  epoll_event event{events, {.ptr = &connection}};
  epoll_ctl(load.epoll, EPOLL_CTL_MOD, connection.fd, &event);
}

void send_request(Load& load, Connection& connection, std::uint64_t intended_ns) {
  char nonce[24];
  std::snprintf(nonce, sizeof nonce, "nonce-%016llx", static_cast<unsigned long long>((load.salt << 24) + ++load.nonce_counter));
  const std::string& body = load.templates[static_cast<std::size_t>(load.started) % load.templates.size()];
  connection.out = load.head;
  connection.out += body;
  connection.out.replace(connection.out.find("nonce-"), 22, nonce);
  connection.nonce = nonce;
  connection.answer.reset();
  connection.body.clear();
  connection.events.clear();
  connection.events_seen = 0;
  connection.is_done_seen = false;
  connection.fault = nullptr;
  connection.is_busy = true;
  connection.start_ns = intended_ns ? intended_ns : now_ns();
  load.started++;
  const ssize_t n = connection.fd < 0 ? -1 : write(connection.fd, connection.out.data(), connection.out.size());
  connection.out.erase(0, n > 0 ? static_cast<std::size_t>(n) : 0);
  if (!connection.out.empty() && connection.fd >= 0) want_write(load, connection, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
}

/// The end of a stream, and the events around its tokens, which have to be there but say nothing here.
bool is_end(const Options& options, std::string_view event) {
  return options.is_anthropic ? event.starts_with("event: message_stop\n") : event == "data: [DONE]";
}
bool is_frame(const Options& options, std::string_view event) {
  return event.starts_with(":") || (options.is_anthropic && !event.starts_with("event: content_block_delta\n"));
}

/// One whole event (without its blank line): the next token with this request's nonce, or the end.
void judge_event(Load& load, Connection& connection, std::string_view event) {
  if (is_end(load.options, event)) {
    if (connection.events_seen != load.options.events) fail(connection, "stream ended early");
    if (connection.is_done_seen) fail(connection, "two ends");
    connection.is_done_seen = true;
    return;
  }
  if (connection.is_done_seen) fail(connection, "event after the end");
  if (is_frame(load.options, event)) return;
  if (load.options.is_anthropic) event.remove_prefix(event.find('\n') + 1);
  if (!event.starts_with("data: {") || !event.ends_with("}")) return fail(connection, "incomplete event");
  if (event.find('\n') != std::string_view::npos) return fail(connection, "merged event");
  if (event.find("\"choices\":[]") != std::string_view::npos) return fail(connection, "unasked usage event");
  if (connection.events_seen == 0) {
    load.first_token_ns.push_back(
        static_cast<std::uint32_t>(std::min<std::uint64_t>(now_ns() - connection.start_ns, UINT32_MAX)));
  }
  const std::string expected = connection.nonce + " token " + std::to_string(connection.events_seen++) + "\"";
  if (event.find(expected) == std::string_view::npos) fail(connection, "wrong event");
}

void judge_stream(Load& load, Connection& connection) {
  std::size_t end = 0, start = 0;
  while ((end = connection.events.find("\n\n", start)) != std::string::npos) {
    judge_event(load, connection, std::string_view(connection.events).substr(start, end - start));
    start = end + 2;
  }
  connection.events.erase(0, start);
}

void judge_end(Load& load, Connection& connection) {
  if (connection.answer.status() != 200) {
    fail(connection, "status is not 200");
    if (load.faults.empty())
      std::fprintf(stderr, "first bad answer: %s%s\n", connection.answer.head().c_str(), connection.body.c_str());
  } else if (load.options.events > 0) {
    if (!connection.is_done_seen) fail(connection, "stream without its end");
    if (!connection.events.empty()) fail(connection, "bytes after the last event");
  } else {
    if (connection.body.find(connection.nonce) == std::string::npos) fail(connection, "another request's answer");
    if (load.answer_bytes == 0) load.answer_bytes = connection.body.size();
    if (load.answer_bytes != connection.body.size()) fail(connection, "length differs");
  }
}

void finish(Load& load, Connection& connection) {
  if (connection.fault) {
    load.faults[connection.fault]++;
  } else {
    load.latencies_ns.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(now_ns() - connection.start_ns, UINT32_MAX)));
  }
  load.finished++;
  connection.is_busy = false;
  load.free.push_back(&connection);
}

void lose(Load& load, Connection& connection) {
  close(connection.fd);
  connection.fd = -1;
  load.reconnects++;
  if (connection.is_busy) {
    fail(connection, "connection lost");
    finish(load, connection);
  }
  open_connection(load, connection);
}

void receive(Load& load, Connection& connection) {
  static char buffer[256 * 1024];
  const ssize_t n = read(connection.fd, buffer, sizeof buffer);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return lose(load, connection);
  if (!connection.is_busy) {
    load.faults["bytes nobody asked for"]++;
    return lose(load, connection);
  }
  std::string_view in(buffer, static_cast<std::size_t>(n));
  const bool is_stream = load.options.events > 0;
  in.remove_prefix(connection.answer.feed(in, [&](std::string_view part) {
    const bool is_judged_as_stream = is_stream && connection.answer.status() == 200;
    (is_judged_as_stream ? connection.events : connection.body).append(part);
  }));
  if (is_stream) judge_stream(load, connection);
  if (connection.answer.bad()) fail(connection, "bad framing");
  if (connection.answer.done() && !in.empty()) fail(connection, "bytes after the answer");
  if (connection.answer.done()) {
    judge_end(load, connection);
    finish(load, connection);
  } else if (connection.answer.bad()) {
    lose(load, connection);
  }
}

/// Starts what is due; returns how long epoll may wait, in milliseconds.
int start_due(Load& load) {
  const Options& options = load.options;
  while (load.started < options.requests && !load.free.empty()) {
    std::uint64_t intended_ns = 0;
    if (options.rate > 0) {
      intended_ns = load.begin_ns + static_cast<std::uint64_t>(static_cast<double>(load.started) * 1e9 / options.rate);
      const std::uint64_t now = now_ns();
      // A tail is measured to the microsecond: the last millisecond is spent polling.
      if (intended_ns > now) return intended_ns - now > 2'000'000 ? static_cast<int>((intended_ns - now) / 1'000'000 - 1) : 0;
    }
    Connection* connection = load.free.front();
    load.free.pop_front();
    send_request(load, *connection, intended_ns);
    if (connection->fd < 0) {
      fail(*connection, "cannot connect");
      finish(load, *connection);
    }
  }
  return 100;
}

double percentile_us(std::vector<std::uint32_t>& sorted, double p) {
  if (sorted.empty()) return 0;
  const auto index = static_cast<std::size_t>(std::ceil(p * static_cast<double>(sorted.size()))) - 1;
  return sorted[std::min(index, sorted.size() - 1)] / 1e3;
}

void print_percentiles(const char* name, std::vector<std::uint32_t>& values) {
  std::sort(values.begin(), values.end());
  std::printf(",\"%s\":{\"p50\":%.2f,\"p90\":%.2f,\"p99\":%.2f,\"max\":%.2f}", name, percentile_us(values, 0.5),
              percentile_us(values, 0.9), percentile_us(values, 0.99), percentile_us(values, 1.0));
}

void report(Load& load, double seconds) {
  long failed = load.options.requests - load.finished;
  if (failed > 0) load.faults["no answer in time"] += failed;
  failed = 0;
  for (const auto& [why, count] : load.faults) failed += count;
  std::printf("{\"requests\":%ld,\"failed\":%ld,\"seconds\":%.6f,\"rate\":%.1f,\"reconnects\":%ld,\"answer_bytes\":%llu",
              load.options.requests, failed, seconds, static_cast<double>(load.finished) / seconds, load.reconnects,
              static_cast<unsigned long long>(load.answer_bytes));
  print_percentiles("latency_us", load.latencies_ns);
  if (load.options.events > 0) print_percentiles("first_token_us", load.first_token_ns);
  std::printf(",\"faults\":{");
  const char* comma = "";
  for (const auto& [why, count] : load.faults) {
    std::printf("%s\"%s\":%ld", comma, why.c_str(), count);
    comma = ",";
  }
  std::printf("}}\n");
}

Options parse(int argc, char** argv) {
  auto text = [&](const char* name, const char* fallback) { return std::string(flag(argc, argv, name, fallback)); };
  auto value = [&](const char* name, const char* fallback) { return number(flag(argc, argv, name, fallback)); };
  const bool is_anthropic = text("--dialect", "openai_chat") == "anthropic";
  return {.port = value("--port", "9801"),
          .connections = value("--connections", "16"),
          .requests = value("--requests", "20000"),
          .body = value("--body", "1000"),
          .events = value("--events", "0"),
          .pace_ms = value("--pace-ms", "0"),
          .timeout_s = value("--timeout-s", "120"),
          .rate = static_cast<double>(value("--rate", "0")),
          .path = text("--path", is_anthropic ? "/v1/messages" : "/v1/chat/completions"),
          .key = text("--key", "bench-key"),
          .model = text("--model", "bench-model"),
          .burst = text("--burst", "each"),
          .is_anthropic = is_anthropic};
}

void prepare(Load& load) {
  const Options& options = load.options;
  std::mt19937 random(static_cast<unsigned>(load.salt));
  for (int i = 0; i < 16; ++i) load.templates.push_back(make_body(options, random));
  load.head =
      "POST " + options.path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(options.port) + "\r\nAuthorization: Bearer " +
      options.key +
      "\r\nContent-Type: application/json\r\nAccept: application/json\r\nUser-Agent: OpenAI/Python 1.109.1\r\nContent-Length: " +
      std::to_string(load.templates[0].size()) + "\r\n\r\n";
  load.connections.resize(static_cast<std::size_t>(options.connections));
  for (Connection& connection : load.connections) {
    if (!open_connection(load, connection)) die("connect");
    load.free.push_back(&connection);
  }
  load.latencies_ns.reserve(static_cast<std::size_t>(options.requests));
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  Load load{.options = parse(argc, argv)};
  prepare(load);
  load.begin_ns = now_ns();
  const std::uint64_t give_up_ns = load.begin_ns + static_cast<std::uint64_t>(load.options.timeout_s) * 1'000'000'000;
  while (load.finished < load.options.requests && now_ns() < give_up_ns) {
    const int timeout_ms = start_due(load);
    epoll_event events[256];
    const int n = epoll_wait(load.epoll, events, 256, timeout_ms);
    for (int i = 0; i < n; ++i) {
      auto& connection = *static_cast<Connection*>(events[i].data.ptr);
      if (connection.fd >= 0 && (events[i].events & EPOLLOUT)) {
        const ssize_t sent = write(connection.fd, connection.out.data(), connection.out.size());
        connection.out.erase(0, sent > 0 ? static_cast<std::size_t>(sent) : 0);
        if (connection.out.empty()) want_write(load, connection, EPOLLIN | EPOLLRDHUP);
      }
      if (connection.fd >= 0 && (events[i].events & ~std::uint32_t{EPOLLOUT})) receive(load, connection);
    }
  }
  report(load, static_cast<double>(now_ns() - load.begin_ns) / 1e9);
  return load.faults.empty() ? 0 : 1;
}
