#include "store/sqlite/connection.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.h"

namespace cardea::store::sqlite {
namespace {

/// Another program may look into the file; it is waited for this long.
constexpr int busy_timeout_ms = 5'000;

}  // namespace

Status make_private(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail(Kind::config, cat(file, ": ", std::string_view{std::strerror(errno)}));  // NOLINT: glibc's is safe
  ::close(fd);
  return {};
}

Result<Connection> Connection::open_as(const std::string& file, int how) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &handle, how | SQLITE_OPEN_NOMUTEX, nullptr);
  Connection connection{handle};
  if (code != SQLITE_OK) return fail(Kind::config, cat(file, ": ", std::string_view{sqlite3_errstr(code)}));
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, busy_timeout_ms);
  return connection;
}

Result<Connection> Connection::open(const std::string& file) {
  if (Status made = make_private(file); !made) return fail_with(made);
  return open_as(file, SQLITE_OPEN_READWRITE);
}

Result<Connection> Connection::open_to_read(const std::string& file) { return open_as(file, SQLITE_OPEN_READONLY); }

Connection::Connection(Connection&& other) noexcept
    : handle_{std::exchange(other.handle_, nullptr)}, statements_{std::move(other.statements_)} {
  other.statements_.clear();
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

std::unexpected<Error> Connection::failed() const {
  return fail(Kind::internal, cat("the store failed: ", std::string_view{sqlite3_errmsg(handle_)}));
}

Status Connection::run(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failed();
  return {};
}

Status Connection::repeat(const char* sql) { return Query{*this, sql}.run(); }

std::int64_t Connection::changes() const noexcept { return sqlite3_changes64(handle_); }

Result<std::int64_t> Connection::number(const char* sql) {
  Query query{*this, sql};
  Result<bool> row = query.next();
  if (!row) return fail_with(row);
  return *row ? query.integer(0) : 0;
}

bool Connection::in_transaction() const noexcept { return sqlite3_get_autocommit(handle_) == 0; }

bool Connection::damaged() const noexcept {
  const int code = sqlite3_errcode(handle_) & 0xFF;
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

sqlite3_stmt* Connection::prepared(const char* sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return found->second;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) return nullptr;
  statements_.emplace(sql, statement);
  return statement;
}

Query::Query(Connection& connection, const char* sql) : connection_{connection}, statement_{connection.prepared(sql)} {}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Query& Query::bind(std::string_view text) {
  // A null pointer would be SQL's null.
  const char* bytes = text.data() != nullptr ? text.data() : "";
  sqlite3_bind_text64(statement_, ++bound_, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}
Query& Query::bind(std::int64_t number) {
  sqlite3_bind_int64(statement_, ++bound_, number);
  return *this;
}
Query& Query::bind_bytes(std::string_view bytes) {
  const char* data = bytes.data() != nullptr ? bytes.data() : "";
  sqlite3_bind_blob64(statement_, ++bound_, data, bytes.size(), SQLITE_STATIC);
  return *this;
}
Query& Query::bind_null() {
  sqlite3_bind_null(statement_, ++bound_);
  return *this;
}

Result<bool> Query::next() {
  if (statement_ == nullptr) return connection_.failed();
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: return connection_.failed();
  }
}

Status Query::run() {
  Result<bool> row = true;
  while (row && *row) row = next();
  if (!row) return fail_with(row);
  return {};
}

std::string_view Query::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}
std::string_view Query::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}
std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

}  // namespace cardea::store::sqlite
