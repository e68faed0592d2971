#pragma once
// Instants as text (RFC 3339) and as Unix seconds.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cardea {

/// "2027-01-01T00:00:00Z", with an offset instead of Z and a fraction (dropped) too, or "2027-01-01" alone: its first second in
/// UTC. std::nullopt: not of that form, or no such day. Leap seconds count as the second before.
[[nodiscard]] std::optional<std::int64_t> parse_time(std::string_view text) noexcept;
/// "2027-01-01T00:00:00Z". Years 0 to 9999.
[[nodiscard]] std::string show_time(std::int64_t unix_seconds);

}  // namespace cardea
