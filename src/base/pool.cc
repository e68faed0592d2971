#include "base/pool.h"

#include <array>
#include <bit>
#include <cstdlib>
#include <new>

namespace cardea {
namespace {

constexpr std::size_t smallest_bits = 6;  // 64 B
constexpr std::size_t largest_bits = 16;  // 64 KiB
constexpr std::size_t classes = largest_bits - smallest_bits + 1;
[[maybe_unused]] constexpr std::size_t kept_bytes_max = std::size_t{1} << 20;

struct Node {
  Node* next;
};

struct FreeList {
  Node* head = nullptr;
  std::size_t count = 0;
};

struct FreeLists {
  std::array<FreeList, classes> lists;
  ~FreeLists() {
    for (auto& list : lists) {
      while (list.head != nullptr) {
        Node* next = list.head->next;
        std::free(list.head);
        list.head = next;
      }
    }
  }
};

thread_local FreeLists free_lists;

constexpr std::size_t class_of(std::size_t size) {
  const auto bits = static_cast<std::size_t>(std::bit_width(size - 1));
  return bits <= smallest_bits ? 0 : bits - smallest_bits;
}

}  // namespace

std::size_t pool_capacity(std::size_t size) noexcept {
  const auto index = class_of(size == 0 ? 1 : size);
  return index < classes ? std::size_t{1} << (index + smallest_bits) : size;
}

void* pool_allocate(std::size_t size) {
  const auto index = class_of(size == 0 ? 1 : size);
  if (index < classes) {
    auto& list = free_lists.lists[index];
    if (list.head != nullptr) {
      Node* node = list.head;
      list.head = node->next;
      --list.count;
      return node;
    }
  }
  void* memory = std::malloc(pool_capacity(size));
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}

void pool_free(void* memory, std::size_t size) noexcept {
  if (memory == nullptr) return;
  [[maybe_unused]] const auto index = class_of(size == 0 ? 1 : size);
#if !defined(__SANITIZE_ADDRESS__) && !(defined(__has_feature) && __has_feature(address_sanitizer))
  if (index < classes) {
    auto& list = free_lists.lists[index];
    if ((list.count + 1) << (index + smallest_bits) <= kept_bytes_max) {
      auto* node = static_cast<Node*>(memory);
      node->next = list.head;
      list.head = node;
      ++list.count;
      return;
    }
  }
#endif
  std::free(memory);
}

}  // namespace cardea
