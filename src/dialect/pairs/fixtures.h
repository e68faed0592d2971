#pragma once
// Tests only: what every pair of dialects is asked to carry, as neutral values. A fixture is one line of the matrix.

#include <string_view>
#include <vector>

#include "model/chat.h"

namespace cardea::dialect::pairs {

struct RequestCase {
  std::string_view name;
  model::Chat chat;  ///< dialect and model are the test's to set
};
[[nodiscard]] std::vector<RequestCase> request_cases();

struct AnswerCase {
  std::string_view name;
  model::Answer answer;  ///< dialect is the test's to set
};
[[nodiscard]] std::vector<AnswerCase> answer_cases();

/// Answers whose opaque items must come back to who issued them.
[[nodiscard]] std::vector<AnswerCase> two_turn_cases();

}  // namespace cardea::dialect::pairs
