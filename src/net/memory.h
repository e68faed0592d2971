#pragma once
// Streams without a kernel: for the in-process twin and for tests.

#include <memory>
#include <utility>

#include "net/stream.h"

namespace cardea::net {

/// Two connected streams of one loop. Each direction holds at most `capacity` bytes; a fuller one makes its writer wait.
/// Destroying one end ends the other's reading after what was written, and fails its writing.
[[nodiscard]] std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> memory_pair(Loop& loop,
                                                                                      std::size_t capacity = 64 * 1024);

}  // namespace cardea::net
