#pragma once
// The twin: a simulated provider that speaks every chat dialect. It answers users who have no key, and it is the upstream of
// tests and benchmarks: what it says is a function of the request, how it fails is chosen by x-twin-… headers (behaviour.h) or a
// script.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "http/server.h"
#include "twin/script.h"

namespace cardea::twin {

struct ChatRequest;
struct ModelRow;
struct Target;
class Shelf;

struct ModelInfo {
  std::string_view name;  ///< without `twin/`
  std::string_view does;  ///< one sentence
};
/// What the twin offers; the first is the default. `error-STATUS` is understood too.
[[nodiscard]] std::span<const ModelInfo> models();

struct TwinOptions {
  /// Names that are not among models(): 404 as at a vendor, or answered like the default, for a twin that plays any vendor.
  enum class Names : std::uint8_t { listed, any } names = Names::listed;
  Script script;
  std::size_t body_bytes_max = 64U << 20;
  /// For `created`. Empty: the system's clock.
  std::function<std::uint64_t()> unix_seconds;
  /// Files and batches; the twins of several workers have one. Null: its own.
  std::shared_ptr<Shelf> shelf;
};

/// Every chat dialect (routes.h), under any path prefix, so that it can stand in for every vendor's base URL. One per worker, on
/// its loop; must outlive the exchanges it answers. Limits: waits ≤ 10 minutes, answers ≤ 1 M tokens or one of 128 MiB. Fails as
/// asked to.
class Twin final : public http::Handler {
 public:
  explicit Twin(TwinOptions options = {});
  net::Task<void> handle(http::Exchange& exchange) override;
  std::string refuse(const Error& error) override;

 private:
  [[nodiscard]] net::Task<Status> dispatch(http::Exchange& exchange);
  [[nodiscard]] net::Task<Status> show(http::Exchange& exchange, Target target, const Behaviour& behaviour);
  [[nodiscard]] net::Task<Status> chat(http::Exchange& exchange, const Target& target, Behaviour behaviour);
  [[nodiscard]] net::Task<Status> task(http::Exchange& exchange, const Target& target, Behaviour behaviour);
  [[nodiscard]] net::Task<Status> play(http::Exchange& exchange, const Target& target, ChatRequest& request,
                                       const ModelRow& model, const Behaviour& behaviour);
  TwinOptions options_;
};

}  // namespace cardea::twin
