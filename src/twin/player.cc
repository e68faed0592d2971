#include "twin/player.h"

#include <algorithm>

#include "base/text.h"
#include "twin/gzip.h"
#include "wire/aws_events.h"

namespace cardea::twin {
namespace {

using std::chrono::milliseconds;

/// A stream without a pace is written in pieces of about this size.
constexpr std::size_t flush_bytes = 32 * 1024;
/// How long a hang lasts at most; then the connection is reset.
constexpr net::Duration hang_max = std::chrono::minutes{10};
constexpr net::Duration write_timeout = std::chrono::seconds{60};

constexpr std::string_view line_ends[] = {"\n", "\r", "\r\n"};

milliseconds ms(std::uint64_t count) { return milliseconds{static_cast<std::int64_t>(count)}; }

Failure failure_in_stream() {
  return {.message = "The twin was asked to fail here.", .type = "server_error", .param = {}, .code = {}};
}

}  // namespace

// ---- Whole answers ---------------------------------------------------------------------------------------------------------

bool Player::malformed_framing() const noexcept {
  switch (behaviour_.malformed) {
    case Malformed::no:
    case Malformed::json:
    case Malformed::sse: return false;
    case Malformed::chunk:
    case Malformed::head:
    case Malformed::length:
    case Malformed::framing: return true;
  }
  return false;
}

net::Task<Status> Player::document(unsigned status, wire::HeaderBlock headers, std::string body, net::Duration thinking) {
  const net::Duration wait = thinking + ms(behaviour_.latency_ms);
  if (wait > net::Duration::zero()) {
    Status slept = co_await net::sleep_for(exchange_.loop(), wait);
    if (!slept) co_return slept;
  }
  if (behaviour_.hang == Hang::before_head) {
    Status hung = co_await hang();
    co_return hung;
  }
  if (behaviour_.malformed == Malformed::json) body.resize(body.size() / 2);
  if (behaviour_.gzip) {
    body = gzip_stored(body);
    headers.add_raw("content-encoding: gzip\r\n");
  }
  if (malformed_framing() || status < 200) {
    Status sent = co_await broken_document(status, headers, body);
    co_return sent;
  }
  if (turn_at(~std::uint64_t{0}) != Turn::go_on || behaviour_.hang != Hang::no || behaviour_.split != 0) {
    Status sent = co_await half_document(status, headers, body);
    co_return sent;
  }
  Status sent = co_await exchange_.respond(status, headers, body);
  if (!sent) co_return sent;
  Status trailed = co_await trail();
  co_return trailed;
}

/// Up to the middle, then the fault; all of it when it is only to be split.
net::Task<Status> Player::half_document(unsigned status, const wire::HeaderBlock& headers, std::string_view body) {
  exchange_.begin(status, headers);
  const bool head_only = behaviour_.hang == Hang::after_head;
  const Turn turn = head_only ? Turn::hang : turn_at(~std::uint64_t{0});
  const std::size_t bytes = head_only ? 0 : turn == Turn::go_on ? body.size() : body.size() / 2;
  Status sent = co_await pieces(body.substr(0, bytes));
  if (!sent) co_return sent;
  Status ended = co_await take(turn == Turn::go_on || turn == Turn::error ? Turn::end : turn);
  if (!ended || turn != Turn::go_on) co_return ended;
  Status trailed = co_await trail();
  co_return trailed;
}

/// Breaks the rules of HTTP itself, so it writes the head by hand.
net::Task<Status> Player::broken_document(unsigned status, const wire::HeaderBlock& headers, std::string_view body) {
  std::string text;
  wire::append_status_line(text, status);
  append(text, headers.text());
  const std::string length = cat("content-length: ", body.size());
  const std::size_t half = body.size() / 2;
  constexpr std::string_view chunk = "transfer-encoding: chunked\r\n\r\n";
  char prefix[wire::chunk_prefix_bytes];
  switch (behaviour_.malformed) {
    case Malformed::head:
      text = cat("HTTP/1.1 200 OK\r\nthis line has no colon\r\n", headers.text(), length, "\r\n\r\n", body);
      break;
    case Malformed::length: append(text, cat("content-length: ", body.size() + 100, "\r\n\r\n", body)); break;
    case Malformed::framing:
      append(text, cat(length, "\r\n", chunk, wire::chunk_prefix(body.size(), prefix), body, "\r\n0\r\n\r\n"));
      break;
    case Malformed::chunk:
      append(text, cat(chunk, wire::chunk_prefix(half, prefix), body.substr(0, half), "\r\nzz\r\n", body.substr(half)));
      break;
    case Malformed::no:
    case Malformed::json:
    case Malformed::sse: append(text, "\r\n"); break;  // an informational answer
  }
  Status sent = co_await raw(text);
  co_return sent;
}

// ---- Streams ---------------------------------------------------------------------------------------------------------------

net::Task<Status> Player::stream(const wire::HeaderBlock& headers, EventSource& source) {
  if (behaviour_.latency_ms != 0) {
    Status slept = co_await net::sleep_for(exchange_.loop(), ms(behaviour_.latency_ms));
    if (!slept) co_return slept;
  }
  if (behaviour_.hang == Hang::before_head) {
    Status hung = co_await hang();
    co_return hung;
  }
  if (malformed_framing()) {
    for (Event event; source.next(event); event = {}) append_event(event);
    append_end();
    Status sent = co_await broken_document(200, headers, out_);
    co_return sent;
  }
  exchange_.begin(200, headers);
  if (behaviour_.special) {
    Status waited = co_await wait_first();
    if (!waited) co_return waited;
  }
  Status played = co_await events(source);
  co_return played;
}

/// From the head to the first event, with comments in between.
net::Task<Status> Player::wait_first() {
  if (behaviour_.hang == Hang::after_head || behaviour_.first_token_ms != 0) {
    Status sent = co_await pieces(out_);
    if (!sent) co_return sent;
  }
  if (behaviour_.hang == Hang::after_head) {
    Status hung = co_await hang();
    co_return hung;
  }
  // Only event streams have comments.
  const std::uint64_t comments = form_.framing == Framing::sse ? behaviour_.comments : 0;
  const net::Duration step = net::Duration{ms(behaviour_.first_token_ms)} / static_cast<std::int64_t>(comments + 1);
  const std::string_view end = line_ends[static_cast<std::size_t>(behaviour_.line_ending)];
  for (std::uint64_t i = 0; i <= comments; ++i) {
    if (step > net::Duration::zero()) {
      Status slept = co_await net::sleep_for(exchange_.loop(), step);
      if (!slept) co_return slept;
    }
    if (i == comments) break;
    append(out_, cat(": the twin is thinking", end, end));
    Status sent = co_await flush();
    if (!sent) co_return sent;
  }
  co_return Status{};
}

net::Task<Status> Player::events(EventSource& source) {
  const net::Duration pace = ms(behaviour_.inter_token_ms);
  const bool at_once = pace > net::Duration::zero() || behaviour_.write_each || behaviour_.split != 0;
  Event event;
  bool token_said = false;
  while (true) {
    const Turn turn = turn_at(said_);
    if (turn != Turn::go_on) {
      Status taken = co_await take(turn);
      co_return taken;
    }
    event.data.clear();
    event.type.clear();
    event.token = false;
    if (!source.next(event)) break;
    if (event.token && token_said && pace > net::Duration::zero()) {
      Status slept = co_await net::sleep_for(exchange_.loop(), pace);
      if (!slept) co_return slept;
    }
    token_said |= event.token;
    if (behaviour_.malformed == Malformed::json && said_ == 1) event.data.resize(event.data.size() / 2);
    append_event(event);
    if (at_once || out_.size() >= flush_bytes) {
      Status sent = co_await flush();
      if (!sent) co_return sent;
    }
  }
  append_end();
  if (at_once) {
    Status sent = co_await flush();
    if (!sent) co_return sent;
  }
  const std::string_view last[] = {out_};
  Status finished = co_await exchange_.finish(last);
  if (!finished) co_return finished;
  Status trailed = co_await trail();
  co_return trailed;
}

void Player::append_event(const Event& event) {
  switch (form_.framing) {
    case Framing::sse: append_sse(event); break;
    case Framing::json_array: out_.append(said_ == 0 ? "[" : ",\r\n").append(event.data); break;
    case Framing::json_lines: out_.append(event.data).append("\n"); break;
    case Framing::aws:
      // Readers skip events that they do not know.
      if (behaviour_.malformed == Malformed::sse) wire::append_aws_event(out_, "nonsense", "{}");
      if (event.type.ends_with("Exception")) {
        wire::append_aws_exception(out_, event.type, event.data);
      } else {
        wire::append_aws_event(out_, event.type, event.data);
      }
      break;
  }
  ++said_;
}

void Player::append_sse(const Event& event) {
  if (!behaviour_.special) {
    if (!event.type.empty()) out_.append("event: ").append(event.type).append("\n");
    out_.append("data: ").append(event.data).append("\n\n");
    return;
  }
  const std::string_view end = line_ends[static_cast<std::size_t>(behaviour_.line_ending)];
  const std::string_view space = behaviour_.no_space ? "" : " ";
  // Lines that a reader must ignore (WHATWG HTML §9.2.6): no colon, an unknown field, a retry that is no number.
  if (behaviour_.malformed == Malformed::sse) append(out_, cat("nonsense", end, "foo: bar", end, "retry: soon", end, ":", end));
  if (!event.type.empty()) append(out_, cat("event:", space, event.type, end));
  append(out_, cat("data:", space, event.data, end, end));
}

void Player::append_end() {
  if (form_.framing == Framing::json_array) out_.append(said_ == 0 ? "[]" : "\r\n]");
  if (!form_.done.empty()) append_event({.data = std::string{form_.done}, .type = {}});
}

// ---- Faults ----------------------------------------------------------------------------------------------------------------

/// For a whole document ask with the largest number: any fault that is set has come.
Player::Turn Player::turn_at(std::uint64_t events) const noexcept {
  const auto reached = [&](const std::optional<std::uint64_t>& after) { return after && events >= *after; };
  if (reached(behaviour_.cut_after_events)) return Turn::cut;
  if (reached(behaviour_.close_after_events)) return Turn::close;
  if (reached(behaviour_.end_after_events)) return Turn::end;
  if (reached(behaviour_.error_event_after)) return Turn::error;
  if (behaviour_.hang == Hang::after_events && events >= behaviour_.hang_after) return Turn::hang;
  if (behaviour_.error_in_200) return Turn::error;
  return Turn::go_on;
}

net::Task<Status> Player::take(Turn turn) {
  if (turn == Turn::error) {
    Event event;
    form_.failure_event(failure_in_stream(), said_, event);
    append_event(event);
    if (form_.framing == Framing::json_array) append_end();
  }
  Status sent = co_await flush();
  if (!sent) co_return sent;
  if (turn == Turn::hang) {
    Status hung = co_await hang();
    co_return hung;
  }
  if (turn == Turn::end || turn == Turn::error) {
    Status ended = co_await exchange_.finish();
    co_return ended;
  }
  if (turn == Turn::close) static_cast<void>(exchange_.take_stream());
  if (turn == Turn::cut) {
    // A reset may destroy bytes that the client has not read yet: let them arrive first.
    Status yielded = co_await net::yield(exchange_.loop());
    exchange_.abort();
    co_return yielded;
  }
  co_return Status{};
}

/// Until the client goes.
net::Task<Status> Player::hang() {
  Status slept = co_await net::sleep_for(exchange_.loop(), hang_max);
  exchange_.abort();
  co_return slept;
}

net::Task<Status> Player::trail() {
  if (behaviour_.trailing_bytes == 0) co_return Status{};
  std::string bytes = "HTTP/1.1 200 OK\r\n";
  bytes.resize(behaviour_.trailing_bytes, 'x');
  Status sent = co_await raw(bytes);
  if (!sent) co_return sent;
  Status slept = co_await net::sleep_for(exchange_.loop(), hang_max);
  co_return slept;
}

net::Task<Status> Player::raw(std::string_view bytes) {
  iovec vectors[] = {net::piece(bytes)};
  Status sent = co_await exchange_.take_stream().write_all(vectors, write_timeout);
  co_return sent;
}

net::Task<Status> Player::flush() {
  Status sent = co_await pieces(out_);
  out_.clear();
  co_return sent;
}

/// Writes `bytes` of the body, in pieces when asked to. With none it sends the head.
net::Task<Status> Player::pieces(std::string_view bytes) {
  const std::size_t step = behaviour_.split != 0 ? behaviour_.split : std::max<std::size_t>(bytes.size(), 1);
  do {
    const std::string_view some[] = {bytes.substr(0, step)};
    bytes.remove_prefix(some[0].size());
    Status sent = co_await exchange_.write(some);
    if (!sent) co_return sent;
  } while (!bytes.empty());
  co_return Status{};
}

}  // namespace cardea::twin
