#include "app/sources.h"

#include <cstdlib>
#include <filesystem>

#include "app/output.h"
#include "base/text.h"

namespace cardea::app {
namespace {

constexpr std::string_view default_url = "http://127.0.0.1:8080";

struct Field {
  std::string_view flag;
  std::string_view path;
};
constexpr Field fields[] = {
    {"--data", "data"}, {"--workers", "workers"}, {"--log-level", "log.level"}, {"--log-format", "log.format"}};

std::string joined(const std::vector<std::string_view>& parts) {
  std::string text;
  for (const auto part : parts) append(text, cat(text.empty() ? "" : ",", part));
  return text;
}

}  // namespace

Result<server::Sources> sources_of(const Arguments& arguments) {
  server::Sources sources;
  sources.config_file = arguments.get("--config");
  sources.models_file = arguments.get("--models");
  sources.env = server::process_environment();
  for (const auto& field : fields) {
    if (arguments.has(field.flag)) sources.overrides.emplace_back(field.path, arguments.get(field.flag));
  }
  if (arguments.has("--listen")) sources.overrides.emplace_back("listen", joined(arguments.all("--listen")));
  for (const auto setting : arguments.all("--set")) {
    const auto equals = setting.find('=');
    if (equals == 0 || equals == std::string_view::npos) {
      return fail(Kind::config, cat("--set ", setting, ": write PATH=VALUE, such as log.level=debug"));
    }
    sources.overrides.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  return sources;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT: nothing changes the environment
  return value != nullptr ? value : "";
}

Result<Asked> place_of(const Arguments& arguments) {
  std::string url{arguments.get("--url")};
  if (url.empty()) url = environment("CARDEA_URL");
  std::string key{arguments.get("--key")};
  if (key.empty()) key = environment("CARDEA_API_KEY");
  if (key.empty()) {
    const std::string keys = environment("API_KEY");  // the gateway takes several, separated by commas; any will do
    key = trim(std::string_view{keys}.substr(0, keys.find(',')));
  }
  Asked asked;
  asked.by_name = !url.empty();
  Result<Place> place = parse_place(url.empty() ? default_url : std::string_view{url}, key);
  if (!place) return fail_with(place);
  asked.place = std::move(*place);
  return asked;
}

bool is_alive(GatewayClient& client, std::chrono::milliseconds timeout) {
  const Result<Reply> reply = client.get("/livez", timeout);
  return reply && reply->status == 200;
}

Result<std::unique_ptr<LocalGateway>> LocalGateway::start(const server::Sources& sources) {
  return start(sources, Data::of_its_own);
}
Result<std::unique_ptr<LocalGateway>> LocalGateway::start_on_data(const server::Sources& sources) {
  return start(sources, Data::the_users);
}

Result<std::unique_ptr<LocalGateway>> LocalGateway::start(const server::Sources& sources, Data data) {
  server::Configuration configuration = server::load(sources);
  if (!configuration.usable()) {
    std::string problems;
    for (const auto& problem : configuration.problems) append(problems, cat("\n", config::to_text(problem)));
    return fail(Kind::config, cat("the configuration cannot be used:", problems));
  }
  std::string folder = (std::filesystem::temp_directory_path() / "cardea-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return fail(Kind::config, cat("cannot make a folder like ", folder));
  std::unique_ptr<LocalGateway> local{new LocalGateway};
  local->folder_ = folder;
  auto& settings = configuration.settings;
  settings.listen = {cat("unix:", folder, "/socket")};
  if (data == Data::of_its_own) {
    settings.data = folder;
    settings.keys.clear();
  }
  settings.workers = 1;
  settings.log.level = config::LogLevel::off;
  settings.tls = {};
  settings.drain_seconds = 0;
  Result<std::unique_ptr<server::Gateway>> gateway = server::Gateway::start(sources, std::move(configuration));
  if (!gateway) return fail_with(gateway);
  local->gateway_ = std::move(*gateway);
  return local;
}

LocalGateway::~LocalGateway() {
  if (gateway_) gateway_->drain();
  gateway_.reset();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

Result<Place> LocalGateway::place() const { return parse_place(cat("unix:", folder_, "/socket"), ""); }

}  // namespace cardea::app
