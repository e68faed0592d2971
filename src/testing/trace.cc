#include "testing/trace.h"

namespace cardea::testing {

void Trace::note(std::string_view line) {
  const auto mix = [this](char c) { hash_ = (hash_ ^ static_cast<std::uint8_t>(c)) * 0x100000001b3; };
  for (const char c : line) mix(c);
  mix('\n');
  if (lines_.size() < lines_max) lines_.emplace_back(line);
}

}  // namespace cardea::testing
