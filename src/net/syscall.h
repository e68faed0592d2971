#pragma once
// Private to the room: the calls of the hot path without glibc's wrappers.

#include <unistd.h>

namespace cardea::net {

/// glibc's own wrappers of these calls are points of pthread cancellation, which costs two locked instructions a call in a
/// process with threads. Nobody cancels our threads. Returns -1 and sets errno like they do.
template <class... Args>
[[nodiscard]] inline long uncancellable(long number, Args... arguments) noexcept {
  return syscall(number, arguments...);
}

}  // namespace cardea::net
