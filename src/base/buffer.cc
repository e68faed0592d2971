#include "base/buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/pool.h"

namespace cardea {

Buffer::Buffer(Buffer&& other) noexcept
    : data_{std::exchange(other.data_, nullptr)},
      capacity_{std::exchange(other.capacity_, 0)},
      begin_{std::exchange(other.begin_, 0)},
      end_{std::exchange(other.end_, 0)} {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(capacity_, other.capacity_);
  std::swap(begin_, other.begin_);
  std::swap(end_, other.end_);
  return *this;
}

void Buffer::reserve(std::size_t capacity) {
  const std::size_t bytes = pool_capacity(capacity + padding);
  auto* memory = static_cast<char*>(pool_allocate(bytes));
  const std::size_t content = size();
  if (content != 0) std::memcpy(memory, data_ + begin_, content);
  // The padding is read (and ignored) by the JSON scanner; give it defined bytes once.
  std::memset(memory + bytes - padding, 0, padding);
  if (data_ != nullptr) pool_free(data_, capacity_ + padding);
  data_ = memory;
  capacity_ = bytes - padding;
  begin_ = 0;
  end_ = content;
}

std::span<char> Buffer::prepare(std::size_t wanted) {
  if (capacity_ - end_ < wanted) {
    if (begin_ != 0 && capacity_ - size() >= wanted) {
      std::memmove(data_, data_ + begin_, size());
      end_ -= begin_;
      begin_ = 0;
    } else {
      reserve(std::max(size() + wanted, data_ == nullptr ? wanted : capacity_ * 2));
    }
  }
  return {data_ + end_, capacity_ - end_};
}

void Buffer::consume(std::size_t count) noexcept {
  begin_ += count;
  if (begin_ == end_) begin_ = end_ = 0;
}

void Buffer::erase(std::size_t at, std::size_t count) noexcept {
  if (count == 0) return;
  std::memmove(data() + at, data() + at + count, size() - at - count);
  end_ -= count;
}

void Buffer::append(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto space = prepare(bytes.size());
  std::memcpy(space.data(), bytes.data(), bytes.size());
  commit(bytes.size());
}

void Buffer::release() noexcept {
  if (data_ != nullptr) pool_free(data_, capacity_ + padding);
  data_ = nullptr;
  capacity_ = begin_ = end_ = 0;
}

}  // namespace cardea
