#include "store/sqlite/responses.h"

#include <atomic>
#include <utility>

#include "base/text.h"

namespace cardea::store::sqlite {
namespace {

/// What a row costs beside its texts, roughly: keys twice, numbers, page overhead.
constexpr std::size_t row_bytes = 200;
/// Expired rows deleted at a time, so that nobody waits long for the sweep.
constexpr std::int64_t sweep_rows = 500;

std::size_t size_of(const StoredResponse& response) {
  return row_bytes + response.id.size() + response.owner.size() + response.provider.size() + response.input.size() +
         response.response.size();
}

constexpr const char* insert_sql =
    "INSERT OR IGNORE INTO responses(id, owner, provider, created_at, expires_at, bytes, input, response) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
// The caller's own row comes first.
constexpr const char* select_sql =
    "SELECT owner, provider, created_at, expires_at, input, response FROM responses WHERE id=?1 AND expires_at>?3 "
    "ORDER BY owner=?2 DESC LIMIT 1";
constexpr const char* delete_sql = "DELETE FROM responses WHERE id=?1 AND owner=?2 RETURNING bytes, expires_at";
constexpr const char* delete_oldest_sql =
    "DELETE FROM responses WHERE rowid IN (SELECT rowid FROM responses ORDER BY rowid LIMIT 1) RETURNING bytes";
constexpr const char* delete_expired_sql =
    "DELETE FROM responses WHERE rowid IN (SELECT rowid FROM responses WHERE expires_at<=?1 LIMIT ?2) RETURNING bytes";
constexpr const char* sum_sql = "SELECT coalesce(sum(bytes), 0) FROM responses";

}  // namespace

/// What the thread knows of the table.
struct Responses::Table {
  explicit Table(std::uint64_t most) : bytes_max{most} {}

  const std::uint64_t bytes_max;
  std::int64_t bytes = 0;             ///< of all rows
  std::atomic<bool> doubtful = true;  ///< … to be counted anew: at the start, and when what was counted may not have happened

  Status count(Connection& connection) {
    if (!doubtful.exchange(false)) return {};
    Result<std::int64_t> sum = connection.number(sum_sql);
    doubtful = !sum;
    if (!sum) return fail_with(sum);
    bytes = *sum;
    return {};
  }
  /// Runs a statement that deletes rows and answers their sizes.
  Result<std::int64_t> erase(Query& query) {
    std::int64_t rows = 0;
    Result<bool> row = query.next();
    for (; row && *row; row = query.next()) {
      bytes -= query.integer(0);
      ++rows;
    }
    if (!row) return fail_with(row);
    return rows;
  }
  Status make_room(Connection& connection, std::size_t wanted) {
    while (static_cast<std::uint64_t>(bytes) + wanted > bytes_max) {
      Query query{connection, delete_oldest_sql};
      Result<std::int64_t> rows = erase(query);
      if (!rows) return fail_with(rows);
      if (*rows == 0) return {};
    }
    return {};
  }
  Status insert(Connection& connection, const StoredResponse& response) {
    Query query{connection, insert_sql};
    const std::size_t size = size_of(response);
    query.bind(response.id).bind(response.owner).bind(response.provider).bind(response.created).bind(response.expires);
    query.bind(static_cast<std::int64_t>(size));
    if (response.is_link()) {
      query.bind_null().bind_null();
    } else {
      query.bind(response.input).bind(response.response);
    }
    if (Status done = query.run(); !done) return done;
    if (connection.changes() != 0) bytes += static_cast<std::int64_t>(size);
    return {};
  }
  Status put(Connection& connection, const StoredResponse& response) {
    if (size_of(response) > bytes_max) {
      return fail(Kind::too_large,
                  cat("the response is larger than all that may be kept (responses.bytes_max, ", bytes_max, ")"));
    }
    Status done = count(connection);
    if (!done) return done;
    done = make_room(connection, size_of(response));
    if (done) done = insert(connection, response);
    if (!done || connection.changes() != 0) return done;
    // There was one already, which is rare.
    Query replaced{connection, delete_sql};
    replaced.bind(response.id).bind(response.owner);
    if (Result<std::int64_t> rows = erase(replaced); !rows) return fail_with(rows);
    return insert(connection, response);
  }
  Status sweep(Connection& connection, std::int64_t now) {
    Status done = count(connection);
    if (!done) return done;
    Query query{connection, delete_expired_sql};
    query.bind(now).bind(sweep_rows);
    if (Result<std::int64_t> rows = erase(query); !rows) return fail_with(rows);
    return {};
  }
};

Responses::Responses(Database& database, std::uint64_t bytes_max)
    : database_{database}, table_{std::make_shared<Table>(bytes_max)} {
  database_.add_chore([table = table_, &database](Connection& connection) {
    Status swept = table->sweep(connection, database.now());
    if (!swept) table->doubtful = true;
    return swept;
  });
}

void Responses::put(StoredResponse response, Pace pace, Then<Status> then) {
  Database::Job job{.access = Database::Access::write,
                    .when = pace == Pace::now ? Database::When::now : Database::When::soon,
                    .bytes = size_of(response),
                    .run = [table = table_,
                            response = std::move(response)](Connection& connection) { return table->put(connection, response); },
                    .done = {}};
  job.done = [table = table_, then = std::move(then)](Status done) mutable {
    if (!done) table->doubtful = true;
    then(std::move(done));
  };
  database_.submit(std::move(job));
}

void Responses::get(std::string id, std::string owner, Then<Result<FoundResponse>> then) {
  const auto found = std::make_shared<FoundResponse>();
  Database::Job job{.bytes = id.size() + owner.size()};
  job.run = [found, id = std::move(id), owner = std::move(owner), now = database_.now()](Connection& connection) -> Status {
    Query query{connection, select_sql};
    Result<bool> row = query.bind(id).bind(owner).bind(now).next();
    if (!row) return fail_with(row);
    if (!*row) return {};
    found->standing = query.text(0) == owner ? FoundResponse::Standing::own : FoundResponse::Standing::foreign;
    if (found->standing == FoundResponse::Standing::foreign) return {};
    found->response = {.id = id,
                       .owner = owner,
                       .provider = std::string{query.text(1)},
                       .created = query.integer(2),
                       .expires = query.integer(3),
                       .input = std::string{query.text(4)},
                       .response = std::string{query.text(5)}};
    return {};
  };
  job.done = [found, then = std::move(then)](Status done) mutable {
    if (!done) return then(fail_with(done));
    then(std::move(*found));
  };
  database_.submit(std::move(job));
}

void Responses::remove(std::string id, std::string owner, Then<Result<bool>> then) {
  const auto removed = std::make_shared<bool>(false);
  Database::Job job{.access = Database::Access::write, .bytes = id.size() + owner.size()};
  job.run = [table = table_, removed, id = std::move(id), owner = std::move(owner),
             now = database_.now()](Connection& connection) -> Status {
    Status counted = table->count(connection);
    if (!counted) return counted;
    Query query{connection, delete_sql};
    Result<bool> row = query.bind(id).bind(owner).next();
    if (!row) return fail_with(row);
    if (!*row) return {};
    table->bytes -= query.integer(0);
    *removed = query.integer(1) > now;
    return query.run();
  };
  job.done = [table = table_, removed, then = std::move(then)](Status done) mutable {
    if (!done) table->doubtful = true;
    if (!done) return then(fail_with(done));
    then(*removed);
  };
  database_.submit(std::move(job));
}

}  // namespace cardea::store::sqlite
