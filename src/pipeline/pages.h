#pragma once
// Pages about the gateway itself, and what decides on the head alone.

#include "pipeline/routes.h"
#include "pipeline/snapshot.h"
#include "wire/http1.h"

namespace cardea::pipeline {

/// Must the caller show a credential (or be local) for a route of this policy?
[[nodiscard]] bool needs_principal(Policy policy, const Snapshot& snapshot, const access::Directory& directory) noexcept;
/// A browser asking beforehand whether a page may send its request (Fetch standard, CORS-preflight).
[[nodiscard]] bool is_preflight(const wire::RequestHead& head) noexcept;
/// The value of a parameter of a query, decoded; empty when it is not there.
[[nodiscard]] std::string query_parameter(std::string_view query, std::string_view name);
/// Is a Content-Type of that media type, whatever its parameters?
[[nodiscard]] bool is_media_type(std::string_view content_type, std::string_view wanted) noexcept;
/// A query as an upstream may see it, with its question mark: without the gateway's own credential. Empty when nothing is left.
[[nodiscard]] std::string forwarded_query(std::string_view query);

}  // namespace cardea::pipeline
