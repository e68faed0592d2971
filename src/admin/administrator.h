#pragma once
// The administration: changes and shows tenants, keys, members and the secrets of providers, by its own API and by LiteLLM's
// names for the same.

#include <optional>
#include <string>
#include <string_view>

#include "access/registry.h"
#include "base/secret.h"
#include "pipeline/administration.h"
#include "store/registry.h"

namespace cardea::admin {

/// Keys of providers that were given at run time. Owned by whoever builds the upstreams; any thread.
class ProviderKeys {
 public:
  template <class T>
  using Then = access::Registry::Then<T>;
  /// Where a provider's key comes from. Error: not_found, there is no such provider.
  enum class Source : std::uint8_t { none, configuration, store };
  [[nodiscard]] virtual Result<Source> source(std::string_view provider) const = 0;
  /// Sealed, durable and in use on every worker when `then` hears of it.
  virtual void set(access::Caller caller, std::string_view provider, Secret key, Then<Status> then) = 0;
  virtual void remove(access::Caller caller, std::string_view provider, Then<Status> then) = 0;

 protected:
  ~ProviderKeys() = default;
};

struct Parts {
  access::Registry& registry;
  store::RegistryStore& store;
  ProviderKeys* provider_keys = nullptr;  ///< null: none can be given
};

/// Answers what the route table calls administration; `form` of a route names the row of a table here. Any thread; its parts
/// outlive it.
class Administrator final : public pipeline::Administration {
 public:
  explicit Administrator(Parts parts) : parts_{parts} {}
  [[nodiscard]] net::Task<Result<pipeline::AdminAnswer>> answer(const pipeline::AdminCall& call) override;

 private:
  Parts parts_;
};

/// Does anything here answer routes of that `form`?
[[nodiscard]] bool knows(std::string_view form) noexcept;
/// The administration described: OpenAPI 3.1, made of the route table.
[[nodiscard]] std::string openapi_document();

}  // namespace cardea::admin
