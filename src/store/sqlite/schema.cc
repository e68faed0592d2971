#include "store/sqlite/schema.h"

#include <filesystem>

#include "base/text.h"

namespace cardea::store::sqlite {
namespace {

/// In the file's header: "Card". A file with another one is somebody else's.
constexpr std::int64_t application_id = 0x43617264;

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

Status step(Connection& connection, const char* sql, std::int64_t version) {
  Status done = connection.run("BEGIN IMMEDIATE");
  if (done) done = connection.run(sql);
  if (done) done = connection.run(cat("PRAGMA application_id=", application_id, "; PRAGMA user_version=", version).c_str());
  if (done) done = connection.run("COMMIT");
  if (!done && connection.in_transaction()) static_cast<void>(connection.run("ROLLBACK"));
  return done;
}

/// The header of a file that is empty or Cardea's own, and not newer.
Result<Header> known_header(Connection& connection, const std::string& file, Migrations steps_known) {
  Result<Header> header = read_header(connection);
  if (!header) return unreadable(connection, file, header.error());
  if (!header->empty() && header->application != application_id) {
    return refuse(file, "belongs to another program", "move it away, or name another data directory with --data");
  }
  const auto newest = static_cast<std::int64_t>(steps_known.size());
  if (header->version > newest) {
    return refuse(file, cat("was written by a newer Cardea (schema ", header->version, ", this one knows ", newest, ")"),
                  "start that version again, or name another data directory with --data");
  }
  return header;
}

}  // namespace

Migrations migrations() noexcept { return steps; }

std::unexpected<Error> unreadable(const Connection& connection, const std::string& file, const Error& error) {
  if (connection.damaged()) {
    return refuse(file, "is not a database, or a damaged one",
                  "put back a copy, or move it away and Cardea begins a new one (tenants, keys and stored responses are lost)");
  }
  return refuse(file, cat("cannot be used: ", error.message()), "see to its disk and its permissions");
}

Status check(Connection& connection, const std::string& file, Migrations steps_known) {
  Result<Header> header = known_header(connection, file, steps_known);
  if (!header) return fail_with(header);
  if (header->version == static_cast<std::int64_t>(steps_known.size())) return {};
  return refuse(file, cat("is of an older Cardea (schema ", header->version, ")"),
                "start this one once: it brings the file up to date");
}

Status prepare(Connection& connection, const std::string& file, Migrations steps_known) {
  Result<Header> header = known_header(connection, file, steps_known);
  if (!header) return fail_with(header);
  const bool empty = header->empty();
  const auto newest = static_cast<std::int64_t>(steps_known.size());
  Status ready = connection.run(empty ? haste : durability);
  if (ready) ready = connection.run(settings);
  if (ready && !empty && header->version < newest) ready = copy(connection, cat(file, ".v", header->version));
  for (auto version = header->version; ready && version < newest; ++version) {
    ready = step(connection, steps_known[static_cast<std::size_t>(version)], version + 1);
  }
  if (ready && empty) ready = connection.run(durability);
  if (!ready) return unreadable(connection, file, ready.error());
  return {};
}

}  // namespace cardea::store::sqlite
