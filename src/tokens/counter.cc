#include "tokens/counter.h"

#include <algorithm>
#include <array>

#include "tokens/embedded.h"
#include "tokens/merge.h"
#include "tokens/pieces.h"

namespace cardea::tokens {
namespace {

constexpr std::size_t piece_bytes_max = 64 * 1024;

}  // namespace

struct Counter::State {
  std::array<std::unique_ptr<Pieces>, 2> pieces;
  Merger merger;

  Pieces& pieces_of(Encoding encoding) {
    auto& found = pieces[static_cast<std::size_t>(encoding)];
    if (!found) found = std::make_unique<Pieces>(encoding);
    return *found;
  }

  /// visit(piece) for every piece, in order.
  template <class Visit>
  void each_piece(Encoding encoding, std::string_view text, Visit visit) {
    Pieces& cutter = pieces_of(encoding);
    while (!text.empty()) {
      const std::string_view good = text.substr(0, cutter.well_formed(text));
      for (std::size_t at = 0; at < good.size();) {
        std::size_t size = cutter.next(good, at);
        for (; size > piece_bytes_max; size -= piece_bytes_max, at += piece_bytes_max) visit(good.substr(at, piece_bytes_max));
        visit(good.substr(at, size));
        at += size;
      }
      text.remove_prefix(good.size());
      if (text.empty()) break;
      visit(text.substr(0, 1));
      text.remove_prefix(1);
    }
  }
};

Counter::Counter() : state_{std::make_unique<State>()} {}
Counter::~Counter() = default;

std::uint64_t Counter::count(Encoding encoding, std::string_view text) {
  const Ranks ranks = embedded(encoding);
  std::uint64_t tokens = 0;
  state_->each_piece(encoding, text, [&](std::string_view piece) {
    tokens += ranks.find(piece) != Ranks::none ? 1 : state_->merger.starts(ranks, piece).size();
  });
  return tokens;
}

std::vector<std::uint32_t> Counter::encode(Encoding encoding, std::string_view text) {
  const Ranks ranks = embedded(encoding);
  std::vector<std::uint32_t> out;
  state_->each_piece(encoding, text, [&](std::string_view piece) {
    if (const std::uint32_t whole = ranks.find(piece); whole != Ranks::none) return out.push_back(whole);
    const auto& starts = state_->merger.starts(ranks, piece);
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const std::size_t end = i + 1 < starts.size() ? starts[i + 1] : piece.size();
      out.push_back(ranks.find(piece.substr(starts[i], end - starts[i])));
    }
  });
  return out;
}

}  // namespace cardea::tokens
