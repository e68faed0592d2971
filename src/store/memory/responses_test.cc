#include "store/memory/responses.h"

#include "store/test_responses.h"

namespace cardea::store {
namespace {

struct Memory {
  static constexpr std::size_t bytes_max = 4000;
  memory::Responses responses{bytes_max};
  ResponseStore& store() { return responses; }
  void set_time(std::int64_t time) { responses.set_time(time); }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, ResponseStoreSuite, Memory);

TEST(MemoryResponses, HoldsAnswersBack) {
  memory::Responses store{1000};
  store.hold();
  Heard<Status> first;
  store.put(response_of("resp_1"), Pace::now, first.then());
  EXPECT_EQ(store.waiting(), 1U);
  store.let_go();
  EXPECT_TRUE(first.wait());
  EXPECT_EQ(store.waiting(), 0U);
}

TEST(MemoryResponses, FailsWhenTold) {
  memory::Responses store{1000};
  store.fail_with_message("no more");
  EXPECT_EQ(put(store, response_of("resp_1")).error().message(), "no more");
  EXPECT_EQ(store.size(), 0U);
}

}  // namespace
}  // namespace cardea::store
