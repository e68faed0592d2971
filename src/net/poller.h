#pragma once
// epoll, registered once per descriptor and edge-triggered.

#include <cstdint>
#include <vector>

#include "net/loop.h"

namespace cardea::net {

/// What a descriptor's owner hears. Called from wait(); it may wake tasks but must not resume them.
class PollTarget {
 public:
  virtual void on_events(std::uint32_t epoll_events) = 0;

 protected:
  ~PollTarget() = default;
};

/// The production Driver of a loop. add() and remove() belong to the loop's thread. A descriptor is closed at the end of the
/// turn, and an event carries its slot's generation, so that an event of this batch for a closed or re-used descriptor is
/// dropped.
class Poller final : public Driver {
 public:
  /// Throws std::system_error when the kernel refuses epoll or eventfd.
  Poller();
  ~Poller() override;

  /// Registers for edges of reading, writing and hang-up. False: the kernel refused (descriptor limits).
  [[nodiscard]] bool add(int fd, PollTarget& target, std::uint32_t& slot);
  /// Forgets the target; the descriptor is closed at the end of the turn.
  void remove_and_close(std::uint32_t slot, int fd);
  /// Forgets the target; the descriptor stays open and the caller's.
  void remove(std::uint32_t slot, int fd);

  [[nodiscard]] TimePoint now() override;
  void wait(std::optional<TimePoint> deadline) override;
  void end_turn() override;
  void wake() override;

  /// The poller behind a loop. The loop must have been made with one.
  [[nodiscard]] static Poller& of(Loop& loop) noexcept { return static_cast<Poller&>(loop.driver()); }

 private:
  struct Slot {
    PollTarget* target = nullptr;
    std::uint32_t generation = 0;
  };
  void forget(std::uint32_t slot);

  int epoll_;
  int wake_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<int> closing_;
};

}  // namespace cardea::net
