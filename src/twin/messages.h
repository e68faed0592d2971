#pragma once
// The messages of a chat request, and how a request is refused.

#include "twin/request.h"

namespace cardea::twin {

/// Kind::bad_request as OpenAI words it; an empty `param` or `code` is null.
[[nodiscard]] Status refuse_request(std::string message, std::string_view param, std::string_view code);
[[nodiscard]] Status missing(std::string_view param);
[[nodiscard]] Status wrong_type(std::string_view param, std::string_view expected, std::string_view got);

/// Checks every message; fills in `last_user`, `tool_results` and `prompt_tokens`: the tokens of all texts, 3 for each message,
/// 85 for each image, sound or file, and 3 for the answer's beginning.
[[nodiscard]] Status read_messages(const json::Member& messages, ChatRequest& out);

}  // namespace cardea::twin
