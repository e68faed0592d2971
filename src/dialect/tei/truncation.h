#pragma once
// Private to the folder: where a text that is too long may be cut, in TEI's two members: `truncate` and `truncation_direction`.

#include "base/text.h"
#include "dialect/raw.h"

namespace cardea::dialect::tasks {

/// `out`: as model::Embed::truncate.
inline Status read_truncation(const Raw& root, std::optional<std::string>& out) {
  std::optional<bool> truncate;
  std::optional<std::string> side;
  Status status = read_member(root, "truncate", "", truncate);
  if (status) status = read_member(root, "truncation_direction", "", side);
  if (status && truncate) out = !*truncate ? "none" : iequals(side.value_or(""), "left") ? "start" : "end";
  return status;
}

inline void write_truncation(json::Writer& w, const std::optional<std::string>& truncate) {
  if (!truncate) return;
  w.key("truncate").boolean(*truncate != "none");
  if (*truncate == "start") w.key("truncation_direction").string("Left");
}

}  // namespace cardea::dialect::tasks
