#pragma once
// What a translation would do to a request, said to a person.

#include <string>
#include <string_view>
#include <vector>

#include "dialect/translate.h"

namespace cardea::dialect {

/// One thing that a request says: where, and what (texts cut, media by kind and size).
struct Fact {
  std::string field;
  std::string value;
  bool operator==(const Fact&) const = default;
};
/// In the order of the request.
[[nodiscard]] std::vector<Fact> facts_of(const model::Chat& chat);

struct Change {
  std::string field;
  std::string from, to;
};

/// A request, and how the upstream would read it.
struct Explanation {
  std::string body;  ///< in the upstream's words
  std::vector<Fact> kept;
  std::vector<Change> changed;  ///< said in another way: a clamped number, a merged turn
  std::vector<Fact> moved;      ///< said nowhere under its own name, and not named as lost either: inside something else
  Losses losses;
};

/// Error: bad_request when the client's dialect cannot read it.
[[nodiscard]] Result<Explanation> explain(const Pair& pair, std::string_view body, const Asked& asked);

}  // namespace cardea::dialect
