#include "net/stream.h"

#include <cassert>

namespace cardea::net {

Stream::~Stream() { assert(read_side_.waiter == nullptr && write_side_.waiter == nullptr); }

void Stream::notify(bool readable, bool writable) noexcept {
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

void Stream::Side::retry() noexcept {
  if (waiter == nullptr || !waiter->attempt()) {
    return;
  }
  Operation* done = waiter;
  waiter = nullptr;
  done->resume();
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

bool Stream::Write::attempt() noexcept {
  while (!pieces_.empty()) {
    if (pieces_.front().iov_len == 0) {
      pieces_ = pieces_.subspan(1);
      continue;
    }
    if (!stream_.writable_) return false;
    const IoOutcome outcome = stream_.try_write(pieces_);
    if (outcome.state == IoOutcome::State::would_block) return false;
    if (outcome.state != IoOutcome::State::moved) {
      failure_ = Kind::io;
      done_ = true;
      return true;
    }
    // Progress: the stall clock starts anew.
    if (stream_.write_side_.waiter == this) stream_.write_side_.stalled_at = stream_.loop_.now() + timeout_;
    std::size_t left = outcome.bytes;
    while (left != 0 && left >= pieces_.front().iov_len) {
      left -= pieces_.front().iov_len;
      pieces_ = pieces_.subspan(1);
    }
    if (left != 0) {
      pieces_.front().iov_base = static_cast<char*>(pieces_.front().iov_base) + left;
      pieces_.front().iov_len -= left;
    }
  }
  done_ = true;
  return true;
}

}  // namespace cardea::net
