#include "http/server.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/text.h"
#include "http/deadline.h"

namespace cardea::http {
namespace {

/// Room for an ordinary request at the first read. Small, because a long stream holds it to its end.
constexpr std::size_t first_read_bytes = 4 * 1024 - Buffer::padding;
/// Asked for beyond the end of a body, so that the read that completes it is a short one: then the stream knows that it is
/// drained, and nobody needs to hear EAGAIN.
constexpr std::size_t read_slack_bytes = 64;
/// A body that nobody read is drained up to here to save the connection; beyond it closing is cheaper.
constexpr std::size_t skip_bytes_max = 256 * 1024;
/// What a client may still send after its last answer, so that it reads the answer before a reset reaches it (RFC 9112 §9.6).
constexpr std::size_t linger_bytes_max = 4 * 1024 * 1024;
constexpr net::Duration linger_timeout = std::chrono::seconds{2};

/// Of a body that goes piece by piece: so much is held at a time.
constexpr std::size_t pour_bytes = 64 * 1024;

std::string too_large_text(std::uint64_t limit) { return cat("the request body is larger than the limit of ", limit, " bytes"); }

constexpr std::string_view slow_head = "the request head took too long";
constexpr std::string_view slow_body = "the request body took too long";

/// Passes on what it takes, and knows the digest of it.
class HashingSink final : public BodySink {
 public:
  explicit HashingSink(BodySink& sink) : sink_{sink} {}
  Status take(std::string_view bytes) override {
    hash_.add(bytes);
    return sink_.take(bytes);
  }
  [[nodiscard]] net::Digest digest() const noexcept { return hash_.digest(); }

 private:
  BodySink& sink_;
  net::Sha256 hash_;
};

std::size_t total(std::span<const std::string_view> pieces) noexcept {
  std::size_t bytes = 0;
  for (const auto part : pieces) bytes += part.size();
  return bytes;
}

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

Result<Exchange::Found> Exchange::look_for_head() {
  if (!in_.empty()) return parse_head();
  const net::IoOutcome got = stream_->maybe_readable() ? stream_->try_read(in_.prepare(first_read_bytes)) : net::IoOutcome{};
  switch (got.state) {
    case net::IoOutcome::State::moved: in_.commit(got.bytes); return parse_head();
    case net::IoOutcome::State::would_block: in_.release(); return Found::nothing;
    case net::IoOutcome::State::end: return fail(Kind::closed);
    case net::IoOutcome::State::failed: break;
  }
  return fail(Kind::io);
}

Result<Exchange::Found> Exchange::parse_head() {
  Result<std::size_t> parsed = wire::parse_request_head(in_.view(), server_.options_.head, head_);
  if (!parsed) return fail_with(parsed);
  if (*parsed == 0) return Found::part;
  head_bytes_ = *parsed;
  received_at_ = loop().now();
  return Found::all;
}

net::Task<Status> Exchange::wait_for_request() {
  // Without a buffer: an idle connection costs its socket and its frame.
  Status ready = co_await stream_->readable(server_.options_.idle_timeout);
  co_return ready;
}

net::Task<Status> Exchange::receive_head() {
  const Deadline deadline{loop(), server_.options_.header_timeout};
  for (;;) {
    if (deadline.passed()) co_return fail(Kind::request_timeout, std::string{slow_head});
    const std::span<char> space = in_.prepare(in_.size());
    Result<std::size_t> got = co_await stream_->read_some(space, deadline.left());
    if (!got && got.error().is(Kind::timed_out)) co_return fail(Kind::request_timeout, std::string{slow_head});
    if (!got) co_return fail_with(got);
    if (*got == 0) co_return fail(Kind::bad_request, "the connection ended inside a request head");
    in_.commit(*got);
    Result<Found> found = parse_head();
    if (!found) co_return fail_with(found);
    if (*found == Found::all) co_return Status{};
  }
}

void Exchange::enter(net::Scope& scope) noexcept {
  scope_ = &scope;
  keep_alive_ = head_.keep_alive();
  continued_ = !head_.expect_continue();
  head_only_ = head_.method() == wire::Method::head;
}

net::Task<void> Exchange::refuse(Error error) {
  const std::string text = server_.handler_.refuse(error);
  wire::HeaderBlock headers;
  headers.add_raw("content-type: application/json\r\n");
  // The head is not to be trusted: answer in the plainest form.
  keep_alive_ = false;
  head_only_ = false;
  Status written = co_await respond(error.http_status(), headers, text);
  if (written) co_await linger();
}

void Exchange::leave() noexcept {
  scope_ = nullptr;
  if (state_ == State::answered) {
    if (body_in_the_way()) keep_alive_ = false;
    return;
  }
  state_ = State::cut;
  stream_->reset_on_close();
}

bool Exchange::body_to_skip() const noexcept {
  return keep_alive_ && state_ == State::answered && body_ == Body::unread && head_.has_body();
}

/// The next request lies behind a body that will not be read.
bool Exchange::body_in_the_way() const noexcept {
  if (body_ == Body::read || !head_.has_body()) return false;
  // A client that still waits for 100 Continue may or may not send the body: what follows would be anybody's guess.
  return body_ == Body::failed || !continued_ || head_.content_length() > skip_bytes_max;
}

net::Task<void> Exchange::skip_body() {
  Result<std::string_view> skipped = co_await read_body(skip_bytes_max);
  if (!skipped) keep_alive_ = false;
}

bool Exchange::wants_linger() const noexcept {
  // A client that meant to go on may have sent more already. Closing with unread bytes makes the kernel send a reset, which may
  // destroy the answer on its way.
  return state_ == State::answered && (head_.keep_alive() || (body_ != Body::read && head_.has_body()));
}

net::Task<void> Exchange::linger() {
  stream_->shutdown_write();
  in_.release();
  const Deadline deadline{loop(), linger_timeout};
  for (std::size_t dropped = 0; dropped < linger_bytes_max && !deadline.passed();) {
    Status ready = co_await stream_->readable(deadline.left());
    if (!ready) break;
    const std::size_t bytes = drop_input();
    if (bytes == 0 && stream_->maybe_readable()) break;
    dropped += bytes;
  }
}

/// Reads into nowhere; 0 with the stream still readable: it has ended.
std::size_t Exchange::drop_input() {
  std::array<char, 16 * 1024> sink;
  const net::IoOutcome got = stream_->try_read(sink);
  return got.bytes;
}

bool Exchange::next() noexcept {
  if (state_ != State::answered || !keep_alive_) return false;
  in_.consume(head_bytes_ + body_held_);
  head_bytes_ = body_held_ = 0;
  body_bytes_ = bytes_sent_ = 0;
  body_ = Body::unread;
  judge_ = nullptr;
  state_ = State::open;
  return true;
}

// ---- Bodies ----------------------------------------------------------------------------------------------------------------

net::Task<Status> Exchange::fill(std::size_t wanted) {
  const std::uint64_t bytes = body_bytes_ + (in_.size() - head_bytes_);
  const auto worth = std::chrono::seconds{bytes / std::max<std::size_t>(server_.options_.body_rate_min, 1)};
  const bool slow = loop().now() - received_at_ - worth > server_.options_.body_timeout;
  if (slow) co_return fail(Kind::request_timeout, std::string{slow_body});
  const std::span<char> space = in_.prepare(wanted);
  head_.rebase(in_.data());
  Result<std::size_t> got = co_await stream_->read_some(space, server_.options_.body_timeout);
  if (!got) {
    if (got.error().is(Kind::timed_out)) co_return fail(Kind::request_timeout, std::string{slow_body});
    if (got.error().is(Kind::io)) co_return fail(Kind::client_closed);
    co_return fail_with(got);
  }
  if (*got == 0) co_return fail(Kind::bad_request, "the connection ended inside the request body");
  in_.commit(*got);
  co_return Status{};
}

net::Task<Status> Exchange::invite_body() {
  continued_ = true;
  if (in_.size() > head_bytes_) co_return Status{};  // it did not wait
  iovec pieces[1] = {net::piece("HTTP/1.1 100 Continue\r\n\r\n")};
  Status invited = co_await stream_->write_all(pieces, server_.options_.write_timeout);
  if (!invited) co_return fail(Kind::client_closed);
  co_return Status{};
}

net::Task<Result<std::string_view>> Exchange::read_body(std::size_t limit) {
  if (body_ == Body::failed) co_return fail(Kind::bad_request, "the request body could not be read");
  if (body_ == Body::read) co_return in_.view().substr(head_bytes_, body_held_);
  const bool sized = head_.framing() != wire::Framing::chunked;
  if (sized && head_.content_length() > limit) co_return fail(Kind::too_large, too_large_text(limit));
  const bool at_hand = sized && in_.size() - head_bytes_ >= head_.content_length();
  if (!at_hand) {
    body_ = Body::failed;  // until it is read
    Status status;
    if (!continued_) status = co_await invite_body();
    if (!status) co_return fail_with(status);
    if (sized) {
      status = co_await read_sized();
    } else {
      status = co_await read_chunked(limit);
    }
    if (!status) co_return fail_with(status);
  }
  if (sized) body_bytes_ = body_held_ = static_cast<std::size_t>(head_.content_length());
  body_ = Body::read;
  const std::string_view body = in_.view().substr(head_bytes_, body_held_);
  if (judge_) {
    Status judged = judge(net::sha256(body));
    if (!judged) co_return fail_with(judged);
  }
  co_return body;
}

Status Exchange::judge_body(BodyJudge judge_of_body) {
  judge_ = std::move(judge_of_body);
  return head_.has_body() ? Status{} : judge(net::sha256(""));
}

Status Exchange::judge(const net::Digest& body) {
  BodyJudge asked = std::exchange(judge_, nullptr);
  Status judged = asked(body);
  if (!judged) body_ = head_.has_body() ? Body::failed : Body::read;
  return judged;
}

net::Task<Status> Exchange::read_sized() {
  const auto length = static_cast<std::size_t>(head_.content_length());
  while (in_.size() - head_bytes_ < length) {
    // All of it at once when it is small; else step by step, so that memory follows what was really sent.
    constexpr std::size_t step_max = 256 * 1024;
    const std::size_t missing = length - (in_.size() - head_bytes_);
    Status filled = co_await fill(std::min(missing, std::max(step_max, in_.size())) + read_slack_bytes);
    if (!filled) co_return fail_with(filled);
  }
  co_return Status{};
}

net::Task<Status> Exchange::read_chunked(std::size_t limit) {
  wire::ChunkedDecoder decoder{Kind::bad_request};
  for (;;) {
    Status decoded = decode(decoder, limit);
    if (decoded && decoder.done()) body_bytes_ = body_held_;
    if (!decoded || decoder.done()) co_return decoded;
    Status filled = co_await fill(first_read_bytes);
    if (!filled) co_return fail_with(filled);
  }
}

net::Task<Status> Exchange::pour_body(std::uint64_t limit, BodySink& sink) {
  if (body_ != Body::unread) co_return fail(Kind::bad_request, "the request body could not be read");
  const bool sized = head_.framing() != wire::Framing::chunked;
  if (sized && head_.content_length() > limit) co_return fail(Kind::too_large, too_large_text(limit));
  body_ = Body::failed;  // until it is read
  Status status;
  if (!continued_ && head_.has_body()) status = co_await invite_body();
  if (!status) co_return fail_with(status);
  HashingSink hashing{sink};
  BodySink& taker = judge_ ? hashing : sink;
  if (sized) {
    status = co_await pour_sized(taker);
  } else {
    status = co_await pour_chunked(limit, taker);
  }
  if (status) body_ = Body::read;
  if (status && judge_) status = judge(hashing.digest());
  co_return status;
}

void Exchange::spend_on_pouring(std::size_t bytes) noexcept {
  // A sink's work is dearer than the read, and small requests wait as long as both take: 64 KiB are a turn's worth.
  constexpr std::size_t share = 4;
  (void)loop().spend(share * bytes);
}

net::Task<Status> Exchange::pour_sized(BodySink& sink) {
  const std::uint64_t length = head_.content_length();
  for (;;) {
    const std::string_view came = in_.view().substr(head_bytes_);
    const std::string_view piece =
        came.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(came.size(), length - body_bytes_)));
    Status taken;
    if (!piece.empty()) taken = sink.take(piece);
    if (!taken) co_return taken;
    body_bytes_ += piece.size();
    in_.erase(head_bytes_, piece.size());
    if (body_bytes_ == length) co_return Status{};
    spend_on_pouring(piece.size());
    Status filled =
        co_await fill(static_cast<std::size_t>(std::min<std::uint64_t>(length - body_bytes_, pour_bytes)) + read_slack_bytes);
    if (!filled) co_return fail_with(filled);
  }
}

net::Task<Status> Exchange::pour_chunked(std::uint64_t limit, BodySink& sink) {
  wire::ChunkedDecoder decoder{Kind::bad_request};
  for (;;) {
    Status decoded = decode(decoder, limit - body_bytes_);
    if (!decoded) co_return decoded;
    const std::string_view piece = in_.view().substr(head_bytes_, body_held_);
    if (!piece.empty()) decoded = sink.take(piece);
    if (!decoded) co_return decoded;
    body_bytes_ += piece.size();
    spend_on_pouring(piece.size());
    in_.erase(head_bytes_, std::exchange(body_held_, 0));
    if (decoder.done()) co_return Status{};
    Status filled = co_await fill(pour_bytes);
    if (!filled) co_return fail_with(filled);
  }
}

/// Moves the payload of what came up to the body behind the head: in place, since it only shrinks.
Status Exchange::decode(wire::ChunkedDecoder& decoder, std::uint64_t limit) {
  const std::size_t raw_at = head_bytes_ + body_held_;
  const std::string_view raw = in_.view().substr(raw_at);
  std::size_t used = 0;
  while (used < raw.size() && !decoder.done()) {
    Result<wire::ChunkedDecoder::Step> step = decoder.feed(raw.substr(used));
    if (!step) return fail_with(step);
    used += step->consumed;
    const std::string_view data = step->data;
    if (body_held_ + data.size() + decoder.chunk_left() > limit) return fail(Kind::too_large, too_large_text(limit));
    if (!data.empty()) std::memmove(in_.data() + head_bytes_ + body_held_, data.data(), data.size());
    body_held_ += data.size();
  }
  in_.erase(head_bytes_ + body_held_, raw_at + used - head_bytes_ - body_held_);
  return {};
}

void Exchange::release_body() {
  if (body_held_ == 0) return;
  in_.erase(head_bytes_, body_held_);
  body_held_ = 0;
  Buffer small{in_.size()};
  small.append(in_.view());
  in_ = std::move(small);
  head_.rebase(in_.data());
}

// ---- The answer ------------------------------------------------------------------------------------------------------------

void Exchange::start_head(unsigned status, const wire::HeaderBlock& headers) {
  assert(state_ == State::open);
  out_.clear();
  no_content_ = status == 204 || status == 304 || status < 200;
  wire::append_status_line(out_, status);
  out_.append(headers.text());
  out_.append(server_.date_line());
  if (server_.draining_ || body_in_the_way()) keep_alive_ = false;
  if (!keep_alive_) {
    out_.append("connection: close\r\n");
  } else if (head_.minor_version() == 0) {
    out_.append("connection: keep-alive\r\n");
  }
}

Status Exchange::sent(Status written) noexcept {
  out_.clear();
  if (!written) state_ = State::cut;
  return written;
}

net::Task<Status> Exchange::send(std::string_view body) {
  if (state_ == State::cut) co_return fail(Kind::io);
  iovec pieces[2] = {net::piece(out_), net::piece(body)};
  bytes_sent_ += body.size();
  Status written = co_await stream_->write_all(pieces, server_.options_.write_timeout);
  co_return sent(std::move(written));
}

net::Task<Status> Exchange::send_pieces(std::span<const std::string_view> pieces, std::string_view tail) {
  if (state_ == State::cut) co_return fail(Kind::io);
  // Usually a head and a few pieces; a burst may bring hundreds, which go out in rounds.
  constexpr std::size_t round = 62;
  std::array<iovec, round + 2> vectors;
  std::size_t at = 0;
  do {
    std::size_t count = 0;
    vectors[count++] = net::piece(out_);
    const std::size_t until = std::min(pieces.size(), at + round);
    for (; at < until; ++at) vectors[count++] = net::piece(pieces[at]);
    if (at == pieces.size()) vectors[count++] = net::piece(tail);
    const std::span<iovec> gathered{vectors.data(), count};
    Status written = co_await stream_->write_all(gathered, server_.options_.write_timeout);
    Status done = sent(std::move(written));
    if (!done) co_return done;
  } while (at < pieces.size());
  co_return Status{};
}

net::Task<Status> Exchange::respond(unsigned status, const wire::HeaderBlock& headers, std::string_view body) {
  if (state_ != State::cut) {
    start_head(status, headers);
    if (!no_content_) {
      out_.append("content-length: ");
      append(out_, body.size());
      out_.append("\r\n");
    }
    out_.append("\r\n");
    state_ = State::answered;
  }
  return send(bodiless() ? std::string_view{} : body);
}

void Exchange::begin(unsigned status, const wire::HeaderBlock& headers) {
  if (state_ == State::cut) return;
  chunked_ = head_.minor_version() >= 1;
  if (!chunked_) keep_alive_ = false;
  start_head(status, headers);
  if (chunked_ && !no_content_) out_.append("transfer-encoding: chunked\r\n");
  out_.append("\r\n");
  state_ = State::streaming;
}

bool Exchange::frame(std::span<const std::string_view> pieces) {
  const std::size_t bytes = total(pieces);
  if (bodiless() || bytes == 0) return false;
  bytes_sent_ += bytes;
  char prefix[wire::chunk_prefix_bytes];
  if (chunked_) out_.append(wire::chunk_prefix(bytes, prefix));
  return true;
}

net::Task<Status> Exchange::write(std::span<const std::string_view> pieces) {
  assert(state_ == State::streaming || state_ == State::cut);
  if (!frame(pieces)) return send({});
  return send_pieces(pieces, chunked_ ? wire::chunk_suffix : std::string_view{});
}

net::Task<Status> Exchange::finish(std::span<const std::string_view> pieces) {
  assert(state_ == State::streaming || state_ == State::cut);
  if (state_ == State::streaming) state_ = State::answered;
  const bool payload = frame(pieces);
  if (bodiless() || !chunked_) return send_pieces(payload ? pieces : std::span<const std::string_view>{}, {});
  return send_pieces(payload ? pieces : std::span<const std::string_view>{}, payload ? "\r\n0\r\n\r\n" : wire::last_chunk);
}

// ---- Server ----------------------------------------------------------------------------------------------------------------

Server::Server(net::Scope& scope, Handler& handler, ServerOptions options)
    : scope_{scope}, idle_{scope}, handler_{handler}, options_{options} {}

Server::~Server() = default;

void Server::serve(std::unique_ptr<net::Stream> stream) { scope_.spawn(converse(std::move(stream))); }

net::Task<void> Server::converse(std::unique_ptr<net::Stream> stream) {
  Exchange exchange{*this, std::move(stream)};
  do {
    Result<Exchange::Found> found = exchange.look_for_head();
    while (found && *found == Exchange::Found::nothing) {
      const net::Task<Status> waiting = exchange.wait_for_request();
      Status ready = co_await waiting.in(idle_);
      if (!ready) co_return;
      found = exchange.look_for_head();
    }
    Status received;
    if (!found) received = fail_with(found);
    if (found && *found == Exchange::Found::part) received = co_await exchange.receive_head();
    if (!received) {
      const Fault fault = received.error().fault();
      if (fault == Fault::client || fault == Fault::gateway) co_await exchange.refuse(std::move(received.error()));
      co_return;
    }
    {
      net::Scope scope{scope_};
      exchange.enter(scope);
      const Exchange::Hangup hangup{*exchange.stream_, scope, options_.half_close_grace};
      const net::Task<void> handling = handler_.handle(exchange);
      co_await handling.in(scope);
      if (scope.children() != 0) {
        scope.cancel();
        co_await scope.join();
      }
    }
    exchange.leave();
    if (exchange.body_to_skip()) co_await exchange.skip_body();
  } while (exchange.next());
  if (exchange.wants_linger()) co_await exchange.linger();
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
