#pragma once
// What every backend of ObjectStore must do. A backend's test makes a Fixture with `store::ObjectStore& store()`:
//   INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, ObjectStoreSuite, Backend);

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "store/objects.h"
#include "store/test_responses.h"

namespace cardea::store {

inline StoredObject object_of(std::string id, std::string owner = "ann", std::string provider = "vendor") {
  return {.id = std::move(id), .owner = std::move(owner), .provider = std::move(provider), .created = 1000};
}
inline Status put(ObjectStore& store, StoredObject object) {
  Heard<Status> heard;
  store.put(std::move(object), heard.then());
  return std::move(heard.wait());
}
inline std::vector<StoredObject> find(ObjectStore& store, std::vector<std::string> ids, std::string owner = "ann") {
  Heard<Result<std::vector<StoredObject>>> heard;
  store.find(std::move(ids), std::move(owner), heard.then());
  Result<std::vector<StoredObject>>& found = heard.wait();
  EXPECT_TRUE(found) << (found ? "" : found.error().message());
  return found ? std::move(*found) : std::vector<StoredObject>{};
}
inline Status remove(ObjectStore& store, std::string id, std::string owner = "ann") {
  Heard<Status> heard;
  store.remove(std::move(id), std::move(owner), heard.then());
  return std::move(heard.wait());
}

template <class Backend>
class ObjectStoreSuite : public testing::Test {
 protected:
  ObjectStore& store() { return backend.store(); }
  Backend backend;
};
TYPED_TEST_SUITE_P(ObjectStoreSuite);

TYPED_TEST_P(ObjectStoreSuite, FindsTheOwnersAlone) {
  ASSERT_TRUE(put(this->store(), object_of("file-1")));
  ASSERT_TRUE(put(this->store(), object_of("file-2", "bob")));
  ASSERT_TRUE(put(this->store(), object_of("file-3 '; --")));
  EXPECT_EQ(find(this->store(), {"file-1"}), std::vector{object_of("file-1")});
  EXPECT_TRUE(find(this->store(), {"file-2"}).empty());
  EXPECT_EQ(find(this->store(), {"file-2"}, "bob"), (std::vector{object_of("file-2", "bob")}));
  EXPECT_EQ(find(this->store(), {"file-4", "file-3 '; --", "file-2", "file-1"}).size(), 2U);
  EXPECT_TRUE(find(this->store(), {}).empty());
}

TYPED_TEST_P(ObjectStoreSuite, ReplacesAndForgets) {
  ASSERT_TRUE(put(this->store(), object_of("file-1")));
  ASSERT_TRUE(put(this->store(), object_of("file-1", "ann", "another")));
  ASSERT_TRUE(put(this->store(), object_of("file-1", "bob")));
  EXPECT_EQ(find(this->store(), {"file-1"}), std::vector{object_of("file-1", "ann", "another")});
  EXPECT_TRUE(remove(this->store(), "file-1"));
  EXPECT_TRUE(remove(this->store(), "file-1")) << "once more";
  EXPECT_TRUE(find(this->store(), {"file-1"}).empty());
  EXPECT_EQ(find(this->store(), {"file-1"}, "bob").size(), 1U);
}

REGISTER_TYPED_TEST_SUITE_P(ObjectStoreSuite, FindsTheOwnersAlone, ReplacesAndForgets);

}  // namespace cardea::store
