#pragma once
// The table of things that providers keep.

#include "store/objects.h"
#include "store/sqlite/database.h"

namespace cardea::store::sqlite {

/// An ObjectStore on the database, which must outlive its use (not its jobs). Any thread.
class Objects final : public ObjectStore {
 public:
  explicit Objects(Database& database) : database_{database} {}

  void put(StoredObject object, Then<Status> then) override;
  void find(std::vector<std::string> ids, std::string owner, Then<Result<std::vector<StoredObject>>> then) override;
  void remove(std::string id, std::string owner, Then<Status> then) override;

 private:
  Database& database_;
};

}  // namespace cardea::store::sqlite
