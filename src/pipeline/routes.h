#pragma once
// Every path the gateway answers, declared once: who may use it, what it does, how it is documented.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "access/principal.h"
#include "base/error.h"
#include "wire/http1.h"

namespace cardea::pipeline {

enum class Operation : std::uint8_t {
  chat,
  count_tokens,
  embed,
  rerank,
  moderate,
  tokenize,
  detokenize,
  show_response,
  delete_response,
  list_input_items,
  cancel_response,
  forward_document,
  forward_upload,
  create_file,
  create_batch,
  list_objects,
  use_object,
  pass_through,
  list_models,
  show_model,
  show_named_model,
  list_loaded,
  api_version,
  live,
  ready,
  health,
  metrics,
  administer,
  log_in,
  log_in_ends,
  log_out,
  get_token
};

/// Where a chat says whether it wants a stream.
enum class Streams : std::uint8_t { as_the_body_says, never, always };

/// Who may use a route. A route without a policy does not compile.
enum class Policy : std::uint8_t {
  everyone,  ///< no credential asked: answers nothing that is worth hiding
  caller,    ///< an authenticated principal
  scraper,   ///< as `metrics.auth` says
  known,     ///< an authenticated principal, whatever its role
  // Of the administration, by the caller's role (access::Permission); the tenant decides besides what there is to see.
  read,     ///< auditors and above
  operate,  ///< operators and above
  manage,   ///< admins and above
  own,      ///< owners
};

/// What a policy that asks for a principal asks of its role; nothing: any will do.
[[nodiscard]] std::optional<access::Permission> permission_of(Policy policy) noexcept;
/// What stands for a dialect where errors are problem details.
inline constexpr std::string_view admin_words = "admin";

struct Route {
  wire::Method method;
  std::string_view path;  ///< below the family's prefixes; `{…}` stands for one or more characters, slashes included
  Operation operation;
  Policy policy;
  std::string_view label;    ///< the path as documented and as metrics and logs name it
  std::string_view dialect;  ///< whose bodies and error shapes it speaks
  std::string_view name;     ///< gen_ai.operation.name; empty when no model is called
  std::string_view summary;
  Streams streams;
  std::string_view form = {};                                ///< of work that is no chat: the name of its dialect::TaskFormat;
                                                             ///< of administration: what is done ("keys.create")
  std::string_view before = path.substr(0, path.find('{'));  ///< of `path`: literal
  std::string_view behind = before == path ? std::string_view{} : path.substr(path.find('}') + 1);  ///< the same

  consteval Route(wire::Method m, std::string_view p, Operation o, Policy w, std::string_view l, std::string_view d,
                  std::string_view n, std::string_view s, Streams t = Streams::as_the_body_says)
      : method{m}, path{p}, operation{o}, policy{w}, label{l}, dialect{d}, name{n}, summary{s}, streams{t} {}
  /// Work that is no chat: never streamed.
  consteval Route(std::string_view p, Operation o, std::string_view l, std::string_view d, std::string_view f, std::string_view n,
                  std::string_view s)
      : method{wire::Method::post},
        path{p},
        operation{o},
        policy{Policy::caller},
        label{l},
        dialect{d},
        name{n},
        summary{s},
        streams{Streams::never},
        form{f} {}
  /// Administration. `d`: "admin" for problem details, or the dialect in whose words errors are said.
  consteval Route(wire::Method m, std::string_view p, Policy w, std::string_view l, std::string_view d, std::string_view f,
                  std::string_view s)
      : method{m},
        path{p},
        operation{Operation::administer},
        policy{w},
        label{l},
        dialect{d},
        summary{s},
        streams{Streams::never},
        form{f} {}
};

/// All routes of the administration, for its own description of itself.
[[nodiscard]] std::span<const Route> admin_routes() noexcept;
[[nodiscard]] std::span<const Route> litellm_routes() noexcept;

struct Match {
  const Route* route;
  std::string_view parameter;  ///< what `{…}` stands for, undecoded
};

/// The route of a request, decided by method and path alone. HEAD is served as GET. Error: not_found, or method_not_allowed when
/// the path exists (allowed_methods() says which).
/// `preferred`: the dialect to take where several share a path.
[[nodiscard]] Result<Match> match(wire::Method method, std::string_view path, std::string_view preferred = {});
/// The same for a head: `anthropic-version` tells Anthropic's clients from OpenAI's.
[[nodiscard]] Result<Match> match(const wire::RequestHead& head);
/// Value of an Allow header for a path that exists.
[[nodiscard]] std::string allowed_methods(std::string_view path);

}  // namespace cardea::pipeline
