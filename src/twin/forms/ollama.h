#pragma once
// Ollama's own API (github.com/ollama/ollama, docs/api.md): chat and generate, streamed as lines unless told otherwise.

#include "twin/forms/form.h"
#include "twin/forms/reading.h"

namespace cardea::twin {

[[nodiscard]] Status read_ollama(const Ask& ask, ChatRequest& out);
[[nodiscard]] Status read_ollama_messages(const At& at);

extern const Words ollama_words;

[[nodiscard]] std::string ollama_document(const Answer& answer, const Scene& scene);
[[nodiscard]] std::unique_ptr<EventSource> ollama_events(const Answer& answer, const Scene& scene);
[[nodiscard]] std::string ollama_failure(const Failure& failure);
void ollama_failure_event(const Failure& failure, std::uint64_t said, Event& out);

/// "2023-11-14T22:13:20Z"
[[nodiscard]] std::string utc_time(std::uint64_t unix_seconds);

}  // namespace cardea::twin
