#pragma once
// Providers made ready for calling: what can be prepared once per configuration is prepared here.

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/secret.h"
#include "catalog/catalog.h"
#include "dialect/dialect.h"
#include "net/dial.h"

namespace cardea::execute {

/// One enabled provider: everything of a chat request that does not depend on the request. Immutable; lives in Upstreams.
struct Upstream {
  const catalog::Provider* provider = nullptr;
  const dialect::Dialect* dialect = nullptr;
  net::Origin origin;
  std::string chat_line;  ///< request line of a chat; empty where its path depends on the request
  Secret lines;           ///< constant header lines, credentials included; no content-length, no empty line
  std::vector<dialect::FieldRule> rules;
  bool reports_stream_usage = true;  ///< it understands `stream_options.include_usage`

  /// The request line of a chat that is not always the same.
  [[nodiscard]] std::string chat_line_to(std::string_view model, dialect::Delivery delivery) const;
  /// The request line of a request to a target below the base URL.
  [[nodiscard]] std::string line_to(std::string_view method, std::string_view target) const;
  /// The same below its host, or what stands before the API's version there.
  [[nodiscard]] std::string root_line_to(std::string_view method, std::string_view target) const;
  /// As `lines`, for a body of another type; what is accepted is left to the request.
  [[nodiscard]] Secret lines_for(std::string_view content_type) const;
  /// Who issues opaque reasoning items here: the provider under its own name.
  [[nodiscard]] std::string_view deployment() const noexcept { return provider->name; }
};

/// All of a catalog's providers. Part of the configuration snapshot: immutable, shared by all threads, outlived by the catalog.
class Upstreams {
 public:
  /// Error: config, a provider whose dialect this build does not speak.
  [[nodiscard]] static Result<Upstreams> make(const catalog::Catalog& catalog);
  /// `provider` must be of that catalog.
  [[nodiscard]] const Upstream& of(const catalog::Provider& provider) const { return table_.at(&provider); }

 private:
  std::unordered_map<const catalog::Provider*, Upstream> table_;
};

/// What the network room calls the place a catalog's endpoint leads to.
[[nodiscard]] net::Origin origin_of(const catalog::Origin& origin);

}  // namespace cardea::execute
