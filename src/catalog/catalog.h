#pragma once
// What exists: providers and models as data, and the way from a model's name to the place that answers it.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "catalog/endpoint.h"
#include "catalog/prices.h"
#include "config/loader.h"
#include "config/settings.h"

namespace cardea::catalog {

using config::Capability;
using config::ModelType;
using config::Quirks;

struct Provider;

struct ModelInfo {
  std::string id;  ///< the provider's own name
  ModelType type = ModelType::llm;
  std::uint32_t context_tokens = 0;     ///< 0 = unknown
  std::uint32_t max_output_tokens = 0;  ///< 0 = unknown
  std::uint32_t capabilities = 0;       ///< bit 1 << Capability
  Price price;
  std::string as_of, source;  ///< of the figures
  config::RateLimit rate_limit;
  config::Map<std::string> tasks;       ///< as Provider::tasks, and above them
  std::string workflow;                 ///< a graph of ComfyUI's (JSON); empty: the standard one
  const Provider* served_by = nullptr;  ///< its provider in another dialect; null: its provider as it is
  [[nodiscard]] bool can(Capability what) const { return (capabilities >> static_cast<unsigned>(what) & 1) != 0; }
};

/// Keys of AWS, for its Signature Version 4.
struct SigV4 {
  std::string access_key;
  Secret secret_key;
  Secret session_token;  ///< empty: there is none
  std::string region;
  std::string service;
};
/// A Google service account, whose key buys access tokens (RFC 7523) at `token_url`.
struct ServiceAccount {
  std::string client_email;
  std::string key_id;  ///< may be empty
  Secret private_key;  ///< PEM
  std::string token_url;
};
/// How a request proves who sends it: by constant lines, which stand in Provider::head (or need not), or signed anew each time.
using Signer = std::variant<std::monostate, SigV4, ServiceAccount>;

/// How a chat is answered.
enum class Delivery : std::uint8_t { whole, stream };

/// One enabled upstream. Immutable; lives as long as its Catalog.
struct Provider {
  std::string name;         ///< "openai"; of a registry entry with its own endpoint: host of the endpoint
  std::string public_name;  ///< what clients are told: the name, or "registry" where that is an address of the inside
  std::string title;
  std::string dialect;  ///< name of a dialect: "openai_chat"
  Endpoint endpoint;
  std::string authority;  ///< value of the Host header
  Secret head;            ///< header lines to send, each ending in CRLF: credentials and the provider's own headers (no Host)
  Signer signer;          ///< of what `head` cannot hold
  Secret key;             ///< the bare credential, for scrubbing upstream error texts
  Quirks quirks;
  std::string chat_template, stream_template;  ///< where chats go, with {model}; empty: where the dialect says
  /// In which form it does work that is no chat, by the work's name, where its dialect does not say: {"rerank", "tei"}.
  config::Map<std::string> tasks;
  std::vector<ModelInfo> models;
  /// Request target of an operation: path("/embeddings") → "/v1/embeddings", path("/x?alt=sse") → "/v1beta/x?alt=sse".
  [[nodiscard]] std::string path(std::string_view target) const { return endpoint.path(target); }
  /// The target below the base URL of a chat at a provider that has it elsewhere than its dialect says
  /// ("/models/claude-x:rawPredict"); empty: Dialect::chat_target() counts.
  [[nodiscard]] std::string own_target(std::string_view model, Delivery delivery) const;
};

/// Where one request goes. A handle: valid while the Catalog lives and, for names passed through, the caller's string too.
struct Target {
  const Provider* provider = nullptr;  ///< never null in a resolved Target
  std::string_view model;              ///< the name to send upstream
  const ModelInfo* info = nullptr;     ///< null: nothing is known about it
};

/// One row of GET /v1/models.
struct Entry {
  std::string id;
  std::string owned_by;
  std::int64_t created = 0;  ///< Unix time of the figures; a constant when unknown
  Target target;
};

/// A provider that is known and not on.
struct Disabled {
  std::string name;
  std::string reason;  ///< "set GROQ_API_KEY"
};

/// A local server to ask at start: GET `models_url`; a 200 answer goes to parse_models().
struct Probe {
  std::string provider;
  std::string base_url;    ///< "http://127.0.0.1:11434"
  std::string models_url;  ///< "http://127.0.0.1:11434/v1/models"
};
/// What a probe found.
struct Discovered {
  std::string provider;
  std::string base_url;
  std::vector<std::string> models;
};
/// Ids of a `GET /v1/models` answer; at most 1,000 of at most 256 bytes. Error: upstream_protocol.
[[nodiscard]] Result<std::vector<std::string>> parse_models(std::string_view json);
/// The local servers worth asking under these settings; never an address Cardea itself listens on.
[[nodiscard]] std::vector<Probe> probes(const config::Settings& settings, const config::Env& env);

/// Every built-in provider's name, in order of preference for plain model names.
[[nodiscard]] std::vector<std::string_view> builtin_names();

/// What the built-in data says of "provider/model", whether or not the provider is on.
[[nodiscard]] std::optional<ModelInfo> builtin_model(std::string_view name);

class Catalog;
struct Built {
  std::shared_ptr<const Catalog> catalog;  ///< null when a problem is an error
  std::vector<config::Problem> problems;
  std::vector<std::string> files;  ///< read on the way (credentials): to be watched
};
/// Reads a file that the configuration or the environment names. Error: "cannot be read: …".
using ReadFile = std::function<Result<std::string>(const std::string& path)>;
struct BuildOptions {
  std::span<const Discovered> found = {};
  ReadFile read = {};
  /// Of settings that could be read in part only, names that lead nowhere are not reported: what they name may be in the rest.
  enum class Settings : std::uint8_t { whole, partial } settings = Settings::whole;
};
/// Built-in data + settings + environment + what discovery found. Thread: any; the result is immutable.
[[nodiscard]] Built build(const config::Settings& settings, const config::Env& env, const BuildOptions& options = {});

/// Immutable; shared by all threads; owns everything a Target points to.
class Catalog {
 public:
  /// The target of a model name. The first match of:
  ///  1. aliases, then names of `models:` – what the user wrote
  ///  2. the user's names ending in `*`, the longest prefix first (but not the bare `*`)
  ///  3. `provider/model`, also `provider:model` and `@provider/model`; a model that is not listed is passed on as it is
  ///  4. a plain name, at the enabled provider of the lowest `order` that lists it
  ///  5. the bare `*`
  /// No allocation on success; one hash lookup for every listed name. A plain name with a slash ("openai/gpt-oss-120b") belongs
  /// to the provider before the slash while that one is enabled. Error: model_not_found with the nearest name, or with what to
  /// set to enable its provider.
  [[nodiscard]] Result<Target> resolve(std::string_view model) const;

  [[nodiscard]] std::span<const Entry> list() const;                 ///< sorted: own models and aliases first
  [[nodiscard]] const Entry* find(std::string_view id) const;        ///< a row of list()
  [[nodiscard]] std::span<const Provider* const> providers() const;  ///< enabled ones, in order of preference
  /// The same, and each once more for every further dialect that some of its models are served in: every Target's provider.
  [[nodiscard]] std::span<const Provider* const> upstreams() const;
  [[nodiscard]] std::span<const Disabled> disabled() const;
  [[nodiscard]] const Provider* provider(std::string_view name) const;

  ~Catalog();
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

 private:
  friend class Builder;
  Catalog();
  [[nodiscard]] Error not_found(std::string_view model) const;
  struct Data;
  std::unique_ptr<Data> data_;
};

}  // namespace cardea::catalog
