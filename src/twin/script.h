#pragma once
// A script: what happens to the first chat request, the second, and so on.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "twin/behaviour.h"

namespace cardea::twin {

/// An ordered list of steps, one a line:
///
///   # two refusals, then one healthy answer, then every request for `echo` hangs
///   times=2 status=429 retry-after=1
///   ok
///   times=* model=echo hang=after-head
///
/// A request takes the first step that is not used up and whose `model` (when given) it asks for; when none is left it is
/// answered in health. Values with spaces stand in double quotes. A value, one thread.
class Script {
 public:
  Script() = default;
  /// Kind::config; the message lists every wrong line with its number.
  [[nodiscard]] static Result<Script> parse(std::string_view text);
  [[nodiscard]] bool empty() const noexcept { return steps_.empty(); }
  /// Uses the step for a request to `model` up; nullptr: none.
  [[nodiscard]] const Behaviour* take(std::string_view model) noexcept;

 private:
  static constexpr std::uint64_t for_ever = ~std::uint64_t{0};
  struct Step {
    std::string model;  ///< empty: any
    std::uint64_t times = 1;
    Behaviour behaviour;
  };
  [[nodiscard]] static Status parse_line(std::string_view line, Step& step);
  std::vector<Step> steps_;
};

}  // namespace cardea::twin
