#pragma once
// The models of a gateway, as a table for people.

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "catalog/catalog.h"

namespace cardea::app {

/// What a gateway says of one model.
struct ListedModel {
  std::string id;
  std::string owner;
  std::string type;                  ///< "llm", "embedding", …; empty: not said
  std::uint64_t context_tokens = 0;  ///< 0: unknown
  std::uint64_t output_tokens = 0;   ///< the most of one answer; 0: unknown
  std::string input_price;           ///< US dollars per token as a decimal; empty: unknown
  std::string output_price;
};

/// From the body of GET /v1/models.
[[nodiscard]] Result<std::vector<ListedModel>> read_models(std::string_view json);
/// From a catalog of this process.
[[nodiscard]] std::vector<ListedModel> list_models(const catalog::Catalog& catalog);

/// Those whose id contains `filter` (any case; empty: all), as a table with context and price per million tokens.
[[nodiscard]] std::string model_table(const std::vector<ListedModel>& models, std::string_view filter);

/// Whom to talk to when nobody was named: the user's own first (ids without a provider), then the cheapest that answers chats,
/// then any, then the twin.
[[nodiscard]] std::string choose_model(const std::vector<ListedModel>& models);

/// "0.00000015" (per token) → "0.15" (per million); empty stays empty.
[[nodiscard]] std::string per_million(std::string_view per_token);

}  // namespace cardea::app
