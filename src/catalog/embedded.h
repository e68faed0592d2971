#pragma once
// The provider files inside the binary. The array is written at build time by embed_main.cc. Private to this room.

#include <span>
#include <string_view>

namespace cardea::catalog {

struct Embedded {
  std::string_view name;  ///< of the file, without .yaml
  std::string_view head;  ///< the same without its models: enough to see whether it is on, so that start-up reads no more
  std::string_view json;  ///< the file as config::compact_provider() made it
};

/// In order of preference: by `order`, then by name.
[[nodiscard]] std::span<const Embedded> embedded();
[[nodiscard]] const Embedded* find_embedded(std::string_view name);

}  // namespace cardea::catalog
