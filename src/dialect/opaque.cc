#include "dialect/passes.h"

namespace cardea::dialect {

void open_opaque(model::Chat&, const Pair&, Losses&) {}
void AnswerPasses::seal(model::Answer&) const {}
void AnswerPasses::seal(std::vector<model::ChatEvent>&) {}

}  // namespace cardea::dialect
