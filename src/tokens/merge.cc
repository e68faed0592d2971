#include "tokens/merge.h"

#include <algorithm>
#include <functional>

namespace cardea::tokens {
namespace {

/// Up to here looking through all parts for the lowest rank is faster than a heap of them.
constexpr std::size_t short_bytes = 64;
/// What is kept for the next piece.
constexpr std::size_t kept_bytes = 4096;
constexpr std::uint32_t gone = UINT32_MAX;

}  // namespace

const std::vector<std::uint32_t>& Merger::starts(const Ranks& ranks, std::string_view piece) {
  if (parts_.capacity() > kept_bytes) {
    parts_ = {};
    heap_ = {};
    starts_ = {};
  }
  parts_.clear();
  starts_.clear();
  piece.size() <= short_bytes ? short_piece(ranks, piece) : long_piece(ranks, piece);
  return starts_;
}

void Merger::short_piece(const Ranks& ranks, std::string_view piece) {
  const auto size = static_cast<std::uint32_t>(piece.size());
  for (std::uint32_t i = 0; i < size; ++i)
    parts_.push_back({i, i + 1 < size ? ranks.find(piece.substr(i, 2)) : Ranks::none, 0, 0});
  const auto end_of = [&](std::size_t part) { return part + 1 < parts_.size() ? parts_[part + 1].start : size; };
  const auto rank_of = [&](std::size_t part) {
    if (part + 1 >= parts_.size()) return Ranks::none;
    return ranks.find(piece.substr(parts_[part].start, end_of(part + 1) - parts_[part].start));
  };
  for (;;) {
    const auto least = std::ranges::min_element(parts_, {}, &Part::rank);
    if (least->rank == Ranks::none) break;
    const auto part = static_cast<std::size_t>(least - parts_.begin());
    parts_.erase(least + 1);
    parts_[part].rank = rank_of(part);
    if (part > 0) parts_[part - 1].rank = rank_of(part - 1);
  }
  for (const Part& part : parts_) starts_.push_back(part.start);
}

void Merger::long_piece(const Ranks& ranks, std::string_view piece) {
  const auto size = static_cast<std::uint32_t>(piece.size());
  heap_.clear();
  parts_.reserve(size);
  for (std::uint32_t i = 0; i < size; ++i)
    parts_.push_back({i, i + 1 < size ? ranks.find(piece.substr(i, 2)) : Ranks::none, i == 0 ? gone : i - 1, i + 1});
  for (std::uint32_t i = 0; i < size; ++i) {
    if (parts_[i].rank != Ranks::none) heap_.push_back(std::uint64_t{parts_[i].rank} << 32 | i);
  }
  std::ranges::make_heap(heap_, std::greater{});
  // A part is named by where it begins, so its index is its start; `next` of the last one is `size`.
  const auto judge = [&](std::uint32_t part) {
    const std::uint32_t right = parts_[part].next;
    const std::uint32_t rank = right == size ? Ranks::none : ranks.find(piece.substr(part, parts_[right].next - part));
    parts_[part].rank = rank;
    if (rank == Ranks::none) return;
    heap_.push_back(std::uint64_t{rank} << 32 | part);
    std::ranges::push_heap(heap_, std::greater{});
  };
  while (!heap_.empty()) {
    std::ranges::pop_heap(heap_, std::greater{});
    const std::uint64_t least = heap_.back();
    heap_.pop_back();
    const auto part = static_cast<std::uint32_t>(least);
    if (parts_[part].rank != least >> 32) continue;
    const std::uint32_t right = parts_[part].next;
    parts_[part].next = parts_[right].next;
    if (parts_[part].next != size) parts_[parts_[part].next].previous = part;
    parts_[right].rank = Ranks::none;
    judge(part);
    if (parts_[part].previous != gone) judge(parts_[part].previous);
  }
  for (std::uint32_t part = 0; part < size; part = parts_[part].next) starts_.push_back(part);
}

}  // namespace cardea::tokens
