#include "limit/fair_queue.h"

#include <algorithm>

namespace cardea::limit {

std::uint32_t FairQueue::ahead_of(const Waiter& waiter) const noexcept {
  std::size_t out = 0;
  const auto own = static_cast<std::size_t>(waiter.priority);
  for (std::size_t i = 0; i < own; ++i) {
    for (const Line& line : classes_[i].lines) out += line.waiters.size();
  }
  const Class& among = classes_[own];
  std::uint64_t turn = among.now;
  for (const Line& line : among.lines) {
    if (line.tenant == waiter.tenant) turn = std::max(turn, line.turn) + line.waiters.size();
  }
  // Its own, and of each other tenant those whose turn is no later.
  for (const Line& line : among.lines) {
    if (turn >= line.turn) out += std::min<std::uint64_t>(line.waiters.size(), turn - line.turn + 1);
  }
  return static_cast<std::uint32_t>(out);
}

Waiter* FairQueue::push(Waiter& waiter) {
  Class& among = class_of(waiter);
  auto line = std::ranges::find(among.lines, waiter.tenant, &Line::tenant);
  if (line == among.lines.end()) {
    forget_some(among);
    line = among.lines.insert(among.lines.end(), Line{waiter.tenant, among.now, {}});
  }
  if (line->waiters.empty()) line->turn = std::max(line->turn, among.now);
  line->waiters.push_back(&waiter);
  if (++size_ <= size_max_) return nullptr;
  Waiter* const out = weakest();
  remove(*out);
  return out;
}

Waiter* FairQueue::weakest() noexcept {
  for (auto among = classes_.rbegin(); among != classes_.rend(); ++among) {
    // Of equally long ones that which came last.
    const Line* longest = nullptr;
    for (const Line& line : among->lines) {
      if (longest == nullptr || line.waiters.size() >= longest->waiters.size()) longest = &line;
    }
    if (longest != nullptr && !longest->waiters.empty()) return longest->waiters.back();
  }
  return nullptr;
}

Waiter* FairQueue::pop() noexcept {
  for (Class& among : classes_) {
    Line* next = nullptr;
    for (Line& line : among.lines) {
      if (!line.waiters.empty() && (next == nullptr || line.turn < next->turn)) next = &line;
    }
    if (next == nullptr) continue;
    Waiter* const out = next->waiters.front();
    next->waiters.pop_front();
    among.now = next->turn++;
    --size_;
    return out;
  }
  return nullptr;
}

bool FairQueue::remove(const Waiter& waiter) noexcept {
  Class& among = class_of(waiter);
  const auto line = std::ranges::find(among.lines, waiter.tenant, &Line::tenant);
  if (line == among.lines.end()) return false;
  const auto at = std::ranges::find(line->waiters, &waiter);
  if (at == line->waiters.end()) return false;
  line->waiters.erase(at);
  --size_;
  return true;
}

// An empty line only remembers that its tenant is ahead of the others; with too many of them that is not worth its room.
void FairQueue::forget_some(Class& among) const noexcept {
  std::erase_if(among.lines, [&](const Line& line) {
    return line.waiters.empty() && (line.turn <= among.now || among.lines.size() > 2 * std::size_t{size_max_});
  });
}

}  // namespace cardea::limit
