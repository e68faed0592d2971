#include "catalog/dialects.h"

#include <algorithm>
#include <utility>

namespace cardea::catalog {
namespace {

using config::Dialect;

// Endings as the vendors' references write their endpoints. One that ends in another stands before it.
constexpr std::string_view openai_chats[] = {"/chat/completions"};
constexpr std::string_view responses_chats[] = {"/responses"};
constexpr std::string_view completions_chats[] = {"/completions"};
constexpr std::string_view openai_others[] = {
    "/chat/completions",     "/completions",  "/responses",          "/embeddings",  "/rerank", "/images/generations",
    "/audio/transcriptions", "/audio/speech", "/audio/translations", "/moderations", "/models"};
constexpr std::string_view anthropic_chats[] = {"/messages"};
constexpr std::string_view anthropic_others[] = {"/messages/count_tokens", "/models"};
constexpr std::string_view gemini_chats[] = {"/models/*:generateContent", "/models/*:streamGenerateContent"};
constexpr std::string_view gemini_others[] = {"/models/*:countTokens", "/models/*:embedContent", "/models"};
constexpr std::string_view bedrock_chats[] = {"/model/*/converse", "/model/*/converse-stream"};
constexpr std::string_view cohere_chats[] = {"/v2/chat"};
constexpr std::string_view cohere_others[] = {"/v2/embed", "/v2/rerank"};
constexpr std::string_view ollama_chats[] = {"/api/chat"};
constexpr std::string_view ollama_others[] = {"/api/generate", "/api/tags", "/api/embed", "/api"};
constexpr std::string_view native_chats[] = {"/cardea/v1/chat"};
constexpr std::string_view native_others[] = {"/cardea/v1/count_tokens", "/cardea/v1/models"};

// In the order of config::Dialect.
constexpr DialectFacts table[] = {
    {Dialect::openai_chat, "/v1", openai_chats, openai_others, "", "", ""},
    {Dialect::openai_responses, "/v1", responses_chats, openai_others, "", "", ""},
    {Dialect::openai_completions, "/v1", completions_chats, openai_others, "", "", ""},
    // docs.anthropic.com/en/api/versioning: the header is required, and this is its newest value.
    {Dialect::anthropic, "/v1", anthropic_chats, anthropic_others, "x-api-key", "anthropic-version: 2023-06-01", ""},
    {Dialect::gemini, "/v1beta", gemini_chats, gemini_others, "x-goog-api-key", "", "alt=sse"},
    {Dialect::bedrock, "", bedrock_chats, {}, "", "", ""},
    {Dialect::cohere, "/v2", cohere_chats, cohere_others, "", "", ""},
    {Dialect::ollama, "", ollama_chats, ollama_others, "", "", ""},
    {Dialect::native, "/cardea/v1", native_chats, native_others, "", "", ""},
};

/// The part of `path` before `ending`; the model where the ending has its star.
std::optional<Stripped> before(std::string_view path, std::string_view ending) {
  const auto star = ending.find('*');
  if (star == std::string_view::npos) {
    if (!path.ends_with(ending)) return std::nullopt;
    return Stripped{path.substr(0, path.size() - ending.size()), {}};
  }
  const auto head = ending.substr(0, star);
  const auto tail = ending.substr(star + 1);
  if (!path.ends_with(tail)) return std::nullopt;
  const auto at = path.rfind(head);
  if (at == std::string_view::npos || at + head.size() + tail.size() >= path.size()) return std::nullopt;
  const auto model = path.substr(at + head.size(), path.size() - tail.size() - at - head.size());
  if (model.find('/') != std::string_view::npos) return std::nullopt;
  return Stripped{path.substr(0, at), model};
}

std::optional<Stripped> before_any(std::string_view path, std::span<const std::string_view> endings) {
  for (const auto ending : endings) {
    if (auto found = before(path, ending)) return found;
  }
  return std::nullopt;
}

}  // namespace

const DialectFacts& facts_of(config::Dialect dialect) { return table[static_cast<std::size_t>(dialect)]; }

Stripped strip_operation(std::string_view path, const DialectFacts& facts) {
  auto found = before_any(path, facts.chats);
  if (!found) found = before_any(path, facts.others);
  if (!found) return {path, {}};
  // The version belongs to the base: "/v2/chat" is the chat of the base "/v2".
  const auto cut = path.substr(found->path.size());
  if (!facts.prefix.empty() && cut.starts_with(facts.prefix))
    found->path = path.substr(0, found->path.size() + facts.prefix.size());
  return *found;
}

std::optional<config::Dialect> dialect_of_path(std::string_view path) {
  for (const auto& facts : table) {
    if (before_any(path, facts.chats)) return facts.dialect;
  }
  return std::nullopt;
}

}  // namespace cardea::catalog
