#include "net/memory.h"

#include <algorithm>
#include <cstring>

#include "base/buffer.h"

namespace cardea::net {
namespace {

class MemoryStream final : public Stream {
 public:
  MemoryStream(Loop& loop, std::size_t capacity) noexcept : Stream{loop}, capacity_{capacity} {}
  ~MemoryStream() override {
    if (other_ == nullptr) return;
    other_->other_ = nullptr;
    other_->peer_closed_ = true;
    other_->ended_ = true;
    other_->reset_ = reset_on_close_;
    other_->notify(Edge::both);
    other_->notify_sign(StreamWatcher::Sign::reset);
  }

  void join(MemoryStream& other) noexcept {
    other_ = &other;
    other.other_ = this;
  }

  [[nodiscard]] IoOutcome try_read(std::span<char> into) override {
    if (reset_) return {IoOutcome::State::failed, 0};
    if (inbox_.empty()) {
      if (ended_) return {IoOutcome::State::end, 0};
      readable_ = false;
      return {IoOutcome::State::would_block, 0};
    }
    const auto bytes = std::min(into.size(), inbox_.size());
    std::memcpy(into.data(), inbox_.data(), bytes);
    inbox_.consume(bytes);
    if (inbox_.empty()) {
      inbox_.release();
      if (!ended_) readable_ = false;
    }
    if (other_ != nullptr) other_->notify(Edge::writable);
    return {IoOutcome::State::moved, bytes};
  }

  [[nodiscard]] IoOutcome try_write(std::span<const iovec> pieces) override {
    if (other_ == nullptr || shut_) return {IoOutcome::State::failed, 0};
    std::size_t room = capacity_ - std::min(capacity_, other_->inbox_.size());
    std::size_t moved = 0;
    for (const auto& part : pieces) {
      const auto bytes = std::min(room, part.iov_len);
      other_->inbox_.append({static_cast<const char*>(part.iov_base), bytes});
      moved += bytes;
      room -= bytes;
      if (bytes < part.iov_len) break;
    }
    if (moved == 0) {
      writable_ = false;
      return {IoOutcome::State::would_block, 0};
    }
    other_->notify(Edge::readable);
    return {IoOutcome::State::moved, moved};
  }

  void shutdown_write() override {
    shut_ = true;
    if (other_ == nullptr) return;
    other_->ended_ = true;
    other_->peer_closed_ = true;
    other_->notify(Edge::readable);
    other_->notify_sign(StreamWatcher::Sign::half_closed);
  }

  void reset_on_close() override { reset_on_close_ = true; }

 private:
  std::size_t capacity_;
  Buffer inbox_;
  MemoryStream* other_ = nullptr;
  bool ended_ = false;
  bool reset_ = false;
  bool shut_ = false;
  bool reset_on_close_ = false;
};

}  // namespace

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> memory_pair(Loop& loop, std::size_t capacity) {
  auto left = std::make_unique<MemoryStream>(loop, capacity);
  auto right = std::make_unique<MemoryStream>(loop, capacity);
  left->join(*right);
  return {std::move(left), std::move(right)};
}

}  // namespace cardea::net
