#include "http/connection.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace cardea::http {
namespace {

/// A response head and a short body at one read.
constexpr std::size_t read_bytes = 16 * 1024 - Buffer::padding;
constexpr std::size_t anything = ~std::size_t{0};
constexpr int informational_max = 8;

}  // namespace

Connection::Connection(Client& client, const net::Origin& origin, std::unique_ptr<net::Stream> stream)
    : client_{client}, origin_{origin}, stream_{std::move(stream)}, opened_at_{stream_->loop().now()} {}

Connection::~Connection() { stream_->watch(nullptr); }

// ---- A call ----------------------------------------------------------------------------------------------------------------

net::Task<Status> Connection::exchange(const CallRequest& request) {
  timeouts_ = request.timeouts;
  in_.clear();
  head_.clear();
  chunks_ = wire::ChunkedDecoder{Kind::upstream_protocol};
  complete_ = false;
  request_sent_ = false;
  Status sent = co_await send(request.pieces, timeouts_.send);
  // A write that fails may still have an answer waiting (413, 401 and close): look for it before giving up.
  if (!sent && !sent.error().is(Kind::io)) co_return fail_with(sent);
  Status received = co_await receive_head(request.method, timeouts_.first_byte);
  co_return received;
}

net::Task<Status> Connection::send(std::span<const std::string_view> pieces, net::Duration timeout) {
  constexpr std::size_t round = 64;
  std::array<iovec, round> vectors;
  while (!pieces.empty()) {
    const std::size_t count = std::min(pieces.size(), round);
    for (std::size_t i = 0; i < count; ++i) vectors[i] = net::piece(pieces[i]);
    pieces = pieces.subspan(count);
    std::span<iovec> left{vectors.data(), count};
    for (net::drop_front(left, 0); !left.empty();) {
      if (!stream_->maybe_writable()) {
        Status open = co_await stream_->either(timeout);
        if (!open && open.error().is(Kind::timed_out)) co_return fail(Kind::upstream_timeout, "the upstream does not take the request");
        if (!open) co_return fail_with(open);
        // An answer before the request is sent: it is read, and the connection not used again.
        if (stream_->maybe_readable()) co_return Status{};
      }
      const net::IoOutcome outcome = stream_->try_write(left);
      if (outcome.state == net::IoOutcome::State::moved) {
        net::drop_front(left, outcome.bytes);
      } else if (outcome.state != net::IoOutcome::State::would_block) {
        co_return fail(Kind::io);
      }
    }
  }
  request_sent_ = true;
  co_return Status{};
}

net::Task<Status> Connection::receive(Buffer& into, std::size_t wanted, net::Duration timeout) {
  if (!stream_->maybe_readable()) {
    // Between two events of a paced stream nothing is held but the socket.
    if (into.empty()) into.release();
    Status ready = co_await stream_->readable(timeout);
    if (!ready) co_return fail(ready.error().is(Kind::timed_out) ? Kind::upstream_timeout : ready.error().kind());
  }
  const std::span<char> space = into.prepare(std::min(wanted, read_bytes));
  Result<std::size_t> got = co_await stream_->read_some(space.first(std::min(space.size(), wanted)), timeout);
  if (!got) {
    if (got.error().is(Kind::timed_out)) co_return fail(Kind::upstream_timeout);
    if (got.error().is(Kind::io)) co_return fail(Kind::upstream_reset);
    co_return fail_with(got);
  }
  if (*got == 0) co_return fail(Kind::closed);
  into.commit(*got);
  co_return Status{};
}

net::Task<Status> Connection::receive_head(wire::Method method, net::Duration timeout) {
  head_bytes_ = 0;
  int informational = 0;
  const net::TimePoint deadline = stream_->loop().now() + timeout;
  for (;;) {
    if (!in_.empty()) {
      Result<std::size_t> parsed = wire::parse_response_head(in_.view(), client_.options_.head, method, head_);
      if (!parsed) co_return fail_with(parsed);
      if (*parsed != 0) {
        if (!head_.informational()) co_return take_head(*parsed);
        if (head_.status() == 101) co_return fail(Kind::upstream_protocol, "the upstream switched protocols unasked");
        if (++informational > informational_max) co_return fail(Kind::upstream_protocol, "too many interim answers");
        in_.consume(*parsed);
        continue;
      }
    }
    const bool nothing_yet = in_.empty() && informational == 0;
    const auto left = deadline - stream_->loop().now();
    if (left <= net::Duration::zero()) co_return fail(Kind::upstream_timeout, "the upstream did not answer in time");
    Status more = co_await receive(in_, anything, left);
    if (more) continue;
    const Kind kind = more.error().kind();
    if (kind == Kind::upstream_timeout) co_return fail(kind, "the upstream did not answer in time");
    if (kind != Kind::closed && kind != Kind::upstream_reset) co_return fail_with(more);
    if (nothing_yet) co_return fail(Kind::closed);
    co_return fail(Kind::upstream_reset, "the upstream closed the connection inside its response head");
  }
}

Status Connection::take_head(std::size_t size) {
  head_bytes_ = size;
  body_left_ = head_.content_length();
  complete_ = head_.framing() == wire::Framing::none || (head_.framing() == wire::Framing::length && body_left_ == 0);
  return {};
}

Result<std::size_t> Connection::decode(Buffer& into) {
  const std::string_view raw = in_.view();
  const std::size_t before = into.size();
  std::size_t used = 0;
  switch (head_.framing()) {
    case wire::Framing::none: break;
    case wire::Framing::until_close:
      into.append(raw);
      used = raw.size();
      break;
    case wire::Framing::length:
      used = static_cast<std::size_t>(std::min<std::uint64_t>(raw.size(), body_left_));
      into.append(raw.substr(0, used));
      body_left_ -= used;
      complete_ = body_left_ == 0;
      break;
    case wire::Framing::chunked:
      while (used < raw.size() && !chunks_.done()) {
        Result<wire::ChunkedDecoder::Step> step = chunks_.feed(raw.substr(used));
        if (!step) return fail_with(step);
        used += step->consumed;
        into.append(step->data);
      }
      complete_ = chunks_.done();
      break;
  }
  in_.consume(used);
  return into.size() - before;
}

net::Task<Result<std::size_t>> Connection::read_into(Buffer& into) {
  in_.consume(head_bytes_);
  head_bytes_ = 0;
  const std::size_t before = into.size();
  while (!complete_) {
    if (!in_.empty()) {
      Result<std::size_t> got = decode(into);
      if (!got || *got != 0) co_return got;
      continue;
    }
    Status more = co_await receive_body(into);
    if (!more) co_return fail_with(more);
    if (into.size() != before) break;
  }
  co_return into.size() - before;
}

net::Task<Status> Connection::receive_body(Buffer& into) {
  // A body that needs no decoding is read to where it is wanted.
  const bool sized = head_.framing() == wire::Framing::length;
  const bool plain = sized || head_.framing() == wire::Framing::until_close;
  const std::size_t before = into.size();
  Status more = co_await receive(plain ? into : in_, sized ? static_cast<std::size_t>(body_left_) : anything, timeouts_.inter_chunk);
  if (more) {
    if (sized) {
      body_left_ -= into.size() - before;
      complete_ = body_left_ == 0;
    }
    co_return Status{};
  }
  const Kind kind = more.error().kind();
  if (kind == Kind::upstream_timeout) co_return fail(kind, "the upstream fell silent inside its answer");
  if (kind != Kind::closed) co_return fail_with(more);
  if (head_.framing() != wire::Framing::until_close) {
    co_return fail(Kind::upstream_reset, "the upstream closed the connection inside its answer");
  }
  complete_ = true;
  co_return Status{};
}

// ---- The pool's side -------------------------------------------------------------------------------------------------------

bool Connection::reusable() const noexcept {
  return complete_ && request_sent_ && head_.keep_alive() && in_.size() == head_bytes_ && !stale_ && !stream_->peer_closed();
}

void Connection::rest(net::Duration idle_timeout) {
  in_.release();
  head_bytes_ = 0;
  stream_->watch(this);
  stream_->loop().arm(*this, stream_->loop().now() + idle_timeout);
}

bool Connection::quiet() {
  if (stale_ || stream_->peer_closed()) return false;
  if (!stream_->maybe_readable()) return true;
  // "Maybe": TLS bookkeeping is no data; anything else is an end or bytes that nobody asked for, which are never an answer.
  char unasked = 0;
  const net::IoOutcome outcome = stream_->try_read({&unasked, 1});
  return outcome.state == net::IoOutcome::State::would_block;
}

bool Connection::wake() {
  stream_->watch(nullptr);
  cancel();
  return quiet();
}

void Connection::on_sign(Sign /*sign*/) {
  if (quiet()) return;
  // Not dropped from here: the stream is still telling.
  stale_ = true;
  stream_->loop().arm(*this, stream_->loop().now());
}

void Connection::on_timer() { client_.drop(*this); }

}  // namespace cardea::http
