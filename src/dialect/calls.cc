#include "dialect/passes.h"

namespace cardea::dialect {

void pair_calls(model::Chat&) {}
void AnswerPasses::name_calls(model::Answer&) {}
void AnswerPasses::name_calls(std::vector<model::ChatEvent>&) {}

}  // namespace cardea::dialect
