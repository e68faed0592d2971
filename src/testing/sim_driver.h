#pragma once
// Virtual time and the simulated network's events. Inside this room only.

#include <functional>
#include <map>

#include "net/loop.h"

namespace cardea::testing {

/// Time stands still while anything is ready and jumps to what comes next otherwise.
class SimDriver final : public net::Driver {
 public:
  enum class Stuck : std::uint8_t { no, deadlock, endless };

  [[nodiscard]] net::TimePoint now() override { return now_; }
  void wait(std::optional<net::TimePoint> deadline) override;
  void wake() override {}

  /// Runs `event` at `when` (events of one time in the order they were given).
  void at(net::TimePoint when, std::move_only_function<void()> event) { events_.emplace(when, std::move(event)); }
  [[nodiscard]] Stuck stuck() const noexcept { return stuck_; }
  void go_on() noexcept {
    stuck_ = Stuck::no;
    turns_ = 0;
  }

 private:
  static constexpr std::uint64_t turns_max = 1'000'000;
  net::TimePoint now_{std::chrono::hours{1}};
  std::multimap<net::TimePoint, std::move_only_function<void()>> events_;
  std::uint64_t turns_ = 0;
  Stuck stuck_ = Stuck::no;
};

}  // namespace cardea::testing
