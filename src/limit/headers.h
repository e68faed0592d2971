#pragma once
// Limits in header fields: ours as clients know them, and the vendors' as they say them.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "limit/limiter.h"

namespace cardea::limit {

enum class HeaderShape : std::uint8_t { openai, anthropic };

/// Header lines, each with CRLF, of what a caller has left: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` with resets
/// as durations ("6m0s"; OpenAI, guides/rate-limits), or `anthropic-ratelimit-…-{limit,remaining,reset}` with resets as instants
/// (Anthropic, api/rate-limits). Nothing for what is unlimited. `now_ms`: Unix milliseconds.
void append_limit_headers(std::string& lines, HeaderShape shape, const Windows& windows, std::int64_t now_ms);

/// Of a refusal: `retry-after-ms` and `x-should-retry`, which the SDKs of OpenAI and Anthropic obey before `retry-after` (that
/// one is the error's). Beyond a minute they would not wait so long and come back too early, so they are told not to.
void append_retry_headers(std::string& lines, Nanoseconds wait);

/// What a vendor says of one of its limits; each part may be missing.
struct Told {
  std::optional<std::uint64_t> limit, remaining;
  std::optional<Nanoseconds> reset;  ///< until it is there again, counted from the answer; 0 to a day
};

/// What one answer of an upstream says. A value.
class VendorLimits {
 public:
  enum class Unit : std::uint8_t { requests, tokens, input_tokens, output_tokens, last_ = output_tokens };
  enum class Span : std::uint8_t { short_, long_, last_ = long_ };  ///< up to a minute, or unsaid; an hour and more

  /// Takes a field of the answer's head in; others are ignored, and so is what makes no sense. Names in any case:
  /// - `x-ratelimit-{limit,remaining,reset}[-UNIT][-PERIOD]` (OpenAI, Azure, Groq, Mistral, xAI; with periods Cerebras; without a
  ///   unit OpenRouter)
  /// - `anthropic-ratelimit-UNIT-{limit,remaining,reset}`
  /// - `retry-after` (RFC 9110 §10.2.3), `retry-after-ms`, `x-should-retry`
  /// Resets are durations ("1m30.5s", "12ms"), seconds, Unix seconds or milliseconds, or RFC 3339.
  void read(std::string_view name, std::string_view value, std::int64_t now_ms);

  [[nodiscard]] const Told& told(Unit unit, Span span) const noexcept {
    return told_[static_cast<std::size_t>(unit)][static_cast<std::size_t>(span)];
  }
  /// The vendor's own word on when to come back; at most a day.
  [[nodiscard]] std::optional<Nanoseconds> retry_after() const noexcept { return retry_after_; }
  [[nodiscard]] std::optional<bool> should_retry() const noexcept { return should_retry_; }
  /// When what is used up is there again, by the longest of the limits with nothing left; nothing: none is used up.
  [[nodiscard]] std::optional<Nanoseconds> exhausted_for() const noexcept;

 private:
  std::array<std::array<Told, static_cast<std::size_t>(Span::last_) + 1>, static_cast<std::size_t>(Unit::last_) + 1> told_;
  std::optional<Nanoseconds> retry_after_;
  bool retry_in_ms_ = false;
  std::optional<bool> should_retry_;
};

}  // namespace cardea::limit
