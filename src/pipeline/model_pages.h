#pragma once
// What models there are, in each dialect's own form.

#include <string>
#include <string_view>
#include <vector>

#include "dialect/dialect.h"
#include "pipeline/visit.h"

namespace cardea::pipeline {

/// The models that a caller may see. While the visit goes on.
struct Listing {
  explicit Listing(const Visit& visit);
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;
  [[nodiscard]] bool whole() const noexcept { return seen.empty() && entries.size() == snapshot.catalog->list().size(); }

  const Snapshot& snapshot;
  std::span<const catalog::Entry> entries;
  std::vector<catalog::Entry> seen;  ///< what entries are where they are not all
};

/// The list; `query`: of the request's target. Error: bad_request, a page that is none.
[[nodiscard]] Result<std::string> models_page(const dialect::Dialect& dialect, const Listing& listing, std::string_view query);
/// One model by its name, decoded. Error: model_not_found.
[[nodiscard]] Result<std::string> model_page(const dialect::Dialect& dialect, const Visit& visit, std::string_view name);

// Ollama's own.
[[nodiscard]] Result<std::string> loaded_page(const Listing& listing, std::uint64_t now);
[[nodiscard]] std::string version_page();
/// The model that the body names.
[[nodiscard]] Result<std::string> named_model_page(const Visit& visit, std::string_view body);

}  // namespace cardea::pipeline
