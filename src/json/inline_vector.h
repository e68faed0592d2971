#pragma once
// A vector of plain values whose first N live inside it: what a request needs a few dozen of costs no allocation.

#include <cassert>
#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>

namespace cardea::json {

/// Grows to the heap beyond N. Move-only; moving copies the inline part, so addresses of elements die on move and on growth.
template <class T, std::size_t N>
  requires std::is_trivially_copyable_v<T>
class InlineVector {
 public:
  InlineVector() noexcept {}  // NOLINT: the storage stays uninitialised on purpose
  InlineVector(InlineVector&& other) noexcept { take(other); }
  InlineVector& operator=(InlineVector&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }
  InlineVector(const InlineVector&) = delete;
  InlineVector& operator=(const InlineVector&) = delete;
  ~InlineVector() = default;

  T& push_back(const T& value) {
    if (size_ == capacity_) grow(size_ + 1);
    return *std::construct_at(data() + size_++, value);
  }
  /// One more element, not initialised.
  T& extend() {
    if (size_ == capacity_) grow(size_ + 1);
    return data_[size_++];
  }
  void append(const T* values, std::size_t count) {
    if (capacity_ - size_ < count) grow(size_ + count);
    if (count != 0) std::memcpy(static_cast<void*>(data() + size_), values, count * sizeof(T));
    size_ += count;
  }
  void insert(std::size_t at, const T& value) {
    assert(at <= size_);
    push_back(value);
    for (std::size_t i = size_ - 1; i > at; --i) data()[i] = data()[i - 1];
    data()[at] = value;
  }
  void clear() noexcept { size_ = 0; }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] const T* data() const noexcept { return data_; }
  [[nodiscard]] T& operator[](std::size_t i) noexcept {
    assert(i < size_);
    return data()[i];
  }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept {
    assert(i < size_);
    return data()[i];
  }
  [[nodiscard]] T& back() noexcept { return (*this)[size_ - 1]; }
  [[nodiscard]] T* begin() noexcept { return data(); }
  [[nodiscard]] T* end() noexcept { return data() + size_; }
  [[nodiscard]] const T* begin() const noexcept { return data(); }
  [[nodiscard]] const T* end() const noexcept { return data() + size_; }

 private:
  T* inline_data() noexcept { return reinterpret_cast<T*>(inline_); }
  [[gnu::noinline]] void grow(std::size_t wanted) {
    const std::size_t capacity = wanted > capacity_ * 2 ? wanted : capacity_ * 2;
    auto bigger = std::make_unique_for_overwrite<T[]>(capacity);
    if (size_ != 0) std::memcpy(static_cast<void*>(bigger.get()), data(), size_ * sizeof(T));
    heap_ = std::move(bigger);
    data_ = heap_.get();
    capacity_ = capacity;
  }
  void take(InlineVector& other) noexcept {
    heap_ = std::move(other.heap_);
    data_ = heap_ ? heap_.get() : inline_data();
    capacity_ = other.capacity_;
    size_ = other.size_;
    if (!heap_ && size_ != 0) std::memcpy(inline_, other.inline_, size_ * sizeof(T));
    other.data_ = other.inline_data();
    other.size_ = 0;
    other.capacity_ = N;
  }

  T* data_ = inline_data();
  std::unique_ptr<T[]> heap_;
  std::size_t size_ = 0;
  std::size_t capacity_ = N;
  alignas(T) std::byte inline_[N * sizeof(T)];
};

}  // namespace cardea::json
