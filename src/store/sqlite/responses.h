#pragma once
// The table of stored responses.

#include <memory>

#include "store/responses.h"
#include "store/sqlite/database.h"

namespace cardea::store::sqlite {

/// A ResponseStore on the database, which must outlive its use (not its jobs). Any thread.
class Responses final : public ResponseStore {
 public:
  /// `bytes_max`: of all rows together; the oldest make room.
  Responses(Database& database, std::uint64_t bytes_max);

  void put(StoredResponse response, Pace pace, Then<Status> then) override;
  void get(std::string id, std::string owner, Then<Result<FoundResponse>> then) override;
  void remove(std::string id, std::string owner, Then<Result<bool>> then) override;

 private:
  struct Table;
  Database& database_;
  std::shared_ptr<Table> table_;  ///< the jobs' own
};

}  // namespace cardea::store::sqlite
