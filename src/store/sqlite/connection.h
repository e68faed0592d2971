#pragma once
// Private to the room: SQLite behind a few calls. Only connection.cc includes its header.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace cardea::store::sqlite {

/// Makes the file, empty, when it is not there: for its owner alone (SQLite would ask the umask; the files that it puts beside it
/// are as this one is). Error: config, with what the system says.
[[nodiscard]] Status make_private(const std::string& file);

/// One open database file. Statements are prepared once and kept: SQL texts are a finite set of constants, found by address. One
/// thread at a time.
class Connection {
 public:
  /// Opens or makes the file. Error: config, with what the system says.
  [[nodiscard]] static Result<Connection> open(const std::string& file);
  /// Opens a file that is there, beside whoever writes to it, and never changes it. Error: config, with what the system says.
  [[nodiscard]] static Result<Connection> open_to_read(const std::string& file);
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&&) = delete;
  ~Connection();

  /// Statements without parameters and rows, used now and then. Kind::internal.
  Status run(const char* sql);
  /// One such statement, a constant that is used often. Kind::internal.
  Status repeat(const char* sql);
  /// The number that a pragma or a query answers. Kind::internal.
  [[nodiscard]] Result<std::int64_t> number(const char* sql);
  /// Rows that the last statement changed.
  [[nodiscard]] std::int64_t changes() const noexcept;
  /// A transaction is open.
  [[nodiscard]] bool in_transaction() const noexcept;
  /// The file is no database, or a damaged one: what the last failure meant.
  [[nodiscard]] bool damaged() const noexcept;

 private:
  friend class Query;
  explicit Connection(sqlite3* handle) noexcept : handle_{handle} {}
  [[nodiscard]] static Result<Connection> open_as(const std::string& file, int how);
  [[nodiscard]] std::unexpected<Error> failed() const;
  [[nodiscard]] sqlite3_stmt* prepared(const char* sql);

  sqlite3* handle_;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

/// One use of a statement: bind, go through the rows. Texts bound must outlive it; texts read die with the next row.
class Query {
 public:
  Query(Connection& connection, const char* sql);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  /// The next parameter's value.
  Query& bind(std::string_view text);
  Query& bind(std::int64_t number);
  Query& bind_null();
  /// Bytes that are no text (a BLOB).
  Query& bind_bytes(std::string_view bytes);
  /// True: there is a row. Kind::internal.
  [[nodiscard]] Result<bool> next();
  /// To the end, for what answers no rows. Kind::internal.
  Status run();

  /// Of the row, columns from 0. Null is empty, or 0.
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::string_view bytes(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;

 private:
  Connection& connection_;
  sqlite3_stmt* statement_;  ///< null: it could not be prepared, next() says why
  int bound_ = 0;
};

}  // namespace cardea::store::sqlite
