#pragma once
// Owners of things in memory, for tests.

#include <map>
#include <utility>

#include "store/objects.h"

namespace cardea::store::memory {

/// An ObjectStore that answers before the call returns. One thread.
class Objects final : public ObjectStore {
 public:
  void put(StoredObject object, Then<Status> then) override {
    rows_.insert_or_assign({object.id, object.owner}, std::move(object));
    then({});
  }
  void find(std::vector<std::string> ids, std::string owner, Then<Result<std::vector<StoredObject>>> then) override {
    std::vector<StoredObject> out;
    for (auto& id : ids) {
      const auto row = rows_.find({std::move(id), owner});
      if (row != rows_.end()) out.push_back(row->second);
    }
    then(std::move(out));
  }
  void remove(std::string id, std::string owner, Then<Status> then) override {
    rows_.erase({std::move(id), std::move(owner)});
    then({});
  }

 private:
  std::map<std::pair<std::string, std::string>, StoredObject> rows_;  ///< by id and owner
};

}  // namespace cardea::store::memory
