#pragma once
// The tables of what the administration keeps.

#include "store/registry.h"
#include "store/sqlite/database.h"

namespace cardea::store::sqlite {

/// A RegistryStore on the database, which must outlive its use (not its jobs). Any thread.
class Registry final : public RegistryStore {
 public:
  explicit Registry(Database& database);

  void load(Then<Result<Kept>> then) override;
  void change(Change change, Then<Status> then) override;
  void used(std::vector<LastUsed> uses, Then<Status> then) override;
  void recall(std::string key, Then<Result<std::optional<Remembered>>> then) override;
  void audit(std::int64_t before, std::size_t limit, Then<Result<std::vector<AuditLine>>> then) override;
  void verify(std::string head, Then<Result<AuditVerdict>> then) override;

 private:
  Database& database_;
};

}  // namespace cardea::store::sqlite
