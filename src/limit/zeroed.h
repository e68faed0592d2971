#pragma once
// Inside the room: a large table that takes memory only where it was touched.

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace cardea::limit {

/// `size` elements, all zero, at a cache line's beginning. calloc, not new: the kernel gives large zeroed memory untouched.
template <class T>
  requires std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>
class Zeroed {
 public:
  explicit Zeroed(std::size_t size) : memory_{std::calloc(size * sizeof(T) + line, 1)} {
    if (memory_ == nullptr) throw std::bad_alloc{};
    void* start = memory_.get();
    std::size_t space = size * sizeof(T) + line;
    first_ = static_cast<T*>(std::align(line, size * sizeof(T), start, space));
  }
  [[nodiscard]] T* data() const noexcept { return first_; }

 private:
  static constexpr std::size_t line = 64;
  struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<void, Free> memory_;
  T* first_;
};

}  // namespace cardea::limit
