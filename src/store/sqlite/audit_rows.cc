#include "store/sqlite/audit_rows.h"

#include <algorithm>

#include "base/text.h"

namespace cardea::store::sqlite {
namespace {

/// About 20 ms of work.
constexpr std::int64_t lines_per_piece = 5000;

constexpr const char* last_sql = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1";
constexpr const char* append_sql =
    "INSERT INTO audit(seq, time_ms, actor, address, action, target, before, after, hash) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
constexpr const char* down_sql =
    "SELECT seq, time_ms, actor, address, action, target, before, after, hash FROM audit WHERE seq<?1 "
    "ORDER BY seq DESC LIMIT ?2";
constexpr const char* up_sql =
    "SELECT seq, time_ms, actor, address, action, target, before, after, hash FROM audit WHERE seq>?1 ORDER BY seq LIMIT ?2";

AuditLine line_of(const Query& row) {
  return {.seq = row.integer(0),
          .entry = {.time_ms = row.integer(1),
                    .actor = std::string{row.text(2)},
                    .address = std::string{row.text(3)},
                    .action = std::string{row.text(4)},
                    .target = std::string{row.text(5)},
                    .before = std::string{row.text(6)},
                    .after = std::string{row.text(7)}},
          .hash = to_hex(row.bytes(8))};
}

Status append_one(Connection& connection, std::int64_t seq, const AuditEntry& entry, const net::Digest& hash) {
  Query query{connection, append_sql};
  query.bind(seq).bind(entry.time_ms).bind(entry.actor).bind(entry.address).bind(entry.action).bind(entry.target);
  return query.bind(entry.before).bind(entry.after).bind_bytes(audit::bytes_of(hash)).run();
}

}  // namespace

Status append_audit(Connection& connection, const std::vector<AuditEntry>& entries) {
  if (entries.empty()) return {};
  std::int64_t seq = 0;
  net::Digest last = audit::nothing;
  {
    // Read each time: what was remembered of a transaction that failed would break the chain.
    Query query{connection, last_sql};
    Result<bool> row = query.next();
    if (!row) return fail_with(row);
    if (*row) {
      seq = query.integer(0);
      const std::string_view hash = query.bytes(1);
      if (hash.size() != last.size()) return fail(Kind::internal, "the audit log is damaged; see 'cardea audit verify'");
      std::ranges::copy(hash, last.begin());
    }
  }
  for (const AuditEntry& entry : entries) {
    last = audit::hash(last, ++seq, entry);
    if (Status done = append_one(connection, seq, entry, last); !done) return done;
  }
  return {};
}

Result<std::vector<AuditLine>> read_audit(Connection& connection, std::int64_t before, std::size_t limit) {
  std::vector<AuditLine> out;
  Query query{connection, down_sql};
  query.bind(before != 0 ? before : std::numeric_limits<std::int64_t>::max()).bind(static_cast<std::int64_t>(limit));
  Result<bool> row = query.next();
  for (; row && *row; row = query.next()) out.push_back(line_of(query));
  if (!row) return fail_with(row);
  return out;
}

Result<bool> AuditWalk::go_on(Connection& connection) {
  Query query{connection, up_sql};
  query.bind(seq_).bind(lines_per_piece);
  std::int64_t lines = 0;
  Result<bool> row = query.next();
  for (; row && *row; row = query.next(), ++lines) {
    const AuditLine line = line_of(query);
    check_.add(line);
    seq_ = line.seq;
  }
  if (!row) return fail_with(row);
  return lines == lines_per_piece;
}

}  // namespace cardea::store::sqlite
