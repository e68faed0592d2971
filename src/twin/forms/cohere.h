#pragma once
// Cohere's chat, version 2 (docs.cohere.com/reference/chat).

#include "twin/forms/form.h"
#include "twin/forms/reading.h"

namespace cardea::twin {

[[nodiscard]] Status read_cohere(const Ask& ask, ChatRequest& out);
/// Every message, and how calls and results belong together; `at` is the list.
[[nodiscard]] Status read_cohere_messages(const At& at);

extern const Words cohere_words;

[[nodiscard]] std::string cohere_document(const Answer& answer, const Scene& scene);
[[nodiscard]] std::unique_ptr<EventSource> cohere_events(const Answer& answer, const Scene& scene);
[[nodiscard]] std::string cohere_failure(const Failure& failure);
void cohere_failure_event(const Failure& failure, std::uint64_t said, Event& out);

}  // namespace cardea::twin
