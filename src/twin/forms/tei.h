#pragma once
// Hugging Face's Text Embeddings Inference (huggingface.github.io/text-embeddings-inference): how it refuses.

#include <span>

#include "twin/task.h"

namespace cardea::twin {

extern const Form tei_form;
extern const TaskReading tei_reading;
/// At most 32 texts, none of them empty.
[[nodiscard]] Status check_tei_batch(std::span<const std::string> texts, std::string_view name);

}  // namespace cardea::twin
