#pragma once
// Tests only: one case through one pair of dialects, there and back.

#include <string>
#include <string_view>
#include <vector>

#include "dialect/dialect.h"
#include "dialect/pairs/fixtures.h"

namespace cardea::dialect::pairs {

/// What became of a case in a pair.
struct Outcome {
  std::vector<Loss> unsayable;  ///< what the side that speaks first cannot say at all
  std::vector<Loss> lost;       ///< what the other cannot say
  std::vector<std::string> bugs;
};

[[nodiscard]] Outcome request_outcome(const Dialect& client, const Dialect& upstream, const RequestCase& one);
[[nodiscard]] Outcome answer_outcome(const Dialect& client, const Dialect& upstream, const AnswerCase& one);
[[nodiscard]] Outcome stream_outcome(const Dialect& client, const Dialect& upstream, const AnswerCase& one);
/// The answer goes to the client, which sends it back in its next request; told whole or streamed.
enum class Told : std::uint8_t { whole, streamed };
[[nodiscard]] Outcome two_turn_outcome(const Dialect& client, const Dialect& upstream, const AnswerCase& one, Told told);
/// An error's class and words, as a body and within a stream.
[[nodiscard]] Outcome error_outcome(const Dialect& client, const Dialect& upstream, int status);
[[nodiscard]] Outcome broken_stream_outcome(const Dialect& client, const Dialect& upstream, int status);
/// A stream that is cut at many places: never a proper end.
[[nodiscard]] Outcome cut_stream_outcome(const Dialect& client, const Dialect& upstream);

}  // namespace cardea::dialect::pairs
