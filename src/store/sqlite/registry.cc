#include "store/sqlite/registry.h"

#include <memory>
#include <utility>

#include "store/sqlite/audit_rows.h"
#include "store/sqlite/schema.h"

namespace cardea::store::sqlite {
namespace {

constexpr std::size_t records_expected = 4096;
constexpr const char* load_sql = "SELECT kind, id, version, created_at, changed_at, body, sealed FROM records ORDER BY kind, id";
constexpr const char* load_used_sql = "SELECT id, used_at FROM last_used ORDER BY id";
constexpr const char* insert_sql =
    "INSERT INTO records(kind, id, version, created_at, changed_at, body, sealed) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) "
    "ON CONFLICT DO NOTHING";
constexpr const char* update_sql =
    "UPDATE records SET version=?3, created_at=?4, changed_at=?5, body=?6, sealed=?7 WHERE kind=?1 AND id=?2 AND version=?3-1";
constexpr const char* delete_sql = "DELETE FROM records WHERE kind=?1 AND id=?2 AND (?3=0 OR version=?3)";
constexpr const char* delete_used_sql = "DELETE FROM last_used WHERE id=?1";
constexpr const char* used_sql =
    "INSERT INTO last_used(id, used_at) VALUES(?1, ?2) ON CONFLICT DO UPDATE SET used_at=max(used_at, excluded.used_at)";
constexpr const char* remember_sql =
    "INSERT INTO remembered(key, digest, answer, expires_at) VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE "
    "SET digest=excluded.digest, answer=excluded.answer, expires_at=excluded.expires_at WHERE expires_at<=?5";
constexpr const char* recall_sql = "SELECT digest, answer, expires_at FROM remembered WHERE key=?1 AND expires_at>?2";
constexpr const char* sweep_sql =
    "DELETE FROM remembered WHERE key IN (SELECT key FROM remembered WHERE expires_at<=?1 LIMIT 500)";

std::size_t size_of(const Change& change) {
  std::size_t out = sizeof(Change);
  for (const Record& put : change.puts) {
    out += sizeof put + put.kind.size() + put.id.size() + put.body.size() + put.sealed.size();
  }
  for (const RecordName& remove : change.removes) out += sizeof remove + remove.kind.size() + remove.id.size();
  for (const AuditEntry& entry : change.audit) {
    out += sizeof entry + entry.actor.size() + entry.address.size() + entry.action.size() + entry.target.size() +
           entry.before.size() + entry.after.size();
  }
  if (change.remember) out += change.remember->key.size() + change.remember->digest.size() + change.remember->answer.size();
  return out;
}

Result<std::vector<Record>> read_records(Connection& connection) {
  std::vector<Record> out;
  out.reserve(records_expected);
  Query query{connection, load_sql};
  Result<bool> row = query.next();
  for (; row && *row; row = query.next()) {
    out.push_back({.kind = std::string{query.text(0)},
                   .id = std::string{query.text(1)},
                   .version = query.integer(2),
                   .created = query.integer(3),
                   .changed = query.integer(4),
                   .body = std::string{query.text(5)},
                   .sealed = std::string{query.bytes(6)}});
  }
  if (!row) return fail_with(row);
  return out;
}

Result<std::vector<LastUsed>> read_used(Connection& connection) {
  std::vector<LastUsed> out;
  Query query{connection, load_used_sql};
  Result<bool> row = query.next();
  for (; row && *row; row = query.next()) out.push_back({.id = std::string{query.text(0)}, .time = query.integer(1)});
  if (!row) return fail_with(row);
  return out;
}

Status put(Connection& connection, const Record& record) {
  Query query{connection, record.version == 1 ? insert_sql : update_sql};
  query.bind(record.kind).bind(record.id).bind(record.version).bind(record.created).bind(record.changed);
  if (Status done = query.bind(record.body).bind_bytes(record.sealed).run(); !done) return done;
  if (connection.changes() == 0) return std::unexpected{stale(record.kind, record.id)};
  return {};
}

Status remove(Connection& connection, const RecordName& name) {
  Query query{connection, delete_sql};
  if (Status done = query.bind(name.kind).bind(name.id).bind(name.version).run(); !done) return done;
  if (connection.changes() == 0) return std::unexpected{stale(name.kind, name.id)};
  Query used{connection, delete_used_sql};
  return used.bind(name.id).run();
}

Status remember(Connection& connection, const Remembered& answer, std::int64_t now) {
  Query query{connection, remember_sql};
  query.bind_bytes(answer.key).bind_bytes(answer.digest).bind_bytes(answer.answer).bind(answer.expires);
  if (Status done = query.bind(now).run(); !done) return done;
  if (connection.changes() == 0) return std::unexpected{repeated()};
  return {};
}

Status apply(Connection& connection, const Change& change, std::int64_t now) {
  Status done;
  for (const Record& record : change.puts) {
    if (done) done = put(connection, record);
  }
  for (const RecordName& name : change.removes) {
    if (done) done = remove(connection, name);
  }
  if (done && change.remember) done = remember(connection, *change.remember, now);
  if (done) done = append_audit(connection, change.audit);
  return done;
}

/// A read whose outcome is a value: `read(connection)` on the database's thread, then `then` with it.
template <class T, class Read>
void submit_read(Database& database, std::size_t bytes, Read read, RegistryStore::Then<Result<T>> then) {
  const auto found = std::make_shared<T>();
  Database::Job job{.bytes = bytes,
                    .run = [found, read = std::move(read)](Connection& connection) mutable -> Status {
                      Result<T> value = read(connection);
                      if (!value) return fail_with(value);
                      *found = std::move(*value);
                      return {};
                    },
                    .done = {}};
  job.done = [found, then = std::move(then)](Status done) mutable {
    if (!done) return then(fail_with(done));
    then(std::move(*found));
  };
  database.submit(std::move(job));
}

/// Piece by piece, each a job of its own, so that nobody waits for the whole log.
void go_on(Database& database, const std::shared_ptr<AuditWalk>& walk, RegistryStore::Then<Result<AuditVerdict>> then) {
  auto heard = [&database, walk, then = std::move(then)](Result<bool> more) mutable {
    if (!more) return then(fail_with(more));
    if (*more) return go_on(database, walk, std::move(then));
    then(walk->verdict());
  };
  submit_read<bool>(database, sizeof *walk, [walk](Connection& connection) { return walk->go_on(connection); }, std::move(heard));
}

}  // namespace

Registry::Registry(Database& database) : database_{database} {
  database_.add_chore([&database](Connection& connection) {
    Query query{connection, sweep_sql};
    return query.bind(database.now()).run();
  });
}

void Registry::load(Then<Result<Kept>> then) {
  const auto read = [&database = database_](Connection& connection) -> Result<Kept> {
    Result<std::vector<Record>> records = read_records(connection);
    if (!records) return unreadable(connection, database.file(), records.error());
    Result<std::vector<LastUsed>> last_used = read_used(connection);
    if (!last_used) return unreadable(connection, database.file(), last_used.error());
    return Kept{std::move(*records), std::move(*last_used)};
  };
  submit_read<Kept>(database_, 0, read, std::move(then));
}

void Registry::change(Change change, Then<Status> then) {
  Database::Job job{.access = Database::Access::write,
                    .bytes = size_of(change),
                    .run = [change = std::move(change),
                            &database = database_](Connection& connection) { return apply(connection, change, database.now()); },
                    .done = std::move(then)};
  database_.submit(std::move(job));
}

void Registry::used(std::vector<LastUsed> uses, Then<Status> then) {
  Database::Job job{.access = Database::Access::write, .when = Database::When::soon};
  for (const LastUsed& use : uses) job.bytes += sizeof use + use.id.size();
  job.run = [uses = std::move(uses)](Connection& connection) -> Status {
    for (const LastUsed& use : uses) {
      Query query{connection, used_sql};
      if (Status done = query.bind(use.id).bind(use.time).run(); !done) return done;
    }
    return {};
  };
  job.done = std::move(then);
  database_.submit(std::move(job));
}

void Registry::recall(std::string key, Then<Result<std::optional<Remembered>>> then) {
  const std::size_t bytes = key.size();
  auto read = [key = std::move(key), &database = database_](Connection& connection) -> Result<std::optional<Remembered>> {
    Query query{connection, recall_sql};
    Result<bool> row = query.bind_bytes(key).bind(database.now()).next();
    if (!row) return fail_with(row);
    if (!*row) return std::nullopt;
    return Remembered{
        .key = key, .digest = std::string{query.bytes(0)}, .answer = std::string{query.bytes(1)}, .expires = query.integer(2)};
  };
  submit_read<std::optional<Remembered>>(database_, bytes, std::move(read), std::move(then));
}

void Registry::audit(std::int64_t before, std::size_t limit, Then<Result<std::vector<AuditLine>>> then) {
  const auto read = [before, limit](Connection& connection) { return read_audit(connection, before, limit); };
  submit_read<std::vector<AuditLine>>(database_, 0, read, std::move(then));
}

void Registry::verify(std::string head, Then<Result<AuditVerdict>> then) {
  go_on(database_, std::make_shared<AuditWalk>(std::move(head)), std::move(then));
}

}  // namespace cardea::store::sqlite
