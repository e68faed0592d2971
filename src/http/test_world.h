#pragma once
// For the tests of this room: virtual time, and pipes that split, stall and fail on demand.

#include <array>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "net/loop.h"
#include "net/scope.h"
#include "net/stream.h"

namespace cardea::http::test {

/// Time stands still but for jumps to the next deadline. Waiting for nothing is a deadlock, which ends the test.
class FakeDriver final : public net::Driver {
 public:
  net::TimePoint now() override { return time_; }
  void wait(std::optional<net::TimePoint> deadline) override {
    if (!deadline) throw std::runtime_error{"deadlock: tasks wait, and nothing will happen"};
    if (++turns_ > 20'000'000) throw std::runtime_error{"no end in sight"};
    if (*deadline > time_) time_ = *deadline;
  }
  void wake() override {}

 private:
  net::TimePoint time_{std::chrono::hours{1}};
  std::uint64_t turns_ = 0;
};

/// What goes wrong on all pipes that share it.
struct Faults {
  std::size_t split_max = 0;  ///< each read and write moves 1 … n bytes; 0: what fits
  std::uint64_t fail_at = 0;  ///< this read or write (counted from 1) resets its connection; 0: none
  std::uint64_t operations = 0;
  std::size_t open = 0;  ///< ends that exist
  std::size_t peak = 0;  ///< most bytes that one pipe held
  Random random{7};
};

/// One end of a two-way pipe.
class Pipe final : public net::Stream, net::Timer {
 public:
  Pipe(net::Loop& loop, Faults& faults, std::size_t capacity) noexcept : Stream{loop}, faults_{faults}, capacity_{capacity} {
    ++faults_.open;
  }
  ~Pipe() override {
    --faults_.open;
    if (other_ == nullptr) return;
    // As a kernel does it: closing with unread bytes, or by wish, is a reset.
    if (reset_on_close_ || !inbox_.empty()) {
      break_both();
    } else {
      other_->ended_ = other_->peer_closed_ = true;
      other_->notify(Edge::readable);
      other_->notify_sign(net::StreamWatcher::Sign::half_closed);
    }
    other_->other_ = nullptr;
  }
  static void join(Pipe& left, Pipe& right) noexcept {
    left.other_ = &right;
    right.other_ = &left;
  }

  net::IoOutcome try_read(std::span<char> into) override {
    if (fails()) return {net::IoOutcome::State::failed, 0};
    const std::size_t bytes = std::min(limit(inbox_.size()), into.size());
    if (bytes == 0) {
      if (ended_) return {net::IoOutcome::State::end, 0};
      readable_ = false;
      return {};
    }
    inbox_.copy(into.data(), bytes);
    inbox_.erase(0, bytes);
    if (bytes < into.size() && inbox_.empty() && !ended_) readable_ = false;
    if (other_ != nullptr) other_->notify(Edge::writable);
    return {net::IoOutcome::State::moved, bytes};
  }

  net::IoOutcome try_write(std::span<const iovec> pieces) override {
    if (fails() || shut_) return {net::IoOutcome::State::failed, 0};
    if (other_ == nullptr) {  // the peer has closed: the first write makes it answer with a reset
      broken_ = true;
      return {net::IoOutcome::State::failed, 0};
    }
    std::size_t room = capacity_ - std::min(capacity_, other_->inbox_.size());
    if (room == 0) {
      writable_ = false;
      return {};
    }
    room = limit(room);
    std::size_t moved = 0;
    for (const auto& part : pieces) {
      const std::size_t bytes = std::min(room - moved, part.iov_len);
      other_->inbox_.append(static_cast<const char*>(part.iov_base), bytes);
      moved += bytes;
    }
    faults_.peak = std::max(faults_.peak, other_->inbox_.size());
    if (moved != 0) other_->notify(Edge::readable);
    return {net::IoOutcome::State::moved, moved};
  }

  void shutdown_write() override {
    shut_ = true;
    if (other_ == nullptr) return;
    other_->ended_ = other_->peer_closed_ = true;
    other_->notify(Edge::readable);
    other_->notify_sign(net::StreamWatcher::Sign::half_closed);
  }
  void reset_on_close() override { reset_on_close_ = true; }

 private:
  std::size_t limit(std::size_t bytes) {
    return faults_.split_max == 0 || bytes == 0 ? bytes : std::min(bytes, 1 + faults_.random.below(faults_.split_max));
  }
  bool fails() {
    if (++faults_.operations == faults_.fail_at) break_both();
    return broken_;
  }
  void break_both() {
    for (Pipe* end : {this, other_}) {
      if (end == nullptr || end->broken_) continue;
      end->broken_ = end->peer_closed_ = true;
      // As an event: here an operation may be under way.
      loop_.arm(*end, loop_.now());
    }
  }
  void on_timer() override {
    notify(Edge::both);
    notify_sign(net::StreamWatcher::Sign::reset);
  }

  Faults& faults_;
  std::size_t capacity_;
  std::string inbox_;
  Pipe* other_ = nullptr;
  bool ended_ = false;
  bool broken_ = false;
  bool shut_ = false;
  bool reset_on_close_ = false;
};

struct World {
  Faults faults;
  net::Loop loop{std::make_unique<FakeDriver>()};
  net::Scope scope{loop};   ///< what is tested
  net::Scope others{loop};  ///< the other side

  std::pair<std::unique_ptr<net::Stream>, std::unique_ptr<net::Stream>> pair(std::size_t capacity = 64 * 1024) {
    auto left = std::make_unique<Pipe>(loop, faults, capacity);
    auto right = std::make_unique<Pipe>(loop, faults, capacity);
    Pipe::join(*left, *right);
    return {std::move(left), std::move(right)};
  }
  void run() {
    loop.run_until([this] { return scope.children() == 0 && others.children() == 0; });
  }
  void run_for(net::Duration time) {
    bool over = false;
    net::Scope timer{loop};
    timer.spawn(ring(loop, time, over));
    loop.run_until([&] { return over && timer.children() == 0; });
  }

 private:
  static net::Task<void> ring(net::Loop& loop, net::Duration time, bool& over) {
    Status slept = co_await net::sleep_for(loop, time);
    over = slept.has_value();
  }
};

enum class Ending : std::uint8_t { open, orderly, reset };

/// Everything the other side says, until it ends.
inline net::Task<void> listen(net::Stream& stream, std::string& into, Ending& ending) {
  std::array<char, 4096> space;
  for (;;) {
    Result<std::size_t> got = co_await stream.read_some(space, net::forever);
    if (!got) {
      ending = got.error().is(Kind::io) ? Ending::reset : Ending::open;
      co_return;
    }
    if (*got == 0) {
      ending = Ending::orderly;
      co_return;
    }
    into.append(space.data(), *got);
  }
}

inline net::Task<Status> say(net::Stream& stream, std::string_view text) {
  iovec pieces[1] = {net::piece(text)};
  Status said = co_await stream.write_all(pieces, net::forever);
  co_return said;
}

/// Cuts `text` into single bytes (step 1), or at random (0).
inline std::vector<std::string> cut_up(std::string_view text, std::size_t step, Random& random) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t size = std::min(text.size(), step != 0 ? step : 1 + random.below(40));
    parts.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return parts;
}

}  // namespace cardea::http::test
