// Every client's dialect against every upstream's: what is carried, what is lost and said so. Prints the matrix, and keeps
// docs/losses.md. A difference that no loss speaks of, and a loss that speaks of no difference, fail.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/text.h"
#include "dialect/pairs/flows.h"
#include "dialect/pairs/report.h"
#include "testing/golden.h"

namespace cardea::dialect::pairs {
namespace {

/// The dialects whose rules of equality compare_test.cc knows. The others are tested beside their codecs, and named here.
bool is_compared(const Dialect& dialect) {
  constexpr std::array<std::string_view, 5> names{"openai_chat", "openai_responses", "anthropic", "gemini", "bedrock"};
  return std::ranges::find(names, dialect.name()) != names.end();
}
std::vector<const Dialect*> compared() {
  std::vector<const Dialect*> out;
  for (const auto* dialect : all()) {
    if (is_compared(*dialect)) out.push_back(dialect);
  }
  return out;
}

/// Runs every case through every pair; `run` gives the outcome.
template <class Cases, class Run>
Table table_of(std::string_view title, const Cases& cases, Run run) {
  Table table{.title = std::string{title}, .rows = {}};
  for (const auto& one : cases) {
    Row row{.name = std::string{name_of(one)}, .cells = {}};
    for (const auto* client : compared()) {
      for (const auto* upstream : compared()) {
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

constexpr std::array statuses{400, 404, 429, 500, 529};
// Within a stream OpenAI's form has no word for every status.
constexpr std::array stream_statuses{400, 429, 500, 529};

class Pairs : public ::testing::Test {
 protected:
  static void show(const Table& table) { std::fputs(matrix(table).c_str(), stdout); }
};

TEST_F(Pairs, NamesWhatIsNotCompared) {
  for (const auto* dialect : all()) {
    if (!is_compared(*dialect)) std::printf("not in the matrix yet: %s\n", std::string{dialect->name()}.c_str());
  }
  EXPECT_EQ(compared().size(), 5U);
}
TEST_F(Pairs, Requests) { show(table_of("requests", request_cases(), request_outcome)); }
TEST_F(Pairs, Answers) { show(table_of("answers", answer_cases(), answer_outcome)); }
TEST_F(Pairs, Streams) { show(table_of("streams", answer_cases(), stream_outcome)); }
TEST_F(Pairs, OpaqueItemsComeBackToTheirIssuerAlone) {
  for (const auto told : {Told::whole, Told::streamed}) {
    show(table_of(told == Told::whole ? "two turns" : "two turns, streamed", two_turn_cases(),
                  [&](const Dialect& client, const Dialect& upstream, const AnswerCase& one) {
                    return two_turn_outcome(client, upstream, one, told);
                  }));
  }
}
TEST_F(Pairs, Errors) {
  show(table_of("errors", statuses, error_outcome));
  show(table_of("errors within a stream", stream_statuses, broken_stream_outcome));
  show(table_of("cut streams", std::array{0},
                [](const Dialect& client, const Dialect& upstream, int) { return cut_stream_outcome(client, upstream); }));
}

}  // namespace
}  // namespace cardea::dialect::pairs
