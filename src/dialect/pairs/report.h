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
/// What a case is about.
enum class Aspect : std::uint8_t { plain, stream, tools, image, structured, thinking, error, stream_error, last_ = stream_error };
struct Row {
  std::string name;
  Aspect aspect = Aspect::plain;
  std::vector<Cell> cells;  ///< clients by upstreams
};
enum class Direction : std::uint8_t { to_upstream, to_client };
struct Table {
  std::string title;
  Direction direction = Direction::to_upstream;
  std::vector<Row> rows;
};

[[nodiscard]] inline std::string name_of(const RequestCase& one) { return std::string{one.name}; }
[[nodiscard]] inline std::string name_of(const AnswerCase& one) { return std::string{one.name}; }
[[nodiscard]] inline std::string name_of(int status) { return status == 0 ? "cut" : cat(status); }
[[nodiscard]] Aspect aspect_of(const RequestCase& one);
[[nodiscard]] Aspect aspect_of(const AnswerCase& one);
[[nodiscard]] inline Aspect aspect_of(int /*status*/) { return Aspect::error; }

/// For each aspect a line a client and a column an upstream, and below it what is lost. Every line begins with matrix_mark, by
/// which tests/run.py finds it.
inline constexpr std::string_view matrix_mark = "│ ";
[[nodiscard]] std::string matrix(const std::vector<Table>& tables);
/// docs/losses.md.
[[nodiscard]] std::string document(const std::vector<Table>& tables);

}  // namespace cardea::dialect::pairs
