#pragma once
// The audit log for people and for programs.

#include <string>
#include <vector>

#include "store/registry.h"

namespace cardea::app {

/// 1764000000123 → "2025-11-24T16:00:00.123Z" (RFC 3339).
[[nodiscard]] std::string time_text(std::int64_t unix_ms);
/// A table; the lines in the order given.
[[nodiscard]] std::string audit_table(const std::vector<store::AuditLine>& lines);
/// One JSON object a line, everything in it.
[[nodiscard]] std::string audit_json(const std::vector<store::AuditLine>& lines);
/// What a look at the whole log found, in a sentence or two.
[[nodiscard]] std::string verdict_text(const store::AuditVerdict& verdict);

}  // namespace cardea::app
