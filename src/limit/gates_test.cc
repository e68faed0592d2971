#include "limit/gates.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/text.h"
#include "testing/world.h"

namespace cardea::limit {
namespace {

using std::chrono::seconds;

Level level(Scope scope, std::string_view id, std::uint32_t concurrency) {
  return {.scope = scope, .id = id, .rates = {}, .concurrency = concurrency};
}

struct House {
  testing::World world{1};
  Random random{1};
  Gates gates{random};
  [[nodiscard]] std::optional<Places> enter(std::vector<Level> levels) { return gates.try_enter(world.loop(), levels); }
};

TEST(Gates, AllLevelsOrNone) {
  House house;
  const Level key = level(Scope::key, "k", 2), team = level(Scope::team, "t", 1), free = level(Scope::project, "p", 0);
  std::optional<Places> first = house.enter({key, free, team});
  ASSERT_TRUE(first);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(house.enter({key, team}));
  EXPECT_TRUE(house.enter({key})) << "what the team had no room for took no place of the key's";
  EXPECT_TRUE(house.enter({level(Scope::team, "other", 1)}));
  first.reset();
  EXPECT_TRUE(house.enter({key, team}));
}

TEST(Gates, ACapThatIsChangedHoldsAtOnce) {
  House house;
  const std::optional<Places> first = house.enter({level(Scope::key, "k", 1)});
  EXPECT_FALSE(house.enter({level(Scope::key, "k", 1)}));
  EXPECT_TRUE(house.enter({level(Scope::key, "k", 2)}));
}

constexpr seconds stay{1};

net::Task<void> visit(House& house, const std::vector<Level>& levels, std::string& log) {
  const Gate::Caller caller{.tenant = 1};
  Result<Places> places = co_await house.gates.enter(house.world.loop(), levels, caller);
  if (!places) co_return;
  [[maybe_unused]] Status slept = co_await net::sleep_for(house.world.loop(), stay);
  log += 'x';
}

TEST(Gates, WaitsLevelAfterLevel) {
  House house;
  const std::vector<Level> a{level(Scope::key, "a", 2), level(Scope::team, "t", 1)};
  const std::vector<Level> b{level(Scope::key, "b", 2), level(Scope::team, "t", 1)};
  std::string log;
  for (int i = 0; i < 3; ++i) house.world.scope().spawn(visit(house, i == 1 ? b : a, log));
  EXPECT_EQ(house.world.run(), "");
  EXPECT_EQ(log, "xxx");
  EXPECT_EQ(house.world.elapsed() / seconds{1}, 3);
}

TEST(Gates, AreBounded) {
  House house;
  for (std::size_t i = 0; i < Gates::gates_max; ++i) EXPECT_TRUE(house.enter({level(Scope::key, cat(i), 1)}));
  EXPECT_FALSE(house.enter({level(Scope::key, "one more", 1)}));
  EXPECT_TRUE(house.enter({level(Scope::key, "7", 1)}));
}

}  // namespace
}  // namespace cardea::limit
