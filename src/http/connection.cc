#include "http/connection.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "http/deadline.h"

namespace cardea::http {
namespace {

/// A response head and a short body at one read.
constexpr std::size_t read_bytes = 16 * 1024 - Buffer::padding;
constexpr int informational_max = 8;
/// Of a body that is not in memory: large enough that the calls do not count, small enough for thousands of uploads.
constexpr std::size_t body_chunk_bytes = 64 * 1024;
/// A connection that takes nothing more: what its upstream had to say is on the way, or will never come.
constexpr net::Duration last_words = std::chrono::seconds{1};

/// The error of an await on the upstream, in the upstream's terms.
std::unexpected<Error> explain(Error error, std::string_view late, std::string_view reset) {
  if (error.is(Kind::timed_out)) return fail(Kind::upstream_timeout, std::string{late});
  if (error.is(Kind::io)) return fail(Kind::upstream_reset, std::string{reset});
  return std::unexpected<Error>{std::move(error)};
}

constexpr std::string_view no_taker = "the upstream does not take the request";
constexpr std::string_view no_answer = "the upstream did not answer in time";
constexpr std::string_view silent = "the upstream fell silent inside its answer";
constexpr std::string_view cut = "the upstream closed the connection inside its answer";

}  // namespace

Connection::Connection(Client& client, Client::Pool& pool, std::unique_ptr<net::Stream> stream)
    : client_{client}, pool_{pool}, stream_{std::move(stream)}, opened_at_{stream_->loop().now()} {
  ++pool_.connections;
  ++client_.connections_;
}

Connection::~Connection() {
  stream_->watch(nullptr);
  --pool_.connections;
  --client_.connections_;
}

// ---- A call ----------------------------------------------------------------------------------------------------------------

void Connection::begin(const CallRequest& request) noexcept {
  timeouts_ = request.timeouts;
  method_ = request.method;
  unsent_ = request.pieces;
  unsent_at_ = 0;
  body_ = request.body != nullptr ? Body::Reader{*request.body} : Body::Reader{};
  used_at_ = stream_->loop().now();
  in_.clear();
  head_.clear();
  chunks_ = wire::ChunkedDecoder{Kind::upstream_protocol};
  head_bytes_ = 0;
  informational_ = 0;
  complete_ = false;
}

bool Connection::more_to_send() {
  if (!unsent_.empty()) return true;
  if (body_.at_end()) {
    chunk_.release();
    return false;
  }
  chunk_.clear();
  const std::span<char> space = chunk_.prepare(body_chunk_bytes);
  Result<std::size_t> got = body_.read(space.first(body_chunk_bytes));
  if (!got) {
    body_failure_ = std::move(got.error());
    broken_ = true;
    return false;
  }
  chunk_.commit(*got);
  chunk_view_ = chunk_.view();
  unsent_ = {&chunk_view_, 1};
  return true;
}

bool Connection::send_some() {
  constexpr std::size_t round = 64;
  while (!broken_ && more_to_send()) {
    if (!stream_->maybe_writable()) return false;
    std::array<iovec, round> vectors;
    const std::size_t count = std::min(unsent_.size(), round);
    for (std::size_t i = 0; i < count; ++i) vectors[i] = net::piece(unsent_[i]);
    vectors[0] = net::piece(unsent_[0].substr(unsent_at_));
    const net::IoOutcome outcome = stream_->try_write({vectors.data(), count});
    if (outcome.state == net::IoOutcome::State::would_block) return false;
    if (outcome.state != net::IoOutcome::State::moved) broken_ = true;
    for (unsent_at_ += outcome.bytes; !unsent_.empty() && unsent_at_ >= unsent_[0].size(); unsent_ = unsent_.subspan(1)) {
      unsent_at_ -= unsent_[0].size();
    }
    // A body of many megabytes is not all that the loop has to do.
    if (!body_.at_end() && !stream_->loop().spend(outcome.bytes)) return false;
  }
  return true;
}

net::Task<Status> Connection::exchange(const CallRequest& request) {
  begin(request);
  while (!send_some()) {
    Status open;
    if (stream_->maybe_writable()) {
      open = co_await net::yield(stream_->loop());
    } else {
      open = co_await stream_->either(timeouts_.send);
    }
    if (!open) co_return explain(std::move(open.error()), no_taker, cut);
    // An answer before the request is sent (413, 401): it is read, and the connection is not used again.
    Result<Answer> early = look_for_answer();
    if (!early) co_return fail_with(early);
    if (*early == Answer::head) co_return Status{};
    if (*early == Answer::ended) co_return head_missing();
  }
  if (body_failure_) co_return fail(std::move(*body_failure_));
  const Deadline deadline{stream_->loop(), broken_ ? std::min(timeouts_.first_byte, last_words) : timeouts_.first_byte};
  for (;;) {
    Result<Answer> answer = look_for_answer();
    if (!answer) co_return fail_with(answer);
    if (*answer == Answer::head) co_return Status{};
    if (*answer == Answer::ended) co_return head_missing();
    if (deadline.passed()) co_return fail(Kind::upstream_timeout, std::string{no_answer});
    if (in_.empty()) in_.release();
    Status ready = co_await stream_->readable(deadline.left());
    if (ready) continue;
    co_return explain(std::move(ready.error()), no_answer, cut);
  }
}

Result<Connection::Answer> Connection::look_for_answer() {
  // Bounded: a head is, and so are the interim ones before it.
  for (;;) {
    Result<Answer> parsed = parse_head();
    if (!parsed || *parsed != Answer::waiting) return parsed;
    if (!stream_->maybe_readable()) return Answer::waiting;
    const net::IoOutcome got = stream_->try_read(in_.prepare(read_bytes));
    if (got.state == net::IoOutcome::State::would_block) return Answer::waiting;
    if (got.state != net::IoOutcome::State::moved) return Answer::ended;
    in_.commit(got.bytes);
  }
}

Result<Connection::Answer> Connection::parse_head() {
  while (!in_.empty()) {
    Result<std::size_t> parsed = wire::parse_response_head(in_.view(), client_.options_.head, method_, head_);
    if (!parsed) return fail_with(parsed);
    if (*parsed == 0) break;
    if (!head_.informational()) {
      head_bytes_ = *parsed;
      body_left_ = head_.content_length();
      complete_ = head_.framing() == wire::Framing::none || (head_.framing() == wire::Framing::length && body_left_ == 0);
      return Answer::head;
    }
    if (head_.status() == 101) return fail(Kind::upstream_protocol, "the upstream switched protocols unasked");
    if (++informational_ > informational_max) return fail(Kind::upstream_protocol, "too many interim answers");
    in_.consume(*parsed);
  }
  return Answer::waiting;
}

/// Why there is no answer on a connection that has ended.
Status Connection::head_missing() const {
  if (!in_.empty() || informational_ != 0) {
    return fail(Kind::upstream_reset, "the upstream closed the connection inside its response head");
  }
  if (reused_ && stream_->loop().now() - used_at_ <= stale_window) return fail(Kind::closed);
  return fail(Kind::upstream_reset, "the upstream closed the connection without an answer");
}

// ---- The body --------------------------------------------------------------------------------------------------------------

Result<std::size_t> Connection::read_now(Buffer& into) {
  in_.consume(std::exchange(head_bytes_, 0));
  const std::string_view raw = in_.view();
  if (raw.empty() || complete_) return std::size_t{0};
  const std::size_t before = into.size();
  std::size_t used = raw.size();
  switch (head_.framing()) {
    case wire::Framing::none: return std::size_t{0};
    case wire::Framing::until_close: into.append(raw); break;
    case wire::Framing::length:
      used = static_cast<std::size_t>(std::min<std::uint64_t>(raw.size(), body_left_));
      into.append(raw.substr(0, used));
      body_left_ -= used;
      complete_ = body_left_ == 0;
      break;
    case wire::Framing::chunked:
      for (used = 0; used < raw.size() && !chunks_.done();) {
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
  for (;;) {
    Result<std::size_t> decoded = read_now(into);
    if (!decoded || *decoded != 0 || complete_) co_return decoded;
    if (!stream_->maybe_readable()) {
      // Between two events of a paced stream nothing is held but the socket.
      in_.release();
      if (into.empty()) into.release();
      Status ready = co_await stream_->readable(timeouts_.inter_chunk);
      if (!ready) co_return explain(std::move(ready.error()), silent, cut);
    }
    // What needs no decoding is read to where it is wanted.
    Buffer& target = plain_body() ? into : in_;
    const std::span<char> space = room(target);
    Result<std::size_t> got = co_await stream_->read_some(space, timeouts_.inter_chunk);
    if (!got) co_return explain(std::move(got.error()), silent, cut);
    if (*got == 0) {
      Status ended = body_ended();
      if (!ended) co_return fail_with(ended);
      co_return std::size_t{0};
    }
    const std::size_t before = into.size();
    take(target, *got);
    if (into.size() != before) co_return into.size() - before;
  }
}

std::span<char> Connection::room(Buffer& target) const {
  // One byte more than is due: it makes the read that completes the body a short one, after which the stream knows that it is
  // drained.
  const std::uint64_t due = head_.framing() == wire::Framing::length ? body_left_ + 1 : read_bytes;
  const auto space = target.prepare(static_cast<std::size_t>(std::min<std::uint64_t>(due, read_bytes)));
  return head_.framing() == wire::Framing::length
             ? space.first(static_cast<std::size_t>(std::min<std::uint64_t>(due, space.size())))
             : space;
}

void Connection::take(Buffer& target, std::size_t bytes) noexcept {
  if (head_.framing() == wire::Framing::length) {
    if (bytes > body_left_) {
      // A byte that nobody asked for.
      spoiled_ = true;
      bytes = static_cast<std::size_t>(body_left_);
    }
    body_left_ -= bytes;
    complete_ = body_left_ == 0;
  }
  target.commit(bytes);
}

Status Connection::body_ended() {
  if (head_.framing() != wire::Framing::until_close) return fail(Kind::upstream_reset, std::string{cut});
  complete_ = true;
  return {};
}

// ---- The pool's side -------------------------------------------------------------------------------------------------------

bool Connection::reusable() const noexcept {
  return complete_ && head_.keep_alive() && in_.size() == head_bytes_ && !spoiled_ && !broken_ && unsent_.empty() &&
         body_.at_end() && !stream_->peer_closed();
}

void Connection::rest(net::Duration idle_timeout) {
  in_.release();
  head_bytes_ = 0;
  unsent_ = {};
  rest_until_ = stream_->loop().now() + std::min<net::Duration>(idle_timeout, std::chrono::hours{24});
  stream_->watch(this);
  stream_->loop().arm(*this, rest_until_);
}

bool Connection::quiet() {
  if (spoiled_ || stream_->peer_closed()) return false;
  if (!stream_->maybe_readable()) return true;
  // "Maybe": TLS bookkeeping is no data; anything else is an end or bytes that nobody asked for, which are never an answer.
  char unasked = 0;
  const net::IoOutcome outcome = stream_->try_read({&unasked, 1});
  return outcome.state == net::IoOutcome::State::would_block;
}

bool Connection::wake() {
  stream_->watch(nullptr);
  cancel();
  reused_ = true;
  return quiet();
}

void Connection::on_sign(Sign sign) {
  if (sign != Sign::readable) spoiled_ = true;
  // Judged from the timer: here the stream is still telling.
  stream_->loop().arm(*this, stream_->loop().now());
}

void Connection::on_timer() {
  if (quiet() && stream_->loop().now() < rest_until_) {
    stream_->loop().arm(*this, rest_until_);
  } else {
    client_.drop(*this);
  }
}

}  // namespace cardea::http
