#pragma once
// What a file's own bytes say it is: a claim is believed only when they agree.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cardea::wire {

/// Of this much a file's beginning and its end is judged.
inline constexpr std::size_t sniff_bytes = 32;

/// A format by its signature (WHATWG MIME Sniffing §6 and the formats' own specifications). Empty when none is known.
struct Sniffed {
  std::string_view type;  ///< "image/png"
  /// "image" | "audio" | "video" | "application": before the slash.
  [[nodiscard]] std::string_view kind() const noexcept { return type.substr(0, type.find('/')); }
};
/// `head`: the first sniff_bytes of the file, or all of a shorter one.
[[nodiscard]] Sniffed sniff(std::string_view head) noexcept;

/// What a file claims to be by its part's content type or, where that says nothing, its name's ending: a type as above, or empty.
[[nodiscard]] std::string_view claimed_type(std::string_view content_type, std::string_view filename) noexcept;

/// Does a file that ends in `tail` (its last sniff_bytes) and has `size` bytes have its format's end? Formats without one are
/// always whole.
[[nodiscard]] bool ends_whole(std::string_view type, std::string_view head, std::string_view tail, std::uint64_t size) noexcept;

}  // namespace cardea::wire
