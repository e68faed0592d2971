#include "http/server.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <ctime>

#include "base/text.h"

namespace cardea::http {
namespace {

/// Room for an ordinary request at the first read. Small, because a long stream holds it to its end.
constexpr std::size_t first_read_bytes = 4 * 1024 - Buffer::padding;
/// A body that nobody read is drained up to here to save the connection; beyond it closing is cheaper.
constexpr std::size_t skip_bytes_max = 256 * 1024;
/// What a client may still send after its refusal, so that it reads the refusal before a reset reaches it (RFC 9112 §9.6).
constexpr std::size_t linger_bytes_max = 4 * 1024 * 1024;
constexpr net::Duration linger_timeout = std::chrono::seconds{2};

std::string too_large_text(std::size_t limit) { return cat("the request body is larger than the limit of ", limit, " bytes"); }

}  // namespace

class Exchange::Hangup final : public net::StreamWatcher, net::Timer {
 public:
  Hangup(net::Stream& stream, net::Scope& scope, net::Duration grace) : stream_{stream}, scope_{scope}, grace_{grace} {
    stream_.watch(this);
    if (stream_.peer_closed()) on_sign(Sign::half_closed);
  }
  ~Hangup() { stream_.watch(nullptr); }
  Hangup(const Hangup&) = delete;
  Hangup& operator=(const Hangup&) = delete;

  void on_sign(Sign sign) override {
    if (sign == Sign::reset) scope_.cancel(Kind::client_closed);
    // A FIN may be a client that only finished sending, or one that has gone; the grace serves the one, the cancel the other.
    if (sign == Sign::half_closed) scope_.loop().arm(*this, scope_.loop().now() + grace_);
  }

 private:
  void on_timer() override { scope_.cancel(Kind::client_closed); }
  net::Stream& stream_;
  net::Scope& scope_;
  net::Duration grace_;
};

Exchange::Exchange(Server& server, std::unique_ptr<net::Stream> stream) : server_{server}, stream_{std::move(stream)} {
  ++server_.connections_;
}

Exchange::~Exchange() { --server_.connections_; }

// ---- The connection's side -------------------------------------------------------------------------------------------------

net::Task<Status> Exchange::wait_for_request() {
  // Without a buffer: an idle connection costs its socket and this frame.
  Status ready = co_await stream_->readable(server_.options_.idle_timeout);
  co_return ready;
}

net::Task<Status> Exchange::receive_head() {
  if (in_.empty() && !stream_->maybe_readable()) {
    in_.release();
    const net::Task<Status> waiting = wait_for_request();
    Status ready = co_await waiting.in(server_.idle_);
    if (!ready) co_return fail(Kind::closed);
  }
  const net::TimePoint deadline = loop().now() + server_.options_.header_timeout;
  for (;;) {
    if (!in_.empty()) {
      Result<std::size_t> parsed = wire::parse_request_head(in_.view(), server_.options_.head, head_);
      if (!parsed) co_return fail_with(parsed);
      if (*parsed != 0) {
        head_bytes_ = *parsed;
        received_at_ = loop().now();
        co_return Status{};
      }
    }
    const auto left = deadline - loop().now();
    if (left <= net::Duration::zero()) co_return fail(Kind::request_timeout, "the request head took too long");
    const std::span<char> space = in_.prepare(in_.empty() ? first_read_bytes : in_.size());
    Result<std::size_t> got = co_await stream_->read_some(space, left);
    if (!got && got.error().is(Kind::timed_out)) co_return fail(Kind::request_timeout, "the request head took too long");
    if (!got) co_return fail_with(got);
    if (*got == 0) {
      if (in_.empty()) co_return fail(Kind::closed);
      co_return fail(Kind::bad_request, "the connection ended inside a request head");
    }
    in_.commit(*got);
  }
}

net::Task<void> Exchange::answer() {
  keep_alive_ = head_.keep_alive() && !server_.draining_;
  continued_ = !head_.expect_continue();
  net::Scope scope{server_.scope_};
  scope_ = &scope;
  {
    const Hangup hangup{*stream_, scope, server_.options_.half_close_grace};
    const net::Task<void> handling = server_.handler_.handle(*this);
    co_await handling.in(scope);
  }
  scope_ = nullptr;
  if (state_ != State::answered) {
    state_ = State::cut;
    stream_->reset_on_close();
    co_return;
  }
  Status skipped = co_await skip_body();
  if (!skipped) keep_alive_ = false;
}

net::Task<void> Exchange::refuse(Error error) {
  const std::string body = server_.handler_.refuse(error);
  wire::HeaderBlock headers;
  headers.add_raw("content-type: application/json\r\n");
  keep_alive_ = false;
  // The head is not to be trusted: answer in the plainest form.
  head_.clear();
  no_content_ = false;
  Status sent = co_await respond(error.http_status(), headers, body);
  if (sent) co_await linger();
}

net::Task<Status> Exchange::skip_body() {
  if (body_read_ || !head_.has_body()) co_return Status{};
  // A client that still waits for 100 Continue will not send the body; the bytes that follow are unknown, so the connection ends.
  if (!continued_) co_return fail(Kind::closed);
  if (head_.framing() == wire::Framing::length && head_.content_length() > skip_bytes_max) {
    co_await linger();
    co_return fail(Kind::too_large);
  }
  Result<std::string_view> skipped = co_await read_body(skip_bytes_max);
  if (skipped) co_return Status{};
  co_await linger();
  co_return fail_with(skipped);
}

net::Task<void> Exchange::linger() {
  // Closing with unread bytes makes the kernel send a reset, which may destroy the answer on its way.
  stream_->shutdown_write();
  const net::TimePoint deadline = loop().now() + linger_timeout;
  std::size_t dropped = 0;
  Buffer sink{16 * 1024};
  while (dropped < linger_bytes_max && loop().now() < deadline) {
    Result<std::size_t> got = co_await stream_->read_some(sink.prepare(1), deadline - loop().now());
    if (!got || *got == 0) break;
    dropped += *got;
  }
  keep_alive_ = false;
}

bool Exchange::next() noexcept {
  if (state_ != State::answered || !keep_alive_) return false;
  const std::size_t raw_body = head_.framing() == wire::Framing::length ? body_bytes_ : 0;
  in_.consume(head_bytes_ + raw_body);
  body_.release();
  head_bytes_ = 0;
  body_bytes_ = 0;
  bytes_sent_ = 0;
  body_read_ = false;
  no_content_ = false;
  state_ = State::open;
  return true;
}

// ---- Bodies ----------------------------------------------------------------------------------------------------------------

net::Task<Status> Exchange::fill(std::size_t wanted) {
  const char* before = in_.data();
  const std::span<char> space = in_.prepare(wanted);
  if (in_.data() != before) head_.rebase(in_.data());
  Result<std::size_t> got = co_await stream_->read_some(space, server_.options_.body_timeout);
  if (!got) {
    if (got.error().is(Kind::timed_out)) co_return fail(Kind::request_timeout, "the request body took too long");
    if (got.error().is(Kind::io)) co_return fail(Kind::client_closed);
    co_return fail_with(got);
  }
  if (*got == 0) co_return fail(Kind::bad_request, "the connection ended inside the request body");
  in_.commit(*got);
  co_return Status{};
}

net::Task<Status> Exchange::invite_body() {
  if (continued_) co_return Status{};
  continued_ = true;
  if (in_.size() > head_bytes_) co_return Status{};  // it did not wait
  iovec pieces[1] = {net::piece("HTTP/1.1 100 Continue\r\n\r\n")};
  Status sent = co_await stream_->write_all(pieces, server_.options_.write_timeout);
  if (!sent) co_return fail(Kind::client_closed);
  co_return Status{};
}

net::Task<Result<std::string_view>> Exchange::read_body(std::size_t limit) {
  assert(!body_read_);
  if (!head_.has_body()) {
    body_read_ = true;
    co_return std::string_view{};
  }
  if (head_.framing() == wire::Framing::length && head_.content_length() > limit) {
    co_return fail(Kind::too_large, too_large_text(limit));
  }
  Status invited = co_await invite_body();
  if (!invited) co_return fail_with(invited);
  if (head_.framing() == wire::Framing::length) {
    Result<std::string_view> body = co_await read_sized();
    co_return body;
  }
  Result<std::string_view> body = co_await read_chunked(limit);
  co_return body;
}

net::Task<Result<std::string_view>> Exchange::read_sized() {
  const auto length = static_cast<std::size_t>(head_.content_length());
  while (in_.size() - head_bytes_ < length) {
    // All of it at once when it is small; else step by step, so that memory follows what was really sent.
    constexpr std::size_t step_max = 256 * 1024;
    const std::size_t missing = length - (in_.size() - head_bytes_);
    Status filled = co_await fill(std::min(missing, std::max(step_max, in_.size())));
    if (!filled) co_return fail_with(filled);
  }
  body_read_ = true;
  body_bytes_ = length;
  co_return in_.view().substr(head_bytes_, length);
}

net::Task<Result<std::string_view>> Exchange::read_chunked(std::size_t limit) {
  wire::ChunkedDecoder decoder{Kind::bad_request};
  for (;;) {
    std::size_t used = 0;
    const std::string_view raw = in_.view().substr(head_bytes_);
    while (used < raw.size() && !decoder.done()) {
      Result<wire::ChunkedDecoder::Step> step = decoder.feed(raw.substr(used));
      if (!step) co_return fail_with(step);
      used += step->consumed;
      if (body_.size() + step->data.size() > limit || decoder.chunk_left() > limit) {
        co_return fail(Kind::too_large, too_large_text(limit));
      }
      body_.append(step->data);
    }
    // The head's views must stay, so what was decoded is closed up behind it.
    in_.erase(head_bytes_, used);
    if (decoder.done()) break;
    Status filled = co_await fill(first_read_bytes);
    if (!filled) co_return fail_with(filled);
  }
  body_read_ = true;
  body_bytes_ = body_.size();
  static_cast<void>(body_.prepare(0));
  co_return body_.view();
}

// ---- The answer ------------------------------------------------------------------------------------------------------------

void Exchange::start_head(unsigned status, const wire::HeaderBlock& headers) {
  out_.clear();
  no_content_ = status == 204 || status == 304 || status < 200;
  wire::append_status_line(out_, status);
  out_.append(headers.text());
  out_.append(server_.date_line());
  if (server_.draining_) keep_alive_ = false;
  if (!keep_alive_) {
    out_.append("connection: close\r\n");
  } else if (head_.minor_version() == 0) {
    out_.append("connection: keep-alive\r\n");
  }
}

net::Task<Status> Exchange::send(std::span<const std::string_view> pieces, std::string_view tail) {
  // Usually a head and a few pieces; a burst may bring hundreds, which go out in rounds.
  constexpr std::size_t round = 62;
  std::array<iovec, round + 2> vectors;
  std::size_t at = 0;
  do {
    std::size_t count = 0;
    if (!out_.empty()) vectors[count++] = net::piece(out_);
    const std::size_t until = std::min(pieces.size(), at + round);
    for (; at < until; ++at) vectors[count++] = net::piece(pieces[at]);
    if (at == pieces.size() && !tail.empty()) vectors[count++] = net::piece(tail);
    const std::span<iovec> gathered{vectors.data(), count};
    for (const auto& one : gathered) bytes_sent_ += one.iov_len;
    Status sent = co_await stream_->write_all(gathered, server_.options_.write_timeout);
    out_.clear();
    if (!sent) {
      state_ = State::cut;
      co_return fail_with(sent);
    }
  } while (at < pieces.size());
  co_return Status{};
}

net::Task<Status> Exchange::respond(unsigned status, const wire::HeaderBlock& headers, std::string_view body) {
  assert(state_ == State::open);
  start_head(status, headers);
  if (!no_content_) {
    out_.append("content-length: ");
    append(out_, body.size());
    out_.append("\r\n");
  }
  out_.append("\r\n");
  state_ = State::answered;
  const std::string_view pieces[1] = {bodiless() ? std::string_view{} : body};
  Status sent = co_await send(pieces, {});
  co_return sent;
}

void Exchange::begin(unsigned status, const wire::HeaderBlock& headers) {
  assert(state_ == State::open);
  chunked_ = head_.minor_version() >= 1;
  if (!chunked_) keep_alive_ = false;
  start_head(status, headers);
  if (chunked_ && !no_content_) out_.append("transfer-encoding: chunked\r\n");
  out_.append("\r\n");
  state_ = State::streaming;
}

net::Task<Status> Exchange::write(std::span<const std::string_view> pieces) {
  std::size_t bytes = 0;
  for (const auto part : pieces) bytes += part.size();
  if (bodiless() || bytes == 0) {
    Status sent = co_await send({}, {});
    co_return sent;
  }
  if (!chunked_) {
    Status sent = co_await send(pieces, {});
    co_return sent;
  }
  char prefix[wire::chunk_prefix_bytes];
  out_.append(wire::chunk_prefix(bytes, prefix));
  Status sent = co_await send(pieces, wire::chunk_suffix);
  co_return sent;
}

net::Task<Status> Exchange::finish(std::span<const std::string_view> pieces) {
  assert(state_ == State::streaming);
  state_ = State::answered;
  std::size_t bytes = 0;
  for (const auto part : pieces) bytes += part.size();
  if (bodiless() || !chunked_) {
    Status sent = co_await send(bodiless() ? std::span<const std::string_view>{} : pieces, {});
    co_return sent;
  }
  if (bytes == 0) {
    Status sent = co_await send({}, wire::last_chunk);
    co_return sent;
  }
  char prefix[wire::chunk_prefix_bytes];
  out_.append(wire::chunk_prefix(bytes, prefix));
  Status sent = co_await send(pieces, "\r\n0\r\n\r\n");
  co_return sent;
}

// ---- Server ----------------------------------------------------------------------------------------------------------------

Server::Server(net::Scope& scope, Handler& handler, ServerOptions options)
    : scope_{scope}, idle_{scope}, handler_{handler}, options_{options} {}

Server::~Server() = default;

void Server::serve(std::unique_ptr<net::Stream> stream) { scope_.spawn(converse(std::move(stream))); }

net::Task<void> Server::converse(std::unique_ptr<net::Stream> stream) {
  Exchange exchange{*this, std::move(stream)};
  do {
    Status received = co_await exchange.receive_head();
    if (!received) {
      const Fault fault = received.error().fault();
      if (fault == Fault::client || fault == Fault::gateway) co_await exchange.refuse(std::move(received.error()));
      co_return;
    }
    co_await exchange.answer();
  } while (exchange.next());
}

void Server::drain(net::Duration idle_grace) {
  draining_ = true;
  idle_.set_deadline(scope_.loop().now() + idle_grace, Kind::unavailable);
}

std::string_view Server::date_line() {
  const net::TimePoint now = scope_.loop().now();
  if (now >= date_until_) {
    const std::time_t wall = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&wall, &parts);
    char text[64];
    date_.assign(text, std::strftime(text, sizeof text, "date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts));
    date_until_ = now + std::chrono::seconds{1};
  }
  return date_;
}

}  // namespace cardea::http
