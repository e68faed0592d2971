#pragma once
// Private: a vocabulary as one block of bytes: a hash table from a token's bytes to its rank, used where it lies.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace cardea::tokens {

/// Of equal bytes the same everywhere: the table is filled when Cardea is built.
[[nodiscard]] std::uint64_t hash_of(std::string_view bytes) noexcept;

/// A view of a table. The block: Header, its slots, the tokens (rank, length, bytes). A slot holds the place of a token + 1 in
/// its lower bits and some of the token's hash above them, 0 when empty. Thread: any; nothing here changes.
class Ranks {
 public:
  static constexpr std::uint32_t none = UINT32_MAX;

  /// `block` must be one that make_ranks() made, aligned for a std::uint32_t, and outlive this.
  explicit Ranks(std::string_view block) noexcept;

  /// The rank of the token that is exactly `bytes`, or none.
  [[nodiscard]] std::uint32_t find(std::string_view bytes) const noexcept;

  struct Header {
    std::uint32_t slot_bits;
    std::uint32_t longest;  ///< bytes of the longest token
  };
  static constexpr unsigned place_bits = 22;

 private:
  const std::uint32_t* slots_;
  const char* tokens_;
  std::uint32_t slot_bits_;
  std::uint32_t longest_;
};

/// The block of these tokens. Throws std::length_error when they do not fit (4 MiB, 255 bytes a token).
[[nodiscard]] std::string make_ranks(std::span<const std::pair<std::string, std::uint32_t>> tokens);

}  // namespace cardea::tokens
