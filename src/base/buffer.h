#pragma once
// A growing byte buffer with a read end and a write end, backed by the thread's pool.

#include <cstddef>
#include <span>
#include <string_view>

namespace cardea {

/// Bytes are appended at the back (`prepare`, `commit`) and taken from the front (`consume`). At least `padding` readable bytes
/// follow the content, for scanners that read in blocks. Views into it die on prepare(), release() and destruction. Thread: the
/// owner's.
class Buffer {
 public:
  static constexpr std::size_t padding = 64;

  Buffer() = default;
  explicit Buffer(std::size_t capacity) { reserve(capacity); }
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { release(); }

  [[nodiscard]] std::string_view view() const noexcept { return {data_ + begin_, end_ - begin_}; }
  [[nodiscard]] char* data() noexcept { return data_ + begin_; }
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  /// Free space behind the content, at least `wanted` bytes; may move the content.
  [[nodiscard]] std::span<char> prepare(std::size_t wanted);
  /// `count` bytes of the prepared space are content now.
  void commit(std::size_t count) noexcept { end_ += count; }
  /// Drops `count` bytes at the front.
  void consume(std::size_t count) noexcept;
  /// Drops `count` bytes from offset `at` and closes the gap; the bytes before it stay where they are.
  void erase(std::size_t at, std::size_t count) noexcept;
  void clear() noexcept { begin_ = end_ = 0; }
  void append(std::string_view bytes);
  /// Gives the memory back; the buffer is empty and usable again.
  void release() noexcept;

 private:
  void reserve(std::size_t capacity);
  char* data_ = nullptr;
  std::size_t capacity_ = 0;  ///< without padding
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace cardea
