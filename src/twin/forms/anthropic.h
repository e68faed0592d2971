#pragma once
// Anthropic's Messages (docs.anthropic.com/en/api/messages).

#include "twin/forms/form.h"
#include "twin/forms/reading.h"

namespace cardea::twin {

[[nodiscard]] Status read_anthropic(const Ask& ask, ChatRequest& out);
/// Every message, and how calls and results belong together; `at` is the list.
[[nodiscard]] Status read_anthropic_messages(const At& at);
/// One block of any kind.
[[nodiscard]] Status read_anthropic_block(const At& at, Part& part);
[[nodiscard]] Status read_anthropic_text(const At& at, Part& part);

/// `cache_control`, into a `cache` member.
[[nodiscard]] Status take_cache_control(const At& at, std::string& cache);
template <class T>
Status take_cache(const At& at, T& into) {
  return take_cache_control(at, into.cache);
}

extern const Words anthropic_words;

[[nodiscard]] std::string anthropic_document(const Answer& answer, const Scene& scene);
[[nodiscard]] std::unique_ptr<EventSource> anthropic_events(const Answer& answer, const Scene& scene);
[[nodiscard]] std::string anthropic_failure(const Failure& failure);
void anthropic_failure_event(const Failure& failure, std::uint64_t said, Event& out);

}  // namespace cardea::twin
