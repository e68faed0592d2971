#pragma once
// Where an upstream lives: the one place that knows how a base URL, or a full one, becomes an origin and a path.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "config/settings.h"

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
  std::string model;   ///< the one a full address named: "…/models/gemini-x:generateContent"; mostly empty
  /// prefix + target + both queries, the target's first; `target` starts with '/' and may hold a '?'.
  [[nodiscard]] std::string path(std::string_view target) const;
  /// The same below the host, or what stands before the API's version: "/tokenize" of "/v1" is "/tokenize".
  [[nodiscard]] std::string root_path(std::string_view target) const;
  /// Value of the Host header: the port only when it is not the scheme's own; IPv6 in brackets.
  [[nodiscard]] std::string authority() const;
};

/// `http://h:1` → prefix "/v1" (or the dialect's own) · `http://h:1/v1` → as it is · a full `…/chat/completions`, `…/embeddings`
/// and the like → the part before it, so that the operation's path is the one given · `unix:/run/x.sock` (the dialect's prefix) ·
/// `twin:`. A version said twice ("/v1/v1": a variable that holds it already) counts once. Error: config, with a sentence saying
/// what is wrong (user:password@, fragment, unknown scheme, bad port, characters outside URLs).
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view url, config::Dialect dialect = config::Dialect::openai_chat);

/// The dialect that the ending of a full address says: "…/v1/messages" is Anthropic's. Nothing for a base URL.
[[nodiscard]] std::optional<config::Dialect> dialect_of_address(std::string_view url);

/// The address of a local server as its own variable may say it, like OLLAMA_HOST: "0.0.0.0", ":5000", "box". What is missing is
/// `usual`'s; the address of all interfaces is asked on this machine.
[[nodiscard]] std::string local_address(std::string_view text, std::string_view usual);

/// What stands for {region} and its like in an address; nothing when it is not known.
using Blanks = std::function<std::optional<std::string>(std::string_view name)>;
/// `url` with its blanks filled in. A filled-in value is a plain label (letters, digits, '-', '.', ':', '_'): it cannot move the
/// address elsewhere. Error: config; `param` is the name of the blank.
[[nodiscard]] Result<std::string> fill_blanks(std::string_view url, const Blanks& blanks);

}  // namespace cardea::catalog
