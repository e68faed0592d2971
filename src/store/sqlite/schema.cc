#include "store/sqlite/schema.h"

#include <filesystem>

#include "base/text.h"

namespace cardea::store::sqlite {
namespace {

/// A key of both, so that two principals of one upstream that repeats its ids stay apart. `input` and `response` are null where
/// the provider keeps them. The index serves the sweep and the sum of all bytes.
constexpr const char* version_1 = R"(
CREATE TABLE responses(
  id TEXT NOT NULL,
  owner TEXT NOT NULL,
  provider TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  input TEXT,
  response TEXT,
  PRIMARY KEY(id, owner)) STRICT;
CREATE INDEX responses_expiry ON responses(expires_at, bytes);
)";

/// Whose the things are that providers keep (files, batches).
constexpr const char* version_2 = R"(
CREATE TABLE objects(
  id TEXT NOT NULL,
  owner TEXT NOT NULL,
  provider TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY(id, owner)) STRICT, WITHOUT ROWID;
)";

/// What the administration keeps. `sealed`, `key`, `digest`, `answer` and `hash` are any bytes. Times of use have a table of
/// their own, so that noting one changes no record.
constexpr const char* version_3 = R"(
CREATE TABLE records(
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY(kind, id)) STRICT, WITHOUT ROWID;
CREATE TABLE audit(
  seq INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  address TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  hash BLOB NOT NULL) STRICT;
CREATE TABLE remembered(
  key BLOB PRIMARY KEY,
  digest BLOB NOT NULL,
  answer BLOB NOT NULL,
  expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX remembered_expiry ON remembered(expires_at);
CREATE TABLE last_used(
  id TEXT PRIMARY KEY,
  used_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
)";

constexpr const char* steps[] = {version_1, version_2, version_3};

/// Lines are added and never changed: SQLite itself refuses. `open` and `balances` follow from the lines (`verify` proves it), so
/// that a start reads what is under way and not everything that ever was. `holds` is lines of "window budget".
constexpr const char* ledger_1 = R"(
CREATE TABLE runs(run INTEGER PRIMARY KEY AUTOINCREMENT) STRICT;
CREATE TABLE reservations(
  id INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  organization TEXT NOT NULL,
  team TEXT NOT NULL,
  project TEXT NOT NULL,
  key TEXT NOT NULL,
  end_user TEXT NOT NULL,
  model TEXT NOT NULL,
  provider TEXT NOT NULL,
  tags TEXT NOT NULL,
  holds TEXT NOT NULL) STRICT;
CREATE TABLE settlements(
  id INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  input INTEGER NOT NULL,
  output INTEGER NOT NULL,
  cache_read INTEGER NOT NULL,
  cache_write INTEGER NOT NULL,
  reasoning INTEGER NOT NULL,
  price TEXT NOT NULL) STRICT;
CREATE INDEX settlements_time ON settlements(time_ms);
CREATE TABLE adjustments(
  id INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL,
  budget TEXT NOT NULL,
  window INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL) STRICT;
CREATE TABLE open(id INTEGER PRIMARY KEY) STRICT;
CREATE TABLE balances(
  budget TEXT NOT NULL,
  window INTEGER NOT NULL,
  spent INTEGER NOT NULL,
  reserved INTEGER NOT NULL,
  PRIMARY KEY(budget, window)) STRICT, WITHOUT ROWID;
CREATE TRIGGER reservations_stay BEFORE UPDATE ON reservations BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER reservations_last BEFORE DELETE ON reservations BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER settlements_stay BEFORE UPDATE ON settlements BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER settlements_last BEFORE DELETE ON settlements BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER adjustments_stay BEFORE UPDATE ON adjustments BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER adjustments_last BEFORE DELETE ON adjustments BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
)";

constexpr const char* ledger_steps[] = {ledger_1};

/// By Contents. A file with another number in its header is somebody else's, or of the other kind.
constexpr Schema schemas[] = {{.steps = steps},
                              {.steps = ledger_steps, .application_id = 0x4361724C, .keeps = "the records of spending"}};

std::unexpected<Error> refuse(const std::string& file, std::string_view why, std::string_view fix) {
  return fail(Kind::config, cat(file, " ", why, "; ", fix));
}

struct Header {
  std::int64_t application = 0;
  std::int64_t version = 0;
  std::int64_t tables = 0;
  [[nodiscard]] bool empty() const noexcept { return application == 0 && version == 0 && tables == 0; }
};

Result<Header> read_header(Connection& connection) {
  Header header;
  constexpr struct {
    const char* sql;
    std::int64_t Header::* to;
  } questions[] = {{"PRAGMA application_id", &Header::application},
                   {"PRAGMA user_version", &Header::version},
                   {"SELECT count(*) FROM sqlite_schema", &Header::tables}};
  for (const auto& [sql, to] : questions) {
    Result<std::int64_t> number = connection.number(sql);
    if (!number) return fail_with(number);
    header.*to = *number;
  }
  return header;
}

/// What was committed survives kill -9 and a power cut (design/security.md, Durability): each commit waits for the disk. Many
/// share one, so that this costs little for what need not be as safe.
constexpr const char* durability = "PRAGMA synchronous=FULL";
/// While a new file is made there is nothing to lose, and six waits for the disk would delay the start; Database makes up for it.
constexpr const char* haste = "PRAGMA synchronous=OFF";
constexpr const char* settings =
    "PRAGMA journal_mode=WAL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-1024; PRAGMA journal_size_limit=16777216";

Status copy(Connection& connection, const std::string& to) {
  std::error_code failed;
  std::filesystem::remove(to, failed);  // of an attempt that did not end
  if (Status made = make_private(to); !made) return made;
  Query query{connection, "VACUUM INTO ?1"};
  query.bind(to);
  return query.run();
}

Status step(Connection& connection, const Schema& schema, std::int64_t version) {
  Status done = connection.run("BEGIN IMMEDIATE");
  if (done) done = connection.run(schema.steps[static_cast<std::size_t>(version - 1)]);
  if (done)
    done = connection.run(cat("PRAGMA application_id=", schema.application_id, "; PRAGMA user_version=", version).c_str());
  if (done) done = connection.run("COMMIT");
  if (!done && connection.in_transaction()) static_cast<void>(connection.run("ROLLBACK"));
  return done;
}

/// The header of a file that is empty or Cardea's own, and not newer.
Result<Header> known_header(Connection& connection, const std::string& file, const Schema& schema) {
  Result<Header> header = read_header(connection);
  if (!header) return unreadable(connection, file, header.error(), schema);
  if (!header->empty() && header->application != schema.application_id) {
    return refuse(file, "belongs to another program", "move it away, or name another data directory with --data");
  }
  const auto newest = static_cast<std::int64_t>(schema.steps.size());
  if (header->version > newest) {
    return refuse(file, cat("was written by a newer Cardea (schema ", header->version, ", this one knows ", newest, ")"),
                  "start that version again, or name another data directory with --data");
  }
  return header;
}

}  // namespace

const Schema& schema_of(Contents contents) noexcept { return schemas[static_cast<std::size_t>(contents)]; }

std::unexpected<Error> unreadable(const Connection& connection, const std::string& file, const Error& error,
                                  const Schema& schema) {
  if (connection.damaged()) {
    return refuse(file, "is not a database, or a damaged one",
                  cat("put back a copy, or move it away and Cardea begins a new one (", schema.keeps, " are lost)"));
  }
  return refuse(file, cat("cannot be used: ", error.message()), "see to its disk and its permissions");
}

Status check(Connection& connection, const std::string& file, const Schema& schema) {
  Result<Header> header = known_header(connection, file, schema);
  if (!header) return fail_with(header);
  if (header->version == static_cast<std::int64_t>(schema.steps.size())) return {};
  return refuse(file, cat("is of an older Cardea (schema ", header->version, ")"),
                "start this one once: it brings the file up to date");
}

Status prepare(Connection& connection, const std::string& file, const Schema& schema) {
  Result<Header> header = known_header(connection, file, schema);
  if (!header) return fail_with(header);
  const bool empty = header->empty();
  const auto newest = static_cast<std::int64_t>(schema.steps.size());
  Status ready = connection.run(empty ? haste : durability);
  if (ready) ready = connection.run(settings);
  if (ready && !empty && header->version < newest) ready = copy(connection, cat(file, ".v", header->version));
  for (auto version = header->version; ready && version < newest; ++version) {
    ready = step(connection, schema, version + 1);
  }
  if (ready && empty) ready = connection.run(durability);
  if (!ready) return unreadable(connection, file, ready.error(), schema);
  return {};
}

}  // namespace cardea::store::sqlite
