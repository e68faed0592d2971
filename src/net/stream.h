#pragma once
// Stream: a two-way byte stream with readiness. TCP, Unix, TLS, in-memory.

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "net/scope.h"

namespace cardea::net {

/// What a plain try_read or try_write did.
struct IoOutcome {
  enum class State : std::uint8_t { moved, would_block, end, failed };
  State state = State::would_block;
  std::size_t bytes = 0;  ///< moved; > 0 for State::moved
};

/// What is taken of a peer's certificate.
struct PeerCertificate {
  /// Its first subject alternative name of the kinds URI, DNS, email, in this order; else the subject as RFC 2253 writes it.
  std::string name;
  std::int64_t until = 0;  ///< Unix seconds: not good from then on
};

/// Asked by a stream's owner to hear of things while no await is pending on it.
class StreamWatcher {
 public:
  /// What the peer did.
  enum class Sign : std::uint8_t {
    readable,     ///< bytes arrived that nobody waits for
    half_closed,  ///< the peer will send nothing more (FIN)
    reset,        ///< the connection is gone (RST, HUP, error)
  };
  virtual void on_sign(Sign sign) = 0;

 protected:
  ~StreamWatcher() = default;
};

/// One connection. Lives on one loop, owned by whoever talks over it; at most one read and one write may be pending. Awaits are
/// cancellation points and answer with Result: Kind::closed (the stream is closed on this side), Kind::io (reset),
/// Kind::timed_out, or the scope's reason. The plain forms never wait.
class Stream {
 public:
  virtual ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] virtual IoOutcome try_read(std::span<char> into) = 0;
  /// Gathered write of what fits; `pieces` are not changed.
  [[nodiscard]] virtual IoOutcome try_write(std::span<const iovec> pieces) = 0;
  /// Sends the end of the stream; reading goes on.
  virtual void shutdown_write() = 0;
  /// Makes the destructor answer a peer with a reset instead of an orderly end: for messages that were cut.
  virtual void reset_on_close() {}
  /// The peer's address without port, e.g. "127.0.0.1" or "unix".
  [[nodiscard]] virtual std::string_view peer() const noexcept { return "memory"; }
  /// Who the peer is by a certificate that was verified; null: it showed none.
  [[nodiscard]] virtual const PeerCertificate* certificate() const noexcept { return nullptr; }
  /// Name of the protocol agreed by ALPN, empty without TLS.
  [[nodiscard]] virtual std::string_view alpn() const noexcept { return {}; }

  [[nodiscard]] Loop& loop() const noexcept { return loop_; }
  /// Data (or the end) may be there: a read need not wait, as far as is known.
  [[nodiscard]] bool maybe_readable() const noexcept { return readable_; }
  [[nodiscard]] bool maybe_writable() const noexcept { return writable_; }
  /// The peer has closed its side or the connection.
  [[nodiscard]] bool peer_closed() const noexcept { return peer_closed_; }
  /// One watcher or none; it must outlive its registration.
  void watch(StreamWatcher* watcher) noexcept { watcher_ = watcher; }

  class Read;
  class Write;
  class Ready;
  /// `Result<std::size_t> got = co_await s.read_some(space, timeout)`: 0 is the end of the stream.
  [[nodiscard]] Read read_some(std::span<char> into, Duration timeout) noexcept;
  /// `Status written = co_await s.write_all(pieces, timeout)`: done when every byte is in the kernel; `pieces` is used up.
  /// `timeout` bounds each wait without progress.
  [[nodiscard]] Write write_all(std::span<iovec> pieces, Duration timeout) noexcept;
  /// `Status ready = co_await s.readable(timeout)`: waits without holding a buffer.
  [[nodiscard]] Ready readable(Duration timeout) noexcept;
  [[nodiscard]] Ready writable(Duration timeout) noexcept;
  /// For a writer that must notice an early answer: done when either way is open. Takes the write side's place.
  [[nodiscard]] Ready either(Duration timeout) noexcept;

 protected:
  explicit Stream(Loop& loop) noexcept : loop_{loop}, read_side_{*this}, write_side_{*this} {}
  /// From the driver: what has become possible. Only wakes; never resumes in place.
  enum class Edge : std::uint8_t { none, readable, writable, both };
  void notify(Edge edge) noexcept;
  void notify_sign(StreamWatcher::Sign sign) noexcept;

  Loop& loop_;
  bool readable_ = false;
  bool writable_ = true;
  bool peer_closed_ = false;

 private:
  /// A pending operation: retried when the stream may have become ready.
  class Operation : protected Suspension {
   public:
    [[nodiscard]] virtual bool attempt() noexcept = 0;  ///< true: complete (or failed), the awaiter may go on

   protected:
    friend class Stream;
    explicit Operation(Stream& stream, Duration timeout) noexcept : stream_{stream}, timeout_{timeout} {}
    ~Operation() override = default;
    Stream& stream_;
    Duration timeout_;
    Kind failure_ = Kind::last_;
  };
  /// One direction's waiter and its lazily re-armed stall timer: in steady state a wait costs two stores, not a timer operation.
  struct Side final : Timer {
    explicit Side(Stream& owner) noexcept : stream{owner} {}
    void on_timer() override;
    void wait(Operation& operation) noexcept;
    void restart(Duration timeout) noexcept;
    void stop_waiting() noexcept { waiter = nullptr; }
    void retry() noexcept;
    Stream& stream;
    Operation* waiter = nullptr;
    TimePoint stalled_at;
  };

  Side read_side_;
  Side write_side_;
  StreamWatcher* watcher_ = nullptr;
};

class Stream::Read final : Operation {
 public:
  Read(Stream& stream, std::span<char> into, Duration timeout) noexcept : Operation{stream, timeout}, into_{into} {}
  [[nodiscard]] bool await_ready() noexcept { return attempt() && stream_.loop_.spend(outcome_.bytes); }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiter) noexcept {
    if (!suspend(awaiter)) {
      failure_ = awaiter.promise().scope->reason();
      return false;
    }
    if (outcome_.state != IoOutcome::State::would_block) {
      resume();  // done, but the turn is used up
    } else {
      stream_.read_side_.wait(*this);
    }
    return true;
  }
  [[nodiscard]] Result<std::size_t> await_resume() const;

 private:
  [[nodiscard]] bool attempt() noexcept override;
  void on_cancel(Kind reason) override {
    stream_.read_side_.stop_waiting();
    failure_ = reason;
  }
  std::span<char> into_;
  IoOutcome outcome_;
};

class Stream::Ready final : Operation {
 public:
  /// Done when `flag` or `other` is set.
  Ready(Stream& stream, Side& side, const bool& flag, const bool& other, Duration timeout) noexcept
      : Operation{stream, timeout}, side_{side}, flag_{flag}, other_{other} {}
  [[nodiscard]] bool await_ready() const noexcept { return flag_ || other_; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiter) noexcept {
    if (!suspend(awaiter)) {
      failure_ = awaiter.promise().scope->reason();
      return false;
    }
    side_.wait(*this);
    return true;
  }
  [[nodiscard]] Status await_resume() const {
    if (failure_ != Kind::last_) return fail(failure_);
    return {};
  }

 private:
  [[nodiscard]] bool attempt() noexcept override { return flag_ || other_; }
  void on_cancel(Kind reason) override {
    side_.stop_waiting();
    failure_ = reason;
  }
  Side& side_;
  const bool& flag_;
  const bool& other_;
};

class Stream::Write final : Operation {
 public:
  Write(Stream& stream, std::span<iovec> pieces, Duration timeout) noexcept : Operation{stream, timeout}, pieces_{pieces} {}
  [[nodiscard]] bool await_ready() noexcept { return attempt() && stream_.loop_.spend(0); }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiter) noexcept {
    if (!suspend(awaiter)) {
      failure_ = awaiter.promise().scope->reason();
      return false;
    }
    if (done_) {
      resume();
    } else {
      stream_.write_side_.wait(*this);
    }
    return true;
  }
  [[nodiscard]] Status await_resume() const {
    if (failure_ != Kind::last_) return fail(failure_);
    return {};
  }

 private:
  [[nodiscard]] bool attempt() noexcept override;
  void on_cancel(Kind reason) override {
    stream_.write_side_.stop_waiting();
    failure_ = reason;
  }
  std::span<iovec> pieces_;
  bool done_ = false;
};

inline Stream::Read Stream::read_some(std::span<char> into, Duration timeout) noexcept { return {*this, into, timeout}; }
inline Stream::Write Stream::write_all(std::span<iovec> pieces, Duration timeout) noexcept { return {*this, pieces, timeout}; }
inline Stream::Ready Stream::readable(Duration timeout) noexcept { return {*this, read_side_, readable_, readable_, timeout}; }
inline Stream::Ready Stream::writable(Duration timeout) noexcept { return {*this, write_side_, writable_, writable_, timeout}; }
inline Stream::Ready Stream::either(Duration timeout) noexcept { return {*this, write_side_, writable_, readable_, timeout}; }

/// Drops `bytes` at the front of `pieces`, and empty pieces there.
void drop_front(std::span<iovec>& pieces, std::size_t bytes) noexcept;

/// An iovec of constant bytes (writes never change them).
[[nodiscard]] inline iovec piece(std::string_view bytes) noexcept {
  return {const_cast<char*>(bytes.data()), bytes.size()};  // NOLINT: iovec has no const form
}

}  // namespace cardea::net
