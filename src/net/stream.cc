#include "net/stream.h"

#include <cassert>
#include <utility>

namespace cardea::net {

Stream::~Stream() { assert(read_side_.waiter == nullptr && write_side_.waiter == nullptr); }

void Stream::notify(Edge edge) noexcept {
  const bool readable = edge == Edge::readable || edge == Edge::both;
  const bool writable = edge == Edge::writable || edge == Edge::both;
  if (readable) readable_ = true;
  if (writable) writable_ = true;
  // Either side is retried on any change: TLS may need to write in order to read, and the other way round.
  const bool nobody_reads = read_side_.waiter == nullptr;
  read_side_.retry();
  write_side_.retry();
  if (readable && nobody_reads) notify_sign(StreamWatcher::Sign::readable);
}

void Stream::notify_sign(StreamWatcher::Sign sign) noexcept {
  if (watcher_ != nullptr) watcher_->on_sign(sign);
}

void Stream::Side::wait(Operation& operation) noexcept {
  assert(waiter == nullptr);
  waiter = &operation;
  if (operation.timeout_ == forever) {
    stalled_at = TimePoint::max();
    return;
  }
  stalled_at = stream.loop_.now() + operation.timeout_;
  // Lazily: an earlier shot looks again and re-arms.
  if (!armed() || deadline() > stalled_at) stream.loop_.arm(*this, stalled_at);
}

void Stream::Side::restart(Duration timeout) noexcept {
  if (timeout != forever) stalled_at = stream.loop_.now() + timeout;
}

void Stream::Side::retry() noexcept {
  // Taken out while it is tried: an attempt may notify this very stream (two ends in one process).
  Operation* trying = std::exchange(waiter, nullptr);
  if (trying == nullptr) return;
  if (trying->attempt()) {
    trying->resume();
  } else {
    waiter = trying;
  }
}

void Stream::Side::on_timer() {
  if (waiter == nullptr || stalled_at == TimePoint::max()) return;
  if (stream.loop_.now() < stalled_at) {
    stream.loop_.arm(*this, stalled_at);
    return;
  }
  Operation* late = waiter;
  waiter = nullptr;
  late->failure_ = Kind::timed_out;
  late->resume();
}

bool Stream::Read::attempt() noexcept {
  if (!stream_.readable_) return false;
  outcome_ = stream_.try_read(into_);
  return outcome_.state != IoOutcome::State::would_block;
}

Result<std::size_t> Stream::Read::await_resume() const {
  if (failure_ != Kind::last_) return fail(failure_);
  switch (outcome_.state) {
    case IoOutcome::State::moved: return outcome_.bytes;
    case IoOutcome::State::end: return std::size_t{0};
    case IoOutcome::State::failed:
    case IoOutcome::State::would_block: break;
  }
  return fail(Kind::io);
}

void drop_front(std::span<iovec>& pieces, std::size_t bytes) noexcept {
  while (!pieces.empty() && bytes >= pieces.front().iov_len) {
    bytes -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (bytes != 0) {
    pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + bytes;
    pieces.front().iov_len -= bytes;
  }
}

bool Stream::Write::attempt() noexcept {
  for (drop_front(pieces_, 0); !pieces_.empty();) {
    if (!stream_.writable_) return false;
    const IoOutcome outcome = stream_.try_write(pieces_);
    if (outcome.state == IoOutcome::State::would_block) return false;
    if (outcome.state != IoOutcome::State::moved) {
      failure_ = Kind::io;
      break;
    }
    // Progress: the stall clock starts anew.
    stream_.write_side_.restart(timeout_);
    drop_front(pieces_, outcome.bytes);
  }
  done_ = true;
  return true;
}

}  // namespace cardea::net
