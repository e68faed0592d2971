#include "store/sqlite/audit_file.h"

#include <filesystem>
#include <utility>

#include "base/text.h"
#include "store/sqlite/audit_rows.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/schema.h"

namespace cardea::store::sqlite {

AuditFile::AuditFile(std::string file, std::unique_ptr<Connection> connection) noexcept
    : file_{std::move(file)}, connection_{std::move(connection)} {}
AuditFile::AuditFile(AuditFile&&) noexcept = default;
AuditFile::~AuditFile() = default;

Result<AuditFile> AuditFile::open(const std::string& file) {
  if (std::error_code failed; !std::filesystem::exists(file, failed)) {
    return fail(Kind::config, cat(file, " is not there; name the gateway's data directory with --data"));
  }
  Result<Connection> connection = Connection::open_to_read(file);
  if (!connection) return fail_with(connection);
  if (Status known = check(*connection, file, schema_of(Contents::administration)); !known) return fail_with(known);
  return AuditFile{file, std::make_unique<Connection>(std::move(*connection))};
}

Result<AuditVerdict> AuditFile::verify(std::string head) {
  AuditWalk walk{std::move(head)};
  Result<bool> more = true;
  while (more && *more) more = walk.go_on(*connection_);
  if (!more) return unreadable(*connection_, file_, more.error());
  return walk.verdict();
}

Result<std::vector<AuditLine>> AuditFile::lines(std::int64_t before, std::size_t limit) {
  Result<std::vector<AuditLine>> lines = read_audit(*connection_, before, limit);
  if (!lines) return unreadable(*connection_, file_, lines.error());
  return lines;
}

}  // namespace cardea::store::sqlite
