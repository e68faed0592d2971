#pragma once
// Per-thread memory recycling for what every request needs again: coroutine frames and I/O buffers.

#include <cstddef>

namespace cardea {

/// Memory of at least `size` bytes from this thread's free list of its size class (powers of two, 64 B … 64 KiB), or from the
/// heap. Free on the thread that allocated it, with the same size; debug builds assert it. Each class keeps at most 1 MiB.
[[nodiscard]] void* pool_allocate(std::size_t size);
void pool_free(void* memory, std::size_t size) noexcept;
/// Bytes that the pool hands out for `size` (its class), so that a buffer can use the slack.
[[nodiscard]] std::size_t pool_capacity(std::size_t size) noexcept;

}  // namespace cardea
