#pragma once
// The audit log of a file, for a program that is not the gateway.

#include <memory>
#include <string>
#include <vector>

#include "store/registry.h"

namespace cardea::store::sqlite {

class Connection;

/// Reads cardea.db, also beside a gateway that writes to it, and never changes it. One thread; its calls wait for the disk.
class AuditFile {
 public:
  /// Error: config, naming the file and the fix.
  [[nodiscard]] static Result<AuditFile> open(const std::string& file);
  AuditFile(AuditFile&&) noexcept;
  AuditFile& operator=(AuditFile&&) = delete;
  ~AuditFile();

  /// As RegistryStore's; failures are config and name the file.
  [[nodiscard]] Result<AuditVerdict> verify(std::string head);
  [[nodiscard]] Result<std::vector<AuditLine>> lines(std::int64_t before, std::size_t limit);

 private:
  AuditFile(std::string file, std::unique_ptr<Connection> connection) noexcept;
  std::string file_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace cardea::store::sqlite
