#pragma once
// What the administration keeps, in memory, for tests.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "net/crypto.h"
#include "store/audit/chain.h"
#include "store/registry.h"

namespace cardea::store::memory {

/// A RegistryStore that answers before the call returns. One thread.
class Registry final : public RegistryStore {
 public:
  /// Unix seconds.
  using Clock = std::function<std::int64_t()>;
  explicit Registry(Clock now) : now_{std::move(now)} {}

  void load(Then<Result<Kept>> then) override;
  void change(Change change, Then<Status> then) override;
  void used(std::vector<LastUsed> uses, Then<Status> then) override;
  void recall(std::string key, Then<Result<std::optional<Remembered>>> then) override;
  void audit(std::int64_t before, std::size_t limit, Then<Result<std::vector<AuditLine>>> then) override;
  void verify(std::string head, Then<Result<AuditVerdict>> then) override;

 private:
  using Name = std::pair<std::string, std::string>;
  [[nodiscard]] Status judge(const Change& change) const;

  Clock now_;
  std::map<Name, Record> records_;  ///< by kind and id
  std::map<std::string, std::int64_t> last_used_;
  std::map<std::string, Remembered> remembered_;
  std::vector<AuditLine> log_;
  net::Digest last_ = audit::nothing;  ///< the hash of its last line
};

}  // namespace cardea::store::memory
