#include "testing/world.h"

#include <algorithm>

#include "base/text.h"
#include "testing/sim_driver.h"

namespace cardea::testing {

void SimDriver::wait(std::optional<net::TimePoint> deadline) {
  if (++turns_ > turns_max) stuck_ = Stuck::endless;
  if (!events_.empty() && (!deadline || events_.begin()->first < *deadline)) deadline = events_.begin()->first;
  if (!deadline) {
    stuck_ = Stuck::deadlock;
    return;
  }
  now_ = std::max(now_, *deadline);
  // Only what is due at the start: an event that makes another is not to run for ever.
  std::vector<std::move_only_function<void()>> due;
  while (!events_.empty() && events_.begin()->first <= now_) due.push_back(std::move(events_.extract(events_.begin()).mapped()));
  for (auto& event : due) event();
}

World::World(std::uint64_t seed, const Faults& faults)
    : random_{seed},
      loop_{std::make_unique<SimDriver>()},
      driver_{static_cast<SimDriver&>(loop_.driver())},
      scope_{loop_},
      network_{loop_, driver_, random_, trace_, faults} {
  loop_.shuffle(random_.next());
}

World::~World() = default;

net::Duration World::elapsed() const { return driver_.now() - net::TimePoint{std::chrono::hours{1}}; }

std::string World::run_until(const std::function<bool()>& done) {
  driver_.go_on();
  loop_.run_until([&] { return done() || driver_.stuck() != SimDriver::Stuck::no; });
  if (done()) return {};
  std::string report = driver_.stuck() == SimDriver::Stuck::deadlock
                           ? "deadlock: nothing is ready and no timer is armed, yet the work is not done"
                           : "endless: a million turns and the work is not done";
  const auto& lines = trace_.lines();
  for (std::size_t i = lines.size() - std::min<std::size_t>(lines.size(), 20); i < lines.size(); ++i)
    report += cat("\n  ", lines[i]);
  const std::string open = network_.open_streams();
  if (!open.empty()) report += cat("\n  open: ", open);
  return report;
}

std::string World::run() {
  const auto ended = [this] { return scope_.children() == 0; };
  std::string report = run_until(ended);
  if (!report.empty()) {
    scope_.cancel();
    report += run_until(ended);
  }
  return report;
}

}  // namespace cardea::testing
