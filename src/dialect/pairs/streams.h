#pragma once
// Tests only: whole streams, written, relayed and read.

#include <string>
#include <string_view>
#include <vector>

#include "dialect/translate.h"

namespace cardea::dialect::pairs {

struct StreamRead {
  std::vector<model::ChatEvent> events;
  Status status;
};
[[nodiscard]] StreamRead read_stream(const Dialect& dialect, std::string_view bytes);
[[nodiscard]] std::string write_stream(const Dialect& dialect, const std::vector<model::ChatEvent>& events,
                                       const AnswerContext& context, Losses& losses);

struct Relayed {
  std::string bytes;
  Status status;
};
/// Fed in pieces of the sizes that `next_size` says.
template <class NextSize>
Relayed relay_stream(Relay& relay, std::string_view stream, NextSize next_size) {
  Relayed out;
  std::string pending;
  std::vector<std::string_view> pieces;
  const auto write = [&] {
    for (const auto piece : pieces) out.bytes += piece;
    pieces.clear();
  };
  while (!stream.empty() && out.status) {
    const auto size = std::min<std::size_t>(next_size(), stream.size());
    pending += stream.substr(0, size);
    stream.remove_prefix(size);
    auto step = relay.feed(pending, pieces);
    write();
    if (step) {
      pending.erase(0, step->consumed);
    } else {
      out.status = fail_with(step);
    }
  }
  if (out.status) {
    out.status = relay.end(pending, pieces);
    write();
  }
  return out;
}

}  // namespace cardea::dialect::pairs
