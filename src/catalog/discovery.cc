#include <algorithm>

#include "base/text.h"
#include "catalog/data.h"
#include "catalog/embedded.h"
#include "json/value.h"

namespace cardea::catalog {

bool is_own(const Origin& origin, const config::Settings& settings) {
  for (const auto& text : settings.listen) {
    const auto address = config::parse_listen(text);
    if (!address || !address->unix_path.empty() || address->port != origin.port) continue;
    if (origin.host == address->host || origin.host == "localhost" || origin.host.starts_with("127.") || origin.host == "::1")
      return true;
  }
  return false;
}

std::vector<Probe> probes(const config::Settings& settings, const config::Env& env) {
  std::vector<Probe> out;
  if (settings.discovery == config::Switch::off) return out;
  for (const auto& file : embedded()) {
    // Only local providers have the field: the others are not worth reading.
    if (file.head.find("\"probe\":") == std::string_view::npos) continue;
    auto provider = config::read_provider(file.head, env);
    if (!provider) continue;
    for (const auto& [name, user] : settings.providers) {
      if (name == file.name) provider = config::overlay(*provider, user);
    }
    provider->base_url = local_address(provider->base_url, provider->probe);
    // Whatever dialect it will be spoken to in, they all list their models as OpenAI does.
    const auto endpoint = parse_endpoint(provider->base_url);
    if (!endpoint || endpoint->origin.scheme != Scheme::http || is_own(endpoint->origin, settings)) continue;
    out.push_back({std::string{file.name}, provider->base_url, cat("http://", endpoint->authority(), endpoint->path("/models"))});
  }
  return out;
}

Result<std::vector<std::string>> parse_models(std::string_view text) {
  constexpr std::size_t models_max = 1000;
  json::ScanOptions options;
  options.error_kind = Kind::upstream_protocol;
  options.what = "the list of models";
  const auto value = json::parse(text, options);
  if (!value) return std::unexpected{value.error().clone()};
  const auto* data = value->find("data");
  if (data == nullptr || !data->is(json::Type::array))
    return fail(Kind::upstream_protocol, "the list of models has no 'data' array");
  std::vector<std::string> out;
  for (const auto& element : data->elements()) {
    const auto* id = element.find("id");
    const auto* name = id == nullptr ? nullptr : id->as_string();
    if (name == nullptr || name->empty() || name->size() > name_bytes_max) continue;
    if (out.size() < models_max) out.push_back(*name);
  }
  return out;
}

std::vector<std::string_view> builtin_names() {
  std::vector<std::string_view> out;
  for (const auto& file : embedded()) out.push_back(file.name);
  return out;
}

std::optional<ModelInfo> builtin_model(std::string_view name) {
  const auto slash = name.find('/');
  const auto* file = slash == std::string_view::npos ? nullptr : find_embedded(name.substr(0, slash));
  if (file == nullptr) return std::nullopt;
  const auto provider = config::read_provider(file->json, [](std::string_view) { return std::optional<std::string>{}; });
  if (!provider) return std::nullopt;
  const auto model = std::ranges::find(provider->models, name.substr(slash + 1), &config::ProviderModel::id);
  return model != provider->models.end() ? std::optional{make_model(*model, *provider)} : std::nullopt;
}

}  // namespace cardea::catalog
