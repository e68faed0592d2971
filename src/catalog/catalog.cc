#include "catalog/catalog.h"

#include "base/text.h"
#include "catalog/data.h"

namespace cardea::catalog {
namespace {

/// "openai/gpt-4o", "openai:gpt-4o", "@openai/gpt-4o" in two; an empty provider when it is none of them.
struct Split {
  std::string_view provider;
  std::string_view model;
};
Split split(std::string_view name) {
  if (name.starts_with('@')) name.remove_prefix(1);
  // The first of the two: model names hold further slashes and colons.
  const auto at = name.find_first_of("/:");
  if (at == std::string_view::npos || at + 1 == name.size()) return {};
  return {name.substr(0, at), name.substr(at + 1)};
}

const ModelInfo* find_model(const Provider& provider, std::string_view id) {
  for (const auto& model : provider.models) {
    if (model.id == id) return &model;
  }
  return nullptr;
}

std::optional<Target> match(const Wildcard& wildcard, std::string_view model) {
  if (!model.starts_with(wildcard.prefix)) return std::nullopt;
  const auto sent = wildcard.fixed.empty() ? model.substr(wildcard.cut) : std::string_view{wildcard.fixed};
  if (sent.empty()) return std::nullopt;
  const auto* known = find_model(*wildcard.provider, sent);
  return target_of(wildcard.provider, sent, known != nullptr ? known : wildcard.info);
}

}  // namespace

Catalog::Catalog() : data_{std::make_unique<Data>()} {}
Catalog::~Catalog() = default;

Result<Target> Catalog::resolve(std::string_view model) const {
  if (const auto found = data_->names.find(model); found != data_->names.end()) return found->second;
  if (model.empty() || model.size() > name_bytes_max) return std::unexpected{not_found(model)};
  for (const auto& wildcard : data_->wildcards) {
    if (wildcard.prefix.empty()) break;  // the longest come first; "*" waits
    if (const auto target = match(wildcard, model)) return *target;
  }
  if (const auto parts = split(model); !parts.provider.empty()) {
    if (const auto* owner = provider(parts.provider)) return target_of(owner, parts.model, find_model(*owner, parts.model));
  }
  if (!data_->wildcards.empty() && data_->wildcards.back().prefix.empty()) {
    if (const auto target = match(data_->wildcards.back(), model)) return *target;
  }
  return std::unexpected{not_found(model)};
}

Error Catalog::not_found(std::string_view model) const {
  const auto refuse = [](std::string message) { return Error{Kind::model_not_found, std::move(message), "model"}; };
  if (model.empty()) return refuse("the model's name is empty");
  if (model.size() > name_bytes_max) return refuse(cat("the model's name is longer than ", name_bytes_max, " bytes"));
  if (const auto dead = data_->dead.find(model); dead != data_->dead.end())
    return refuse(cat("the model '", model, "' cannot be reached: ", dead->second));
  const auto parts = split(model);
  for (const auto& off : data_->disabled) {
    if (off.name == parts.provider) return refuse(cat("the provider '", off.name, "' is not enabled: ", off.reason));
  }
  // Guessing costs an edit distance per candidate: bounded, so that nonsense names stay cheap.
  constexpr std::size_t candidates_max = 200;
  constexpr std::size_t guess_bytes_max = 64;
  std::vector<std::string_view> candidates;
  for (const auto& entry : data_->list) {
    if (model.size() > guess_bytes_max || candidates.size() + 2 > candidates_max) break;
    candidates.push_back(entry.id);
    candidates.push_back(entry.target.model);
  }
  const auto guess = nearest(model, candidates.data(), candidates.size());
  return refuse(cat("the model '", model, "' does not exist", guess.empty() ? "" : cat("; did you mean '", guess, "'?"),
                    guess.empty() ? "; GET /v1/models lists the ones that do" : ""));
}

std::span<const Entry> Catalog::list() const { return data_->list; }

const Entry* Catalog::find(std::string_view id) const {
  const auto found = data_->list_index.find(id);
  return found == data_->list_index.end() ? nullptr : &data_->list[found->second];
}

std::span<const Provider* const> Catalog::providers() const { return data_->providers; }
std::span<const Provider* const> Catalog::upstreams() const { return data_->upstreams; }
std::span<const Disabled> Catalog::disabled() const { return data_->disabled; }

const Provider* Catalog::provider(std::string_view name) const {
  const auto found = data_->by_name.find(name);
  return found == data_->by_name.end() ? nullptr : found->second;
}

}  // namespace cardea::catalog
