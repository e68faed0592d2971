#pragma once
// What a Gemini client asks beside chats: the models there are, and how many tokens a prompt has
// (ai.google.dev/api/models, ai.google.dev/api/tokens).

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "dialect/dialect.h"

namespace cardea::dialect::google {

/// A model as it is listed. Views: they outlive the call.
struct ListedModel {
  std::string_view id;            ///< as clients ask for it; may contain slashes
  std::string_view display_name;  ///< empty: the id
  std::string_view description;
  std::string_view version;  ///< empty: "001"
  std::optional<std::uint64_t> input_token_limit;
  std::optional<std::uint64_t> output_token_limit;
  bool chat = true;
  bool embeddings = false;
  bool thinking = false;
};

/// The name in a path or in a token: "models/x" is x.
[[nodiscard]] std::string_view model_id(std::string_view name) noexcept;
/// The body of GET /v1beta/models/{id}.
[[nodiscard]] std::string model_body(const ListedModel& model);
/// The body of GET /v1beta/models. `page_size` and `page_token`: as in the query, decoded, may be empty (50 models a page, at
/// most 1,000). Error bad_request: they are none.
[[nodiscard]] Result<std::string> models_body(std::span<const ListedModel> models, std::string_view page_size,
                                              std::string_view page_token);
/// The answer of :countTokens. (Its request is a chat's: Dialect::decode_request() reads it.)
[[nodiscard]] std::string count_tokens_body(std::uint64_t total, std::optional<std::uint64_t> cached = std::nullopt);
/// What an upstream answers to it. Error upstream_protocol.
[[nodiscard]] Result<std::uint64_t> read_count_tokens(std::string_view body);

}  // namespace cardea::dialect::google
