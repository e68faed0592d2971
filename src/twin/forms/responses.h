#pragma once
// OpenAI's Responses (platform.openai.com/docs/api-reference/responses). Nothing is stored: a previous_response_id is never
// found.

#include "twin/forms/form.h"
#include "twin/forms/openai.h"

namespace cardea::twin {

[[nodiscard]] Status read_responses(const Ask& ask, ChatRequest& out);
/// `input`: a text or a list of items.
[[nodiscard]] Status read_responses_input(const At& at, ChatRequest& request);
/// `tools` and `tool_choice`.
[[nodiscard]] Status read_responses_tools(const At& at, ChatRequest& request);
[[nodiscard]] Status read_responses_choice(const At& at, ChatRequest& request);

[[nodiscard]] std::string responses_document(const Answer& answer, const Scene& scene);
[[nodiscard]] std::unique_ptr<EventSource> responses_events(const Answer& answer, const Scene& scene);
void responses_failure_event(const Failure& failure, std::uint64_t said, Event& out);

/// `include` of the request holds `what`.
[[nodiscard]] bool includes(const ChatRequest& request, std::string_view what);

}  // namespace cardea::twin
