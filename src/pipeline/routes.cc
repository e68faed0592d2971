#include "pipeline/routes.h"

#include <array>
#include <optional>
#include <span>
#include <utility>

#include "base/text.h"

namespace cardea::pipeline {
namespace {

using enum Operation;
using enum Policy;
using wire::Method;
using namespace std::string_view_literals;

constexpr std::string_view openai = "openai_chat";
constexpr std::string_view responses = "openai_responses";

constexpr std::array openai_routes{
    Route{Method::post, "/chat/completions", chat, caller, "/v1/chat/completions", openai, "chat",
          "Answer a chat, whole or streamed"},
    Route{Method::post, "/responses", chat, caller, "/v1/responses", responses, "chat",
          "Answer a chat in the Responses form, whole or streamed"},
    Route{Method::post, "/responses/input_tokens", count_tokens, caller, "/v1/responses/input_tokens", responses, "",
          "Count a request's tokens"},
    Route{Method::get, "/responses/{id}/input_items", list_input_items, caller, "/v1/responses/{id}/input_items", responses, "",
          "List what a stored response was asked, earlier turns included"},
    Route{Method::post, "/responses/{id}/cancel", cancel_response, caller, "/v1/responses/{id}/cancel", responses, "",
          "Cancel a response made in the background"},
    Route{Method::get, "/responses/{id}", show_response, caller, "/v1/responses/{id}", responses, "", "Show a stored response"},
    Route{Method::delete_, "/responses/{id}", delete_response, caller, "/v1/responses/{id}", responses, "",
          "Delete a stored response"},
    Route{Method::post, "/completions", chat, caller, "/v1/completions", "openai_completions", "text_completion",
          "Continue a text (the older form)"},
    Route{Method::post, "/images/generations", forward_document, caller, "/v1/images/generations", openai, "image_generation",
          "Draw pictures, whole or streamed"},
    Route{Method::post, "/images/edits", forward_upload, caller, "/v1/images/edits", openai, "image_edit", "Change pictures"},
    Route{Method::post, "/images/variations", forward_upload, caller, "/v1/images/variations", openai, "image_variation",
          "Vary a picture"},
    Route{Method::post, "/audio/speech", forward_document, caller, "/v1/audio/speech", openai, "speech", "Speak a text"},
    Route{Method::post, "/audio/transcriptions", forward_upload, caller, "/v1/audio/transcriptions", openai, "transcription",
          "Write down what is said"},
    Route{Method::post, "/audio/translations", forward_upload, caller, "/v1/audio/translations", openai, "translation",
          "Write down in English what is said"},
    Route{"/embeddings", embed, "/v1/embeddings", openai, "openai", "embeddings", "Turn texts into vectors"},
    Route{"/moderations", moderate, "/v1/moderations", openai, "openai", "moderation", "Judge texts and images"},
    Route{"/rerank", rerank, "/v1/rerank", openai, "jina", "rerank",
          "Rank documents, as Jina, vLLM and Cohere's older API have it (with `texts`: as TEI has it)"},
    Route{"/tokenize", tokenize, "/tokenize", openai, "vllm", "tokenize", "Cut a text into a model's tokens, as vLLM has it"},
    Route{"/detokenize", detokenize, "/detokenize", openai, "vllm", "detokenize", "Put a model's tokens together again"},
    Route{Method::post, "/files", create_file, caller, "/v1/files", openai, "", "Upload a file to the provider that keeps it"},
    Route{Method::get, "/files", list_objects, caller, "/v1/files", openai, "", "List the caller's files"},
    Route{Method::get, "/files/{id}/content", use_object, caller, "/v1/files/{id}/content", openai, "", "A file's bytes"},
    Route{Method::get, "/files/{id}", use_object, caller, "/v1/files/{id}", openai, "", "Show a file"},
    Route{Method::delete_, "/files/{id}", use_object, caller, "/v1/files/{id}", openai, "", "Delete a file"},
    Route{Method::post, "/batches", create_batch, caller, "/v1/batches", openai, "", "Have a file of requests answered later"},
    Route{Method::get, "/batches", list_objects, caller, "/v1/batches", openai, "", "List the caller's batches"},
    Route{Method::post, "/batches/{id}/cancel", use_object, caller, "/v1/batches/{id}/cancel", openai, "", "Cancel a batch"},
    Route{Method::get, "/batches/{id}", use_object, caller, "/v1/batches/{id}", openai, "", "Show a batch"},
    Route{Method::get, "/models", list_models, caller, "/v1/models", openai, "", "List the models that can be asked for"},
    Route{Method::get, "/models/{model}", show_model, caller, "/v1/models/{model}", openai, "", "Show one model"},
};

constexpr std::array anthropic_routes{
    Route{Method::post, "/messages", chat, caller, "/v1/messages", "anthropic", "chat", "Answer a chat in Anthropic's form"},
    Route{Method::post, "/messages/count_tokens", count_tokens, caller, "/v1/messages/count_tokens", "anthropic", "",
          "Count a request's tokens"},
    Route{Method::get, "/models", list_models, caller, "/v1/models", "anthropic", "",
          "List the models, in Anthropic's form (with the header anthropic-version)"},
    Route{Method::get, "/models/{model}", show_model, caller, "/v1/models/{model}", "anthropic", "", "Show one model"},
};

constexpr std::array gemini_routes{
    Route{Method::post, "/models/{model}:generateContent", chat, caller, "/v1beta/models/{model}:generateContent", "gemini",
          "generate_content", "Answer a chat in Gemini's form", Streams::never},
    Route{Method::post, "/models/{model}:streamGenerateContent", chat, caller, "/v1beta/models/{model}:streamGenerateContent",
          "gemini", "generate_content", "Stream a chat in Gemini's form, as events (alt=sse) or as one array", Streams::always},
    Route{"/models/{model}:embedContent", embed, "/v1beta/models/{model}:embedContent", "gemini", "gemini", "embeddings",
          "Turn a content into a vector, in Gemini's form"},
    Route{"/models/{model}:batchEmbedContents", embed, "/v1beta/models/{model}:batchEmbedContents", "gemini", "gemini_batch",
          "embeddings", "Turn contents into vectors, in Gemini's form"},
    Route{"/models/{model}:predict", embed, "/v1beta/models/{model}:predict", "gemini", "vertex", "embeddings",
          "Turn texts into vectors, in Vertex AI's form"},
    Route{Method::post, "/models/{model}:countTokens", count_tokens, caller, "/v1beta/models/{model}:countTokens", "gemini", "",
          "Count a request's tokens"},
    Route{Method::get, "/models", list_models, caller, "/v1beta/models", "gemini", "", "List the models, in Gemini's form"},
    Route{Method::get, "/models/{model}", show_model, caller, "/v1beta/models/{model}", "gemini", "", "Show one model"},
};

constexpr std::array bedrock_routes{
    Route{Method::post, "/model/{model}/converse", chat, caller, "/model/{model}/converse", "bedrock", "chat",
          "Answer a chat in the form of Bedrock's Converse", Streams::never},
    Route{Method::post, "/model/{model}/converse-stream", chat, caller, "/model/{model}/converse-stream", "bedrock", "chat",
          "Stream a chat in the form of Bedrock's ConverseStream", Streams::always},
};

constexpr std::array cohere_routes{
    Route{Method::post, "/chat", chat, caller, "/v2/chat", "cohere", "chat", "Answer a chat in Cohere's form (v2)"},
    Route{"/embed", embed, "/v2/embed", "cohere", "cohere", "embeddings",
          "Turn texts and images into vectors, in Cohere's form (v2)"},
    Route{"/rerank", rerank, "/v2/rerank", "cohere", "cohere", "rerank", "Rank documents, in Cohere's form (v2)"},
};

constexpr std::array ollama_routes{
    Route{Method::post, "/chat", chat, caller, "/api/chat", "ollama", "chat", "Answer a chat in Ollama's own form"},
    Route{Method::post, "/generate", chat, caller, "/api/generate", "ollama_generate", "text_completion",
          "Continue a text in Ollama's own form"},
    Route{"/embed", embed, "/api/embed", "ollama", "ollama", "embeddings", "Turn texts into vectors, in Ollama's own form"},
    Route{"/embeddings", embed, "/api/embeddings", "ollama", "ollama_embeddings", "embeddings",
          "Turn a text into a vector, in Ollama's older form"},
    Route{Method::get, "/tags", list_models, caller, "/api/tags", "ollama", "", "List the models, in Ollama's form"},
    Route{Method::get, "/ps", list_loaded, caller, "/api/ps", "ollama", "", "List the models, as Ollama lists loaded ones"},
    Route{Method::post, "/show", show_named_model, caller, "/api/show", "ollama", "", "Show the model that the body names"},
    Route{Method::get, "/version", api_version, caller, "/api/version", "ollama", "",
          "The version of Ollama's API that is spoken"},
};

constexpr std::array native_routes{
    Route{Method::post, "/chat", chat, caller, "/cardea/v1/chat", "native", "chat",
          "Answer a chat in Cardea's own form, JSON or XML"},
    Route{Method::post, "/count_tokens", count_tokens, caller, "/cardea/v1/count_tokens", "native", "",
          "Count a request's tokens"},
    Route{"/embeddings", embed, "/cardea/v1/embeddings", "native", "native", "embeddings",
          "Turn texts and images into vectors, in Cardea's own form, JSON or XML"},
    Route{"/rerank", rerank, "/cardea/v1/rerank", "native", "native", "rerank", "Rank documents, in Cardea's own form"},
    Route{"/moderations", moderate, "/cardea/v1/moderations", "native", "native", "moderation",
          "Judge texts and images, in Cardea's own form"},
    Route{"/tokenize", tokenize, "/cardea/v1/tokenize", "native", "native", "tokenize",
          "Cut a text into a model's tokens, in Cardea's own form"},
    Route{"/detokenize", detokenize, "/cardea/v1/detokenize", "native", "native", "detokenize",
          "Put a model's tokens together again, in Cardea's own form"},
    Route{Method::get, "/models", list_models, caller, "/cardea/v1/models", "native", "",
          "List the models, in Cardea's own form"},
    Route{Method::get, "/models/{model}", show_model, caller, "/cardea/v1/models/{model}", "native", "", "Show one model"},
};

// Two spellings, every method: the first part of the path is the provider's name.
consteval Route raw(Method method, std::string_view path, std::string_view label) {
  return Route{method, path, pass_through, caller, label, openai, "", "The provider's own API, with its key added"};
}
constexpr std::string_view p_label = "/p/{provider}/{path}";
constexpr std::string_view passthrough_label = "/passthrough/{provider}/{path}";
constexpr std::array raw_routes{
    raw(Method::get, "/p/{path}", p_label),
    raw(Method::post, "/p/{path}", p_label),
    raw(Method::put, "/p/{path}", p_label),
    raw(Method::patch, "/p/{path}", p_label),
    raw(Method::delete_, "/p/{path}", p_label),
    raw(Method::get, "/passthrough/{path}", passthrough_label),
    raw(Method::post, "/passthrough/{path}", passthrough_label),
    raw(Method::put, "/passthrough/{path}", passthrough_label),
    raw(Method::patch, "/passthrough/{path}", passthrough_label),
    raw(Method::delete_, "/passthrough/{path}", passthrough_label),
};

// The administration (docs/admin.md). What has a further word behind the id comes before what is done to the thing itself.
constexpr std::array admin_table{
    Route{Method::get, "/organizations", read, "/admin/v1/organizations", admin_words, "organizations.list",
          "List the organisations within reach"},
    Route{Method::post, "/organizations", manage, "/admin/v1/organizations", admin_words, "organizations.create",
          "Make an organisation"},
    Route{Method::get, "/organizations/{id}", read, "/admin/v1/organizations/{id}", admin_words, "organizations.show",
          "Show an organisation"},
    Route{Method::patch, "/organizations/{id}", manage, "/admin/v1/organizations/{id}", admin_words, "organizations.update",
          "Change an organisation (merge patch, RFC 7396)"},
    Route{Method::delete_, "/organizations/{id}", manage, "/admin/v1/organizations/{id}", admin_words, "organizations.remove",
          "Remove an organisation and all that belongs to it"},
    Route{Method::get, "/teams", read, "/admin/v1/teams", admin_words, "teams.list", "List the teams within reach"},
    Route{Method::post, "/teams", manage, "/admin/v1/teams", admin_words, "teams.create", "Make a team"},
    Route{Method::get, "/teams/{id}", read, "/admin/v1/teams/{id}", admin_words, "teams.show", "Show a team"},
    Route{Method::patch, "/teams/{id}", manage, "/admin/v1/teams/{id}", admin_words, "teams.update",
          "Change a team (merge patch, RFC 7396)"},
    Route{Method::delete_, "/teams/{id}", manage, "/admin/v1/teams/{id}", admin_words, "teams.remove",
          "Remove a team and all that belongs to it"},
    Route{Method::get, "/projects", read, "/admin/v1/projects", admin_words, "projects.list", "List the projects within reach"},
    Route{Method::post, "/projects", manage, "/admin/v1/projects", admin_words, "projects.create", "Make a project"},
    Route{Method::get, "/projects/{id}", read, "/admin/v1/projects/{id}", admin_words, "projects.show", "Show a project"},
    Route{Method::patch, "/projects/{id}", manage, "/admin/v1/projects/{id}", admin_words, "projects.update",
          "Change a project (merge patch, RFC 7396)"},
    Route{Method::delete_, "/projects/{id}", manage, "/admin/v1/projects/{id}", admin_words, "projects.remove",
          "Remove a project and all that belongs to it"},
    Route{Method::get, "/keys", read, "/admin/v1/keys", admin_words, "keys.list", "List the keys within reach"},
    Route{Method::post, "/keys", manage, "/admin/v1/keys", admin_words, "keys.create", "Make a key"},
    Route{Method::post, "/keys/{id}/rotate", manage, "/admin/v1/keys/{id}/rotate", admin_words, "keys.rotate",
          "Give a key another value; the old one is good for `overlap` longer"},
    Route{Method::post, "/keys/{id}/revoke", manage, "/admin/v1/keys/{id}/revoke", admin_words, "keys.revoke",
          "No value of a key is good any more"},
    Route{Method::post, "/keys/{id}/block", operate, "/admin/v1/keys/{id}/block", admin_words, "keys.block", "Let a key rest"},
    Route{Method::post, "/keys/{id}/unblock", operate, "/admin/v1/keys/{id}/unblock", admin_words, "keys.unblock",
          "Let a key in again"},
    Route{Method::get, "/keys/{id}", read, "/admin/v1/keys/{id}", admin_words, "keys.show", "Show a key"},
    Route{Method::patch, "/keys/{id}", manage, "/admin/v1/keys/{id}", admin_words, "keys.update",
          "Change a key (merge patch, RFC 7396)"},
    Route{Method::delete_, "/keys/{id}", manage, "/admin/v1/keys/{id}", admin_words, "keys.remove", "Remove a key"},
    Route{Method::get, "/users", read, "/admin/v1/users", admin_words, "users.list", "List the end users within reach"},
    Route{Method::post, "/users", manage, "/admin/v1/users", admin_words, "users.create", "Make an end user"},
    Route{Method::get, "/users/{id}", read, "/admin/v1/users/{id}", admin_words, "users.show", "Show an end user"},
    Route{Method::patch, "/users/{id}", manage, "/admin/v1/users/{id}", admin_words, "users.update",
          "Change an end user (merge patch, RFC 7396)"},
    Route{Method::delete_, "/users/{id}", manage, "/admin/v1/users/{id}", admin_words, "users.remove", "Remove an end user"},
    Route{Method::get, "/members", read, "/admin/v1/members", admin_words, "members.list", "List the members within reach"},
    Route{Method::post, "/members", manage, "/admin/v1/members", admin_words, "members.create", "Make a member"},
    Route{Method::get, "/members/{id}", read, "/admin/v1/members/{id}", admin_words, "members.show", "Show a member"},
    Route{Method::patch, "/members/{id}", manage, "/admin/v1/members/{id}", admin_words, "members.update",
          "Change a member (merge patch, RFC 7396)"},
    Route{Method::delete_, "/members/{id}", manage, "/admin/v1/members/{id}", admin_words, "members.remove", "Remove a member"},
    Route{Method::get, "/providers/{name}/key", read, "/admin/v1/providers/{name}/key", admin_words, "provider_key.show",
          "Has the provider a key, and whence?"},
    Route{Method::put, "/providers/{name}/key", operate, "/admin/v1/providers/{name}/key", admin_words, "provider_key.set",
          "Give the provider a key; it is kept sealed"},
    Route{Method::delete_, "/providers/{name}/key", operate, "/admin/v1/providers/{name}/key", admin_words, "provider_key.remove",
          "Forget the provider's key"},
    Route{Method::get, "/roles", read, "/admin/v1/roles", admin_words, "roles.list", "The roles and what they may"},
    Route{Method::get, "/audit", read, "/admin/v1/audit", admin_words, "audit.list", "Who changed what, the newest first"},
    Route{Method::get, "/openapi.json", read, "/admin/v1/openapi.json", admin_words, "openapi",
          "This administration, described (OpenAPI 3.1)"},
};

// The same by the names that scripts written for LiteLLM's proxy call.
constexpr std::array litellm_table{
    Route{Method::post, "/key/generate", manage, "/key/generate", openai, "litellm.key.generate",
          "Make a key, in LiteLLM's form"},
    Route{Method::post, "/key/update", manage, "/key/update", openai, "litellm.key.update", "Change a key"},
    Route{Method::post, "/key/delete", manage, "/key/delete", openai, "litellm.key.delete", "Remove keys"},
    Route{Method::get, "/key/info", known, "/key/info", openai, "litellm.key.info", "A key, or the caller's own"},
    Route{Method::get, "/key/list", read, "/key/list", openai, "litellm.key.list", "List the keys"},
    Route{Method::post, "/key/regenerate", manage, "/key/regenerate", openai, "litellm.key.regenerate",
          "Give a key another value"},
    Route{Method::post, "/key/{key}/regenerate", manage, "/key/{key}/regenerate", openai, "litellm.key.regenerate",
          "Give a key another value"},
    Route{Method::post, "/key/block", operate, "/key/block", openai, "litellm.key.block", "Let a key rest"},
    Route{Method::post, "/key/unblock", operate, "/key/unblock", openai, "litellm.key.unblock", "Let a key in again"},
    Route{Method::post, "/team/new", manage, "/team/new", openai, "litellm.team.new", "Make a team"},
    Route{Method::post, "/team/update", manage, "/team/update", openai, "litellm.team.update", "Change a team"},
    Route{Method::post, "/team/delete", manage, "/team/delete", openai, "litellm.team.delete", "Remove teams"},
    Route{Method::get, "/team/info", read, "/team/info", openai, "litellm.team.info", "Show a team and its keys"},
    Route{Method::get, "/team/list", read, "/team/list", openai, "litellm.team.list", "List the teams"},
    Route{Method::post, "/team/block", operate, "/team/block", openai, "litellm.team.block", "Let a team rest"},
    Route{Method::post, "/team/unblock", operate, "/team/unblock", openai, "litellm.team.unblock", "Let a team in again"},
    Route{Method::post, "/team/member_add", manage, "/team/member_add", openai, "litellm.team.member_add",
          "Make somebody a member of a team"},
    Route{Method::post, "/organization/new", manage, "/organization/new", openai, "litellm.organization.new",
          "Make an organisation"},
    Route{Method::get, "/organization/info", read, "/organization/info", openai, "litellm.organization.info",
          "Show an organisation"},
    Route{Method::get, "/organization/list", read, "/organization/list", openai, "litellm.organization.list",
          "List the organisations"},
    Route{Method::post, "/user/new", manage, "/user/new", openai, "litellm.user.new",
          "Make a member of the gateway, and a key for it"},
    Route{Method::get, "/user/info", read, "/user/info", openai, "litellm.user.info", "Show a member"},
    Route{Method::post, "/user/update", manage, "/user/update", openai, "litellm.user.update", "Change a member"},
    Route{Method::post, "/customer/new", manage, "/customer/new", openai, "litellm.customer.new", "Make an end user"},
    Route{Method::get, "/customer/info", read, "/customer/info", openai, "litellm.customer.info", "Show an end user"},
    Route{Method::post, "/customer/update", manage, "/customer/update", openai, "litellm.customer.update", "Change an end user"},
    Route{Method::post, "/customer/block", operate, "/customer/block", openai, "litellm.customer.block", "Let end users rest"},
    Route{Method::post, "/customer/unblock", operate, "/customer/unblock", openai, "litellm.customer.unblock",
          "Let end users in again"},
    Route{Method::get, "/model/info", caller, "/model/info", openai, "litellm.model.info",
          "List the models, as LiteLLM's administration does"},
    Route{Method::get, "/v1/model/info", caller, "/v1/model/info", openai, "litellm.model.info",
          "List the models, as LiteLLM's administration does"},
};

// Pages of the gateway itself, which stand alone, and what nobody has below a version.
constexpr std::array own_routes{
    Route{Method::get, "/v1/key", known, "/v1/key", admin_words, "key.own", "The key that is calling"},
    Route{"/embed", embed, "/embed", openai, "tei", "embeddings",
          "Turn texts into vectors, in TEI's form with the `model` beside it"},
    Route{Method::get, "/livez", live, everyone, "/livez", openai, "", "The process runs"},
    Route{Method::get, "/health/liveliness", live, everyone, "/livez", openai, "", "The process runs"},
    Route{Method::get, "/readyz", ready, everyone, "/readyz", openai, "", "Requests are accepted (503 while draining)"},
    Route{Method::get, "/health/readiness", ready, everyone, "/readyz", openai, "", "Requests are accepted (503 while draining)"},
    Route{Method::get, "/health", health, everyone, "/health", openai, "", "State, version and number of models"},
    Route{Method::get, "/status", health, everyone, "/health", openai, "", "State, version and number of models"},
    Route{Method::get, "/login", log_in, everyone, "/login", openai, "", "Log in at the provider of OpenID Connect (oidc)"},
    Route{Method::get, "/callback", log_in_ends, everyone, "/callback", openai, "", "Where that provider sends people back"},
    Route{Method::post, "/logout", log_out, everyone, "/logout", openai, "", "End the session of the request's cookie"},
    Route{Method::post, "/oauth/token", get_token, everyone, "/oauth/token", openai, "",
          "Exchange a key for a short-lived token (OAuth 2.0 client credentials)"},
    Route{Method::get, "/metrics", metrics, scraper, "/metrics", openai, "", "Prometheus metrics"},
};

/// A vendor's paths: below its name (`/anthropic/v1/messages`) or without, below one of the versions its SDKs use.
struct Family {
  std::string_view dialect;
  std::array<std::string_view, 2> names;     ///< may lead the path; then no other family is meant
  std::array<std::string_view, 3> versions;  ///< one of them follows; an empty one: none need follow. Unused ones are "-"
  std::span<const Route> routes;
};

constexpr std::string_view no = "-";
constexpr std::array families{
    Family{openai, {"/openai", no}, {"/v1", "", no}, openai_routes},
    Family{"anthropic", {"/anthropic", no}, {"/v1", "", no}, anthropic_routes},
    Family{"gemini", {"/gemini", "/genai"}, {"/v1beta", "/v1", "/v1alpha"}, gemini_routes},
    Family{"bedrock", {"/bedrock", no}, {"", no, no}, bedrock_routes},
    Family{"cohere", {"/cohere", no}, {"/v2", no, no}, cohere_routes},
    Family{"ollama", {"/ollama", no}, {"/api", no, no}, ollama_routes},
    Family{"native", {no, no}, {"/cardea/v1", no, no}, native_routes},
    Family{"", {no, no}, {"/admin/v1", no, no}, admin_table},
    Family{"", {no, no}, {"", no, no}, raw_routes},
    Family{"", {no, no}, {"", no, no}, litellm_table},
    Family{"", {no, no}, {"", no, no}, own_routes},
};

/// Takes `segment` off the front of `path`.
bool take(std::string_view& path, std::string_view segment) {
  if (!path.starts_with(segment) || path.size() == segment.size() || path[segment.size()] != '/') return false;
  path.remove_prefix(segment.size());
  return true;
}

/// The parameter of a path that fits, or nothing.
std::optional<std::string_view> fit(std::string_view path, const Route& route) {
  const std::size_t literal = route.before.size() + route.behind.size();
  if (route.before.size() == route.path.size()) {
    if (path == route.path) return std::string_view{};
    return std::nullopt;
  }
  if (path.size() <= literal || !path.starts_with(route.before) || !path.ends_with(route.behind)) return std::nullopt;
  return path.substr(route.before.size(), path.size() - literal);
}

struct Found {
  std::optional<Match> match;
  unsigned allowed = 0;  ///< of the path, when another method would have fitted: bits of `allowances`
};

constexpr std::array allowances{std::pair{Method::get, "GET, HEAD"sv}, std::pair{Method::post, "POST"sv},
                                std::pair{Method::put, "PUT"sv}, std::pair{Method::patch, "PATCH"sv},
                                std::pair{Method::delete_, "DELETE"sv}};
constexpr unsigned allowance_of(Method method) {
  for (unsigned i = 0; i < allowances.size(); ++i) {
    if (allowances[i].first == method) return 1U << i;
  }
  return 0;
}
std::string text_of(unsigned allowed) {
  std::string out;
  for (unsigned i = 0; i < allowances.size(); ++i) {
    if ((allowed >> i & 1) != 0) out += cat(out.empty() ? "" : ", ", allowances[i].second);
  }
  return out;
}

void look(std::span<const Route> table, Method method, std::string_view path, Found& found) {
  const Method wanted = method == Method::head ? Method::get : method;
  for (const Route& route : table) {
    const auto parameter = fit(path, route);
    if (!parameter) continue;
    if (route.method == wanted) {
      found.match = Match{&route, *parameter};
      return;
    }
    found.allowed |= allowance_of(route.method);
  }
}

/// The first version that fits is the one that is meant: no path below a version begins with another.
void look(const Family& family, Method method, std::string_view path, Found& found) {
  for (const auto version : family.versions) {
    if (version == no) return;
    std::string_view rest = path;
    if (version.empty() || take(rest, version)) return look(family.routes, method, rest, found);
  }
}

/// Below a vendor's name only its own paths count.
void look_below_names(Method method, std::string_view path, Found& found) {
  for (const Family& family : families) {
    for (const auto name : family.names) {
      std::string_view rest = path;
      if (take(rest, name)) look(family, method, rest, found);
    }
  }
}

Found find(Method method, std::string_view path, std::string_view preferred) {
  Found found;
  for (const Family& family : families) {
    if (!preferred.empty() && family.dialect != preferred) continue;
    look(family, method, path, found);
    if (found.match) return found;
  }
  look_below_names(method, path, found);
  return found;
}

}  // namespace

std::optional<access::Permission> permission_of(Policy policy) noexcept {
  switch (policy) {
    case Policy::everyone:
    case Policy::scraper:
    case Policy::known: return std::nullopt;
    case Policy::caller: return access::Permission::call;
    case Policy::read: return access::Permission::read;
    case Policy::operate: return access::Permission::operate;
    case Policy::manage: return access::Permission::manage;
    case Policy::own: return access::Permission::own;
  }
  std::unreachable();
}

Result<Match> match(Method method, std::string_view path, std::string_view preferred) {
  const Found found = find(method, path, preferred);
  if (found.match) return *found.match;
  if (found.allowed != 0) {
    return fail(Kind::method_not_allowed, cat("this path does not take that method; use ", text_of(found.allowed)));
  }
  return fail(Kind::not_found,
              cat("there is no such path: ", path.substr(0, 200), " (chat is at /v1/chat/completions, models at /v1/models)"));
}

Result<Match> match(const wire::RequestHead& head) {
  Result<Match> found = match(head.method(), head.path());
  const bool shared = found && found->route->operation != Operation::chat && found->route->dialect == openai;
  // A path below a vendor's name says itself whose it is; Anthropic's clients say it in a header.
  if (shared && head.find("anthropic-version") && !head.path().starts_with("/openai/")) {
    Result<Match> theirs = match(head.method(), head.path(), "anthropic");
    if (theirs) return theirs;
  }
  return found;
}

std::span<const Route> admin_routes() noexcept { return admin_table; }
std::span<const Route> litellm_routes() noexcept { return litellm_table; }

std::string allowed_methods(std::string_view path) { return text_of(find(Method::other, path, {}).allowed); }

}  // namespace cardea::pipeline
