#pragma once
// A gzip writer that does not compress: enough to see what a gateway does with Content-Encoding.

#include <cstdint>
#include <string>
#include <string_view>

namespace cardea::twin {

/// `bytes` as a gzip member (RFC 1952) of stored blocks (RFC 1951 §3.2.4).
[[nodiscard]] std::string gzip_stored(std::string_view bytes);
/// CRC-32 of gzip and PNG (RFC 1952 §8).
[[nodiscard]] std::uint32_t crc32(std::string_view bytes) noexcept;

}  // namespace cardea::twin
