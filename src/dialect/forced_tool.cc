#include "dialect/passes.h"

namespace cardea::dialect {

bool force_tool(model::Chat&, const Traits&) { return false; }
void AnswerPasses::unforce(model::Answer&) const {}
void AnswerPasses::unforce(std::vector<model::ChatEvent>&) {}

void AnswerPasses::apply(model::Answer& answer) {
  unforce(answer);
  name_calls(answer);
  seal(answer);
}
void AnswerPasses::apply(std::vector<model::ChatEvent>& events) {
  unforce(events);
  name_calls(events);
  seal(events);
}

}  // namespace cardea::dialect
