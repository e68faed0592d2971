#pragma once
// Who is next: priority first, then whichever tenant had least, each tenant's in order. Pure.

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

namespace cardea::limit {

enum class Priority : std::uint8_t { high, normal, low, last_ = low };

/// One that waits. Made and kept by whoever waits; a queue holds a pointer.
struct Waiter {
  std::uint64_t tenant = 0;  ///< whose turn it uses
  Priority priority = Priority::normal;
};

/// A bounded queue. Priorities are strict: a lower one waits while a higher one has anybody. Within one, tenants share by
/// start-time fair queueing (Goyal, Vin and Cheng, 1996): who sends ten times as much waits for its own, and one that had nothing
/// lately is next. Not synchronised. Cost: linear in the tenants that wait, of which there are few.
class FairQueue {
 public:
  explicit FairQueue(std::uint32_t size_max) noexcept : size_max_{size_max} {}

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  /// How many would go before one that came now.
  [[nodiscard]] std::uint32_t ahead_of(const Waiter& waiter) const noexcept;
  /// Puts it in. In a full queue whoever stands last in the longest line of the lowest priority has to go, which may be the
  /// newcomer: who went is returned. Null: nobody had to.
  [[nodiscard]] Waiter* push(Waiter& waiter);
  /// Takes out who is next. Null: nobody.
  [[nodiscard]] Waiter* pop() noexcept;
  /// Takes it out. False: it is not there.
  bool remove(const Waiter& waiter) noexcept;

 private:
  struct Line {
    std::uint64_t tenant;
    std::uint64_t turn;  ///< virtual time at which its first one, or the next to come, may start
    std::deque<Waiter*> waiters;
  };
  struct Class {
    std::vector<Line> lines;  ///< empty ones too, while they had more than others
    std::uint64_t now = 0;    ///< virtual: the turn of who went last
  };
  [[nodiscard]] Class& class_of(const Waiter& waiter) noexcept { return classes_[static_cast<std::size_t>(waiter.priority)]; }
  void forget_some(Class& among) const noexcept;
  /// The last of the longest line of the lowest priority.
  [[nodiscard]] Waiter* weakest() noexcept;

  std::array<Class, static_cast<std::size_t>(Priority::last_) + 1> classes_;
  std::uint32_t size_ = 0;
  std::uint32_t size_max_;
};

}  // namespace cardea::limit
