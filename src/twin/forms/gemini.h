#pragma once
// Google's Gemini (ai.google.dev/api/generate-content), as the Gemini API and Vertex AI speak it.

#include "twin/forms/form.h"
#include "twin/forms/reading.h"

namespace cardea::twin {

[[nodiscard]] Status read_gemini(const Ask& ask, ChatRequest& out);
/// Every turn, and how calls and responses belong together; `at` is the list.
[[nodiscard]] Status read_gemini_contents(const At& at);
/// The texts of a system instruction.
[[nodiscard]] Status read_gemini_system(const At& at, ChatRequest& request);
/// Google's own subset of OpenAPI's schema, as a JSON Schema: type names in lower case, `nullable` as a second type.
[[nodiscard]] Status read_gemini_schema(const At& at, json::Value& out);
/// Every thought signature that came is checked. Gemini 3 demands one on the first call of each step.
enum class Signatures : std::uint8_t { optional, required };
[[nodiscard]] Status check_gemini_signatures(const Reading& reading, Signatures signatures);

extern const Words gemini_words;

[[nodiscard]] std::string gemini_document(const Answer& answer, const Scene& scene);
[[nodiscard]] std::unique_ptr<EventSource> gemini_events(const Answer& answer, const Scene& scene);
[[nodiscard]] std::string gemini_failure(const Failure& failure);
/// Streams as an array have their errors in one too.
[[nodiscard]] std::string gemini_array_failure(const Failure& failure);
void gemini_failure_event(const Failure& failure, std::uint64_t said, Event& out);

}  // namespace cardea::twin
