#pragma once
// Amazon Bedrock's Converse and ConverseStream (docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html).

#include "twin/forms/form.h"
#include "twin/forms/reading.h"

namespace cardea::twin {

[[nodiscard]] Status read_bedrock(const Ask& ask, ChatRequest& out);
/// Every message, and how calls and results belong together; `at` is the list.
[[nodiscard]] Status read_bedrock_messages(const At& at);
/// `system`: texts and cache points.
[[nodiscard]] Status read_bedrock_system(const At& at, ChatRequest& request);

/// A cache point; its time to live, or "default", goes into `cache`.
[[nodiscard]] Status take_cache_point(const At& at, std::string& cache);
/// "The … object at … must set one of the following keys": exactly one member of a union is there.
[[nodiscard]] Status check_union(const At& at, std::string_view name);

extern const Words bedrock_words;

[[nodiscard]] std::string bedrock_document(const Answer& answer, const Scene& scene);
[[nodiscard]] std::unique_ptr<EventSource> bedrock_events(const Answer& answer, const Scene& scene);
[[nodiscard]] std::string bedrock_failure(const Failure& failure);
void bedrock_failure_event(const Failure& failure, std::uint64_t said, Event& out);
/// x-amzn-errortype, by which SDKs know what happened.
[[nodiscard]] std::string bedrock_failure_headers(const Failure& failure);

}  // namespace cardea::twin
