#pragma once
// What every backend of ResponseStore must do. A backend's test makes a Fixture and instantiates the suite:
//   struct Backend { store::ResponseStore& store(); void set_time(std::int64_t); static constexpr std::size_t bytes_max; };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, ResponseStoreSuite, Backend);

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "store/responses.h"

namespace cardea::store {

/// Waits for what a store says on another thread.
template <class T>
class Heard {
 public:
  [[nodiscard]] ResponseStore::Then<T> then() {
    return [this](T value) {
      value_.emplace(std::move(value));
      there_.release();
    };
  }
  [[nodiscard]] T& wait() {
    there_.acquire();
    return *value_;
  }

 private:
  std::optional<T> value_;
  std::binary_semaphore there_{0};
};

inline StoredResponse response_of(std::string_view id, std::string_view owner = "ann", std::size_t size = 20) {
  return {.id = std::string{id},
          .owner = std::string{owner},
          .provider = "vendor",
          .created = 1000,
          .expires = 2000,
          .input = cat(R"([{"id":"msg_)", id, R"("}])"),
          .response = cat(R"({"id":")", id, R"(","text":")", std::string(size, 'x'), "\"}")};
}

inline Status put(ResponseStore& store, StoredResponse response, Pace pace = Pace::now) {
  Heard<Status> heard;
  store.put(std::move(response), pace, heard.then());
  return std::move(heard.wait());
}
inline FoundResponse get(ResponseStore& store, std::string id, std::string owner = "ann") {
  Heard<Result<FoundResponse>> heard;
  store.get(std::move(id), std::move(owner), heard.then());
  Result<FoundResponse>& found = heard.wait();
  EXPECT_TRUE(found) << (found ? "" : found.error().message());
  return found ? std::move(*found) : FoundResponse{};
}
inline bool remove(ResponseStore& store, std::string id, std::string owner = "ann") {
  Heard<Result<bool>> heard;
  store.remove(std::move(id), std::move(owner), heard.then());
  Result<bool>& removed = heard.wait();
  EXPECT_TRUE(removed);
  return removed && *removed;
}

template <class Backend>
class ResponseStoreSuite : public testing::Test {
 protected:
  using Standing = FoundResponse::Standing;
  ResponseStoreSuite() { backend.set_time(1000); }
  ResponseStore& store() { return backend.store(); }
  Standing standing(std::string id, std::string owner = "ann") { return get(store(), std::move(id), std::move(owner)).standing; }
  Backend backend;
};
TYPED_TEST_SUITE_P(ResponseStoreSuite);

TYPED_TEST_P(ResponseStoreSuite, FindsWhatWasPut) {
  const StoredResponse wanted = response_of("resp_1");
  ASSERT_TRUE(put(this->store(), wanted));
  const FoundResponse found = get(this->store(), "resp_1");
  EXPECT_EQ(found.standing, FoundResponse::Standing::own);
  EXPECT_EQ(found.response, wanted);
  EXPECT_EQ(this->standing("resp_2"), FoundResponse::Standing::unknown);
}

TYPED_TEST_P(ResponseStoreSuite, KeepsEveryByte) {
  StoredResponse odd = response_of("resp_ü \"'; DROP TABLE responses; --");
  odd.response = "{\"a\":\"\\u0000 \xf0\x9f\x98\x80 ' \"}";
  ASSERT_TRUE(put(this->store(), odd));
  EXPECT_EQ(get(this->store(), odd.id).response, odd);
}

TYPED_TEST_P(ResponseStoreSuite, KeepsLinksWithoutContents) {
  StoredResponse link = response_of("resp_1");
  link.input.clear();
  link.response.clear();
  ASSERT_TRUE(put(this->store(), link, Pace::soon));
  const FoundResponse found = get(this->store(), "resp_1");
  EXPECT_EQ(found.response, link);
  EXPECT_TRUE(found.response.is_link());
}

TYPED_TEST_P(ResponseStoreSuite, FindsWhatIsStillOnItsWay) {
  Heard<Status> later;
  this->store().put(response_of("resp_1"), Pace::soon, later.then());
  EXPECT_EQ(this->standing("resp_1"), FoundResponse::Standing::own);
  EXPECT_TRUE(later.wait());
}

TYPED_TEST_P(ResponseStoreSuite, SaysOnlyThatOthersAreForeign) {
  ASSERT_TRUE(put(this->store(), response_of("resp_1", "ann")));
  const FoundResponse found = get(this->store(), "resp_1", "bob");
  EXPECT_EQ(found.standing, FoundResponse::Standing::foreign);
  EXPECT_EQ(found.response, StoredResponse{});
  EXPECT_FALSE(remove(this->store(), "resp_1", "bob"));
  EXPECT_EQ(this->standing("resp_1", "ann"), FoundResponse::Standing::own);
}

TYPED_TEST_P(ResponseStoreSuite, KeepsOwnersWithTheSameIdApart) {
  ASSERT_TRUE(put(this->store(), response_of("resp_1", "ann", 10)));
  ASSERT_TRUE(put(this->store(), response_of("resp_1", "bob", 30)));
  EXPECT_EQ(get(this->store(), "resp_1", "ann").response, response_of("resp_1", "ann", 10));
  EXPECT_EQ(get(this->store(), "resp_1", "bob").response, response_of("resp_1", "bob", 30));
  EXPECT_TRUE(remove(this->store(), "resp_1", "ann"));
  EXPECT_EQ(this->standing("resp_1", "ann"), FoundResponse::Standing::foreign);
}

TYPED_TEST_P(ResponseStoreSuite, ReplacesAndRemoves) {
  ASSERT_TRUE(put(this->store(), response_of("resp_1")));
  ASSERT_TRUE(put(this->store(), response_of("resp_1", "ann", 50)));
  EXPECT_EQ(get(this->store(), "resp_1").response, response_of("resp_1", "ann", 50));
  EXPECT_TRUE(remove(this->store(), "resp_1"));
  EXPECT_FALSE(remove(this->store(), "resp_1"));
  EXPECT_EQ(this->standing("resp_1"), FoundResponse::Standing::unknown);
}

TYPED_TEST_P(ResponseStoreSuite, ForgetsWhatHasExpired) {
  ASSERT_TRUE(put(this->store(), response_of("resp_1")));
  this->backend.set_time(1999);
  EXPECT_EQ(this->standing("resp_1"), FoundResponse::Standing::own);
  this->backend.set_time(2000);
  EXPECT_EQ(this->standing("resp_1"), FoundResponse::Standing::unknown);
  EXPECT_EQ(this->standing("resp_1", "bob"), FoundResponse::Standing::unknown);
  EXPECT_FALSE(remove(this->store(), "resp_1"));
}

TYPED_TEST_P(ResponseStoreSuite, TheOldestMakeRoom) {
  constexpr std::size_t quarter = TypeParam::bytes_max / 4;
  for (const auto* id : {"resp_1", "resp_2", "resp_3", "resp_4", "resp_5"}) {
    ASSERT_TRUE(put(this->store(), response_of(id, "ann", quarter)));
  }
  EXPECT_EQ(this->standing("resp_1"), FoundResponse::Standing::unknown);
  EXPECT_EQ(this->standing("resp_5"), FoundResponse::Standing::own);
  const Status large = put(this->store(), response_of("resp_6", "ann", TypeParam::bytes_max + 1));
  ASSERT_FALSE(large);
  EXPECT_TRUE(large.error().is(Kind::too_large));
  EXPECT_EQ(this->standing("resp_5"), FoundResponse::Standing::own);
}

TYPED_TEST_P(ResponseStoreSuite, AnswersInTheOrderOfTheCalls) {
  constexpr int calls = 200;
  std::vector<int> order;
  Heard<Result<FoundResponse>> last;
  for (int i = 0; i < calls; ++i) {
    this->store().put(response_of(cat("resp_", i)), i % 2 == 0 ? Pace::soon : Pace::now, [&order, i](Status put) {
      EXPECT_TRUE(put);
      order.push_back(i);
    });
  }
  this->store().get("resp_0", "ann", last.then());
  ASSERT_TRUE(last.wait());
  ASSERT_EQ(order.size(), calls);
  for (int i = 0; i < calls; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

REGISTER_TYPED_TEST_SUITE_P(ResponseStoreSuite, FindsWhatWasPut, KeepsEveryByte, KeepsLinksWithoutContents,
                            FindsWhatIsStillOnItsWay, SaysOnlyThatOthersAreForeign, KeepsOwnersWithTheSameIdApart,
                            ReplacesAndRemoves, ForgetsWhatHasExpired, TheOldestMakeRoom, AnswersInTheOrderOfTheCalls);

}  // namespace cardea::store
