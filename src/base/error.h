#pragma once
// Errors are values. An Error says what went wrong, whose fault it is, whether trying again may help, and what the client may
// see.

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cardea {

/// What went wrong. Every kind has one row in the table of error.cc: HTTP status, gRPC code, OpenAI type, metric label.
enum class Kind : std::uint8_t {
  // Nobody's fault: the work was called off.
  cancelled,
  client_closed,
  // The client's fault.
  bad_request,
  unauthenticated,
  forbidden,
  not_found,
  model_not_found,
  method_not_allowed,
  request_timeout,
  conflict,
  length_required,
  too_large,
  uri_too_long,
  unsupported_media_type,
  unprocessable,
  expectation_failed,
  header_too_large,
  rate_limited,
  // The gateway's own.
  internal,
  not_implemented,
  http_version,
  unavailable,
  config,
  // A connection's own (either side): the room that sees it says whose it was.
  io,
  closed,
  timed_out,
  // The upstream's fault.
  upstream_unreachable,
  upstream_tls,
  upstream_protocol,
  upstream_reset,
  upstream_failed,
  upstream_rejected,
  upstream_auth,
  upstream_connect_timeout,
  upstream_timeout,
  last_ = upstream_timeout,
};

enum class Fault : std::uint8_t { nobody, client, gateway, upstream };

/// The one place that knows an error's standing: one row per kind.
struct KindInfo {
  std::string_view label;        ///< metric label and log value, e.g. "upstream_timeout"
  std::uint16_t http_status;     ///< what the client sees
  std::uint8_t grpc_code;        ///< google.rpc.Code
  std::string_view openai_type;  ///< `error.type` of the OpenAI shape; other dialects map from http_status
  std::string_view openai_code;  ///< `error.code`, empty = null
  Fault fault;
  bool retryable;  ///< may another attempt, now or elsewhere, succeed?
};
[[nodiscard]] const KindInfo& info(Kind kind) noexcept;

/// One pointer wide and move-only; a bare kind does not allocate. Lifetime: a value, no thread affinity.
class Error {
 public:
  /// What travels beside the kind. `message` may be shown to the client: no secret, no address of the inside.
  struct Detail {
    std::string message;
    std::string param;         ///< the field at fault in the client's own spelling, e.g. "messages[0].role"
    std::string code;          ///< overrides KindInfo::openai_code
    std::uint16_t status = 0;  ///< overrides KindInfo::http_status (an upstream's own 4xx)
    std::string retry_after;   ///< value of a Retry-After header to pass on
    std::string body;          ///< an upstream's error body in the client's own dialect, already scrubbed; sent as it is
    std::string content_type;  ///< of `body`
  };

  Error(Kind kind) noexcept : bits_{static_cast<std::uintptr_t>(kind) << 1 | 1} {}  // NOLINT: a bare kind is an error
  Error(Kind kind, std::string message);
  Error(Kind kind, std::string message, std::string param);
  Error(Kind kind, Detail detail);
  Error(Error&& other) noexcept : bits_{other.bits_} { other.bits_ = static_cast<std::uintptr_t>(Kind::internal) << 1 | 1; }
  Error& operator=(Error&& other) noexcept;
  Error(const Error&) = delete;
  Error& operator=(const Error&) = delete;
  ~Error();

  [[nodiscard]] Error clone() const;
  [[nodiscard]] Kind kind() const noexcept;
  [[nodiscard]] bool is(Kind k) const noexcept { return kind() == k; }
  [[nodiscard]] Fault fault() const noexcept { return info(kind()).fault; }
  [[nodiscard]] bool retryable() const noexcept { return info(kind()).retryable; }
  [[nodiscard]] std::uint16_t http_status() const noexcept;
  /// Never empty: the detail's message, or the kind's own sentence.
  [[nodiscard]] std::string_view message() const noexcept;
  /// The detail, or an empty one.
  [[nodiscard]] const Detail& detail() const noexcept;
  /// Adds or changes the detail.
  [[nodiscard]] Detail& edit();

 private:
  struct Heap;
  [[nodiscard]] bool bare() const noexcept { return (bits_ & 1) != 0; }
  [[nodiscard]] Heap* heap() const noexcept { return reinterpret_cast<Heap*>(bits_); }  // NOLINT
  std::uintptr_t bits_;  ///< low bit set: the kind itself; else a Heap*
};
static_assert(sizeof(Error) == sizeof(void*));

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

/// `return fail(Kind::bad_request, "…")`
template <class... Args>
[[nodiscard]] std::unexpected<Error> fail(Args&&... args) {
  return std::unexpected<Error>{Error{std::forward<Args>(args)...}};
}
/// Passes an error on: `if (!x) return fail_with(x);`
template <class T>
[[nodiscard]] std::unexpected<Error> fail_with(Result<T>& failed) {
  return std::unexpected<Error>{std::move(failed.error())};
}

}  // namespace cardea
