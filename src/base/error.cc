#include "base/error.h"

#include <array>
#include <utility>

namespace cardea {
namespace {

constexpr std::string_view invalid = "invalid_request_error";
constexpr std::string_view server = "server_error";

// Status and type names: RFC 9110 §15, OpenAI's error reference, google.rpc.Code. 499 is nginx's "client closed request": it
// is logged, never sent.
constexpr KindInfo describe(Kind kind) {
  using enum Kind;
  switch (kind) {
    case cancelled: return {"cancelled", 499, 1, server, "", Fault::nobody, false};
    case client_closed: return {"client_closed", 499, 1, server, "", Fault::client, false};
    case bad_request: return {"bad_request", 400, 3, invalid, "", Fault::client, false};
    case unauthenticated: return {"unauthenticated", 401, 16, "authentication_error", "invalid_api_key", Fault::client, false};
    case forbidden: return {"forbidden", 403, 7, "permission_error", "", Fault::client, false};
    case not_found: return {"not_found", 404, 5, invalid, "", Fault::client, false};
    case model_not_found: return {"model_not_found", 404, 5, invalid, "model_not_found", Fault::client, false};
    case method_not_allowed: return {"method_not_allowed", 405, 12, invalid, "", Fault::client, false};
    case request_timeout: return {"request_timeout", 408, 4, invalid, "", Fault::client, true};
    case conflict: return {"conflict", 409, 10, invalid, "", Fault::client, false};
    case length_required: return {"length_required", 411, 3, invalid, "", Fault::client, false};
    case too_large: return {"too_large", 413, 8, invalid, "", Fault::client, false};
    case uri_too_long: return {"uri_too_long", 414, 3, invalid, "", Fault::client, false};
    case unsupported_media_type: return {"unsupported_media_type", 415, 3, invalid, "", Fault::client, false};
    case unprocessable: return {"unprocessable", 422, 3, invalid, "", Fault::client, false};
    case expectation_failed: return {"expectation_failed", 417, 3, invalid, "", Fault::client, false};
    case header_too_large: return {"header_too_large", 431, 8, invalid, "", Fault::client, false};
    case rate_limited: return {"rate_limited", 429, 8, "rate_limit_error", "rate_limit_exceeded", Fault::client, true};
    case internal: return {"internal", 500, 13, server, "", Fault::gateway, false};
    case not_implemented: return {"not_implemented", 501, 12, invalid, "", Fault::gateway, false};
    case http_version: return {"http_version", 505, 12, invalid, "", Fault::client, false};
    case unavailable: return {"unavailable", 503, 14, server, "", Fault::gateway, true};
    case config: return {"config", 500, 9, server, "", Fault::gateway, false};
    case io: return {"io", 502, 14, server, "", Fault::nobody, true};
    case closed: return {"closed", 502, 14, server, "", Fault::nobody, true};
    case timed_out: return {"timed_out", 504, 4, server, "", Fault::nobody, true};
    case upstream_unreachable: return {"upstream_unreachable", 502, 14, server, "upstream_unreachable", Fault::upstream, true};
    case upstream_tls: return {"upstream_tls", 502, 14, server, "upstream_tls", Fault::upstream, false};
    case upstream_protocol: return {"upstream_protocol", 502, 13, server, "upstream_protocol", Fault::upstream, true};
    case upstream_reset: return {"upstream_reset", 502, 14, server, "upstream_reset", Fault::upstream, true};
    case upstream_failed: return {"upstream_failed", 502, 13, server, "upstream_error", Fault::upstream, true};
    case upstream_rejected: return {"upstream_rejected", 400, 3, invalid, "", Fault::upstream, false};
    case upstream_auth: return {"upstream_auth", 502, 13, server, "upstream_auth", Fault::upstream, false};
    case upstream_connect_timeout: return {"upstream_connect_timeout", 504, 4, server, "upstream_timeout", Fault::upstream, true};
    case upstream_timeout: return {"upstream_timeout", 504, 4, server, "upstream_timeout", Fault::upstream, true};
  }
  std::unreachable();
}

constexpr std::size_t kinds = static_cast<std::size_t>(Kind::last_) + 1;
constexpr auto table = [] {
  std::array<KindInfo, kinds> rows{};
  for (std::size_t i = 0; i < kinds; ++i) rows[i] = describe(static_cast<Kind>(i));
  return rows;
}();

}  // namespace

const KindInfo& info(Kind kind) noexcept { return table[static_cast<std::size_t>(kind)]; }

struct Error::Heap {
  Kind kind;
  Detail detail;
};

namespace {
std::uintptr_t to_bits(void* heap) noexcept { return reinterpret_cast<std::uintptr_t>(heap); }  // NOLINT
}  // namespace

Error::Error(Kind kind, Detail detail) : bits_{to_bits(new Heap{kind, std::move(detail)})} {}
Error::Error(Kind kind, std::string message) : Error{kind, Detail{.message = std::move(message)}} {}
Error::Error(Kind kind, std::string message, std::string param)
    : Error{kind, Detail{.message = std::move(message), .param = std::move(param)}} {}

Error& Error::operator=(Error&& other) noexcept {
  std::swap(bits_, other.bits_);
  return *this;
}

Error::~Error() {
  if (!bare()) delete heap();
}

Error Error::clone() const {
  if (bare()) return Error{kind()};
  return Error{kind(), Detail{heap()->detail}};
}

Kind Error::kind() const noexcept { return bare() ? static_cast<Kind>(bits_ >> 1) : heap()->kind; }

std::uint16_t Error::http_status() const noexcept {
  const auto own = detail().status;
  return own != 0 ? own : info(kind()).http_status;
}

std::string_view Error::message() const noexcept {
  if (!bare() && !heap()->detail.message.empty()) return heap()->detail.message;
  return info(kind()).label;
}

const Error::Detail& Error::detail() const noexcept {
  static const Detail none{};
  return bare() ? none : heap()->detail;
}

Error::Detail& Error::edit() {
  if (bare()) bits_ = to_bits(new Heap{kind(), {}});
  return heap()->detail;
}

}  // namespace cardea
