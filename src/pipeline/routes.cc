#include "pipeline/routes.h"

#include <array>
#include <optional>
#include <span>

#include "base/text.h"

namespace cardea::pipeline {
namespace {

using enum Operation;
using enum Policy;
using wire::Method;

constexpr std::string_view openai = "openai_chat";

// Paths below `/openai` and `/v1`: every OpenAI path is served with both, either and none of them, as SDKs and rivals spell it.
constexpr std::array api{
    Route{Method::post, "/chat/completions", chat, caller, "/v1/chat/completions", openai, "chat",
          "Answer a chat, whole or streamed"},
    Route{Method::get, "/models", list_models, caller, "/v1/models", openai, "", "List the models that can be asked for"},
    Route{Method::get, "/models/{model}", show_model, caller, "/v1/models/{model}", openai, "", "Show one model"},
};

// Paths that stand alone.
constexpr std::array own{
    Route{Method::get, "/livez", live, everyone, "/livez", openai, "", "The process runs"},
    Route{Method::get, "/health/liveliness", live, everyone, "/livez", openai, "", "The process runs"},
    Route{Method::get, "/readyz", ready, everyone, "/readyz", openai, "", "Requests are accepted (503 while draining)"},
    Route{Method::get, "/health/readiness", ready, everyone, "/readyz", openai, "", "Requests are accepted (503 while draining)"},
    Route{Method::get, "/health", health, everyone, "/health", openai, "", "State, version and number of models"},
    Route{Method::get, "/status", health, everyone, "/health", openai, "", "State, version and number of models"},
    Route{Method::get, "/metrics", metrics, scraper, "/metrics", openai, "", "Prometheus metrics"},
};

constexpr std::array<std::string_view, 2> api_prefixes{"/openai", "/v1"};

/// The parameter of a path that fits, or nothing.
std::optional<std::string_view> fit(std::string_view path, std::string_view pattern) {
  const auto brace = pattern.find('{');
  if (brace == std::string_view::npos) {
    if (path == pattern) return std::string_view{};
    return std::nullopt;
  }
  if (path.size() <= brace || path.substr(0, brace) != pattern.substr(0, brace)) return std::nullopt;
  return path.substr(brace);
}

struct Found {
  std::optional<Match> match;
  std::string_view allowed;  ///< of the path, when another method would have fitted
};

void look(std::span<const Route> table, Method method, std::string_view path, Found& found) {
  const Method wanted = method == Method::head ? Method::get : method;
  for (const Route& route : table) {
    const auto parameter = fit(path, route.path);
    if (!parameter) continue;
    if (route.method == wanted) {
      found.match = Match{&route, *parameter};
      return;
    }
    found.allowed = route.method == Method::get ? "GET, HEAD" : "POST";
  }
}

Found find(Method method, std::string_view path) {
  Found found;
  std::string_view rest = path;
  for (const auto prefix : api_prefixes) {
    if (rest.starts_with(prefix) && rest.size() > prefix.size() && rest[prefix.size()] == '/') rest.remove_prefix(prefix.size());
  }
  look(api, method, rest, found);
  if (!found.match) look(own, method, path, found);
  return found;
}

}  // namespace

Result<Match> match(Method method, std::string_view path) {
  const Found found = find(method, path);
  if (found.match) return *found.match;
  if (!found.allowed.empty()) {
    return fail(Kind::method_not_allowed, cat("this path does not take that method; use ", found.allowed));
  }
  return fail(Kind::not_found,
              cat("there is no such path: ", path.substr(0, 200), " (chat is at /v1/chat/completions, models at /v1/models)"));
}

std::string_view allowed_methods(std::string_view path) noexcept { return find(Method::other, path).allowed; }

}  // namespace cardea::pipeline
