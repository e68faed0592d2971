#pragma once
// Tests only: the matrix for the terminal, and docs/losses.md.

#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "dialect/pairs/flows.h"

namespace cardea::dialect::pairs {

struct Cell {
  std::string_view client, upstream;
  Outcome outcome;
};
struct Row {
  std::string name;
  std::vector<Cell> cells;  ///< clients by upstreams
};
struct Table {
  std::string title;
  std::vector<Row> rows;
};

[[nodiscard]] inline std::string name_of(const RequestCase& one) { return std::string{one.name}; }
[[nodiscard]] inline std::string name_of(const AnswerCase& one) { return std::string{one.name}; }
[[nodiscard]] inline std::string name_of(int status) { return status == 0 ? "cut" : cat(status); }

/// One line a case and client, one column an upstream: "ok", "–" where the side that speaks first cannot say it, else the losses.
[[nodiscard]] std::string matrix(const Table& table);
/// The tables of docs/losses.md.
[[nodiscard]] std::string document(const std::vector<Table>& tables);

}  // namespace cardea::dialect::pairs
