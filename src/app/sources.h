#pragma once
// From flags and environment to what the server room takes.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "app/command.h"
#include "app/gateway_client.h"
#include "server/gateway.h"
#include "server/load.h"

namespace cardea::app {

/// --config, --models and the flags that stand for fields of the configuration.
[[nodiscard]] Result<server::Sources> sources_of(const Arguments& arguments);

/// A variable of the environment; empty when not set.
[[nodiscard]] std::string environment(const char* name);

/// --url and --key, else CARDEA_URL and CARDEA_API_KEY or API_KEY, else http://127.0.0.1:8080.
struct Asked {
  Place place;
  bool by_name = false;  ///< the user said which gateway; then no other will do
};
[[nodiscard]] Result<Asked> place_of(const Arguments& arguments);

/// Something that answers GET /livez with 200.
[[nodiscard]] bool is_alive(GatewayClient& client, std::chrono::milliseconds timeout);

/// A gateway inside this process, with the user's configuration but without a key, reached over a Unix socket that only this user
/// can open.
class LocalGateway {
 public:
  [[nodiscard]] static Result<std::unique_ptr<LocalGateway>> start(const server::Sources& sources);
  /// On the user's own data, to administer it by its own socket while no other gateway runs there.
  [[nodiscard]] static Result<std::unique_ptr<LocalGateway>> start_on_data(const server::Sources& sources);
  ~LocalGateway();
  LocalGateway(const LocalGateway&) = delete;
  LocalGateway& operator=(const LocalGateway&) = delete;
  [[nodiscard]] Result<Place> place() const;

 private:
  enum class Data : std::uint8_t { of_its_own, the_users };
  [[nodiscard]] static Result<std::unique_ptr<LocalGateway>> start(const server::Sources& sources, Data data);
  LocalGateway() = default;
  std::string folder_;
  std::unique_ptr<server::Gateway> gateway_;
};

}  // namespace cardea::app
