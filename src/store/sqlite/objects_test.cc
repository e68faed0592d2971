#include "store/sqlite/objects.h"

#include <gtest/gtest.h>

#include "store/sqlite/test_file.h"
#include "store/test_objects.h"

namespace cardea::store {
namespace {

using sqlite::Database;
using sqlite::TestFile;

std::unique_ptr<Database> open(const TestFile& file) {
  Result<std::unique_ptr<Database>> opened = Database::open({.file = file.path()});
  EXPECT_TRUE(opened) << (opened ? "" : opened.error().message());
  return std::move(*opened);
}

struct Sqlite {
  TestFile file;
  std::unique_ptr<Database> database = open(file);
  sqlite::Objects objects{*database};
  ObjectStore& store() { return objects; }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, ObjectStoreSuite, Sqlite);

TEST(SqliteObjects, AreThereAfterARestart) {
  const TestFile file;
  {
    const auto database = open(file);
    sqlite::Objects objects{*database};
    ASSERT_TRUE(put(objects, object_of("file-1")));
  }
  const auto database = open(file);
  sqlite::Objects objects{*database};
  EXPECT_EQ(find(objects, {"file-1"}), std::vector{object_of("file-1")});
}

}  // namespace
}  // namespace cardea::store
