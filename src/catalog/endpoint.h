#pragma once
// Where an upstream lives: the one place that knows how a base URL, or a full one, becomes an origin and a path.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace cardea::catalog {

enum class Scheme : std::uint8_t { http, https, unix_socket, twin };

/// What a connection (and a secret) is bound to.
struct Origin {
  Scheme scheme = Scheme::https;
  std::string host;  ///< lower case, no brackets; a Unix socket's path; empty for twin
  std::uint16_t port = 0;
  friend bool operator==(const Origin&, const Origin&) = default;
};

struct Endpoint {
  Origin origin;
  std::string prefix;  ///< "/v1"; no slash at the end; may be empty
  std::string query;   ///< "api-version=…" without '?'; sent with every request
  /// prefix + operation + query; `operation` starts with '/'.
  [[nodiscard]] std::string path(std::string_view operation) const;
  /// Value of the Host header: the port only when it is not the scheme's own; IPv6 in brackets.
  [[nodiscard]] std::string authority() const;
};

/// `http://h:1` → prefix "/v1" (the OpenAI default) · `http://h:1/v1` → as it is · a full `…/chat/completions`, `…/embeddings`
/// and the like → the part before it, so that the operation's path is the one given · `unix:/run/x.sock` (prefix "/v1") ·
/// `twin:`. Error: config, with a sentence saying what is wrong (user:password@, fragment, unknown scheme, bad port, characters
/// outside URLs).
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view url);

}  // namespace cardea::catalog
