#include "store/sqlite/ledger.h"

#include <memory>
#include <utility>

#include "store/sqlite/ledger_rows.h"
#include "store/sqlite/schema.h"

namespace cardea::store::sqlite {
namespace {

/// A job whose answer is a value.
template <class T, class Run>
void submit(Database& database, Database::Access access, std::size_t bytes, Run run, LedgerStore::Then<Result<T>> then) {
  const auto found = std::make_shared<T>();
  Database::Job job{.access = access,
                    .bytes = bytes,
                    .run = [found, run = std::move(run)](Connection& connection) mutable -> Status {
                      Result<T> done = run(connection);
                      if (!done) return fail_with(done);
                      *found = std::move(*done);
                      return {};
                    },
                    .done =
                        [found, then = std::move(then)](Status done) mutable {
                          if (!done) return then(fail_with(done));
                          then(std::move(*found));
                        }};
  database.submit(std::move(job));
}

/// Roughly: texts of a usual length are counted with it.
constexpr std::size_t entry_bytes = 2 * sizeof(LedgerEntry);

}  // namespace

void Ledger::begin(Then<Result<LedgerKept>> then) {
  submit<LedgerKept>(database_, Database::Access::write, 0, &begin_run, std::move(then));
}

void Ledger::append(std::vector<LedgerEntry> entries, Then<Result<Appended>> then) {
  const std::size_t bytes = entries.size() * entry_bytes;
  auto run = [entries = std::move(entries)](Connection& connection) { return LedgerWrite{connection}.append(entries); };
  submit<Appended>(database_, Database::Access::write, bytes, std::move(run), std::move(then));
}

void Ledger::usage(UsageQuestion question, Then<Result<std::vector<UsageRow>>> then) {
  auto run = [question = std::move(question)](Connection& connection) { return read_usage(connection, question); };
  submit<std::vector<UsageRow>>(database_, Database::Access::read, 0, std::move(run), std::move(then));
}

void Ledger::verify(Then<Result<LedgerVerdict>> then) {
  submit<LedgerVerdict>(database_, Database::Access::read, 0, &re_add, std::move(then));
}

LedgerFile::LedgerFile(std::string file, std::unique_ptr<Connection> connection) noexcept
    : file_{std::move(file)}, connection_{std::move(connection)} {}
LedgerFile::LedgerFile(LedgerFile&&) noexcept = default;
LedgerFile::~LedgerFile() = default;

Result<LedgerFile> LedgerFile::open(const std::string& file) {
  Result<Connection> opened = Connection::open_to_read(file);
  if (!opened) return fail_with(opened);
  auto connection = std::make_unique<Connection>(std::move(*opened));
  if (Status known = check(*connection, file, schema_of(Contents::ledger)); !known) return fail_with(known);
  return LedgerFile{file, std::move(connection)};
}

Result<std::vector<UsageRow>> LedgerFile::usage(UsageQuestion question) {
  Result<std::vector<UsageRow>> rows = read_usage(*connection_, std::move(question));
  if (!rows) return unreadable(*connection_, file_, rows.error(), schema_of(Contents::ledger));
  return rows;
}

Result<LedgerVerdict> LedgerFile::verify() {
  // One look at all tables, whoever writes meanwhile.
  Status begun = connection_->repeat("BEGIN");
  Result<LedgerVerdict> found = begun ? re_add(*connection_) : Result<LedgerVerdict>{fail_with(begun)};
  if (begun) static_cast<void>(connection_->repeat("ROLLBACK"));
  if (!found) return unreadable(*connection_, file_, found.error(), schema_of(Contents::ledger));
  return found;
}

}  // namespace cardea::store::sqlite
