#pragma once
// What Ollama's clients ask besides chats, so that they find the gateway's models: GET /api/tags, /api/ps, /api/version and
// POST /api/show (docs/api.md). Bodies only; which models there are is the caller's.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cardea::dialect::ollama_native {

/// What a server of Ollama's own says of a model, as far as a gateway knows it. Views; nothing is kept.
struct ListedModel {
  std::string_view name;                            ///< as clients are to ask for it
  std::string_view family;                          ///< "llama", or the provider; may be empty
  std::optional<std::uint64_t> modified;            ///< Unix seconds
  std::optional<std::uint64_t> context_tokens;      ///< window of input and output
  std::vector<std::string_view> capabilities = {};  ///< "completion", "tools", "vision", "thinking", "embedding"
};

/// The version of Ollama's API that is spoken here: clients refuse older servers.
inline constexpr std::string_view spoken_version = "0.12.6";

/// GET /api/tags: all of them.
[[nodiscard]] std::string tags_body(std::span<const ListedModel> models);
/// GET /api/ps: those in memory, which of models elsewhere is all. `now`: Unix seconds.
[[nodiscard]] std::string ps_body(std::span<const ListedModel> models, std::uint64_t now);
/// GET /api/version
[[nodiscard]] std::string version_body(std::string_view version = spoken_version);
/// The model that a POST /api/show asks for (`model`, or the older `name`). Error: bad_request.
[[nodiscard]] Result<std::string> shown_model(std::string_view body);
/// POST /api/show
[[nodiscard]] std::string show_body(const ListedModel& model);

/// A POST to /api/chat without messages, or to /api/generate without a prompt, only loads the model (or, with a `keep_alive` of
/// 0, unloads it): the answer to that, streamed or not, since it is one line either way. Nothing for every other request.
enum class LoadPath : std::uint8_t { chat, generate };
[[nodiscard]] std::optional<std::string> load_answer(LoadPath path, std::string_view body, std::uint64_t now);

}  // namespace cardea::dialect::ollama_native
