#pragma once
// A whole world in one process: virtual time, seeded scheduling and an in-memory network with faults. One seed is one world.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "net/loop.h"
#include "net/scope.h"
#include "testing/network.h"
#include "testing/trace.h"

namespace cardea::testing {

class SimDriver;

/// A loop with time that jumps to the next deadline when nothing is ready, and a network that belongs to it. The same seed and
/// the same code give the same trace. For tests; one thread.
///
///     World world{seed, {.split_max = 7}};
///     world.scope().spawn(client(world.network().dialer(), …));
///     EXPECT_EQ(world.run(), "");
class World {
 public:
  explicit World(std::uint64_t seed, const Faults& faults = {});
  ~World();

  [[nodiscard]] net::Loop& loop() noexcept { return loop_; }
  /// What run() waits for. Servers that go on for ever belong into a scope of their own below `loop()`, cancelled and joined by
  /// the test.
  [[nodiscard]] net::Scope& scope() noexcept { return scope_; }
  [[nodiscard]] SimNetwork& network() noexcept { return network_; }
  [[nodiscard]] Random& random() noexcept { return random_; }
  [[nodiscard]] Trace& trace() noexcept { return trace_; }
  /// Virtual time since the start.
  [[nodiscard]] net::Duration elapsed() const;

  /// Runs until `scope()` has no children. Empty, or what is wrong: a deadlock (nothing ready, no timer, yet children) or no end
  /// in sight (a million turns of the loop; virtual time has no limit), with the last lines of the trace. After either,
  /// everything has been cancelled and has unwound.
  [[nodiscard]] std::string run();
  /// Runs until `done()`; else as run(), but nothing is cancelled.
  [[nodiscard]] std::string run_until(const std::function<bool()>& done);
  /// Empty, or which streams are still open.
  [[nodiscard]] std::string leaks() const { return network_.open_streams(); }

 private:
  Random random_;
  Trace trace_;
  net::Loop loop_;
  SimDriver& driver_;
  net::Scope scope_;
  SimNetwork network_;
};

}  // namespace cardea::testing
