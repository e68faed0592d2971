#pragma once
// What one request leaves behind.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "model/usage.h"

namespace cardea::record {

/// The route of bytes that are no HTTP request.
inline constexpr std::string_view malformed_route = "malformed";

/// A short text kept inside its owner; what does not fit is cut off. For values whose source may be gone at the request's end.
template <std::size_t N>
class Text {
 public:
  Text() = default;
  Text(std::string_view text) noexcept { *this = text; }  // NOLINT: a text is a text
  Text& operator=(std::string_view text) noexcept {
    size_ = static_cast<std::uint16_t>(std::min(text.size(), N));
    if (size_ != 0) std::memcpy(bytes_.data(), text.data(), size_);
    return *this;
  }
  operator std::string_view() const noexcept { return {bytes_.data(), size_}; }  // NOLINT
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  std::array<char, N> bytes_;  // NOLINT: filled as far as size_ says
  std::uint16_t size_ = 0;
};

/// Filled along the request's way, committed once at the end of its scope: success, error, cancel and disconnect alike. There is
/// no field for content or secrets, and none may be added. The plain views point into static tables, the configuration snapshot
/// or the key ring, all pinned by the request; everything a client or an upstream sent is copied.
struct Entry {
  using Nanos = std::chrono::nanoseconds;

  // The request.
  Text<64> request_id;
  Text<16> method;
  std::string_view route;      ///< template, e.g. "/v1/models/{id}"; never the raw path
  std::string_view dialect;    ///< e.g. "openai_chat"; empty = none
  std::string_view operation;  ///< gen_ai.operation.name: "chat", "embeddings" …; empty = no model was called for
  Text<128> model_asked;       ///< as the client spelled it
  bool stream = false;
  Text<48> client_address;  ///< address without port, or "unix"
  Text<96> user_agent;
  std::string_view principal;  ///< name of the key, or "local"; empty = never got that far

  // The target.
  std::string_view provider;
  std::string_view upstream_model;  ///< as catalogued: the label of metrics. Empty = resolved to nothing: label "unknown"
  Text<128> model_answered;         ///< as the upstream named itself
  std::uint16_t attempts = 0;       ///< upstream attempts
  Text<192> losses;                 ///< fields that a translation between dialects could not carry over, as in x-cardea-loss

  // The outcome.
  std::uint16_t status = 0;   ///< sent to the client; 0 = nothing was sent
  std::optional<Kind> error;  ///< also for errors inside a 200 stream
  model::Usage usage;
  std::uint64_t bytes_in = 0;   ///< request body
  std::uint64_t bytes_out = 0;  ///< response body

  // The time.
  std::chrono::system_clock::time_point started;
  Nanos duration{};                  ///< first byte of the head … last byte of the answer handed to the kernel
  std::optional<Nanos> upstream;     ///< request sent … answer complete; none = no upstream was asked
  std::optional<Nanos> first_token;  ///< start … first content sent to the client
  std::optional<Nanos> overhead;     ///< the gateway's own part: neither the upstream nor the client was waited for
};

}  // namespace cardea::record
