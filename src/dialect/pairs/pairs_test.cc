// Every client's dialect against every upstream's: what is carried, what is lost and said so. Prints the matrix, and keeps
// docs/losses.md. A difference that no loss speaks of, and a loss that speaks of no difference, fail.

#include <gtest/gtest.h>

#include <array>
#include <cstdio>

#include "dialect/pairs/flows.h"
#include "dialect/pairs/report.h"
#include "testing/golden.h"

namespace cardea::dialect::pairs {
namespace {

/// Runs every case through every pair; `run` gives the outcome. `aspect`: of all cases; absent: of each its own.
template <class Cases, class Run>
Table table_of(std::string_view title, Direction direction, std::optional<Aspect> aspect, const Cases& cases, Run run) {
  Table table{.title = std::string{title}, .direction = direction, .rows = {}};
  for (const auto& one : cases) {
    Row row{.name = name_of(one), .aspect = aspect ? *aspect : aspect_of(one), .cells = {}};
    for (const auto* client : all()) {
      for (const auto* upstream : all()) {
        auto outcome = run(*client, *upstream, one);
        for (const auto& bug : outcome.bugs) {
          ADD_FAILURE() << client->name() << " → " << upstream->name() << ", " << title << ", " << row.name << ": " << bug;
        }
        row.cells.push_back({.client = client->name(), .upstream = upstream->name(), .outcome = std::move(outcome)});
      }
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

const Table& requests() {
  static const Table table = table_of("Requests", Direction::to_upstream, std::nullopt, request_cases(), request_outcome);
  return table;
}
const Table& answers() {
  static const Table table = table_of("Answers", Direction::to_client, std::nullopt, answer_cases(), answer_outcome);
  return table;
}
const Table& streams() {
  static const Table table = table_of("Streams", Direction::to_client, Aspect::stream, answer_cases(), stream_outcome);
  return table;
}
Table two_turns(std::string_view title, Told told) {
  return table_of(title, Direction::to_client, Aspect::thinking, two_turn_cases(),
                  [&](const Dialect& client, const Dialect& upstream, const AnswerCase& one) {
                    return two_turn_outcome(client, upstream, one, told);
                  });
}
const Table& opaque_items() {
  static const Table table = two_turns("Opaque items over two turns", Told::whole);
  return table;
}
const Table& streamed_opaque_items() {
  static const Table table = two_turns("Opaque items over two turns, streamed", Told::streamed);
  return table;
}
const Table& errors() {
  static const Table table =
      table_of("Errors", Direction::to_client, Aspect::error, std::array{400, 404, 429, 500, 529}, error_outcome);
  return table;
}
/// Within a stream OpenAI's form has no word for every status.
const Table& stream_errors() {
  static const Table table = table_of("Errors within a stream", Direction::to_client, Aspect::stream_error,
                                      std::array{400, 429, 500, 529}, broken_stream_outcome);
  return table;
}
const Table& cut_streams() {
  static const Table table =
      table_of("Cut streams", Direction::to_client, Aspect::stream_error, std::array{0},
               [](const Dialect& client, const Dialect& upstream, int) { return cut_stream_outcome(client, upstream); });
  return table;
}

/// No pair and no case is left out.
void expect_full(const Table& table) {
  EXPECT_FALSE(table.rows.empty());
  for (const auto& row : table.rows) EXPECT_EQ(row.cells.size(), all().size() * all().size()) << row.name;
}

TEST(Pairs, Requests) { expect_full(requests()); }
TEST(Pairs, Answers) { expect_full(answers()); }
TEST(Pairs, Streams) { expect_full(streams()); }
TEST(Pairs, OpaqueItemsComeBackToTheirIssuerAlone) { expect_full(opaque_items()); }
TEST(Pairs, OpaqueItemsComeBackFromStreams) { expect_full(streamed_opaque_items()); }
TEST(Pairs, Errors) { expect_full(errors()); }
TEST(Pairs, ErrorsWithinStreams) { expect_full(stream_errors()); }
TEST(Pairs, CutStreams) { expect_full(cut_streams()); }

TEST(Pairs, Matrix) {
  const auto shown = matrix(
      {requests(), answers(), streams(), opaque_items(), streamed_opaque_items(), errors(), stream_errors(), cut_streams()});
  std::fputs(shown.c_str(), stdout);
}

/// `./dev docs` writes it.
TEST(Pairs, LossesAreDocumented) {
  EXPECT_EQ(testing::golden("docs/losses.md", document({requests(), answers(), streams(), opaque_items(), stream_errors()})), "");
}

}  // namespace
}  // namespace cardea::dialect::pairs
