#pragma once
// OpenAI's chat completions. A request is read in one pass without a tree: it is the upstream of the benchmarks.

#include "twin/forms/form.h"
#include "twin/forms/openai.h"

namespace cardea::twin {

/// Reads a request. Messages are taken apart into ChatRequest::turns only when the model `inspect` or `obeys` is asked, media
/// came along, the user speaks of the system prompt, or unknown fields are refused.
[[nodiscard]] Status read_openai_chat(const Ask& ask, ChatRequest& out);

/// Checks every message; fills in `last_user`, `tool_results` and `prompt_tokens`: the tokens of all texts, 3 for each message,
/// 85 for each image, sound or file, and 3 for the answer's beginning. `media`: some came along.
[[nodiscard]] Status read_messages(const json::Member& messages, ChatRequest& out, bool& media);
/// Takes the messages apart, with OpenAI's checks of what read_messages() did not look at.
[[nodiscard]] Status read_turns(UnknownFields unknown, ChatRequest& out);

[[nodiscard]] std::string openai_chat_document(const Answer& answer, const Scene& scene);
[[nodiscard]] std::unique_ptr<EventSource> openai_chat_events(const Answer& answer, const Scene& scene);

}  // namespace cardea::twin
