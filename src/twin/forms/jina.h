#pragma once
// How Jina refuses (api.jina.ai).

#include "twin/task.h"

namespace cardea::twin {

extern const Form jina_form;
extern const TaskReading jina_reading;
[[nodiscard]] Status refuse_jina(std::string_view path, std::string_view message);

}  // namespace cardea::twin
