#pragma once
// ledger.db: what requests cost.

#include "store/ledger.h"
#include "store/sqlite/database.h"

namespace cardea::store::sqlite {

/// A LedgerStore on a database of Contents::ledger, which must outlive its use (not its jobs). Any thread.
class Ledger final : public LedgerStore {
 public:
  explicit Ledger(Database& database) : database_{database} {}

  void begin(Then<Result<LedgerKept>> then) override;
  void append(std::vector<LedgerEntry> entries, Then<Result<Appended>> then) override;
  void usage(UsageQuestion question, Then<Result<std::vector<UsageRow>>> then) override;
  void verify(Then<Result<LedgerVerdict>> then) override;

 private:
  Database& database_;
};

/// The ledger of a file, for a program that is not the gateway: read-only, beside one that writes. One thread; its calls wait for
/// the disk. Errors: config, naming the file and the fix.
class LedgerFile {
 public:
  [[nodiscard]] static Result<LedgerFile> open(const std::string& file);
  LedgerFile(LedgerFile&&) noexcept;
  LedgerFile& operator=(LedgerFile&&) = delete;
  ~LedgerFile();

  /// As LedgerStore's.
  [[nodiscard]] Result<std::vector<UsageRow>> usage(UsageQuestion question);
  [[nodiscard]] Result<LedgerVerdict> verify();

 private:
  LedgerFile(std::string file, std::unique_ptr<Connection> connection) noexcept;
  std::string file_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace cardea::store::sqlite
