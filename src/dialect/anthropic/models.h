#pragma once
// What Anthropic's SDKs ask besides chats: GET /v1/models and GET /v1/models/{id} ("List Models" and "Get a Model" of Anthropic's
// documentation). Bodies only. Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace cardea::dialect::claude {

struct ModelEntry {
  std::string id;
  std::string display_name;      ///< empty: as the id
  std::uint64_t created_at = 0;  ///< Unix seconds; 0 is the reference's own word for "not known"
};

/// Which of a list are asked for. Views into what it was read from.
struct ModelsPage {
  std::optional<std::string> after_id;   ///< those behind it
  std::optional<std::string> before_id;  ///< those right before it
  std::size_t limit = 20;                ///< 1 to 1000
};

/// Reads the query of a request target, without its '?': "limit=5&after_id=x". Unknown parameters are passed over; a limit out of
/// range is Kind::bad_request.
[[nodiscard]] Result<ModelsPage> parse_models_query(std::string_view query);

/// {"data":[…],"has_more","first_id","last_id"}. Kind::bad_request when the page begins at a model that is not in the list.
[[nodiscard]] Result<std::string> models_body(std::span<const ModelEntry> models, const ModelsPage& page);
/// {"type":"model","id","display_name","created_at"}
[[nodiscard]] std::string model_body(const ModelEntry& model);

}  // namespace cardea::dialect::claude
