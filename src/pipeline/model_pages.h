#pragma once
// What models there are, in each dialect's own form.

#include <string>
#include <string_view>

#include "dialect/dialect.h"
#include "pipeline/snapshot.h"

namespace cardea::pipeline {

/// The list; `query`: of the request's target. Error: bad_request, a page that is none.
[[nodiscard]] Result<std::string> models_page(const dialect::Dialect& dialect, const Snapshot& snapshot, std::string_view query);
/// One model by its name, decoded. Error: model_not_found.
[[nodiscard]] Result<std::string> model_page(const dialect::Dialect& dialect, const Snapshot& snapshot, std::string_view name);

// Ollama's own.
[[nodiscard]] Result<std::string> loaded_page(const Snapshot& snapshot, std::uint64_t now);
[[nodiscard]] std::string version_page();
/// The model that the body names.
[[nodiscard]] Result<std::string> named_model_page(const Snapshot& snapshot, std::string_view body);

}  // namespace cardea::pipeline
